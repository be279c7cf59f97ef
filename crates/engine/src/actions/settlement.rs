//! Settlement of the market: every position closes at the kept price, then claims are paid in proportion (section 8).

use crate::errors::{ensure, Error, Result};
use crate::ledger::{take_up_to, transfer, transfer_all, Ledger};
use crate::market::Market;
use crate::math::Rounding;
use crate::oracle::Moment;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::settlement::{Settlement, Status};
use crate::units::{Notional, Price, Sats, SignedSats};

/// What closing a position in a settlement did, in satoshi unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedOut {
    /// The kept price.
    pub price: Price,
    /// Notional closed.
    pub notional: Notional,
    /// What was realised; a profit is the position's claim from now on.
    pub pnl: SignedSats,
    /// Loss that the margin could not pay.
    pub uncollected: Sats,
    /// What whoever did it may have from insurance: `take_tip` says how much of it there is.
    pub tip_most: Sats,
}

/// What a settlement came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its number.
    pub epoch: u32,
    /// Claims, and what was set aside for them.
    pub settlement: Settlement,
    /// What insurance added.
    pub top_up: Sats,
    /// Whether the market is closed for good.
    pub closed: bool,
}

/// What redeeming a claim did, in satoshi.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The claim.
    pub claim: Sats,
    /// What it got.
    pub paid: Sats,
}

impl Market {
    /// While the market settles, closes a settled position whole at the kept price, without fee or spread: its orders are void, a
    /// loss goes from margin to the pool, a profit becomes a claim. None for a flat position.
    ///
    /// # Errors
    /// `MarketNotSettling`, `Overflow`.
    pub fn close_for_claim(&mut self, position: &mut Position) -> Result<Option<ClosedOut>> {
        self.lifecycle.ensure_settling()?;
        let Some(direction) = position.open_direction() else {
            return Ok(None);
        };
        let (price, scale) = (self.lifecycle.settlement_price, self.side(direction).scale);
        let valuation = Valuation::of(direction, position.shares, position.basis, scale, price)?;
        let pnl = valuation.pnl()?;
        let (claim, loss) = pnl.gain_and_loss();
        let tip_most = self.settle_tip(&valuation, price)?;
        position.void_orders();
        let margin = position.margin;
        let uncollected = loss.minus(self.pay_pool(position, loss, margin)?)?;
        self.bad_debt = self.bad_debt.plus(uncollected)?;
        self.release(position, direction, position.shares, position.basis)?;
        if !claim.is_zero() {
            position.claim = claim;
            position.claim_epoch = self.lifecycle.epoch;
            self.lifecycle.claims = self.lifecycle.claims.plus(claim)?;
        }
        let notional = valuation.exposure.notional(Rounding::Floor)?;
        Ok(Some(ClosedOut { price, notional, pnl, uncollected, tip_most }))
    }

    /// Takes a tip out of insurance, as far as its fund and the day's allowance reach: the caller must pay it out of the vault.
    /// Errors: `Overflow`.
    pub fn take_tip(&mut self, most: Sats, at: Moment) -> Result<Sats> {
        self.begin_insurance_day(at.time)?;
        self.take_insurance(most)
    }

    /// The tip in satoshi, floored: `settle_tip` at the kept price, but never above what insurance and protocol got of the fee on
    /// this position's entry value, so that no price makes it pay to breed positions for their tips.
    fn settle_tip(&self, valuation: &Valuation, price: Price) -> Result<Sats> {
        let most = valuation.came_in().times(self.params.non_pool_fee()?, Rounding::Floor)?;
        Ok(self.params.settle_tip.value_at(price, Rounding::Floor)?.min(most))
    }

    /// Ends the settlement when both sides are empty: what the pool, and insurance up to its cap, can pay of the claims is set
    /// aside, and the market opens again, empty; or it closes for good, where claims go short, the pool is left below the
    /// smallest first deposit, or the oracle was dead.
    ///
    /// # Errors
    /// `MarketNotSettling`, `SettlementUnfinished`, `Overflow`.
    pub fn finish_settlement(&mut self) -> Result<Finished> {
        self.lifecycle.ensure_settling()?;
        ensure(self.long.positions == 0 && self.short.positions == 0, Error::SettlementUnfinished)?;
        let (claims, epoch) = (self.lifecycle.claims, self.lifecycle.epoch);
        let short = claims.less_or_zero(self.ledger.pool);
        let top_up = take_up_to(&mut self.ledger.insurance, short.min(self.lifecycle.top_up_most))?;
        self.ledger.pool = self.ledger.pool.plus(top_up)?;
        let payable = self.ledger.pool.min(claims);
        transfer(&mut self.ledger.pool, &mut self.ledger.funds, payable)?;
        let closed = self.lifecycle.for_good != 0 || payable < claims || self.ledger.pool < self.params.min_first_deposit;
        self.lifecycle.end_settling(closed)?;
        self.wind_up()?;
        Ok(Finished { epoch, settlement: Settlement::new(payable, claims), top_up, closed })
    }

    /// Pays a position its claim, `floor(claim * payable / claims)`, into its margin; what the last claim leaves is the pool's.
    /// `settlement` must be that of the claim's epoch.
    ///
    /// # Errors
    /// `NoClaim`, `Overflow`.
    pub fn redeem(&mut self, position: &mut Position, settlement: &mut Settlement) -> Result<Redeemed> {
        let claim = position.claim;
        ensure(!claim.is_zero(), Error::NoClaim)?;
        let (paid, rest) = settlement.take(claim)?;
        position.claim = Sats::ZERO;
        self.ledger.funds = self.ledger.funds.minus(paid)?;
        self.credit_margin(position, paid)?;
        transfer(&mut self.ledger.funds, &mut self.ledger.pool, rest)?;
        self.wind_up()?;
        Ok(Redeemed { claim, paid })
    }

    /// After the last claim on a closed market there is nothing left to insure: the fund is the pool's. Where nobody has a share of
    /// the pool, both are the protocol's.
    fn wind_up(&mut self) -> Result<()> {
        if self.status() != Status::Closed || !self.ledger.funds.is_zero() {
            return Ok(());
        }
        let Ledger { pool, insurance, protocol_fees, .. } = &mut self.ledger;
        transfer_all(insurance, pool)?;
        if self.pool_shares == 0 {
            transfer_all(pool, protocol_fees)?;
        }
        Ok(())
    }
}
