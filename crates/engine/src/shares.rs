//! What a share of the liquidity pool is worth (design, section 9).

use crate::errors::{ensure, Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::units::Sats;

/// Shares and satoshi that every pool is reckoned to hold besides its own, so that the first depositor cannot make a share
/// so dear that the next one's deposit rounds to nothing.
pub const VIRTUAL: u64 = 1_000;

/// Shares for a deposit: `amount * (supply + V) / (worth + V)`, floored. Errors: `Overflow`.
pub fn shares_for(amount: Sats, supply: u64, worth: Sats) -> Result<u64> {
    let supply = supply.checked_add(VIRTUAL).ok_or(Error::Overflow)?;
    let worth = worth.get().checked_add(VIRTUAL).ok_or(Error::Overflow)?;
    narrow(divide(multiply(amount.get(), supply), worth, Rounding::Floor)?)
}

/// That a deposit buys at least as many shares as its owner asked for, and not none.
///
/// # Errors
/// `TooFewShares`.
pub fn ensure_enough(shares: u64, least: u64) -> Result<()> {
    ensure(shares >= least.max(1), Error::TooFewShares)
}
