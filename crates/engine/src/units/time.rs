//! Time: unix seconds of the Clock sysvar, never slots.

use super::word;
use crate::errors::{Error, Result};

word!(
    /// A length of time in seconds.
    Seconds, u32, U32
);
word!(
    /// Unix seconds.
    UnixTime, i64, I64
);

impl UnixTime {
    /// Seconds from `earlier` to this, negative if it is later. Errors: `Overflow`.
    pub fn seconds_since(self, earlier: UnixTime) -> Result<i64> {
        self.get().checked_sub(earlier.get()).ok_or(Error::Overflow)
    }

    /// This moved on. Errors: `Overflow`.
    pub fn after(self, wait: Seconds) -> Result<Self> {
        self.get().checked_add(i64::from(wait.get())).map(Self::new).ok_or(Error::Overflow)
    }

    /// Whole minutes and the like since 1970, floored.
    ///
    /// # Errors
    /// `Overflow` for an interval of zero.
    pub fn interval(self, length: Seconds) -> Result<i64> {
        self.get().checked_div_euclid(i64::from(length.get())).ok_or(Error::Overflow)
    }
}
