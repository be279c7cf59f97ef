//! `perps position`: opens, closes, funds and shows positions.

mod account;
mod close;
mod exits;
pub(crate) mod list;
mod margin;
mod open;
mod opening;
pub(crate) mod prospect;
mod show;
pub(crate) mod summary;

use crate::session::Session;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::io::Write;

/// Examples for `--help`.
const EXAMPLES: &str = "\
Sizes are in dollars, margin in bitcoin. A position account holds margin and at most one position, long or short; an owner has as many as \
he likes, told apart by --sub-account.

Examples:
  perps position open --side short --notional 6000 --margin 0.1
  perps position open --side long --leverage 3 --margin 0.05 --stop 50000 --take-profit 90000
  perps position show
  perps position close";

/// Open, close, fund and show positions
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Open or enlarge a position, with margin, stop and take-profit in the same transaction
    #[command(after_help = open::EXAMPLES)]
    Open(Box<open::Arguments>),
    /// Close a position, or a part of it
    #[command(after_help = close::EXAMPLES)]
    Close(close::Arguments),
    /// Add margin
    #[command(after_help = margin::DEPOSIT_EXAMPLES)]
    Deposit(margin::DepositArguments),
    /// Take margin out
    #[command(after_help = margin::WITHDRAW_EXAMPLES)]
    Withdraw(margin::WithdrawArguments),
    /// Everything about a position: results, health, leverage, greeks, what is due, orders, delegate
    #[command(after_help = show::EXAMPLES)]
    Show(show::Arguments),
    /// The positions of an owner, or all of a market by their distance to liquidation
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
    /// Close an empty position account and get its rent back
    #[command(after_help = account::CLOSE_EXAMPLES)]
    CloseAccount(account::CloseArguments),
    /// Appoint or dismiss a delegate, who trades within a daily budget
    #[command(after_help = account::DELEGATE_EXAMPLES)]
    Delegate(account::DelegateArguments),
}

/// Runs it.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::Open(open) => open::run(open, session, out),
        Action::Close(close) => close::run(close, session, out),
        Action::Deposit(deposit) => margin::deposit(deposit, session, out),
        Action::Withdraw(withdraw) => margin::withdraw(withdraw, session, out),
        Action::Show(show) => show::run(show, session, out),
        Action::List(list) => list::run(list, session, out),
        Action::CloseAccount(close) => account::close(close, session, out),
        Action::Delegate(delegate) => account::delegate(delegate, session, out),
    }
}
