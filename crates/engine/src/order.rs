//! Orders: what they ask for, when they are due, and when they are void (design, section 10).

use crate::actions::DecreaseSize;
use crate::budget::Trader;
use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::oracle::{Moment, PriceState, RawUpdate};
use crate::params::Params;
use crate::position::Position;
use crate::settlement::{Lifecycle, Status};
use crate::side::Direction;
use crate::units::{Notional, Price, Sats, Seconds, UnixTime};

/// Slots between placing an order and filling it, at least.
pub const LEAST_SLOTS: u64 = 15;
/// A fill later than this after T is at the worse for its owner of its own price and the current one.
pub const PROMPT: Seconds = Seconds::new(5);
/// From this long after T any update of the first `NEAR` seconds serves, as not every first update exists.
pub const LATE: Seconds = Seconds::new(10);
/// How far after T such an update may be published.
pub const NEAR: Seconds = Seconds::new(3);
/// How long after T an order can be filled.
pub const FILLABLE: Seconds = Seconds::new(60);
/// How long an order that has missed its bound rests before a price can trigger it again.
pub const RESTS: Seconds = Seconds::new(60);

const LONG: u8 = 1;
const SHORT: u8 = 2;

/// What makes an order a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Nothing: it is one.
    Market,
    /// A price at least as good as the limit.
    Limit,
    /// A price at least as bad as the trigger.
    Stop,
    /// A price at least as good as the trigger.
    TakeProfit,
}

/// What an order does to the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderSize {
    /// Opens or enlarges it by whole dollars.
    Increase(Notional),
    /// Reduces or closes it, and never more.
    Reduce(DecreaseSize),
}

/// What a trader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRequest {
    /// Market, limit, stop or take-profit.
    pub kind: OrderKind,
    /// The position that it enlarges or reduces.
    pub direction: Direction,
    /// By how much.
    pub size: OrderSize,
    /// The price that triggers a stop or a take-profit; a limit order's is its limit.
    pub trigger: Price,
    /// The worst acceptable fill price.
    pub limit: Price,
    /// Until when it rests; a market order needs none.
    pub expiry: UnixTime,
    /// For who triggers and fills it, reserved in the margin.
    pub tip: Sats,
}

stored! {
    /// An order as its account stores it.
    pub struct Order {
        /// Which one of its position; ids count up.
        pub id: u32,
        /// The market's epoch when it was placed: it is void in another.
        pub epoch: u32,
        /// 0 market, 1 limit, 2 stop, 3 take-profit.
        pub kind: u8,
        /// 1 long, 2 short: the position that it enlarges or reduces.
        pub direction: u8,
        /// 1 where it only reduces.
        pub reduce_only: u8,
        /// 0 rests, 1 waits for its fill.
        pub pending: u8,
        /// 1 where a delegate placed it.
        pub by_delegate: u8,
        /// 1 after the order that it is linked with has filled.
        pub dead: u8,
        /// Zero.
        pub reserved: [u8; 2],
        /// Whole dollars; zero for all of the position.
        pub notional: Notional,
        /// The price that triggers it; zero for a market order.
        pub trigger: Price,
        /// The worst acceptable fill price.
        pub limit: Price,
        /// What its tip still is.
        pub tip: Sats,
        /// What of the delegate's budget has been spent on it.
        pub budgeted: Sats,
        /// Until when it rests.
        pub expiry: UnixTime,
        /// Clock when it was placed or triggered last.
        pub placed_at: UnixTime,
        /// Slot of that.
        pub placed_slot: u64,
        /// While it waits for its fill, T: the fill price is the first published then or later. While it rests: when a price that is to
        /// trigger it must have been published.
        pub due: UnixTime,
    }
}

/// A Pyth update that is to set a fill price, with the publish time of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillUpdate {
    /// The update.
    pub update: RawUpdate,
    /// When the feed's update before it was published.
    pub previous_publish_time: UnixTime,
}

impl FillUpdate {
    /// That it is the first update at or after `due`; where that cannot be had any more, one of the seconds after it.
    ///
    /// # Errors
    /// `NotFirstUpdate`.
    pub fn ensure_serves(&self, due: UnixTime, now: UnixTime) -> Result<()> {
        let published = self.update.publish_time;
        let first = self.previous_publish_time < due && due <= published;
        let near = now >= due.after(LATE)? && due <= published && published <= due.after(NEAR)?;
        ensure(first || near, Error::NotFirstUpdate)
    }
}

/// `T = max(Clock + lag, newest publish time accepted) + delay`: the earliest price that nobody can know yet. Errors: `Overflow`.
pub fn due_time(prices: &PriceState, at: Moment, params: &Params) -> Result<UnixTime> {
    let known = at.time.after(prices.lag(at.time)?)?.max(prices.publish_time);
    known.after(params.order_delay)
}

impl OrderRequest {
    /// That the size is one that a fill can have.
    ///
    /// # Errors
    /// `AmountZero`, `NotWholeDollars`.
    pub fn validate(&self) -> Result<()> {
        if let OrderSize::Increase(notional) | OrderSize::Reduce(DecreaseSize::Part(notional)) = self.size {
            ensure(!notional.is_zero(), Error::AmountZero)?;
            ensure(notional.is_whole_dollars(), Error::NotWholeDollars)?;
        }
        Ok(())
    }

    /// The order that rests with this id, from this epoch on; times are set when it is armed.
    pub(crate) fn order(&self, id: u32, epoch: u32, trader: Trader) -> Order {
        let (reduce_only, notional) = match self.size {
            OrderSize::Increase(notional) => (0, notional),
            OrderSize::Reduce(DecreaseSize::Part(notional)) => (1, notional),
            OrderSize::Reduce(DecreaseSize::Whole) => (1, Notional::ZERO),
        };
        let (kind, trigger) = match self.kind {
            OrderKind::Market => (0, Price::ZERO),
            OrderKind::Limit => (1, self.limit),
            OrderKind::Stop => (2, self.trigger),
            OrderKind::TakeProfit => (3, self.trigger),
        };
        let direction = match self.direction {
            Direction::Long => LONG,
            Direction::Short => SHORT,
        };
        let by_delegate = u8::from(trader == Trader::Delegate);
        let (limit, tip, expiry) = (self.limit, self.tip, self.expiry);
        Order {
            id,
            epoch,
            kind,
            direction,
            reduce_only,
            by_delegate,
            notional,
            trigger,
            limit,
            tip,
            expiry,
            ..Order::default()
        }
    }
}

impl Order {
    /// Market, limit, stop or take-profit.
    pub fn kind(&self) -> OrderKind {
        match self.kind {
            0 => OrderKind::Market,
            1 => OrderKind::Limit,
            2 => OrderKind::Stop,
            _ => OrderKind::TakeProfit,
        }
    }

    /// The position that it enlarges or reduces.
    pub fn direction(&self) -> Direction {
        match self.direction {
            SHORT => Direction::Short,
            _ => Direction::Long,
        }
    }

    /// By how much.
    pub fn size(&self) -> OrderSize {
        match (self.reduce_only, self.notional) {
            (0, notional) => OrderSize::Increase(notional),
            (_, Notional::ZERO) => OrderSize::Reduce(DecreaseSize::Whole),
            (_, notional) => OrderSize::Reduce(DecreaseSize::Part(notional)),
        }
    }

    /// Whose budget it counts against.
    pub fn trader(&self) -> Trader {
        match self.by_delegate {
            0 => Trader::Owner,
            _ => Trader::Delegate,
        }
    }

    /// Whether it waits for its fill; else it rests.
    pub fn is_pending(&self) -> bool {
        self.pending != 0
    }

    /// The direction of the trade: opening a long and closing a short buy.
    pub fn buys(&self) -> bool {
        (self.direction() == Direction::Long) == (self.reduce_only == 0)
    }

    /// Whether this price turns it into a market order: one at least as good as a limit or a take-profit asks for, at least as bad
    /// as a stop does.
    pub fn triggers_at(&self, price: Price) -> bool {
        match self.kind() {
            OrderKind::Market => false,
            OrderKind::Stop => (price >= self.trigger) == self.buys() || price == self.trigger,
            OrderKind::Limit | OrderKind::TakeProfit => (price <= self.trigger) == self.buys() || price == self.trigger,
        }
    }

    /// Whether it can do nothing any more: a whole liquidation, a settlement or a loss that needed the tips has voided it, its linked
    /// order has filled, its market is not what it was placed in, or its delegate is none any more. (An order that waits for its fill
    /// outlives its delegate, as nobody may take it back.)
    pub fn is_void(&self, position: &Position, lifecycle: &Lifecycle) -> bool {
        let orphaned = self.trader() == Trader::Delegate && !self.is_pending() && self.id < position.budget.void_orders_below;
        self.dead != 0
            || self.id < position.void_orders_below
            || self.epoch != lifecycle.epoch
            || lifecycle.status() != Status::Active
            || orphaned
    }

    /// Whether its fill has been missed: more than a minute has passed since T. Errors: `Overflow`.
    pub fn has_lapsed(&self, now: UnixTime) -> Result<bool> {
        Ok(now > self.due.after(FILLABLE)?)
    }
}
