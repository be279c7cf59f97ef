//! What traders say of prices, tips and times.

use anyhow::{bail, Context, Result};
use clap::{Args, ValueEnum};
use inverse_perps::instructions::PositionDirection;
use inverse_perps_engine::units::{Notional, Price, Sats, DOLLAR};
use inverse_perps_engine::{Direction, Params};
use perps::decimal::{self, BITCOIN, DOLLARS};

/// What an order is bound to where nothing is said: half a percent from the price.
pub const SLIPPAGE_BPS: u32 = 50;
/// What is offered to who fills an order where nothing is said, within the market's bounds.
const TIP: Sats = Sats::new(200);
const WHOLE_BPS: u64 = 10_000;

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    /// Gains as the price rises
    Long,
    /// Gains as the price falls
    Short,
}

impl Side {
    /// The engine's word.
    pub fn direction(self) -> Direction {
        match self {
            Side::Long => Direction::Long,
            Side::Short => Direction::Short,
        }
    }
}

/// The program's word for a direction.
pub fn told(direction: Direction) -> PositionDirection {
    match direction {
        Direction::Long => PositionDirection::Long,
        Direction::Short => PositionDirection::Short,
    }
}

/// Whether opening, or else closing, a position buys.
pub fn buys(direction: Direction, opening: bool) -> bool {
    (direction == Direction::Long) == opening
}

/// The worst price that is accepted.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Bound {
    /// The worst acceptable fill price: a buyer's highest, a seller's lowest
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true, conflicts_with = "slippage_bps")]
    limit: Option<Price>,
    /// How much worse than the expected fill price it may be, in basis points [default: 50]
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(0..10_000), allow_negative_numbers = true)]
    slippage_bps: Option<u32>,
}

impl Bound {
    /// What was said with `--limit`.
    pub fn limit(&self) -> Option<Price> {
        self.limit
    }

    /// What was said with `--slippage-bps`.
    pub fn slippage(&self) -> Option<u32> {
        self.slippage_bps
    }

    /// The bound: as said, or so far from the price that is expected.
    ///
    /// # Errors
    /// One that no price can be.
    pub fn price(&self, buys: bool, expected: Price) -> Result<Price> {
        match self.limit {
            Some(limit) => Ok(limit),
            None => slipped(buys, expected, self.slippage_bps.unwrap_or(SLIPPAGE_BPS)),
        }
    }
}

/// A price so many basis points worse, rounded for whom it protects: down for a buyer, up for a seller.
///
/// # Errors
/// One that no price can be.
pub fn slipped(buys: bool, expected: Price, bps: u32) -> Result<Price> {
    let (raw, bps) = (u128::from(expected.get()), u64::from(bps));
    let bound = if buys {
        WHOLE_BPS
            .checked_add(bps)
            .and_then(|factor| raw.checked_mul(u128::from(factor)))
            .map(|wide| wide / u128::from(WHOLE_BPS))
    } else {
        let factor = WHOLE_BPS.checked_sub(bps);
        factor.and_then(|factor| raw.checked_mul(u128::from(factor))).map(|wide| wide.div_ceil(u128::from(WHOLE_BPS)))
    };
    let bound =
        bound.and_then(|bound| u64::try_from(bound).ok()).context("no price is that far off; take a smaller slippage")?;
    Ok(Price::new(bound))
}

/// The bound of an order that takes any price: it protects nobody.
pub fn any_price(buys: bool) -> Price {
    Price::new(if buys { u64::MAX } else { 0 })
}

/// A tip: a whole number is satoshi, one with a point is bitcoin.
///
/// # Errors
/// Text that is neither.
pub fn tip(text: &str) -> Result<Sats> {
    if text.contains('.') {
        return Ok(decimal::bitcoin_or_zero(text)?);
    }
    match text.parse::<u64>() {
        Ok(sats) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Sats::new(sats)),
        _ => bail!("write satoshi as a whole number, such as 500, or bitcoin with a point, such as 0.000005"),
    }
}

/// The tip that is offered where none is said.
pub fn usual_tip(params: &Params) -> Sats {
    TIP.max(params.min_order_tip).min(params.max_order_tip)
}

/// A span of time in seconds: `90s`, `30m`, `12h`, `7d`, `4w`.
///
/// # Errors
/// Text that is none, or nothing, or more than ten years.
pub fn seconds(text: &str) -> Result<i64> {
    const MOST: i64 = 10 * 366 * 86_400;
    let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];
    let found = units.iter().find_map(|(unit, length)| Some((text.strip_suffix(*unit)?, *length)));
    let count = found.and_then(|(digits, length)| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<i64>().ok().filter(|_| plain)?.checked_mul(length)
    });
    match count {
        Some(seconds) if (1..=MOST).contains(&seconds) => Ok(seconds),
        _ => bail!("write a number and its unit, such as 90s, 30m, 12h, 7d or 4w; from a second to ten years"),
    }
}

/// Leverage in hundredths: `3` or `2.5`.
///
/// # Errors
/// Text that is none.
pub fn leverage(text: &str) -> Result<u32> {
    let text = text.strip_suffix('x').unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let hundredths = (plain(whole) && plain(fraction) && fraction.len() <= 2)
        .then(|| format!("{whole}{fraction:0<2}").parse::<u32>().ok())
        .flatten();
    match hundredths {
        Some(hundredths) if (1..=100_000).contains(&hundredths) => Ok(hundredths),
        _ => bail!("write a number with at most two decimals, such as 3 or 2.5; from 0.01 to 1000"),
    }
}

/// Whole dollars of what was asked for, and what that left over.
///
/// # Errors
/// Less than a dollar.
pub fn whole_dollars(asked: Notional) -> Result<(Notional, Notional)> {
    let left = asked.get() % DOLLAR.get();
    let whole = Notional::new(asked.get().saturating_sub(left));
    if whole.is_zero() {
        bail!("{} USD are less than a dollar, and positions are sized in whole dollars", DOLLARS.short(asked.get()));
    }
    Ok((whole, Notional::new(left)))
}

/// Bitcoin for a sentence.
pub fn btc(amount: Sats) -> String {
    format!("{} BTC", BITCOIN.short(amount.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_for_whom_they_protect() {
        let price = Price::new(5_000_000_000_001);
        // 1.005 and 0.995 times 50,000.00000001.
        assert_eq!(slipped(true, price, 50).unwrap(), Price::new(5_025_000_000_001));
        assert_eq!(slipped(false, price, 50).unwrap(), Price::new(4_975_000_000_001));
        assert_eq!(slipped(false, price, 9_999).unwrap(), Price::new(500_000_001));
        assert_eq!(slipped(true, price, 0).unwrap(), price);
        assert!(slipped(true, Price::new(u64::MAX), 1).is_err());
    }

    #[test]
    fn tips_are_satoshi_or_bitcoin() {
        for (text, sats) in [("500", 500), ("0.000005", 500), ("0", 0), ("0.0", 0), ("1.", 0)] {
            match text {
                "1." => assert!(tip(text).is_err()),
                _ => assert_eq!(tip(text).unwrap(), Sats::new(sats), "{text}"),
            }
        }
        for text in ["", "-5", "+5", "5e3", "five", "0.000000001"] {
            assert!(tip(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_of_time_have_a_unit() {
        for (text, expected) in [("90s", 90), ("30m", 1_800), ("12h", 43_200), ("7d", 604_800), ("4w", 2_419_200)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in ["", "d", "7", "0d", "-1d", "1.5h", "4000d", "7 d", "99999999999999999999w"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn leverage_has_two_decimals() {
        for (text, expected) in [("3", 300), ("2.5", 250), ("2.05", 205), ("10x", 1_000), ("0.5", 50)] {
            assert_eq!(leverage(text).unwrap(), expected, "{text}");
        }
        for text in ["", "x", "0", "-1", "2.555", "1e2", "1001", ".5", "2."] {
            assert!(leverage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_rounded_down_to_whole_dollars() {
        assert_eq!(whole_dollars(Notional::new(1_999_999)).unwrap(), (Notional::new(1_000_000), Notional::new(999_999)));
        assert!(whole_dollars(Notional::new(999_999)).is_err());
    }
}
