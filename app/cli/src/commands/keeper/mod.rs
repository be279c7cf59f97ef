//! `perps keeper`: the daemon that keeps markets, and what it needs.

mod check;
mod logs;
mod run;

use crate::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  perps keeper check
  perps keeper run
  perps keeper run --jobs liquidations,orders --metrics 127.0.0.1:9464 --log-format json
  perps keeper run --once --dry-run

docs/operations.md is for who runs one.";

/// Liquidate, fill orders, accrue, settle, for what that pays; or see whether everything for it is there
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keep all markets, or the one named, until it is stopped
    #[command(after_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// See whether everything is there that a keeper needs: node, websocket, money, prices
    #[command(after_help = check::EXAMPLES)]
    Check,
}

/// Runs it.
///
/// # Errors
/// What a keeper cannot do without; those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::Run(arguments) => run::run(arguments, session, out),
        Action::Check => check::run(session, out),
    }
}
