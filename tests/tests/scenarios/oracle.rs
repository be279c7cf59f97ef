//! Cases 1 to 7 and 9: which prices count.

use crate::BOTH;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::LiquidityDeposit;

async fn stored_price(chain: &Chain, market: &TestMarket) -> u64 {
    chain.market(&market.keys.market).await.state.prices.price.get()
}

#[tokio::test(flavor = "multi_thread")]
async fn case_01_age_is_unix_time_to_the_second() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let open = market.open(&alice, Long, 100);
    chain.advance(120);
    chain.post(&market, Tick::at(50_000).aged(4));
    chain.refuse("four seconds, instant", from_ref(&open), &[&alice.keypair], PerpError::PriceTooOld).await;
    chain.succeed("four seconds, upkeep", &[market.accrue()], &[]).await;
    chain.post(&market, Tick::at(50_000).aged(3));
    chain.succeed("three seconds, instant", from_ref(&open), &[&alice.keypair]).await;
    // The slot says nothing about age: a thousand slots in no time at all change nothing.
    chain.set_clock(chain.time(), chain.slot() + 1_000);
    chain.succeed("three seconds, many slots later", from_ref(&open), &[&alice.keypair]).await;
    chain.set_clock(chain.time() + 1, chain.slot());
    chain.refuse("the next second in the same slot", &[open], &[&alice.keypair], PerpError::PriceTooOld).await;
    chain.advance(120);
    chain.post(&market, Tick::at(50_000).aged(16));
    chain.refuse("16 seconds, upkeep", &[market.accrue()], &[], PerpError::PriceTooOld).await;
    chain.post(&market, Tick::at(50_000).aged(15));
    chain.succeed("15 seconds, upkeep", &[market.accrue()], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_02_and_03_only_the_markets_fully_verified_feed_counts_for_anything() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let victim = chain.trader_with(&market, 6_000_000).await;
    let keeper = chain.trader_with(&market, BTC).await;
    chain.succeed("open", &[market.open(&victim, Long, 100_000)], &[&victim.keypair]).await;
    chain.advance(120);

    // A crash that would liquidate the victim, told by another feed, by too few guardians, or by an impostor.
    let crash = chain.update(Tick::at(45_000));
    let mut another_feed = crash.clone();
    another_feed[41..73].copy_from_slice(&[8; 32]);
    let receiver = perps::client::pyth::RECEIVER;
    let cases = [
        ("another feed", another_feed, receiver, PerpError::WrongFeed),
        ("too few guardians", partially_verified(crash.clone()), receiver, PerpError::PriceNotFullyVerified),
        ("an impostor", crash, Address::new_unique(), PerpError::WrongOracleOwner),
    ];
    let liquidate = market.liquidate(victim.position, keeper.tokens);
    for (what, bytes, owner, error) in cases {
        chain.post_account(&market.price, bytes, owner);
        chain.refuse(&format!("liquidate by {what}"), from_ref(&liquidate), &[], error).await;
        let open = market.open(&keeper, Short, 100);
        chain.refuse(&format!("open by {what}"), &[open], &[&keeper.keypair], error).await;
    }
    chain.post(&market, Tick::at(45_000));
    chain.succeed("liquidate by the feed itself", &[liquidate], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_04_every_exponent_is_scaled_exactly_or_with_the_rounding_said() {
    // $50,000.123456789012: as many decimals as the exponent has, of which eight are kept, floored; confidence goes up.
    const PRICE: i64 = 50_000_123_456_789_012;
    let (mut chain, market) = Chain::with_market(still()).await;
    let confidence = |exponent| match exponent {
        -12 => (10_001, 2), // 1.0001e-8 dollars
        -8 => (7, 7),
        0 => (7, 700_000_000),
        _ => (0, 0),
    };
    for exponent in -12..=0 {
        chain.advance(1);
        let mantissa = PRICE / 10_i64.pow(u32::try_from(exponent + 12).expect("up to twelve"));
        let (raw, scaled) = confidence(exponent);
        let tick = Tick { price_e8: mantissa, confidence_e8: raw, ema_e8: mantissa, ..Tick::at(1) };
        let update = with_exponent(chain.update(tick), exponent);
        chain.post_bytes(&market, update);
        chain.succeed(&format!("exponent {exponent}"), &[market.accrue()], &[]).await;
        let decimals = u32::try_from(-exponent).expect("not positive").min(8);
        let unit = 10_i64.pow(12 - decimals);
        let kept = PRICE / unit * unit / 10_000; // so many decimals, at eight places
        let prices = chain.market(&market.keys.market).await.state.prices;
        assert_eq!(prices.price.get(), u64::try_from(kept).expect("positive"), "price at exponent {exponent}");
        assert_eq!(prices.ema, prices.price, "average at exponent {exponent}");
        assert_eq!(prices.confidence.get(), scaled, "confidence at exponent {exponent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_05_buying_pays_the_ask_and_selling_gets_the_bid() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    // $125 is 25 bps of $50,000, the widest that an instant trade takes.
    for direction in BOTH {
        let alice = chain.trader_with(&market, BTC).await;
        chain.advance(120);
        chain.post(&market, Tick::at(50_000).confident_to(125));
        let sent = chain.succeed("open", &[market.open(&alice, direction, 1_000)], &[&alice.keypair]).await;
        let Event::PositionIncreased(opened) = sent.last() else { panic!("{:?}", sent.events) };
        chain.advance(120);
        chain.post(&market, Tick::at(50_000).confident_to(125));
        let sent = chain.succeed("close", &[market.close(&alice, direction)], &[&alice.keypair]).await;
        let Event::PositionDecreased(closed) = sent.last() else { panic!("{:?}", sent.events) };
        let (ask, bid) = (usd(50_125), usd(49_875));
        let expected = if direction == Long { (ask, bid) } else { (bid, ask) };
        assert_eq!((opened.fill.price_e8.get(), closed.fill.price_e8.get()), expected, "{direction:?}");
    }
    // Upkeep takes up to 60 bps, $300, where instant trades wait.
    chain.advance(120);
    chain.post(&market, Tick::at(50_000).confident_to(300));
    chain.succeed("upkeep with a wide price", &[market.accrue()], &[]).await;
}

/// A fast market pulls the price away from its average: risk waits, nobody is locked in, and nobody is safe from liquidation.
#[tokio::test(flavor = "multi_thread")]
async fn case_06_far_from_the_average_only_risk_waits() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let flat = chain.trader_with(&market, BTC).await;
    let victim = chain.trader_with(&market, 6_000_000).await;
    let provider = chain.trader(&market).await;
    let shares = chain.token_account(&market.keys.lp_mint, &provider.address(), 0);
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.succeed("the victim opens", &[market.open(&victim, Short, 100_000)], &[&victim.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(52_500).average(50_000)); // 500 bps: at the bound
    chain.succeed("open at the bound", &[market.open(&flat, Long, 100)], &[&flat.keypair]).await;
    chain.advance(60);
    chain.post(&market, Tick { price_e8: 5_250_000_000_001, ..Tick::at(52_500).average(50_000) });
    chain.succeed("close beyond it", &[market.close(&flat, Long)], &[&flat.keypair]).await;

    let far = PerpError::PriceFarFromAverage;
    chain.refuse("open", &[market.open(&flat, Short, 100)], &[&flat.keypair], far).await;
    chain.refuse("enlarge", &[market.open(&alice, Long, 100)], &[&alice.keypair], far).await;
    chain.refuse("withdraw beside a position", &[market.withdraw(&alice, 1)], &[&alice.keypair], far).await;
    let deposit =
        LiquidityDeposit { depositor: provider.address(), source: provider.tokens, destination: shares, price: market.price };
    let deposit = instructions::deposit_liquidity(&market.keys, deposit, BTC, 0);
    chain.refuse("deposit to the pool", &[deposit], &[&provider.keypair], far).await;

    chain.succeed("withdraw when flat", &[market.withdraw(&flat, 1)], &[&flat.keypair]).await;
    chain.succeed("reduce", &[market.close_part(&alice, Long, 40_000)], &[&alice.keypair]).await;
    chain.succeed("close", &[market.close(&alice, Long)], &[&alice.keypair]).await;

    // A jump of more than 3 % within the minute stops every instant trade, but no liquidation.
    chain.advance(1);
    chain.post(&market, Tick::at(56_000).average(55_000));
    chain.refuse("open after a jump", &[market.open(&flat, Short, 100)], &[&flat.keypair], PerpError::PriceJumped).await;
    chain.succeed("liquidate after a jump", &[market.liquidate(victim.position, provider.tokens)], &[]).await;
}

/// An update that is not newer than the last changes nothing, so nobody picks an old price and nobody shuts others out.
#[tokio::test(flavor = "multi_thread")]
async fn case_07_an_older_update_is_not_an_error_and_not_a_price() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.advance(120);
    chain.post(&market, Tick::at(50_000));
    chain.succeed("the newest price", &[market.accrue()], &[]).await;

    for (what, tick) in [
        ("a second older", Tick::at(49_000).aged(1)),
        ("of the same second", Tick::at(49_000)),
        ("older and not even a price", Tick { price_e8: -1, ..Tick::at(49_000).aged(2) }),
    ] {
        chain.post(&market, tick);
        let open = market.open(&alice, Long, 100);
        let sent = chain.succeed(&format!("an update {what}"), &[open], &[&alice.keypair]).await;
        let Event::PositionIncreased(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!(event.fill.price_e8.get(), usd(50_000), "{what}");
    }
    // But what is stored must be fresh enough by itself.
    chain.advance(4);
    chain.post(&market, Tick::at(49_000).aged(5));
    let open = market.open(&alice, Long, 100);
    chain.refuse("when the stored price is stale", &[open], &[&alice.keypair], PerpError::PriceTooOld).await;
    assert_eq!(stored_price(&chain, &market).await, usd(50_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_09_prices_may_run_ahead_of_the_clock_by_a_minute() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    chain.advance(120);
    chain.post(&market, Tick::at(50_000).aged(-61));
    chain.refuse("61 s ahead", &[market.accrue()], &[], PerpError::PriceInFuture).await;
    chain.post(&market, Tick::at(50_000).aged(-60));
    chain.succeed("60 s ahead", &[market.open(&alice, Long, 100)], &[&alice.keypair]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.prices.lag.get(), 60);

    // The clock of every age is then the price's: what the Clock calls the present is a minute old.
    chain.post(&market, Tick::at(51_000));
    let sent = chain.succeed("the present", &[market.open(&alice, Long, 100)], &[&alice.keypair]).await;
    let Event::PositionIncreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!(event.fill.price_e8.get(), usd(50_000), "an update of the present is older than the one from the future");
}
