//! `perps admin`: who governs, and what they do.

mod money;
mod params;
mod pause;
mod roles;
mod show;

use crate::session::Session;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use inverse_perps::state::Exchange;
use perps::chain::Chain;
use perps::client::{accounts, exchange};
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  perps admin show
  perps admin propose-params --set initial_margin=250 --set maintenance_margin=125 --dry-run
  perps admin pause
  perps admin collect-fees

docs/governance.md says who can do what, and after how long.";

/// See who governs and what waits for the timelock; propose parameters, pause, hand over, collect fees, give
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Who governs, and of each market its pause and the proposal that waits
    #[command(after_help = show::EXAMPLES)]
    Show,
    /// Propose parameters, as the admin: they can be put in force after the timelock
    #[command(after_help = params::PROPOSE_EXAMPLES)]
    ProposeParams(params::Propose),
    /// Put proposed parameters in force, as the admin, within 14 days after the timelock
    #[command(after_help = params::EXECUTE_EXAMPLES)]
    ExecuteParams,
    /// Withdraw a proposal, as the admin
    #[command(after_help = params::CANCEL_EXAMPLES)]
    CancelParams,
    /// Pause what adds risk for 7 days, as guardian or admin
    #[command(after_help = pause::PAUSE_EXAMPLES)]
    Pause,
    /// Pause what adds risk until it is resumed, as the admin
    #[command(after_help = pause::CONFIRM_EXAMPLES)]
    ConfirmPause,
    /// End a pause, as the admin
    #[command(after_help = pause::RESUME_EXAMPLES)]
    Resume,
    /// Name who may become admin, as the admin
    #[command(after_help = roles::NOMINATE_EXAMPLES)]
    Nominate(roles::Nominate),
    /// Become admin, as the nominee: everything the former one has proposed is dead
    #[command(after_help = roles::ACCEPT_EXAMPLES)]
    Accept,
    /// Name the guardian, as the admin
    #[command(after_help = roles::GUARDIAN_EXAMPLES)]
    SetGuardian(roles::SetGuardian),
    /// Pay the protocol's fees out to their recipient; anyone can
    #[command(after_help = money::COLLECT_EXAMPLES)]
    CollectFees,
    /// Give to insurance; anyone can
    #[command(after_help = money::INSURANCE_EXAMPLES)]
    FundInsurance(money::Gift),
    /// Give to everybody who has a share of the pool; anyone can
    #[command(after_help = money::POOL_EXAMPLES)]
    DonateLiquidity(money::Gift),
}

/// Runs it.
///
/// # Errors
/// The program's refusals; those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    match &arguments.action {
        Action::Show => show::run(session, out),
        Action::ProposeParams(propose) => params::propose(propose, session, out),
        Action::ExecuteParams => params::execute(session, out),
        Action::CancelParams => params::cancel(session, out),
        Action::Pause => pause::pause(session, out),
        Action::ConfirmPause => pause::confirm(session, out),
        Action::Resume => pause::resume(session, out),
        Action::Nominate(nominate) => roles::nominate(nominate, session, out),
        Action::Accept => roles::accept(session, out),
        Action::SetGuardian(set) => roles::set_guardian(set, session, out),
        Action::CollectFees => money::collect(session, out),
        Action::FundInsurance(gift) => money::fund_insurance(gift, session, out),
        Action::DonateLiquidity(gift) => money::donate_liquidity(gift, session, out),
    }
}

/// The exchange as it stands.
pub fn stored_exchange(session: &Session) -> Result<Exchange> {
    let found = session.chain.accounts(&[exchange()])?.pop().flatten();
    let account = found.with_context(|| format!("there is no exchange on {}; is --url right?", session.chain.url()))?;
    accounts::exchange(&account.data)
}
