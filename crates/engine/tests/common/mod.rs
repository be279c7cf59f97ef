//! What the tests share: exact rational arithmetic that owes nothing to the engine, and a market to act in.
#![allow(dead_code)] // every test file is a crate of its own and uses its part of this

pub mod exact;
pub mod ledger_model;
pub mod lines;

use inverse_perps_engine::actions::{ClosedOut, Decrease, DecreaseSize, Filled, Increase, Liquidated, Synced};
use inverse_perps_engine::market::{Fills, Marks};
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::units::{Bps, Notional, Price, Sats, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Market, Params, Position, Result};
use proptest::prelude::ProptestConfig;

pub const BOTH: [Direction; 2] = [Direction::Long, Direction::Short];
pub const START: i64 = 1_700_000_000;
pub const MAX_SATS: u64 = 2_100_000_000_000_000;
/// A pool that no trade of a test can strain.
pub const DEEP: u64 = 2_000_000_000_000_000;

/// Property tests leave no files behind: a failure prints the numbers it came from.
pub fn cases(count: u32) -> ProptestConfig {
    ProptestConfig { cases: count, failure_persistence: None, ..ProptestConfig::default() }
}

/// Dollars as the engine counts them.
pub fn dollars(amount: u64) -> Notional {
    Notional::new(amount * 1_000_000)
}

/// Dollars a bitcoin as the engine counts them.
pub fn usd(amount: u64) -> Price {
    Price::new(amount * 100_000_000)
}

pub fn sats(amount: u64) -> Sats {
    Sats::new(amount)
}

/// An update at eight decimals without confidence, whose average is its price.
pub fn update(price: Price, publish_time: i64) -> RawUpdate {
    let raw = i64::try_from(price.get()).unwrap();
    RawUpdate { price: raw, confidence: 0, ema: raw, exponent: -8, publish_time: UnixTime::new(publish_time) }
}

pub fn moment(time: i64, slot: u64) -> Moment {
    Moment { time: UnixTime::new(time), slot }
}

/// The standard parameters without the brakes that only slow a test down: no hold, no jump bound, the widest caps.
pub fn open_params() -> Params {
    let params = Params {
        min_hold: Seconds::new(0),
        max_jump: Bps::ONE,
        max_side_notional: dollars(10_000_000_000),
        max_position_notional: dollars(10_000_000_000),
        max_pool: sats(MAX_SATS),
        ..Params::standard()
    };
    params.validate(Seconds::new(30 * 86_400)).expect("the open parameters are within their bounds");
    params
}

/// The open parameters with funding and borrow fee at their bounds, in a market that is soon full.
pub fn dear_params() -> Params {
    let params = Params {
        max_funding: 60_000_000,
        max_borrow: 40_000_000,
        skew_scale: dollars(1_000_000),
        min_notional: dollars(1),
        settle_tip: Notional::ZERO,
        stress: Bps::new(1_000),
        max_utilisation: Bps::new(8_000),
        ..open_params()
    };
    params.validate(Seconds::new(3 * 86_400)).expect("the parameters are within their bounds");
    params
}

/// The open parameters without funding and borrow fee.
pub fn still() -> Params {
    Params { max_funding: 0, max_borrow: 0, ..open_params() }
}

/// The whole fee of a fill.
pub fn fee_of(filled: &Filled) -> u64 {
    filled.fee.total().unwrap().get()
}

/// A market with a clock, a price and liquidity. An action that fails leaves no trace, as a transaction does.
#[derive(Clone)]
pub struct Bench {
    pub market: Market,
    pub now: i64,
    pub slot: u64,
    pub price: Price,
    pub confidence: u64,
}

impl Bench {
    pub fn new(params: Params, price: Price, pool: u64) -> Self {
        let market = Market::new(params, Fills::Instant, UnixTime::new(START));
        let mut bench = Self { market, now: START, slot: 1, price, confidence: 0 };
        if pool > 0 {
            let (marks, at) = (bench.marks(), bench.at());
            bench.market.deposit_liquidity(sats(pool), 0, &marks, at).expect("the first deposit");
        }
        bench
    }

    /// A market without funding that can pay whatever is asked of it.
    pub fn deep(price: Price) -> Self {
        Self::new(still(), price, DEEP)
    }

    pub fn at(&self) -> Moment {
        moment(self.now, self.slot)
    }

    /// Time passes, at two slots a second.
    pub fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        self.slot += 2 * u64::try_from(seconds).unwrap();
    }

    /// The price changes in a later minute, so that the one before is no part of the recent range.
    pub fn move_to(&mut self, price: Price) {
        self.wait(61);
        self.price = price;
    }

    /// The confidence changes in a later minute.
    pub fn widen(&mut self, confidence: u64) {
        self.wait(61);
        self.confidence = confidence;
    }

    /// What the price account says.
    pub fn update(&self) -> RawUpdate {
        RawUpdate { confidence: self.confidence, ..update(self.price, self.now) }
    }

    /// A keeper's sync: it may begin to settle the market.
    pub fn sync(&mut self) -> Result<Synced> {
        let update = self.update();
        self.market.sync(&update, PriceUse::Upkeep, self.at())
    }

    /// Settles and closes a position of a settling market.
    pub fn close_for_claim(&mut self, position: &mut Position) -> Option<ClosedOut> {
        self.market.settle(position).expect("settling never fails");
        self.market.close_for_claim(position).expect("the market settles")
    }

    pub fn try_sync(&mut self, usage: PriceUse) -> Result<Marks> {
        let mut market = self.market;
        let marks = market.sync(&self.update(), usage, self.at())?.trading()?;
        self.market = market;
        Ok(marks)
    }

    /// Syncs under the limits of an increase, the strictest there are.
    pub fn marks(&mut self) -> Marks {
        self.try_sync(PriceUse::Increase).expect("a usable price")
    }

    /// Gives to insurance, if there is something to give.
    pub fn insure(&mut self, amount: u64) {
        if amount > 0 {
            self.market.fund_insurance(sats(amount)).expect("a donation");
        }
    }

    /// A flat position with margin.
    pub fn funded(&mut self, margin: u64) -> Position {
        let mut position = Position::default();
        if margin > 0 {
            self.market.deposit_collateral(&mut position, sats(margin)).expect("a deposit");
        }
        position
    }

    /// Runs an action on a synced and settled position; on an error everything is as it was.
    fn act<T>(
        &mut self,
        position: &mut Position,
        action: impl FnOnce(&mut Market, &mut Position, &Marks, Moment) -> Result<T>,
    ) -> Result<T> {
        let (before, held, at) = (self.clone(), *position, self.at());
        let result = self.try_sync(PriceUse::Increase).and_then(|marks| {
            self.market.settle(position)?;
            action(&mut self.market, position, &marks, at)
        });
        if result.is_err() {
            *self = before;
            *position = held;
        }
        result
    }

    pub fn increase(&mut self, position: &mut Position, direction: Direction, notional: Notional) -> Result<Filled> {
        let limit = match direction {
            Direction::Long => Price::new(u64::MAX),
            Direction::Short => Price::ZERO,
        };
        let order = Increase { direction, notional, limit };
        self.act(position, |market, position, marks, at| market.increase(position, &order, marks, at))
    }

    pub fn decrease(&mut self, position: &mut Position, size: DecreaseSize) -> Result<Filled> {
        let limit = match position.open_direction() {
            Some(Direction::Short) => Price::new(u64::MAX),
            _ => Price::ZERO,
        };
        let order = Decrease { size, limit };
        self.act(position, |market, position, marks, at| market.decrease(position, &order, marks, at))
    }

    pub fn liquidate(&mut self, position: &mut Position) -> Result<Liquidated> {
        self.act(position, |market, position, marks, _| market.liquidate(position, marks))
    }

    pub fn withdraw(&mut self, position: &mut Position, amount: u64) -> Result<()> {
        self.act(position, |market, position, marks, _| market.withdraw_collateral(position, sats(amount), Some(marks)))
    }

    pub fn settle(&mut self, position: &mut Position) {
        self.act(position, |market, position, _, _| market.settle(position)).expect("settling never fails");
    }

    /// Opens a position that must open.
    pub fn opened(&mut self, direction: Direction, notional: Notional, margin: u64) -> Position {
        let mut position = self.funded(margin);
        self.increase(&mut position, direction, notional).expect("the position opens");
        position
    }
}
