//! One side of a market: three indices, and sums that are exact integers over its positions (design, section 3).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::math::Rounding;
use crate::units::{Basis, CostIndex, ExitIndex, Exposure, FineSats, Notional, Price, Sats, Scale, Shares, Value};

/// Long or short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Gains as the price rises.
    Long,
    /// Gains as the price falls.
    Short,
}

impl Direction {
    /// Rounding of an entry value, and of the basis that a decrease releases: against the trader.
    pub fn entry_rounding(self) -> Rounding {
        match self {
            Direction::Long => Rounding::Floor,
            Direction::Short => Rounding::Ceil,
        }
    }

    /// Rounding of an exit value: against the trader.
    pub fn exit_rounding(self) -> Rounding {
        self.entry_rounding().opposite()
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Direction::Long => Direction::Short,
            Direction::Short => Direction::Long,
        }
    }
}

stored! {
    /// Indices and sums of one side.
    pub struct Side {
        /// `A`: scale of shares and basis.
        pub scale: Scale,
        /// `X`: exit index.
        pub exit_index: ExitIndex,
        /// `F`: cost index.
        pub cost_index: CostIndex,
        /// `S`: sum of the positions' shares.
        pub shares: Shares,
        /// `Q`: sum of the positions' basis.
        pub basis: Basis,
        /// `M`: sum of the positions' margin.
        pub margin: Sats,
        /// Profit deleveraged but not yet written to positions: reserved inside the pool.
        pub owed: FineSats,
        /// `K`: funding and borrow fee accrued but not yet written to positions; positive is owed to the pool.
        pub cost_owed: FineSats,
        /// `n`: how many positions.
        pub positions: u64,
    }
}

impl Side {
    /// A side without positions.
    pub fn empty() -> Self {
        Self { scale: Scale::ONE, ..Self::default() }
    }

    /// The last position has left: indices start anew, and what is left of a satoshi is the pool's.
    ///
    /// # Errors
    /// `SideNotEmpty` if a sum is not exactly zero, against I3, which would be a bug.
    pub fn restart(&mut self) -> Result<()> {
        ensure(
            self.shares.is_zero()
                && self.basis.is_zero()
                && self.margin.is_zero()
                && self.owed.is_zero()
                && self.cost_owed.is_zero(),
            Error::SideNotEmpty,
        )?;
        *self = Self::empty();
        Ok(())
    }

    /// What the side comes to at a price, rounded for the pool's safety. Errors: `Overflow`.
    #[inline(always)]
    pub fn figures(&self, direction: Direction, price: Price) -> Result<SideFigures> {
        if self.positions == 0 {
            return Ok(SideFigures {
                direction,
                exposure: Exposure::ZERO,
                notional: Notional::ZERO,
                entry_value: 0,
                value: Value::ZERO,
            });
        }
        let exposure = self.shares.at(self.scale)?;
        let notional = self.notional_of(exposure)?;
        let entry_value = self.basis.entry_value(self.scale, direction.exit_rounding())?;
        Ok(SideFigures { direction, exposure, notional, entry_value, value: exposure.value(price)? })
    }

    /// Notional, floored. Errors: `Overflow`.
    pub fn notional(&self) -> Result<Notional> {
        self.notional_of(self.shares.at(self.scale)?)
    }

    #[inline(always)]
    fn notional_of(&self, exposure: Exposure) -> Result<Notional> {
        if self.scale == Scale::ONE {
            return Ok(Notional::new(self.shares.get()));
        }
        exposure.notional(Rounding::Floor)
    }

    /// Closes the same share of every position at a price, by lowering the scale: `dX = fall * 1e10 / P`, against the side, and
    /// what that realises, `±(Q * fall - S * dX)`, is reserved until each position is touched. Errors: `Overflow`.
    pub fn shrink(&mut self, direction: Direction, scale: Scale, price: Price) -> Result<()> {
        let fall = self.scale.minus(scale)?;
        let step = ExitIndex::step(fall, price, direction.exit_rounding())?;
        let exited = self.shares.exited_since(step, ExitIndex::ZERO)?;
        let realised = FineSats::deleveraged(self.basis, fall, exited)?.signed_for(direction)?;
        self.owed = self.owed.plus(realised)?;
        self.exit_index = self.exit_index.plus(step)?;
        self.scale = scale;
        Ok(())
    }

    /// Satoshi that the pool has reserved for profit deleveraged on this side, rounded up. Errors: `Overflow`.
    pub fn reserved(&self) -> Result<Sats> {
        Ok(self.owed.to_sats(Rounding::Ceil)?.gain_and_loss().0)
    }
}

/// A side valued once, handed on from step to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideFigures {
    /// Which side.
    pub direction: Direction,
    /// Shares times scale, exact.
    pub exposure: Exposure,
    /// Notional, floored.
    pub notional: Notional,
    /// Entry value in satoshi: up for longs, down for shorts, so that profit is rounded up.
    pub entry_value: i64,
    /// Value at the price that the side was valued at.
    pub value: Value,
}

impl SideFigures {
    /// The side's unrealised PnL at the price that it was valued at, rounded up: what the pool must be ready to pay.
    /// Errors: `Overflow`.
    #[inline(always)]
    pub fn profit(&self) -> Result<i64> {
        self.profit_of(self.value.rounded(self.direction.entry_rounding()))
    }

    /// The same at another price. Errors: `Overflow`.
    pub fn profit_at(&self, price: Price) -> Result<i64> {
        self.profit_of(self.exposure.value_at(price, self.direction.entry_rounding())?)
    }

    fn profit_of(&self, value: Sats) -> Result<i64> {
        let value = value.signed()?.get();
        match self.direction {
            Direction::Long => self.entry_value.checked_sub(value),
            Direction::Short => value.checked_sub(self.entry_value),
        }
        .ok_or(Error::Overflow)
    }
}
