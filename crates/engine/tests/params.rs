//! The table of parameters (design, section 11): the defaults are valid, every bound is allowed up to its edge, and one step
//! beyond each edge is the error of its row.

use inverse_perps_engine::units::{Bps, Notional, Sats, Seconds};
use inverse_perps_engine::{Error, Params, Result};

const DAY: u32 = 86_400;
const TIMELOCK: Seconds = Seconds::new(3 * DAY);

fn changed(change: fn(&mut Params)) -> Result<()> {
    let mut params = Params::standard();
    change(&mut params);
    params.validate(TIMELOCK)
}

#[track_caller]
fn valid(change: fn(&mut Params)) {
    assert_eq!(changed(change), Ok(()));
}

#[track_caller]
fn broken(error: Error, changes: &[fn(&mut Params)]) {
    for (i, change) in changes.iter().enumerate() {
        assert_eq!(changed(*change), Err(error), "change {i}");
    }
}

#[test]
fn the_defaults_are_those_of_the_table_and_valid() {
    let params = Params::standard();
    assert_eq!(params.validate(TIMELOCK), Ok(()));
    let in_bps = [
        (params.initial_margin, 200),
        (params.maintenance_margin, 100),
        (params.initial_margin_slope, 10),
        (params.maintenance_margin_slope, 10),
        (params.taker_fee, 5),
        (params.fee_to_pool, 6_000),
        (params.fee_to_insurance, 3_000),
        (params.fee_to_protocol, 1_000),
        (params.liquidation_fee, 30),
        (params.min_reward, 2),
        (params.strict_confidence, 25),
        (params.wide_confidence, 60),
        (params.ema_bound, 500),
        (params.max_jump, 300),
        (params.stress, 3_000),
        (params.max_utilisation, 7_000),
        (params.deleverage_target, 7_500),
        (params.deleverage_trigger, 8_000),
        (params.impact_max, 50),
        (params.insurance_daily_cap, 5_000),
    ];
    assert!(in_bps.iter().all(|(got, wanted)| got.get() == *wanted));
    let seconds = [
        (params.fresh_age, 3),
        (params.wide_age, 15),
        (params.max_future, 60),
        (params.order_delay, 6),
        (params.min_hold, 60),
        (params.cool_down, DAY),
        (params.withdrawal_window, DAY),
        (params.dead_oracle_after, DAY),
        (params.dead_oracle_grace, 6 * 3_600),
    ];
    assert!(seconds.iter().all(|(got, wanted)| got.get() == *wanted));
    assert_eq!((params.spread_multiplier, params.max_funding, params.max_borrow), (1, 3_000_000, 1_000_000));
    assert_eq!(params.skew_scale.get(), 10_000_000 * 1_000_000);
    assert_eq!(params.impact_scale.get(), 2_000_000_000 * 1_000_000);
    assert_eq!(params.min_notional.get(), 10 * 1_000_000);
}

#[test]
fn margin_ratios_have_bounds() {
    valid(|p| (p.maintenance_margin, p.initial_margin) = (Bps::new(2_000), Bps::new(3_000)));
    valid(|p| p.initial_margin = Bps::new(10_000));
    valid(|p| p.initial_margin = Bps::new(150));
    valid(|p| {
        (p.maintenance_margin, p.initial_margin) = (Bps::new(50), Bps::new(75));
        (p.liquidation_fee, p.wide_confidence, p.strict_confidence) = (Bps::new(10), Bps::new(39), Bps::new(20));
        p.impact_max = Bps::new(44);
    });
    broken(
        Error::MarginRatiosOutOfBounds,
        &[
            |p| p.maintenance_margin = Bps::new(49),
            |p| (p.maintenance_margin, p.initial_margin) = (Bps::new(2_001), Bps::new(4_000)),
            |p| p.initial_margin = Bps::new(149),
            |p| p.initial_margin = Bps::new(10_001),
            |p| p.maintenance_margin_slope = Bps::new(11),
            |p| (p.initial_margin_slope, p.maintenance_margin_slope) = (Bps::new(1_001), Bps::new(10)),
        ],
    );
}

#[test]
fn fees_have_bounds() {
    valid(|p| (p.taker_fee, p.min_reward, p.settle_tip) = (Bps::new(3), Bps::new(1), Notional::new(1_200)));
    valid(|p| (p.taker_fee, p.impact_max) = (Bps::new(50), Bps::new(49)));
    valid(|p| (p.fee_to_pool, p.fee_to_insurance) = (Bps::new(5_000), Bps::new(4_000)));
    broken(
        Error::TakerFeeOutOfBounds,
        &[
            |p| p.taker_fee = Bps::new(2),
            |p| p.taker_fee = Bps::new(51),
            |p| p.fee_to_protocol = Bps::new(1_001),
            |p| p.fee_to_protocol = Bps::new(999),
            |p| (p.fee_to_pool, p.fee_to_insurance) = (Bps::new(4_999), Bps::new(4_001)),
            |p| (p.fee_to_pool, p.fee_to_insurance) = (Bps::new(8_001), Bps::new(999)),
        ],
    );
}

#[test]
fn the_liquidation_fee_and_the_widest_spread_stay_below_maintenance() {
    valid(|p| p.liquidation_fee = Bps::new(10));
    valid(|p| p.liquidation_fee = Bps::new(39)); // 39 + 60 < 100
    valid(|p| (p.spread_multiplier, p.strict_confidence, p.wide_confidence) = (3, Bps::new(23), Bps::new(23))); // 30 + 69
    broken(
        Error::LiquidationFeeOutOfBounds,
        &[
            |p| p.liquidation_fee = Bps::new(9),
            |p| p.liquidation_fee = Bps::new(40),
            |p| p.wide_confidence = Bps::new(70),
            |p| p.spread_multiplier = 2,
        ],
    );
}

#[test]
fn the_least_reward_is_at_most_what_a_fee_leaves_outside_the_pool() {
    valid(|p| p.min_reward = Bps::new(0));
    valid(|p| (p.taker_fee, p.min_reward) = (Bps::new(10), Bps::new(4)));
    broken(Error::MinRewardOutOfBounds, &[|p| p.min_reward = Bps::new(3), |p| p.taker_fee = Bps::new(4)]);
}

#[test]
fn oracle_limits_have_bounds() {
    valid(|p| p.strict_confidence = Bps::new(20));
    valid(|p| p.strict_confidence = Bps::new(60));
    valid(|p| (p.ema_bound, p.max_jump) = (Bps::new(200), Bps::new(100)));
    valid(|p| (p.ema_bound, p.max_jump) = (Bps::new(10_000), Bps::new(10_000)));
    broken(
        Error::OracleBoundsOutOfBounds,
        &[
            |p| p.spread_multiplier = 0,
            |p| p.spread_multiplier = 4,
            |p| p.strict_confidence = Bps::new(19),
            |p| p.strict_confidence = Bps::new(61),
            |p| p.ema_bound = Bps::new(199),
            |p| p.ema_bound = Bps::new(10_001),
            |p| p.max_jump = Bps::new(99),
            |p| p.max_jump = Bps::new(10_001),
        ],
    );
}

#[test]
fn ages_have_bounds() {
    valid(|p| (p.fresh_age, p.wide_age, p.max_future) = (Seconds::new(1), Seconds::new(5), Seconds::new(10)));
    valid(|p| (p.order_delay, p.min_hold) = (Seconds::new(4), Seconds::new(0)));
    valid(|p| (p.fresh_age, p.wide_age, p.max_future) = (Seconds::new(3), Seconds::new(60), Seconds::new(600)));
    valid(|p| (p.order_delay, p.min_hold) = (Seconds::new(60), Seconds::new(120)));
    broken(
        Error::AgesOutOfBounds,
        &[
            |p| p.fresh_age = Seconds::new(0),
            |p| p.fresh_age = Seconds::new(4),
            |p| p.wide_age = Seconds::new(4),
            |p| p.wide_age = Seconds::new(61),
            |p| p.max_future = Seconds::new(9),
            |p| p.max_future = Seconds::new(601),
            |p| p.order_delay = Seconds::new(3),
            |p| p.order_delay = Seconds::new(61),
            |p| p.min_hold = Seconds::new(121),
        ],
    );
}

#[test]
fn reserve_and_deleveraging_have_bounds() {
    valid(|p| p.stress = Bps::new(1_000));
    valid(|p| p.stress = Bps::new(9_000));
    valid(|p| p.max_utilisation = Bps::new(8_000));
    valid(|p| p.max_utilisation = Bps::new(1_000));
    valid(|p| (p.deleverage_target, p.deleverage_trigger) = (Bps::new(1_000), Bps::new(9_000)));
    valid(|p| (p.deleverage_target, p.deleverage_trigger) = (Bps::new(7_999), Bps::new(8_000)));
    broken(
        Error::ReserveParamsOutOfBounds,
        &[
            |p| p.stress = Bps::new(999),
            |p| p.stress = Bps::new(9_001),
            |p| p.max_utilisation = Bps::new(8_001),
            |p| p.max_utilisation = Bps::new(999),
            |p| p.deleverage_target = Bps::new(999),
            |p| p.deleverage_target = Bps::new(8_000),
            |p| p.deleverage_trigger = Bps::new(9_001),
        ],
    );
}

#[test]
fn rates_are_at_most_ten_per_cent_a_day_together() {
    valid(|p| (p.max_funding, p.max_borrow) = (60_000_000, 40_000_000));
    valid(|p| (p.max_funding, p.max_borrow) = (0, 0));
    valid(|p| p.skew_scale = Notional::new(1));
    valid(|p| p.max_accrual_gap = Seconds::new(1));
    broken(
        Error::RatesOutOfBounds,
        &[
            |p| (p.max_funding, p.max_borrow) = (60_000_000, 40_000_001),
            |p| (p.max_funding, p.max_borrow) = (u32::MAX, 1),
            |p| p.skew_scale = Notional::ZERO,
            |p| p.max_accrual_gap = Seconds::new(DAY + 1),
            |p| p.max_accrual_gap = Seconds::new(0),
        ],
    );
}

#[test]
fn the_surcharge_is_below_maintenance_less_the_taker_fee() {
    valid(|p| p.impact_max = Bps::new(94));
    broken(Error::ImpactOutOfBounds, &[|p| p.impact_max = Bps::new(95), |p| p.impact_scale = Notional::ZERO]);
}

#[test]
fn caps_have_bounds() {
    valid(|p| (p.min_notional, p.settle_tip) = (Notional::new(1_000_000), Notional::new(200)));
    valid(|p| p.max_side_notional = Notional::new(10_000_000_000_000_000));
    valid(|p| p.min_notional = Notional::new(10_000_000_000));
    valid(|p| (p.min_first_deposit, p.max_pool) = (Sats::new(100_000), Sats::new(2_100_000_000_000_000)));
    broken(
        Error::CapsOutOfBounds,
        &[
            |p| p.min_notional = Notional::new(999_999),
            |p| p.min_notional = Notional::new(10_500_000),
            |p| p.min_notional = Notional::new(10_001_000_000),
            |p| p.max_position_notional = Notional::new(9_000_000),
            |p| p.max_side_notional = Notional::new(9_000_000_000_000),
            |p| p.max_side_notional = Notional::new(10_000_000_001_000_000),
            |p| p.min_first_deposit = Sats::new(99_999),
            |p| p.max_pool = Sats::new(999_999),
            |p| p.max_pool = Sats::new(2_100_000_000_000_001),
        ],
    );
}

#[test]
fn tips_have_bounds() {
    // 40 % of 5 bps of $10 is 0.2 cents.
    valid(|p| p.settle_tip = Notional::new(2_000));
    valid(|p| p.max_order_tip = p.min_order_tip);
    valid(|p| (p.min_order_tip, p.max_order_tip) = (Sats::new(10_000), Sats::new(1_000_000)));
    broken(
        Error::TipsOutOfBounds,
        &[
            |p| p.settle_tip = Notional::new(2_001),
            |p| (p.min_order_tip, p.max_order_tip) = (Sats::new(101), Sats::new(100)),
            |p| p.min_order_tip = Sats::new(10_001),
            |p| p.max_order_tip = Sats::new(1_000_001),
        ],
    );
}

#[test]
fn the_daily_cap_of_insurance_has_bounds() {
    valid(|p| p.insurance_daily_cap = Bps::new(1_000));
    valid(|p| p.insurance_daily_cap = Bps::new(9_000));
    broken(
        Error::InsuranceCapOutOfBounds,
        &[|p| p.insurance_daily_cap = Bps::new(999), |p| p.insurance_daily_cap = Bps::new(9_001)],
    );
}

#[test]
fn exits_are_over_before_new_parameters_hold() {
    valid(|p| p.withdrawal_window = Seconds::new(2 * DAY));
    valid(|p| (p.cool_down, p.withdrawal_window) = (Seconds::new(1), Seconds::new(600)));
    valid(|p| (p.dead_oracle_after, p.dead_oracle_grace) = (Seconds::new(30 * DAY), Seconds::new(7 * DAY)));
    broken(
        Error::ExitTimesOutOfBounds,
        &[
            |p| p.withdrawal_window = Seconds::new(2 * DAY + 1),
            |p| p.cool_down = Seconds::new(0),
            |p| p.withdrawal_window = Seconds::new(599),
            |p| p.dead_oracle_after = Seconds::new(DAY - 1),
            |p| p.dead_oracle_grace = Seconds::new(6 * 3_600 - 1),
            |p| p.dead_oracle_after = Seconds::new(30 * DAY + 1),
            |p| p.dead_oracle_grace = Seconds::new(7 * DAY + 1),
        ],
    );
    let params = Params::standard();
    assert_eq!(params.validate(Seconds::new(2 * DAY)), Ok(()));
    assert_eq!(params.validate(Seconds::new(2 * DAY - 1)), Err(Error::ExitTimesOutOfBounds));
}

#[test]
fn wild_numbers_are_errors_and_not_panics() {
    type Change = fn(&mut Params, u32);
    let changes: [Change; 12] = [
        |p, n| p.maintenance_margin = Bps::new(n),
        |p, n| p.initial_margin = Bps::new(n),
        |p, n| p.fee_to_pool = Bps::new(n),
        |p, n| p.fee_to_insurance = Bps::new(n),
        |p, n| p.fee_to_protocol = Bps::new(n),
        |p, n| p.liquidation_fee = Bps::new(n),
        |p, n| p.min_reward = Bps::new(n),
        |p, n| p.spread_multiplier = n,
        |p, n| p.wide_confidence = Bps::new(n),
        |p, n| p.taker_fee = Bps::new(n),
        |p, n| p.impact_max = Bps::new(n),
        |p, n| (p.cool_down, p.withdrawal_window) = (Seconds::new(n), Seconds::new(n)),
    ];
    for change in changes {
        for n in [u32::MAX, u32::MAX - 1, 1 << 31] {
            let mut params = Params::standard();
            change(&mut params, n);
            assert!(params.validate(TIMELOCK).is_err());
        }
    }
}
