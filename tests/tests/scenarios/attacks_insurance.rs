//! Attacks on the insurance fund: liquidating oneself, breeding bankrupts and dust. Cases 21, 22, 25 and 26.

use crate::crew::{close, everybody_leaves, holdings, later, open, opened, state, EACH};
use crate::BOTH;
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;

fn price_after(direction: PositionDirection, percent_against: i64) -> i64 {
    match direction {
        Long => 50_000 - 500 * percent_against,
        Short => 50_000 + 500 * percent_against,
    }
}

/// Whatever the price does, with or without a spread, once or in two steps: who liquidates himself ends poorer, and never better than
/// by closing unless he is bankrupt, where the reward is less than what opening had cost.
#[tokio::test(flavor = "multi_thread")]
async fn case_22_liquidating_oneself_loses_on_every_path() {
    let paths: [&[i64]; 7] = [&[1], &[2], &[3], &[2, 3], &[5], &[20], &[3, 50]];
    for direction in BOTH {
        for path in paths {
            for confidence in [0, 100] {
                let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
                chain.fill_insurance(&market, BTC).await;
                // Given $100,000 at $50,000 on 2.1 % of margin: 4,200,000 satoshi, and a fee of 105,000,
                let alice = opened(&mut chain, &market, 4_305_000, (direction, 100_000)).await;
                let mut rewarded = 0;
                for percent in path {
                    later(&mut chain, &market, price_after(direction, *percent));
                    let price = price_after(direction, *percent);
                    chain.post(&market, Tick::at(price).confident_to(confidence));
                    chain.succeed("the price is seen", &[market.accrue()], &[]).await;
                    let before = chain.tokens(&alice.tokens).await;
                    let liquidate = market.liquidate(alice.position, alice.tokens);
                    if chain.attempt("liquidate oneself", &[liquidate], &[]).await.is_ok() {
                        rewarded += chain.tokens(&alice.tokens).await - before;
                    }
                }
                everybody_leaves(&mut chain, &market, &[&alice], &[]).await;
                // Then he has lost more than he was paid for it: half of the fee, 30 bps, of what he closed is insurance's.
                let lost = EACH - chain.tokens(&alice.tokens).await;
                assert!(lost > rewarded, "{direction:?} {path:?}: lost {lost}, rewarded {rewarded}");
                let closed_at_once = 105_000; // the fee of opening alone
                assert!(lost > closed_at_once, "{direction:?} {path:?}: {lost}");
            }
        }
    }
}

/// The least reward is 2 bps of the value closed, and a long's value grows as the price falls: at $400 the $100,000 that came in for
/// 2 BTC are worth 250, 2 bps of that are 5,000,000 satoshi, and margin and fee were 4,305,000. But it is never above the taker fee
/// on the entry value.
#[tokio::test(flavor = "multi_thread")]
async fn case_22_liquidating_oneself_loses_at_any_price() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    chain.fill_insurance(&market, BTC).await;
    let alice = opened(&mut chain, &market, 4_305_000, (Long, 100_000)).await;
    later(&mut chain, &market, 400);
    let liquidate = market.liquidate(alice.position, alice.tokens);
    chain.succeed("liquidate oneself", &[liquidate], &[]).await;
    let has = holdings(&chain, &[&alice], &[]).await;
    assert!(has < EACH, "{} satoshi won", has - EACH);
}

/// Twenty sub-accounts on the least margin, bankrupt by a jump, liquidated by their own owner: with wide confidence or without.
#[tokio::test(flavor = "multi_thread")]
async fn case_21_and_26_twenty_bankrupts_get_less_from_insurance_than_they_paid() {
    for direction in BOTH {
        for (percent, confidence) in [(1, 250), (3, 250), (10, 0), (40, 150)] {
            // Given insurance of 0.01 BTC, of which half can be paid in a day, and $10,000 on each of twenty accounts,
            let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
            chain.fill_insurance(&market, BTC / 100).await;
            let owner = chain.trader(&market).await;
            let mut crew = Vec::new();
            for number in 1..=20 {
                let account = sub_account(&mut chain, &market, &owner, number, 413_000).await;
                open(&mut chain, &market, &account, direction, 10_000).await;
                crew.push(account);
            }
            // when the price jumps and the owner liquidates them all,
            later(&mut chain, &market, price_after(direction, percent));
            chain.post(&market, Tick::at(price_after(direction, percent)).confident_to(confidence));
            chain.succeed("a new day or not", &[market.accrue()], &[]).await;
            let before = state(&chain, &market).await;
            let (fund, pool) = (before.ledger.insurance.get(), before.ledger.pool.get());
            let (mut covered, mut uncovered, mut earned, mut paid_in) = (0, 0, 0, 0);
            for account in &crew {
                let liquidate = market.liquidate(account.position, owner.tokens);
                let Ok(sent) = chain.attempt("liquidate", &[liquidate], &[]).await else { continue };
                let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
                covered += event.covered_sats.get();
                uncovered += event.uncovered_sats.get();
                paid_in += event.insurance_fee_sats.get();
                earned += event.reward_sats.get();
            }
            // then insurance has paid what it may in a day at most, the events say so to the satoshi,
            let after = state(&chain, &market).await;
            let spent = fund + paid_in - after.ledger.insurance.get();
            assert!(spent <= before.insurance_left.get(), "{direction:?} {percent} %: {spent}");
            assert!(spent >= covered && after.insurance_left.get() == before.insurance_left.get() - spent);
            assert_eq!(after.bad_debt.get(), uncovered);
            // the pool has not paid for them,
            assert!(after.ledger.pool.get() + earned >= pool, "{direction:?} {percent} %");
            // and the owner has lost more than he earned.
            let all: Vec<&Trader> = crew.iter().chain([&owner]).collect();
            everybody_leaves(&mut chain, &market, &all, &[]).await;
            let has = holdings(&chain, &all, &[]).await;
            assert!(has < EACH - 20 * 10_000, "{direction:?} {percent} %: {has}, earned {earned}");
        }
    }
}

/// Insurance that is spent for today pays again tomorrow, half of what is left: a crew cannot empty it in a night.
#[tokio::test(flavor = "multi_thread")]
async fn case_26_insurance_is_spent_by_halves() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    chain.fill_insurance(&market, 1_000_000).await;
    let keeper = chain.trader(&market).await;
    let mut funds = vec![state(&chain, &market).await.ledger.insurance.get()];
    for _ in 0..3 {
        // Each day two positions of $100,000 go bankrupt by more than a tenth of their value,
        let mut bankrupts = Vec::new();
        later(&mut chain, &market, 50_000);
        for _ in 0..2 {
            bankrupts.push(opened(&mut chain, &market, 4_300_000, (Long, 100_000)).await);
        }
        let allowed = state(&chain, &market).await.insurance_left.get();
        let fund = state(&chain, &market).await.ledger.insurance.get();
        later(&mut chain, &market, 42_000);
        for bankrupt in &bankrupts {
            chain.succeed("liquidate", &[market.liquidate(bankrupt.position, keeper.tokens)], &[]).await;
        }
        // then insurance pays the day's share and not a satoshi more.
        let left = state(&chain, &market).await.ledger.insurance.get();
        assert_eq!(fund - left, allowed);
        funds.push(left);
        chain.advance(86_400);
    }
    // 500,000 and the fees that came in before; then about half of the rest, and half of that.
    assert!(funds.windows(2).all(|pair| pair[1] * 3 > pair[0]), "{funds:?}");
}

/// Thirty positions of the least size there may be, to stand in a settlement's way or to be paid for being settled.
#[tokio::test(flavor = "multi_thread")]
async fn dust_pays_more_in_fees_than_it_gets_in_tips_and_stops_no_settlement() {
    for after in [15_000, 1_000] {
        let (mut chain, market) = Chain::with_market(still()).await;
        let pool = chain.provider(&market, 3 * BTC).await;
        chain.fill_insurance(&market, BTC / 10).await;
        let short = opened(&mut chain, &market, BTC, (Short, 100_000)).await;
        // Given thirty longs of $10, 20,000 satoshi: each pays a fee of 10 or a little more,
        let owner = chain.trader(&market).await;
        let mut fees = 0;
        let mut dust = Vec::new();
        for number in 1..=30 {
            let account = sub_account(&mut chain, &market, &owner, number, 1_000).await;
            open(&mut chain, &market, &account, Long, 10).await;
            fees += 1_000 - crate::crew::margin(&chain, &account).await;
            dust.push(account);
        }
        assert!(fees >= 300);
        // when the price falls so far that the market must settle, and their owner closes all of them out for the tips,
        later(&mut chain, &market, after);
        chain.succeed("begin to settle", &[market.deleverage()], &[]).await;
        assert_eq!(state(&chain, &market).await.status(), Status::Settling);
        let before = chain.tokens(&owner.tokens).await;
        for account in &dust {
            chain.succeed("for a tip", &[market.close_out(account.position, owner.tokens)], &[]).await;
        }
        let tips = chain.tokens(&owner.tokens).await - before;
        // then the tips are at most insurance's and the protocol's part of the fees, four in ten,
        assert!(tips > 0 && tips * 10 <= fees * 4, "{tips} of {fees}");
        // and once they are closed there is nothing to close again; the settlement ends and everybody leaves.
        chain.succeed("again", &[market.close_out(dust[0].position, owner.tokens)], &[]).await;
        assert_eq!(chain.tokens(&owner.tokens).await, before + tips, "no second tip");
        let mut all: Vec<&Trader> = dust.iter().collect();
        all.extend([&owner, &short]);
        assert!(everybody_leaves(&mut chain, &market, &all, &[&pool]).await <= 31);
        assert!(chain.tokens(&owner.tokens).await < EACH);
    }
}

/// Margin, then insurance, then the pool, then the profit of those who win. Who has no position is never asked.
#[tokio::test(flavor = "multi_thread")]
async fn case_25_the_waterfall_in_its_order() {
    // Given a pool of 3 BTC, 1,000,000 satoshi in insurance, a flat account, a loser with 4,900,000 left behind $100,000 long, and a
    // winner with $150,000 short, 3 BTC,
    let (mut chain, market) = Chain::with_market(still()).await;
    let pool = chain.provider(&market, 3 * BTC).await;
    chain.fill_insurance(&market, 1_000_000).await;
    let keeper = chain.trader(&market).await;
    let flat = chain.trader_with(&market, 7 * BTC).await;
    let winner = opened(&mut chain, &market, BTC, (Short, 150_000)).await;
    let loser = opened(&mut chain, &market, 5_000_000, (Long, 100_000)).await;
    let margins = [7 * BTC, BTC - 150_000 - 11_250]; // 150,000^2 / 4e9 = $5.625 of surcharge
    assert_eq!(crate::crew::margin(&chain, &winner).await, margins[1]);
    let start = state(&chain, &market).await;

    // when the price falls to $45,000, where the long has lost 1e21 / 4.5e12 - 200,000,000 = 22,222,223, up,
    later(&mut chain, &market, 45_000);
    let sent = chain.succeed("liquidate", &[market.liquidate(loser.position, keeper.tokens)], &[]).await;
    let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
    // then its margin pays first and all of it: 4,900,000; insurance pays what it may today, half of the fund and of what the fund
    // was given: 500,000; and the pool goes without the rest.
    assert_eq!((event.pnl_sats.get(), event.after.margin_sats.get()), (-22_222_223, 0));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (500_000, 22_222_223 - 4_900_000 - 500_000));
    // The reward of 2 bps of 222,222,223 is the pool's to pay, for the day's insurance is spent.
    let now = state(&chain, &market).await;
    assert_eq!(event.reward_sats.get(), 44_444);
    assert_eq!(now.ledger.pool.get(), start.ledger.pool.get() + 4_900_000 + 500_000 - 44_444);
    assert_eq!(now.ledger.insurance.get(), start.ledger.insurance.get() - 500_000);
    assert_eq!(now.ledger.margin.get(), margins[0] + margins[1], "no other margin was touched");

    // When it falls to $27,000, where the short has won 555,555,555 - 300,000,000 = 255,555,555, more than 80 % of the pool,
    later(&mut chain, &market, 27_000);
    chain.succeed("deleverage", &[market.deleverage()], &[]).await;
    // then the pool pays it, and its size shrinks until profit is 75 % of what is then free;
    let free = now.ledger.pool.get();
    let scale = state(&chain, &market).await.short.scale.get();
    let expected = 1e18 * 0.75 * (free as f64 - 255_555_555.0) / (255_555_555.0 * 0.25);
    assert!((scale as f64 / expected - 1.0).abs() < 1e-6, "{scale} of {expected}");
    chain.succeed("write", &[market.settle(winner.position)], &[]).await;
    let margin = crate::crew::margin(&chain, &winner).await;
    let won = 255_555_555.0 * (1.0 - expected / 1e18);
    assert!((margin as f64 - margins[1] as f64 - won).abs() < 10.0, "{margin}: won {won}");

    // when it falls in one step to $2,000, where profit is far above the pool,
    later(&mut chain, &market, 2_000);
    chain.succeed("settle", &[market.deleverage()], &[]).await;
    // then the winner's claim gets the pool and half of insurance, and nothing else.
    let before = state(&chain, &market).await.ledger;
    let all = [&flat, &winner, &loser, &keeper];
    let sent = crate::crew::finish_settlement(&mut chain, &market, &all).await;
    let Event::SettlementFinished(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!(event.top_up_sats.get(), before.insurance.get() / 2);
    assert_eq!(event.payable_sats.get(), before.pool.get() + before.insurance.get() / 2);
    assert!(event.payable_sats < event.claims_sats && event.closed == 1);
    everybody_leaves(&mut chain, &market, &all, &[&pool]).await;
    assert_eq!(chain.tokens(&flat.tokens).await, EACH, "a flat user's principal is unchanged");
    assert!(chain.tokens(&winner.tokens).await > EACH, "and a winner's principal, too");
}

/// A crew that is the whole pool and breeds bankrupts gets from insurance what a day allows at most; without a jump it pays for it.
#[tokio::test(flavor = "multi_thread")]
async fn case_26_a_crew_that_is_the_pool_gets_a_days_insurance_at_most() {
    for percent in [0, 1, 30] {
        let (mut chain, market) = Chain::with_market(still()).await;
        let trader = chain.trader_with(&market, 5_000_000).await;
        let provider = crate::crew::as_provider(&mut chain, &market, &trader);
        chain.succeed("deposit", &[market.provide(&provider, 5 * BTC)], &[&provider.keypair]).await;
        chain.fill_insurance(&market, BTC / 10).await;
        let honest = chain.trader_with(&market, BTC).await;
        open(&mut chain, &market, &trader, Long, 100_000).await;
        let allowed = state(&chain, &market).await.insurance_left.get();
        later(&mut chain, &market, price_after(Long, percent));
        if percent == 30 {
            chain.succeed("liquidate", &[market.liquidate(trader.position, trader.tokens)], &[]).await;
        } else {
            close(&mut chain, &market, &trader, Long).await;
        }
        // The day's allowance is all that has left the fund, and the honest account has what it had.
        let fund = state(&chain, &market).await.ledger.insurance.get();
        assert!(fund + allowed >= BTC / 10, "{percent} %: {fund}");
        request_and_leave(&mut chain, &market, &provider).await;
        let has = holdings(&chain, &[&trader], &[&provider]).await;
        let most = if percent == 30 { EACH + allowed } else { EACH - 1 };
        assert!(has <= most, "{percent} %: {has}");
        let all = chain.position(&honest.position).await.state.margin.get();
        chain.succeed("honest", &[market.withdraw(&honest, all)], &[&honest.keypair]).await;
        assert_eq!(chain.tokens(&honest.tokens).await, EACH);
    }
}

async fn request_and_leave(chain: &mut Chain, market: &TestMarket, provider: &Provider) {
    let shares = chain.tokens(&provider.shares).await;
    chain.succeed("request", &[market.request(provider, 0, shares)], &[&provider.keypair]).await;
    chain.advance(86_400);
    chain.post(market, Tick::at(50_000));
    chain.succeed("leave", &[market.complete(provider, 0)], &[&provider.keypair]).await;
}
