//! What is counted in a run, by kind.

use inverse_perps_engine::Direction;
use serde::Serialize;

/// Compute units of one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Units {
    /// How often it was sent.
    pub count: u64,
    /// Least.
    pub min: u64,
    /// Mean, rounded down.
    pub mean: u64,
    /// Most.
    pub max: u64,
    #[serde(skip)]
    sum: u64,
}

impl Units {
    /// Takes in what one transaction consumed.
    pub fn add(&mut self, consumed: u64) {
        self.min = if self.count == 0 { consumed } else { self.min.min(consumed) };
        self.max = self.max.max(consumed);
        self.count += 1;
        self.sum += consumed;
        self.mean = self.sum / self.count;
    }
}

/// Amounts in satoshi, notionals in micro-dollars; signs as the trader sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SideTally {
    /// Realised profit and loss, before fees.
    #[serde(skip)]
    pub realised_sats: i64,
    /// Funding and borrow fee written to positions; positive was paid, negative received.
    #[serde(skip)]
    pub costs_paid_sats: i64,
    /// The part of it that deleveraging realised, as far as it is written to positions.
    pub deleveraged_sats: i64,
    /// Notional opened and closed by owners.
    pub traded_e6: u64,
    /// Taker fees paid.
    pub fees_sats: u64,
    /// Liquidations, whole and in part.
    pub liquidations: u64,
    /// Those that left nothing.
    pub liquidated_whole: u64,
    /// Notional liquidated.
    pub liquidated_e6: u64,
}

/// What liquidations moved, in satoshi.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiquidationTally {
    /// Paid to liquidators.
    pub rewards_sats: u64,
    /// Paid to insurance.
    pub insurance_fees_sats: u64,
    /// Paid to the pool for the spread.
    pub spread_sats: u64,
    /// Shortfalls that insurance paid.
    pub covered_sats: u64,
    /// Shortfalls that nobody paid.
    pub uncovered_sats: u64,
}

/// What providers of liquidity moved, in satoshi.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LiquidityTally {
    /// Deposited into the pool.
    pub deposited_sats: u64,
    /// Paid out of it.
    pub withdrawn_sats: u64,
    /// Withdrawals asked for.
    pub requests: u64,
    /// Those that were paid out.
    pub completed: u64,
    /// Those whose window passed.
    pub lapsed: u64,
}

/// What became of orders. Every one that was placed leaves in one of six ways, or is there still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OrderTally {
    /// Placed.
    pub placed: u64,
    /// Of those, resting ones: limits, stops and take-profits.
    pub placed_to_rest: u64,
    /// Times that a price triggered one.
    pub triggered: u64,
    /// Filled.
    pub filled: u64,
    /// Of those, ones that had been triggered.
    pub filled_after_trigger: u64,
    /// Failed for their owner's reasons.
    pub failed: u64,
    /// Failed for the market's.
    pub blocked: u64,
    /// Times that a triggered one missed its bound and rested again.
    pub missed_bound: u64,
    /// Expired or not filled in time: their tips went to insurance.
    pub expired: u64,
    /// Taken back.
    pub cancelled: u64,
    /// Removed after a liquidation, a settlement or their partner's fill had voided them.
    pub void: u64,
    /// Tips paid to the keeper.
    pub tips_sats: u64,
    /// Taker fees of those that failed for their owner's reasons.
    pub failure_fees_sats: u64,
}

impl OrderTally {
    /// Those that have left.
    pub fn left(&self) -> u64 {
        self.filled + self.failed + self.blocked + self.expired + self.cancelled + self.void
    }
}

/// One liquidation, for the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// The step, from zero.
    pub step: usize,
    /// Which side.
    pub direction: Direction,
}
