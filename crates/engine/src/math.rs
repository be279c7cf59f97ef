//! Integer arithmetic with a named rounding. The only place that divides.
//!
//! Wide products are 128 bits; divisors are 64 bits, because a 128-bit divisor costs twice as much on chain. A quotient by a
//! product `a * b` is taken in two steps: nested floors are exact, and so are nested ceilings.

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

/// The exact product of two words, by 32-bit halves: SBF has no instruction for the upper word, and the compiler's 128-bit
/// routine costs twice as much. Nothing here wraps: each sum of a partial product and a carry fits a word.
#[inline(always)]
pub fn multiply(a: u64, b: u64) -> u128 {
    let (a_high, a_low, b_high, b_low) = (a >> 32, a & LOW, b >> 32, b & LOW);
    if a_high | b_high == 0 {
        return u128::from(a_low.wrapping_mul(b_low));
    }
    let mut low = a_low.wrapping_mul(b_low);
    let mut carry = (low >> 32).wrapping_add(a_high.wrapping_mul(b_low));
    low = (low & LOW).wrapping_add((carry & LOW) << 32);
    let mut high = carry >> 32;
    carry = (low >> 32).wrapping_add(b_high.wrapping_mul(a_low));
    low = (low & LOW).wrapping_add((carry & LOW) << 32);
    high = high.wrapping_add(carry >> 32).wrapping_add(a_high.wrapping_mul(b_high));
    from_words(high, low)
}

const LOW: u64 = 0xffff_ffff;

/// Quotient and remainder of `n / d`.
///
/// # Errors
/// `Overflow` when `d` is zero.
#[inline(never)]
pub fn divide_with_remainder(n: u128, d: u64) -> Result<(u128, u64)> {
    let (high, low) = words(n);
    if d == 0 {
        return Err(Error::Overflow);
    }
    Ok(if high == 0 {
        (u128::from(quotient(low, d)), remainder(low, d))
    } else if d <= LOW {
        long_division::<32>(high, low, d)
    } else if d < 1 << 48 {
        long_division::<16>(high, low, d)
    } else {
        let whole = n.checked_div(u128::from(d)).ok_or(Error::Overflow)?;
        (whole, low.wrapping_sub(words(whole).1.wrapping_mul(d))) // the remainder is a word, so its upper half need not be known
    })
}

/// School division of two words, `BITS` at a time: for a divisor of at most `64 - BITS` bits the running remainder and the next
/// digit fit in one word, and a step is two instructions of a few. A fifth of what the general routine costs.
#[inline(always)]
fn long_division<const BITS: u32>(high: u64, low: u64, d: u64) -> (u128, u64) {
    let mask = u64::MAX >> (64u32.wrapping_sub(BITS));
    let (mut digits, mut rest, mut shift) = (0u64, remainder(high, d), 64u32);
    while shift > 0 {
        shift = shift.wrapping_sub(BITS);
        let next = (rest << BITS) | ((low >> shift) & mask);
        digits = (digits << BITS) | quotient(next, d);
        rest = remainder(next, d);
    }
    (from_words(quotient(high, d), digits), rest)
}

#[allow(clippy::arithmetic_side_effects, clippy::integer_division)] // the divisor was checked; floor is what a digit is
#[inline(always)]
fn quotient(n: u64, d: u64) -> u64 {
    n / d
}

#[allow(clippy::arithmetic_side_effects)] // the divisor was checked
#[inline(always)]
fn remainder(n: u64, d: u64) -> u64 {
    n % d
}

#[inline(always)]
fn from_words(high: u64, low: u64) -> u128 {
    (u128::from(high) << 64) | u128::from(low)
}

#[allow(clippy::as_conversions, clippy::cast_possible_truncation)] // taking a wide number apart
#[inline(always)]
fn words(n: u128) -> (u64, u64) {
    ((n >> 64) as u64, n as u64)
}

/// 1e18, in which scales, and what they multiply, are fixed-point.
pub const ONE: u64 = 1_000_000_000_000_000_000;

/// `n / 1e18` of a signed number: by 2^18, then by 5^18, which unlike 1e18 is small enough for the long division.
///
/// # Errors
/// `Overflow` when the numerator is the least `i128`.
#[inline(never)]
pub fn divide_by_one(n: i128, rounding: Rounding) -> Result<i128> {
    const TWOS: u32 = ONE.trailing_zeros();
    const FIVES: u64 = ONE >> TWOS;
    const REST: u64 = !(u64::MAX << TWOS);
    let magnitude = n.unsigned_abs();
    let (quotient, rest) = divide_with_remainder(magnitude >> TWOS, FIVES)?;
    let of_magnitude = if n < 0 { rounding.opposite() } else { rounding };
    let inexact = rest != 0 || words(magnitude).1 & REST != 0;
    negate_or_keep(round_up(quotient, inexact && of_magnitude == Rounding::Ceil)?, n < 0)
}

/// `n / d`.
///
/// # Errors
/// `Overflow` when `d` is zero.
#[inline(always)]
pub fn divide(n: u128, d: u64, rounding: Rounding) -> Result<u128> {
    let (high, low) = words(n);
    let (quotient, remainder) = if high == 0 && d != 0 {
        (u128::from(quotient(low, d)), remainder(low, d)) // one word, as fees and ratios mostly are: no call is cheaper
    } else {
        divide_with_remainder(n, d)?
    };
    round_up(quotient, rounding == Rounding::Ceil && remainder != 0)
}

/// One more, if there was something left.
///
/// # Errors
/// `Overflow` above the maximum.
#[inline(always)]
pub fn round_up(quotient: u128, inexact: bool) -> Result<u128> {
    quotient.checked_add(u128::from(inexact)).ok_or(Error::Overflow)
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
