//! Prices: dollars per bitcoin, times 1e8.

use super::{word, Bps, Ppb};
use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};

word!(
    /// USD per BTC times 1e8, the exponent that Pyth uses for bitcoin.
    Price, u64, U64
);
word!(
    /// Half the width of Pyth's confidence interval, in the unit of `Price`.
    Confidence, u64, U64
);

impl Price {
    /// $1, the least price that is accepted.
    pub const MIN: Self = Self::new(100_000_000);
    /// $100 million, the greatest price that is accepted.
    pub const MAX: Self = Self::new(10_000_000_000_000_000);

    /// A price within bounds. Errors: `PriceOutOfRange`.
    pub fn checked(raw: u64) -> Result<Self> {
        let price = Self::new(raw);
        if price < Self::MIN || price > Self::MAX {
            return Err(Error::PriceOutOfRange);
        }
        Ok(price)
    }

    /// Whether it lies further than `bound` of `reference` from it.
    pub fn strays_from(self, reference: Price, bound: Bps) -> bool {
        multiply(self.get().abs_diff(reference.get()), Bps::ONE.get_wide()) > multiply(reference.get(), bound.get_wide())
    }

    /// `price * (1 - stress)`, floored. Errors: `Overflow`.
    pub fn stressed(self, stress: Bps) -> Result<Self> {
        let left = Bps::ONE.minus(stress)?;
        narrow(divide(multiply(self.get(), left.get_wide()), Bps::ONE.get_wide(), Rounding::Floor)?).map(Self::new)
    }
}

impl Confidence {
    /// Whether it is more than `bound` of the price.
    pub fn exceeds(self, price: Price, bound: Bps) -> bool {
        multiply(self.get(), Bps::ONE.get_wide()) > multiply(price.get(), bound.get_wide())
    }

    /// `multiplier * confidence`, the distance of bid and ask from the price. Errors: `Overflow`.
    pub fn times(self, multiplier: u32) -> Result<Self> {
        self.get().checked_mul(u64::from(multiplier)).map(Self::new).ok_or(Error::Overflow)
    }

    /// As a part of the price, rounded up. Errors: `Overflow`.
    pub fn ratio_to(self, price: Price) -> Result<Ppb> {
        narrow(divide(multiply(self.get(), Ppb::ONE.get()), price.get(), Rounding::Ceil)?).map(Ppb::new)
    }
}
