//! Initial and maintenance margin, and the equity they are held against (design, sections 5 and 7).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::math::Rounding;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::side::Side;
use crate::units::{Bps, Notional, Ppb, Price, Sats, SignedSats, Value};

stored! {
    /// Margin ratios of a position of size zero, and their growth per $1M.
    pub struct MarginRatios {
        /// Initial margin.
        pub initial: Bps,
        /// Growth of initial margin.
        pub initial_slope: Bps,
        /// Maintenance margin.
        pub maintenance: Bps,
        /// Growth of maintenance margin.
        pub maintenance_slope: Bps,
    }
}

impl MarginRatios {
    /// The lower of each of two sets. Where both are within the hard bounds, so is this.
    pub fn least(&self, other: &Self) -> Self {
        Self {
            initial: self.initial.min(other.initial),
            initial_slope: self.initial_slope.min(other.initial_slope),
            maintenance: self.maintenance.min(other.maintenance),
            maintenance_slope: self.maintenance_slope.min(other.maintenance_slope),
        }
    }
}

/// The initial ratio of a position of this size, rounded up. Errors: `Overflow`.
pub fn initial_ratio(ratios: &MarginRatios, notional: Notional) -> Result<Ppb> {
    ratios.initial.sloped(ratios.initial_slope, notional, Rounding::Ceil)
}

/// The maintenance ratio of a position of this size, rounded down. Errors: `Overflow`.
pub fn maintenance_ratio(ratios: &MarginRatios, notional: Notional) -> Result<Ppb> {
    ratios.maintenance.sloped(ratios.maintenance_slope, notional, Rounding::Floor)
}

/// Initial margin in satoshi of a position of this notional (rounded up) and value, rounded up: the trader asked. Errors: `Overflow`.
pub fn initial_margin(ratios: &MarginRatios, notional: Notional, value: Value) -> Result<Sats> {
    value.ceil.times(initial_ratio(ratios, notional)?, Rounding::Ceil)
}

/// Maintenance margin in satoshi, rounded down: the liquidator asked. Errors: `Overflow`.
pub fn maintenance_margin(ratios: &MarginRatios, valuation: &Valuation) -> Result<Sats> {
    let ratio = maintenance_ratio(ratios, valuation.exposure.notional(Rounding::Floor)?)?;
    valuation.value.floor.times(ratio, Rounding::Floor)
}

/// `margin - reserved tips + unrealised PnL` of a settled position, in satoshi. Errors: `Overflow`.
pub fn equity(position: &Position, valuation: &Valuation) -> Result<SignedSats> {
    position.free_margin()?.signed()?.plus(valuation.pnl()?)
}

/// What a margin that is asked for can be: `margin - reserved tips + min(0, unrealised PnL)`; profit on paper is not collateral.
fn collateral(position: &Position, valuation: &Valuation) -> Result<SignedSats> {
    position.free_margin()?.signed()?.plus(valuation.pnl()?.loss_only())
}

/// That a settled position of this notional, rounded up, has initial margin.
///
/// # Errors
/// `MarginBelowInitial`.
pub fn ensure_initial(ratios: &MarginRatios, position: &Position, valuation: &Valuation, notional: Notional) -> Result<()> {
    let needed = initial_margin(ratios, notional, valuation.value)?;
    ensure(collateral(position, valuation)? >= needed.signed()?, Error::MarginBelowInitial)
}

/// The same after filling an order: three quarters of initial margin, so that a tick between placing and filling does not void it, and
/// maintenance margin, so that no fill can be liquidated at this price.
///
/// # Errors
/// `MarginBelowFilling`.
pub fn ensure_filling(ratios: &MarginRatios, position: &Position, valuation: &Valuation, notional: Notional) -> Result<()> {
    let ratio = initial_ratio(ratios, notional)?.three_quarters()?.max(maintenance_ratio(ratios, notional)?);
    let needed = valuation.value.ceil.times(ratio, Rounding::Ceil)?;
    ensure(collateral(position, valuation)? >= needed.signed()?, Error::MarginBelowFilling)
}

/// Whether a settled position's equity is below its maintenance margin; never when flat. Errors: `Overflow`.
pub fn is_liquidatable(ratios: &MarginRatios, position: &Position, side: &Side, price: Price) -> Result<bool> {
    match Valuation::of_position(position, side, price)? {
        Some(valuation) => is_below_maintenance(ratios, position, &valuation),
        None => Ok(false),
    }
}

/// The same, of a position already valued. Errors: `Overflow`.
pub fn is_below_maintenance(ratios: &MarginRatios, position: &Position, valuation: &Valuation) -> Result<bool> {
    Ok(equity(position, valuation)? < maintenance_margin(ratios, valuation)?.signed()?)
}
