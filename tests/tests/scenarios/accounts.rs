//! Cases 39 and 40: accounts that are given twice, more than asked for, or at the wrong address.

use inverse_perps::state::seeds;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::Withdrawal;

#[tokio::test(flavor = "multi_thread")]
async fn case_39_more_accounts_than_asked_for_change_nothing() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other = chain.open_market(market.keys.mint, 1, still()).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    let bob = chain.trader_with(&market, BTC).await;
    let mut open = market.open(&alice, Long, 100_000);
    for address in [market.keys.market, alice.position, bob.position, other.keys.market, market.keys.vault, other.price] {
        open.accounts.push(AccountMeta::new(address, false));
        open.accounts.push(AccountMeta::new_readonly(address, false));
    }
    chain.succeed("open with a crowd", &[open], &[&alice.keypair]).await;
    assert_eq!(chain.position(&alice.position).await.state.margin.get(), 9_895_000, "as without it");
    assert_eq!(chain.position(&bob.position).await.state.margin.get(), BTC);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_39_the_vault_as_a_destination_gives_nobody_anything() {
    // Given margin, when its owner withdraws it into the vault itself, then he has given it away: the ledger has let it go,
    // the vault still has it, and nobody can claim it.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 1_000).await;
    let vault = market.keys.vault;
    let Trader { position, .. } = alice;
    let withdrawal = Withdrawal { owner: alice.address(), position, destination: vault, price: None };
    let withdraw = instructions::withdraw_collateral(&market.keys, withdrawal, 1_000);
    chain.expect_gift(&market, 1_000);
    chain.succeed("withdraw into the vault", &[withdraw], &[&alice.keypair]).await;
    chain.refuse("withdraw again", &[market.withdraw(&alice, 1)], &[&alice.keypair], PerpError::MarginBelowAmount).await;

    // The same for a liquidator's reward: 15 bps of what was closed stay in the vault as nobody's.
    let victim = chain.trader_with(&market, 6_186_633).await;
    chain.succeed("open", &[market.open(&victim, Long, 100_000)], &[&victim.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(49_000));
    chain.expect_gift(&market, 184_390); // as derived in `liquidate`
    chain.succeed("liquidate into the vault", &[market.liquidate(victim.position, vault)], &[]).await;
}

/// Two markets of one mint share nothing: whatever is mixed between them is refused.
#[tokio::test(flavor = "multi_thread")]
async fn case_39_two_markets_of_one_mint_do_not_mix() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other = chain.open_market(market.keys.mint, 1, still()).await;
    chain.fill_pool(&other, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000)], &[&alice.keypair]).await;
    chain.advance(120);
    for market in [&market, &other] {
        chain.post(market, Tick::at(50_000));
    }
    // The position of one market beside everything else of the other.
    let signer = [&alice.keypair];
    let instructions = [
        ("deposit", other.deposit(&alice, 1)),
        ("withdraw", other.withdraw(&alice, 1)),
        ("increase", other.open(&alice, Long, 100)),
        ("decrease", other.close(&alice, Long)),
        ("close", instructions::close_position_account(&other.keys, alice.address(), alice.position)),
    ];
    for (what, instruction) in instructions {
        chain.refuse(what, &[instruction], &signer, PerpError::WrongMarket).await;
    }
    chain.refuse("liquidate", &[other.liquidate(alice.position, alice.tokens)], &[], PerpError::WrongMarket).await;
    chain.refuse("settle", &[other.settle(alice.position)], &[], PerpError::WrongMarket).await;
    // The price account of one serves the other, where the feed is the same: it is the feed that counts.
    let shared = TestMarket { price: other.price, ..market };
    chain.succeed("a price account of the same feed", &[shared.close(&alice, Long)], &signer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_40_only_the_canonical_address_is_created() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.somebody();
    let owner = alice.pubkey();
    let market_key = market.keys.market;
    let parts: [&[u8]; 4] = [seeds::POSITION, market_key.as_ref(), owner.as_ref(), &[0, 0]];
    let (canonical, bump) = Address::find_program_address(&parts, &inverse_perps::ID);
    let lower = (0..bump).rev().find_map(|bump| {
        let bump = [bump];
        let with_bump = [&parts[..], &[&bump[..]]].concat();
        Address::create_program_address(&with_bump, &inverse_perps::ID).ok()
    });
    let mut create = instructions::create_position(&market.keys, owner, 0);
    assert_eq!(create.accounts[2].pubkey, canonical);
    create.accounts[2].pubkey = lower.expect("one of two hundred bumps is off the curve");
    chain.refuse("a lower bump", &[create], &[&alice], ErrorCode::ConstraintSeeds).await;
    let create = instructions::create_position(&market.keys, owner, 0);
    chain.succeed("the canonical bump", &[create], &[&alice]).await;
    assert_eq!(chain.position(&canonical).await.bump, bump);
}
