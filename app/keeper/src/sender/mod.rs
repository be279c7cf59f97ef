//! Does tasks: each is simulated first, sent if that says that it pays, seen through, and what it touched is read again.

use crate::feed::ask;
use crate::outcome::Outcome;
use crate::prices::Prices;
use crate::source::Update;
use crate::task::{Action, Task, TaskKey, Verb};
use crate::terms::{earned, Terms, SIGNATURE_LAMPORTS};
use perps::chain::{Chain, Failure};
use perps::transaction::Sender as Transactions;
use solana_address::Address;
use solana_keypair::Keypair;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{mpsc, Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What every worker needs.
#[derive(Clone)]
pub struct Tools {
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// Where fill prices are.
    pub prices: Arc<dyn Prices>,
    /// Signs and pays.
    pub keypair: Arc<Keypair>,
    /// What it works for.
    pub terms: Terms,
    /// Set when nothing is to be sent any more.
    pub ending: Arc<AtomicBool>,
    /// Counts attempts, so that the same thing can be done twice within a block.
    pub attempts: Arc<AtomicU32>,
}

/// What came of a task.
#[derive(Debug)]
pub struct Report {
    /// The task.
    pub task: Task,
    /// What came of it.
    pub outcome: Outcome,
    /// The accounts that it is about, as they were afterwards.
    pub afterwards: Vec<Update>,
}

impl Report {
    /// What it was about.
    pub fn key(&self) -> TaskKey {
        self.task.key()
    }
}

/// Does one task from beginning to end.
pub fn attempt(tools: &Tools, task: &Task) -> Report {
    let tried = catch_unwind(AssertUnwindSafe(|| carry_out(tools, task)));
    let outcome = tried.unwrap_or(Outcome::Crashed);
    let has_changed = matches!(&outcome, Outcome::Landed { .. } | Outcome::Refused(_) | Outcome::Beaten(_));
    // Whoever was refused may know less than the chain; if the node does not answer now, the feed will say it later.
    let afterwards = match has_changed {
        true => ask(tools.chain.as_ref(), &task.touched()).unwrap_or_default(),
        false => vec![],
    };
    Report { task: *task, outcome, afterwards }
}

fn carry_out(tools: &Tools, task: &Task) -> Outcome {
    let fill_price = match find_fill_price(tools, task) {
        Ok(Fill::None) => None,
        Ok(Fill::At(address)) => Some(address),
        Ok(Fill::NotYet) => return Outcome::Waiting("the first update at or after T is not to be had yet"),
        Err(failure) => return Outcome::before_sending(failure),
    };
    let Terms { priority, dry_run, .. } = tools.terms;
    let number = tools.attempts.fetch_add(1, Ordering::Relaxed);
    let transactions = Transactions::new(tools.chain.as_ref(), &tools.keypair).at(priority).once().numbered(number);
    let prepared = match transactions.prepare(&task.instructions(fill_price), &[]) {
        Ok(prepared) => prepared,
        Err(failure) => return Outcome::before_sending(failure),
    };
    let reward_sats = match task.action {
        Action::Trigger { .. } => task.reward.get(), // paid when the order leaves
        _ => earned(&prepared.simulated.logs, &task.place.tokens, triggered_here(task)),
    };
    let lamports = SIGNATURE_LAMPORTS.saturating_add(prepared.priority_lamports());
    let least_sats = tools.terms.least_sats(lamports, task.mark);
    if !task.duty && reward_sats < least_sats {
        return Outcome::Unprofitable { reward_sats, least_sats };
    }
    if dry_run {
        return Outcome::WouldSend { reward_sats };
    }
    if tools.ending.load(Ordering::SeqCst) {
        return Outcome::Waiting("the keeper is being stopped");
    }
    match transactions.send_prepared(&prepared) {
        Ok(landed) => Outcome::Landed {
            signature: landed.signature,
            slot: landed.slot,
            reward_sats: earned(&landed.logs, &task.place.tokens, triggered_here(task)),
            fee_lamports: landed.fee_lamports,
        },
        Err(failure) => Outcome::after_sending(failure),
    }
}

enum Fill {
    /// It needs none besides the current price.
    None,
    /// It is here.
    At(Address),
    /// It is not there.
    NotYet,
}

fn find_fill_price(tools: &Tools, task: &Task) -> Result<Fill, Failure> {
    let Some(query) = task.fill_query() else { return Ok(Fill::None) };
    Ok(match tools.prices.first_at(&query)? {
        None => Fill::NotYet,
        Some(address) if address == query.current => Fill::None,
        Some(address) => Fill::At(address),
    })
}

/// Whether the half of an executed order's tip that is for its triggerer goes to the keeper's own account.
fn triggered_here(task: &Task) -> bool {
    matches!(task.action, Action::Execute { triggerer: None, .. }) && task.key().verb == Verb::Execute
}

/// Threads that do tasks, one at a time each.
pub struct Workers {
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// So many, whose reports are taken by `report`.
    pub fn start(count: usize, tools: &Tools, report: impl Fn(Report) + Clone + Send + 'static) -> Self {
        let (tasks, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let work = || {
            let (queue, tools, report) = (queue.clone(), tools.clone(), report.clone());
            thread::spawn(move || {
                while let Some(task) = next(&queue) {
                    report(attempt(&tools, &task));
                }
            })
        };
        let threads = (0..count).map(|_| work()).collect();
        Self { tasks: Some(tasks), threads }
    }

    /// Hands a task to the next worker that is free.
    pub fn hand(&self, task: Task) {
        // Workers end when this does, and not before.
        let taken = self.tasks.as_ref().is_some_and(|tasks| tasks.send(task).is_ok());
        debug_assert!(taken, "there is no worker left");
    }

    /// Takes no more tasks, and says which threads are still at work.
    pub fn end(mut self) -> Vec<JoinHandle<()>> {
        self.tasks = None;
        std::mem::take(&mut self.threads)
    }
}

fn next(queue: &Mutex<Receiver<Task>>) -> Option<Task> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests;
