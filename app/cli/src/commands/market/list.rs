//! `perps market list`.

use super::terms::{status, utilisation};
use crate::session::words::{cents, ends, percent};
use crate::session::{table, Session};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps::state::{Market, OracleSource};
use inverse_perps_engine::Direction;
use perps::chain::{moment, Chain, Which, CLOCK};
use perps::client::accounts;
use perps::decimal::{DOLLARS, PRICE};
use perps::view::{MarketView, PriceSource};
use serde_json::{json, Value};
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Funding a day is what longs pay to shorts, of their value; negative, what shorts pay. Utilisation is what the pool must be able to pay, \
of what is free in it; it stops new positions at the market's bound.

Examples:
  perps market list
  perps market list --json";

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {}

/// Lists the markets.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(_: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let markets = read(session)?;
    if session.options.json {
        let list = markets.iter().map(fields).collect::<Result<Vec<Value>>>()?;
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "markets": list }))?)?;
        return Ok(());
    }
    if markets.is_empty() {
        writeln!(out, "There is no market on {}; is --url right?", session.chain.url())?;
        return Ok(());
    }
    let lines = markets.iter().map(line).collect::<Result<Vec<_>>>()?;
    let head = ["MARKET", "COLLATERAL", "FEED", "MARK", "LONG USD", "SHORT USD", "FUNDING/DAY", "UTILISATION", "STATE"];
    table(&head, &lines, out)
}

/// Every market, its price account and the Clock in two requests.
fn read(session: &Session) -> Result<Vec<MarketView>> {
    let found = session.chain.program_accounts(&Which::markets())?;
    let mut markets = found.iter().map(|(_, account)| accounts::market(&account.data)).collect::<Result<Vec<Market>>>()?;
    markets.sort_by_key(|market| (market.mint, market.index));
    let sources = markets.iter().map(|market| PriceSource::of(market).0);
    let addresses: Vec<Address> = std::iter::once(CLOCK).chain(sources).collect();
    let mut prices = session.chain.accounts(&addresses)?.into_iter();
    let clock = prices.next().flatten().context("the chain has no Clock")?;
    let now = moment(&clock.data)?;
    Ok(markets
        .into_iter()
        .zip(prices)
        .map(|(market, price)| {
            let source = PriceSource::of(&market).0;
            MarketView::of(market, source, price, now)
        })
        .collect())
}

/// The feed's id or the legacy account, in full.
pub(super) fn feed(market: &MarketView) -> String {
    match market.stored.oracle_source() {
        OracleSource::PythPull { feed_id } => feed_id.iter().map(|byte| format!("{byte:02x}")).collect(),
        OracleSource::PythLegacy { price_account } => price_account.to_string(),
    }
}

fn line(market: &MarketView) -> Result<Vec<String>> {
    let usd = |direction| Ok::<_, anyhow::Error>(DOLLARS.short(market.side(direction)?.notional.get()));
    Ok(vec![
        market.keys.market.to_string(),
        ends(&market.keys.mint.to_string()),
        ends(&feed(market)),
        market.mark().map_or("-".to_owned(), cents),
        usd(Direction::Long)?,
        usd(Direction::Short)?,
        percent(i128::from(super::terms::rates(market)?.funding.get())),
        utilisation(market)?.map_or("-".to_owned(), percent),
        status(market),
    ])
}

fn fields(market: &MarketView) -> Result<Value> {
    let side = |direction| -> Result<Value> {
        let side = market.side(direction)?;
        let rate = crate::commands::quote::fixed(i128::from(side.pays_ppb_a_day), 7);
        Ok(json!({
            "open_interest_usd": DOLLARS.short(side.notional.get()),
            "positions": side.positions,
            "pays_percent_a_day": rate,
        }))
    };
    Ok(json!({
        "market": market.keys.market.to_string(),
        "index": market.stored.index,
        "collateral_mint": market.keys.mint.to_string(),
        "feed": feed(market),
        "mark_usd": market.mark().map(|mark| PRICE.short(mark.get())),
        "long": side(Direction::Long)?,
        "short": side(Direction::Short)?,
        "funding_percent_a_day": crate::commands::quote::fixed(i128::from(super::terms::rates(market)?.funding.get()), 7),
        "utilisation_percent": utilisation(market)?.map(|ppb| crate::commands::quote::fixed(ppb, 7)),
        "state": status(market),
    }))
}
