//! Takes margin out: freely when flat, down to initial margin at the worst price beside an open position.

use crate::errors::fail;
use crate::events::{self, CollateralWithdrawn, LedgerChange};
use crate::state::market::Touched;
use crate::state::{Market, Position};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::Sats;

/// Accounts of `withdraw_collateral`.
#[derive(Accounts)]
pub struct WithdrawCollateral<'info> {
    /// The owner.
    pub owner: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: a token account of the owner's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// CHECK: the market's price account, as `oracle::read` demands; needed with an open position.
    pub price: Option<UncheckedAccount<'info>>,
}

/// Handles `withdraw_collateral`.
///
/// # Errors
/// `WrongMarket`, `NotOwner`, `WrongVault`, those of the price, `AmountZero`, `MarginBelowAmount`, `PriceRequired`,
/// `MarginBelowInitial`.
pub fn withdraw_collateral(ctx: Context<WithdrawCollateral>, amount_sats: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let amount = Sats::new(amount_sats);
    let signer = {
        let mut market = accounts.market.load_mut()?;
        let mut position = accounts.position.load_mut()?;
        Market::ensure_owns(&key, &position)?;
        position.ensure_owner(accounts.owner.key)?;
        market.ensure_vault(accounts.vault.key)?;

        let mut touched = Touched { market: key, key: accounts.position.key(), position: &mut position };
        let touch = market.touch(&mut touched, accounts.price.as_deref(), PriceUse::Withdrawal)?;
        let before = market.state.ledger;
        market.state.withdraw_collateral(&mut position.state, amount, touch.marks.as_ref()).map_err(fail)?;
        let head = market.next_event(key);
        events::log(&CollateralWithdrawn {
            head,
            position: accounts.position.key(),
            amount_sats: amount,
            margin_sats: position.state.margin,
            ledger: LedgerChange::since(&before, &market.state.ledger)?,
        });
        MarketSigner::new(&accounts.market, &market)
    };
    token::pay_out(&signer, &accounts.vault, &accounts.destination, amount_sats)?;
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}
