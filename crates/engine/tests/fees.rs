//! Cases 8 and 12: what trading costs, and that neither splitting nor turning round makes it cheaper.

mod common;

use common::exact::{assert_down, assert_up, bps, int, ratio, value};
use common::{dollars, fee_of, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::actions::DecreaseSize::{Part, Whole};
use inverse_perps_engine::units::Price;
use inverse_perps_engine::Direction;
use proptest::prelude::*;

/// What a sequence of increases cost in fees, and the entry value it came to.
fn open_in_parts(bench: &mut Bench, direction: Direction, parts: &[u64]) -> (u64, i128) {
    let mut position = bench.funded(DEEP / 100);
    let fees = parts.iter().map(|part| fee_of(&bench.increase(&mut position, direction, dollars(*part)).unwrap())).sum();
    (fees, position.basis.get())
}

fn parts() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(10..50_000u64, 1..12)
}

fn directions() -> impl Strategy<Value = Direction> {
    prop::sample::select(BOTH.to_vec())
}

fn prices() -> impl Strategy<Value = Price> {
    (100_000_000_000..Price::MAX.get()).prop_map(Price::new)
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn case_08_opening_and_closing_at_one_price_never_pays(
        d in directions(), price in prices(), size in 10..1_000_000u64, confidence in 0..25u64, waits in 0..30i64
    ) {
        let mut bench = Bench::deep(price);
        bench.widen(price.get() / 10_000 * confidence);
        let mut position = bench.funded(DEEP / 100);
        let opened = bench.increase(&mut position, d, dollars(size)).unwrap();
        bench.wait(waits);
        let closed = bench.decrease(&mut position, Whole).unwrap();
        let left = position.margin.get();
        assert_eq!(u128::from(left), u128::from(DEEP / 100) - u128::from(fee_of(&opened) + fee_of(&closed))
            - u128::from(closed.pnl.get().unsigned_abs()));
        assert!(closed.pnl.get() <= 0 && fee_of(&opened) > 0 && fee_of(&closed) > 0);
        // Twice the taker fee, and the spread on both sides of the price.
        let spread = int(2) * ratio(bench.confidence, price.get());
        let least = value(size * 1_000_000, price.get()) * (int(2) * bps(5) + spread) * bps(9_900) - int(4);
        assert!(int(DEEP / 100 - left) >= least);
    }

    #[test]
    fn case_12_splitting_a_trade_never_makes_it_cheaper(d in directions(), price in prices(), parts in parts(), ahead in 0..2_000_000u64) {
        let mut market = Bench::deep(price);
        if ahead > 0 {
            market.opened(d.opposite(), dollars(ahead + 10), DEEP / 10);
        }
        let whole: u64 = parts.iter().sum();
        let (fees, basis) = open_in_parts(&mut market.clone(), d, &parts);
        let (fee, entry) = open_in_parts(&mut market, d, &[whole]);
        // What an opening costs is its fee and what rounding takes off the entry value.
        let better = match d {
            Direction::Long => basis - entry,
            Direction::Short => entry - basis,
        };
        assert!(i128::from(fees) - better >= i128::from(fee), "{fees} less {better} against {fee}");
    }

    #[test]
    fn case_12_splitting_a_trade_never_makes_its_fee_cheaper(d in directions(), price in prices(), parts in parts()) {
        let whole: u64 = parts.iter().sum();
        let (fees, _) = open_in_parts(&mut Bench::deep(price), d, &parts);
        let (fee, _) = open_in_parts(&mut Bench::deep(price), d, &[whole]);
        assert!(fees >= fee, "{fees} in parts, {fee} at once");
    }

    #[test]
    fn case_12_splitting_a_close_never_makes_its_fee_cheaper(d in directions(), price in prices(), parts in parts()) {
        let whole: u64 = parts.iter().sum();
        let mut bench = Bench::deep(price);
        let mut position = bench.opened(d, dollars(whole + 10), DEEP / 100);
        let (mut other, mut at_once) = (bench.clone(), position);
        let fee = fee_of(&other.decrease(&mut at_once, Part(dollars(whole))).unwrap());
        let fees = parts.iter().map(|part| fee_of(&bench.decrease(&mut position, Part(dollars(*part))).unwrap())).sum::<u64>();
        assert!(fees >= fee, "{fees} in parts, {fee} at once");
    }

    #[test]
    fn case_11_a_fill_is_charged_at_least_its_exact_fee(d in directions(), price in prices(), size in 10..1_000_000u64) {
        let mut bench = Bench::deep(price);
        let mut position = bench.funded(DEEP / 100);
        let fee = fee_of(&bench.increase(&mut position, d, dollars(size)).unwrap());
        let micro = int(size * 1_000_000);
        let surcharge = &micro * &micro / (int(2) * int(2_000_000_000_000_000u64)) * ratio(10_000_000_000u64, price.get());
        let exact = value(size * 1_000_000, price.get()) * bps(5) + surcharge;
        assert!(int(fee) >= exact, "{fee} is below {exact}");
        assert!(int(fee) < exact + int(3) + ratio(10_000_000_000u64, price.get()));
    }
}

#[test]
fn case_12_two_halves_of_an_opening_pay_the_fee_of_the_whole() {
    // $10 is worth 2000.99 satoshi here, and the heavy other side spares both halves the surcharge. The exact fee of a half is
    // 1.0005 satoshi and that of the whole 2.001: two and three satoshi when rounded up.
    let price = Price::new(49_975_262_245_189);
    for direction in BOTH {
        let mut bench = Bench::deep(price);
        bench.opened(direction.opposite(), dollars(1_000), 1_000_000);
        let (fees, _) = open_in_parts(&mut bench.clone(), direction, &[10, 10]);
        let (fee, _) = open_in_parts(&mut bench, direction, &[20]);
        assert_eq!((fees, fee), (4, 3), "{direction:?}: in two halves and at once");
    }
}

#[test]
fn case_12_a_million_single_dollar_lots_pay_a_million_fees() {
    // At $60 million a dollar is one satoshi and two thirds: as unfavourable to the fee as rounding can be.
    for (direction, price) in [(Direction::Long, usd(60_000_000)), (Direction::Short, usd(61_357))] {
        let mut bench = Bench::deep(price);
        let mut position = bench.opened(direction, dollars(10), 200_000_000);
        let (before, entry) = (position.margin.get(), position.basis.get());
        for _ in 0..1_000_000 {
            bench.increase(&mut position, direction, dollars(1)).unwrap();
        }
        let (paid, exact) = (before - position.margin.get(), value(1_000_000_000_000, price.get()));
        assert!(paid >= 1_000_000 && int(paid) >= &exact * bps(5), "{paid} paid");
        let gained = position.basis.get() - entry;
        match direction {
            Direction::Long => assert_down(gained, &exact, 1_000_000),
            Direction::Short => assert_up(gained, &exact, 1_000_000),
        }
        let before = (position.margin.get(), fee_of(&bench.decrease(&mut position, Whole).unwrap()));
        assert!(position.margin.get() <= before.0 - before.1, "nothing was extracted on the way");
    }
}

#[test]
fn case_12_opening_and_closing_single_lots_only_loses() {
    let mut bench = Bench::deep(usd(60_000_000));
    let mut position = bench.opened(Direction::Long, dollars(10), 1_000_000);
    for _ in 0..10_000 {
        let before = position.margin;
        bench.increase(&mut position, Direction::Long, dollars(1)).unwrap();
        bench.decrease(&mut position, Part(dollars(1))).unwrap();
        assert!(position.margin.get() <= before.get() - 2);
    }
    assert!(
        bench.market.ledger.protocol_fees.get() + bench.market.ledger.insurance.get() + bench.market.ledger.pool.get() > DEEP
    );
}
