//! The daemon: learns of the chain, looks at the jobs whenever it has learned something, hands tasks to its workers, and takes in what
//! came of them. One thread decides; threads at the edges wait for the network.

mod keeper;
mod summary;

pub use summary::Summary;

use crate::config::Config;
use crate::feed::{ask, load, Feed};
use crate::prices::{Archive, Prices};
use crate::sender::{Report, Tools, Workers};
use crate::server::Server;
use crate::source::{Event, Sink, Source, Wishes};
use crate::terms::Terms;
use anyhow::{Context, Result};
use keeper::Keeper;
use perps::chain::Chain;
use perps::rpc::RpcChain;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much is taken in between two looks at most.
const MOST_AT_ONCE: usize = 10_000;

/// What the daemon is told.
enum Message {
    Heard(Event),
    Done(Box<Report>),
}

impl From<Event> for Message {
    fn from(event: Event) -> Self {
        Message::Heard(event)
    }
}

/// What a keeper is connected to.
pub struct Parts {
    /// The chain that it sends to.
    pub chain: Arc<dyn Chain>,
    /// Where prices are.
    pub prices: Arc<dyn Prices>,
    /// Where it learns of the chain.
    pub source: Box<dyn Source>,
}

impl Parts {
    /// The node of a configuration, and the archive of updates on its chain.
    pub fn of(config: &Config) -> Self {
        let chain: Arc<dyn Chain> = Arc::new(RpcChain::new(&config.rpc_url));
        let source = Box::new(Feed::new(chain.clone(), config));
        Self { prices: Arc::new(Archive::new(chain.clone())), chain, source }
    }
}

pub(crate) fn tools(config: &Config, chain: &Arc<dyn Chain>, prices: &Arc<dyn Prices>) -> Tools {
    let ending = Arc::new(AtomicBool::new(false));
    let (keypair, terms) = (config.keypair.clone(), Terms::of(config));
    Tools { chain: chain.clone(), prices: prices.clone(), keypair, terms, ending, attempts: Arc::default() }
}

/// Keeps the markets of a node's chain until `stop` is set, then waits for what is under way, and says what it has done. A node that does
/// not answer, now or later, is waited for.
///
/// # Errors
/// A configuration that cannot be run; metrics that cannot be served.
pub fn run(config: Config, stop: Arc<AtomicBool>) -> Result<Summary> {
    config.validate()?;
    let parts = Parts::of(&config);
    run_with(&config, parts, &stop)
}

/// The same, connected otherwise.
///
/// # Errors
/// As `run`.
pub fn run_with(config: &Config, parts: Parts, stop: &AtomicBool) -> Result<Summary> {
    config.validate()?;
    let Parts { chain, prices, source } = parts;
    let (sender, inbox) = mpsc::channel::<Message>();
    let wishes = Arc::new(Wishes::default());
    let mut keeper = Keeper::new(config, prices.clone(), wishes.clone())?;
    let server = config.metrics.map(|address| Server::start(address, keeper.board.clone())).transpose()?;
    let done = sender.clone();
    let report = move |report| drop(done.send(Message::Done(Box::new(report))));
    let tools = tools(config, &chain, &prices);
    let workers = Workers::start(config.max_in_flight, &tools, report);
    let feeding = source.start(Sink::channel(sender), wishes.clone());
    keeper.announce(config);
    while !stop.load(Ordering::SeqCst) {
        take_in(&mut keeper, &inbox, config.tick);
        for task in keeper.look(Instant::now()) {
            workers.hand(task);
        }
    }
    tools.ending.store(true, Ordering::SeqCst);
    wishes.end();
    let at_work = workers.end();
    let summary = drain(keeper, &inbox, config.drain);
    for thread in at_work.into_iter().chain(feeding) {
        // Who still waits for a node that does not answer is not waited for.
        if thread.is_finished() {
            drop(thread.join());
        }
    }
    drop(server);
    tracing::info!(%summary, "stopped");
    Ok(summary)
}

/// Waits for the first message, at most so long, and takes in what has come with it.
fn take_in(keeper: &mut Keeper, inbox: &Receiver<Message>, wait: Duration) {
    match inbox.recv_timeout(wait) {
        Ok(message) => keeper.take(message),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
    }
    for message in inbox.try_iter().take(MOST_AT_ONCE) {
        keeper.take(message);
    }
}

/// Waits for what is under way.
fn drain(mut keeper: Keeper, inbox: &Receiver<Message>, most: Duration) -> Summary {
    let begun = Instant::now();
    while keeper.under_way() > 0 && begun.elapsed() < most {
        take_in(&mut keeper, inbox, Duration::from_millis(100));
    }
    keeper.summary()
}

/// Looks once at everything, does what there is to do, each task once, and says what came of it. What one task makes possible, another
/// run does.
///
/// # Errors
/// A configuration that cannot be run; a node that does not answer.
pub fn run_once(config: &Config) -> Result<Summary> {
    config.validate()?;
    let Parts { chain, prices, .. } = Parts::of(config);
    run_once_with(config, chain, prices)
}

/// The same on another chain.
///
/// # Errors
/// As `run_once`.
pub fn run_once_with(config: &Config, chain: Arc<dyn Chain>, prices: Arc<dyn Prices>) -> Result<Summary> {
    config.validate()?;
    let wishes = Arc::new(Wishes::default());
    let mut keeper = Keeper::new(config, prices.clone(), wishes.clone())?;
    keeper.announce(config);
    let snapshot = load(chain.as_ref(), &config.markets).context("the chain's accounts cannot be loaded")?;
    keeper.take(Message::Heard(Event::Snapshot(snapshot)));
    let updates = ask(chain.as_ref(), &keeper.asked_for()).context("Clock and prices cannot be read")?;
    keeper.take(Message::Heard(Event::Updates(updates)));

    let (sender, inbox) = mpsc::channel();
    let report = move |report| drop(sender.send(Message::Done(Box::new(report))));
    let workers = Workers::start(config.max_in_flight, &tools(config, &chain, &prices), report);
    let mut tasks = keeper.find(Instant::now()).tasks;
    loop {
        let handed = keeper.hand_out(&tasks, Instant::now());
        tasks.retain(|task| !handed.contains(task));
        handed.into_iter().for_each(|task| workers.hand(task));
        if keeper.under_way() == 0 {
            break;
        }
        take_in(&mut keeper, &inbox, config.tick);
    }
    drop(workers.end());
    Ok(keeper.summary())
}

#[cfg(test)]
mod tests;
