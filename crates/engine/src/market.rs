//! A market's mathematical state, and how satoshi move in it.

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::ledger::{take_up_to, transfer, Ledger};
use crate::margin::MarginRatios;
use crate::math::Rounding;
use crate::oracle::{PriceState, Quote};
use crate::params::Params;
use crate::position::Position;
use crate::settlement::{Lifecycle, Status};
use crate::side::{Direction, Side, SideFigures};
use crate::units::{Basis, Notional, Price, Sats, Seconds, Shares, SignedSats, UnixTime, MAX_VALUE};

const DAY: Seconds = Seconds::new(86_400);

stored! {
    /// Everything that decides who owns what.
    pub struct Market {
        /// Parameters.
        pub params: Params,
        /// The price accepted last and the recent range.
        pub prices: PriceState,
        /// The long side.
        pub long: Side,
        /// The short side.
        pub short: Side,
        /// Who owns the vault.
        pub ledger: Ledger,
        /// When funding and borrow fee were last accrued.
        pub last_accrual: UnixTime,
        /// Shares of the pool that exist.
        pub pool_shares: u64,
        /// Losses so far that neither margin nor insurance could pay: the pool went without.
        pub bad_debt: Sats,
        /// Shares of the pool that wait for their withdrawal.
        pub queued_shares: u64,
        /// The day, counted since 1970, that `insurance_left` is for.
        pub insurance_day: i64,
        /// What insurance may still pay on that day.
        pub insurance_left: Sats,
        /// Where the market stands in its life.
        pub lifecycle: Lifecycle,
        /// Until when nothing that adds risk is done.
        pub risk_paused_until: UnixTime,
        /// The margin ratios of positions older than `margin_epoch`, until `spared_until`.
        pub spared: MarginRatios,
        /// Until when older positions are spared; zero while none is.
        pub spared_until: UnixTime,
        /// Raises of the margin ratios so far.
        pub margin_epoch: u32,
        /// 1 where trades fill at once at the market's price, 0 where only orders fill. It never changes.
        pub instant_fills: u32,
    }
}

/// How a market's trades fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    /// By orders alone, at a price that did not exist when the order could last be changed.
    OrdersOnly,
    /// Also at once, at the market's price.
    Instant,
}

/// The market at a price, valued once and handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The price and what it may be traded at.
    pub quote: Quote,
    /// The long side.
    pub long: SideFigures,
    /// The short side.
    pub short: SideFigures,
}

impl Marks {
    /// `|N_long - N_short|`.
    pub fn skew(&self) -> Notional {
        Notional::new(self.long.notional.get().abs_diff(self.short.notional.get()))
    }

    /// `W`: both sides' profit on paper, rounded up; losses count for nothing. Errors: `Overflow`.
    #[inline(always)]
    pub fn profit(&self) -> Result<Sats> {
        let gain = |side: &SideFigures| Ok(SignedSats::new(side.profit()?).gain_and_loss().0);
        gain(&self.long)?.plus(gain(&self.short)?)
    }

    /// Whether a side is worth more than every bitcoin there can be.
    #[inline(always)]
    pub fn is_beyond_bounds(&self) -> bool {
        self.long.value.ceil > MAX_VALUE || self.short.value.ceil > MAX_VALUE
    }

    pub(crate) fn set_side(&mut self, figures: SideFigures) {
        match figures.direction {
            Direction::Long => self.long = figures,
            Direction::Short => self.short = figures,
        }
    }
}

impl Market {
    /// A market without positions or money. Accrual starts now.
    pub fn new(params: Params, fills: Fills, now: UnixTime) -> Self {
        let prices = PriceState { decrease_time: now, liquidity_time: now, ..PriceState::default() };
        let instant_fills = match fills {
            Fills::OrdersOnly => 0,
            Fills::Instant => 1,
        };
        Self { params, prices, long: Side::empty(), short: Side::empty(), last_accrual: now, instant_fills, ..Self::default() }
    }

    /// How trades fill.
    pub fn fills(&self) -> Fills {
        match self.instant_fills {
            0 => Fills::OrdersOnly,
            _ => Fills::Instant,
        }
    }

    /// Whether it trades, settles or is closed.
    pub fn status(&self) -> Status {
        self.lifecycle.status()
    }

    /// One side.
    #[inline(always)]
    pub fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Long => &self.long,
            Direction::Short => &self.short,
        }
    }

    #[inline(always)]
    pub(crate) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Long => &mut self.long,
            Direction::Short => &mut self.short,
        }
    }

    /// The pool less what deleveraging has reserved in it, at least nothing. Errors: `Overflow`.
    pub fn free_pool(&self) -> Result<Sats> {
        let reserved = self.long.reserved()?.plus(self.short.reserved()?)?;
        Ok(self.ledger.pool.less_or_zero(reserved))
    }

    /// What the pool is worth at a price to who deposits: `pool - sum of max(due, -M)`, where `due = owed + uPnL - K` is what the
    /// pool owes a side, rounded up, and a side can owe no more than its margin. Errors: `Overflow`.
    pub fn pool_equity(&self, marks: &Marks, price: Price) -> Result<SignedSats> {
        self.pool_less_dues(marks, price, |side| SignedSats::ZERO.minus(side.margin.signed()?))
    }

    /// What it is worth to who leaves: `pool - sum of max(due, 0)`. What traders lose on paper may never be collected.
    /// Errors: `Overflow`.
    pub fn pool_equity_leaving(&self, marks: &Marks, price: Price) -> Result<SignedSats> {
        self.pool_less_dues(marks, price, |_| Ok(SignedSats::ZERO))
    }

    /// The pool less what it owes each side, or the least that counts of it.
    fn pool_less_dues(&self, marks: &Marks, price: Price, least: impl Fn(&Side) -> Result<SignedSats>) -> Result<SignedSats> {
        let long = due(&self.long, &marks.long, price)?.max(least(&self.long)?);
        let short = due(&self.short, &marks.short, price)?.max(least(&self.short)?);
        self.ledger.pool.signed()?.minus(long)?.minus(short)
    }

    /// The market valued at a quote, without changing anything. Errors: `Overflow`.
    pub fn marks(&self, quote: Quote) -> Result<Marks> {
        let long = self.long.figures(Direction::Long, quote.price)?;
        Ok(Marks { quote, long, short: self.short.figures(Direction::Short, quote.price)? })
    }

    /// Adds to a position's margin and to every sum over margins; the caller has taken it from somewhere.
    pub(crate) fn credit_margin(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        position.margin = position.margin.plus(amount)?;
        self.ledger.margin = self.ledger.margin.plus(amount)?;
        if let Some(direction) = position.open_direction() {
            let side = self.side_mut(direction);
            side.margin = side.margin.plus(amount)?;
        }
        Ok(())
    }

    /// Takes from a position's margin and from every sum over margins; the caller gives it to somewhere.
    pub(crate) fn debit_margin(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        position.margin = position.margin.minus(amount)?;
        self.ledger.margin = self.ledger.margin.minus(amount)?;
        if let Some(direction) = position.open_direction() {
            let side = self.side_mut(direction);
            side.margin = side.margin.minus(amount)?;
        }
        Ok(())
    }

    /// Pays the pool up to `amount` out of a position's margin, at most `available` of it, and says how much that was.
    pub(crate) fn pay_pool(&mut self, position: &mut Position, amount: Sats, available: Sats) -> Result<Sats> {
        let paid = amount.min(available);
        self.debit_margin(position, paid)?;
        self.ledger.pool = self.ledger.pool.plus(paid)?;
        Ok(paid)
    }

    /// Pays a gain out of the pool into a position's margin.
    pub(crate) fn pay_gain(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        self.ledger.pool = self.ledger.pool.minus(amount)?;
        self.credit_margin(position, amount)
    }

    /// Books the realised result of a position that stays open (section 3): a gain comes from the free pool, a loss from the
    /// margin, first without the tips of its orders, then with them. What neither can pay moves the basis instead, rounded
    /// against the position, so that its equity is the same before and after. While the market settles a gain moves the basis
    /// whole, so that nobody is paid before all losses are in. Returns what was moved that way.
    pub(crate) fn book(&mut self, position: &mut Position, direction: Direction, result: SignedSats) -> Result<SignedSats> {
        let (gain, loss) = result.gain_and_loss();
        let rest = if loss.is_zero() {
            let settling = self.status() == Status::Settling;
            let paid = if settling { Sats::ZERO } else { gain.min(self.free_pool()?) };
            self.pay_gain(position, paid)?;
            gain.minus(paid)?.signed()?
        } else {
            let free = position.free_margin()?;
            let mut left = loss.minus(self.pay_pool(position, loss, free)?)?;
            if !left.is_zero() {
                position.void_orders();
                let margin = position.margin;
                left = left.minus(self.pay_pool(position, left, margin)?)?;
            }
            SignedSats::ZERO.minus(left.signed()?)?
        };
        if !rest.is_zero() {
            self.shift_basis(position, direction, rest)?;
        }
        Ok(rest)
    }

    /// Moves entry value in the position's favour by `amount`, against it if negative.
    fn shift_basis(&mut self, position: &mut Position, direction: Direction, amount: SignedSats) -> Result<()> {
        let side = self.side_mut(direction);
        let step = Basis::step(i128::from(amount.get()), side.scale, Rounding::Floor)?;
        match direction {
            Direction::Long => {
                position.basis = position.basis.plus(step)?;
                side.basis = side.basis.plus(step)?;
            }
            Direction::Short => {
                position.basis = position.basis.minus(step)?;
                side.basis = side.basis.minus(step)?;
            }
        }
        Ok(())
    }

    /// Takes shares and basis out of a position and its side. When none are left the position is flat, its margin is no longer
    /// the side's, and the last one out restarts the side.
    pub(crate) fn release(
        &mut self,
        position: &mut Position,
        direction: Direction,
        shares: Shares,
        basis: Basis,
    ) -> Result<()> {
        position.shares = position.shares.minus(shares)?;
        position.basis = position.basis.minus(basis)?;
        let side = self.side_mut(direction);
        side.shares = side.shares.minus(shares)?;
        side.basis = side.basis.minus(basis)?;
        if position.shares.is_zero() {
            side.margin = side.margin.minus(position.margin)?;
            side.positions = side.positions.checked_sub(1).ok_or(Error::Overflow)?;
            if side.positions == 0 {
                side.restart()?;
            }
            position.flatten();
        }
        Ok(())
    }

    /// Pays the pool what a bankrupt position could not, out of insurance as far as it reaches; the rest is bad debt.
    pub(crate) fn cover_shortfall(&mut self, shortfall: Sats) -> Result<Shortfall> {
        let covered = self.take_insurance(shortfall)?;
        self.ledger.pool = self.ledger.pool.plus(covered)?;
        let uncovered = shortfall.minus(covered)?;
        self.bad_debt = self.bad_debt.plus(uncovered)?;
        Ok(Shortfall { covered, uncovered })
    }

    /// Starts a day's allowance of insurance, if a new one has begun: `insurance_daily_cap` of the fund as it stands.
    #[inline(always)]
    pub(crate) fn begin_insurance_day(&mut self, now: UnixTime) -> Result<()> {
        let day = now.interval(DAY)?;
        if day > self.insurance_day {
            self.insurance_day = day;
            self.insurance_left = self.payable_in_a_day(self.ledger.insurance)?;
        }
        Ok(())
    }

    /// `insurance_daily_cap` of an amount of insurance, floored.
    pub(crate) fn payable_in_a_day(&self, insurance: Sats) -> Result<Sats> {
        insurance.times(self.params.insurance_daily_cap.to_ppb(), Rounding::Floor)
    }

    /// Takes up to `wanted` out of insurance, within its fund and the day's allowance. Returns what it took.
    pub(crate) fn take_insurance(&mut self, wanted: Sats) -> Result<Sats> {
        let taken = take_up_to(&mut self.ledger.insurance, wanted.min(self.insurance_left))?;
        self.insurance_left = self.insurance_left.minus(taken)?;
        Ok(taken)
    }

    /// Donation to the insurance fund, of satoshi that have arrived in the vault; their share of the day's allowance can be paid
    /// out at once, so that a new fund serves from its first day. Errors: `AmountZero`; `MarketClosed`, where there is nothing
    /// left to insure; `Overflow`.
    pub fn fund_insurance(&mut self, amount: Sats) -> Result<()> {
        ensure(!amount.is_zero(), Error::AmountZero)?;
        ensure(self.status() != Status::Closed, Error::MarketClosed)?;
        self.insurance_left = self.insurance_left.plus(self.payable_in_a_day(amount)?)?;
        self.ledger.insurance = self.ledger.insurance.plus(amount)?;
        Ok(())
    }

    /// Takes all of the protocol's fees out of the ledger: the caller must pay them out of the vault.
    pub fn collect_protocol_fees(&mut self) -> Sats {
        core::mem::take(&mut self.ledger.protocol_fees)
    }

    /// Takes from insurance up to `wanted`, then from the free pool, and says how much that was.
    pub(crate) fn take_reward(&mut self, wanted: Sats) -> Result<Sats> {
        let from_insurance = self.take_insurance(wanted)?;
        let from_pool = wanted.minus(from_insurance)?.min(self.free_pool()?);
        let mut reward = from_insurance;
        transfer(&mut self.ledger.pool, &mut reward, from_pool)?;
        Ok(reward)
    }
}

/// What a bankrupt position left unpaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// Paid to the pool by insurance.
    pub covered: Sats,
    /// Paid by nobody.
    pub uncovered: Sats,
}

/// What the pool owes a side at a price, all told, rounded up. Errors: `Overflow`.
fn due(side: &Side, figures: &SideFigures, price: Price) -> Result<SignedSats> {
    if side.positions == 0 {
        return Ok(SignedSats::ZERO);
    }
    let written = side.owed.minus(side.cost_owed)?.to_sats(Rounding::Ceil)?;
    written.plus(SignedSats::new(figures.profit_at(price)?))
}
