//! Case 36: tokens sent by hand, and the first depositor.

use inverse_perps_tests::harness::prelude::*;

#[tokio::test(flavor = "multi_thread")]
async fn case_36_tokens_sent_by_hand_count_for_nothing() {
    // Given a first depositor of the least there may be, who sends 5 BTC into the vault by hand,
    let (mut chain, market) = Chain::with_market(still()).await;
    let first = chain.fill_pool(&market, 1_000_000).await;
    let attacker = chain.trader(&market).await;
    let gift = transfer(attacker.tokens, market.keys.vault, attacker.address(), 5 * BTC);
    chain.expect_gift(&market, 5 * BTC);
    chain.succeed("a gift", &[gift], &[&attacker.keypair]).await;

    // when the next one deposits, then his shares are as dear as before, to the satoshi,
    let second = chain.fill_pool(&market, 1_234_567).await;
    assert_eq!((chain.tokens(&first).await, chain.tokens(&second).await), (1_000_000, 1_234_567));

    // and nobody's margin grows, and nobody can take the gift.
    let ledger = chain.market(&market.keys.market).await.state.ledger;
    assert_eq!((ledger.margin.get(), ledger.pool.get()), (0, 2_234_567));
    let take = market.withdraw(&attacker, 1);
    chain.refuse("take it back", &[take], &[&attacker.keypair], PerpError::MarginBelowAmount).await;
}

/// Nothing but the market spends from the vault or mints shares, whoever signs.
#[tokio::test(flavor = "multi_thread")]
async fn the_vault_answers_to_the_market_alone() {
    let (mut chain, market) = Chain::with_pool(still(), BTC).await;
    let admin = chain.admin.insecure_clone();
    let thief = chain.token_account(&market.keys.mint, &admin.pubkey(), 0);
    let shares = chain.token_account(&market.keys.lp_mint, &admin.pubkey(), 0);
    let vault = market.keys.vault;
    let attempts = [
        ("transfer", transfer(vault, thief, admin.pubkey(), 1), Refusal::OWNER_MISMATCH),
        ("approve", approve(vault, thief, admin.pubkey(), 1), Refusal::OWNER_MISMATCH),
        ("mint", mint_to(market.keys.lp_mint, shares, admin.pubkey(), 1), Refusal::OWNER_MISMATCH),
    ];
    for (what, instruction, error) in attempts {
        chain.refuse(&format!("the admin's {what}"), &[instruction], &[&admin], error).await;
    }
}
