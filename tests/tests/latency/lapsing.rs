//! An owner who lets an order lapse when he does not like its price.

use crate::crew::{cents, close_all, execution, filled_at, place, plain, total, BOTH};
use inverse_perps_tests::harness::prelude::*;
use perps::client::orders::OrderTerms;

fn tipped(direction: PositionDirection, tip: u64) -> OrderTerms {
    orders::market_terms(direction, more(100_000), tip)
}

#[tokio::test(flavor = "multi_thread")]
async fn letting_orders_lapse_costs_a_tip_each_which_insurance_gets() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        for tries in 1..=3 {
            // Given an order whose owner waits for a price that never comes,
            chain.advance(30);
            chain.post(&market, cents(5_000_000));
            let id = place(&mut chain, &market, &attacker, &tipped(direction, 1_000)).await;
            chain.advance(DELAY);
            let first = chain.publish(cents(5_000_000));
            let owner = [&attacker.keypair];
            // he can neither take it back, nor its margin, nor ask for another price,
            chain.refuse("cancel", &[market.cancel_order(&attacker, id)], &owner, PerpError::OrderNotResting).await;
            chain.refuse("withdraw", &[market.withdraw(&attacker, 1)], &owner, PerpError::OrderPending).await;
            let again = market.place(&attacker, id + 1, &tipped(direction, 1_000));
            chain.refuse("another", &[again], &owner, PerpError::OrderPending).await;
            // until T + 60 s, when anybody could still have filled it;
            chain.advance(60);
            chain.post(&market, cents(5_000_000));
            let expire = market.expire_order(&attacker.address(), &attacker, id);
            chain.refuse("at T + 60", from_ref(&expire), &owner, PerpError::OrderNotExpired).await;
            chain.advance(1);
            let late = execution(&market, &attacker, id, first, attacker.tokens);
            chain.refuse("at T + 61", &[late], &[], PerpError::OrderExpired).await;
            // then its tip is insurance's, though he removes it himself.
            let insured = chain.market(&market.keys.market).await.state.ledger.insurance.get();
            chain.succeed("it lapses", &[expire], &owner).await;
            assert_eq!(chain.market(&market.keys.market).await.state.ledger.insurance.get(), insured + 1_000);
            assert_eq!(total(&chain, &[&attacker], &[]).await, before - tries * 1_000, "{direction:?}");
        }
    }
}

/// A keeper who comes in the last second fills it, at the worse of both prices: to hope that none comes is no plan.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_left_to_lapse_is_filled_by_who_comes_late() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&attacker], &[]).await;
        let id = place(&mut chain, &market, &attacker, &tipped(direction, 100)).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(5_000_000));
        chain.advance(60);
        let against = if direction == Long { 4_950_000 } else { 5_050_000 };
        chain.post(&market, cents(against));
        let sent = chain.succeed("at T + 60", &[execution(&market, &attacker, id, first, keeper)], &[]).await;
        assert_eq!(filled_at(&sent), 5_000_000, "the worse of both");
        assert_eq!(chain.tokens(&keeper).await, 100);
        close_all(&mut chain, &market, &[&attacker], |_| direction, against).await;
        // 1 % of 2 BTC and two fees: about 2,180,000.
        assert!(total(&chain, &[&attacker], &[]).await < before - 2_170_000);
    }
}

/// What a tip may be is bounded, so that nobody hides margin in it, or pays insurance to be left alone.
#[tokio::test(flavor = "multi_thread")]
async fn tips_out_of_bounds_are_refused() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let attacker = chain.trader_with(&market, BTC).await;
    let signer = [&attacker.keypair];
    for (direction, tip) in BOTH.into_iter().flat_map(|direction| [0, 99, 100_001, BTC, u64::MAX].map(|tip| (direction, tip))) {
        let place = market.place(&attacker, 0, &tipped(direction, tip));
        chain.refuse("a tip out of bounds", &[place], &signer, PerpError::OrderTipOutOfBounds).await;
    }
    chain.succeed("the greatest", &[market.place(&attacker, 0, &tipped(Long, 100_000))], &signer).await;
}
