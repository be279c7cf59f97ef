//! Places an order: a market order waits for its fill, any other rests until its price comes.

use super::increase_position::PositionDirection;
use crate::create::Creation;
use crate::errors::{fail, PerpError};
use crate::events::{self, OrderPlaced};
use crate::state::{seeds, Market, Order, Position};
use anchor_lang::prelude::*;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::order::{OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::units::{Notional, Price, Sats, UnixTime};

/// What makes an order a market order.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// It is one.
    Market,
    /// A price at least as good as its limit.
    Limit,
    /// A price at least as bad as this, 1e-8 USD.
    Stop(u64),
    /// A price at least as good as this, 1e-8 USD.
    TakeProfit(u64),
}

/// By how much an order changes the position, 1e-6 USD, whole dollars.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderAmount {
    /// Opens or enlarges it.
    Increase(u64),
    /// Reduces it, and never turns it round; an amount that would leave less than `min_notional` closes it.
    Reduce(u64),
    /// Closes it.
    Close,
}

/// What the owner or the delegate asks for.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct OrderTerms {
    /// Market, limit, stop or take-profit.
    pub kind: OrderType,
    /// Long or short: the position that it enlarges or reduces.
    pub direction: PositionDirection,
    /// By how much.
    pub amount: OrderAmount,
    /// The worst acceptable fill price, 1e-8 USD: a buyer's highest, a seller's lowest.
    pub limit_price_e8: u64,
    /// Unix time until which it rests; a market order needs none.
    pub expiry: i64,
    /// For who triggers and who fills it, reserved in the margin.
    pub tip_sats: u64,
}

impl From<&OrderTerms> for OrderRequest {
    fn from(terms: &OrderTerms) -> Self {
        let (kind, trigger) = match terms.kind {
            OrderType::Market => (OrderKind::Market, 0),
            OrderType::Limit => (OrderKind::Limit, 0),
            OrderType::Stop(trigger) => (OrderKind::Stop, trigger),
            OrderType::TakeProfit(trigger) => (OrderKind::TakeProfit, trigger),
        };
        let size = match terms.amount {
            OrderAmount::Increase(notional) => OrderSize::Increase(Notional::new(notional)),
            OrderAmount::Reduce(notional) => OrderSize::Reduce(DecreaseSize::Part(Notional::new(notional))),
            OrderAmount::Close => OrderSize::Reduce(DecreaseSize::Whole),
        };
        Self {
            kind,
            direction: terms.direction.into(),
            size,
            trigger: Price::new(trigger),
            limit: Price::new(terms.limit_price_e8),
            expiry: UnixTime::new(terms.expiry),
            tip: Sats::new(terms.tip_sats),
        }
    }
}

/// Accounts of `place_order`. The last can be left off.
#[derive(Accounts)]
pub struct PlaceOrder<'info> {
    /// The owner or the delegate.
    pub trader: Signer<'info>,
    /// Pays the rent, and gets it back.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: will be the order; its address is proved by creating it.
    #[account(mut)]
    pub order: UncheckedAccount<'info>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
    /// A resting order of the position to link it with.
    #[account(mut)]
    pub partner: Option<AccountLoader<'info, Order>>,
}

impl PlaceOrder<'_> {
    /// Links both orders, so that the one that fills knows the other.
    fn link(&self, order: &mut Order) -> Result<()> {
        let Some(loader) = &self.partner else {
            return Ok(());
        };
        let mut partner = loader.load_mut()?;
        require!(partner.position == self.position.key(), PerpError::WrongOrder);
        let resting = !partner.state.is_pending() && !order.state.is_pending();
        require!(resting && partner.partner == Pubkey::default(), PerpError::OrderNotLinkable);
        partner.partner = self.order.key();
        order.partner = loader.key();
        Ok(())
    }
}

/// Handles `place_order`; the bump is that of the order's address, whose id is the position's `next_order`.
///
/// # Errors
/// `WrongMarket`, `NotTrader`, `OrdersNeedPull`, `WrongOrder`, `OrderNotLinkable`, those of the price and of the engine's placing; the
/// system program's, where the address is not that of the position's next order.
pub fn place_order(ctx: Context<PlaceOrder>, terms: OrderTerms, bump: u8) -> Result<()> {
    let accounts = &ctx.accounts;
    let (key, position_key) = (accounts.market.key(), accounts.position.key());
    let mut market = accounts.market.load_mut()?;
    let mut position = accounts.position.load_mut()?;
    Market::ensure_owns(&key, &position)?;
    let trader = position.trader(accounts.trader.key)?;
    market.ensure_pull()?;

    let (quote, moment) = market.glance(key, &accounts.price, PriceUse::Upkeep)?;
    market.settle(key, position_key, &mut position)?;
    let id = u64::from(position.state.next_order).to_le_bytes();
    let seeds: &[&[u8]] = &[seeds::ORDER, position_key.as_ref(), &id, &[bump]];
    let creation = Creation { payer: &accounts.payer, account: &accounts.order, seeds };
    let mut order = creation.zero_copy::<Order>()?;
    order.version = Order::VERSION;
    order.bump = bump;
    order.position = position_key;
    order.payer = accounts.payer.key();
    order.state = market.state.place_order(&mut position.state, &(&terms).into(), trader, &quote, moment).map_err(fail)?;
    accounts.link(&mut order)?;
    let head = market.next_event(key);
    events::log(&OrderPlaced::new(head, accounts.order.key(), &order));
    Ok(())
}
