//! Keys, classes and lines of positions that are open.

use inverse_perps_engine::line::{Class, Front, Key, Terms};
use inverse_perps_engine::units::Price;
use inverse_perps_engine::{Direction, Market, Position, Side};

pub fn key_of(position: &Position) -> Key {
    Key::of(position).unwrap().expect("an open position has a key")
}

pub fn class_of_one(market: &Market, position: &Position) -> Class {
    let terms = Terms::of(market, position.open_direction().unwrap());
    Class::of(&terms, position.shares, position.shares).unwrap()
}

pub fn line(class: &Class, direction: Direction, side: &Side, price: Price) -> Key {
    Front::of(direction, side, price).unwrap().line(class).unwrap()
}
