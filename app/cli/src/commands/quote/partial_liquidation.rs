//! How much a liquidation closes to bring a position back to its target ratio.

use super::{Answer, Asked, Opening};
use clap::Args;
use inverse_perps_engine::liquidation::{close_size, CloseSize, Exposed, Target};
use inverse_perps_engine::units::{Bps, Notional, Ppb, Price, Sats};
use perps::decimal::{self, BITCOIN, DOLLARS_OR_NONE, PRICE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Closes just enough that margin is again the target ratio of what stays open. All of it where the fee is not below the target, \
where the equity cannot pay the fee, or where less than --min-notional would stay; nothing where the position is at or above the \
target.

Examples:
  perps quote partial-liquidation --side long --notional 100000 --entry 50000 --margin 0.2 --price 45600 --target-bps 100 \
--fee-bps 25
  perps quote partial-liquidation --side short --notional 100000 --entry 50000 --margin 0.2 --price 55100 --target-bps 100 \
--fee-bps 25 --min-notional 10 --json";

/// What is asked of a partial liquidation.
#[derive(Debug, Args)]
pub(super) struct Arguments {
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

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
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

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
        let position = self.opening.with_margin(self.margin)?;
        let close = self.close(&position)?;
        Ok(Quoted {
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

impl Answer for Quoted {
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
