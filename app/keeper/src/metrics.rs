//! Counts, as Prometheus reads them. Amounts are integers; ages and durations are seconds.

use crate::job::Job;
use crate::outcome::Outcome;
use crate::sender::Report;
use crate::world::World;
use prometheus::{
    Encoder, Gauge, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use std::time::Duration;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Open positions that are watched.
    positions: IntGauge,
    orders: IntGauge,
    withdrawals: IntGauge,
    markets: IntGauge,
    /// Looks at the jobs.
    pub ticks: IntCounter,
    /// Seconds that a look took.
    pub tick_seconds: Histogram,
    candidates: IntGauge,
    in_flight: IntGauge,
    sent: IntCounterVec,
    landed: IntCounterVec,
    refused: IntCounterVec,
    rival: IntCounterVec,
    expired: IntCounterVec,
    others: IntCounterVec,
    rewards: IntCounterVec,
    fees: IntCounter,
    balance: IntGauge,
    tokens: IntGaugeVec,
    update_age: Gauge,
    price_age: GaugeVec,
    live: IntGauge,
    /// Snapshots taken in.
    pub resyncs: IntCounter,
    /// Websockets that were lost.
    pub reconnects: IntCounter,
    /// Questions that the node did not answer.
    pub unreachable: IntCounter,
    /// Updates that were older than what was known.
    pub stale: IntCounter,
    /// Accounts whose bytes could not be read.
    pub unreadable: IntCounter,
}

/// Seconds; a look at a quiet market takes microseconds.
const BUCKETS: [f64; 10] = [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];

struct Makes<'a>(&'a Registry);

impl Makes<'_> {
    fn keep<T: prometheus::core::Collector + Clone + 'static>(&self, made: T) -> prometheus::Result<T> {
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn opts(name: &str, help: &str) -> Opts {
        Opts::new(format!("perps_keeper_{name}"), help)
    }

    fn count(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        self.keep(IntCounter::with_opts(Self::opts(name, help))?)
    }

    fn by_job(&self, name: &str, help: &str) -> prometheus::Result<IntCounterVec> {
        let made = self.keep(IntCounterVec::new(Self::opts(name, help), &["job"])?)?;
        for job in Job::ALL {
            made.with_label_values(&[job.name()]); // shown as zero from the start
        }
        Ok(made)
    }

    fn counts(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.keep(IntCounterVec::new(Self::opts(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.keep(IntGauge::with_opts(Self::opts(name, help))?)
    }
}

impl Metrics {
    /// All at zero.
    ///
    /// # Errors
    /// Where two of them have one name, which would be a bug.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let make = Makes(&registry);
        let buckets =
            HistogramOpts::new("perps_keeper_tick_seconds", "How long looking at all jobs took").buckets(BUCKETS.to_vec());
        Ok(Self {
            positions: make.gauge("positions", "Open positions that are watched")?,
            orders: make.gauge("orders", "Orders that are watched")?,
            withdrawals: make.gauge("withdrawals", "Withdrawals from pools that are watched")?,
            markets: make.gauge("markets", "Markets that are kept")?,
            ticks: make.count("ticks_total", "Looks at all jobs")?,
            tick_seconds: make.keep(Histogram::with_opts(buckets)?)?,
            candidates: make.gauge("candidates", "Tasks found at the last look")?,
            in_flight: make.gauge("in_flight", "Tasks under way")?,
            sent: make.by_job("sent_total", "Transactions sent")?,
            landed: make.by_job("landed_total", "Transactions that landed and succeeded")?,
            refused: make.counts("refused_total", "Tasks that a simulation refused, by the error's name", &["job", "name"])?,
            rival: make.by_job("rival_total", "Transactions refused after they were sent: a rival was faster")?,
            expired: make.by_job("expired_total", "Transactions that never landed")?,
            others: make.counts("not_sent_total", "Tasks not sent for other reasons", &["job", "why"])?,
            rewards: make.by_job("rewards_sats_total", "Satoshi earned, by events")?,
            fees: make.count("fees_lamports_total", "Lamports paid for transactions that landed")?,
            balance: make.gauge("balance_lamports", "Lamports that fees are paid from")?,
            tokens: make.keep(IntGaugeVec::new(Makes::opts("tokens_sats", "Satoshi in a token account"), &["account"])?)?,
            update_age: make.keep(Gauge::with_opts(Makes::opts("update_age_seconds", "Since anything was heard"))?)?,
            price_age: make.keep(GaugeVec::new(
                Makes::opts("price_age_seconds", "The Clock less the newest publish time"),
                &["market"],
            )?)?,
            live: make.gauge("feed_live", "1 while updates come by themselves")?,
            resyncs: make.count("resyncs_total", "Snapshots taken in")?,
            reconnects: make.count("reconnects_total", "Websockets lost")?,
            unreachable: make.count("unreachable_total", "Questions that the node did not answer")?,
            stale: make.count("stale_updates_total", "Updates older than what was known")?,
            unreadable: make.count("unreadable_total", "Accounts that could not be read")?,
            registry,
        })
    }

    /// As text.
    ///
    /// # Errors
    /// Where they cannot be written, which would be a bug.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut text = vec![];
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// What is known, and how much there is to do.
    pub fn note_world(&self, world: &World, candidates: usize, in_flight: usize) {
        self.markets.set(signed(world.books().count()));
        self.positions.set(signed(world.books().map(|book| book.index.len()).sum::<usize>()));
        self.orders.set(signed(world.books().map(|book| book.orders.len()).sum::<usize>()));
        self.withdrawals.set(signed(world.books().map(|book| book.withdrawals.len()).sum::<usize>()));
        self.candidates.set(signed(candidates));
        self.in_flight.set(signed(in_flight));
        if let Some(lamports) = world.purse().lamports() {
            self.balance.set(i64::try_from(lamports).unwrap_or(i64::MAX));
        }
        for (account, sats) in world.purse().tokens() {
            let sats = i64::try_from(sats.unwrap_or(0)).unwrap_or(i64::MAX);
            self.tokens.with_label_values(&[&account.to_string()]).set(sats);
        }
    }

    /// How old what is known is.
    pub fn note_ages(&self, update: Duration, prices: &[(String, i64)], is_live: bool) {
        self.update_age.set(update.as_secs_f64());
        for (market, seconds) in prices {
            self.price_age.with_label_values(&[market]).set(*seconds as f64); // for display
        }
        self.live.set(i64::from(is_live));
    }

    /// What came of a task.
    pub fn note_report(&self, report: &Report) {
        let job = report.key().verb.job_name();
        let was_sent = matches!(report.outcome, Outcome::Landed { .. } | Outcome::Beaten(_) | Outcome::Expired(_));
        if was_sent {
            self.sent.with_label_values(&[job]).inc();
        }
        match &report.outcome {
            Outcome::Landed { reward_sats, fee_lamports, .. } => {
                self.landed.with_label_values(&[job]).inc();
                self.rewards.with_label_values(&[job]).inc_by(*reward_sats);
                self.fees.inc_by(*fee_lamports);
            }
            Outcome::Refused(why) => self.refused.with_label_values(&[job, &why.name]).inc(),
            Outcome::Beaten(_) => self.rival.with_label_values(&[job]).inc(),
            Outcome::Expired(_) => self.expired.with_label_values(&[job]).inc(),
            other => self.others.with_label_values(&[job, other.name()]).inc(),
        }
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{id, liquidation};
    use crate::outcome::Why;
    use solana_signature::Signature;

    fn report(outcome: Outcome) -> Report {
        Report { task: liquidation(id(1), 5, 0), outcome, afterwards: vec![] }
    }

    #[test]
    fn outcomes_are_counted_by_job_and_refusals_by_name() {
        let metrics = Metrics::new().expect("names differ");
        let why = Why { name: "PriceTooOld".to_owned(), message: String::new(), is_over: false };
        let signature = Signature::default();
        metrics.note_report(&report(Outcome::Landed { signature, slot: 1, reward_sats: 1_234, fee_lamports: 5_000 }));
        metrics.note_report(&report(Outcome::Refused(why.clone())));
        metrics.note_report(&report(Outcome::Beaten(why)));
        metrics.note_report(&report(Outcome::Expired(signature)));
        metrics.note_report(&report(Outcome::Waiting("x")));
        let text = metrics.text().expect("text");
        for line in [
            "perps_keeper_sent_total{job=\"liquidations\"} 3",
            "perps_keeper_landed_total{job=\"liquidations\"} 1",
            "perps_keeper_landed_total{job=\"orders\"} 0",
            "perps_keeper_refused_total{job=\"liquidations\",name=\"PriceTooOld\"} 1",
            "perps_keeper_rival_total{job=\"liquidations\"} 1",
            "perps_keeper_expired_total{job=\"liquidations\"} 1",
            "perps_keeper_not_sent_total{job=\"liquidations\",why=\"waiting\"} 1",
            "perps_keeper_rewards_sats_total{job=\"liquidations\"} 1234",
            "perps_keeper_fees_lamports_total 5000",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
