//! One trader's turn. Every choice is rehearsed, so what the rules forbid is simply not done.

use super::action::Action;
use super::crowd::Agent;
use super::sizes;
use super::venue::Venue;
use anyhow::Result;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::margin::initial_ratio;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::units::{Notional, Ppb, Sats};
use inverse_perps_engine::Error;
use rand::rngs::StdRng;
use rand::Rng;

/// What fee, surcharge and spread may take of a new position's value before its margin is judged.
const COSTS: Ppb = Ppb::new(6_000_000);
/// Sizes tried when opening, each half of the one before.
const HALVINGS: usize = 3;

/// Somebody without a position: mostly opens one, sometimes takes margin out or pays some in.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn sit_out_or_open(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let margin = venue.seats[seat].position.margin;
    match rng.gen_range(0..100) {
        0..70 => open(seat, agent, venue, rng),
        70..90 => venue.attempt(seat, Action::Withdraw(sizes::permille(margin, rng.gen_range(100..=1_000)))).map(drop),
        _ => venue.attempt(seat, Action::Deposit(sizes::permille(margin, 100))).map(drop),
    }
}

/// Opens a position of the usual size, or of the half or the quarter where the pool has no room for more, after paying in the margin that is missing. Neither is done if both cannot be.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn open(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let bps = agent.appetite_bps * rng.gen_range(50..=150) / 100;
    let params = venue.market.params;
    let Some(notional) = sizes::part_of_pool(venue.market.ledger.pool, venue.price(), bps, &params) else {
        return Ok(());
    };
    let mut size = Some(notional);
    for _ in 0..HALVINGS {
        let Some(notional) = size else { break };
        let wanted = margin_for(notional, agent.leverage, venue)?;
        let missing = wanted.less_or_zero(venue.seats[seat].position.margin);
        if increase(seat, agent, notional, missing, venue)? {
            break;
        }
        size = sizes::percent_of(notional, 50, &params);
    }
    Ok(())
}

/// Adds a quarter of the usual size, half of the time with margin for it.
fn enlarge(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let params = venue.market.params;
    let Some(notional) = sizes::part_of_pool(venue.market.ledger.pool, venue.price(), agent.appetite_bps / 4, &params) else {
        return Ok(());
    };
    let backed = rng.gen_bool(0.5);
    let extra = if backed { margin_for(notional, agent.leverage, venue)? } else { Sats::ZERO };
    increase(seat, agent, notional, extra, venue).map(drop)
}

/// Whether it could be done.
fn increase(seat: usize, agent: &Agent, notional: Notional, deposit: Sats, venue: &mut Venue) -> Result<bool> {
    let direction = venue.seats[seat].position.open_direction().unwrap_or_else(|| agent.side(venue));
    let mut plan = vec![Action::Increase(direction, notional)];
    if !deposit.is_zero() {
        plan.insert(0, Action::Deposit(deposit));
    }
    let possible = venue.rehearse(seat, &plan).is_ok();
    if possible {
        for action in plan {
            venue.attempt(seat, action)?;
        }
    }
    Ok(possible)
}

/// Margin for a leverage, at least initial margin and costs.
fn margin_for(notional: Notional, leverage: u64, venue: &Venue) -> Result<Sats> {
    let value = notional.value_at(venue.price(), Rounding::Ceil)?;
    let share = Ppb::ONE.scaled(1, leverage, Rounding::Ceil)?;
    let least = initial_ratio(&venue.market.params.margin_ratios(), notional)?;
    Ok(value.times(share.max(least).plus(COSTS)?, Rounding::Ceil)?)
}

/// Somebody with a position: adds, reduces, closes, pays in, takes out; more margin first where it gets tight.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn manage(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let margin = venue.seats[seat].position.margin;
    if is_tight(seat, venue) && rng.gen_bool(0.5) {
        return venue.attempt(seat, Action::Deposit(sizes::permille(margin, rng.gen_range(200..=600)))).map(drop);
    }
    let action = match rng.gen_range(0..100) {
        0..20 => return enlarge(seat, agent, venue, rng),
        20..45 => match part_of(seat, rng.gen_range(10..=70), venue)? {
            Some(part) => Action::Decrease(DecreaseSize::Part(part)),
            None => Action::Decrease(DecreaseSize::Whole),
        },
        45..70 => Action::Decrease(DecreaseSize::Whole),
        70..80 => Action::Deposit(sizes::permille(margin, rng.gen_range(50..=300))),
        80..95 => Action::Withdraw(sizes::permille(margin, rng.gen_range(10..=300))),
        _ => return Ok(()),
    };
    venue.attempt(seat, action).map(drop)
}

fn part_of(seat: usize, percent: u64, venue: &Venue) -> Result<Option<Notional>> {
    let position = &venue.seats[seat].position;
    let Some(direction) = position.open_direction() else {
        return Ok(None);
    };
    let notional = position.notional(venue.market.side(direction))?;
    Ok(sizes::percent_of(notional, percent, &venue.market.params))
}

/// Whether not one satoshi could be taken out: margin less loss on paper is at or below initial margin.
fn is_tight(seat: usize, venue: &Venue) -> bool {
    venue.rehearse(seat, &[Action::Withdraw(Sats::new(1))]).err() == Some(Error::MarginBelowInitial)
}
