//! Those who provide liquidity: they deposit, ask for a withdrawal, wait out the cool-down, and leave if the reserve lets them.

use super::action::Action;
use super::sizes;
use super::venue::{Outcome, Venue};
use anyhow::Result;
use inverse_perps_engine::units::Sats;
use rand::rngs::StdRng;
use rand::Rng;

/// Deposits a thousand steps, of each, for no particular reason.
const DEPOSITS_PERMILLE: u32 = 4;
/// Requests a thousand steps, of each, for no particular reason.
const REQUESTS_PERMILLE: u32 = 2;
/// What a pool that is to be kept at its size may be worth, in thousandths of that size.
const KEPT_PERMILLE: std::ops::Range<u128> = 700..1_400;

/// Lets everybody act who wants to at this step. Whose window has passed gets the shares back from the keeper.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn act(venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    for seat in venue.scenario.providers() {
        if venue.seats[seat].withdrawal.is_some() {
            if venue.attempt(seat, Action::Return)? != Outcome::Done {
                venue.attempt(seat, Action::Complete)?;
            }
        } else {
            consider(seat, venue, rng)?;
        }
    }
    Ok(())
}

fn consider(seat: usize, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let pool = venue.market.ledger.pool;
    let full = venue.scenario.pool_deposit(venue.price());
    if venue.market.pool_shares == 0 {
        // A new market has a first provider.
        return venue.attempt(seat, Action::Provide(full)).map(drop);
    }
    if venue.scenario.is_pool_kept {
        let worth = u128::from(pool.get()) * 1_000 / u128::from(full.get().max(1));
        if worth < KEPT_PERMILLE.start && rng.gen_ratio(1, 20) {
            return venue.attempt(seat, Action::Provide(full.less_or_zero(pool))).map(drop);
        }
        if worth >= KEPT_PERMILLE.end && rng.gen_ratio(1, 10) {
            return request(seat, 500, venue);
        }
    }
    match rng.gen_range(0..1_000) {
        n if n < DEPOSITS_PERMILLE => {
            venue.attempt(seat, Action::Provide(sizes::permille(pool, rng.gen_range(1..=20)))).map(drop)
        }
        n if n < DEPOSITS_PERMILLE + REQUESTS_PERMILLE => request(seat, rng.gen_range(50..=300), venue),
        _ => Ok(()),
    }
}

/// Asks for so many thousandths of the shares that a seat holds.
fn request(seat: usize, permille: u64, venue: &mut Venue) -> Result<()> {
    let held = Sats::new(venue.chain.tokens(&venue.seats[seat].shares)?);
    venue.attempt(seat, Action::Request(sizes::permille(held, permille).get())).map(drop)
}

/// Everybody leaves a closed market: what is in the queue first, then the rest.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn leave(venue: &mut Venue) -> Result<()> {
    for seat in venue.scenario.providers() {
        if venue.seats[seat].withdrawal.is_some() {
            venue.attempt(seat, Action::Complete)?;
        }
        request(seat, 1_000, venue)?;
        if venue.seats[seat].withdrawal.is_some() {
            venue.attempt(seat, Action::Complete)?;
        }
    }
    Ok(())
}
