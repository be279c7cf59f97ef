//! The traders: who they are and when they act. What they do is in `turn`.

use super::turn;
use super::venue::Venue;
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

/// Everybody who trades.
pub struct Crowd {
    agents: Vec<Agent>,
}

impl Crowd {
    /// Everybody, with their appetites.
    pub fn gather(venue: &Venue, rng: &mut StdRng) -> Self {
        let (least, most) = venue.scenario.appetite_bps;
        let agent = |(style, leverage): &(Style, u64)| Agent {
            style: *style,
            leverage: *leverage,
            appetite_bps: rng.gen_range(least..=most),
            rests_until: 0,
        };
        Self { agents: venue.scenario.crowd.iter().map(agent).collect() }
    }

    /// Most of them order a position before the first step.
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
            // Whoever waits for a fill waits.
            if !rng.gen_ratio(venue.scenario.turns_permille, 1_000) || venue.seats[seat].pending().is_some() {
                continue;
            }
            if !venue.is_flat(seat) {
                turn::manage(seat, agent, venue, rng)?;
            } else if step >= agent.rests_until {
                turn::sit_out_or_open(seat, agent, venue, rng)?;
            }
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
