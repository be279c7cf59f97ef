//! `perps position close-account` and `delegate`.

use crate::commands::order::bound::btc;
use crate::commands::order::trader::Whose;
use crate::session::{Plan, Session, Watched};
use anyhow::{bail, ensure, Result};
use clap::{Args, Subcommand};
use inverse_perps_engine::units::Sats;
use perps::client::instructions::close_position_account;
use perps::client::orders::{revoke_delegate, set_delegate};
use perps::decimal;
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const CLOSE_EXAMPLES: &str = "\
It must be empty: no position, margin, claim or order account.

Examples:
  perps position close-account --sub-account 1";

/// Examples for `--help`.
pub(super) const DELEGATE_EXAMPLES: &str = "\
A delegate trades, places and takes back orders; he does not withdraw, appoint or close the account. His fees, spread and tips of a day \
(UTC) stay within the budget; the losses of his trades are not bounded by it. He passes --owner to the commands of positions and orders.

Examples:
  perps position delegate set 11111111111111111111111111111112 --daily-budget 0.001
  perps position delegate revoke";

/// Which account to close.
#[derive(Debug, Args)]
pub struct CloseArguments {
    /// Which of the owner's positions in the market
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    sub_account: u16,
}

/// Appoint or dismiss.
#[derive(Debug, Args)]
pub struct DelegateArguments {
    #[command(subcommand)]
    action: Delegation,
}

#[derive(Debug, Subcommand)]
enum Delegation {
    /// Appoint a delegate, or give the one there is another budget; the resting orders of another one are void
    #[command(after_help = "Examples:\n  perps position delegate set 11111111111111111111111111111112 --daily-budget 0.001")]
    Set {
        /// Who
        #[arg(value_name = "ADDRESS")]
        delegate: Address,
        /// What he may spend on fees, spread and tips a day
        #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin_or_zero, allow_negative_numbers = true)]
        daily_budget: Sats,
        /// Which of the owner's positions in the market
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        sub_account: u16,
    },
    /// Dismiss the delegate; his resting orders are void, the one that waits is still filled
    #[command(after_help = "Examples:\n  perps position delegate revoke")]
    Revoke {
        /// Which of the owner's positions in the market
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        sub_account: u16,
    },
}

/// Closes an empty account.
///
/// # Errors
/// What is still in it, those of the chain, and a failed write.
pub fn close(arguments: &CloseArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let held = Whose { owner: None, sub_account: arguments.sub_account }.find(session)?;
    let position = held.existing()?;
    let state = &position.state;
    if let Some(open) = &position.outlook {
        bail!("a position of {} USD is open; perps position close comes first", decimal::DOLLARS.short(open.notional.get()));
    }
    ensure!(state.claim.is_zero(), "a claim of {} waits to be redeemed; perps keeper run does that", btc(state.claim));
    ensure!(state.open_orders == 0, "{} order accounts are open; perps order cancel --all comes first", state.open_orders);
    ensure!(state.margin.is_zero(), "{} of margin are in it; perps position withdraw --max comes first", btc(state.margin));
    let mut plan = Plan::new(format!("close position account {}", held.address));
    plan.terms.address("position account", "position", held.address);
    plan.instructions.push(close_position_account(&held.market.keys, signer, held.address));
    plan.watched = vec![Watched::Position(held.address)];
    session.carry_out_and_tell(&held.market, plan, out)
}

/// Appoints or dismisses a delegate.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn delegate(arguments: &DelegateArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let sub_account = match arguments.action {
        Delegation::Set { sub_account, .. } | Delegation::Revoke { sub_account } => sub_account,
    };
    let held = Whose { owner: None, sub_account }.find(session)?;
    let position = held.existing()?;
    let former = Some(position.stored.delegate).filter(|delegate| *delegate != Address::default());
    let (keys, address) = (&held.market.keys, held.address);
    let plan = match arguments.action {
        Delegation::Set { delegate, daily_budget, .. } => {
            ensure!(delegate != signer, "the delegate must be somebody other than the owner");
            let mut plan = Plan::new(format!("let {delegate} trade for position {address}"));
            plan.terms.address("delegate", "delegate", delegate).bitcoin("a day at most", "daily_budget", daily_budget);
            if let Some(former) = former.filter(|former| *former != delegate) {
                plan.terms.address("in place of", "former_delegate", former);
            }
            plan.instructions.push(set_delegate(keys, signer, address, delegate, daily_budget.get()));
            plan
        }
        Delegation::Revoke { .. } => {
            let Some(former) = former else { bail!("position {address} has no delegate") };
            let mut plan = Plan::new(format!("dismiss {former}, who trades for position {address}"));
            plan.terms.address("delegate", "former_delegate", former);
            plan.instructions.push(revoke_delegate(keys, signer, address));
            plan
        }
    };
    session.carry_out_and_tell(&held.market, plan, out)
}
