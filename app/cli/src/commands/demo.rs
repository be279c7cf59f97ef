//! `perps demo`: a market played through a price file, on the ELF, with the ledger held against the vault.

#![deny(clippy::as_conversions, clippy::float_arithmetic)]
#![deny(clippy::unwrap_used, clippy::expect_used)]

use crate::commands::AlreadyAnswered;
use crate::demo::{self, scenario, Progress};
use anyhow::Result;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perps::local::program_elf;
use perps::prices;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Examples for `--help`.
pub const EXAMPLES: &str = "\
Each bar is played as four prices: open, the nearer extreme, the other, close, a quarter of the bar's interval apart. The file is \
comma-separated with the header unix_time,open,high,low,close; a price below $1 or above $100,000,000 is passed over.

The market fills orders alone: each is placed at one price and filled by a keeper at the first one six seconds later, which lies on the
way to the next of the file and is off it by chance.

With --stress the pool is thin and shorts take as much of it as the parameters' bounds allow, so that a fall of the price leads to
deleveragings and to settlements of the market; after a settlement that cannot pay everything a new market follows.

Exit code 1 where the ledger is not conserved, a transaction failed that was not meant to, or a promise was broken: bad debt
while insurance could pay, unequal shares in a deleveraging, a claim not paid in proportion, a flat user's margin touched.

Examples:
  perps demo
  perps demo --seed 7 --json
  perps demo --prices hours.csv
  perps demo --stress --seed 2";

/// Play a price file on a chain in process: traders, funding, liquidations, and the vault against the ledger
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The price file [default: the hours of 27 February to 9 April 2020]
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Decides what the traders do; the same seed gives the same run
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play a crash that the pool cannot pay: a thin pool, spoken for by leveraged shorts
    #[arg(long)]
    stress: bool,
}

/// Plays and reports.
///
/// # Errors
/// Where the price file cannot be used, the ELF cannot be built or the chain cannot be set up; and, after the report, where
/// something happened that must not.
pub fn run(arguments: &Arguments, json: bool, out: &mut impl Write) -> Result<()> {
    let supplied = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/btcusd_1h_2020.csv");
    let bars = prices::read(&arguments.prices.clone().unwrap_or_else(supplied))?;
    let bar = progress_bar(json)?;
    let scenario = if arguments.stress { &scenario::STRESS } else { &scenario::PLAIN };
    let report = demo::play(&program_elf()?, &bars, scenario, arguments.seed, |progress| show(&bar, progress))?;
    bar.finish_and_clear();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{report}")?;
    }
    report.ensure_sound().map_err(|error| AlreadyAnswered(error.to_string()).into())
}

fn progress_bar(hidden: bool) -> Result<ProgressBar> {
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} prices, {msg}, {eta} left")?;
    Ok(ProgressBar::with_draw_target(None, target).with_style(style))
}

fn show(bar: &ProgressBar, progress: &Progress) {
    let position = |steps: usize| u64::try_from(steps).unwrap_or(u64::MAX);
    bar.set_length(position(progress.steps));
    let Progress { liquidations, deleveragings, settlements, .. } = progress;
    bar.set_message(format!("{liquidations} liquidations, {deleveragings} deleveragings, {settlements} settlements"));
    bar.set_position(position(progress.step + 1));
}
