//! Cases 13 to 17: opening, enlarging, reducing and closing at a price, in a market without funding.

mod common;

use common::exact::{assert_down, assert_up, bps, int, ratio, value, Exact};
use common::{dollars, fee_of, sats, still, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::actions::DecreaseSize::{self, Part, Whole};
use inverse_perps_engine::actions::{Decrease, Increase};
use inverse_perps_engine::margin::{initial_margin, is_liquidatable};
use inverse_perps_engine::pnl::Valuation;
use inverse_perps_engine::units::{Bps, Notional, Price, Seconds};
use inverse_perps_engine::{pnl, Direction, Error, Params, Position};
use num_bigint::BigInt;
use proptest::prelude::*;

fn directions() -> impl Strategy<Value = Direction> {
    prop::sample::select(BOTH.to_vec())
}

fn prices() -> impl Strategy<Value = Price> {
    (100_000_000_000..Price::MAX.get()).prop_map(Price::new)
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn case_13_the_average_entry_of_split_fills_does_not_drift(
        d in directions(), fills in prop::collection::vec((10..100_000u64, 20_000..120_000u64), 1..40)
    ) {
        let mut bench = Bench::deep(usd(60_000));
        let mut position = bench.funded(DEEP / 10);
        let (mut entry, mut notional) = (int(0), 0);
        for (size, price) in &fills {
            bench.move_to(usd(*price));
            bench.increase(&mut position, d, dollars(*size)).unwrap();
            entry += value(size * 1_000_000, usd(*price).get());
            notional += size * 1_000_000;
        }
        let count = i64::try_from(fills.len()).unwrap();
        match d {
            Direction::Long => assert_down(position.basis.get(), &entry, count),
            Direction::Short => assert_up(position.basis.get(), &entry, count),
        }
        assert_eq!(position.shares.get(), notional);
        let side = *bench.market.side(d);
        let average = pnl::average_entry_of(&position, &side).unwrap().unwrap();
        let exact = int(notional) * int(10_000_000_000u64) / &entry;
        let drift = &exact * int(count) / (&entry - int(count)) + int(1);
        let off = int(average.get()) - exact;
        assert!(off <= drift && -off <= drift, "{average:?}");
    }

    #[test]
    fn case_14_a_partial_close_conserves_the_basis_exactly(
        d in directions(), price in prices(), size in 100..1_000_000u64, cuts in prop::collection::vec(1..100u64, 1..8)
    ) {
        let mut bench = Bench::deep(price);
        let mut position = bench.opened(d, dollars(size), DEEP / 100);
        for cut in cuts {
            let (basis, shares) = (position.basis.get(), position.shares.get());
            let part = (shares / 1_000_000 * cut / 100).max(1);
            let Ok(filled) = bench.decrease(&mut position, Part(dollars(part))) else { continue };
            let released = basis - position.basis.get();
            let exact = ratio(BigInt::from(basis) * part * 1_000_000, shares);
            match d {
                Direction::Long => assert_down(released, &exact, 1),
                Direction::Short => assert_up(released, &exact, 1),
            }
            assert_eq!(filled.shares.get() + position.shares.get(), shares);
            let side = bench.market.side(d);
            assert_eq!((side.basis, side.shares), (position.basis, position.shares), "released and rest are the whole");
            assert_eq!(side.margin, position.margin);
            let worth = value(part * 1_000_000, price.get());
            let exact = common::exact::pnl(d, int(released), worth);
            assert_down(filled.pnl.get(), &exact, 1);
        }
        bench.decrease(&mut position, Whole).unwrap();
        assert_eq!((position.basis.get(), position.shares.get(), position.open_direction()), (0, 0, None));
        assert_eq!(bench.market.side(d), &inverse_perps_engine::Side::empty());
    }

    #[test]
    fn case_16_a_position_just_opened_is_not_liquidatable_at_the_worse_price(
        d in directions(), price in prices(), size in 10..5_000_000u64, confidence in 0..=25u64, spare in 0..3u64
    ) {
        let mut bench = Bench::deep(price);
        bench.widen(price.get() / 10_000 * confidence);
        // The least margin that opens it, found by halving: initial margin is what decides.
        let opens = |margin: u64| {
            let (mut bench, mut position) = (bench.clone(), Position::default());
            bench.market.deposit_collateral(&mut position, sats(margin)).unwrap();
            bench.increase(&mut position, d, dollars(size)).is_ok()
        };
        let (mut fails, mut works) = (0, DEEP / 10);
        prop_assume!(opens(works));
        while works - fails > 1 {
            let middle = fails.midpoint(works);
            if opens(middle) { works = middle } else { fails = middle }
        }
        let position = bench.opened(d, dollars(size), works + spare);
        let marks = bench.marks();
        let (market, side) = (&bench.market, bench.market.side(d));
        for price in [marks.quote.price, marks.quote.fill(d, false)] {
            assert!(!is_liquidatable(&market.params.margin_ratios(), &position, side, price).unwrap(), "at {price:?}");
        }
    }

    #[test]
    fn case_16_what_a_withdrawal_leaves_is_initial_margin_at_the_worst_price(
        d in directions(), size in 100..5_000_000u64, confidence in 0..=25u64, percent in 80..120u64
    ) {
        let mut bench = Bench::deep(usd(60_000));
        let mut position = bench.opened(d, dollars(size), DEEP / 100);
        bench.move_to(Price::new(usd(600).get() * percent));
        bench.widen(bench.price.get() / 10_000 * confidence);
        let k = bench.confidence;
        let worst = match d {
            Direction::Long => bench.price.get() - k,
            Direction::Short => bench.price.get() + k,
        };
        let worth = value(size * 1_000_000, worst);
        let result = common::exact::pnl(d, int(position.basis.get()), worth.clone());
        let needed = worth * (bps(200) + bps(10) * ratio(size, 1_000_000)) - common::exact::min(result, int(0));
        let left: u64 = needed.ceil().to_integer().try_into().unwrap();
        // Two roundings of margin and two of the loss may ask for a satoshi each more than the exact amount.
        let margin = position.margin.get();
        assert_eq!(bench.clone().withdraw(&mut position.clone(), margin - (left - 1)), Err(Error::MarginBelowInitial));
        bench.withdraw(&mut position, margin - (left + 4)).unwrap();
        let marks = bench.marks();
        assert!(!is_liquidatable(&bench.market.params.margin_ratios(), &position, bench.market.side(d), marks.quote.price).unwrap());
    }
}

#[test]
fn case_15_one_call_never_flips_a_position() {
    for direction in BOTH {
        let mut bench = Bench::deep(usd(60_000));
        let mut position = bench.opened(direction, dollars(1_000), 100_000_000);
        let opposite = bench.increase(&mut position, direction.opposite(), dollars(2_000));
        assert_eq!(opposite.unwrap_err(), Error::OppositeDirection);
        for too_much in [1_000, 1_001, 5_000] {
            let refused = bench.decrease(&mut position, Part(dollars(too_much)));
            assert_eq!(refused.unwrap_err(), Error::ReductionTooLarge);
        }
        bench.decrease(&mut position, Part(dollars(990))).unwrap();
        assert_eq!(position.open_direction(), Some(direction));
        bench.decrease(&mut position, Whole).unwrap();
        assert_eq!((position.open_direction(), position.shares.get()), (None, 0));
        assert_eq!(bench.decrease(&mut position, Whole).unwrap_err(), Error::NoOpenPosition);
        bench.increase(&mut position, direction.opposite(), dollars(1_000)).unwrap();
        assert_eq!(position.open_direction(), Some(direction.opposite()), "a reversal is a close and an opening");
    }
}

#[test]
fn case_16_initial_margin_is_met_to_the_satoshi() {
    // $100,000 at $50,000 is 2 BTC: 2.01 % of it initial margin, 5 bps fee, and $2.50 of surcharge.
    let (margin, fee, surcharge) = (4_020_000, 100_000, 5_000);
    for direction in BOTH {
        let mut bench = Bench::deep(usd(50_000));
        let mut position = bench.funded(margin + fee + surcharge - 1);
        let refused = bench.increase(&mut position, direction, dollars(100_000));
        assert_eq!(refused.unwrap_err(), Error::MarginBelowInitial);
        bench.market.deposit_collateral(&mut position, sats(1)).unwrap();
        assert_eq!(fee_of(&bench.increase(&mut position, direction, dollars(100_000)).unwrap()), fee + surcharge);
        assert_eq!(position.margin, sats(margin));
        let side = bench.market.side(direction);
        let valued = Valuation::of_position(&position, side, usd(50_000)).unwrap().unwrap();
        let needed = initial_margin(&bench.market.params.margin_ratios(), dollars(100_000), valued.value);
        assert_eq!(needed, Ok(sats(margin)));
    }
}

#[test]
fn case_16_profit_on_paper_is_no_collateral() {
    for (direction, price) in [(Direction::Long, usd(75_000)), (Direction::Short, usd(40_000))] {
        let mut bench = Bench::deep(usd(50_000));
        let mut position = bench.opened(direction, dollars(100_000), 4_125_000);
        bench.move_to(price);
        let worth = value(100_000_000_000, price.get());
        let needed: Exact = worth * (bps(200) + bps(1));
        let spare = 4_020_000 - i64::try_from(needed.ceil().to_integer()).unwrap();
        if let Ok(spare @ 1..) = u64::try_from(spare) {
            bench.withdraw(&mut position, spare - 2).unwrap();
            assert_eq!(bench.withdraw(&mut position, 4).unwrap_err(), Error::MarginBelowInitial);
        } else {
            assert_eq!(bench.withdraw(&mut position, 1).unwrap_err(), Error::MarginBelowInitial);
        }
    }
}

#[test]
fn case_17_extremes_are_errors_and_not_panics() {
    for price in [Price::MIN, usd(60_000), Price::MAX] {
        for pool in [1_000_000, DEEP] {
            for size in [1, 10, 9_999_999_999, 10_000_000_000, 10_000_000_001] {
                for margin in [1, 1_000_000, common::MAX_SATS] {
                    for direction in BOTH {
                        let mut bench = Bench::new(still(), price, pool);
                        let (mut position, total) = (bench.funded(margin), margin + pool);
                        let opened = bench.increase(&mut position, direction, dollars(size));
                        assert_ne!(opened.err(), Some(Error::Overflow), "{direction:?} {size} at {price:?}");
                        assert_eq!(bench.market.ledger.total().unwrap().get(), total);
                        if opened.is_ok() {
                            assert_eq!(position.shares.get(), size * 1_000_000);
                            bench.decrease(&mut position, Whole).unwrap();
                        }
                        assert_eq!(bench.market.ledger.total().unwrap().get(), total);
                    }
                }
            }
        }
    }
}

#[test]
fn case_17_a_single_satoshi_of_margin_opens_nothing() {
    let mut bench = Bench::deep(Price::MAX);
    let mut position = bench.funded(1);
    // $10 at $100 million is ten satoshi: one of fee, one of surcharge and one of initial margin.
    assert_eq!(bench.increase(&mut position, Direction::Long, dollars(10)).unwrap_err(), Error::MarginBelowFee);
    bench.market.deposit_collateral(&mut position, sats(1)).unwrap();
    assert_eq!(bench.increase(&mut position, Direction::Long, dollars(10)).unwrap_err(), Error::MarginBelowInitial);
    bench.market.deposit_collateral(&mut position, sats(1)).unwrap();
    assert_eq!(fee_of(&bench.increase(&mut position, Direction::Long, dollars(10)).unwrap()), 2, "fee and surcharge");
    assert_eq!(bench.withdraw(&mut position, 1).unwrap_err(), Error::MarginBelowInitial);
    assert_eq!(bench.withdraw(&mut position, 2).unwrap_err(), Error::MarginBelowAmount);
}

/// An increase or decrease of a fresh market under one changed parameter.
fn with(change: fn(&mut Params)) -> (Bench, Position) {
    let mut params = still();
    change(&mut params);
    let mut bench = Bench::new(params, usd(50_000), DEEP);
    let position = bench.funded(1_000_000_000);
    (bench, position)
}

#[test]
fn sizes_and_caps_are_refused_from_their_first_dollar() {
    let (mut bench, mut position) = with(|p| p.max_position_notional = dollars(2_000));
    let mut refused = |size: Notional| bench.increase(&mut position, Direction::Short, size).err();
    assert_eq!(refused(dollars(0)), Some(Error::AmountZero));
    assert_eq!(refused(Notional::new(10_500_000)), Some(Error::NotWholeDollars));
    assert_eq!(refused(dollars(9)), Some(Error::BelowMinNotional));
    assert_eq!(refused(dollars(2_001)), Some(Error::PositionCapExceeded));
    assert_eq!(refused(dollars(2_000)), None);
    let decrease = |size| bench.clone().decrease(&mut position.clone(), Part(size)).err();
    assert_eq!(decrease(dollars(0)), Some(Error::AmountZero));
    assert_eq!(decrease(Notional::new(10_500_000)), Some(Error::NotWholeDollars));
    assert_eq!(decrease(dollars(1_991)), Some(Error::BelowMinNotional));
    assert_eq!(decrease(dollars(1_990)), None);

    let (mut bench, mut position) = with(|p| p.max_side_notional = dollars(3_000));
    bench.opened(Direction::Long, dollars(1_000), 1_000_000_000);
    assert_eq!(bench.increase(&mut position, Direction::Long, dollars(2_001)).unwrap_err(), Error::SideCapExceeded);
    bench.increase(&mut position, Direction::Long, dollars(2_000)).unwrap();
}

#[test]
fn a_position_is_held_for_its_least_time() {
    let (mut bench, mut position) = with(|p| p.min_hold = Seconds::new(60));
    bench.increase(&mut position, Direction::Long, dollars(100)).unwrap();
    bench.wait(59);
    assert_eq!(bench.decrease(&mut position, Whole).unwrap_err(), Error::MinHoldNotOver);
    bench.wait(1);
    bench.decrease(&mut position, Whole).unwrap();
}

#[test]
fn a_fill_worse_than_its_limit_is_refused() {
    for direction in BOTH {
        let (mut bench, position) = with(|_| ());
        bench.widen(usd(10).get());
        let marks = bench.marks();
        let (ask, bid) = (usd(50_010), usd(49_990));
        let (open_at, close_at, worse) = match direction {
            Direction::Long => (ask, bid, 1),
            Direction::Short => (bid, ask, -1),
        };
        let off = |price: Price, ticks: i64| Price::new(price.get().checked_add_signed(ticks).unwrap());
        let open = |limit| {
            let (mut market, mut position) = (bench.market, position);
            let order = Increase { direction, notional: dollars(100), limit };
            market.increase(&mut position, &order, &marks, bench.at()).map(|filled| (filled.price, market, position))
        };
        assert_eq!(open(off(open_at, -worse)).unwrap_err(), Error::SlippageExceeded);
        let (price, market, position) = open(open_at).unwrap();
        assert_eq!(price, open_at);
        let marks = market.marks(marks.quote).unwrap();
        let close = |limit| {
            let order = Decrease { size: DecreaseSize::Whole, limit };
            let (mut market, mut position) = (market, position);
            market.decrease(&mut position, &order, &marks, bench.at()).map(|filled| filled.price)
        };
        assert_eq!(close(off(close_at, worse)).unwrap_err(), Error::SlippageExceeded);
        assert_eq!(close(close_at), Ok(close_at));
    }
}

#[test]
fn case_29_the_pool_refuses_what_it_could_not_pay() {
    // A pool of 10 BTC, 7 of which may be spoken for. A long can win its entry value; a short of value v at a stress
    // of 30 % wins v * 3 / 7.
    let most = [(Direction::Long, 350_000), (Direction::Short, 816_666)];
    for (direction, dollars_most) in most {
        let mut bench =
            Bench::new(Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() }, usd(50_000), 1_000_000_000);
        let mut position = bench.funded(10_000_000_000);
        let refused = bench.increase(&mut position, direction, dollars(dollars_most + 1));
        assert_eq!(refused.unwrap_err(), Error::ReserveExceeded);
        bench.increase(&mut position, direction, dollars(dollars_most)).unwrap();
    }
}
