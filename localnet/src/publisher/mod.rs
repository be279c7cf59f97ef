//! The publisher: once a second the next update of the feed, into its account and into the archive.

mod feed;
pub mod message;
mod route;

pub use feed::{read_update, write_update, Feed};
pub use route::Route;

use crate::clock::{since_1970, unix_time};
use crate::control::Control;
use crate::directory::Directory;
use crate::stop::Stop;
use anyhow::{bail, Context, Result};
use inverse_perps_engine::units::Price;
use message::Style;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an update may take to land before the next is made from what the chain says then.
const LANDING: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(60);
/// After the full second, so that an update is never of a second that has only just begun on another clock.
const INTO_SECOND: Duration = Duration::from_millis(10);
/// A chain's clock that stays further from this machine's is believed instead: it is what the program compares with.
const MOST_APART_SECONDS: i64 = 10;
/// After a start the chain's clock needs a few votes to catch up.
const APART_PATIENCE: Duration = Duration::from_secs(6);
const SECOND: Duration = Duration::from_secs(1);
/// Failures in a row between two warnings, after the first.
const WARN_EVERY: u32 = 15;

/// How updates are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seconds between two updates.
    pub every_seconds: u32,
    /// How messages are made.
    pub style: Style,
}

/// Since when the clocks have been far apart, and whether that was said.
#[derive(Clone, Copy)]
struct Apart {
    since: Instant,
    said: bool,
}

/// Publishes until it is stopped.
pub struct Publisher {
    feed: Feed,
    directory: Directory,
    settings: Settings,
    route: Route,
    apart: Option<Apart>,
}

impl Publisher {
    /// Of a feed, told what to do by a directory's control file.
    ///
    /// # Errors
    /// Where the control file cannot be used.
    pub fn new(feed: Feed, directory: Directory, settings: Settings) -> Result<Self> {
        let route = Route::new(Control::read(&directory)?)?;
        Ok(Self { feed, directory, settings, route, apart: None })
    }

    /// Publishes on a thread of its own.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn start(self, stop: Stop) -> Result<JoinHandle<()>> {
        let run = move || self.run(&stop);
        std::thread::Builder::new().name("publisher".to_owned()).spawn(run).context("the publisher's thread did not start")
    }

    fn run(mut self, stop: &Stop) {
        tracing::info!("the publisher's price {}", self.route.control());
        let mut failures: u32 = 0;
        while !stop.wait(until_next_second()) {
            match self.turn(stop) {
                Ok(()) if failures > 0 => {
                    tracing::info!(failures, "the publisher goes on");
                    failures = 0;
                }
                Ok(()) => (),
                Err(error) => {
                    if failures.is_multiple_of(WARN_EVERY) {
                        tracing::warn!(failures, "no update was published, trying again: {error:#}");
                    }
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    /// Publishes one update, if one is due, and waits until it has landed.
    fn turn(&mut self, stop: &Stop) -> Result<()> {
        self.heed();
        if self.route.control().stopped {
            return Ok(());
        }
        let (last, chain_time) = self.feed.read()?;
        let from = last.publish_time;
        let Some(now) = self.time(chain_time) else {
            return Ok(());
        };
        if now < from.saturating_add(self.settings.every_seconds.into()) {
            return Ok(());
        }
        let price = self.route.next(Price::new(u64::try_from(last.price)?), from, now)?;
        let message = self.settings.style.after(&last, price, now, self.route.market_seconds(from, now))?;
        self.feed.send(message)?;
        let deadline = Instant::now() + LANDING;
        while !stop.wait(POLL) {
            if self.feed.newest()?.publish_time >= now {
                tracing::debug!(price = message.price, publish_time = now, "published");
                return Ok(());
            }
            if Instant::now() > deadline {
                self.feed.forget_blockhash();
                bail!("the update of {now} has not landed within {} s", LANDING.as_secs());
            }
        }
        Ok(())
    }

    /// Looks whether it is told something else. What cannot be used is refused, and the course stays.
    fn heed(&mut self) {
        let told = Control::read(&self.directory).and_then(|control| match control == *self.route.control() {
            true => Ok(None),
            false => Route::new(control).map(Some),
        });
        match told {
            Ok(None) => (),
            Ok(Some(route)) => {
                tracing::info!("the publisher's price {}", route.control());
                self.route = route;
            }
            Err(error) => tracing::warn!("what the publisher is told cannot be used, it goes on as before: {error:#}"),
        }
    }

    /// The time to publish for: this machine's, but the chain's where that stays far off (after the machine slept, for one). None
    /// while that is not clear.
    fn time(&mut self, chain_time: i64) -> Option<i64> {
        let ours = unix_time();
        let ahead = ours.saturating_sub(chain_time);
        if (-MOST_APART_SECONDS..=MOST_APART_SECONDS).contains(&ahead) {
            if self.apart.take().is_some_and(|apart| apart.said) {
                tracing::info!("the chain's clock agrees with this machine's again");
            }
            return Some(ours);
        }
        let apart = self.apart.get_or_insert(Apart { since: Instant::now(), said: false });
        if apart.since.elapsed() < APART_PATIENCE {
            return None;
        }
        if !apart.said {
            apart.said = true;
            tracing::warn!(
                seconds = ahead,
                "this machine's clock is ahead of the chain's, which catches up: publishing at the chain's"
            );
        }
        Some(chain_time)
    }
}

fn until_next_second() -> Duration {
    SECOND.saturating_sub(Duration::from_nanos(since_1970().subsec_nanos().into())) + INTO_SECOND
}
