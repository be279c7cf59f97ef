//! Decimal numbers as people write them, to and from the engine's integers. Exact: there is no floating point on the way.

#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

use std::fmt;

use inverse_perps_engine::units::{Notional, Price, Sats, MAX_NOTIONAL, MAX_VALUE};

/// A kind of number: its unit, how fine it is and how far it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    unit: &'static str,
    decimals: usize,
    least: u64,
    most: u64,
}

/// Dollars in micro-dollars, above zero, at most what a side may hold.
pub const DOLLARS: Quantity = Quantity { unit: "USD", decimals: 6, least: 1, most: MAX_NOTIONAL.get() };
/// Dollars in micro-dollars where nothing is a possible answer.
pub const DOLLARS_OR_NONE: Quantity = Quantity { least: 0, ..DOLLARS };
/// Dollars per bitcoin in 1e-8, within what the program accepts.
pub const PRICE: Quantity = Quantity { unit: "USD", decimals: 8, least: Price::MIN.get(), most: Price::MAX.get() };
/// Dollars per bitcoin in 1e-8 as somebody quoted them, whatever the program thinks of them: what Pyth's integers hold.
pub const QUOTED_PRICE: Quantity = Quantity { unit: "USD", decimals: 8, least: 1, most: i64::MAX.unsigned_abs() };
/// Bitcoin in satoshi, above zero, at most what there can ever be.
pub const BITCOIN: Quantity = Quantity { unit: "BTC", decimals: 8, least: 1, most: MAX_VALUE.get() };
/// Bitcoin in satoshi where nothing is a possible answer.
pub const BITCOIN_OR_NONE: Quantity = Quantity { least: 0, ..BITCOIN };
/// SOL in lamports.
pub const SOL: Quantity = Quantity { unit: "SOL", decimals: 9, least: 0, most: u64::MAX };
/// A share of a whole in 1e-18, as a side's scale is kept.
pub const SHARE: Quantity = Quantity { unit: "of the whole", decimals: 18, least: 0, most: 1_000_000_000_000_000_000 };

/// Why a text is not the number that was asked for. The messages say what to write instead, but neither the text nor where it
/// stood: whoever asked knows that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// There is no text.
    Empty,
    /// It begins with a minus sign.
    Negative(Quantity),
    /// Something else than digits around at most one point.
    NotPlain,
    /// More decimals than the unit has.
    TooFine {
        /// How many were written.
        found: usize,
        /// What was asked for.
        quantity: Quantity,
    },
    /// Zero, where it must be more.
    Zero(Quantity),
    /// Below the least, but not zero.
    TooSmall(Quantity),
    /// Above the most.
    TooLarge(Quantity),
}

impl Quantity {
    /// The integer that a decimal number stands for: `"1.5"` dollars are 1,500,000 micro-dollars.
    ///
    /// # Errors
    /// Any `DecimalError`; never a number that is rounded or cut.
    pub fn parse(&self, text: &str) -> Result<u64, DecimalError> {
        let (whole, fraction) = split(text, *self)?;
        if fraction.len() > self.decimals {
            return Err(DecimalError::TooFine { found: fraction.len(), quantity: *self });
        }
        let padding = std::iter::repeat_n('0', self.decimals.saturating_sub(fraction.len()));
        let raw = number(whole.chars().chain(fraction.chars()).chain(padding)).ok_or(DecimalError::TooLarge(*self))?;
        match raw {
            0 if self.least > 0 => Err(DecimalError::Zero(*self)),
            raw if raw < self.least => Err(DecimalError::TooSmall(*self)),
            raw if raw > self.most => Err(DecimalError::TooLarge(*self)),
            raw => Ok(raw),
        }
    }

    /// The decimal number with all the decimals of its unit: `1500000` micro-dollars are `"1.500000"`.
    pub fn exact(&self, raw: u64) -> String {
        let digits = format!("{raw:0>width$}", width = self.decimals.saturating_add(1));
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(self.decimals));
        format!("{whole}.{fraction}")
    }

    /// The decimal number without the zeros that say nothing: `1500000` micro-dollars are `"1.5"`.
    pub fn short(&self, raw: u64) -> String {
        self.exact(raw).trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    fn bounds(&self) -> String {
        match self.least {
            0 => format!("from 0 to {} {}", self.short(self.most), self.unit),
            least => format!("from {} to {} {}", self.short(least), self.short(self.most), self.unit),
        }
    }
}

/// Digits before and after the point.
fn split(text: &str, quantity: Quantity) -> Result<(&str, &str), DecimalError> {
    if text.is_empty() {
        return Err(DecimalError::Empty);
    }
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let parts = match unsigned.split_once('.') {
        Some((whole, fraction)) if plain(whole) && plain(fraction) => (whole, fraction),
        None if plain(unsigned) => (unsigned, ""),
        _ => return Err(DecimalError::NotPlain),
    };
    if unsigned.len() < text.len() {
        return Err(DecimalError::Negative(quantity));
    }
    Ok(parts)
}

/// `None` above 2^64 - 1.
fn number(mut digits: impl Iterator<Item = char>) -> Option<u64> {
    digits.try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit.to_digit(10)?)))
}

impl fmt::Display for DecimalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => out.write_str("there is no number; write one such as 1250.75"),
            Self::Negative(quantity) => write!(out, "must not be negative; it goes {}", quantity.bounds()),
            Self::NotPlain => out.write_str(
                "not a plain decimal number; write digits with at most one point between them, such as 1250.75, without plus \
                 sign, exponent, currency sign, spaces or thousands separators",
            ),
            Self::TooFine { found, quantity } => write!(
                out,
                "has {found} decimals, at most {} are possible (the least step is {} {})",
                quantity.decimals,
                quantity.short(1),
                quantity.unit
            ),
            Self::Zero(quantity) => write!(out, "must be above zero; it goes {}", quantity.bounds()),
            Self::TooSmall(quantity) => write!(out, "is too small; it goes {}", quantity.bounds()),
            Self::TooLarge(quantity) => write!(out, "is too large; it goes {}", quantity.bounds()),
        }
    }
}

impl std::error::Error for DecimalError {}

/// Dollars of notional, above zero, at most $10 billion and six decimals. Errors: any `DecimalError`.
pub fn notional(text: &str) -> Result<Notional, DecimalError> {
    DOLLARS.parse(text).map(Notional::new)
}

/// The same where zero is allowed. Errors: any `DecimalError` but `Zero`.
pub fn notional_or_zero(text: &str) -> Result<Notional, DecimalError> {
    DOLLARS_OR_NONE.parse(text).map(Notional::new)
}

/// Dollars per bitcoin, $1 to $100 million, at most eight decimals. Errors: any `DecimalError`.
pub fn price(text: &str) -> Result<Price, DecimalError> {
    PRICE.parse(text).map(Price::new)
}

/// Dollars per bitcoin as quoted, above zero, at most eight decimals. Errors: any `DecimalError`.
pub fn quoted_price(text: &str) -> Result<Price, DecimalError> {
    QUOTED_PRICE.parse(text).map(Price::new)
}

/// Bitcoin, above zero, at most 21 million and eight decimals. Errors: any `DecimalError`.
pub fn bitcoin(text: &str) -> Result<Sats, DecimalError> {
    BITCOIN.parse(text).map(Sats::new)
}

/// The same where zero is allowed. Errors: any `DecimalError` but `Zero`.
pub fn bitcoin_or_zero(text: &str) -> Result<Sats, DecimalError> {
    BITCOIN_OR_NONE.parse(text).map(Sats::new)
}

/// Satoshi with a sign as bitcoin with eight decimals: `-1` is `"-0.00000001"`.
pub fn signed_bitcoin(sats: i64) -> String {
    let sign = if sats < 0 { "-" } else { "" };
    format!("{sign}{}", BITCOIN.exact(sats.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_integers_exactly() {
        for (text, raw) in [("1", 1_000_000), ("0.000001", 1), ("15000.5", 15_000_500_000), ("007", 7_000_000)] {
            assert_eq!(notional(text), Ok(Notional::new(raw)), "{text}");
        }
        for (text, raw) in [("1", 100_000_000), ("45681.81818182", 4_568_181_818_182), ("100000000", Price::MAX.get())] {
            assert_eq!(price(text), Ok(Price::new(raw)), "{text}");
        }
        // 0.1 + 0.2 and 2^53 + 1 are where floating point shows.
        assert_eq!(bitcoin("0.30000000"), Ok(Sats::new(30_000_000)));
        assert_eq!(notional("9007199254.740993"), Ok(Notional::new(9_007_199_254_740_993)));
    }

    #[test]
    fn bounds_hold_at_both_ends() {
        assert_eq!(notional("10000000000"), Ok(MAX_NOTIONAL));
        assert_eq!(notional("10000000000.000001"), Err(DecimalError::TooLarge(DOLLARS)));
        assert_eq!(notional("0.000000"), Err(DecimalError::Zero(DOLLARS)));
        assert_eq!(notional_or_zero("0"), Ok(Notional::ZERO));
        assert_eq!(price("0.99999999"), Err(DecimalError::TooSmall(PRICE)));
        assert_eq!(price("100000000.00000001"), Err(DecimalError::TooLarge(PRICE)));
        assert_eq!(price("0"), Err(DecimalError::Zero(PRICE)));
        assert_eq!(bitcoin("21000000"), Ok(MAX_VALUE));
        assert_eq!(bitcoin("21000000.00000001"), Err(DecimalError::TooLarge(BITCOIN)));
        assert_eq!(bitcoin("184467440737.09551616"), Err(DecimalError::TooLarge(BITCOIN)));
        assert_eq!(bitcoin(&"9".repeat(400)), Err(DecimalError::TooLarge(BITCOIN)));
    }

    #[test]
    fn what_is_not_a_plain_decimal_number_is_refused() {
        for text in [
            "abc", "1e5", "1,000", "$5", "5 ", " 5", "+5", ".5", "5.", ".", "1.2.3", "0x10", "NaN", "inf", "-", "--5", "٣",
            "1_000",
        ] {
            assert_eq!(price(text), Err(DecimalError::NotPlain), "{text}");
        }
        assert_eq!(price(""), Err(DecimalError::Empty));
        assert_eq!(price("-5"), Err(DecimalError::Negative(PRICE)));
        assert_eq!(bitcoin("-0.5"), Err(DecimalError::Negative(BITCOIN)));
    }

    #[test]
    fn more_decimals_than_the_unit_has_are_refused_even_if_zero() {
        assert_eq!(notional("1.0000001"), Err(DecimalError::TooFine { found: 7, quantity: DOLLARS }));
        assert_eq!(price("5.123456789"), Err(DecimalError::TooFine { found: 9, quantity: PRICE }));
        assert_eq!(bitcoin("0.000000010"), Err(DecimalError::TooFine { found: 9, quantity: BITCOIN }));
    }

    #[test]
    fn messages_say_the_bound_and_what_to_write() {
        let message = |text| notional(text).unwrap_err().to_string();
        assert_eq!(message("0"), "must be above zero; it goes from 0.000001 to 10000000000 USD");
        assert_eq!(message("-3"), "must not be negative; it goes from 0.000001 to 10000000000 USD");
        assert_eq!(message("1.2345678"), "has 7 decimals, at most 6 are possible (the least step is 0.000001 USD)");
        assert_eq!(message("99999999999"), "is too large; it goes from 0.000001 to 10000000000 USD");
        assert_eq!(price("0.5").unwrap_err().to_string(), "is too small; it goes from 1 to 100000000 USD");
        assert_eq!(notional_or_zero("-1").unwrap_err().to_string(), "must not be negative; it goes from 0 to 10000000000 USD");
        assert!(message("1,000").contains("thousands separators"));
        assert!(message("").contains("there is no number"));
    }

    #[test]
    fn integers_become_numbers_exactly() {
        assert_eq!(DOLLARS.exact(0), "0.000000");
        assert_eq!(DOLLARS.exact(1), "0.000001");
        assert_eq!(PRICE.exact(u64::MAX), "184467440737.09551615");
        assert_eq!(DOLLARS.short(15_000_000_000), "15000");
        assert_eq!(DOLLARS.short(0), "0");
        assert_eq!(PRICE.short(75_050_000_000), "750.5");
        assert_eq!(signed_bitcoin(125_000_000), "1.25000000");
        assert_eq!(signed_bitcoin(-1), "-0.00000001");
        assert_eq!(signed_bitcoin(0), "0.00000000");
        assert_eq!(signed_bitcoin(i64::MIN), "-92233720368.54775808");
    }

    #[test]
    fn reading_what_was_written_gives_it_back() {
        for raw in [1, 9, 10, 99_999_999, 100_000_000, 100_000_001, 123_456_789_012_345, MAX_VALUE.get()] {
            assert_eq!(BITCOIN.parse(&BITCOIN.exact(raw)), Ok(raw));
            assert_eq!(BITCOIN.parse(&BITCOIN.short(raw)), Ok(raw));
        }
    }
}
