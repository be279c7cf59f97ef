//! The traders: who they are and when they act. What they do is in `turn`.

use super::action::Action;
use super::sizes;
use super::turn;
use super::venue::{Venue, TRADERS};
use anyhow::Result;
use inverse_perps_engine::Direction;
use rand::rngs::StdRng;
use rand::Rng;

/// How somebody picks a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Always long.
    Bull,
    /// Always short.
    Bear,
    /// With the price's distance from its average.
    Momentum,
    /// Against it.
    Contrarian,
    /// Short with a margin worth the whole position: its dollar value stands still.
    Hedger,
}

/// Somebody in the crowd; the seat is the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agent {
    /// How a side is picked.
    pub style: Style,
    /// Notional over margin, when opening.
    pub leverage: u64,
    /// Usual notional, in basis points of the pool.
    pub appetite_bps: u64,
    /// The step before which nothing is opened.
    pub rests_until: usize,
}

/// Everybody with their leverage.
const CROWD: [(Style, u64); TRADERS] = [
    (Style::Hedger, 1),
    (Style::Hedger, 1),
    (Style::Hedger, 1),
    (Style::Bull, 1),
    (Style::Bull, 2),
    (Style::Bull, 3),
    (Style::Bull, 5),
    (Style::Bull, 10),
    (Style::Bull, 15),
    (Style::Bull, 25),
    (Style::Bear, 2),
    (Style::Bear, 5),
    (Style::Bear, 10),
    (Style::Bear, 25),
    (Style::Momentum, 3),
    (Style::Momentum, 8),
    (Style::Momentum, 12),
    (Style::Momentum, 20),
    (Style::Momentum, 35),
    (Style::Contrarian, 4),
    (Style::Contrarian, 10),
    (Style::Contrarian, 18),
    (Style::Contrarian, 25),
    (Style::Contrarian, 40),
];

/// Turns a thousand steps, of each.
const TURNS_PERMILLE: u32 = 80;
/// Deposits into the pool a thousand steps.
const POOL_DEPOSITS_PERMILLE: u32 = 4;

/// Everybody who trades.
pub struct Crowd {
    agents: Vec<Agent>,
}

impl Crowd {
    /// Everybody, with their appetites.
    pub fn gather(venue: &Venue, rng: &mut StdRng) -> Self {
        debug_assert!(venue.seats.len() > CROWD.len());
        let appetite = |rng: &mut StdRng| rng.gen_range(100..=500);
        let agent = |(style, leverage)| Agent { style, leverage, appetite_bps: appetite(rng), rests_until: 0 };
        Self { agents: CROWD.map(agent).to_vec() }
    }

    /// Most of them open a position before the first step.
    ///
    /// # Errors
    /// Where the chain's accounts cannot be read.
    pub fn arrive(&mut self, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
        for (seat, agent) in self.agents.iter().enumerate() {
            if rng.gen_ratio(3, 4) {
                turn::open(seat, agent, venue, rng)?;
            }
        }
        Ok(())
    }

    /// Those whose whole position was liquidated come back with fresh margin, but not at once.
    pub fn take_losses(&mut self, step: usize, wiped_out: &[usize], rng: &mut StdRng) {
        for seat in wiped_out {
            if let Some(agent) = self.agents.get_mut(*seat) {
                agent.rests_until = step + rng.gen_range(4..=96);
            }
        }
    }

    /// Lets everybody act who wants to at this step.
    ///
    /// # Errors
    /// Where the chain's accounts cannot be read.
    pub fn trade(&mut self, step: usize, venue: &mut Venue, rng: &mut StdRng) -> Result<()> {
        for (seat, agent) in self.agents.iter().enumerate() {
            if !rng.gen_ratio(TURNS_PERMILLE, 1_000) {
                continue;
            }
            if !venue.is_flat(seat) {
                turn::manage(seat, agent, venue, rng)?;
            } else if step >= agent.rests_until {
                turn::sit_out_or_open(seat, agent, venue, rng)?;
            }
        }
        if rng.gen_ratio(POOL_DEPOSITS_PERMILLE, 1_000) {
            let (provider, pool) = (venue.provider(), venue.market.ledger.pool);
            venue.attempt(provider, Action::Provide(sizes::permille(pool, rng.gen_range(1..=20))))?;
        }
        Ok(())
    }
}

impl Agent {
    /// The side to open.
    pub fn side(&self, venue: &Venue) -> Direction {
        let rising = venue.price() >= venue.average();
        let long = match self.style {
            Style::Bull => true,
            Style::Bear | Style::Hedger => false,
            Style::Momentum => rising,
            Style::Contrarian => !rising,
        };
        if long {
            Direction::Long
        } else {
            Direction::Short
        }
    }
}
