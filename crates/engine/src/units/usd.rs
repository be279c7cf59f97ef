//! Dollars: the notional of a position, in micro-dollars.

use super::{word, Ppb, Price, Sats};
use crate::errors::Result;
use crate::math::{divide, multiply, narrow, Rounding};

/// One dollar, the lot.
pub const DOLLAR: Notional = Notional::new(1_000_000);
/// 1e16 micro-dollars ($10 billion): the most that a side may hold.
pub const MAX_NOTIONAL: Notional = Notional::new(10_000_000_000_000_000);

word!(
    /// Micro-dollars: 1e-6 USD.
    Notional, u64, U64
);

impl Notional {
    /// `value(N, P) = N * 1e10 / P`, in satoshi. Errors: `Overflow`.
    pub fn value_at(self, price: Price, rounding: Rounding) -> Result<Sats> {
        narrow(divide(multiply(self.get(), 10_000_000_000), price.get(), rounding)?).map(Sats::new)
    }

    /// `self * ratio`, in micro-dollars. Errors: `Overflow`.
    pub fn times(self, ratio: Ppb, rounding: Rounding) -> Result<Self> {
        narrow(divide(multiply(self.get(), ratio.get()), Ppb::ONE.get(), rounding)?).map(Self::new)
    }

    /// Whether it is a whole number of dollars.
    pub fn is_whole_dollars(self) -> bool {
        self.get().is_multiple_of(DOLLAR.get())
    }
}
