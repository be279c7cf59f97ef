//! Writes to a position what the side's indices have done to it.

use crate::errors::fail;
use crate::state::{Market, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of `settle_position`.
#[derive(Accounts)]
pub struct SettlePosition<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
}

/// Handles `settle_position`.
///
/// # Errors
/// `WrongMarket`, those of the price.
pub fn settle_position(ctx: Context<SettlePosition>) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    Market::ensure_owns(&key, &position)?;

    let before = market.state.ledger.total().map_err(fail)?;
    market.sync(key, &accounts.price, PriceUse::Upkeep)?;
    market.settle(key, accounts.position.key(), &mut position)?;
    market.state.ledger.ensure_conserved(before).map_err(fail)
}
