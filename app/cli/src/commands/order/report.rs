//! Sends an order, follows it where it waits for its fill, and says what became of it.

use super::follow::{follow, Fate, Followed};
use super::trader::Held;
use crate::commands::position::summary;
use crate::commands::AlreadyAnswered;
use crate::session::refused::rule;
use crate::session::words::{ends, utc};
use crate::session::{Answer, Done, Plan, Session};
use anyhow::Result;
use inverse_perps::events::{Fill, OrderExecuted, OrderFilled, OrderRemoved, Tip};
use inverse_perps_engine::order::FILLABLE;
use inverse_perps_engine::units::{Sats, UnixTime};
use perps::client::addresses::order;
use perps::client::events::Event;
use perps::view::{MarketView, PositionView};
use solana_address::Address;
use std::io::Write;

/// Whether a market order is followed until it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Until it has filled or failed.
    ForTheFill,
    /// Until it is placed.
    ForThePlacing,
}

/// Carries out a plan that places a market order last, and follows that.
///
/// # Errors
/// The program's refusal; `AlreadyAnswered` where the order did not fill; those of the chain, and a failed write.
pub fn send(session: &Session, held: &Held, plan: Plan, id: u32, waiting: Waiting, out: &mut dyn Write) -> Result<()> {
    let Done::Landed { mut answer, events, .. } = session.carry_out(&held.market, plan, out)? else { return Ok(()) };
    let address = order(&held.address, id).0;
    let due = events.iter().find_map(|event| match event {
        Event::OrderPlaced(placed) if placed.order == address => Some(placed.due),
        _ => None,
    });
    answer
        .field("order", address.to_string())
        .field("order_id", id)
        .row("order", format!("{id} ({})", ends(&address.to_string())));
    let Some(due) = due else {
        return answer.write(session.options.json, out); // the logs were cut off: the order stands, and can be listed
    };
    answer.field("fills_from_unix", due).row("fills from T", utc(due));
    if waiting == Waiting::ForThePlacing {
        answer.field("outcome", "waits").row("next", "perps order list says what has become of it");
        return answer.write(session.options.json, out);
    }
    match follow(session, &held.market.keys.market, &address, due) {
        Ok(followed) => conclude(session, held, answer, &followed, (id, due), out),
        Err(error) => {
            answer.field("outcome", "unknown").field("error", format!("{error:#}"));
            answer.write(session.options.json, out)?;
            Err(error.context(AlreadyAnswered(format!(
                "order {id} was placed, but could not be followed; perps order list shows it"
            ))))
        }
    }
}

/// Adds how an order ended, and the position as it is now, and writes the answer.
fn conclude(
    session: &Session,
    held: &Held,
    mut answer: Answer,
    followed: &Followed,
    (id, due): (u32, i64),
    out: &mut dyn Write,
) -> Result<()> {
    let failure = match &followed.fate {
        Fate::Filled(event) => {
            filled(&mut answer, event)?;
            None
        }
        Fate::Failed(event) => Some(failed(&mut answer, event)?),
        Fate::Removed(event) => Some(removed(&mut answer, event, id)),
        Fate::Lapsed => Some(lapsed(&mut answer, id, due)?),
    };
    if let Some(landed) = &followed.landed {
        answer.field("outcome_signature", landed.signature.to_string()).row("in transaction", landed.signature.to_string());
    }
    if let Some(failure) = &failure {
        answer.field("error", failure.clone());
    }
    after(session, held, &mut answer)?;
    answer.write(session.options.json, out)?;
    match failure {
        Some(failure) => Err(AlreadyAnswered(failure).into()),
        None => Ok(()),
    }
}

/// The position as it is now.
///
/// # Errors
/// Those of the chain.
pub fn after(session: &Session, held: &Held, answer: &mut Answer) -> Result<()> {
    let market = MarketView::read(&session.chain, &held.market.keys.market)?;
    let Some(position) = session.position(&market, &held.owner, held.sub_account)? else { return Ok(()) };
    let mut rows = Answer::new();
    summary::add(&mut rows, &market, &position)?;
    answer.gap().row("the position now", "");
    answer.append_rows_of(&rows).field("position_after", rows.to_json());
    resting(answer, &position);
    Ok(())
}

/// Orders of a closed position would reduce the next one.
fn resting(answer: &mut Answer, position: &PositionView) {
    let orders = position.state.open_orders;
    if orders == 0 {
        return;
    }
    let text = match position.outlook {
        Some(_) => format!("{orders}; perps order list shows them"),
        None => format!("{orders}, for a position that is none; perps order cancel --all takes them back"),
    };
    answer.row("open orders", text);
}

/// Price, size, fee and result of a fill.
///
/// # Errors
/// Those of the engine.
pub fn fill(answer: &mut Answer, fill: &Fill) -> Result<()> {
    answer.gap().price("filled at", "fill_price", fill.price_e8).dollars("size filled", "filled", fill.notional_e6);
    answer.bitcoin("worth", "fill_value", fill.value_sats).bitcoin("fee", "fee", fill.fee_sats.total()?);
    if fill.pnl_sats.get() != 0 {
        answer.signed("realised", "realised", fill.pnl_sats.get());
    }
    Ok(())
}

fn filled(answer: &mut Answer, event: &OrderFilled) -> Result<()> {
    answer.field("outcome", "filled");
    fill(answer, &event.fill)?;
    tip(answer, &event.tip)?;
    if event.killed != Address::default() {
        answer.row("linked order", "is dead, and its tip free again");
    }
    Ok(())
}

fn tip(answer: &mut Answer, tip: &Tip) -> Result<()> {
    let paid = tip.filler_sats.plus(tip.triggerer_sats)?.plus(tip.forfeited_sats)?;
    answer.bitcoin("tip", "tip_paid", paid);
    Ok(())
}

const BLOCKED: u64 = 4;

fn failed(answer: &mut Answer, event: &OrderExecuted) -> Result<String> {
    let rule = rule(event.error);
    let why = rule.map_or_else(|| format!("the program's error {}", event.error), |rule| rule.message().to_owned());
    let blocked = event.outcome == BLOCKED;
    answer
        .gap()
        .field("outcome", if blocked { "blocked" } else { "failed" })
        .field("rule", rule.map(|rule| format!("{rule:?}")));
    answer.row(if blocked { "blocked" } else { "failed" }, why.clone());
    answer.bitcoin("fee", "fee", event.fee_sats.total()?);
    tip(answer, &event.tip)?;
    Ok(match blocked {
        true => format!("the order was executed, but the market had no room for it: {why}; perps market show says what fits"),
        false => format!("the order was executed, but not filled: {why}; place it anew with more margin or another bound"),
    })
}

fn removed(answer: &mut Answer, event: &OrderRemoved, id: u32) -> String {
    let how = match event.removal {
        1 => "cancelled; its tip is free margin again",
        2 => "void, as the position was liquidated, settled or lost its tips; its tip is free margin again",
        _ => "removed, as nobody had executed it in its minute; its tip went to insurance",
    };
    answer.gap().field("outcome", "removed").row("outcome", how);
    format!("order {id} was {how}")
}

fn lapsed(answer: &mut Answer, id: u32, due: i64) -> Result<String> {
    let until = UnixTime::new(due).after(FILLABLE)?;
    answer.gap().field("outcome", "lapsed").bitcoin("fee", "fee", Sats::ZERO);
    answer.row("outcome", format!("nobody executed it by {}", utc(until.get())));
    Ok(format!(
        "nobody executed order {id} in the minute after its T, so it never fills; perps order cancel {id} removes it (its tip goes to \
         insurance), then place it anew with a higher --tip, or run a keeper yourself: perps keeper run"
    ))
}
