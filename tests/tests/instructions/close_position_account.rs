//! `close_position_account`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

fn close(market: &TestMarket, trader: &Trader) -> Instruction {
    instructions::close_position_account(&market.keys, trader.address(), trader.position)
}

/// The system program's transfer.
fn send_lamports(from: &Address, to: &Address, lamports: u64) -> Instruction {
    let data = [&2u32.to_le_bytes()[..], &lamports.to_le_bytes()].concat();
    let accounts = vec![AccountMeta::new(*from, true), AccountMeta::new(*to, false)];
    Instruction { program_id: Address::default(), accounts, data }
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_the_rent_and_leaves_nothing() {
    // Given a position that had margin and gave it back,
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("withdraw", &[market.withdraw(&alice, BTC)], &[&alice.keypair]).await;

    // when she closes the account,
    let sent = chain.succeed("close", &[close(&market, &alice)], &[&alice.keypair]).await;

    // then the rent is back to the lamport, the account is gone and the event says so.
    let left = chain.account(&alice.address()).await.expect("she has lamports").lamports;
    assert_eq!(left, 1_000_000_000_000, "the rent came back whole");
    assert_eq!(chain.account(&alice.position).await, None);
    let Event::PositionAccountClosed(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.position, event.owner), (market.keys.market, alice.position, alice.address()));

    // And the same address can be created anew, empty.
    let create = instructions::create_position(&market.keys, alice.address(), 0);
    chain.succeed("create again", &[create], &[&alice.keypair]).await;
    assert_eq!(chain.position(&alice.position).await.state, inverse_perps_engine::Position::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_empty_or_not_the_signers() {
    // Where orders need no tip, one can rest beside a position that holds nothing.
    let (mut chain, market) = Chain::with_pool(Params { min_order_tip: Sats::ZERO, ..still() }, 100 * BTC).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader(&market).await;

    chain.refuse("with margin", &[close(&market, &alice)], &[&alice.keypair], PerpError::PositionNotEmpty).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000)], &[&alice.keypair]).await;
    chain.refuse("with a position", &[close(&market, &alice)], &[&alice.keypair], PerpError::PositionNotEmpty).await;
    chain.edit_position(&bob.position, |position| position.state.claim = Sats::new(1)).await;
    chain.edit_market(&market, |market| market.state.lifecycle.claims = Sats::new(1)).await;
    chain.refuse("with a claim", &[close(&market, &bob)], &[&bob.keypair], PerpError::PositionNotEmpty).await;
    chain.edit_position(&bob.position, |position| position.state.claim = Sats::ZERO).await;
    chain.edit_market(&market, |market| market.state.lifecycle.claims = Sats::ZERO).await;
    let limit = resting(OrderType::Limit, Long, more(100), usd(40_000));
    let order = market.place(&bob, 0, &orders::OrderTerms { tip_sats: 0, ..limit });
    chain.succeed("an order", &[order], &[&bob.keypair]).await;
    chain.refuse("with an order", &[close(&market, &bob)], &[&bob.keypair], PerpError::PositionNotEmpty).await;
    chain.succeed("take it back", &[market.cancel_order(&bob, 0)], &[&bob.keypair]).await;

    let by_alice = with_account(&close(&market, &bob), 0, alice.address());
    chain.refuse("somebody else's", &[by_alice], &[&alice.keypair], PerpError::NotOwner).await;
    let silent = unsigned(&close(&market, &bob), 0);
    chain.refuse("without the signature", &[silent], &[], ErrorCode::AccountNotSigner).await;
    let elsewhere = with_account(&close(&market, &bob), 1, other_market.keys.market);
    chain.refuse("of another market", &[elsewhere], &[&bob.keypair], PerpError::WrongMarket).await;
    refuses_strangers(&mut chain, &close(&market, &bob), 1, bob.position, &[&bob.keypair]).await;
    refuses_strangers(&mut chain, &close(&market, &bob), 2, exchange(), &[&bob.keypair]).await;
}

/// Case 40: an account that is closed and kept alive with lamports in the same transaction is nobody's position any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_account_cannot_be_revived() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader(&market).await;
    let rent = 10_000_000;

    let revive = [close(&market, &alice), send_lamports(&alice.address(), &alice.position, rent)];
    chain.succeed("close and keep alive", &revive, &[&alice.keypair]).await;

    let ghost = chain.account(&alice.position).await.expect("it has lamports");
    assert_eq!((ghost.owner, ghost.data.len(), ghost.lamports), (Address::default(), 0, rent));
    let deposit = market.deposit(&alice, 1);
    chain.refuse("deposit to the ghost", &[deposit], &[&alice.keypair], ErrorCode::AccountOwnedByWrongProgram).await;
    let again = close(&market, &alice);
    chain.refuse("close the ghost", &[again], &[&alice.keypair], ErrorCode::AccountOwnedByWrongProgram).await;
    let create = instructions::create_position(&market.keys, alice.address(), 0);
    chain.succeed("create where the ghost is", &[create], &[&alice.keypair]).await;
    assert_eq!(chain.position(&alice.position).await.state, inverse_perps_engine::Position::default());

    let closed_and_used = [close(&market, &alice), market.deposit(&alice, 1)];
    let gone = ErrorCode::AccountOwnedByWrongProgram;
    chain.refuse("close and use at once", &closed_and_used, &[&alice.keypair], gone).await;
}
