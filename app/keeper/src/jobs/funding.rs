//! A price a minute for every market.
//!
//! It accrues funding and borrow fee at the rates that held, it shows the market how far the Clock lags behind the prices, which orders
//! are safe by, and it keeps the oracle from being declared dead; one that is declared dead it revives.

use crate::task::{stamp, Action, Task};
use crate::world::Look;
use inverse_perps_engine::units::{Sats, Seconds};

/// Shows the market its price, if nobody has for so long and it takes the price.
pub(super) fn task(look: &Look, every: Seconds) -> Option<Task> {
    let (_, synced) = look.synced.as_ref().ok()?;
    let state = &look.book.market.state;
    let rested = look.at.time.seconds_since(state.last_accrual).ok()?;
    let is_due = rested >= i64::from(every.get()) || synced.revived;
    let decided_on = stamp((state.last_accrual.get(), state.lifecycle.declared_dead.get()));
    is_due.then(|| look.task(Action::Accrue, Sats::ZERO, true, decided_on))
}
