//! Liquidity into the pool and out of it.

use crate::errors::{ensure, Error, Result};
use crate::market::{Market, Marks};
use crate::oracle::{Moment, Quote};
use crate::queue::Withdrawal;
use crate::reserve::{ensure_reserve, requirement};
use crate::settlement::Status;
use crate::shares::{ensure_enough, payout_for, shares_for, whole_payout_for};
use crate::units::{Price, Sats, SignedSats};

impl Market {
    /// Mints shares for satoshi that have arrived in the vault, at the dearer of the pool's equity, at the dearest of bid, ask
    /// and recent range, and its free part. Returns the shares, which the caller mints.
    ///
    /// # Errors
    /// `RiskPaused`, `AmountZero`, `BelowMinFirstDeposit`, `PoolCapExceeded`, `PoolNotSolvent`, `TooFewShares`, `Overflow`.
    pub fn deposit_liquidity(&mut self, amount: Sats, least_shares: u64, marks: &Marks, at: Moment) -> Result<u64> {
        self.ensure_risk_allowed(at.time)?;
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
        let (low, high) = at_both_ends(&marks.quote, |price| self.pool_equity(marks, price))?;
        let unused = self.pool_shares == 0 && self.ledger.pool.is_zero();
        ensure(unused || low.min(high).get() > 0, Error::PoolNotSolvent)?;
        Ok(low.max(high).gain_and_loss().0.max(self.free_pool()?))
    }

    /// Donation to the pool, of satoshi that have arrived in the vault: to everybody who has a share of it.
    ///
    /// # Errors
    /// `AmountZero`, `MarketSettling`, `MarketClosed`, `Overflow`.
    pub fn donate_liquidity(&mut self, amount: Sats) -> Result<()> {
        ensure(!amount.is_zero(), Error::AmountZero)?;
        self.lifecycle.ensure_active()?;
        self.ledger.pool = self.ledger.pool.plus(amount)?;
        Ok(())
    }

    /// Puts shares, which have arrived in escrow, into the queue. They carry the pool's risk until they leave.
    ///
    /// # Errors
    /// `AmountZero`, `Overflow`.
    pub fn request_withdrawal(&mut self, shares: u64, at: Moment) -> Result<Withdrawal> {
        ensure(shares > 0, Error::AmountZero)?;
        self.queued_shares = self.queued_shares.checked_add(shares).ok_or(Error::Overflow)?;
        let stalled_seconds = self.prices.stalled_until(at.time)?;
        let (cool_down, window) = (self.params.cool_down, self.params.withdrawal_window);
        Ok(Withdrawal { shares, requested_at: at.time, stalled_seconds, cool_down, window })
    }

    /// Takes shares out of the queue, for the caller to return to their owner.
    ///
    /// # Errors
    /// `Overflow`, which would be a bug.
    pub fn cancel_withdrawal(&mut self, withdrawal: &Withdrawal) -> Result<()> {
        self.queued_shares = self.queued_shares.checked_sub(withdrawal.shares).ok_or(Error::Overflow)?;
        Ok(())
    }

    /// The same for shares whose window has passed, at anybody's wish.
    ///
    /// # Errors
    /// `WithdrawalNotLapsed`.
    pub fn return_withdrawal(&mut self, withdrawal: &Withdrawal, at: Moment) -> Result<()> {
        let stalled = self.prices.stalled_until(at.time)?;
        ensure(withdrawal.has_lapsed(at.time, stalled)?, Error::WithdrawalNotLapsed)?;
        self.cancel_withdrawal(withdrawal)
    }

    /// Pays queued shares out of the pool and returns the amount: the caller burns the shares and pays it out of the vault.
    ///
    /// In a trading market: after the cool-down and within the window, at the cheapest of bid, ask and recent range, leaving the
    /// requirement backed; `marks` are needed. In a closed one: once every claim is redeemed, the shares' part of what there is.
    ///
    /// # Errors
    /// `MarketSettling`, `PriceRequired`, `CoolDownNotOver`, `WithdrawalLapsed`, `ClaimsOutstanding`, `PayoutTooSmall`,
    /// `ReserveExceeded`, `Overflow`.
    pub fn complete_withdrawal(
        &mut self,
        withdrawal: &Withdrawal,
        least: Sats,
        marks: Option<&Marks>,
        at: Moment,
    ) -> Result<Sats> {
        let payout = match self.status() {
            Status::Active => self.payout(withdrawal, marks.ok_or(Error::PriceRequired)?, at)?,
            Status::Settling => return Err(Error::MarketSettling),
            Status::Closed => {
                ensure(self.ledger.funds.is_zero(), Error::ClaimsOutstanding)?;
                whole_payout_for(withdrawal.shares, self.pool_shares, self.ledger.pool)?
            }
        };
        ensure(payout >= least, Error::PayoutTooSmall)?;
        self.ledger.pool = self.ledger.pool.minus(payout)?;
        self.pool_shares = self.pool_shares.checked_sub(withdrawal.shares).ok_or(Error::Overflow)?;
        self.cancel_withdrawal(withdrawal)?;
        Ok(payout)
    }

    fn payout(&self, withdrawal: &Withdrawal, marks: &Marks, at: Moment) -> Result<Sats> {
        withdrawal.ensure_ready(at.time)?;
        let lapsed = withdrawal.has_lapsed(at.time, self.prices.stalled_until(at.time)?)?;
        ensure(!lapsed, Error::WithdrawalLapsed)?;
        let payout = payout_for(withdrawal.shares, self.pool_shares, self.cheapest_worth(marks)?)?;
        let needed = requirement(&self.params, &marks.long, &marks.short, marks.quote.price)?;
        let left = self.free_pool()?.minus(payout).map_err(|_| Error::ReserveExceeded)?;
        ensure_reserve(&self.params, needed, left)?;
        Ok(payout)
    }

    fn cheapest_worth(&self, marks: &Marks) -> Result<Sats> {
        let (low, high) = at_both_ends(&marks.quote, |price| self.pool_equity_leaving(marks, price))?;
        Ok(low.min(high).gain_and_loss().0)
    }
}

/// Something at bid and at ask, the recent range included; reckoned once where they are the same.
fn at_both_ends(quote: &Quote, worth: impl Fn(Price) -> Result<SignedSats>) -> Result<(SignedSats, SignedSats)> {
    let low = worth(quote.bid)?;
    Ok((low, if quote.ask == quote.bid { low } else { worth(quote.ask)? }))
}
