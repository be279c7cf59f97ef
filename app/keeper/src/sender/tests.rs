//! What comes of tasks that somebody else does first, or that never land.

use super::{attempt, Tools};
use crate::daemon;
use crate::drill::{long, Drill, BTC};
use crate::feed::{ask, load};
use crate::jobs::{self, Policy};
use crate::outcome::Outcome;
use crate::prices::Archive;
use crate::task::{Task, Verb};
use crate::world::World;
use perps::chain::{Blockhash, Chain, Failure, Landed, Result, Simulated, Status, Which};
use perps::local::Trader;
use perps::transaction::Priority;
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Something that happens on the chain just before a transaction is handed over.
type Interference = Box<dyn FnOnce() + Send>;

/// A chain that counts what it is handed, and on which something may happen just before that.
struct Watched {
    inner: Arc<dyn Chain>,
    submitted: AtomicUsize,
    before: Mutex<Option<Interference>>,
    /// Takes transactions and loses them; then its height runs away.
    swallows: bool,
}

impl Watched {
    fn new(inner: Arc<dyn Chain>, before: Option<Interference>) -> Self {
        Self { inner, submitted: AtomicUsize::new(0), before: Mutex::new(before), swallows: false }
    }
}

impl Chain for Watched {
    fn accounts(&self, addresses: &[Address]) -> Result<Vec<Option<Account>>> {
        self.inner.accounts(addresses)
    }
    fn program_accounts(&self, which: &Which) -> Result<Vec<(Address, Account)>> {
        self.inner.program_accounts(which)
    }
    fn blockhash(&self) -> Result<Blockhash> {
        self.inner.blockhash()
    }
    fn block_height(&self) -> Result<u64> {
        let height = self.inner.block_height()?;
        Ok(if self.swallows { height + 1_000 } else { height })
    }
    fn simulate(&self, transaction: &Transaction, watched: &[Address]) -> Result<Simulated> {
        self.inner.simulate(transaction, watched)
    }
    fn submit(&self, transaction: &Transaction) -> Result<Signature> {
        self.submitted.fetch_add(1, Ordering::SeqCst);
        if let Some(interfere) = self.before.lock().expect("a lock").take() {
            interfere();
        }
        match self.swallows {
            true => Ok(transaction.signatures[0]),
            false => self.inner.submit(transaction),
        }
    }
    fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Option<Status>>> {
        self.inner.statuses(signatures)
    }
    fn landed(&self, signature: &Signature) -> Result<Option<Landed>> {
        self.inner.landed(signature)
    }
    fn signatures(&self, address: &Address, before: Option<Signature>, most: usize) -> Result<Vec<Signature>> {
        self.inner.signatures(address, before, most)
    }
    fn recent_priority_fee(&self, writable: &[Address]) -> Result<u64> {
        self.inner.recent_priority_fee(writable)
    }
    fn rent(&self, bytes: usize) -> Result<u64> {
        self.inner.rent(bytes)
    }
}

/// A chain with a position that can be liquidated, the task that does it, and what is known then.
fn liquidatable() -> (Drill, Trader, World, Task) {
    let drill = Drill::new();
    let trader = drill.trader(3, 1_000_000);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    assert_eq!(drill.once().landed("execute_order"), 1);
    drill.tick(1, 47_900);
    let mut world = World::new(drill.config.keypair.pubkey(), Arc::new(Archive::new(drill.chain())), &[]);
    world.replace(load(drill.chain().as_ref(), &[]).expect("accounts"));
    let asked: Vec<Address> = world.followed().into_iter().chain(world.asked_for()).collect();
    world.learn(ask(drill.chain().as_ref(), &asked).expect("a Clock"));
    let tasks = jobs::all(&world, &Policy::of(&drill.config)).tasks;
    let task = tasks.into_iter().find(|task| task.key().verb == Verb::Liquidate).expect("below maintenance");
    (drill, trader, world, task)
}

fn tools(drill: &Drill, chain: Arc<dyn Chain>) -> Tools {
    let prices: Arc<dyn crate::prices::Prices> = Arc::new(Archive::new(chain.clone()));
    let tools = daemon::tools(&drill.config, &chain, &prices);
    Tools { terms: crate::terms::Terms { priority: Priority::Fixed(0), ..tools.terms }, ..tools }
}

/// Somebody who liquidates a position himself.
fn rival(drill: &Drill, position: Address) -> impl FnOnce() + Send + 'static {
    let (chain, keypair) = (drill.chain.clone(), Keypair::new_from_array([9; 32]));
    let tokens = chain.local().token_owner(&keypair, 0).expect("a rival");
    move || {
        let mut local = chain.local();
        let liquidate = local.liquidate(position, tokens);
        local.send(&[liquidate], &keypair).expect("the rival is faster");
    }
}

#[test]
fn who_comes_too_late_is_told_by_the_simulation_sends_nothing_and_learns_what_is_so() {
    let (drill, trader, mut world, task) = liquidatable();
    rival(&drill, trader.position)();
    let chain = Arc::new(Watched::new(drill.chain(), None));
    let report = attempt(&tools(&drill, chain.clone()), &task);
    let Outcome::Refused(why) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((why.name.as_str(), why.is_over), ("NotLiquidatable", true));
    assert_eq!(chain.submitted.load(Ordering::SeqCst), 0);
    world.learn(report.afterwards);
    let tasks = jobs::all(&world, &Policy::of(&drill.config)).tasks;
    assert!(tasks.iter().all(|task| task.key().verb != Verb::Liquidate), "{tasks:?}");
}

#[test]
fn a_rival_who_is_faster_by_a_moment_wins_and_no_more_than_a_fee_is_lost() {
    let (drill, trader, _, task) = liquidatable();
    let before = drill.tokens();
    let chain = Arc::new(Watched::new(drill.chain(), Some(Box::new(rival(&drill, trader.position)))));
    let report = attempt(&tools(&drill, chain.clone()), &task);
    let Outcome::Beaten(why) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!((why.name.as_str(), why.is_over), ("NotLiquidatable", true));
    assert_eq!((chain.submitted.load(Ordering::SeqCst), drill.tokens()), (1, before));
}

#[test]
fn what_never_lands_is_given_up_when_its_blockhash_has_expired_and_not_made_anew() {
    let (drill, _, _, task) = liquidatable();
    let chain = Arc::new(Watched { swallows: true, ..Watched::new(drill.chain(), None) });
    let report = attempt(&tools(&drill, chain.clone()), &task);
    assert!(matches!(report.outcome, Outcome::Expired(_)), "{:?}", report.outcome);
    assert_eq!(chain.submitted.load(Ordering::SeqCst), 1);
}

#[test]
fn once_it_is_being_stopped_nothing_more_is_sent() {
    let (drill, _, _, task) = liquidatable();
    let chain = Arc::new(Watched::new(drill.chain(), None));
    let tools = tools(&drill, chain.clone());
    tools.ending.store(true, Ordering::SeqCst);
    assert!(matches!(attempt(&tools, &task).outcome, Outcome::Waiting(_)));
    assert_eq!(chain.submitted.load(Ordering::SeqCst), 0);
}

#[test]
fn a_node_that_does_not_answer_is_no_refusal() {
    let (drill, _, _, task) = liquidatable();
    let nowhere: Arc<dyn Chain> = Arc::new(perps::rpc::RpcChain::new("http://127.0.0.1:9"));
    let report = attempt(&tools(&drill, nowhere), &task);
    assert!(matches!(report.outcome, Outcome::Unreachable(_)), "{:?}", report.outcome);
    assert!(report.afterwards.is_empty());
    let outcome = Outcome::before_sending(Failure::Unavailable("x".to_owned()));
    assert_eq!(outcome.name(), "unreachable");
}

#[test]
fn a_reward_is_what_the_events_say_to_the_satoshi() {
    let (drill, _, _, task) = liquidatable();
    let before = drill.tokens();
    let report = attempt(&tools(&drill, drill.chain()), &task);
    let Outcome::Landed { reward_sats, fee_lamports, .. } = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(drill.tokens() - before, reward_sats);
    assert_eq!(reward_sats, task.reward.get(), "the engine's rehearsal says the same");
    assert_eq!(fee_lamports, 5_000);
    assert!(reward_sats < BTC);
}
