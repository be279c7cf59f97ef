//! Bisection, for what an engine answers by yes or no alone.

/// The greatest number that is accepted, where all below it are too: from `accepted` on, which is not asked about, and below `refused`.
///
/// # Errors
/// Those of `accepts`.
pub fn greatest<E>(mut accepted: u64, mut refused: u64, mut accepts: impl FnMut(u64) -> Result<bool, E>) -> Result<u64, E> {
    while refused.saturating_sub(accepted) > 1 {
        let middle = accepted.midpoint(refused);
        if accepts(middle)? {
            accepted = middle;
        } else {
            refused = middle;
        }
    }
    Ok(accepted)
}

#[cfg(test)]
mod tests {
    use super::greatest;

    #[test]
    fn the_last_that_is_accepted_is_found_and_the_ends_are_not_asked_about() {
        for most in 3..9 {
            let below = |number| {
                assert!((4..9).contains(&number), "{number}");
                Ok::<_, ()>(number <= most)
            };
            assert_eq!(greatest(3, 9, below), Ok(most));
        }
        assert_eq!(greatest(5, 5, |_| Err("asked")), Ok(5));
        assert_eq!(greatest(0, u64::MAX, |_| Err("asked")), Err("asked"));
    }
}
