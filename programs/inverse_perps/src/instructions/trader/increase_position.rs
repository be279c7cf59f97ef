//! Opens or enlarges a position at once.

use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, PositionIncreased};
use crate::state::{Market, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::actions::Increase;
use inverse_perps_engine::budget::Trader;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Notional, Price};

/// Long or short.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PositionDirection {
    /// Gains as the price rises.
    Long,
    /// Gains as the price falls.
    Short,
}

impl From<PositionDirection> for Direction {
    fn from(direction: PositionDirection) -> Self {
        match direction {
            PositionDirection::Long => Direction::Long,
            PositionDirection::Short => Direction::Short,
        }
    }
}

/// What the owner or the delegate asks for.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct IncreasePositionArgs {
    /// Long or short.
    pub direction: PositionDirection,
    /// By how much, 1e-6 USD, whole dollars.
    pub notional_e6: u64,
    /// The worst acceptable price, 1e-8 USD: a long's highest, a short's lowest.
    pub limit_price_e8: u64,
    /// Unix time after which it is refused.
    pub deadline: i64,
}

/// Accounts of an instant trade.
#[derive(Accounts)]
pub struct TradePosition<'info> {
    /// The owner or the delegate.
    pub trader: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
}

impl TradePosition<'_> {
    /// That the signer trades for a position of this market, and as what.
    pub(super) fn validate(&self, position: &Position) -> Result<Trader> {
        Market::ensure_owns(self.market.to_account_info().key, position)?;
        position.trader(self.trader.key)
    }
}

/// Handles `increase_position`.
///
/// # Errors
/// `WrongMarket`, `NotTrader`, `DeadlineExpired`, those of the price and of the engine's increase.
pub fn increase_position(ctx: Context<TradePosition>, args: IncreasePositionArgs) -> Result<()> {
    let accounts = &ctx.accounts;
    let (key, position_key) = (accounts.market.key(), accounts.position.key());
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    let trader = accounts.validate(&position)?;

    let (marks, moment) = market.sync_to_trade(key, &accounts.price, PriceUse::Increase)?;
    require!(market.state.prices.now(moment.time).get() <= args.deadline, PerpError::DeadlineExpired);
    market.settle(key, position_key, &mut position)?;
    let before = market.state.ledger;
    let order = Increase {
        direction: args.direction.into(),
        notional: Notional::new(args.notional_e6),
        limit: Price::new(args.limit_price_e8),
    };
    let filled = market.state.increase(&mut position.state, &order, &marks, moment).map_err(fail)?;
    market.state.ledger.ensure_conserved(before.total().map_err(fail)?).map_err(fail)?;
    position.state.budget_fill(trader, &filled, &marks.quote, moment.time).map_err(fail)?;
    let head = market.next_event(key);
    let ledger = LedgerChange::since(&before, &market.state.ledger)?;
    events::log(&PositionIncreased::new(head, position_key, &position.state, &filled, ledger));
    Ok(())
}
