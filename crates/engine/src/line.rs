//! Liquidation by order of keys: which positions a price puts below maintenance, without looking at the others.
//!
//! With `w = 1e10 / P` for the value of a micro-dollar, all of it in 1e-18 satoshi, a position of `s` shares, basis `b`, margin `m` less
//! reserved tips, and snapshots `A0`, `X0`, `F0` would have, if it were settled now (design, section 3), the equity
//!
//! ```text
//! long    m + b A - s A w + b (A0 - A) - s (X - X0) - s (F - F0)  =  (m + b A0 + s X0 + s F0) - s (F + X + A w)
//! short   m - b A + s A w - b (A0 - A) + s (X - X0) - s (F - F0)  =  (m - b A0 - s X0 + s F0) - s (F - X - A w)
//! ```
//!
//! The first bracket is the position's alone, the second is its side's alone. So the *key*, `k = (m ± b A0) / s ± X0 + F0`, changes
//! with what its owner does, and with nothing else: not with the price, not as funding accrues, not as the side shrinks. Settling
//! moves satoshi between its terms; it changes it by rounding alone, or raises it where a loss voids the position's orders and frees
//! their tips. With `r` for the maintenance ratio a position is liquidatable where `equity < r s A w`, that is where
//!
//! ```text
//! long    k  <  F + X + (r + 1) A w          short    k  <  F - X + (r - 1) A w
//! ```
//!
//! The right side, the *line*, is the same for all positions of a side but for `r`, which grows with size. For positions alike in size
//! the greatest `r` among them draws a line below which lie all that are liquidatable, and few others.
//!
//! No rounding lets one slip through. Settling floors its result and PnL the exit value; where the side has shrunk, a step of the basis
//! and the entry value are floored too: each takes less than a satoshi from the position, and the engine finds less than 4 satoshi less
//! than the formula, 2 at a scale of one. It is whole satoshi that are compared, and maintenance is floored, so that a liquidatable
//! position lies less than 3, or 1, below: the line is raised by as much over the fewest shares, and rounded up, and keys are floored.

use crate::errors::{Error, Result};
use crate::liquidation::Threshold;
use crate::margin::{maintenance_ratio, MarginRatios};
use crate::market::Market;
use crate::math::{
    add, divide, divide_signed, multiply, multiply_signed, narrow, negate_or_keep, round_up, signed, subtract, Rounding, ONE,
};
use crate::position::Position;
use crate::side::{Direction, Side};
use crate::units::{Ppb, Price, Scale, Shares};

/// What the engine's roundings can take of an equity, as the head of this file counts them, in 1e-18 satoshi.
fn roundings_at(scale: Scale) -> u128 {
    const UNSHRUNK: u128 = 1_000_000_000_000_000_000;
    const SHRUNK: u128 = 3_000_000_000_000_000_000;
    if scale == Scale::ONE {
        UNSHRUNK
    } else {
        SHRUNK
    }
}

/// A position's equity a share, were all its side's indices zero: 1e-18 satoshi, floored. The lower of two positions alike in size is
/// liquidated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(i128);

impl Key {
    /// Of a position as it is stored, settled or not; none when flat. Errors: `Overflow`.
    pub fn of(position: &Position) -> Result<Option<Self>> {
        let Some(direction) = position.open_direction() else {
            return Ok(None);
        };
        let margin = signed(multiply(position.free_margin()?.get(), ONE))?;
        let entry_value = position.basis.at(position.scale)?.signed_for(direction)?.get();
        let a_share = divide_signed(add(margin, entry_value)?, position.shares.get(), Rounding::Floor)?;
        let exits = for_direction(signed(position.exit_index.get())?, direction)?;
        add(add(a_share, exits)?, position.cost_index.get()).map(|raw| Some(Self(raw)))
    }

    /// The raw integer.
    pub fn get(self) -> i128 {
        self.0
    }
}

/// What the maintenance ratios of a side's positions depend on beside their size. While two are equal, so are the classes made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    direction: Direction,
    scale: Scale,
    present: MarginRatios,
    /// What older positions are still held to.
    spared: Option<MarginRatios>,
}

impl Terms {
    /// Of a side as it stands.
    pub fn of(market: &Market, direction: Direction) -> Self {
        Self {
            direction,
            scale: market.side(direction).scale,
            present: market.params.margin_ratios(),
            spared: if market.spared_until.is_zero() { None } else { Some(market.spared) },
        }
    }
}

/// Positions of a side alike in size, as a line sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    direction: Direction,
    /// The greatest maintenance ratio that one of them is held to.
    ratio: Ppb,
    /// The engine's roundings over the fewest shares that one of them has, in 1e-18 satoshi a share.
    roundings: i128,
}

impl Class {
    /// Of positions with so many shares. The ratio is that of the most, the present one or the one that older positions are still held
    /// to, whichever is greater. Errors: `Overflow`, also for a least of zero.
    pub fn of(terms: &Terms, least: Shares, most: Shares) -> Result<Self> {
        let notional = most.at(terms.scale)?.notional(Rounding::Floor)?;
        let mut ratio = maintenance_ratio(&terms.present, notional)?;
        if let Some(spared) = &terms.spared {
            ratio = ratio.max(maintenance_ratio(spared, notional)?);
        }
        let roundings = signed(divide(roundings_at(terms.scale), least.get(), Rounding::Ceil)?)?;
        Ok(Self { direction: terms.direction, ratio, roundings })
    }

    /// The greatest maintenance ratio that one of them is held to.
    pub fn ratio(&self) -> Ppb {
        self.ratio
    }

    /// Where the line passes a key, as the side stands: the key is below it at prices lower than this for a long, higher than this for
    /// a short, and at no others. So a position of the class with this key is liquidatable there at most.
    /// `Always` also for shorts of a ratio of one or more. Errors: `Overflow`.
    pub fn reach(&self, side: &Side, key: Key) -> Result<Threshold> {
        let floor = add(indices(self.direction, side)?, self.roundings)?;
        let above = subtract(key.0, floor)?; // below the line where above < weighted / P
        let weighted = multiply_signed(self.weight()?, ten_times(side.scale)?)?;
        let magnitude = above.unsigned_abs();
        match self.direction {
            Direction::Long if above > 0 => Ok(price_of(weighted, magnitude, Rounding::Ceil).unwrap_or(Threshold::Always)),
            Direction::Short if weighted >= 0 => Ok(Threshold::Always),
            Direction::Short if above < 0 => Ok(price_of(weighted, magnitude, Rounding::Floor).unwrap_or(Threshold::Never)),
            Direction::Long => Ok(Threshold::Always),
            Direction::Short => Ok(Threshold::Never),
        }
    }

    /// `r ± 1` in parts per billion.
    fn weight(&self) -> Result<i128> {
        add(self.ratio.get().into(), for_direction(Ppb::ONE.get().into(), self.direction)?)
    }
}

/// A side at a price, ready to draw the line of every class: no division is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Front {
    indices: i128,
    /// `10 A / P` times 2^48, floored: a billionth of `A w`.
    worth: u128,
}

/// Fine enough that what it leaves out is less than 1e-18 satoshi a share for any ratio below 280,000, and no product overflows.
const FRACTION_BITS: u32 = 48;

impl Front {
    /// Of a side accrued and deleveraged until now, as `Market::sync` leaves it. Errors: `Overflow`, also for a price of zero.
    pub fn of(direction: Direction, side: &Side, price: Price) -> Result<Self> {
        let worth = divide(u128::from(ten_times(side.scale)?) << FRACTION_BITS, price.get(), Rounding::Floor)?;
        Ok(Self { indices: indices(direction, side)?, worth })
    }

    /// The line of a class of this side: every liquidatable position of the class has a lower key. Errors: `Overflow`.
    #[inline(always)]
    pub fn line(&self, class: &Class) -> Result<Key> {
        let weight = class.weight()?;
        let worth = round_up(self.worth, weight >= 0)?;
        let fine = weight.unsigned_abs().checked_mul(worth).ok_or(Error::Overflow)?;
        let inexact = fine.trailing_zeros() < FRACTION_BITS;
        let weighted = negate_or_keep(round_up(fine >> FRACTION_BITS, weight >= 0 && inexact)?, weight < 0)?;
        add(add(self.indices, weighted)?, class.roundings).map(Key)
    }
}

/// `F ± X`.
fn indices(direction: Direction, side: &Side) -> Result<i128> {
    add(side.cost_index.get(), for_direction(signed(side.exit_index.get())?, direction)?)
}

/// `10 A`: of the 1e10 in `w`, a weight in parts per billion leaves ten.
fn ten_times(scale: Scale) -> Result<u64> {
    scale.get().checked_mul(10).ok_or(Error::Overflow)
}

/// A long's amount as it is, a short's with the other sign.
fn for_direction(amount: i128, direction: Direction) -> Result<i128> {
    match direction {
        Direction::Long => Ok(amount),
        Direction::Short => amount.checked_neg().ok_or(Error::Overflow),
    }
}

/// `|weighted| / above`, where a price can be that.
fn price_of(weighted: i128, above: u128, rounding: Rounding) -> Option<Threshold> {
    let weighted = weighted.unsigned_abs();
    let (floor, rest) = (weighted.checked_div(above)?, weighted.checked_rem(above)?);
    let up = rounding == Rounding::Ceil && rest != 0;
    narrow(floor.checked_add(u128::from(up))?).ok().map(|raw| Threshold::At(Price::new(raw)))
}
