//! Builders of the instructions of orders and delegates.

use super::addresses::{order, MarketKeys, TOKEN_PROGRAM};
use super::instructions::{any_price_to_close, any_price_to_open, build, shortened, SYSTEM_PROGRAM};
pub use inverse_perps::instructions::OrderTerms;
use inverse_perps::instructions::{OrderAmount, OrderType, PositionDirection};
use inverse_perps::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

/// A market order at any price.
pub fn market_terms(direction: PositionDirection, amount: OrderAmount, tip_sats: u64) -> OrderTerms {
    let limit_price_e8 = match amount {
        OrderAmount::Increase(_) => any_price_to_open(direction),
        _ => any_price_to_close(direction),
    };
    OrderTerms { kind: OrderType::Market, direction, amount, limit_price_e8, expiry: 0, tip_sats }
}

/// Who places an order, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placing {
    /// The owner or the delegate; pays the rent.
    pub trader: Address,
    /// The position.
    pub position: Address,
    /// Its `next_order`, which is the order's id.
    pub id: u32,
    /// The price account.
    pub price: Address,
    /// The id of a resting order to link it with.
    pub linked_with: Option<u32>,
}

/// Places an order.
pub fn place_order(keys: &MarketKeys, placing: Placing, terms: &OrderTerms) -> Instruction {
    let Placing { trader, position, id, price, linked_with } = placing;
    let (address, bump) = order(&position, id);
    let accounts = accounts::PlaceOrder {
        trader,
        payer: trader,
        market: keys.market,
        position,
        order: address,
        price,
        system_program: SYSTEM_PROGRAM,
        partner: linked_with.map(|id| order(&position, id).0),
    };
    shortened(accounts, instruction::PlaceOrder { terms: *terms, bump })
}

/// Which order an instruction is about, and who paid its rent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRef {
    /// The position.
    pub position: Address,
    /// The order's id.
    pub id: u32,
    /// Gets the rent back.
    pub payer: Address,
}

fn removal(keys: &MarketKeys, caller: Address, which: OrderRef) -> accounts::RemoveOrder {
    let OrderRef { position, id, payer } = which;
    accounts::RemoveOrder { caller, market: keys.market, position, order: order(&position, id).0, payer }
}

/// Takes a resting or void order back.
pub fn cancel_order(keys: &MarketKeys, trader: Address, which: OrderRef) -> Instruction {
    build(removal(keys, trader, which), instruction::CancelOrder {})
}

/// Removes an order that has expired or is void.
pub fn expire_order(keys: &MarketKeys, caller: Address, which: OrderRef) -> Instruction {
    build(removal(keys, caller, which), instruction::ExpireOrder {})
}

/// Turns a resting order into a market order; half of its tip goes to `destination` when it leaves.
pub fn trigger_order(keys: &MarketKeys, position: Address, id: u32, price: Address, destination: Address) -> Instruction {
    let order = order(&position, id).0;
    let accounts = accounts::TriggerOrder { market: keys.market, position, order, price, destination };
    build(accounts, instruction::TriggerOrder {})
}

/// What an order is executed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The order.
    pub order: OrderRef,
    /// The price account with the market's current price.
    pub price: Address,
    /// The price account that sets the fill price, if that is not the market's current one too.
    pub fill_price: Option<Address>,
    /// The token account that gets the tip.
    pub destination: Address,
    /// The token account that has triggered the order, if one other than the destination has.
    pub triggerer: Option<Address>,
    /// The order that it is linked with, if any.
    pub partner: Option<Address>,
}

/// Executes an order that waits for its fill.
pub fn execute_order(keys: &MarketKeys, execution: Execution) -> Instruction {
    let Execution { order: OrderRef { position, id, payer }, price, fill_price, destination, triggerer, partner } = execution;
    let accounts = accounts::ExecuteOrder {
        market: keys.market,
        position,
        order: order(&position, id).0,
        payer,
        price,
        vault: keys.vault,
        destination,
        token_program: TOKEN_PROGRAM,
        partner,
        triggerer,
        fill_price,
    };
    shortened(accounts, instruction::ExecuteOrder {})
}

/// Appoints a delegate, or gives the one there is another daily budget.
pub fn set_delegate(
    keys: &MarketKeys,
    owner: Address,
    position: Address,
    delegate: Address,
    daily_budget_sats: u64,
) -> Instruction {
    let accounts = accounts::Appoint { owner, market: keys.market, position };
    build(accounts, instruction::SetDelegate { delegate, daily_budget_sats })
}

/// Dismisses the delegate.
pub fn revoke_delegate(keys: &MarketKeys, owner: Address, position: Address) -> Instruction {
    build(accounts::Appoint { owner, market: keys.market, position }, instruction::RevokeDelegate {})
}
