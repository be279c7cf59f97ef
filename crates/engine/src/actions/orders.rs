//! Places, triggers and removes orders (design, section 10).

use super::increase::Opening;
use super::{skew_change, DecreaseSize};
use crate::budget::Trader;
use crate::errors::{ensure, Error, Result};
use crate::fees::trade_fee;
use crate::margin::is_liquidatable;
use crate::market::Market;
use crate::math::Rounding;
use crate::oracle::{Moment, Quote};
use crate::order::{due_time, Order, OrderKind, OrderRequest, OrderSize};
use crate::position::Position;
use crate::side::Direction;
use crate::units::{Confidence, Price, Sats};

/// How an order left without having been executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Taken back; its tip is free margin again.
    Cancelled,
    /// Void; its tip is free margin again, if it was not already.
    Voided,
    /// Expired; its tip is insurance's.
    Expired,
}

impl Market {
    /// Places an order of a settled position and reserves its tip: a market order waits for its fill at once, any other rests.
    ///
    /// # Errors
    /// `OrderTipOutOfBounds`, `OrderPending`, `AmountZero`, `NotWholeDollars`, `MarginBelowTip`, `DelegateBudgetExceeded`; for a market
    /// order that increases, those of margin, caps and pause; for one that reduces, `NoOpenPosition`, `OppositeDirection`; for one that
    /// rests, `OrderExpired`, `OrderWouldTrigger`; beside an open position, `MarginBelowMaintenance`.
    pub fn place_order(
        &mut self,
        position: &mut Position,
        request: &OrderRequest,
        trader: Trader,
        quote: &Quote,
        at: Moment,
    ) -> Result<Order> {
        let bounds = self.params.min_order_tip..=self.params.max_order_tip;
        ensure(bounds.contains(&request.tip), Error::OrderTipOutOfBounds)?;
        position.ensure_no_pending(&self.lifecycle)?;
        request.validate()?;
        ensure(position.free_margin()? >= request.tip, Error::MarginBelowTip)?;
        let mut order = request.order(position.next_order, self.lifecycle.epoch, trader);
        position.tips = position.tips.plus(order.tip)?;
        position.next_order = position.next_order.checked_add(1).ok_or(Error::Overflow)?;
        position.open_orders = position.open_orders.checked_add(1).ok_or(Error::Overflow)?;
        let now = self.prices.now(at.time);
        position.budget.spend(trader, order.tip, now)?;
        order.budgeted = order.tip;
        if request.kind == OrderKind::Market {
            self.arm(position, &mut order, quote, at)?;
        } else {
            if order.reduce_only == 0 {
                self.ensure_risk_allowed(at.time)?;
            }
            ensure(now <= order.expiry, Error::OrderExpired)?;
            ensure(!order.triggers_at(quote.price), Error::OrderWouldTrigger)?;
            order.due = due_time(&self.prices, at, &self.params)?;
        }
        self.ensure_safe(position, quote.price)?;
        Ok(order)
    }

    /// Turns a resting order, whose price has come, into a market order placed now.
    ///
    /// # Errors
    /// `OrderNotResting`, `OrderVoid`, `OrderExpired`, `OrderPending`, `TriggerNotReached`, and those of placing a market order.
    pub fn trigger_order(&mut self, position: &mut Position, order: &mut Order, quote: &Quote, at: Moment) -> Result<()> {
        ensure(!order.is_void(position, &self.lifecycle), Error::OrderVoid)?;
        ensure(!order.is_pending(), Error::OrderNotResting)?;
        position.ensure_no_pending(&self.lifecycle)?;
        ensure(self.prices.now(at.time) <= order.expiry, Error::OrderExpired)?;
        let published = self.prices.publish_time;
        ensure(published >= order.due && order.triggers_at(quote.price), Error::TriggerNotReached)?;
        self.arm(position, order, quote, at)
    }

    /// From now on the order waits for its fill. An increase must have initial margin, fee and tip for the size it would have, so that
    /// letting it fail is no free option.
    fn arm(&mut self, position: &mut Position, order: &mut Order, quote: &Quote, at: Moment) -> Result<()> {
        let direction = order.direction();
        match order.size() {
            OrderSize::Increase(notional) => {
                self.ensure_risk_allowed(at.time)?;
                let price = quote.fill(direction, true);
                let fee = self.ensure_openable(position, &Opening { direction, notional, price }, quote)?;
                if order.trader() == Trader::Delegate {
                    let cost = fill_cost(fee, notional.value_at(price, Rounding::Ceil)?, price, quote)?;
                    self.budget_for(position, order, cost, at)?;
                }
            }
            OrderSize::Reduce(size) => {
                ensure(position.ensure_open()? == direction, Error::OppositeDirection)?;
                if order.trader() == Trader::Delegate {
                    let cost = self.cost_to_close(position, direction, size, quote)?;
                    self.budget_for(position, order, cost, at)?;
                }
            }
        }
        order.pending = 1;
        order.placed_at = at.time;
        order.placed_slot = at.slot;
        order.due = due_time(&self.prices, at, &self.params)?;
        position.pending_order = order.id.checked_add(1).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// Spends a delegate's budget on what an order of his costs beyond what has been spent on it.
    pub(super) fn budget_for(&self, position: &mut Position, order: &mut Order, cost: Sats, at: Moment) -> Result<()> {
        let all = order.tip.plus(cost)?;
        let more = all.less_or_zero(order.budgeted);
        position.budget.spend(order.trader(), more, self.prices.now(at.time))?;
        order.budgeted = order.budgeted.plus(more)?;
        Ok(())
    }

    /// Fee and spread of reducing a position now.
    fn cost_to_close(&self, position: &Position, direction: Direction, size: DecreaseSize, quote: &Quote) -> Result<Sats> {
        let (own, other) = (self.side(direction).notional()?, self.side(direction.opposite()).notional()?);
        let held = position.notional(self.side(direction))?;
        let notional = match size {
            DecreaseSize::Part(notional) => notional.min(held),
            DecreaseSize::Whole => held,
        };
        let price = quote.fill(direction, false);
        let value = notional.value_at(price, Rounding::Ceil)?;
        let fee = trade_fee(&self.params, value, skew_change(own, own.minus(notional)?, other), price)?;
        fill_cost(fee, value, price, quote)
    }

    /// That reserving a tip has not made an open position liquidatable.
    fn ensure_safe(&self, position: &Position, price: Price) -> Result<()> {
        let Some(direction) = position.open_direction() else {
            return Ok(());
        };
        let liquidatable = is_liquidatable(&self.ratios_of(position), position, self.side(direction), price)?;
        ensure(!liquidatable, Error::MarginBelowMaintenance)
    }

    /// Takes a resting order back at its owner's wish, or a void one.
    ///
    /// # Errors
    /// `OrderNotResting`.
    pub fn cancel_order(&mut self, position: &mut Position, order: &Order) -> Result<Removal> {
        let void = order.is_void(position, &self.lifecycle);
        ensure(void || !order.is_pending(), Error::OrderNotResting)?;
        position.discharge(order)?;
        Ok(if void { Removal::Voided } else { Removal::Cancelled })
    }

    /// Removes an order that can do nothing any more. The tip of one that has expired goes to insurance: letting an order lapse is no
    /// free option.
    ///
    /// # Errors
    /// `OrderNotExpired`.
    pub fn expire_order(&mut self, position: &mut Position, order: &Order, at: Moment) -> Result<Removal> {
        if order.is_void(position, &self.lifecycle) {
            position.discharge(order)?;
            return Ok(Removal::Voided);
        }
        let now = self.prices.now(at.time);
        let expired = if order.is_pending() { order.has_lapsed(now)? } else { now > order.expiry };
        ensure(expired, Error::OrderNotExpired)?;
        let tip = position.discharge(order)?;
        self.debit_margin(position, tip)?;
        self.ledger.insurance = self.ledger.insurance.plus(tip)?;
        Ok(Removal::Expired)
    }
}

/// What a fill of this value costs: its fee, and the distance of its price from the quote's own, rounded up.
pub(super) fn fill_cost(fee: Sats, value: Sats, price: Price, quote: &Quote) -> Result<Sats> {
    let distance = Confidence::new(price.get().abs_diff(quote.price.get()));
    fee.plus(value.times(distance.ratio_to(quote.price)?, Rounding::Ceil)?)
}
