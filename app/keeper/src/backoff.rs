//! How long to wait before trying again.

use crate::task::stamp;
use std::hash::Hash;
use std::time::Duration;

/// Waits double from `first` with each failure up to `most`, and each is shifted by up to a quarter either way: keepers that were refused
/// together must not come back together. The shift is drawn from `seed` and the count, so that nothing here is random.
pub fn delay(failures: u32, seed: impl Hash, first: Duration, most: Duration) -> Duration {
    let doubled = failures.saturating_sub(1).min(20);
    let whole = first.saturating_mul(1 << doubled).min(most);
    let quarters = stamp((seed, failures)) % 513; // 0 to 512 of 1,024: half of it
    let shifted = whole.as_millis().saturating_mul(u128::from(768 + quarters)) / 1024;
    Duration::from_millis(u64::try_from(shifted).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(400);
    const MOST: Duration = Duration::from_secs(60);

    #[test]
    fn waits_double_up_to_a_bound_each_within_a_quarter_of_its_own() {
        for failures in 1..40u32 {
            let whole = (400 * 2u64.pow((failures - 1).min(10))).min(60_000);
            for seed in 0..50u64 {
                let waited = u64::try_from(delay(failures, seed, FIRST, MOST).as_millis()).expect("a minute");
                assert!((whole * 3 / 4..=whole * 5 / 4).contains(&waited), "{failures} failures: {waited} of {whole}");
            }
        }
    }

    #[test]
    fn keepers_that_failed_together_come_back_apart_and_each_the_same_in_every_run() {
        let of = |seed: u64| delay(5, seed, FIRST, MOST);
        let distinct: std::collections::BTreeSet<Duration> = (0..100).map(of).collect();
        assert!(distinct.len() > 50, "{} of 100 differ", distinct.len());
        assert_eq!(of(7), of(7));
    }
}
