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

    /// Which interval of this length since 1970 it lies in; times before that count as 1970, which no clock here shows.
    ///
    /// # Errors
    /// `Overflow` for an interval of zero.
    pub fn interval(self, length: Seconds) -> Result<i64> {
        let seconds = u64::try_from(self.get()).unwrap_or(0); // unsigned: SBF has no signed division
        let interval = seconds.checked_div(u64::from(length.get())).ok_or(Error::Overflow)?;
        i64::try_from(interval).map_err(|_| Error::Overflow)
    }
}
