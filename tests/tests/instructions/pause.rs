//! `pause_risk`, `confirm_pause`, `resume_risk`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use crate::settlements::{settling, without_tip, Finish};
use inverse_perps_tests::harness::prelude::*;

const WEEK: u32 = 7 * DAY;

/// A market with a pool, and a guardian who is not the admin.
async fn guarded() -> (Chain, TestMarket, Keypair, Keypair) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let guardian = chain.new_guardian().await;
    let admin = chain.admin.insecure_clone();
    (chain, market, admin, guardian)
}

/// The Clock goes on, and a price comes.
fn wait(chain: &mut Chain, market: &TestMarket, seconds: u32) {
    chain.advance(seconds);
    chain.post(market, Tick::at(50_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_pause_blocks_what_adds_risk_for_a_week_to_the_second() {
    let (mut chain, market, _, guardian) = guarded().await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader(&market).await;
    let shares = chain.token_account(&market.keys.lp_mint, &bob.address(), 0);
    let lender = Provider { keypair: bob.keypair.insecure_clone(), tokens: bob.tokens, shares };
    let sent = chain.succeed("pause", &[market.pause(&guardian)], &[&guardian]).await;
    let Event::RiskPaused(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.by), (market.keys.market, guardian.pubkey()));
    assert_eq!(event.until, chain.time() + 604_800);

    for (direction, seconds) in [(Long, 0), (Short, WEEK - 1)] {
        wait(&mut chain, &market, seconds);
        let open = [market.open(&alice, direction, 1_000)];
        chain.refuse("open", &open, &[&alice.keypair], PerpError::RiskPaused).await;
        let provide = [market.provide(&lender, BTC)];
        chain.refuse("provide", &provide, &[&lender.keypair], PerpError::RiskPaused).await;
    }
    wait(&mut chain, &market, 1);
    chain.succeed("open", &[market.open(&alice, Long, 1_000)], &[&alice.keypair]).await;
    chain.succeed("provide", &[market.provide(&lender, BTC)], &[&lender.keypair]).await;
}

/// Confirmed, so that it lasts: whatever lowers risk or takes money out works as if there were no pause.
#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_pause_keeps_nobody_from_leaving() {
    for direction in [Long, Short] {
        let (mut chain, market, admin, _) = guarded().await;
        let keeper = chain.trader(&market).await;
        let lender = chain.provider(&market, BTC).await;
        let [alice, victim] = [chain.trader_with(&market, 20_000_000).await, chain.trader_with(&market, 4_500_000).await];
        for trader in [&alice, &victim] {
            chain.succeed("open", &[market.open(trader, direction, 100_000)], &[&trader.keypair]).await;
        }
        wait(&mut chain, &market, 120);
        let sent = chain.succeed("pause", &[market.confirm(&admin)], &[&admin]).await;
        assert!(matches!(sent.event(), Event::PauseConfirmed(event) if event.admin == admin.pubkey()));

        chain.succeed("add margin", &[market.deposit(&alice, 1_000)], &[&alice.keypair]).await;
        chain.succeed("take margin out", &[market.withdraw(&alice, 1_000)], &[&alice.keypair]).await;
        chain.succeed("settle", &[market.settle(alice.position)], &[]).await;
        chain.succeed("reduce", &[market.close_part(&alice, direction, 1_000)], &[&alice.keypair]).await;
        chain.succeed("close", &[market.close(&alice, direction)], &[&alice.keypair]).await;
        let left = chain.position(&alice.position).await.state.margin.get();
        let leave = [
            market.withdraw(&alice, left),
            instructions::close_position_account(&market.keys, alice.address(), alice.position),
        ];
        chain.succeed("leave", &leave, &[&alice.keypair]).await;
        chain.succeed("request", &[market.request(&lender, 0, BTC)], &[&lender.keypair]).await;
        chain.advance(DAY);
        chain.post(&market, Tick::at(if direction == Long { 49_000 } else { 51_000 }));
        chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
        chain.succeed("complete", &[market.complete(&lender, 0)], &[&lender.keypair]).await;
        chain.fill_insurance(&market, 1_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_paused_market_settles_and_ends_as_any_other() {
    let mut stage = settling(Long, 40_000_000, 6_000_000).await;
    let admin = stage.chain.admin.insecure_clone();
    let market = stage.market;
    stage.chain.succeed("pause", &[market.confirm(&admin)], &[&admin]).await;
    for position in [stage.winner.position, stage.second.position, stage.loser.position] {
        stage.chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
    }
    stage.chain.succeed("finish", &[market.finish(&admin.pubkey(), 0)], &[&admin]).await;
    stage.chain.succeed("redeem", &[market.redeem(stage.winner.position, 0)], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_guardian_alone_pauses_half_of_the_time_at_most() {
    let (mut chain, market, admin, guardian) = guarded().await;
    let pause = [market.pause(&guardian)];
    chain.succeed("pause", &pause, &[&guardian]).await;
    chain.refuse("extend", &pause, &[&guardian], PerpError::RiskAlreadyPaused).await;
    wait(&mut chain, &market, WEEK - 1);
    chain.refuse("extend", &pause, &[&guardian], PerpError::RiskAlreadyPaused).await;
    wait(&mut chain, &market, 1);
    chain.refuse("at the lapse", &pause, &[&guardian], PerpError::PauseTooSoon).await;
    // Another guardian is no new chance, and neither is the admin's own pause of a week.
    chain.refuse("by the admin", &[market.pause(&admin)], &[&admin], PerpError::PauseTooSoon).await;
    let guardian = chain.new_guardian().await;
    let pause = [market.pause(&guardian)];
    wait(&mut chain, &market, WEEK - 1);
    chain.refuse("a second early", &pause, &[&guardian], PerpError::PauseTooSoon).await;
    wait(&mut chain, &market, 1);
    chain.succeed("a week after the lapse", &pause, &[&guardian]).await;

    // Where the admin resumes, it can be paused again at once: he is there.
    let resume = [market.resume(&admin)];
    let sent = chain.succeed("resume", &resume, &[&admin]).await;
    assert!(matches!(sent.event(), Event::RiskResumed(event) if event.admin == admin.pubkey()));
    chain.refuse("resume again", &resume, &[&admin], PerpError::RiskNotPaused).await;
    chain.succeed("again", &pause, &[&guardian]).await;
    wait(&mut chain, &market, WEEK);
    chain.succeed("forget the lapsed one", &resume, &[&admin]).await;
    chain.succeed("again", &pause, &[&guardian]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_guardian_does_nothing_but_begin_a_pause() {
    let (mut chain, market, admin, guardian) = guarded().await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.refuse("confirm none", &[market.confirm(&guardian)], &[&guardian], PerpError::NotAdmin).await;
    chain.refuse("resume none", &[market.resume(&guardian)], &[&guardian], PerpError::NotAdmin).await;
    chain.succeed("pause", &[market.pause(&guardian)], &[&guardian]).await;
    chain.refuse("confirm", &[market.confirm(&guardian)], &[&guardian], PerpError::NotAdmin).await;
    chain.refuse("resume", &[market.resume(&guardian)], &[&guardian], PerpError::NotAdmin).await;
    let higher = Params { max_side_notional: Notional::new(10_000_000_000_000_000), ..still() };
    chain.refuse("raise limits", &[market.propose(&guardian, higher)], &[&guardian], PerpError::NotAdmin).await;

    // Confirmed by the admin it does not lapse,
    let confirm = [market.confirm(&admin)];
    chain.succeed("confirm", &confirm, &[&admin]).await;
    chain.refuse("confirm again", &confirm, &[&admin], PerpError::RiskAlreadyPaused).await;
    wait(&mut chain, &market, 400 * DAY);
    let open = [market.open(&alice, Long, 1_000)];
    chain.refuse("open", &open, &[&alice.keypair], PerpError::RiskPaused).await;
    chain.refuse("shorten", &[market.pause(&guardian)], &[&guardian], PerpError::RiskAlreadyPaused).await;
    // until he resumes.
    chain.succeed("resume", &[market.resume(&admin)], &[&admin]).await;
    chain.succeed("open", &open, &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_guardian_or_admin_and_the_right_accounts() {
    let (mut chain, market, admin, guardian) = guarded().await;
    let thief = chain.somebody();
    let trader = chain.trader(&market).await;
    chain.refuse("pause", &[market.pause(&thief)], &[&thief], PerpError::NotGuardian).await;
    chain.refuse("confirm", &[market.confirm(&thief)], &[&thief], PerpError::NotAdmin).await;
    chain.refuse("resume", &[market.resume(&thief)], &[&thief], PerpError::NotAdmin).await;
    for (instruction, signer) in
        [(market.pause(&guardian), &guardian), (market.confirm(&admin), &admin), (market.resume(&admin), &admin)]
    {
        chain.refuse("unsigned", &[unsigned(&instruction, 0)], &[], ErrorCode::AccountNotSigner).await;
        let no_exchange = with_account(&instruction, 1, market.keys.market);
        chain.refuse("no exchange", &[no_exchange], &[signer], ErrorCode::AccountDiscriminatorMismatch).await;
        refuses_strangers(&mut chain, &instruction, 2, trader.position, &[signer]).await;
    }
    chain.succeed("by the admin, too", &[market.pause(&admin)], &[&admin]).await;
}
