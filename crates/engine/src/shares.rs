//! What a share of the liquidity pool is worth (design, section 9).

use crate::errors::{ensure, Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::units::Sats;

/// Shares and satoshi that every pool is reckoned to hold besides its own, so that the first depositor cannot make a share
/// so dear that the next one's deposit rounds to nothing.
pub const VIRTUAL: u64 = 1_000;

/// Shares for a deposit: `amount * (supply + V) / (worth + V)`, floored; the amount itself where nobody has a share, since what
/// is left in such a pool belongs to nobody. Errors: `Overflow`.
pub fn shares_for(amount: Sats, supply: u64, worth: Sats) -> Result<u64> {
    if supply == 0 {
        return Ok(amount.get());
    }
    let supply = supply.checked_add(VIRTUAL).ok_or(Error::Overflow)?;
    let worth = worth.get().checked_add(VIRTUAL).ok_or(Error::Overflow)?;
    narrow(divide(multiply(amount.get(), supply), worth, Rounding::Floor)?)
}

/// What shares are paid in satoshi: `shares * (worth + V) / (supply + V)`, and never more than their part of the worth, floored.
///
/// The virtual satoshi count only in a pool that has grown: in one that has shrunk they would be paid by those who stay.
/// Errors: `Overflow`.
pub fn payout_for(shares: u64, supply: u64, worth: Sats) -> Result<Sats> {
    if worth.get() < supply {
        return whole_payout_for(shares, supply, worth);
    }
    let virtual_supply = supply.checked_add(VIRTUAL).ok_or(Error::Overflow)?;
    whole_payout_for(shares, virtual_supply, worth.plus(Sats::new(VIRTUAL))?)
}

/// `shares * worth / supply`, floored: the whole of it for all shares. Errors: `Overflow`, also for a supply of zero.
pub fn whole_payout_for(shares: u64, supply: u64, worth: Sats) -> Result<Sats> {
    narrow(divide(multiply(shares, worth.get()), supply, Rounding::Floor)?).map(Sats::new)
}

/// That a deposit buys at least as many shares as its owner asked for, and not none.
///
/// # Errors
/// `TooFewShares`.
pub fn ensure_enough(shares: u64, least: u64) -> Result<()> {
    ensure(shares >= least.max(1), Error::TooFewShares)
}
