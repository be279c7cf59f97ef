//! `perps pool`: liquidity into the pool and out of it.

mod deposit;
mod leave;
mod requests;
mod show;
mod worth;

use crate::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;

/// Examples for `--help`.
const EXAMPLES: &str = "\
The pool is the other side of every trade: it earns fees, spread, borrow fee and what traders lose, and pays what they win. To leave, shares \
are queued; after the cool-down and within the window they are paid at the price of then.

Examples:
  perps pool deposit --btc 0.5
  perps pool show
  perps pool request --all
  perps pool complete";

/// Provide liquidity, leave, and see what a share is worth
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Deposit bitcoin for shares
    #[command(after_help = deposit::EXAMPLES)]
    Deposit(deposit::Arguments),
    /// Queue shares for withdrawal
    #[command(after_help = leave::REQUEST_EXAMPLES)]
    Request(leave::RequestArguments),
    /// Complete a withdrawal whose cool-down is over
    #[command(after_help = leave::COMPLETE_EXAMPLES)]
    Complete(leave::CompleteArguments),
    /// Take queued shares back
    #[command(after_help = leave::CANCEL_EXAMPLES)]
    Cancel(leave::CancelArguments),
    /// The pool, one's shares and what they are worth, and one's withdrawals
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
}

/// Runs it.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::Deposit(deposit) => deposit::run(deposit, session, out),
        Action::Request(request) => leave::request(request, session, out),
        Action::Complete(complete) => leave::complete(complete, session, out),
        Action::Cancel(cancel) => leave::cancel(cancel, session, out),
        Action::Show(show) => show::run(show, session, out),
    }
}
