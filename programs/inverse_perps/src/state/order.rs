//! An order that rests or waits for its fill.

use crate::create::state_mut;
use crate::errors::PerpError;
use crate::state::Position;
use anchor_lang::prelude::*;
use anchor_lang::Discriminator;
use inverse_perps_engine::order::Order as State;
use std::cell::RefMut;

/// One order of a position; its tip is reserved in the position's margin.
#[account(zero_copy)]
pub struct Order {
    /// The position.
    pub position: Pubkey,
    /// Paid its rent, and gets it back.
    pub payer: Pubkey,
    /// The order that it is linked with: when one of the two fills, the other dies; default for none.
    pub partner: Pubkey,
    /// The token account that gets half of the tip for having triggered it; default for none.
    pub triggered_by: Pubkey,
    /// What it asks for, and when it is due.
    pub state: State,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

impl Order {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// The order in an account of the program, to be written.
    ///
    /// # Errors
    /// Anchor's, for what is no order.
    pub fn load_mut<'a>(account: &'a AccountInfo) -> Result<RefMut<'a, Self>> {
        let data = account.try_borrow_mut_data()?;
        require!(data.starts_with(Self::DISCRIMINATOR), ErrorCode::AccountDiscriminatorMismatch);
        state_mut(data).ok_or_else(|| ErrorCode::AccountDidNotDeserialize.into())
    }

    /// That it is an order of this position, which is of this market.
    ///
    /// # Errors
    /// `WrongMarket`, `WrongOrder`.
    pub fn ensure_of(&self, market: &Pubkey, key: &Pubkey, position: &Position) -> Result<()> {
        require!(position.market == *market, PerpError::WrongMarket);
        require!(self.position == *key, PerpError::WrongOrder);
        Ok(())
    }

    /// That the rent goes back to who paid it.
    ///
    /// # Errors
    /// `WrongRentRecipient`.
    pub fn ensure_payer(&self, rent_to: &Pubkey) -> Result<()> {
        require!(self.payer == *rent_to, PerpError::WrongRentRecipient);
        Ok(())
    }
}
