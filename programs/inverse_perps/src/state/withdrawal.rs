//! Pool shares on their way out.

use crate::errors::PerpError;
use crate::state::Market;
use anchor_lang::prelude::*;
use inverse_perps_engine::queue::Withdrawal as State;

/// A request to withdraw from a market's pool; the shares are in its escrow.
#[account(zero_copy)]
pub struct Withdrawal {
    /// The market.
    pub market: Pubkey,
    /// Gets the money, or the shares back.
    pub owner: Pubkey,
    /// Paid its rent, and gets it back.
    pub payer: Pubkey,
    /// Which one of its owner's in the market.
    pub id: u64,
    /// Shares and times.
    pub state: State,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

impl Withdrawal {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// That it is of this market, the escrow the market's, and the rent goes back to who paid it.
    ///
    /// # Errors
    /// `WrongMarket`, `WrongLpEscrow`, `WrongRentRecipient`.
    pub fn ensure_leaves(&self, key: &Pubkey, market: &Market, escrow: &Pubkey, rent_to: &Pubkey) -> Result<()> {
        require!(self.market == *key, PerpError::WrongMarket);
        require!(market.lp_escrow == *escrow, PerpError::WrongLpEscrow);
        require!(self.payer == *rent_to, PerpError::WrongRentRecipient);
        Ok(())
    }

    /// That the signer asked for it.
    ///
    /// # Errors
    /// `NotOwner`.
    pub fn ensure_owner(&self, signer: &Pubkey) -> Result<()> {
        require!(self.owner == *signer, PerpError::NotOwner);
        Ok(())
    }
}
