//! Cases 18 to 22 and 25: when a position can be liquidated, how much of it is, and who pays for what.

mod common;

use common::exact::{bps, int, pnl as exact_pnl, ratio, value, Exact};
use common::{dollars, sats, still, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::actions::Liquidated;
use inverse_perps_engine::liquidation::{close_size, threshold, CloseSize, Exposed, Target, Threshold};
use inverse_perps_engine::margin::is_liquidatable;
use inverse_perps_engine::units::{Bps, Notional, Ppb, Price, Scale};
use inverse_perps_engine::{Direction, Error, Params, Position, Side};
use proptest::prelude::*;

fn directions() -> impl Strategy<Value = Direction> {
    prop::sample::select(BOTH.to_vec())
}

/// Without fees and surcharge on the way in, so that margins are round numbers.
fn free_to_open() -> Params {
    Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() }
}

fn exact_equity(position: &Position, side: &Side, direction: Direction, price: u64) -> Exact {
    assert_eq!(side.scale, Scale::ONE);
    int(position.margin.get()) + exact_pnl(direction, int(position.basis.get()), value(position.shares.get(), price))
}

/// A ratio of margin that grows by 10 bps a million dollars.
fn sloped(base: u32, notional: u64) -> Exact {
    bps(base) + bps(10) * ratio(notional, 1_000_000_000_000u64)
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn a_threshold_is_the_last_price_at_which_the_ratio_is_met(
        d in directions(), n in 1_000_000..10_000_000_000_000_000u64, entry in 1_000_000_000..10_000_000_000_000_000u64,
        percent in -50..200i64, maintenance in 0..10_000u32
    ) {
        let worth: i64 = value(n, entry).to_integer().try_into().unwrap();
        prop_assume!(worth < 2_100_000_000_000_000);
        let margin = worth / 100 * percent;
        let position = Exposed { direction: d, notional: Notional::new(n), margin, entry_value: worth };
        let met = |price: u64| int(margin) + exact_pnl(d, int(worth), value(n, price)) >= bps(maintenance) * value(n, price);
        match threshold(&position, Bps::new(maintenance).to_ppb()) {
            Ok(Threshold::At(price)) => {
                let (inside, outside) = match d {
                    Direction::Long => (price.get(), price.get() - 1),
                    Direction::Short => (price.get(), price.get() + 1),
                };
                assert!(inside == 0 || met(inside), "{price:?}");
                assert!(outside == 0 || !met(outside), "{price:?}");
            }
            Ok(Threshold::Never) => assert!(d == Direction::Short && margin >= worth && met(u64::MAX) && met(1)),
            Ok(Threshold::Always) => assert!(!met(u64::MAX) && !met(1)),
            Err(error) => assert!(error == Error::Overflow && (margin - worth).abs() < 1_000_000),
        }
    }

    #[test]
    fn case_18_a_short_of_at_most_one_times_its_margin_has_no_liquidation_price(
        size in 10..1_000_000u64, entry in 1_000..200_000u64, spare in 0..1_000_000u64, price in 1..100_000_000u64,
        maintenance in 0..10_000u32
    ) {
        let worth = value(size * 1_000_000, usd(entry).get()).ceil().to_integer();
        let entry_value = i64::try_from(worth).unwrap();
        let margin = entry_value + i64::try_from(spare).unwrap();
        let short = Exposed { direction: Direction::Short, notional: dollars(size), margin, entry_value };
        assert_eq!(threshold(&short, Bps::new(maintenance).to_ppb()), Ok(Threshold::Never));
        assert_eq!(threshold(&short, Ppb::ZERO), Ok(Threshold::Never));
        let thinner = Exposed { margin: entry_value - 1, ..short };
        assert_ne!(threshold(&thinner, Ppb::ZERO).ok(), Some(Threshold::Never), "one satoshi less has one, however far");

        let mut bench = Bench::new(free_to_open(), usd(entry), DEEP);
        let mut position = bench.opened(Direction::Short, dollars(size), margin.unsigned_abs());
        bench.move_to(usd(price));
        assert_eq!(bench.liquidate(&mut position).unwrap_err(), Error::NotLiquidatable);
    }

    #[test]
    fn case_19_liquidatable_from_the_first_satoshi_below_maintenance(d in directions(), thousands in 1..5_000u64, entry in 0..3usize) {
        // At $50,000 a dollar is 2,000 satoshi and every number below is whole.
        let entry_sats = [1_600, 2_000, 2_500][entry]; // entries at $62,500, $50,000 and $40,000
        let (size, worth) = (thousands * 1_000, 2_000_000 * thousands);
        let maintenance = 20_000 * thousands + 2 * thousands * thousands; // 1 %, and 0.1 % a million dollars
        let loss = i64::try_from(entry_sats * size).unwrap() - i64::try_from(worth).unwrap();
        let loss = if d == Direction::Long { -loss } else { loss };
        let needed = i64::try_from(maintenance).unwrap() + loss;
        prop_assume!(needed > 0);
        let side = Side::empty();
        let position = Position {
            shares: inverse_perps_engine::units::Shares::new(size * 1_000_000),
            basis: inverse_perps_engine::units::Basis::new((entry_sats * size).into()),
            direction: if d == Direction::Long { 1 } else { 2 },
            scale: side.scale,
            ..Position::default()
        };
        for (margin, expected) in [(needed, false), (needed - 1, true), (needed + 1, false), (0, true)] {
            let position = Position { margin: sats(margin.unsigned_abs()), ..position };
            assert_eq!(is_liquidatable(&Params::standard().margin_ratios(), &position, &side, usd(50_000)), Ok(expected), "margin {margin}");
            let tips = Position { margin: sats(margin.unsigned_abs() + 500), tips: sats(500), ..position };
            assert_eq!(is_liquidatable(&Params::standard().margin_ratios(), &tips, &side, usd(50_000)), Ok(expected), "tips are no margin");
        }
    }
}

/// Opens, moves the price against the position and liquidates it, with what it was before.
fn liquidated(
    d: Direction,
    size: u64,
    (leverage, adverse, confidence): (u64, u64, u64),
) -> Option<(Bench, Position, Position, Exact, Liquidated)> {
    let mut bench = Bench::new(free_to_open(), usd(50_000), DEEP);
    bench.market.fund_insurance(sats(1_000_000_000)).unwrap();
    let margin = size * 2_000 / leverage + size * 2_000 * size / 1_000_000_000 + 10;
    let mut position = bench.opened(d, dollars(size), margin);
    let moved = match d {
        Direction::Long => usd(50_000).get() / 100_000 * (100_000 - adverse),
        Direction::Short => usd(50_000).get() / 100_000 * (100_000 + adverse),
    };
    bench.move_to(Price::new(moved));
    bench.widen(moved / 10_000 * confidence);
    let before = position;
    let equity = exact_equity(&position, bench.market.side(d), d, moved);
    let liquidated = bench.liquidate(&mut position).ok()?;
    Some((bench, before, position, equity, liquidated))
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn case_20_a_partial_liquidation_restores_the_target_or_closes_whole(
        d in directions(), size in 20..5_000_000u64, leverage in 10..48u64, adverse in 100..10_000u64, confidence in 0..=25u64
    ) {
        let Some((bench, before, after, equity, liquidated)) = liquidated(d, size, (leverage, adverse, confidence)) else {
            return Ok(());
        };
        let (price, notional) = (liquidated.price.get(), before.shares.get());
        let worth = value(notional, price);
        assert!(equity < &worth * sloped(100, notional) + int(1), "only below maintenance");
        let (t, f) = (sloped(200, notional), bps(30) + ratio(bench.confidence, price));
        // A few satoshi of rounding in the equity and the charges move the size by that much over t - f.
        let slack = int(12) + &worth * ratio(1, 1_000_000_000u64);
        let dollars_of = |amount: Exact| amount * ratio(price, 10_000_000_000u64);
        let x = dollars_of((&t * &worth - &equity) / (&t - &f));
        let pays = &equity - &f * value(1, price) * &x;
        if after.open_direction().is_some() {
            let closed = int(liquidated.notional.get());
            let off = if closed > x { &closed - &x } else { &x - &closed };
            assert!(off <= dollars_of(&slack / (&t - &f)) + int(2), "{closed} closed, {x} expected");
            let rest = value(after.shares.get(), price);
            let left = exact_equity(&after, bench.market.side(d), d, price);
            assert!(left >= &t * &rest - &slack, "back to the initial ratio");
            assert!(left <= &t * &rest + &slack + &t * value(2, price), "and not much above it");
            assert!(&left * &worth + &slack * &worth >= &equity * &rest, "the ratio never falls");
            assert!(after.shares.get() >= 10_000_000, "the rest is no dust");
            assert!(pays >= -&slack);
            assert!(!is_liquidatable(&bench.market.params.margin_ratios(), &after, bench.market.side(d), liquidated.price).unwrap());
            assert_eq!(liquidated.shortfall.covered.get() + liquidated.shortfall.uncovered.get(), 0);
        } else {
            let dust = int(notional) - &x < int(10_000_000) + dollars_of(&slack / (&t - &f));
            assert!(dust || pays <= slack, "closed whole although a part would have done");
            let short = if equity < int(0) { -equity } else { int(0) };
            let shortfall = int(liquidated.shortfall.covered.get() + liquidated.shortfall.uncovered.get());
            assert!(&shortfall >= &short && shortfall < short + int(2), "a shortfall is the negative equity, fee and spread apart");
        }
    }

    #[test]
    fn case_22_liquidating_oneself_loses(
        d in directions(), size in 20..5_000_000u64, leverage in 10..48u64, adverse in 100..10_000u64, confidence in 0..=25u64
    ) {
        let Some((bench, before, after, equity, liquidated)) = liquidated(d, size, (leverage, adverse, confidence)) else {
            return Ok(());
        };
        let left = exact_equity(&after, bench.market.side(d), d, liquidated.price.get());
        let reward = liquidated.reward.get();
        let least = value(before.shares.get(), liquidated.price.get()) * bps(2);
        assert!(left + int(reward) < equity.max(int(0)) + &least + int(2), "no more than the least reward of a bankrupt");
        assert!(reward < before.margin.get(), "and the margin that went is more than the reward");
    }

    #[test]
    fn case_17_close_size_never_panics_and_never_closes_more_than_there_is(
        d in directions(), n: u64, margin: i64, entry_value: i64, price: u64, ratio: u64, cost: u64, min: u64
    ) {
        let position = Exposed { direction: d, notional: Notional::new(n), margin, entry_value };
        let target = Target { ratio: Ppb::new(ratio), cost: Ppb::new(cost), min_notional: Notional::new(min) };
        if let Ok(CloseSize::Part(size)) = close_size(&position, Price::new(price), &target) {
            assert!(size.get() <= n && ratio > cost && (size.is_zero() || n - size.get() >= min));
        }
        let _ = threshold(&position, target.ratio);
    }
}

/// A long of $100,000 from $50,000 with this much margin, liquidated at $48,000, where it is worth 208,333,333.33 satoshi and has
/// lost 8,333,334.
fn waterfall(margin: u64, insurance: u64) -> (Bench, Position, Liquidated) {
    let mut bench = Bench::new(free_to_open(), usd(50_000), DEEP);
    bench.insure(insurance);
    let mut position = bench.opened(Direction::Long, dollars(100_000), margin);
    bench.market.params.taker_fee = Bps::new(5); // which bounds the least reward
    bench.move_to(usd(48_000));
    bench.widen(usd(48).get()); // ten basis points
    let total = bench.market.ledger.total().unwrap();
    let liquidated = bench.liquidate(&mut position).unwrap();
    assert_eq!(liquidated.value, sats(208_333_334));
    assert_eq!(liquidated.pnl.get(), -8_333_334);
    assert_eq!(bench.market.ledger.total().unwrap().get(), total.get() - liquidated.reward.get());
    (bench, position, liquidated)
}

const LOSS: u64 = 8_333_334;
const FEE: u64 = 625_001; // 30 bps, of which half is the liquidator's
const LEAST: u64 = 41_666; // 2 bps, the least reward

#[test]
fn case_25_margin_pays_the_liquidator_then_insurance_then_the_spread() {
    let cases = [
        (LOSS + 700_000, 312_500, 312_501, 74_999), // the spread of 208,334 is not reached whole
        (LOSS + 400_000, 312_500, 87_500, 0),
        (LOSS + 200_000, 200_000, 0, 0),
    ];
    for (margin, reward, insurance, spread) in cases {
        let (bench, position, liquidated) = waterfall(margin, 1_000_000);
        assert_eq!(liquidated.reward, sats(reward));
        assert_eq!((liquidated.insurance_fee, liquidated.spread), (sats(insurance), sats(spread)));
        assert_eq!((position.margin, position.open_direction()), (sats(0), None));
        assert_eq!(bench.market.ledger.pool, sats(DEEP + LOSS + spread));
        assert_eq!(bench.market.ledger.insurance, sats(1_000_000 + insurance));
        assert_eq!(bench.market.bad_debt, sats(0));
    }
    assert_eq!(312_500 + 312_501, FEE);
}

#[test]
fn case_25_and_26_what_margin_cannot_pay_insurance_does_and_beyond_its_cap_the_pool_goes_without() {
    let short = LOSS - 5_000_000;
    // Half of the fund, what insurance pays at most in a day, covers all; a part of the loss; the loss, but not the reward.
    let cases = [
        (10_000_000, short, 0, 10_000_000 - short - LEAST, 0),
        (1_000_000, 500_000, short - 500_000, 500_000, LEAST), // the pool pays the least reward
        (2 * (short + 1_000), short, 0, short + 1_000, LEAST - 1_000),
    ];
    for (fund, covered, uncovered, insurance, from_pool) in cases {
        let (bench, position, liquidated) = waterfall(5_000_000, fund);
        assert_eq!((liquidated.shortfall.covered, liquidated.shortfall.uncovered), (sats(covered), sats(uncovered)));
        assert_eq!((liquidated.reward, liquidated.insurance_fee, liquidated.spread), (sats(LEAST), sats(0), sats(0)));
        assert_eq!(bench.market.ledger.insurance, sats(insurance));
        assert_eq!(bench.market.ledger.pool, sats(DEEP + 5_000_000 + covered - from_pool));
        assert_eq!(bench.market.bad_debt, sats(uncovered));
        assert_eq!((position.margin, position.open_direction(), position.basis.get()), (sats(0), None, 0));
    }
}

#[test]
fn case_22_the_least_reward_is_never_above_the_taker_fee_that_was_paid_to_open() {
    // 2 BTC came in: 5 bps of that are 100,000. 2 bps of the value are as much at $20,000, where it is 5 BTC.
    for (price, reward) in [(20_001, 99_995), (20_000, 100_000), (19_000, 100_000), (400, 100_000)] {
        let mut bench = Bench::new(free_to_open(), usd(50_000), DEEP);
        let mut position = bench.opened(Direction::Long, dollars(100_000), 4_100_000);
        bench.market.params.taker_fee = Bps::new(5);
        bench.move_to(usd(price));
        assert_eq!(bench.liquidate(&mut position).unwrap().reward, sats(reward), "at ${price}");
    }
}

#[test]
fn case_21_a_liquidator_is_paid_the_least_even_where_nothing_is_left() {
    let (_, _, liquidated) = waterfall(LOSS, 0);
    assert_eq!((liquidated.reward, liquidated.shortfall.uncovered), (sats(LEAST), sats(0)));
}

#[test]
fn another_traders_margin_is_never_touched() {
    let mut bench = Bench::new(free_to_open(), usd(50_000), 1_000_000_000);
    let bystander = bench.opened(Direction::Long, dollars(1_000), 10_000_000);
    let mut position = bench.opened(Direction::Long, dollars(100_000), 5_000_000);
    bench.move_to(usd(25_000));
    bench.liquidate(&mut position).unwrap();
    assert_eq!(bench.market.ledger.margin, bystander.margin);
    assert_eq!(bench.market.long.margin, bystander.margin);
    assert!(bench.market.bad_debt.get() > 0);
}

#[test]
fn closing_whole_voids_the_orders_and_frees_their_tips() {
    let mut bench = Bench::new(free_to_open(), usd(50_000), DEEP);
    let mut position = bench.opened(Direction::Long, dollars(100_000), LOSS);
    (position.tips, position.next_order, position.pending_order, position.open_orders) = (sats(3_000_000), 7, 4, 2);
    bench.move_to(usd(48_000));
    let liquidated = bench.liquidate(&mut position).unwrap();
    assert_eq!((position.tips, position.void_orders_below, position.pending_order), (sats(0), 7, 0));
    assert_eq!(liquidated.shortfall.uncovered, sats(0), "the tips paid what was lost");
    assert_eq!(position.open_orders, 2, "their accounts are still to be closed");
}

#[test]
fn a_flat_position_is_not_liquidated() {
    let mut bench = Bench::deep(usd(50_000));
    let mut position = bench.funded(0);
    assert_eq!(bench.liquidate(&mut position).unwrap_err(), Error::NoOpenPosition);
}
