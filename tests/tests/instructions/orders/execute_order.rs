//! `execute_order`.

use inverse_perps_tests::harness::prelude::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_market_order_fills_at_the_first_price_after_its_delay() {
    let (mut chain, market) = Chain::with_orders(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    let sent = chain.succeed("place", &[market.place(&alice, 0, &market_order(Long, more(100_000)))], &[&alice.keypair]).await;
    println!("place {} {:?}", sent.compute_units, sent.events);
    let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
    chain.advance(DELAY);
    chain.post(&market, Tick::at(50_010));
    let sent = chain.succeed("execute", &[market.execute_order(&alice, 0, keeper)], &[]).await;
    println!("execute {} {:?}", sent.compute_units, sent.events);
    let position = chain.position(&alice.position).await.state;
    assert_eq!((position.open_orders, position.tips.get(), position.pending_order), (0, 0, 0));
}
