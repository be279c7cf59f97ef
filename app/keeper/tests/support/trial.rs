//! A run of the keeper against a market that moves: every second of the chain has a new price, and everything that the keeper does is
//! held against the engine's own judgement.

use super::crowd::{self, Crowd};
use super::faults::Rates;
use super::node::{liquidates, Node, Stage};
use super::path;
use super::proxy::Proxy;
use super::sockets::Listening;
use super::spells::{End, Spells};
use super::truth;
use super::witness::{Race, Sent, Verdict, Witness};
use perps::client::events::{in_logs, Event};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A test slows its ticks down by this once a position has waited for half of the patience: a machine may be busy with other things.
const BREATHER: Duration = Duration::from_millis(200);
/// The least time between ticks when nothing moves any more: an order waits for its fill by the keeper's clock, too.
const LAST_PACE: Duration = Duration::from_millis(20);
/// How long a position may wait where the test waits with it.
const LOCKSTEP_PATIENCE: Duration = Duration::from_secs(30);

/// How the event of an order's removal says that its time was over.
const EXPIRED: u64 = 3;

/// What is tried.
#[derive(Clone)]
pub struct Plan {
    pub ticks: usize,
    pub seed: u64,
    pub traders: usize,
    /// The candle that prices begin with.
    pub first_candle: usize,
    /// The least time between two ticks.
    pub pace: Duration,
    /// Waits with every tick until nothing can be liquidated: the keeper alone moves the chain then.
    pub lockstep: bool,
    /// How many ticks a position may stay liquidatable.
    pub patience: usize,
    /// What the provider is like.
    pub rates: Rates,
    /// An owner rests an order with a chance of one in so many, each tick; none where nobody does.
    pub orders: Option<u32>,
    /// The percentage of positions that a rival liquidates first.
    pub rival: u32,
    /// The ticks during which the node is down.
    pub outage: Option<Range<usize>>,
}

/// What came of it.
pub struct Outcome {
    pub spells: Spells,
    pub sent: Vec<Sent>,
    /// Events of liquidations on the chain, the rival's included.
    pub liquidations: usize,
    /// Why transactions of the keeper failed after they were sent, by the program's name of it.
    pub failures: BTreeMap<String, usize>,
    pub failed_liquidations: usize,
    /// What orders of the crowd came to.
    pub orders: BTreeMap<&'static str, usize>,
    pub faults: BTreeMap<&'static str, u64>,
    /// Transactions of any kind, and how often one was sent again.
    pub transactions: (usize, u32),
    pub opened: usize,
    pub placed: usize,
    pub took: Duration,
}

impl Outcome {
    /// Liquidations sent that deserve this verdict.
    pub fn judged(&self, as_one: impl Fn(&Verdict) -> bool) -> Vec<&Sent> {
        self.sent.iter().filter(|sent| as_one(&sent.verdict)).collect()
    }

    /// Liquidations sent of positions that had recovered or were liquidated since they were simulated.
    pub fn raced(&self) -> usize {
        self.judged(|verdict| matches!(verdict, Verdict::Raced(_))).len()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = |how| self.spells.ended(how);
        let mut waits = self.spells.kept_after.clone();
        waits.sort_unstable();
        let at = |percent: usize| waits.get(waits.len() * percent / 100).copied().unwrap_or(0);
        writeln!(
            out,
            "{} liquidations: {} by the keeper, {} by the rival; {} spells recovered, {} ended with an order; ticks from spell to liquidation: \
             median {}, 99 of 100 within {}, longest {}",
            self.liquidations,
            ended(End::Kept),
            ended(End::Rival),
            ended(End::Recovered),
            ended(End::Filled),
            at(50),
            at(99),
            self.spells.longest
        )?;
        let [moved, anew] =
            [Race::Moved, Race::SignedAnew].map(|race| self.judged(|verdict| *verdict == Verdict::Raced(race)).len());
        writeln!(
            out,
            "{} liquidations sent, {moved} raced and {anew} signed anew in vain, {} failed on chain {:?}; {} transactions in all, {} sent again",
            self.sent.len(),
            self.failed_liquidations,
            self.failures,
            self.transactions.0,
            self.transactions.1
        )?;
        let mut thought: Vec<u128> = self.sent.iter().filter_map(|sent| Some(sent.after?.as_millis())).collect();
        thought.sort_unstable();
        let within = |percent: usize| thought.get(thought.len() * percent / 100).copied().unwrap_or(0);
        writeln!(out, "from simulating to sending: median {} ms, nine of ten within {} ms", within(50), within(90))?;
        writeln!(out, "{} positions opened, {} orders placed: {:?}", self.opened, self.placed, self.orders)?;
        write!(out, "faults: {:?}; took {:.1} s", self.faults, self.took.as_secs_f32())
    }
}

/// Something that keeps the chain until it is told to stop: started with the URLs of JSON-RPC and websocket.
pub trait Keeper {
    /// Stops, and says how it ended.
    fn stop(self: Box<Self>);
}

/// A run under way.
struct Trial {
    plan: Plan,
    node: Arc<Node>,
    witness: Arc<Witness>,
    crowd: Crowd,
    keeper: Address,
    random: StdRng,
    spells: Spells,
    seen: usize,
    liquidations: usize,
    failures: BTreeMap<String, usize>,
    failed_liquidations: usize,
    orders: BTreeMap<&'static str, usize>,
}

/// Runs a plan; `start` starts the keeper.
pub fn run(plan: Plan, start: impl FnOnce(&Proxy, Keypair) -> Box<dyn Keeper>) -> Outcome {
    let began = Instant::now();
    let ticks = path::ticks(plan.seed, plan.first_candle, plan.ticks + 1);
    let mut local = crowd::chain(ticks[0]);
    let keeper = crowd::keeper(&mut local, 0x77);
    let crowd = Crowd::gather(&mut local, plan.traders, plan.seed);
    let node = Node::new(local);
    let mut listening = Some(Listening::start(&node));
    let port = listening.as_ref().map(|listening| listening.address).expect("it listens");
    let witness = Witness::new(&node);
    let proxy = Proxy::start(port, &witness, plan.rates, plan.seed);
    let mut trial = Trial {
        random: StdRng::seed_from_u64(!plan.seed),
        plan,
        node: Arc::clone(&node),
        witness: Arc::clone(&witness),
        crowd,
        keeper: keeper.pubkey(),
        spells: Spells::default(),
        seen: 0,
        liquidations: 0,
        failures: BTreeMap::new(),
        failed_liquidations: 0,
        orders: BTreeMap::new(),
    };
    let running = start(&proxy, keeper);
    for (number, tick) in ticks[1..].iter().enumerate() {
        if let Some(outage) = trial.plan.outage.clone() {
            if number == outage.start {
                listening = None;
            } else if number == outage.end {
                listening = Some(Listening::at(&node, port));
            }
        }
        trial.tick(number, *tick, true);
        trial.pause(number);
    }
    // The price stands still until nothing is left to liquidate and no order waits for its fill: nothing may stay behind.
    let last = ticks[ticks.len() - 1];
    let mut number = trial.plan.ticks;
    while trial.spells.open(number).next().is_some() || trial.orders_wait() {
        assert!(
            number < trial.plan.ticks + 2 * trial.plan.patience,
            "orders wait for their fill, and nobody fills or removes them"
        );
        trial.tick(number, last, false);
        std::thread::sleep(LAST_PACE);
        trial.pause(number);
        number += 1;
    }
    running.stop();
    trial.absorb_at(number);
    assert_eq!(witness.fault().map(|fault| format!("{fault:?}")), None, "this should not have been sent");
    drop(listening);
    Outcome {
        spells: trial.spells,
        sent: witness.sent(),
        liquidations: trial.liquidations,
        failures: trial.failures,
        failed_liquidations: trial.failed_liquidations,
        orders: trial.orders,
        faults: proxy.tally(),
        transactions: witness.transactions(),
        opened: trial.crowd.opened,
        placed: trial.crowd.placed,
        took: began.elapsed(),
    }
}

impl Trial {
    /// One second of the chain.
    fn tick(&mut self, number: usize, tick: perps::local::Tick, lively: bool) {
        let node = Arc::clone(&self.node);
        let mut stage = node.stage();
        self.absorb(number, &stage);
        self.crowd.publish(&mut stage.local, tick);
        if lively {
            self.crowd.stir(&mut stage.local, self.plan.orders);
        }
        let hopeless = truth::liquidatable(&stage.local, &self.crowd.positions);
        for new in self.spells.observe(number, &hopeless) {
            if self.random.gen_ratio(self.plan.rival, 100) && self.crowd.rival_liquidates(&mut stage.local, new) {
                self.liquidations += 1;
                self.spells.liquidated(number, &new, End::Rival);
            }
        }
        truth::assert_solvent(&stage.local, &self.crowd.positions);
        stage.moved();
    }

    fn orders_wait(&self) -> bool {
        let stage = self.node.stage();
        let waits = |position| stage.local.position(position).is_ok_and(|found| found.state.pending_order != 0);
        self.crowd.positions.iter().any(waits)
    }

    /// Takes in what the keeper has landed since the last time.
    fn absorb(&mut self, number: usize, stage: &Stage<'_>) {
        for landing in stage.landings_since(self.seen) {
            self.seen += 1;
            let transaction = &landing.transaction;
            assert_eq!(transaction.message.account_keys[0], self.keeper, "who else sends through the node?");
            if let Some(refusal) = landing.refusal() {
                *self.failures.entry(refusal.name.unwrap_or(refusal.message)).or_default() += 1;
                self.failed_liquidations += usize::from(!liquidates(transaction).is_empty());
                continue;
            }
            let mut liquidated = BTreeSet::new();
            for event in in_logs(landing.logs()) {
                match event {
                    Event::PositionLiquidated(event) => {
                        self.liquidations += 1;
                        self.spells.liquidated(number, &event.position, End::Kept);
                        liquidated.insert(event.position);
                    }
                    Event::OrderTriggered(_) => self.count("triggered"),
                    Event::OrderFilled(event) => {
                        self.count("filled");
                        self.spells.stir(event.position);
                    }
                    Event::OrderExecuted(event) => {
                        self.count("not filled");
                        self.spells.stir(event.position);
                    }
                    Event::OrderRemoved(event) => {
                        self.count(if event.removal == EXPIRED { "expired" } else { "void" });
                        self.spells.stir(event.position);
                    }
                    _ => (),
                }
            }
            let meant: BTreeSet<Address> = liquidates(transaction).into_iter().collect();
            assert_eq!(liquidated, meant, "what it liquidates is what its transaction names");
        }
    }

    fn absorb_at(&mut self, number: usize) {
        let node = Arc::clone(&self.node);
        self.absorb(number, &node.stage());
    }

    fn count(&mut self, what: &'static str) {
        *self.orders.entry(what).or_default() += 1;
    }

    /// Lets the keeper work, and fails where it has had enough time.
    fn pause(&mut self, number: usize) {
        if let Some(fault) = self.witness.fault() {
            panic!("tick {number}: this should not have been sent: {fault:?}");
        }
        if self.plan.lockstep {
            return self.wait_until_kept(number);
        }
        std::thread::sleep(self.plan.pace);
        self.absorb_at(number);
        let back = self.plan.outage.as_ref().map_or(0, |outage| outage.end);
        let waited = self.spells.open(number).map(|(address, waited)| (waited.min(number.saturating_sub(back)), address)).max();
        let Some((waited, address)) = waited else { return };
        assert!(
            waited <= self.plan.patience,
            "tick {number}: {address} can be liquidated for {waited} ticks, and the keeper has not"
        );
        if waited > self.plan.patience / 2 {
            std::thread::sleep(BREATHER);
        }
    }

    fn wait_until_kept(&mut self, number: usize) {
        let began = Instant::now();
        loop {
            self.look_again(number);
            let Some((address, _)) = self.spells.open(number).next() else { break };
            assert!(began.elapsed() < LOCKSTEP_PATIENCE, "tick {number}: {address} can be liquidated, and the keeper does not");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(self.plan.pace);
    }

    /// What the keeper has done since the tick; the fill of an order can end a spell too.
    fn look_again(&mut self, number: usize) {
        let node = Arc::clone(&self.node);
        let stage = node.stage();
        self.absorb(number, &stage);
        if self.spells.open(number).next().is_some() {
            self.spells.observe(number, &truth::liquidatable(&stage.local, &self.crowd.positions));
        }
    }
}
