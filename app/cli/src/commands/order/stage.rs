//! Where an order stands.

use crate::session::side_name;
use crate::session::words::{cents, span, utc};
use anyhow::Result;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{Order, OrderKind, OrderSize, FILLABLE};
use inverse_perps_engine::position::Position;
use inverse_perps_engine::units::UnixTime;
use perps::decimal::DOLLARS;
use perps::view::MarketView;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It can do nothing any more; removing it costs nothing.
    Void,
    /// It rests until its price comes.
    Rests,
    /// It rested for too long: removing it costs the tip.
    Expired,
    /// It waits for T: seconds until then.
    Waits(i64),
    /// T has passed, and anyone can execute it: seconds left.
    Fills(i64),
    /// Nobody has executed it: removing it costs the tip.
    Lapsed,
}

impl Stage {
    /// Of an order of a position, at a time.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn of(order: &Order, position: &Position, market: &MarketView) -> Result<Self> {
        let now = market.state.prices.now(market.moment.time);
        if order.is_void(position, &market.state.lifecycle) {
            return Ok(Stage::Void);
        }
        if !order.is_pending() {
            return Ok(if now > order.expiry { Stage::Expired } else { Stage::Rests });
        }
        Stage::of_pending(order.due, now)
    }

    /// Of an order that waits for its fill.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn of_pending(due: UnixTime, now: UnixTime) -> Result<Self> {
        let wait = due.seconds_since(now)?;
        let left = due.after(FILLABLE)?.seconds_since(now)?;
        Ok(match (wait, left) {
            (1.., _) => Stage::Waits(wait),
            (_, 0..) => Stage::Fills(left),
            _ => Stage::Lapsed,
        })
    }

    /// One word, for machines and tables.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Void => "void",
            Stage::Rests => "rests",
            Stage::Expired => "expired",
            Stage::Waits(_) => "waits",
            Stage::Fills(_) => "fills",
            Stage::Lapsed => "lapsed",
        }
    }

    /// With its time, for people.
    pub fn text(self) -> String {
        match self {
            Stage::Waits(seconds) => format!("waits for T in {}", span(seconds)),
            Stage::Fills(left) => format!("fills, {} left", span(left)),
            stage => stage.name().to_owned(),
        }
    }
}

/// Market, limit, stop or take-profit.
pub fn kind_name(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit => "limit",
        OrderKind::Stop => "stop",
        OrderKind::TakeProfit => "take-profit",
    }
}

/// What an order does to the position.
pub fn effect(order: &Order) -> String {
    let side = side_name(order.direction());
    match order.size() {
        OrderSize::Increase(notional) => format!("open {side} {} USD", DOLLARS.short(notional.get())),
        OrderSize::Reduce(DecreaseSize::Whole) => format!("close {side}"),
        OrderSize::Reduce(DecreaseSize::Part(notional)) => format!("reduce {side} by {} USD", DOLLARS.short(notional.get())),
    }
}

/// The worst price that an order takes, for people.
pub fn limit(order: &Order) -> String {
    match (order.buys(), order.limit.get()) {
        (true, u64::MAX) | (false, 0) => "any".to_owned(),
        (true, _) => format!("at most {}", cents(order.limit)),
        (false, _) => format!("at least {}", cents(order.limit)),
    }
}

/// Until when it rests, for people.
pub fn expiry(order: &Order) -> String {
    match order.kind() {
        OrderKind::Market => "-".to_owned(),
        _ => utc(order.expiry.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_waits_then_fills_for_a_minute_then_lapses() {
        let stage = |now| Stage::of_pending(UnixTime::new(1_000), UnixTime::new(now)).unwrap();
        assert_eq!(stage(994), Stage::Waits(6));
        assert_eq!(stage(999), Stage::Waits(1));
        assert_eq!(stage(1_000), Stage::Fills(60));
        assert_eq!(stage(1_060), Stage::Fills(0));
        assert_eq!(stage(1_061), Stage::Lapsed);
        assert_eq!(stage(994).text(), "waits for T in 6 s");
    }
}
