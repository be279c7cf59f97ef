//! One position, judged as the program would: settled on a copy of the market.

use inverse_perps_engine::liquidation::{threshold, Exposed, Threshold};
use inverse_perps_engine::margin::{self, maintenance_ratio};
use inverse_perps_engine::units::Price;
use inverse_perps_engine::{Market, Position, Result};

/// Whether a position, settled or not, can be liquidated in a market brought up to date; never when flat.
///
/// # Errors
/// `Overflow` for a position that is not of the market's state.
pub fn is_liquidatable(market: &Market, position: &Position, price: Price) -> Result<bool> {
    let Some(direction) = position.open_direction() else {
        return Ok(false);
    };
    when_settled(market, position, |market, position| {
        margin::is_liquidatable(&market.ratios_of(position), position, market.side(direction), price)
    })
}

/// The liquidation price of a position, settled or not, in a market brought up to date; `Never` when flat.
///
/// # Errors
/// `Overflow` for a position that is not of the market's state, or a price that no word holds.
pub fn liquidation_price(market: &Market, position: &Position) -> Result<Threshold> {
    let Some(direction) = position.open_direction() else {
        return Ok(Threshold::Never);
    };
    when_settled(market, position, |market, position| {
        let side = market.side(direction);
        let notional = position.notional(side)?;
        let exposed = Exposed {
            direction,
            notional,
            margin: position.free_margin()?.signed()?.get(),
            entry_value: position.basis.entry_value(side.scale, direction.entry_rounding())?,
        };
        threshold(&exposed, maintenance_ratio(&market.ratios_of(position), notional)?)
    })
}

/// Looks at copies as the next touch of the position would leave them.
#[inline]
fn when_settled<T>(market: &Market, position: &Position, look: impl FnOnce(&Market, &Position) -> Result<T>) -> Result<T> {
    let (mut market, mut position) = (*market, *position);
    market.settle(&mut position)?;
    look(&market, &position)
}
