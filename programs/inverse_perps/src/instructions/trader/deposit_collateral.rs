//! Adds margin. Anyone may, to anyone's position; it needs no price and no settling.

use crate::errors::fail;
use crate::events::{self, CollateralDeposited, LedgerChange};
use crate::state::{Market, Position};
use crate::token;
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::units::Sats;

/// Accounts of `deposit_collateral`.
#[derive(Accounts)]
pub struct DepositCollateral<'info> {
    /// Pays.
    pub depositor: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the depositor's token account; SPL Token checks it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// Handles `deposit_collateral`.
///
/// # Errors
/// `WrongMarket`, `WrongVault`, `AmountZero`, SPL Token's.
pub fn deposit_collateral(ctx: Context<DepositCollateral>, amount_sats: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    Market::ensure_owns(&key, &position)?;
    market.ensure_vault(accounts.vault.key)?;

    let before = market.state.ledger;
    let amount = Sats::new(amount_sats);
    market.state.deposit_collateral(&mut position.state, amount).map_err(fail)?;
    token::pay_in(&accounts.source, &accounts.vault, &accounts.depositor, amount_sats)?;
    token::ensure_backed(&accounts.vault, &market.state.ledger)?;
    let head = market.next_event(key);
    events::log(&CollateralDeposited {
        head,
        position: accounts.position.key(),
        depositor: accounts.depositor.key(),
        amount_sats: amount,
        margin_sats: position.state.margin,
        ledger: LedgerChange::since(&before, &market.state.ledger)?,
    });
    Ok(())
}
