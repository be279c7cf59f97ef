//! Burns queued shares and pays their part of the pool.

use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, WithdrawalCompleted};
use crate::state::market::now;
use crate::state::{Market, Withdrawal};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::oracle::{Moment, PriceUse};
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;

/// Accounts of `complete_withdrawal`.
#[derive(Accounts)]
pub struct CompleteWithdrawal<'info> {
    /// Who asked for it.
    pub owner: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The withdrawal.
    #[account(mut, close = payer)]
    pub withdrawal: AccountLoader<'info, Withdrawal>,
    /// CHECK: who paid its rent.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the market's escrow.
    #[account(mut)]
    pub lp_escrow: UncheckedAccount<'info>,
    /// CHECK: the market's LP mint.
    #[account(mut)]
    pub lp_mint: UncheckedAccount<'info>,
    /// CHECK: a token account of the owner's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// CHECK: the market's price account, as `oracle::read` demands; needed while the market trades.
    pub price: Option<UncheckedAccount<'info>>,
}

impl CompleteWithdrawal<'_> {
    fn validate(&self, market: &Market, withdrawal: &Withdrawal) -> Result<()> {
        withdrawal.ensure_owner(self.owner.key)?;
        withdrawal.ensure_leaves(self.market.as_ref().key, market, self.lp_escrow.key, self.payer.key)?;
        market.ensure_vault(self.vault.key)?;
        require!(market.lp_mint == self.lp_mint.key(), PerpError::WrongLpMint);
        Ok(())
    }

    /// A closed market has no price.
    fn sync_if_trading(&self, market: &mut Market) -> Result<(Option<Marks>, Moment)> {
        if market.state.status() != Status::Active {
            return Ok((None, now()?));
        }
        let price = self.price.as_ref().ok_or(PerpError::PriceRequired)?;
        let (marks, moment) = market.sync_to_trade(self.market.key(), price, PriceUse::Liquidity)?;
        Ok((Some(marks), moment))
    }
}

/// Handles `complete_withdrawal`.
///
/// # Errors
/// `NotOwner`, `WrongMarket`, `WrongLpEscrow`, `WrongRentRecipient`, `WrongVault`, `WrongLpMint`, those of the price and of the
/// engine's withdrawal, SPL Token's.
pub fn complete_withdrawal(ctx: Context<CompleteWithdrawal>, min_sats: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let (signer, shares, payout) = {
        let mut market = accounts.market.load_mut()?;
        let withdrawal = accounts.withdrawal.load()?;
        accounts.validate(&market, &withdrawal)?;
        let (marks, moment) = accounts.sync_if_trading(&mut market)?;
        let before = market.state.ledger;
        let least = Sats::new(min_sats);
        let payout = market.state.complete_withdrawal(&withdrawal.state, least, marks.as_ref(), moment).map_err(fail)?;
        let head = market.next_event(key);
        events::log(&WithdrawalCompleted {
            head,
            withdrawal: accounts.withdrawal.key(),
            owner: withdrawal.owner,
            shares: withdrawal.state.shares,
            amount_sats: payout,
            shares_after: market.state.pool_shares,
            queued_shares_after: market.state.queued_shares,
            ledger: LedgerChange::since(&before, &market.state.ledger)?,
        });
        (MarketSigner::new(&accounts.market, &market), withdrawal.state.shares, payout.get())
    };
    token::burn_shares(&signer, &accounts.lp_escrow, &accounts.lp_mint, shares)?;
    token::pay_out(&signer, &accounts.vault, &accounts.destination, payout)?;
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}
