//! Reads transactions and decodes their events.

use super::line;
use crate::session::spinner;
use crate::session::words::{ends, utc};
use anyhow::Result;
use perps::chain::{Chain, Landed};
use perps::client::events::{in_logs, Event};
use serde_json::{json, Value};
use solana_address::Address;
use solana_signature::Signature;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::Write;

/// A transaction with the program's events in it.
pub struct Entry {
    /// The transaction.
    pub landed: Landed,
    /// The events, in order.
    pub events: Vec<Event>,
}

/// The newest transactions that named one of these addresses, newest first.
///
/// # Errors
/// Those of the chain.
pub fn newest(chain: &dyn Chain, addresses: &[Address], before: Option<Signature>, most: usize) -> Result<Vec<Entry>> {
    let wait = spinner("reading transactions");
    let mut signatures = vec![];
    let mut seen = HashSet::new();
    for address in addresses {
        signatures.extend(chain.signatures(address, before, most)?.into_iter().filter(|signature| seen.insert(*signature)));
    }
    let count = signatures.len();
    let mut entries = Vec::with_capacity(count);
    for (number, signature) in (1usize..).zip(signatures) {
        wait.set_message(format!("reading transaction {number} of {count}"));
        // A node may have forgotten one that it still lists.
        let Some(landed) = chain.landed(&signature)? else { continue };
        let events = in_logs(&landed.logs);
        entries.push(Entry { landed, events });
    }
    wait.finish_and_clear();
    // Each address' own are in order already, and the sort keeps them so within a slot.
    entries.sort_by_key(|entry| Reverse((entry.landed.slot, entry.sequence())));
    entries.truncate(most);
    Ok(entries)
}

impl Entry {
    fn sequence(&self) -> Option<u64> {
        self.events.iter().filter_map(Event::sequence).max()
    }

    /// For machines.
    pub fn fields(&self) -> Value {
        let refused = self.landed.refusal.as_ref();
        json!({
            "signature": self.landed.signature.to_string(),
            "slot": self.landed.slot,
            "time_unix": self.landed.time,
            "refused": refused.map(ToString::to_string),
            "events": self.events.iter().map(Event::to_json).collect::<Vec<Value>>(),
        })
    }

    /// For people: a line an event, the newest first.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, out: &mut dyn Write) -> Result<()> {
        let time = self.landed.time.map_or_else(|| format!("slot {}", self.landed.slot), utc);
        let signature = ends(&self.landed.signature.to_string());
        if let Some(refusal) = &self.landed.refusal {
            writeln!(out, "{time}  {signature}  {:<22} {refusal}", "refused")?;
            return Ok(());
        }
        for event in self.events.iter().rev() {
            writeln!(out, "{time}  {signature}  {:<22} {}", event.name(), line::text(event))?;
        }
        Ok(())
    }
}
