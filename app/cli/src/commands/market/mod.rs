//! `perps market`: which markets there are, everything about one, and a new one.

pub mod create;
mod list;
mod parameters;
mod show;
pub(crate) mod terms;

use crate::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;

/// Examples for `--help`.
const EXAMPLES: &str = "\
Examples:
  perps market list
  perps market show
  perps market show --json";

/// List markets, show everything about one, or create one
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// All markets: mark, open interest, funding, utilisation, state
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
    /// Everything about a market: price, both sides, pool, reserve, caps, parameters, oracle, state
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
    /// Create a market, as the exchange's admin
    #[command(after_help = create::EXAMPLES)]
    Create(create::Arguments),
}

/// Runs it.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::List(list) => list::run(list, session, out),
        Action::Show(show) => show::run(show, session, out),
        Action::Create(create) => create::run(create, session, out),
    }
}
