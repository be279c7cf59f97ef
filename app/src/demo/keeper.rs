//! The keeper: reads positions, and liquidates whatever the engine says can be.

use super::action::Action;
use super::venue::{Outcome, Venue};
use anyhow::Result;

/// A position may be cut more than once, but not without end.
const MOST_PASSES: usize = 16;

/// Liquidates until nothing is liquidatable. Returns the seats that lost their whole position.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn sweep(venue: &mut Venue) -> Result<Vec<usize>> {
    let mut wiped_out = Vec::new();
    for _ in 0..MOST_PASSES {
        let mut idle = true;
        for seat in 0..venue.seats.len() {
            if venue.is_flat(seat) || venue.attempt(seat, Action::Liquidate)? != Outcome::Done {
                continue;
            }
            idle = false;
            if venue.is_flat(seat) {
                wiped_out.push(seat);
            }
        }
        if idle {
            break;
        }
    }
    Ok(wiped_out)
}

/// Accrues funding and borrow fee.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn accrue(venue: &mut Venue) -> Result<()> {
    let keeper = venue.keeper();
    venue.attempt(keeper, Action::Accrue).map(drop)
}
