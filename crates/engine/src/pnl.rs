//! Profit and loss of an inverse position, in satoshi, floored (design, section 1).

use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::position::Position;
use crate::side::{Direction, Side};
use crate::units::{Basis, Notional, Price, Sats, Scale, Shares, SignedSats};

/// What shares with their basis realise at a price: long `entry_value - value`, short `value - entry_value`.
///
/// Entry value and value are each rounded against the trader, so the result is at most a satoshi below the exact one for each.
/// Errors: `Overflow`.
pub fn realised(direction: Direction, shares: Shares, basis: Basis, scale: Scale, price: Price) -> Result<SignedSats> {
    let entry_value = basis.entry_value(scale, direction.entry_rounding())?;
    let value = shares.at(scale).value_at(price, direction.exit_rounding())?.signed()?.get();
    match direction {
        Direction::Long => entry_value.checked_sub(value),
        Direction::Short => value.checked_sub(entry_value),
    }
    .map(SignedSats::new)
    .ok_or(Error::Overflow)
}

/// The unrealised PnL of a settled position at a price; zero when flat. Errors: `Overflow`.
pub fn unrealised(position: &Position, side: &Side, price: Price) -> Result<SignedSats> {
    match position.open_direction() {
        Some(direction) => realised(direction, position.shares, position.basis, side.scale, price),
        None => Ok(SignedSats::ZERO),
    }
}

/// The PnL of `notional` from one price to another, as a position opened and closed on chain would have it.
/// Errors: `Overflow`.
pub fn between(direction: Direction, notional: Notional, entry: Price, exit: Price) -> Result<SignedSats> {
    let basis = Basis::of(entry_value(direction, notional, entry)?, Scale::ONE, Rounding::Floor)?;
    realised(direction, Shares::of(notional, Scale::ONE, Rounding::Floor)?, basis, Scale::ONE, exit)
}

/// The satoshi value of `notional` when opened, against the trader: long floor, short ceiling. Errors: `Overflow`.
pub fn entry_value(direction: Direction, notional: Notional, price: Price) -> Result<Sats> {
    notional.value_at(price, direction.entry_rounding())
}

/// The average entry price of fills: the harmonic mean `sum(N) / sum(N / P)`, floored. `None` without fills.
///
/// `N / P` is kept to 1e-12 satoshi, so that the average is that of the exact fills, not of satoshi already rounded.
/// Errors: `Overflow` where the notional sums to more than 1e16 micro-dollars.
pub fn average_entry(fills: &[(Notional, Price)]) -> Result<Option<Price>> {
    const FINE: u128 = 10_000_000_000_000_000_000_000;
    let (mut notional, mut value) = (0u128, 0u128);
    for (size, price) in fills {
        let fine = u128::from(size.get()).checked_mul(FINE).ok_or(Error::Overflow)?;
        notional = notional.checked_add(fine).ok_or(Error::Overflow)?;
        value = value.checked_add(divide(fine, price.get(), Rounding::Floor)?).ok_or(Error::Overflow)?;
    }
    match notional.checked_div(value) {
        Some(average) => narrow(average).map(|raw| Some(Price::new(raw))),
        None => Ok(None),
    }
}

/// Average entry price of an open position: `notional / entry_value`, floored; `None` where the entry value is not positive.
/// Errors: `Overflow`.
pub fn average_entry_of(position: &Position, side: &Side) -> Result<Option<Price>> {
    let entry_value = position.basis.entry_value(side.scale, Rounding::Ceil)?;
    match u64::try_from(entry_value) {
        Ok(entry_value) if entry_value > 0 => {
            let fine = multiply(position.notional(side)?.get(), 10_000_000_000);
            narrow(divide(fine, entry_value, Rounding::Floor)?).map(|raw| Some(Price::new(raw)))
        }
        _ => Ok(None),
    }
}
