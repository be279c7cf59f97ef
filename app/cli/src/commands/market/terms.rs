//! Figures of a market that several commands show.

use crate::session::words::{share, utc};
use anyhow::Result;
use inverse_perps_engine::funding::funding_rate;
use inverse_perps_engine::pause::UNTIL_RESUMED;
use inverse_perps_engine::reserve::unqueued;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::shares::whole_payout_for;
use inverse_perps_engine::units::{PpbPerDay, Sats};
use perps::view::MarketView;

/// One whole pool share: they have eight decimals.
pub const SHARE: u64 = 100_000_000;

/// What is paid a day, parts per billion of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Longs to shorts; negative, shorts to longs.
    pub funding: PpbPerDay,
    /// Both sides to the pool.
    pub borrow: PpbPerDay,
}

/// Funding and borrow fee as the market stands; nothing before the first price.
///
/// # Errors
/// Those of the engine.
pub fn rates(market: &MarketView) -> Result<Rates> {
    let Some(marks) = market.marks()? else { return Ok(Rates::default()) };
    let funding = funding_rate(&market.state.params, &marks.long, &marks.short)?;
    let borrow = market.rates()?.long.minus(funding)?;
    Ok(Rates { funding, borrow })
}

/// The free pool less what queued shares stand for: what new positions are judged by.
///
/// # Errors
/// Those of the engine.
pub fn backing(market: &MarketView) -> Result<Sats> {
    Ok(unqueued(market.state.free_pool()?, market.state.queued_shares, market.state.pool_shares)?)
}

/// What the pool must be able to pay, of what backs new positions, in parts per billion; none without a pool.
///
/// # Errors
/// Those of the engine.
pub fn utilisation(market: &MarketView) -> Result<Option<i128>> {
    Ok(share(market.requirement()?.get(), backing(market)?.get()))
}

/// What a whole share of the pool is worth to who stays, at the mark; none where nobody has one.
///
/// # Errors
/// Those of the engine.
pub fn share_price(market: &MarketView) -> Result<Option<Sats>> {
    let worth = Sats::new(u64::try_from(market.pool_equity_sats()?).unwrap_or(0));
    match market.state.pool_shares {
        0 => Ok(None),
        supply => Ok(Some(whole_payout_for(SHARE, supply, worth)?)),
    }
}

/// What a market is doing, in words.
pub fn status(market: &MarketView) -> String {
    let state = &market.state;
    let mut words = match state.status() {
        Status::Active => "trading".to_owned(),
        Status::Settling => "settling".to_owned(),
        Status::Closed => "closed".to_owned(),
    };
    if state.lifecycle.is_declared_dead() {
        words.push_str(", oracle declared dead");
    }
    if let Some(pause) = pause(market) {
        words.push_str(", ");
        words.push_str(&pause);
    }
    words
}

/// A pause of what adds risk, in words; none where there is none.
pub fn pause(market: &MarketView) -> Option<String> {
    let state = &market.state;
    match state.risk_paused_until {
        _ if state.ensure_risk_allowed(market.moment.time).is_ok() => None,
        UNTIL_RESUMED => Some("risk paused until the admin resumes".to_owned()),
        until => Some(format!("risk paused until {}", utc(until.get()))),
    }
}
