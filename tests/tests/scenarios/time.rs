//! Case 10: unix time decides, slots do not.

use inverse_perps_engine::{Market, Position};
use inverse_perps_tests::harness::prelude::*;

/// How many slots pass in so many seconds.
type Slots = fn(i64) -> u64;

async fn advance(chain: &mut Chain, market: &TestMarket, seconds: i64, slots: Slots, dollars: i64) {
    chain.set_clock(chain.time() + seconds, chain.slot() + slots(seconds));
    chain.post(market, Tick::at(dollars));
}

/// Opening, holding, funding, a part closed, a liquidation and a halt of six hours; what is left of it.
async fn story(slots: Slots) -> (Market, Vec<Position>) {
    let (mut chain, market) = Chain::with_pool(Params::standard(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    let victim = chain.trader_with(&market, 6_000_000).await;
    advance(&mut chain, &market, 10, slots, 50_100).await;
    chain.succeed("alice opens", &[market.open(&alice, Long, 300_000)], &[&alice.keypair]).await;
    advance(&mut chain, &market, 20, slots, 50_200).await;
    chain.succeed("bob opens", &[market.open(&bob, Short, 100_000)], &[&bob.keypair]).await;
    advance(&mut chain, &market, 29, slots, 50_150).await;
    chain.succeed("the victim opens", &[market.open(&victim, Long, 100_000)], &[&victim.keypair]).await;
    advance(&mut chain, &market, 10, slots, 50_000).await;
    let early = market.close_part(&bob, Short, 1_000);
    chain.refuse("bob after 39 s", &[early], &[&bob.keypair], PerpError::MinHoldNotOver).await;
    advance(&mut chain, &market, 21, slots, 50_000).await;
    chain.succeed("bob after 60 s", &[market.close_part(&bob, Short, 40_000)], &[&bob.keypair]).await;

    // The chain halts for six hours; the stored price is stale, and the first new one is no jump from the last minute.
    chain.set_clock(chain.time() + 21_600, chain.slot() + slots(1));
    chain.refuse("a stale price", &[market.accrue()], &[], PerpError::PriceTooOld).await;
    chain.post(&market, Tick::at(48_500));
    let sent = chain.succeed("alice closes a part", &[market.close_part(&alice, Long, 50_000)], &[&alice.keypair]).await;
    let Event::Accrued(accrued) = &sent.events[0] else { panic!("{:?}", sent.events) };
    assert_eq!(accrued.elapsed_seconds, 21_600, "the halt is accrued by the second");
    chain.succeed("the victim is liquidated", &[market.liquidate(victim.position, alice.tokens)], &[]).await;

    let mut state = chain.market(&market.keys.market).await.state;
    state.prices.slot = 0;
    let mut positions = Vec::new();
    for position in [alice.position, bob.position, victim.position] {
        positions.push(chain.position(&position).await.state);
    }
    (state, positions)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_10_the_length_of_a_slot_changes_nothing() {
    let at_400_ms = story(|seconds| u64::try_from(seconds * 5 / 2).expect("forward")).await;
    let at_200_ms = story(|seconds| u64::try_from(seconds * 5).expect("forward")).await;
    let barely = story(|_| 1).await;
    assert_eq!(at_400_ms, at_200_ms);
    assert_eq!(at_400_ms, barely);
}
