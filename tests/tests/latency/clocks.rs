//! An owner who places while the Clock lags behind the prices by twenty seconds.

use crate::crew::{blocked, cents, close_all, execute, execution, filled_at, outcome, place, plain, total, BOTH, FILLED};
use inverse_perps_engine::errors::Error;
use inverse_perps_tests::harness::prelude::*;

const START: i64 = 5_000_000;
const LAG: i64 = 20;

/// A price published now as the world counts time: so far ahead of the Clock.
fn world(price: i64) -> Tick {
    cents(price).aged(-LAG)
}

/// What a market that knows the lag lets him do: T is six seconds after the newest price that anybody can have.
#[tokio::test(flavor = "multi_thread")]
async fn a_lag_that_the_market_has_seen_is_counted() {
    for (direction, minutes_ago) in BOTH.into_iter().flat_map(|direction| [0_u32, 4, 9].map(|ago| (direction, ago))) {
        // Given a price 20 s ahead of the Clock, seen up to ten minutes ago, brought by anybody,
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        chain.advance(60);
        chain.post(&market, world(START));
        chain.succeed("a keeper's price", &[market.accrue()], &[]).await;
        chain.advance(60 * minutes_ago);

        // when an owner places with the Clock's own price, which the world has left behind,
        let knows = 5_050_000;
        let old = if minutes_ago == 0 { world(START) } else { cents(START) };
        chain.post(&market, old);
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(100_000))).await;
        // then it is due 26 s after the Clock's time, 6 s after the world's.
        assert_eq!(chain.order(&attacker, id).await.state.due.get(), chain.time() + LAG + i64::from(DELAY));
        chain.advance(DELAY);
        let early = chain.publish(cents(knows));
        chain.post(&market, cents(knows));
        if minutes_ago > 0 {
            let with_early = execution(&market, &attacker, id, early, attacker.tokens);
            chain.refuse("a price from before T", &[with_early], &[], PerpError::PriceBeforeOrder).await;
        }
        chain.post(&market, world(knows));
        let with_early = execution(&market, &attacker, id, early, attacker.tokens);
        chain.refuse("a price from before T", &[with_early], &[], PerpError::NotFirstUpdate).await;
        let sent = chain.succeed("the price at T", &[market.execute_order(&attacker, id, attacker.tokens)], &[]).await;
        assert_eq!(filled_at(&sent), knows);
        close_all_ahead(&mut chain, &market, &attacker, direction, knows).await;
        let lost = before - total(&chain, &[&attacker], &[]).await;
        assert!((198_000..=200_010).contains(&lost), "{direction:?}: two fees, {lost}");
    }
}

/// Closes at the world's prices.
async fn close_all_ahead(chain: &mut Chain, market: &TestMarket, trader: &Trader, direction: PositionDirection, price: i64) {
    let id = place(chain, market, trader, &market_order(direction, OrderAmount::Close)).await;
    chain.advance(DELAY);
    chain.post(market, world(price));
    assert_eq!(execute(chain, market, trader, id, trader.tokens).await, FILLED);
}

/// A lag that nobody had shown the market when the order was placed, and that somebody shows before it is executed: its T lay
/// in the past of its placing, and it is blocked. Its owner gets everything back but the tip.
#[tokio::test(flavor = "multi_thread")]
async fn a_lag_found_before_the_execution_blocks_the_order() {
    for (direction, separately) in BOTH.into_iter().flat_map(|direction| [true, false].map(|by| (direction, by))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&attacker], &[]).await;
        // Given an owner who knows the prices of the next twenty seconds of the Clock, 1 % in his favour,
        chain.advance(60);
        chain.post(&market, cents(START));
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(100_000))).await;
        assert_eq!(chain.order(&attacker, id).await.state.due.get(), chain.time() + i64::from(DELAY));
        chain.advance(DELAY);
        let at_due = chain.publish(cents(START));
        // when a keeper brings the world's price, before the execution or with it,
        chain.post(&market, world(if direction == Long { 5_050_000 } else { 4_950_000 }));
        if separately {
            chain.succeed("a keeper's price", &[market.accrue()], &[]).await;
        }
        let execute = execution(&market, &attacker, id, at_due, keeper);
        let sent = chain.succeed("execute", &[execute], &[]).await;
        // then nothing is filled.
        assert_eq!(outcome(&sent), blocked(Error::ClockLagFound), "{direction:?}");
        assert_eq!(total(&chain, &[&attacker], &[]).await, before - TIP);
        assert_eq!(chain.tokens(&keeper).await, TIP);
        // The next order counts the lag.
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(100_000))).await;
        assert_eq!(chain.order(&attacker, id).await.state.due.get(), chain.time() + LAG + i64::from(DELAY));
    }
}

/// What remains: a lag of more than `delay` that nobody has shown the market in the ten minutes before, nor shows it while the
/// order lives. Then T lies in the past of the order's placing and its owner knows his price. It takes a Clock that lags by
/// more than `delay`, and nobody to bring a price: each price that anybody brings in those minutes, for whatever reason, tells
/// the market of the lag (the two tests above), and a keeper that brings one a minute leaves no such minute. The program cannot
/// know a time that nobody tells it. (A lag that nobody shows and that is less than `delay` lets nobody know his price; by so
/// much it lengthens the option of `option.rs`.)
#[tokio::test(flavor = "multi_thread")]
async fn a_lag_that_nobody_shows_is_what_remains_and_one_price_a_minute_closes_it() {
    for (direction, with_keeper) in BOTH.into_iter().flat_map(|direction| [false, true].map(|keeper| (direction, keeper))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        let known = if direction == Long { 5_050_000 } else { 4_950_000 };
        chain.advance(60);
        if with_keeper {
            chain.post(&market, world(START));
            chain.succeed("a price a minute", &[market.accrue()], &[]).await;
            chain.advance(59);
        }
        // He places at a Clock time whose price was $50,000, knowing that it will have moved by 1 % ten seconds later.
        chain.post(&market, cents(START));
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        chain.post(&market, cents(START));
        let execute = market.execute_order(&attacker, id, attacker.tokens);
        if with_keeper {
            chain.refuse("he knows no price at T", &[execute], &[], PerpError::PriceBeforeOrder).await;
            continue;
        }
        assert_eq!(outcome(&chain.succeed("execute", &[execute], &[]).await), FILLED);
        chain.advance(4);
        chain.post(&market, cents(known));
        close_all(&mut chain, &market, &[&attacker], |_| direction, known).await;
        // He has won the 1 %, less two fees.
        let won = total(&chain, &[&attacker], &[]).await - before;
        assert!((1_780_000..=1_825_000).contains(&won), "{direction:?}: {won}");
    }
}

/// Nobody can make the market believe in a lag that there is not: what is published in the future is not published yet. And
/// beyond `max_future` no price is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_beyond_max_future_teaches_no_lag() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let attacker = chain.trader_with(&market, BTC).await;
    chain.advance(60);
    chain.post(&market, cents(START).aged(-61));
    chain.refuse("61 s ahead", &[market.accrue()], &[], PerpError::PriceInFuture).await;
    chain.post(&market, cents(START));
    let id = place(&mut chain, &market, &attacker, &market_order(Long, more(100_000))).await;
    assert_eq!(chain.order(&attacker, id).await.state.due.get(), chain.time() + i64::from(DELAY));
    chain.advance(DELAY);
    chain.post(&market, cents(START));
    let far = chain.publish(cents(START).aged(-61));
    let with_far = execution(&market, &attacker, id, far, attacker.tokens);
    chain.refuse("a fill 61 s ahead", &[with_far], &[], PerpError::NotFirstUpdate).await;
}
