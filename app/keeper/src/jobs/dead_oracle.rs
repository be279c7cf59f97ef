//! When no usable price comes any more. Each step is one that anyone may take; the engine says which is due.

use crate::task::{stamp, Action, Task};
use crate::world::Look;
use inverse_perps_engine::units::Sats;

/// The next step towards settling a market whose oracle is dead. A price that the market takes comes before all of them: then the market
/// was merely forgotten, and bringing it that price (`funding`) is what is due.
pub(super) fn task(look: &Look) -> Option<Task> {
    if look.synced.is_ok() {
        return None;
    }
    let stored = look.book.market.state;
    let due = |action, decided_on| Some(look.task(action, Sats::ZERO, true, decided_on));
    let lifecycle = stamp((stored.lifecycle.declared_dead.get(), stored.lifecycle.settlement_publish_time.get()));
    let mut rehearsed = stored;
    if rehearsed.declare_dead(look.at).is_ok() {
        return due(Action::DeclareDead, lifecycle);
    }
    if rehearsed.settle_dead(look.at).is_ok() {
        return due(Action::SettleMarket, lifecycle);
    }
    rehearsed = stored;
    let update = look.update?;
    rehearsed.show_price(&update, look.at).ok()?;
    due(Action::ShowPrice, stamp((lifecycle, update.publish_time.get())))
}
