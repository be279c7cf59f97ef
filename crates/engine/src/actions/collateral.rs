//! Margin in and out.

use crate::errors::{ensure, Error, Result};
use crate::margin::ensure_initial;
use crate::market::{Market, Marks};
use crate::math::Rounding;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::units::Sats;

impl Market {
    /// Adds satoshi that have arrived in the vault to a position's margin. Needs no price and no settling.
    ///
    /// # Errors
    /// `AmountZero`, `Overflow`.
    pub fn deposit_collateral(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        ensure(!amount.is_zero(), Error::AmountZero)?;
        self.credit_margin(position, amount)
    }

    /// Takes satoshi, which the caller then pays out of the vault, from the margin of a settled position. Beside an open
    /// position what is left must be initial margin at the price that is worst for its owner, and `marks` are needed.
    ///
    /// # Errors
    /// `OrderPending`, `AmountZero`, `MarginBelowAmount`, `PriceRequired`, `MarginBelowInitial`.
    pub fn withdraw_collateral(&mut self, position: &mut Position, amount: Sats, marks: Option<&Marks>) -> Result<()> {
        position.ensure_no_pending(&self.lifecycle)?;
        ensure(!amount.is_zero(), Error::AmountZero)?;
        ensure(position.free_margin()? >= amount, Error::MarginBelowAmount)?;
        self.debit_margin(position, amount)?;
        self.ensure_withdrawable(position, marks)
    }

    /// That what a position still has reaches initial margin at the worst price for its owner; nothing to check when flat.
    fn ensure_withdrawable(&self, position: &Position, marks: Option<&Marks>) -> Result<()> {
        let Some(direction) = position.open_direction() else {
            return Ok(());
        };
        let marks = marks.ok_or(Error::PriceRequired)?;
        let worst = marks.quote.fill(direction, false);
        let side = self.side(direction);
        let valuation = Valuation::of(direction, position.shares, position.basis, side.scale, worst)?;
        ensure_initial(&self.ratios_of(position), position, &valuation, valuation.exposure.notional(Rounding::Ceil)?)
    }
}
