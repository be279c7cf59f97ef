//! What every instruction that touches a side does first: take in the price, accrue at the rates that held until now, and shrink
//! the winning sides where their profit nears the pool.

use crate::deleverage::{is_due, shrunk_scale};
use crate::errors::{ensure, Error, Result};
use crate::funding::{accrue_side, borrow_rate, funding_rate, rates, Rates};
use crate::market::{Market, Marks};
use crate::oracle::{Moment, PriceUse, Quote, RawUpdate};
use crate::reserve::requirement;
use crate::side::SideFigures;
use crate::units::{Price, Sats, Scale};

/// A synced market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Price and sides.
    pub marks: Marks,
    /// What was accrued; none where no time passed, both sides are empty or both rates are zero.
    pub accrued: Option<Accrued>,
    /// What the profit on paper came to, if it was too near to the pool.
    pub strained: Option<Strained>,
    /// Whether a usable price has cancelled the declaration that the oracle is dead.
    pub revived: bool,
}

/// A market that has taken in a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The price and what it may be traded at.
    pub quote: Quote,
    /// Whether a usable price has cancelled the declaration that the oracle is dead.
    pub revived: bool,
}

/// What an accrual did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrued {
    /// The price it was reckoned at.
    pub price: Price,
    /// Seconds accrued.
    pub elapsed_seconds: u64,
    /// The rates that were.
    pub rates: Rates,
}

/// Profit on paper above the trigger, in satoshi, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strained {
    /// Both sides' profit on paper.
    pub profit: Sats,
    /// The free pool before.
    pub free_pool: Sats,
    /// What became of it.
    pub outcome: Outcome,
}

/// What is done about profit above the trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The winning sides shrank.
    Deleveraged,
    /// The market settles at this price.
    Settling,
}

impl Synced {
    /// That it deleveraged or began to settle the market.
    ///
    /// # Errors
    /// `DeleverageNotDue`.
    pub fn ensure_strained(&self) -> Result<()> {
        ensure(self.strained.is_some(), Error::DeleverageNotDue)
    }

    /// The marks to trade at.
    ///
    /// # Errors
    /// `MarketSettling` where the sync has begun to settle the market: the caller's own action has no place in that.
    pub fn trading(self) -> Result<Marks> {
        match self.strained {
            Some(Strained { outcome: Outcome::Settling, .. }) => Err(Error::MarketSettling),
            _ => Ok(self.marks),
        }
    }
}

impl Market {
    /// Takes in an update, checks the price for `usage`, accrues, and deleverages or begins to settle if that is due.
    ///
    /// # Errors
    /// `MarketSettling`, `MarketClosed`, `OracleDead`, those of `PriceState::accept` and `PriceState::quote`; `Overflow`.
    pub fn sync(&mut self, update: &RawUpdate, usage: PriceUse, at: Moment) -> Result<Synced> {
        let Glance { quote, revived } = self.glance(update, usage, at)?;
        self.begin_insurance_day(at.time)?;
        let mut marks = self.marks(quote)?;
        let free_pool = self.free_pool()?;
        let accrued = self.accrue(&marks, free_pool, at)?;
        let strained = self.relieve(&mut marks, free_pool)?;
        Ok(Synced { marks, accrued, strained, revived })
    }

    /// Takes in an update and checks the price for `usage`, and no more: for what touches no side.
    ///
    /// # Errors
    /// Those of `sync`.
    #[inline(always)]
    pub fn glance(&mut self, update: &RawUpdate, usage: PriceUse, at: Moment) -> Result<Glance> {
        self.lifecycle.ensure_active()?;
        self.prices.accept(update, at, &self.params)?;
        let quote = self.prices.quote(usage, at, &self.params)?;
        let revived = self.note_use(usage, at)?;
        self.end_sparing(at.time);
        Ok(Glance { quote, revived })
    }

    /// Remembers what the price serves. One that a decrease would accept, published after the declaration that the oracle is dead
    /// and before its grace period is over, cancels the declaration; after that nothing does.
    fn note_use(&mut self, usage: PriceUse, at: Moment) -> Result<bool> {
        let declared = self.lifecycle.is_declared_dead();
        ensure(!(declared && self.is_grace_over(at.time)?), Error::OracleDead)?;
        let decreases = self.prices.remember_use(usage, at, &self.params, self.fills())?;
        let revived = declared && decreases && self.prices.publish_time > self.lifecycle.declared_dead;
        if revived {
            self.lifecycle.revive();
        }
        Ok(revived)
    }

    /// Funding and borrow fee since the last accrual, at most `max_accrual_gap` of it.
    pub(super) fn accrue(&mut self, marks: &Marks, free_pool: Sats, at: Moment) -> Result<Option<Accrued>> {
        let gap = at.time.seconds_since(self.last_accrual)?;
        let Ok(gap) = u64::try_from(gap) else {
            return Ok(None);
        };
        self.last_accrual = at.time;
        if gap == 0 || (self.long.positions == 0 && self.short.positions == 0) {
            return Ok(None);
        }
        let elapsed_seconds = gap.min(u64::from(self.params.max_accrual_gap.get()));
        let price = marks.quote.price;
        let rates = self.rates(marks, free_pool)?;
        if rates == Rates::default() {
            return Ok(None);
        }
        accrue_side(&mut self.long, rates.long, elapsed_seconds, price)?;
        accrue_side(&mut self.short, rates.short, elapsed_seconds, price)?;
        Ok(Some(Accrued { price, elapsed_seconds, rates }))
    }

    /// What each side pays a day as the market stands: funding and borrow fee (section 6). Errors: `Overflow`.
    #[inline(always)]
    pub fn rates(&self, marks: &Marks, free_pool: Sats) -> Result<Rates> {
        // A side beyond its bounds is about to be settled, and its stressed value may be beyond what a word holds.
        let needed = if marks.is_beyond_bounds() {
            free_pool
        } else {
            requirement(&self.params, &marks.long, &marks.short, marks.quote.price)?
        };
        let borrow = borrow_rate(&self.params, needed, free_pool)?;
        rates(funding_rate(&self.params, &marks.long, &marks.short)?, borrow)
    }

    /// Both winning sides shrink by one factor, or, where that cannot be, the market begins to settle (section 8).
    fn relieve(&mut self, marks: &mut Marks, free_pool: Sats) -> Result<Option<Strained>> {
        let profit = marks.profit()?;
        let beyond = marks.is_beyond_bounds();
        if !beyond && !is_due(profit, free_pool, self.params.deleverage_trigger) {
            return Ok(None);
        }
        let price = marks.quote.price;
        let scales = if beyond { None } else { self.shrunk_scales(marks, profit, free_pool)? };
        let outcome = match scales {
            Some((long, short)) => {
                self.long.shrink(marks.long.direction, long, price)?;
                self.short.shrink(marks.short.direction, short, price)?;
                *marks = self.marks(marks.quote)?;
                Outcome::Deleveraged
            }
            None => {
                self.begin_settling(price)?;
                Outcome::Settling
            }
        };
        Ok(Some(Strained { profit, free_pool, outcome }))
    }

    /// Long and short scale after a deleveraging; that of a side that does not win stays. None where the market must settle.
    fn shrunk_scales(&self, marks: &Marks, profit: Sats, free_pool: Sats) -> Result<Option<(Scale, Scale)>> {
        let shrunk = |scale: Scale, figures: &SideFigures| {
            if figures.profit()? > 0 {
                shrunk_scale(scale, profit, free_pool, self.params.deleverage_target)
            } else {
                Ok(Some(scale))
            }
        };
        Ok(shrunk(self.long.scale, &marks.long)?.zip(shrunk(self.short.scale, &marks.short)?))
    }

    /// Stops the market and keeps the price.
    pub(super) fn begin_settling(&mut self, price: Price) -> Result<()> {
        let top_up_most = self.payable_in_a_day(self.ledger.insurance)?;
        self.lifecycle.begin_settling(price, top_up_most);
        Ok(())
    }
}
