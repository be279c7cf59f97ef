//! `request_withdrawal`, `complete_withdrawal` and `cancel_withdrawal`; the window and `return_withdrawal` are in
//! `withdrawal_window`.

use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;
use perps::client::instructions::Leaving;

/// Withdrawals that wait a second and can be completed for ten minutes.
fn soon() -> Params {
    Params { cool_down: Seconds::new(1), withdrawal_window: Seconds::new(600), ..still() }
}

fn complete_for(market: &TestMarket, provider: &Provider, id: u64, min_sats: u64) -> Instruction {
    let leaving = Leaving { owner: provider.address(), id, destination: provider.tokens };
    instructions::complete_withdrawal(&market.keys, leaving, Some(market.price), min_sats)
}

#[tokio::test(flavor = "multi_thread")]
async fn shares_go_to_escrow_and_come_out_as_bitcoin() {
    // Given 1e10 shares of a pool that has earned 63,000 satoshi,
    let (mut chain, market) = Chain::with_market(soon()).await;
    let alice = chain.provider(&market, 100 * BTC).await;
    let trader = chain.trader_with(&market, BTC).await;
    chain.succeed("a long", &[market.open(&trader, Long, 100_000)], &[&trader.keypair]).await;
    let payer = chain.somebody();
    let rich = lamports(&chain, &payer.pubkey()).await;

    // when their owner asks for a tenth of it, and somebody else pays the rent,
    let request = with_account(&market.request(&alice, 7, 10 * BTC), 1, payer.pubkey());
    let sent = chain.succeed("request", &[request], &[&alice.keypair, &payer]).await;

    // then the shares are in escrow and in the queue.
    let address = market.keys.withdrawal(&alice.address(), 7);
    let Event::WithdrawalRequested(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.withdrawal, event.owner), (address, alice.address()));
    assert_eq!((event.shares, event.queued_shares_after), (10 * BTC, 10 * BTC));
    assert_eq!(chain.tokens(&market.keys.lp_escrow).await, 10 * BTC);
    assert_eq!(chain.tokens(&alice.shares).await, 90 * BTC);
    let withdrawal = chain.withdrawal(&address).await;
    assert_eq!((withdrawal.market, withdrawal.owner, withdrawal.payer), (market.keys.market, alice.address(), payer.pubkey()));
    assert_eq!((withdrawal.id, withdrawal.state.shares, withdrawal.state.requested_at.get()), (7, 10 * BTC, chain.time()));
    assert!(lamports(&chain, &payer.pubkey()).await < rich);

    // When she completes it, then she gets 1e9 * (10,000,063,000 + 1,000) / (1e10 + 1,000) = 1,000,006,299.4, down: not a
    // satoshi more if she asks for it, and the rent goes back to who paid it.
    chain.advance(1);
    chain.post(&market, Tick::at(50_000));
    let complete = |least| with_account(&complete_for(&market, &alice, 7, least), 3, payer.pubkey());
    let greedy = complete(1_000_006_300);
    chain.refuse("a satoshi too much", &[greedy], &[&alice.keypair], PerpError::PayoutTooSmall).await;
    let sent = chain.succeed("complete", &[complete(1_000_006_299)], &[&alice.keypair]).await;
    let Event::WithdrawalCompleted(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.withdrawal, event.owner), (address, alice.address()));
    assert_eq!((event.shares, event.amount_sats.get()), (10 * BTC, 1_000_006_299));
    assert_eq!((event.shares_after, event.queued_shares_after), (90 * BTC, 0));
    assert_eq!(event.ledger.delta_sats.pool.get(), -1_000_006_299);
    assert_eq!(chain.tokens(&alice.tokens).await, 1_000_006_299);
    assert_eq!(chain.tokens(&market.keys.lp_escrow).await, 0);
    assert_eq!(lamports(&chain, &payer.pubkey()).await, rich);
    assert!(chain.account(&address).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_goes_back() {
    let (mut chain, market) = Chain::with_market(soon()).await;
    let alice = chain.provider(&market, BTC).await;
    let before = lamports(&chain, &alice.address()).await;
    chain.succeed("request", &[market.request(&alice, 0, 1_000)], &[&alice.keypair]).await;
    chain.succeed("another", &[market.request(&alice, 1, 234)], &[&alice.keypair]).await;
    let sent = chain.succeed("cancel", &[market.cancel(&alice, 0)], &[&alice.keypair]).await;
    let Event::WithdrawalReturned(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.withdrawal, event.owner), (market.keys.withdrawal(&alice.address(), 0), alice.address()));
    assert_eq!((event.shares, event.queued_shares_after, event.lapsed), (1_000, 234, 0));
    assert_eq!(chain.tokens(&alice.shares).await, BTC - 234);
    chain.succeed("cancel", &[market.cancel(&alice, 1)], &[&alice.keypair]).await;
    assert_eq!(lamports(&chain, &alice.address()).await, before);

    // The same id can be used again, and lamports that somebody has sent to its address do not matter.
    chain.give_lamports(&market.keys.withdrawal(&alice.address(), 0));
    chain.succeed("request", &[market.request(&alice, 0, 1)], &[&alice.keypair]).await;
}

/// What one tenth of a pool of 10,000,063,000 is paid beside $100,000 from $50,000, a minute and more after.
async fn check_price(direction: PositionDirection, earlier: Option<Tick>, tick: Tick, payout: u64) {
    let (mut chain, market) = Chain::with_market(soon()).await;
    let alice = chain.provider(&market, 100 * BTC).await;
    let trader = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&trader, direction, 100_000)], &[&trader.keypair]).await;
    chain.succeed("request", &[market.request(&alice, 0, 10 * BTC)], &[&alice.keypair]).await;
    chain.advance(120);
    if let Some(earlier) = earlier {
        chain.post(&market, earlier);
        chain.succeed("an earlier price", &[market.accrue()], &[]).await;
        chain.advance(1);
    }
    chain.post(&market, tick);
    chain.succeed("complete", &[market.complete(&alice, 0)], &[&alice.keypair]).await;
    assert_eq!(chain.tokens(&alice.tokens).await, payout, "{direction:?} at {tick:?} after {earlier:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pays_at_the_cheapest_price_and_counts_no_loss_on_paper() {
    // A long is worth 196,078,431 down at $51,000 and has won 3,921,569: a tenth of 9,996,141,431 is 999,614,143.1. It has
    // lost at $49,000, which counts for nothing: 1,000,006,299, as without any price.
    let won = Tick::at(51_000);
    check_price(Long, None, won, 999_614_143).await;
    check_price(Long, None, Tick::at(50_900).confident_to(100), 999_614_143).await;
    check_price(Long, Some(won), Tick::at(50_000), 999_614_143).await;
    check_price(Long, None, Tick::at(49_000), 1_000_006_299).await;
    // A short is worth 204,081,633 up at $49,000 and has won 4,081,633: a tenth of 9,995,981,367 is 999,598,136.7.
    let won = Tick::at(49_000);
    check_price(Short, None, won, 999_598_136).await;
    check_price(Short, None, Tick::at(49_100).confident_to(100), 999_598_136).await;
    check_price(Short, Some(won), Tick::at(50_000), 999_598_136).await;
    check_price(Short, None, Tick::at(51_000), 1_000_006_299).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_the_requirement_backed_but_not_by_what_stays_in_the_queue() {
    // $100,000 long need 285,714,286 of the pool, short 122,448,980, as derived in `increase_position`. Half of a pool that
    // is twice that or a satoshi less, down, leaves as much; all the other shares are in the queue too.
    for (direction, enough) in [(Long, 571_428_571), (Short, 244_897_959)] {
        let (mut chain, market) = Chain::with_market(soon()).await;
        let alice = chain.provider(&market, 10 * BTC).await;
        let signer = [&alice.keypair];
        let trader = chain.trader_with(&market, BTC).await;
        chain.succeed("open", &[market.open(&trader, direction, 100_000)], &[&trader.keypair]).await;
        chain.succeed("request", &[market.request(&alice, 0, 5 * BTC)], &signer).await;
        chain.succeed("the rest", &[market.request(&alice, 1, 5 * BTC)], &signer).await;
        chain.advance(1);
        chain.post(&market, Tick::at(50_000));
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(enough - 1)).await;
        let complete = [market.complete(&alice, 0)];
        chain.refuse("a satoshi short", &complete, &signer, PerpError::ReserveExceeded).await;
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(enough)).await;
        chain.succeed("just enough", &complete, &signer).await;
        assert_eq!(chain.tokens(&alice.tokens).await, enough / 2);
        chain.refuse("the rest", &[market.complete(&alice, 1)], &signer, PerpError::ReserveExceeded).await;

        // When the position is gone, then the rest can leave: the last one takes the whole pool.
        chain.advance(60);
        chain.post(&market, Tick::at(50_000));
        chain.succeed("close", &[market.close(&trader, direction)], &[&trader.keypair]).await;
        chain.succeed("the rest", &[market.complete(&alice, 1)], &signer).await;
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!((state.ledger.pool, state.pool_shares, state.queued_shares), (Sats::ZERO, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_backs_no_new_position() {
    // With three fifths of the shares in the queue, two fifths of the pool must do: 0.4 * 714,285,715 = 285,714,286 for a
    // long, 0.4 * 306,122,450 = 122,448,980 for a short; a satoshi less in the pool is a satoshi too few. 63,000 of it are
    // the fee.
    for (direction, enough) in [(Long, 714_285_715), (Short, 306_122_450)] {
        let (mut chain, market) = Chain::with_market(soon()).await;
        let alice = chain.provider(&market, 10 * BTC).await;
        let trader = chain.trader_with(&market, BTC).await;
        let open = [market.open(&trader, direction, 100_000)];
        chain.succeed("request", &[market.request(&alice, 0, 6 * BTC)], &[&alice.keypair]).await;
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(enough - 63_001)).await;
        chain.refuse("a satoshi short", &open, &[&trader.keypair], PerpError::ReserveExceeded).await;
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(enough - 63_000)).await;
        chain.succeed("one share more", &[market.request(&alice, 1, 1)], &[&alice.keypair]).await;
        chain.refuse("a share too many", &open, &[&trader.keypair], PerpError::ReserveExceeded).await;
        chain.succeed("that share back", &[market.cancel(&alice, 1)], &[&alice.keypair]).await;
        chain.succeed("just enough", &open, &[&trader.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_requests_that_do_not_belong() {
    let (mut chain, market) = Chain::with_market(soon()).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.provider(&market, BTC).await;
    let bob = chain.provider(&market, BTC).await;
    let trader = chain.trader(&market).await;
    let signer = [&alice.keypair];
    let good = market.request(&alice, 0, 10);
    // Places: 0 owner, 1 payer, 2 market, 3 withdrawal, 4 source, 5 escrow, 6 token program, 7 system program.

    chain.refuse("nothing", &[market.request(&alice, 0, 0)], &signer, PerpError::AmountZero).await;
    let too_many = market.request(&alice, 0, BTC + 1);
    chain.refuse("more than there are", &[too_many], &signer, Refusal::INSUFFICIENT_TOKENS).await;
    let own = chain.token_account(&market.keys.lp_mint, &alice.address(), 10);
    for (what, escrow) in [("another market's", other_market.keys.lp_escrow), ("her own", own)] {
        let elsewhere = with_account(&good, 5, escrow);
        chain.refuse(&format!("into {what} escrow"), &[elsewhere], &signer, PerpError::WrongLpEscrow).await;
    }
    let cross = with_account(&good, 2, other_market.keys.market);
    chain.refuse("in another market", from_ref(&cross), &signer, ErrorCode::ConstraintSeeds).await;
    let cross = with_account(&cross, 3, other_market.keys.withdrawal(&alice.address(), 0));
    chain.refuse("with another market's withdrawal", &[cross], &signer, PerpError::WrongLpEscrow).await;
    let bobs = with_account(&good, 3, market.keys.withdrawal(&bob.address(), 0));
    chain.refuse("somebody else's withdrawal", &[bobs], &signer, ErrorCode::ConstraintSeeds).await;
    let stolen = with_account(&good, 4, bob.shares);
    chain.refuse("somebody else's shares", &[stolen], &signer, Refusal::OWNER_MISMATCH).await;
    let no_shares = chain.token_account(&market.keys.mint, &alice.address(), BTC);
    chain.refuse("bitcoin", &[with_account(&good, 4, no_shares)], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 6, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    let somebody = chain.somebody();
    let unsigned_owner = unsigned(&with_account(&good, 1, somebody.pubkey()), 0);
    chain.refuse("without the signature", &[unsigned_owner], &[&somebody], ErrorCode::AccountNotSigner).await;
    refuses_strangers(&mut chain, &good, 2, trader.position, &signer).await;
    chain.succeed("as it should be", from_ref(&good), &signer).await;
    chain.refuse("the same id", &[good], &signer, Refusal::ADDRESS_IN_USE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_completions_that_do_not_belong() {
    let (mut chain, market) = Chain::with_market(Params { withdrawal_window: Seconds::new(86_400), ..soon() }).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.provider(&market, BTC).await;
    let bob = chain.provider(&market, BTC).await;
    let trader = chain.trader(&market).await;
    chain.succeed("request", &[market.request(&alice, 0, 10_000)], &[&alice.keypair]).await;
    chain.advance(1);
    chain.post(&market, Tick::at(50_000));
    let signer = [&alice.keypair];
    let good = market.complete(&alice, 0);
    // Places: 0 owner, 1 market, 2 withdrawal, 3 payer, 4 vault, 5 escrow, 6 LP mint, 7 destination, 8 token program, 9
    // price.

    let thief = with_account(&with_account(&good, 0, bob.address()), 7, bob.tokens);
    chain.refuse("somebody else's withdrawal", &[thief], &[&bob.keypair], PerpError::NotOwner).await;
    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&good, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    let rent = with_account(&good, 3, bob.address());
    chain.refuse("the rent to somebody else", &[rent], &signer, PerpError::WrongRentRecipient).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("somebody's", bob.tokens)] {
        let elsewhere = with_account(&good, 4, vault);
        chain.refuse(&format!("out of {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
    }
    for (what, escrow) in [("another market's", other_market.keys.lp_escrow), ("somebody's", bob.shares)] {
        let elsewhere = with_account(&good, 5, escrow);
        chain.refuse(&format!("out of {what} escrow"), &[elsewhere], &signer, PerpError::WrongLpEscrow).await;
    }
    for (what, mint) in [("another market's", other_market.keys.lp_mint), ("the bitcoin's", market.keys.mint)] {
        let elsewhere = with_account(&good, 6, mint);
        chain.refuse(&format!("of {what} mint"), &[elsewhere], &signer, PerpError::WrongLpMint).await;
    }
    let mismatched = with_account(&good, 7, alice.shares);
    chain.refuse("bitcoin into an account of shares", &[mismatched], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 8, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    let leaving = Leaving { owner: alice.address(), id: 0, destination: alice.tokens };
    let no_price = instructions::complete_withdrawal(&market.keys, leaving, None, 0);
    chain.refuse("without a price", &[no_price], &signer, PerpError::PriceRequired).await;
    refuses_strangers(&mut chain, &good, 1, trader.position, &signer).await;
    refuses_strangers(&mut chain, &good, 2, exchange(), &signer).await;
    refuses_bad_prices(&mut chain, &market, &good, &signer, Limits::Instant).await;
    chain.rob_vault(&market, 1).await;
    chain.refuse("out of a vault that is short", &[good], &signer, PerpError::VaultShort).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_cancellations_that_do_not_belong() {
    let (mut chain, market) = Chain::with_market(soon()).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.provider(&market, BTC).await;
    let bob = chain.provider(&market, BTC).await;
    let trader = chain.trader(&market).await;
    chain.succeed("request", &[market.request(&alice, 0, 10_000)], &[&alice.keypair]).await;
    let signer = [&alice.keypair];
    let good = market.cancel(&alice, 0);
    // Places: 0 caller, 1 market, 2 withdrawal, 3 payer, 4 escrow, 5 destination, 6 token program.

    let bobs = with_account(&good, 0, bob.address());
    chain.refuse("somebody else's withdrawal", &[bobs], &[&bob.keypair], PerpError::NotOwner).await;
    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&good, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    let rent = with_account(&good, 3, bob.address());
    chain.refuse("the rent to somebody else", &[rent], &signer, PerpError::WrongRentRecipient).await;
    for (what, escrow) in [("another market's", other_market.keys.lp_escrow), ("somebody's", bob.shares)] {
        let elsewhere = with_account(&good, 4, escrow);
        chain.refuse(&format!("out of {what} escrow"), &[elsewhere], &signer, PerpError::WrongLpEscrow).await;
    }
    let bobs = with_account(&good, 5, bob.shares);
    chain.refuse("to somebody else", &[bobs], &signer, PerpError::WrongRecipient).await;
    let no_account = with_account(&good, 5, alice.address());
    chain.refuse("to no token account", &[no_account], &signer, PerpError::WrongRecipient).await;
    let mismatched = with_account(&good, 5, alice.tokens);
    chain.refuse("shares into a BTC account", &[mismatched], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 6, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &good, 1, trader.position, &signer).await;
    refuses_strangers(&mut chain, &good, 2, exchange(), &signer).await;
    chain.succeed("as it should be", &[good], &signer).await;
}
