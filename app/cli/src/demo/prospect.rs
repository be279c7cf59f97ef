//! What an order may come to: whoever places one looks at what waits before him, as anyone can.

use super::action::Action;
use super::books::{Books, Now, Rehearsal};
use super::venue::Venue;
use anyhow::Result;
use inverse_perps_engine::actions::ExecutionOutcome;
use inverse_perps_engine::oracle::{Moment, RawUpdate};
use inverse_perps_engine::order::{FillUpdate, LEAST_SLOTS};

/// Whether the market order that a seat's plan ends with would fill, after those of the others that wait, if the price stood still.
///
/// # Errors
/// Where the clock leaves its range.
pub fn would_fill(seat: usize, plan: &[Action], venue: &Venue) -> Result<bool> {
    let Ok(mut own) = venue.rehearse(seat, plan) else {
        return Ok(false);
    };
    let (soon, update) = at_fill(venue)?;
    for (other, waiting) in venue.seats.iter().enumerate().filter(|(other, _)| *other != seat) {
        let Some((id, _)) = waiting.pending() else { continue };
        let mut rehearsal = Rehearsal::of(Books { market: own.books.market, ..venue.books(other) });
        if rehearsal.apply(Action::Execute(id, update), &soon).is_ok() {
            own.books.market = rehearsal.books.market;
        }
    }
    let Some(id) = own.books.position.pending_order.checked_sub(1) else {
        return Ok(false);
    };
    let filled = own.apply(Action::Execute(id, update), &soon).is_ok();
    Ok(filled && matches!(own.outcome, Some(ExecutionOutcome::Filled(_))))
}

/// What a keeper will find at T of an order placed now, if the price stands still.
fn at_fill(venue: &Venue) -> Result<(Now, FillUpdate)> {
    let Now { update, at } = *venue.now();
    let delay = venue.market.params.order_delay;
    let soon = RawUpdate { publish_time: update.publish_time.after(delay)?, ..update };
    let at = Moment { time: at.time.after(delay)?, slot: at.slot + LEAST_SLOTS };
    Ok((Now { update: soon, at }, FillUpdate { update: soon, previous_publish_time: update.publish_time }))
}
