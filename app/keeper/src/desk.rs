//! Which tasks are handed out now: none twice, none too soon after it has failed, no more than can be under way.

use crate::backoff::delay;
use crate::outcome::Outcome;
use crate::task::{Task, TaskKey};
use std::collections::BTreeMap;
use std::time::Duration;

/// Waits after a failure that may pass.
const FIRST_WAIT: Duration = Duration::from_millis(400);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest wait for what is there any moment.
const LONGEST_EXPECTATION: Duration = Duration::from_secs(2);
/// How long what is over is left alone, if what it was decided on does not change before.
const OVER: Duration = Duration::from_secs(10);
/// How long what does not pay is left alone.
const UNPROFITABLE: Duration = Duration::from_secs(5);
/// After a node that did not answer, everything waits a little: it may be asking for that.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// Failures are forgotten so long after the last wait for them.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// Why a key is not handed out.
#[derive(Clone, Copy, Debug)]
struct Hold {
    /// Milliseconds since the start until which it is held.
    until: u64,
    failures: u32,
    /// Where there is one, a task with another stamp is not held.
    stamp: Option<u64>,
}

/// What is under way, and what is held.
pub struct Desk {
    most: usize,
    under_way: BTreeMap<TaskKey, u64>,
    holds: BTreeMap<TaskKey, Hold>,
    /// Questions in a row that the node did not answer, and until when nothing is handed out for that.
    unanswered: u32,
    paused_until: u64,
    seed: u64,
}

impl Desk {
    /// For so many tasks at once; waits of keepers with different seeds differ.
    pub fn new(most: usize, seed: u64) -> Self {
        Self { most, under_way: BTreeMap::new(), holds: BTreeMap::new(), unanswered: 0, paused_until: 0, seed }
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Takes of these tasks, which come in their order, those to be done now: they are under way from now on.
    pub fn hand_out(&mut self, tasks: &[Task], now: u64) -> Vec<Task> {
        self.holds.retain(|_, hold| now < hold.until.saturating_add(millis(FORGOTTEN)));
        let mut handed = vec![];
        if now < self.paused_until {
            return handed;
        }
        for task in tasks {
            if self.under_way.len() >= self.most {
                break;
            }
            let key = task.key();
            let held = self.holds.get(&key).is_some_and(|hold| hold.is_holding(task, now));
            if !held && !self.under_way.contains_key(&key) {
                self.under_way.insert(key, task.stamp);
                handed.push(*task);
            }
        }
        handed
    }

    /// What came of a task: its key is free, or held for a while.
    pub fn take_back(&mut self, key: TaskKey, outcome: &Outcome, now: u64) {
        let stamp = self.under_way.remove(&key);
        if matches!(outcome, Outcome::Unreachable(_)) {
            self.unanswered = self.unanswered.saturating_add(1);
            let pause = delay(self.unanswered, self.seed, FIRST_PAUSE, LONGEST_PAUSE);
            self.paused_until = now.saturating_add(millis(pause));
        } else {
            self.unanswered = 0;
        }
        let failures = self.holds.get(&key).map_or(0, |hold| hold.failures);
        let mut hold = |wait: Duration, failures: u32, stamp: Option<u64>| {
            self.holds.insert(key, Hold { until: now.saturating_add(millis(wait)), failures, stamp });
        };
        let next = failures.saturating_add(1);
        match outcome {
            // Until the state that it has changed is known to have changed.
            Outcome::Landed { .. } | Outcome::WouldSend { .. } => hold(OVER, 0, stamp),
            Outcome::Refused(why) | Outcome::Beaten(why) if why.is_over => hold(OVER, 0, stamp),
            Outcome::Unprofitable { .. } => hold(UNPROFITABLE, 0, None),
            Outcome::Expired(_) => drop(self.holds.remove(&key)),
            Outcome::Waiting(_) => hold(delay(next, (self.seed, key), FIRST_WAIT, LONGEST_EXPECTATION), next, None),
            Outcome::Refused(_) | Outcome::Beaten(_) | Outcome::Unreachable(_) | Outcome::Crashed => {
                hold(delay(next, (self.seed, key), FIRST_WAIT, LONGEST_WAIT), next, None);
            }
        }
    }
}

impl Hold {
    fn is_holding(&self, task: &Task, now: u64) -> bool {
        now < self.until && self.stamp.is_none_or(|stamp| stamp == task.stamp)
    }
}

fn millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{id, liquidation};
    use crate::outcome::Why;
    use solana_signature::Signature;

    fn landed() -> Outcome {
        Outcome::Landed { signature: Signature::default(), slot: 1, reward_sats: 0, fee_lamports: 0 }
    }

    fn refused(name: &str, is_over: bool) -> Outcome {
        Outcome::Refused(Why { name: name.to_owned(), message: String::new(), is_over })
    }

    fn keys(tasks: &[Task]) -> Vec<TaskKey> {
        tasks.iter().map(Task::key).collect()
    }

    #[test]
    fn the_first_tasks_go_out_up_to_the_bound_and_none_twice() {
        let mut desk = Desk::new(2, 0);
        let tasks = [liquidation(id(1), 300, 0), liquidation(id(2), 200, 0), liquidation(id(3), 100, 0)];
        assert_eq!(keys(&desk.hand_out(&tasks, 0)), keys(&tasks[..2]));
        assert_eq!(desk.hand_out(&tasks, 0), []);
        desk.take_back(tasks[0].key(), &Outcome::Expired(Signature::default()), 1);
        // What never landed is free again at once, and comes first again.
        assert_eq!(keys(&desk.hand_out(&tasks, 1)), keys(&tasks[..1]));
    }

    #[test]
    fn what_landed_or_is_over_waits_for_the_state_to_change() {
        for outcome in [landed(), refused("NotLiquidatable", true)] {
            let mut desk = Desk::new(1, 0);
            let (before, after) = (liquidation(id(1), 1, 7), liquidation(id(1), 1, 8));
            assert_eq!(desk.hand_out(&[before], 0).len(), 1);
            desk.take_back(before.key(), &outcome, 1_000);
            assert_eq!(desk.hand_out(&[before], 10_999), []);
            assert_eq!(desk.hand_out(&[after], 1_001).len(), 1, "another state is another task");
            desk.take_back(after.key(), &outcome, 2_000);
            assert_eq!(desk.hand_out(&[after], 12_000).len(), 1, "but not for ever: the change may have been missed");
        }
    }

    #[test]
    fn other_failures_wait_longer_each_time_whatever_changes() {
        let mut desk = Desk::new(1, 0);
        let (mut now, mut waits) = (0, vec![]);
        for stamp in 0..12 {
            let task = liquidation(id(1), 1, stamp);
            assert_eq!(desk.hand_out(&[task], now).len(), 1);
            desk.take_back(task.key(), &refused("PriceTooOld", false), now);
            let begun = now;
            while desk.hand_out(&[liquidation(id(1), 1, 99)], now).is_empty() {
                now += 10;
            }
            waits.push(now - begun);
            desk.under_way.clear();
        }
        for (failures, wait) in waits.iter().enumerate() {
            let whole = (400 << failures.min(10)).min(60_000);
            assert!((whole * 3 / 4..=whole * 5 / 4 + 10).contains(wait), "{waits:?}");
        }
    }

    #[test]
    fn what_is_there_any_moment_is_looked_for_every_two_seconds_at_least() {
        let mut desk = Desk::new(1, 0);
        let task = liquidation(id(1), 1, 0);
        let mut now = 0;
        for _ in 0..20 {
            assert_eq!(desk.hand_out(&[task], now).len(), 1);
            desk.take_back(task.key(), &Outcome::Waiting("a price"), now);
            now += 2_500;
        }
    }

    #[test]
    fn a_node_that_does_not_answer_is_left_alone_for_a_while_by_every_task() {
        let mut desk = Desk::new(2, 0);
        let tasks = [liquidation(id(1), 2, 0), liquidation(id(2), 1, 0)];
        let mut now = 0;
        let mut pauses = vec![];
        for _ in 0..10 {
            assert_eq!(desk.hand_out(&tasks[..1], now).len(), 1);
            desk.take_back(tasks[0].key(), &Outcome::Unreachable("429".to_owned()), now);
            let begun = now;
            while desk.hand_out(&tasks[1..], now).is_empty() {
                now += 1;
            }
            pauses.push(now - begun);
            desk.under_way.clear();
            now += 100_000;
        }
        for (failures, pause) in pauses.iter().enumerate() {
            let whole = (100 << failures).min(3_000);
            assert!((whole * 3 / 4..=whole * 5 / 4 + 1).contains(pause), "{pauses:?}");
        }
        assert_eq!(desk.hand_out(&tasks[..1], now).len(), 1);
        desk.take_back(tasks[0].key(), &landed(), now);
        assert_eq!(desk.unanswered, 0);
    }

    #[test]
    fn success_forgets_failures_and_the_old_ones_are_forgotten() {
        let mut desk = Desk::new(1, 0);
        let task = liquidation(id(1), 1, 0);
        let failure = refused("PriceTooOld", false);
        for now in [0, 100_000, 200_000] {
            assert_eq!(desk.hand_out(&[task], now).len(), 1);
            desk.take_back(task.key(), &failure, now);
        }
        assert_eq!(desk.holds[&task.key()].failures, 3);
        assert_eq!(desk.hand_out(&[task], 300_000).len(), 1);
        desk.take_back(task.key(), &landed(), 300_000);
        assert_eq!(desk.holds[&task.key()].failures, 0);
        assert_eq!(desk.hand_out(&[], 900_000), []);
        assert!(desk.holds.is_empty());
    }
}
