//! Where a keeper learns of the chain, behind a trait, so that tests can tell it anything.

use solana_account::Account;
use solana_address::Address;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An account as it was in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Where it is.
    pub address: Address,
    /// The slot.
    pub slot: u64,
    /// The account; none where there is none.
    pub account: Option<Account>,
}

/// Every account of the program that jobs decide on, as they were in this slot or later.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The slot before they were read.
    pub slot: u64,
    /// The accounts.
    pub accounts: Vec<(Address, Account)>,
}

/// What a source tells.
#[derive(Debug)]
pub enum Event {
    /// Everything there is.
    Snapshot(Snapshot),
    /// What has changed.
    Updates(Vec<Update>),
    /// Updates come by themselves from now on.
    Live,
    /// They do so no more, and why; it is being tried again.
    Lost(String),
    /// The node does not answer, and why; it is being asked again.
    Unreachable(String),
}

/// Where a source's events go.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(Event) + Send + Sync>);

impl Sink {
    /// To whoever takes them.
    pub fn new(take: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }

    /// Into a channel; when nobody listens any more they are dropped.
    pub fn channel<T: From<Event> + Send + 'static>(sender: Sender<T>) -> Self {
        Self::new(move |event| drop(sender.send(event.into())))
    }

    /// Tells something.
    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }
}

/// What a keeper wants to be told, and that it is to end.
#[derive(Default)]
pub struct Wishes {
    followed: Mutex<Vec<Address>>,
    besides: Mutex<Vec<Address>>,
    /// Counts changes of what is followed.
    generation: AtomicU64,
    /// Counts snapshots that were asked for.
    snapshots: AtomicU64,
    ended: AtomicBool,
}

impl Wishes {
    /// Names the accounts to follow besides the program's, and those to ask for now and then.
    pub fn set(&self, followed: Vec<Address>, besides: Vec<Address>) {
        let mut known = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != followed {
            *known = followed;
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        *self.besides.lock().unwrap_or_else(PoisonError::into_inner) = besides;
    }

    /// Accounts to follow, with a number that changes with them.
    pub fn followed(&self) -> (u64, Vec<Address>) {
        let known = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        (self.generation.load(Ordering::SeqCst), known.clone())
    }

    /// All accounts to ask for.
    pub fn asked_for(&self) -> Vec<Address> {
        let mut all = self.followed().1;
        all.extend(self.besides.lock().unwrap_or_else(PoisonError::into_inner).iter());
        all
    }

    /// Asks for a snapshot.
    pub fn want_snapshot(&self) {
        self.snapshots.fetch_add(1, Ordering::SeqCst);
    }

    /// How many snapshots were asked for so far.
    pub fn snapshots_wanted(&self) -> u64 {
        self.snapshots.load(Ordering::SeqCst)
    }

    /// Ends every source.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Whether sources are to end.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Sleeps so long, or until sources are to end or `enough` says so.
    pub fn sleep_until(&self, wait: Duration, enough: impl Fn() -> bool) {
        const NAP: Duration = Duration::from_millis(50);
        let begun = Instant::now();
        while !self.is_ended() && !enough() {
            let left = wait.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    /// Sleeps so long, or until sources are to end.
    pub fn sleep(&self, wait: Duration) {
        self.sleep_until(wait, || false);
    }
}

/// Something that tells of the chain until it is ended.
pub trait Source: Send {
    /// Begins to tell, on threads of its own.
    fn start(self: Box<Self>, sink: Sink, wishes: Arc<Wishes>) -> Vec<JoinHandle<()>>;
}
