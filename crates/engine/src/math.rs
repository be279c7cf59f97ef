//! Integer arithmetic with a named rounding. The only place that divides.
//!
//! Wide products are 128 bits; divisors are 64 bits, because a 128-bit divisor costs twice as much on chain. A quotient by a
//! product `a * b` is taken in two steps where the product does not fit: nested floors are exact, and so are nested ceilings.

use crate::errors::{Error, Result};

/// Which way a division goes when it does not come out even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Toward negative infinity.
    Floor,
    /// Toward positive infinity.
    Ceil,
}

impl Rounding {
    /// The rounding of the negated quantity.
    pub fn opposite(self) -> Self {
        match self {
            Rounding::Floor => Rounding::Ceil,
            Rounding::Ceil => Rounding::Floor,
        }
    }
}

/// The exact product of two words; it cannot overflow.
#[allow(clippy::arithmetic_side_effects)] // (2^64 - 1)^2 < 2^128
#[inline(always)]
pub fn multiply(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

/// `n / d`.
///
/// # Errors
/// `Overflow` when `d` is zero.
#[allow(clippy::arithmetic_side_effects, clippy::integer_division)] // d is not zero; a quotient with a remainder is below the maximum
#[inline(always)]
pub fn divide(n: u128, d: u64, rounding: Rounding) -> Result<u128> {
    if d == 0 {
        return Err(Error::Overflow);
    }
    let (quotient, remainder) = match u64::try_from(n) {
        Ok(n) => (u128::from(n / d), n % d),
        Err(_) => {
            let quotient = n / u128::from(d);
            (quotient, low_word(n.wrapping_sub(quotient.wrapping_mul(u128::from(d)))))
        }
    };
    Ok(if rounding == Rounding::Ceil && remainder != 0 { quotient + 1 } else { quotient })
}

/// `n / (a * b)`: in one step where the product is a word, else in two.
///
/// # Errors
/// `Overflow` when a divisor is zero.
#[inline(always)]
pub fn divide_twice(n: u128, a: u64, b: u64, rounding: Rounding) -> Result<u128> {
    match a.checked_mul(b) {
        Some(d) => divide(n, d, rounding),
        None => divide(divide(n, a, rounding)?, b, rounding),
    }
}

/// `n / d` of a signed numerator.
///
/// # Errors
/// `Overflow` when `d` is zero or the numerator is the least `i128`.
#[inline(always)]
pub fn divide_signed(n: i128, d: u64, rounding: Rounding) -> Result<i128> {
    let of_magnitude = if n < 0 { rounding.opposite() } else { rounding };
    negate_or_keep(divide(n.unsigned_abs(), d, of_magnitude)?, n < 0)
}

/// `a * b` for a signed factor: one cheap multiplication where its magnitude is a word, as it nearly always is.
///
/// # Errors
/// `Overflow` when the product needs more than 127 bits.
#[inline(always)]
pub fn multiply_signed(a: i128, b: u64) -> Result<i128> {
    let magnitude = match u64::try_from(a.unsigned_abs()) {
        Ok(word) => multiply(word, b),
        Err(_) => a.unsigned_abs().checked_mul(u128::from(b)).ok_or(Error::Overflow)?,
    };
    negate_or_keep(magnitude, a < 0)
}

/// A word out of a wide number.
///
/// # Errors
/// `Overflow` above 2^64 - 1.
#[inline(always)]
pub fn narrow(n: u128) -> Result<u64> {
    u64::try_from(n).map_err(|_| Error::Overflow)
}

/// A signed word out of a wide signed number.
///
/// # Errors
/// `Overflow` outside the range of `i64`.
#[inline(always)]
pub fn narrow_signed(n: i128) -> Result<i64> {
    i64::try_from(n).map_err(|_| Error::Overflow)
}

/// A wide number as a signed one.
///
/// # Errors
/// `Overflow` above 2^127 - 1.
#[inline(always)]
pub fn signed(n: u128) -> Result<i128> {
    i128::try_from(n).map_err(|_| Error::Overflow)
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // the remainder of a division by a word is a word
#[inline(always)]
fn low_word(n: u128) -> u64 {
    n as u64
}

/// Sum that must stay in range.
///
/// # Errors
/// `Overflow`.
#[inline(always)]
pub fn add(a: i128, b: i128) -> Result<i128> {
    a.checked_add(b).ok_or(Error::Overflow)
}

/// Difference that must stay in range.
///
/// # Errors
/// `Overflow`.
#[inline(always)]
pub fn subtract(a: i128, b: i128) -> Result<i128> {
    a.checked_sub(b).ok_or(Error::Overflow)
}

/// A magnitude with its sign.
///
/// # Errors
/// `Overflow` above 2^127 - 1.
#[inline(always)]
pub fn negate_or_keep(magnitude: u128, negate: bool) -> Result<i128> {
    let kept = signed(magnitude)?;
    if negate {
        kept.checked_neg().ok_or(Error::Overflow)
    } else {
        Ok(kept)
    }
}
