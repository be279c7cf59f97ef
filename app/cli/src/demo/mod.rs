//! A market played through a price file: a crowd trades by orders on a chain in process, a keeper fills them and liquidates, and the
//! ledger is held against the vault at every step.
//!
//! Whoever acts here rehearses with the engine first and leaves out what it would refuse. So every transaction that is sent is
//! meant to succeed, but for a few that are sent because they must fail, and the chain must end in the rehearsed state to the bit.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod action;
pub mod audit;
pub mod books;
pub mod chart;
mod chronicle;
pub mod counts;
pub mod crowd;
pub mod feed;
pub mod figures;
pub mod fills;
pub mod keeper;
pub mod mischief;
pub mod onlookers;
pub mod order_books;
pub mod prospect;
pub mod providers;
pub mod report;
pub mod scenario;
pub mod seat;
pub mod settling;
pub mod sizes;
pub mod succession;
pub mod tally;
pub mod terms;
pub mod text;
pub mod turn;
pub mod venue;
pub mod wire;
pub mod witness;

use anyhow::Result;
use crowd::Crowd;
use feed::{Step, Timeline};
use mischief::Mischief;
use perps::prices::Bar;
use rand::rngs::StdRng;
use rand::SeedableRng;
use report::{Report, Run};
use scenario::Scenario;
use std::path::Path;
use venue::Venue;

/// How long the run goes on after the last step.
const REST_SECONDS: u32 = 60;

/// Plays the bars on a chain with the program at `elf`; the same seed gives the same run. `on_step` is told of every step.
///
/// # Errors
/// Where the chain cannot be set up or its accounts cannot be read. A transaction that fails is no error: it is in the report.
pub fn play(
    elf: &Path,
    bars: &[Bar],
    scenario: &'static Scenario,
    seed: u64,
    mut on_step: impl FnMut(&Progress),
) -> Result<Report> {
    let timeline = Timeline::of(bars)?;
    let mut rng = StdRng::seed_from_u64(seed);
    let mut venue = Venue::open(elf, scenario, &timeline, &mut rng)?;
    let mut crowd = Crowd::gather(&venue, &mut rng);
    let mut mischief = Mischief::new(timeline.steps.len());
    let opening = figures::pool_worth(&venue)?;
    onlookers::park(&mut venue)?;
    crowd.arrive(&mut venue, &mut rng)?;

    for (number, step) in timeline.steps.iter().enumerate() {
        let mut wiped_out = fills::fill(&mut venue, step, &mut mischief, &mut rng)?;
        venue.advance(step)?;
        wiped_out.extend(keeper::tend(&mut venue)?);
        keeper::execute(&mut venue, &mut rng)?;
        keeper::trigger(&mut venue)?;
        crowd.take_losses(number, &wiped_out, &mut rng);
        providers::act(&mut venue, &mut rng)?;
        crowd.trade(number, &mut venue, &mut rng)?;
        mischief.try_what_must_fail(number, &mut venue)?;
        venue.audit()?;
        on_step(&Progress {
            step: number,
            steps: timeline.steps.len(),
            liquidations: venue.tally.liquidations.len(),
            deleveragings: venue.tally.deleveragings.len(),
            settlements: venue.tally.settlements.len(),
        });
    }
    // The last orders fill at the last price: nobody knows another.
    let rest =
        Step { elapsed_seconds: REST_SECONDS, unix_time: venue.chain.time() + i64::from(REST_SECONDS), tick: *venue.tick() };
    fills::fill(&mut venue, &rest, &mut mischief, &mut rng)?;
    venue.audit()?;
    Report::of(&venue, &Run { bars: bars.len(), seed, timeline: &timeline, opening })
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The step just done, from zero.
    pub step: usize,
    /// How many there are.
    pub steps: usize,
    /// Liquidations so far.
    pub liquidations: usize,
    /// Deleveragings so far.
    pub deleveragings: usize,
    /// Settlements of a market so far.
    pub settlements: usize,
}
