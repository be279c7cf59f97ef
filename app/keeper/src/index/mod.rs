//! Which positions a price liquidates, without looking at the others.
//!
//! A position's liquidation price moves with every second of funding and with every deleveraging of its side, its key does not
//! (`inverse_perps_engine::line`). So an index by key is written to only where a position's account changes, and stays right between.
//! A tick draws a line for each class of size and takes from each class what lies below: what it takes is then judged one by one, as
//! the program would.

mod classes;
mod judge;
mod record;

pub use judge::{is_liquidatable, liquidation_price};

use classes::Classes;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::line::{Front, Terms};
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Price;
use inverse_perps_engine::{Direction, Market, Position, Result};
use record::Record;
use solana_address::Address;
use std::collections::HashMap;
use std::fmt;

/// The open positions of one market.
pub struct Index {
    records: Vec<Record>,
    /// Ids whose record is nobody's.
    free: Vec<usize>,
    ids: HashMap<Address, usize>,
    longs: Classes,
    shorts: Classes,
}

/// What a tick comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crossing {
    /// Everything that can be liquidated, in no order that means anything.
    pub liquidatable: Vec<Liquidatable>,
    /// How many lay below their class's line, and were judged.
    pub judged: usize,
    /// What could not be judged, because it is not of the market's present state: read it again.
    pub misfits: Vec<Misfit>,
}

impl Crossing {
    fn judge(&mut self, record: &Record, market: &Market, price: Price) {
        let (address, position) = (record.address, record.position());
        self.judged += 1;
        match is_liquidatable(market, &position, price) {
            Ok(true) => self.liquidatable.push(Liquidatable { address, position }),
            Ok(false) => {}
            Err(error) => self.misfits.push(Misfit { address, error }),
        }
    }
}

/// A position below maintenance margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidatable {
    /// Where its account is.
    pub address: Address,
    /// As its account had it, not settled; without its orders, its claim and its delegate's budget, which the index does not keep. To
    /// know what liquidating it pays, settle and liquidate copies of it and of the market.
    pub position: Position,
}

/// A position that does not fit the market it was given for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where its account is.
    pub address: Address,
    /// The engine's bound that it breaks.
    pub error: Error,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {} is not of this state of its market, read both again: {}", self.address, self.error)
    }
}

impl std::error::Error for Misfit {}

/// The position of a side that is liquidated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearest {
    /// Where its account is.
    pub address: Address,
    /// Where it is liquidated as the market stands, `Always` where it already can be at any price.
    pub price: Threshold,
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl Index {
    /// Without positions.
    pub fn new() -> Self {
        Self { records: Vec::new(), free: Vec::new(), ids: HashMap::new(), longs: Classes::new(), shorts: Classes::new() }
    }

    /// Of many positions at once, as their accounts have them. Flat ones are left out; of one address the last counts.
    ///
    /// # Errors
    /// A position that breaks the engine's bounds, which the program would not have stored.
    pub fn build<'a>(positions: impl IntoIterator<Item = (Address, &'a Position)>) -> std::result::Result<Self, Misfit> {
        let mut index = Self::new();
        let positions = positions.into_iter();
        let expected = positions.size_hint().0;
        index.records.reserve_exact(expected);
        index.ids.reserve(expected);
        for (address, position) in positions {
            match Record::of(address, position).map_err(|error| Misfit { address, error })? {
                Some(record) => drop(index.keep(record)),
                None => drop(index.forget(&address)),
            }
        }
        let Self { records, ids, longs, shorts, .. } = &mut index;
        for (direction, classes) in [(Direction::Long, longs), (Direction::Short, shorts)] {
            let own = ids.values().map(|id| (&records[*id], *id)).filter(|(record, _)| record.direction == direction);
            classes.fill(own.map(|(record, id)| (record.shares, record.key, id)));
        }
        Ok(index)
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// A position as its account now has it: new, changed, or flat and therefore gone.
    ///
    /// # Errors
    /// `Overflow` for one that breaks the engine's bounds; the index is as before.
    pub fn upsert(&mut self, address: Address, position: &Position) -> Result<()> {
        let record = Record::of(address, position)?;
        self.remove(&address);
        if let Some(record) = record {
            let id = self.keep(record);
            self.side_mut(record.direction).insert(record.shares, record.key, id);
        }
        Ok(())
    }

    /// Forgets a position, and says whether there was one.
    pub fn remove(&mut self, address: &Address) -> bool {
        let Some((id, record)) = self.forget(address) else {
            return false;
        };
        self.side_mut(record.direction).remove(record.shares, record.key, id);
        true
    }

    /// Every position that can be liquidated in a market brought up to date (`Market::sync`, on a copy) at this price, by the rule that
    /// the program applies to a settled position. Nothing where the market does not trade.
    ///
    /// # Errors
    /// `Overflow` for a market or a price that breaks the engine's bounds.
    pub fn crossed(&self, market: &Market, price: Price) -> Result<Crossing> {
        let mut crossing = Crossing::default();
        if market.status() != Status::Active {
            return Ok(crossing);
        }
        for direction in [Direction::Long, Direction::Short] {
            let front = Front::of(direction, market.side(direction), price)?;
            self.side(direction).for_each(&Terms::of(market, direction), |class, drawn| {
                let line = front.line(drawn)?;
                if class.lowest < line {
                    class.below(line).for_each(|id| crossing.judge(&self.records[id], market, price));
                }
                Ok(())
            })?;
        }
        Ok(crossing)
    }

    /// The position of a side that is liquidated first as the price falls (longs) or rises (shorts), in a market brought up to date;
    /// none where the side is empty. It may be liquidatable already.
    ///
    /// # Errors
    /// `Overflow` for a position that is not of the market's state.
    pub fn nearest(&self, market: &Market, direction: Direction) -> Result<Option<Nearest>> {
        let mut nearest: Option<Nearest> = None;
        self.side(direction).for_each(&Terms::of(market, direction), |class, drawn| {
            for (key, id) in class.ascending() {
                // The line reaches this key before any price liquidates the position, and those above it later.
                let reach = drawn.reach(market.side(direction), key)?;
                if nearest.is_some_and(|nearest| !is_nearer(direction, reach, nearest.price)) {
                    break;
                }
                let record = &self.records[id];
                let price = liquidation_price(market, &record.position())?;
                if nearest.is_none_or(|nearest| is_nearer(direction, price, nearest.price)) {
                    nearest = Some(Nearest { address: record.address, price });
                }
            }
            Ok(())
        })?;
        Ok(nearest)
    }

    fn side(&self, direction: Direction) -> &Classes {
        match direction {
            Direction::Long => &self.longs,
            Direction::Short => &self.shorts,
        }
    }

    fn side_mut(&mut self, direction: Direction) -> &mut Classes {
        match direction {
            Direction::Long => &mut self.longs,
            Direction::Short => &mut self.shorts,
        }
    }

    /// Writes a record, over the one of its address if there is one.
    fn keep(&mut self, record: Record) -> usize {
        let id = match self.ids.get(&record.address).copied().or_else(|| self.free.pop()) {
            Some(id) => {
                self.records[id] = record;
                id
            }
            None => {
                if self.records.len() == self.records.capacity() {
                    // By an eighth, not twofold: of a million records the half must not lie idle.
                    self.records.reserve_exact(self.records.len() / 8 + 64);
                }
                self.records.push(record);
                self.records.len() - 1
            }
        };
        self.ids.insert(record.address, id);
        id
    }

    /// Takes an address out, and says where its record was and what it said.
    fn forget(&mut self, address: &Address) -> Option<(usize, Record)> {
        let id = self.ids.remove(address)?;
        self.free.push(id);
        Some((id, self.records[id]))
    }
}

/// Whether a price comes before another as the price moves against a side.
fn is_nearer(direction: Direction, one: Threshold, other: Threshold) -> bool {
    let rank = |threshold| match (threshold, direction) {
        (Threshold::Never, _) => (0, 0),
        (Threshold::At(price), Direction::Long) => (1, price.get()),
        (Threshold::At(price), Direction::Short) => (1, u64::MAX - price.get()),
        (Threshold::Always, _) => (2, 0),
    };
    rank(one) > rank(other)
}
