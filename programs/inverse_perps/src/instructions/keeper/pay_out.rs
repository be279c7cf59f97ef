//! Pays a position of a closed market out to its owner's associated token account and closes it. Anyone may.

use super::settle_position::redeem;
use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, PositionPaidOut};
use crate::state::market::Touched;
use crate::state::{Market, Position, Settlement};
use crate::token::{self, Associated, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::associated_token::AssociatedToken;
use anchor_spl::token::Token;
use inverse_perps_engine::settlement::Status;

/// Accounts of `pay_out`.
#[derive(Accounts)]
pub struct PayOut<'info> {
    /// Pays for the owner's token account if it is missing.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut, close = owner)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: its owner; gets the rent.
    #[account(mut)]
    pub owner: UncheckedAccount<'info>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the owner's associated token account.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: the market's mint.
    pub mint: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// Makes the owner's token account.
    pub associated_token_program: Program<'info, AssociatedToken>,
    /// The system program.
    pub system_program: Program<'info, System>,
    /// The settlement that the position has a claim on.
    #[account(mut)]
    pub settlement: Option<AccountLoader<'info, Settlement>>,
}

impl PayOut<'_> {
    fn validate(&self, market: &Market, position: &Position) -> Result<()> {
        Market::ensure_owns(self.market.as_ref().key, position)?;
        position.ensure_owner(self.owner.key)?;
        market.ensure_vault(self.vault.key)?;
        require!(market.mint == self.mint.key(), PerpError::WrongAssociatedAccount);
        require!(market.state.status() == Status::Closed, PerpError::MarketNotClosed);
        Ok(())
    }
}

/// Handles `pay_out`.
///
/// # Errors
/// `WrongMarket`, `NotOwner`, `WrongVault`, `MarketNotClosed`, `WrongAssociatedAccount`, `WrongRecipient`, `ClaimUnredeemed`,
/// `PositionNotEmpty`.
pub fn pay_out(ctx: Context<PayOut>) -> Result<()> {
    let accounts = &ctx.accounts;
    let (market_key, key) = (accounts.market.key(), accounts.position.key());
    let (signer, amount) = {
        let mut market = accounts.market.load_mut()?;
        let mut position = accounts.position.load_mut()?;
        accounts.validate(&market, &position)?;
        let mut touched = Touched { market: market_key, key, position: &mut position };
        redeem(&mut market, &mut touched, accounts.settlement.as_ref())?;

        let before = market.state.ledger;
        let amount = position.state.margin;
        if !amount.is_zero() {
            market.state.withdraw_collateral(&mut position.state, amount, None).map_err(fail)?;
        }
        require!(position.is_empty(), PerpError::PositionNotEmpty);
        let head = market.next_event(market_key);
        events::log(&PositionPaidOut {
            head,
            position: key,
            owner: position.owner,
            destination: accounts.destination.key(),
            amount_sats: amount,
            ledger: LedgerChange::since(&before, &market.state.ledger)?,
        });
        (MarketSigner::new(&accounts.market, &market), amount.get())
    };
    if amount > 0 {
        let associated = Associated {
            payer: &accounts.payer,
            account: &accounts.destination,
            owner: &accounts.owner,
            mint: &accounts.mint,
            token_program: &accounts.token_program,
            system_program: &accounts.system_program,
        };
        associated.ensure()?;
        token::pay_out(&signer, &accounts.vault, &accounts.destination, amount)?;
    }
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}
