//! Margin is senior, profit is junior: a gain is paid from the realised pool and from nothing else.

use inverse_perps_tests::harness::prelude::*;

/// $100,000 won about 2 %: long at $51,000 3,921,568 satoshi, short at $49,000 4,081,632, as derived in `decrease_position`.
async fn winner(direction: PositionDirection) -> (Chain, TestMarket, Trader) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
    chain.outweigh_profit(&market, direction, 50_000).await;
    chain.advance(120);
    chain.post(&market, Tick::at(if direction == Long { 51_000 } else { 49_000 }));
    (chain, market, alice)
}

async fn set_pool(chain: &mut Chain, market: &TestMarket, sats: u64) {
    chain.edit_market(market, |market| market.state.ledger.pool = Sats::new(sats)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gain_that_the_pool_cannot_pay_moves_the_basis() {
    // Of $40,000 the long wins 80,000,000 - 78,431,373 = 1,568,627, the short 81,632,653 - 80,000,000 = 1,632,653, and the
    // pool has 1,000,000. Fees: 5 bps of the value, up; the surcharge is not due for closing the only position.
    let cases = [(Long, 3_921_568, 568_627, 39_216), (Short, 4_081_632, 632_653, 40_817)];
    for (direction, gain, shifted, fee) in cases {
        // Given a winner, and a pool that has less than the gain,
        let (mut chain, market, alice) = winner(direction).await;
        let signer = [&alice.keypair];
        set_pool(&mut chain, &market, 1_000_000).await;

        // when the position is closed whole, then it is refused: nobody else's margin pays for it;
        chain.refuse("whole", &[market.close(&alice, direction)], &signer, PerpError::PoolExhausted).await;

        // when a part of it is closed, then the pool pays what it has, and the rest stays the owner's as entry value:
        // up for a long, down for a short;
        chain.succeed("a part", &[market.close_part(&alice, direction, 40_000)], &signer).await;
        let position = chain.position(&alice.position).await.state;
        assert_eq!(position.margin.get(), 9_895_000 + 1_000_000 - fee, "{direction:?}");
        let basis = if direction == Long { 120_000_000 + shifted } else { 120_000_000 - shifted };
        assert_eq!(position.basis.get(), basis, "{direction:?}");
        let fee_to_pool = fee - fee * 3 / 10 - fee / 10;
        assert_eq!(chain.market(&market.keys.market).await.state.ledger.pool.get(), fee_to_pool);

        // when the pool has enough again, then the close pays all that was won, to a satoshi of rounding for each step.
        set_pool(&mut chain, &market, BTC).await;
        let sent = chain.succeed("the rest", &[market.close(&alice, direction)], &signer).await;
        let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
        let won = 1_000_000 + event.fill.pnl_sats.get();
        assert!((gain - 2..=gain).contains(&won), "{direction:?}: {won} of {gain}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unrealised_loss_of_another_pays_nothing() {
    // Given a winner and a loser of the same size, an empty pool, and nothing realised,
    let (mut chain, market, alice) = winner(Long).await;
    let bob = chain.trader_with(&market, BTC).await;
    chain.succeed("short", &[market.open(&bob, Short, 100_000)], &[&bob.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(52_000));
    set_pool(&mut chain, &market, 0).await;

    // when the winner closes, then it is refused, although the loser owes as much on paper;
    let close = market.close(&alice, Long);
    chain.refuse("before the loss is realised", from_ref(&close), &[&alice.keypair], PerpError::PoolExhausted).await;

    // when the loser has closed, then his loss is the pool's, and as far as it reaches the winner gets it. The short lost
    // 196,078,432 - 192,307,692 = 3,770,740. The fee is 96,153.8 up and, for an imbalance of $300,000 instead of $200,000,
    // $12.50, 24,038.5 up; the pool has 72,117 of the 120,193. The long has won 200,000,000 - 192,307,693 = 7,692,307, so the whole still waits.
    chain.succeed("the loser closes", &[market.close(&bob, Short)], &[&bob.keypair]).await;
    chain.refuse("the whole", &[close], &[&alice.keypair], PerpError::PoolExhausted).await;
    let before = chain.position(&alice.position).await.state.margin.get();
    let sent = chain.succeed("half", &[market.close_part(&alice, Long, 50_000)], &[&alice.keypair]).await;
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    // 100,000,000 - 96,153,847 = 3,846,153; the pool has 3,770,740 + 72,117 = 3,842,857.
    assert_eq!(event.fill.pnl_sats.get(), 3_846_153);
    assert_eq!(event.after.basis.get(), 100_000_000 + 3_846_153 - 3_842_857);
    assert_eq!(event.after.margin_sats.get(), before + 3_842_857 - 48_077);
}

/// What deleveraging has reserved is not free: a gain is paid only from the rest.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_reserved_is_not_paid_out() {
    use inverse_perps_engine::units::{ExitIndex, FineSats, Scale};
    // A deleveraging of the long side to a half at $51,000 has realised 1,960,784.31 satoshi (see `settle_position`), which
    // the long has not fetched yet. A short that wins at $49,000 finds that much less in the pool.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    chain.succeed("long", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.succeed("short", &[market.open(&bob, Short, 100_000)], &[&bob.keypair]).await;
    chain.outweigh_profit(&market, Short, 50_000).await;
    let exit = 980_392_156_862_746_u128;
    chain
        .edit_market(&market, |market| {
            let side = &mut market.state.long;
            side.scale = Scale::new(500_000_000_000_000_000);
            side.exit_index = ExitIndex::new(exit);
            side.owed = FineSats::new(200_000_000 * 500_000_000_000_000_000 - 100_000_000_000 * 980_392_156_862_746);
            market.state.ledger.pool = Sats::new(4_081_632 + 1_960_784);
        })
        .await;
    chain.advance(120);
    chain.post(&market, Tick::at(49_000));
    // 1,960,784.31 are reserved, up: a satoshi is missing.
    let close = market.close(&bob, Short);
    chain.refuse("a satoshi short", from_ref(&close), &[&bob.keypair], PerpError::PoolExhausted).await;
    set_pool(&mut chain, &market, 4_081_632 + 1_960_785).await;
    chain.succeed("just enough", &[close], &[&bob.keypair]).await;
    // And the long still gets what was reserved for it.
    let before = chain.position(&alice.position).await.state.margin.get();
    chain.succeed("settle", &[market.settle(alice.position)], &[]).await;
    assert_eq!(chain.position(&alice.position).await.state.margin.get() - before, 1_960_784);
}
