//! What a delegate may spend of a position's margin in a day: fees, spread and tips (design, section 11).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::units::{Sats, Seconds, UnixTime};

const DAY: Seconds = Seconds::new(86_400);

stored! {
    /// A delegate's allowance.
    pub struct Budget {
        /// What the delegate may spend in a day.
        pub daily: Sats,
        /// What he has spent on `day`.
        pub spent: Sats,
        /// The day, counted since 1970, that `spent` is for.
        pub day: u32,
        /// Resting orders that a delegate placed with an id below this are void: he who placed them is no delegate any more.
        pub void_orders_below: u32,
    }
}

/// Who trades for a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trader {
    /// Its owner.
    Owner,
    /// Whom the owner has appointed, within his budget.
    Delegate,
}

impl Budget {
    /// Spends a delegate's cost on the day of `now`; an owner has no budget to keep.
    ///
    /// # Errors
    /// `DelegateBudgetExceeded`.
    pub fn spend(&mut self, trader: Trader, cost: Sats, now: UnixTime) -> Result<()> {
        if trader == Trader::Owner {
            return Ok(());
        }
        let day = u32::try_from(now.interval(DAY)?).map_err(|_| Error::Overflow)?;
        if day > self.day {
            self.day = day;
            self.spent = Sats::ZERO;
        }
        self.spent = self.spent.plus(cost)?;
        ensure(self.spent <= self.daily, Error::DelegateBudgetExceeded)
    }
}
