//! `create_position`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

#[tokio::test(flavor = "multi_thread")]
async fn opens_an_empty_margin_account() {
    // Given a market and somebody with lamports,
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.somebody();

    // when she creates the last of her sub-accounts,
    let create = instructions::create_position(&market.keys, alice.pubkey(), 65_535);
    let sent = chain.succeed("create", &[create], &[&alice]).await;

    // then it is hers, empty, and paid for by her, and the event says so.
    let address = market.keys.position(&alice.pubkey(), 65_535);
    let position = chain.position(&address).await;
    assert_eq!((position.version, position.sub_account), (1, 65_535));
    assert_eq!((position.market, position.owner), (market.keys.market, alice.pubkey()));
    assert_eq!((position.delegate, position.state), (Address::default(), inverse_perps_engine::Position::default()));
    let Event::PositionCreated(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.position, event.owner), (market.keys.market, address, alice.pubkey()));
    assert_eq!(event.sub_account, 65_535);
    let rent = chain.account(&address).await.expect("the position exists").lamports;
    let left = chain.account(&alice.pubkey()).await.expect("she has lamports left").lamports;
    assert_eq!(left, 1_000_000_000_000 - rent, "the owner pays the rent and nothing else");

    // And sub-account 0 is another account.
    let other = instructions::create_position(&market.keys, alice.pubkey(), 0);
    chain.succeed("create another", &[other], &[&alice]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_its_own_address_once() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let [alice, bob] = [chain.somebody(), chain.somebody()];
    let create = instructions::create_position(&market.keys, alice.pubkey(), 0);
    chain.succeed("create", from_ref(&create), &[&alice]).await;

    chain.refuse("again", from_ref(&create), &[&alice], Refusal::ADDRESS_IN_USE).await;
    let bobs = market.keys.position(&bob.pubkey(), 0);
    let stolen = with_account(&create, 2, bobs);
    chain.refuse("at somebody else's address", &[stolen], &[&alice], ErrorCode::ConstraintSeeds).await;
    let mut other_number = instructions::create_position(&market.keys, alice.pubkey(), 1);
    other_number.accounts[2].pubkey = market.keys.position(&alice.pubkey(), 2);
    chain.refuse("at another number's address", &[other_number], &[&alice], ErrorCode::ConstraintSeeds).await;
    let for_bob = instructions::create_position(&market.keys, bob.pubkey(), 0);
    chain.refuse("for somebody who did not sign", &[unsigned(&for_bob, 0)], &[], ErrorCode::AccountNotSigner).await;
    let wrong_system = with_account(&for_bob, 3, TOKEN_PROGRAM);
    chain.refuse("with another system program", &[wrong_system], &[&bob], ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &for_bob, 1, exchange(), &[&bob]).await;
}
