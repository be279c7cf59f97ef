//! Profit and loss of an inverse position, in satoshi, floored (design, section 1).

use crate::errors::{Error, Result};
use crate::math::{divide, multiply, narrow, Rounding};
use crate::position::Position;
use crate::side::{Direction, Side};
use crate::units::{Basis, Exposure, Notional, Price, Sats, Scale, Shares, SignedSats, Value};

/// Shares with their basis, valued once at a price and handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valuation {
    /// Long or short.
    pub direction: Direction,
    /// Shares times scale.
    pub exposure: Exposure,
    /// Value at the price.
    pub value: Value,
    /// Entry value in satoshi, rounded against the trader; negative where costs have eaten it.
    pub entry_value: i64,
}

impl Valuation {
    /// Of shares with their basis. Errors: `Overflow`.
    pub fn of(direction: Direction, shares: Shares, basis: Basis, scale: Scale, price: Price) -> Result<Self> {
        let exposure = shares.at(scale)?;
        let entry_value = basis.entry_value(scale, direction.entry_rounding())?;
        Ok(Self { direction, exposure, value: exposure.value(price)?, entry_value })
    }

    /// Of an open, settled position; none when flat. Errors: `Overflow`.
    pub fn of_position(position: &Position, side: &Side, price: Price) -> Result<Option<Self>> {
        match position.open_direction() {
            Some(direction) => Self::of(direction, position.shares, position.basis, side.scale, price).map(Some),
            None => Ok(None),
        }
    }

    /// The same at another price. Errors: `Overflow`.
    pub fn at(&self, price: Price) -> Result<Self> {
        Ok(Self { value: self.exposure.value(price)?, ..*self })
    }

    /// Entry value, at least nothing: costs can have eaten all of it.
    pub fn came_in(&self) -> Sats {
        SignedSats::new(self.entry_value).gain_and_loss().0
    }

    /// Value rounded against the trader who leaves.
    pub fn exit_value(&self) -> Sats {
        self.value.rounded(self.direction.exit_rounding())
    }

    /// What they realise: long `entry_value - value`, short `value - entry_value`, at most a satoshi below the exact result for
    /// each of the two. Errors: `Overflow`.
    pub fn pnl(&self) -> Result<SignedSats> {
        let value = self.exit_value().signed()?.get();
        match self.direction {
            Direction::Long => self.entry_value.checked_sub(value),
            Direction::Short => value.checked_sub(self.entry_value),
        }
        .map(SignedSats::new)
        .ok_or(Error::Overflow)
    }
}

/// The unrealised PnL of a settled position at a price; zero when flat. Errors: `Overflow`.
pub fn unrealised(position: &Position, side: &Side, price: Price) -> Result<SignedSats> {
    match Valuation::of_position(position, side, price)? {
        Some(valuation) => valuation.pnl(),
        None => Ok(SignedSats::ZERO),
    }
}

/// The PnL of `notional` from one price to another, as a position opened and closed on chain would have it.
/// Errors: `Overflow`.
pub fn between(direction: Direction, notional: Notional, entry: Price, exit: Price) -> Result<SignedSats> {
    let basis = Basis::of(entry_value(direction, notional, entry)?, Scale::ONE, Rounding::Floor)?;
    Valuation::of(direction, Shares::of(notional, Scale::ONE, Rounding::Floor)?, basis, Scale::ONE, exit)?.pnl()
}

/// The satoshi value of `notional` when opened, against the trader: long floor, short ceiling. Errors: `Overflow`.
pub fn entry_value(direction: Direction, notional: Notional, price: Price) -> Result<Sats> {
    notional.value_at(price, direction.entry_rounding())
}

/// The average entry price of fills: the harmonic mean `sum(N) / sum(N / P)`. `None` without fills.
///
/// `N / P` is kept to 1e-12 satoshi, floored, so that the average is that of the exact fills, not of satoshi already rounded:
/// above the exact one by at most one part in 1e12 of the fills' value in satoshi, then floored. For reports only.
/// Errors: `Overflow` where the notional sums to more than 3e16 micro-dollars.
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
