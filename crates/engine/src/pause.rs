//! A pause of what adds risk: increases, orders that add risk, and deposits to the pool. Nothing else asks for it (design, section 11).

use crate::errors::{ensure, Error, Result};
use crate::market::Market;
use crate::units::{Seconds, UnixTime};

/// How long a pause lasts, and after its lapse how long none can be begun: whoever can only begin them pauses half of the time at most.
pub const PAUSE: Seconds = Seconds::new(7 * 86_400);

/// Until when a confirmed pause lasts.
pub const UNTIL_RESUMED: UnixTime = UnixTime::new(i64::MAX);

impl Market {
    /// That nothing has paused what adds risk.
    ///
    /// # Errors
    /// `RiskPaused`.
    #[inline(always)]
    pub fn ensure_risk_allowed(&self, now: UnixTime) -> Result<()> {
        ensure(now >= self.risk_paused_until, Error::RiskPaused)
    }

    /// Begins a pause of 7 days.
    ///
    /// # Errors
    /// `RiskAlreadyPaused`: a running one is not extended; `PauseTooSoon`.
    pub fn pause_risk(&mut self, now: UnixTime) -> Result<()> {
        let last = self.risk_paused_until;
        ensure(now >= last, Error::RiskAlreadyPaused)?;
        ensure(last.is_zero() || now >= last.after(PAUSE)?, Error::PauseTooSoon)?;
        self.risk_paused_until = now.after(PAUSE)?;
        Ok(())
    }

    /// Pauses, or lets a running pause last, until the admin resumes.
    ///
    /// # Errors
    /// `RiskAlreadyPaused` where that is so already.
    pub fn confirm_pause(&mut self) -> Result<()> {
        ensure(self.risk_paused_until != UNTIL_RESUMED, Error::RiskAlreadyPaused)?;
        self.risk_paused_until = UNTIL_RESUMED;
        Ok(())
    }

    /// Ends a pause; after this one can be begun at once.
    ///
    /// # Errors
    /// `RiskNotPaused`.
    pub fn resume_risk(&mut self) -> Result<()> {
        ensure(!self.risk_paused_until.is_zero(), Error::RiskNotPaused)?;
        self.risk_paused_until = UnixTime::ZERO;
        Ok(())
    }
}
