//! What a position would be after a trade at the prices of now: the engine's own trade, on a copy.
//!
//! An order fills by the same rules seconds later, at a price that nobody knows yet.

use crate::commands::order::bound::slipped;
use crate::commands::order::trader::new_position;
use anyhow::Result;
use inverse_perps::state::Position;
use inverse_perps_engine::actions::{Decrease, DecreaseSize, Filled, Increase};
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::exposure::Standing;
use inverse_perps_engine::fees::{trade_fee, SkewChange};
use inverse_perps_engine::liquidation::Exposed;
use inverse_perps_engine::market::{Fills, Market as State, Marks};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::pnl::entry_value;
use inverse_perps_engine::units::{Notional, Price, Sats, Seconds, UnixTime, DOLLAR, MAX_VALUE};
use inverse_perps_engine::Direction;
use perps::bisect::greatest;
use perps::view::{MarketView, PositionView};
use solana_address::Address;

/// What is put into a position together with a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funding {
    /// Margin that is added.
    pub margin: Sats,
    /// Tips that are reserved, or gone with the fill.
    pub tips: Sats,
}

/// A position after a trade.
pub struct Prospect {
    /// The fill.
    pub filled: Filled,
    /// The position then; its margin still holds the tips.
    pub after: PositionView,
    /// The market then.
    pub market: MarketView,
}

/// The marks that a trade fills at: those of instant trades where the market has them, else those of orders.
///
/// # Errors
/// The rule that refuses the price.
pub fn marks(market: &MarketView, usage: PriceUse) -> Result<Marks, Error> {
    match market.state.fills() {
        Fills::Instant => market.marks_for(usage),
        Fills::OrdersOnly => market.marks_for(PriceUse::Upkeep),
    }
}

/// Funds a settled copy of a position in a copy of the market that fills at once.
fn fund(market: &MarketView, stored: &Position, funding: Funding) -> Result<(State, Position), Error> {
    let (mut state, mut position) = (market.state, *stored);
    if state.fills() == Fills::OrdersOnly {
        state.instant_fills = 1;
        state.params.min_hold = Seconds::ZERO;
    }
    state.settle(&mut position.state)?;
    if !funding.margin.is_zero() {
        state.deposit_collateral(&mut position.state, funding.margin)?;
    }
    position.state.tips = position.state.tips.plus(funding.tips)?;
    if position.state.free_margin().is_err() {
        return Err(Error::MarginBelowTip);
    }
    Ok((state, position))
}

fn prospect(market: &MarketView, address: Address, (state, position, filled): (State, Position, Filled)) -> Result<Prospect> {
    let mut later = market.clone();
    later.state = state;
    Ok(Prospect { filled, after: PositionView::of(&later, address, position)?, market: later })
}

/// Opens or enlarges at the marks, within every rule that the program has for it.
///
/// # Errors
/// The rule that would refuse it, as an `Error` inside; those of the view.
pub fn increase(
    market: &MarketView,
    position: (Address, &Position),
    funding: Funding,
    wanted: &Increase,
) -> Result<std::result::Result<Prospect, Error>> {
    let traded = || {
        let marks = marks(market, PriceUse::Increase)?;
        let (mut state, mut later) = fund(market, position.1, funding)?;
        let filled = state.increase(&mut later.state, wanted, &marks, market.moment)?;
        Ok((state, later, filled))
    };
    traded().map_or_else(|error| Ok(Err(error)), |traded| prospect(market, position.0, traded).map(Ok))
}

/// Reduces or closes at the marks; as an order does, closes where too little would be left.
///
/// # Errors
/// As `increase`.
pub fn decrease(
    market: &MarketView,
    position: &PositionView,
    tips: Sats,
    wanted: &Decrease,
) -> Result<std::result::Result<Prospect, Error>> {
    let traded = || {
        let marks = marks(market, PriceUse::Decrease)?;
        let (mut state, mut later) = fund(market, &position.stored, Funding { margin: Sats::ZERO, tips })?;
        let filled = state.decrease(&mut later.state, wanted, &marks, market.moment)?;
        Ok((state, later, filled))
    };
    traded().map_or_else(|error| Ok(Err(error)), |traded| prospect(market, position.address, traded).map(Ok))
}

/// How much an order to reduce takes: all, where it asks for as much as there is or would leave less than the market's least.
///
/// # Errors
/// Those of the engine.
pub fn reduction(market: &MarketView, position: &PositionView, asked: Notional) -> Result<DecreaseSize, Error> {
    let direction = position.state.ensure_open()?;
    let held = position.state.notional(market.state.side(direction))?;
    let least = asked.plus(market.state.params.min_notional)?;
    Ok(if held < least { DecreaseSize::Whole } else { DecreaseSize::Part(asked) })
}

/// The greatest whole dollars that could be opened, margin, caps and reserve considered.
///
/// # Errors
/// The rule that refuses even the smallest.
pub fn most(market: &MarketView, stored: &Position, funding: Funding, direction: Direction) -> Result<Notional, Error> {
    let marks = marks(market, PriceUse::Increase)?;
    let (state, position) = fund(market, stored, funding)?;
    let accepted = |dollars: u64| {
        let (mut state, mut position) = (state, position.state);
        let notional = Notional::new(dollars.saturating_mul(DOLLAR.get()));
        let limit = Price::new(if direction == Direction::Long { u64::MAX } else { 0 });
        state.increase(&mut position, &Increase { direction, notional, limit }, &marks, market.moment).map(|_| ())
    };
    let held = match position.state.open_direction() {
        Some(open) if open == direction => position.state.notional(state.side(direction))?,
        _ => Notional::ZERO,
    };
    let dollars = |notional: Notional| notional.get() / DOLLAR.get();
    let least = dollars(market.state.params.min_notional.minus(held).unwrap_or(Notional::ZERO)).max(1);
    accepted(least)?;
    let beyond = dollars(market.state.params.max_position_notional).saturating_add(1);
    let most = greatest(least, beyond, |dollars| Ok(accepted(dollars).is_ok()))?;
    Ok(Notional::new(most.saturating_mul(DOLLAR.get())))
}

/// The largest new position that caps and reserve let in, for somebody whose margin is no limit.
///
/// # Errors
/// The rule that lets none in.
pub fn most_of_anyone(market: &MarketView, direction: Direction) -> Result<Notional, Error> {
    let nobody = new_position(market, Address::default(), 0);
    most(market, &nobody, Funding { margin: MAX_VALUE, tips: Sats::ZERO }, direction)
}

/// The greatest whole dollars to open with which notional over equity, fee paid, is at most `leverage_hundredths`.
///
/// # Errors
/// `BelowMinNotional` where that is not a dollar; `OppositeDirection`; those of the price and `Overflow`.
pub fn for_leverage(
    market: &MarketView,
    stored: &Position,
    funding: Funding,
    direction: Direction,
    leverage_hundredths: u32,
) -> Result<Notional, Error> {
    let marks = marks(market, PriceUse::Increase)?;
    let (state, position) = fund(market, stored, funding)?;
    if position.state.open_direction().is_some_and(|open| open != direction) {
        return Err(Error::OppositeDirection);
    }
    let side = state.side(direction);
    let held = Exposed {
        direction,
        notional: position.state.notional(side)?,
        margin: position.state.free_margin()?.signed()?.get(),
        entry_value: position.state.basis.entry_value(side.scale, direction.entry_rounding())?,
    };
    let ratios = state.params.margin_ratios();
    let within = |dollars: u64| -> Result<bool, Error> {
        let added = Notional::new(dollars.saturating_mul(DOLLAR.get()));
        let fee = fee_of(&state, &marks, direction, added)?;
        let fill = marks.quote.fill(direction, true);
        let value = entry_value(direction, added, fill)?.signed()?.get();
        let exposed = Exposed {
            notional: held.notional.plus(added)?,
            margin: held.margin.checked_sub(fee.signed()?.get()).ok_or(Error::Overflow)?,
            entry_value: held.entry_value.checked_add(value).ok_or(Error::Overflow)?,
            ..held
        };
        let most = u128::from(leverage_hundredths).saturating_mul(10_000);
        let found = Standing::of(&exposed, marks.quote.price, &ratios)?.leverage_micro;
        Ok(found.is_some_and(|leverage| leverage <= most))
    };
    match greatest(0, market.state.params.max_position_notional.get() / DOLLAR.get() + 1, within)? {
        0 => Err(Error::BelowMinNotional),
        dollars => Ok(Notional::new(dollars.saturating_mul(DOLLAR.get()))),
    }
}

/// Fee and surcharge of an opening.
fn fee_of(state: &State, marks: &Marks, direction: Direction, added: Notional) -> Result<Sats, Error> {
    let fill = marks.quote.fill(direction, true);
    let (own, other) = match direction {
        Direction::Long => (marks.long.notional, marks.short.notional),
        Direction::Short => (marks.short.notional, marks.long.notional),
    };
    let skew = |own: Notional| Notional::new(own.get().abs_diff(other.get()));
    let change = SkewChange { before: skew(own), after: skew(own.plus(added)?) };
    trade_fee(&state.params, added.value_at(fill, Rounding::Ceil)?, change, fill)
}

/// A price's effect on what can be withdrawn is allowed for: the quote, so many basis points worse on both ends.
pub fn worse(mut marks: Marks, bps: u32) -> Result<Marks> {
    marks.quote.bid = slipped(false, marks.quote.bid, bps)?;
    marks.quote.ask = slipped(true, marks.quote.ask, bps)?;
    Ok(marks)
}

/// The deadline of an instant trade: a minute from now by the chain's clock.
///
/// # Errors
/// `Overflow`.
pub fn deadline(market: &MarketView) -> Result<i64, Error> {
    let now: UnixTime = market.state.prices.now(market.moment.time);
    Ok(now.after(Seconds::new(60))?.get())
}
