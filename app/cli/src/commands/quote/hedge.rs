//! The short that makes bitcoin a synthetic dollar: what it locks, what it costs to open and to hold.

mod view;

use super::{Answer, Maintenance};
use crate::commands::market::terms::{rates, Rates};
use crate::commands::order::bound::usual_tip;
use crate::commands::order::trader::new_position;
use crate::commands::position::prospect::{increase, marks, Funding};
use crate::session::refused::refused;
use crate::session::Session;
use anyhow::{anyhow, Context};
use clap::Args;
use inverse_perps_engine::actions::Increase;
use inverse_perps_engine::exposure::{Hedge, HedgeTerms, OpenInterest};
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::oracle::{Moment, PriceUse, Quote, RawUpdate};
use inverse_perps_engine::units::{Bps, Confidence, Notional, Ppb, PpbPerDay, Price, Sats, UnixTime};
use inverse_perps_engine::{Direction, Error, Params};
use perps::decimal::{self, DecimalError, BITCOIN, DOLLARS, PRICE};
use perps::view::MarketView;
use serde::Serialize;
use solana_address::Address;
use view::View;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The short is the greatest in whole dollars whose entry value the bitcoin covers after fee and tip. It is filled at the bid, the price \
less the confidence. Then the account is worth its notional in dollars at every price, and what the lots leave in bitcoin. No price \
liquidates it, until costs have eaten into its margin; they are reckoned at rates and a price that stay.

Without --price it is a short in the market as it stands, and pays what that market's shorts would pay with it open.

With --price no chain is asked, and every default is that of a market with standard parameters: the tip is the least, the borrow fee the \
most, which is that of a pool in full use. Funding is what the skew makes of it once the short is open. Without --skew there is neither \
funding nor surcharge.

Examples:
  perps quote hedge --btc 1.5
  perps quote hedge --btc 1.5 --price 60000
  perps quote hedge --btc 1.5 --price 60000 --confidence 30
  perps quote hedge --btc 1.5 --price 60000 --confidence 30 --skew -2000000 --borrow 0.02
  perps quote hedge --btc 0.25 --price 98765.4321 --taker-fee-bps 5 --tip 0 --funding -0.01 --borrow 0.005 --json";

/// What is asked of a hedge.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Bitcoin to hedge, at most 21 million and 8 decimals; all of it becomes margin
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Sats,
    /// Price in dollars per bitcoin, $1 to $100 million and at most 8 decimals; without it, the market's
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    price: Option<Price>,
    /// Half the width of the price's confidence interval in dollars, at most 60 bps of the price; none where it is not said
    #[arg(long, value_name = "USD", value_parser = confidence, requires = "price", allow_negative_numbers = true)]
    confidence: Option<Confidence>,
    /// Taker fee in basis points of the value; standard markets take 5
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(3..=50), requires = "price", allow_negative_numbers = true)]
    taker_fee_bps: Option<u32>,
    /// Tip of the order in satoshi; standard markets ask for 100, and in a market the usual one is 200
    #[arg(long, value_name = "SATS", value_parser = clap::value_parser!(u64).range(0..=1_000_000), allow_negative_numbers = true)]
    tip: Option<u64>,
    /// Open interest of longs less that of shorts in dollars, before the hedge; negative where shorts have more
    #[arg(long, value_name = "USD", value_parser = skew, requires = "price", allow_negative_numbers = true)]
    skew: Option<OpenInterest>,
    /// Funding in percent a day, at most 10 and 7 decimals; positive is paid by longs to shorts, negative by shorts to longs
    #[arg(long, value_name = "PERCENT", value_parser = funding, allow_negative_numbers = true)]
    funding: Option<PpbPerDay>,
    /// Borrow fee in percent a day, at most 10 and 7 decimals; it is always paid
    #[arg(long, value_name = "PERCENT", value_parser = borrow, allow_negative_numbers = true)]
    borrow: Option<PpbPerDay>,
    #[command(flatten)]
    maintenance: Maintenance,
}

fn confidence(text: &str) -> Result<Confidence, DecimalError> {
    match decimal::quoted_price(text) {
        Ok(width) => Ok(Confidence::new(width.get())),
        Err(DecimalError::Zero(_)) => Ok(Confidence::ZERO),
        Err(error) => Err(error),
    }
}

/// The side that has more; what both have cancels out.
fn skew(text: &str) -> anyhow::Result<OpenInterest> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) if !rest.starts_with('-') => (true, rest),
        _ => (false, text),
    };
    let more = decimal::notional_or_zero(magnitude)?;
    Ok(if negative {
        OpenInterest { long: Notional::ZERO, short: more }
    } else {
        OpenInterest { long: more, short: Notional::ZERO }
    })
}

fn funding(text: &str) -> anyhow::Result<PpbPerDay> {
    percent_a_day(text)
        .ok_or_else(|| anyhow!("must be from -10 to 10 % a day, a decimal number such as -0.03 with at most 7 decimals"))
}

fn borrow(text: &str) -> anyhow::Result<PpbPerDay> {
    let rate = percent_a_day(text).filter(|_| !text.starts_with('-'));
    rate.ok_or_else(|| anyhow!("must be from 0 to 10 % a day, a decimal number such as 0.05 with at most 7 decimals"))
}

/// Percent in parts per billion, exact; none outside of what funding and borrow fee may come to, 10 % a day.
fn percent_a_day(text: &str) -> Option<PpbPerDay> {
    const MOST: i64 = 100_000_000;
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (-1i64, rest),
        None => (1, text),
    };
    let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || fraction.len() > 7 {
        return None;
    }
    let ppb: i64 = format!("{whole}{fraction:0<7}").parse().ok()?;
    (ppb <= MOST).then(|| ppb.checked_mul(sign).map(PpbPerDay::new)).flatten()
}

/// The answer.
#[derive(Serialize)]
pub(super) struct Quoted {
    /// The market, where the hedge is one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    market: Option<String>,
    confidence_usd: String,
    taker_fee_bps: u32,
    skew_usd: Option<String>,
    #[serde(flatten)]
    view: View,
}

impl Arguments {
    /// Answers. Errors: those of the engine, with the bound that was left; those of the chain where no price is given.
    pub(super) fn answer(&self, session: impl FnOnce() -> anyhow::Result<Session>) -> anyhow::Result<Quoted> {
        match self.price {
            Some(price) => self.at(price),
            None => self.in_market(&session()?.market()?),
        }
    }

    /// In a market with standard parameters of which nothing is known but what is said.
    fn at(&self, price: Price) -> anyhow::Result<Quoted> {
        let standard = Params::standard();
        let params = Params { taker_fee: self.taker_fee_bps.map_or(standard.taker_fee, Bps::new), ..standard };
        let tip = self.tip.map_or(params.min_order_tip, Sats::new);
        let terms = HedgeTerms { params: &params, quote: self.quote(price, &params)?, interest: self.skew, tip };
        let hedge = hedge(self.btc, &terms)?;
        let funding = match self.skew {
            Some(interest) => interest.with_short(hedge.position.notional)?.funding_rate(&params)?,
            None => PpbPerDay::ZERO,
        };
        let borrow = Ppb::new(u64::from(params.max_borrow)).per_day()?;
        self.quoted(None, &terms, &hedge, Rates { funding, borrow })
    }

    /// In a market as it stands, by a trade on a copy of it.
    fn in_market(&self, market: &MarketView) -> anyhow::Result<Quoted> {
        let (params, marks) = (&market.state.params, marks(market, PriceUse::Increase).map_err(refused)?);
        let tip = match (self.tip, market.state.fills()) {
            (Some(tip), _) => Sats::new(tip),
            (None, Fills::OrdersOnly) => usual_tip(params),
            (None, Fills::Instant) => Sats::ZERO,
        };
        let interest = OpenInterest { long: marks.long.notional, short: marks.short.notional };
        let terms = HedgeTerms { params, quote: marks.quote, interest: Some(interest), tip };
        let hedge = hedge(self.btc, &terms)?;
        let nobody = Address::default();
        let short = Increase { direction: Direction::Short, notional: hedge.position.notional, limit: Price::ZERO };
        let funding = Funding { margin: self.btc, tips: tip };
        let opened = increase(market, (nobody, &new_position(market, nobody, 0)), funding, &short)?.map_err(refused)?;
        self.quoted(Some(market.keys.market), &terms, &hedge, rates(&opened.market)?)
    }

    /// A hedge at the rates that are said, or these.
    fn quoted(&self, market: Option<Address>, terms: &HedgeTerms, hedge: &Hedge, usual: Rates) -> anyhow::Result<Quoted> {
        let rates = Rates { funding: self.funding.unwrap_or(usual.funding), borrow: self.borrow.unwrap_or(usual.borrow) };
        let confidence = terms.quote.price.get().saturating_sub(hedge.fill.get());
        Ok(Quoted {
            market: market.map(|address| address.to_string()),
            confidence_usd: PRICE.short(confidence),
            taker_fee_bps: terms.params.taker_fee.get(),
            skew_usd: terms.interest.map(|interest| {
                let sign = if interest.short > interest.long { "-" } else { "" };
                format!("{sign}{}", DOLLARS.short(interest.skew().get()))
            }),
            view: View::of(self.btc, hedge, &terms.quote, &rates, &self.maintenance.ratios_in(terms.params))?,
        })
    }

    /// Bid and ask as a market makes them of such an update.
    fn quote(&self, price: Price, params: &Params) -> anyhow::Result<Quote> {
        let raw = i64::try_from(price.get()).context("--price leaves the range of Pyth's prices")?;
        let (now, confidence) = (UnixTime::ZERO, self.confidence.unwrap_or(Confidence::ZERO));
        let update = RawUpdate { price: raw, confidence: confidence.get(), ema: raw, exponent: -8, publish_time: now };
        Quote::of_fill(&update, Moment { time: now, slot: 0 }, params).with_context(|| {
            format!(
                "--confidence {} USD is more than {} bps of --price {} USD",
                PRICE.short(confidence.get()),
                params.wide_confidence.get(),
                PRICE.short(price.get())
            )
        })
    }
}

/// The engine's hedge, with the bound that was left in figures where a market refuses it.
///
/// # Errors
/// `BelowMinNotional`, `PositionCapExceeded`, `SideCapExceeded`, `Overflow`.
fn hedge(held: Sats, terms: &HedgeTerms) -> anyhow::Result<Hedge> {
    let held_btc = BITCOIN.short(held.get());
    Hedge::of(held, terms).map_err(|error| {
        let bound = match error {
            Error::BelowMinNotional => format!(
                "{held_btc} BTC cannot cover a short of min_notional, {} USD, and its costs; hedge more",
                DOLLARS.short(terms.params.min_notional.get())
            ),
            Error::PositionCapExceeded => format!(
                "{held_btc} BTC ask for a short above max_position_notional, {} USD; hedge less, or from several accounts",
                DOLLARS.short(terms.params.max_position_notional.get())
            ),
            Error::SideCapExceeded => format!(
                "{held_btc} BTC ask for a short that the side has no room for, {} USD is all it holds; hedge less",
                DOLLARS.short(terms.params.max_side_notional.get())
            ),
            _ => format!("the hedge of {held_btc} BTC cannot be stated"),
        };
        anyhow::Error::new(error).context(bound)
    })
}

impl Answer for Quoted {
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = self.view.rows();
        let skew = self.skew_usd.as_ref().map_or("not counted".to_owned(), |skew| format!("{skew} USD"));
        let terms = format!("{} USD, {} bps, skew {skew}", self.confidence_usd, self.taker_fee_bps);
        rows.insert(2, ("confidence, fee", terms));
        rows.extend(self.market.iter().map(|market| ("market", market.clone())));
        rows
    }
}
