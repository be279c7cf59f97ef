//! Gives to a market's insurance fund.

use crate::errors::{fail, PerpError};
use crate::events::{self, InsuranceFunded, LedgerChange};
use crate::state::Market;
use crate::token;
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::units::Sats;

/// Accounts of `fund_insurance`.
#[derive(Accounts)]
pub struct FundInsurance<'info> {
    /// Pays.
    pub donor: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the donor's token account; SPL Token checks it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// Handles `fund_insurance`.
///
/// # Errors
/// `WrongVault`, `AmountZero`, SPL Token's.
pub fn fund_insurance(ctx: Context<FundInsurance>, amount_sats: u64) -> Result<()> {
    require!(amount_sats > 0, PerpError::AmountZero);
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    market.ensure_vault(accounts.vault.key)?;

    let before = market.state.ledger;
    let amount = Sats::new(amount_sats);
    market.state.fund_insurance(amount).map_err(fail)?;
    token::pay_in(&accounts.source, &accounts.vault, &accounts.donor, amount_sats)?;
    token::ensure_backed(&accounts.vault, &market.state.ledger)?;
    let head = market.next_event(key);
    events::log(&InsuranceFunded {
        head,
        donor: accounts.donor.key(),
        amount_sats: amount,
        ledger: LedgerChange::since(&before, &market.state.ledger)?,
    });
    Ok(())
}
