//! What shares are worth: the engine's own deposits and withdrawals, on a copy.

use inverse_perps_engine::errors::Error;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::shares::whole_payout_for;
use inverse_perps_engine::units::{Sats, Seconds};
use perps::bisect::greatest;
use perps::view::MarketView;

/// The shares that a deposit would get now.
///
/// # Errors
/// The rule that refuses it.
pub fn shares_for(market: &MarketView, amount: Sats) -> Result<u64, Error> {
    let (marks, mut state) = (market.marks_for(PriceUse::Liquidity)?, market.state);
    state.deposit_liquidity(amount, 0, &marks, market.moment)
}

/// What shares would be paid if they could leave now: the cool-down alone is forgotten.
///
/// # Errors
/// The rule that refuses it, such as `ReserveExceeded`.
pub fn leaving(market: &MarketView, shares: u64) -> Result<Sats, Error> {
    let mut state = market.state;
    let mut request = state.request_withdrawal(shares, market.moment)?;
    request.cool_down = Seconds::ZERO;
    paid(market, state, &request)
}

/// What a withdrawal that is queued would be paid now.
///
/// # Errors
/// The rule that refuses it, such as `CoolDownNotOver`.
pub fn queued(market: &MarketView, withdrawal: &Withdrawal) -> Result<Sats, Error> {
    paid(market, market.state, withdrawal)
}

fn paid(market: &MarketView, mut state: inverse_perps_engine::Market, withdrawal: &Withdrawal) -> Result<Sats, Error> {
    let marks = match market.state.status() {
        Status::Active => Some(market.marks_for(PriceUse::Liquidity)?),
        Status::Settling | Status::Closed => None,
    };
    state.complete_withdrawal(withdrawal, Sats::ZERO, marks.as_ref(), market.moment)
}

/// What shares are worth to who stays: their part of the pool's equity at the mark.
///
/// # Errors
/// `Overflow`.
pub fn staying(market: &MarketView, shares: u64) -> anyhow::Result<Sats> {
    let worth = Sats::new(u64::try_from(market.pool_equity_sats()?).unwrap_or(0));
    match market.state.pool_shares {
        0 => Ok(Sats::ZERO),
        supply => Ok(whole_payout_for(shares, supply, worth)?),
    }
}

/// The fewest shares that are paid at least so much if they left now.
///
/// # Errors
/// The rule that keeps all of `most` from it.
pub fn shares_worth(market: &MarketView, amount: Sats, most: u64) -> Result<Option<u64>, Error> {
    if leaving(market, most)? < amount {
        return Ok(None);
    }
    let too_few = greatest(0, most, |shares| Ok(leaving(market, shares)? < amount))?;
    Ok(Some(too_few.saturating_add(1).min(most)))
}

/// The most of these shares that the reserve would let leave now, and what they would be paid.
pub fn most_leaving(market: &MarketView, shares: u64) -> Option<(u64, Sats)> {
    let most = greatest(0, shares.saturating_add(1), |some| Ok::<_, Error>(leaving(market, some).is_ok())).ok()?;
    leaving(market, most).ok().map(|paid| (most, paid))
}
