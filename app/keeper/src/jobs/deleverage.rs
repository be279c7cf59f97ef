//! Profit on paper that has come too near to the pool.

use crate::task::{stamp, Action, Task};
use crate::world::Look;
use inverse_perps_engine::units::Sats;

/// Deleverages, or begins to settle the market, where the sync does either. Any sync does; this one waits for nobody.
pub(super) fn task(look: &Look) -> Option<Task> {
    let (market, synced) = look.synced.as_ref().ok()?;
    synced.strained?;
    let decided_on = stamp((look.book.slot, market.prices.publish_time.get()));
    Some(look.task(Action::Deleverage, Sats::ZERO, true, decided_on))
}
