//! `decrease_position`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_engine::units::FineSats;
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

/// $100,000 at $50,000 with 9,895,000 satoshi of margin left, two minutes later at another price.
async fn opened(direction: PositionDirection, price: i64) -> (Chain, TestMarket, Trader) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(price));
    (chain, market, alice)
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_a_winning_long_whole() {
    // Given $100,000 long from $50,000, at $51,000,
    let (mut chain, market, alice) = opened(Long, 51_000).await;

    // when it is closed,
    let sent = chain.succeed("close", &[market.close(&alice, Long)], &[&alice.keypair]).await;

    // then it is worth 1e11 * 1e10 / 5.1e12 = 196,078,431.4 up, so the gain is 200,000,000 - 196,078,432 = 3,921,568. The
    // fee is 5 bps of the value, 98,039.2 up; 30 % are 29,412, 10 % 9,804.
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.direction), (alice.position, 1));
    assert_eq!((event.fill.price_e8.get(), event.fill.notional_e6.get()), (usd(51_000), dollars(100_000)));
    assert_eq!((event.fill.shares.get(), event.fill.value_sats.get()), (dollars(100_000), 196_078_432));
    assert_eq!(event.fill.pnl_sats.get(), 3_921_568);
    let fee = event.fill.fee_sats;
    assert_eq!((fee.pool.get(), fee.insurance.get(), fee.protocol.get()), (58_824, 29_412, 9_804));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (0, 0));
    let margin = 9_895_000 + 3_921_568 - 98_040;
    assert_eq!((event.after.margin_sats.get(), event.after.shares.get(), event.after.basis.get()), (margin, 0, 0));
    assert_eq!(event.ledger.delta_sats.pool.get(), -3_921_568 + 58_824);
    let position = chain.position(&alice.position).await.state;
    assert_eq!((position.direction, position.scale.get()), (0, 0));
    let side = chain.market(&market.keys.market).await.state.long;
    assert_eq!(side, inverse_perps_engine::Side::empty(), "the last one out restarts the side");
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_a_winning_short_whole() {
    // Given $100,000 short from $50,000, at $49,000, when it is closed,
    let (mut chain, market, alice) = opened(Short, 49_000).await;
    let sent = chain.succeed("close", &[market.close(&alice, Short)], &[&alice.keypair]).await;

    // then it is worth 1e11 * 1e10 / 4.9e12 = 204,081,632.7, down for a short's gain: 4,081,632; up for the fee: 5 bps of
    // 204,081,633 are 102,040.8 up.
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.direction, event.fill.value_sats.get(), event.fill.pnl_sats.get()), (2, 204_081_633, 4_081_632));
    let fee = event.fill.fee_sats;
    assert_eq!((fee.pool.get(), fee.insurance.get(), fee.protocol.get()), (61_225, 30_612, 10_204));
    assert_eq!(event.after.margin_sats.get(), 9_895_000 + 4_081_632 - 102_041);
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_a_losing_part_at_the_bid() {
    // Given $100,000 long from $50,000, at $49,050 +- $50,
    let (mut chain, market, alice) = opened(Long, 49_050).await;
    chain.post(&market, Tick::at(49_050).confident_to(50));

    // when $40,000 of it are closed,
    let sent = chain.succeed("close a part", &[market.close_part(&alice, Long, 40_000)], &[&alice.keypair]).await;

    // then it sells at $49,000: 4e10 * 1e10 / 4.9e12 = 81,632,653.1 up, against 40 % of 200,000,000: a loss of 1,632,654.
    // Fee: 40,816.3 up.
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.fill.price_e8.get(), event.fill.value_sats.get()), (usd(49_000), 81_632_654));
    assert_eq!(event.fill.pnl_sats.get(), -1_632_654);
    assert_eq!(event.after.margin_sats.get(), 9_895_000 - 1_632_654 - 40_817);
    assert_eq!((event.after.shares.get(), event.after.basis.get()), (dollars(60_000), 120_000_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bankrupt_whole_close_leaves_insurance_the_rest() {
    // Given $100,000 long with 4,020,000 of margin and 1,000,000 in insurance, of which half can be paid in a day, at $45,000: a loss of
    // 1e11 * 1e10 / 4.5e12 = 222,222,222.2 up, less 200,000,000, 22,222,223.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    chain.fill_insurance(&market, 1_000_000).await;
    let alice = chain.trader_with(&market, 4_125_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(45_000));

    // When its owner closes it before a liquidator does,
    let sent = chain.succeed("close", &[market.close(&alice, Long)], &[&alice.keypair]).await;

    // then all of the margin is lost, insurance pays what it may, and the rest of 18,202,223 is bad debt; no fee is left.
    let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.fill.pnl_sats.get(), event.after.margin_sats.get()), (-22_222_223, 0));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (500_000, 18_202_223 - 500_000));
    assert_eq!(event.ledger.delta_sats.pool.get(), 4_020_000 + 500_000);
    assert_eq!(event.fill.fee_sats, Default::default());
    assert_eq!(chain.market(&market.keys.market).await.state.bad_debt, Sats::new(17_702_223));
}

/// A shortfall is what equity at the price itself lacks: the spread alone never makes one.
#[tokio::test(flavor = "multi_thread")]
async fn a_spread_never_makes_a_shortfall() {
    // At $49,000 +- $98 the loss is 4,081,633 at the price and 1e21 / 4.8902e12 - 2e8 = 4,490,614 up at the bid. With
    // 4,200,000 of margin nobody owes anything; with 4,050,000 insurance owes 31,633, not the spread.
    for (margin, covered) in [(4_200_000, 0), (4_050_000, 31_633)] {
        let (mut chain, market, alice) = opened(Long, 49_000).await;
        chain.fill_insurance(&market, 1_000_000).await;
        chain.set_margin(&market, &alice, margin).await;
        chain.advance(1);
        chain.post(&market, Tick::at(49_000).confident_to(98));
        let sent = chain.succeed("close", &[market.close(&alice, Long)], &[&alice.keypair]).await;
        let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.fill.pnl_sats.get(), event.after.margin_sats.get()), (-4_490_614, 0));
        assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (covered, 0));
        assert_eq!(event.ledger.delta_sats.pool.get(), i64::try_from(margin + covered).expect("small"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_sizes_prices_and_times_that_were_not_asked_for() {
    let (mut chain, market, alice) = opened(Long, 50_000).await;
    let bob = chain.trader_with(&market, BTC).await;
    let signer = [&alice.keypair];
    let part = |notional_e6| DecreasePositionArgs { notional_e6: Some(notional_e6), limit_price_e8: 0, deadline: i64::MAX };
    let sizes = [
        ("nothing", 0, PerpError::AmountZero),
        ("half a dollar", 500_000, PerpError::NotWholeDollars),
        ("all of it as a part", dollars(100_000), PerpError::ReductionTooLarge),
        ("more than all", dollars(100_001), PerpError::ReductionTooLarge),
        ("all but nine dollars", dollars(99_991), PerpError::BelowMinNotional),
    ];
    for (what, size, error) in sizes {
        chain.refuse(what, &[market.decrease(&alice, part(size))], &signer, error).await;
    }
    let asked = DecreasePositionArgs { limit_price_e8: usd(50_000) + 1, ..part(dollars(10)) };
    chain.refuse("below the limit", &[market.decrease(&alice, asked)], &signer, PerpError::SlippageExceeded).await;
    let asked = DecreasePositionArgs { deadline: chain.time() - 1, ..part(dollars(10)) };
    chain.refuse("a second late", &[market.decrease(&alice, asked)], &signer, PerpError::DeadlineExpired).await;
    let asked = DecreasePositionArgs { limit_price_e8: usd(50_000), deadline: chain.time(), ..part(dollars(99_990)) };
    chain.succeed("all but ten dollars, at the limit and the deadline", &[market.decrease(&alice, asked)], &signer).await;

    chain.refuse("flat", &[market.close(&bob, Long)], &[&bob.keypair], PerpError::NoOpenPosition).await;
    chain.succeed("a short", &[market.open(&bob, Short, 1_000)], &[&bob.keypair]).await;
    chain.advance(59);
    chain.post(&market, Tick::at(50_000));
    let early = market.close(&bob, Short);
    chain.refuse("after 59 s", from_ref(&early), &[&bob.keypair], PerpError::MinHoldNotOver).await;
    chain.advance(1);
    chain.post(&market, Tick::at(50_000));
    let asked = DecreasePositionArgs { notional_e6: None, limit_price_e8: usd(50_000) - 1, deadline: i64::MAX };
    let dear = market.decrease(&bob, asked);
    chain.refuse("a short above its limit", &[dear], &[&bob.keypair], PerpError::SlippageExceeded).await;
    chain.succeed("after 60 s", &[early], &[&bob.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_must_pay_its_fee() {
    // Given 4,020,000 of margin at $45,000, where closing $99,000 loses 198,000,000 - 220,000,000: more than the margin, so
    // nothing is left for the fee of the part.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 4_125_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(45_000));
    let part = market.close_part(&alice, Long, 99_000);
    chain.refuse("a part", &[part], &[&alice.keypair], PerpError::MarginBelowFee).await;
    chain.succeed("the whole", &[market.close(&alice, Long)], &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_a_gain_that_the_pool_does_not_have() {
    // The gain is 3,921,568, as derived above.
    let (mut chain, market, alice) = opened(Long, 51_000).await;
    chain.outweigh_profit(&market, Long, 51_000).await;
    chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(3_921_567)).await;
    chain.refuse("a satoshi short", &[market.close(&alice, Long)], &[&alice.keypair], PerpError::PoolExhausted).await;
    chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(3_921_568)).await;
    chain.succeed("just enough", &[market.close(&alice, Long)], &[&alice.keypair]).await;
}

/// A side whose sums are wrong is never restarted: the guard behind everything else, shown on bytes that no transaction makes.
#[tokio::test(flavor = "multi_thread")]
async fn refuses_to_restart_a_side_that_is_not_empty() {
    let (mut chain, market, alice) = opened(Long, 50_000).await;
    let cost_owed =
        |owed: i128| move |state: &mut inverse_perps::state::Market| state.state.long.cost_owed = FineSats::new(owed);
    chain.edit_market(&market, cost_owed(1)).await;
    chain.falsify_sums(true);
    chain.refuse("with costs left", &[market.close(&alice, Long)], &[&alice.keypair], PerpError::SideNotEmpty).await;
    chain.falsify_sums(false);
    chain.edit_market(&market, cost_owed(0)).await;
    chain.succeed("as it should be", &[market.close(&alice, Long)], &[&alice.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, alice) = opened(Long, 50_000).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let bob = chain.trader_with(&market, BTC).await;
    chain.succeed("somebody else", &[market.open(&bob, Long, 1_000)], &[&bob.keypair]).await;
    let signer = [&alice.keypair];
    let close = market.close(&alice, Long);
    // Places: 0 owner, 1 market, 2 position, 3 price.

    let bobs = with_account(&close, 2, bob.position);
    chain.refuse("somebody else's position", &[bobs], &signer, PerpError::NotTrader).await;
    chain.refuse("without the signature", &[unsigned(&close, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&close, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    refuses_strangers(&mut chain, &close, 1, alice.position, &signer).await;
    refuses_strangers(&mut chain, &close, 2, exchange(), &signer).await;
    refuses_bad_prices(&mut chain, &market, &close, &signer, Limits::InstantAnyAverage).await;
    chain.succeed("as it should be", &[close], &signer).await;
}
