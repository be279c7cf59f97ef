//! The keeper: brings every price to the market, liquidates whatever the engine says can be, and settles a market that must be.

use super::action::Action;
use super::settling;
use super::venue::{Outcome, Venue};
use anyhow::Result;
use inverse_perps_engine::settlement::Status;

/// A position may be cut more than once, but not without end.
const MOST_PASSES: usize = 16;

/// Syncs, then liquidates until nothing is liquidatable. Returns the seats that lost their whole position that way.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn tend(venue: &mut Venue) -> Result<Vec<usize>> {
    let mut wiped_out = Vec::new();
    if !relieve(venue)? {
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
