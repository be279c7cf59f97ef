//! What no transaction may do, checked after each of them; and an account of every deleveraging.

use super::figures::BySide;
use super::venue::Venue;
use anyhow::{Context, Result};
use inverse_perps::events::Deleveraged;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::units::{FineSats, Sats, Scale};
use inverse_perps_engine::{Direction, Market};
use perps::client::events::Event;
use perps::decimal::{PRICE, SHARE};
use serde::Serialize;

/// What a deleveraging did to one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideShrunk {
    /// Share of every position that closed, up to 18 decimals.
    pub share: String,
    /// How many positions there were.
    pub positions: u64,
    /// Notional that closed, 1e-6 USD.
    pub closed_e6: u64,
    /// What it pays: reserved in the pool until each position is touched.
    pub payout_sats: i64,
}

/// One deleveraging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deleveraging {
    /// When.
    pub unix_time: i64,
    /// The market's index.
    pub market: u16,
    /// At what price, USD.
    pub price: String,
    /// Both sides' profit on paper before.
    pub profit_sats: u64,
    /// What the pool could pay of it.
    pub free_pool_sats: u64,
    /// What it did to each side.
    #[serde(flatten)]
    pub sides: BySide<SideShrunk>,
    /// Whether every position of a side closed by the same share.
    pub shares_equal: bool,
}

/// Looks at the events of the last transaction. `before` is the market that it found, `touched` the seat whose position it changed
/// by itself.
///
/// # Errors
/// Where accounts cannot be read or figures leave their range.
pub fn hold_to_promises(venue: &mut Venue, before: &Market, touched: Option<usize>) -> Result<()> {
    let seen = std::mem::take(&mut venue.seen);
    for event in &seen {
        match event {
            Event::Deleveraged(event) => {
                let deleveraging = Deleveraging::of(venue, before, event, touched)?;
                if !deleveraging.shares_equal {
                    venue.tally.broke("a deleveraging closed other shares of some positions than of others".to_owned());
                }
                venue.tally.deleveragings.push(deleveraging);
            }
            Event::PositionLiquidated(event) => bad_debt(venue, event.uncovered_sats),
            Event::PositionDecreased(event) => bad_debt(venue, event.uncovered_sats),
            Event::OrderFilled(event) => bad_debt(venue, event.uncovered_sats),
            _ => (),
        }
    }
    venue.seen = seen;
    Ok(())
}

/// The pool goes without only where insurance has nothing left, or nothing that it may pay today.
fn bad_debt(venue: &mut Venue, uncovered: Sats) {
    let Market { ledger, insurance_left, .. } = &venue.market;
    if !uncovered.is_zero() && !ledger.insurance.is_zero() && !insurance_left.is_zero() {
        let (fund, left) = (ledger.insurance.get(), insurance_left.get());
        venue.tally.broke(format!("{} sats of bad debt, though insurance had {fund} and might pay {left}", uncovered.get()));
    }
}

/// A side's scale and reservation before and after.
struct Shrinking {
    direction: Direction,
    scales: (Scale, Scale),
    owed: (FineSats, FineSats),
}

impl Deleveraging {
    fn of(venue: &Venue, before: &Market, event: &Deleveraged, touched: Option<usize>) -> Result<Self> {
        let shrinking = |direction, scale, owed| {
            let side = before.side(direction);
            Shrinking { direction, scales: (side.scale, scale), owed: (side.owed, owed) }
        };
        let long = shrinking(Direction::Long, event.long_scale, event.long_owed);
        let short = shrinking(Direction::Short, event.short_scale, event.short_owed);
        Ok(Self {
            unix_time: venue.chain.time(),
            market: venue.chain.market_index(),
            price: PRICE.short(event.price_e8.get()),
            profit_sats: event.profit_sats.get(),
            free_pool_sats: event.free_pool_sats.get(),
            shares_equal: long.is_even(venue, touched)? && short.is_even(venue, touched)?,
            sides: BySide { long: long.describe(before)?, short: short.describe(before)? },
        })
    }
}

impl Shrinking {
    fn describe(&self, before: &Market) -> Result<SideShrunk> {
        let (side, (from, to)) = (before.side(self.direction), self.scales);
        let closed = u128::from(from.get().saturating_sub(to.get())) * u128::from(Scale::ONE.get());
        let share = u64::try_from(closed.checked_div(from.get().into()).unwrap_or(0)).context("a share left its range")?;
        let notional = |scale| side.shares.at(scale)?.notional(Rounding::Floor);
        Ok(SideShrunk {
            share: SHARE.short(share),
            positions: side.positions,
            closed_e6: notional(from)?.minus(notional(to)?)?.get(),
            payout_sats: self.owed.1.minus(self.owed.0)?.to_sats(Rounding::Ceil)?.get(),
        })
    }

    /// Whether the notional of every position of the side, as its account now says, fell as the scale did: a micro-dollar apart at
    /// most, since each is rounded down.
    fn is_even(&self, venue: &Venue, touched: Option<usize>) -> Result<bool> {
        let (from, to) = self.scales;
        for (number, seat) in venue.seats.iter().enumerate() {
            if Some(number) == touched || seat.position.open_direction() != Some(self.direction) {
                continue;
            }
            let found = venue.chain.position(&seat.trader.position)?.state;
            let before = seat.position.shares.at(from)?.notional(Rounding::Floor)?;
            let after = found.shares.at(to)?.notional(Rounding::Floor)?;
            let (expected, real) = (wide(before.get(), to), wide(after.get(), from));
            if expected.abs_diff(real) >= u128::from(from.get()) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn wide(notional_e6: u64, scale: Scale) -> u128 {
    u128::from(notional_e6) * u128::from(scale.get())
}
