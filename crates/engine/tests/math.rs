//! The arithmetic itself, against the compiler's wide integers and exact rationals: whole range, every rounding, every edge at
//! which the division changes its method.

mod common;

use common::exact::{assert_down, assert_up, int, ratio};
use inverse_perps_engine::math::{divide, divide_by_one, divide_signed, multiply, multiply_signed, Rounding};
use inverse_perps_engine::units::{Bps, Notional, Price, Scale, Seconds, Shares, UnixTime};
use inverse_perps_engine::Error;
use num_bigint::BigInt;
use proptest::prelude::*;

/// Words of every magnitude, and those beside the powers of two at which a method may change.
fn words() -> impl Strategy<Value = u64> {
    let edges: Vec<u64> =
        [16, 31, 32, 33, 47, 48, 49, 63].iter().flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]).collect();
    let magnitudes = (any::<u64>(), 0..64u32).prop_map(|(n, shift)| n >> shift);
    prop_oneof![1 => prop::sample::select(vec![0, 1, 2, u64::MAX - 1, u64::MAX]), 3 => prop::sample::select(edges), 12 => magnitudes]
}

fn wide() -> impl Strategy<Value = u128> {
    let magnitudes = (any::<u128>(), 0..128u32).prop_map(|(n, shift)| n >> shift);
    // Multiples and their neighbours, where a remainder is zero, one, or one short of the divisor.
    let multiples = (words(), words(), -1..=1i8)
        .prop_map(|(a, b, off)| (u128::from(a) * u128::from(b)).saturating_add_signed(i128::from(off)));
    prop_oneof![1 => Just(u128::MAX), 8 => magnitudes, 8 => multiples]
}

fn signed_wide() -> impl Strategy<Value = i128> {
    (wide(), any::<bool>()).prop_map(|(n, negative)| {
        let magnitude = i128::try_from(n >> 1).unwrap();
        if negative {
            -magnitude
        } else {
            magnitude
        }
    })
}

proptest! {
    #![proptest_config(common::cases(20_000))]

    #[test]
    fn a_product_of_words_is_exact(a in words(), b in words()) {
        assert_eq!(multiply(a, b), u128::from(a) * u128::from(b));
    }

    #[test]
    fn a_quotient_is_exact_in_both_roundings(n in wide(), d in words()) {
        let (down, up) = (divide(n, d, Rounding::Floor), divide(n, d, Rounding::Ceil));
        if d == 0 {
            assert_eq!((down, up), (Err(Error::Overflow), Err(Error::Overflow)));
        } else {
            assert_eq!((down, up), (Ok(n / u128::from(d)), Ok(n.div_ceil(u128::from(d)))));
        }
    }

    #[test]
    fn a_multiple_divides_without_a_remainder(a in words(), b in words()) {
        prop_assume!(b > 0);
        let product = u128::from(a) * u128::from(b);
        for rounding in [Rounding::Floor, Rounding::Ceil] {
            assert_eq!(divide(product, b, rounding), Ok(u128::from(a)));
        }
    }

    #[test]
    fn a_signed_quotient_rounds_toward_its_infinity(n in signed_wide(), d in words()) {
        prop_assume!(d > 0);
        let exact = ratio(n, d);
        assert_down(divide_signed(n, d, Rounding::Floor).unwrap(), &exact, 1);
        assert_up(divide_signed(n, d, Rounding::Ceil).unwrap(), &exact, 1);
    }

    #[test]
    fn a_signed_product_is_exact_or_an_error(a: i128, shift in 0..128u32, b in words()) {
        let a = a >> shift;
        let exact = BigInt::from(a) * b;
        match multiply_signed(a, b) {
            Ok(product) => assert_eq!(BigInt::from(product), exact),
            Err(error) => assert!(error == Error::Overflow && (exact >= BigInt::from(i128::MAX) || exact <= BigInt::from(-i128::MAX))),
        }
    }
}

proptest! {
    #![proptest_config(common::cases(5_000))]

    #[test]
    fn a_quotient_by_1e18_is_exact_and_rounds_as_said(n: i128, small in -4_000_000_000_000_000_000i128..4_000_000_000_000_000_000) {
        for n in [n.max(-i128::MAX), small, small / 262_144 * 262_144, small * 1_000_000_000_000_000_000, 0] {
            let exact = ratio(n, 1_000_000_000_000_000_000u64);
            assert_down(divide_by_one(n, Rounding::Floor).unwrap(), &exact, 1);
            assert_up(divide_by_one(n, Rounding::Ceil).unwrap(), &exact, 1);
        }
    }

    #[test]
    fn an_exposure_is_worth_shares_times_scale_in_every_rounding(
        shares in words(), scale in 1_000_000_000_000_000..=1_000_000_000_000_000_000u64, price in 100_000_000..=10_000_000_000_000_000u64
    ) {
        for scale in [scale, 1_000_000_000_000_000_000, scale / 100_000_000 * 100_000_000] {
            let exposure = Shares::new(shares).at(Scale::new(scale)).unwrap();
            let notional = ratio(BigInt::from(shares) * scale, 1_000_000_000_000_000_000u64);
            assert_down(exposure.notional(Rounding::Floor).unwrap().get(), &notional, 1);
            assert_up(exposure.notional(Rounding::Ceil).unwrap().get(), &notional, 1);
            let worth = notional * ratio(10_000_000_000u64, price);
            match exposure.value_at(Price::new(price), Rounding::Floor) {
                Ok(value) => {
                    assert_down(value.get(), &worth, 1);
                    assert_up(exposure.value_at(Price::new(price), Rounding::Ceil).unwrap().get(), &worth, 1);
                }
                Err(error) => assert!(error == Error::Overflow && worth > int(u64::MAX - 1)),
            }
        }
    }

    #[test]
    fn shares_bought_for_a_notional_are_never_too_many(notional in 1..=10_000_000_000_000_000u64, scale in 1_000_000_000_000_000..=1_000_000_000_000_000_000u64) {
        let exact = ratio(BigInt::from(notional) * 1_000_000_000_000_000_000u64, scale);
        let of = |rounding| Shares::of(Notional::new(notional), Scale::new(scale), rounding).unwrap().get();
        assert_down(of(Rounding::Floor), &exact, 1);
        assert_up(of(Rounding::Ceil), &exact, 1);
    }

    #[test]
    fn intervals_of_time_are_floored(time in 0..i64::MAX, length in 1..u32::MAX) {
        assert_eq!(UnixTime::new(time).interval(Seconds::new(length)), Ok(time / i64::from(length)));
    }
}

#[test]
fn what_has_no_answer_is_an_error() {
    assert_eq!(divide(1, 0, Rounding::Floor), Err(Error::Overflow));
    assert_eq!(divide(u128::MAX, 0, Rounding::Ceil), Err(Error::Overflow));
    assert_eq!(divide_signed(-1, 0, Rounding::Ceil), Err(Error::Overflow));
    assert_eq!(divide_signed(i128::MIN, 1, Rounding::Floor), Err(Error::Overflow));
    assert_eq!(UnixTime::new(60).interval(Seconds::new(0)), Err(Error::Overflow));
    assert_eq!(UnixTime::new(i64::MIN).seconds_since(UnixTime::new(1)), Err(Error::Overflow));
    assert_eq!(UnixTime::new(i64::MAX).after(Seconds::new(1)), Err(Error::Overflow));
    assert_eq!(Price::new(u64::MAX).stressed(Bps::new(10_001)), Err(Error::Overflow));
}

#[test]
fn the_least_part_of_an_exposure_counts_when_it_is_rounded_up() {
    // A value of 50 satoshi and 7e-16, and a notional of one micro-dollar and 6e-18: both are above the whole number.
    let worth = Shares::new(1).at(Scale::new(500_000_000_000_000_007)).unwrap();
    let value = |rounding| worth.value_at(Price::MIN, rounding).unwrap().get();
    assert_eq!((value(Rounding::Floor), value(Rounding::Ceil)), (50, 51));
    let exposure = Shares::new(2).at(Scale::new(500_000_000_000_000_003)).unwrap();
    let notional = |rounding| exposure.notional(rounding).unwrap().get();
    assert_eq!((notional(Rounding::Floor), notional(Rounding::Ceil)), (1, 2));
}
