//! Who governs.

use anchor_lang::prelude::*;

/// The one exchange of a deployment.
#[account]
#[derive(InitSpace)]
pub struct Exchange {
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Creates markets.
    pub admin: Pubkey,
    /// Who may accept the admin's role; default for nobody.
    pub pending_admin: Pubkey,
    /// Can pause what adds risk.
    pub guardian: Pubkey,
    /// Owner of the token accounts that protocol fees are paid to.
    pub fee_recipient: Pubkey,
    /// How long a change of parameters waits, in seconds.
    pub timelock_seconds: u32,
    /// Zero.
    pub reserved: [u8; 64],
}

impl Exchange {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Longest timelock: 30 days.
    pub const MAX_TIMELOCK_SECONDS: u32 = 30 * 86_400;
}
