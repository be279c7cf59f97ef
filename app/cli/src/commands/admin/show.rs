//! `perps admin show`.

use super::stored_exchange;
use crate::commands::market::terms::status;
use crate::session::words::{from_now, span, utc};
use crate::session::{somebody, Answer, Session};
use anyhow::Result;
use inverse_perps::state::{Exchange, PendingUpdate};
use inverse_perps_engine::units::UnixTime;
use inverse_perps_engine::Params;
use perps::chain::Chain;
use perps::client::{accounts, exchange};
use perps::parameters::changes;
use perps::view::MarketView;
use serde_json::{json, Value};
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Examples:
  perps admin show
  perps admin show --market <ADDRESS> --json";

/// Shows who governs, and of each market, or of the one named, its pause and what waits for the timelock.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(session: &Session, out: &mut dyn Write) -> Result<()> {
    let stored = stored_exchange(session)?;
    let mut answer = governors(&stored);
    let mut list = vec![];
    for address in session.markets()? {
        let market = MarketView::read(&session.chain, &address)?;
        let pending = pending(session, &market)?;
        answer.gap();
        list.push(of_market(&market, pending.as_ref(), &stored, &mut answer));
    }
    answer.field("markets", list);
    answer.write(session.options.json, out)
}

fn governors(stored: &Exchange) -> Answer {
    let mut answer = Answer::new();
    let nominee = Some(stored.pending_admin).filter(|nominee| *nominee != Address::default());
    answer.address("exchange", "exchange", exchange()).address("admin", "admin", stored.admin);
    answer.field("nominee", nominee.map(|nominee| nominee.to_string())).row("nominee", somebody(&stored.pending_admin));
    answer.field("guardian", stored.guardian.to_string()).row("guardian", somebody(&stored.guardian));
    answer.address("fee recipient", "fee_recipient", stored.fee_recipient);
    answer.field("timelock_seconds", stored.timelock_seconds).row("timelock", span(i64::from(stored.timelock_seconds)));
    answer.field("admin_epoch", stored.admin_epoch);
    answer
}

/// A market's proposal; none where there is none.
///
/// # Errors
/// Those of the chain; an account that is no proposal.
pub(super) fn pending(session: &Session, market: &MarketView) -> Result<Option<PendingUpdate>> {
    let found = session.chain.accounts(&[market.keys.pending_update()])?.pop().flatten();
    // Whoever sends lamports to the address makes an account there that is nobody's proposal.
    let proposal = found.filter(|account| !account.data.is_empty());
    proposal.map(|account| accounts::pending_update(&account.data)).transpose()
}

fn of_market(market: &MarketView, pending: Option<&PendingUpdate>, stored: &Exchange, answer: &mut Answer) -> Value {
    let (state, now) = (&market.state, market.moment.time);
    answer.row("market", market.keys.market.to_string()).row("state", status(market));
    if !state.spared_until.is_zero() {
        answer.row("margins raised", format!("older positions keep the lower ratios until {}", utc(state.spared_until.get())));
    }
    let paused_until = Some(state.risk_paused_until).filter(|_| state.ensure_risk_allowed(now).is_err());
    json!({
        "market": market.keys.market.to_string(),
        "state": status(market),
        "risk_paused": paused_until.is_some(),
        "risk_paused_until_unix": paused_until.map(UnixTime::get),
        "spared_until_unix": Some(state.spared_until).filter(|until| !until.is_zero()).map(UnixTime::get),
        "proposal": match pending {
            Some(pending) => of_proposal(market, pending, stored, answer),
            None => {
                answer.row("proposal", "none");
                Value::Null
            }
        },
    })
}

fn of_proposal(market: &MarketView, pending: &PendingUpdate, stored: &Exchange, answer: &mut Answer) -> Value {
    let (proposal, now) = (&pending.state, market.moment.time);
    let alive = pending.ensure_of_admin(stored).is_ok();
    let executable = proposal.ensure_executable(now);
    let state = match executable {
        _ if !alive => "dead: a former admin has made it".to_owned(),
        Ok(()) => format!("can be executed until {}", utc(proposal.expires_at.get())),
        Err(_) if now < proposal.executable_at => {
            let from = proposal.executable_at.get();
            format!("can be executed from {}, {}", utc(from), from_now(from, now.get()))
        }
        Err(rule) => rule.to_string(),
    };
    answer.row("proposal", state);
    let list = tell_changes(&market.state.params, &proposal.params, answer);
    json!({
        "of_present_admin": alive,
        "executable": alive && executable.is_ok(),
        "executable_at_unix": proposal.executable_at.get(),
        "expires_at_unix": proposal.expires_at.get(),
        "payer": pending.payer.to_string(),
        "changes": list,
    })
}

/// What changes, old and new, as rows and for machines.
pub(super) fn tell_changes(old: &Params, new: &Params, answer: &mut Answer) -> Vec<Value> {
    let changed = changes(old, new);
    for field in &changed {
        answer.row(&format!("  {}", field.name), format!("{} -> {}", field.text(old), field.text(new)));
    }
    changed.iter().map(|field| json!({ "name": field.name, "old": field.of(old), "new": field.of(new) })).collect()
}
