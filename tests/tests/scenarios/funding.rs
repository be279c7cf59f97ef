//! Cases 31 to 34: funding and borrow fee.

use inverse_perps_tests::harness::prelude::*;

/// Standard funding without borrow fee.
fn funding_only() -> Params {
    Params { max_borrow: 0, ..Params::standard() }
}

async fn later(chain: &mut Chain, market: &TestMarket, seconds: u32, tick: Tick) {
    chain.advance(seconds);
    chain.post(market, tick);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_31_what_longs_pay_shorts_get_and_the_pool_keeps_the_rest() {
    // $300,000 long and $200,000 short: a hundredth of 0.3 % a day, 30,000 parts per billion. In an hour at $50,000 a share
    // pays 1e18 * 30,000 * 36,000 / 4.32e17 = 2.5e9, so longs pay 750 satoshi, shorts get 500 and the pool keeps 250.
    let (mut chain, market) = Chain::with_pool(funding_only(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    chain.succeed("long", &[market.open(&alice, Long, 300_000)], &[&alice.keypair]).await;
    chain.succeed("short", &[market.open(&bob, Short, 200_000)], &[&bob.keypair]).await;
    later(&mut chain, &market, 3_600, Tick::at(50_000)).await;
    let mut results = Vec::new();
    for position in [bob.position, alice.position] {
        let before = chain.position(&position).await.state.margin.get();
        chain.succeed("settle", &[market.settle(position)], &[]).await;
        results.push(i128::from(chain.position(&position).await.state.margin.get()) - i128::from(before));
    }
    assert_eq!(results, [500, -750]);

    // At prices and times that divide badly, payers pay up and receivers get down: the pool never pays for the rounding.
    for (seconds, cents) in [(1, 5_123_457), (7, 4_999_999), (61, 5_011_113), (3_599, 4_987_653), (86_399, 5_000_001)] {
        let price_e8 = cents * 1_000_000;
        later(&mut chain, &market, seconds, Tick { price_e8, ema_e8: price_e8, ..Tick::at(50_000) }).await;
        let before = chain.market(&market.keys.market).await.state.ledger;
        for position in [bob.position, alice.position] {
            chain.succeed("settle", &[market.settle(position)], &[]).await;
        }
        let after = chain.market(&market.keys.market).await.state.ledger;
        assert!(after.pool >= before.pool, "{seconds} s at {cents} cents: the pool paid");
        assert_eq!(after.pool.get() - before.pool.get(), before.margin.get() - after.margin.get(), "zero-sum to the satoshi");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_32_no_rate_reaches_into_the_past_and_a_long_gap_is_a_day() {
    // A share of $1,000,000 of skew pays 2.5e10 an hour at $50,000, as derived in `accrue_funding`; of $2,000,000 twice that.
    let (mut chain, market) = Chain::with_pool(funding_only(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    chain.succeed("first", &[market.open(&alice, Long, 1_000_000)], &[&alice.keypair]).await;
    later(&mut chain, &market, 3_600, Tick::at(50_000)).await;
    let sent = chain.succeed("second", &[market.open(&bob, Long, 1_000_000)], &[&bob.keypair]).await;
    let Event::Accrued(event) = &sent.events[0] else { panic!("{:?}", sent.events) };
    assert_eq!(event.long_cost_index.get(), 25_000_000_000, "the first hour at the first hour's rate");
    assert_eq!(chain.position(&bob.position).await.state.cost_index.get(), 25_000_000_000, "the second owes nothing of it");
    later(&mut chain, &market, 3_600, Tick::at(50_000)).await;
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;
    let Event::Accrued(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!(event.long_cost_index.get(), 75_000_000_000, "the second hour at twice the rate");

    later(&mut chain, &market, 7 * 86_400, Tick::at(50_000)).await;
    let sent = chain.succeed("after a week", &[market.accrue()], &[]).await;
    let Event::Accrued(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!(event.elapsed_seconds, 86_400);
    assert_eq!(event.long_cost_index.get(), 75_000_000_000 + 24 * 50_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_33_empty_sides_stand_still() {
    let (mut chain, market) = Chain::with_pool(Params::standard(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    // Nobody there for a week: nothing accrues, and who comes then owes nothing of it.
    later(&mut chain, &market, 7 * 86_400, Tick::at(50_000)).await;
    let sent = chain.succeed("open", &[market.open(&alice, Short, 100_000)], &[&alice.keypair]).await;
    assert!(matches!(sent.events[..], [Event::PositionIncreased(_)]), "{:?}", sent.events);
    let state = chain.market(&market.keys.market).await.state;
    assert!(state.short.cost_index.is_zero() && state.short.cost_owed.is_zero());

    // One side alone: the other stands still.
    later(&mut chain, &market, 3_600, Tick::at(50_000)).await;
    chain.succeed("accrue", &[market.accrue()], &[]).await;
    let state = chain.market(&market.keys.market).await.state;
    assert_eq!(state.long, inverse_perps_engine::Side::empty());
    assert!(state.short.cost_index.get() > 0, "the only side pays");

    // Closed, it starts anew.
    chain.succeed("close", &[market.close(&alice, Short)], &[&alice.keypair]).await;
    later(&mut chain, &market, 3_600, Tick::at(50_000)).await;
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;
    assert_eq!(sent.events, []);
    let state = chain.market(&market.keys.market).await.state;
    assert_eq!((state.long, state.short), (inverse_perps_engine::Side::empty(), inverse_perps_engine::Side::empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_34_costs_lead_to_liquidation_whether_touched_or_not() {
    // $1,000,000 pays the highest rate there may be, 10 % a day. Margin after the fee of 1,000,000 and $250 of surcharge:
    // 60,000,000 - 1,500,000, 2.9 % of 20 BTC. Maintenance is 110 bps. After four hours 1.67 % are gone and 1.26 % are left;
    // after six hours 2.5 % are gone: 0.43 %.
    let params = Params { max_funding: 100_000_000, skew_scale: Notional::new(dollars(1_000_000)), ..funding_only() };
    let (mut chain, market) = Chain::with_pool(params, 100 * BTC).await;
    let keeper = chain.trader(&market).await;
    let alice = chain.trader_with(&market, 60_000_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000_000)], &[&alice.keypair]).await;
    let liquidate = market.liquidate(alice.position, keeper.tokens);
    later(&mut chain, &market, 4 * 3_600, Tick::at(50_000)).await;
    chain.refuse("after four hours", from_ref(&liquidate), &[], PerpError::NotLiquidatable).await;

    // Nobody has touched the position since it was opened: the liquidation itself accrues, settles and then judges.
    later(&mut chain, &market, 2 * 3_600, Tick::at(50_000)).await;
    let sent = chain.succeed("after six hours", &[liquidate], &[]).await;
    let [Event::Accrued(_), Event::PositionSettled(settled), Event::PositionLiquidated(_)] = &sent.events[..] else {
        panic!("{:?}", sent.events)
    };
    // 2e9 satoshi * 10 % * 6 / 24 = 50,000,000.
    assert_eq!((settled.result_sats.get(), settled.margin_sats.get()), (-50_000_000, 8_500_000));
}
