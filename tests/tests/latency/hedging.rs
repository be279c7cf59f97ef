//! Two accounts on both sides: who closes one at a price that he knows to be old; and case 35, skew made for a moment.

use crate::crew::{better, cents, close_all, execute, other, place, plain, total, BOTH, FILLED};
use inverse_perps_tests::harness::prelude::*;

const START: i64 = 5_000_000;

/// Long and short of $100,000 each, opened by orders filled at one price.
async fn hedged(chain: &mut Chain, market: &TestMarket) -> (Trader, Trader, u64) {
    let long = chain.trader_with(market, BTC).await;
    let short = sub_account(chain, market, &long, 1, BTC).await;
    let before = total(chain, &[&long, &short], &[]).await;
    let ids = [
        place(chain, market, &long, &market_order(Long, more(100_000))).await,
        place(chain, market, &short, &market_order(Short, more(100_000))).await,
    ];
    chain.advance(DELAY);
    chain.post(market, cents(START));
    for (trader, id) in [&long, &short].into_iter().zip(ids) {
        assert_eq!(execute(chain, market, trader, id, trader.tokens).await, FILLED);
    }
    (long, short, before)
}

/// The price has moved by 1 %, and an update of three seconds ago, from before that, is at hand. Where trades fill at once he
/// would close the losing account at it. Here he asks for a close, and gets a price that comes six seconds later.
#[tokio::test(flavor = "multi_thread")]
async fn closing_one_of_two_hedged_accounts_at_an_old_price_is_no_trade_here() {
    for loses in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let (long, short, before) = hedged(&mut chain, &market).await;
        let (losing, winning) = if loses == Long { (&long, &short) } else { (&short, &long) };
        chain.advance(60);
        chain.post(&market, cents(START).aged(3));
        let moved = better(START, loses, -100);
        let instantly = market.close(losing, loses);
        chain.refuse("close at once", &[instantly], &[&long.keypair], PerpError::OrdersOnly).await;

        // By order, placed with the old price: the update at T is what fills it, not the old one, nor one from before T.
        let id = place(&mut chain, &market, losing, &market_order(loses, OrderAmount::Close)).await;
        let old = chain.publish(cents(START).aged(3));
        chain.advance(DELAY);
        chain.post(&market, cents(moved));
        let just_before = chain.publish(cents(START).aged(1));
        for stale in [old, just_before] {
            let with_stale = crate::crew::execution(&market, losing, id, stale, losing.tokens);
            chain.refuse("an old price", &[with_stale], &[], PerpError::NotFirstUpdate).await;
        }
        assert_eq!(execute(&mut chain, &market, losing, id, losing.tokens).await, FILLED);
        close_all(&mut chain, &market, &[winning], |_| other(loses), moved).await;

        // Four fees of 5 bps of 2 BTC, which is 1.98 or 2.02 at the new price, a few satoshi of surcharge and rounding.
        let lost = before - total(&chain, &[&long, &short], &[]).await;
        let at_new_price = if loses == Long { 202_020_203_u64 } else { 198_019_802 };
        let fees = 2 * 100_000 + 2 * at_new_price.div_ceil(2_000);
        assert!((fees..=fees + 12).contains(&lost), "{loses:?}: {lost}, fees {fees}");
    }
}

/// Whichever of both accounts he closes first, and whatever comes between: the pair gets the difference of two prices that he
/// did not know, and pays four fees; over a rise and a fall of the same size he loses.
#[tokio::test(flavor = "multi_thread")]
async fn closing_hedged_accounts_one_after_the_other_is_a_bet_at_future_prices() {
    for first in BOTH {
        let mut sum = 0;
        for bps in [50, -50] {
            let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
            let (long, short, before) = hedged(&mut chain, &market).await;
            let (one, two) = if first == Long { (&long, &short) } else { (&short, &long) };
            close_all(&mut chain, &market, &[one], |_| first, START).await;
            close_all(&mut chain, &market, &[two], |_| other(first), better(START, Long, bps)).await;
            sum += i128::from(total(&chain, &[&long, &short], &[]).await) - i128::from(before);
        }
        // Eight fees of about 100,000; the profit and the loss of 0.5 % differ by 0.5 % of themselves.
        assert!((-811_000..=-789_000).contains(&sum), "{first:?}: {sum}");
    }
}

/// Case 35, where only orders fill: funding at its highest, 10 % a day, on a skew that a crew makes for as short as an order
/// can be held.
#[tokio::test(flavor = "multi_thread")]
async fn case_35_skew_made_by_an_order_for_a_moment_earns_less_than_its_fee() {
    let params =
        Params { max_funding: 100_000_000, max_borrow: 0, skew_scale: Notional::new(dollars(1_000_000)), ..Params::standard() };
    for heavy in BOTH {
        let mut crews = Vec::new();
        for manipulates in [true, false] {
            // Given $1,000,000 on each side: the light side is the crew's, the other an honest account's,
            let (mut chain, market) = Chain::with_orders(params, 1_000 * BTC).await;
            let honest = chain.trader_with(&market, 5 * BTC).await;
            let light = chain.trader_with(&market, 5 * BTC).await;
            let pusher = sub_account(&mut chain, &market, &light, 1, 4 * BTC).await;
            chain.open_by_order(&market, &honest, heavy, 1_000_000, 50_000).await;
            chain.open_by_order(&market, &light, other(heavy), 1_000_000, 50_000).await;
            // when the crew pushes the heavy side by as much again, and asks for the close in the same second,
            if manipulates {
                let id = place(&mut chain, &market, &pusher, &market_order(heavy, more(1_000_000))).await;
                chain.advance(DELAY);
                chain.post(&market, cents(START));
                assert_eq!(execute(&mut chain, &market, &pusher, id, pusher.tokens).await, FILLED);
                close_all(&mut chain, &market, &[&pusher], |_| heavy, START).await;
            } else {
                chain.advance(2 * DELAY);
            }
            chain.advance(60);
            chain.post(&market, cents(START));
            close_all(&mut chain, &market, &[&light, &honest], |who| if who == 0 { other(heavy) } else { heavy }, START).await;
            crews.push(total(&chain, &[&light, &pusher], &[]).await);
        }
        // then it is poorer than without: two fees of 1,000,000 satoshi, the surcharge of 2.5 bps on $1,000,000, 500,000,
        // against six seconds' funding on 20 BTC, 2e9 * 10 % * 6 / 86,400 = 13,889, half of which it pays to itself.
        let lost = crews[1] - crews[0];
        assert!((2_480_000..=2_500_010).contains(&lost), "{heavy:?}: {lost}");
    }
}

/// Case 35: one tick that trades past the stored price makes no skew at all, and accrual at a price for one second costs a
/// crew's honest counterpart less than a satoshi in a million.
#[tokio::test(flavor = "multi_thread")]
async fn case_35_one_tick_of_another_price_moves_no_funding_to_speak_of() {
    let params = Params { max_funding: 100_000_000, max_borrow: 0, skew_scale: Notional::new(dollars(1_000_000)), ..plain() };
    for heavy in BOTH {
        let mut margins = Vec::new();
        for bps in [0, -100] {
            let (mut chain, market) = Chain::with_orders(params, 1_000 * BTC).await;
            let pays = chain.trader_with(&market, 5 * BTC).await;
            let gets = chain.trader_with(&market, 5 * BTC).await;
            chain.open_by_order(&market, &pays, heavy, 1_000_000, 50_000).await;
            chain.open_by_order(&market, &gets, other(heavy), 100_000, 50_000).await;
            let keeper = purse(&mut chain, &market);
            assert_eq!(chain.tokens(&keeper).await, 0);
            for price in [START, better(START, Long, bps), START] {
                chain.advance(1);
                chain.post(&market, cents(price));
                chain.succeed("accrue", &[market.accrue()], &[]).await;
            }
            chain.succeed("settle", &[market.settle(gets.position)], &[]).await;
            margins.push(chain.position(&gets.position).await.state.margin.get());
        }
        // 2 BTC * 9 % a day for a second are 208 satoshi; 1 % of that is 2, against a fee of 100,000.
        assert!(margins[1] - margins[0] <= 3, "{heavy:?}: {margins:?}");
    }
}
