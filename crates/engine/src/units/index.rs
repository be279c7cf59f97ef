//! What lazily settled positions are made of: shares, basis, a side's scale and its indices.

use super::{double_word, word, FineSats, Notional, Price, Sats};
use crate::errors::{Error, Result};
use crate::math::{
    divide, divide_by_one, divide_signed, divide_with_remainder, multiply, multiply_signed, narrow, narrow_signed, round_up,
    subtract, Rounding, ONE,
};
use crate::side::Direction;

word!(
    /// Shares of a side: micro-dollars at scale one. A side has at most 1e19.
    Shares, u64, U64
);
word!(
    /// A side's scale `A`, fixed point 1e18: starts at one, lowered by deleveraging alone, never below 1e15.
    Scale, u64, U64
);
double_word!(
    /// Entry value in satoshi at scale one: `basis * A / 1e18` is the entry value. Signed.
    Basis, i128, I128
);
double_word!(
    /// A side's exit index `X`: the sum of `(A_before - A_after) * 1e10 / P`, 1e-18 satoshi a share.
    ExitIndex, u128, U128
);
double_word!(
    /// A side's cost index `F`: funding and borrow fee, 1e-18 satoshi a share.
    CostIndex, i128, I128
);

/// Shares times scale, divided by 1e8 and kept with what that left out: dollars at 1e-16, from which notional and value are
/// each one division away. Equal to the exact product for every rounding here, because nested divisions are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    floor: u128,
    exact: bool,
}

/// A value in satoshi, rounded both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Rounded down.
    pub floor: Sats,
    /// Rounded up.
    pub ceil: Sats,
}

impl Value {
    /// Of nothing.
    pub const ZERO: Self = Self { floor: Sats::ZERO, ceil: Sats::ZERO };

    /// Rounded as said.
    #[inline(always)]
    pub fn rounded(self, rounding: Rounding) -> Sats {
        match rounding {
            Rounding::Floor => self.floor,
            Rounding::Ceil => self.ceil,
        }
    }
}

impl Scale {
    /// One: nothing has been deleveraged.
    pub const ONE: Self = Self::new(ONE);
    /// 1e15: a side that would have to shrink further is settled instead.
    pub const LEAST: Self = Self::new(1_000_000_000_000_000);
}

impl Shares {
    /// `shares * A`. Errors: none in practice, the divisor is a constant.
    #[inline(always)]
    pub fn at(self, scale: Scale) -> Result<Exposure> {
        if scale == Scale::ONE {
            return Ok(Exposure { floor: multiply(self.get(), 10_000_000_000), exact: true });
        }
        let (floor, rest) = divide_with_remainder(multiply(self.get(), scale.get()), 100_000_000)?;
        Ok(Exposure { floor, exact: rest == 0 })
    }

    /// `notional * 1e18 / A`. Errors: `Overflow`.
    pub fn of(notional: Notional, scale: Scale, rounding: Rounding) -> Result<Self> {
        if scale == Scale::ONE {
            return Ok(Self::new(notional.get()));
        }
        narrow(divide(multiply(notional.get(), ONE), scale.get(), rounding)?).map(Self::new)
    }

    /// `shares * (F - F0)`: what these shares owe since the snapshot. Errors: `Overflow`.
    #[inline(always)]
    pub fn cost_since(self, now: CostIndex, snapshot: CostIndex) -> Result<FineSats> {
        multiply_signed(now.minus(snapshot)?.get(), self.get()).map(FineSats::new)
    }

    /// `shares * (X - X0)`: what these shares were closed for since the snapshot. Errors: `Overflow`.
    pub fn exited_since(self, now: ExitIndex, snapshot: ExitIndex) -> Result<FineSats> {
        let step = crate::math::signed(now.minus(snapshot)?.get())?;
        multiply_signed(step, self.get()).map(FineSats::new)
    }
}

impl Exposure {
    /// No exposure.
    pub const ZERO: Self = Self { floor: 0, exact: true };

    /// In micro-dollars. Errors: `Overflow`.
    #[inline(always)]
    pub fn notional(self, rounding: Rounding) -> Result<Notional> {
        let (floor, rest) = divide_with_remainder(self.floor, 10_000_000_000)?;
        let inexact = rounding == Rounding::Ceil && (rest != 0 || !self.exact);
        narrow(round_up(floor, inexact)?).map(Notional::new)
    }

    /// `shares * A / (1e8 * P)` satoshi, both ways. Errors: `Overflow`.
    #[inline(always)]
    pub fn value(self, price: Price) -> Result<Value> {
        let (floor, rest) = divide_with_remainder(self.floor, price.get())?;
        let floor = narrow(floor)?;
        let ceil = floor.checked_add(u64::from(rest != 0 || !self.exact)).ok_or(Error::Overflow)?;
        Ok(Value { floor: Sats::new(floor), ceil: Sats::new(ceil) })
    }

    /// The same, rounded as said. Errors: `Overflow`.
    #[inline(always)]
    pub fn value_at(self, price: Price, rounding: Rounding) -> Result<Sats> {
        Ok(self.value(price)?.rounded(rounding))
    }
}

impl ExitIndex {
    /// What a fall of the scale adds to the index: `fall * 1e10 / P`. Errors: `Overflow`.
    pub fn step(fall: Scale, price: Price, rounding: Rounding) -> Result<Self> {
        divide(multiply(fall.get(), 10_000_000_000), price.get(), rounding).map(Self::new)
    }
}

impl Basis {
    /// `value * 1e18 / A`. Errors: `Overflow`.
    pub fn of(value: Sats, scale: Scale, rounding: Rounding) -> Result<Self> {
        if scale == Scale::ONE {
            return Ok(Self::new(i128::from(value.get())));
        }
        let basis = divide(multiply(value.get(), ONE), scale.get(), rounding)?;
        crate::math::signed(basis).map(Self::new)
    }

    /// `basis * A`, exact. Errors: `Overflow`.
    #[inline(always)]
    pub fn at(self, scale: Scale) -> Result<FineSats> {
        multiply_signed(self.get(), scale.get()).map(FineSats::new)
    }

    /// The entry value in satoshi at a scale; negative where costs have eaten it. Errors: `Overflow`.
    pub fn entry_value(self, scale: Scale, rounding: Rounding) -> Result<i64> {
        if scale == Scale::ONE {
            return narrow_signed(self.get());
        }
        narrow_signed(divide_by_one(multiply_signed(self.get(), scale.get())?, rounding)?)
    }

    /// `basis * part / whole`, the basis that a part of the shares takes along. Errors: `Overflow`.
    pub fn part(self, part: Shares, whole: Shares, rounding: Rounding) -> Result<Self> {
        divide_signed(multiply_signed(self.get(), part.get())?, whole.get(), rounding).map(Self::new)
    }

    /// The step of basis that is worth `amount` satoshi at a scale, floored: `amount * 1e18 / A`. Errors: `Overflow`.
    pub fn step(amount: i128, scale: Scale, rounding: Rounding) -> Result<Self> {
        divide_signed(multiply_signed(amount, ONE)?, scale.get(), rounding).map(Self::new)
    }
}

impl FineSats {
    /// `basis * (A0 - A) - shares * (X - X0)`: the result of the deleveraging that a long has not yet written down; a short's
    /// is its negative. Errors: `Overflow`.
    pub fn deleveraged(basis: Basis, fall: Scale, exited: FineSats) -> Result<Self> {
        subtract(multiply_signed(basis.get(), fall.get())?, exited.get()).map(Self::new)
    }

    /// A long's result as it is, a short's with the other sign. Errors: `Overflow`.
    pub fn signed_for(self, direction: Direction) -> Result<Self> {
        match direction {
            Direction::Long => Ok(self),
            Direction::Short => self.get().checked_neg().map(Self::new).ok_or(Error::Overflow),
        }
    }
}
