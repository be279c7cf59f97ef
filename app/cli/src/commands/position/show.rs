//! `perps position show`.

use super::prospect::{most, Funding};
use super::summary::{health, health_name, in_micro_usd, liquidation};
use crate::commands::history::{newest, totals::Totals};
use crate::commands::order::bound::usual_tip;
use crate::commands::order::list::{fields, show as show_orders, Open};
use crate::commands::order::open_orders;
use crate::commands::order::trader::{Held, Whose};
use crate::commands::quote::fixed;
use crate::commands::quote::greeks::View;
use crate::session::words::{threshold_field, threshold_from, utc};
use crate::session::{leverage, side_name, Answer, Session};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Direction;
use perps::chain::Chain;
use perps::decimal::signed_bitcoin;
use perps::view::{MarketView, Outlook, PositionView};
use serde_json::{json, Value};
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Everything is as the next touch would find it: funding, borrow fee and deleveraging up to now are in the margin and the result shown. \
Equity is margin less tips and the result on paper. The sums of the history are over the transactions that were read.

Examples:
  perps position show
  perps position show --sub-account 1 --history 0
  perps position show --json";

/// Which position.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The position account [default: that of the owner's sub-account in the market]
    #[arg(value_name = "ADDRESS", conflicts_with_all = ["owner", "sub_account"])]
    address: Option<Address>,
    #[command(flatten)]
    whose: Whose,
    /// How many transactions of its history to sum up; 0 reads none
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u16).range(..=1_000))]
    history: u16,
}

/// Shows a position.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let held = arguments.held(session)?;
    let (market, position) = (&held.market, held.existing()?);
    let mut answer = Answer::new();
    identity(&mut answer, &held, &position);
    match &position.outlook {
        Some(open) => standing(&mut answer, market, &position, open)?,
        None => flat(&mut answer, &position),
    }
    room(&mut answer, market, &position)?;
    if arguments.history > 0 && position.state.ensure_open().is_ok() {
        history(&mut answer, session, &held, usize::from(arguments.history))?;
    }
    if let Some(open) = &position.outlook {
        greeks(&mut answer, market, &position, open)?;
    }
    let orders = open_orders(session, market, &position)?;
    orders_of(&mut answer, market, &orders);
    answer.write(session.options.json, out)?;
    if !session.options.json && !orders.is_empty() {
        writeln!(out)?;
        show_orders(&orders, market, out)?;
    }
    Ok(())
}

impl Arguments {
    fn held(&self, session: &Session) -> Result<Held> {
        let Some(address) = self.address else { return self.whose.find(session) };
        let stored = session.chain.position(&address)?;
        let market = MarketView::read(&session.chain, &stored.market)?;
        Ok(Held { market, address, owner: stored.owner, sub_account: stored.sub_account, stored: Some(stored) })
    }
}

fn identity(answer: &mut Answer, held: &Held, position: &PositionView) {
    answer.address("position account", "position", held.address).address("owner", "owner", held.owner);
    answer.field("sub_account", held.sub_account).field("market", held.market.keys.market.to_string());
    answer.row("sub-account", held.sub_account.to_string());
    let (delegate, budget) = (position.stored.delegate, &position.state.budget);
    if delegate == Address::default() {
        answer.field("delegate", Value::Null);
    } else {
        // What was spent on a day that is over counts no more.
        let today = held.market.state.prices.now(held.market.moment.time).get().div_euclid(86_400);
        let spent = if i64::from(budget.day) == today { budget.spent } else { Sats::ZERO };
        answer.address("delegate", "delegate", delegate);
        answer.bitcoin("  budget a day", "delegate_daily_budget", budget.daily);
        answer.bitcoin("  spent today", "delegate_spent_today", spent);
    }
    answer.gap();
}

fn flat(answer: &mut Answer, position: &PositionView) {
    answer.field("side", Value::Null).row("position", "flat");
    money(answer, position);
    answer.gap();
}

/// Margin, tips, claim and what is due.
fn money(answer: &mut Answer, position: &PositionView) {
    let state = &position.state;
    answer.bitcoin("margin", "margin", state.margin);
    if !state.tips.is_zero() {
        answer.bitcoin("  reserved for tips", "tips", state.tips);
    }
    if !state.claim.is_zero() {
        answer.bitcoin("claim", "claim", state.claim).field("claim_epoch", state.claim_epoch);
    }
    if position.outlook.is_some() {
        answer.signed("  due since last touch", "due", position.due_sats);
    }
}

/// Amounts in satoshi and dollars at the mark.
fn worth(answer: &mut Answer, label: &str, name: &str, sats: i64, open: &Outlook) -> Result<()> {
    let usd = fixed(in_micro_usd(sats, open)?, 6);
    answer.field(&format!("{name}_sats"), sats).field(&format!("{name}_btc"), signed_bitcoin(sats));
    let shown = usd.get(..usd.len().saturating_sub(4)).unwrap_or(&usd).to_owned();
    answer.field(&format!("{name}_usd"), usd);
    answer.row(label, format!("{} BTC ({shown} USD)", signed_bitcoin(sats)));
    Ok(())
}

fn standing(answer: &mut Answer, market: &MarketView, position: &PositionView, open: &Outlook) -> Result<()> {
    answer.field("side", side_name(open.direction)).row("side", side_name(open.direction));
    answer.dollars("size", "notional", open.notional).bitcoin("worth", "value", open.value);
    match open.entry_price {
        Some(price) => answer.price("entry price", "entry_price", price),
        None => answer.field("entry_price_usd", Value::Null).row("entry price", "none: costs have eaten the entry value"),
    };
    answer.price("mark", "mark", open.mark);
    money(answer, position);
    worth(answer, "result on paper", "unrealised", open.pnl_sats, open)?;
    worth(answer, "equity", "equity", open.equity_sats, open)?;
    answer.both("leverage", "leverage", leverage(open), "");
    let state = health(market, position, open)?;
    answer.field("health", health_name(state));
    answer.row(
        "health",
        format!(
            "{}: maintenance margin {} BTC ({} % of the value)",
            health_name(state),
            signed_bitcoin(open.maintenance_margin.signed()?.get()),
            fixed(i128::from(open.maintenance_ratio.get()) / 1_000, 4)
        ),
    );
    answer.field("maintenance_margin_sats", open.maintenance_margin.get());
    let liquidation = liquidation(market, position, open)?;
    answer.field("liquidation_price_usd", threshold_field(&liquidation));
    answer.row("liquidation price", threshold_from(&liquidation, open.mark));
    answer.field("bankruptcy_price_usd", threshold_field(&open.bankruptcy));
    answer.row("bankruptcy price", threshold_from(&open.bankruptcy, open.mark));
    let rates = market.rates()?;
    let pays = if open.direction == Direction::Long { rates.long } else { rates.short };
    answer.percent("pays a day", "pays_a_day", i128::from(pays.get()));
    answer.gap();
    Ok(())
}

/// What can be withdrawn, and what could be opened beside it.
fn room(answer: &mut Answer, market: &MarketView, position: &PositionView) -> Result<()> {
    answer.bitcoin("can be withdrawn", "withdrawable", position.withdrawable(market)?);
    let tips = usual_tip(&market.state.params);
    let funding = Funding { margin: Sats::ZERO, tips };
    let directions = match position.state.open_direction() {
        Some(open) => vec![open],
        None => vec![Direction::Long, Direction::Short],
    };
    for direction in directions {
        let (label, name) = (format!("most more {}", side_name(direction)), format!("most_more_{}", side_name(direction)));
        match most(market, &position.stored, funding, direction) {
            Ok(most) => answer.dollars(&label, &name, most),
            Err(rule) => answer.field(&format!("{name}_usd"), Value::Null).row(&label, format!("none: {rule}")),
        };
    }
    Ok(())
}

fn greeks(answer: &mut Answer, market: &MarketView, position: &PositionView, open: &Outlook) -> Result<()> {
    let view = View::of(&open.exposed, open.mark, &market.state.ratios_of(&position.state))?;
    answer.gap();
    for (label, text) in view.rows() {
        // Equity and maintenance have been said already.
        if label.contains("delta") || label.contains("gamma") || label.contains("moves") {
            answer.row(label, text);
        }
    }
    answer.field("greeks", serde_json::to_value(&view)?);
    Ok(())
}

fn history(answer: &mut Answer, session: &Session, held: &Held, most: usize) -> Result<()> {
    let entries =
        newest(&session.chain, &[held.address], None, most).context("its history cannot be read; --history 0 leaves it out")?;
    let totals = Totals::of(&entries, &[held.address])?;
    let oldest = entries.iter().filter_map(|entry| entry.landed.time).min();
    answer.gap();
    totals.tell(answer);
    let whole = entries.len() < most;
    let back = oldest.map_or(String::new(), |time| format!(", back to {}", utc(time)));
    let all = if whole { ", which are all that the node has" } else { "; --history reads more" };
    answer.row("read for this", format!("{} transactions{back}{all}", entries.len()));
    answer.field(
        "history",
        json!({ "transactions": entries.len(), "since_unix": oldest, "whole": whole, "totals": totals.fields() }),
    );
    Ok(())
}

fn orders_of(answer: &mut Answer, market: &MarketView, orders: &[Open]) {
    let list: Vec<Value> = orders.iter().map(|order| fields(order, orders, market)).collect();
    answer.field("orders", list);
    answer.gap().row("open orders", if orders.is_empty() { "none".to_owned() } else { orders.len().to_string() });
}
