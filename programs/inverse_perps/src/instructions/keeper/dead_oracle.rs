//! When no usable price comes any more: declare the oracle dead, show the newest price there is, settle the market for good.

use crate::errors::fail;
use crate::events::{self, Accrued, OracleDeclaredDead, SettlementPriceShown, SettlingStarted};
use crate::instructions::keeper::accrue_funding::BringPrice;
use crate::oracle;
use crate::state::market::now;
use crate::state::Market;
use anchor_lang::prelude::*;

/// Accounts of what needs the market alone.
#[derive(Accounts)]
pub struct MarketAlone<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
}

/// Handles `declare_dead`.
///
/// # Errors
/// `MarketSettling`, `MarketClosed`, `OracleAlreadyDead`, `OracleNotDead`.
pub fn declare_dead(ctx: Context<MarketAlone>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    market.state.declare_dead(now()?).map_err(fail)?;
    let head = market.next_event(ctx.accounts.market.key());
    events::log(&OracleDeclaredDead {
        head,
        unix_time: market.state.lifecycle.declared_dead.get(),
        price_e8: market.state.prices.price,
        publish_time: market.state.prices.publish_time.get(),
    });
    Ok(())
}

/// Handles `show_settlement_price`.
///
/// # Errors
/// Those of the price account and of the engine's `show_price`.
pub fn show_settlement_price(ctx: Context<BringPrice>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    let update = oracle::read(market.oracle_kind, &market.oracle, &ctx.accounts.price)?;
    market.state.show_price(&update, now()?).map_err(fail)?;
    let head = market.next_event(ctx.accounts.market.key());
    events::log(&SettlementPriceShown {
        head,
        price_e8: market.state.lifecycle.settlement_price,
        publish_time: market.state.lifecycle.settlement_publish_time.get(),
    });
    Ok(())
}

/// Handles `settle_market`.
///
/// # Errors
/// `MarketSettling`, `MarketClosed`, `OracleNotDead`, `GracePeriodNotOver`.
pub fn settle_market(ctx: Context<MarketAlone>) -> Result<()> {
    let mut market = ctx.accounts.market.load_mut()?;
    if let Some(accrued) = market.state.settle_dead(now()?).map_err(fail)? {
        let head = market.next_event(ctx.accounts.market.key());
        events::log(&Accrued::new(head, &market.state, &accrued));
    }
    let head = market.next_event(ctx.accounts.market.key());
    events::log(&SettlingStarted::new(head, &market.state));
    Ok(())
}
