//! Case 44: each parameter at the worst that its bounds allow, and all of them together. Who leaves before they hold leaves with what he
//! has; who stays finds no exit closed.

use crate::compromised_admin::Cast;
use inverse_perps_tests::harness::prelude::*;

const BILLION: u64 = 1_000_000_000;
const ALL_BTC: Sats = Sats::new(21_000_000 * BTC);

/// The worst parameters there are, one proposal each.
pub fn worst() -> Vec<(&'static str, Params)> {
    let (bps, sats, secs) = (Bps::new, Sats::new, Seconds::new);
    let usd = |amount| Notional::new(dollars(amount));
    let none = Notional::ZERO;
    let still = still();
    vec![
        ("skew_scale", Params { skew_scale: Notional::new(1), max_funding: 100_000_000, ..still }),
        ("impact_scale", Params { impact_scale: Notional::new(1), impact_max: bps(94), ..still }),
        ("sizes", {
            let most = usd(10 * BILLION);
            Params { min_notional: usd(10_000), max_position_notional: most, max_side_notional: most, ..still }
        }),
        ("small sizes", {
            let least = usd(1);
            Params { min_notional: least, max_position_notional: least, max_side_notional: least, settle_tip: none, ..still }
        }),
        ("settle_tip", Params { settle_tip: none, ..still }),
        ("first deposit", Params { min_first_deposit: ALL_BTC, max_pool: ALL_BTC, ..still }),
        ("pool", Params { min_first_deposit: sats(100_000), max_pool: sats(100_000), ..still }),
        ("order tips", Params { min_order_tip: sats(10_000), max_order_tip: sats(1_000_000), ..still }),
        (
            "margins",
            Params {
                initial_margin: bps(10_000),
                maintenance_margin: bps(2_000),
                initial_margin_slope: bps(1_000),
                maintenance_margin_slope: bps(1_000),
                ..still
            },
        ),
        (
            "low margins",
            Params {
                initial_margin: bps(137),
                maintenance_margin: bps(91),
                initial_margin_slope: bps(0),
                maintenance_margin_slope: bps(0),
                ..still
            },
        ),
        ("taker fee", Params { taker_fee: bps(50), impact_max: bps(49), ..still }),
        ("fee split", Params { fee_to_pool: bps(5_000), fee_to_insurance: bps(1_000), fee_to_protocol: bps(4_000), ..still }),
        ("liquidation fee", Params { liquidation_fee: bps(39), min_reward: bps(0), ..still }),
        ("spread", Params { spread_multiplier: 3, strict_confidence: bps(23), wide_confidence: bps(23), ..still }),
        ("confidence", Params { strict_confidence: bps(20), wide_confidence: bps(20), ..still }),
        ("average", Params { ema_bound: bps(200), max_jump: bps(100), ..still }),
        ("ages", Params { fresh_age: secs(1), wide_age: secs(5), max_future: secs(10), ..still }),
        ("waits", Params { order_delay: secs(60), min_hold: secs(120), max_future: secs(600), ..still }),
        ("stress", Params { stress: bps(9_000), max_utilisation: bps(1_000), ..still }),
        (
            "deleveraging",
            Params { deleverage_target: bps(1_000), deleverage_trigger: bps(1_001), max_utilisation: bps(1_000), ..still },
        ),
        ("late deleveraging", Params { deleverage_target: bps(8_999), deleverage_trigger: bps(9_000), ..still }),
        ("funding", Params { max_funding: 100_000_000, ..still }),
        ("borrow", Params { max_borrow: 100_000_000, ..still }),
        ("accrual", Params { max_accrual_gap: secs(1), ..still }),
        ("insurance", Params { insurance_daily_cap: bps(1_000), ..still }),
        ("generous insurance", Params { insurance_daily_cap: bps(9_000), ..still }),
        ("cool-down", Params { cool_down: secs(3 * DAY - 600), withdrawal_window: secs(600), ..still }),
        ("window", Params { cool_down: secs(1), withdrawal_window: secs(600), ..still }),
        ("dead oracle", Params { dead_oracle_after: secs(30 * DAY), dead_oracle_grace: secs(7 * DAY), ..still }),
        ("all together", {
            let most = usd(10 * BILLION);
            Params {
                skew_scale: Notional::new(1),
                impact_scale: Notional::new(1),
                min_notional: usd(10_000),
                max_side_notional: most,
                max_position_notional: most,
                settle_tip: none,
                min_first_deposit: ALL_BTC,
                max_pool: ALL_BTC,
                min_order_tip: sats(10_000),
                max_order_tip: sats(1_000_000),
                initial_margin: bps(10_000),
                maintenance_margin: bps(2_000),
                initial_margin_slope: bps(1_000),
                maintenance_margin_slope: bps(1_000),
                taker_fee: bps(50),
                fee_to_pool: bps(5_000),
                fee_to_insurance: bps(1_000),
                fee_to_protocol: bps(4_000),
                liquidation_fee: bps(30),
                min_reward: bps(0),
                spread_multiplier: 3,
                strict_confidence: bps(23),
                wide_confidence: bps(23),
                ema_bound: bps(200),
                max_jump: bps(100),
                fresh_age: secs(1),
                wide_age: secs(5),
                max_future: secs(10),
                order_delay: secs(60),
                min_hold: secs(120),
                stress: bps(9_000),
                max_utilisation: bps(1_000),
                deleverage_target: bps(1_000),
                deleverage_trigger: bps(1_001),
                max_funding: 50_000_000,
                max_borrow: 50_000_000,
                max_accrual_gap: secs(DAY),
                impact_max: bps(49),
                insurance_daily_cap: bps(1_000),
                cool_down: secs(3 * DAY - 600),
                withdrawal_window: secs(600),
                dead_oracle_after: secs(30 * DAY),
                dead_oracle_grace: secs(7 * DAY),
                reserved: 0,
            }
        }),
    ]
}

/// Between the proposal and the last seconds of the timelock, with a request of the pool's shares in time.
async fn leave_in_time(params: Option<Params>) -> (Cast, Vec<u64>) {
    let mut cast = Cast::meet().await;
    let admin = cast.chain.admin.insecure_clone();
    if let Some(params) = params {
        let propose = [cast.market.propose(&admin, params)];
        cast.chain.succeed("propose", &propose, &[&admin]).await;
    }
    cast.chain.advance(DAY);
    cast.request().await;
    cast.chain.advance(2 * DAY - 241);
    let got = cast.leave().await;
    (cast, got)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_everybody_leaves_before_the_worst_parameters_hold() {
    let (_, unhurt) = leave_in_time(None).await;
    for (what, params) in worst() {
        let (mut cast, got) = leave_in_time(Some(params)).await;
        assert_eq!(got, unhurt, "{what}");
        // And in the next second they hold.
        let admin = cast.chain.admin.insecure_clone();
        cast.chain.advance(1);
        cast.chain.post(&cast.market, Tick::at(48_950));
        let execute = [cast.market.execute(&admin)];
        cast.chain.succeed(what, &execute, &[&admin]).await;
        assert_eq!(cast.chain.market(&cast.market.keys.market).await.state.params, params, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_the_worst_parameters_close_no_exit() {
    for (what, params) in worst() {
        // Given that nobody has left when they come into force,
        let mut cast = Cast::meet().await;
        let admin = cast.chain.admin.insecure_clone();
        let propose = [cast.market.propose(&admin, params)];
        cast.chain.succeed(what, &propose, &[&admin]).await;
        cast.chain.advance(2 * DAY);
        cast.request().await;
        cast.chain.advance(DAY);
        cast.chain.post(&cast.market, Tick::at(50_000));
        let execute = [cast.market.execute(&admin)];
        cast.chain.succeed(what, &execute, &[&admin]).await;
        // then whoever likes to leaves, by the times that held when he asked, margin and tokens in hand,
        let got = cast.leave().await;
        assert!(got[1..].iter().all(|sats| *sats > 0), "{what}: {got:?}");
        // the last trader too,
        let Cast { chain, market, thin, stayer, .. } = &mut cast;
        if chain.position(&thin.position).await.state.open_direction().is_some() {
            chain.advance(120);
            chain.post(market, Tick::at(48_950));
            chain.succeed(what, &[market.close(thin, Long)], &[&thin.keypair]).await;
        }
        let left = chain.position(&thin.position).await.state.margin.get();
        if left > 0 {
            chain.succeed(what, &[market.withdraw(thin, left)], &[&thin.keypair]).await;
        }
        // and in the end whoever has stayed in the pool, by the new times.
        chain.succeed(what, &[market.request(stayer, 0, 50 * BTC)], &[&stayer.keypair]).await;
        chain.advance(params.cool_down.get());
        chain.post(market, Tick::at(48_950));
        chain.succeed(what, &[market.complete(stayer, 0)], &[&stayer.keypair]).await;
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!((state.pool_shares, state.ledger.margin.get()), (0, 0), "{what}");
    }
}
