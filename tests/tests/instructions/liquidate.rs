//! `liquidate`

use crate::accounts::{refuses_strangers, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

/// $100,000 at $50,000 with this margin left, two minutes later at another price; and somebody to liquidate it.
async fn in_trouble(direction: PositionDirection, margin: u64, tick: Tick) -> (Chain, TestMarket, Trader, Trader) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let victim = chain.trader_with(&market, margin + 105_000).await; // what opening costs
    chain.succeed("open", &[market.open(&victim, direction, 100_000)], &[&victim.keypair]).await;
    let keeper = chain.trader(&market).await;
    chain.advance(120);
    chain.post(&market, tick);
    (chain, market, victim, keeper)
}

/// What a partial liquidation of $100,000 is to come to.
struct Expected {
    notional_e6: u64,
    value: u64,
    pnl: i64,
    reward: u64,
    insurance_fee: u64,
    spread: u64,
    margin_left: u64,
    basis_left: i128,
}

async fn check_partial(direction: PositionDirection, margin: u64, tick: Tick, expected: Expected) {
    let (mut chain, market, victim, keeper) = in_trouble(direction, margin, tick).await;
    let sent = chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
    let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.rewarded), (victim.position, keeper.tokens));
    assert_eq!(event.direction, if direction == Long { 1 } else { 2 });
    assert_eq!(event.price_e8.get(), u64::try_from(tick.price_e8).expect("positive"), "the loss is taken at the price itself");
    assert_eq!((event.notional_e6.get(), event.value_sats.get()), (expected.notional_e6, expected.value));
    assert_eq!((event.pnl_sats.get(), event.reward_sats.get()), (expected.pnl, expected.reward));
    assert_eq!((event.insurance_fee_sats.get(), event.spread_sats.get()), (expected.insurance_fee, expected.spread));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (0, 0));
    assert_eq!((event.after.margin_sats.get(), event.after.basis.get()), (expected.margin_left, expected.basis_left));
    assert_eq!(event.after.shares.get(), dollars(100_000) - expected.notional_e6);
    let pool = -expected.pnl + i64::try_from(expected.spread).expect("small");
    assert_eq!(event.ledger.delta_sats.pool.get(), pool, "the pool gets loss and spread");
    assert_eq!(chain.tokens(&keeper.tokens).await, 10 * BTC + expected.reward);
}

/// At $100,000 the maintenance ratio is 101 bps, the initial ratio t 201 bps, and closing costs f = 30 bps and the spread.
#[tokio::test(flavor = "multi_thread")]
async fn closes_just_enough_of_a_long() {
    // At $49,000 the value is 204,081,632.7; 6,081,633 less the loss of 4,081,633 leaves 2,000,000, below 1.01 % of it.
    // x = (1.0201 * 100,000 - (6,081,633 + 200,000,000) sats at $49,000) / (0.0201 - 0.003) = 1,029.99983 / 0.0171 =
    // $60,233.908188 up. Its value is 122,926,343.2 up, its basis 120,467,816.4 down. The fee is 0.3 %, 368,779.03 up.
    let expected = Expected {
        notional_e6: 60_233_908_188,
        value: 122_926_344,
        pnl: 120_467_816 - 122_926_344,
        reward: 184_390,
        insurance_fee: 184_390,
        spread: 0,
        margin_left: 6_081_633 - 2_458_528 - 368_780,
        basis_left: 79_532_184,
    };
    check_partial(Long, 6_081_633, Tick::at(49_000), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_just_enough_of_a_short() {
    // At $51,000 the value is 196,078,431.4; 5,821,569 less the loss of 3,921,569 leaves 1,900,000, below 1.01 % of it.
    // x = (100,000 * (0.0201 - 1) + (200,000,000 - 5,821,569) sats at $51,000) / 0.0171 = 1,040.99981 / 0.0171 =
    // $60,877.181872 up. Its value is 119,367,023.3 down, its basis 121,754,363.7 up. The fee is 358,101.1 up.
    let expected = Expected {
        notional_e6: 60_877_181_872,
        value: 119_367_023,
        pnl: 119_367_023 - 121_754_364,
        reward: 179_051,
        insurance_fee: 179_051,
        spread: 0,
        margin_left: 5_821_569 - 2_387_341 - 358_102,
        basis_left: 78_245_636,
    };
    check_partial(Short, 5_821_569, Tick::at(51_000), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_spread_is_the_pools() {
    // A confidence of $98 at $49,000, 20 bps: f = 50 bps, so x = 1,029.99983 / 0.0151 = $68,211.909272. The spread is
    // 0.2 % of 139,207,979: 278,415.96 up; the fee 417,623.9 up.
    let expected = Expected {
        notional_e6: 68_211_909_272,
        value: 139_207_979,
        pnl: 136_423_818 - 139_207_979,
        reward: 208_812,
        insurance_fee: 208_812,
        spread: 278_416,
        margin_left: 6_081_633 - 2_784_161 - 417_624 - 278_416,
        basis_left: 63_576_182,
    };
    check_partial(Long, 6_081_633, Tick::at(49_000).confident_to(98), expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bankrupt_position_is_closed_whole_and_insurance_pays() {
    // At $45,000 the long is worth 222,222,222.2 up; of the loss of 22,222,223 the margin pays 6,081,633 and insurance,
    // of whose 40,000,000 half can be paid in a day, 16,140,590. The liquidator gets 2 bps of the value, 44,444 down, from insurance too.
    let (mut chain, market, victim, keeper) = in_trouble(Long, 6_081_633, Tick::at(45_000)).await;
    chain.fill_insurance(&market, 40_000_000).await;
    let sent = chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
    let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.notional_e6.get(), event.value_sats.get()), (dollars(100_000), 222_222_223));
    assert_eq!((event.pnl_sats.get(), event.reward_sats.get()), (-22_222_223, 44_444));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (16_140_590, 0));
    assert_eq!((event.insurance_fee_sats.get(), event.spread_sats.get()), (0, 0));
    assert_eq!((event.after.margin_sats.get(), event.after.shares.get()), (0, 0));
    let delta = event.ledger.delta_sats;
    assert_eq!((delta.margin.get(), delta.pool.get(), delta.insurance.get()), (-6_081_633, 22_222_223, -16_140_590 - 44_444));
    assert_eq!(chain.market(&market.keys.market).await.state.bad_debt, Sats::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_insurance_lacks_is_bad_debt_and_the_pool_pays_the_liquidator() {
    // The same short: at $56,000 it is worth 178,571,428.6 down; a loss of 21,428,572 against 5,821,569 of margin and
    // the 30,000 that insurance may pay of 60,000 leave 15,577,003. 2 bps of the value are 35,714 down.
    let (mut chain, market, victim, keeper) = in_trouble(Short, 5_821_569, Tick::at(56_000)).await;
    chain.fill_insurance(&market, 60_000).await;
    let sent = chain.succeed("liquidate", &[market.liquidate(victim.position, keeper.tokens)], &[]).await;
    let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.pnl_sats.get(), event.reward_sats.get()), (-21_428_572, 35_714));
    assert_eq!((event.covered_sats.get(), event.uncovered_sats.get()), (30_000, 15_577_003));
    assert_eq!(event.ledger.delta_sats.pool.get(), 5_821_569 + 30_000 - 35_714);
    assert_eq!(event.ledger.after_sats.insurance.get(), 31_500 + 60_000 - 30_000);
    assert_eq!(chain.market(&market.keys.market).await.state.bad_debt, Sats::new(15_577_003));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_the_healthy_the_flat_and_the_gain_that_the_pool_does_not_have() {
    let (mut chain, market, healthy, keeper) = in_trouble(Long, 10_000_000, Tick::at(50_010)).await;
    let liquidate = market.liquidate(healthy.position, keeper.tokens);
    chain.refuse("healthy", from_ref(&liquidate), &[], PerpError::NotLiquidatable).await;
    let flat = market.liquidate(keeper.position, keeper.tokens);
    chain.refuse("flat", &[flat], &[], PerpError::NoOpenPosition).await;

    // Costs can eat a margin while the position gains: at $50,010 the value is 199,960,007.998 up, a gain of 39,992, which
    // is far below maintenance by itself and cannot pay for a partial close.
    chain.outweigh_profit(&market, Long, 50_010).await;
    chain.set_margin(&market, &healthy, 0).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(39_991)).await;
    chain.refuse("a gain above the pool", from_ref(&liquidate), &[], PerpError::PoolExhausted).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(39_992)).await;
    let sent = chain.succeed("a gain that the pool has", &[liquidate], &[]).await;
    // The gain is margin first and then pays the liquidator's half of the fee as far as it reaches: 39,992 of 299,941.
    let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.pnl_sats.get(), event.reward_sats.get(), event.after.margin_sats.get()), (39_992, 39_992, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, victim, keeper) = in_trouble(Long, 6_081_633, Tick::at(49_000)).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    chain.fill_pool(&other_market, 10 * BTC).await;
    let other_mint = chain.new_mint(8);
    let good = market.liquidate(victim.position, keeper.tokens);
    // Places: 0 market, 1 position, 2 vault, 3 destination, 4 token program, 5 price.

    let cross = with_account(&good, 0, other_market.keys.market);
    chain.refuse("in another market", from_ref(&cross), &[], PerpError::WrongMarket).await;
    let cross = with_account(&cross, 2, other_market.keys.vault);
    chain.refuse("in another market and vault", &[cross], &[], PerpError::WrongMarket).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("his own", keeper.tokens)] {
        let elsewhere = with_account(&good, 2, vault);
        chain.refuse(&format!("out of {what} vault"), &[elsewhere], &[], PerpError::WrongVault).await;
    }
    let other_tokens = chain.token_account(&other_mint, &keeper.address(), 0);
    chain.refuse("to another mint", &[with_account(&good, 3, other_tokens)], &[], Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 4, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &[], ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &good, 0, victim.position, &[]).await;
    refuses_strangers(&mut chain, &good, 1, exchange(), &[]).await;
    refuses_bad_prices(&mut chain, &market, &good, &[], Limits::Upkeep).await;
    chain.post(&market, Tick::at(49_000).aged(-1));
    chain.rob_vault(&market, 1).await;
    chain.refuse("out of a vault that is short", &[good], &[], PerpError::VaultShort).await;
}
