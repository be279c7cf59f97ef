//! Takes in a price and accrues funding and borrow fee.

use crate::state::Market;
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of `accrue_funding`.
#[derive(Accounts)]
pub struct AccrueFunding<'info> {
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
pub fn accrue_funding(ctx: Context<AccrueFunding>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    market.sync(ctx.accounts.market.key(), &ctx.accounts.price, PriceUse::Upkeep)?;
    Ok(())
}
