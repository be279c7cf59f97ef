//! A market on a legacy Pyth price account.

use inverse_perps::state::OracleSource;
use inverse_perps_tests::harness::prelude::*;
use perps::client::pyth::RECEIVER;
use pyth_sdk_solana::state::PriceStatus;
use PerpError::*;

fn says(chain: &Chain, dollars: i64, age: i64) -> LegacySays {
    LegacySays {
        price_e8: dollars * 100_000_000,
        confidence_e8: 0,
        timestamp: chain.time() - age,
        status: PriceStatus::Trading,
    }
}

fn post(chain: &mut Chain, market: &TestMarket, says: LegacySays) {
    chain.post_account(&market.price, legacy_account(&says), LEGACY_PROGRAM);
}

/// A chain, and what creates a market on a legacy account at $50,000.
async fn creation(instant_fills: bool) -> (Chain, TestMarket, Instruction) {
    let mut chain = Chain::bare().await;
    chain.initialize().await;
    let mint = chain.new_mint(8);
    let market = TestMarket { keys: MarketKeys::find(mint, 0), price: Address::new_unique() };
    let now = says(&chain, 50_000, 0);
    post(&mut chain, &market, now);
    let oracle = OracleSource::PythLegacy { price_account: market.price };
    let args = CreateMarketArgs { index: 0, oracle, params: still(), instant_fills };
    let create = instructions::create_market(chain.admin.pubkey(), mint, market.price, args);
    (chain, market, create)
}

async fn legacy_market() -> (Chain, TestMarket) {
    let (mut chain, market, create) = creation(true).await;
    let admin = chain.admin.insecure_clone();
    chain.succeed("create a market on a legacy account", &[create], &[&admin]).await;
    (chain, market)
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_on_a_legacy_account() {
    // Given a market on a legacy account with a pool, when somebody opens long at $50,000 and closes at $51,000,
    let (mut chain, market) = legacy_market().await;
    let stored = chain.market(&market.keys.market).await;
    assert_eq!((stored.oracle_kind, stored.oracle), (1, market.price));
    chain.fill_pool(&market, 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    let later = says(&chain, 51_000, 0);
    post(&mut chain, &market, later);
    let sent = chain.succeed("close", &[market.close(&alice, Long)], &[&alice.keypair]).await;

    // then it is the same as on the pull oracle: a gain of 3,921,568.
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.fill.price_e8.get(), event.fill.pnl_sats.get()), (usd(51_000), 3_921_568));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_not_the_markets_trading_account() {
    let (mut chain, market) = legacy_market().await;
    chain.fill_pool(&market, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let signer = [&alice.keypair];
    let open = market.open(&alice, Short, 1_000);
    chain.advance(120);
    let now = says(&chain, 50_000, 0);
    let good = legacy_account(&now);

    let other = TestMarket { price: Address::new_unique(), ..market };
    post(&mut chain, &other, now);
    chain.refuse("another key", &[other.open(&alice, Short, 1_000)], &signer, WrongFeed).await;
    for owner in [RECEIVER, TOKEN_PROGRAM, inverse_perps::ID] {
        chain.post_account(&market.price, good.clone(), owner);
        chain.refuse("another owner", from_ref(&open), &signer, WrongOracleOwner).await;
    }
    for status in [PriceStatus::Unknown, PriceStatus::Halted, PriceStatus::Auction, PriceStatus::Ignored] {
        post(&mut chain, &market, LegacySays { status, ..now });
        chain.refuse(&format!("status {status}"), from_ref(&open), &signer, PriceNotTrading).await;
    }
    let with_word = |at: usize, word: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        bytes
    };
    let broken = [
        ("another magic number", with_word(0, 1)),
        ("another version", with_word(4, 3)),
        ("a product account", with_word(8, 2)),
        ("half an account", good[..good.len() / 2].to_vec()),
    ];
    for (what, bytes) in broken {
        chain.post_account(&market.price, bytes, LEGACY_PROGRAM);
        chain.refuse(what, from_ref(&open), &signer, WrongOracleAccount).await;
    }
    let late = says(&chain, 50_000, 4);
    post(&mut chain, &market, late);
    chain.refuse("four seconds old", from_ref(&open), &signer, PriceTooOld).await;
    let early = says(&chain, 50_000, -61);
    post(&mut chain, &market, early);
    chain.refuse("61 seconds ahead", from_ref(&open), &signer, PriceInFuture).await;
    post(&mut chain, &market, LegacySays { price_e8: -1, ..now });
    chain.refuse("a negative price", from_ref(&open), &signer, PriceNotPositive).await;
    post(&mut chain, &market, LegacySays { confidence_e8: usd(125) + 1, ..now });
    chain.refuse("too unsure", from_ref(&open), &signer, ConfidenceTooWide).await;
    post(&mut chain, &market, now);
    chain.succeed("as it should be", &[open], &signer).await;
}

/// A legacy account holds the newest price alone: there is no first price after an order to fill it at.
#[tokio::test(flavor = "multi_thread")]
async fn takes_no_orders() {
    let (mut chain, market) = legacy_market().await;
    chain.fill_pool(&market, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    for direction in [Long, Short] {
        let limit = usd(if direction == Long { 40_000 } else { 60_000 });
        for terms in [
            market_order(direction, more(1_000)),
            market_order(direction, OrderAmount::Close),
            resting(OrderType::Limit, direction, more(1_000), limit),
            resting(OrderType::Stop(limit), direction, OrderAmount::Close, limit),
        ] {
            let place = market.place(&alice, 0, &terms);
            chain.refuse(&format!("{terms:?}"), &[place], &[&alice.keypair], OrdersNeedPull).await;
        }
    }
    chain.succeed("at once", &[market.open(&alice, Long, 1_000)], &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_for_orders_alone_needs_a_price_history() {
    let (mut chain, _, create) = creation(false).await;
    let admin = chain.admin.insecure_clone();
    chain.refuse("for orders alone", &[create], &[&admin], LegacyFillsInstantly).await;
}
