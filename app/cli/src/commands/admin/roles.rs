//! `perps admin nominate`, `accept`, `set-guardian`.

use crate::session::{Plan, Session, Watched};
use anyhow::Result;
use clap::Args;
use perps::client::exchange;
use perps::client::governance::{accept_admin, nominate_admin, set_guardian as set_guardian_to};
use solana_address::Address;
use solana_instruction::Instruction;
use std::io::Write;

/// Examples for `--help`.
pub(super) const NOMINATE_EXAMPLES: &str = "\
Nothing changes until the nominee accepts; another nomination takes this one's place.

Examples:
  perps admin nominate <ADDRESS>
  perps admin nominate --nobody";

/// Examples for `--help`.
pub(super) const ACCEPT_EXAMPLES: &str = "\
Examples:
  perps admin accept --keypair nominee.json --dry-run
  perps admin accept --keypair nominee.json";

/// Examples for `--help`.
pub(super) const GUARDIAN_EXAMPLES: &str = "\
The guardian can begin a pause and nothing else.

Examples:
  perps admin set-guardian <ADDRESS>";

/// Who may become admin.
#[derive(Debug, Args)]
pub struct Nominate {
    /// Who
    #[arg(value_name = "ADDRESS", required_unless_present = "nobody")]
    nominee: Option<Address>,
    /// Withdraw the nomination
    #[arg(long, conflicts_with = "nominee")]
    nobody: bool,
}

/// Who is to be guardian.
#[derive(Debug, Args)]
pub struct SetGuardian {
    /// Who
    #[arg(value_name = "ADDRESS")]
    guardian: Address,
}

/// Names who may become admin.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn nominate(arguments: &Nominate, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (admin, nominee) = (session.address()?, arguments.nominee.unwrap_or_default());
    let what = arguments.nominee.map_or_else(
        || "withdraw the nomination of an admin".to_owned(),
        |nominee| format!("nominate {nominee} for admin of the exchange"),
    );
    change(session, what, nominate_admin(admin, nominee), out)
}

/// Makes the nominee admin.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn accept(session: &Session, out: &mut dyn Write) -> Result<()> {
    let nominee = session.address()?;
    change(
        session,
        format!("make {nominee} admin of the exchange; proposals of the former admin are dead"),
        accept_admin(nominee),
        out,
    )
}

/// Names the guardian.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn set_guardian(arguments: &SetGuardian, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (admin, guardian) = (session.address()?, arguments.guardian);
    change(session, format!("make {guardian} guardian of the exchange"), set_guardian_to(admin, guardian), out)
}

fn change(session: &Session, what: String, instruction: Instruction, out: &mut dyn Write) -> Result<()> {
    let mut plan = Plan::new(what);
    plan.instructions = vec![instruction];
    plan.watched = vec![Watched::Exchange(exchange())];
    session.carry_out_alone(plan, out)
}
