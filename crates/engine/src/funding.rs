//! Funding and borrow fee: one index a side, accrued per second, lazily (design, section 6).

use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, negate_or_keep, Rounding};
use crate::params::Params;
use crate::side::{Side, SideFigures};
use crate::units::{CostIndex, FineSats, Ppb, PpbPerDay, Price, Sats};

/// What each side pays a day, funding and borrow fee together; negative is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Longs.
    pub long: PpbPerDay,
    /// Shorts.
    pub short: PpbPerDay,
}

/// `max_rate * clamp(skew / skew_scale, -1, 1)`: the heavy side pays it, the light side receives it. Errors: `Overflow`.
pub fn funding_rate(params: &Params, long: &SideFigures, short: &SideFigures) -> Result<PpbPerDay> {
    let skew = long.notional.get().abs_diff(short.notional.get()).min(params.skew_scale.get());
    let rate = Ppb::new(u64::from(params.max_funding)).scaled(skew, params.skew_scale.get(), Rounding::Floor)?;
    let rate = rate.per_day()?;
    if long.notional >= short.notional {
        Ok(rate)
    } else {
        PpbPerDay::ZERO.minus(rate)
    }
}

/// `borrow_max * clamp(requirement / free pool, 0, 1)`, rounded up: the pool's; the whole for an empty pool. Errors: `Overflow`.
pub fn borrow_rate(params: &Params, requirement: Sats, free_pool: Sats) -> Result<PpbPerDay> {
    let most = Ppb::new(u64::from(params.max_borrow));
    if requirement >= free_pool {
        return most.per_day();
    }
    most.scaled(requirement.get(), free_pool.get(), Rounding::Ceil)?.per_day()
}

/// Both sides' rates. Errors: `Overflow`.
pub fn rates(funding: PpbPerDay, borrow: PpbPerDay) -> Result<Rates> {
    Ok(Rates { long: borrow.plus(funding)?, short: borrow.minus(funding)? })
}

/// Adds `A * rate * dt * 10 / (86400 * P)` to a side's cost index, up for a payer, toward zero for a receiver, and the same
/// for all its shares to what it owes. An empty side stands still. Errors: `Overflow`.
pub fn accrue_side(side: &mut Side, rate: PpbPerDay, elapsed_seconds: u64, price: Price) -> Result<()> {
    const SECONDS_A_DAY_BY_TEN: u64 = 8_640;
    if side.positions == 0 || rate.is_zero() {
        return Ok(());
    }
    let receives = rate.get() < 0;
    let weight = rate.get().unsigned_abs().checked_mul(elapsed_seconds).ok_or(Error::Overflow)?;
    let rounding = if receives { Rounding::Floor } else { Rounding::Ceil };
    let per_price = divide(multiply(side.scale.get(), weight), price.get(), rounding)?;
    let step = narrow(divide(per_price, SECONDS_A_DAY_BY_TEN, rounding)?)?;
    side.cost_index = side.cost_index.plus(CostIndex::new(negate_or_keep(u128::from(step), receives)?))?;
    let cost = negate_or_keep(multiply(side.shares.get(), step), receives)?;
    side.cost_owed = side.cost_owed.plus(FineSats::new(cost))?;
    Ok(())
}
