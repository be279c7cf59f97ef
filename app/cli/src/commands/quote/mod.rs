//! `perps quote`: what a position earns, where it is liquidated, at what price it was entered, what it is exposed to, how much a
//! liquidation or a deleveraging closes, and the short that hedges bitcoin.
//!
//! Every figure is the engine's, so it is what the program computes. Here numbers are read, bounds are named and results shown.

#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod average_entry;
mod deleverage;
pub(crate) mod greeks;
pub(crate) mod hedge;
mod liquidation;
mod partial_liquidation;
mod pnl;

use crate::session::Session;
use std::io::Write;

use anyhow::ensure;
use clap::{Args, Subcommand, ValueEnum};
use inverse_perps_engine::liquidation::{Exposed, Threshold};
use inverse_perps_engine::margin::MarginRatios;
use inverse_perps_engine::pnl::entry_value;
use inverse_perps_engine::units::{Bps, Notional, Ppb, Price, Sats, MAX_VALUE};
use inverse_perps_engine::{Direction, Params};
use serde::Serialize;

use perps::decimal::{self, BITCOIN, DOLLARS, PRICE};

/// Commands to try, one of each quote.
pub const EXAMPLES: &str = "\
Examples:
  perps quote pnl --side long --notional 15000 --entry 750 --exit 800
  perps quote liquidation --side short --notional 60000 --entry 50000 --margin 0.12 --maintenance-bps 50
  perps quote average-entry --fill 1000@5000 --fill 2000@6000
  perps quote partial-liquidation --side long --notional 100000 --entry 50000 --margin 0.2 --price 45600 --target-bps 100 \
--fee-bps 25
  perps quote deleverage --side short --notional 60000 --entry 60000 --price 40000 --free-pool 0.6 --target-bps 5000
  perps quote greeks --side short --notional 60000 --entry 60000 --margin 1 --price 60000
  perps quote hedge --btc 1.5 --price 60000 --confidence 30";

/// Quote a position's profit, liquidation price, average entry, partial liquidation, deleveraging or greeks, or a hedge
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    quote: Quote,
}

#[derive(Debug, Subcommand)]
enum Quote {
    /// Profit or loss from an entry to an exit price
    #[command(after_help = pnl::EXAMPLES)]
    Pnl(pnl::Arguments),
    /// Liquidation and bankruptcy price
    #[command(after_help = liquidation::EXAMPLES)]
    Liquidation(liquidation::Arguments),
    /// Average entry price of several fills
    #[command(after_help = average_entry::EXAMPLES)]
    AverageEntry(average_entry::Arguments),
    /// How much a liquidation closes to bring a position back to its target ratio
    #[command(after_help = partial_liquidation::EXAMPLES)]
    PartialLiquidation(partial_liquidation::Arguments),
    /// How much of a winning side closes when its profit nears the pool, and what that pays
    #[command(after_help = deleverage::EXAMPLES)]
    Deleverage(deleverage::Arguments),
    /// Delta, gamma, leverage, and where a position stands after a move of the price
    #[command(after_help = greeks::EXAMPLES)]
    Greeks(greeks::Arguments),
    /// The short that makes bitcoin a synthetic dollar, and what it costs
    #[command(after_help = hedge::EXAMPLES)]
    Hedge(hedge::Arguments),
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Side {
    /// Gains as the price rises
    Long,
    /// Gains as the price falls
    Short,
}

impl Side {
    fn direction(self) -> Direction {
        match self {
            Side::Long => Direction::Long,
            Side::Short => Direction::Short,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Side::Long => "long",
            Side::Short => "short",
        }
    }
}

#[derive(Debug, Args)]
struct Opening {
    /// Long or short
    #[arg(long, value_enum)]
    side: Side,
    /// Size in dollars, at most $10 billion and 6 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::notional, allow_negative_numbers = true)]
    notional: Notional,
    /// Price of opening in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    entry: Price,
}

impl Opening {
    /// The value in satoshi as an opening books it. No side of a market is ever worth more than all bitcoin.
    fn entry_value(&self) -> anyhow::Result<Sats> {
        let value = entry_value(self.side.direction(), self.notional, self.entry)?;
        ensure!(
            value <= MAX_VALUE,
            "--notional {} USD at --entry {} USD is worth {} BTC, more than the {} BTC that a side can be worth; take a smaller \
             notional",
            DOLLARS.short(self.notional.get()),
            PRICE.short(self.entry.get()),
            BITCOIN.short(value.get()),
            BITCOIN.short(MAX_VALUE.get())
        );
        Ok(value)
    }

    fn with_margin(&self, margin: Sats) -> anyhow::Result<Exposed> {
        Ok(Exposed {
            direction: self.side.direction(),
            notional: self.notional,
            margin: margin.signed()?.get(),
            entry_value: self.entry_value()?.signed()?.get(),
        })
    }
}

/// The maintenance margin that a position is held to.
#[derive(Debug, Args)]
struct Maintenance {
    /// Maintenance margin in basis points of the value; standard markets ask for 100, and 10 more for each $1 million of notional
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    maintenance_bps: Option<u32>,
}

impl Maintenance {
    /// The ratios of a standard market, or the one given at every size.
    fn ratios(&self) -> MarginRatios {
        self.ratios_in(&Params::standard())
    }

    /// The ratios of a market, or the one given at every size.
    fn ratios_in(&self, params: &Params) -> MarginRatios {
        let usual = params.margin_ratios();
        match self.maintenance_bps {
            Some(bps) => MarginRatios { maintenance: Bps::new(bps), maintenance_slope: Bps::ZERO, ..usual },
            None => usual,
        }
    }
}

/// Answers a quote on `out`.
///
/// # Errors
/// Inputs that are sound each by itself but together leave the range of the protocol, and a failed write; those of the chain, which only
/// a hedge without a price asks.
pub fn run(
    arguments: &Arguments,
    session: impl FnOnce() -> anyhow::Result<Session>,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match &arguments.quote {
        Quote::Pnl(quote) => show(&quote.answer()?, json, out),
        Quote::Liquidation(quote) => show(&quote.answer()?, json, out),
        Quote::AverageEntry(quote) => show(&quote.answer()?, json, out),
        Quote::PartialLiquidation(quote) => show(&quote.answer()?, json, out),
        Quote::Deleverage(quote) => show(&quote.answer()?, json, out),
        Quote::Greeks(quote) => show(&quote.answer()?, json, out),
        Quote::Hedge(quote) => show(&quote.answer(session)?, json, out),
    }
}

/// An answer, for machines by its fields, for people by its rows of label and text.
trait Answer: Serialize {
    fn rows(&self) -> Vec<(&'static str, String)>;
}

fn show(answer: &impl Answer, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(answer)?)?;
        return Ok(());
    }
    for (label, text) in answer.rows() {
        writeln!(out, "{label:<18} {text}")?;
    }
    Ok(())
}

/// What was asked about a position; the inputs come back as they were understood.
#[derive(Serialize)]
struct Asked {
    side: Side,
    notional_usd: String,
    entry_usd: String,
}

impl Asked {
    fn of(opening: &Opening) -> Self {
        Self {
            side: opening.side,
            notional_usd: DOLLARS.short(opening.notional.get()),
            entry_usd: PRICE.short(opening.entry.get()),
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        vec![
            ("side", self.side.name().to_owned()),
            ("notional", format!("{} USD", self.notional_usd)),
            ("entry", format!("{} USD", self.entry_usd)),
        ]
    }
}

/// Steps of `10^-decimals` with a sign, as a decimal number with all its decimals: `-5` of 3 is `"-0.005"`.
pub(crate) fn fixed(steps: i128, decimals: usize) -> String {
    let digits = format!("{:0>width$}", steps.unsigned_abs(), width = decimals.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    let sign = if steps < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// A decimal number with a point, without the zeros that say nothing.
pub(crate) fn trimmed(decimal: &str) -> String {
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A ratio in percent.
fn percent_of(ratio: Ppb) -> String {
    trimmed(&fixed(i128::from(ratio.get()), 7))
}

/// A liquidation price to the last decimal, where there is one.
fn price_of(threshold: Threshold) -> Option<String> {
    match threshold {
        Threshold::At(price) => Some(PRICE.exact(price.get())),
        Threshold::Never | Threshold::Always => None,
    }
}
