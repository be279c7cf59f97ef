//! Turns a resting order whose price has come into a market order placed now. Anyone may, for half of its tip.

use crate::errors::fail;
use crate::events::{self, OrderTriggered};
use crate::state::{Market, Order, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of `trigger_order`.
#[derive(Accounts)]
pub struct TriggerOrder<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// The order.
    #[account(mut)]
    pub order: AccountLoader<'info, Order>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
    /// CHECK: the token account that will be paid when the order leaves; one that cannot be paid then loses its half to insurance.
    pub destination: UncheckedAccount<'info>,
}

/// Handles `trigger_order`.
///
/// # Errors
/// `WrongMarket`, `WrongOrder`, those of the price and of the engine's triggering.
pub fn trigger_order(ctx: Context<TriggerOrder>) -> Result<()> {
    let accounts = &ctx.accounts;
    let (key, position_key) = (accounts.market.key(), accounts.position.key());
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    let mut order = accounts.order.load_mut()?;
    order.ensure_of(&key, &position_key, &position)?;

    let (quote, moment) = market.glance(key, &accounts.price, PriceUse::Upkeep)?;
    market.settle(key, position_key, &mut position)?;
    market.state.trigger_order(&mut position.state, &mut order.state, &quote, moment).map_err(fail)?;
    order.triggered_by = accounts.destination.key();
    let head = market.next_event(key);
    events::log(&OrderTriggered {
        head,
        position: position_key,
        order: accounts.order.key(),
        triggered_by: order.triggered_by,
        price_e8: quote.price,
        due: order.state.due.get(),
    });
    Ok(())
}
