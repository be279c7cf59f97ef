//! What every instruction that touches a side does first: take in the price, then accrue at the rates that held until now.

use crate::errors::Result;
use crate::funding::{accrue_side, borrow_rate, funding_rate, rates, Rates};
use crate::market::{Market, Marks};
use crate::oracle::{Moment, PriceUse, RawUpdate};
use crate::reserve::requirement;

/// A synced market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// Price and sides.
    pub marks: Marks,
    /// What was accrued; none where no time passed, both sides are empty or both rates are zero.
    pub accrued: Option<Accrued>,
}

/// What an accrual did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accrued {
    /// Seconds accrued.
    pub elapsed_seconds: u64,
    /// The rates that were.
    pub rates: Rates,
}

impl Market {
    /// Takes in an update, checks the price for `usage`, and accrues.
    ///
    /// # Errors
    /// Those of `PriceState::accept` and `PriceState::quote`; `Overflow`.
    pub fn sync(&mut self, update: &RawUpdate, usage: PriceUse, at: Moment) -> Result<Synced> {
        self.prices.accept(update, at, &self.params)?;
        let marks = self.marks(self.prices.quote(usage, at, &self.params)?)?;
        let accrued = self.accrue(&marks, at)?;
        Ok(Synced { marks, accrued })
    }

    /// Funding and borrow fee since the last accrual, at most `max_accrual_gap` of it.
    fn accrue(&mut self, marks: &Marks, at: Moment) -> Result<Option<Accrued>> {
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
        let needed = requirement(&self.params, &marks.long, &marks.short, price)?;
        let borrow = borrow_rate(&self.params, needed, self.free_pool()?)?;
        let rates = rates(funding_rate(&self.params, &marks.long, &marks.short)?, borrow)?;
        if rates == Rates::default() {
            return Ok(None);
        }
        accrue_side(&mut self.long, rates.long, elapsed_seconds, price)?;
        accrue_side(&mut self.short, rates.short, elapsed_seconds, price)?;
        Ok(Some(Accrued { elapsed_seconds, rates }))
    }
}
