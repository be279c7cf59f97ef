//! Cases 11 and 17: every formula against exact rationals. It errs against the party that caused it, by less than one unit a
//! rounding, over the whole documented range; outside of it there is an error, never a panic or a wrapped number.

mod common;

use common::exact::{assert_down, assert_up, bps, int, max, min, pnl as exact_pnl, ratio, value, Exact};
use common::{sats, BOTH};
use inverse_perps_engine::fees::{surcharge, trade_fee, FeeSplit, SkewChange};
use inverse_perps_engine::margin::{initial_margin, maintenance_margin, MarginRatios};
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::pnl::Valuation;
use inverse_perps_engine::reserve::{ensure_reserve, requirement};
use inverse_perps_engine::shares::shares_for;
use inverse_perps_engine::units::{Basis, Bps, Notional, Price, Sats, Scale, Shares};
use inverse_perps_engine::{pnl, Direction, Error, Params, Position, Result, Side};
use num_bigint::BigInt;
use proptest::prelude::*;

const ONE: u64 = 1_000_000_000_000_000_000;

/// Numbers of every magnitude up to a bound, both ends included.
fn up_to(least: u64, most: u64) -> impl Strategy<Value = u64> {
    let magnitudes = (0..=most.ilog2()).prop_flat_map(move |bits| 1u64 << bits..=(1u64 << bits) * 2 - 1);
    prop_oneof![1 => Just(least), 1 => Just(most), 18 => magnitudes.prop_map(move |n| n.clamp(least, most))]
}

fn prices() -> impl Strategy<Value = u64> {
    up_to(Price::MIN.get(), Price::MAX.get())
}

fn notionals() -> impl Strategy<Value = u64> {
    up_to(1, 10_000_000_000_000_000)
}

fn scales() -> impl Strategy<Value = u64> {
    up_to(1_000_000_000_000_000, ONE)
}

fn directions() -> impl Strategy<Value = Direction> {
    prop::sample::select(BOTH.to_vec())
}

fn skews() -> impl Strategy<Value = SkewChange> {
    (up_to(1, 10_000_000_000_000_000), notionals())
        .prop_map(|(before, after)| SkewChange { before: Notional::new(before - 1), after: Notional::new(after) })
}

/// A settled position of one share count, with a basis of about that worth, and its side.
fn position(direction: Direction, shares: u64, basis: i128, scale: u64) -> (Position, Side) {
    let side = Side { scale: Scale::new(scale), shares: Shares::new(shares), basis: Basis::new(basis), ..Side::empty() };
    let number = match direction {
        Direction::Long => 1,
        Direction::Short => 2,
    };
    let scale = side.scale;
    (Position { shares: side.shares, basis: side.basis, scale, direction: number, ..Position::default() }, side)
}

fn exact_exposure(shares: u64, scale: u64) -> Exact {
    ratio(BigInt::from(shares) * scale, ONE)
}

fn exact_value(notional: &Exact, price: u64) -> Exact {
    notional * ratio(10_000_000_000u64, price)
}

/// The area under the marginal surcharge `min(s / impact_scale, impact_max)` between two skews, in micro-dollars.
fn exact_surcharge(params: &Params, skew: SkewChange) -> Exact {
    let (scale, most) = (int(params.impact_scale.get()), bps(params.impact_max.get()));
    let cap = &scale * &most;
    let area = |skew: u64| {
        let rising = min(int(skew), cap.clone());
        &rising * &rising / (int(2) * &scale) + (int(skew) - &rising) * &most
    };
    max(int(0), area(skew.after.get()) - area(skew.before.get()))
}

/// An open position at a price.
fn valued(position: &Position, side: &Side, price: Price) -> Valuation {
    Valuation::of_position(position, side, price).unwrap().unwrap()
}

/// Initial margin of a valued position.
fn initial_of(ratios: &MarginRatios, valued: &Valuation) -> Result<Sats> {
    initial_margin(ratios, valued.exposure.notional(Rounding::Ceil)?, valued.value)
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn case_11_rounding_never_favours_the_user_in_pnl(d in directions(), n in notionals(), entry in prices(), exit in prices()) {
        let got = pnl::between(d, Notional::new(n), Price::new(entry), Price::new(exit)).unwrap();
        assert_down(got.get(), &exact_pnl(d, value(n, entry), value(n, exit)), 2);
    }

    #[test]
    fn case_11_rounding_never_favours_the_user_in_pnl_at_any_scale(
        d in directions(), n in notionals(), entry in 0..2_100_000_000_000_000i64, scale in scales(), price in prices()
    ) {
        let shares = u64::try_from(u128::from(n) * u128::from(ONE) / u128::from(scale)).unwrap();
        let basis = i128::from(entry) * i128::from(ONE) / i128::from(scale);
        let got = Valuation::of(d, Shares::new(shares), Basis::new(basis), Scale::new(scale), Price::new(price)).and_then(|valued| valued.pnl()).unwrap();
        let entry = ratio(BigInt::from(basis) * scale, ONE);
        assert_down(got.get(), &exact_pnl(d, entry, exact_value(&exact_exposure(shares, scale), price)), 2);
    }

    #[test]
    fn case_11_rounding_never_favours_the_user_in_entry_value(n in notionals(), price in prices()) {
        let at = |d| pnl::entry_value(d, Notional::new(n), Price::new(price)).unwrap().get();
        assert_down(at(Direction::Long), &value(n, price), 1);
        assert_up(at(Direction::Short), &value(n, price), 1);
    }

    #[test]
    fn case_11_rounding_never_favours_the_user_in_the_fee(worth in up_to(1, common::MAX_SATS), rate in 3..=50u32) {
        let params = Params { taker_fee: Bps::new(rate), ..Params::standard() };
        let flat = SkewChange { before: Notional::ZERO, after: Notional::ZERO };
        let fee = trade_fee(&params, sats(worth), flat, Price::MIN).unwrap();
        assert_up(fee.get(), &(int(worth) * bps(rate)), 1);
        assert!(!fee.is_zero(), "no trade is too small to pay");
    }

    #[test]
    fn case_11_rounding_never_favours_the_user_in_the_surcharge(
        skew in skews(), scale in up_to(1_000_000, 9_000_000_000_000_000_000), most in 0..=95u32, price in prices()
    ) {
        let params = Params { impact_scale: Notional::new(scale), impact_max: Bps::new(most), ..Params::standard() };
        let exact = exact_surcharge(&params, skew);
        let got = surcharge(&params, skew).unwrap();
        assert_up(got.get(), &exact, 3);
        let fee = trade_fee(&params, sats(0), skew, Price::new(price)).unwrap();
        assert_up(fee.get(), &(int(got.get()) * ratio(10_000_000_000u64, price)), 1);
    }

    #[test]
    fn the_surcharge_is_within_both_bounds_of_the_design(skew in skews()) {
        let params = Params::standard();
        let (before, after) = (int(skew.before.get()), int(skew.after.get()));
        let got = int(surcharge(&params, skew).unwrap().get());
        if after <= before {
            assert_eq!(got, int(0), "a trade that does not grow the imbalance pays none");
        } else {
            let square = (&after * &after - &before * &before) / (int(2) * int(params.impact_scale.get()));
            let most = (after - before) * bps(params.impact_max.get());
            assert!(got < square + int(3) && got < most + int(3));
        }
    }

    #[test]
    fn a_fee_is_shared_to_the_last_satoshi_and_the_pool_has_the_rest(fee in up_to(1, common::MAX_SATS)) {
        let params = Params::standard();
        let split = FeeSplit::of(sats(fee), &params).unwrap();
        assert_eq!(split.pool.get() + split.insurance.get() + split.protocol.get(), fee);
        assert_eq!(split.total().unwrap().get(), fee);
        assert_down(split.insurance.get(), &(int(fee) * bps(3_000)), 1);
        assert_down(split.protocol.get(), &(int(fee) * bps(1_000)), 1);
    }

    #[test]
    fn case_11_rounding_never_favours_who_asks_for_a_margin_check(
        shares in up_to(1, 10_000_000_000_000_000), scale in scales(), price in up_to(1_000_000_000, Price::MAX.get()),
        slopes in (0..=20u32, 0..=20u32)
    ) {
        let params = Params {
            initial_margin_slope: Bps::new(slopes.0),
            maintenance_margin_slope: Bps::new(slopes.1),
            ..Params::standard()
        };
        let (position, side) = position(Direction::Long, shares, 0, scale);
        let notional = exact_exposure(shares, scale);
        let worth = exact_value(&notional, price);
        let sloped = |base: Bps, slope: u32| bps(base.get()) + bps(slope) * &notional / int(1_000_000_000_000u64);
        let (initial, maintenance) = (sloped(params.initial_margin, slopes.0), sloped(params.maintenance_margin, slopes.1));

        // A ratio is known to one part in 1e9, which is more than a satoshi of a value above ten bitcoin.
        let step = &worth / int(1_000_000_000u64);
        let extra = step.ceil().to_integer();
        let wide = i64::try_from(extra).unwrap() * 2;
        let rounding = i64::try_from(initial.ceil().to_integer()).unwrap();
        let asked = initial_of(&params.margin_ratios(), &valued(&position, &side, Price::new(price))).unwrap();
        assert_up(asked.get(), &(&worth * &initial), 2 + rounding + wide);
        let held = maintenance_margin(&params.margin_ratios(), &valued(&position, &side, Price::new(price))).unwrap();
        let exact = &worth * &maintenance;
        assert!(int(held.get()) <= exact, "{held:?} is above {exact}");
        assert!(int(held.get()) > &exact - int(2) - &maintenance - &step, "{held:?} is below {exact}");
    }

    #[test]
    fn maintenance_of_a_default_market_is_never_rounded_up(whole in up_to(10, 10_000_000), price in up_to(100_000_000_000, Price::MAX.get())) {
        let (position, side) = position(Direction::Short, whole * 1_000_000, 0, ONE);
        let exact = value(whole * 1_000_000, price) * (bps(100) + bps(10) * ratio(whole, 1_000_000));
        let held = maintenance_margin(&Params::standard().margin_ratios(), &valued(&position, &side, Price::new(price))).unwrap();
        assert_down(held.get(), &exact, 2);
        let exact = exact + value(whole * 1_000_000, price) * bps(100);
        let asked = initial_of(&Params::standard().margin_ratios(), &valued(&position, &side, Price::new(price))).unwrap();
        assert_up(asked.get(), &exact, 2);
    }

    #[test]
    fn the_reserve_is_never_rounded_below_the_requirement(
        long in (notionals(), 0..2_100_000_000_000_000i64), short in (notionals(), 0..2_100_000_000_000_000i64),
        price in up_to(1_000_000_000_000, Price::MAX.get()), stress in 1_000..=9_000u32
    ) {
        let params = Params { stress: Bps::new(stress), ..Params::standard() };
        let side = |d, (n, basis): (u64, i64)| Side { positions: 1, ..position(d, n, basis.into(), ONE).1 }.figures(d, Price::new(price)).unwrap();
        let (l, s) = (side(Direction::Long, long), side(Direction::Short, short));
        let got = requirement(&params, &l, &s, Price::new(price)).unwrap();

        let q = ratio(BigInt::from(price) * (10_000 - stress), 10_000);
        let stressed = |n: u64| int(n) * int(10_000_000_000u64) / &q;
        let (entry_long, entry_short) = (int(long.1), int(short.1));
        let backing = min(entry_short, value(short.0, price));
        let wins = max(int(0), &entry_long - stressed(long.0)) + max(int(0), stressed(short.0) - backing);
        let exact = max(entry_long, wins);
        // Flooring the stressed price by a tick of 1e-8 dollars raises a short's value by less than a tick's part of it.
        let tick = (stressed(short.0) + stressed(long.0)) / &q * int(2);
        assert!(int(got.get()) >= exact, "{got:?} is below {exact}");
        assert!(int(got.get()) < exact + int(4) + tick);
    }

    #[test]
    fn a_deposit_never_buys_more_than_its_part_of_the_pool(
        amount in up_to(1, common::MAX_SATS), supply in up_to(1, common::MAX_SATS), worth in up_to(1, common::MAX_SATS)
    ) {
        let exact = ratio(BigInt::from(amount) * (supply + 1_000), worth + 1_000);
        match shares_for(sats(amount), supply, sats(worth)) {
            Ok(shares) => assert_down(shares, &exact, 1),
            Err(error) => {
                assert_eq!(error, Error::Overflow);
                assert!(exact >= int(u64::MAX));
            }
        }
    }

    #[test]
    fn case_17_no_number_makes_a_formula_panic_or_wrap(n: u64, basis: i128, scale: u64, price: u64, other: u64, d in directions()) {
        let (n_, p) = (Notional::new(n), Price::new(price));
        if let Ok(worth) = n_.value_at(p, d.entry_rounding()) {
            let exact = value(n, price);
            if d == Direction::Long { assert_down(worth.get(), &exact, 1) } else { assert_up(worth.get(), &exact, 1) }
        } else {
            assert!(price == 0 || value(n, price) > int(u64::MAX - 1));
        }
        if let Ok(got) = Valuation::of(d, Shares::new(n), Basis::new(basis), Scale::new(scale), p).and_then(|valued| valued.pnl()) {
            let entry = ratio(BigInt::from(basis) * scale, ONE);
            assert_down(got.get(), &exact_pnl(d, entry, exact_value(&exact_exposure(n, scale), price)), 2);
        }
        if let Ok(got) = pnl::between(d, n_, p, Price::new(other)) {
            assert_down(got.get(), &exact_pnl(d, value(n, price), value(n, other)), 2);
        }
        let params = Params::standard();
        let (position, side) = position(d, n, basis, scale);
        if let Ok(valued) = Valuation::of_position(&position, &side, p) {
            let _ = initial_of(&params.margin_ratios(), &valued.unwrap());
            let _ = maintenance_margin(&params.margin_ratios(), &valued.unwrap());
        }
        let _ = pnl::average_entry(&[(n_, p), (Notional::new(other), p)]);
        let _ = pnl::average_entry_of(&position, &side);
        let _ = trade_fee(&params, sats(other), SkewChange { before: n_, after: Notional::new(other) }, p);
        if let Ok(figures) = (Side { positions: 1, ..side }).figures(d, p) {
            let _ = requirement(&params, &figures, &figures, p);
        }
    }
}

#[test]
fn the_reserve_is_refused_from_the_first_satoshi_above_utilisation() {
    let params = Params::standard(); // max_utilisation is 70 %
    assert_eq!(ensure_reserve(&params, sats(700_000), sats(1_000_000)), Ok(()));
    assert_eq!(ensure_reserve(&params, sats(700_001), sats(1_000_000)), Err(Error::ReserveExceeded));
    assert_eq!(ensure_reserve(&params, sats(0), sats(0)), Ok(()));
}

#[test]
fn the_surcharge_worked_by_hand() {
    // $2B of depth: from no skew to $10M costs 1e14 / 4e9 = $25,000, a quarter of a per cent of the trade.
    let skew = |before: u64, after: u64| SkewChange { before: common::dollars(before), after: common::dollars(after) };
    let cost = |before, after| surcharge(&Params::standard(), skew(before, after)).unwrap();
    assert_eq!(cost(0, 10_000_000), common::dollars(25_000));
    assert_eq!(cost(10_000_000, 0), Notional::ZERO);
    // Beyond $10M, where the marginal surcharge has reached 50 bps, every further dollar pays half a cent.
    assert_eq!(cost(10_000_000, 20_000_000), common::dollars(50_000));
}
