//! Judges every transaction at the moment it leaves the keeper: whether what it would liquidate can be liquidated, on what simulation it
//! was decided, and whether another for the same position is still under way.

use super::answers::decoded;
use super::node::{liquidates, Node, Simulation};
use super::truth;
use serde_json::Value;
use solana_address::Address;
use solana_signature::Signature;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a liquidation was worth when it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The position could be liquidated.
    Sound,
    /// It could when the keeper simulated it; since then the chain has moved: a tick, a rival, or a transaction of the keeper's own
    /// whose fate the proxy has kept from it.
    Raced(Race),
    /// It could not, and nothing that the keeper was told says otherwise: why.
    Unfounded(String),
}

/// What came in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Race {
    /// The chain moved on between simulating and sending.
    Moved,
    /// The transaction replaces one that has expired.
    SignedAnew,
}

/// A liquidation at the moment it was first sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub signature: Signature,
    pub position: Address,
    pub verdict: Verdict,
    /// How long ago it was simulated; none where it replaces one that has expired.
    pub after: Option<Duration>,
    /// The signature of another liquidation of the position that could still land.
    pub beside: Option<Signature>,
}

#[derive(Default)]
struct Notes {
    sent: Vec<Sent>,
    /// By position: the newest transaction, and the last height at which it can land.
    under_way: HashMap<Address, (Signature, Option<u64>)>,
    seen: HashMap<Signature, u32>,
}

/// Watches what a keeper sends.
pub struct Witness {
    node: Arc<Node>,
    notes: Mutex<Notes>,
}

impl Witness {
    /// On a node.
    pub fn new(node: &Arc<Node>) -> Arc<Self> {
        Arc::new(Self { node: Arc::clone(node), notes: Mutex::default() })
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every liquidation sent so far, once each, however often it was sent again.
    pub fn sent(&self) -> Vec<Sent> {
        self.notes().sent.clone()
    }

    /// The first liquidation that should not have been sent: of a healthy position without reason, or beside another of the same position.
    pub fn fault(&self) -> Option<Sent> {
        let is_fault = |sent: &&Sent| sent.beside.is_some() || matches!(sent.verdict, Verdict::Unfounded(_));
        self.notes().sent.iter().find(is_fault).cloned()
    }

    /// How many transactions of any kind were sent, and how often the same again.
    pub fn transactions(&self) -> (usize, u32) {
        let notes = self.notes();
        (notes.seen.len(), notes.seen.values().map(|times| times - 1).sum())
    }

    /// A transaction has left the keeper: with the parameters of its request. Its signature, if it can be read.
    pub(super) fn arrives(&self, params: &Value) -> Option<Signature> {
        let transaction = decoded(params[0].as_str()?)?;
        let signature = *transaction.signatures.first()?;
        let mut stage = self.node.stage();
        let mut notes = self.notes();
        let times = notes.seen.entry(signature).or_default();
        *times += 1;
        if *times > 1 {
            return Some(signature); // sending the same again until it lands is what a client should do
        }
        let lives_until = stage.lives_until(&transaction);
        for position in liquidates(&transaction) {
            let before = notes.under_way.insert(position, (signature, lives_until));
            let expired = |last: Option<u64>| last.is_none_or(|last| last < stage.slot());
            let beside =
                before.filter(|(other, last)| stage.landing(other).is_none() && !expired(*last)).map(|(other, _)| other);
            let signed_anew = before.is_some_and(|(_, last)| expired(last));
            let simulated = stage.book.simulated.remove(&position);
            let verdict = if truth::is_liquidatable(&stage.local, position) {
                Verdict::Sound
            } else {
                basis(simulated, signed_anew, stage.version())
            };
            let after = simulated.map(|simulated| simulated.at.elapsed());
            notes.sent.push(Sent { signature, position, verdict, after, beside });
        }
        Some(signature)
    }
}

/// A healthy position was sent: whether the keeper could know better. A simulation serves one transaction, and those that replace it
/// after it has expired.
fn basis(simulated: Option<Simulation>, signed_anew: bool, version: u64) -> Verdict {
    match simulated {
        Some(Simulation { accepted: true, version: then, .. }) if then < version => Verdict::Raced(Race::Moved),
        Some(Simulation { accepted: true, .. }) => {
            Verdict::Unfounded("the simulation went through where the engine refuses".to_owned())
        }
        Some(Simulation { accepted: false, .. }) => Verdict::Unfounded("the simulation was refused".to_owned()),
        None if signed_anew => Verdict::Raced(Race::SignedAnew),
        None => Verdict::Unfounded("nothing was simulated".to_owned()),
    }
}
