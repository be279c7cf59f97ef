//! `perps position open`.

use super::exits::Exits;
use super::opening::{Opening, Size};
use crate::commands::order::bound::{tip, Bound, Side};
use crate::commands::order::report::{self, Waiting};
use crate::commands::order::size::{split, MOST_BYTES};
use crate::commands::order::trader::Whose;
use crate::session::{Done, Plan, Session};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps_engine::units::Sats;
use perps::client::events::Event;
use perps::decimal;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Creates the position account if it is missing, adds the margin, places stop and take-profit (of the pair, the one that fills kills the \
other), and opens: all in one transaction. Where the market fills orders only, it then waits for the fill; what is shown before is what it \
would come to at the price of now. The stop closes at any price unless --stop-slippage-bps bounds it; the take-profit within half a \
percent of its trigger. The position of its own account is enlarged if it is open already.

Examples:
  perps position open --side short --notional 6000 --margin 0.1
  perps position open --side long --leverage 3 --margin 0.05 --stop 50000 --take-profit 90000 --sub-account 1
  perps position open --side long --size-btc 0.01 --margin 0.01 --sub-account 2 --slippage-bps 20 --dry-run";

/// What to open.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Long or short
    #[arg(long, value_enum)]
    pub(super) side: Side,
    #[command(flatten)]
    pub(super) size: Size,
    /// Margin to add in the same transaction, from the signer's associated token account
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin_or_zero, allow_negative_numbers = true)]
    pub(super) margin: Option<Sats>,
    #[command(flatten)]
    pub(super) bound: Bound,
    #[command(flatten)]
    pub(super) exits: Exits,
    /// For who fills an order: satoshi, or bitcoin with a point [default: 200 satoshi, within the market's bounds]
    #[arg(long, value_name = "SATS", value_parser = tip, allow_negative_numbers = true)]
    pub(super) tip: Option<Sats>,
    #[command(flatten)]
    pub(super) whose: Whose,
    /// Do not wait for the fill
    #[arg(long)]
    no_wait: bool,
}

/// Opens a position.
///
/// # Errors
/// The program's refusal, an order that does not fill, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let opening = Opening::prepare(arguments, session)?;
    let mut parts = split(&opening.signer, opening.instructions()?);
    let last = parts.pop().context("there is nothing to do")?;
    let count = parts.len().saturating_add(1);
    for (number, instructions) in (1..).zip(parts) {
        let title = format!(
            "prepare that: transaction {number} of {count}, as one has at most {MOST_BYTES} bytes; the last one opens the position"
        );
        let plan = Plan { instructions, watched: opening.watched(), ..Plan::new(title) };
        if matches!(session.carry_out(&opening.held.market, plan, out)?, Done::Simulated) {
            return Ok(()); // the next can only be simulated when this one has landed
        }
    }
    let plan = Plan { instructions: last, watched: opening.watched(), terms: opening.terms()?, ..Plan::new(opening.title()) };
    match opening.order {
        Some(id) => {
            let waiting = if arguments.no_wait { Waiting::ForThePlacing } else { Waiting::ForTheFill };
            report::send(session, &opening.held, plan, id, waiting, out)
        }
        None => at_once(session, &opening, plan, out),
    }
}

/// Opens at the market's price.
fn at_once(session: &Session, opening: &Opening, plan: Plan, out: &mut dyn Write) -> Result<()> {
    let Done::Landed { mut answer, events, .. } = session.carry_out(&opening.held.market, plan, out)? else { return Ok(()) };
    let filled = events.iter().find_map(|event| match event {
        Event::PositionIncreased(event) if event.position == opening.held.address => Some(&event.fill),
        _ => None,
    });
    if let Some(fill) = filled {
        report::fill(&mut answer, fill)?;
    }
    report::after(session, &opening.held, &mut answer)?;
    answer.write(session.options.json, out)
}
