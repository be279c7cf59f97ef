//! Orders, one file an instruction.

mod execute_order;
mod linked_orders;
mod outcomes;
mod place_order;
mod remove_order;
mod tips;
mod trigger_order;

use inverse_perps::state::Order;
use inverse_perps_tests::harness::prelude::*;
use perps::client::addresses::order;

/// Both directions.
pub const BOTH: [PositionDirection; 2] = [Long, Short];
/// Any number of satoshi that is enough for $100,000.
pub const MARGIN: u64 = 10_000_000;
/// What is left of it after $100,000 were opened at $50,000 by an order: the fee of 105,000 is derived in `increase_position`.
pub const LEFT: u64 = MARGIN - 105_000 - TIP;

/// What a trader has of a trillion lamports with the rent of a position paid: 256 bytes and 128 more at 6,960 each.
pub const LAMPORTS: u64 = 1_000_000_000_000 - 384 * 6_960;
/// The rent of an order, of 232 bytes.
pub const RENT: u64 = 360 * 6_960;

/// What executing came to, as the event counts it.
pub const FILLED: u64 = 1;
pub const RESTS: u64 = 2;
pub const FAILED: u64 = 3;
pub const BLOCKED: u64 = 4;

/// A direction as accounts and events count it.
pub fn number(direction: PositionDirection) -> u8 {
    if direction == Long {
        1
    } else {
        2
    }
}

/// The first for a long, the second for a short.
pub fn either<T>(direction: PositionDirection, long: T, short: T) -> T {
    if direction == Long {
        long
    } else {
        short
    }
}

/// An error as events count it.
pub fn code(error: PerpError) -> u64 {
    u64::from(u32::from(error))
}

/// A market for orders alone, and somebody with margin.
pub async fn ready() -> (Chain, TestMarket, Trader) {
    let (mut chain, market) = Chain::with_orders(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, MARGIN).await;
    (chain, market, alice)
}

/// The same where a market order for $100,000, number 0, waits for its fill: T is `DELAY` seconds from now.
pub async fn waiting(direction: PositionDirection) -> (Chain, TestMarket, Trader) {
    let (mut chain, market, alice) = ready().await;
    let place = market.place(&alice, 0, &market_order(direction, more(100_000)));
    chain.succeed("place", &[place], &[&alice.keypair]).await;
    (chain, market, alice)
}

/// The same where it has filled at $50,000, and the next order is number 1.
pub async fn opened(direction: PositionDirection) -> (Chain, TestMarket, Trader) {
    let (mut chain, market, alice) = ready().await;
    chain.open_by_order(&market, &alice, direction, 100_000, 50_000).await;
    (chain, market, alice)
}

/// Executes with a fill price that is not the market's own.
pub fn at_fill_price(chain: &mut Chain, market: &TestMarket, trader: &Trader, id: u32, to: Address, fill: Tick) -> Instruction {
    let fill_price = chain.publish(fill);
    market.execute_order_with(orders::Execution { fill_price: Some(fill_price), ..market.execution(trader, id, to) })
}

/// Changes an order's bytes.
pub async fn edit_order(chain: &mut Chain, trader: &Trader, id: u32, edit: impl FnOnce(&mut Order)) {
    let mut state = chain.order(trader, id).await;
    edit(&mut state);
    let address = order(&trader.position, id).0;
    let mut account = chain.account(&address).await.expect("the order exists");
    account.data[8..].copy_from_slice(bytemuck::bytes_of(&state));
    chain.set_account(&address, account);
}

/// A stop or a take-profit that closes the position at any price.
pub fn closing(kind: OrderType, direction: PositionDirection) -> orders::OrderTerms {
    resting(kind, direction, OrderAmount::Close, instructions::any_price_to_close(direction))
}

/// A stop that closes $100,000 from $50,000: $1,000 away on the losing side.
pub fn stop(direction: PositionDirection) -> orders::OrderTerms {
    closing(OrderType::Stop(usd(either(direction, 49_000, 51_000))), direction)
}

/// A take-profit that closes it: $1,000 away on the winning side.
pub fn take_profit(direction: PositionDirection) -> orders::OrderTerms {
    closing(OrderType::TakeProfit(usd(either(direction, 51_000, 49_000))), direction)
}

/// Whole dollars a bitcoin at which `stop` triggers.
pub fn stop_price(direction: PositionDirection) -> i64 {
    either(direction, 49_000, 51_000)
}

/// `opened`, with a stop as order 1 that has just been triggered at its price for `triggerer`: T is `DELAY` seconds from now.
pub async fn stopped(direction: PositionDirection, terms: &orders::OrderTerms) -> (Chain, TestMarket, Trader, Address) {
    let (mut chain, market, alice) = opened(direction).await;
    let triggerer = purse(&mut chain, &market);
    chain.succeed("place a stop", &[market.place(&alice, 1, terms)], &[&alice.keypair]).await;
    chain.advance(DELAY);
    chain.post(&market, Tick::at(stop_price(direction)));
    chain.succeed("trigger", &[market.trigger(&alice, 1, triggerer)], &[]).await;
    (chain, market, alice, triggerer)
}
