//! Whether what the keeper knows is recent enough to act on.

use crate::world::World;
use inverse_perps_engine::settlement::Status;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Everything heard later than this ago is too old: two blocks' worth of slow nodes and a poll or two.
const LONGEST_QUIET: Duration = Duration::from_secs(10);

/// Fees of two hundred transactions: with less, it will soon do nothing.
const LEAST_LAMPORTS: u64 = 1_000_000;

/// How the keeper stands, as it is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether it acts on what is so.
    pub healthy: bool,
    /// Why not.
    pub why: Vec<String>,
    /// Whether updates come by themselves.
    pub live: bool,
    /// The newest slot known.
    pub slot: u64,
    /// Seconds since anything was heard; none before.
    pub update_age_seconds: Option<u64>,
    /// Seconds since everything was read; none before.
    pub resync_age_seconds: Option<u64>,
    /// Tasks under way.
    pub in_flight: usize,
    /// What fees are paid from; none before it was read.
    pub balance_lamports: Option<u64>,
    /// Each market's newest price.
    pub prices: Vec<PriceAge>,
}

/// How old a market's newest price is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceAge {
    /// The market.
    pub market: String,
    /// The Clock less the publish time of the newest price, in seconds; negative where the Clock lags.
    pub seconds: i64,
    /// The age from which on nothing in the market can be done.
    pub most_seconds: u32,
}

/// What was heard when.
pub struct Pulse {
    /// Whether a websocket is expected at all.
    pub expects_socket: bool,
    /// How often everything is to be read again.
    pub resync: Duration,
    /// Whether updates come by themselves.
    pub live: bool,
    /// When anything was heard last.
    pub heard: Option<Instant>,
    /// When everything was read last.
    pub resynced: Option<Instant>,
    /// What the node or its websocket failed with last, until it is well again.
    pub trouble: Option<String>,
}

impl Pulse {
    /// Nothing heard yet.
    pub fn new(expects_socket: bool, resync: Duration) -> Self {
        Self { expects_socket, resync, live: false, heard: None, resynced: None, trouble: None }
    }

    /// How the keeper stands at this instant.
    pub fn health(&self, world: &World, in_flight: usize, now: Instant) -> Health {
        let age = |then: Option<Instant>| then.map(|then| now.saturating_duration_since(then));
        let (heard, resynced) = (age(self.heard), age(self.resynced));
        let mut why = vec![];
        if heard.is_none_or(|age| age > LONGEST_QUIET) {
            why.push(format!("nothing has been heard of the chain {}", since(heard)));
        }
        if self.expects_socket && !self.live {
            why.push("the websocket is not connected".to_owned());
        }
        if resynced.is_none_or(|age| age > self.resync.saturating_mul(3)) {
            why.push(format!("everything was read last {}", since(resynced)));
        }
        let balance_lamports = world.purse().lamports();
        if let Some(lamports) = balance_lamports.filter(|lamports| *lamports < LEAST_LAMPORTS) {
            why.push(format!("the keeper has {lamports} lamports left for fees, less than {LEAST_LAMPORTS}"));
        }
        let prices = prices(world);
        let old = prices.iter().filter(|price| price.seconds > i64::from(price.most_seconds));
        why.extend(old.map(|price| {
            format!(
                "the newest price of market {} is {} s old, of at most {} s",
                price.market, price.seconds, price.most_seconds
            )
        }));
        if let Some(trouble) = self.trouble.as_ref().filter(|_| !why.is_empty()) {
            why.push(trouble.clone());
        }
        Health {
            healthy: why.is_empty(),
            why,
            live: self.live,
            slot: world.slot(),
            update_age_seconds: heard.map(|age| age.as_secs()),
            resync_age_seconds: resynced.map(|age| age.as_secs()),
            in_flight,
            balance_lamports,
            prices,
        }
    }
}

fn since(age: Option<Duration>) -> String {
    age.map_or("since the start".to_owned(), |age| format!("{} s ago", age.as_secs()))
}

/// The newest price of each market that trades.
fn prices(world: &World) -> Vec<PriceAge> {
    let Some(at) = world.moment() else { return vec![] };
    let trading = world.books().filter(|book| book.market.state.status() == Status::Active);
    trading
        .map(|book| PriceAge {
            market: book.place.keys.market.to_string(),
            seconds: at.time.get().saturating_sub(book.newest_publish_time().get()),
            most_seconds: book.market.state.params.wide_age.get(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::Stage;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_keeper_that_hears_everything_is_well_and_says_what_it_knows() {
        let stage = Stage::new();
        let now = Instant::now();
        let pulse = Pulse { live: true, heard: Some(now), resynced: Some(now), ..Pulse::new(true, MINUTE) };
        let health = pulse.health(&stage.world, 3, now);
        assert_eq!((health.healthy, health.why.clone(), health.in_flight), (true, vec![], 3));
        assert_eq!(health.prices.len(), 1);
    }

    #[test]
    fn each_thing_that_is_missing_is_said() {
        let mut stage = Stage::new();
        let now = Instant::now();
        let well = || Pulse { live: true, heard: Some(now), resynced: Some(now), ..Pulse::new(true, MINUTE) };
        let why = |pulse: Pulse, stage: &Stage, later: Duration| pulse.health(&stage.world, 0, now + later).why.join("; ");
        assert!(why(Pulse::new(true, MINUTE), &stage, Duration::ZERO).contains("since the start"));
        assert!(why(Pulse { live: false, ..well() }, &stage, Duration::ZERO).contains("websocket"));
        assert_eq!(why(Pulse { live: false, expects_socket: false, ..well() }, &stage, Duration::ZERO), "");
        assert!(why(well(), &stage, Duration::from_secs(11)).contains("11 s ago"));
        let resynced = Some(now);
        let stale =
            Pulse { heard: Some(now + Duration::from_secs(181)), resynced, trouble: Some("it hurts".to_owned()), ..well() };
        let said = why(stale, &stage, Duration::from_secs(181));
        assert!(said.contains("everything was read last 181 s ago") && said.contains("it hurts"), "{said}");
        stage.pass(16);
        assert!(
            why(well(), &stage, Duration::ZERO).contains("is 16 s old, of at most 15 s"),
            "{}",
            why(well(), &stage, Duration::ZERO)
        );
    }
}
