//! Flat users: margin without a position, which nothing that happens to others may touch.

use super::action::Action;
use super::sizes;
use super::venue::{Outcome, Venue};
use anyhow::Result;

/// Each pays in another part of what a pool opens with.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn park(venue: &mut Venue) -> Result<()> {
    let pool = venue.scenario.pool_deposit(venue.price());
    for (number, seat) in (1..).zip(venue.scenario.flat_users()) {
        let margin = sizes::permille(pool, 7 * number);
        if venue.attempt(seat, Action::Deposit(margin))? == Outcome::Done {
            venue.seats[seat].parked = margin;
        }
    }
    Ok(())
}
