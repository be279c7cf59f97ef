//! What a position's equity does as the price moves: delta, gamma, leverage, and where it stands after a move.

use super::{fixed, percent_of, trimmed, Answer, Asked, Maintenance, Opening};
use anyhow::Context;
use clap::Args;
use inverse_perps_engine::exposure::{after_moves, Greeks, Health, Standing};
use inverse_perps_engine::liquidation::Exposed;
use inverse_perps_engine::margin::{maintenance_ratio, MarginRatios};
use inverse_perps_engine::units::{Price, Sats};
use perps::decimal::{self, signed_bitcoin, BITCOIN, PRICE};
use serde::Serialize;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Delta and gamma of the equity in bitcoin are for one dollar of price. In dollars delta is the bitcoin that the account is exposed \
to, and gamma is nothing at all: the contract is worth its notional in dollars at every price. A short whose margin is worth its \
notional at entry is a synthetic dollar. Leverage is notional over equity in dollars, rounded up; there is none where nothing is left.

Examples:
  perps quote greeks --side short --notional 60000 --entry 60000 --margin 1 --price 60000
  perps quote greeks --side long --notional 60000 --entry 60000 --margin 0.1 --price 58000 --maintenance-bps 100 --json";

/// What is asked of greeks.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    opening: Opening,
    /// Margin in bitcoin, at most 21 million and 8 decimals
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    margin: Sats,
    /// Price to look from in dollars per bitcoin, $1 to $100 million and at most 8 decimals
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    price: Price,
    #[command(flatten)]
    maintenance: Maintenance,
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    #[serde(flatten)]
    asked: Asked,
    margin_btc: String,
    price_usd: String,
    #[serde(flatten)]
    view: View,
}

/// The greeks of a position, from a price on. It does not matter where the position came from.
#[derive(Serialize)]
pub(crate) struct View {
    maintenance_percent: String,
    #[serde(flatten)]
    standing: StandingView,
    delta_sats_per_usd: String,
    gamma_sats_per_usd_squared: String,
    delta_usd_sats: i64,
    delta_usd_btc: String,
    gamma_usd: String,
    moves: Vec<MovedView>,
}

#[derive(Serialize)]
struct StandingView {
    equity_sats: i64,
    equity_btc: String,
    equity_usd: String,
    leverage: Option<String>,
    health: HealthView,
}

#[derive(Serialize)]
struct MovedView {
    percent: i32,
    price_usd: String,
    #[serde(flatten)]
    standing: StandingView,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum HealthView {
    Sound,
    Liquidatable,
    Bankrupt,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left.
    pub(super) fn answer(&self) -> anyhow::Result<Quoted> {
        let position = self.opening.with_margin(self.margin)?;
        Ok(Quoted {
            asked: Asked::of(&self.opening),
            margin_btc: BITCOIN.short(self.margin.get()),
            price_usd: PRICE.short(self.price.get()),
            view: View::of(&position, self.price, &self.maintenance.ratios())?,
        })
    }
}

impl View {
    /// Of a position held to these margin ratios. Errors: those of the engine.
    pub(crate) fn of(position: &Exposed, price: Price, ratios: &MarginRatios) -> anyhow::Result<Self> {
        let greeks = Greeks::of(position, price)?;
        let moves = after_moves(position, price, ratios).map(|moved| {
            let moved = moved?;
            let standing = StandingView::of(&moved.standing)?;
            Ok(MovedView { percent: moved.percent, price_usd: PRICE.short(moved.standing.price.get()), standing })
        });
        Ok(Self {
            maintenance_percent: percent_of(maintenance_ratio(ratios, position.notional)?),
            standing: StandingView::of(&Standing::of(position, price, ratios)?)?,
            delta_sats_per_usd: fixed(greeks.delta_nano_sats, 9),
            gamma_sats_per_usd_squared: fixed(greeks.gamma_atto_sats, 18),
            delta_usd_sats: greeks.delta_usd.get(),
            delta_usd_btc: signed_bitcoin(greeks.delta_usd.get()),
            gamma_usd: Greeks::GAMMA_USD.to_string(),
            moves: moves.collect::<anyhow::Result<_>>()?,
        })
    }

    /// For people: label and text.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("maintenance", format!("{} % of the value", self.maintenance_percent)),
            ("equity", self.standing.text()),
            ("delta in BTC", format!("{} sats a dollar of price", self.delta_sats_per_usd)),
            ("gamma in BTC", format!("{} sats a dollar of price, squared", self.gamma_sats_per_usd_squared)),
            ("delta in USD", format!("{} BTC ({} sats)", self.delta_usd_btc, self.delta_usd_sats)),
            ("gamma in USD", format!("{}, at every price", self.gamma_usd)),
        ];
        let row = |moved: &MovedView| {
            ("if the price moves", format!("{:+} %, {} USD: {}", moved.percent, moved.price_usd, moved.standing.text()))
        };
        rows.extend(self.moves.iter().map(row));
        rows
    }
}

impl StandingView {
    fn of(standing: &Standing) -> anyhow::Result<Self> {
        let leverage = |micro| i128::try_from(micro).map(|micro| fixed(micro, 6)).context("the leverage cannot be stated");
        Ok(Self {
            equity_sats: standing.equity.get(),
            equity_btc: signed_bitcoin(standing.equity.get()),
            equity_usd: fixed(standing.equity_micro_usd, 6),
            leverage: standing.leverage_micro.map(leverage).transpose()?,
            health: match standing.health {
                Health::Sound => HealthView::Sound,
                Health::Liquidatable => HealthView::Liquidatable,
                Health::Bankrupt => HealthView::Bankrupt,
            },
        })
    }

    fn text(&self) -> String {
        let leverage = self.leverage.as_deref().map_or("no leverage".to_owned(), |leverage| format!("{}x", trimmed(leverage)));
        let health = match self.health {
            HealthView::Sound => "",
            HealthView::Liquidatable => ", liquidated",
            HealthView::Bankrupt => ", bankrupt",
        };
        format!("{} BTC, {} USD, {leverage}{health}", self.equity_btc, self.equity_usd)
    }
}

impl Answer for Quoted {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.asked.rows();
        rows.push(("margin", format!("{} BTC", self.margin_btc)));
        rows.push(("price", format!("{} USD", self.price_usd)));
        rows.extend(self.view.rows());
        rows
    }
}
