//! What traders' orders say: their bounds, triggers, tips and expiries. How much they are for is decided in `turn`.

use super::action::Placement;
use super::venue::Venue;
use super::wire::spoken;
use anyhow::Result;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::order::{OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::units::{Notional, Ppb, Price, Sats, Seconds, UnixTime};
use inverse_perps_engine::Direction;
use perps::client::instructions::{any_price_to_close, any_price_to_open};
use rand::rngs::StdRng;
use rand::Rng;

/// A tip is this share of the value traded, but not more than is worth a keeper's while.
const TIP: Ppb = Ppb::new(100_000);
const MOST_TIP: Sats = Sats::new(2_000);
/// Orders that may be placed at once when a position is opened.
pub const MOST_AT_ONCE: u64 = 3;
const SHORTEST_REST_SECONDS: u32 = 600;

/// A tip for an order of this size.
///
/// # Errors
/// Where the value leaves its range.
pub fn tip(notional: Notional, venue: &Venue) -> Result<Sats> {
    let params = &venue.market.params;
    let share = notional.value_at(venue.price(), Rounding::Ceil)?.times(TIP, Rounding::Floor)?;
    Ok(share.min(MOST_TIP).max(params.min_order_tip).min(params.max_order_tip))
}

/// A market order: three out of four at any price, the others at little worse than now.
pub fn market(direction: Direction, size: OrderSize, tip: Sats, venue: &Venue, rng: &mut StdRng) -> OrderRequest {
    let any = match size {
        OrderSize::Increase(_) => any_price_to_open(spoken(direction)),
        OrderSize::Reduce(_) => any_price_to_close(spoken(direction)),
    };
    let request = OrderRequest {
        kind: OrderKind::Market,
        direction,
        size,
        trigger: Price::ZERO,
        limit: Price::new(any),
        expiry: UnixTime::new(0),
        tip,
    };
    if rng.gen_bool(0.75) {
        return request;
    }
    OrderRequest { limit: worse(venue.price(), buys(&request), rng.gen_range(5..=30)), ..request }
}

/// A limit order to open at a better price than now.
///
/// # Errors
/// Where the expiry leaves its range.
pub fn limit(direction: Direction, notional: Notional, tip: Sats, venue: &Venue, rng: &mut StdRng) -> Result<OrderRequest> {
    let request = market(direction, OrderSize::Increase(notional), tip, venue, rng);
    let limit = worse(venue.price(), !buys(&request), rng.gen_range(20..=250));
    Ok(OrderRequest { kind: OrderKind::Limit, limit, expiry: expiry(venue, rng)?, ..request })
}

/// A stop and a take-profit that close a position, linked; the stop has the position's next id.
///
/// # Errors
/// Where an expiry leaves its range.
pub fn protection(seat: usize, direction: Direction, tip: Sats, venue: &Venue, rng: &mut StdRng) -> Result<[Placement; 2]> {
    let id = venue.seats[seat].position.next_order;
    let close = market(direction, OrderSize::Reduce(DecreaseSize::Whole), tip, venue, rng);
    let (buys, price) = (buys(&close), venue.price());
    let at_risk = worse(price, buys, rng.gen_range(30..=600));
    // Half of the stops sell at any price, the others at little worse than their trigger.
    let any = Price::new(any_price_to_close(spoken(direction)));
    let bound = if rng.gen_bool(0.5) { any } else { worse(at_risk, buys, rng.gen_range(50..=200)) };
    let stop = OrderRequest { kind: OrderKind::Stop, trigger: at_risk, limit: bound, expiry: expiry(venue, rng)?, ..close };
    let hoped = worse(price, !buys, rng.gen_range(30..=800));
    let limit = worse(hoped, buys, 20);
    let profit = OrderRequest { kind: OrderKind::TakeProfit, trigger: hoped, limit, expiry: expiry(venue, rng)?, ..close };
    Ok([Placement { id, request: stop, linked_with: None }, Placement { id: id + 1, request: profit, linked_with: Some(id) }])
}

/// From ten minutes to two days from now.
fn expiry(venue: &Venue, rng: &mut StdRng) -> Result<UnixTime> {
    let rest = Seconds::new(SHORTEST_REST_SECONDS << rng.gen_range(0..=8));
    Ok(venue.now().at.time.after(rest)?)
}

fn buys(request: &OrderRequest) -> bool {
    (request.direction == Direction::Long) == matches!(request.size, OrderSize::Increase(_))
}

/// A price so many basis points worse for who buys or sells.
fn worse(price: Price, buys: bool, bps: u64) -> Price {
    let distance = price.get() / 10_000 * bps;
    Price::new(if buys { price.get().saturating_add(distance) } else { price.get().saturating_sub(distance) })
}
