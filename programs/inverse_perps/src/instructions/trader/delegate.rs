//! Appoints and dismisses a delegate, who trades and orders within a daily budget, and does nothing else.

use crate::errors::PerpError;
use crate::events::{self, DelegateRevoked, DelegateSet};
use crate::state::{Market, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::units::Sats;

/// Accounts of `set_delegate` and `revoke_delegate`.
#[derive(Accounts)]
pub struct Appoint<'info> {
    /// The owner.
    pub owner: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
}

impl Appoint<'_> {
    fn validate(&self, position: &Position) -> Result<()> {
        Market::ensure_owns(&self.market.key(), position)?;
        position.ensure_owner(self.owner.key)
    }
}

/// Handles `set_delegate`: somebody else than before takes over, and the predecessor's resting orders are void; or the same one gets
/// another budget.
///
/// # Errors
/// `WrongMarket`, `NotOwner`, `WrongDelegate`.
pub fn set_delegate(ctx: Context<Appoint>, delegate: Pubkey, daily_budget_sats: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let mut position = accounts.position.load_mut()?;
    accounts.validate(&position)?;
    require!(delegate != Pubkey::default() && delegate != position.owner, PerpError::WrongDelegate);
    if position.delegate != delegate {
        position.state.dismiss_delegate();
    }
    position.delegate = delegate;
    position.state.budget.daily = Sats::new(daily_budget_sats);
    let head = accounts.market.load_mut()?.next_event(accounts.market.key());
    events::log(&DelegateSet {
        head,
        position: accounts.position.key(),
        delegate,
        daily_budget_sats: position.state.budget.daily,
        void_orders_below: u64::from(position.state.budget.void_orders_below),
    });
    Ok(())
}

/// Handles `revoke_delegate`: his resting orders are void.
///
/// # Errors
/// `WrongMarket`, `NotOwner`, `WrongDelegate` where there is none.
pub fn revoke_delegate(ctx: Context<Appoint>) -> Result<()> {
    let accounts = &ctx.accounts;
    let mut position = accounts.position.load_mut()?;
    accounts.validate(&position)?;
    require!(position.delegate != Pubkey::default(), PerpError::WrongDelegate);
    let delegate = core::mem::take(&mut position.delegate);
    position.state.dismiss_delegate();
    let head = accounts.market.load_mut()?.next_event(accounts.market.key());
    events::log(&DelegateRevoked {
        head,
        position: accounts.position.key(),
        delegate,
        void_orders_below: u64::from(position.state.budget.void_orders_below),
    });
    Ok(())
}
