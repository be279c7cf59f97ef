//! Liquidity into the pool.

use crate::errors::{ensure, Error, Result};
use crate::market::{Market, Marks};
use crate::shares::{ensure_enough, shares_for};
use crate::units::Sats;

impl Market {
    /// Mints shares for satoshi that have arrived in the vault, at the dearer of the pool's equity, at the dearest of bid, ask
    /// and recent range, and its free part. Returns the shares, which the caller mints.
    ///
    /// # Errors
    /// `AmountZero`, `BelowMinFirstDeposit`, `PoolCapExceeded`, `PoolNotSolvent`, `TooFewShares`, `Overflow`.
    pub fn deposit_liquidity(&mut self, amount: Sats, least_shares: u64, marks: &Marks) -> Result<u64> {
        ensure(!amount.is_zero(), Error::AmountZero)?;
        ensure(self.pool_shares > 0 || amount >= self.params.min_first_deposit, Error::BelowMinFirstDeposit)?;
        let pool = self.ledger.pool.plus(amount)?;
        ensure(pool <= self.params.max_pool, Error::PoolCapExceeded)?;
        let shares = shares_for(amount, self.pool_shares, self.dearest_worth(marks)?)?;
        ensure_enough(shares, least_shares)?;
        self.ledger.pool = pool;
        self.pool_shares = self.pool_shares.checked_add(shares).ok_or(Error::Overflow)?;
        Ok(shares)
    }

    fn dearest_worth(&self, marks: &Marks) -> Result<Sats> {
        let low = self.pool_equity(marks, marks.quote.bid)?;
        let high = if marks.quote.ask == marks.quote.bid { low } else { self.pool_equity(marks, marks.quote.ask)? };
        let unused = self.pool_shares == 0 && self.ledger.pool.is_zero();
        ensure(unused || low.min(high).get() > 0, Error::PoolNotSolvent)?;
        Ok(low.max(high).gain_and_loss().0.max(self.free_pool()?))
    }
}
