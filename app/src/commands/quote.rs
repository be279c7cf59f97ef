//! `perps quote`: what a position earns, where it is liquidated, at what price it was entered, how much a liquidation closes.
//!
//! Every figure is the engine's, so it is what the program computes. Here numbers are read, bounds are named and results shown.

#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::io::Write;

use anyhow::{anyhow, ensure, Context};
use clap::{Args, Subcommand, ValueEnum};
use inverse_perps_engine::liquidation::{close_size, threshold, CloseSize, Exposed, Target, Threshold};
use inverse_perps_engine::pnl;
use inverse_perps_engine::units::{Bps, Notional, Ppb, Price, Sats, MAX_NOTIONAL, MAX_VALUE};
use inverse_perps_engine::Direction;
use serde::Serialize;

use crate::decimal::{self, signed_bitcoin, BITCOIN, DOLLARS, DOLLARS_OR_NONE, PRICE};

/// Commands to try, one of each quote.
pub const EXAMPLES: &str = "\
Examples:
  perps quote pnl --side long --notional 15000 --entry 750 --exit 800
  perps quote liquidation --side short --notional 60000 --entry 50000 --margin 0.12 --maintenance-bps 50
  perps quote average-entry --fill 1000@5000 --fill 2000@6000
  perps quote partial-liquidation --side long --notional 100000 --entry 50000 --margin 0.2 --price 45600 --target-bps 100 \
--fee-bps 25";

const PNL_EXAMPLES: &str = "\
The entry value and the exit value are each rounded against the trader to a satoshi, as on chain. Fees are not included.

Examples:
  perps quote pnl --side long --notional 15000 --entry 750 --exit 800
  perps quote pnl --side short --notional 100000 --entry 10000 --exit 11000 --json";

const LIQUIDATION_EXAMPLES: &str = "\
A long is liquidated at or below its liquidation price, a short at or above it. There is none where the margin covers all that \
can be lost, as for a short whose margin is worth its notional at entry. The bankruptcy price is where nothing is left.

Examples:
  perps quote liquidation --side short --notional 60000 --entry 50000 --margin 0.12 --maintenance-bps 50
  perps quote liquidation --side long --notional 100000 --entry 100000 --margin 1 --maintenance-bps 100 --json";

const AVERAGE_ENTRY_EXAMPLES: &str = "\
The average is harmonic, because the position is worth the sum of the fills' bitcoin: dollars over the sum of dollars / price.

Examples:
  perps quote average-entry --fill 1000@5000 --fill 2000@6000
  perps quote average-entry --fill 500@61250.5 --fill 500@60999.25 --fill 1000@60100 --json";

const PARTIAL_LIQUIDATION_EXAMPLES: &str = "\
Closes just enough that margin is again the target ratio of what stays open. All of it where the fee is not below the target, \
where the equity cannot pay the fee, or where less than --min-notional would stay; nothing where the position is at or above the \
target.

Examples:
  perps quote partial-liquidation --side long --notional 100000 --entry 50000 --margin 0.2 --price 45600 --target-bps 100 \
--fee-bps 25
  perps quote partial-liquidation --side short --notional 100000 --entry 50000 --margin 0.2 --price 55100 --target-bps 100 \
--fee-bps 25 --min-notional 10 --json";

/// Quote a position's profit, liquidation price, average entry or partial liquidation
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    quote: Quote,
    /// Answer with a JSON object: dollars and bitcoin as decimal strings, satoshi as integers
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum Quote {
    /// Profit or loss from an entry to an exit price
    #[command(after_help = PNL_EXAMPLES)]
    Pnl(PnlArguments),
    /// Liquidation and bankruptcy price
    #[command(after_help = LIQUIDATION_EXAMPLES)]
    Liquidation(LiquidationArguments),
    /// Average entry price of several fills
    #[command(after_help = AVERAGE_ENTRY_EXAMPLES)]
    AverageEntry(AverageEntryArguments),
    /// How much a liquidation closes to bring a position back to its target ratio
    #[command(after_help = PARTIAL_LIQUIDATION_EXAMPLES)]
    PartialLiquidation(PartialLiquidationArguments),
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
        let value = pnl::entry_value(self.side.direction(), self.notional, self.entry)?;
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

#[derive(Debug, Args)]
struct PnlArguments {
    #[command(flatten)]
    opening: Opening,
    /// Price of closing in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    exit: Price,
}

#[derive(Debug, Args)]
struct LiquidationArguments {
    #[command(flatten)]
    opening: Opening,
    /// Margin in bitcoin, at most 21 million and 8 decimals
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    margin: Sats,
    /// Maintenance margin in basis points of the value
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    maintenance_bps: u32,
}

#[derive(Debug, Args)]
struct AverageEntryArguments {
    /// A fill: dollars, at, dollars per bitcoin; give one --fill for each
    #[arg(long = "fill", value_name = "USD@PRICE", value_parser = Fill::parse, required = true, allow_hyphen_values = true)]
    fills: Vec<Fill>,
}

#[derive(Debug, Args)]
struct PartialLiquidationArguments {
    #[command(flatten)]
    opening: Opening,
    /// Margin in bitcoin, at most 21 million and 8 decimals
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    margin: Sats,
    /// Price of the liquidation in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    price: Price,
    /// Ratio of margin to value that the rest is to have, in basis points
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    target_bps: u32,
    /// Fee and spread in basis points of the value closed
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(0..=10_000), allow_negative_numbers = true)]
    fee_bps: u32,
    /// The least that may stay open, in dollars; markets set one ($10 by default), here nothing is the default
    #[arg(long, value_name = "USD", value_parser = decimal::notional_or_zero, default_value = "0", allow_negative_numbers = true)]
    min_notional: Notional,
}

#[derive(Clone, Copy, Debug)]
struct Fill {
    notional: Notional,
    price: Price,
}

impl Fill {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (notional, price) =
            text.split_once('@').ok_or_else(|| anyhow!("a fill is dollars@price, such as 1000@5000 for $1,000 at $5,000"))?;
        Ok(Self {
            notional: decimal::notional(notional).map_err(|problem| anyhow!("notional '{notional}': {problem}"))?,
            price: decimal::price(price).map_err(|problem| anyhow!("price '{price}': {problem}"))?,
        })
    }
}

/// Answers a quote on `out`.
///
/// # Errors
/// Inputs that are sound each by itself but together leave the range of the protocol, and a failed write.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<()> {
    match &arguments.quote {
        Quote::Pnl(quote) => show(&quote.answer()?, arguments.json, out),
        Quote::Liquidation(quote) => show(&quote.answer()?, arguments.json, out),
        Quote::AverageEntry(quote) => show(&quote.answer()?, arguments.json, out),
        Quote::PartialLiquidation(quote) => show(&quote.answer()?, arguments.json, out),
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

#[derive(Serialize)]
struct PnlAnswer {
    #[serde(flatten)]
    asked: Asked,
    exit_usd: String,
    pnl_sats: i64,
    pnl_btc: String,
}

impl PnlArguments {
    fn answer(&self) -> anyhow::Result<PnlAnswer> {
        let Opening { side, notional, entry } = self.opening;
        self.opening.entry_value()?;
        let pnl = pnl::between(side.direction(), notional, entry, self.exit)?.get();
        Ok(PnlAnswer {
            asked: Asked::of(&self.opening),
            exit_usd: PRICE.short(self.exit.get()),
            pnl_sats: pnl,
            pnl_btc: signed_bitcoin(pnl),
        })
    }
}

impl Answer for PnlAnswer {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.asked.rows();
        rows.push(("exit", format!("{} USD", self.exit_usd)));
        rows.push(("PnL", format!("{} BTC ({} sats)", self.pnl_btc, self.pnl_sats)));
        rows
    }
}

#[derive(Serialize)]
struct LiquidationAnswer {
    #[serde(flatten)]
    asked: Asked,
    margin_btc: String,
    maintenance_bps: u32,
    liquidation_price_usd: Option<String>,
    bankruptcy_price_usd: Option<String>,
    always_liquidatable: bool,
}

impl LiquidationArguments {
    fn answer(&self) -> anyhow::Result<LiquidationAnswer> {
        let position = self.opening.with_margin(self.margin)?;
        let liquidation = threshold_of(&position, Bps::new(self.maintenance_bps).to_ppb(), "liquidation")?;
        let bankruptcy = threshold_of(&position, Ppb::ZERO, "bankruptcy")?;
        Ok(LiquidationAnswer {
            asked: Asked::of(&self.opening),
            margin_btc: BITCOIN.short(self.margin.get()),
            maintenance_bps: self.maintenance_bps,
            liquidation_price_usd: price_of(liquidation),
            bankruptcy_price_usd: price_of(bankruptcy),
            always_liquidatable: liquidation == Threshold::Always,
        })
    }
}

/// A short's threshold of zero, as with a maintenance margin of the whole value, is met at every price.
fn threshold_of(position: &Exposed, ratio: Ppb, name: &str) -> anyhow::Result<Threshold> {
    let found = threshold(position, ratio).with_context(|| {
        format!(
            "the {name} price is above {} USD and cannot be stated; prices that are accepted end at {} USD",
            PRICE.short(u64::MAX),
            PRICE.short(Price::MAX.get())
        )
    })?;
    Ok(match found {
        Threshold::At(price) if price.is_zero() => Threshold::Always,
        other => other,
    })
}

fn price_of(threshold: Threshold) -> Option<String> {
    match threshold {
        Threshold::At(price) => Some(PRICE.exact(price.get())),
        Threshold::Never | Threshold::Always => None,
    }
}

impl Answer for LiquidationAnswer {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let none = "none, the margin covers all that can be lost";
        let always = "at every price, the maintenance margin is never reached";
        let price = |price: &Option<String>, otherwise: &str| match price {
            Some(price) => format!("{price} USD"),
            None => otherwise.to_owned(),
        };
        let mut rows = self.asked.rows();
        rows.push(("margin", format!("{} BTC", self.margin_btc)));
        rows.push(("maintenance", format!("{} bps", self.maintenance_bps)));
        rows.push((
            "liquidation price",
            price(&self.liquidation_price_usd, if self.always_liquidatable { always } else { none }),
        ));
        rows.push(("bankruptcy price", price(&self.bankruptcy_price_usd, none)));
        rows
    }
}

#[derive(Serialize)]
struct FillAsked {
    notional_usd: String,
    price_usd: String,
}

#[derive(Serialize)]
struct AverageEntryAnswer {
    fills: Vec<FillAsked>,
    average_entry_usd: String,
}

impl AverageEntryArguments {
    fn answer(&self) -> anyhow::Result<AverageEntryAnswer> {
        let most = || {
            format!("the fills of --fill sum to more than the {} USD that a side may hold", DOLLARS.short(MAX_NOTIONAL.get()))
        };
        let fills: Vec<_> = self.fills.iter().map(|fill| (fill.notional, fill.price)).collect();
        let total = fills.iter().try_fold(Notional::ZERO, |sum, (notional, _)| sum.plus(*notional)).with_context(most)?;
        ensure!(total <= MAX_NOTIONAL, most());
        let average = pnl::average_entry(&fills)?.context("without a --fill there is no average")?;
        let asked = |fill: &Fill| FillAsked {
            notional_usd: DOLLARS.short(fill.notional.get()),
            price_usd: PRICE.short(fill.price.get()),
        };
        Ok(AverageEntryAnswer { fills: self.fills.iter().map(asked).collect(), average_entry_usd: PRICE.exact(average.get()) })
    }
}

impl Answer for AverageEntryAnswer {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let fill = |fill: &FillAsked| ("fill", format!("{} USD at {} USD", fill.notional_usd, fill.price_usd));
        let mut rows: Vec<_> = self.fills.iter().map(fill).collect();
        rows.push(("average entry", format!("{} USD", self.average_entry_usd)));
        rows
    }
}

#[derive(Serialize)]
struct PartialLiquidationAnswer {
    #[serde(flatten)]
    asked: Asked,
    margin_btc: String,
    price_usd: String,
    target_bps: u32,
    fee_bps: u32,
    min_notional_usd: String,
    close_notional_usd: String,
    whole: bool,
}

impl PartialLiquidationArguments {
    fn answer(&self) -> anyhow::Result<PartialLiquidationAnswer> {
        let position = self.opening.with_margin(self.margin)?;
        let close = self.close(&position)?;
        Ok(PartialLiquidationAnswer {
            asked: Asked::of(&self.opening),
            margin_btc: BITCOIN.short(self.margin.get()),
            price_usd: PRICE.short(self.price.get()),
            target_bps: self.target_bps,
            fee_bps: self.fee_bps,
            min_notional_usd: DOLLARS_OR_NONE.short(self.min_notional.get()),
            close_notional_usd: DOLLARS_OR_NONE.exact(close.get()),
            whole: close == position.notional,
        })
    }

    /// The engine sizes a close for a position that is due. Whether this one is, it is asked first: free of cost and dust, only a
    /// position at or above the target needs nothing closed.
    fn close(&self, position: &Exposed) -> anyhow::Result<Notional> {
        let ratio = Bps::new(self.target_bps).to_ppb();
        let free = Target { ratio, cost: Ppb::ZERO, min_notional: Notional::ZERO };
        if close_size(position, self.price, &free)? == CloseSize::Part(Notional::ZERO) {
            return Ok(Notional::ZERO);
        }
        let target = Target { ratio, cost: Bps::new(self.fee_bps).to_ppb(), min_notional: self.min_notional };
        Ok(match close_size(position, self.price, &target)? {
            CloseSize::Part(close) => close,
            CloseSize::Whole => position.notional,
        })
    }
}

impl Answer for PartialLiquidationAnswer {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.asked.rows();
        rows.push(("margin", format!("{} BTC", self.margin_btc)));
        rows.push(("price", format!("{} USD", self.price_usd)));
        rows.push(("target, fee", format!("{} bps, {} bps", self.target_bps, self.fee_bps)));
        rows.push(("least to stay", format!("{} USD", self.min_notional_usd)));
        let whole = if self.whole { ", the whole position" } else { "" };
        rows.push(("close", format!("{} USD{whole}", self.close_notional_usd)));
        rows
    }
}
