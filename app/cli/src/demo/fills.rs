//! Between two steps: the prices that orders fill at are published, and the keeper is there.

use super::feed::{self, Step};
use super::keeper;
use super::mischief::Mischief;
use super::venue::Venue;
use anyhow::Result;
use rand::rngs::StdRng;

/// How much later the keeper looks again for what he has missed.
const SECOND_LOOK_SECONDS: u32 = 8;

/// Publishes the price at T of the orders that wait, on the way to the next step, and another if some are left; where the next step
/// is sooner than that, they wait for it. Returns the seats that lost their whole position.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn fill(venue: &mut Venue, next: &Step, mischief: &mut Mischief, rng: &mut StdRng) -> Result<Vec<usize>> {
    let mut wiped_out = Vec::new();
    for (looks, wait) in [venue.market.params.order_delay.get(), SECOND_LOOK_SECONDS].into_iter().enumerate() {
        let left = u32::try_from(next.unix_time - venue.chain.time())?;
        if wait >= left || !venue.seats.iter().any(|seat| seat.pending().is_some()) {
            break;
        }
        let tick = feed::on_the_way(venue.tick(), next.tick.price_e8, (wait, left), rng)?;
        venue.publish(wait, tick)?;
        if looks > 0 {
            mischief.try_a_later_update(venue)?;
        }
        // Whoever executes brings the price to the market, and what it deleverages or settles.
        keeper::execute(venue, rng)?;
        wiped_out.extend(keeper::tend(venue)?);
    }
    Ok(wiped_out)
}
