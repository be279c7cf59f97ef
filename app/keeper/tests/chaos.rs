//! The keeper against a market that moves and a provider that fails. The engine says, tick by tick, who can be liquidated; every position
//! of which it says so is liquidated once, and none that is healthy is sent.

mod support;

use perps_keeper::{run as keep, Config, Summary};
use solana_keypair::Keypair;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use support::faults::Rates;
use support::proxy::Proxy;
use support::spells::End;
use support::trial::{run, Keeper, Outcome, Plan};
use support::witness::Verdict;

fn plan() -> Plan {
    Plan {
        ticks: 3_000,
        seed: 7,
        traders: 120,
        first_candle: 330,
        pace: Duration::from_millis(20),
        lockstep: false,
        patience: 300,
        rates: Rates::default(),
        orders: Some(4),
        rival: 0,
        outage: None,
    }
}

/// The daemon, on a thread of its own.
struct Daemon {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<Summary>>>,
}

impl Keeper for Daemon {
    fn stop(mut self: Box<Self>) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().map(JoinHandle::join);
        let summary = ended.expect("it is stopped once").expect("the keeper does not panic").expect("the keeper runs");
        println!("keeper: {summary}");
    }
}

impl Drop for Daemon {
    /// Where a test has failed, its keeper ends too.
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Starts a keeper as anybody would, with intervals that fit a chain on which a minute takes one or two seconds.
fn start(proxy: &Proxy, keypair: Keypair) -> Box<dyn Keeper> {
    let mut config = Config::new(&proxy.http(), Arc::new(keypair)).expect("a URL");
    config.ws_url = Some(proxy.ws());
    // Every liquidation counts here, whatever it pays.
    (config.min_reward_sats, config.sol_micro_usd) = (0, 1);
    (config.resync, config.poll) = (Duration::from_secs(3), Duration::from_millis(200));
    (config.tick, config.silence) = (Duration::from_millis(50), Duration::from_secs(1));
    config.drain = Duration::from_secs(5);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    Box::new(Daemon { stop, thread: Some(std::thread::spawn(move || keep(config, stopped))) })
}

/// What holds in every run, beside what the trial asserts at every tick.
fn assert_kept(outcome: &Outcome) {
    println!("{outcome}");
    let spells = &outcome.spells;
    assert_eq!(outcome.liquidations, spells.ended(End::Kept) + spells.ended(End::Rival));
    assert_eq!(spells.open(0).count(), 0, "something was left behind");
}

#[test]
fn over_a_good_provider_every_position_is_liquidated_at_once_by_one_transaction() {
    // Without orders at rest: the fill of a stop can close a position at the very moment in which it is liquidated.
    let outcome = run(Plan { ticks: 1_500, lockstep: true, pace: Duration::ZERO, orders: None, ..plan() }, start);
    assert_kept(&outcome);
    let kept = outcome.spells.ended(End::Kept);
    assert!(kept >= 150, "only {kept} liquidations: the market is too quiet to say anything");
    assert_eq!(outcome.spells.ended(End::Recovered), 0, "the test waits for the keeper");
    assert_eq!(outcome.sent.len(), kept, "one transaction for each liquidation");
    assert!(outcome.judged(|verdict| *verdict != Verdict::Sound).is_empty());
    assert_eq!(outcome.failed_liquidations, 0, "{:?}", outcome.failures);
}

#[test]
fn over_an_awful_provider_every_position_is_liquidated_once_and_no_healthy_one_is_sent() {
    let outcome = run(Plan { rates: Rates::awful(), ..plan() }, start);
    assert_kept(&outcome);
    let kept = outcome.spells.ended(End::Kept);
    assert!(kept >= 150, "only {kept} liquidations: the market is too quiet to say anything");
    let raced = outcome.raced();
    assert!(raced * 10 <= outcome.sent.len(), "{raced} of {} raced", outcome.sent.len());
    let names = [
        "dropped before",
        "dropped after",
        "broken off",
        "too many requests",
        "unavailable",
        "stale",
        "delayed",
        "transactions swallowed",
        "transactions late",
        "notifications lost",
        "notifications doubled",
        "notifications reordered",
        "websockets closed",
        "websockets muted",
    ];
    let missing: Vec<&str> = names.into_iter().filter(|name| !outcome.faults.contains_key(name)).collect();
    assert!(missing.is_empty(), "these faults never happened: {missing:?}");
}

#[test]
fn after_the_node_was_down_nothing_is_left_behind() {
    let outcome = run(Plan { ticks: 700, outage: Some(200..400), seed: 9, ..plan() }, start);
    assert_kept(&outcome);
    assert!(outcome.spells.longest > 20, "nothing waited for the node: longest {}", outcome.spells.longest);
    assert!(outcome.spells.ended(End::Kept) >= 50);
}

#[test]
fn a_rival_s_liquidations_are_left_to_him() {
    let outcome = run(Plan { ticks: 800, rival: 40, seed: 11, ..plan() }, start);
    assert_kept(&outcome);
    let (kept, rival) = (outcome.spells.ended(End::Kept), outcome.spells.ended(End::Rival));
    assert!(kept >= 30 && rival >= 20, "{kept} by the keeper, {rival} by the rival");
    // The rival goes with the price itself: the keeper sends nothing for what he has done.
    let raced = outcome.raced();
    assert!(raced * 10 <= outcome.sent.len(), "{raced} of {} raced", outcome.sent.len());
}

#[test]
fn with_time_to_do_it_every_order_is_filled_and_none_expires() {
    // A second of the chain takes a tenth of one here: an order can be filled for six of them.
    let outcome = run(Plan { ticks: 160, pace: Duration::from_millis(100), orders: Some(1), seed: 13, ..plan() }, start);
    assert_kept(&outcome);
    let count = |what| outcome.orders.get(what).copied().unwrap_or(0);
    assert!(count("filled") >= 20 && count("triggered") >= 15, "{:?}", outcome.orders);
    assert_eq!(count("expired"), 0, "{:?}", outcome.orders);
}
