//! The harness itself: what it asserts after every transaction, it notices. A mistake of the program, imitated in the bytes.

use inverse_perps_engine::units::FineSats;
use inverse_perps_tests::harness::prelude::*;
use perps::client::accounts;

/// A market with a short, whose bytes a test then falsifies.
async fn with_a_short() -> (Chain, TestMarket, Trader) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&alice, Short, 1_000)], &[&alice.keypair]).await;
    (chain, market, alice)
}

async fn anything(mut chain: Chain, market: &TestMarket) {
    chain.succeed("anything", &[market.accrue()], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "tokens moved that the ledger does not know of")]
async fn notices_tokens_that_went_astray() {
    let (mut chain, market, _) = with_a_short().await;
    chain.expect_gift(&market, 1);
    anything(chain, &market).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "margin is not the sum of the positions' margins")]
async fn notices_margin_out_of_nothing() {
    let (mut chain, market, alice) = with_a_short().await;
    chain.edit_position(&alice.position, |position| position.state.margin = Sats::new(BTC)).await;
    anything(chain, &market).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "the Short side's sums are not those over its positions")]
async fn notices_costs_that_nobody_owes() {
    let (mut chain, market, _) = with_a_short().await;
    chain.edit_market(&market, |market| market.state.short.cost_owed = FineSats::new(-1)).await;
    anything(chain, &market).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "the market counts another number of events than were seen")]
async fn notices_an_event_that_was_not_seen() {
    let (mut chain, market, _) = with_a_short().await;
    chain.edit_market(&market, |market| market.event_sequence += 1).await;
    anything(chain, &market).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "the ledger changed without an event that says so")]
async fn notices_a_change_that_no_event_tells() {
    let (mut chain, market, _) = with_a_short().await;
    let mut account = chain.account(&market.keys.market).await.expect("the market exists");
    let mut state = accounts::market(&account.data).expect("a market");
    state.state.ledger.pool = Sats::new(state.state.ledger.pool.get() - 1);
    state.state.ledger.insurance = Sats::new(state.state.ledger.insurance.get() + 1);
    account.data[8..].copy_from_slice(bytemuck::bytes_of(&state));
    chain.set_account(&market.keys.market, account);
    anything(chain, &market).await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "the LP mint's supply is not what the market counts")]
async fn notices_shares_out_of_nothing() {
    let (mut chain, market, _) = with_a_short().await;
    chain.edit_market(&market, |market| market.state.pool_shares += 1).await;
    anything(chain, &market).await;
}
