//! Writes to a position what the side's indices have done to it.

use crate::errors::Result;
use crate::market::Market;
use crate::math::Rounding;
use crate::position::Position;
use crate::units::{FineSats, SignedSats};

/// What a settling wrote down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Result of deleveraging less funding and borrow fee, floored.
    pub result: SignedSats,
    /// The part of it that moved the basis, because margin or free pool could not pay it.
    pub shifted: SignedSats,
}

impl Market {
    /// `x = ±(basis (A0 - A) - shares (X - X0))`, `c = shares (F - F0)`, both exact and taken out of the side's sums; then books
    /// `floor(x - c)`. None where nothing was due. Errors: `Overflow`.
    pub fn settle(&mut self, position: &mut Position) -> Result<Option<Settled>> {
        let Some(direction) = position.open_direction() else {
            return Ok(None);
        };
        let side = self.side_mut(direction);
        let cost = position.shares.cost_since(side.cost_index, position.cost_index)?;
        let mut result = FineSats::ZERO.minus(cost)?;
        side.cost_owed = side.cost_owed.minus(cost)?;
        if position.scale != side.scale {
            let realised = position.deleveraged_since(side, direction)?;
            side.owed = side.owed.minus(realised)?;
            result = result.plus(realised)?;
        } else if cost.is_zero() {
            return Ok(None);
        }
        position.snapshot(side);
        let result = result.to_sats(Rounding::Floor)?;
        let shifted = self.book(position, direction, result)?;
        Ok(Some(Settled { result, shifted }))
    }
}
