//! Takes in a price: accrues funding and borrow fee, deleverages or begins to settle where that is due. A usable price also cancels
//! a declaration that the oracle is dead.

use crate::state::Market;
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of whatever brings a price to a market and needs nothing else.
#[derive(Accounts)]
pub struct BringPrice<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
}

/// Handles `accrue_funding`.
///
/// # Errors
/// Those of the price.
pub fn accrue_funding(ctx: Context<BringPrice>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    market.sync(ctx.accounts.market.key(), &ctx.accounts.price, PriceUse::Upkeep)?;
    Ok(())
}
