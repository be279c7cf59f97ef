//! Keys and lines: where the design's formulas put a liquidation price the line reaches the key, to the satoshi, and nothing but its
//! owner moves a position's key.

mod common;

use common::exact::{int, ratio, Exact};
use common::ledger_model::sign_of;
use common::lines::{class_of_one, key_of, line};
use common::{dollars, sats, still, usd, Bench, BOTH, DEEP, MAX_SATS, START};
use inverse_perps_engine::line::{Class, Key, Terms};
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::margin::is_liquidatable;
use inverse_perps_engine::units::{Basis, Bps, CostIndex, ExitIndex, Ppb, Price, Scale, Shares, UnixTime};
use inverse_perps_engine::{Direction, Market, Params, Position, Side};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// $100,000 from $50,000, 2 BTC, with 0.1 BTC of margin.
fn plain(direction: Direction) -> Position {
    Position {
        margin: sats(10_000_000),
        shares: Shares::new(100_000_000_000),
        basis: Basis::new(200_000_000),
        scale: Scale::ONE,
        direction: if direction == Direction::Long { 1 } else { 2 },
        ..Position::default()
    }
}

/// Standard ratios: 1 % and 0.1 % a million dollars.
fn plain_market(side: Side) -> Market {
    Market { params: Params::standard(), long: side, short: side, ..Market::default() }
}

/// That the line reaches the position's key at this price, but for the roundings that it is raised by.
fn assert_liquidated_at(direction: Direction, side: Side, position: &Position, price: Exact) {
    let market = plain_market(side);
    let class = class_of_one(&market, position);
    let Ok(Threshold::At(reached)) = class.reach(&side, key_of(position)) else { panic!("no price") };
    // The line is raised by three satoshi at most; what the positions here have to lose is 0.65 BTC at least.
    let off = (int(reached.get()) / int(100_000_000) - &price) * int(sign_of(direction));
    assert!(off >= int(0) && off < &price * ratio(5, 100_000_000), "{reached:?} for {price}");
}

#[test]
fn a_long_is_liquidated_where_the_design_says() {
    // N (1 + m) / (margin + E) = 100,000 * 1.0101 / (0.1 + 2) = 48,100
    let long = plain(Direction::Long);
    assert_eq!(key_of(&long).get(), 2_100_000_000_000_000, "(0.1 + 2) BTC over 1e11 shares");
    assert_liquidated_at(Direction::Long, Side::empty(), &long, int(48_100));
    // At that price w = 1e10 / 4.81e12, so that (1 + r) A w = 2.1e15; a satoshi over 1e11 shares is 1e7.
    let market = plain_market(Side::empty());
    let drawn = line(&class_of_one(&market, &long), Direction::Long, &market.long, usd(48_100)).get();
    assert!((2_100_000_010_000_000..=2_100_000_010_000_001).contains(&drawn), "{drawn}");
}

#[test]
fn a_short_is_liquidated_where_the_design_says() {
    // N (1 - m) / (E - margin) = 100,000 * 0.9899 / (2 - 0.1) = 52,100
    let short = plain(Direction::Short);
    assert_eq!(key_of(&short).get(), -1_900_000_000_000_000, "(0.1 - 2) BTC over 1e11 shares");
    assert_liquidated_at(Direction::Short, Side::empty(), &short, int(52_100));
    let market = plain_market(Side::empty());
    let drawn = line(&class_of_one(&market, &short), Direction::Short, &market.short, usd(52_100)).get();
    assert!((-1_899_999_990_000_000..=-1_899_999_989_999_999).contains(&drawn), "{drawn}");
}

#[test]
fn costs_bring_the_price_nearer_and_leave_the_key() {
    // 0.01 BTC of funding is 1e13 a share: 100,000 * 1.0101 / 2.09 and 100,000 * 0.9899 / 1.91.
    for (direction, price) in [(Direction::Long, ratio(10_101_000, 209)), (Direction::Short, ratio(9_899_000, 191))] {
        let position = plain(direction);
        let side = Side { cost_index: CostIndex::new(10_000_000_000_000), ..Side::empty() };
        assert_liquidated_at(direction, side, &position, price.clone());
        // Settled, the same is a smaller margin and a later snapshot: the same key.
        let settled = Position { margin: sats(9_000_000), cost_index: side.cost_index, ..position };
        assert_eq!(key_of(&settled), key_of(&position));
        assert_liquidated_at(direction, side, &settled, price);
    }
}

#[test]
fn deleveraging_moves_the_price_and_leaves_the_key() {
    // Half is closed at $62,500: $50,000 for 0.8 BTC, which came in for 1. What is left has a ratio of 1.005 %; a long's margin is 0.3
    // BTC then, 50,000 * 1.01005 / 1.3; a short's loss of 0.2 leaves it -0.1 (no side that loses shrinks; the formula does not mind).
    let half = Scale::new(500_000_000_000_000_000);
    let side = Side { scale: half, exit_index: ExitIndex::new(800_000_000_000_000), ..Side::empty() };
    assert_liquidated_at(Direction::Long, side, &plain(Direction::Long), ratio(5_050_250, 130));
    // A short that was halved at $40,000, for 1.25 BTC: 0.35 BTC of margin, 50,000 * 0.98995 / 0.65.
    let won = Side { exit_index: ExitIndex::new(1_250_000_000_000_000), ..side };
    assert_liquidated_at(Direction::Short, won, &plain(Direction::Short), ratio(4_949_750, 65));
    for (direction, side, margin) in [(Direction::Long, side, 30_000_000), (Direction::Short, won, 35_000_000)] {
        let settled = Position { margin: sats(margin), scale: half, exit_index: side.exit_index, ..plain(direction) };
        assert_eq!(key_of(&settled), key_of(&plain(direction)));
    }
}

#[test]
fn a_short_whose_margin_covers_its_entry_value_is_reached_by_no_price() {
    let short = Position { margin: sats(200_000_003), ..plain(Direction::Short) };
    let market = plain_market(Side::empty());
    assert_eq!(class_of_one(&market, &short).reach(&market.short, key_of(&short)), Ok(Threshold::Never));
    let thinner = Position { margin: sats(199_999_000), ..short };
    assert!(matches!(class_of_one(&market, &thinner).reach(&market.short, key_of(&thinner)), Ok(Threshold::At(_))));
    let lost = Position { margin: sats(0), basis: Basis::new(-5), ..plain(Direction::Long) };
    assert_eq!(class_of_one(&market, &lost).reach(&market.long, key_of(&lost)), Ok(Threshold::Always));
    assert_eq!(Key::of(&Position::default()), Ok(None), "flat");
}

#[test]
fn a_class_is_held_to_the_greatest_ratio_in_force() {
    // $50M at 1 % and 0.1 % a million: 6 %. Older positions are spared a raise, here of the slope alone and against the rule upward.
    let mut market = plain_market(Side::empty());
    let ratio_of = |market: &Market| {
        let terms = Terms::of(market, Direction::Long);
        Class::of(&terms, Shares::new(1), Shares::new(50_000_000_000_000)).unwrap().ratio()
    };
    assert_eq!(ratio_of(&market), Ppb::new(60_000_000));
    market.spared = market.params.margin_ratios();
    market.spared.maintenance_slope = Bps::new(20);
    assert_eq!(ratio_of(&market), Ppb::new(60_000_000), "nobody is spared any more");
    market.spared_until = UnixTime::new(START);
    assert_eq!(ratio_of(&market), Ppb::new(110_000_000));
    market.long.scale = Scale::new(500_000_000_000_000_000);
    assert_eq!(ratio_of(&market), Ppb::new(60_000_000), "half the notional, half the growth");
    market.spared.maintenance_slope = Bps::new(0);
    assert_eq!(ratio_of(&market), Ppb::new(35_000_000));
}

proptest! {
    #![proptest_config(common::cases(5_000))]

    #[test]
    fn the_reach_of_a_line_is_where_it_passes_the_key(
        long in any::<bool>(), scale in 1_000_000_000_000_000..=1_000_000_000_000_000_000u64, exit in 0..=10u128.pow(20),
        cost in -(10i128.pow(17))..10i128.pow(17), shares in 1..10u64.pow(17), maintenance in 0..30_000u32,
        price in 100_000_001..10u64.pow(16), near in -3..=3i128, off in -(10i128.pow(15))..10i128.pow(15)
    ) {
        let direction = if long { Direction::Long } else { Direction::Short };
        let side = Side { scale: Scale::new(scale), exit_index: ExitIndex::new(exit), cost_index: CostIndex::new(cost), ..Side::empty() };
        let params = Params { maintenance_margin: Bps::new(maintenance), maintenance_margin_slope: Bps::new(0), ..Params::standard() };
        let terms = Terms::of(&Market { params, long: side, short: side, ..Market::default() }, direction);
        let class = Class::of(&terms, Shares::new(shares), Shares::new(u64::MAX)).unwrap();
        let drawn = |price: u64| line(&class, direction, &side, Price::new(price)).get();
        let at = drawn(price);
        for raw in [at + near, at + off] {
            // A key is made of a position: this one holds it as its cost index.
            let holder = Position { margin: sats(0), basis: Basis::ZERO, cost_index: CostIndex::new(raw), ..plain(direction) };
            let key = key_of(&holder);
            prop_assert_eq!(key.get(), raw);
            // The line is at most one above the exact one, never below it.
            let below = |price: u64| raw < drawn(price);
            let clear_of = |price: u64| raw + 1 >= drawn(price);
            match class.reach(&side, key).unwrap() {
                Threshold::At(p) => {
                    let p = p.get();
                    let (inside, outside) = if long { (p, p - 1) } else { (p, p.saturating_add(1)) };
                    let drawable = |price: u64| (100_000_000..u64::MAX).contains(&price);
                    prop_assert!(!drawable(inside) || clear_of(inside), "not at {inside}");
                    prop_assert!(!drawable(outside) || below(outside), "but at {outside}");
                }
                Threshold::Never => prop_assert!([100_000_000, price, u64::MAX].iter().all(|price| clear_of(*price))),
                Threshold::Always if !long && maintenance >= 10_000 => {}
                Threshold::Always => prop_assert!([100_000_000, price, u64::MAX].iter().all(|price| below(*price))),
            }
        }
    }
}

/// A position that has not been settled for a while, on a side that has shrunk and accrued meanwhile, or only accrued.
fn unsettled(rng: &mut StdRng, shrunk: bool, paid_out: bool) -> (Market, Position, Price) {
    let direction = *BOTH.choose(rng).unwrap();
    let price = 10u64.pow(rng.gen_range(10..15)) / 10 * rng.gen_range(10..100) + rng.gen_range(0..1_000);
    let around = |rng: &mut StdRng, percent: u64| price / 100 * rng.gen_range(100 - percent..100 + percent) + 1;
    let one = Scale::ONE.get();
    let scale = if shrunk { rng.gen_range(one / 1_000..one) } else { one };
    let before = if shrunk { rng.gen_range(scale..=one) } else { one };
    let worth = |amount: u64, price: u64| u128::from(amount) * 10_000_000_000 / u128::from(price);
    let (exited_at, entered_at) = (around(rng, 30), around(rng, 20));
    let exits = rng.gen_range(0..10u128.pow(15));
    let costs = rng.gen_range(-10i128.pow(12)..10i128.pow(12));
    let due = i128::try_from(worth(scale, price)).unwrap() / 1_000 * rng.gen_range(-100..100);
    let shares = 10u64.pow(rng.gen_range(5..12)) * rng.gen_range(1..10) + rng.gen_range(0..1_000);
    let basis = i128::try_from(worth(shares, entered_at)).unwrap();
    let position = Position {
        scale: Scale::new(before),
        exit_index: ExitIndex::new(exits),
        cost_index: CostIndex::new(costs),
        shares: Shares::new(shares),
        basis: Basis::new(basis),
        ..plain(direction)
    };
    let side = Side {
        scale: Scale::new(scale),
        exit_index: ExitIndex::new(exits + worth(before - scale, exited_at)),
        cost_index: CostIndex::new(costs + due),
        margin: sats(MAX_SATS),
        ..Side::empty()
    };
    let mut market = plain_market(side);
    market.ledger.margin = sats(MAX_SATS);
    market.ledger.pool = sats(if paid_out { MAX_SATS } else { 0 });
    (market, position, Price::new(price))
}

/// With the most margin that does not save it a position is just liquidatable: roundings of a satoshi decide.
#[test]
fn at_the_last_satoshi_roundings_let_nothing_slip_through() {
    let mut rng = StdRng::seed_from_u64(3);
    let mut compared = [0; 4];
    for case in 0..40_000 {
        let (shrunk, paid_out) = (case % 2 == 0, case % 4 < 2);
        let (market, position, price) = unsettled(&mut rng, shrunk, paid_out);
        let direction = position.open_direction().unwrap();
        let with = |margin: u64| Position { margin: sats(margin), ..position };
        let liquidatable = |margin: u64| {
            let (mut market, mut position) = (market, with(margin));
            market.settle(&mut position).unwrap();
            is_liquidatable(&market.ratios_of(&position), &position, market.side(direction), price).unwrap()
        };
        let (mut poor, mut rich) = (0, MAX_SATS / 2);
        if !liquidatable(poor) || liquidatable(rich) {
            continue;
        }
        while rich - poor > 1 {
            let middle = poor.midpoint(rich);
            *(if liquidatable(middle) { &mut poor } else { &mut rich }) = middle;
        }
        let drawn = line(&class_of_one(&market, &position), direction, market.side(direction), price);
        assert!(key_of(&with(poor)) < drawn, "missed: {position:?} at {price:?}");
        assert!(key_of(&with(poor + 6)) >= drawn, "satoshi away: {position:?} at {price:?}");
        compared[case % 4] += 1;
    }
    assert!(compared.iter().all(|times| *times > 1_000), "{compared:?}");
}

#[test]
fn a_tick_around_the_liquidation_price_finds_the_position_from_the_first_price_on() {
    for direction in BOTH {
        let mut bench = Bench::new(Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() }, usd(50_000), DEEP);
        let position = bench.opened(direction, dollars(100_000), 10_000_000);
        let class = class_of_one(&bench.market, &position);
        let judged_at = |raw: u64| {
            let mut bench = bench.clone();
            bench.move_to(Price::new(raw));
            let beyond = key_of(&position) < line(&class, direction, bench.market.side(direction), bench.price);
            (beyond, bench.liquidate(&mut position.clone()).is_ok())
        };
        // $48,100 and $52,100, where equity is maintenance margin; a satoshi of 2.1 and 1.9 BTC is 0.02 cents of that.
        let (last, step) = if direction == Direction::Long { (4_810_000_000_000u64, -1i64) } else { (5_210_000_000_000, 1) };
        assert_eq!(judged_at(last), (true, false), "within the roundings");
        assert_eq!(judged_at(last.saturating_add_signed(step * 100_000)), (true, true));
        assert_eq!(judged_at(last.saturating_add_signed(-step * 100_000)), (false, false), "0.1 cents before");
    }
}
