//! `deposit_collateral`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

#[tokio::test(flavor = "multi_thread")]
async fn adds_margin_from_anyone() {
    // Given a position with 1,000 satoshi, and somebody else,
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader_with(&market, 1_000).await;
    let bob = chain.trader(&market).await;

    // when the other one pays 234 into it,
    let gift = instructions::deposit_collateral(&market.keys, bob.address(), alice.position, bob.tokens, 234);
    let sent = chain.succeed("a gift", &[gift], &[&bob.keypair]).await;

    // then margin, ledger and vault hold 1,234, and the event says who paid.
    assert_eq!(chain.position(&alice.position).await.state.margin, Sats::new(1_234));
    assert_eq!(chain.tokens(&market.keys.vault).await, 1_234);
    assert_eq!(chain.tokens(&bob.tokens).await, 10 * BTC - 234);
    let Event::CollateralDeposited(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.depositor), (alice.position, bob.address()));
    assert_eq!((event.amount_sats.get(), event.margin_sats.get()), (234, 1_234));
    assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.after_sats.margin.get()), (234, 1_234));

    // And it needs no price: an open position takes margin while the oracle is silent for a year.
    chain.fill_pool(&market, 100 * BTC).await;
    chain.succeed("margin", &[market.deposit(&alice, BTC)], &[&alice.keypair]).await;
    chain.succeed("open", &[market.open(&alice, Short, 1_000)], &[&alice.keypair]).await;
    chain.advance(365 * 86_400);
    chain.succeed("a year later", &[market.deposit(&alice, 5)], &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_amounts_that_cannot_be() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader_with(&market, 1).await;
    let signer = [&alice.keypair];

    chain.refuse("nothing", &[market.deposit(&alice, 0)], &signer, PerpError::AmountZero).await;
    let too_much = market.deposit(&alice, 10 * BTC);
    chain.refuse("more than there is", &[too_much], &signer, Refusal::INSUFFICIENT_TOKENS).await;
    chain.refuse("beyond 64 bits", &[market.deposit(&alice, u64::MAX)], &signer, PerpError::Overflow).await;

    // A vault that lacks a satoshi takes no more: a state that no transaction reaches.
    chain.rob_vault(&market, 1).await;
    chain.refuse("into a vault that is short", &[market.deposit(&alice, 5)], &signer, PerpError::VaultShort).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let other_mint = chain.new_mint(8);
    let alice = chain.trader_with(&market, 1_000).await;
    let bob = chain.trader(&market).await;
    let signer = [&alice.keypair];
    let deposit = market.deposit(&alice, 100);
    // Places: 0 depositor, 1 market, 2 position, 3 vault, 4 source, 5 token program.

    let cross = with_account(&deposit, 1, other_market.keys.market);
    chain.refuse("the market of another position", from_ref(&cross), &signer, PerpError::WrongMarket).await;
    let cross = with_account(&cross, 3, other_market.keys.vault);
    chain.refuse("another market with its vault", &[cross], &signer, PerpError::WrongMarket).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("his own", alice.tokens)] {
        let elsewhere = with_account(&deposit, 3, vault);
        chain.refuse(&format!("into {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
    }
    let worthless = chain.token_account(&other_mint, &alice.address(), BTC);
    let worthless = with_account(&deposit, 4, worthless);
    chain.refuse("tokens of another mint", &[worthless], &signer, Refusal::MINT_MISMATCH).await;
    let stolen = with_account(&deposit, 4, bob.tokens);
    chain.refuse("somebody else's tokens", &[stolen], &signer, Refusal::OWNER_MISMATCH).await;
    let circular = with_account(&deposit, 4, market.keys.vault);
    chain.refuse("out of the vault itself", &[circular], &signer, Refusal::OWNER_MISMATCH).await;
    for program in [TOKEN_2022_PROGRAM, inverse_perps::ID] {
        let other_program = with_account(&deposit, 5, program);
        chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    }
    chain.refuse("without the signature", &[unsigned(&deposit, 0)], &[], ErrorCode::AccountNotSigner).await;
    refuses_strangers(&mut chain, &deposit, 1, alice.position, &signer).await;
    refuses_strangers(&mut chain, &deposit, 2, exchange(), &signer).await;
    let confused = with_account(&deposit, 2, market.keys.market);
    chain.refuse("the market as position", &[confused], &signer, ErrorCode::AccountDiscriminatorMismatch).await;
}
