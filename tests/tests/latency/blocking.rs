//! An owner who has another account of his block the fill, when he does not like its price.

use crate::crew::{better, blocked, cents, close_all, execute, outcome, place, plain, total, BOTH, FILLED, GONE};
use inverse_perps_engine::errors::Error;
use inverse_perps_tests::harness::prelude::*;

const START: i64 = 5_000_000;

/// A cap of $300,000 a side, $200,000 of it taken by an honest account.
async fn nearly_full(direction: PositionDirection) -> (Chain, TestMarket) {
    let params = Params {
        max_side_notional: Notional::new(dollars(300_000)),
        max_position_notional: Notional::new(dollars(300_000)),
        ..plain()
    };
    let (mut chain, market) = Chain::with_orders(params, 1_000 * BTC).await;
    let honest = chain.trader_with(&market, BTC).await;
    chain.open_by_order(&market, &honest, direction, 200_000, 50_000).await;
    chain.advance(60);
    chain.post(&market, cents(START));
    (chain, market)
}

/// The first account asks for all that is left of the side's cap, the second for $10: executed first, that blocks the first.
#[tokio::test(flavor = "multi_thread")]
async fn who_fills_the_cap_with_another_account_pays_for_it_and_cannot_retry_with_the_old_time() {
    for direction in BOTH {
        let (mut chain, market) = nearly_full(direction).await;
        let first = chain.trader_with(&market, BTC).await;
        let second = sub_account(&mut chain, &market, &first, 1, BTC).await;
        let crew = [&first, &second];
        let before = total(&chain, &crew, &[]).await;
        let large = place(&mut chain, &market, &first, &market_order(direction, more(100_000))).await;
        let small = place(&mut chain, &market, &second, &market_order(direction, more(10))).await;
        let due = chain.order(&first, large).await.state.due;

        // When the price moves against him within five seconds, no keeper is there, and he executes in that order for himself,
        chain.advance(DELAY);
        let at_due = chain.publish(cents(START));
        chain.post(&market, cents(START));
        chain.advance(4);
        let now = better(START, direction, -100);
        assert_eq!(execute(&mut chain, &market, &second, small, first.tokens).await, FILLED);
        assert_eq!(execute(&mut chain, &market, &first, large, first.tokens).await, blocked(Error::SideCapExceeded));

        // then that order is gone with its T: the next one is due anew.
        let again = crate::crew::execution(&market, &first, large, at_due, first.tokens);
        chain.refuse("retry", &[again], &[], GONE).await;
        chain.post(&market, cents(now));
        close_all(&mut chain, &market, &[&second], |_| direction, now).await;
        let next = place(&mut chain, &market, &first, &market_order(direction, more(100_000))).await;
        assert!(chain.order(&first, next).await.state.due > due);
        chain.advance(70);
        chain.succeed("lapse", &[market.expire_order(&first.address(), &first, next)], &[&first.keypair]).await;

        // Both accounts together have lost the tip of that, and on $10, 20,000 satoshi, two fees and 1 %; the tips of the
        // others came back to the crew's own keeper.
        let after = total(&chain, &crew, &[]).await;
        let lost = before - after - TIP;
        assert!((219..=228).contains(&lost), "{direction:?}: {lost}");
    }
}

/// With a keeper the order is filled at T, before anybody knows which way the price goes; the other account is what is blocked.
#[tokio::test(flavor = "multi_thread")]
async fn with_a_keeper_the_other_account_blocks_nothing() {
    for direction in BOTH {
        let (mut chain, market) = nearly_full(direction).await;
        let first = chain.trader_with(&market, BTC).await;
        let second = sub_account(&mut chain, &market, &first, 1, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&first, &second], &[]).await;
        let large = place(&mut chain, &market, &first, &market_order(direction, more(100_000))).await;
        let small = place(&mut chain, &market, &second, &market_order(direction, more(10))).await;
        chain.advance(DELAY);
        chain.post(&market, cents(START));
        assert_eq!(execute(&mut chain, &market, &first, large, keeper).await, FILLED);
        assert_eq!(execute(&mut chain, &market, &second, small, keeper).await, blocked(Error::SideCapExceeded));
        let now = better(START, direction, -100);
        close_all(&mut chain, &market, &[&first], |_| direction, now).await;
        // 1 % of 2 BTC, two fees of about 100,000, both tips.
        let lost = before - total(&chain, &[&first, &second], &[]).await;
        assert!((2_175_000..=2_230_000).contains(&lost), "{direction:?}: {lost}");
        assert_eq!(chain.tokens(&keeper).await, 2 * TIP);
    }
}

/// He owns half of the pool, and asks for it back: what is queued no longer backs new positions. That costs him nothing, and
/// wins him nothing but that the order is gone: he is even.
#[tokio::test(flavor = "multi_thread")]
async fn who_blocks_his_order_by_queueing_his_liquidity_is_even() {
    // Of 4 BTC of pool 2.8 may be needed, of 2 BTC 1.4. A long of 2 BTC needs 2; a short of 4 BTC needs 4 / 0.7 - 4 = 1.71.
    for (direction, notional) in [(Long, 100_000), (Short, 200_000)] {
        let (mut chain, market) = Chain::with_orders(plain(), 2 * BTC).await;
        let provider = chain.provider(&market, 2 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        let shares = chain.tokens(&provider.shares).await;
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(notional))).await;
        chain.advance(DELAY);
        chain.post(&market, cents(START));
        chain.succeed("queue", &[market.request(&provider, 0, shares)], &[&provider.keypair]).await;
        assert_eq!(execute(&mut chain, &market, &attacker, id, attacker.tokens).await, blocked(Error::ReserveExceeded));
        chain.succeed("leave the queue", &[market.cancel(&provider, 0)], &[&provider.keypair]).await;
        assert_eq!(chain.tokens(&provider.shares).await, shares);
        assert_eq!(total(&chain, &[&attacker], &[]).await, before);
        // It is not what it was: it must be placed anew, at a later T.
        let again = market.execute_order(&attacker, id, attacker.tokens);
        chain.refuse("retry", &[again], &[], GONE).await;
    }
}

/// The guardian's pause blocks an order whose fill adds risk, for its tip; one that reduces is filled.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_blocks_what_adds_risk_alone() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let opens = chain.trader_with(&market, BTC).await;
        let closes = chain.trader_with(&market, BTC).await;
        chain.open_by_order(&market, &closes, direction, 100_000, 50_000).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&opens], &[]).await;
        let opening = place(&mut chain, &market, &opens, &market_order(direction, more(100_000))).await;
        let closing = place(&mut chain, &market, &closes, &market_order(direction, OrderAmount::Close)).await;
        let guardian = chain.admin.insecure_clone();
        let pause = governance::pause_risk(&market.keys, guardian.pubkey());
        chain.succeed("pause", &[pause], &[&guardian]).await;
        chain.advance(DELAY);
        chain.post(&market, cents(START));
        assert_eq!(execute(&mut chain, &market, &opens, opening, keeper).await, blocked(Error::RiskPaused));
        let sent = chain.succeed("close", &[market.execute_order(&closes, closing, keeper)], &[]).await;
        assert_eq!(outcome(&sent), FILLED);
        assert_eq!(total(&chain, &[&opens], &[]).await, before - TIP, "everything back but the tip");
        assert_eq!(chain.tokens(&keeper).await, 2 * TIP);
    }
}
