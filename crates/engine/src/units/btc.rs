//! Bitcoin: satoshi, signed satoshi, and the exact 1e-18 satoshi that a side's sums are kept in.

use super::{double_word, word, Notional, Ppb, Price};
use crate::errors::{Error, Result};
use crate::math::{divide, divide_by_one, multiply, narrow, narrow_signed, Rounding};

/// 2.1e15 satoshi: every bitcoin there can be, and the most that a side may be worth.
pub const MAX_VALUE: Sats = Sats::new(2_100_000_000_000_000);

word!(
    /// Satoshi: 1e-8 BTC, the token's own unit.
    Sats, u64, U64
);
word!(
    /// Satoshi with a sign: a result or a change.
    SignedSats, i64, I64
);
double_word!(
    /// 1e-18 satoshi with a sign: what shares, indices and scales multiply to, exact.
    FineSats, i128, I128
);

impl Sats {
    /// The same with a sign. Errors: `Overflow` above 2^63 - 1.
    pub fn signed(self) -> Result<SignedSats> {
        i64::try_from(self.get()).map(SignedSats::new).map_err(|_| Error::Overflow)
    }

    /// `self * ratio`, in satoshi. Errors: `Overflow`.
    pub fn times(self, ratio: Ppb, rounding: Rounding) -> Result<Self> {
        narrow(divide(multiply(self.get(), ratio.get()), Ppb::ONE.get(), rounding)?).map(Self::new)
    }

    /// `self * price`, in micro-dollars. Errors: `Overflow`.
    pub fn notional_at(self, price: Price, rounding: Rounding) -> Result<Notional> {
        narrow(divide(multiply(self.get(), price.get()), 10_000_000_000, rounding)?).map(Notional::new)
    }

    /// What is left after taking `other`, at least nothing.
    pub fn less_or_zero(self, other: Self) -> Self {
        self.minus(other).unwrap_or(Self::ZERO)
    }

    /// The change from `before` to this. Errors: `Overflow`.
    pub fn since(self, before: Self) -> Result<SignedSats> {
        self.signed()?.minus(before.signed()?)
    }
}

impl SignedSats {
    /// Split by sign into a gain and a loss, one of them zero.
    pub fn gain_and_loss(self) -> (Sats, Sats) {
        let magnitude = Sats::new(self.get().unsigned_abs());
        if self.get() < 0 {
            (Sats::ZERO, magnitude)
        } else {
            (magnitude, Sats::ZERO)
        }
    }

    /// Itself where negative, else nothing: what counts of a result on paper.
    pub fn loss_only(self) -> Self {
        self.min(Self::ZERO)
    }
}

impl FineSats {
    /// In whole satoshi. Errors: `Overflow`.
    pub fn to_sats(self, rounding: Rounding) -> Result<SignedSats> {
        if self.is_zero() {
            return Ok(SignedSats::ZERO);
        }
        narrow_signed(divide_by_one(self.get(), rounding)?).map(SignedSats::new)
    }
}
