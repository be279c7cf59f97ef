//! Cases 1 and 4 to 10, as far as they are about what a price says and not about whose account says it.

mod common;

use common::exact::{assert_down, assert_up, int, Exact};
use common::{moment, update, usd, BOTH, START};
use inverse_perps_engine::oracle::{Moment, PriceState, PriceUse, Quote, RawUpdate};
use inverse_perps_engine::units::{Bps, Confidence, Price, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Error, Params, Result};
use num_bigint::BigInt;
use proptest::prelude::*;

const INSTANT: [PriceUse; 4] = [PriceUse::Increase, PriceUse::Decrease, PriceUse::Liquidity, PriceUse::Withdrawal];

fn params() -> Params {
    Params::standard() // fresh 3 s, wide 15 s, future 60 s, confidence 25 and 60 bps, average 500 bps, jump 300 bps
}

/// A state that has accepted one update in the slot before.
fn accepted(raw: &RawUpdate) -> PriceState {
    let mut state = PriceState::default();
    state.accept(raw, moment(START, 1), &params()).expect("the update is acceptable");
    state
}

fn at(seconds: i64) -> Moment {
    moment(START + seconds, 2 + u64::try_from(seconds.max(0)).unwrap() * 2)
}

fn quote(state: &PriceState, usage: PriceUse, seconds: i64) -> Result<Quote> {
    state.quote(usage, at(seconds), &params())
}

fn price_at(raw: &RawUpdate) -> Result<Price> {
    raw.scaled().map(|(price, _, _)| price)
}

fn shifted(raw: u64, exponent: i32) -> Exact {
    let ten = |places: i32| int(BigInt::from(10).pow(places.unsigned_abs()));
    let places = exponent + 8;
    if places < 0 {
        int(raw) / ten(places)
    } else {
        int(raw) * ten(places)
    }
}

#[test]
fn case_01_a_price_is_too_old_one_second_after_its_limit() {
    let state = accepted(&update(usd(60_000), START));
    for usage in INSTANT {
        assert!(quote(&state, usage, 2).is_ok());
        assert!(quote(&state, usage, 3).is_ok());
        assert_eq!(quote(&state, usage, 4), Err(Error::PriceTooOld));
    }
    assert!(quote(&state, PriceUse::Upkeep, 14).is_ok());
    assert!(quote(&state, PriceUse::Upkeep, 15).is_ok());
    assert_eq!(quote(&state, PriceUse::Upkeep, 16), Err(Error::PriceTooOld));
}

#[test]
fn case_01_without_any_price_there_is_no_quote() {
    for usage in INSTANT.into_iter().chain([PriceUse::Upkeep]) {
        assert_eq!(quote(&PriceState::default(), usage, 0), Err(Error::PriceTooOld));
        assert_eq!(PriceState::default().quote(usage, moment(0, 0), &params()), Err(Error::PriceTooOld));
    }
}

#[test]
fn case_04_a_price_that_is_not_positive_is_refused() {
    for bad in [0, -1, i64::MIN] {
        assert_eq!(price_at(&RawUpdate { price: bad, ..update(usd(60_000), START) }), Err(Error::PriceNotPositive));
        assert_eq!(price_at(&RawUpdate { ema: bad, ..update(usd(60_000), START) }), Err(Error::PriceNotPositive));
    }
}

#[test]
fn case_04_exponents_from_minus_12_to_0_scale_exactly() {
    // $65,432 is a whole number at every exponent.
    for exponent in -12..=0 {
        let raw = 65_432 * 10i64.pow(u32::try_from(-exponent).unwrap());
        let confidence = raw.unsigned_abs() / 1_000;
        let exact_confidence = if exponent > -3 { shifted(confidence, exponent) } else { int(6_543_200_000u64) };
        let scaled = RawUpdate { price: raw, ema: raw, exponent, confidence, ..update(usd(1), START) }.scaled().unwrap();
        assert_eq!((scaled.0, scaled.2), (usd(65_432), usd(65_432)), "exponent {exponent}");
        assert_eq!(int(scaled.1.get()), exact_confidence, "exponent {exponent}");
    }
}

#[test]
fn case_04_other_exponents_are_refused() {
    for exponent in [3, 1, -13, -20, i32::MIN, i32::MAX] {
        for price in [1, 65_432, i64::MAX] {
            let raw = RawUpdate { price, ema: price, exponent, ..update(usd(1), START) };
            assert_eq!(raw.scaled(), Err(Error::ExponentOutOfRange), "exponent {exponent}");
        }
    }
}

#[test]
fn case_04_prices_are_from_one_dollar_to_a_hundred_million() {
    let at = |price: i64| price_at(&RawUpdate { price, ..update(usd(60_000), START) });
    assert_eq!(at(100_000_000), Ok(usd(1)));
    assert_eq!(at(99_999_999), Err(Error::PriceOutOfRange));
    assert_eq!(at(10_000_000_000_000_000), Ok(usd(100_000_000)));
    assert_eq!(at(10_000_000_000_000_001), Err(Error::PriceOutOfRange));
    let whole = RawUpdate { price: i64::MAX, ema: i64::MAX, exponent: 0, ..update(usd(1), START) };
    assert_eq!(whole.scaled(), Err(Error::PriceOutOfRange), "a product above 64 bits is an error, not its low word");
    let wide = RawUpdate { confidence: u64::MAX, exponent: 0, price: 60_000, ema: 60_000, ..update(usd(1), START) };
    assert_eq!(wide.scaled(), Err(Error::PriceOutOfRange), "nor is the confidence wrapped");
}

#[test]
fn case_05_confidence_is_too_wide_one_tick_above_its_limit() {
    let with = |confidence| accepted(&RawUpdate { confidence, ..update(usd(60_000), START) });
    let (strict, wide) = (usd(150).get(), usd(360).get()); // 25 and 60 bps of $60,000
    for usage in INSTANT {
        assert!(quote(&with(strict), usage, 1).is_ok());
        assert_eq!(quote(&with(strict + 1), usage, 1), Err(Error::ConfidenceTooWide));
    }
    assert!(quote(&with(wide), PriceUse::Upkeep, 1).is_ok());
    assert_eq!(quote(&with(wide + 1), PriceUse::Upkeep, 1), Err(Error::ConfidenceTooWide));
}

#[test]
fn case_05_buyers_pay_the_ask_and_sellers_get_the_bid() {
    let state = accepted(&RawUpdate { confidence: usd(30).get(), ..update(usd(60_000), START) });
    for multiplier in 1..=3 {
        let params = Params { spread_multiplier: multiplier, ..params() };
        let quote = state.quote(PriceUse::Increase, at(1), &params).unwrap();
        let k = u64::from(multiplier);
        assert_eq!((quote.bid, quote.price, quote.ask), (usd(60_000 - 30 * k), usd(60_000), usd(60_000 + 30 * k)));
        assert_eq!(quote.spread, Confidence::new(usd(30 * k).get()));
        assert_eq!(quote.fill(Direction::Long, true), quote.ask);
        assert_eq!(quote.fill(Direction::Long, false), quote.bid);
        assert_eq!(quote.fill(Direction::Short, true), quote.bid);
        assert_eq!(quote.fill(Direction::Short, false), quote.ask);
    }
}

#[test]
fn case_06_a_price_far_from_its_average_blocks_opening_and_liquidity_but_no_way_out() {
    let with = |ema: u64| accepted(&RawUpdate { ema: i64::try_from(ema).unwrap(), ..update(usd(63_000), START) });
    // $63,000 is exactly 5 % above an average of $60,000, and more than that above an average one tick lower.
    for (ema, within) in [(usd(60_000).get(), true), (usd(60_000).get() - 1, false), (usd(70_000).get(), false)] {
        for usage in [PriceUse::Increase, PriceUse::Liquidity, PriceUse::Withdrawal] {
            let expected = if within { Ok(usd(63_000)) } else { Err(Error::PriceFarFromAverage) };
            assert_eq!(quote(&with(ema), usage, 1).map(|quote| quote.price), expected);
        }
        for usage in [PriceUse::Decrease, PriceUse::Upkeep] {
            assert!(quote(&with(ema), usage, 1).is_ok());
        }
    }
}

#[test]
fn case_07_an_update_that_is_not_newer_is_ignored_and_changes_nothing() {
    let state = accepted(&update(usd(60_000), START));
    let odd = RawUpdate { price: i64::MIN, exponent: 7, ..update(usd(1), START - 5) };
    for old in [update(usd(50_000), START), update(usd(50_000), START - 1), odd] {
        let mut after = state;
        assert_eq!(after.accept(&old, at(1), &params()), Ok(()));
        assert_eq!(after, state);
        assert_eq!(quote(&after, PriceUse::Increase, 1).unwrap().price, usd(60_000), "the stored price still serves");
    }
    let mut after = state;
    after.accept(&update(usd(50_000), START + 1), at(1), &params()).unwrap();
    assert_eq!((after.price, after.publish_time), (usd(50_000), UnixTime::new(START + 1)));
}

#[test]
fn case_09_a_price_from_the_future_is_refused_beyond_its_tolerance() {
    let mut state = PriceState::default();
    let late = state.accept(&update(usd(60_000), START + 61), moment(START, 1), &params());
    assert_eq!((late, state), (Err(Error::PriceInFuture), PriceState::default()));
    state.accept(&update(usd(60_000), START + 60), moment(START, 1), &params()).unwrap();
    assert_eq!(state.now(UnixTime::new(START)), UnixTime::new(START + 60), "prices run ahead of the Clock, never behind it");
    assert!(quote(&state, PriceUse::Increase, 0).is_ok(), "a price from ahead of the Clock is of no age");
    assert!(quote(&state, PriceUse::Increase, 63).is_ok());
    assert_eq!(quote(&state, PriceUse::Increase, 64), Err(Error::PriceTooOld));
}

#[test]
fn case_09_an_update_that_is_refused_changes_nothing() {
    let state = accepted(&update(usd(60_000), START));
    let newer = update(usd(61_000), START + 1);
    let bad = [
        RawUpdate { price: -1, ..newer },
        RawUpdate { exponent: 3, ..newer },
        RawUpdate { ema: 1, ..newer },
        update(usd(61_000), START + 62),
    ];
    for raw in bad {
        let mut after = state;
        assert!(after.accept(&raw, at(1), &params()).is_err());
        assert_eq!(after, state);
    }
}

#[test]
fn a_jump_stops_instant_actions_until_it_is_a_minute_old() {
    // 3 % is allowed: $61,800 against $60,000 is that, a tick more is too much.
    for (second, jumped) in [(usd(61_800).get(), false), (usd(61_800).get() + 1, true), (usd(58_000).get(), true)] {
        let mut state = accepted(&update(usd(60_000), START));
        state.accept(&update(Price::new(second), START + 1), at(1), &params()).unwrap();
        for usage in INSTANT {
            let expected = if jumped { Err(Error::PriceJumped) } else { Ok(()) };
            assert_eq!(quote(&state, usage, 2).map(|_| ()), expected);
        }
        assert!(quote(&state, PriceUse::Upkeep, 2).is_ok());
        state.accept(&update(Price::new(second), START + 61), at(61), &params()).unwrap();
        assert!(quote(&state, PriceUse::Increase, 61).is_ok());
    }
}

#[test]
fn bid_and_ask_reach_to_the_prices_of_earlier_slots_but_not_of_the_same_slot() {
    let mut state = accepted(&update(usd(60_000), START));
    let here = moment(START + 1, 3);
    state.accept(&update(usd(60_900), START), here, &params()).unwrap(); // not newer: ignored
    state.accept(&update(usd(60_500), START + 1), here, &params()).unwrap();
    state.accept(&update(usd(60_200), START + 2), here, &params()).unwrap();
    let same = state.quote(PriceUse::Increase, here, &params()).unwrap();
    assert_eq!((same.bid, same.price, same.ask), (usd(60_000), usd(60_200), usd(60_200)));
    let next = state.quote(PriceUse::Increase, moment(START + 1, 4), &params()).unwrap();
    assert_eq!((next.bid, next.price, next.ask), (usd(60_000), usd(60_200), usd(60_500)));
    let upkeep = state.quote(PriceUse::Upkeep, moment(START + 1, 4), &params()).unwrap();
    assert_eq!((upkeep.bid, upkeep.ask), (usd(60_200), usd(60_200)), "a liquidation is at the price of now");
}

/// One slot's updates: seconds and slots since the slot before, and the prices posted in it.
fn slots() -> impl Strategy<Value = Vec<(i64, u64, Vec<u64>)>> {
    let prices = prop::collection::vec(50_000..70_000u64, 0..4);
    prop::collection::vec((prop_oneof![0..3i64, 0..40i64, 0..900i64], 1..60u64, prices), 1..40)
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn case_04_any_update_is_scaled_exactly_or_refused(price: i64, ema: i64, confidence: u64, exponent in -14..5i32) {
        let raw = RawUpdate { price, ema, confidence, exponent, publish_time: UnixTime::new(START) };
        let positive = price > 0 && ema > 0 && (-12..=0).contains(&exponent);
        let in_range = |n: i64| {
            let exact = shifted(n.unsigned_abs(), exponent);
            exact >= int(Price::MIN.get()) && exact < int(Price::MAX.get() + 1)
        };
        match raw.scaled() {
            Ok((got, around, average)) => {
                assert!(positive && in_range(price) && in_range(ema));
                assert_down(got.get(), &shifted(price.unsigned_abs(), exponent), 1);
                assert_down(average.get(), &shifted(ema.unsigned_abs(), exponent), 1);
                assert_up(around.get(), &shifted(confidence, exponent), 1);
            }
            Err(_) => assert!(!positive || !in_range(price) || !in_range(ema) || shifted(confidence, exponent) > int(u64::MAX)),
        }
    }

    #[test]
    fn the_recent_range_is_that_of_all_earlier_slots_of_the_last_two_half_minutes(history in slots(), phase in 0..30i64) {
        let (mut state, mut seen) = (PriceState::default(), Vec::new());
        let (mut now, mut slot, mut published) = (START + phase, 0, START - 10_000);
        let params = Params { max_future: Seconds::new(600), ..params() };
        for (seconds, slots, prices) in history {
            (now, slot) = (now + seconds, slot + slots);
            for price in prices.into_iter().map(usd) {
                published = (published + 1).max(now - 1);
                state.accept(&update(price, published), moment(now, slot), &params).unwrap();
                seen.push((slot, now / 30, price));
            }
            let Some((_, _, last)) = seen.last() else { continue };
            let recent = seen.iter().filter(|(of, half_minute, _)| *of < slot && now / 30 - half_minute <= 1);
            let prices: Vec<_> = recent.map(|(_, _, price)| *price).chain([*last]).collect();
            let range = state.range(moment(now, slot)).unwrap();
            assert_eq!((Some(range.low), Some(range.high)), (prices.iter().min().copied(), prices.iter().max().copied()));
        }
    }

    #[test]
    fn the_lag_is_the_greatest_lead_of_ten_to_twenty_minutes(
        leads in prop::collection::vec((1..900i64, -20..60i64), 1..40)
    ) {
        let (mut state, mut now, mut seen) = (PriceState::default(), START, Vec::new());
        for (slot, (seconds, lead)) in leads.into_iter().enumerate() {
            now += seconds;
            let newer = state.publish_time.get() < now + lead;
            state.accept(&update(usd(60_000), now + lead), moment(now, slot as u64), &params()).unwrap();
            if newer {
                seen.push((now, lead.max(0)));
            }
            let greatest = |minutes: i64| seen.iter().filter(|(at, _)| now - at < 60 * minutes).map(|(_, lead)| *lead).max();
            let lag = i64::from(state.lag(UnixTime::new(now)).unwrap().get());
            assert!(lag >= greatest(10).unwrap_or(0) && lag <= greatest(20).unwrap_or(0), "lag {lag}");
        }
    }

    #[test]
    fn case_10_slot_length_changes_no_quote(
        moves in prop::collection::vec((1..50i64, 59_000..60_000u64), 1..30), confidence in 0..100u64
    ) {
        // 200 ms and 400 ms slots: five or two and a half of them a second.
        let at_length = |milliseconds: u64| {
            let (mut state, mut now, mut quotes) = (PriceState::default(), START, Vec::new());
            for (seconds, price) in &moves {
                now += seconds;
                let slot = u64::try_from(now - START).unwrap() * 1_000 / milliseconds;
                let raw = RawUpdate { confidence: usd(confidence).get(), ..update(usd(*price), now) };
                state.accept(&raw, moment(now, slot), &params()).unwrap();
                quotes.push(state.quote(PriceUse::Increase, moment(now, slot + 1), &params()));
            }
            quotes
        };
        assert_eq!(at_length(200), at_length(400));
    }

    #[test]
    fn a_quote_never_lets_its_caller_choose_between_prices(prices in prop::collection::vec(59_500..60_500u64, 2..10)) {
        let mut state = PriceState::default();
        for (i, price) in prices.iter().enumerate() {
            let time = START + i as i64;
            state.accept(&update(usd(*price), time), moment(time, i as u64), &params()).unwrap();
        }
        let time = START + prices.len() as i64;
        let quote = state.quote(PriceUse::Increase, moment(time, prices.len() as u64), &params()).unwrap();
        for direction in BOTH {
            let (opening, closing) = (quote.fill(direction, true), quote.fill(direction, false));
            let (worst_open, worst_close) = match direction {
                Direction::Long => (prices.iter().max(), prices.iter().min()),
                Direction::Short => (prices.iter().min(), prices.iter().max()),
            };
            assert_eq!((opening, closing), (usd(*worst_open.unwrap()), usd(*worst_close.unwrap())));
        }
    }
}

#[test]
fn bounds_in_basis_points_hold_at_every_price() {
    for price in [usd(1), usd(60_000), usd(100_000_000)] {
        let bound = Bps::new(25);
        let most = price.get() * 25 / 10_000;
        assert!(!Confidence::new(most).exceeds(price, bound) && Confidence::new(most + 1).exceeds(price, bound));
        assert!(Confidence::new(u64::MAX).exceeds(price, Bps::ONE));
    }
}
