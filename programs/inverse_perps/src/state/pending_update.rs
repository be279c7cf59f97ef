//! Parameters of a market that wait for the timelock.

use crate::errors::PerpError;
use crate::state::Exchange;
use anchor_lang::prelude::*;
use anchor_lang::Discriminator;
use inverse_perps_engine::timelock::Proposal;

/// What an admin has proposed; a market has one at most.
#[account(zero_copy)]
pub struct PendingUpdate {
    /// The market.
    pub market: Pubkey,
    /// Paid its rent, and gets it back.
    pub payer: Pubkey,
    /// The parameters and their times.
    pub state: Proposal,
    /// The exchange's `admin_epoch` when it was made.
    pub admin_epoch: u32,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Zero.
    pub reserved: [u8; 2],
}

impl PendingUpdate {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// What is stored at a market's address for proposals.
    ///
    /// # Errors
    /// `NoPendingUpdate` where there is none.
    pub fn read(account: &AccountInfo) -> Result<Self> {
        require!(*account.owner == crate::ID, PerpError::NoPendingUpdate);
        let data = account.try_borrow_data()?;
        let (head, body) = data.split_at_checked(Self::DISCRIMINATOR.len()).ok_or(PerpError::NoPendingUpdate)?;
        require!(head == Self::DISCRIMINATOR, PerpError::NoPendingUpdate);
        bytemuck::try_pod_read_unaligned(body).map_err(|_| PerpError::NoPendingUpdate.into())
    }

    /// That the present admin has made it.
    ///
    /// # Errors
    /// `ProposedByFormerAdmin`.
    pub fn ensure_of_admin(&self, exchange: &Exchange) -> Result<()> {
        require!(self.admin_epoch == exchange.admin_epoch, PerpError::ProposedByFormerAdmin);
        Ok(())
    }
}
