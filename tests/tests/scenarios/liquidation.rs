//! Cases 19, 20, 22, 23 and 24: who is liquidated, how far, and that nothing stands in the way.

use crate::{wealth, BOTH};
use inverse_perps_tests::harness::prelude::*;

/// $100,000 at $50,000 with this margin left.
async fn exposed(chain: &mut Chain, market: &TestMarket, direction: PositionDirection, margin: u64) -> Trader {
    let trader = chain.trader_with(market, BTC / 10).await; // more than it takes; set to the satoshi afterwards
    chain.succeed("open", &[market.open(&trader, direction, 100_000)], &[&trader.keypair]).await;
    chain.set_margin(market, &trader, margin).await;
    trader
}

/// 2 % against it.
fn against(direction: PositionDirection) -> Tick {
    Tick::at(if direction == Long { 49_000 } else { 51_000 })
}

#[tokio::test(flavor = "multi_thread")]
async fn case_19_liquidatable_below_maintenance_to_the_satoshi() {
    // Maintenance of $100,000 is 101 bps. Long at $49,000: 204,081,632 down * 0.0101 = 2,061,224.5 down, and the loss is
    // 4,081,633: 6,142,857. Short at $51,000: 196,078,431 down * 0.0101 = 1,980,392.2 down, loss 3,921,569: 5,901,961.
    for (direction, enough) in [(Long, 6_142_857), (Short, 5_901_961)] {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let keeper = chain.trader(&market).await;
        let safe = exposed(&mut chain, &market, direction, enough).await;
        let lost = exposed(&mut chain, &market, direction, enough - 1).await;
        chain.advance(120);
        chain.post(&market, against(direction));
        let liquidate = |trader: &Trader| [market.liquidate(trader.position, keeper.tokens)];
        chain.refuse("at maintenance", &liquidate(&safe), &[], PerpError::NotLiquidatable).await;
        chain.succeed("a satoshi below", &liquidate(&lost), &[]).await;
    }
}

/// Equity of a position of one basis and one scale, exact, in parts per billion of its value.
async fn ratio_ppb(chain: &Chain, trader: &Trader, direction: PositionDirection, price: i128) -> i128 {
    let state = chain.position(&trader.position).await.state;
    let value_by_price = i128::from(state.shares.get()) * 10_000_000_000;
    let sign = if direction == Long { 1 } else { -1 };
    let equity_by_price = (i128::from(state.margin.get()) + sign * state.basis.get()) * price - sign * value_by_price;
    equity_by_price * 1_000_000_000 / value_by_price
}

#[tokio::test(flavor = "multi_thread")]
async fn case_20_a_part_restores_the_initial_ratio_and_dust_closes_whole() {
    for direction in BOTH {
        // Given $100,000 at about 1 % of equity, when it is liquidated, then the rest stands at 201 bps, as far as satoshi
        // go, and is safe at this price.
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let keeper = chain.trader(&market).await;
        let margin = if direction == Long { 6_000_000 } else { 5_800_000 };
        let victim = exposed(&mut chain, &market, direction, margin).await;
        // $20, about 40,000 satoshi: 2 % against it leaves about 1 %; closing just enough would leave $8 of dust.
        let small = chain.trader_with(&market, 2_000).await;
        chain.succeed("open small", &[market.open(&small, direction, 20)], &[&small.keypair]).await;
        chain.set_margin(&market, &small, if direction == Long { 1_217 } else { 1_160 }).await;
        chain.advance(120);
        chain.post(&market, against(direction));
        let price = i128::from(against(direction).price_e8);
        let before = ratio_ppb(&chain, &victim, direction, price).await;

        chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
        let after = ratio_ppb(&chain, &victim, direction, price).await;
        assert!(before < 10_100_000, "it was below maintenance: {before}");
        assert!((20_099_900..=20_100_100).contains(&after), "201 bps to a few satoshi of 80 million: {after}");
        let again = market.liquidate(victim.position, keeper.tokens);
        chain.refuse("again", &[again], &[], PerpError::NotLiquidatable).await;

        let sent = chain.succeed("liquidate dust", &[market.liquidate(small.position, keeper.tokens)], &[]).await;
        let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.notional_e6.get(), event.after.shares.get()), (dollars(20), 0), "closed whole");
        assert!(event.after.margin_sats.get() > 0, "what is left of the margin stays the owner's");
    }
}

/// Who liquidates himself gets half of the fee back and loses the other half: less than by simply closing.
#[tokio::test(flavor = "multi_thread")]
async fn case_22_liquidating_oneself_loses() {
    for direction in BOTH {
        for confidence in [0, 100] {
            let mut left = Vec::new();
            for by_liquidation in [true, false] {
                let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
                let alice = exposed(&mut chain, &market, direction, 5_900_000).await;
                chain.advance(120);
                chain.post(&market, against(direction).confident_to(confidence));
                if by_liquidation {
                    let liquidate = [market.liquidate(alice.position, alice.tokens)];
                    chain.succeed("liquidate oneself", &liquidate, &[]).await;
                }
                chain.succeed("close", &[market.close(&alice, direction)], &[&alice.keypair]).await;
                left.push(wealth(&chain, &alice).await);
            }
            assert!(left[0] < left[1], "{direction:?} at ${confidence}: {left:?}");
        }
        // Beyond bankruptcy the reward is the minimum, which is less than what opening had cost.
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, 5_000_000).await;
        let before = wealth(&chain, &alice).await;
        chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
        chain.advance(120);
        chain.post(&market, Tick::at(if direction == Long { 45_000 } else { 55_000 }));
        let sent = chain.succeed("liquidate oneself", &[market.liquidate(alice.position, alice.tokens)], &[]).await;
        let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert!(event.reward_sats.get() < 105_000, "less than the fee of opening");
        assert!(wealth(&chain, &alice).await + 4_900_000 < before, "the margin is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_23_the_owners_token_account_cannot_stand_in_the_way() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let admin = chain.admin.insecure_clone();
    let keeper = chain.trader(&market).await;
    let frozen = exposed(&mut chain, &market, Long, 6_000_000).await;
    let closed = exposed(&mut chain, &market, Long, 6_000_000).await;
    let freeze = freeze_account(frozen.tokens, market.keys.mint, admin.pubkey());
    chain.succeed("freeze", &[freeze], &[&admin]).await;
    let held = chain.tokens(&closed.tokens).await;
    let steps = [
        transfer(closed.tokens, keeper.tokens, closed.address(), held),
        close_account(closed.tokens, closed.address(), closed.address()),
    ];
    chain.succeed("empty and close", &steps, &[&closed.keypair]).await;
    assert_eq!(chain.account(&closed.tokens).await, None);
    chain.advance(120);
    chain.post(&market, Tick::at(49_000));

    for victim in [&frozen, &closed] {
        chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
        let margin = chain.position(&victim.position).await.state.margin.get();
        assert!(margin > 0, "what is left stays in the vault as the victim's margin");
    }
    // It is the liquidator who needs an account that takes tokens.
    let victim = exposed(&mut chain, &market, Short, 1_000_000).await;
    chain.advance(120);
    chain.post(&market, Tick::at(50_000));
    let to_frozen = market.liquidate(victim.position, frozen.tokens);
    chain.refuse("reward to a frozen account", &[to_frozen], &[], Refusal::ACCOUNT_FROZEN).await;
    chain.succeed("reward to a good one", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_24_a_liquidation_touches_six_accounts_whatever_the_number_of_positions() {
    const MANY: u64 = 60;
    let mut units = Vec::new();
    for crowd in [0, MANY] {
        let (mut chain, market) = Chain::with_pool(still(), 1_000 * BTC).await;
        let keeper = chain.trader(&market).await;
        // The same number of dollars stand beside the victim, held by one or by sixty.
        let (holders, each) = if crowd == 0 { (1, MANY) } else { (crowd, 1) };
        for _ in 0..holders {
            let other = chain.trader_with(&market, each * BTC / 10).await;
            chain.succeed("open", &[market.open(&other, Long, each * 1_000)], &[&other.keypair]).await;
        }
        let victim = exposed(&mut chain, &market, Long, 6_000_000).await;
        chain.advance(120);
        chain.post(&market, Tick::at(49_000));
        let liquidate = market.liquidate(victim.position, keeper.tokens);
        assert_eq!(liquidate.accounts.len(), 6);
        assert!(liquidate.accounts.iter().all(|meta| !meta.is_signer), "no signature and no role");
        units.push(chain.succeed("liquidate", &[liquidate], &[]).await.compute_units);
        assert_eq!(chain.market(&market.keys.market).await.state.long.positions, holders + 1);
    }
    // The work is the same; numbers of other lengths cost a few units more or less.
    assert!(units[0].abs_diff(units[1]) < 500, "{units:?}");
}
