//! `withdraw_collateral`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;
use perps::client::instructions::Withdrawal;

fn without_price(market: &TestMarket, trader: &Trader, sats: u64) -> Instruction {
    let Trader { position, tokens, .. } = *trader;
    let withdrawal = Withdrawal { owner: trader.address(), position, destination: tokens, price: None };
    instructions::withdraw_collateral(&market.keys, withdrawal, sats)
}

#[tokio::test(flavor = "multi_thread")]
async fn pays_out_flat_margin_without_a_price() {
    // Given a flat position with one bitcoin, and an oracle that has been silent for a year,
    let (mut chain, market) = Chain::with_market(still()).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.advance(365 * 86_400);

    // when its owner withdraws all of it,
    let sent = chain.succeed("withdraw", &[without_price(&market, &alice, BTC)], &[&alice.keypair]).await;

    // then she has it, and the event says so.
    assert_eq!(chain.tokens(&alice.tokens).await, 10 * BTC);
    assert_eq!(chain.tokens(&market.keys.vault).await, 0);
    assert_eq!(chain.position(&alice.position).await.state.margin, Sats::ZERO);
    let Event::CollateralWithdrawn(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.amount_sats.get(), event.margin_sats.get()), (alice.position, BTC, 0));
    assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.after_sats.margin.get()), (-100_000_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_initial_margin_to_the_satoshi_and_counts_no_profit_on_paper() {
    for direction in [Long, Short] {
        // Given $100,000 at $50,000 with 10,000,000 satoshi of margin. Fee: 5 bps of 2 BTC, 100,000, and the surcharge
        // 100,000^2 / (2 * 2e9) dollars, $2.50, 5,000 satoshi. Initial margin: 200 bps and 10 bps * 0.1, 201 bps of 2 BTC,
        // 4,020,000. So 10,000,000 - 105,000 - 4,020,000 = 5,875,000 can leave.
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, 10_000_000).await;
        let signer = [&alice.keypair];
        chain.succeed("open", &[market.open(&alice, direction, 100_000)], &signer).await;

        // When she asks for a satoshi more, then she is refused.
        chain.refuse("too much", &[market.withdraw(&alice, 5_875_001)], &signer, PerpError::MarginBelowInitial).await;
        // When she asks for what she may have but brings no price, then she is refused.
        chain.refuse("without a price", &[without_price(&market, &alice, 1)], &signer, PerpError::PriceRequired).await;

        // When the price has moved 2 % her way, then the profit adds nothing: initial margin alone follows the value.
        // Long at $51,000: 196,078,432 * 0.0201 = 3,941,176.5, so 5,953,823. Short at $49,000: 204,081,633 * 0.0201 =
        // 4,102,040.8, so 5,792,959.
        chain.advance(120);
        let (price, most) = if direction == Long { (51_000, 5_953_823) } else { (49_000, 5_792_959) };
        chain.post(&market, Tick::at(price));
        chain.refuse("profit", &[market.withdraw(&alice, most + 1)], &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("all that is free", &[market.withdraw(&alice, most)], &signer).await;
        assert_eq!(chain.tokens(&alice.tokens).await, 10 * BTC - 10_000_000 + most);
        chain.refuse("one more", &[market.withdraw(&alice, 1)], &signer, PerpError::MarginBelowInitial).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_a_loss_on_paper_at_the_worst_price() {
    // Given $100,000 long at $50,000 with 9,895,000 satoshi left after the fee, and a price of $49,050 +- $50: the bid is
    // $49,000, where the position is worth 204,081,633: a loss of 4,081,633, and initial margin 4,102,040.8 up.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(49_050).confident_to(50));

    // Then 9,895,000 - 4,081,633 - 4,102,041 = 1,711,326 can leave and no more.
    let too_much = market.withdraw(&alice, 1_711_327);
    chain.refuse("too much", &[too_much], &[&alice.keypair], PerpError::MarginBelowInitial).await;
    chain.succeed("all that is free", &[market.withdraw(&alice, 1_711_326)], &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_amounts_and_accounts_that_do_not_belong() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let other_mint = chain.new_mint(8);
    let alice = chain.trader_with(&market, 1_000).await;
    let bob = chain.trader_with(&market, 1_000).await;
    let signer = [&alice.keypair];
    let withdraw = market.withdraw(&alice, 10);
    // Places: 0 owner, 1 market, 2 position, 3 vault, 4 destination, 5 token program, 6 price.

    chain.refuse("nothing", &[market.withdraw(&alice, 0)], &signer, PerpError::AmountZero).await;
    let too_much = market.withdraw(&alice, 1_001);
    chain.refuse("more than the margin", &[too_much], &signer, PerpError::MarginBelowAmount).await;
    let bobs = with_account(&withdraw, 2, bob.position);
    chain.refuse("somebody else's margin", &[bobs], &signer, PerpError::NotOwner).await;
    chain.refuse("without the signature", &[unsigned(&withdraw, 0)], &[], ErrorCode::AccountNotSigner).await;

    chain.fill_pool(&other_market, BTC).await;
    let cross = with_account(&withdraw, 1, other_market.keys.market);
    chain.refuse("from another market", from_ref(&cross), &signer, PerpError::WrongMarket).await;
    let cross = with_account(&cross, 3, other_market.keys.vault);
    chain.refuse("from another market and vault", &[cross], &signer, PerpError::WrongMarket).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("somebody's", bob.tokens)] {
        let elsewhere = with_account(&withdraw, 3, vault);
        chain.refuse(&format!("from {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
    }
    let other_tokens = chain.token_account(&other_mint, &alice.address(), 0);
    let mismatched = with_account(&withdraw, 4, other_tokens);
    chain.refuse("to another mint's account", &[mismatched], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&withdraw, 5, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &withdraw, 1, alice.position, &signer).await;
    refuses_strangers(&mut chain, &withdraw, 2, exchange(), &signer).await;
    chain.rob_vault(&market, 1).await;
    chain.refuse("out of a vault that is short", &[withdraw], &signer, PerpError::VaultShort).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_position_needs_a_good_price() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Long, 1_000)], &[&alice.keypair]).await;
    let withdraw = market.withdraw(&alice, 1);
    refuses_bad_prices(&mut chain, &market, &withdraw, &[&alice.keypair], Limits::Instant).await;
    chain.succeed("with a good price", &[withdraw], &[&alice.keypair]).await;
}
