//! One trader's turn. Every choice is rehearsed, so what the rules forbid is simply not done.

use super::action::{Action, Placement};
use super::crowd::Agent;
use super::prospect::would_fill;
use super::sizes;
use super::terms;
use super::venue::Venue;
use anyhow::Result;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::margin::initial_ratio;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::order::OrderSize;
use inverse_perps_engine::units::{Notional, Ppb, Sats};
use inverse_perps_engine::Error;
use rand::rngs::StdRng;
use rand::Rng;

/// What fee, surcharge and spread may take of a new position's value before its margin is judged.
const COSTS: Ppb = Ppb::new(6_000_000);
/// Sizes tried when opening, each half of the one before.
const HALVINGS: usize = 3;

/// Somebody without a position: mostly orders one, sometimes takes margin out or pays some in.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn sit_out_or_open(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    tidy(seat, venue, rng)?;
    let margin = venue.seats[seat].position.margin;
    match rng.gen_range(0..100) {
        0..56 => open(seat, agent, venue, rng),
        56..70 => rest(seat, agent, venue, rng),
        70..90 => venue.attempt(seat, Action::Withdraw(sizes::permille(margin, rng.gen_range(100..=1_000)))).map(drop),
        _ => venue.attempt(seat, Action::Deposit(sizes::permille(margin, 100))).map(drop),
    }
}

/// Mostly takes back what was to close a position that is gone; the rest expires.
fn tidy(seat: usize, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let orders = venue.seats[seat].orders.iter();
    let left: Vec<u32> = orders.filter(|(_, held)| held.state.reduce_only != 0).map(|(id, _)| *id).collect();
    for id in left {
        if rng.gen_bool(0.7) {
            venue.attempt(seat, Action::Cancel(id))?;
        }
    }
    Ok(())
}

/// What somebody wants more of a side, and the margin that is to be paid in for it.
#[derive(Clone, Copy)]
struct Wish {
    notional: Notional,
    deposit: Sats,
    /// Whether it is ordered without a look at what the pool has room for.
    heedless: bool,
}

/// Orders a position of the usual size, or of the half or the quarter where the pool has no room for more, after paying in the margin that
/// is missing. Neither is done if both cannot be.
///
/// # Errors
/// Where the chain's accounts cannot be read.
pub fn open(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let heedless = rng.gen_ratio(1, 12);
    let mut size = usual_size(agent, venue, rng);
    for _ in 0..HALVINGS {
        let Some(notional) = size else { break };
        let deposit = missing(seat, notional, agent, venue)?;
        if increase(seat, agent, Wish { notional, deposit, heedless }, venue, rng)? {
            break;
        }
        size = sizes::percent_of(notional, 50, &venue.market.params);
    }
    Ok(())
}

/// Has an order rest that opens a position at a better price, with the margin for it.
fn rest(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let Some(notional) = usual_size(agent, venue, rng) else {
        return Ok(());
    };
    let deposit = missing(seat, notional, agent, venue)?;
    let request = terms::limit(agent.side(venue), notional, terms::tip(notional, venue)?, venue, rng)?;
    let id = venue.seats[seat].position.next_order;
    let place = Action::Place(Placement { id, request, linked_with: None });
    let paid_in = (!deposit.is_zero()).then_some(Action::Deposit(deposit));
    let plan: Vec<Action> = paid_in.into_iter().chain([place]).collect();
    if venue.rehearse(seat, &plan).is_ok() {
        for action in plan {
            venue.attempt(seat, action)?;
        }
    }
    Ok(())
}

fn usual_size(agent: &Agent, venue: &Venue, rng: &mut StdRng) -> Option<Notional> {
    let bps = agent.appetite_bps * rng.gen_range(50..=150) / 100;
    sizes::part_of_pool(venue.market.ledger.pool, venue.price(), bps, &venue.market.params)
}

/// What is to be paid in so that a position of this size and its tips are backed.
fn missing(seat: usize, notional: Notional, agent: &Agent, venue: &Venue) -> Result<Sats> {
    let tips = Sats::new(terms::tip(notional, venue)?.get() * terms::MOST_AT_ONCE);
    let wanted = margin_for(notional, agent.leverage, venue)?.plus(tips)?;
    Ok(wanted.less_or_zero(venue.seats[seat].position.free_margin()?))
}

/// Adds a quarter of the usual size, half of the time with margin for it.
fn enlarge(seat: usize, agent: &Agent, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let params = venue.market.params;
    let Some(notional) = sizes::part_of_pool(venue.market.ledger.pool, venue.price(), agent.appetite_bps / 4, &params) else {
        return Ok(());
    };
    let backed = rng.gen_bool(0.5);
    let deposit = if backed { margin_for(notional, agent.leverage, venue)? } else { Sats::ZERO };
    increase(seat, agent, Wish { notional, deposit, heedless: false }, venue, rng).map(drop)
}

/// Places a market order, for some new positions with a stop and a take-profit before it in the same transaction. Whether it
/// could be done.
fn increase(seat: usize, agent: &Agent, wish: Wish, venue: &mut Venue, rng: &mut StdRng) -> Result<bool> {
    let Wish { notional, deposit, heedless } = wish;
    let open = venue.seats[seat].position.open_direction();
    let direction = open.unwrap_or_else(|| agent.side(venue));
    let tip = terms::tip(notional, venue)?;
    let mut orders = Vec::new();
    if open.is_none() && rng.gen_ratio(venue.scenario.protected_permille, 1_000) {
        orders.extend(terms::protection(seat, direction, tip, venue, rng)?);
    }
    let id = venue.seats[seat].position.next_order + u32::try_from(orders.len())?;
    let request = terms::market(direction, OrderSize::Increase(notional), tip, venue, rng);
    orders.push(Placement { id, request, linked_with: None });
    let orders: Vec<Action> = orders.into_iter().map(Action::Place).collect();
    let paid_in = (!deposit.is_zero()).then_some(Action::Deposit(deposit));
    let plan: Vec<Action> = paid_in.into_iter().chain(orders.iter().copied()).collect();
    let possible = if heedless { venue.rehearse(seat, &plan).is_ok() } else { would_fill(seat, &plan, venue)? };
    if possible {
        if let Some(action) = paid_in {
            venue.attempt(seat, action)?;
        }
        venue.attempt_all(seat, &orders)?;
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
        0..18 => return enlarge(seat, agent, venue, rng),
        18..40 => {
            let part = part_of(seat, rng.gen_range(10..=70), venue)?;
            return reduce(seat, part.map_or(DecreaseSize::Whole, DecreaseSize::Part), venue, rng);
        }
        40..62 => return reduce(seat, DecreaseSize::Whole, venue, rng),
        62..71 => Action::Deposit(sizes::permille(margin, rng.gen_range(50..=300))),
        71..84 => Action::Withdraw(sizes::permille(margin, rng.gen_range(10..=300))),
        84..92 => return protect(seat, venue, rng),
        92..96 => match venue.seats[seat].orders.keys().next() {
            Some(oldest) => Action::Cancel(*oldest),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    venue.attempt(seat, action).map(drop)
}

/// Places a market order to reduce or close.
fn reduce(seat: usize, size: DecreaseSize, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let position = venue.seats[seat].position;
    let Some(direction) = position.open_direction() else {
        return Ok(());
    };
    let notional = match size {
        DecreaseSize::Part(notional) => notional,
        DecreaseSize::Whole => position.notional(venue.market.side(direction))?,
    };
    let request = terms::market(direction, OrderSize::Reduce(size), terms::tip(notional, venue)?, venue, rng);
    let place = Action::Place(Placement { id: position.next_order, request, linked_with: None });
    venue.attempt(seat, place).map(drop)
}

/// Places a stop and a take-profit for a position that has no orders.
fn protect(seat: usize, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
    let position = venue.seats[seat].position;
    let Some(direction) = position.open_direction().filter(|_| venue.seats[seat].orders.is_empty()) else {
        return Ok(());
    };
    let tip = terms::tip(position.notional(venue.market.side(direction))?, venue)?;
    let pair = terms::protection(seat, direction, tip, venue, rng)?.map(Action::Place);
    venue.attempt_all(seat, &pair).map(drop)
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
