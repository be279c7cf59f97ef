//! `accrue_funding`

use crate::accounts::refuses_strangers;
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;

const HOUR: u32 = 3_600;

/// $1,000,000 long at $50,000 in a pool of exactly 100 BTC, so that nothing but the parameters decides the rates.
async fn one_long(params: Params) -> (Chain, TestMarket, Trader) {
    let (mut chain, market) = Chain::with_pool(params, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000_000)], &[&alice.keypair]).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(100 * BTC)).await;
    (chain, market, alice)
}

#[tokio::test(flavor = "multi_thread")]
async fn accrues_funding_by_the_second() {
    // Given $1,000,000 of skew on a scale of $10,000,000: a tenth of 0.3 % a day, 300,000 parts per billion.
    let (mut chain, market, _) = one_long(Params { max_borrow: 0, ..Params::standard() }).await;

    // When an hour has passed,
    chain.advance(HOUR);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;

    // then a share owes 1e18 * 300,000 * 3,600 * 10 / (86,400 * 5e12) = 2.5e10, and 1e12 shares 2.5e22: 25,000 satoshi,
    // which is 0.03 % of 20 BTC over 24.
    let Event::Accrued(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.price_e8.get()), (market.keys.market, usd(50_000)));
    assert_eq!((event.elapsed_seconds, event.publish_time), (3_600, chain.time()));
    assert_eq!((event.long_rate_ppb_per_day.get(), event.short_rate_ppb_per_day.get()), (300_000, -300_000));
    assert_eq!((event.long_cost_index.get(), event.long_cost_owed.get()), (25_000_000_000, 25_000_000_000_000_000_000_000));
    assert_eq!((event.short_cost_index.get(), event.short_cost_owed.get()), (0, 0), "an empty side stands still");

    // And in the same second nothing more is due, and nothing is said.
    let sent = chain.succeed("accrue again", &[market.accrue()], &[]).await;
    assert_eq!(sent.events, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn accrues_the_borrow_fee_by_utilisation() {
    // Given that the long can win 20 BTC out of 100: a fifth of 0.1 % a day, 200,000 parts per billion.
    let (mut chain, market, _) = one_long(Params { max_funding: 0, ..Params::standard() }).await;
    chain.advance(HOUR);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;

    // Then a share owes 1e18 * 200,000 * 36,000 / 4.32e17 = 16,666,666,666.7 up.
    let Event::Accrued(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.long_rate_ppb_per_day.get(), event.short_rate_ppb_per_day.get()), (200_000, 200_000));
    assert_eq!(event.long_cost_index.get(), 16_666_666_667);

    // And an empty pool is used up: the whole 0.1 %.
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(0)).await;
    chain.advance(HOUR);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("accrue with an empty pool", &[market.accrue()], &[]).await;
    let Event::Accrued(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!(event.long_rate_ppb_per_day.get(), 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_the_price_of_an_empty_market_and_says_nothing() {
    let (mut chain, market) = Chain::with_market(Params::standard()).await;
    chain.advance(HOUR);
    chain.post(&market, Tick::at(61_234).confident_to(5).average(61_000));
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;
    assert_eq!(sent.events, []);
    let state = chain.market(&market.keys.market).await.state;
    assert_eq!((state.prices.price.get(), state.prices.confidence.get()), (usd(61_234), usd(5)));
    assert_eq!((state.prices.ema.get(), state.prices.publish_time.get()), (usd(61_000), chain.time()));
    assert_eq!(state.last_accrual.get(), chain.time());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_and_prices_that_do_not_belong() {
    let (mut chain, market, alice) = one_long(Params::standard()).await;
    let accrue = market.accrue();
    refuses_strangers(&mut chain, &accrue, 0, alice.position, &[]).await;
    refuses_bad_prices(&mut chain, &market, &accrue, &[], Limits::Upkeep).await;
    chain.succeed("as it should be", &[accrue], &[]).await;
}
