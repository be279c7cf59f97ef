//! Closes as much of a position below maintenance as brings it back to its initial ratio (design, section 7).

use super::decrease::Slice;
use crate::errors::{ensure, Error, Result};
use crate::ledger::take_up_to;
use crate::liquidation::{close_size, CloseSize, Exposed, Target};
use crate::margin::{initial_ratio, is_liquidatable};
use crate::market::{Market, Marks, Shortfall};
use crate::math::Rounding;
use crate::pnl;
use crate::position::Position;
use crate::side::Direction;
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
        let side = self.side(direction);
        ensure(is_liquidatable(&self.params, position, side, price)?, Error::NotLiquidatable)?;
        let scale = side.scale;
        let spread_ratio = marks.quote.spread.ratio_to(price)?;
        let slice = Slice::of(position, direction, self.shares_to_liquidate(position, direction, price, spread_ratio)?)?;
        let exposure = slice.shares.at(scale);
        let value = exposure.value_at(price, direction.exit_rounding())?;
        let pnl = pnl::realised(direction, slice.shares, slice.basis, scale, price)?;
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
        let least = value.times(self.params.min_reward.to_ppb(), Rounding::Floor)?;
        let top_up = self.take_reward(least.less_or_zero(paid.liquidator))?;
        Ok(Liquidated {
            price,
            notional: exposure.notional(Rounding::Floor)?,
            value,
            pnl,
            reward: paid.liquidator.plus(top_up)?,
            insurance_fee: paid.insurance,
            spread: paid.spread,
            shortfall,
        })
    }

    fn shares_to_liquidate(
        &self,
        position: &Position,
        direction: Direction,
        price: Price,
        spread_ratio: Ppb,
    ) -> Result<Shares> {
        let side = self.side(direction);
        let notional = position.notional(side)?;
        let exposed = Exposed {
            direction,
            notional,
            margin: position.free_margin()?.signed()?.get(),
            entry_value: position.basis.entry_value(side.scale, direction.entry_rounding())?,
        };
        let target = Target {
            ratio: initial_ratio(&self.params, notional)?,
            cost: self.params.liquidation_fee.to_ppb().plus(spread_ratio)?,
            min_notional: self.params.min_notional,
        };
        match close_size(&exposed, price, &target)? {
            CloseSize::Whole => Ok(position.shares),
            CloseSize::Part(notional) => {
                Shares::of(notional, side.scale, Rounding::Ceil).map(|shares| shares.min(position.shares))
            }
        }
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
