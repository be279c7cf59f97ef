//! Orders left over from before a settlement of the market.

use crate::crew::{cents, place, plain};
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::SettleWith;

/// $1,900,000 for a cent: shorts of 2 BTC opened at $50,000 have won 3.26 BTC at $19,000.
const CRASH: i64 = 1_900_000;

/// A stop that only the price of the settlement reached, one that only the market after it reaches, and an order that waits for
/// its fill while the market settles: all are void, nobody can have them filled, and each tip comes back.
#[tokio::test(flavor = "multi_thread")]
async fn orders_from_before_a_settlement_are_void_and_their_tips_come_back() {
    // Given a pool of 3 BTC, $100,000 on each side with margin enough, and an owner with three resting orders on a flat
    // position and a stop that guards his short,
    let (mut chain, market) = Chain::with_orders(plain(), 3 * BTC).await;
    let long = chain.trader_with(&market, 4 * BTC).await;
    let short = chain.trader_with(&market, 4 * BTC).await;
    chain.open_by_order(&market, &long, Long, 100_000, 50_000).await;
    chain.open_by_order(&market, &short, Short, 100_000, 50_000).await;
    let attacker = chain.trader_with(&market, BTC).await;
    let far = |kind, direction, amount| resting(kind, direction, amount, if direction == Long { u64::MAX } else { 1 });
    let down = place(&mut chain, &market, &attacker, &far(OrderType::Stop(usd(30_000)), Short, more(1_000))).await;
    let up = place(&mut chain, &market, &attacker, &far(OrderType::Stop(usd(60_000)), Long, more(1_000))).await;
    let waits = place(&mut chain, &market, &attacker, &market_order(Long, more(1_000))).await;
    let guard_terms = resting(OrderType::Stop(usd(60_000)), Short, OrderAmount::Close, u64::MAX);
    let guard = place(&mut chain, &market, &short, &guard_terms).await;
    assert_eq!(chain.position(&attacker.position).await.state.tips.get(), 3 * TIP);

    // when the price falls so far that the market settles before the pending order is due,
    chain.advance(2);
    chain.post(&market, cents(CRASH));
    chain.succeed("settling begins", &[market.deleverage()], &[]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.status(), Status::Settling);
    let keeper = purse(&mut chain, &market);
    chain.advance(10);
    chain.post(&market, cents(CRASH));
    for id in [down, up] {
        let trigger = market.trigger(&attacker, id, keeper);
        chain.refuse("trigger while it settles", &[trigger], &[], PerpError::MarketSettling).await;
    }
    for trader in [&long, &short] {
        let settle = instructions::settle(&market.keys, trader.position, SettleWith::default());
        chain.succeed("close out", &[settle], &[]).await;
    }
    let admin = chain.admin.insecure_clone();
    let finish = instructions::finish_settlement(&market.keys, admin.pubkey(), 0);
    chain.succeed("finish", &[finish], &[&admin]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.status(), Status::Active);

    // then none of them can be triggered or executed in the reopened market, at prices that reach both stops,
    chain.advance(10);
    for (price, id) in [(CRASH, down), (7_000_000, up)] {
        chain.advance(1);
        chain.post(&market, cents(price));
        chain.refuse("trigger", &[market.trigger(&attacker, id, keeper)], &[], PerpError::OrderVoid).await;
    }
    chain.refuse("trigger", &[market.trigger(&short, guard, keeper)], &[], PerpError::OrderVoid).await;
    chain.refuse("execute", &[market.execute_order(&attacker, waits, keeper)], &[], PerpError::OrderVoid).await;

    // and anybody's hand removes them, to their owner's profit alone.
    let anybody = chain.somebody();
    let caller = anybody.pubkey();
    let margin = chain.position(&attacker.position).await.state.margin.get();
    assert_eq!(margin, BTC);
    for id in [down, up] {
        chain.succeed("remove", &[market.expire_order(&caller, &attacker, id)], &[&anybody]).await;
    }
    chain.succeed("take back", &[market.cancel_order(&attacker, waits)], &[&attacker.keypair]).await;
    chain.succeed("remove", &[market.expire_order(&caller, &short, guard)], &[&anybody]).await;
    let state = chain.position(&attacker.position).await.state;
    assert_eq!((state.margin.get(), state.tips.get(), state.open_orders, state.pending_order), (BTC, 0, 0, 0));
    let all = market.withdraw(&attacker, BTC);
    chain.succeed("withdraw all", &[all], &[&attacker.keypair]).await;
    assert_eq!(chain.tokens(&keeper).await, 0);
    // Ids go on, so that an old order's account can never be a new one's.
    assert_eq!(chain.position(&attacker.position).await.state.next_order, 3);
}

/// One that waits when the market begins to settle is blocked, by who executes it, for its tip.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_own_execution_begins_the_settlement_is_blocked_for_its_tip() {
    let (mut chain, market) = Chain::with_orders(plain(), 3 * BTC).await;
    let long = chain.trader_with(&market, 4 * BTC).await;
    let short = chain.trader_with(&market, 4 * BTC).await;
    chain.open_by_order(&market, &long, Long, 100_000, 50_000).await;
    chain.open_by_order(&market, &short, Short, 100_000, 50_000).await;
    // A winner's close, so placed that he knows: it does not get him out ahead of the others.
    let before = chain.position(&short.position).await.state.margin.get();
    let id = place(&mut chain, &market, &short, &market_order(Short, OrderAmount::Close)).await;
    chain.advance(DELAY);
    chain.post(&market, cents(CRASH));
    let keeper = purse(&mut chain, &market);
    let sent = chain.succeed("execute", &[market.execute_order(&short, id, keeper)], &[]).await;
    assert_eq!(crate::crew::outcome(&sent).0, 4);
    assert_eq!(chain.market(&market.keys.market).await.state.status(), Status::Settling);
    assert_eq!(chain.tokens(&keeper).await, TIP);
    let state = chain.position(&short.position).await.state;
    assert_eq!((state.margin.get(), state.tips.get(), state.open_orders), (before - TIP, 0, 0));
    assert!(state.open_direction().is_some(), "he waits for the settlement as all do");
}
