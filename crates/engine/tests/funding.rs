//! Cases 10 and 31 to 34: funding and borrow fee, by the second, lazily, and never to the pool's loss.

mod common;

use common::exact::{assert_down, assert_near, assert_up, int, ratio, value};
use common::ledger_model::{Holder, Side as ModelSide, ONE};
use common::{dollars, open_params, sats, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::funding::accrue_side;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::{Bps, PpbPerDay, Price, Scale, Seconds, Shares};
use inverse_perps_engine::{Direction, Error, Params, Side};
use num_bigint::BigInt;
use proptest::prelude::*;

const DAY: i64 = 86_400;
const SAT: i128 = ONE;

/// Without fees, so that only funding moves a balance.
fn free_of_fees() -> Params {
    Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..open_params() }
}

fn without_borrow_fee() -> Params {
    Params { max_borrow: 0, ..free_of_fees() }
}

fn costs(bench: &Bench) -> (i128, i128) {
    (bench.market.long.cost_owed.get(), bench.market.short.cost_owed.get())
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn case_31_a_payer_pays_up_and_a_receiver_gets_down(
        shares in 1..10_000_000_000_000_000u64, scale in 1_000_000_000_000_000..=1_000_000_000_000_000_000u64,
        rate in -100_000_000..=100_000_000i64, seconds in 1..86_400u64, price in 100_000_000..=10_000_000_000_000_000u64
    ) {
        let mut side = Side { scale: Scale::new(scale), shares: Shares::new(shares), positions: 1, ..Side::empty() };
        accrue_side(&mut side, PpbPerDay::new(rate), seconds, Price::new(price)).unwrap();
        let exact = ratio(BigInt::from(scale) * rate.unsigned_abs() * seconds * 10, BigInt::from(price) * DAY);
        let step = side.cost_index.get();
        if rate >= 0 { assert_up(step, &exact, 1) } else { assert_down(-step, &exact, 1) }
        assert_eq!(BigInt::from(side.cost_owed.get()), BigInt::from(shares) * step, "the sum is exact");
        let daily = value(shares, price) * ratio(scale, SAT) * ratio(rate, 1_000_000_000) * ratio(seconds, DAY);
        assert_near(side.cost_owed.get(), &(daily * int(SAT)), &int(shares));
    }
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn case_31_the_pool_never_loses_by_funding_and_gets_what_the_sides_owe(
        sizes in prop::collection::vec((any::<bool>(), 10..3_000_000u64), 1..8), hours in 1..24i64,
        prices in (20_000..90_000u64, 20_000..90_000u64), borrow in prop::sample::select(vec![0, 1_000_000, 40_000_000])
    ) {
        let params = Params { max_funding: 60_000_000, max_borrow: borrow, ..free_of_fees() };
        let mut bench = Bench::new(params, usd(prices.0), DEEP);
        let mut positions: Vec<_> = sizes.iter().map(|(long, size)| {
            bench.opened(if *long { Direction::Long } else { Direction::Short }, dollars(*size), DEEP / 100)
        }).collect();
        bench.wait(hours * 3_600);
        bench.price = usd(prices.1);
        bench.marks();
        let (long, short) = costs(&bench);
        assert!(long + short >= 0, "both sides together never receive");
        let owed = long + short;
        let (pool, margins) = (bench.market.ledger.pool.get(), bench.market.ledger.margin.get());
        positions.iter_mut().for_each(|position| bench.settle(position));
        let gained = i128::from(bench.market.ledger.pool.get()) - i128::from(pool);
        assert_eq!(i128::from(margins) - i128::from(bench.market.ledger.margin.get()), gained, "what one pays another gets");
        let over = gained * SAT - owed;
        assert!(gained >= 0 && over >= 0 && over < SAT * positions.len() as i128, "{gained} for {owed}");
        assert_eq!(costs(&bench), (0, 0));
    }

    #[test]
    fn case_34_funding_costs_the_same_whether_a_position_is_touched_or_not(
        d in prop::sample::select(BOTH.to_vec()), sizes in (10..3_000_000u64, 10..3_000_000u64), touches in 1..30i64
    ) {
        let params = Params { max_funding: 60_000_000, max_borrow: 40_000_000, ..free_of_fees() };
        let mut bench = Bench::new(params, usd(60_000), DEEP);
        let mut touched = bench.opened(d, dollars(sizes.0), DEEP / 100);
        let mut alone = bench.opened(d, dollars(sizes.0), DEEP / 100);
        let other = bench.opened(d.opposite(), dollars(sizes.1), DEEP / 100);
        for _ in 0..touches {
            bench.wait(1_800);
            bench.price = usd(bench.price.get() / 100_000_000 + 100);
            bench.marks();
            let before = [touched, alone, other].map(|p| equity(&bench, &p));
            bench.settle(&mut touched);
            for (was, position) in before.iter().zip([touched, alone, other]) {
                let lost = was - equity(&bench, &position);
                assert!(lost >= int(0) && lost < int(1), "settling costs {lost}");
            }
        }
        bench.settle(&mut alone);
        let difference = i128::from(alone.margin.get()) - i128::from(touched.margin.get());
        assert!((0..=i128::from(touches)).contains(&difference), "{difference} in {touches} touches");
        assert_eq!((touched.basis, touched.shares), (alone.basis, alone.shares));
    }
}

fn equity(bench: &Bench, position: &inverse_perps_engine::Position) -> common::exact::Exact {
    let direction = position.open_direction().unwrap();
    Holder::of(position).equity(&ModelSide::of(bench.market.side(direction), direction), bench.price)
}

#[test]
fn the_heavy_side_pays_and_the_light_side_receives_as_worked_by_hand() {
    // $10M against $5M at $50,000, 200 BTC against 100: half of the skew scale, so 0.15 % a day.
    for heavy in BOTH {
        let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
        bench.opened(heavy, dollars(10_000_000), DEEP / 100);
        bench.opened(heavy.opposite(), dollars(5_000_000), DEEP / 100);
        bench.wait(DAY);
        bench.marks();
        assert_eq!(bench.market.side(heavy).cost_owed.get(), 30_000_000 * SAT);
        assert_eq!(bench.market.side(heavy.opposite()).cost_owed.get(), -15_000_000 * SAT);
    }
}

#[test]
fn funding_is_clamped_at_its_scale() {
    // 0.3 % a day of 400 BTC and no more, although the skew is twice the scale.
    let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
    bench.opened(Direction::Long, dollars(20_000_000), DEEP / 100);
    bench.wait(DAY);
    bench.marks();
    assert_eq!(costs(&bench), (120_000_000 * SAT, 0));
}

#[test]
fn both_sides_pay_the_pool_for_its_utilisation() {
    // Balanced sides of 200 BTC pay no funding. Of a pool of 10,000 BTC the requirement is 200, the longs' entry value, or
    // what the shorts win at 30 % less: 200 * 3 / 7. So both pay 2 % of 0.1 % a day of 200 BTC.
    let params = Params { max_borrow: 1_000_000, ..free_of_fees() };
    let mut bench = Bench::new(params, usd(50_000), 1_000_000_000_000);
    let mut positions = BOTH.map(|direction| bench.opened(direction, dollars(10_000_000), DEEP / 100));
    bench.wait(DAY);
    bench.marks();
    assert_eq!(costs(&bench), (400_000 * SAT, 400_000 * SAT));
    positions.iter_mut().for_each(|position| bench.settle(position));
    assert_eq!(bench.market.ledger.pool, sats(1_000_000_800_000));
}

#[test]
fn an_empty_pool_asks_the_whole_borrow_fee() {
    let mut bench = Bench::new(Params { max_borrow: 1_000_000, ..free_of_fees() }, usd(50_000), 1_000_000_000_000);
    for direction in BOTH {
        bench.opened(direction, dollars(10_000_000), DEEP / 100);
    }
    bench.market.ledger.pool = sats(0);
    bench.wait(DAY);
    bench.marks();
    assert_eq!(costs(&bench), (20_000_000 * SAT, 20_000_000 * SAT), "0.1 % of 200 BTC");
}

#[test]
fn case_32_a_changed_rate_holds_from_its_change_on() {
    let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
    bench.opened(Direction::Long, dollars(10_000_000), DEEP / 100);
    bench.wait(DAY / 2);
    bench.marks();
    bench.market.params.max_funding = 30_000_000; // ten times as much
    assert_eq!(costs(&bench), (30_000_000 * SAT, 0), "half a day of 0.3 % of 200 BTC, before and after the change");
    bench.marks();
    assert_eq!(costs(&bench), (30_000_000 * SAT, 0), "no time has passed");
    bench.wait(DAY / 2);
    bench.marks();
    assert_eq!(costs(&bench), (330_000_000 * SAT, 0));
}

#[test]
fn case_32_a_trade_does_not_reach_into_the_past() {
    let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
    bench.opened(Direction::Long, dollars(10_000_000), DEEP / 100);
    bench.wait(DAY / 2);
    let mut late = bench.opened(Direction::Short, dollars(10_000_000), DEEP / 100);
    assert_eq!(costs(&bench), (30_000_000 * SAT, 0), "accrued at the skew that was");
    let margin = late.margin;
    bench.settle(&mut late);
    assert_eq!(late.margin, margin, "a position owes nothing for the time before it");
    bench.wait(DAY / 2);
    bench.marks();
    assert_eq!(costs(&bench), (30_000_000 * SAT, 0), "balanced since");
}

#[test]
fn case_32_a_gap_of_a_week_counts_as_its_cap() {
    for (cap, expected) in [(DAY, 60_000_000), (3_600, 2_500_000)] {
        let params = Params { max_accrual_gap: Seconds::new(u32::try_from(cap).unwrap()), ..without_borrow_fee() };
        let mut bench = Bench::new(params, usd(50_000), DEEP);
        bench.opened(Direction::Long, dollars(10_000_000), DEEP / 100);
        bench.wait(7 * DAY);
        bench.marks();
        assert_eq!(costs(&bench), (expected * SAT, 0));
        bench.marks();
        assert_eq!(costs(&bench), (expected * SAT, 0), "the rest of the week is not made up for");
    }
}

#[test]
fn case_33_empty_sides_stand_still() {
    let mut bench = Bench::new(open_params(), usd(50_000), DEEP);
    bench.wait(3 * DAY);
    let accrued = bench.market.sync(&common::update(usd(50_000), bench.now), PriceUse::Upkeep, bench.at()).unwrap().accrued;
    assert_eq!((accrued, bench.market.long, bench.market.short), (None, Side::empty(), Side::empty()));

    let mut first = bench.opened(Direction::Short, dollars(1_000_000), DEEP / 100);
    let margin = first.margin;
    bench.settle(&mut first);
    assert_eq!(first.margin, margin, "nobody pays for the idle days before");
    bench.wait(DAY);
    bench.marks();
    assert_eq!(bench.market.long, Side::empty());
    assert!(bench.market.short.cost_owed.get() > 0);
}

#[test]
fn case_33_an_empty_pool_and_empty_sides_divide_by_nothing() {
    let mut bench = Bench::new(open_params(), usd(50_000), 0);
    bench.wait(DAY);
    bench.marks();
    assert_eq!((bench.market.long, bench.market.short), (Side::empty(), Side::empty()));
    let mut side = Side::empty();
    accrue_side(&mut side, PpbPerDay::new(1_000), 60, Price::MIN).unwrap();
    assert_eq!(side, Side::empty());
}

#[test]
fn case_34_funding_alone_pushes_a_position_into_liquidation() {
    for direction in BOTH {
        let mut bench = Bench::new(Params { max_funding: 6_000_000, ..without_borrow_fee() }, usd(50_000), DEEP);
        // 3 % of initial margin at $10M is met; 0.6 % a day takes it below 2 % of maintenance on the second day.
        let mut position = bench.opened(direction, dollars(10_000_000), 600_000_000);
        bench.wait(DAY);
        bench.marks();
        assert_eq!(bench.liquidate(&mut position).unwrap_err(), Error::NotLiquidatable);
        bench.wait(DAY);
        let margin = position.margin;
        let liquidated = bench.liquidate(&mut position).expect("nobody touched it, and yet it paid");
        assert!(liquidated.pnl.get().abs() <= 2 && margin == sats(600_000_000));
        assert!(bench.market.ledger.pool.get() >= DEEP + 240_000_000, "two days of 1.2 BTC");
        assert_eq!(int(position.basis.get()), int(bench.market.side(direction).basis.get()));
    }
}

#[test]
fn case_10_accrual_is_by_unix_time_and_not_by_slots() {
    // 200 ms and 400 ms slots, and a chain that stood still for six hours, all come to the same second.
    let costs_of = [10, 5, 0].map(|slots_in_two_seconds| {
        let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
        bench.opened(Direction::Long, dollars(10_000_000), DEEP / 100);
        bench.now += 6 * 3_600;
        bench.slot += 1 + slots_in_two_seconds * 3 * 3_600;
        bench.marks();
        costs(&bench)
    });
    assert_eq!(costs_of, [(15_000_000 * SAT, 0); 3], "a quarter of a day of 0.3 % of 200 BTC");
}

#[test]
fn a_clock_that_steps_back_accrues_nothing_twice() {
    let mut bench = Bench::new(without_borrow_fee(), usd(50_000), DEEP);
    bench.opened(Direction::Long, dollars(10_000_000), DEEP / 100);
    bench.wait(DAY);
    bench.marks();
    bench.now -= 30;
    bench.marks();
    bench.now += 30;
    bench.marks();
    assert_eq!(costs(&bench), (60_000_000 * SAT, 0));
}
