//! Case 48: the bound that an order carries holds at the price that it is filled at, for buyers and sellers, to the cent.

use crate::crew::{cents, failed, filled_at, outcome, place, plain, total, BOTH, FILLED};
use inverse_perps_tests::harness::prelude::*;
use perps::client::orders::OrderTerms;

const START: i64 = 5_000_000;

fn e8(cents: i64) -> u64 {
    u64::try_from(cents).expect("prices are positive") * 1_000_000
}

/// A price of which a buyer pays the ask and a seller gets the bid, both `side` away from it.
fn spread(price: i64, side: i64) -> Tick {
    Tick { confidence_e8: e8(side), ..cents(price) }
}

/// Who buys: a long that opens, a short that closes.
fn buys(direction: PositionDirection, opens: bool) -> bool {
    (direction == Long) == opens
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_market_order_fills_within_its_bound_or_fails_for_its_fee() {
    let sides = BOTH.into_iter().flat_map(|direction| [true, false].map(|opens| (direction, opens)));
    for (direction, opens) in sides {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let trader = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        if !opens {
            chain.open_by_order(&market, &trader, direction, 100_000, 50_000).await;
        }
        // Bid $49,990 and ask $50,010: the bound a cent beyond that is missed, then met.
        let sign = if buys(direction, opens) { 1 } else { -1 };
        let fills_at = START + sign * 1_000;
        for (limit, fills) in [(fills_at - sign, false), (fills_at, true)] {
            chain.advance(60);
            chain.post(&market, cents(START));
            let before = total(&chain, &[&trader], &[]).await;
            let amount = if opens { more(1_000) } else { less(1_000) };
            let terms = OrderTerms { limit_price_e8: e8(limit), ..market_order(direction, amount) };
            let id = place(&mut chain, &market, &trader, &terms).await;
            chain.advance(DELAY);
            chain.post(&market, spread(START, 1_000));
            let sent = chain.succeed("execute", &[market.execute_order(&trader, id, keeper)], &[]).await;
            if fills {
                assert_eq!((outcome(&sent), filled_at(&sent)), (FILLED, fills_at), "{direction:?} {opens}");
                continue;
            }
            assert_eq!(outcome(&sent), failed(PerpError::SlippageExceeded), "{direction:?} {opens}");
            // 5 bps of $1,000, 2,000,000 satoshi, at the price itself; and the tip.
            assert_eq!(before - total(&chain, &[&trader], &[]).await, 1_000 + TIP);
        }
    }
}

/// A resting order that has been triggered and misses its bound rests again, for half of its tip and no fee; a cent better, it
/// fills.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_triggered_order_fills_within_its_bound_or_rests_again() {
    let sides = BOTH.into_iter().flat_map(|direction| [true, false].map(|stops| (direction, stops)));
    for (direction, stops) in sides {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let trader = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        // A stop that opens when the price moves on by $100, with $20 of slippage; or a limit order $100 back.
        let away = if (direction == Long) == stops { 10_000 } else { -10_000 };
        let sign = if direction == Long { 1 } else { -1 };
        let trigger = START + away;
        let (kind, limit) =
            if stops { (OrderType::Stop(e8(trigger)), trigger + sign * 2_000) } else { (OrderType::Limit, trigger) };
        let id = place(&mut chain, &market, &trader, &resting(kind, direction, more(1_000), e8(limit))).await;
        let before = total(&chain, &[&trader], &[]).await;
        chain.advance(DELAY);
        for (fill, fills) in [(limit + sign, false), (limit, true)] {
            chain.post(&market, cents(trigger));
            chain.succeed("trigger", &[market.trigger(&trader, id, keeper)], &[]).await;
            chain.advance(DELAY);
            // Published so that bid or ask is the fill price.
            chain.post(&market, spread(fill - sign * 500, 500));
            let with = orders::Execution { triggerer: Some(keeper), ..market.execution(&trader, id, keeper) };
            let sent = chain.succeed("execute", &[market.execute_order_with(with)], &[]).await;
            if fills {
                assert_eq!((outcome(&sent), filled_at(&sent)), (FILLED, limit), "{direction:?} {stops}");
            } else {
                assert_eq!(outcome(&sent), (2, 0), "{direction:?} {stops}");
                assert_eq!(before - total(&chain, &[&trader], &[]).await, TIP / 2, "half of the tip, and no fee");
                chain.advance(60);
            }
        }
        assert_eq!(chain.tokens(&keeper).await, TIP);
        assert!(chain.order_if_any(&trader, id).await.is_none());
    }
}

/// A late fill is held to the bound at the worse of both prices.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_the_bound_holds_for_late_fills_too() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let trader = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let sign = if direction == Long { 1 } else { -1 };
        let terms = OrderTerms { limit_price_e8: e8(START + sign * 5_000), ..market_order(direction, more(1_000)) };
        let id = place(&mut chain, &market, &trader, &terms).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(START));
        chain.advance(6);
        chain.post(&market, cents(START + sign * 5_001));
        let sent = chain.succeed("late", &[crate::crew::execution(&market, &trader, id, first, keeper)], &[]).await;
        assert_eq!(outcome(&sent), failed(PerpError::SlippageExceeded), "{direction:?}");
        assert!(chain.position(&trader.position).await.state.open_direction().is_none());
    }
}
