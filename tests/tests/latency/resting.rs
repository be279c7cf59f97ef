//! An owner who keeps a limit order at the market's price and has it triggered when he likes.

use crate::crew::{better, cents, close_all, execution, filled_at, outcome, place, plain, total, worse_to_open, BOTH, FILLED};
use inverse_perps_tests::harness::prelude::*;

const START: i64 = 5_000_000;

fn e8(cents: i64) -> u64 {
    u64::try_from(cents).expect("prices are positive") * 1_000_000
}

/// To open at this price or better.
fn limit(direction: PositionDirection, cents: i64) -> orders::OrderTerms {
    resting(OrderType::Limit, direction, more(100_000), e8(cents))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_would_trigger_at_once_cannot_rest() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let signer = [&attacker.keypair];
        let kinds = [
            OrderType::Limit,
            OrderType::TakeProfit(e8(START)),
            OrderType::Stop(e8(START)),
            OrderType::Stop(e8(better(START, direction, -1))),
            OrderType::TakeProfit(e8(better(START, direction, 1))),
        ];
        for kind in kinds {
            let terms = resting(kind, direction, more(100_000), e8(START));
            let place = market.place(&attacker, 0, &terms);
            chain.refuse("past its trigger", &[place], &signer, PerpError::OrderWouldTrigger).await;
        }
        let past = market.place(&attacker, 0, &limit(direction, better(START, direction, 1)));
        chain.refuse("past its limit", &[past], &signer, PerpError::OrderWouldTrigger).await;
        let short_of_it = market.place(&attacker, 0, &limit(direction, better(START, direction, -1)));
        chain.succeed("short of its limit", &[short_of_it], &signer).await;
    }
}

/// The limit's price has come and stays; its owner lets nobody's keeper know, looks at the market, and triggers when he is
/// sure. He has what a market order placed at that moment would have had: a price that nobody knows yet.
#[tokio::test(flavor = "multi_thread")]
async fn who_triggers_his_own_limit_order_when_he_likes_has_a_market_order() {
    for (direction, next) in BOTH.into_iter().flat_map(|direction| [-40, 0, 30].map(|next| (direction, next))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let control = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&attacker], &[]).await;
        let id = place(&mut chain, &market, &attacker, &limit(direction, better(START, direction, -50))).await;

        // A price from before T cannot trigger it, however good it is.
        let marketable = better(START, direction, -100);
        let trigger = market.trigger(&attacker, id, attacker.tokens);
        chain.advance(DELAY - 1);
        chain.post(&market, cents(marketable));
        chain.refuse("too early", from_ref(&trigger), &[], PerpError::TriggerNotReached).await;

        // Ten minutes later the price has begun to turn his way; the trigger takes a price of 14 s ago, but the fill does not.
        chain.advance(600);
        chain.post(&market, cents(marketable).aged(14));
        let by_market = place(&mut chain, &market, &control, &market_order(direction, more(100_000))).await;
        chain.succeed("trigger", &[trigger], &[]).await;
        let order = chain.order(&attacker, id).await.state;
        assert_eq!(order.due, chain.order(&control, by_market).await.state.due);
        assert_eq!(order.due.get(), chain.time() + i64::from(DELAY));

        // The next price is as good as nobody knows.
        let fill = better(marketable, direction, -next);
        chain.advance(DELAY);
        chain.post(&market, cents(fill));
        let mine = orders::Execution { triggerer: Some(attacker.tokens), ..market.execution(&attacker, id, attacker.tokens) };
        let sent = chain.succeed("execute", &[market.execute_order_with(mine)], &[]).await;
        assert_eq!((outcome(&sent), filled_at(&sent)), (FILLED, fill));
        let sent = chain.succeed("execute", &[market.execute_order(&control, by_market, control.tokens)], &[]).await;
        assert_eq!(filled_at(&sent), fill);
        assert_eq!(chain.tokens(&keeper).await, 0);
        close_all(&mut chain, &market, &[&attacker, &control], |_| direction, marketable).await;
        // Both paid their tips to themselves; the one satoshi is the second order's surcharge on skew.
        let (his, theirs) = (total(&chain, &[&attacker], &[]).await, total(&chain, &[&control], &[]).await);
        assert!(his.abs_diff(theirs) <= 4, "{direction:?}: {his} {theirs}");
        // A price that only he has seen at the trigger is not the one he got: where it stays, he is poorer by his fees.
        assert!(next > 0 || his < before - 195_000, "{direction:?} {next}: {his}");
    }
}

/// A limit order that has been triggered and then misses its limit rests again: it takes half of its tip a try, and gives its
/// owner nothing; and it cannot be tried again within a minute.
#[tokio::test(flavor = "multi_thread")]
async fn trying_a_limit_order_again_and_again_costs_half_a_tip_each() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&attacker], &[]).await;
        let asked = better(START, direction, -50);
        let id = place(&mut chain, &market, &attacker, &limit(direction, asked)).await;
        chain.advance(DELAY);
        for (paid, left) in [(500, 500), (750, 250), (875, 125)] {
            chain.post(&market, cents(asked));
            let trigger = market.trigger(&attacker, id, attacker.tokens);
            chain.succeed("trigger", from_ref(&trigger), &[]).await;
            chain.advance(DELAY);
            chain.post(&market, cents(START));
            let with = orders::Execution { triggerer: Some(attacker.tokens), ..market.execution(&attacker, id, keeper) };
            let sent = chain.succeed("miss", &[market.execute_order_with(with)], &[]).await;
            assert_eq!(outcome(&sent), (2, 0));
            // What he paid to himself for triggering is his still.
            let keepers = chain.tokens(&keeper).await;
            assert_eq!(chain.order(&attacker, id).await.state.tip.get(), left);
            assert_eq!(total(&chain, &[&attacker], &[]).await + keepers, before);
            assert!(keepers * 2 >= paid && keepers * 2 <= paid + 3, "half of {paid}: {keepers}");
            chain.post(&market, cents(asked));
            chain.refuse("at once", &[trigger], &[], PerpError::TriggerNotReached).await;
            chain.advance(60);
        }
        chain.succeed("take it back", &[market.cancel_order(&attacker, id)], &[&attacker.keypair]).await;
        let after = total(&chain, &[&attacker], &[]).await;
        assert!(after < before && chain.position(&attacker.position).await.state.tips.get() == 0);
    }
}

/// Late, a limit order is filled at the worse of both prices as any other, or rests again where that is beyond its limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_triggered_limit_order_that_waits_gets_the_worse_price() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let asked = better(START, direction, -50);
        let first_price = better(START, direction, -100);
        let mut outcomes = Vec::new();
        for now in [better(START, direction, -70), START] {
            let id = place(&mut chain, &market, &attacker, &limit(direction, asked)).await;
            chain.advance(DELAY);
            chain.post(&market, cents(first_price));
            chain.succeed("trigger", &[market.trigger(&attacker, id, attacker.tokens)], &[]).await;
            chain.advance(DELAY);
            let first = chain.publish(cents(first_price));
            chain.advance(7);
            chain.post(&market, cents(now));
            let triggerer = Some(attacker.tokens);
            let with =
                orders::Execution { fill_price: Some(first), triggerer, ..market.execution(&attacker, id, attacker.tokens) };
            let sent = chain.succeed("late", &[market.execute_order_with(with)], &[]).await;
            outcomes.push(outcome(&sent).0);
            if outcome(&sent) == FILLED {
                assert_eq!(filled_at(&sent), worse_to_open(direction, first_price, now));
            }
            let plain = execution(&market, &attacker, id, first, attacker.tokens);
            assert!(chain.attempt("again", &[plain], &[]).await.is_err());
            chain.advance(30);
            chain.post(&market, cents(START));
        }
        assert_eq!(outcomes, [1, 2], "{direction:?}");
    }
}
