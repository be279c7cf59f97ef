//! Liquidates a position below maintenance. Anyone, any time; nothing is needed of its owner.

use crate::errors::fail;
use crate::events::{self, LedgerChange, LiquidationContext, PositionLiquidated};
use crate::state::{Market, Position};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of `liquidate`.
#[derive(Accounts)]
pub struct Liquidate<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: where the reward goes, of the liquidator's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
}

/// Handles `liquidate`.
///
/// # Errors
/// `WrongMarket`, `WrongVault`, those of the price and of the engine's liquidation, SPL Token's.
pub fn liquidate(ctx: Context<Liquidate>) -> Result<()> {
    let accounts = &ctx.accounts;
    let (key, position_key) = (accounts.market.key(), accounts.position.key());
    let (signer, reward) = {
        let mut market = accounts.market.load_mut()?;
        let mut position = accounts.position.load_mut()?;
        Market::ensure_owns(&key, &position)?;
        market.ensure_vault(accounts.vault.key)?;

        let (marks, _) = market.sync_to_trade(key, &accounts.price, PriceUse::Upkeep)?;
        market.settle(key, position_key, &mut position)?;
        let before = market.state.ledger;
        let context = LiquidationContext {
            position: position_key,
            rewarded: accounts.destination.key(),
            direction: position.state.direction,
        };
        let liquidated = market.state.liquidate(&mut position.state, &marks).map_err(fail)?;
        let head = market.next_event(key);
        let ledger = LedgerChange::since(&before, &market.state.ledger)?;
        events::log(&PositionLiquidated::new(head, context, &liquidated, (&position.state).into(), ledger));
        (MarketSigner::new(&accounts.market, &market), liquidated.reward.get())
    };
    if reward > 0 {
        token::pay_out(&signer, &accounts.vault, &accounts.destination, reward)?;
    }
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}
