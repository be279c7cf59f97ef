//! Orders: triggered when their price has come, executed at T, removed when they can do nothing any more.

use crate::task::{stamp, Action, FillQuery, Task};
use crate::world::{Filed, Held, Look};
use inverse_perps::state::{OracleSource, Order, Position};
use inverse_perps_engine::actions::{ExecutionOutcome, Glance, TipShares, Triggerer};
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::market::Market;
use inverse_perps_engine::oracle::Moment;
use inverse_perps_engine::order::LEAST_SLOTS;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Result;
use perps::client::orders::OrderRef;
use solana_address::Address;

/// Everything to do about orders. A price touches only those that it crosses or that are due by it.
pub(super) fn tasks(look: &Look) -> Vec<Task> {
    let mut tasks = vec![];
    if let Ok((market, glance)) = &look.glanced {
        tasks.extend(look.book.orders.crossed(glance.quote.price).filter_map(|filed| trigger(look, market, glance, filed)));
    }
    if let Ok((market, _)) = &look.synced {
        tasks.extend(look.book.orders.due(market.prices.publish_time).filter_map(|filed| execute(look, market, filed)));
    }
    let now = look.book.market.state.prices.now(look.at.time);
    tasks.extend(look.book.orders.finished(now).filter_map(|filed| expire(look, filed)));
    tasks
}

fn trigger(look: &Look, market: &Market, glance: &Glance, (address, filed): (Address, &Filed)) -> Option<Task> {
    let order = &filed.order;
    if market.prices.publish_time < order.state.due {
        return None; // published too early to trigger it
    }
    let held = look.book.positions.get(&order.position)?;
    match rehearse_trigger(market, glance, held, order, look.at) {
        Ok(reward) => {
            let decided_on = stamp((filed.slot, held.slot, market.prices.publish_time.get()));
            Some(look.task(Action::Trigger { order: reference(order), address }, reward, false, decided_on))
        }
        Err(error) => {
            tracing::trace!(order = %address, %error, "not to be triggered");
            None
        }
    }
}

/// What triggering it pays once it leaves, if somebody else executes it.
fn rehearse_trigger(market: &Market, glance: &Glance, held: &Held<Position>, order: &Order, at: Moment) -> Result<Sats> {
    let (mut market, mut position, mut state) = (*market, held.account.state, order.state);
    market.settle(&mut position)?;
    market.trigger_order(&mut position, &mut state, &glance.quote, at)?;
    Ok(shares(&market, &Held { account: position, slot: 0 }, &state, Triggerer::Payable, at)?.triggerer)
}

/// What an order's tip comes to when it leaves, whatever comes of it.
fn shares(
    market: &Market,
    held: &Held<inverse_perps_engine::Position>,
    order: &inverse_perps_engine::order::Order,
    triggerer: Triggerer,
    at: Moment,
) -> Result<TipShares> {
    let (mut market, mut position, mut order) = (*market, held.account, *order);
    market.end_order(&mut position, &mut order, &ExecutionOutcome::Blocked(Error::RiskPaused), triggerer, at)
}

/// Executes it, if it is old enough and not too old; its fill price is looked for when it is sent.
fn execute(look: &Look, market: &Market, (address, filed): (Address, &Filed)) -> Option<Task> {
    let order = &filed.order;
    let held = look.book.positions.get(&order.position)?;
    let OracleSource::PythPull { feed_id } = look.book.market.oracle_source() else { return None };
    let now = market.prices.now(look.at.time);
    let is_old_enough = look.at.slot >= order.state.placed_slot.checked_add(LEAST_SLOTS)?;
    if !is_old_enough || order.state.has_lapsed(now).ok()? {
        return None;
    }
    let place = &look.book.place;
    let triggerer = Some(order.triggered_by).filter(|triggerer| *triggerer != Address::default() && *triggerer != place.tokens);
    let who = match (order.triggered_by == Address::default(), triggerer) {
        (true, _) => Triggerer::Nobody,
        (false, _) => Triggerer::Payable,
    };
    let state = Held { account: held.account.state, slot: held.slot };
    let tip = shares(market, &state, &order.state, who, look.at).ok()?;
    let own = if triggerer.is_some() { tip.filler } else { tip.filler.plus(tip.triggerer).ok()? };
    let fill = FillQuery { feed_id, current: place.price, due: order.state.due, now };
    let partner = Some(order.partner).filter(|partner| *partner != Address::default());
    let action = Action::Execute { order: reference(order), address, triggerer, partner, fill };
    Some(look.task(action, own, false, stamp((filed.slot, held.slot))))
}

/// Removes it, if the engine agrees that it can do nothing any more. Nobody is paid for that.
fn expire(look: &Look, (address, filed): (Address, &Filed)) -> Option<Task> {
    let order = &filed.order;
    let held = look.book.positions.get(&order.position)?;
    let (mut market, mut position) = (look.book.market.state, held.account.state);
    market.expire_order(&mut position, &order.state, look.at).ok()?;
    let action = Action::Expire { order: reference(order), address };
    Some(look.task(action, Sats::ZERO, true, stamp((filed.slot, held.slot, look.book.slot))))
}

fn reference(order: &Order) -> OrderRef {
    OrderRef { position: order.position, id: order.state.id, payer: order.payer }
}
