//! `perps market show`.

use super::list::feed;
use super::parameters::{self, Parameter};
use super::terms::{backing, pause, rates, share_price, status, utilisation, Rates};
use crate::commands::position::prospect::most_of_anyone;
use crate::session::words::{from_now, percent, span};
use crate::session::{Answer, Session};
use anyhow::Result;
use clap::Args;
use inverse_perps::state::OracleSource;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::units::Notional;
use inverse_perps_engine::Direction;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use perps::view::MarketView;
use serde_json::{json, Value};
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Rates are as the market stands: they follow open interest and the pool's utilisation. A year is 365 such days, without compounding.

Examples:
  perps market show
  perps market show --params
  perps market show --json";

const DAYS_A_YEAR: i128 = 365;

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Show every parameter with its hard bounds
    #[arg(long)]
    params: bool,
}

/// Shows a market.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let market = session.market()?;
    let mut answer = Answer::new();
    identity(&mut answer, &market);
    price(&mut answer, &market)?;
    sides(&mut answer, &market)?;
    pool(&mut answer, &market)?;
    room(&mut answer, &market)?;
    params(&mut answer, &market, arguments.params);
    answer.write(session.options.json, out)
}

fn identity(answer: &mut Answer, market: &MarketView) {
    let (state, keys) = (&market.state, &market.keys);
    answer.address("market", "market", keys.market).field("index", market.stored.index);
    answer.address("collateral mint", "collateral_mint", keys.mint).address("vault", "vault", keys.vault);
    answer.address("pool share mint", "pool_share_mint", keys.lp_mint);
    answer.field("state", status(market)).row("state", status(market));
    answer.field("epoch", state.lifecycle.epoch).row("settlements so far", state.lifecycle.epoch.to_string());
    answer.field("risk_paused", pause(market).is_some());
    let (orders_only, fills) = match state.fills() {
        Fills::OrdersOnly => (true, "orders only, at the first price published after they can be changed no more"),
        Fills::Instant => (false, "at once at the market's price, or by orders"),
    };
    answer.field("orders_only", orders_only).row("fills", fills);
    answer.gap();
}

fn price(answer: &mut Answer, market: &MarketView) -> Result<()> {
    let state = &market.state;
    let kind = match market.stored.oracle_source() {
        OracleSource::PythPull { .. } => "Pyth pull, feed",
        OracleSource::PythLegacy { .. } => "Pyth legacy, account",
    };
    answer.field("oracle", json!({ "kind": kind.split(',').next(), "source": feed(market) }));
    answer.row("oracle", format!("{kind} {}", feed(market)));
    answer.address("price account", "price_account", market.price_account);
    let usable = market.synced.as_ref().err().map(ToString::to_string);
    match &usable {
        None => answer.row("price", "is one to trade at"),
        Some(rule) => answer.row("price", format!("is none to trade at: {rule}")),
    };
    answer.field("price_refused", usable);
    if let Some(quote) = market.quote() {
        answer.price("mark", "mark", quote.price).price("bid", "bid", quote.bid).price("ask", "ask", quote.ask);
        let published = state.prices.publish_time.get();
        let now = state.prices.now(market.moment.time).get();
        answer.field("published_unix", published).field("price_age_seconds", now.saturating_sub(published));
        answer.row("published", from_now(published, now));
    }
    answer.gap();
    Ok(())
}

fn sides(answer: &mut Answer, market: &MarketView) -> Result<()> {
    let Rates { funding, borrow } = rates(market)?;
    for (direction, name, sign) in [(Direction::Long, "long", 1), (Direction::Short, "short", -1)] {
        let side = market.side(direction)?;
        let (funding, borrow) = (i128::from(funding.get()) * sign, i128::from(borrow.get()));
        let total = funding.saturating_add(borrow);
        answer.row(&format!("{name}s"), format!("{} USD in {} positions", DOLLARS.short(side.notional.get()), side.positions));
        answer.row("  profit on paper", format!("{} BTC", signed_bitcoin(side.profit_sats)));
        answer.row("  pay a day", format!("{} funding, {} borrow fee: {}", percent(funding), percent(borrow), percent(total)));
        answer.row("  pay a year", percent(total.saturating_mul(DAYS_A_YEAR)));
        let exact = |ppb: i128| crate::commands::quote::fixed(ppb, 7);
        answer.field(
            name,
            json!({
                "open_interest_usd": DOLLARS.short(side.notional.get()),
                "positions": side.positions,
                "profit_sats": side.profit_sats,
                "profit_btc": signed_bitcoin(side.profit_sats),
                "pays_funding_percent_a_day": exact(funding),
                "pays_borrow_percent_a_day": exact(borrow),
                "pays_percent_a_day": exact(total),
                "pays_percent_a_year": exact(total.saturating_mul(DAYS_A_YEAR)),
            }),
        );
    }
    answer.gap();
    Ok(())
}

fn pool(answer: &mut Answer, market: &MarketView) -> Result<()> {
    let (state, ledger) = (&market.state, &market.state.ledger);
    answer.bitcoin("pool", "pool", ledger.pool).bitcoin("  free", "free_pool", state.free_pool()?);
    answer.bitcoin("  must be able to pay", "requirement", market.requirement()?);
    let most = i128::from(state.params.max_utilisation.to_ppb().get());
    answer.field("max_utilisation_percent", crate::commands::quote::fixed(most, 7));
    match utilisation(market)? {
        Some(ppb) => {
            answer.field("utilisation_percent", crate::commands::quote::fixed(ppb, 7));
            answer.row("  utilisation", format!("{} of at most {}", percent(ppb), percent(most)));
        }
        None => {
            answer.field("utilisation_percent", Value::Null).row("  utilisation", "there is no pool");
        }
    }
    answer.bitcoin("  backs new positions", "backing", backing(market)?);
    match share_price(market)? {
        Some(price) => answer.bitcoin("share price", "share_price", price),
        None => answer.field("share_price_btc", Value::Null).row("share price", "nobody has a share"),
    };
    answer.field("shares", state.pool_shares).row("shares", BITCOIN.exact(state.pool_shares));
    answer.row("  in the queue", BITCOIN.exact(state.queued_shares)).field("queued_shares", state.queued_shares);
    answer.bitcoin("traders' margin", "margin", ledger.margin).bitcoin("insurance", "insurance", ledger.insurance);
    answer.bitcoin("  may still pay today", "insurance_left_today", state.insurance_left);
    answer.bitcoin("protocol fees", "protocol_fees", ledger.protocol_fees);
    answer.bitcoin("claims set aside", "funds", ledger.funds).bitcoin("bad debt so far", "bad_debt", state.bad_debt);
    answer.gap();
    Ok(())
}

/// What caps and reserve still let in.
fn room(answer: &mut Answer, market: &MarketView) -> Result<()> {
    let params = &market.state.params;
    for (direction, name) in [(Direction::Long, "long"), (Direction::Short, "short")] {
        let held = market.side(direction)?.notional;
        let left = params.max_side_notional.minus(held).unwrap_or(Notional::ZERO);
        answer.dollars(&format!("cap left, {name}s"), &format!("{name}_cap_left"), left);
        match most_of_anyone(market, direction) {
            Ok(most) => answer.dollars(&format!("largest new {name}"), &format!("largest_new_{name}"), most),
            Err(rule) => answer
                .field(&format!("largest_new_{name}_usd"), Value::Null)
                .row(&format!("largest new {name}"), format!("none: {rule}")),
        };
    }
    let left = params.max_pool.less_or_zero(market.state.ledger.pool);
    answer.bitcoin("pool takes yet", "pool_cap_left", left);
    Ok(())
}

fn params(answer: &mut Answer, market: &MarketView, all: bool) {
    let params = &market.state.params;
    let rows: Vec<Parameter> = parameters::all(params).collect();
    let fields = rows.iter().map(|row| {
        let shown = json!({ "value": row.value, "unit": row.unit, "bounds": row.bounds });
        (row.name.to_owned(), shown)
    });
    answer.field("params", Value::Object(fields.collect()));
    answer.gap();
    if all {
        for Parameter { name, value, unit, bounds } in &rows {
            answer.row(&format!("{name:<26}"), format!("{:<22} {bounds}", format!("{value} {unit}").trim_end()));
        }
        return;
    }
    answer.row("taker fee", percent(i128::from(params.taker_fee.to_ppb().get())));
    answer.row("initial margin", percent(i128::from(params.initial_margin.to_ppb().get())));
    answer.row("maintenance margin", percent(i128::from(params.maintenance_margin.to_ppb().get())));
    answer.row("orders fill after", span(i64::from(params.order_delay.get())));
    let (wait, window) = (span(i64::from(params.cool_down.get())), span(i64::from(params.withdrawal_window.get())));
    answer.row("leaving the pool", format!("{wait} after the request, within {window}"));
    answer.row("more", "perps market show --params lists every parameter with its hard bounds");
}
