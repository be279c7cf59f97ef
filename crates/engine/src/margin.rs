//! Initial and maintenance margin, and the equity they are held against (design, sections 5 and 7).

use crate::errors::{ensure, Error, Result};
use crate::math::Rounding;
use crate::params::Params;
use crate::pnl;
use crate::position::Position;
use crate::side::Side;
use crate::units::{Notional, Ppb, Price, Sats, SignedSats};

/// The initial ratio of a position of this size. Errors: `Overflow`.
pub fn initial_ratio(params: &Params, notional: Notional) -> Result<Ppb> {
    params.initial_margin.sloped(params.initial_margin_slope, notional)
}

/// The maintenance ratio of a position of this size. Errors: `Overflow`.
pub fn maintenance_ratio(params: &Params, notional: Notional) -> Result<Ppb> {
    params.maintenance_margin.sloped(params.maintenance_margin_slope, notional)
}

/// Initial margin in satoshi, rounded up: the trader asked. Errors: `Overflow`.
pub fn initial_margin(params: &Params, position: &Position, side: &Side, price: Price) -> Result<Sats> {
    let exposure = position.shares.at(side.scale);
    let ratio = initial_ratio(params, exposure.notional(Rounding::Ceil)?)?;
    exposure.value_at(price, Rounding::Ceil)?.times(ratio, Rounding::Ceil)
}

/// Maintenance margin in satoshi, rounded down: the liquidator asked. Errors: `Overflow`.
pub fn maintenance_margin(params: &Params, position: &Position, side: &Side, price: Price) -> Result<Sats> {
    let exposure = position.shares.at(side.scale);
    let ratio = maintenance_ratio(params, exposure.notional(Rounding::Floor)?)?;
    exposure.value_at(price, Rounding::Floor)?.times(ratio, Rounding::Floor)
}

/// `margin - reserved tips + unrealised PnL` of a settled position, in satoshi. Errors: `Overflow`.
pub fn equity(position: &Position, side: &Side, price: Price) -> Result<SignedSats> {
    position.free_margin()?.signed()?.plus(pnl::unrealised(position, side, price)?)
}

/// That `margin - reserved tips + min(0, unrealised PnL)` reaches initial margin: profit on paper is not collateral.
///
/// # Errors
/// `MarginBelowInitial`.
pub fn ensure_initial(params: &Params, position: &Position, side: &Side, price: Price) -> Result<()> {
    let loss = pnl::unrealised(position, side, price)?.loss_only();
    let collateral = position.free_margin()?.signed()?.plus(loss)?;
    ensure(collateral >= initial_margin(params, position, side, price)?.signed()?, Error::MarginBelowInitial)
}

/// Whether the position's equity is below its maintenance margin. Errors: `Overflow`.
pub fn is_liquidatable(params: &Params, position: &Position, side: &Side, price: Price) -> Result<bool> {
    Ok(equity(position, side, price)? < maintenance_margin(params, position, side, price)?.signed()?)
}
