//! Returns queued shares to their owner: at his wish at any time, at anybody's when the window has passed.

use crate::errors::fail;
use crate::events::{self, WithdrawalReturned};
use crate::state::market::now;
use crate::state::{Market, Withdrawal};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;

/// Accounts of `cancel_withdrawal` and `return_withdrawal`.
#[derive(Accounts)]
pub struct ReturnWithdrawal<'info> {
    /// The owner, or anybody once the window has passed.
    pub caller: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The withdrawal.
    #[account(mut, close = payer)]
    pub withdrawal: AccountLoader<'info, Withdrawal>,
    /// CHECK: who paid its rent.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// CHECK: the market's escrow.
    #[account(mut)]
    pub lp_escrow: UncheckedAccount<'info>,
    /// CHECK: a token account of shares that belongs to the withdrawal's owner.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// Handles `cancel_withdrawal`.
///
/// # Errors
/// `NotOwner`, `WrongMarket`, `WrongLpEscrow`, `WrongRentRecipient`, `WrongRecipient`, SPL Token's.
pub fn cancel_withdrawal(ctx: Context<ReturnWithdrawal>) -> Result<()> {
    ctx.accounts.withdrawal.load()?.ensure_owner(ctx.accounts.caller.key)?;
    ctx.accounts.give_back(false)
}

/// Handles `return_withdrawal`.
///
/// # Errors
/// `WithdrawalNotLapsed`, and those of `cancel_withdrawal` but for `NotOwner`.
pub fn return_withdrawal(ctx: Context<ReturnWithdrawal>) -> Result<()> {
    ctx.accounts.give_back(true)
}

impl ReturnWithdrawal<'_> {
    fn give_back(&self, lapsed: bool) -> Result<()> {
        let key = self.market.key();
        let (signer, shares) = {
            let mut market = self.market.load_mut()?;
            let withdrawal = self.withdrawal.load()?;
            withdrawal.ensure_leaves(&key, &market, self.lp_escrow.key, self.payer.key)?;
            token::ensure_owned_by(&self.destination, &withdrawal.owner)?;
            if lapsed {
                market.state.return_withdrawal(&withdrawal.state, now()?)
            } else {
                market.state.cancel_withdrawal(&withdrawal.state)
            }
            .map_err(fail)?;
            let head = market.next_event(key);
            events::log(&WithdrawalReturned {
                head,
                withdrawal: self.withdrawal.key(),
                owner: withdrawal.owner,
                shares: withdrawal.state.shares,
                queued_shares_after: market.state.queued_shares,
                lapsed: u64::from(lapsed),
            });
            (MarketSigner::new(&self.market, &market), withdrawal.state.shares)
        };
        token::pay_out(&signer, &self.lp_escrow, &self.destination, shares)
    }
}
