//! Closes an empty margin account and returns its rent.

use crate::errors::PerpError;
use crate::events::{self, PositionAccountClosed};
use crate::state::{Market, Position};
use anchor_lang::prelude::*;

/// Accounts of `close_position_account`.
#[derive(Accounts)]
pub struct ClosePositionAccount<'info> {
    /// The owner; gets the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut, close = owner)]
    pub position: AccountLoader<'info, Position>,
}

impl ClosePositionAccount<'_> {
    fn validate(&self) -> Result<()> {
        let position = self.position.load()?;
        Market::ensure_owns(&self.market.key(), &position)?;
        position.ensure_owner(self.owner.key)?;
        require!(position.is_empty(), PerpError::PositionNotEmpty);
        Ok(())
    }
}

/// Handles `close_position_account`.
///
/// # Errors
/// `WrongMarket`, `NotOwner`, `PositionNotEmpty`.
pub fn close_position_account(ctx: Context<ClosePositionAccount>) -> Result<()> {
    ctx.accounts.validate()?;
    let head = ctx.accounts.market.load_mut()?.next_event(ctx.accounts.market.key());
    events::log(&PositionAccountClosed { head, position: ctx.accounts.position.key(), owner: ctx.accounts.owner.key() });
    Ok(())
}
