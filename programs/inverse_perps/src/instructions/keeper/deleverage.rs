//! Shrinks the winning sides, or begins to settle the market, where profit on paper has come too near to the pool.

use crate::errors::fail;
use crate::instructions::keeper::accrue_funding::BringPrice;
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;

/// Handles `deleverage`.
///
/// # Errors
/// Those of the price, `DeleverageNotDue`.
pub fn deleverage(ctx: Context<BringPrice>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    let before = market.state.ledger.total().map_err(fail)?;
    let (synced, _) = market.sync(ctx.accounts.market.key(), &ctx.accounts.price, PriceUse::Upkeep)?;
    synced.ensure_strained().map_err(fail)?;
    market.state.ledger.ensure_conserved(before).map_err(fail)
}
