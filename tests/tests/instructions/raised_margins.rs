//! Margin ratios that `execute_params` raises: who has added no risk since is spared them for another timelock.

use inverse_perps_engine::margin::MarginRatios;
use inverse_perps_tests::harness::prelude::*;

const BOTH: [PositionDirection; 2] = [Long, Short];
const OPENING: u64 = 105_000; // what $100,000 at $50,000 cost

/// 400 and 600 bps instead of 100 and 200.
fn raised() -> Params {
    Params { maintenance_margin: Bps::new(400), initial_margin: Bps::new(600), ..still() }
}

/// Positions of $100,000 from $50,000 with this much margin each, before a raise that has just come into force.
async fn raised_over<const N: usize>(direction: PositionDirection, margins: [u64; N]) -> (Chain, TestMarket, [Trader; N]) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let admin = chain.admin.insecure_clone();
    let mut traders = Vec::new();
    for margin in margins {
        let trader = chain.trader_with(&market, margin + OPENING).await;
        chain.succeed("open", &[market.open(&trader, direction, 100_000)], &[&trader.keypair]).await;
        traders.push(trader);
    }
    chain.succeed("propose", &[market.propose(&admin, raised())], &[&admin]).await;
    chain.advance(3 * DAY);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("execute", &[market.execute(&admin)], &[&admin]).await;
    let Event::ParamsChanged(event) = sent.last() else { panic!("{:?}", sent.events) };
    let bps = Bps::new;
    let before = MarginRatios { initial: bps(200), initial_slope: bps(10), maintenance: bps(100), maintenance_slope: bps(10) };
    assert_eq!((event.spared, event.margin_epoch), (before, 1));
    assert_eq!(event.spared_until, chain.time() + 259_200, "a second timelock");
    let Ok(traders) = traders.try_into() else { panic!("{N} were made") };
    (chain, market, traders)
}

/// 6,000,000 satoshi are above 1.01 % of 200,000,000 and below 4.01 %.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_position_is_spared_until_the_second_timelock_to_the_second() {
    for direction in BOTH {
        let (mut chain, market, [alice]) = raised_over(direction, [6_000_000]).await;
        let liquidate = [market.liquidate(alice.position, alice.tokens)];
        chain.refuse("at once", &liquidate, &[], PerpError::NotLiquidatable).await;
        chain.advance(3 * DAY - 1);
        chain.post(&market, Tick::at(50_000));
        chain.refuse("the last second", &liquidate, &[], PerpError::NotLiquidatable).await;
        // A part closed does not make it a new one.
        chain.succeed("reduce", &[market.close_part(&alice, direction, 1_000)], &[&alice.keypair]).await;
        chain.refuse("reduced", &liquidate, &[], PerpError::NotLiquidatable).await;
        chain.advance(1);
        chain.post(&market, Tick::at(50_000));
        let sent = chain.succeed("then", &liquidate, &[]).await;
        assert!(matches!(sent.last(), Event::PositionLiquidated(_)), "{:?}", sent.events);
        assert_eq!(chain.market(&market.keys.market).await.state.spared_until.get(), 0);
    }
}

/// At $48,700 a long of 13,000,000 satoshi has lost 5,338,809, at $51,400 a short 5,447,471: what is left is below 4.01 % of the
/// value (8,234,087 and 7,801,556) and far above 1.01 %.
#[tokio::test(flavor = "multi_thread")]
async fn an_enlarged_position_is_held_to_the_present_ratios_at_once() {
    for (direction, price) in [(Long, 48_700), (Short, 51_400)] {
        let (mut chain, market, [small, alice, bob]) = raised_over(direction, [6_000_000, 13_000_000, 13_000_000]).await;
        // The increase itself is held to 6.01 %,
        let enlarge = |trader: &Trader| [market.open(trader, direction, 1_000)];
        let refused = PerpError::MarginBelowInitial;
        chain.refuse("enlarge a small one", &enlarge(&small), &[&small.keypair], refused).await;
        chain.succeed("enlarge", &enlarge(&bob), &[&bob.keypair]).await;
        assert_eq!(chain.position(&bob.position).await.state.margin_epoch, 1);
        assert_eq!(chain.position(&alice.position).await.state.margin_epoch, 0);

        // and so is what comes after, while one of the same size that added nothing is not.
        chain.advance(120);
        chain.post(&market, Tick::at(price));
        let keeper = chain.trader(&market).await;
        let liquidate = |trader: &Trader| [market.liquidate(trader.position, keeper.tokens)];
        chain.refuse("the older one", &liquidate(&alice), &[], PerpError::NotLiquidatable).await;
        chain.succeed("the enlarged one", &liquidate(&bob), &[]).await;
    }
}

/// Of 13,000,000 satoshi 4,020,000 have to stay at 2.01 %. Of the later one's 12,990,000 (the imbalance had grown, so its surcharge was
/// 10,000 more) 12,020,000 at 6.01 %.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_position_lets_go_of_margin_as_before() {
    for direction in BOTH {
        let (mut chain, market, [early, late]) = raised_over(direction, [13_000_000, 13_000_000]).await;
        let withdraw = |trader: &Trader, sats| [market.withdraw(trader, sats)];
        let refused = PerpError::MarginBelowInitial;
        chain.refuse("too much", &withdraw(&early, 8_980_001), &[&early.keypair], refused).await;
        chain.succeed("all there is", &withdraw(&early, 8_980_000), &[&early.keypair]).await;
        chain.advance(3 * DAY);
        chain.post(&market, Tick::at(50_000));
        chain.refuse("afterwards", &withdraw(&late, 970_001), &[&late.keypair], refused).await;
        chain.succeed("what is above", &withdraw(&late, 970_000), &[&late.keypair]).await;
    }
}

/// A spared position is closed down to the initial ratio that it is held to: as much as without the raise (`liquidate`).
#[tokio::test(flavor = "multi_thread")]
async fn an_older_position_is_liquidated_as_before() {
    for (direction, margin, price, closed) in
        [(Long, 6_081_633, 49_000, 60_233_908_188), (Short, 5_821_569, 51_000, 60_877_181_872)]
    {
        let (mut chain, market, [alice]) = raised_over(direction, [margin]).await;
        chain.advance(120);
        chain.post(&market, Tick::at(price));
        let sent = chain.succeed("liquidate", &[market.liquidate(alice.position, alice.tokens)], &[]).await;
        let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!(event.notional_e6.get(), closed);
    }
}

/// What is lowered holds for everybody at once.
#[tokio::test(flavor = "multi_thread")]
async fn lower_ratios_hold_at_once() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_pool(raised(), 100 * BTC).await;
        let admin = chain.admin.insecure_clone();
        let alice = chain.trader_with(&market, 13_000_000 + OPENING).await;
        chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
        chain.succeed("propose", &[market.propose(&admin, still())], &[&admin]).await;
        chain.advance(3 * DAY);
        chain.post(&market, Tick::at(50_000));
        let sent = chain.succeed("execute", &[market.execute(&admin)], &[&admin]).await;
        let Event::ParamsChanged(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.spared_until, event.margin_epoch), (0, 0));
        chain.succeed("withdraw", &[market.withdraw(&alice, 8_980_000)], &[&alice.keypair]).await;
    }
}
