//! Executes an order at the first price that nobody could know when it was placed (design, section 10). There is no other way to fill one.

use super::increase::{ensure_within_limit, Backing, Opening};
use super::{DecreaseSize, Filled};
use crate::budget::Trader;
use crate::errors::{ensure, Error, Result};
use crate::fees::FeeSplit;
use crate::ledger::transfer;
use crate::market::{Market, Marks};
use crate::math::Rounding;
use crate::oracle::{Moment, Quote};
use crate::order::{FillUpdate, Order, OrderKind, OrderSize, LEAST_SLOTS, PROMPT, RESTS};
use crate::position::Position;
use crate::side::Direction;
use crate::units::{Notional, Sats};

/// What executing an order came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionOutcome {
    /// It was filled.
    Filled(Filled),
    /// A triggered order has missed its bound and rests again.
    Rests,
    /// It failed for its owner's reasons, and is gone; the taker fee was charged.
    Failed(Error, FeeSplit),
    /// It failed for the market's reasons, and is gone; nothing but the tip was taken.
    Blocked(Error),
}

/// What became of the tip, in satoshi: the first two leave the ledger, and the caller must pay them out of the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TipShares {
    /// For who has executed the order.
    pub filler: Sats,
    /// For who has triggered it.
    pub triggerer: Sats,
    /// To insurance, where who has triggered it cannot be paid.
    pub forfeited: Sats,
}

/// Whom the half of the tip for triggering belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggerer {
    /// Nobody has: who executes gets all of it.
    Nobody,
    /// Somebody whose token account can be paid.
    Payable,
    /// Somebody whose token account cannot be paid: it must not block the fill.
    Unpayable,
}

/// What an order is executed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The update that sets the fill price.
    pub update: FillUpdate,
    /// The synced market; none where the sync has just begun to settle it.
    pub marks: Option<Marks>,
}

/// Whose fault a failure is.
enum Blame {
    Owner,
    Market,
}

impl Market {
    /// Executes an order of a settled position; `end_order` pays for it afterwards, whatever came of it.
    ///
    /// # Errors
    /// `OrderVoid`, `OrderNotPending`, `OrderTooYoung`, `OrderExpired`, `PriceBeforeOrder`, `NotFirstUpdate`, those of the update.
    pub fn execute_order(
        &mut self,
        position: &mut Position,
        order: &mut Order,
        execution: &Execution,
        at: Moment,
    ) -> Result<ExecutionOutcome> {
        ensure(order.is_pending(), Error::OrderNotPending)?;
        ensure(order.id >= position.void_orders_below && order.epoch == self.lifecycle.epoch, Error::OrderVoid)?;
        ensure(at.slot >= order.placed_slot.checked_add(LEAST_SLOTS).ok_or(Error::Overflow)?, Error::OrderTooYoung)?;
        ensure(!order.has_lapsed(self.prices.now(at.time))?, Error::OrderExpired)?;
        ensure(self.prices.publish_time >= order.due, Error::PriceBeforeOrder)?;
        match &execution.marks {
            Some(marks) => self.attempt(position, order, &execution.update, marks, at),
            None => Ok(ExecutionOutcome::Blocked(Error::MarketSettling)),
        }
    }

    /// Takes an executed order out of its position, or lets it rest again, and its tip out of the ledger: whoever executes is paid, so
    /// that a blocked order is gone at once. Errors: `Overflow`.
    pub fn end_order(
        &mut self,
        position: &mut Position,
        order: &mut Order,
        outcome: &ExecutionOutcome,
        triggerer: Triggerer,
        at: Moment,
    ) -> Result<TipShares> {
        let rests = *outcome == ExecutionOutcome::Rests;
        let tip = if rests { self.rest(position, order, at)? } else { position.discharge(order)? };
        self.debit_margin(position, tip)?;
        self.share_tip(tip, triggerer)
    }

    /// Tries to fill. A failure leaves market and position as they were, but for the fee of an owner's own failure.
    #[inline(always)]
    fn attempt(
        &mut self,
        position: &mut Position,
        order: &mut Order,
        fill: &FillUpdate,
        marks: &Marks,
        at: Moment,
    ) -> Result<ExecutionOutcome> {
        let quote = self.fill_quote(order, fill, &marks.quote, at)?;
        let before = (*self, *position, *order);
        let error = match self.fill(position, order, &quote, marks, at) {
            Ok(filled) => return Ok(ExecutionOutcome::Filled(filled)),
            Err(error) => error,
        };
        (*self, *position, *order) = before;
        if error == Error::SlippageExceeded && order.kind() != OrderKind::Market {
            return Ok(ExecutionOutcome::Rests);
        }
        match blame(error) {
            Some(Blame::Market) => Ok(ExecutionOutcome::Blocked(error)),
            Some(Blame::Owner) => Ok(ExecutionOutcome::Failed(error, self.charge_failure(position, order, &quote)?)),
            None => Err(error),
        }
    }

    /// Bid and ask of the update; filled late, the worse of those and the present ones, so that waiting wins nothing. The present price
    /// must be fresh then: whoever fills late must not choose it among those of the last seconds.
    fn fill_quote(&self, order: &Order, fill: &FillUpdate, current: &Quote, at: Moment) -> Result<Quote> {
        let now = self.prices.now(at.time);
        fill.ensure_serves(order.due, now)?;
        let quote = Quote::of_fill(&fill.update, at, &self.params)?;
        if now <= order.due.after(PROMPT)? {
            return Ok(quote);
        }
        ensure(now <= self.prices.publish_time.after(self.params.fresh_age)?, Error::PriceTooOld)?;
        Ok(quote.worse(current))
    }

    fn fill(&mut self, position: &mut Position, order: &mut Order, quote: &Quote, marks: &Marks, at: Moment) -> Result<Filled> {
        // What is found out about the clock later must not have let anyone order at a price he knew.
        let known = order.placed_at.after(self.prices.lag(at.time)?)?;
        ensure(order.due > known, Error::ClockLagFound)?;
        let direction = order.direction();
        let price = quote.fill(direction, order.reduce_only == 0);
        let buyer = if order.buys() { Direction::Long } else { Direction::Short };
        ensure_within_limit(buyer, price, order.limit)?;
        let filled = match order.size() {
            OrderSize::Increase(notional) => {
                self.ensure_risk_allowed(at.time)?;
                let worst = quote.worse(&marks.quote).fill(direction, false);
                self.open_at(position, &Opening { direction, notional, price }, marks, Backing::Filling(worst))?
            }
            OrderSize::Reduce(size) => {
                ensure(position.ensure_open()? == direction, Error::OppositeDirection)?;
                let size = self.reduction(position, size)?;
                self.close_at(position, size, price, marks)?
            }
        };
        // The order of a delegate who has been dismissed since is its owner's alone.
        if order.trader() == Trader::Delegate && order.id >= position.budget.void_orders_below {
            self.budget_for(position, order, filled.cost(quote)?, at)?;
        }
        Ok(filled)
    }

    /// An order to reduce by as much as there is, or by so much that less than `min_notional` would be left, closes the position.
    fn reduction(&self, position: &Position, size: DecreaseSize) -> Result<DecreaseSize> {
        let DecreaseSize::Part(notional) = size else {
            return Ok(size);
        };
        let held = position.notional(self.side(position.ensure_open()?))?;
        let least = notional.plus(self.params.min_notional)?;
        Ok(if held < least { DecreaseSize::Whole } else { size })
    }

    /// The taker fee of what was asked for, as far as the margin reaches, and what of the budget was set aside for a delegate's order.
    fn charge_failure(&mut self, position: &mut Position, order: &Order, quote: &Quote) -> Result<FeeSplit> {
        let notional = match (order.size(), position.open_direction()) {
            (OrderSize::Increase(notional) | OrderSize::Reduce(DecreaseSize::Part(notional)), _) => notional,
            (OrderSize::Reduce(DecreaseSize::Whole), Some(direction)) => position.notional(self.side(direction))?,
            (OrderSize::Reduce(DecreaseSize::Whole), None) => Notional::ZERO,
        };
        let value = notional.value_at(quote.price, Rounding::Ceil)?;
        let fee = value.times(self.params.taker_fee.to_ppb(), Rounding::Ceil)?;
        let most = match order.by_delegate {
            0 => position.free_margin()?,
            _ => position.free_margin()?.min(order.budgeted.less_or_zero(order.tip)),
        };
        self.charge(position, fee.min(most))
    }

    /// A triggered order that has missed its bound rests again for a while. Half of its tip, rounded up, pays for the try: so trying is
    /// always worth it to somebody, and however often it is tried, its owner pays no more than the tip.
    fn rest(&self, position: &mut Position, order: &mut Order, at: Moment) -> Result<Sats> {
        let paid = order.tip.minus(Sats::new(order.tip.get() >> 1))?;
        order.tip = order.tip.minus(paid)?;
        order.budgeted = order.budgeted.less_or_zero(paid);
        order.pending = 0;
        order.due = self.prices.now(at.time).after(RESTS)?;
        position.pending_order = 0;
        position.tips = position.tips.minus(paid)?;
        Ok(paid)
    }

    /// Half for who has triggered it, rounded down, the rest for who has executed it.
    fn share_tip(&mut self, tip: Sats, triggerer: Triggerer) -> Result<TipShares> {
        let half = Sats::new(tip.get() >> 1);
        let mut shares = TipShares { filler: tip, ..TipShares::default() };
        match triggerer {
            Triggerer::Nobody => {}
            Triggerer::Payable => transfer(&mut shares.filler, &mut shares.triggerer, half)?,
            Triggerer::Unpayable => {
                transfer(&mut shares.filler, &mut shares.forfeited, half)?;
                self.ledger.insurance = self.ledger.insurance.plus(half)?;
            }
        }
        Ok(shares)
    }
}

/// Whose reasons an order failed for; none for what is neither's, and fails the transaction.
fn blame(error: Error) -> Option<Blame> {
    match error {
        Error::SlippageExceeded
        | Error::ClaimUnredeemed
        | Error::OppositeDirection
        | Error::NoOpenPosition
        | Error::BelowMinNotional
        | Error::MarginBelowFee
        | Error::MarginBelowFilling
        | Error::DelegateBudgetExceeded => Some(Blame::Owner),
        Error::RiskPaused
        | Error::PositionCapExceeded
        | Error::SideCapExceeded
        | Error::ReserveExceeded
        | Error::PoolExhausted
        | Error::ClockLagFound => Some(Blame::Market),
        _ => None,
    }
}
