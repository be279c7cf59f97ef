//! Opens or enlarges a position.

use super::{skew_change, Filled};
use crate::errors::{ensure, Error, Result};
use crate::fees::trade_fee;
use crate::margin::ensure_initial;
use crate::market::{Market, Marks, Shortfall};
use crate::math::Rounding;
use crate::oracle::Moment;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::reserve::{ensure_reserve, requirement, unqueued};
use crate::side::Direction;
use crate::units::{Basis, Notional, Price, Shares, SignedSats, Value, MAX_VALUE};

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

impl Market {
    /// Increases a settled position: fill, fee, then margin, caps and reserve as they are afterwards.
    ///
    /// # Errors
    /// `RiskPaused`, `ClaimUnredeemed`, `AmountZero`, `NotWholeDollars`, `OppositeDirection`, `SlippageExceeded`, `MarginBelowFee`,
    /// `BelowMinNotional`, `PositionCapExceeded`, `SideCapExceeded`, `MarginBelowInitial`, `ReserveExceeded`, `Overflow`.
    pub fn increase(&mut self, position: &mut Position, order: &Increase, marks: &Marks, at: Moment) -> Result<Filled> {
        self.ensure_risk_allowed(at.time)?;
        let direction = order.direction;
        position.ensure_no_claim()?;
        ensure(!order.notional.is_zero(), Error::AmountZero)?;
        ensure(order.notional.is_whole_dollars(), Error::NotWholeDollars)?;
        ensure(position.open_direction().is_none_or(|open| open == direction), Error::OppositeDirection)?;
        let price = marks.quote.fill(direction, true);
        ensure_within_limit(direction, price, order.limit)?;
        let (shares, value) = self.add(position, direction, order.notional, price)?;

        let mut after = *marks;
        after.set_side(self.side(direction).figures(direction, marks.quote.price)?);
        let (own, before, other) = match direction {
            Direction::Long => (&after.long, marks.long.notional, marks.short.notional),
            Direction::Short => (&after.short, marks.short.notional, marks.long.notional),
        };
        let fee = trade_fee(&self.params, value.ceil, skew_change(before, own.notional, other), price)?;
        ensure(position.free_margin()? >= fee, Error::MarginBelowFee)?;
        let fee = self.charge(position, fee)?;

        let scale = self.side(direction).scale;
        let valuation = Valuation::of(direction, position.shares, position.basis, scale, marks.quote.price)?;
        let notional = valuation.exposure.notional(Rounding::Ceil)?;
        ensure(notional >= self.params.min_notional, Error::BelowMinNotional)?;
        ensure(notional <= self.params.max_position_notional, Error::PositionCapExceeded)?;
        ensure(own.notional <= self.params.max_side_notional, Error::SideCapExceeded)?;
        ensure(own.value.ceil <= MAX_VALUE && own.entry_value <= MAX_VALUE.signed()?.get(), Error::SideCapExceeded)?;
        position.margin_epoch = self.margin_epoch; // whoever adds risk is held to the present ratios
        ensure_initial(&self.params.margin_ratios(), position, &valuation)?;
        let needed = requirement(&self.params, &after.long, &after.short, marks.quote.price)?;
        ensure_reserve(&self.params, needed, unqueued(self.free_pool()?, self.queued_shares, self.pool_shares)?)?;
        position.last_increase = at.time;
        Ok(Filled {
            price,
            shares,
            notional: order.notional,
            value: value.rounded(direction.entry_rounding()),
            pnl: SignedSats::ZERO,
            fee,
            shortfall: Shortfall::default(),
        })
    }

    /// `ds = floor(dN * 1e18 / A)`; `v = ds * A / (1e8 * P)` and `dbasis = v * 1e18 / A`, both long floor, short ceiling.
    fn add(
        &mut self,
        position: &mut Position,
        direction: Direction,
        notional: Notional,
        price: Price,
    ) -> Result<(Shares, Value)> {
        let margin = position.margin;
        let side = self.side_mut(direction);
        let shares = Shares::of(notional, side.scale, Rounding::Floor)?;
        let value = shares.at(side.scale)?.value(price)?;
        let entry_value = value.rounded(direction.entry_rounding());
        ensure(!shares.is_zero() && !entry_value.is_zero(), Error::BelowMinNotional)?;
        let basis = Basis::of(entry_value, side.scale, direction.entry_rounding())?;
        if position.shares.is_zero() {
            position.open(direction, side);
            side.margin = side.margin.plus(margin)?;
            side.positions = side.positions.checked_add(1).ok_or(Error::Overflow)?;
        }
        position.shares = position.shares.plus(shares)?;
        position.basis = position.basis.plus(basis)?;
        side.shares = side.shares.plus(shares)?;
        side.basis = side.basis.plus(basis)?;
        Ok((shares, value))
    }
}

/// That a fill is no worse than asked: a buyer's limit is the highest price, a seller's the lowest.
fn ensure_within_limit(buys_if_long: Direction, price: Price, limit: Price) -> Result<()> {
    let good = match buys_if_long {
        Direction::Long => price <= limit,
        Direction::Short => price >= limit,
    };
    ensure(good, Error::SlippageExceeded)
}

/// The limit of a decrease: a long sells, a short buys.
pub(super) fn ensure_exit_within_limit(direction: Direction, price: Price, limit: Price) -> Result<()> {
    ensure_within_limit(direction.opposite(), price, limit)
}
