//! Puts pool shares into the queue.

use crate::create::Creation;
use crate::errors::{fail, PerpError};
use crate::events::{self, WithdrawalRequested};
use crate::state::market::now;
use crate::state::{seeds, Market, Withdrawal};
use crate::token;
use anchor_lang::prelude::*;
use anchor_spl::token::Token;

/// Accounts of `request_withdrawal`.
#[derive(Accounts)]
#[instruction(id: u64)]
pub struct RequestWithdrawal<'info> {
    /// Owns the shares.
    pub owner: Signer<'info>,
    /// Pays the rent, and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: will be the withdrawal.
    #[account(
        mut,
        seeds = [seeds::WITHDRAWAL, market.key().as_ref(), owner.key().as_ref(), &id.to_le_bytes()],
        bump
    )]
    pub withdrawal: UncheckedAccount<'info>,
    /// CHECK: the owner's token account of shares; SPL Token checks it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: the market's escrow.
    #[account(mut)]
    pub lp_escrow: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// Handles `request_withdrawal`.
///
/// # Errors
/// `WrongLpEscrow`, `AmountZero`, SPL Token's.
pub fn request_withdrawal(ctx: Context<RequestWithdrawal>, id: u64, shares: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    require!(market.lp_escrow == accounts.lp_escrow.key(), PerpError::WrongLpEscrow);
    let (owner_key, number, bump) = (accounts.owner.key(), id.to_le_bytes(), [ctx.bumps.withdrawal]);
    let seeds: &[&[u8]] = &[seeds::WITHDRAWAL, key.as_ref(), owner_key.as_ref(), &number, &bump];
    let creation = Creation { payer: &accounts.payer, account: &accounts.withdrawal, seeds };
    let mut withdrawal = creation.zero_copy::<Withdrawal>()?;
    withdrawal.version = Withdrawal::VERSION;
    withdrawal.bump = ctx.bumps.withdrawal;
    withdrawal.market = key;
    withdrawal.owner = owner_key;
    withdrawal.payer = accounts.payer.key();
    withdrawal.id = id;
    withdrawal.state = market.state.request_withdrawal(shares, now()?).map_err(fail)?;
    token::transfer(&accounts.source, &accounts.lp_escrow, &accounts.owner, shares)?;
    let head = market.next_event(key);
    events::log(&WithdrawalRequested {
        head,
        withdrawal: accounts.withdrawal.key(),
        owner: withdrawal.owner,
        shares,
        queued_shares_after: market.state.queued_shares,
    });
    Ok(())
}
