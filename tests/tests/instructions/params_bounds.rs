//! The hard bounds of the parameters, at a proposal and at its execution.

use inverse_perps_tests::harness::prelude::*;
use PerpError::*;

/// The hard bounds of the design's section 11, and those that keep exits open, broken by one from the standard parameters.
pub fn one_step_too_far() -> Vec<(&'static str, Params, PerpError)> {
    let standard = Params::standard();
    let bps = Bps::new;
    let seconds = Seconds::new;
    vec![
        // Initial margin below 1.5 times maintenance; maintenance above 2,000.
        ("initial margin", Params { initial_margin: bps(149), ..standard }, MarginRatiosOutOfBounds),
        (
            "maintenance",
            Params { maintenance_margin: bps(2_001), initial_margin: bps(4_000), ..standard },
            MarginRatiosOutOfBounds,
        ),
        ("taker fee low", Params { taker_fee: bps(2), ..standard }, TakerFeeOutOfBounds),
        ("taker fee high", Params { taker_fee: bps(51), ..standard }, TakerFeeOutOfBounds),
        ("split", Params { fee_to_pool: bps(4_999), fee_to_protocol: bps(2_001), ..standard }, TakerFeeOutOfBounds),
        ("liquidation fee low", Params { liquidation_fee: bps(9), ..standard }, LiquidationFeeOutOfBounds),
        // 40 + 1 * 60 bps is not below 100.
        ("liquidation fee high", Params { liquidation_fee: bps(40), ..standard }, LiquidationFeeOutOfBounds),
        // 5 bps * 40 % are 2.
        ("reward", Params { min_reward: bps(3), ..standard }, MinRewardOutOfBounds),
        ("spread", Params { spread_multiplier: 4, ..standard }, OracleBoundsOutOfBounds),
        ("strict confidence", Params { strict_confidence: bps(19), ..standard }, OracleBoundsOutOfBounds),
        ("EMA bound", Params { ema_bound: bps(199), ..standard }, OracleBoundsOutOfBounds),
        ("jump", Params { max_jump: bps(99), ..standard }, OracleBoundsOutOfBounds),
        ("fresh age", Params { fresh_age: seconds(4), ..standard }, AgesOutOfBounds),
        ("wide age", Params { wide_age: seconds(61), ..standard }, AgesOutOfBounds),
        ("future", Params { max_future: seconds(9), ..standard }, AgesOutOfBounds),
        ("hold", Params { min_hold: seconds(121), ..standard }, AgesOutOfBounds),
        ("stress", Params { stress: bps(999), ..standard }, ReserveParamsOutOfBounds),
        ("utilisation", Params { max_utilisation: bps(8_001), ..standard }, ReserveParamsOutOfBounds),
        ("target", Params { deleverage_target: bps(8_000), ..standard }, ReserveParamsOutOfBounds),
        ("rates", Params { max_funding: 99_000_001, ..standard }, RatesOutOfBounds),
        ("gap", Params { max_accrual_gap: seconds(86_401), ..standard }, RatesOutOfBounds),
        // 100 - 5 is not above 95.
        ("impact", Params { impact_max: bps(95), ..standard }, ImpactOutOfBounds),
        ("least size", Params { min_notional: Notional::new(999_999), ..standard }, CapsOutOfBounds),
        ("first deposit", Params { min_first_deposit: Sats::new(99_999), ..standard }, CapsOutOfBounds),
        // 40 % of 5 bps of $10 are $0.002.
        ("tip", Params { settle_tip: Notional::new(2_001), ..standard }, TipsOutOfBounds),
        ("insurance cap", Params { insurance_daily_cap: bps(999), ..standard }, InsuranceCapOutOfBounds),
        // Two days and a second of waiting in three days of timelock would do; two days and two days do not.
        ("exit", Params { cool_down: seconds(172_801), ..standard }, ExitTimesOutOfBounds),
        ("dead oracle", Params { dead_oracle_after: seconds(86_399), ..standard }, ExitTimesOutOfBounds),
        ("least size high", Params { min_notional: Notional::new(10_001_000_000), ..standard }, CapsOutOfBounds),
        ("utilisation low", Params { max_utilisation: bps(999), ..standard }, ReserveParamsOutOfBounds),
        ("order tip", Params { min_order_tip: Sats::new(10_001), ..standard }, TipsOutOfBounds),
        ("order tip high", Params { max_order_tip: Sats::new(1_000_001), ..standard }, TipsOutOfBounds),
        ("window", Params { withdrawal_window: seconds(599), ..standard }, ExitTimesOutOfBounds),
        ("dead oracle late", Params { dead_oracle_after: seconds(30 * DAY + 1), ..standard }, ExitTimesOutOfBounds),
        ("grace", Params { dead_oracle_grace: seconds(7 * DAY + 1), ..standard }, ExitTimesOutOfBounds),
    ]
}

/// Beyond the bounds only together with the lower ratios that older positions keep for another timelock.
fn too_far_for_the_spared() -> Vec<(&'static str, Params, PerpError)> {
    let raised = Params { maintenance_margin: Bps::new(400), initial_margin: Bps::new(600), ..Params::standard() };
    vec![
        // 40 + 60 bps are below 400, but not below 100.
        ("fee and spread", Params { liquidation_fee: Bps::new(40), ..raised }, LiquidationFeeOutOfBounds),
        ("surcharge", Params { impact_max: Bps::new(95), ..raised }, ImpactOutOfBounds),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_bounds_hold_at_the_proposal() {
    let (mut chain, market) = Chain::with_market(Params::standard()).await;
    let admin = chain.admin.insecure_clone();
    for (what, params, error) in [one_step_too_far(), too_far_for_the_spared()].concat() {
        chain.refuse(what, &[market.propose(&admin, params)], &[&admin], error).await;
    }
    chain.succeed("within them", &[market.propose(&admin, Params::standard())], &[&admin]).await;
}

/// A proposal whose bytes somebody could have written, in a program that had a hole, is held to the bounds once more.
#[tokio::test(flavor = "multi_thread")]
async fn case_43_bounds_hold_at_the_execution() {
    let (mut chain, market) = Chain::with_market(Params::standard()).await;
    let admin = chain.admin.insecure_clone();
    chain.succeed("propose", &[market.propose(&admin, Params::standard())], &[&admin]).await;
    chain.advance(3 * DAY);
    chain.post(&market, Tick::at(50_000));
    for (what, params, error) in [one_step_too_far(), too_far_for_the_spared()].concat() {
        chain.edit_proposal(&market, |pending| pending.state.params = params).await;
        chain.refuse(what, &[market.execute(&admin)], &[&admin], error).await;
    }
    let good = Params { taker_fee: Bps::new(6), ..Params::standard() };
    chain.edit_proposal(&market, |pending| pending.state.params = good).await;
    chain.succeed("within them", &[market.execute(&admin)], &[&admin]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.params, good);
}
