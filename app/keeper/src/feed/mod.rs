//! The chain as a node tells it: everything is loaded once and again now and then, changes come over a websocket, and Clock, prices and
//! balances are asked for as well, so that a socket that is lost or mute delays nothing that has a minute's bound.

mod load;
mod poll;
mod socket;

pub use load::load;
pub use poll::ask;

use crate::config::Config;
use crate::source::{Sink, Source, Wishes};
use perps::chain::Chain;
use solana_address::Address;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a failed attempt is waited after, at first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A node's JSON-RPC and websocket.
pub struct Feed {
    /// The JSON-RPC.
    pub chain: Arc<dyn Chain>,
    /// The websocket; none to learn by asking alone.
    pub ws_url: Option<String>,
    /// The markets to load; empty for all.
    pub markets: Vec<Address>,
    /// How often everything is loaded.
    pub resync: Duration,
    /// How often Clock, prices and balances are asked for.
    pub poll: Duration,
    /// How long the websocket may be silent.
    pub silence: Duration,
}

impl Feed {
    /// As configured.
    pub fn new(chain: Arc<dyn Chain>, config: &Config) -> Self {
        Self {
            chain,
            ws_url: config.ws_url.clone(),
            markets: config.markets.clone(),
            resync: config.resync,
            poll: config.poll,
            silence: config.silence,
        }
    }
}

impl Source for Feed {
    fn start(self: Box<Self>, sink: Sink, wishes: Arc<Wishes>) -> Vec<JoinHandle<()>> {
        let Self { chain, ws_url, markets, resync, poll, silence } = *self;
        let mut threads = vec![];
        let (own, to, from) = (wishes.clone(), sink.clone(), chain.clone());
        threads.push(thread::spawn(move || load::run(from.as_ref(), &markets, resync, &to, &own)));
        let (own, to) = (wishes.clone(), sink.clone());
        threads.push(thread::spawn(move || poll::run(chain.as_ref(), poll, &to, &own)));
        if let Some(url) = ws_url {
            threads.push(thread::spawn(move || socket::run(&url, silence, &sink, &wishes)));
        }
        threads
    }
}
