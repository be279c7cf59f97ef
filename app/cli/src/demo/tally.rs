//! What happened, counted from transactions and their events.

use super::counts::{Liquidation, LiquidationTally, LiquidityTally, OrderTally, SideTally, Units};
use super::settling::SettlementReport;
use super::succession::Past;
use super::witness::Deleveraging;
use inverse_perps::errors::PerpError;
use inverse_perps::events::{Fill, LedgerChange, OrderExecuted, Tip, Written};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::ledger::Ledger;
use inverse_perps_engine::units::{Notional, Sats, SignedSats};
use inverse_perps_engine::Direction;
use perps::client::events::Event;
use perps::client::refusal::Refusal;
use std::collections::BTreeMap;

const MESSAGES_KEPT: usize = 10;
const LONG: u64 = 1;
/// As `OrderPlaced`, `OrderExecuted` and `OrderRemoved` say it.
const MARKET_ORDER: u64 = 0;
const RESTS: u64 = 2;
const FAILED: u64 = 3;
const CANCELLED: u64 = 1;
const VOIDED: u64 = 2;

/// Everything counted.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Sent, whatever came of it.
    pub transactions: u64,
    /// Failed, but not meant to, or succeeded where they were meant to fail.
    pub failed_transactions: u64,
    /// Failed as they were meant to.
    pub expected_failures: u64,
    /// Times the chain did not do what the engine or the events said.
    pub divergences: u64,
    /// Promises broken: bad debt while insurance could pay, unequal shares, a claim not paid in proportion.
    pub violations: u64,
    /// The first messages of what must not happen.
    pub errors: Vec<String>,
    /// Compute units by instruction.
    pub units: BTreeMap<String, Units>,
    /// Longs.
    pub long: SideTally,
    /// Shorts.
    pub short: SideTally,
    /// What liquidations moved.
    pub liquidated: LiquidationTally,
    /// What providers of liquidity moved.
    pub liquidity: LiquidityTally,
    /// What became of orders.
    pub orders: OrderTally,
    /// Every deleveraging.
    pub deleveragings: Vec<Deleveraging>,
    /// Every settlement of a market.
    pub settlements: Vec<SettlementReport>,
    /// Markets that are closed for good.
    pub past: Past,
    /// Taker fees by who got them, those of failed orders included.
    pub fees: FeeSplit,
    /// Each liquidation.
    pub liquidations: Vec<Liquidation>,
    /// Seconds of funding accrued.
    pub accrued_seconds: u64,
    /// Events seen.
    pub events: u64,
    replayed: Ledger,
    sequence: u64,
    steps: usize,
}

impl Tally {
    /// Before anything happened, in a market that has emitted so many events.
    pub fn from_sequence(sequence: u64) -> Self {
        Self { sequence, ..Self::default() }
    }

    /// The next market begins, which has emitted so many events.
    pub fn next_market(&mut self, sequence: u64) {
        self.sequence = sequence;
        self.replayed = Ledger::default();
    }

    /// Another step begins.
    pub fn next_step(&mut self) {
        self.steps += 1;
    }

    /// A transaction failed that was not meant to.
    pub fn failed(&mut self, what: &str, refused: &Refusal) {
        self.failed_transactions += 1;
        self.say(format!("{what}: {refused}"));
    }

    /// A transaction succeeded that was meant to fail.
    pub fn succeeded_wrongly(&mut self, what: &str, expected: PerpError) {
        self.failed_transactions += 1;
        self.say(format!("{what} succeeded, but was to fail with {}", expected.name()));
    }

    /// The chain did something else than was said.
    pub fn diverged(&mut self, message: String) {
        self.divergences += 1;
        self.say(message);
    }

    /// Something happened that the design rules out.
    pub fn broke(&mut self, message: String) {
        self.violations += 1;
        self.say(message);
    }

    /// What deleveraging had realised was written to a position that was open in this direction, together with its costs: takes it
    /// out of the costs.
    pub fn deleveraged(&mut self, direction: Option<Direction>, result: SignedSats) {
        let Some(direction) = direction else { return };
        let side = self.side(direction);
        side.realised_sats += result.get();
        side.deleveraged_sats += result.get();
        side.costs_paid_sats += result.get();
    }

    fn say(&mut self, message: String) {
        if self.errors.len() < MESSAGES_KEPT {
            self.errors.push(format!("step {}: {message}", self.steps));
        }
    }

    /// A transaction succeeded.
    pub fn sent(&mut self, name: &str, compute_units: u64) {
        self.units.entry(name.to_owned()).or_default().add(compute_units);
    }

    /// An event of a transaction that found its position open in this direction.
    pub fn happened(&mut self, event: &Event, direction: Option<Direction>) {
        self.events += 1;
        self.sequence += 1;
        if event.sequence() != Some(self.sequence) {
            self.diverged(format!("event {} came where {} was due", event.sequence().unwrap_or_default(), self.sequence));
        }
        let counted = self.count(event, direction).and_then(|()| event.ledger().map_or(Ok(()), |change| self.replay(change)));
        if let Err(error) = counted {
            self.diverged(format!("an event does not add up: {error}"));
        }
    }

    fn count(&mut self, event: &Event, direction: Option<Direction>) -> inverse_perps_engine::Result<()> {
        match event {
            Event::Accrued(accrued) => self.accrued_seconds += accrued.elapsed_seconds,
            Event::PositionSettled(settled) => self.settled(direction, settled.result_sats)?,
            Event::PositionIncreased(filled) => self.fill(filled.direction, &filled.fill)?,
            Event::PositionDecreased(filled) => {
                self.fill(filled.direction, &filled.fill)?;
                add(&mut self.liquidated.covered_sats, filled.covered_sats)?;
                add(&mut self.liquidated.uncovered_sats, filled.uncovered_sats)?;
            }
            Event::PositionLiquidated(event) => {
                let direction = direction_of(event.direction);
                self.liquidations.push(Liquidation { step: self.steps.saturating_sub(1), direction });
                let side = self.side(direction);
                side.liquidations += 1;
                side.liquidated_whole += u64::from(event.after.shares.is_zero());
                side.liquidated_e6 = Notional::new(side.liquidated_e6).plus(event.notional_e6)?.get();
                side.realised_sats = SignedSats::new(side.realised_sats).plus(event.pnl_sats)?.get();
                let sums = &mut self.liquidated;
                add(&mut sums.rewards_sats, event.reward_sats)?;
                add(&mut sums.insurance_fees_sats, event.insurance_fee_sats)?;
                add(&mut sums.spread_sats, event.spread_sats)?;
                add(&mut sums.covered_sats, event.covered_sats)?;
                add(&mut sums.uncovered_sats, event.uncovered_sats)?;
            }
            Event::PositionClosedOut(event) => {
                let side = self.side(direction.unwrap_or(Direction::Long));
                side.realised_sats = SignedSats::new(side.realised_sats).plus(event.pnl_sats)?.get();
            }
            Event::OrderPlaced(event) => {
                self.orders.placed += 1;
                self.orders.placed_to_rest += u64::from(event.kind != MARKET_ORDER);
            }
            Event::OrderTriggered(_) => self.orders.triggered += 1,
            Event::OrderFilled(event) => {
                let Written { result_sats, .. } = event.settled;
                self.settled(direction, result_sats)?;
                self.fill(event.direction, &event.fill)?;
                add(&mut self.liquidated.covered_sats, event.covered_sats)?;
                add(&mut self.liquidated.uncovered_sats, event.uncovered_sats)?;
                self.orders.filled += 1;
                self.orders.filled_after_trigger += u64::from(!event.tip.triggerer_sats.is_zero());
                self.tipped(&event.tip)?;
            }
            Event::OrderExecuted(event) => {
                self.settled(direction, event.settled.result_sats)?;
                self.executed(event)?;
            }
            Event::OrderRemoved(event) => match event.removal {
                CANCELLED => self.orders.cancelled += 1,
                VOIDED => self.orders.void += 1,
                _ => self.orders.expired += 1,
            },
            Event::LiquidityDeposited(event) => add(&mut self.liquidity.deposited_sats, event.amount_sats)?,
            Event::WithdrawalRequested(_) => self.liquidity.requests += 1,
            Event::WithdrawalReturned(event) => self.liquidity.lapsed += event.lapsed,
            Event::WithdrawalCompleted(event) => {
                self.liquidity.completed += 1;
                add(&mut self.liquidity.withdrawn_sats, event.amount_sats)?;
            }
            _ => (),
        }
        Ok(())
    }

    /// What was written to a position: costs, less what deleveraging had realised, which is taken out again elsewhere.
    fn settled(&mut self, direction: Option<Direction>, result: SignedSats) -> inverse_perps_engine::Result<()> {
        let paid = &mut self.side(direction.unwrap_or(Direction::Long)).costs_paid_sats;
        *paid = SignedSats::new(*paid).minus(result)?.get();
        Ok(())
    }

    fn executed(&mut self, event: &OrderExecuted) -> inverse_perps_engine::Result<()> {
        let orders = &mut self.orders;
        match event.outcome {
            RESTS => orders.missed_bound += 1,
            FAILED => orders.failed += 1,
            _ => orders.blocked += 1,
        }
        add(&mut orders.failure_fees_sats, event.fee_sats.total()?)?;
        self.tipped(&event.tip)?;
        self.take_fees(&event.fee_sats)
    }

    fn tipped(&mut self, tip: &Tip) -> inverse_perps_engine::Result<()> {
        add(&mut self.orders.tips_sats, tip.filler_sats.plus(tip.triggerer_sats)?)
    }

    fn take_fees(&mut self, split: &FeeSplit) -> inverse_perps_engine::Result<()> {
        self.fees.pool = self.fees.pool.plus(split.pool)?;
        self.fees.insurance = self.fees.insurance.plus(split.insurance)?;
        self.fees.protocol = self.fees.protocol.plus(split.protocol)?;
        Ok(())
    }

    fn fill(&mut self, direction: u64, fill: &Fill) -> inverse_perps_engine::Result<()> {
        let side = self.side(direction_of(direction));
        side.traded_e6 = Notional::new(side.traded_e6).plus(fill.notional_e6)?.get();
        side.realised_sats = SignedSats::new(side.realised_sats).plus(fill.pnl_sats)?.get();
        add(&mut side.fees_sats, fill.fee_sats.total()?)?;
        self.take_fees(&fill.fee_sats)
    }

    /// Adds an event's changes to the ledger of those before; the balances it names must come out.
    fn replay(&mut self, change: &LedgerChange) -> inverse_perps_engine::Result<()> {
        let moved = |balance: Sats, delta: SignedSats| -> inverse_perps_engine::Result<Sats> {
            let (gain, loss) = delta.gain_and_loss();
            balance.plus(gain)?.minus(loss)
        };
        let (before, delta) = (self.replayed, &change.delta_sats);
        self.replayed = Ledger {
            margin: moved(before.margin, delta.margin)?,
            pool: moved(before.pool, delta.pool)?,
            insurance: moved(before.insurance, delta.insurance)?,
            protocol_fees: moved(before.protocol_fees, delta.protocol_fees)?,
            funds: moved(before.funds, delta.funds)?,
        };
        if self.replayed != change.after_sats {
            self.diverged("the ledger rebuilt from events is not the one an event names".to_owned());
            self.replayed = change.after_sats;
        }
        Ok(())
    }

    /// The ledger rebuilt from events alone.
    pub fn replayed(&self) -> &Ledger {
        &self.replayed
    }

    fn side(&mut self, direction: Direction) -> &mut SideTally {
        match direction {
            Direction::Long => &mut self.long,
            Direction::Short => &mut self.short,
        }
    }
}

fn direction_of(stored: u64) -> Direction {
    if stored == LONG {
        Direction::Long
    } else {
        Direction::Short
    }
}

fn add(sum: &mut u64, amount: Sats) -> inverse_perps_engine::Result<()> {
    *sum = Sats::new(*sum).plus(amount)?.get();
    Ok(())
}
