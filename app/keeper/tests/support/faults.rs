//! What a bad provider does to requests and notifications, and how often.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Chances in ten thousand, and how long what takes long takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Closes the connection instead of forwarding.
    pub drop_before: u32,
    /// Forwards, and closes the connection instead of answering.
    pub drop_after: u32,
    /// Breaks the connection off in the middle of the answer.
    pub break_off: u32,
    /// Answers 429.
    pub too_many: u32,
    /// Answers 503.
    pub unavailable: u32,
    /// Answers as the node has answered the same request before.
    pub stale: u32,
    /// Keeps the request for a while.
    pub delay: u32,
    /// The longest delay.
    pub delay_most: Duration,
    /// Acknowledges a transaction and forgets it.
    pub swallow: u32,
    /// Acknowledges a transaction and hands it on later.
    pub late: u32,
    /// Leaves a notification out.
    pub lose: u32,
    /// Sends a notification again, at once or a few later.
    pub duplicate: u32,
    /// Sends a notification after those that follow.
    pub reorder: u32,
    /// Closes a websocket at a notification.
    pub hang_up: u32,
    /// Leaves a websocket open and says nothing more for a while.
    pub mute: u32,
    /// The longest silence.
    pub mute_most: Duration,
}

impl Rates {
    /// A provider that one should leave: about every fifth request and every fifth notification goes wrong somehow.
    pub fn awful() -> Self {
        Self {
            drop_before: 200,
            drop_after: 200,
            break_off: 100,
            too_many: 300,
            unavailable: 100,
            stale: 400,
            delay: 700,
            delay_most: Duration::from_millis(120),
            swallow: 500,
            late: 300,
            lose: 500,
            duplicate: 1_000,
            reorder: 500,
            hang_up: 15,
            mute: 5,
            mute_most: Duration::from_millis(1_500),
        }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    None,
    DropBefore,
    DropAfter,
    BreakOff,
    /// With the seconds in `Retry-After`.
    TooMany(u64),
    Unavailable,
    Stale,
    Delay(Duration),
    Swallow,
    Late(Duration),
}

/// What happens to a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationFault {
    None,
    Lose,
    /// Once more, after so many that follow.
    Duplicate(usize),
    /// After so many that follow.
    Reorder(usize),
    HangUp,
    Mute(Duration),
}

/// Throws dice from a seed.
pub struct Dice {
    rates: Rates,
    random: Mutex<StdRng>,
}

impl Dice {
    /// With these rates.
    pub fn new(rates: Rates, seed: u64) -> Self {
        Self { rates, random: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    fn thrown<T>(&self, read: impl FnOnce(&mut StdRng) -> T) -> T {
        read(&mut self.random.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For a request; swallowed and late are only transactions.
    pub fn request(&self, is_transaction: bool) -> RequestFault {
        let Rates { drop_before, drop_after, break_off, too_many, unavailable, stale, delay, swallow, late, .. } = self.rates;
        self.thrown(|random| {
            let some_delay = between(random, self.rates.delay_most);
            // One in eight asks for a whole second.
            let retry_after = u64::from(random.gen_ratio(1, 8));
            let mut faults = vec![
                (drop_before, RequestFault::DropBefore),
                (drop_after, RequestFault::DropAfter),
                (break_off, RequestFault::BreakOff),
                (too_many, RequestFault::TooMany(retry_after)),
                (unavailable, RequestFault::Unavailable),
                (delay, RequestFault::Delay(some_delay)),
            ];
            if is_transaction {
                faults.extend([(swallow, RequestFault::Swallow), (late, RequestFault::Late(some_delay.saturating_mul(4)))]);
            } else {
                faults.push((stale, RequestFault::Stale));
            }
            pick(random, &faults).unwrap_or(RequestFault::None)
        })
    }

    /// For a notification.
    pub fn notification(&self) -> NotificationFault {
        let Rates { lose, duplicate, reorder, hang_up, mute, mute_most, .. } = self.rates;
        self.thrown(|random| {
            let (later, silence) = (random.gen_range(0..6), between(random, mute_most));
            let faults = [
                (lose, NotificationFault::Lose),
                (duplicate, NotificationFault::Duplicate(later)),
                (reorder, NotificationFault::Reorder(later + 1)),
                (hang_up, NotificationFault::HangUp),
                (mute, NotificationFault::Mute(silence)),
            ];
            pick(random, &faults).unwrap_or(NotificationFault::None)
        })
    }

    /// A place among so many.
    pub fn below(&self, many: usize) -> usize {
        self.thrown(|random| random.gen_range(0..many.max(1)))
    }
}

fn between(random: &mut StdRng, most: Duration) -> Duration {
    Duration::from_micros(random.gen_range(0..=u64::try_from(most.as_micros()).unwrap_or(u64::MAX)))
}

fn pick<T: Copy>(random: &mut StdRng, chances: &[(u32, T)]) -> Option<T> {
    let mut left = random.gen_range(0..10_000u32);
    for (chance, fault) in chances {
        if left < *chance {
            return Some(*fault);
        }
        left -= chance;
    }
    None
}
