//! An owner who places an order, watches the price before he executes it himself, and does so only when it has moved his way.

use crate::crew::{
    better, cents, close_all, execute, execution, fee, filled_at, other, outcome, place, plain, total, worse_to_open, BOTH,
    FILLED, GONE,
};
use inverse_perps_tests::harness::prelude::*;
use perps::client::orders::OrderTerms;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const AT_T: i64 = 5_000_000;
const NOTIONAL: u64 = 100_000;

/// What $100,000 are worth in satoshi at a price in cents, floored.
fn value(cents: i64) -> u64 {
    1_000_000_000_000_000 / u64::try_from(cents).expect("prices are positive")
}

fn to_open(direction: PositionDirection) -> OrderTerms {
    orders::market_terms(direction, more(NOTIONAL), 100)
}

/// A price a second after T, each up to 30 bps from the one before: ten times as wild as an ordinary day.
fn path(seed: u64) -> Vec<i64> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut price = AT_T;
    let mut prices = vec![price];
    for _ in 0..60 {
        price += price * random.gen_range(-3_000..=3_000) / 1_000_000;
        prices.push(price);
    }
    prices
}

/// An honest account, whose order a keeper fills at T, and one with the same order that waits: it executes when the price has
/// moved its way by 20 bps, or else at the last moment.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_more_than_five_seconds_wins_nothing_on_any_path() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let honest = chain.trader_with(&market, BTC).await;
    let waits = chain.trader_with(&market, BTC).await;
    let keeper = purse(&mut chain, &market);
    let mut moved = 0;
    for (seed, direction) in (0..10).flat_map(|seed| BOTH.map(|direction| (seed, direction))) {
        let path = path(seed);
        chain.advance(60);
        chain.post(&market, cents(AT_T));
        let before = [total(&chain, &[&honest], &[]).await, total(&chain, &[&waits], &[]).await];
        let promptly = place(&mut chain, &market, &honest, &to_open(direction)).await;
        let late = place(&mut chain, &market, &waits, &to_open(direction)).await;
        chain.advance(DELAY);
        chain.post(&market, cents(path[0]));
        let first = chain.publish(cents(path[0]));
        assert_eq!(execute(&mut chain, &market, &honest, promptly, keeper).await, FILLED);

        let mut at = 60;
        for (second, price) in path.iter().enumerate().skip(1) {
            chain.advance(1);
            let likes = (better(path[0], direction, 20) <= *price) == (direction == Long);
            if second > 5 && likes {
                at = second;
                moved += 1;
                break;
            }
        }
        let now = path[at];
        chain.post(&market, cents(now));
        let sent = chain.succeed("execute late", &[execution(&market, &waits, late, first, waits.tokens)], &[]).await;
        // He gets the worse of both prices.
        assert_eq!(filled_at(&sent), worse_to_open(direction, path[0], now), "{seed} {direction:?}");

        // Closed at the price at which he chose to open, he has lost two fees at least; and the honest account has done better.
        close_all(&mut chain, &market, &[&honest, &waits], |_| direction, now).await;
        let after = [total(&chain, &[&honest], &[]).await, total(&chain, &[&waits], &[]).await];
        let fees = fee(value(filled_at(&sent))) + fee(value(now));
        assert!(after[1] + fees <= before[1], "{seed} {direction:?}: {} from {}", after[1], before[1]);
        let [promptly, late] = [0, 1].map(|who| i128::from(after[who]) - i128::from(before[who]));
        assert!(late <= promptly + 100, "{seed} {direction:?}: {late} against {promptly} and the keeper's tip");
    }
    assert!((8..=18).contains(&moved), "most, not all, moved his way: {moved} of 20");
}

/// The same with an order to close: a long waits for a fall after T, a short for a rise.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_to_close_wins_nothing_on_any_path() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let honest = chain.trader_with(&market, 3 * BTC).await;
    let waits = chain.trader_with(&market, 3 * BTC).await;
    let keeper = purse(&mut chain, &market);
    for (seed, direction) in (20..28).flat_map(|seed| BOTH.map(|direction| (seed, direction))) {
        let path = path(seed);
        let mut ids = Vec::new();
        chain.advance(60);
        chain.post(&market, cents(AT_T));
        let before = [total(&chain, &[&honest], &[]).await, total(&chain, &[&waits], &[]).await];
        for terms in [to_open(direction), orders::market_terms(direction, OrderAmount::Close, 100)] {
            ids = vec![place(&mut chain, &market, &honest, &terms).await, place(&mut chain, &market, &waits, &terms).await];
            chain.advance(DELAY);
            chain.post(&market, cents(AT_T));
            assert_eq!(execute(&mut chain, &market, &honest, ids[0], keeper).await, FILLED);
            if matches!(terms.amount, OrderAmount::Increase(_)) {
                assert_eq!(execute(&mut chain, &market, &waits, ids[1], keeper).await, FILLED);
            }
        }
        let first = chain.publish(cents(AT_T));
        let mut at = 60;
        for (second, price) in path.iter().enumerate().skip(1) {
            chain.advance(1);
            let likes = (better(AT_T, direction, -20) >= *price) == (direction == Long);
            if second > 5 && likes {
                at = second;
                break;
            }
        }
        chain.post(&market, cents(path[at]));
        let sent = chain.succeed("close late", &[execution(&market, &waits, ids[1], first, waits.tokens)], &[]).await;
        assert_eq!(filled_at(&sent), worse_to_open(other(direction), AT_T, path[at]), "{seed} {direction:?}");
        let [promptly, late] = [(&honest, before[0]), (&waits, before[1])];
        let promptly = i128::from(total(&chain, &[promptly.0], &[]).await) - i128::from(promptly.1);
        let late = i128::from(total(&chain, &[late.0], &[]).await) - i128::from(late.1);
        // A tip of 100 is what he has saved by being his own keeper, and a lower price's fee is a few satoshi more or less.
        assert!(late <= promptly + 100, "{seed} {direction:?}: {late} against {promptly}");
        assert!(promptly <= -200_000);
    }
}

/// What an owner has gained or lost in satoshi who opens by an order at $50,000, after a move of so many bps in his direction
/// that has come by T + 5 s, and closes there. Where there is no keeper he executes if he likes it, else the order lapses.
async fn gain(direction: PositionDirection, bps: i64, with_keeper: bool) -> i128 {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let attacker = chain.trader_with(&market, BTC).await;
    let keeper = purse(&mut chain, &market);
    let before = total(&chain, &[&attacker], &[]).await;
    let id = place(&mut chain, &market, &attacker, &to_open(direction)).await;
    chain.advance(DELAY);
    chain.post(&market, cents(AT_T));
    if with_keeper {
        assert_eq!(execute(&mut chain, &market, &attacker, id, keeper).await, FILLED);
    }
    chain.advance(5);
    let mine = market.execute_order(&attacker, id, attacker.tokens);
    if with_keeper {
        chain.refuse("it is gone", &[mine], &[], GONE).await;
    } else if bps > 0 {
        assert_eq!(outcome(&chain.succeed("execute", &[mine], &[]).await), FILLED);
    } else {
        chain.advance(61);
        let anybody = chain.somebody();
        chain.succeed("it lapses", &[market.expire_order(&anybody.pubkey(), &attacker, id)], &[&anybody]).await;
    }
    if with_keeper || bps > 0 {
        close_all(&mut chain, &market, &[&attacker], |_| direction, better(AT_T, direction, bps)).await;
    }
    i128::from(total(&chain, &[&attacker], &[]).await) - i128::from(before)
}

/// For five seconds after T the fill is at T's price alone, or else nobody could rely on it. Where no keeper fills an order in
/// those seconds, nor comes within the minute, its owner holds an option of five seconds for the price of the least tip;
/// `option.rs` says what it is worth. Where a keeper does his work there is none: the order is filled before the owner knows
/// more than its price.
#[tokio::test(flavor = "multi_thread")]
async fn what_remains_is_an_option_of_five_seconds_where_there_is_no_keeper() {
    for direction in BOTH {
        // 1 % of 2 BTC, less two fees of 5 bps and 2 satoshi of surcharge: a long sells 2 BTC's dollars at $50,500, a short
        // buys them back at $49,500.
        let (won, closes) = if direction == Long { (1_980_198, 198_019_802) } else { (2_020_202, 202_020_203) };
        let costs = 100_000 + i128::from(fee(closes)) + 2;
        assert_eq!(gain(direction, 100, false).await, won - costs, "{direction:?}");
        assert_eq!(gain(direction, -100, false).await, -100);
        // With a keeper he wins and loses the same, less his costs.
        let (up, down) = (gain(direction, 100, true).await, gain(direction, -100, true).await);
        assert_eq!(up, won - costs - 100);
        assert!(up + down <= -300_000, "{direction:?}: {up}, {down}");
    }
}

/// The market's price serves up to `wide_age`, 15 s, where nobody has brought a newer one. Late, it must be fresh, so that whoever executes
/// then cannot pick an old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_fill_is_not_at_a_price_that_its_owner_has_picked_from_the_past() {
    // Nobody else is in the market. The price stands still, and moves by 1 % in the last seconds before he acts.
    for (direction, waits) in BOTH.into_iter().flat_map(|direction| [14_u32, 59].map(|waits| (direction, waits))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        let id = place(&mut chain, &market, &attacker, &to_open(direction)).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(AT_T));
        chain.advance(waits - 14);
        let old = chain.publish(cents(AT_T));
        chain.advance(14);
        let now = better(AT_T, direction, 100);
        chain.post(&market, cents(now));
        let with_old =
            orders::Execution { price: old, fill_price: Some(first), ..market.execution(&attacker, id, attacker.tokens) };
        let picked = [market.execute_order_with(with_old)];
        chain.refuse("with a price of 14 s ago", &picked, &[], PerpError::PriceTooOld).await;
        let with_new = execution(&market, &attacker, id, first, attacker.tokens);
        chain.succeed("with the present price", &[with_new], &[]).await;
        close_all(&mut chain, &market, &[&attacker], |_| direction, now).await;
        let after = total(&chain, &[&attacker], &[]).await;
        assert!(after < before, "{direction:?}, {waits} s after T: richer by {} sats", after - before);
    }
}
