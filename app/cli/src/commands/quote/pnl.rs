//! Profit or loss from an entry to an exit price.

use super::{Answer, Asked, Opening};
use clap::Args;
use inverse_perps_engine::pnl;
use inverse_perps_engine::units::Price;
use perps::decimal::{self, signed_bitcoin, PRICE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The entry value and the exit value are each rounded against the trader to a satoshi, as on chain. Fees are not included.

Examples:
  perps quote pnl --side long --notional 15000 --entry 750 --exit 800
  perps quote pnl --side short --notional 100000 --entry 10000 --exit 11000 --json";

/// What is asked of a profit.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// Price of closing in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    exit: Price,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    #[serde(flatten)]
    asked: Asked,
    exit_usd: String,
    pnl_sats: i64,
    pnl_btc: String,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
        let Opening { side, notional, entry } = self.opening;
        self.opening.entry_value()?;
        let pnl = pnl::between(side.direction(), notional, entry, self.exit)?.get();
        Ok(Quoted {
            asked: Asked::of(&self.opening),
            exit_usd: PRICE.short(self.exit.get()),
            pnl_sats: pnl,
            pnl_btc: signed_bitcoin(pnl),
        })
    }
}

impl Answer for Quoted {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.asked.rows();
        rows.push(("exit", format!("{} USD", self.exit_usd)));
        rows.push(("PnL", format!("{} BTC ({} sats)", self.pnl_btc, self.pnl_sats)));
        rows
    }
}
