//! When profit nears the pool: how far the winning sides shrink (design, section 8).

use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::units::{Bps, Sats, Scale};

/// Whether profit on paper is above `trigger` of the free pool.
#[inline(always)]
pub fn is_due(profit: Sats, free_pool: Sats, trigger: Bps) -> bool {
    multiply(profit.get(), Bps::ONE.get_wide()) > multiply(free_pool.get(), trigger.get_wide())
}

/// The scale at which profit is `target` of what is then free: `A * target * (free - W) / (W * (1 - target))`, floored, at most
/// `A` itself. None where only settling the whole market helps: profit reaches the free pool, or the scale would be below 1e15.
///
/// Closing a share c of the winners at the price reserves `c W`: the rest of the profit, `(1 - c) W`, is to be
/// `target * (free - c W)`. Errors: `Overflow` for a profit of zero or a target of the whole.
pub fn shrunk_scale(scale: Scale, profit: Sats, free_pool: Sats, target: Bps) -> Result<Option<Scale>> {
    let Ok(left) = free_pool.minus(profit) else {
        return Ok(None);
    };
    let weighted = multiply(scale.get(), left.get()).checked_mul(u128::from(target.get())).ok_or(Error::Overflow)?;
    let per_profit = divide(weighted, profit.get(), Rounding::Floor)?; // nested floors are exact
    let shrunk = divide(per_profit, Bps::ONE.minus(target)?.get_wide(), Rounding::Floor)?;
    let shrunk = Scale::new(narrow(shrunk.min(u128::from(scale.get())))?);
    Ok((shrunk >= Scale::LEAST).then_some(shrunk))
}
