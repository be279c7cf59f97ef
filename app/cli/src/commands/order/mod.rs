//! `perps order`: places, takes back and lists orders, and follows one until it has filled.

pub(crate) mod bound;
mod cancel;
pub(crate) mod follow;
pub(crate) mod list;
mod place;
pub(crate) mod report;
pub(crate) mod size;
pub(crate) mod stage;
pub(crate) mod trader;

use crate::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;

/// Examples for `--help`.
const EXAMPLES: &str = "\
An order rests until its price comes, or waits for its fill: at the first price published at or after its T, which lies seconds after it \
could last be changed. Whoever executes it gets its tip.

Examples:
  perps order list
  perps order place --type limit --side long --notional 1000 --limit 40000
  perps order place --type stop --side long --close --trigger 45000
  perps order cancel 0";

/// Place, cancel or list orders
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Place a market, limit, stop or take-profit order
    #[command(after_help = place::EXAMPLES)]
    Place(Box<place::Arguments>),
    /// Take resting orders back, and remove dead ones
    #[command(after_help = cancel::EXAMPLES)]
    Cancel(cancel::Arguments),
    /// The orders of a position: what rests, what waits for its fill, what is dead
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
}

pub(crate) use list::open_orders;

/// Runs it.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::Place(place) => place::run(place, session, out),
        Action::Cancel(cancel) => cancel::run(cancel, session, out),
        Action::List(list) => list::run(list, session, out),
    }
}
