//! Worlds built by hand, for unit tests. Markets and positions are the engine's own; only where accounts lie is made up.

use crate::job::Jobs;
use crate::jobs::{self, Policy};
use crate::prices::Prices;
use crate::source::{Snapshot, Update};
use crate::task::{Action, FillQuery, Place, Task, Verb};
use crate::world::{Known, World};
use anchor_lang::Discriminator;
use inverse_perps::state::{Market, Order, Position, Withdrawal};
use inverse_perps_engine::actions::Increase;
use inverse_perps_engine::budget::Trader;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::order::OrderRequest;
use inverse_perps_engine::units::{Notional, Price, Sats, Seconds, UnixTime, DOLLAR};
use inverse_perps_engine::{Direction, Market as State, Params, Position as PositionState};
use perps::chain::{Result, CLOCK};
use perps::client::addresses::{order as order_address, program};
use perps::client::pyth::{price_update, PriceSays, RECEIVER};
use perps::client::{accounts, MarketKeys};
use perps::view::PriceSource;
use solana_account::Account;
use solana_address::Address;
use std::sync::Arc;

pub const FEED: [u8; 32] = [7; 32];
pub const START: i64 = 1_700_000_000;
pub const BTC: u64 = 100_000_000;

/// An address.
pub fn id(number: u8) -> Address {
    Address::new_from_array([number; 32])
}

fn blank(discriminator: &[u8], space: usize) -> Vec<u8> {
    let mut data = discriminator.to_vec();
    data.resize(space, 0);
    data
}

pub fn blank_order(position: Address) -> Order {
    let order = accounts::order(&blank(Order::DISCRIMINATOR, Order::SPACE)).expect("an order");
    Order { position, payer: id(91), ..order }
}

pub fn blank_withdrawal(market: Address, owner: Address) -> Withdrawal {
    let withdrawal = accounts::withdrawal(&blank(Withdrawal::DISCRIMINATOR, Withdrawal::SPACE)).expect("a withdrawal");
    Withdrawal { market, owner, payer: owner, ..withdrawal }
}

/// A position as its account stores it.
pub fn account_of(position: &Position) -> Account {
    let mut data = Position::DISCRIMINATOR.to_vec();
    data.extend_from_slice(anchor_lang::__private::bytemuck::bytes_of(position));
    Account { lamports: 1, data, owner: program(), executable: false, rent_epoch: 0 }
}

fn nowhere() -> Place {
    let keys = MarketKeys { market: id(80), mint: id(81), vault: id(82), lp_mint: id(83), lp_escrow: id(84) };
    Place { keys, price: id(85), keeper: id(86), tokens: id(87), tokens_missing: false }
}

/// A task that liquidates.
pub fn liquidation(position: Address, reward: u64, stamp: u64) -> Task {
    let action = Action::Liquidate(position);
    Task { action, place: nowhere(), reward: Sats::new(reward), duty: false, mark: Price::ZERO, stamp }
}

/// Prices at the push oracle's accounts; fill prices are not looked for.
pub struct PushOracle;

impl Prices for PushOracle {
    fn current(&self, market: &Market) -> Address {
        PriceSource::of(market).0
    }

    fn first_at(&self, _: &FillQuery) -> Result<Option<Address>> {
        Ok(None)
    }
}

/// A world with one market, and the means to change both.
pub struct Stage {
    pub world: World,
    pub keys: MarketKeys,
    pub market: Market,
    pub at: Moment,
    pub price: u64,
    pub policy: Policy,
    published: i64,
    others: u8,
}

impl Stage {
    /// $50,000, a pool of 100 BTC, an insurance fund of one, nobody in it.
    pub fn new() -> Self {
        Self::with(Params { max_funding: 0, max_borrow: 0, ..Params::standard() })
    }

    pub fn with(params: Params) -> Self {
        let mint = id(70);
        let keys = MarketKeys::find(mint, 0);
        let mut market = accounts::market(&blank(Market::DISCRIMINATOR, Market::SPACE)).expect("a market");
        market.mint = mint;
        market.lp_mint = keys.lp_mint;
        market.oracle = Address::new_from_array(FEED);
        market.state = State::new(params, Fills::Instant, UnixTime::new(START));
        let policy = Policy { jobs: Jobs::all(), accrue_every: Seconds::new(60), redeem_claims: false, pay_out: false };
        let at = Moment { time: UnixTime::new(START), slot: 1_000 };
        let mut world = World::new(id(1), Arc::new(PushOracle), &[]);
        world.replace(Snapshot::default());
        let mut stage = Self { world, keys, market, at, price: 50_000, policy, published: START, others: 100 };
        stage.tell();
        stage.sync();
        let marks = stage.marks();
        stage.market.state.deposit_liquidity(Sats::new(100 * BTC), 1, &marks, at).expect("a pool");
        stage.market.state.fund_insurance(Sats::new(BTC)).expect("insurance");
        stage.tell();
        stage
    }

    /// What the market's price account says.
    pub fn update(&self) -> RawUpdate {
        let price = i64::try_from(self.price * BTC).expect("a price");
        RawUpdate { price, confidence: 0, ema: price, exponent: -8, publish_time: UnixTime::new(self.published) }
    }

    fn marks(&mut self) -> inverse_perps_engine::market::Marks {
        let mut copy = self.market.state;
        copy.sync(&self.update(), PriceUse::Upkeep, self.at).expect("a price").marks
    }

    /// Syncs the market as its chain would.
    pub fn sync(&mut self) {
        self.market.state.sync(&self.update(), PriceUse::Upkeep, self.at).expect("a price");
    }

    /// Moves Clock and slots on; nothing is published.
    pub fn pass(&mut self, seconds: u32) {
        let time = self.at.time.after(Seconds::new(seconds)).expect("time");
        self.at = Moment { time, slot: self.at.slot + u64::from(seconds) * 5 / 2 + 1 };
        self.tell();
    }

    /// Publishes a price now.
    pub fn publish(&mut self, dollars: u64) {
        (self.price, self.published) = (dollars, self.at.time.get());
        self.tell();
    }

    /// Tells the world of Clock, price and market.
    pub fn tell(&mut self) {
        let (slot, says) = (self.at.slot, self.update());
        let mut clock = vec![0; 40];
        clock[..8].copy_from_slice(&slot.to_le_bytes());
        clock[32..].copy_from_slice(&self.at.time.get().to_le_bytes());
        let says = PriceSays {
            feed_id: FEED,
            price_e8: says.price,
            confidence_e8: 0,
            ema_e8: says.ema,
            publish_time: self.published,
            previous_publish_time: self.published - 1,
        };
        let account = |data, owner| Some(Account { lamports: 1, data, owner, executable: false, rent_epoch: 0 });
        let price = PriceSource::of(&self.market).0;
        self.world.note(self.keys.market, slot, Some(Known::Market(Box::new(self.market))));
        let data = price_update(&says).expect("bytes");
        self.world.learn([
            Update { address: CLOCK, slot, account: account(clock, id(0)) },
            Update { address: price, slot, account: account(data, RECEIVER) },
        ]);
    }

    /// Somebody with this margin and nothing else.
    pub fn trader(&mut self, margin_sats: u64) -> (Address, Position) {
        self.others += 1;
        let owner = id(self.others);
        let mut position = accounts::position(&blank(Position::DISCRIMINATOR, Position::SPACE)).expect("a position");
        (position.market, position.owner) = (self.keys.market, owner);
        position.state = PositionState::default();
        self.market.state.deposit_collateral(&mut position.state, Sats::new(margin_sats)).expect("margin");
        let address = self.keys.position(&owner, 0);
        self.keep(address, position);
        (address, position)
    }

    /// Tells the world of a position, and of the market that it has changed.
    pub fn keep(&mut self, address: Address, position: Position) {
        self.tell();
        self.world.note(address, self.at.slot, Some(Known::Position(Box::new(position))));
    }

    /// Somebody with this margin and an open position.
    pub fn open(&mut self, direction: Direction, dollars: u64, margin_sats: u64) -> Address {
        let (address, mut position) = self.trader(margin_sats);
        self.sync();
        let marks = self.marks();
        let limit = match direction {
            Direction::Long => Price::new(u64::MAX),
            Direction::Short => Price::ZERO,
        };
        let order = Increase { direction, notional: Notional::new(dollars * DOLLAR.get()), limit };
        self.market.state.increase(&mut position.state, &order, &marks, self.at).expect("an opening");
        self.keep(address, position);
        address
    }

    /// Places an owner's order of a position.
    pub fn place(&mut self, position: Address, request: &OrderRequest) -> Address {
        let mut account = self.position(&position);
        let quote = self.marks().quote;
        self.sync();
        self.market.state.settle(&mut account.state).expect("settled");
        let state = self.market.state.place_order(&mut account.state, request, Trader::Owner, &quote, self.at).expect("placed");
        let (address, _) = order_address(&position, state.id);
        self.keep(position, account);
        self.keep_order(address, Order { state, ..blank_order(position) });
        address
    }

    /// Tells the world of an order.
    pub fn keep_order(&mut self, address: Address, order: Order) {
        self.world.note(address, self.at.slot, Some(Known::Order(Box::new(order))));
    }

    pub fn position(&self, address: &Address) -> Position {
        self.world.book(&self.keys.market).expect("a market").positions[address].account
    }

    pub fn order(&self, address: &Address) -> Order {
        self.world.book(&self.keys.market).expect("a market").orders.get(address).expect("an order").order
    }

    /// Everything there is to do.
    pub fn tasks(&self) -> Vec<Task> {
        jobs::all(&self.world, &self.policy).tasks
    }

    /// What there is to do of one kind: the accounts that it is about, in their order.
    pub fn to_do(&self, verb: Verb) -> Vec<Address> {
        self.tasks().iter().map(Task::key).filter(|key| key.verb == verb).map(|key| key.subject).collect()
    }
}
