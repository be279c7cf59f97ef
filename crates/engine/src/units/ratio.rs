//! Ratios: basis points for parameters, parts per billion for what is computed from them.

use super::{word, Notional};
use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};

word!(
    /// Basis points: 1e-4.
    Bps, u32, U32
);
word!(
    /// Parts per billion: 1e-9.
    Ppb, u64, U64
);
word!(
    /// Parts per billion a day: a funding or borrow rate; positive is paid, negative is received.
    PpbPerDay, i64, I64
);

impl Bps {
    /// The whole.
    pub const ONE: Self = Self::new(10_000);

    /// The raw integer, widened.
    pub fn get_wide(self) -> u64 {
        u64::from(self.get())
    }

    /// The same in parts per billion, exact.
    #[allow(clippy::arithmetic_side_effects)] // 2^32 * 1e5 < 2^64
    pub fn to_ppb(self) -> Ppb {
        Ppb::new(self.get_wide() * 100_000)
    }

    /// `self + slope * notional / $1M` in parts per billion. Errors: `Overflow`.
    pub fn sloped(self, slope: Bps, notional: Notional, rounding: Rounding) -> Result<Ppb> {
        let extra = divide(multiply(slope.get_wide(), notional.get()), 10_000_000, rounding)?;
        self.to_ppb().plus(Ppb::new(narrow(extra)?))
    }
}

impl Ppb {
    /// The whole.
    pub const ONE: Self = Self::new(1_000_000_000);

    /// `self * part / whole`, where part is at most whole. Errors: `Overflow` also for a whole of zero.
    pub fn scaled(self, part: u64, whole: u64, rounding: Rounding) -> Result<Self> {
        narrow(divide(multiply(self.get(), part), whole, rounding)?).map(Self::new)
    }

    /// Three quarters of it, rounded up. Errors: `Overflow`.
    pub fn three_quarters(self) -> Result<Self> {
        let thrice = self.get().checked_mul(3).ok_or(Error::Overflow)?;
        Ok(Self::new(thrice.div_ceil(4)))
    }

    /// As a rate a day, to be paid. Errors: `Overflow`.
    pub fn per_day(self) -> Result<PpbPerDay> {
        i64::try_from(self.get()).map(PpbPerDay::new).map_err(|_| Error::Overflow)
    }
}
