//! Shares of the pool on their way out: a cool-down, then a window (design, section 9).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::units::{Seconds, UnixTime};

stored! {
    /// A request to withdraw from the pool. It keeps the times that held when it was made: new ones would let a shorter window
    /// lapse before its owner could use it.
    pub struct Withdrawal {
        /// Shares in escrow.
        pub shares: u64,
        /// When it was made.
        pub requested_at: UnixTime,
        /// The market's stalled seconds at that time.
        pub stalled_seconds: u64,
        /// The market's `cool_down` at that time.
        pub cool_down: Seconds,
        /// The market's `withdrawal_window` at that time.
        pub window: Seconds,
    }
}

impl Withdrawal {
    /// That the cool-down is over.
    ///
    /// # Errors
    /// `CoolDownNotOver`.
    pub fn ensure_ready(&self, now: UnixTime) -> Result<()> {
        ensure(now >= self.requested_at.after(self.cool_down)?, Error::CoolDownNotOver)
    }

    /// Whether its window has passed; it stands still while no price comes that the pool accepts, as while the market settles.
    /// Errors: `Overflow`.
    pub fn has_lapsed(&self, now: UnixTime, stalled_seconds: u64) -> Result<bool> {
        // A clock that has fallen back makes a stall that still goes on shorter: then nothing has stalled since the request.
        let stalled = stalled_seconds.saturating_sub(self.stalled_seconds);
        let stalled = i64::try_from(stalled).map_err(|_| Error::Overflow)?;
        let end = self.requested_at.after(self.cool_down)?.after(self.window)?;
        Ok(now.seconds_since(end)? > stalled)
    }
}
