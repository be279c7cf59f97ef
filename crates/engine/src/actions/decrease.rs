//! Reduces or closes a position at its owner's wish.

use super::increase::ensure_within_limit;
use super::{skew_change, Filled};
use crate::errors::{ensure, Error, Result};
use crate::fees::trade_fee;
use crate::market::{Market, Marks, Shortfall};
use crate::math::Rounding;
use crate::oracle::Moment;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::side::{Direction, Side};
use crate::units::{Basis, Notional, Price, Shares, SignedSats};

/// How much a decrease takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecreaseSize {
    /// Whole dollars, less than the position.
    Part(Notional),
    /// All of it.
    Whole,
}

/// What a trader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decrease {
    /// How much.
    pub size: DecreaseSize,
    /// The worst acceptable price: a long's lowest, a short's highest.
    pub limit: Price,
}

/// Shares of a position and what they came in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub shares: Shares,
    pub basis: Basis,
}

impl Slice {
    /// `dbasis = basis * ds / shares`, long floor, short ceiling; all of it for all shares.
    pub(super) fn of(position: &Position, direction: Direction, shares: Shares) -> Result<Self> {
        if shares >= position.shares {
            return Ok(Self { shares: position.shares, basis: position.basis });
        }
        let basis = position.basis.part(shares, position.shares, direction.entry_rounding())?;
        Ok(Self { shares, basis })
    }
}

impl Market {
    /// Decreases a settled position at once: the released basis against the exit value is booked, then the fee is paid.
    ///
    /// A part must leave `min_notional` and be able to pay its fee; the whole can always be closed, its fee capped by what is
    /// left, unless its gain is above the free pool.
    ///
    /// # Errors
    /// `OrdersOnly`, `OrderPending`, `NoOpenPosition`, `AmountZero`, `NotWholeDollars`, `MinHoldNotOver`, `SlippageExceeded`,
    /// `ReductionTooLarge`, `BelowMinNotional`, `MarginBelowFee`, `PoolExhausted`, `Overflow`.
    pub fn decrease(&mut self, position: &mut Position, order: &Decrease, marks: &Marks, at: Moment) -> Result<Filled> {
        self.ensure_instant(position)?;
        let direction = position.ensure_open()?;
        let held = self.prices.now(at.time).seconds_since(position.last_increase)?;
        ensure(held >= i64::from(self.params.min_hold.get()), Error::MinHoldNotOver)?;
        let price = marks.quote.fill(direction, false);
        ensure_within_limit(direction.opposite(), price, order.limit)?;
        self.close_at(position, order.size, price, marks)
    }

    /// Reduces or closes a settled position at a given price; everything else is judged at the marks.
    pub(super) fn close_at(
        &mut self,
        position: &mut Position,
        size: DecreaseSize,
        price: Price,
        marks: &Marks,
    ) -> Result<Filled> {
        let direction = position.ensure_open()?;
        let side = self.side(direction);
        let scale = side.scale;
        let shares = match size {
            DecreaseSize::Whole => position.shares,
            DecreaseSize::Part(notional) => self.part_to_close(position, side, notional)?,
        };
        let slice = Slice::of(position, direction, shares)?;
        let valuation = Valuation::of(direction, slice.shares, slice.basis, scale, price)?;
        let value = valuation.value.ceil;
        let notional = valuation.exposure.notional(Rounding::Floor)?;
        let pnl = valuation.pnl()?;

        let (own, other) = match direction {
            Direction::Long => (marks.long.notional, marks.short.notional),
            Direction::Short => (marks.short.notional, marks.long.notional),
        };
        let left = own.minus(notional)?;
        let fee = trade_fee(&self.params, value, skew_change(own, left, other), price)?;
        let whole = slice.shares == position.shares;
        self.release(position, direction, slice.shares, slice.basis)?;
        let (fee, shortfall) = if whole {
            let at_mark = valuation.at(marks.quote.price)?.pnl()?;
            let shortfall = self.realise_whole(position, pnl, at_mark)?;
            let fee = fee.min(position.free_margin()?);
            (self.charge(position, fee)?, shortfall)
        } else {
            self.book(position, direction, pnl)?;
            ensure(position.free_margin()? >= fee, Error::MarginBelowFee)?;
            (self.charge(position, fee)?, Shortfall::default())
        };
        Ok(Filled { price, shares: slice.shares, notional, value, pnl, fee, shortfall })
    }

    fn part_to_close(&self, position: &Position, side: &Side, notional: Notional) -> Result<Shares> {
        ensure(!notional.is_zero(), Error::AmountZero)?;
        ensure(notional.is_whole_dollars(), Error::NotWholeDollars)?;
        let shares = Shares::of(notional, side.scale, Rounding::Floor)?;
        ensure(!shares.is_zero(), Error::AmountZero)?;
        let rest = position.shares.minus(shares).map_err(|_| Error::ReductionTooLarge)?;
        ensure(!rest.is_zero(), Error::ReductionTooLarge)?;
        ensure(rest.at(side.scale)?.notional(Rounding::Floor)? >= self.params.min_notional, Error::BelowMinNotional)?;
        Ok(shares)
    }

    /// Pays out or takes in the result of a position closed whole. A gain above the free pool is refused; what a loss leaves
    /// unpaid is a shortfall as far as equity at the mark is negative, so that a spread never makes one.
    pub(super) fn realise_whole(&mut self, position: &mut Position, pnl: SignedSats, at_mark: SignedSats) -> Result<Shortfall> {
        let (gain, loss) = pnl.gain_and_loss();
        ensure(gain <= self.free_pool()?, Error::PoolExhausted)?;
        self.pay_gain(position, gain)?;
        let free = position.free_margin()?;
        let left = loss.minus(self.pay_pool(position, loss, free)?)?;
        if left.is_zero() {
            return Ok(Shortfall::default());
        }
        position.void_orders();
        let margin = position.margin;
        let left = left.minus(self.pay_pool(position, left, margin)?)?;
        let spread = at_mark.minus(pnl)?.gain_and_loss().0;
        self.cover_shortfall(left.less_or_zero(spread))
    }
}
