//! Orders and delegates in the tests.

use super::chain::{Chain, Sent};
use super::markets::{dollars, TestMarket, Trader};
use super::pyth::Tick;
use inverse_perps::events::{LedgerChange, OrderExecuted, OrderFilled, Tip};
use inverse_perps::instructions::{OrderAmount, OrderType, PositionDirection};
use inverse_perps::state::Order;
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Params;
use perps::client::accounts;
use perps::client::addresses::order;
use perps::client::events::Event;
use perps::client::orders::{self, Execution, OrderTerms};
use perps::client::pyth::RECEIVER;
use solana_address::Address;
use solana_instruction::Instruction;

/// The tip that orders in the tests carry unless they say otherwise.
pub const TIP: u64 = 1_000;

/// Seconds from placing to T with the standard delay, in a market whose prices do not lead the Clock.
pub const DELAY: u32 = 6;

/// A time that no test reaches.
const FAR: i64 = 1_000_000_000_000;

/// A market order at any price.
pub fn market_order(direction: PositionDirection, amount: OrderAmount) -> OrderTerms {
    orders::market_terms(direction, amount, TIP)
}

/// An order that rests for ever, with the worst price that fills it.
pub fn resting(kind: OrderType, direction: PositionDirection, amount: OrderAmount, limit_price_e8: u64) -> OrderTerms {
    OrderTerms { kind, direction, amount, limit_price_e8, expiry: FAR, tip_sats: TIP }
}

/// So many dollars more.
pub fn more(notional: u64) -> OrderAmount {
    OrderAmount::Increase(dollars(notional))
}

/// So many dollars less.
pub fn less(notional: u64) -> OrderAmount {
    OrderAmount::Reduce(dollars(notional))
}

impl TestMarket {
    /// Places an owner's order with this id.
    pub fn place(&self, trader: &Trader, id: u32, terms: &OrderTerms) -> Instruction {
        orders::place_order(&self.keys, trader.placing(id, self.price, None), terms)
    }

    /// The same, linked with another.
    pub fn place_linked(&self, trader: &Trader, id: u32, with: u32, terms: &OrderTerms) -> Instruction {
        orders::place_order(&self.keys, trader.placing(id, self.price, Some(with)), terms)
    }

    /// Takes an owner's order back.
    pub fn cancel_order(&self, trader: &Trader, id: u32) -> Instruction {
        orders::cancel_order(&self.keys, trader.address(), trader.order(id))
    }

    /// Has `caller` remove a trader's order.
    pub fn expire_order(&self, caller: &Address, trader: &Trader, id: u32) -> Instruction {
        orders::expire_order(&self.keys, *caller, trader.order(id))
    }

    /// Triggers a trader's order for a token account.
    pub fn trigger(&self, trader: &Trader, id: u32, destination: Address) -> Instruction {
        orders::trigger_order(&self.keys, trader.position, id, self.price, destination)
    }

    /// What executes a trader's market order at the market's own price account.
    pub fn execution(&self, trader: &Trader, id: u32, destination: Address) -> Execution {
        trader.execution(id, self.price, destination)
    }

    /// Executes a trader's market order so.
    pub fn execute_order(&self, trader: &Trader, id: u32, destination: Address) -> Instruction {
        orders::execute_order(&self.keys, self.execution(trader, id, destination))
    }

    /// Executes an order as said.
    pub fn execute_order_with(&self, execution: Execution) -> Instruction {
        orders::execute_order(&self.keys, execution)
    }
}

impl Chain {
    /// A chain with one market that only orders trade on, at $50,000, and a pool of this many satoshi.
    pub async fn with_orders(params: Params, pool: u64) -> (Self, TestMarket) {
        let mut chain = Self::bare().await;
        chain.initialize().await;
        let mint = chain.new_mint(8);
        let market = chain.open_market_filling(mint, 0, params, false).await;
        chain.fill_pool(&market, pool).await;
        (chain, market)
    }

    /// An order as it stands.
    pub async fn order(&self, trader: &Trader, id: u32) -> Order {
        self.order_if_any(trader, id).await.expect("the order exists")
    }

    /// The same; none where it has left.
    pub async fn order_if_any(&self, trader: &Trader, id: u32) -> Option<Order> {
        let account = self.account(&order(&trader.position, id).0).await?;
        Some(accounts::order(&account.data).expect("an order"))
    }

    /// Publishes a price in an account of its own.
    pub fn publish(&mut self, tick: Tick) -> Address {
        let address = Address::new_unique();
        let update = self.update(tick);
        self.post_account(&address, update, RECEIVER);
        address
    }

    /// Moves the Clock to an order's T, publishes the price there and has a keeper execute it.
    pub async fn fill(&mut self, market: &TestMarket, trader: &Trader, id: u32, price: i64) {
        self.advance(DELAY);
        self.post(market, Tick::at(price));
        let keeper = self.somebody();
        let tokens = self.token_account(&market.keys.mint, &solana_signer::Signer::pubkey(&keeper), 0);
        self.succeed("fill an order", &[market.execute_order(trader, id, tokens)], &[]).await;
    }

    /// Has a trader open through an order, filled at this price.
    pub async fn open_by_order(
        &mut self,
        market: &TestMarket,
        trader: &Trader,
        direction: PositionDirection,
        notional: u64,
        price: i64,
    ) {
        let id = self.position(&trader.position).await.state.next_order;
        let place = market.place(trader, id, &market_order(direction, more(notional)));
        self.succeed("place an order to open", &[place], &[&trader.keypair]).await;
        self.fill(market, trader, id, price).await;
    }
}

/// How the execution of an order came out, filled or not.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The position.
    pub position: Address,
    /// The order.
    pub order: Address,
    /// The order that died; default for none.
    pub killed: Address,
    /// 1 filled, 2 missed its bound, 3 failed, 4 was blocked.
    pub outcome: u64,
    /// The program's error, or zero.
    pub error: u64,
    /// The fee of a failure.
    pub fee_sats: FeeSplit,
    /// What who executed got.
    pub filler_sats: Sats,
    /// What who triggered got.
    pub triggerer_sats: Sats,
    /// What insurance got of the tip.
    pub forfeited_sats: Sats,
    /// The ledger.
    pub ledger: LedgerChange,
}

/// The end that a transaction's last event tells of.
pub fn ended(sent: &Sent) -> Ended {
    let tipped = |tip: &Tip| (tip.filler_sats, tip.triggerer_sats, tip.forfeited_sats);
    match sent.last() {
        Event::OrderFilled(event) => {
            let (filler_sats, triggerer_sats, forfeited_sats) = tipped(&event.tip);
            let OrderFilled { position, order, killed, ledger, .. } = *event;
            let fee_sats = FeeSplit::default();
            Ended {
                position,
                order,
                killed,
                outcome: 1,
                error: 0,
                fee_sats,
                filler_sats,
                triggerer_sats,
                forfeited_sats,
                ledger,
            }
        }
        Event::OrderExecuted(event) => {
            let (filler_sats, triggerer_sats, forfeited_sats) = tipped(&event.tip);
            let OrderExecuted { position, order, outcome, error, fee_sats, ledger, .. } = *event;
            let killed = Address::default();
            Ended { position, order, killed, outcome, error, fee_sats, filler_sats, triggerer_sats, forfeited_sats, ledger }
        }
        _ => panic!("no order was executed: {:?}", sent.events),
    }
}
