//! Who posts later updates, to spoil the one that an order needs; and a keeper, alone or with the owner, who chooses among
//! updates.

use crate::crew::{better, cents, close_all, execution, fee, filled_at, place, plain, total, worse_to_open, BOTH};
use inverse_perps_tests::harness::prelude::*;

const START: i64 = 5_000_000;

/// Somebody else brings the market every price after T. The order is filled at its own first update all the same, which is
/// exempt from the rules of age and order, and is not stored.
#[tokio::test(flavor = "multi_thread")]
async fn later_updates_do_not_spoil_the_one_that_an_order_needs() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let honest = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let id = place(&mut chain, &market, &honest, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(START));
        let worse = better(START, direction, 100);
        for _ in 0..5 {
            chain.post(&market, cents(worse));
            chain.succeed("spoil", &[market.accrue()], &[]).await;
            chain.advance(1);
        }
        // The attacker has the newest price, and tries to have the order filled at it: it is not the first.
        chain.post(&market, cents(worse));
        let with_newest = market.execute_order(&honest, id, keeper);
        chain.refuse("not the first", &[with_newest], &[], PerpError::NotFirstUpdate).await;
        // Five seconds after T are prompt still.
        let sent = chain.succeed("a keeper", &[execution(&market, &honest, id, first, keeper)], &[]).await;
        assert_eq!(filled_at(&sent), START);
        let prices = chain.market(&market.keys.market).await.state.prices;
        assert_eq!(prices.price.get(), u64::try_from(worse).expect("positive") * 1_000_000, "the fill's price is not stored");
        assert_eq!(chain.tokens(&keeper).await, TIP);
    }
}

/// Posting later prices to have one's own order filled late does what it says: it is filled at the worse of both prices.
#[tokio::test(flavor = "multi_thread")]
async fn who_makes_his_own_fill_late_gets_the_worse_price() {
    for (direction, moves) in BOTH.into_iter().flat_map(|direction| [-100, 100].map(|moves| (direction, moves))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let attacker = chain.trader_with(&market, BTC).await;
        let before = total(&chain, &[&attacker], &[]).await;
        let id = place(&mut chain, &market, &attacker, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(START));
        chain.advance(6);
        let now = better(START, direction, moves);
        chain.post(&market, cents(now));
        chain.succeed("the newest price", &[market.accrue()], &[]).await;
        let sent = chain.succeed("late", &[execution(&market, &attacker, id, first, attacker.tokens)], &[]).await;
        assert_eq!(filled_at(&sent), worse_to_open(direction, START, now));
        close_all(&mut chain, &market, &[&attacker], |_| direction, now).await;
        let value = |cents: i64| 1_000_000_000_000_000 / u64::try_from(cents).expect("positive");
        let least = fee(value(filled_at(&sent))) + fee(value(now));
        assert!(total(&chain, &[&attacker], &[]).await + least <= before, "{direction:?} {moves}");
    }
}

/// Updates of four seconds, several in a second, each with the time of the one before it, in cents.
struct Updates {
    /// Published at T as the first, at T again, at T + 1, T + 3 and T + 4.
    accounts: Vec<(Address, i64)>,
}

async fn updates(chain: &mut Chain, direction: PositionDirection) -> Updates {
    let mut accounts = Vec::new();
    // (seconds after T, seconds since the update before it, bps in the owner's favour when he opens: cheaper)
    for (after, gap, cheaper) in [(0, 1, 0), (0, 0, 30), (1, 1, 60), (3, 2, 90), (4, 1, 120)] {
        chain.set_clock(chain.time() + after, chain.slot() + 1);
        let price = better(START, direction, -cheaper);
        accounts.push((chain.publish(cents(price).after_a_gap_of(gap)), price));
        chain.set_clock(chain.time() - after, chain.slot());
    }
    Updates { accounts }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_ten_seconds_only_the_first_update_serves() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let owner = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let id = place(&mut chain, &market, &owner, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        let updates = updates(&mut chain, direction).await;
        for seconds in 4..=9 {
            chain.advance(if seconds == 4 { 4 } else { 1 });
            chain.post(&market, cents(START));
            for (update, _) in &updates.accounts[1..] {
                let with = execution(&market, &owner, id, *update, keeper);
                chain.refuse("not the first", &[with], &[], PerpError::NotFirstUpdate).await;
            }
        }
        let (first, price) = updates.accounts[0];
        let sent = chain.succeed("the first", &[execution(&market, &owner, id, first, keeper)], &[]).await;
        assert_eq!(filled_at(&sent), price);
    }
}

/// From T + 10 s a keeper may choose among the first four seconds. Whatever he chooses, he has the same tip, and the owner the
/// worse of it and the present price: a keeper who works with the owner wins him nothing.
#[tokio::test(flavor = "multi_thread")]
async fn after_ten_seconds_the_choice_among_updates_wins_nobody_anything() {
    for (direction, moves) in BOTH.into_iter().flat_map(|direction| [-50, 0, 50].map(|moves| (direction, moves))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        for choice in 0..5 {
            let owner = chain.trader_with(&market, BTC).await;
            let keeper = purse(&mut chain, &market);
            chain.advance(60);
            chain.post(&market, cents(START));
            let before = total(&chain, &[&owner], &[keeper]).await;
            let id = place(&mut chain, &market, &owner, &market_order(direction, more(100_000))).await;
            chain.advance(DELAY);
            let updates = updates(&mut chain, direction).await;
            chain.advance(10);
            let now = better(START, direction, moves);
            chain.post(&market, cents(now));
            let (update, price) = updates.accounts[choice];
            let with = execution(&market, &owner, id, update, keeper);
            if choice == 4 {
                chain.refuse("four seconds after T", &[with], &[], PerpError::NotFirstUpdate).await;
                continue;
            }
            let sent = chain.succeed("the keeper's choice", &[with], &[]).await;
            assert_eq!(filled_at(&sent), worse_to_open(direction, price, now), "{direction:?} {choice}");
            assert_eq!(chain.tokens(&keeper).await, TIP);
            // Both together, closed at the price that it was filled beside: two fees are gone at least.
            close_all(&mut chain, &market, &[&owner], |_| direction, now).await;
            let value = |cents: i64| 1_000_000_000_000_000 / u64::try_from(cents).expect("positive");
            let least = fee(value(filled_at(&sent))) + fee(value(now));
            let after = total(&chain, &[&owner], &[keeper]).await;
            assert!(after + least <= before, "{direction:?} {moves} {choice}: {after} of {before}");
        }
    }
}

/// A feed that paused over T: the next update names one from before T as the one before it, and is the first, however late.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_gap_in_the_feed_the_next_update_is_the_first() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let owner = chain.trader_with(&market, BTC).await;
    let keeper = purse(&mut chain, &market);
    let id = place(&mut chain, &market, &owner, &market_order(Long, more(100_000))).await;
    chain.advance(DELAY + 9);
    chain.post(&market, cents(START).after_a_gap_of(9));
    let with = market.execute_order(&owner, id, keeper);
    chain.refuse("the one before it is at T", &[with], &[], PerpError::NotFirstUpdate).await;
    chain.post(&market, cents(START).after_a_gap_of(10));
    let sent = chain.succeed("the first", &[market.execute_order(&owner, id, keeper)], &[]).await;
    assert_eq!(filled_at(&sent), START);
}

/// A keeper who owns the pool, and is the only one, executes late where the price has moved in the owner's favour, and the
/// owner gets no better than the present price: what he does not win the pool keeps. Anybody who is prompt, the owner himself
/// at the latest, takes that away.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_keeper_serves_the_pool_where_nobody_is_prompt() {
    for (direction, prompt) in BOTH.into_iter().flat_map(|direction| [true, false].map(|prompt| (direction, prompt))) {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let owner = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let before = total(&chain, &[&owner], &[keeper]).await;
        let pool = chain.market(&market.keys.market).await.state.ledger.pool.get();
        let id = place(&mut chain, &market, &owner, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(START));
        chain.post(&market, cents(START));
        if prompt {
            let own = market.execute_order(&owner, id, owner.tokens);
            chain.succeed("the owner", &[own], &[]).await;
        }
        chain.advance(6);
        let now = better(START, direction, 100);
        chain.post(&market, cents(now));
        let late = chain.attempt("late", &[execution(&market, &owner, id, first, keeper)], &[]).await;
        assert_eq!(late.is_ok(), !prompt);
        close_all(&mut chain, &market, &[&owner], |_| direction, now).await;
        let gained = i128::from(total(&chain, &[&owner], &[keeper]).await) - i128::from(before);
        let pools = i128::from(chain.market(&market.keys.market).await.state.ledger.pool.get()) - i128::from(pool);
        // 1 % of 2 BTC, about 2,000,000, less two fees of about 100,000, 60 % of which are the pool's.
        if prompt {
            assert!((1_770_000..1_830_000).contains(&gained) && pools < -1_850_000, "{direction:?}: {gained}, pool {pools}");
        } else {
            assert!((-203_000..-197_000).contains(&gained) && (118_000..122_000).contains(&pools), "{direction:?}: {gained}");
        }
    }
}

/// Nor can a late keeper have the order filled at a price that is over: a spike that lasted a second, ten seconds ago.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_keeper_cannot_pick_a_price_that_is_over() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let owner = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let id = place(&mut chain, &market, &owner, &market_order(direction, more(100_000))).await;
        chain.advance(DELAY);
        let first = chain.publish(cents(START));
        chain.advance(5);
        let spike = chain.publish(cents(better(START, direction, 100)));
        chain.advance(10);
        chain.post(&market, cents(START));
        let with_spike = orders::Execution { price: spike, fill_price: Some(first), ..market.execution(&owner, id, keeper) };
        chain.refuse("with the spike", &[market.execute_order_with(with_spike)], &[], PerpError::PriceTooOld).await;
        let sent = chain.succeed("with the present", &[execution(&market, &owner, id, first, keeper)], &[]).await;
        assert_eq!(filled_at(&sent), START, "{direction:?}: filled at a price of ten seconds ago");
    }
}
