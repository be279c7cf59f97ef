//! Liquidation and bankruptcy price.

use super::{price_of, Answer, Asked, Opening};
use anyhow::Context;
use clap::Args;
use inverse_perps_engine::liquidation::{threshold, Exposed, Threshold};
use inverse_perps_engine::units::{Bps, Ppb, Price, Sats};
use perps::decimal::{self, BITCOIN, PRICE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
A long is liquidated at or below its liquidation price, a short at or above it. There is none where the margin covers all that \
can be lost, as for a short whose margin is worth its notional at entry. The bankruptcy price is where nothing is left.

Examples:
  perps quote liquidation --side short --notional 60000 --entry 50000 --margin 0.12 --maintenance-bps 50
  perps quote liquidation --side long --notional 100000 --entry 100000 --margin 1 --maintenance-bps 100 --json";

/// What is asked of a liquidation price.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// Margin in bitcoin, at most 21 million and 8 decimals
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    margin: Sats,
    /// Maintenance margin in basis points of the value
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(1..=10_000), allow_negative_numbers = true)]
    maintenance_bps: u32,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    #[serde(flatten)]
    asked: Asked,
    margin_btc: String,
    maintenance_bps: u32,
    liquidation_price_usd: Option<String>,
    bankruptcy_price_usd: Option<String>,
    always_liquidatable: bool,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
        let position = self.opening.with_margin(self.margin)?;
        let liquidation = threshold_of(&position, Bps::new(self.maintenance_bps).to_ppb(), "liquidation")?;
        let bankruptcy = threshold_of(&position, Ppb::ZERO, "bankruptcy")?;
        Ok(Quoted {
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

impl Answer for Quoted {
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
