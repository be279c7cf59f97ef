//! `perps order list`.

use super::stage::{effect, expiry, kind_name, limit, Stage};
use super::trader::Whose;
use crate::session::words::{cents, from_now, signed_distance, utc};
use crate::session::{side_name, table, Session};
use anyhow::Result;
use clap::Args;
use inverse_perps::state::Order;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{OrderKind, OrderSize};
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::decimal::{BITCOIN, DOLLARS, PRICE};
use perps::view::{MarketView, PositionView};
use serde_json::{json, Value};
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
States: rests, until its price comes; waits, for T; fills, T has passed and anyone can execute it; lapsed, nobody has in its minute; \
expired; void, it can do nothing any more. The last three are removed by perps order cancel.

Examples:
  perps order list
  perps order list --sub-account 1 --json";

/// Whose orders.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    whose: Whose,
}

/// An order of a position.
pub struct Open {
    /// Its address.
    pub address: Address,
    /// The account.
    pub account: Order,
    /// Where it stands.
    pub stage: Stage,
}

/// Lists the orders of a position.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let held = arguments.whose.find(session)?;
    let position = held.existing()?;
    let orders = open_orders(session, &held.market, &position)?;
    if session.options.json {
        let list: Vec<Value> = orders.iter().map(|order| fields(order, &orders, &held.market)).collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "position": held.address.to_string(), "orders": list }))?)?;
        return Ok(());
    }
    if orders.is_empty() {
        writeln!(out, "There are no open orders of position {}.", held.address)?;
        return Ok(());
    }
    show(&orders, &held.market, out)
}

/// The orders of a position, by their ids.
///
/// # Errors
/// Those of the chain.
pub fn open_orders(session: &Session, market: &MarketView, position: &PositionView) -> Result<Vec<Open>> {
    let found = session.chain.program_accounts(&Which::orders_of(position.address))?;
    let mut orders = found
        .iter()
        .map(|(address, account)| {
            let account = accounts::order(&account.data)?;
            let stage = Stage::of(&account.state, &position.stored.state, market)?;
            Ok(Open { address: *address, account, stage })
        })
        .collect::<Result<Vec<Open>>>()?;
    orders.sort_by_key(|order| order.account.state.id);
    Ok(orders)
}

/// A table of orders.
///
/// # Errors
/// A failed write.
pub fn show(orders: &[Open], market: &MarketView, out: &mut dyn Write) -> Result<()> {
    let head = ["ID", "STATE", "TYPE", "DOES", "TRIGGER", "DISTANCE", "LIMIT", "TIP BTC", "EXPIRES", "LINKED", "BY"];
    let lines: Vec<Vec<String>> = orders.iter().map(|order| line(order, orders, market)).collect();
    table(&head, &lines, out)
}

/// The id of the order that this one is linked with, as long as that is there.
fn linked_with(order: &Open, all: &[Open]) -> Option<u32> {
    all.iter().find(|other| other.address == order.account.partner).map(|other| other.account.state.id)
}

fn line(order: &Open, all: &[Open], market: &MarketView) -> Vec<String> {
    let state = &order.account.state;
    let none = || "-".to_owned();
    let (trigger, distance) = match state.kind() {
        OrderKind::Market => (none(), none()),
        _ => (cents(state.trigger), market.mark().map_or_else(none, |mark| signed_distance(state.trigger, mark))),
    };
    vec![
        state.id.to_string(),
        order.stage.text(),
        kind_name(state.kind()).to_owned(),
        effect(state),
        trigger,
        distance,
        limit(state),
        BITCOIN.exact(state.tip.get()),
        expiry(state),
        linked_with(order, all).map_or_else(none, |id| id.to_string()),
        if state.by_delegate == 0 { "owner".to_owned() } else { "delegate".to_owned() },
    ]
}

/// An order for machines.
pub fn fields(order: &Open, all: &[Open], market: &MarketView) -> Value {
    let state = &order.account.state;
    let resting = state.kind() != OrderKind::Market;
    let (reduces, notional) = match state.size() {
        OrderSize::Increase(notional) => (false, Some(notional)),
        OrderSize::Reduce(DecreaseSize::Part(notional)) => (true, Some(notional)),
        OrderSize::Reduce(DecreaseSize::Whole) => (true, None),
    };
    let now = market.state.prices.now(market.moment.time).get();
    json!({
        "id": state.id,
        "order": order.address.to_string(),
        "state": order.stage.name(),
        "type": kind_name(state.kind()),
        "side": side_name(state.direction()),
        "reduce_only": reduces,
        "notional_usd": notional.map(|notional| DOLLARS.short(notional.get())),
        "closes": reduces && notional.is_none(),
        "trigger_usd": resting.then(|| PRICE.short(state.trigger.get())),
        "limit_usd": match (state.buys(), state.limit.get()) {
            (true, u64::MAX) | (false, 0) => Value::Null,
            (_, limit) => PRICE.short(limit).into(),
        },
        "tip_sats": state.tip.get(),
        "expires_unix": resting.then_some(state.expiry.get()),
        "fills_from_unix": state.is_pending().then_some(state.due.get()),
        "time": if state.is_pending() { format!("T {}", from_now(state.due.get(), now)) } else { utc(state.expiry.get()) },
        "linked_with": linked_with(order, all),
        "by_delegate": state.by_delegate != 0,
    })
}
