//! When a withdrawal can be completed, when it lapses, and `return_withdrawal`.

use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::settlements::{settling, without_tip, Finish};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

/// Ten minutes of cool-down and ten of window, so that a price each ten minutes is no stall.
fn short_times() -> Params {
    Params { cool_down: Seconds::new(600), withdrawal_window: Seconds::new(600), ..still() }
}

/// The Clock goes on, and a price comes.
async fn after(chain: &mut Chain, market: &TestMarket, seconds: u32, tick: Tick) {
    chain.advance(seconds);
    chain.post(market, tick);
    chain.succeed("a price", &[market.accrue()], &[]).await;
}

/// A pool of three with a bitcoin each, all of whom want to leave with all their shares.
async fn three_leave() -> (Chain, TestMarket, [Provider; 3]) {
    let (mut chain, market) = Chain::with_market(short_times()).await;
    let mut providers = Vec::new();
    for _ in 0..3 {
        let provider = chain.provider(&market, BTC).await;
        chain.succeed("request", &[market.request(&provider, 0, BTC)], &[&provider.keypair]).await;
        providers.push(provider);
    }
    let Ok(providers) = <[Provider; 3]>::try_from(providers) else { panic!("three were made") };
    (chain, market, providers)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_cool_down_is_a_day_to_the_second() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.provider(&market, BTC).await;
    chain.succeed("request", &[market.request(&alice, 0, BTC)], &[&alice.keypair]).await;
    chain.advance(86_399);
    chain.post(&market, Tick::at(50_000));
    let complete = [market.complete(&alice, 0)];
    chain.refuse("a second early", &complete, &[&alice.keypair], PerpError::CoolDownNotOver).await;
    chain.advance(1);
    chain.post(&market, Tick::at(50_000));
    chain.succeed("after a day", &complete, &[&alice.keypair]).await;
    assert_eq!(chain.tokens(&alice.tokens).await, BTC);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_ends_to_the_second_and_a_lapsed_owner_waits_again() {
    let (mut chain, market, [alice, bob, _]) = three_leave().await;
    let keeper = chain.somebody();
    let fine = Tick::at(50_000);
    chain.advance(599);
    chain.post(&market, fine);
    let early = [market.complete(&alice, 0)];
    chain.refuse("a second early", &early, &[&alice.keypair], PerpError::CoolDownNotOver).await;
    after(&mut chain, &market, 1, fine).await;
    after(&mut chain, &market, 600, fine).await;

    // Given the last second of the window, then one can leave, and nobody sends the other's shares back.
    let give_back = [market.give_back(&keeper.pubkey(), &bob, 0)];
    chain.refuse("too early", &give_back, &[&keeper], PerpError::WithdrawalNotLapsed).await;
    let sent = chain.succeed("the last second", &early, &[&alice.keypair]).await;
    assert!(matches!(sent.events[..], [Event::WithdrawalCompleted(_)]), "{:?}", sent.events);
    assert_eq!(chain.tokens(&alice.tokens).await, BTC);

    // When it is over, then the other cannot, and anybody returns his shares, for which the rent goes to him.
    after(&mut chain, &market, 1, fine).await;
    let late = [market.complete(&bob, 0)];
    chain.refuse("a second late", &late, &[&bob.keypair], PerpError::WithdrawalLapsed).await;
    let rich = lamports(&chain, &bob.address()).await;
    let sent = chain.succeed("return", &give_back, &[&keeper]).await;
    let Event::WithdrawalReturned(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.withdrawal, event.owner), (market.keys.withdrawal(&bob.address(), 0), bob.address()));
    assert_eq!((event.shares, event.queued_shares_after, event.lapsed), (BTC, BTC, 1));
    assert_eq!(chain.tokens(&bob.shares).await, BTC);
    assert!(lamports(&chain, &bob.address()).await > rich);

    // And he waits a full cool-down again.
    chain.succeed("request", &[market.request(&bob, 0, BTC)], &[&bob.keypair]).await;
    after(&mut chain, &market, 599, fine).await;
    chain.refuse("a second early", &late, &[&bob.keypair], PerpError::CoolDownNotOver).await;
    after(&mut chain, &market, 1, fine).await;
    chain.succeed("after the cool-down", &late, &[&bob.keypair]).await;
}

/// Case 38, as a window: whoever is ready leaves, whoever else is in the queue, and however many withdrawals of a share.
#[tokio::test(flavor = "multi_thread")]
async fn case_38_nobody_in_the_queue_is_in_the_way_of_others() {
    let (mut chain, market, [first, second, third]) = three_leave().await;
    let dust = chain.provider(&market, 1_000_000).await;
    for id in 0..5 {
        chain.succeed("dust", &[market.request(&dust, id, 1)], &[&dust.keypair]).await;
    }
    after(&mut chain, &market, 600, Tick::at(50_000)).await;
    for provider in [&third, &second] {
        chain.succeed("leave", &[market.complete(provider, 0)], &[&provider.keypair]).await;
        assert_eq!(chain.tokens(&provider.tokens).await, BTC);
    }
    assert_eq!(chain.tokens(&market.keys.lp_escrow).await, BTC + 5);
    chain.succeed("the first one last", &[market.complete(&first, 0)], &[&first.keypair]).await;
    assert_eq!(chain.tokens(&first.tokens).await, BTC);
}

/// From the request: 600 s of cool-down, a price; then none that the pool accepts for `gap` seconds; then good ones.
/// Completes at the last second that the window should have, and has lapsed a second later.
async fn check_stall(bad: Option<Tick>, gap: u32, window_ends: u32) {
    let (mut chain, market, [alice, bob, _]) = three_leave().await;
    let fine = Tick::at(50_000);
    let keeper = chain.somebody();
    after(&mut chain, &market, 600, fine).await;
    let mut left = gap;
    while let (Some(bad), true) = (bad, left > 300) {
        after(&mut chain, &market, 300, bad).await;
        left -= 300;
    }
    after(&mut chain, &market, left, fine).await;
    let mut passed = 600 + gap;
    while window_ends - passed > 600 {
        after(&mut chain, &market, 600, fine).await;
        passed += 600;
    }
    after(&mut chain, &market, window_ends - passed, fine).await;
    let give_back = [market.give_back(&keeper.pubkey(), &bob, 0)];
    chain.refuse("too early", &give_back, &[&keeper], PerpError::WithdrawalNotLapsed).await;
    chain.succeed("the last second", &[market.complete(&alice, 0)], &[&alice.keypair]).await;
    chain.advance(1);
    chain.post(&market, fine);
    chain.refuse("a second late", &[market.complete(&bob, 0)], &[&bob.keypair], PerpError::WithdrawalLapsed).await;
    chain.succeed("return", &give_back, &[&keeper]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_stands_still_while_no_price_comes_that_the_pool_accepts() {
    // 1,200 s without a stall, and a gap of 600 s is none; longer ones count whole.
    check_stall(None, 600, 1_200).await;
    check_stall(None, 601, 1_200 + 601).await;
    check_stall(None, 86_400, 1_200 + 86_400).await;
    // Prices that only upkeep takes are none for the pool: $200 wide of at most $125, or 6 % off their average.
    check_stall(Some(Tick::at(50_000).confident_to(200)), 601, 1_200 + 601).await;
    check_stall(Some(Tick::at(50_000).average(47_000)), 1_000, 1_200 + 1_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_before_the_request_does_not_count() {
    // Given 5,000 s without a price, when shares are queued, then their window is as long as any.
    let (mut chain, market) = Chain::with_market(short_times()).await;
    let alice = chain.provider(&market, BTC).await;
    let fine = Tick::at(50_000);
    chain.advance(5_000);
    chain.succeed("request", &[market.request(&alice, 0, BTC)], &[&alice.keypair]).await;
    after(&mut chain, &market, 0, fine).await;
    for _ in 0..2 {
        after(&mut chain, &market, 600, fine).await;
    }
    chain.advance(1);
    chain.post(&market, fine);
    chain.refuse("a second late", &[market.complete(&alice, 0)], &[&alice.keypair], PerpError::WithdrawalLapsed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_stands_still_while_the_market_settles() {
    // Given withdrawals requested in the second in which a market begins to settle,
    for direction in [Long, Short] {
        let mut stage = settling(direction, 60_000_000, 0).await;
        let (chain, market) = (&mut stage.chain, stage.market);
        let [large, small] = [&stage.large, &stage.small];
        for provider in [large, small] {
            chain.succeed("request", &[market.request(provider, 0, 1_000)], &[&provider.keypair]).await;
        }

        // when it settles for three days, then nobody leaves and nothing lapses;
        chain.advance(3 * 86_400);
        let complete = [market.complete(large, 0)];
        chain.refuse("while settling", &complete, &[&large.keypair], PerpError::MarketSettling).await;
        let give_back = market.give_back(&small.address(), large, 0);
        chain.refuse("while settling", &[give_back], &[&small.keypair], PerpError::WithdrawalNotLapsed).await;

        // and when it has opened again, then there is the whole window: its two days are 288 times ten minutes.
        for position in [stage.winner.position, stage.second.position, stage.loser.position] {
            chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
        }
        chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
        after(chain, &market, 0, Tick::at(50_000)).await;
        for _ in 0..288 {
            after(chain, &market, 600, Tick::at(50_000)).await;
        }
        chain.succeed("the last second", &complete, &[&large.keypair]).await;
        after(chain, &market, 1, Tick::at(50_000)).await;
        chain.refuse("late", &[market.complete(small, 0)], &[&small.keypair], PerpError::WithdrawalLapsed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_returns_that_do_not_belong() {
    let (mut chain, market, [alice, bob, _]) = three_leave().await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let trader = chain.trader(&market).await;
    let keeper = chain.somebody();
    let signer = [&keeper];
    for seconds in [600, 600, 1] {
        after(&mut chain, &market, seconds, Tick::at(50_000)).await;
    }
    let good = market.give_back(&keeper.pubkey(), &alice, 0);
    // Places: 0 caller, 1 market, 2 withdrawal, 3 payer, 4 escrow, 5 destination, 6 token program.

    chain.refuse("without a signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&good, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    let rent = with_account(&good, 3, keeper.pubkey());
    chain.refuse("the rent to the keeper", &[rent], &signer, PerpError::WrongRentRecipient).await;
    let elsewhere = with_account(&good, 4, other_market.keys.lp_escrow);
    chain.refuse("out of another escrow", &[elsewhere], &signer, PerpError::WrongLpEscrow).await;
    let keepers = chain.token_account(&market.keys.lp_mint, &keeper.pubkey(), 0);
    for (what, to) in [("the keeper", keepers), ("another provider", bob.shares)] {
        let thief = with_account(&good, 5, to);
        chain.refuse(&format!("the shares to {what}"), &[thief], &signer, PerpError::WrongRecipient).await;
    }
    let mismatched = with_account(&good, 5, alice.tokens);
    chain.refuse("shares into a BTC account", &[mismatched], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 6, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &good, 1, trader.position, &signer).await;
    refuses_strangers(&mut chain, &good, 2, exchange(), &signer).await;

    // To any of the owner's own accounts of shares.
    let another = chain.token_account(&market.keys.lp_mint, &alice.address(), 0);
    chain.succeed("as it should be", &[with_account(&good, 5, another)], &signer).await;
    assert_eq!(chain.tokens(&another).await, BTC);
}
