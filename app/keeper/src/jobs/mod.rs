//! What there is to do, given what is known: pure functions of the world, so that the same world always gives the same tasks in the same
//! order.
//!
//! Each decision is rehearsed: the engine does it on copies of the accounts, at the Clock and at the price as they were read. What the
//! engine refuses is no task, and what it pays is the task's reward.

mod dead_oracle;
mod deleverage;
mod funding;
mod liquidations;
mod orders;
mod settlement;
mod withdrawals;

use crate::config::Config;
use crate::job::{Job, Jobs};
use crate::task::{stamp, Action, Task};
use crate::world::{Look, World};
use inverse_perps_engine::units::{Sats, Seconds};
use solana_address::Address;
use solana_signer::Signer;

/// Keepers of one market show it its prices this much apart at most, in seconds, by their addresses.
const STAGGER: u32 = 10;

/// What is to be done at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The jobs.
    pub jobs: Jobs,
    /// After how long without a price a market is shown one.
    pub accrue_every: Seconds,
    /// Whether claims are redeemed for their owners.
    pub redeem_claims: bool,
    /// Whether positions of closed markets are paid out to their owners.
    pub pay_out: bool,
}

impl Policy {
    /// Of a configuration. The interval of accruals is shortened by up to ten seconds, by the keeper's address, so that of several keepers
    /// one comes first.
    pub fn of(config: &Config) -> Self {
        let own = u32::from(config.keypair.pubkey().to_bytes()[0]) % STAGGER;
        let early = own.min(config.accrue_every_seconds / 2);
        Self {
            jobs: config.jobs.clone(),
            accrue_every: Seconds::new(config.accrue_every_seconds.saturating_sub(early).max(1)),
            redeem_claims: config.redeem_claims,
            pay_out: config.pay_out,
        }
    }
}

/// What was found to do.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The tasks, the first to be done first.
    pub tasks: Vec<Task>,
    /// Positions that do not fit what is known of their market: both must be read again.
    pub misfits: Vec<Address>,
}

/// Everything there is to do. Nothing before the world is ready.
pub fn all(world: &World, policy: &Policy) -> Found {
    let mut found = Found::default();
    let Some(at) = world.moment().filter(|_| world.is_ready()) else { return found };
    for book in world.books() {
        of_market(&book.look(at), policy, &mut found);
    }
    found.tasks.retain(|task| task.key().verb.job().is_none_or(|job| policy.jobs.contains(job)));
    found.tasks.sort_by_key(Task::precedence);
    found.tasks.dedup_by_key(|task| task.key());
    found
}

fn of_market(look: &Look, policy: &Policy, found: &mut Found) {
    let wanted = |job| policy.jobs.contains(job);
    let paid = [Job::Liquidations, Job::Orders, Job::Settlement];
    if look.book.place.tokens_missing && paid.into_iter().any(wanted) {
        found.tasks.push(look.task(Action::OpenTokens, Sats::ZERO, true, stamp("missing")));
    }
    if wanted(Job::Deleverage) {
        found.tasks.extend(deleverage::task(look));
    }
    if wanted(Job::Funding) {
        found.tasks.extend(funding::task(look, policy.accrue_every));
    }
    if wanted(Job::Liquidations) {
        liquidations::tasks(look, found);
    }
    if wanted(Job::Orders) {
        found.tasks.extend(orders::tasks(look));
    }
    if wanted(Job::Settlement) {
        found.tasks.extend(settlement::tasks(look, policy));
        found.tasks.extend(dead_oracle::task(look));
    }
    if wanted(Job::Withdrawals) {
        found.tasks.extend(withdrawals::tasks(look));
    }
}

#[cfg(test)]
mod tests;
