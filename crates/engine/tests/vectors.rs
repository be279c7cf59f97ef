//! Case 13, first half: the worked numbers of public venues, to the satoshi and to every decimal they print.

mod common;

use common::exact::{assert_near, decimal, int, ratio, Exact};
use common::Bench;
use inverse_perps_engine::funding::accrue_side;
use inverse_perps_engine::liquidation::{close_size, threshold, CloseSize, Exposed, Target, Threshold};
use inverse_perps_engine::units::{Basis, Bps, CostIndex, Notional, Ppb, PpbPerDay, Price, Scale, Shares};
use inverse_perps_engine::{pnl, Direction, Params, Position, Side};
use serde_json::Value;

fn of_kind(kind: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_json::from_str(include_str!("data/vectors.json")).unwrap();
    let found: Vec<Value> = all.into_iter().filter(|vector| vector["kind"] == kind).collect();
    assert!(!found.is_empty(), "there are vectors of the kind {kind}");
    found
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("{} has {field}", vector["id"]))
}

/// A decimal as a whole number of a unit; the vectors need no rounding for that.
fn scaled(vector: &Value, field: &str, unit: u64) -> u64 {
    let scaled = decimal(text(vector, field)) * int(unit);
    assert!(scaled.is_integer(), "{field} of {} is exact", vector["id"]);
    scaled.to_integer().try_into().unwrap()
}

fn price(vector: &Value, field: &str) -> Price {
    Price::new(scaled(vector, field, 100_000_000))
}

fn notional(vector: &Value, field: &str) -> Notional {
    Notional::new(scaled(vector, field, 1_000_000))
}

fn ratio_of(vector: &Value, field: &str) -> Ppb {
    Bps::new(vector[field].as_u64().unwrap().try_into().unwrap()).to_ppb()
}

fn direction(vector: &Value) -> Direction {
    match text(vector, "side") {
        "long" => Direction::Long,
        "short" => Direction::Short,
        other => panic!("no side {other}"),
    }
}

/// A number of the engine, in whole units, against a printed decimal: they agree to the last place printed.
fn assert_prints_as(got: u64, unit: u64, printed: &str) {
    let places = printed.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let half: Exact = ratio(1, 2) / int(10u64.pow(u32::try_from(places).unwrap()));
    let difference = ratio(got, unit) - decimal(printed);
    let off = if difference < int(0) { -difference } else { difference };
    assert!(off <= half, "{got} / {unit} prints as {printed}");
}

fn exposed(vector: &Value) -> Exposed {
    let direction = direction(vector);
    let notional = notional(vector, "notional_usd");
    let entry_value = pnl::entry_value(direction, notional, price(vector, "entry_usd")).unwrap().signed().unwrap().get();
    Exposed { direction, notional, margin: scaled(vector, "margin_btc", 100_000_000).try_into().unwrap(), entry_value }
}

#[test]
fn case_13_pnl_is_that_of_the_venues_to_the_satoshi() {
    for vector in of_kind("pnl") {
        let (entry, exit) = (price(&vector, "entry_usd"), price(&vector, "exit_usd"));
        let got = pnl::between(direction(&vector), notional(&vector, "notional_usd"), entry, exit).unwrap().get();
        assert_eq!(got, vector["pnl_sats"].as_i64().unwrap(), "{}", vector["id"]);
        let printed = decimal(text(&vector, "exact_btc")) * int(100_000_000);
        assert_near(got, &printed, &int(1));
    }
}

#[test]
fn case_13_liquidation_and_bankruptcy_prices_are_those_printed() {
    for vector in of_kind("liquidation_price") {
        let position = exposed(&vector);
        let ratios = [("liquidation_usd", ratio_of(&vector, "maintenance_bps")), ("bankruptcy_usd", Ppb::ZERO)];
        for (field, ratio) in ratios {
            match (threshold(&position, ratio).unwrap(), vector[field].as_str()) {
                (Threshold::At(price), Some(printed)) => assert_prints_as(price.get(), 100_000_000, printed),
                (Threshold::Never, None) => {}
                other => panic!("{field} of {}: {other:?}", vector["id"]),
            }
        }
    }
}

#[test]
fn case_13_average_entry_is_harmonic() {
    for vector in of_kind("average_entry") {
        let fills = vector["fills"].as_array().unwrap();
        let fills: Vec<_> = fills.iter().map(|fill| (notional(fill, "notional_usd"), price(fill, "price_usd"))).collect();
        let average = pnl::average_entry(&fills).unwrap().unwrap();
        assert_prints_as(average.get(), 100_000_000, text(&vector, "average_usd"));
    }
    assert_eq!(pnl::average_entry(&[]).unwrap(), None);
}

#[test]
fn case_13_a_position_filled_in_the_market_has_the_average_entry_of_its_fills() {
    for vector in of_kind("average_entry") {
        let mut bench = Bench::new(common::open_params(), common::usd(5_000), 10_000_000_000_000);
        let mut position = bench.funded(10_000_000_000);
        for fill in vector["fills"].as_array().unwrap() {
            bench.move_to(price(fill, "price_usd"));
            bench.increase(&mut position, Direction::Long, notional(fill, "notional_usd")).unwrap();
        }
        let average = pnl::average_entry_of(&position, &bench.market.long).unwrap().unwrap();
        assert_prints_as(average.get(), 100_000_000, text(&vector, "average_usd"));
    }
    assert_eq!(pnl::average_entry_of(&Position::default(), &Side::empty()).unwrap(), None);
}

#[test]
fn case_13_a_partial_liquidation_closes_what_was_worked_out() {
    for vector in of_kind("partial_liquidation") {
        let target = Target {
            ratio: ratio_of(&vector, "target_bps"),
            cost: ratio_of(&vector, "fee_bps"),
            min_notional: Params::standard().min_notional,
        };
        match close_size(&exposed(&vector), price(&vector, "price_usd"), &target).unwrap() {
            CloseSize::Part(size) => assert_prints_as(size.get(), 1_000_000, text(&vector, "close_usd")),
            CloseSize::Whole => panic!("{} leaves a rest", vector["id"]),
        }
    }
}

#[test]
fn case_13_funding_of_a_period_is_the_rate_of_the_value() {
    const DAY: u64 = 86_400;
    for vector in of_kind("funding_payment") {
        let notional = notional(&vector, "notional_usd");
        let rate = scaled(&vector, "rate_bps", 100_000); // parts per billion, here of a day
        let mut side = Side { shares: Shares::new(notional.get()), basis: Basis::ZERO, positions: 1, ..Side::empty() };
        let market_price = price(&vector, "price_usd");
        accrue_side(&mut side, PpbPerDay::new(rate.try_into().unwrap()), DAY, market_price).unwrap();
        let fine = scaled(&vector, "payment_btc", 100_000_000);
        assert_eq!(side.cost_owed.get(), i128::from(fine) * i128::from(Scale::ONE.get()));

        let mut received = Side { cost_index: CostIndex::ZERO, cost_owed: Default::default(), ..side };
        accrue_side(&mut received, PpbPerDay::new(-i64::try_from(rate).unwrap()), DAY, market_price).unwrap();
        assert_eq!(received.cost_owed.get(), -side.cost_owed.get(), "the other side receives the same rate");
    }
}
