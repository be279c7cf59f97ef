//! `fund_insurance` and `donate_liquidity`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::LiquidityDeposit;

fn fund(market: &TestMarket, donor: &Trader, sats: u64) -> Instruction {
    instructions::fund_insurance(&market.keys, donor.address(), donor.tokens, sats)
}

fn donate(market: &TestMarket, donor: &Trader, sats: u64) -> Instruction {
    instructions::donate_liquidity(&market.keys, donor.address(), donor.tokens, sats)
}

#[tokio::test(flavor = "multi_thread")]
async fn adds_to_the_fund_and_to_nothing_else() {
    // Given a market, when somebody gives 1,234 satoshi,
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader(&market).await;
    let sent = chain.succeed("give", &[fund(&market, &alice, 1_234)], &[&alice.keypair]).await;

    // then insurance has them.
    let Event::InsuranceFunded(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.donor, event.amount_sats.get()), (alice.address(), 1_234));
    assert_eq!((event.ledger.delta_sats.insurance.get(), event.ledger.after_sats.insurance.get()), (1_234, 1_234));
    assert_eq!(chain.tokens(&market.keys.vault).await, 1_234);
    assert_eq!(chain.tokens(&alice.tokens).await, 10 * BTC - 1_234);
}

#[tokio::test(flavor = "multi_thread")]
async fn adds_to_the_pool_without_a_share_of_it() {
    // Given 1e10 shares of 1e10 satoshi, when somebody gives 1,234,567 satoshi, at no price,
    let (mut chain, market) = Chain::with_market(still()).await;
    let provider = chain.provider(&market, 100 * BTC).await;
    let alice = chain.trader(&market).await;
    chain.advance(86_400);
    let sent = chain.succeed("give", &[donate(&market, &alice, 1_234_567)], &[&alice.keypair]).await;

    // then the pool has them, and nobody has more shares.
    let Event::LiquidityDonated(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.donor, event.amount_sats.get()), (alice.address(), 1_234_567));
    let (delta, after) = (event.ledger.delta_sats, event.ledger.after_sats);
    assert_eq!((delta.pool.get(), after.pool.get(), after.insurance.get()), (1_234_567, 10_001_234_567, 0));
    assert_eq!(chain.tokens(&market.keys.vault).await, 10_001_234_567);
    assert_eq!(chain.tokens(&alice.tokens).await, 10 * BTC - 1_234_567);
    assert_eq!(chain.tokens(&provider.shares).await, 100 * BTC);
    assert_eq!(chain.market(&market.keys.market).await.state.pool_shares, 100 * BTC);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_makes_an_insolvent_pool_take_deposits_again() {
    // Given shares of a pool that has nothing left, which takes no deposits,
    let (mut chain, market) = Chain::with_pool(still(), BTC).await;
    let alice = chain.trader(&market).await;
    let shares = chain.token_account(&market.keys.lp_mint, &alice.address(), 0);
    let deposit =
        LiquidityDeposit { depositor: alice.address(), source: alice.tokens, destination: shares, price: market.price };
    let deposit = instructions::deposit_liquidity(&market.keys, deposit, 1_000, 0);
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::ZERO).await;
    chain.refuse("into an empty pool", from_ref(&deposit), &[&alice.keypair], PerpError::PoolNotSolvent).await;

    // when somebody gives a satoshi, then it takes them: 1,000 satoshi buy 1,000 * 100,001,000 / 1,001 = 99,901,098.9 down.
    chain.succeed("give", &[donate(&market, &alice, 1)], &[&alice.keypair]).await;
    chain.succeed("a deposit", &[deposit], &[&alice.keypair]).await;
    assert_eq!(chain.tokens(&shares).await, 99_901_098);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_does_not_belong() {
    type Give = fn(&TestMarket, &Trader, u64) -> Instruction;
    for give in [fund as Give, donate as Give] {
        let (mut chain, market) = Chain::with_market(still()).await;
        let other_market = chain.open_market(market.keys.mint, 1, still()).await;
        let other_mint = chain.new_mint(8);
        let alice = chain.trader(&market).await;
        let bob = chain.trader(&market).await;
        let signer = [&alice.keypair];
        let good = give(&market, &alice, 10);
        // Places: 0 donor, 1 market, 2 vault, 3 source, 4 token program.

        chain.refuse("nothing", &[give(&market, &alice, 0)], &signer, PerpError::AmountZero).await;
        let too_much = give(&market, &alice, 10 * BTC + 1);
        chain.refuse("more than there is", &[too_much], &signer, Refusal::INSUFFICIENT_TOKENS).await;
        for (what, vault) in [("another market's", other_market.keys.vault), ("her own", alice.tokens)] {
            let elsewhere = with_account(&good, 2, vault);
            chain.refuse(&format!("into {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
        }
        let worthless = chain.token_account(&other_mint, &alice.address(), BTC);
        chain.refuse("other tokens", &[with_account(&good, 3, worthless)], &signer, Refusal::MINT_MISMATCH).await;
        let stolen = with_account(&good, 3, bob.tokens);
        chain.refuse("somebody else's tokens", &[stolen], &signer, Refusal::OWNER_MISMATCH).await;
        let other_program = with_account(&good, 4, TOKEN_2022_PROGRAM);
        chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
        chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
        refuses_strangers(&mut chain, &good, 1, alice.position, &signer).await;
        chain.succeed("as it should be", from_ref(&good), &signer).await;
        chain.rob_vault(&market, 1).await;
        chain.refuse("into a vault that is short", &[good], &signer, PerpError::VaultShort).await;
    }
}
