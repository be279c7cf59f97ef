//! Closes the account of a settlement whose claims are all redeemed.

use crate::errors::PerpError;
use crate::events::{self, SettlementAccountClosed};
use crate::state::{Market, Settlement};
use anchor_lang::prelude::*;

/// Accounts of `close_settlement`.
#[derive(Accounts)]
pub struct CloseSettlement<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The settlement.
    #[account(mut, close = payer)]
    pub settlement: AccountLoader<'info, Settlement>,
    /// CHECK: who paid its rent.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
}

/// Handles `close_settlement`.
///
/// # Errors
/// `WrongSettlement`, `WrongRentRecipient`, `SettlementUnredeemed`.
pub fn close_settlement(ctx: Context<CloseSettlement>) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let settlement = accounts.settlement.load()?;
    settlement.ensure_of(&key, settlement.epoch)?;
    require!(settlement.payer == accounts.payer.key(), PerpError::WrongRentRecipient);
    require!(settlement.state.unredeemed.is_zero(), PerpError::SettlementUnredeemed);
    let head = accounts.market.load_mut()?.next_event(key);
    events::log(&SettlementAccountClosed { head, settlement: accounts.settlement.key(), payer: settlement.payer });
    Ok(())
}
