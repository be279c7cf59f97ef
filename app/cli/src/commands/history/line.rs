//! An event in one line for people.

use crate::commands::order::bound::btc;
use crate::session::refused::rule;
use crate::session::words::{cents, ends, percent, utc};
use inverse_perps::events::{
    Accrued, Fill, OrderExecuted, OrderPlaced, OrderRemoved, OrderTriggered, PositionClosedOut, PositionLiquidated,
};
use inverse_perps_engine::units::{Notional, Price, SignedSats};
use perps::client::events::Event;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use serde_json::Value;
use solana_address::Address;

/// Its key amounts.
pub fn text(event: &Event) -> String {
    match event {
        Event::PositionCreated(event) => format!("{} of {}", short(&event.position), short(&event.owner)),
        Event::PositionAccountClosed(event) => short(&event.position),
        Event::CollateralDeposited(event) => {
            format!("{}: {}, margin now {}", short(&event.position), btc(event.amount_sats), btc(event.margin_sats))
        }
        Event::CollateralWithdrawn(event) => {
            format!("{}: {}, margin now {}", short(&event.position), btc(event.amount_sats), btc(event.margin_sats))
        }
        Event::PositionSettled(event) => {
            format!("{}: {} of funding and the like", short(&event.position), signed(event.result_sats))
        }
        Event::PositionIncreased(event) => {
            format!("{}: {} {}", short(&event.position), side(event.direction), fill(&event.fill))
        }
        Event::PositionDecreased(event) => {
            format!("{}: {} {}", short(&event.position), side(event.direction), fill(&event.fill))
        }
        Event::OrderFilled(event) => {
            let does = if event.reduce_only == 0 { "opened" } else { "closed" };
            format!("{}: {does} {} {}", short(&event.position), side(event.direction), fill(&event.fill))
        }
        Event::OrderPlaced(event) => placed(event),
        Event::OrderTriggered(event) => triggered(event),
        Event::OrderExecuted(event) => executed(event),
        Event::OrderRemoved(event) => removed(event),
        Event::PositionLiquidated(event) => liquidated(event),
        Event::PositionClosedOut(event) => closed_out(event),
        Event::ClaimRedeemed(event) => {
            format!("{}: {} of {}", short(&event.position), btc(event.paid_sats), btc(event.claim_sats))
        }
        Event::LiquidityDeposited(event) => {
            format!("{} by {}, for {} shares", btc(event.amount_sats), short(&event.depositor), BITCOIN.short(event.shares))
        }
        Event::WithdrawalRequested(event) => format!("{} shares of {}", BITCOIN.short(event.shares), short(&event.owner)),
        Event::WithdrawalCompleted(event) => {
            format!("{} for {} shares of {}", btc(event.amount_sats), BITCOIN.short(event.shares), short(&event.owner))
        }
        Event::WithdrawalReturned(event) => format!("{} shares of {}", BITCOIN.short(event.shares), short(&event.owner)),
        Event::Accrued(event) => accrued(event),
        Event::Deleveraged(event) => {
            format!("at {}: profit {} of {} free", price(event.price_e8), btc(event.profit_sats), btc(event.free_pool_sats))
        }
        Event::DelegateSet(event) => {
            format!("{}: {}, {} a day", short(&event.position), short(&event.delegate), btc(event.daily_budget_sats))
        }
        Event::DelegateRevoked(event) => format!("{}: {}", short(&event.position), short(&event.delegate)),
        other => plain(other),
    }
}

fn fill(fill: &Fill) -> String {
    let fee = fill.fee_sats.total().map_or_else(|error| error.to_string(), btc);
    let result = match fill.pnl_sats {
        SignedSats::ZERO => String::new(),
        result => format!(", result {}", signed(result)),
    };
    format!("{} at {}, fee {fee}{result}", usd(fill.notional_e6), price(fill.price_e8))
}

fn placed(event: &OrderPlaced) -> String {
    let kind = match event.kind {
        0 => "market",
        1 => "limit",
        2 => "stop",
        _ => "take-profit",
    };
    let does = match (event.reduce_only, event.notional_e6) {
        (0, notional) => format!("open {} {}", side(event.direction), usd(notional)),
        (_, Notional::ZERO) => format!("close {}", side(event.direction)),
        (_, notional) => format!("reduce {} by {}", side(event.direction), usd(notional)),
    };
    let when = if event.kind == 0 { format!("T {}", utc(event.due)) } else { format!("at {}", price(event.trigger_price_e8)) };
    format!("{}: order {}, {kind}, {does}, {when}", short(&event.position), event.id)
}

fn triggered(event: &OrderTriggered) -> String {
    format!("{}: order {} at {}, T {}", short(&event.position), short(&event.order), price(event.price_e8), utc(event.due))
}

fn liquidated(event: &PositionLiquidated) -> String {
    format!(
        "{}: {} {} at {}, result {}, reward {}",
        short(&event.position),
        side(event.direction),
        usd(event.notional_e6),
        price(event.price_e8),
        signed(event.pnl_sats),
        btc(event.reward_sats)
    )
}

fn closed_out(event: &PositionClosedOut) -> String {
    format!(
        "{}: {} at {}, result {}, claim {}",
        short(&event.position),
        usd(event.notional_e6),
        price(event.price_e8),
        signed(event.pnl_sats),
        btc(event.claim_sats)
    )
}

fn accrued(event: &Accrued) -> String {
    format!(
        "{} s at {}; longs pay {} a day, shorts {}",
        event.elapsed_seconds,
        price(event.price_e8),
        percent(i128::from(event.long_rate_ppb_per_day.get())),
        percent(i128::from(event.short_rate_ppb_per_day.get()))
    )
}

fn executed(event: &OrderExecuted) -> String {
    let outcome = match event.outcome {
        2 => "missed its bound and rests",
        3 => "failed",
        _ => "was blocked",
    };
    let why = rule(event.error).map_or(String::new(), |rule| format!(" ({rule:?})"));
    format!("{}: order {} {outcome}{why}", short(&event.position), short(&event.order))
}

fn removed(event: &OrderRemoved) -> String {
    let how = match event.removal {
        1 => "cancelled",
        2 => "void",
        _ => "expired",
    };
    format!("{}: order {} {how}", short(&event.position), short(&event.order))
}

/// The fields of one that few people look for, as the program names them.
fn plain(event: &Event) -> String {
    let Value::Object(fields) = event.to_json() else { return String::new() };
    let told = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "event" | "head" | "ledger"));
    let words = told.filter_map(|(name, value)| match value {
        Value::String(text) => Some(format!("{name} {}", ends(text))),
        Value::Number(number) => Some(format!("{name} {number}")),
        _ => None,
    });
    words.collect::<Vec<_>>().join(", ")
}

fn short(address: &Address) -> String {
    ends(&address.to_string())
}

fn signed(amount: SignedSats) -> String {
    format!("{} BTC", signed_bitcoin(amount.get()))
}

fn usd(amount: Notional) -> String {
    format!("{} USD", DOLLARS.short(amount.get()))
}

fn price(price: Price) -> String {
    format!("{} USD", cents(price))
}

fn side(direction: u64) -> &'static str {
    match direction {
        1 => "long",
        2 => "short",
        _ => "-",
    }
}
