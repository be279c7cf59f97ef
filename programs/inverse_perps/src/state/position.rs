//! A trader's account in one market.

use crate::errors::PerpError;
use anchor_lang::prelude::*;
use inverse_perps_engine as engine;
use inverse_perps_engine::budget::Trader;

/// One isolated margin account with at most one net position, at most 256 bytes.
#[account(zero_copy)]
pub struct Position {
    /// Which one of its owner's in the market.
    pub sub_account: u16,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Zero.
    pub reserved_bytes: [u8; 4],
    /// Its market.
    pub market: Pubkey,
    /// Trades, withdraws, and gets the rent back.
    pub owner: Pubkey,
    /// Trades; default for nobody.
    pub delegate: Pubkey,
    /// Margin, position, claim and the delegate's budget.
    pub state: engine::Position,
}

impl Position {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// That the signer owns this position.
    ///
    /// # Errors
    /// `NotOwner`.
    pub fn ensure_owner(&self, signer: &Pubkey) -> Result<()> {
        require!(self.owner == *signer, PerpError::NotOwner);
        Ok(())
    }

    /// As whom the signer trades for this position.
    ///
    /// # Errors
    /// `NotTrader`.
    pub fn trader(&self, signer: &Pubkey) -> Result<Trader> {
        if self.owner == *signer {
            return Ok(Trader::Owner);
        }
        require!(self.delegate == *signer, PerpError::NotTrader);
        Ok(Trader::Delegate)
    }

    /// Whether nothing would be lost by closing the account.
    pub fn is_empty(&self) -> bool {
        self.state.shares.is_zero() && self.state.margin.is_zero() && self.state.claim.is_zero() && self.state.open_orders == 0
    }
}
