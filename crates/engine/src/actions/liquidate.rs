//! Closes as much of a position below maintenance as brings it back to its initial ratio (design, section 7).

use super::decrease::Slice;
use crate::errors::{ensure, Error, Result};
use crate::ledger::take_up_to;
use crate::liquidation::{close_size, CloseSize, Exposed, Target};
use crate::margin::{initial_ratio, is_below_maintenance};
use crate::market::{Market, Marks, Shortfall};
use crate::math::Rounding;
use crate::pnl::Valuation;
use crate::position::Position;
use crate::units::{Notional, Ppb, Price, Sats, Shares, SignedSats};

/// What a liquidation did. Everything is in satoshi unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidated {
    /// The price it was done at.
    pub price: Price,
    /// Notional closed.
    pub notional: Notional,
    /// Value closed.
    pub value: Sats,
    /// What was realised.
    pub pnl: SignedSats,
    /// What leaves the vault for the liquidator.
    pub reward: Sats,
    /// Insurance's share of the fee.
    pub insurance_fee: Sats,
    /// The spread, to the pool.
    pub spread: Sats,
    /// What a bankrupt position left unpaid.
    pub shortfall: Shortfall,
}

/// What the position pays after its loss, in this order and never beyond what is left of its margin.
struct Charges {
    liquidator: Sats,
    insurance: Sats,
    spread: Sats,
}

impl Market {
    /// Liquidates a settled position. The reward is taken out of the ledger: the caller must pay it out of the vault.
    ///
    /// # Errors
    /// `NoOpenPosition`, `NotLiquidatable`, `PoolExhausted` for a whole close whose gain is above the free pool, `Overflow`.
    pub fn liquidate(&mut self, position: &mut Position, marks: &Marks) -> Result<Liquidated> {
        let direction = position.ensure_open()?;
        let price = marks.quote.price;
        let scale = self.side(direction).scale;
        let all = Valuation::of(direction, position.shares, position.basis, scale, price)?;
        ensure(is_below_maintenance(&self.ratios_of(position), position, &all)?, Error::NotLiquidatable)?;
        let spread_ratio = marks.quote.spread.ratio_to(price)?;
        let slice = Slice::of(position, direction, self.shares_to_liquidate(position, &all, price, spread_ratio)?)?;
        let closed = Valuation::of(direction, slice.shares, slice.basis, scale, price)?;
        let (value, pnl) = (closed.exit_value(), closed.pnl()?);
        let whole = slice.shares == position.shares;
        if whole {
            position.void_orders();
        }
        self.release(position, direction, slice.shares, slice.basis)?;
        let shortfall = if whole {
            self.realise_whole(position, pnl, pnl)?
        } else {
            self.book(position, direction, pnl)?;
            Shortfall::default()
        };
        let charges = self.charges(value, spread_ratio)?;
        let paid = self.charge_liquidated(position, &charges)?;
        let top_up = self.take_reward(self.least_reward(&closed, value)?.less_or_zero(paid.liquidator))?;
        Ok(Liquidated {
            price,
            notional: closed.exposure.notional(Rounding::Floor)?,
            value,
            pnl,
            reward: paid.liquidator.plus(top_up)?,
            insurance_fee: paid.insurance,
            spread: paid.spread,
            shortfall,
        })
    }

    fn shares_to_liquidate(&self, position: &Position, all: &Valuation, price: Price, spread_ratio: Ppb) -> Result<Shares> {
        let notional = all.exposure.notional(Rounding::Floor)?;
        let margin = position.free_margin()?.signed()?.get();
        let exposed = Exposed { direction: all.direction, notional, margin, entry_value: all.entry_value };
        let target = Target {
            ratio: initial_ratio(&self.ratios_of(position), notional)?,
            cost: self.params.liquidation_fee.to_ppb().plus(spread_ratio)?,
            min_notional: self.params.min_notional,
        };
        match close_size(&exposed, price, &target)? {
            CloseSize::Whole => Ok(position.shares),
            CloseSize::Part(notional) => {
                let shares = Shares::of(notional, self.side(all.direction).scale, Rounding::Ceil)?;
                Ok(shares.min(position.shares))
            }
        }
    }

    /// `min_reward` of the value closed, floored, but never above the taker fee on its entry value, which was paid when it was opened:
    /// however far the price has jumped, nobody gains by liquidating himself. (Costs that have eaten all of the entry value lift
    /// that bound, so that such a position is worth liquidating still.)
    fn least_reward(&self, closed: &Valuation, value: Sats) -> Result<Sats> {
        let least = value.times(self.params.min_reward.to_ppb(), Rounding::Floor)?;
        let came_in = closed.came_in();
        if came_in.is_zero() {
            return Ok(least);
        }
        Ok(least.min(came_in.times(self.params.taker_fee.to_ppb(), Rounding::Floor)?))
    }

    fn charges(&self, value: Sats, spread_ratio: Ppb) -> Result<Charges> {
        let fee = value.times(self.params.liquidation_fee.to_ppb(), Rounding::Ceil)?;
        let liquidator = Sats::new(fee.get() >> 1);
        Ok(Charges { liquidator, insurance: fee.minus(liquidator)?, spread: value.times(spread_ratio, Rounding::Ceil)? })
    }

    fn charge_liquidated(&mut self, position: &mut Position, charges: &Charges) -> Result<Charges> {
        let mut left = position.free_margin()?;
        let paid = Charges {
            liquidator: take_up_to(&mut left, charges.liquidator)?,
            insurance: take_up_to(&mut left, charges.insurance)?,
            spread: take_up_to(&mut left, charges.spread)?,
        };
        self.debit_margin(position, paid.liquidator.plus(paid.insurance)?.plus(paid.spread)?)?;
        self.ledger.insurance = self.ledger.insurance.plus(paid.insurance)?;
        self.ledger.pool = self.ledger.pool.plus(paid.spread)?;
        Ok(paid)
    }
}
