//! Pauses what adds risk, and ends that. What lowers risk or takes money out is never paused.

use crate::errors::fail;
use crate::events::{self, Head, PauseConfirmed, RiskPaused, RiskResumed};
use crate::state::market::now;
use crate::state::{seeds, Exchange, Market};
use anchor_lang::prelude::*;
use std::cell::RefMut;

/// Accounts of `pause_risk`, `confirm_pause` and `resume_risk`.
#[derive(Accounts)]
pub struct PauseMarket<'info> {
    /// The admin; for `pause_risk` the guardian too.
    pub signer: Signer<'info>,
    /// The exchange.
    #[account(seeds = [seeds::EXCHANGE], bump = exchange.bump)]
    pub exchange: Box<Account<'info, Exchange>>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

impl PauseMarket<'_> {
    /// The market, for the admin.
    fn of_admin(&self) -> Result<RefMut<'_, Market>> {
        self.exchange.ensure_admin(self.signer.key)?;
        self.market.load_mut()
    }

    fn head(&self, market: &mut Market) -> Head {
        market.next_event(self.market.key())
    }
}

/// Handles `pause_risk`.
///
/// # Errors
/// `NotGuardian`, `RiskAlreadyPaused`, `PauseTooSoon`.
pub fn pause_risk(ctx: Context<PauseMarket>) -> Result<()> {
    let accounts = &ctx.accounts;
    accounts.exchange.ensure_guardian(accounts.signer.key)?;
    let mut market = accounts.market.load_mut()?;
    market.state.pause_risk(now()?.time).map_err(fail)?;
    let head = accounts.head(&mut market);
    events::log(&RiskPaused { head, by: accounts.signer.key(), until: market.state.risk_paused_until.get() });
    Ok(())
}

/// Handles `confirm_pause`.
///
/// # Errors
/// `NotAdmin`, `RiskAlreadyPaused`.
pub fn confirm_pause(ctx: Context<PauseMarket>) -> Result<()> {
    let mut market = ctx.accounts.of_admin()?;
    market.state.confirm_pause().map_err(fail)?;
    let head = ctx.accounts.head(&mut market);
    events::log(&PauseConfirmed { head, admin: ctx.accounts.signer.key() });
    Ok(())
}

/// Handles `resume_risk`.
///
/// # Errors
/// `NotAdmin`, `RiskNotPaused`.
pub fn resume_risk(ctx: Context<PauseMarket>) -> Result<()> {
    let mut market = ctx.accounts.of_admin()?;
    market.state.resume_risk().map_err(fail)?;
    let head = ctx.accounts.head(&mut market);
    events::log(&RiskResumed { head, admin: ctx.accounts.signer.key() });
    Ok(())
}
