//! A market's orders, each where the price or the time that it waits for finds it.

use inverse_perps::state::Order;
use inverse_perps_engine::order::FILLABLE;
use inverse_perps_engine::position::Position;
use inverse_perps_engine::settlement::Lifecycle;
use inverse_perps_engine::units::{Price, UnixTime};
use solana_address::Address;
use std::collections::{BTreeMap, BTreeSet};

const LAST: Address = Address::new_from_array([0xff; 32]);
const FIRST: Address = Address::new_from_array([0; 32]);

/// Where an order is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shelf {
    /// It can do nothing any more.
    Void,
    /// It waits for its fill.
    Pending,
    /// It rests, until a price at or above its trigger.
    Above,
    /// It rests, until a price at or below its trigger.
    Below,
}

/// An order with the slot that it was read in.
#[derive(Clone)]
pub struct Filed {
    /// The order.
    pub order: Order,
    /// The slot.
    pub slot: u64,
    shelf: Shelf,
}

/// The orders of one market.
#[derive(Default)]
pub struct Shelves {
    all: BTreeMap<Address, Filed>,
    by_position: BTreeMap<Address, BTreeSet<Address>>,
    above: BTreeSet<(Price, Address)>,
    below: BTreeSet<(Price, Address)>,
    expiries: BTreeSet<(UnixTime, Address)>,
    pending: BTreeSet<(UnixTime, Address)>,
    void: BTreeSet<Address>,
}

impl Shelves {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One of them.
    pub fn get(&self, address: &Address) -> Option<&Filed> {
        self.all.get(address)
    }

    /// A position's orders.
    pub fn of_position(&self, position: &Address) -> Vec<Address> {
        self.by_position.get(position).into_iter().flatten().copied().collect()
    }

    /// Every order's address.
    pub fn addresses(&self) -> Vec<Address> {
        self.all.keys().copied().collect()
    }

    /// Puts an order where it belongs, given its position and its market's life.
    pub fn file(&mut self, address: Address, order: Order, slot: u64, position: &Position, lifecycle: &Lifecycle) {
        self.remove(&address);
        let state = &order.state;
        let shelf = if state.is_void(position, lifecycle) {
            Shelf::Void
        } else if state.is_pending() {
            Shelf::Pending
        } else if state.triggers_at(Price::MAX) {
            Shelf::Above
        } else {
            Shelf::Below
        };
        match shelf {
            Shelf::Void => drop(self.void.insert(address)),
            Shelf::Pending => drop(self.pending.insert((state.due, address))),
            Shelf::Above => drop(self.above.insert((state.trigger, address))),
            Shelf::Below => drop(self.below.insert((state.trigger, address))),
        }
        if matches!(shelf, Shelf::Above | Shelf::Below) {
            self.expiries.insert((state.expiry, address));
        }
        self.by_position.entry(order.position).or_default().insert(address);
        self.all.insert(address, Filed { order, slot, shelf });
    }

    /// Puts an order where it belongs now that its position or its market's life has changed.
    pub fn refile(&mut self, address: &Address, position: &Position, lifecycle: &Lifecycle) {
        if let Some(Filed { order, slot, .. }) = self.all.get(address).cloned() {
            self.file(*address, order, slot, position, lifecycle);
        }
    }

    /// Forgets an order, and says whether there was one.
    pub fn remove(&mut self, address: &Address) -> bool {
        let Some(Filed { order, shelf, .. }) = self.all.remove(address) else { return false };
        let state = order.state;
        match shelf {
            Shelf::Void => drop(self.void.remove(address)),
            Shelf::Pending => drop(self.pending.remove(&(state.due, *address))),
            Shelf::Above => drop(self.above.remove(&(state.trigger, *address))),
            Shelf::Below => drop(self.below.remove(&(state.trigger, *address))),
        }
        self.expiries.remove(&(state.expiry, *address));
        if let Some(siblings) = self.by_position.get_mut(&order.position) {
            siblings.remove(address);
            if siblings.is_empty() {
                self.by_position.remove(&order.position);
            }
        }
        true
    }

    /// Resting orders that a price is past the trigger of.
    pub fn crossed(&self, price: Price) -> impl Iterator<Item = (Address, &Filed)> {
        let above = self.above.range(..=(price, LAST));
        let below = self.below.range((price, FIRST)..);
        above.chain(below).filter_map(|(_, address)| self.entry(address))
    }

    /// Orders that wait for a fill at or before this time, the longest waiting first.
    pub fn due(&self, published: UnixTime) -> impl Iterator<Item = (Address, &Filed)> {
        self.pending.range(..=(published, LAST)).filter_map(|(_, address)| self.entry(address))
    }

    /// Orders that can only be removed: void ones, those that have rested or waited too long.
    pub fn finished(&self, now: UnixTime) -> impl Iterator<Item = (Address, &Filed)> {
        let lapsed = UnixTime::new(now.get().saturating_sub(i64::from(FILLABLE.get())));
        let expired = self.expiries.range(..(now, FIRST)).map(|(_, address)| address);
        let missed = self.pending.range(..(lapsed, FIRST)).map(|(_, address)| address);
        self.void.iter().chain(expired).chain(missed).filter_map(|address| self.entry(address))
    }

    fn entry(&self, address: &Address) -> Option<(Address, &Filed)> {
        Some((*address, self.all.get(address)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{blank_order, id};
    use inverse_perps_engine::units::DOLLAR;

    const OPEN: Lifecycle = Lifecycle { status: 0, ..EMPTY };
    const EMPTY: Lifecycle = Lifecycle {
        settlement_price: Price::ZERO,
        settlement_publish_time: UnixTime::ZERO,
        claims: inverse_perps_engine::units::Sats::ZERO,
        top_up_most: inverse_perps_engine::units::Sats::ZERO,
        declared_dead: UnixTime::ZERO,
        epoch: 0,
        status: 0,
        for_good: 0,
        reserved: [0; 2],
    };

    /// A resting order: kind 1 limit, 2 stop, 3 take-profit; direction 1 long, 2 short; to enlarge or to reduce.
    fn resting(number: u32, kind: u8, direction: u8, reduce_only: u8, dollars: u64) -> Order {
        let mut order = blank_order(id(90));
        let state = &mut order.state;
        (state.id, state.kind, state.direction, state.reduce_only) = (number, kind, direction, reduce_only);
        state.trigger = Price::new(dollars * 100_000_000);
        state.notional = DOLLAR;
        state.expiry = UnixTime::new(1_000);
        order
    }

    fn crossed(shelves: &Shelves, dollars: u64) -> Vec<u32> {
        let mut ids: Vec<u32> =
            shelves.crossed(Price::new(dollars * 100_000_000)).map(|(_, filed)| filed.order.state.id).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn a_tick_finds_the_orders_that_it_crosses_and_those_at_the_trigger_itself() {
        let mut shelves = Shelves::default();
        // Which way each waits is the design's table: buying limits and take-profits and selling stops wait for a fall.
        let orders = [
            resting(1, 1, 1, 0, 100), // a limit to open a long buys: at or below 100
            resting(2, 1, 2, 0, 120), // a limit to open a short sells: at or above 120
            resting(3, 2, 1, 1, 90),  // a stop that closes a long sells: at or below 90
            resting(4, 2, 2, 1, 130), // a stop that closes a short buys: at or above 130
            resting(5, 3, 1, 1, 140), // a take-profit that closes a long sells: at or above 140
            resting(6, 3, 2, 1, 80),  // a take-profit that closes a short buys: at or below 80
            resting(7, 2, 1, 0, 125), // a stop to open a long buys: at or above 125
        ];
        for order in orders {
            shelves.file(id(order.state.id as u8), order, 1, &Position::default(), &OPEN);
        }
        let expected: [(u64, &[u32]); 8] = [
            (110, &[]),
            (100, &[1]),
            (90, &[1, 3]),
            (79, &[1, 3, 6]),
            (119, &[]),
            (120, &[2]),
            (130, &[2, 4, 7]),
            (140, &[2, 4, 5, 7]),
        ];
        for (price, ids) in expected {
            assert_eq!(crossed(&shelves, price), ids, "at {price}");
        }
    }

    #[test]
    fn an_order_moves_from_resting_to_waiting_to_finished_and_leaves_no_trace() {
        let mut shelves = Shelves::default();
        let (place, mut order) = (id(1), resting(1, 2, 1, 0, 100));
        let waits = Position { pending_order: 2, next_order: 2, ..Position::default() };
        shelves.file(place, order, 1, &Position::default(), &OPEN);
        assert_eq!(crossed(&shelves, 100), [1]);

        (order.state.pending, order.state.due) = (1, UnixTime::new(500));
        shelves.file(place, order, 2, &waits, &OPEN);
        assert_eq!((crossed(&shelves, 100), shelves.due(UnixTime::new(499)).count()), (vec![], 0));
        assert_eq!(shelves.due(UnixTime::new(500)).count(), 1);
        assert_eq!(shelves.finished(UnixTime::new(560)).count(), 0, "T + 60 is still fillable");
        assert_eq!(shelves.finished(UnixTime::new(561)).count(), 1);

        // It missed its bound and rests again, until its expiry.
        (order.state.pending, order.state.due) = (0, UnixTime::new(600));
        shelves.file(place, order, 3, &Position::default(), &OPEN);
        assert_eq!((shelves.due(UnixTime::new(9_999)).count(), crossed(&shelves, 100)), (0, vec![1]));
        assert_eq!((shelves.finished(UnixTime::new(1_000)).count(), shelves.finished(UnixTime::new(1_001)).count()), (0, 1));

        assert!(shelves.remove(&place) && !shelves.remove(&place));
        assert!(
            shelves.is_empty() && shelves.by_position.is_empty() && shelves.expiries.is_empty() && shelves.above.is_empty()
        );
    }

    #[test]
    fn an_order_is_void_once_its_position_or_market_says_so() {
        let mut shelves = Shelves::default();
        let place = id(1);
        shelves.file(place, resting(1, 2, 1, 0, 100), 1, &Position::default(), &OPEN);
        let voided = Position { void_orders_below: 2, ..Position::default() };
        shelves.refile(&place, &voided, &OPEN);
        assert_eq!((crossed(&shelves, 100), shelves.finished(UnixTime::ZERO).count()), (vec![], 1));
        shelves.refile(&place, &Position::default(), &Lifecycle { status: 1, ..OPEN });
        assert_eq!(shelves.finished(UnixTime::ZERO).count(), 1);
        shelves.refile(&place, &Position::default(), &OPEN);
        assert_eq!((crossed(&shelves, 100), shelves.finished(UnixTime::ZERO).count()), (vec![1], 0));
    }
}
