//! Opens or enlarges a position.

use super::{skew_change, Filled};
use crate::errors::{ensure, Error, Result};
use crate::fees::trade_fee;
use crate::margin::{ensure_filling, ensure_initial};
use crate::market::{Fills, Market, Marks, Shortfall};
use crate::math::Rounding;
use crate::oracle::{Moment, Quote};
use crate::pnl::Valuation;
use crate::position::Position;
use crate::reserve::{ensure_reserve, requirement, unqueued};
use crate::side::{Direction, Side};
use crate::units::{Basis, Notional, Price, Sats, Shares, SignedSats, Value, MAX_VALUE};

/// What a trader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increase {
    /// Long or short.
    pub direction: Direction,
    /// By how much: whole dollars.
    pub notional: Notional,
    /// The worst acceptable price: a long's highest, a short's lowest.
    pub limit: Price,
}

/// How well a position must be backed after an increase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Backing {
    /// By initial margin at the mark.
    Initial,
    /// At this price by three quarters of initial margin, and by maintenance margin.
    Filling(Price),
}

/// An increase at a price that is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub direction: Direction,
    pub notional: Notional,
    pub price: Price,
}

impl Market {
    /// Increases a settled position at once: fill, fee, then margin, caps and reserve as they are afterwards.
    ///
    /// # Errors
    /// `OrdersOnly`, `OrderPending`, `RiskPaused`, `ClaimUnredeemed`, `AmountZero`, `NotWholeDollars`, `OppositeDirection`, `SlippageExceeded`,
    /// `MarginBelowFee`, `BelowMinNotional`, `PositionCapExceeded`, `SideCapExceeded`, `MarginBelowInitial`, `ReserveExceeded`,
    /// `Overflow`.
    pub fn increase(&mut self, position: &mut Position, order: &Increase, marks: &Marks, at: Moment) -> Result<Filled> {
        self.ensure_instant(position)?;
        self.ensure_risk_allowed(at.time)?;
        let direction = order.direction;
        ensure(!order.notional.is_zero(), Error::AmountZero)?;
        ensure(order.notional.is_whole_dollars(), Error::NotWholeDollars)?;
        let price = marks.quote.fill(direction, true);
        ensure_within_limit(direction, price, order.limit)?;
        let opening = Opening { direction, notional: order.notional, price };
        let filled = self.open_at(position, &opening, marks, Backing::Initial)?;
        position.last_increase = self.prices.now(at.time);
        Ok(filled)
    }

    /// That trades of this position may fill at once.
    pub(super) fn ensure_instant(&self, position: &Position) -> Result<()> {
        ensure(self.fills() == Fills::Instant, Error::OrdersOnly)?;
        position.ensure_no_pending(&self.lifecycle)
    }

    /// Opens or enlarges a settled position at a given price; everything else is judged at the marks.
    pub(super) fn open_at(
        &mut self,
        position: &mut Position,
        opening: &Opening,
        marks: &Marks,
        backing: Backing,
    ) -> Result<Filled> {
        let Opening { direction, notional, price } = *opening;
        ensure_can_open(position, direction)?;
        let (shares, value) = add(position, self.side_mut(direction), opening)?;

        let mut after = *marks;
        after.set_side(self.side(direction).figures(direction, marks.quote.price)?);
        let (own, before, other) = match direction {
            Direction::Long => (&after.long, marks.long.notional, marks.short.notional),
            Direction::Short => (&after.short, marks.short.notional, marks.long.notional),
        };
        let fee = trade_fee(&self.params, value.ceil, skew_change(before, own.notional, other), price)?;
        ensure(position.free_margin()? >= fee, Error::MarginBelowFee)?;
        let fee = self.charge(position, fee)?;

        ensure(own.value.ceil <= MAX_VALUE && own.entry_value <= MAX_VALUE.signed()?.get(), Error::SideCapExceeded)?;
        let judged_at = match backing {
            Backing::Initial => marks.quote.price,
            Backing::Filling(worst) => worst,
        };
        let scale = self.side(direction).scale;
        let valuation = Valuation::of(direction, position.shares, position.basis, scale, judged_at)?;
        let size = valuation.exposure.notional(Rounding::Ceil)?;
        self.ensure_sizes(size, own.notional)?;
        position.margin_epoch = self.margin_epoch; // whoever adds risk is held to the present ratios
        match backing {
            Backing::Initial => ensure_initial(&self.params.margin_ratios(), position, &valuation, size)?,
            Backing::Filling(_) => ensure_filling(&self.params.margin_ratios(), position, &valuation, size)?,
        }
        let needed = requirement(&self.params, &after.long, &after.short, marks.quote.price)?;
        ensure_reserve(&self.params, needed, unqueued(self.free_pool()?, self.queued_shares, self.pool_shares)?)?;
        let value = value.rounded(direction.entry_rounding());
        Ok(Filled { price, shares, notional, value, pnl: SignedSats::ZERO, fee, shortfall: Shortfall::default() })
    }

    /// That a settled position could be opened or enlarged so, with initial margin left after its fee at the quote's price; only the
    /// reserve is not judged. Returns the fee.
    pub(super) fn ensure_openable(&self, position: &Position, opening: &Opening, quote: &Quote) -> Result<Sats> {
        let Opening { direction, notional, price } = *opening;
        ensure_can_open(position, direction)?;
        let (before, other) = (self.side(direction).notional()?, self.side(direction.opposite()).notional()?);
        let (mut position, mut side) = (*position, *self.side(direction));
        let (_, value) = add(&mut position, &mut side, opening)?;
        let own = before.plus(notional)?;
        let fee = trade_fee(&self.params, value.ceil, skew_change(before, own, other), price)?;
        ensure(position.free_margin()? >= fee, Error::MarginBelowFee)?;
        position.margin = position.margin.minus(fee)?;
        let valuation = Valuation::of(direction, position.shares, position.basis, side.scale, quote.price)?;
        let size = valuation.exposure.notional(Rounding::Ceil)?;
        self.ensure_sizes(size, own)?;
        ensure_initial(&self.params.margin_ratios(), &position, &valuation, size)?;
        Ok(fee)
    }

    /// That a position and its side are within their bounds.
    fn ensure_sizes(&self, position: Notional, side: Notional) -> Result<()> {
        ensure(position >= self.params.min_notional, Error::BelowMinNotional)?;
        ensure(position <= self.params.max_position_notional, Error::PositionCapExceeded)?;
        ensure(side <= self.params.max_side_notional, Error::SideCapExceeded)
    }
}

/// That there is neither a claim nor a position in the other direction.
fn ensure_can_open(position: &Position, direction: Direction) -> Result<()> {
    position.ensure_no_claim()?;
    ensure(position.open_direction().is_none_or(|open| open == direction), Error::OppositeDirection)
}

/// `ds = floor(dN * 1e18 / A)`; `v = ds * A / (1e8 * P)` and `dbasis = v * 1e18 / A`, both long floor, short ceiling.
fn add(position: &mut Position, side: &mut Side, opening: &Opening) -> Result<(Shares, Value)> {
    let Opening { direction, notional, price } = *opening;
    let shares = Shares::of(notional, side.scale, Rounding::Floor)?;
    let value = shares.at(side.scale)?.value(price)?;
    let entry_value = value.rounded(direction.entry_rounding());
    ensure(!shares.is_zero() && !entry_value.is_zero(), Error::BelowMinNotional)?;
    let basis = Basis::of(entry_value, side.scale, direction.entry_rounding())?;
    if position.shares.is_zero() {
        position.open(direction, side);
        side.margin = side.margin.plus(position.margin)?;
        side.positions = side.positions.checked_add(1).ok_or(Error::Overflow)?;
    }
    position.shares = position.shares.plus(shares)?;
    position.basis = position.basis.plus(basis)?;
    side.shares = side.shares.plus(shares)?;
    side.basis = side.basis.plus(basis)?;
    Ok((shares, value))
}

/// That a fill is no worse than asked: a buyer's limit is the highest price, a seller's the lowest.
pub(super) fn ensure_within_limit(buys_if_long: Direction, price: Price, limit: Price) -> Result<()> {
    let good = match buys_if_long {
        Direction::Long => price <= limit,
        Direction::Short => price >= limit,
    };
    ensure(good, Error::SlippageExceeded)
}
