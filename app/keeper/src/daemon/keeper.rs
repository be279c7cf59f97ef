//! The thread that decides.

use super::{Message, Summary};
use crate::config::{Config, Veil};
use crate::desk::Desk;
use crate::health::Pulse;
use crate::jobs::{self, Found, Policy};
use crate::metrics::Metrics;
use crate::outcome::Outcome;
use crate::prices::Prices;
use crate::sender::Report;
use crate::server::Board;
use crate::source::{Event, Wishes};
use crate::task::{stamp, Task};
use crate::terms::Terms;
use crate::world::{Learned, World};
use anyhow::Result;
use solana_address::Address;
use solana_signer::Signer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What does not fit is read again, but no more often than this: reading may not mend it.
const MEND_EVERY: Duration = Duration::from_secs(30);

/// What is known, what is under way, and what has come of it.
pub(super) struct Keeper {
    world: World,
    policy: Policy,
    terms: Terms,
    desk: Desk,
    pulse: Pulse,
    pub(super) board: Board,
    metrics: Arc<Metrics>,
    wishes: Arc<Wishes>,
    summary: Summary,
    started: Instant,
    veil: Veil,
    mended: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(config: &Config, prices: Arc<dyn Prices>, wishes: Arc<Wishes>) -> Result<Self> {
        let keeper = config.keypair.pubkey();
        let metrics = Arc::new(Metrics::new()?);
        Ok(Self {
            world: World::new(keeper, prices, &config.markets),
            policy: Policy::of(config),
            terms: Terms::of(config),
            desk: Desk::new(config.max_in_flight, stamp(keeper)),
            pulse: Pulse::new(config.ws_url.is_some(), config.resync),
            board: Board::new(metrics.clone()),
            metrics,
            wishes,
            summary: Summary::default(),
            started: Instant::now(),
            veil: Veil::of(config),
            mended: None,
        })
    }

    pub(super) fn announce(&self, config: &Config) {
        let markets = config.markets.len();
        tracing::info!(
            keeper = %config.keypair.pubkey(), rpc = self.veil.shown(), jobs = %config.jobs, markets, dry_run = config.dry_run,
            "keeping {}", if markets == 0 { "every market" } else { "some markets" }
        );
    }

    pub(super) fn under_way(&self) -> usize {
        self.desk.under_way()
    }

    pub(super) fn summary(self) -> Summary {
        Summary { left_under_way: self.desk.under_way(), ..self.summary }
    }

    /// Accounts to ask for besides the program's.
    pub(super) fn asked_for(&self) -> Vec<Address> {
        self.world.followed().into_iter().chain(self.world.asked_for()).collect()
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Heard(event) => self.hear(event),
            Message::Done(report) => self.take_report(*report),
        }
    }

    fn hear(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Snapshot(snapshot) => {
                let slot = snapshot.slot;
                let learned = self.world.replace(snapshot);
                self.metrics.resyncs.inc();
                self.summary.resyncs += 1;
                (self.pulse.heard, self.pulse.resynced, self.pulse.trouble) = (Some(now), Some(now), None);
                if learned.set_back {
                    tracing::warn!(slot, "the chain is behind what was known of it: everything known was dropped");
                }
                self.note_learned(&learned);
                tracing::debug!(slot, "everything was read");
            }
            Event::Updates(updates) => {
                self.pulse.heard = Some(now);
                let learned = self.world.learn(updates);
                self.note_learned(&learned);
            }
            Event::Live => {
                self.pulse.live = true;
                tracing::info!("updates come over the websocket");
            }
            Event::Lost(why) => {
                let why = self.veil.over(&why);
                self.metrics.reconnects.inc();
                self.summary.reconnects += 1;
                tracing::warn!(why, "the websocket is lost; trying again");
                (self.pulse.live, self.pulse.trouble) = (false, Some(why));
            }
            Event::Unreachable(why) => {
                let why = self.veil.over(&why);
                self.metrics.unreachable.inc();
                tracing::warn!(why, "the node does not answer; trying again");
                self.pulse.trouble = Some(why);
            }
        }
    }

    fn note_learned(&mut self, learned: &Learned) {
        self.metrics.stale.inc_by(u64::try_from(learned.stale).unwrap_or(u64::MAX));
        for (address, why) in &learned.unreadable {
            self.metrics.unreadable.inc();
            tracing::warn!(account = %address, why, "an account cannot be read");
        }
        if !learned.unreadable.is_empty() {
            self.mend();
        }
    }

    /// Has everything read again.
    fn mend(&mut self) {
        if self.mended.is_none_or(|mended| mended.elapsed() >= MEND_EVERY) {
            self.mended = Some(Instant::now());
            self.wishes.want_snapshot();
        }
    }

    fn take_report(&mut self, mut report: Report) {
        if let Outcome::Unreachable(why) = &mut report.outcome {
            *why = self.veil.over(why);
        }
        self.metrics.note_report(&report);
        self.summary.note(&report);
        self.desk.take_back(report.key(), &report.outcome, self.millis(Instant::now()));
        log(&report);
        let learned = self.world.learn(report.afterwards);
        self.note_learned(&learned);
    }

    /// Looks at all jobs, and says which tasks are under way from now on.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Task> {
        let found = self.find(now);
        let handed = self.hand_out(&found.tasks, now);
        self.metrics.note_world(&self.world, found.tasks.len(), self.desk.under_way());
        let health = self.pulse.health(&self.world, self.desk.under_way(), now);
        let prices: Vec<(String, i64)> = health.prices.iter().map(|price| (price.market.clone(), price.seconds)).collect();
        let heard =
            self.pulse.heard.map_or(now.saturating_duration_since(self.started), |heard| now.saturating_duration_since(heard));
        self.metrics.note_ages(heard, &prices, health.live);
        self.board.set_health(health);
        self.wishes.set(self.world.followed(), self.world.asked_for());
        handed
    }

    /// Everything that is worth doing.
    pub(super) fn find(&mut self, now: Instant) -> Found {
        let mut found = jobs::all(&self.world, &self.policy);
        found.tasks.retain(|task| self.terms.is_worth_trying(task));
        self.summary.ticks += 1;
        self.metrics.ticks.inc();
        self.metrics.tick_seconds.observe(now.elapsed().as_secs_f64());
        if let Some(first) = found.misfits.first() {
            tracing::debug!(position = %first, more = found.misfits.len(), "positions do not fit what is known of their market");
            self.mend();
        }
        found
    }

    /// Takes of these tasks those to be done now.
    pub(super) fn hand_out(&mut self, tasks: &[Task], now: Instant) -> Vec<Task> {
        let now = self.millis(now);
        self.desk.hand_out(tasks, now)
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }
}

fn log(report: &Report) {
    let Report { task, outcome, .. } = report;
    let key = task.key();
    let (job, action, subject) = (key.verb.job_name(), key.verb.name(), key.subject);
    let market = task.place.keys.market;
    let position = task.position().map(tracing::field::display);
    match outcome {
        Outcome::Landed { signature, slot, reward_sats, fee_lamports } => tracing::info!(
            job, action, %market, %subject, position, %signature, slot, reward_sats, fee_lamports, "landed"
        ),
        Outcome::WouldSend { reward_sats } => {
            tracing::info!(job, action, %market, %subject, position, reward_sats, "would be sent");
        }
        Outcome::Beaten(why) => {
            tracing::info!(job, action, %market, %subject, position, name = why.name, "a rival was faster");
        }
        Outcome::Refused(why) if why.is_over => {
            tracing::debug!(job, action, %market, %subject, position, name = why.name, "nothing to do any more");
        }
        Outcome::Refused(why) => {
            tracing::warn!(job, action, %market, %subject, position, name = why.name, message = why.message, "refused");
        }
        Outcome::Expired(signature) => tracing::warn!(job, action, %market, %subject, position, %signature, "never landed"),
        Outcome::Unprofitable { reward_sats, least_sats } => {
            tracing::debug!(job, action, %market, %subject, position, reward_sats, least_sats, "does not pay");
        }
        Outcome::Waiting(what) => tracing::debug!(job, action, %market, %subject, position, what, "waits"),
        Outcome::Unreachable(why) => tracing::warn!(job, action, %market, %subject, position, why, "the node does not answer"),
        Outcome::Crashed => tracing::error!(job, action, %market, %subject, position, "a worker has a bug"),
    }
}
