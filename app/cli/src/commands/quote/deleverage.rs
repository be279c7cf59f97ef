//! How much of a winning side closes when its profit nears the pool, and what that pays.

use super::{Answer, Asked, Opening};
use clap::Args;
use inverse_perps_engine::deleverage::shrunk_scale;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::side::SideFigures;
use inverse_perps_engine::units::{Basis, Bps, Price, Sats, Scale, Shares, SignedSats, MAX_VALUE};
use inverse_perps_engine::Side;
use perps::decimal::{self, signed_bitcoin, BITCOIN_OR_NONE, PRICE, SHARE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Every position of a winning side closes by the same share at the price, so that the profit left on paper is the target of the pool \
that is then left. Nothing closes where the profit is below the target already. (A market deleverages only above its trigger, which \
is higher than the target.) Where the profit reaches the free pool the market settles whole instead: everything closes, and the \
pool pays what it has. The payout is what the pool reserves, rounded up to a satoshi.

Examples:
  perps quote deleverage --side short --notional 60000 --entry 60000 --price 40000 --free-pool 0.6 --target-bps 5000
  perps quote deleverage --side long --notional 60000 --entry 40000 --price 60000 --free-pool 0.55 --target-bps 7500 --json";

/// What is asked of a deleveraging.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// Price of the deleveraging in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    price: Price,
    /// What the pool can pay out in bitcoin, at most 21 million and 8 decimals; may be nothing
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin_or_zero, allow_negative_numbers = true)]
    free_pool: Sats,
    /// Profit that is to be left on paper, in basis points of what the pool then has left
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(1_000..=8_999), allow_negative_numbers = true)]
    target_bps: u32,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    #[serde(flatten)]
    asked: Asked,
    price_usd: String,
    free_pool_btc: String,
    target_bps: u32,
    profit_sats: u64,
    share: String,
    whole: bool,
    payout_sats: u64,
    payout_btc: String,
}

/// What becomes of the side.
struct Outcome {
    closed: Scale,
    whole: bool,
    payout: Sats,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
        let side = self.side()?;
        let figures = side.figures(self.opening.side.direction(), self.price)?;
        let profit = SignedSats::new(figures.profit()?).gain_and_loss().0;
        let outcome = self.outcome(side, &figures, profit)?;
        Ok(Quoted {
            asked: Asked::of(&self.opening),
            price_usd: PRICE.short(self.price.get()),
            free_pool_btc: BITCOIN_OR_NONE.short(self.free_pool.get()),
            target_bps: self.target_bps,
            profit_sats: profit.get(),
            share: SHARE.short(outcome.closed.get()),
            whole: outcome.whole,
            payout_sats: outcome.payout.get(),
            payout_btc: signed_bitcoin(outcome.payout.signed()?.get()),
        })
    }

    /// A side with nothing but the position.
    fn side(&self) -> anyhow::Result<Side> {
        let shares = Shares::of(self.opening.notional, Scale::ONE, Rounding::Floor)?;
        let basis = Basis::of(self.opening.entry_value()?, Scale::ONE, Rounding::Floor)?;
        Ok(Side { shares, basis, positions: 1, ..Side::empty() })
    }

    /// As the engine's sync does it for a side that wins alone, were its trigger met.
    fn outcome(&self, mut side: Side, figures: &SideFigures, profit: Sats) -> anyhow::Result<Outcome> {
        let beyond_bounds = figures.value.ceil > MAX_VALUE;
        if profit.is_zero() && !beyond_bounds {
            return Ok(Outcome { closed: Scale::ZERO, whole: false, payout: Sats::ZERO });
        }
        let shrunk =
            if beyond_bounds { None } else { shrunk_scale(side.scale, profit, self.free_pool, Bps::new(self.target_bps))? };
        let Some(scale) = shrunk else {
            return Ok(Outcome { closed: Scale::ONE, whole: true, payout: profit.min(self.free_pool) });
        };
        side.shrink(figures.direction, scale, self.price)?;
        Ok(Outcome { closed: Scale::ONE.minus(scale)?, whole: false, payout: side.reserved()? })
    }
}

impl Answer for Quoted {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.asked.rows();
        rows.push(("price", format!("{} USD", self.price_usd)));
        rows.push(("free pool", format!("{} BTC", self.free_pool_btc)));
        rows.push(("target", format!("{} bps", self.target_bps)));
        rows.push(("profit on paper", format!("{} sats", self.profit_sats)));
        let whole = if self.whole { ", the market settles" } else { "" };
        rows.push(("share closed", format!("{}{whole}", self.share)));
        rows.push(("pays", format!("{} BTC ({} sats)", self.payout_btc, self.payout_sats)));
        rows
    }
}
