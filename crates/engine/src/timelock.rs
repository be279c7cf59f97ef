//! Parameters that wait out the timelock (design, section 11).

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::params::Params;
use crate::units::{Seconds, UnixTime};

/// How long after its timelock a proposal can be executed.
pub const EXECUTABLE_FOR: Seconds = Seconds::new(14 * 86_400);

stored! {
    /// New parameters of a market, and when they can be put in force.
    pub struct Proposal {
        /// All of them.
        pub params: Params,
        /// From when on.
        pub executable_at: UnixTime,
        /// Until when, this second included.
        pub expires_at: UnixTime,
    }
}

impl Proposal {
    /// Made now. Errors: `Overflow`.
    pub fn new(params: Params, timelock: Seconds, now: UnixTime) -> Result<Self> {
        let executable_at = now.after(timelock)?;
        Ok(Self { params, executable_at, expires_at: executable_at.after(EXECUTABLE_FOR)? })
    }

    /// That the timelock is over and the proposal has not expired.
    ///
    /// # Errors
    /// `TimelockNotOver`, `ProposalExpired`.
    pub fn ensure_executable(&self, now: UnixTime) -> Result<()> {
        ensure(now >= self.executable_at, Error::TimelockNotOver)?;
        ensure(now <= self.expires_at, Error::ProposalExpired)
    }
}
