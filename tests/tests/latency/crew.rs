//! What the attacks share.

use inverse_perps_engine::errors::Error;
use inverse_perps_tests::harness::prelude::*;
use perps::client::orders::OrderTerms;
use std::collections::BTreeSet;

/// Both directions, so that an attack is mirrored.
pub const BOTH: [PositionDirection; 2] = [Long, Short];

/// What who comes too late finds: the order's account is empty, and the system program's.
pub const GONE: ErrorCode = ErrorCode::AccountOwnedByWrongProgram;

/// How an execution came out, as its event says it.
pub const FILLED: (u64, u64) = (1, 0);

/// Failed for its owner's reasons.
pub fn failed(error: PerpError) -> (u64, u64) {
    (3, u64::from(u32::from(error)))
}

/// Failed for the market's reasons.
pub fn blocked(error: Error) -> (u64, u64) {
    (4, u64::from(u32::from(PerpError::from(error))))
}

/// The other direction.
pub fn other(direction: PositionDirection) -> PositionDirection {
    match direction {
        Long => Short,
        Short => Long,
    }
}

/// The standard parameters without funding, borrow fee and, but for one satoshi, surcharge on skew: what is left of a trade's
/// cost is 5 bps of its value.
pub fn plain() -> Params {
    Params { impact_scale: Notional::new(u64::MAX >> 1), ..still() }
}

/// A price in cents, published now.
pub fn cents(price: i64) -> Tick {
    let price_e8 = price * 1_000_000;
    Tick { price_e8, ema_e8: price_e8, ..Tick::at(1) }
}

/// A price that is that much better for who holds this direction, in bps.
pub fn better(price: i64, direction: PositionDirection, bps: i64) -> i64 {
    match direction {
        Long => price * (10_000 + bps) / 10_000,
        Short => price * (10_000 - bps) / 10_000,
    }
}

/// The worse of two prices for who opens in this direction.
pub fn worse_to_open(direction: PositionDirection, one: i64, two: i64) -> i64 {
    match direction {
        Long => one.max(two),
        Short => one.min(two),
    }
}

/// Tokens and margin of all these accounts together, and what lies in these purses.
pub async fn total(chain: &Chain, traders: &[&Trader], purses: &[Address]) -> u64 {
    let tokens: BTreeSet<Address> = traders.iter().map(|trader| trader.tokens).chain(purses.iter().copied()).collect();
    let mut sum = 0;
    for account in tokens {
        sum += chain.tokens(&account).await;
    }
    for trader in traders {
        sum += chain.position(&trader.position).await.state.margin.get();
    }
    sum
}

/// Places the trader's next order; returns its id.
pub async fn place(chain: &mut Chain, market: &TestMarket, trader: &Trader, terms: &OrderTerms) -> u32 {
    let id = chain.position(&trader.position).await.state.next_order;
    chain.succeed("place", &[market.place(trader, id, terms)], &[&trader.keypair]).await;
    id
}

/// How an execution came out.
pub fn outcome(sent: &Sent) -> (u64, u64) {
    let end = ended(sent);
    (end.outcome, end.error)
}

/// The price that an execution filled at, in cents.
pub fn filled_at(sent: &Sent) -> i64 {
    let price = sent.events.iter().find_map(|event| match event {
        Event::OrderFilled(event) => Some(event.fill.price_e8.get()),
        _ => None,
    });
    i64::try_from(price.expect("it was filled")).expect("a price fits") / 1_000_000
}

/// Executes at the market's price account and with this fill update, for this purse.
pub fn execution(market: &TestMarket, trader: &Trader, id: u32, fill_price: Address, purse: Address) -> Instruction {
    market.execute_order_with(orders::Execution { fill_price: Some(fill_price), ..market.execution(trader, id, purse) })
}

/// Executes with the market's price account for both prices, whatever comes of it.
pub async fn execute(chain: &mut Chain, market: &TestMarket, trader: &Trader, id: u32, purse: Address) -> (u64, u64) {
    outcome(&chain.succeed("execute", &[market.execute_order(trader, id, purse)], &[]).await)
}

/// Closes all of these positions by orders placed now, with the least tip, and filled by their owners themselves six seconds
/// later, at this price.
pub async fn close_all(
    chain: &mut Chain,
    market: &TestMarket,
    traders: &[&Trader],
    direction: impl Fn(usize) -> PositionDirection,
    price: i64,
) {
    let mut ids = Vec::new();
    for (index, trader) in traders.iter().enumerate() {
        let terms = orders::market_terms(direction(index), OrderAmount::Close, 100);
        ids.push(place(chain, market, trader, &terms).await);
    }
    chain.advance(DELAY);
    chain.post(market, cents(price));
    for (trader, id) in traders.iter().zip(ids) {
        assert_eq!(execute(chain, market, trader, id, trader.tokens).await, FILLED);
    }
}

/// What a market order of `value` satoshi to open or to close costs: 5 bps, rounded up.
pub fn fee(value: u64) -> u64 {
    value.div_ceil(2_000)
}
