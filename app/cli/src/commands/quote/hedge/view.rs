//! A hedge as fields and rows.

use crate::commands::market::terms::Rates;
use crate::commands::quote::{fixed, percent_of, price_of, trimmed};
use inverse_perps_engine::exposure::{accepted_threshold, bitcoin_exposure, Carry, Hedge};
use inverse_perps_engine::funding::rates;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::margin::{maintenance_ratio, MarginRatios};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::Quote;
use inverse_perps_engine::units::{PpbPerDay, Sats};
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS, PRICE};
use serde::Serialize;

const DAYS_A_YEAR: u32 = 365;

/// A hedge. It does not matter whether its terms were given or are a market's.
#[derive(Serialize)]
pub(crate) struct View {
    held_btc: String,
    price_usd: String,
    fill_price_usd: String,
    notional_usd: String,
    margin_btc: String,
    margin_sats: i64,
    entry_value_sats: i64,
    residual_sats: i64,
    residual_btc: String,
    fee_sats: u64,
    surcharge_sats: u64,
    spread_sats: u64,
    tip_sats: u64,
    opening_cost_sats: u64,
    opening_cost_btc: String,
    opening_cost_usd: String,
    funding_percent_a_day: String,
    borrow_percent_a_day: String,
    day: CarryView,
    year: CarryView,
    maintenance_percent: String,
    liquidation_price_usd: Option<String>,
    year_residual_sats: i64,
    year_residual_btc: String,
    year_liquidation_price_usd: Option<String>,
    lasts_the_year: bool,
}

#[derive(Serialize)]
struct CarryView {
    cost_sats: i64,
    cost_btc: String,
    cost_usd: String,
}

impl View {
    /// Of a hedge of what is held, at the quote it was sized for. Errors: those of the engine.
    pub(crate) fn of(held: Sats, hedge: &Hedge, quote: &Quote, daily: &Rates, ratios: &MarginRatios) -> anyhow::Result<Self> {
        let notional = hedge.position.notional;
        let rate = rates(daily.funding, daily.borrow)?.short;
        let (day, year) =
            (Carry::over(1, notional, quote.price, rate)?, Carry::over(DAYS_A_YEAR, notional, quote.price, rate)?);
        let (cost, residual, later) = (hedge.opening_cost()?, hedge.residual()?, hedge.after(&year)?);
        let year_residual = bitcoin_exposure(&later)?;
        let (now_at, later_at) = (accepted_threshold(&hedge.position, ratios)?, accepted_threshold(&later, ratios)?);
        Ok(Self {
            held_btc: BITCOIN.short(held.get()),
            price_usd: PRICE.short(quote.price.get()),
            fill_price_usd: PRICE.short(hedge.fill.get()),
            notional_usd: DOLLARS.short(notional.get()),
            margin_btc: signed_bitcoin(hedge.position.margin),
            margin_sats: hedge.position.margin,
            entry_value_sats: hedge.position.entry_value,
            residual_sats: residual.get(),
            residual_btc: signed_bitcoin(residual.get()),
            fee_sats: hedge.taker_fee.get(),
            surcharge_sats: hedge.surcharge.get(),
            spread_sats: hedge.spread.get(),
            tip_sats: hedge.tip.get(),
            opening_cost_sats: cost.get(),
            opening_cost_btc: BITCOIN.exact(cost.get()),
            opening_cost_usd: DOLLARS.exact(cost.notional_at(quote.price, Rounding::Ceil)?.get()),
            funding_percent_a_day: percent_per_day(daily.funding),
            borrow_percent_a_day: percent_per_day(daily.borrow),
            day: CarryView::of(&day),
            year: CarryView::of(&year),
            maintenance_percent: percent_of(maintenance_ratio(ratios, notional)?),
            liquidation_price_usd: price_of(now_at),
            year_residual_sats: year_residual.get(),
            year_residual_btc: signed_bitcoin(year_residual.get()),
            year_liquidation_price_usd: price_of(later_at),
            lasts_the_year: match later_at {
                Threshold::Never => true,
                Threshold::At(price) => price >= quote.price,
                Threshold::Always => false,
            },
        })
    }

    /// For people: label and text.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let or_none = |price: &Option<String>| match price {
            Some(price) => format!("{price} USD"),
            None => "none".to_owned(),
        };
        let ends = if self.lasts_the_year { "" } else { ": liquidated before, at the price as it is" };
        vec![
            ("held", format!("{} BTC", self.held_btc)),
            ("price, fill", format!("{} USD, {} USD", self.price_usd, self.fill_price_usd)),
            ("short", format!("{} USD", self.notional_usd)),
            ("locks", format!("{} USD at every price", self.notional_usd)),
            ("leaves unhedged", format!("{} BTC ({} sats)", self.residual_btc, self.residual_sats)),
            ("margin then", format!("{} BTC ({} sats)", self.margin_btc, self.margin_sats)),
            (
                "opening costs",
                format!(
                    "{} BTC, {} USD: fee {}, surcharge {}, spread {}, tip {} sats",
                    self.opening_cost_btc,
                    self.opening_cost_usd,
                    self.fee_sats,
                    self.surcharge_sats,
                    self.spread_sats,
                    self.tip_sats
                ),
            ),
            ("funding, borrow", format!("{} %, {} % a day", self.funding_percent_a_day, self.borrow_percent_a_day)),
            ("a day", self.day.text()),
            ("a year", self.year.text()),
            ("maintenance", format!("{} % of the value", self.maintenance_percent)),
            ("liquidation price", or_none(&self.liquidation_price_usd)),
            ("after a year", format!("{}{ends}", or_none(&self.year_liquidation_price_usd))),
            ("unhedged then", format!("{} BTC ({} sats)", self.year_residual_btc, self.year_residual_sats)),
        ]
    }
}

impl CarryView {
    fn of(carry: &Carry) -> Self {
        Self {
            cost_sats: carry.cost.get(),
            cost_btc: signed_bitcoin(carry.cost.get()),
            cost_usd: fixed(i128::from(carry.cost_micro_usd), 6),
        }
    }

    fn text(&self) -> String {
        let way = if self.cost_sats < 0 { "receives" } else { "pays" };
        let unsigned = |text: &str| text.trim_start_matches('-').to_owned();
        format!(
            "{way} {} BTC ({} sats), {} USD",
            unsigned(&self.cost_btc),
            self.cost_sats.unsigned_abs(),
            unsigned(&self.cost_usd)
        )
    }
}

fn percent_per_day(rate: PpbPerDay) -> String {
    trimmed(&fixed(i128::from(rate.get()), 7))
}
