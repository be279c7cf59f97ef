//! Reduces or closes a position at once.

use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, PositionDecreased};
use crate::instructions::trader::increase_position::TradePosition;
use anchor_lang::prelude::*;
use inverse_perps_engine::actions::{Decrease, DecreaseSize};
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::{Notional, Price};

/// What the owner or the delegate asks for.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct DecreasePositionArgs {
    /// By how much, 1e-6 USD, whole dollars; none for all of it.
    pub notional_e6: Option<u64>,
    /// The worst acceptable price, 1e-8 USD: a long's lowest, a short's highest.
    pub limit_price_e8: u64,
    /// Unix time after which it is refused.
    pub deadline: i64,
}

/// Handles `decrease_position`.
///
/// # Errors
/// `WrongMarket`, `NotTrader`, `DeadlineExpired`, those of the price and of the engine's decrease.
pub fn decrease_position(ctx: Context<TradePosition>, args: DecreasePositionArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (key, position_key) = (accounts.market.key(), accounts.position.key());
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    let trader = accounts.validate(&position)?;

    let (marks, moment) = market.sync_to_trade(key, &accounts.price, PriceUse::Decrease)?;
    require!(market.state.prices.now(moment.time).get() <= args.deadline, PerpError::DeadlineExpired);
    market.settle(key, position_key, &mut position)?;
    let before = market.state.ledger;
    let direction = position.state.ensure_open().map_err(fail)?;
    let size = match args.notional_e6 {
        Some(notional) => DecreaseSize::Part(Notional::new(notional)),
        None => DecreaseSize::Whole,
    };
    let order = Decrease { size, limit: Price::new(args.limit_price_e8) };
    let filled = market.state.decrease(&mut position.state, &order, &marks, moment).map_err(fail)?;
    market.state.ledger.ensure_conserved(before.total().map_err(fail)?).map_err(fail)?;
    position.state.budget_fill(trader, &filled, &marks.quote, moment.time).map_err(fail)?;
    let head = market.next_event(key);
    let ledger = LedgerChange::since(&before, &market.state.ledger)?;
    events::log(&PositionDecreased::new(head, position_key, &position.state, (direction, &filled), ledger));
    Ok(())
}
