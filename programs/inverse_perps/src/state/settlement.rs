//! The outcome of a settlement of a market.

use crate::errors::PerpError;
use anchor_lang::prelude::*;
use inverse_perps_engine::settlement::Settlement as State;

/// Claims of one epoch, and what is set aside for them.
#[account(zero_copy)]
pub struct Settlement {
    /// The market.
    pub market: Pubkey,
    /// Paid its rent, and gets it back.
    pub payer: Pubkey,
    /// Which settlement of the market.
    pub epoch: u32,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Zero.
    pub reserved: [u8; 2],
    /// What there was and what is left.
    pub state: State,
}

impl Settlement {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// That it is this epoch's of this market.
    ///
    /// # Errors
    /// `WrongSettlement`.
    pub fn ensure_of(&self, market: &Pubkey, epoch: u32) -> Result<()> {
        require!(self.market == *market && self.epoch == epoch, PerpError::WrongSettlement);
        Ok(())
    }
}
