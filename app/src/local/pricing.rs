//! The Clock of the chain, and what Pyth's price accounts on it say.

use super::{LocalChain, FEED_ID, LAMPORTS};
use crate::client::pyth::{price_update, PriceSays, RECEIVER};
use anyhow::{anyhow, Result};
use solana_account::Account;
use solana_address::Address;
use solana_clock::Clock;

/// A slot takes 400 ms.
const SLOTS_IN_TWO_SECONDS: u64 = 5;

/// What a price account is to say, at the chain's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Price, 1e-8 USD.
    pub price_e8: u64,
    /// Confidence, 1e-8 USD.
    pub confidence_e8: u64,
    /// Exponential moving average, 1e-8 USD.
    pub ema_e8: u64,
}

impl Tick {
    /// Of the chain's feed, published so long after the one before.
    pub(super) fn published(&self, publish_time: i64, previous_publish_time: i64) -> Result<PriceSays> {
        Ok(PriceSays {
            feed_id: FEED_ID,
            price_e8: i64::try_from(self.price_e8)?,
            confidence_e8: self.confidence_e8,
            ema_e8: i64::try_from(self.ema_e8)?,
            publish_time,
            previous_publish_time,
        })
    }
}

impl LocalChain {
    /// Unix time of the Clock.
    pub fn time(&self) -> i64 {
        self.svm.get_sysvar::<Clock>().unix_timestamp
    }

    /// Sets the Clock, two and a half slots a second since the chain started, at least one since it was set last.
    pub(super) fn set_time(&mut self, unix_time: i64) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        let seconds = u64::try_from(unix_time - self.started).unwrap_or(0);
        clock.unix_timestamp = unix_time;
        clock.slot = (1 + seconds * SLOTS_IN_TWO_SECONDS / 2).max(clock.slot + 1);
        self.svm.set_sysvar(&clock);
    }

    /// Moves the Clock on, with as many slots as fit, at least one.
    pub fn advance(&mut self, seconds: u32) {
        self.set_time(self.time() + i64::from(seconds));
        self.svm.expire_blockhash();
    }

    /// Publishes a price now; it says when the one before was published.
    ///
    /// # Errors
    /// Where the tick does not fit Pyth's integers.
    pub fn post(&mut self, tick: Tick) -> Result<()> {
        let (now, last) = (self.time(), self.newest);
        // Within a second Pyth publishes anew, but says the same of the price before.
        let previous = if last.publish_time < now { last.publish_time } else { last.previous_publish_time };
        self.newest = tick.published(now, previous)?;
        let newest = self.newest;
        self.write(self.price, &newest)
    }

    /// What was published last.
    pub fn newest(&self) -> PriceSays {
        self.newest
    }

    /// Brings an update of the past to the price account that sets fill prices.
    ///
    /// # Errors
    /// Where the account cannot be written.
    pub fn post_to_fill(&mut self, says: &PriceSays) -> Result<()> {
        self.write(self.fill_price, says)
    }

    fn write(&mut self, address: Address, says: &PriceSays) -> Result<()> {
        let account =
            Account { lamports: LAMPORTS, data: price_update(says)?, owner: RECEIVER, executable: false, rent_epoch: 0 };
        self.svm.set_account(address, account).map_err(|error| anyhow!("price account: {error:?}"))
    }
}
