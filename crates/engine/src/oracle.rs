//! Which prices are accepted, and what an action may do with them (design, section 4). Reading Pyth's accounts is the
//! program's; every rule about what they say is here.

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::market::Fills;
use crate::math::{divide, narrow, Rounding};
use crate::params::Params;
use crate::side::Direction;
use crate::units::{Confidence, Price, Seconds, UnixTime};

const BUCKET: Seconds = Seconds::new(30);
const LAG_BUCKET: Seconds = Seconds::new(600);
/// A gap between prices that the pool accepts counts as a stall if it is longer than this.
const STALL: i64 = 600;
const TARGET_EXPONENT: i32 = -8;
const LEAST_EXPONENT: i32 = -12;

/// Where the chain stands: the Clock sysvar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its unix time.
    pub time: UnixTime,
    /// Its slot.
    pub slot: u64,
}

/// What a Pyth account says, as it says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawUpdate {
    /// Price in units of `10^exponent` dollars.
    pub price: i64,
    /// Confidence in the same unit.
    pub confidence: u64,
    /// Exponential moving average in the same unit.
    pub ema: i64,
    /// The exponent.
    pub exponent: i32,
    /// When it was published.
    pub publish_time: UnixTime,
}

/// What is done with the price; it decides the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceUse {
    /// Instant increase of a position.
    Increase,
    /// Instant decrease: no bound on the distance from the average, so that nobody is locked in by a fast market.
    Decrease,
    /// Deposit to the pool.
    Liquidity,
    /// Withdrawal of margin beside an open position.
    Withdrawal,
    /// Liquidation, accrual, settling: what keeps the market safe.
    Upkeep,
}

stored! {
    /// The newest price accepted, and the range of the last minute.
    pub struct PriceState {
        /// The price; zero before the first.
        pub price: Price,
        /// Its confidence.
        pub confidence: Confidence,
        /// Its exponential moving average.
        pub ema: Price,
        /// When it was published.
        pub publish_time: UnixTime,
        /// The slot it was accepted in.
        pub slot: u64,
        /// The 30-second interval it was accepted in.
        pub interval: i64,
        /// Lowest price accepted in that slot.
        pub slot_low: Price,
        /// Highest price accepted in that slot.
        pub slot_high: Price,
        /// The interval of the newer bucket.
        pub bucket: i64,
        /// Lowest price accepted in the newer bucket.
        pub low: Price,
        /// Highest price accepted in the newer bucket; zero if none was.
        pub high: Price,
        /// Lowest price of the interval before it.
        pub previous_low: Price,
        /// Highest price of the interval before it; zero if none was.
        pub previous_high: Price,
        /// The 600-second interval of `lag`.
        pub lag_interval: i64,
        /// Greatest lead of a publish time over the Clock in that interval.
        pub lag: Seconds,
        /// The same for the interval before it.
        pub previous_lag: Seconds,
        /// Clock time of the newest price that a decrease would accept.
        pub decrease_time: UnixTime,
        /// Clock time of the newest price that the pool's deposits and withdrawals would accept.
        pub liquidity_time: UnixTime,
        /// Seconds so far, in gaps longer than `STALL`, for which the pool had no price that it accepts.
        pub stalled_seconds: u64,
    }
}

/// Lowest and highest price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Lowest.
    pub low: Price,
    /// Highest.
    pub high: Price,
}

impl Range {
    fn widened(self, low: Price, high: Price) -> Self {
        if high.is_zero() {
            return self;
        }
        Self { low: self.low.min(low), high: self.high.max(high) }
    }
}

/// A price with what it may be traded at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The price itself: health is judged at it.
    pub price: Price,
    /// `k` confidences: how far bid and ask lie from it.
    pub spread: Confidence,
    /// Lowest of bid and recent range.
    pub bid: Price,
    /// Highest of ask and recent range.
    pub ask: Price,
}

impl Quote {
    /// A price without a spread: for valuing, where nobody trades.
    pub fn at(price: Price) -> Self {
        Self { price, spread: Confidence::ZERO, bid: price, ask: price }
    }

    /// A price with bid and ask `k` confidences from it. Errors: `Overflow`.
    fn spread(price: Price, confidence: Confidence, params: &Params) -> Result<Self> {
        let spread = confidence.times(params.spread_multiplier)?;
        let bid = Price::new(price.get().checked_sub(spread.get()).ok_or(Error::Overflow)?);
        let ask = Price::new(price.get().checked_add(spread.get()).ok_or(Error::Overflow)?);
        Ok(Self { price, spread, bid, ask })
    }

    /// What an update says that sets a fill price alone: exempt from the rules of age and order, and never stored.
    ///
    /// # Errors
    /// `PriceInFuture`, `ConfidenceTooWide` above `wide_confidence`, those of scaling.
    pub fn of_fill(update: &RawUpdate, at: Moment, params: &Params) -> Result<Self> {
        update.ensure_not_ahead(at, params)?;
        let (price, confidence, _) = update.scaled()?;
        ensure(!confidence.exceeds(price, params.wide_confidence), Error::ConfidenceTooWide)?;
        Self::spread(price, confidence, params)
    }

    /// At the worse of both for whoever trades.
    pub fn worse(&self, other: &Quote) -> Self {
        Self { bid: self.bid.min(other.bid), ask: self.ask.max(other.ask), ..*self }
    }

    /// The price at which a trader buys (opens a long, closes a short) or sells. Same for both kinds of fill.
    pub fn fill(&self, direction: Direction, opening: bool) -> Price {
        if (direction == Direction::Long) == opening {
            self.ask
        } else {
            self.bid
        }
    }
}

fn intervals_since(now: i64, then: i64) -> Result<i64> {
    now.checked_sub(then).ok_or(Error::Overflow)
}

/// `n * 10^exponent` dollars in units of 1e-8, with the rounding said.
fn rescale(n: u64, exponent: i32, rounding: Rounding) -> Result<u64> {
    let power = |places: u32| 10u64.checked_pow(places).ok_or(Error::ExponentOutOfRange);
    let shift = exponent.checked_sub(TARGET_EXPONENT).ok_or(Error::ExponentOutOfRange)?;
    if shift >= 0 {
        n.checked_mul(power(shift.unsigned_abs())?).ok_or(Error::PriceOutOfRange)
    } else {
        narrow(divide(u128::from(n), power(shift.unsigned_abs())?, rounding)?)
    }
}

impl RawUpdate {
    /// That it is published at most `max_future` ahead of the Clock.
    ///
    /// # Errors
    /// `PriceInFuture`.
    pub(crate) fn ensure_not_ahead(&self, at: Moment, params: &Params) -> Result<()> {
        ensure(self.publish_time <= at.time.after(params.max_future)?, Error::PriceInFuture)
    }

    /// Price (floored), confidence (rounded up) and average (floored) at eight decimals.
    ///
    /// # Errors
    /// `PriceNotPositive`, `ExponentOutOfRange`, `PriceOutOfRange`.
    pub fn scaled(&self) -> Result<(Price, Confidence, Price)> {
        ensure((LEAST_EXPONENT..=0).contains(&self.exponent), Error::ExponentOutOfRange)?;
        let positive = |n: i64| match u64::try_from(n) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(Error::PriceNotPositive),
        };
        let (price, ema) = (positive(self.price)?, positive(self.ema)?);
        if self.exponent == TARGET_EXPONENT {
            return Ok((Price::checked(price)?, Confidence::new(self.confidence), Price::checked(ema)?));
        }
        Ok((
            Price::checked(rescale(price, self.exponent, Rounding::Floor)?)?,
            Confidence::new(rescale(self.confidence, self.exponent, Rounding::Ceil)?),
            Price::checked(rescale(ema, self.exponent, Rounding::Floor)?)?,
        ))
    }
}

impl PriceState {
    /// The clock of every age: the Clock sysvar can lag behind the prices, never the other way round.
    pub fn now(&self, clock: UnixTime) -> UnixTime {
        clock.max(self.publish_time)
    }

    /// Greatest lead of an accepted price over the Clock in the last ten to twenty minutes. Errors: `Overflow`.
    pub fn lag(&self, clock: UnixTime) -> Result<Seconds> {
        let age = intervals_since(clock.interval(LAG_BUCKET)?, self.lag_interval)?;
        Ok(match age {
            ..=0 => self.lag.max(self.previous_lag),
            1 => self.lag,
            _ => Seconds::ZERO,
        })
    }

    /// Takes in an update that is newer than the last. One that is not is no error and changes nothing, so that nobody can
    /// shut others out by posting first.
    ///
    /// # Errors
    /// `PriceInFuture`, `PriceNotPositive`, `ExponentOutOfRange`, `PriceOutOfRange`.
    pub fn accept(&mut self, update: &RawUpdate, at: Moment, params: &Params) -> Result<()> {
        if update.publish_time <= self.publish_time && !self.price.is_zero() {
            return Ok(());
        }
        update.ensure_not_ahead(at, params)?;
        let (price, confidence, ema) = update.scaled()?;
        let interval = at.time.interval(BUCKET)?;
        if at.slot == self.slot && !self.price.is_zero() {
            self.slot_low = self.slot_low.min(price);
            self.slot_high = self.slot_high.max(price);
        } else {
            self.remember_slot();
            self.slot = at.slot;
            self.slot_low = price;
            self.slot_high = price;
        }
        self.remember_lag(update.publish_time, at.time)?;
        self.price = price;
        self.confidence = confidence;
        self.ema = ema;
        self.publish_time = update.publish_time;
        self.interval = interval;
        Ok(())
    }

    /// Moves the prices of a slot that is over into the buckets.
    fn remember_slot(&mut self) {
        if self.price.is_zero() {
            return;
        }
        if self.interval != self.bucket {
            let adjacent = self.interval.checked_sub(self.bucket) == Some(1);
            (self.previous_low, self.previous_high) = if adjacent { (self.low, self.high) } else { (Price::ZERO, Price::ZERO) };
            (self.low, self.high) = (self.slot_low, self.slot_high);
            self.bucket = self.interval;
        } else if self.high.is_zero() {
            (self.low, self.high) = (self.slot_low, self.slot_high);
        } else {
            self.low = self.low.min(self.slot_low);
            self.high = self.high.max(self.slot_high);
        }
    }

    fn remember_lag(&mut self, publish_time: UnixTime, clock: UnixTime) -> Result<()> {
        let interval = clock.interval(LAG_BUCKET)?;
        if interval != self.lag_interval {
            self.previous_lag = if interval.checked_sub(self.lag_interval) == Some(1) { self.lag } else { Seconds::ZERO };
            self.lag = Seconds::ZERO;
            self.lag_interval = interval;
        }
        let lead = publish_time.seconds_since(clock)?.max(0);
        let lead = Seconds::new(u32::try_from(lead).map_err(|_| Error::Overflow)?);
        self.lag = self.lag.max(lead);
        Ok(())
    }

    /// Lowest and highest of the present price and those accepted in earlier slots of the last 30 to 60 s.
    /// Errors: `Overflow`.
    pub fn range(&self, at: Moment) -> Result<Range> {
        let mut range = Range { low: self.price, high: self.price };
        let interval = at.time.interval(BUCKET)?;
        if at.slot > self.slot && intervals_since(interval, self.interval)? <= 1 {
            range = range.widened(self.slot_low, self.slot_high);
        }
        let age = intervals_since(interval, self.bucket)?;
        if age <= 1 {
            range = range.widened(self.low, self.high);
        }
        if age <= 0 {
            range = range.widened(self.previous_low, self.previous_high);
        }
        Ok(range)
    }

    /// Remembers that the stored price has just served `usage`, and what else it would serve. Returns whether a decrease would
    /// accept it. Errors: `Overflow`.
    pub(crate) fn remember_use(&mut self, usage: PriceUse, at: Moment, params: &Params, fills: Fills) -> Result<bool> {
        let serves = |state: &Self, usage| state.judge(usage, at, params).is_ok();
        let (decrease, liquidity) = match usage {
            PriceUse::Increase | PriceUse::Liquidity | PriceUse::Withdrawal => (true, true),
            PriceUse::Decrease => (true, !self.price.strays_from(self.ema, params.ema_bound)),
            PriceUse::Upkeep => {
                let liquidity = serves(self, PriceUse::Liquidity);
                // Where only orders fill, a decrease accepts what upkeep does.
                (fills == Fills::OrdersOnly || liquidity || serves(self, PriceUse::Decrease), liquidity)
            }
        };
        if liquidity {
            self.stalled_seconds = self.stalled_until(at.time)?;
            self.liquidity_time = self.liquidity_time.max(at.time);
        }
        if decrease {
            self.decrease_time = self.decrease_time.max(at.time);
        }
        Ok(decrease)
    }

    /// Seconds of stalls up to now, one that still goes on included. Errors: `Overflow`.
    pub fn stalled_until(&self, clock: UnixTime) -> Result<u64> {
        let gap = clock.seconds_since(self.liquidity_time)?;
        match u64::try_from(gap) {
            Ok(seconds) if gap > STALL => self.stalled_seconds.checked_add(seconds).ok_or(Error::Overflow),
            _ => Ok(self.stalled_seconds),
        }
    }

    /// The stored price, if it will do for `usage`.
    ///
    /// # Errors
    /// `PriceTooOld`, `ConfidenceTooWide`, `PriceFarFromAverage`, `PriceJumped`.
    pub fn quote(&self, usage: PriceUse, at: Moment, params: &Params) -> Result<Quote> {
        let range = self.judge(usage, at, params)?;
        let quote = Quote::spread(self.price, self.confidence, params)?;
        Ok(Quote { bid: quote.bid.min(range.low), ask: quote.ask.max(range.high), ..quote })
    }

    /// That the stored price will do for `usage`. Returns the range that counts beside it.
    fn judge(&self, usage: PriceUse, at: Moment, params: &Params) -> Result<Range> {
        let instant = usage != PriceUse::Upkeep;
        let (age_most, confidence_most) =
            if instant { (params.fresh_age, params.strict_confidence) } else { (params.wide_age, params.wide_confidence) };
        let age = self.now(at.time).seconds_since(self.publish_time)?;
        ensure(!self.price.is_zero() && age <= i64::from(age_most.get()), Error::PriceTooOld)?;
        ensure(!self.confidence.exceeds(self.price, confidence_most), Error::ConfidenceTooWide)?;
        if !instant {
            return Ok(Range { low: self.price, high: self.price });
        }
        let far = usage != PriceUse::Decrease && self.price.strays_from(self.ema, params.ema_bound);
        ensure(!far, Error::PriceFarFromAverage)?;
        let mut range = self.range(at)?;
        if usage == PriceUse::Decrease {
            // Whoever has two updates of one slot must not open at the older and close at the newer.
            range = range.widened(self.slot_low, self.slot_high);
        }
        ensure(!range.high.strays_from(range.low, params.max_jump), Error::PriceJumped)?;
        Ok(range)
    }
}
