//! What a run came to, as one object.

use super::audit::Findings;
use super::counts::{Liquidation, LiquidationTally, LiquidityTally, OrderTally, Units};
use super::feed::Timeline;
use super::figures::{pool_worth, side_at_end, BySide, Fees, Funding, Pnl, PoolWorth, SideReport};
use super::settling::SettlementReport;
use super::tally::Tally;
use super::venue::Venue;
use super::witness::Deleveraging;
use anyhow::{ensure, Result};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::ledger::Ledger;
use inverse_perps_engine::Direction;
use perps::decimal::PRICE;
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// Flat users, whose margins nothing may touch.
    pub flat_users: usize,
    /// Markets: the first, and one after each that was closed for good.
    pub markets: u64,
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
    /// Promises broken, such as bad debt while insurance could pay.
    pub violations: u64,
    /// Times that profit neared the pool and the winning sides shrank.
    pub deleveragings: usize,
    /// Each of them.
    pub deleveraging_list: Vec<Deleveraging>,
    /// Whether each closed the same share of every position of a side.
    pub shares_equal: bool,
    /// Times that a market was settled, because profit reached the pool.
    pub settlements: usize,
    /// Each of them.
    pub settlement_list: Vec<SettlementReport>,
    /// Profits in settlements that could not be paid.
    pub haircut_sats: u64,
    /// Losses in settlements that margins could not pay.
    pub uncollected_sats: u64,
    /// What insurance added in settlements.
    pub top_up_sats: u64,
    /// Whether every flat user had at every audit what he paid in.
    pub flat_margin_untouched: bool,
    /// Liquidations, whole and in part.
    pub liquidations: u64,
    /// What became of orders.
    pub orders: OrderTally,
    /// Those that rest at the end.
    pub orders_resting: u64,
    /// Those that wait for their fill at the end: the keeper has overlooked them.
    pub orders_pending: u64,
    /// What liquidations moved.
    pub liquidated: LiquidationTally,
    /// What providers of liquidity moved.
    pub liquidity: LiquidityTally,
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
        let ledger = market.ledger;
        let bad_debt_sats = market.bad_debt.get() + tally.past.bad_debt_sats;
        let in_settlements = |amount: fn(&SettlementReport) -> u64| tally.settlements.iter().map(amount).sum::<u64>();
        let uncollected_sats = in_settlements(|settlement| settlement.uncollected_sats);
        let pending: u64 = venue.seats.iter().map(|seat| u64::from(seat.pending().is_some())).sum();
        let open_orders: u64 = venue.seats.iter().map(|seat| u64::from(seat.position.open_orders)).sum();
        let mut contradictions = contradictions(tally, &ledger, bad_debt_sats, uncollected_sats);
        if tally.orders.placed != tally.orders.left() + open_orders {
            contradictions.push("orders placed are not those that left and those that are there".to_owned());
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
            traders: venue.scenario.crowd.len(),
            flat_users: venue.scenario.onlookers,
            markets: tally.past.markets + 1,
            transactions: tally.transactions,
            failed_transactions: tally.failed_transactions,
            expected_failures: tally.expected_failures,
            divergences: tally.divergences + u64::try_from(contradictions.len())?,
            errors: tally.errors.iter().cloned().chain(unaccounted(venue)).chain(contradictions).collect(),
            events: tally.events,
            violations: tally.violations,
            deleveragings: tally.deleveragings.len(),
            deleveraging_list: tally.deleveragings.clone(),
            shares_equal: tally.deleveragings.iter().all(|deleveraging| deleveraging.shares_equal),
            settlements: tally.settlements.len(),
            settlement_list: tally.settlements.clone(),
            haircut_sats: in_settlements(|settlement| settlement.haircut_sats),
            uncollected_sats,
            top_up_sats: in_settlements(|settlement| settlement.top_up_sats),
            flat_margin_untouched: venue.audit.flat_touched == 0 && audit.flat_untouched(),
            liquidations: tally.long.liquidations + tally.short.liquidations,
            orders: tally.orders,
            orders_resting: open_orders.saturating_sub(pending),
            orders_pending: pending,
            liquidated: tally.liquidated,
            liquidity: tally.liquidity,
            pnl: BySide { long: long.0, short: short.0 },
            funding: BySide { long: long.1, short: short.1 },
            accrued_seconds: tally.accrued_seconds,
            sides: BySide { long: long.2, short: short.2 },
            fees: Fees::of(&tally.fees)?,
            pool_at_start: run.opening.clone(),
            pool_at_end: pool_worth(venue)?,
            compute_units: tally.units.clone(),
            vault_sats: audit.vault_sats,
            margin_sats: audit.margin_sats,
            pool_sats: ledger.pool.get(),
            insurance_sats: ledger.insurance.get(),
            protocol_fees_sats: ledger.protocol_fees.get(),
            funds_sats: ledger.funds.get(),
            bad_debt_sats,
            audit,
            audits: venue.audit.count,
            conserved: audit.conserved() && venue.audit.first_difference.is_none(),
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
        ensure!(self.violations == 0, "{} promises were broken; see errors", self.violations);
        ensure!(self.flat_margin_untouched, "a flat user's margin was touched; see audit");
        ensure!(*divergences == 0, "the chain differed from the engine {divergences} times; see errors");
        Ok(())
    }
}

impl Fees {
    fn of(split: &FeeSplit) -> Result<Self> {
        Ok(Self {
            total_sats: split.total()?.get(),
            pool_sats: split.pool.get(),
            insurance_sats: split.insurance.get(),
            protocol_sats: split.protocol.get(),
        })
    }
}

/// The first price at which the ledger and the tokens did not agree.
fn unaccounted(venue: &Venue) -> Option<String> {
    let (time, found) = venue.audit.first_difference?;
    Some(format!("at unix time {time} not everything was accounted for: {found:?}"))
}

/// Where the events of a run do not add up to the market at its end.
fn contradictions(tally: &Tally, ledger: &Ledger, bad_debt_sats: u64, uncollected_sats: u64) -> Vec<String> {
    let checks = [
        (tally.replayed() == ledger, "the ledger rebuilt from events is not the market's"),
        (
            tally.liquidated.uncovered_sats + uncollected_sats == bad_debt_sats,
            "the bad debt that events name is not the market's",
        ),
    ];
    checks.into_iter().filter(|(holds, _)| !holds).map(|(_, message)| message.to_owned()).collect()
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
