//! Figures of a market at a moment: what each side and the pool are worth.

use super::counts::SideTally;
use super::venue::Venue;
use anyhow::{Context, Result};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::Quote;
use inverse_perps_engine::{Direction, Market};
use perps::decimal::signed_bitcoin;
use serde::Serialize;

const SHARE: i128 = 100_000_000;

/// The same of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BySide<T> {
    /// Longs.
    pub long: T,
    /// Shorts.
    pub short: T,
}

/// Profit and loss, before fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pnl {
    /// By closing and by being liquidated.
    pub realised_sats: i64,
    /// On paper, at the last price.
    pub unrealised_sats: i64,
}

/// Funding and borrow fee together; positive was paid, negative received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Funding {
    /// Written to positions.
    pub paid_sats: i64,
    /// Accrued, but not yet written to positions; rounded up.
    pub unsettled_sats: i64,
}

/// One side over the run and at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SideReport {
    /// Counted from events.
    #[serde(flatten)]
    pub counted: SideTally,
    /// Positions open.
    pub open_positions: u64,
    /// Their notional, 1e-6 USD.
    pub open_notional_e6: u64,
}

/// Taker fees by who got them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fees {
    /// All.
    pub total_sats: u64,
    /// The pool's.
    pub pool_sats: u64,
    /// Insurance's.
    pub insurance_sats: u64,
    /// The protocol's.
    pub protocol_sats: u64,
}

/// What the pool is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolWorth {
    /// Its equity at the price, satoshi.
    pub equity_sats: i64,
    /// Shares, in 1e-8.
    pub shares: u64,
    /// Bitcoin a share, eight decimals, rounded down.
    pub share_price: String,
}

/// What the pool and its shares are worth at the newest price.
///
/// # Errors
/// Where a sum leaves its range.
pub fn pool_worth(venue: &Venue) -> Result<PoolWorth> {
    let (market, price) = (&venue.market, venue.price());
    let equity_sats = market.pool_equity(&market.marks(Quote::at(price))?, price)?.get();
    let shares = market.pool_shares;
    let share = (i128::from(equity_sats) * SHARE).div_euclid(i128::from(shares.max(1)));
    let share = i64::try_from(share).context("a pool share's price left its range")?;
    Ok(PoolWorth { equity_sats, shares, share_price: signed_bitcoin(share) })
}

/// One side at the end, with what was counted of it.
///
/// # Errors
/// Where a sum leaves its range.
pub fn side_at_end(
    venue: &Venue,
    market: &Market,
    direction: Direction,
    counted: SideTally,
) -> Result<(Pnl, Funding, SideReport)> {
    let side = market.side(direction);
    let figures = side.figures(direction, venue.price())?;
    Ok((
        Pnl { realised_sats: counted.realised_sats, unrealised_sats: figures.profit()? },
        Funding { paid_sats: counted.costs_paid_sats, unsettled_sats: side.cost_owed.to_sats(Rounding::Ceil)?.get() },
        SideReport { counted, open_positions: side.positions, open_notional_e6: figures.notional.get() },
    ))
}
