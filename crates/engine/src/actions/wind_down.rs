//! When no usable price comes any more: declare the oracle dead, find the price to settle at, settle for good (section 11).

use super::Accrued;
use crate::errors::{ensure, Error, Result};
use crate::market::Market;
use crate::oracle::{Moment, Quote, RawUpdate};
use crate::units::{Bps, UnixTime};

/// Widest confidence of a settlement price.
const SETTLEMENT_CONFIDENCE: Bps = Bps::new(1_000);

impl Market {
    /// Declares the oracle dead: no price that a decrease would accept has come for `dead_oracle_after`.
    ///
    /// # Errors
    /// `MarketSettling`, `MarketClosed`, `OracleAlreadyDead`, `OracleNotDead`.
    pub fn declare_dead(&mut self, at: Moment) -> Result<()> {
        self.lifecycle.ensure_active()?;
        ensure(!self.lifecycle.is_declared_dead(), Error::OracleAlreadyDead)?;
        ensure(at.time >= self.prices.decrease_time.after(self.params.dead_oracle_after)?, Error::OracleNotDead)?;
        self.lifecycle.declare_dead(at.time);
        Ok(())
    }

    /// Until the grace period ends, raises the settlement price to a newer one: positive, scalable, of any age, its confidence at
    /// most 10 %. (That it is of the market's feed and fully verified is the program's to check.)
    ///
    /// # Errors
    /// `OracleNotDead`, `GracePeriodOver`, `PriceNotNewer`, `PriceInFuture`, those of scaling, `SettlementConfidenceTooWide`.
    pub fn show_price(&mut self, update: &RawUpdate, at: Moment) -> Result<()> {
        self.ensure_declared_dead()?;
        ensure(!self.is_grace_over(at.time)?, Error::GracePeriodOver)?;
        let newest = self.prices.publish_time.max(self.lifecycle.settlement_publish_time);
        ensure(update.publish_time > newest, Error::PriceNotNewer)?;
        update.ensure_not_ahead(at, &self.params)?;
        let (price, confidence, _) = update.scaled()?;
        ensure(!confidence.exceeds(price, SETTLEMENT_CONFIDENCE), Error::SettlementConfidenceTooWide)?;
        self.lifecycle.settlement_price = price;
        self.lifecycle.settlement_publish_time = update.publish_time;
        Ok(())
    }

    /// After the grace period, accrues once more and settles the market for good, at the newest price accepted or shown.
    ///
    /// # Errors
    /// `MarketSettling`, `MarketClosed`, `OracleNotDead`, `GracePeriodNotOver`.
    pub fn settle_dead(&mut self, at: Moment) -> Result<Option<Accrued>> {
        self.ensure_declared_dead()?;
        ensure(self.is_grace_over(at.time)?, Error::GracePeriodNotOver)?;
        self.begin_insurance_day(at.time)?;
        let shown = self.lifecycle.settlement_publish_time > self.prices.publish_time;
        let price = if shown { self.lifecycle.settlement_price } else { self.prices.price };
        // Without any price there has never been a position.
        let accrued = if price.is_zero() {
            None
        } else {
            let marks = self.marks(Quote::at(price))?;
            self.accrue(&marks, self.free_pool()?, at)?
        };
        self.begin_settling(price)?;
        self.lifecycle.for_good = 1;
        Ok(accrued)
    }

    pub(super) fn is_grace_over(&self, now: UnixTime) -> Result<bool> {
        Ok(now >= self.lifecycle.declared_dead.after(self.params.dead_oracle_grace)?)
    }

    fn ensure_declared_dead(&self) -> Result<()> {
        self.lifecycle.ensure_active()?;
        ensure(self.lifecycle.is_declared_dead(), Error::OracleNotDead)
    }
}
