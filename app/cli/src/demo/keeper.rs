//! The keeper: brings every price to the market, fills and triggers orders, liquidates whatever the engine says can be, and settles a
//! market that must be.

use super::action::Action;
use super::order_books::Held;
use super::seat::Seat;
use super::settling;
use super::venue::{Outcome, Venue};
use anyhow::Result;
use inverse_perps_engine::settlement::Status;
use rand::rngs::StdRng;
use rand::Rng;

/// A position may be cut more than once, but not without end.
const MOST_PASSES: usize = 16;

/// One order in so many the keeper overlooks, at each look.
const OVERLOOKED: u32 = 12;

/// Executes the orders whose first update has been published, with just that one.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn execute(venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    for seat in 0..venue.seats.len() {
        let Some((id, due)) = venue.seats[seat].pending().map(|(id, held)| (id, held.state.due)) else { continue };
        let Some(update) = venue.first_update(due) else { continue };
        if !rng.gen_ratio(1, OVERLOOKED) {
            venue.attempt(seat, Action::Execute(id, update))?;
        }
    }
    Ok(())
}

/// Triggers the resting orders whose price has come.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn trigger(venue: &mut Venue) -> Result<()> {
    for (seat, id) in orders(venue, |venue, held| !held.state.is_pending() && held.state.triggers_at(venue.price())) {
        venue.attempt(seat, Action::Trigger(id))?;
    }
    Ok(())
}

/// Removes the orders that are void or have expired.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn remove_dead(venue: &mut Venue) -> Result<()> {
    for (seat, id) in orders(venue, |_, _| true) {
        venue.attempt(seat, Action::Expire(id))?;
    }
    Ok(())
}

/// Seats and ids of the orders of a kind.
fn orders(venue: &Venue, wanted: impl Fn(&Venue, &Held) -> bool) -> Vec<(usize, u32)> {
    let of = |(number, seat): (usize, &Seat)| {
        let ids = seat.orders.iter().filter(|(_, held)| wanted(venue, held)).map(|(id, _)| (number, *id));
        ids.collect::<Vec<_>>()
    };
    venue.seats.iter().enumerate().flat_map(of).collect()
}

/// Syncs, then liquidates until nothing is liquidatable, and removes the orders that can do nothing any more. Returns the seats that lost their whole position that way.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn tend(venue: &mut Venue) -> Result<Vec<usize>> {
    let mut wiped_out = Vec::new();
    let is_new = venue.market.prices.publish_time < venue.now().update.publish_time;
    if !relieve(venue)? && is_new {
        venue.attempt(venue.scenario.keeper(), Action::Accrue)?;
    }
    for _ in 0..MOST_PASSES {
        if venue.market.status() != Status::Active || !sweep(venue, &mut wiped_out)? {
            break;
        }
        // Bad debt leaves the winners' profit where it was, and less in the pool for it.
        relieve(venue)?;
    }
    if venue.market.status() == Status::Settling {
        settling::settle_market(venue)?;
    }
    remove_dead(venue)?;
    Ok(wiped_out)
}

/// Deleverages or begins to settle, if that is due.
fn relieve(venue: &mut Venue) -> Result<bool> {
    Ok(venue.attempt(venue.scenario.keeper(), Action::Deleverage)? == Outcome::Done)
}

/// Liquidates every position that can be, once. Whether there was one.
fn sweep(venue: &mut Venue, wiped_out: &mut Vec<usize>) -> Result<bool> {
    let mut busy = false;
    for seat in 0..venue.seats.len() {
        if venue.is_flat(seat) || venue.attempt(seat, Action::Liquidate)? != Outcome::Done {
            continue;
        }
        busy = true;
        if venue.is_flat(seat) {
            wiped_out.push(seat);
        }
    }
    Ok(busy)
}
