//! What is known of one market.

use super::shelves::Shelves;
use crate::index::Index;
use crate::prices;
use crate::task::{Action, Place, Task};
use inverse_perps::state::{Market, Order, Position, Settlement, Withdrawal};
use inverse_perps_engine::actions::{Glance, Synced};
use inverse_perps_engine::market::Market as State;
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::units::{Price, Sats, UnixTime};
use inverse_perps_engine::Error;
use perps::client::MarketKeys;
use solana_account::Account;
use solana_address::Address;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An account with the slot that it was read in.
#[derive(Clone)]
pub struct Held<T> {
    /// The account.
    pub account: T,
    /// The slot.
    pub slot: u64,
}

/// What the market's price account says, and when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The update; none where the account is none of the market's.
    pub update: Option<RawUpdate>,
    /// The slot.
    pub slot: u64,
}

/// One market with everything that belongs to it.
pub struct Book {
    /// Accounts that its instructions name.
    pub place: Place,
    /// The market.
    pub market: Market,
    /// The slot it was read in.
    pub slot: u64,
    /// Its price account; none before it was read.
    pub seen: Option<Seen>,
    /// Its positions.
    pub positions: HashMap<Address, Held<Position>>,
    /// Which of them a price liquidates.
    pub index: Index,
    /// Its orders.
    pub orders: Shelves,
    /// Requests to withdraw from its pool.
    pub withdrawals: BTreeMap<Address, Held<Withdrawal>>,
    /// The same by when their window would end, had it never stood still.
    pub windows: BTreeSet<(UnixTime, Address)>,
    /// Outcomes of its settlements.
    pub settlements: BTreeMap<Address, Held<Settlement>>,
}

/// A market at a moment, brought up to date on copies as the program would do it.
pub struct Look<'a> {
    /// What is known of the market.
    pub book: &'a Book,
    /// The Clock.
    pub at: Moment,
    /// What its price account says.
    pub update: Option<RawUpdate>,
    /// The market with the price taken in, accrued and deleveraged; or the rule that refuses the price.
    pub synced: Result<(State, Synced), Error>,
    /// The market with the price taken in, and no more.
    pub glanced: Result<(State, Glance), Error>,
}

/// An update that is never newer than any: what is stored is then judged by itself.
const NOTHING: RawUpdate = RawUpdate { price: 1, confidence: 0, ema: 1, exponent: -8, publish_time: UnixTime::ZERO };

impl Book {
    pub(super) fn new(market: Market, slot: u64, keeper: Address, price: Address) -> Self {
        let keys = MarketKeys::find(market.mint, market.index);
        let tokens = perps::client::addresses::associated_tokens(&keeper, &market.mint);
        Self {
            place: Place { keys, price, keeper, tokens, tokens_missing: false },
            market,
            slot,
            seen: None,
            positions: HashMap::new(),
            index: Index::new(),
            orders: Shelves::default(),
            withdrawals: BTreeMap::new(),
            windows: BTreeSet::new(),
            settlements: BTreeMap::new(),
        }
    }

    /// The market at this moment.
    pub fn look(&self, at: Moment) -> Look<'_> {
        let update = self.seen.and_then(|seen| seen.update);
        let raw = update.unwrap_or(NOTHING);
        let (mut synced, mut glanced) = (self.market.state, self.market.state);
        let sync = synced.sync(&raw, PriceUse::Upkeep, at);
        let glance = glanced.glance(&raw, PriceUse::Upkeep, at);
        Look { book: self, at, update, synced: sync.map(|done| (synced, done)), glanced: glance.map(|done| (glanced, done)) }
    }

    /// A task here.
    pub fn task(&self, action: Action, reward: Sats, duty: bool, stamp: u64) -> Task {
        Task { action, place: self.place, reward, duty, mark: self.market.state.prices.price, stamp }
    }

    /// The newest price known, if there is one: what the market has accepted, or its account says.
    pub fn newest_publish_time(&self) -> UnixTime {
        let stored = self.market.state.prices.publish_time;
        self.seen.and_then(|seen| seen.update).map_or(stored, |update| update.publish_time.max(stored))
    }

    pub(super) fn set_market(&mut self, market: Market, slot: u64) {
        let (before, after) = (&self.market.state.lifecycle, &market.state.lifecycle);
        let lived = before.status() != after.status() || before.epoch != after.epoch;
        self.market = market;
        self.slot = slot;
        if lived {
            self.refile(self.orders.addresses());
        }
    }

    pub(super) fn set_price(&mut self, account: Option<&Account>, slot: u64) {
        let update = account.and_then(|account| prices::read(&self.market, &self.place.price, account));
        self.seen = Some(Seen { update, slot });
    }

    /// Takes in a position, and says whether it fits the index.
    ///
    /// # Errors
    /// Where it breaks the engine's bounds; it is kept, but not liquidated.
    pub(super) fn set_position(&mut self, address: Address, account: Position, slot: u64) -> Result<(), Error> {
        let before = self.positions.insert(address, Held { account, slot });
        if before.is_some_and(|before| before.account.state == account.state) {
            return Ok(()); // a snapshot reads everything, and most of it has not changed
        }
        let indexed = self.index.upsert(address, &account.state);
        self.refile(self.orders.of_position(&address));
        indexed
    }

    /// Takes in an order of a position that is known here.
    pub(super) fn set_order(&mut self, address: Address, order: Order, slot: u64) {
        if let Some(position) = self.positions.get(&order.position) {
            self.orders.file(address, order, slot, &position.account.state, &self.market.state.lifecycle);
        }
    }

    pub(super) fn set_withdrawal(&mut self, address: Address, account: Withdrawal, slot: u64) {
        self.remove_withdrawal(&address);
        self.windows.insert((window_end(&account), address));
        self.withdrawals.insert(address, Held { account, slot });
    }

    /// Forgets an account of any kind.
    pub(super) fn remove(&mut self, address: &Address) {
        if self.positions.remove(address).is_some() {
            self.index.remove(address);
        }
        self.orders.remove(address);
        self.remove_withdrawal(address);
        self.settlements.remove(address);
    }

    fn remove_withdrawal(&mut self, address: &Address) {
        if let Some(Held { account, .. }) = self.withdrawals.remove(address) {
            self.windows.remove(&(window_end(&account), *address));
        }
    }

    fn refile(&mut self, orders: Vec<Address>) {
        for address in orders {
            let Some(filed) = self.orders.get(&address) else { continue };
            let Some(position) = self.positions.get(&filed.order.position) else { continue };
            self.orders.refile(&address, &position.account.state, &self.market.state.lifecycle);
        }
    }
}

/// When a withdrawal's window ends if it never stands still; a request whose times overflow never lapses.
fn window_end(withdrawal: &Withdrawal) -> UnixTime {
    let state = &withdrawal.state;
    let end = state.requested_at.after(state.cool_down).and_then(|ready| ready.after(state.window));
    end.unwrap_or(UnixTime::new(i64::MAX))
}

impl Look<'_> {
    /// The price that the market would be synced at; zero where there is none.
    pub fn mark(&self) -> Price {
        self.synced.as_ref().map_or(self.book.market.state.prices.price, |(_, synced)| synced.marks.quote.price)
    }

    /// A task here, at the price of this look.
    pub fn task(&self, action: Action, reward: Sats, duty: bool, stamp: u64) -> Task {
        Task { mark: self.mark(), ..self.book.task(action, reward, duty, stamp) }
    }
}
