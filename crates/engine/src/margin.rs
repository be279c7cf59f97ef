//! Initial and maintenance margin, and the equity they are held against (design, sections 5 and 7).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::math::Rounding;
use crate::params::Params;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::side::Side;
use crate::units::{Bps, Notional, Ppb, Price, Sats, SignedSats};

/// What of initial margin a fill must leave.
const THREE_QUARTERS: Ppb = Ppb::new(750_000_000);

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

/// The initial ratio of a position of this size, rounded up. Errors: `Overflow`.
pub fn initial_ratio(params: &Params, notional: Notional) -> Result<Ppb> {
    params.initial_margin.sloped(params.initial_margin_slope, notional, Rounding::Ceil)
}

/// The maintenance ratio of a position of this size, rounded down. Errors: `Overflow`.
pub fn maintenance_ratio(params: &Params, notional: Notional) -> Result<Ppb> {
    params.maintenance_margin.sloped(params.maintenance_margin_slope, notional, Rounding::Floor)
}

/// Initial margin in satoshi, rounded up: the trader asked. Errors: `Overflow`.
pub fn initial_margin(params: &Params, valuation: &Valuation) -> Result<Sats> {
    let ratio = initial_ratio(params, valuation.exposure.notional(Rounding::Ceil)?)?;
    valuation.value.ceil.times(ratio, Rounding::Ceil)
}

/// Maintenance margin in satoshi, rounded down: the liquidator asked. Errors: `Overflow`.
pub fn maintenance_margin(params: &Params, valuation: &Valuation) -> Result<Sats> {
    let ratio = maintenance_ratio(params, valuation.exposure.notional(Rounding::Floor)?)?;
    valuation.value.floor.times(ratio, Rounding::Floor)
}

/// `margin - reserved tips + unrealised PnL` of a settled position, in satoshi. Errors: `Overflow`.
pub fn equity(position: &Position, valuation: &Valuation) -> Result<SignedSats> {
    position.free_margin()?.signed()?.plus(valuation.pnl()?)
}

/// That `margin - reserved tips + min(0, unrealised PnL)` reaches initial margin: profit on paper is not collateral.
///
/// # Errors
/// `MarginBelowInitial`.
pub fn ensure_initial(params: &Params, position: &Position, valuation: &Valuation) -> Result<()> {
    let collateral = position.free_margin()?.signed()?.plus(valuation.pnl()?.loss_only())?;
    ensure(collateral >= initial_margin(params, valuation)?.signed()?, Error::MarginBelowInitial)
}

/// That `margin - reserved tips + min(0, unrealised PnL)` reaches three quarters of initial margin, so that a tick between placing and
/// filling an order does not void it, and maintenance margin, so that no fill can be liquidated at this price.
///
/// # Errors
/// `MarginBelowFilling`.
pub fn ensure_filling(params: &Params, position: &Position, valuation: &Valuation) -> Result<()> {
    let collateral = position.free_margin()?.signed()?.plus(valuation.pnl()?.loss_only())?;
    let initial = initial_margin(params, valuation)?.times(THREE_QUARTERS, Rounding::Ceil)?;
    let needed = initial.max(maintenance_margin(params, valuation)?);
    ensure(collateral >= needed.signed()?, Error::MarginBelowFilling)
}

/// Whether a settled position's equity is below its maintenance margin; never when flat. Errors: `Overflow`.
pub fn is_liquidatable(params: &Params, position: &Position, side: &Side, price: Price) -> Result<bool> {
    match Valuation::of_position(position, side, price)? {
        Some(valuation) => is_below_maintenance(params, position, &valuation),
        None => Ok(false),
    }
}

/// The same, of a position already valued. Errors: `Overflow`.
pub fn is_below_maintenance(params: &Params, position: &Position, valuation: &Valuation) -> Result<bool> {
    Ok(equity(position, valuation)? < maintenance_margin(params, valuation)?.signed()?)
}
