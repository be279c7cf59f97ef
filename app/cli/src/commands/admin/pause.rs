//! `perps admin pause`, `confirm-pause`, `resume`.

use crate::session::{Plan, Session, Watched};
use anyhow::Result;
use perps::client::governance::{confirm_pause, pause_risk, resume_risk};
use perps::client::MarketKeys;
use solana_address::Address;
use solana_instruction::Instruction;
use std::io::Write;

/// Examples for `--help`.
pub(super) const PAUSE_EXAMPLES: &str = "\
Increases, orders that add risk and deposits to the pool stop; closing, liquidating, every withdrawal go on. After it lapses the next one can \
begin 7 days later, unless the admin has resumed.

Examples:
  perps admin pause --keypair guardian.json --dry-run
  perps admin pause --keypair guardian.json --yes";

/// Examples for `--help`.
pub(super) const CONFIRM_EXAMPLES: &str = "\
Ends a running pause's term, or begins one without a term.

Examples:
  perps admin confirm-pause --keypair admin.json";

/// Examples for `--help`.
pub(super) const RESUME_EXAMPLES: &str = "\
After this a pause can be begun at once.

Examples:
  perps admin resume --keypair admin.json";

/// Pauses what adds risk for 7 days.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn pause(session: &Session, out: &mut dyn Write) -> Result<()> {
    change(session, "pause what adds risk for 7 days", pause_risk, out)
}

/// Pauses what adds risk until it is resumed.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn confirm(session: &Session, out: &mut dyn Write) -> Result<()> {
    change(session, "pause what adds risk until it is resumed", confirm_pause, out)
}

/// Ends a pause.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn resume(session: &Session, out: &mut dyn Write) -> Result<()> {
    change(session, "end the pause of what adds risk", resume_risk, out)
}

fn change(
    session: &Session,
    what: &str,
    instruction: fn(&MarketKeys, Address) -> Instruction,
    out: &mut dyn Write,
) -> Result<()> {
    let market = session.market()?;
    let mut plan = Plan::new(format!("{what} in the market {}", market.keys.market));
    plan.instructions = vec![instruction(&market.keys, session.address()?)];
    plan.watched = vec![Watched::Governed(market.keys.market)];
    session.carry_out_and_tell(&market, plan, out)
}
