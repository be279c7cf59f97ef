//! A node: the chain in process behind Solana's JSON-RPC and websockets, with blockhashes that expire, transactions that land at once
//! or never, and notifications of every account that changes.

use super::sockets::Watchers;
use litesvm::types::TransactionResult;
use perps::local::{InProcess, LocalChain};
use perps::view::PriceSource;
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction::Transaction;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A transaction may land while the chain is at most this many blocks past the one whose hash it names.
const BLOCKHASH_LIVES: u64 = 150;

/// What came of a transaction that reached a block.
pub struct Landing {
    pub signature: Signature,
    pub slot: u64,
    pub time: i64,
    pub transaction: Transaction,
    /// The transaction in base64, as it came.
    pub blob: String,
    pub result: TransactionResult,
}

/// What a simulation of a liquidation said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// The state of the chain that it ran on.
    pub version: u64,
    /// Whether it went through.
    pub accepted: bool,
    /// When.
    pub at: Instant,
}

/// What the node remembers besides the chain. Locked before the chain, always.
pub(super) struct Book {
    /// Newest last.
    blockhashes: VecDeque<(String, u64)>,
    pub landings: Vec<Landing>,
    places: HashMap<Signature, usize>,
    pub watchers: Watchers,
    /// Counts the states of the chain: every move of the test and every transaction that lands makes a new one.
    pub version: u64,
    /// By position.
    pub simulated: HashMap<Address, Simulation>,
    pub requests: u64,
}

/// The chain in process, as a node serves it.
pub struct Node {
    chain: InProcess,
    book: Mutex<Book>,
}

/// The node standing still while a test reads or moves the chain; what it changed is published when it lets go.
pub struct Stage<'a> {
    pub(super) book: MutexGuard<'a, Book>,
    pub local: MutexGuard<'a, LocalChain>,
    moved: bool,
}

impl Node {
    /// Of a chain. Its price account becomes the one that the push oracle keeps, where clients look for it.
    pub fn new(mut local: LocalChain) -> Arc<Self> {
        let market = local.market().expect("a chain in process has a market");
        let says = local.svm.get_account(&local.price).expect("the market was created at a price");
        local.price = PriceSource::of(&market).0;
        local.svm.set_account(local.price, says).expect("a price account");
        // The node judges signatures and blockhashes itself: the simulator forgets a blockhash as soon as there is another.
        local.svm =
            std::mem::take(&mut local.svm).with_sigverify(false).with_blockhash_check(false).with_transaction_history(0);
        let book = Book {
            blockhashes: VecDeque::new(),
            landings: vec![],
            places: HashMap::new(),
            watchers: Watchers::default(),
            version: 0,
            simulated: HashMap::new(),
            requests: 0,
        };
        let node = Arc::new(Self { chain: InProcess::new(local), book: Mutex::new(book) });
        node.stage().moved();
        node
    }

    /// The same chain without the network, for the test itself.
    pub fn chain(&self) -> &InProcess {
        &self.chain
    }

    /// Holds the node still.
    pub fn stage(&self) -> Stage<'_> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        Stage { book, local: self.chain.local(), moved: false }
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many requests it has answered.
    pub fn requests(&self) -> u64 {
        self.book().requests
    }
}

impl Stage<'_> {
    /// Says that the test has changed the chain.
    pub fn moved(&mut self) {
        self.moved = true;
    }

    /// The slot, which is the block height too.
    pub fn slot(&self) -> u64 {
        self.local.moment().slot
    }

    /// What has landed through the node since so many.
    pub fn landings_since(&self, seen: usize) -> &[Landing] {
        self.book.landings.get(seen..).unwrap_or_default()
    }

    /// Counts the states of the chain.
    pub fn version(&self) -> u64 {
        self.book.version
    }

    /// What a transaction with this signature came to.
    pub fn landing(&self, signature: &Signature) -> Option<&Landing> {
        self.book.places.get(signature).and_then(|place| self.book.landings.get(*place))
    }

    /// The newest blockhash, with the last height at which it serves.
    pub(super) fn newest_blockhash(&self) -> (String, u64) {
        self.book.blockhashes.back().cloned().unwrap_or_default()
    }

    /// The last height at which a transaction with this blockhash can land; none for one that is unknown or too old.
    pub fn lives_until(&self, transaction: &Transaction) -> Option<u64> {
        let named = transaction.message.recent_blockhash.to_string();
        let slot = self.slot();
        self.book.blockhashes.iter().find(|(hash, last)| *hash == named && *last >= slot).map(|(_, last)| *last)
    }

    /// Lands a transaction, or drops it as a leader would: without a word.
    pub(super) fn land(&mut self, transaction: &Transaction, blob: &str) {
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        if self.book.places.contains_key(&signature) || self.lives_until(transaction).is_none() || transaction.verify().is_err()
        {
            return;
        }
        // In a slot of its own: a node tells of an account once a slot, as it was at its end.
        self.local.advance(0);
        let result = self.local.svm.send_transaction(transaction.clone());
        let moment = self.local.moment();
        let (slot, time) = (moment.slot, moment.time.get());
        let place = self.book.landings.len();
        self.book.places.insert(signature, place);
        let (transaction, blob) = (transaction.clone(), blob.to_owned());
        self.book.landings.push(Landing { signature, slot, time, transaction, blob, result });
        self.moved = true;
    }

    fn remember_blockhash(&mut self) {
        let (hash, slot) = (self.local.svm.latest_blockhash().to_string(), self.slot());
        if self.book.blockhashes.back().is_none_or(|(newest, _)| *newest != hash) {
            self.book.blockhashes.push_back((hash, slot.saturating_add(BLOCKHASH_LIVES)));
        }
        while self.book.blockhashes.front().is_some_and(|(_, last)| *last < slot) {
            self.book.blockhashes.pop_front();
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if !self.moved {
            return;
        }
        self.book.version += 1;
        self.remember_blockhash();
        let Stage { book, local, .. } = self;
        book.watchers.publish(local);
    }
}

/// The positions that a transaction would liquidate.
pub fn liquidates(transaction: &Transaction) -> Vec<Address> {
    use anchor_lang::Discriminator;
    let (keys, tag) = (&transaction.message.account_keys, inverse_perps::instruction::Liquidate::DISCRIMINATOR);
    let of_program =
        transaction.message.instructions.iter().filter(|call| {
            keys.get(usize::from(call.program_id_index)) == Some(&inverse_perps::ID) && call.data.starts_with(tag)
        });
    // The accounts are market, position, vault, destination, token program, price.
    let positions = of_program.filter_map(|call| keys.get(usize::from(*call.accounts.get(1)?)).copied());
    let mut seen = HashSet::new();
    positions.filter(|position| seen.insert(*position)).collect()
}
