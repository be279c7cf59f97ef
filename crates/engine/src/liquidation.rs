//! Liquidation and bankruptcy prices, and how much a liquidation closes (design, sections 1 and 7).

use crate::errors::{Error, Result};
use crate::math::{divide, multiply_signed, narrow, signed, Rounding};
use crate::side::Direction;
use crate::units::{Notional, Ppb, Price};

/// Where equity meets a ratio of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// At no price: the margin covers all that can be lost.
    Never,
    /// At this price: at or below it for a long, at or above it for a short.
    At(Price),
    /// At every price.
    Always,
}

/// A position as the formulas here need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Long or short.
    pub direction: Direction,
    /// Notional.
    pub notional: Notional,
    /// Margin less reserved tips, in satoshi.
    pub margin: i64,
    /// Entry value, in satoshi; negative where costs have eaten it.
    pub entry_value: i64,
}

/// The price at which equity is `ratio` of the value; the bankruptcy price for a ratio of zero.
///
/// Long: `margin + E - V = r V`, so `P = N (1 + r) / (margin + E)`, rounded up. Errors: `Overflow` also above 2^64 - 1.
pub fn threshold(position: &Exposed, ratio: Ppb) -> Result<Threshold> {
    match position.direction {
        Direction::Long => long_threshold(position, ratio),
        Direction::Short => short_threshold(position, ratio),
    }
}

fn long_threshold(position: &Exposed, ratio: Ppb) -> Result<Threshold> {
    let backing = position.margin.checked_add(position.entry_value).ok_or(Error::Overflow)?;
    match u64::try_from(backing) {
        Ok(backing) if backing > 0 => price_of(position.notional, Ppb::ONE.plus(ratio)?, backing, Rounding::Ceil),
        _ => Ok(Threshold::Always),
    }
}

/// Short: `margin + V - E = r V`, so `P = N (1 - r) / (E - margin)`, rounded down; never if the margin covers the entry value,
/// because the value cannot fall below zero.
fn short_threshold(position: &Exposed, ratio: Ppb) -> Result<Threshold> {
    let uncovered = position.entry_value.checked_sub(position.margin).ok_or(Error::Overflow)?;
    match (u64::try_from(uncovered), Ppb::ONE.minus(ratio)) {
        (Ok(uncovered), Ok(left)) if uncovered > 0 => price_of(position.notional, left, uncovered, Rounding::Floor),
        (_, Ok(_)) => Ok(Threshold::Never),
        (_, Err(_)) => Ok(Threshold::Always),
    }
}

fn price_of(notional: Notional, ratio: Ppb, sats: u64, rounding: Rounding) -> Result<Threshold> {
    let fine = u128::from(notional.get()).checked_mul(u128::from(ratio.get())).ok_or(Error::Overflow)?;
    let fine = fine.checked_mul(10).ok_or(Error::Overflow)?; // micro-dollars * 1e9 * 10 / sats = 1e-8 dollars a bitcoin
    narrow(divide(fine, sats, rounding)?).map(|raw| Threshold::At(Price::new(raw)))
}

/// How much a liquidation closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseSize {
    /// This much of the notional, rounded up.
    Part(Notional),
    /// All of it.
    Whole,
}

/// What a liquidation aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// `t`: the ratio of equity to value that the rest is to have.
    pub ratio: Ppb,
    /// `f`: what closing costs, of the value closed: liquidation fee and spread.
    pub cost: Ppb,
    /// The least that may remain.
    pub min_notional: Notional,
}

/// Closes just enough to bring the rest back to `t`: `x = (t N v - equity) / ((t - f) v)` with `v = 1e10 / P`.
///
/// In dollars, where `equity * P` is exact: long `x = (N (1 + t) - (margin + E) P) / (t - f)`, short
/// `x = (N (t - 1) + (E - margin) P) / (t - f)`. Whole if `t <= f`, if the equity cannot pay the cost of what it closes,
/// or if the rest would be dust. Errors: `Overflow`.
pub fn close_size(position: &Exposed, price: Price, target: &Target) -> Result<CloseSize> {
    let (t, n) = (target.ratio.get(), position.notional.get());
    if target.ratio <= target.cost {
        return Ok(CloseSize::Whole);
    }
    let one = Ppb::ONE.get();
    let claim = match position.direction {
        Direction::Long => position.margin.checked_add(position.entry_value).and_then(i64::checked_neg),
        Direction::Short => position.entry_value.checked_sub(position.margin),
    };
    let claim = multiply_signed(i128::from(claim.ok_or(Error::Overflow)?), price.get())?;
    let weight = match position.direction {
        Direction::Long => i128::from(one).checked_add(i128::from(t)),
        Direction::Short => i128::from(t).checked_sub(i128::from(one)),
    };
    let weighted = multiply_signed(weight.ok_or(Error::Overflow)?, n)?.checked_mul(10).ok_or(Error::Overflow)?;
    let missing = weighted.checked_add(claim).ok_or(Error::Overflow)?; // (t N v - equity) P, in 1e-10 micro-dollars
    let equity = signed(u128::from(t))?.checked_mul(i128::from(n)).and_then(|tn| tn.checked_mul(10));
    let equity = equity.and_then(|tn| tn.checked_sub(missing)).ok_or(Error::Overflow)?; // the same unit
    let gap = t.checked_sub(target.cost.get()).and_then(|gap| gap.checked_mul(10)).ok_or(Error::Overflow)?;
    let Ok(missing) = u128::try_from(missing) else {
        return Ok(CloseSize::Part(Notional::ZERO));
    };
    let size = divide(missing, gap, Rounding::Ceil)?;
    let Some(rest) = u128::from(n).checked_sub(size) else {
        return Ok(CloseSize::Whole);
    };
    let cost = size.checked_mul(u128::from(target.cost.get())).and_then(|cost| cost.checked_mul(10)).ok_or(Error::Overflow)?;
    if rest < u128::from(target.min_notional.get()) || equity < signed(cost)? {
        return Ok(CloseSize::Whole);
    }
    narrow(size).map(|size| CloseSize::Part(Notional::new(size)))
}
