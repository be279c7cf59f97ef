//! What a keeper has done.

use crate::outcome::Outcome;
use crate::sender::Report;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// What a keeper has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Looks at all jobs.
    pub ticks: u64,
    /// Snapshots taken in.
    pub resyncs: u64,
    /// Websockets lost.
    pub reconnects: u64,
    /// Transactions that landed, by what they did.
    pub landed: BTreeMap<&'static str, u64>,
    /// What else came of tasks: `refused`, `rival`, `expired`, `unprofitable`, `waiting`, `unreachable`, `would_send`, `crashed`.
    pub others: BTreeMap<&'static str, u64>,
    /// Satoshi earned, by the events of the keeper's own transactions.
    pub reward_sats: u64,
    /// Lamports paid for transactions that landed.
    pub fee_lamports: u64,
    /// Tasks under way that were not waited for.
    pub left_under_way: usize,
}

impl Summary {
    pub(super) fn note(&mut self, report: &Report) {
        match &report.outcome {
            Outcome::Landed { reward_sats, fee_lamports, .. } => {
                *self.landed.entry(report.key().verb.name()).or_default() += 1;
                self.reward_sats = self.reward_sats.saturating_add(*reward_sats);
                self.fee_lamports = self.fee_lamports.saturating_add(*fee_lamports);
            }
            other => *self.others.entry(other.name()).or_default() += 1,
        }
    }

    /// How many landed that did this, such as `liquidate`.
    pub fn landed(&self, action: &str) -> u64 {
        self.landed.get(action).copied().unwrap_or(0)
    }

    /// How many tasks ended otherwise, such as `refused`.
    pub fn other(&self, outcome: &str) -> u64 {
        self.others.get(outcome).copied().unwrap_or(0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = |counts: &BTreeMap<&str, u64>| {
            let all: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            if all.is_empty() {
                "nothing".to_owned()
            } else {
                all.join(", ")
            }
        };
        write!(
            formatter,
            "landed: {}; otherwise: {}; earned {} sats for {} lamports; {} looks, {} snapshots, {} websockets lost",
            counts(&self.landed),
            counts(&self.others),
            self.reward_sats,
            self.fee_lamports,
            self.ticks,
            self.resyncs,
            self.reconnects
        )?;
        match self.left_under_way {
            0 => Ok(()),
            left => write!(formatter, "; {left} still under way"),
        }
    }
}
