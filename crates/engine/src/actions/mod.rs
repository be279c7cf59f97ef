//! The state transitions of a market. Each checks before it writes as far as it can, returns a report of what it did, and
//! leaves the caller to discard everything on an error, as a Solana transaction does.

mod collateral;
mod decrease;
mod execute;
mod govern;
mod increase;
mod liquidate;
mod liquidity;
mod orders;
mod settle;
mod settlement;
mod sync;
mod wind_down;

pub use decrease::{Decrease, DecreaseSize};
pub use execute::{Execution, ExecutionOutcome, TipShares, Triggerer};
pub use increase::Increase;
pub use liquidate::Liquidated;
pub use orders::Removal;
pub use settle::Settled;
pub use settlement::{ClosedOut, Finished, Redeemed};
pub use sync::{Accrued, Glance, Outcome, Strained, Synced};

use crate::budget::Trader;
use crate::errors::Result;
use crate::fees::{FeeSplit, SkewChange};
use crate::market::{Market, Shortfall};
use crate::oracle::Quote;
use crate::position::Position;
use crate::units::{Notional, Price, Sats, Shares, SignedSats, UnixTime};

/// What a fill did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The fill price.
    pub price: Price,
    /// Shares added or taken.
    pub shares: Shares,
    /// Their notional.
    pub notional: Notional,
    /// Their value at the fill price.
    pub value: Sats,
    /// What was realised, before the fee.
    pub pnl: SignedSats,
    /// The fee that was paid.
    pub fee: FeeSplit,
    /// What a bankrupt position left unpaid.
    pub shortfall: Shortfall,
}

impl Market {
    /// Takes a fee out of a position's margin and shares it.
    fn charge(&mut self, position: &mut Position, fee: Sats) -> Result<FeeSplit> {
        let split = FeeSplit::of(fee, &self.params)?;
        self.debit_margin(position, fee)?;
        self.ledger.pool = self.ledger.pool.plus(split.pool)?;
        self.ledger.insurance = self.ledger.insurance.plus(split.insurance)?;
        self.ledger.protocol_fees = self.ledger.protocol_fees.plus(split.protocol)?;
        Ok(split)
    }
}

impl Filled {
    /// What the fill cost whoever asked for it: fee, and the distance of its price from the quote's own. Errors: `Overflow`.
    pub fn cost(&self, quote: &Quote) -> Result<Sats> {
        orders::fill_cost(self.fee.total()?, self.value, self.price, quote)
    }
}

impl Position {
    /// Spends a delegate's budget on a fill that he asked for; an owner has none to keep.
    ///
    /// # Errors
    /// `DelegateBudgetExceeded`.
    pub fn budget_fill(&mut self, trader: Trader, filled: &Filled, quote: &Quote, now: UnixTime) -> Result<()> {
        match trader {
            Trader::Owner => Ok(()),
            Trader::Delegate => self.budget.spend(trader, filled.cost(quote)?, now),
        }
    }
}

/// The imbalance before and after a side's notional changes.
fn skew_change(before: Notional, after: Notional, other: Notional) -> SkewChange {
    SkewChange {
        before: Notional::new(before.get().abs_diff(other.get())),
        after: Notional::new(after.get().abs_diff(other.get())),
    }
}
