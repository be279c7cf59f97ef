//! What the index remembers of a position: what decides whether it is liquidatable, and no more.

use inverse_perps_engine::line::Key;
use inverse_perps_engine::units::{Basis, CostIndex, ExitIndex, Sats, Scale, Shares};
use inverse_perps_engine::{Direction, Position, Result};
use solana_address::Address;

/// An open position.
#[derive(Clone, Copy)]
pub(super) struct Record {
    /// Where its account is.
    pub(super) address: Address,
    /// Its place among positions alike.
    pub(super) key: Key,
    /// Its side.
    pub(super) direction: Direction,
    /// Its size.
    pub(super) shares: Shares,
    margin: Sats,
    tips: Sats,
    basis: Basis,
    scale: Scale,
    exit_index: ExitIndex,
    cost_index: CostIndex,
    margin_epoch: u32,
    direction_raw: u8,
}

impl Record {
    /// Of a position as its account has it; none when flat. Errors: `Overflow`.
    pub(super) fn of(address: Address, position: &Position) -> Result<Option<Self>> {
        let (Some(key), Some(direction)) = (Key::of(position)?, position.open_direction()) else {
            return Ok(None);
        };
        let Position { shares, margin, tips, basis, scale, exit_index, cost_index, margin_epoch, .. } = *position;
        let direction_raw = position.direction;
        Ok(Some(Self {
            address,
            key,
            direction,
            shares,
            margin,
            tips,
            basis,
            scale,
            exit_index,
            cost_index,
            margin_epoch,
            direction_raw,
        }))
    }

    /// The position, without its orders, its claim and its delegate's budget, none of which a liquidation asks for.
    pub(super) fn position(&self) -> Position {
        let Self { shares, margin, tips, basis, scale, exit_index, cost_index, margin_epoch, direction_raw, .. } = *self;
        let known = Position { shares, margin, tips, basis, scale, exit_index, cost_index, ..Position::default() };
        Position { margin_epoch, direction: direction_raw, ..known }
    }
}
