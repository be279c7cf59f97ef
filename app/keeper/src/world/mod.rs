//! What is known of the chain: everything that jobs decide on, and nothing else.
//!
//! Updates come in any order, more than once, late or not at all: one that is older than what is known is ignored, and a snapshot
//! mends what was missed. Decisions are made at the Clock as it was read, never at the local clock.

mod book;
mod kinds;
mod purse;
mod shelves;

pub use book::{Book, Held, Look, Seen};
pub use kinds::{read, Known, Undecodable};
pub use purse::Purse;
pub use shelves::{Filed, Shelves};

use crate::prices::Prices;
use crate::source::{Snapshot, Update};
use inverse_perps::state::{Market, Position, Settlement, Withdrawal};
use inverse_perps_engine::oracle::Moment;
use perps::chain::CLOCK;
use solana_address::Address;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A chain that is this many slots behind what is known of it is another one, or has been set back: begin anew.
const SET_BACK_SLOTS: u64 = 150;

/// What is known.
pub struct World {
    keeper: Address,
    prices: Arc<dyn Prices>,
    /// The markets that are kept; empty for all.
    only: BTreeSet<Address>,
    moment: Option<Moment>,
    books: BTreeMap<Address, Book>,
    /// Which market every account that is known belongs to, and the slot it was read in.
    homes: HashMap<Address, Home>,
    /// Accounts that came before the market or the position that they belong to, by their own address.
    strays: BTreeMap<Address, Stray>,
    /// The keeper's own balances.
    purse: Purse,
    slot: u64,
    loaded: bool,
    /// Whether a market or a position has come since strays were looked at.
    has_grown: bool,
}

#[derive(Clone, Copy)]
struct Home {
    slot: u64,
    /// None for an account that is gone.
    market: Option<Address>,
}

struct Stray {
    slot: u64,
    known: Known,
}

/// What learning something came to, beyond the world's change.
#[derive(Debug, Default)]
pub struct Learned {
    /// Accounts whose bytes cannot be what their mark says, and positions that break the engine's bounds.
    pub unreadable: Vec<(Address, String)>,
    /// Updates that were older than what is known.
    pub stale: usize,
    /// Whether everything known before was dropped, because the chain was set back.
    pub set_back: bool,
}

impl World {
    /// Of a keeper that keeps these markets, or all.
    pub fn new(keeper: Address, prices: Arc<dyn Prices>, only: &[Address]) -> Self {
        Self {
            keeper,
            prices,
            only: only.iter().copied().collect(),
            moment: None,
            books: BTreeMap::new(),
            homes: HashMap::new(),
            strays: BTreeMap::new(),
            purse: Purse::default(),
            slot: 0,
            loaded: false,
            has_grown: false,
        }
    }

    /// Whether there has been a snapshot and a Clock: before, nothing can be decided.
    pub fn is_ready(&self) -> bool {
        self.loaded && self.moment.is_some()
    }

    /// The Clock as read last.
    pub fn moment(&self) -> Option<Moment> {
        self.moment
    }

    /// What is known of each market.
    pub fn books(&self) -> impl Iterator<Item = &Book> {
        self.books.values()
    }

    /// What is known of a market.
    pub fn book(&self, market: &Address) -> Option<&Book> {
        self.books.get(market)
    }

    /// The keeper's own balances.
    pub fn purse(&self) -> &Purse {
        &self.purse
    }

    /// The newest slot of anything that is known.
    pub fn slot(&self) -> u64 {
        self.slot
    }

    /// Accounts to follow besides the program's: the Clock and every market's price.
    pub fn followed(&self) -> Vec<Address> {
        let mut followed: BTreeSet<Address> = self.books.values().map(|book| book.place.price).collect();
        followed.remove(&CLOCK);
        std::iter::once(CLOCK).chain(followed).collect()
    }

    /// Accounts to ask for besides: the keeper's balances, and the markets, which everything depends on.
    pub fn asked_for(&self) -> Vec<Address> {
        let tokens: BTreeSet<Address> = self.books.values().map(|book| book.place.tokens).collect();
        std::iter::once(self.keeper).chain(tokens).chain(self.books.keys().copied()).collect()
    }

    /// Takes in a snapshot: everything in it that is newer than what is known, and the end of everything that is not in it.
    pub fn replace(&mut self, snapshot: Snapshot) -> Learned {
        let set_back = self.slot > snapshot.slot.saturating_add(SET_BACK_SLOTS);
        if set_back {
            let (keeper, prices) = (self.keeper, self.prices.clone());
            let only: Vec<Address> = self.only.iter().copied().collect();
            *self = Self::new(keeper, prices, &only);
        }
        let present: HashSet<Address> = snapshot.accounts.iter().map(|(address, _)| *address).collect();
        let updates = snapshot.accounts.into_iter();
        let updates = updates.map(|(address, account)| Update { address, slot: snapshot.slot, account: Some(account) });
        let mut learned = self.learn(updates);
        learned.set_back = set_back;
        let gone = self.homes.iter().filter(|(address, home)| home.market.is_some() && !present.contains(*address));
        let gone: Vec<Address> = gone.map(|(address, _)| *address).collect();
        for address in gone {
            self.note(address, snapshot.slot, None);
        }
        let horizon = snapshot.slot.saturating_sub(SET_BACK_SLOTS);
        self.homes.retain(|_, home| home.market.is_some() || home.slot >= horizon);
        // What still has no home belongs to a market that is not kept.
        self.strays.clear();
        self.loaded = true;
        learned
    }

    /// Takes in updates.
    pub fn learn(&mut self, updates: impl IntoIterator<Item = Update>) -> Learned {
        let mut learned = Learned::default();
        for update in updates {
            self.take(update, &mut learned);
        }
        self.house_strays(&mut learned);
        learned
    }

    fn take(&mut self, update: Update, learned: &mut Learned) {
        let Update { address, slot, account } = update;
        if address == CLOCK {
            self.set_clock(account.as_ref().map(|account| account.data.as_slice()), learned);
        } else if self.is_own(&address) {
            self.purse.set(address, self.keeper, slot, account.as_ref());
            let missing = self.purse.is_missing(&address);
            let own = self.books.values_mut().filter(|book| book.place.tokens == address);
            own.for_each(|book| book.place.tokens_missing = missing);
        } else if self.is_price(&address) {
            let told = |book: &&mut Book| book.place.price == address && book.seen.is_none_or(|seen| seen.slot <= slot);
            self.books.values_mut().filter(told).for_each(|book| book.set_price(account.as_ref(), slot));
        } else {
            match account.as_ref().map(read).transpose() {
                // A market is never closed: a node that does not have it yet is behind.
                Ok(None | Some(None)) if self.books.contains_key(&address) => learned.stale += 1,
                Ok(known) => learned.stale += usize::from(!self.note(address, slot, known.flatten())),
                Err(error) => learned.unreadable.push((address, error.to_string())),
            }
            return;
        }
        self.slot = self.slot.max(slot);
    }

    fn set_clock(&mut self, data: Option<&[u8]>, learned: &mut Learned) {
        match perps::chain::moment(data.unwrap_or_default()) {
            Ok(moment) if self.moment.is_none_or(|known| known.slot <= moment.slot) => {
                self.moment = Some(moment);
                self.slot = self.slot.max(moment.slot);
            }
            Ok(_) => learned.stale += 1,
            Err(error) => learned.unreadable.push((CLOCK, error.to_string())),
        }
    }

    fn is_own(&self, address: &Address) -> bool {
        *address == self.keeper || self.books.values().any(|book| book.place.tokens == *address)
    }

    fn is_price(&self, address: &Address) -> bool {
        self.books.values().any(|book| book.place.price == *address)
    }

    /// Takes in an account of the program, or that there is none any more. Returns false where something newer is known.
    pub fn note(&mut self, address: Address, slot: u64, known: Option<Known>) -> bool {
        let home = self.homes.get(&address).copied();
        let stray = self.strays.get(&address).map(|stray| stray.slot);
        if home.map(|home| home.slot).max(stray).is_some_and(|known| known > slot) {
            return false;
        }
        self.slot = self.slot.max(slot);
        match known {
            Some(known) => self.settle(address, slot, known),
            None => self.forget(address, slot, home.and_then(|home| home.market)),
        }
        true
    }

    fn forget(&mut self, address: Address, slot: u64, market: Option<Address>) {
        self.strays.remove(&address);
        if let Some(book) = market.and_then(|market| self.books.get_mut(&market)) {
            book.remove(&address);
        }
        // A market's account is never closed; on another chain it may not be there.
        self.books.remove(&address);
        self.homes.insert(address, Home { slot, market: None });
    }

    /// Puts an account into its market's book, or among the strays.
    fn settle(&mut self, address: Address, slot: u64, known: Known) {
        let market = match &known {
            Known::Market(_) => Some(address),
            Known::Position(position) => Some(position.market),
            Known::Withdrawal(withdrawal) => Some(withdrawal.market),
            Known::Settlement(settlement) => Some(settlement.market),
            Known::Order(order) => self.homes.get(&order.position).and_then(|home| home.market),
        };
        if market.is_some_and(|market| !self.only.is_empty() && !self.only.contains(&market)) {
            return;
        }
        let Some(market) = market.filter(|market| matches!(known, Known::Market(_)) || self.books.contains_key(market)) else {
            self.strays.insert(address, Stray { slot, known });
            return;
        };
        self.strays.remove(&address);
        let is_new = self.homes.insert(address, Home { slot, market: Some(market) }).is_none_or(|home| home.market.is_none());
        self.has_grown |= is_new && matches!(known, Known::Market(_) | Known::Position(_));
        match known {
            Known::Market(account) => self.set_market(address, *account, slot),
            Known::Position(account) => self.set_position(market, address, *account, slot),
            Known::Order(account) => self.with(market, |book| book.set_order(address, *account, slot)),
            Known::Withdrawal(account) => self.set_withdrawal(market, address, *account, slot),
            Known::Settlement(account) => self.set_settlement(market, address, *account, slot),
        }
    }

    fn with(&mut self, market: Address, change: impl FnOnce(&mut Book)) {
        if let Some(book) = self.books.get_mut(&market) {
            change(book);
        }
    }

    fn set_market(&mut self, address: Address, account: Market, slot: u64) {
        match self.books.get_mut(&address) {
            Some(book) => book.set_market(account, slot),
            None => {
                let price = self.prices.current(&account);
                let mut book = Book::new(account, slot, self.keeper, price);
                book.place.tokens_missing = self.purse.is_missing(&book.place.tokens);
                self.books.insert(address, book);
            }
        }
    }

    fn set_position(&mut self, market: Address, address: Address, account: Position, slot: u64) {
        self.with(market, |book| {
            if let Err(error) = book.set_position(address, account, slot) {
                tracing::error!(%market, position = %address, %error, "a position that the engine's bounds forbid is not watched");
            }
        });
    }

    fn set_withdrawal(&mut self, market: Address, address: Address, account: Withdrawal, slot: u64) {
        self.with(market, |book| book.set_withdrawal(address, account, slot));
    }

    fn set_settlement(&mut self, market: Address, address: Address, account: Settlement, slot: u64) {
        self.with(market, |book| {
            book.settlements.insert(address, Held { account, slot });
        });
    }

    /// Tries again to find each stray its home: positions first, as orders may belong to them.
    fn house_strays(&mut self, learned: &mut Learned) {
        if !std::mem::take(&mut self.has_grown) {
            return;
        }
        for orders in [false, true] {
            let strays: Vec<Address> =
                self.strays.iter().filter(|(_, stray)| is_order(stray) == orders).map(|(at, _)| *at).collect();
            for address in strays {
                let Some(Stray { slot, known }) = self.strays.remove(&address) else { continue };
                learned.stale += usize::from(!self.note(address, slot, Some(known)));
            }
        }
    }
}

fn is_order(stray: &Stray) -> bool {
    matches!(stray.known, Known::Order(_))
}

#[cfg(test)]
mod tests;
