//! Opens a margin account in a market.

use crate::create::Creation;
use crate::errors::PerpError;
use crate::events::{self, PositionCreated};
use crate::state::{seeds, Market, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::settlement::Status;

/// Accounts of `create_position`.
#[derive(Accounts)]
#[instruction(sub_account: u16)]
pub struct CreatePosition<'info> {
    /// Will own the position; pays the rent.
    #[account(mut)]
    pub owner: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: will be the position.
    #[account(
        mut,
        seeds = [seeds::POSITION, market.key().as_ref(), owner.key().as_ref(), &sub_account.to_le_bytes()],
        bump
    )]
    pub position: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// Handles `create_position`.
///
/// # Errors
/// `MarketClosed`; the system program's, where the account exists.
pub fn create_position(ctx: Context<CreatePosition>, sub_account: u16) -> Result<()> {
    let (market_key, owner_key) = (ctx.accounts.market.key(), ctx.accounts.owner.key());
    let (id, bump) = (sub_account.to_le_bytes(), [ctx.bumps.position]);
    let seeds: &[&[u8]] = &[seeds::POSITION, market_key.as_ref(), owner_key.as_ref(), &id, &bump];
    let creation = Creation { payer: &ctx.accounts.owner, account: &ctx.accounts.position, seeds };
    let mut position = creation.zero_copy::<Position>()?;
    position.version = Position::VERSION;
    position.bump = ctx.bumps.position;
    position.sub_account = sub_account;
    position.market = market_key;
    position.owner = owner_key;
    let mut market = ctx.accounts.market.load_mut()?;
    require!(market.state.status() != Status::Closed, PerpError::MarketClosed);
    let head = market.next_event(position.market);
    events::log(&PositionCreated {
        head,
        position: ctx.accounts.position.key(),
        owner: position.owner,
        sub_account: u64::from(sub_account),
    });
    Ok(())
}
