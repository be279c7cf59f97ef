//! What the pool must be able to pay, and how much of it may be spoken for (design, section 5).

use crate::errors::{ensure, Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::params::Params;
use crate::side::SideFigures;
use crate::units::{Bps, Price, Sats};

/// `max(B_L, max(0, B_L - N_L/q) + max(0, N_S/q - B_S'))` with `q = P (1 - stress)` and `B_S' = min(B_S, N_S/P)`, rounded up.
///
/// Both sides have been valued at `price`. A long wins at most its entry value; a short wins more the further the price falls, so
/// it is valued at the stressed price.
/// Errors: `Overflow`.
pub fn requirement(params: &Params, long: &SideFigures, short: &SideFigures, price: Price) -> Result<Sats> {
    let stressed = price.stressed(params.stress)?;
    let long_profit = long.profit_at(stressed)?.max(0);
    let short_backing = short.entry_value.min(short.value.floor.signed()?.get());
    let short_value = short.exposure.value_at(stressed, Rounding::Ceil)?.signed()?.get();
    let short_profit = short_value.checked_sub(short_backing).ok_or(Error::Overflow)?.max(0);
    let both = long_profit.checked_add(short_profit).ok_or(Error::Overflow)?;
    u64::try_from(both.max(long.entry_value)).map(Sats::new).map_err(|_| Error::Overflow)
}

/// The free pool less the part of it that shares waiting for their withdrawal stand for, rounded down: what is queued backs no
/// new positions. Errors: `Overflow`.
pub fn unqueued(free_pool: Sats, queued_shares: u64, supply: u64) -> Result<Sats> {
    if queued_shares == 0 {
        return Ok(free_pool);
    }
    let staying = supply.checked_sub(queued_shares).ok_or(Error::Overflow)?;
    narrow(divide(multiply(free_pool.get(), staying), supply, Rounding::Floor)?).map(Sats::new)
}

/// I14: that the requirement is at most `max_utilisation` of the free pool.
///
/// # Errors
/// `ReserveExceeded`.
pub fn ensure_reserve(params: &Params, requirement: Sats, free_pool: Sats) -> Result<()> {
    let needed = multiply(requirement.get(), Bps::ONE.get_wide());
    ensure(needed <= multiply(free_pool.get(), params.max_utilisation.get_wide()), Error::ReserveExceeded)
}
