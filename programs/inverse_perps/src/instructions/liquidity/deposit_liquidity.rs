//! Deposits BTC into the pool for shares.

use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, LiquidityDeposited};
use crate::state::Market;
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::Sats;

/// Accounts of `deposit_liquidity`.
#[derive(Accounts)]
pub struct DepositLiquidity<'info> {
    /// Pays.
    pub depositor: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the depositor's token account; SPL Token checks it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// CHECK: the market's LP mint.
    #[account(mut)]
    pub lp_mint: UncheckedAccount<'info>,
    /// CHECK: a token account for the shares, of the depositor's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
}

/// Handles `deposit_liquidity`.
///
/// # Errors
/// `WrongVault`, `WrongLpMint`, those of the price and of the engine's deposit, SPL Token's.
pub fn deposit_liquidity(ctx: Context<DepositLiquidity>, amount_sats: u64, min_shares: u64) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let amount = Sats::new(amount_sats);
    let (signer, shares) = {
        let mut market = accounts.market.load_mut()?;
        market.ensure_vault(accounts.vault.key)?;
        require!(market.lp_mint == accounts.lp_mint.key(), PerpError::WrongLpMint);

        let (marks, moment) = market.sync_to_trade(key, &accounts.price, PriceUse::Liquidity)?;
        let before = market.state.ledger;
        let shares = market.state.deposit_liquidity(amount, min_shares, &marks, moment).map_err(fail)?;
        token::pay_in(&accounts.source, &accounts.vault, &accounts.depositor, amount_sats)?;
        token::ensure_backed(&accounts.vault, &market.state.ledger)?;
        let head = market.next_event(key);
        events::log(&LiquidityDeposited {
            head,
            depositor: accounts.depositor.key(),
            amount_sats: amount,
            shares,
            shares_after: market.state.pool_shares,
            ledger: LedgerChange::since(&before, &market.state.ledger)?,
        });
        (MarketSigner::new(&accounts.market, &market), shares)
    };
    token::mint_shares(&signer, &accounts.lp_mint, &accounts.destination, shares)
}
