//! What a run came to, as one object.

use super::audit::Findings;
use super::feed::Timeline;
use super::tally::{Liquidation, LiquidationTally, SideTally, Units};
use super::venue::{Venue, TRADERS};
use crate::decimal::{signed_bitcoin, PRICE};
use anyhow::{ensure, Context, Result};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::Quote;
use inverse_perps_engine::units::{Confidence, Price};
use inverse_perps_engine::{Direction, Market};
use serde::Serialize;
use std::collections::BTreeMap;

const SHARE: i128 = 100_000_000;

/// What is known of a run besides its venue.
pub struct Run<'a> {
    /// Bars played.
    pub bars: usize,
    /// The seed.
    pub seed: u64,
    /// The prices.
    pub timeline: &'a Timeline,
    /// The pool before anybody traded.
    pub opening: PoolWorth,
}

/// The same of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BySide<T> {
    /// Longs.
    pub long: T,
    /// Shorts.
    pub short: T,
}

/// Profit and loss, before fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pnl {
    /// By closing and by being liquidated.
    pub realised_sats: i64,
    /// On paper, at the last price.
    pub unrealised_sats: i64,
}

/// Funding and borrow fee together; positive was paid, negative received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Funding {
    /// Written to positions.
    pub paid_sats: i64,
    /// Accrued, but not yet written to positions; rounded up.
    pub unsettled_sats: i64,
}

/// One side over the run and at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// Counted from events.
    #[serde(flatten)]
    pub counted: SideTally,
    /// Positions open.
    pub open_positions: u64,
    /// Their notional, 1e-6 USD.
    pub open_notional_e6: u64,
}

/// Taker fees by who got them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fees {
    /// All.
    pub total_sats: u64,
    /// The pool's.
    pub pool_sats: u64,
    /// Insurance's.
    pub insurance_sats: u64,
    /// The protocol's.
    pub protocol_sats: u64,
}

/// What the pool is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolWorth {
    /// Its equity at the price, satoshi.
    pub equity_sats: i64,
    /// Shares, in 1e-8.
    pub shares: u64,
    /// Bitcoin a share, eight decimals, rounded down.
    pub share_price: String,
}

/// Everything that is said of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Bars played.
    pub bars: usize,
    /// Prices published.
    pub steps: usize,
    /// Prices of the file passed over, because the program accepts none below $1 or above $100,000,000.
    pub unusable_prices: usize,
    /// First and last price, USD.
    pub first_price: String,
    /// Last price, USD.
    pub last_price: String,
    /// Traders.
    pub traders: usize,
    /// Transactions sent.
    pub transactions: u64,
    /// Failed, but not meant to.
    pub failed_transactions: u64,
    /// Failed as they were meant to.
    pub expected_failures: u64,
    /// The first messages of what must not happen.
    pub errors: Vec<String>,
    /// Events in the logs.
    pub events: u64,
    /// Times the chain did not do what the engine or its own events said.
    pub divergences: u64,
    /// Liquidations, whole and in part.
    pub liquidations: u64,
    /// What liquidations moved.
    pub liquidated: LiquidationTally,
    /// Profit and loss.
    pub pnl: BySide<Pnl>,
    /// Funding and borrow fee.
    pub funding: BySide<Funding>,
    /// Seconds of it that were accrued.
    pub accrued_seconds: u64,
    /// What else there is to say of the sides.
    pub sides: BySide<SideReport>,
    /// Taker fees.
    pub fees: Fees,
    /// The pool before anybody traded.
    pub pool_at_start: PoolWorth,
    /// The pool after the last step.
    pub pool_at_end: PoolWorth,
    /// Compute units by instruction.
    pub compute_units: BTreeMap<String, Units>,
    /// Amount in the vault's token account.
    pub vault_sats: u64,
    /// Sum of margin over the position accounts.
    pub margin_sats: u64,
    /// The pool's part of the ledger.
    pub pool_sats: u64,
    /// Insurance's.
    pub insurance_sats: u64,
    /// The protocol's.
    pub protocol_fees_sats: u64,
    /// Set aside for claims.
    pub funds_sats: u64,
    /// Losses that nobody paid for: the pool went without.
    pub bad_debt_sats: u64,
    /// The same from the accounts' point of view, at the end.
    pub audit: Findings,
    /// How often the ledger was held against vault, positions and tokens.
    pub audits: u64,
    /// Whether every one of those came out to the satoshi.
    pub conserved: bool,
    #[serde(skip)]
    pub(super) chart: ChartData,
}

/// What the chart needs.
#[derive(Clone, Debug, Default)]
pub struct ChartData {
    /// The price at every step, 1e-8 USD.
    pub prices_e8: Vec<u64>,
    /// When the first and the last were published.
    pub times: (i64, i64),
    /// Every liquidation.
    pub liquidations: Vec<Liquidation>,
}

impl Report {
    /// Reads every account once more and puts the run together.
    ///
    /// # Errors
    /// Where accounts cannot be read.
    pub fn of(venue: &Venue, run: &Run) -> Result<Self> {
        let market = venue.chain.market()?.state;
        let audit = Findings::of(venue)?;
        let tally = &venue.tally;
        let (ledger, fees) = (market.ledger, tally.fees);
        let first_difference = venue.audit.first_difference;
        let mut errors = tally.errors.clone();
        if let Some((time, found)) = first_difference {
            errors.push(format!("at unix time {time} not everything was accounted for: {found:?}"));
        }
        let mut divergences = tally.divergences;
        if *tally.replayed() != ledger {
            divergences += 1;
            errors.push("the ledger rebuilt from events is not the market's".to_owned());
        }
        let long = side_at_end(venue, &market, Direction::Long, tally.long)?;
        let short = side_at_end(venue, &market, Direction::Short, tally.short)?;
        Ok(Self {
            seed: run.seed,
            bars: run.bars,
            steps: run.timeline.steps.len(),
            unusable_prices: run.timeline.unusable,
            first_price: PRICE.short(run.timeline.first.price_e8),
            last_price: PRICE.short(venue.price().get()),
            traders: TRADERS,
            transactions: tally.transactions,
            failed_transactions: tally.failed_transactions,
            expected_failures: tally.expected_failures,
            errors,
            events: tally.events,
            divergences,
            liquidations: tally.long.liquidations + tally.short.liquidations,
            liquidated: tally.liquidated,
            pnl: BySide { long: long.0, short: short.0 },
            funding: BySide { long: long.1, short: short.1 },
            accrued_seconds: tally.accrued_seconds,
            sides: BySide { long: long.2, short: short.2 },
            fees: Fees {
                total_sats: fees.total()?.get(),
                pool_sats: fees.pool.get(),
                insurance_sats: fees.insurance.get(),
                protocol_sats: fees.protocol.get(),
            },
            pool_at_start: run.opening.clone(),
            pool_at_end: pool_worth(venue)?,
            compute_units: tally.units.clone(),
            vault_sats: audit.vault_sats,
            margin_sats: audit.margin_sats,
            pool_sats: ledger.pool.get(),
            insurance_sats: ledger.insurance.get(),
            protocol_fees_sats: ledger.protocol_fees.get(),
            funds_sats: ledger.funds.get(),
            bad_debt_sats: market.bad_debt.get(),
            audit,
            audits: venue.audit.count,
            conserved: audit.conserved() && first_difference.is_none(),
            chart: chart_data(venue, run),
        })
    }

    /// That nothing happened that must not.
    ///
    /// # Errors
    /// What did, for the command's exit code.
    pub fn ensure_sound(&self) -> Result<()> {
        let Self { failed_transactions, divergences, .. } = self;
        ensure!(self.conserved, "the ledger and the tokens do not agree; see conserved and audit");
        ensure!(*failed_transactions == 0, "{failed_transactions} transactions went other than they were meant to; see errors");
        ensure!(*divergences == 0, "the chain differed from the engine {divergences} times; see errors");
        Ok(())
    }
}

/// The price at which nobody trades: for valuing alone.
fn at_price(price: Price) -> Quote {
    Quote { price, spread: Confidence::ZERO, bid: price, ask: price }
}

/// What the pool and its shares are worth at the newest price.
///
/// # Errors
/// Where a sum leaves its range.
pub fn pool_worth(venue: &Venue) -> Result<PoolWorth> {
    let (market, price) = (&venue.market, venue.price());
    let equity_sats = market.pool_equity(&market.marks(at_price(price))?, price)?.get();
    let shares = market.pool_shares;
    let share = (i128::from(equity_sats) * SHARE).div_euclid(i128::from(shares.max(1)));
    let share = i64::try_from(share).context("a pool share's price left its range")?;
    Ok(PoolWorth { equity_sats, shares, share_price: signed_bitcoin(share) })
}

fn side_at_end(venue: &Venue, market: &Market, direction: Direction, counted: SideTally) -> Result<(Pnl, Funding, SideReport)> {
    let side = market.side(direction);
    let figures = side.figures(direction, venue.price())?;
    Ok((
        Pnl { realised_sats: counted.realised_sats, unrealised_sats: figures.profit()? },
        Funding { paid_sats: counted.costs_paid_sats, unsettled_sats: side.cost_owed.to_sats(Rounding::Ceil)?.get() },
        SideReport { counted, open_positions: side.positions, open_notional_e6: figures.notional.get() },
    ))
}

fn chart_data(venue: &Venue, run: &Run) -> ChartData {
    let steps = &run.timeline.steps;
    let last = steps.last().map_or(run.timeline.start, |step| step.unix_time);
    ChartData {
        prices_e8: steps.iter().map(|step| step.tick.price_e8).collect(),
        times: (steps.first().map_or(run.timeline.start, |step| step.unix_time), last),
        liquidations: venue.tally.liquidations.clone(),
    }
}
