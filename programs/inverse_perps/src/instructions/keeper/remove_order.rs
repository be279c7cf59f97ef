//! Removes an order that was not executed: its trader takes a resting or void one back, anyone one that is void or has expired.

use crate::errors::fail;
use crate::events::{self, LedgerChange, OrderRemoved};
use crate::state::market::now;
use crate::state::{Market, Order, Position};
use anchor_lang::prelude::*;

/// Accounts of `cancel_order` and `expire_order`.
#[derive(Accounts)]
pub struct RemoveOrder<'info> {
    /// The owner or the delegate to cancel, anybody to expire.
    pub caller: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// The order.
    #[account(mut, close = payer)]
    pub order: AccountLoader<'info, Order>,
    /// CHECK: who paid its rent.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

/// Handles `cancel_order`.
///
/// # Errors
/// `WrongMarket`, `WrongOrder`, `WrongRentRecipient`, `NotTrader`, `OrderNotResting`.
pub fn cancel_order(ctx: Context<RemoveOrder>) -> Result<()> {
    ctx.accounts.position.load()?.trader(ctx.accounts.caller.key)?;
    ctx.accounts.remove(false)
}

/// Handles `expire_order`.
///
/// # Errors
/// `WrongMarket`, `WrongOrder`, `WrongRentRecipient`, `OrderNotExpired`.
pub fn expire_order(ctx: Context<RemoveOrder>) -> Result<()> {
    ctx.accounts.remove(true)
}

impl RemoveOrder<'_> {
    fn remove(&self, expired: bool) -> Result<()> {
        let (key, position_key) = (self.market.key(), self.position.key());
        let mut market = self.market.load_mut()?;
        let mut position = self.position.load_mut()?;
        let order = self.order.load()?;
        order.ensure_of(&key, &position_key, &position)?;
        order.ensure_payer(self.payer.key)?;
        let before = market.state.ledger;
        let removal = if expired {
            market.state.expire_order(&mut position.state, &order.state, now()?)
        } else {
            market.state.cancel_order(&mut position.state, &order.state)
        }
        .map_err(fail)?;
        market.state.ledger.ensure_conserved(before.total().map_err(fail)?).map_err(fail)?;
        let head = market.next_event(key);
        let ledger = LedgerChange::since(&before, &market.state.ledger)?;
        events::log(&OrderRemoved::new(head, position_key, self.order.key(), removal, ledger));
        Ok(())
    }
}
