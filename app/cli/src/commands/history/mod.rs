//! `perps history`: what happened, decoded, newest first.

mod line;
mod read;
pub(crate) mod totals;

pub(crate) use read::{newest, Entry};

use crate::session::words::utc;
use crate::session::{Answer, Session};
use anyhow::{ensure, Result};
use clap::Args;
use inverse_perps::state::Position;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::client::events::{Event, NAMES};
use serde_json::{json, Value};
use solana_address::Address;
use solana_signature::Signature;
use std::io::Write;
use totals::Totals;

/// Examples for `--help`.
const EXAMPLES: &str = "\
Of an owner or a position, what concerns it is shown; of a market, everything. The sums are over the transactions read. A closed position \
account is found by its address (--position), or by what its owner has signed.

Examples:
  perps history
  perps history --limit 5 --json
  perps history --whole-market --events OrderFilled,PositionLiquidated --limit 50";

/// What happened to whom.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Whose [default: the signer's]
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["position", "whole_market"])]
    owner: Option<Address>,
    /// One position account
    #[arg(long, value_name = "ADDRESS", conflicts_with = "whole_market")]
    position: Option<Address>,
    /// The whole market
    #[arg(long)]
    whole_market: bool,
    /// How many transactions to read, newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// Only transactions older than this one
    #[arg(long, value_name = "SIGNATURE")]
    before: Option<Signature>,
    /// Only events of these names, such as OrderFilled
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    events: Vec<String>,
}

/// Whose history.
struct Subject {
    /// Addresses whose transactions are read.
    addresses: Vec<Address>,
    /// An event concerns it if it names one of these; all do where there are none.
    named: Vec<Address>,
    /// The positions to sum up.
    positions: Vec<Address>,
}

/// Shows what happened.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    for name in &arguments.events {
        ensure!(NAMES.contains(&name.as_str()), "--events {name}: there is no such event; there are {}", NAMES.join(", "));
    }
    let subject = arguments.subject(session)?;
    let most = usize::from(arguments.limit);
    let mut entries = newest(&session.chain, &subject.addresses, arguments.before, most)?;
    let totals = subject.totals(&entries)?;
    let oldest = entries.last().map(|entry| (entry.landed.signature, entry.landed.time));
    let read = entries.len();
    for entry in &mut entries {
        entry.events.retain(|event| subject.concerns(event) && arguments.chooses(event));
    }
    // What the program did to others is not shown, and what it refused only to who asked for it.
    let refusals = arguments.events.is_empty() && !arguments.whole_market;
    entries.retain(|entry| !entry.events.is_empty() || (refusals && entry.landed.refusal.is_some()));
    if session.options.json {
        let list: Vec<Value> = entries.iter().map(Entry::fields).collect();
        let mut answer = json!({ "transactions": list, "read": read });
        answer["before"] = if read < most { Value::Null } else { oldest.map(|(signature, _)| signature.to_string()).into() };
        answer["totals"] = totals.as_ref().map_or(Value::Null, Totals::fields);
        writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
        return Ok(());
    }
    for entry in entries.iter() {
        entry.write(out)?;
    }
    if entries.is_empty() {
        writeln!(out, "Nothing of that kind is in the {read} transactions read.")?;
    }
    let mut answer = Answer::new();
    if let Some(totals) = totals {
        answer.gap();
        totals.tell(&mut answer);
    }
    if let Some((signature, time)) = oldest {
        let back = time.map_or(String::new(), |time| format!(", back to {}", utc(time)));
        answer.row("read", format!("{read} transactions{back}"));
        if read >= most {
            answer.row("older", format!("the same with --before {signature}"));
        }
    }
    answer.write_rows(out)
}

impl Arguments {
    fn subject(&self, session: &Session) -> Result<Subject> {
        if self.whole_market {
            return Ok(Subject { addresses: vec![session.market_address()?], named: vec![], positions: vec![] });
        }
        if let Some(position) = self.position {
            return Ok(Subject { addresses: vec![position], named: vec![position], positions: vec![position] });
        }
        let owner = session.owner(self.owner)?;
        let found = session.chain.program_accounts(&Which::positions_of(owner))?;
        let mut positions = vec![];
        for (address, account) in &found {
            let Position { market, .. } = accounts::position(&account.data)?;
            if session.options.market.is_none_or(|chosen| chosen == market) {
                positions.push(*address);
            }
        }
        let addresses: Vec<Address> = std::iter::once(owner).chain(positions.iter().copied()).collect();
        Ok(Subject { named: addresses.clone(), addresses, positions })
    }

    fn chooses(&self, event: &Event) -> bool {
        self.events.is_empty() || self.events.iter().any(|name| name == event.name())
    }
}

impl Subject {
    fn concerns(&self, event: &Event) -> bool {
        let names: Vec<String> = self.named.iter().map(Address::to_string).collect();
        names.is_empty() || mentions(&event.to_json(), &names)
    }

    fn totals(&self, entries: &[Entry]) -> Result<Option<Totals>> {
        if self.positions.is_empty() {
            return Ok(None);
        }
        Totals::of(entries, &self.positions).map(Some)
    }
}

/// Whether a text anywhere in it is one of these.
fn mentions(value: &Value, names: &[String]) -> bool {
    match value {
        Value::String(text) => names.contains(text),
        Value::Array(items) => items.iter().any(|item| mentions(item, names)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, names)),
        _ => false,
    }
}
