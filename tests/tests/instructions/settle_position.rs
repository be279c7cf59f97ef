//! `settle_position`

use crate::accounts::{refuses_strangers, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps::state::Market;
use inverse_perps_engine::units::{ExitIndex, FineSats, Scale};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

#[tokio::test(flavor = "multi_thread")]
async fn writes_down_what_is_due() {
    // Given $1,000,000 long for an hour at 300,000 parts per billion a day: 25,000 satoshi, as derived in `accrue_funding`.
    let (mut chain, market) = Chain::with_pool(Params { max_borrow: 0, ..Params::standard() }, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000_000)], &[&alice.keypair]).await;
    let before = chain.market(&market.keys.market).await.state.ledger;
    chain.advance(3_600);
    chain.post(&market, Tick::at(50_000));

    // When anyone settles it,
    let sent = chain.succeed("settle", &[market.settle(alice.position)], &[]).await;

    // then the costs have gone from margin to pool.
    let [Event::Accrued(_), Event::PositionSettled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.result_sats.get(), event.shifted_sats.get()), (alice.position, -25_000, 0));
    let margin = before.margin.get() - 25_000;
    assert_eq!((event.margin_sats.get(), event.ledger.after_sats.pool.get()), (margin, before.pool.get() + 25_000));
    assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.delta_sats.pool.get()), (-25_000, 25_000));
    assert_eq!(event.basis.get(), 2_000_000_000);
    let state = chain.market(&market.keys.market).await.state;
    assert!(state.long.cost_owed.is_zero(), "nothing is owed any more");
    assert_eq!(chain.position(&alice.position).await.state.cost_index, state.long.cost_index);

    // And settling it again, or a flat position, changes nothing and says nothing.
    let bob = chain.trader(&market).await;
    for position in [alice.position, bob.position] {
        let sent = chain.succeed("settle again", &[market.settle(position)], &[]).await;
        assert_eq!(sent.events, []);
    }
}

/// Costs above the margin move the basis instead, so that equity is the same and nobody is forgiven anything.
#[tokio::test(flavor = "multi_thread")]
async fn costs_above_the_margin_move_the_basis() {
    let (mut chain, market) = Chain::with_pool(Params { max_borrow: 0, ..Params::standard() }, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000_000)], &[&alice.keypair]).await;
    chain.set_margin(&market, &alice, 10_000).await;
    chain.advance(3_600);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("settle", &[market.settle(alice.position)], &[]).await;
    let Event::PositionSettled(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.result_sats.get(), event.shifted_sats.get()), (-25_000, -15_000));
    assert_eq!((event.margin_sats.get(), event.basis.get()), (0, 2_000_000_000 - 15_000));
    assert_eq!(event.ledger.delta_sats.pool.get(), 10_000);
}

/// Both sides as a deleveraging to one half leaves them: `A = 5e17`, `X = 5e17 * 1e10 / P`, `owed` accordingly.
#[tokio::test(flavor = "multi_thread")]
async fn writes_down_what_deleveraging_has_realised() {
    // $100,000 from $50,000, basis 2e8. Long at $51,000: X = 5e27 / 5.1e12 = 980,392,156,862,745.1 up; realised is
    // 2e8 * 5e17 - 1e11 * X = 1,960,784.31 satoshi. Short at $49,000: X = 1,020,408,163,265,306.1 down; realised is
    // 1e11 * X - 2e8 * 5e17 = 2,040,816.33.
    for (direction, price, exit, sats) in
        [(Long, 51_000, 980_392_156_862_746_u128, 1_960_784), (Short, 49_000, 1_020_408_163_265_306, 2_040_816)]
    {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, BTC).await;
        chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
        let before = chain.position(&alice.position).await.state;
        let exited = 100_000_000_000 * i128::try_from(exit).expect("small");
        let fallen = 200_000_000 * 500_000_000_000_000_000_i128;
        let owed = if direction == Long { fallen - exited } else { exited - fallen };
        chain
            .edit_market(&market, |market: &mut Market| {
                let side = if direction == Long { &mut market.state.long } else { &mut market.state.short };
                side.scale = Scale::new(500_000_000_000_000_000);
                side.exit_index = ExitIndex::new(exit);
                side.owed = FineSats::new(owed);
            })
            .await;
        chain.advance(120);
        chain.post(&market, Tick::at(price));

        let sent = chain.succeed("settle", &[market.settle(alice.position)], &[]).await;
        let Event::PositionSettled(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.result_sats.get(), event.shifted_sats.get()), (sats, 0), "{direction:?}");
        assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.delta_sats.pool.get()), (sats, -sats));
        let after = chain.position(&alice.position).await.state;
        assert_eq!(
            (after.shares, after.basis),
            (before.shares, before.basis),
            "shares and basis are derived from, not changed"
        );
        assert_eq!(after.scale, Scale::new(500_000_000_000_000_000));

        // What is left is $50,000 with half of the entry value: closing it wins as much again, to a satoshi.
        let sent = chain.succeed("close", &[market.close(&alice, direction)], &[&alice.keypair]).await;
        let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.fill.notional_e6.get(), event.fill.pnl_sats.get()), (dollars(50_000), sats), "{direction:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_and_prices_that_do_not_belong() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Short, 1_000)], &[&alice.keypair]).await;
    let settle = market.settle(alice.position);
    let cross = with_account(&settle, 0, other_market.keys.market);
    chain.refuse("in another market", &[cross], &[], PerpError::WrongMarket).await;
    refuses_strangers(&mut chain, &settle, 0, alice.position, &[]).await;
    refuses_strangers(&mut chain, &settle, 1, exchange(), &[]).await;
    refuses_bad_prices(&mut chain, &market, &settle, &[], Limits::Upkeep).await;
}
