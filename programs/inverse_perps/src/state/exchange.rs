//! Who governs.

use crate::errors::PerpError;
use anchor_lang::prelude::*;
use inverse_perps_engine::units::Seconds;

/// The one exchange of a deployment.
#[account]
#[derive(InitSpace)]
pub struct Exchange {
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Creates markets, and changes their parameters after the timelock.
    pub admin: Pubkey,
    /// Who may accept the admin's role; default for nobody.
    pub pending_admin: Pubkey,
    /// Can pause what adds risk.
    pub guardian: Pubkey,
    /// Owner of the token accounts that protocol fees are paid to.
    pub fee_recipient: Pubkey,
    /// How long a change of parameters waits, in seconds.
    pub timelock_seconds: u32,
    /// Admins so far, less one: proposals of a former one cannot be executed.
    pub admin_epoch: u32,
    /// Zero.
    pub reserved: [u8; 60],
}

impl Exchange {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Longest timelock: 30 days.
    pub const MAX_TIMELOCK_SECONDS: u32 = 30 * 86_400;

    /// How long a change of parameters waits.
    pub fn timelock(&self) -> Seconds {
        Seconds::new(self.timelock_seconds)
    }

    /// That the signer is the admin.
    ///
    /// # Errors
    /// `NotAdmin`.
    pub fn ensure_admin(&self, signer: &Pubkey) -> Result<()> {
        require!(self.admin == *signer, PerpError::NotAdmin);
        Ok(())
    }

    /// That the signer is the guardian or the admin.
    ///
    /// # Errors
    /// `NotGuardian`.
    pub fn ensure_guardian(&self, signer: &Pubkey) -> Result<()> {
        require!(self.guardian == *signer || self.admin == *signer, PerpError::NotGuardian);
        Ok(())
    }

    /// Names who may become admin by accepting; the default address for nobody.
    ///
    /// # Errors
    /// `NotAdmin`.
    pub fn nominate(&mut self, signer: &Pubkey, nominee: Pubkey) -> Result<()> {
        self.ensure_admin(signer)?;
        self.pending_admin = nominee;
        Ok(())
    }

    /// The nominee becomes admin, and what the former one has proposed is dead. Returns the former one.
    ///
    /// # Errors
    /// `NotNominee`, also for the default address, which stands for nobody.
    pub fn accept(&mut self, signer: &Pubkey) -> Result<Pubkey> {
        require!(self.pending_admin == *signer && *signer != Pubkey::default(), PerpError::NotNominee);
        self.pending_admin = Pubkey::default();
        self.admin_epoch = self.admin_epoch.checked_add(1).ok_or(PerpError::Overflow)?;
        Ok(std::mem::replace(&mut self.admin, *signer))
    }
}
