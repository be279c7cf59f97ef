//! Average entry price of several fills.

use super::Answer;
use anyhow::{anyhow, ensure, Context};
use clap::Args;
use inverse_perps_engine::pnl;
use inverse_perps_engine::units::{Notional, Price, MAX_NOTIONAL};
use perps::decimal::{self, DOLLARS, PRICE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The average is harmonic, because the position is worth the sum of the fills' bitcoin: dollars over the sum of dollars / price.

Examples:
  perps quote average-entry --fill 1000@5000 --fill 2000@6000
  perps quote average-entry --fill 500@61250.5 --fill 500@60999.25 --fill 1000@60100 --json";

/// What is asked of an average.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A fill: dollars, at, dollars per bitcoin; give one --fill for each
    #[arg(long = "fill", value_name = "USD@PRICE", value_parser = Fill::parse, required = true, allow_hyphen_values = true)]
    fills: Vec<Fill>,
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

#[derive(Serialize)]
struct FillAsked {
    notional_usd: String,
    price_usd: String,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    fills: Vec<FillAsked>,
    average_entry_usd: String,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
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
        Ok(Quoted { fills: self.fills.iter().map(asked).collect(), average_entry_usd: PRICE.exact(average.get()) })
    }
}

impl Answer for Quoted {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let fill = |fill: &FillAsked| ("fill", format!("{} USD at {} USD", fill.notional_usd, fill.price_usd));
        let mut rows: Vec<_> = self.fills.iter().map(fill).collect();
        rows.push(("average entry", format!("{} USD", self.average_entry_usd)));
        rows
    }
}
