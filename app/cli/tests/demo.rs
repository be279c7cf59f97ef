//! `perps demo` from outside: short files in every range of prices, each to the satoshi.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Once;

use serde_json::Value;

const HEADER: &str = "unix_time,open,high,low,close\n";

/// A price file that is gone when the test is over.
struct PriceFile(PathBuf);

impl PriceFile {
    fn new(name: &str, rows: &str) -> Self {
        let path = std::env::temp_dir().join(format!("perps-demo-{}-{name}.csv", std::process::id()));
        std::fs::write(&path, format!("{HEADER}{rows}")).expect("the file can be written");
        Self(path)
    }
}

impl Drop for PriceFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Runs the command, after the program has been built once: tests run beside each other, and builds of the same ELF should not.
fn demo(file: &PriceFile, more: &[&str]) -> Output {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| drop(perps::local::program_elf().expect("the program can be built")));
    let path = file.0.to_str().expect("the path is text");
    let arguments = [&["demo", "--prices", path], more].concat();
    Command::new(env!("CARGO_BIN_EXE_perps")).args(arguments).output().expect("perps runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is text")
}

/// The one object of a run that went well.
fn sound(file: &PriceFile, more: &[&str]) -> Value {
    let output = demo(file, &[&["--json"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("the answer is one JSON object");
    assert_eq!(answer["conserved"], true, "{answer}");
    assert_eq!(answer["failed_transactions"], 0, "{answer}");
    assert_eq!(answer["divergences"], 0, "{answer}");
    assert_eq!(answer["violations"], 0, "{answer}");
    assert_eq!(answer["errors"], serde_json::json!([]));
    assert_eq!(answer["flat_margin_untouched"], true, "{answer}");
    assert!(sats_of(&answer, "/audit/flat_deposits_sats") > 0, "{answer}");
    adds_up(&answer);
    every_order_is_accounted_for(&answer);
    let sats = |key: &str| answer[key].as_u64().expect("satoshi are integers");
    let parts = ["margin_sats", "pool_sats", "insurance_sats", "protocol_fees_sats", "funds_sats"];
    assert_eq!(sats("vault_sats"), parts.iter().map(|part| sats(part)).sum::<u64>());
    answer
}

fn sats_of(answer: &Value, pointer: &str) -> u64 {
    answer.pointer(pointer).and_then(Value::as_u64).unwrap_or_else(|| panic!("{pointer} of {answer} is an amount"))
}

fn list<'a>(answer: &'a Value, key: &str) -> &'a [Value] {
    answer[key].as_array().unwrap_or_else(|| panic!("{key} of {answer} is a list"))
}

/// Deleveragings and settlements: the counts are those of the lists, and each settlement pays what it says, in proportion.
fn adds_up(answer: &Value) {
    let (deleveragings, settlements) = (list(answer, "deleveraging_list"), list(answer, "settlement_list"));
    assert_eq!(deleveragings.len() as u64, number(answer, "deleveragings"));
    assert_eq!(settlements.len() as u64, number(answer, "settlements"));
    assert_eq!(answer["shares_equal"], true);
    assert!(deleveragings.iter().all(|deleveraging| deleveraging["shares_equal"] == true), "{answer}");
    let sum = |key: &str| settlements.iter().map(|settlement| number(settlement, key)).sum::<u64>();
    assert_eq!(sum("claims_sats") - sum("payable_sats"), number(answer, "haircut_sats"));
    assert_eq!(sum("haircut_sats"), number(answer, "haircut_sats"));
    assert_eq!(sum("uncollected_sats"), number(answer, "uncollected_sats"));
    for settlement in settlements {
        let (claims, payable) = (number(settlement, "claims_sats"), number(settlement, "payable_sats"));
        let each = list(settlement, "claims");
        assert_eq!(each.iter().map(|claim| number(claim, "claim_sats")).sum::<u64>(), claims, "{settlement}");
        for claim in each {
            let paid = u128::from(number(claim, "claim_sats")) * u128::from(payable) / u128::from(claims);
            assert_eq!(u128::from(number(claim, "paid_sats")), paid, "{settlement}");
        }
        assert!(payable == claims || settlement["closed"] == true, "{settlement}");
    }
    let closed = settlements.iter().filter(|settlement| settlement["closed"] == true).count();
    assert_eq!(number(answer, "markets"), 1 + closed as u64);
}

/// Every order that was placed has left in one of six ways or is there still, and every fill was an order's.
fn every_order_is_accounted_for(answer: &Value) {
    let orders = &answer["orders"];
    let left: u64 = ["filled", "failed", "blocked", "expired", "cancelled", "void"].iter().map(|way| number(orders, way)).sum();
    let there = number(answer, "orders_resting") + number(answer, "orders_pending");
    assert_eq!(number(orders, "placed"), left + there, "{orders}");
    assert!(number(orders, "filled_after_trigger") <= number(orders, "triggered"), "{orders}");
    assert!(number(orders, "placed_to_rest") <= number(orders, "placed"), "{orders}");
    assert_eq!(number(orders, "filled") > 0, both_sides_traded_e6(answer) > 0, "{orders}");
    let executed = ["filled", "failed", "blocked", "missed_bound"].iter().map(|outcome| number(orders, outcome)).sum::<u64>();
    assert_eq!(sent(answer, "execute_order"), executed);
    assert_eq!(sent(answer, "trigger_order"), number(orders, "triggered"));
    // Only orders trade.
    assert_eq!(sent(answer, "increase_position") + sent(answer, "decrease_position"), 0);
}

fn both_sides_traded_e6(answer: &Value) -> u64 {
    ["long", "short"].iter().map(|side| number(&answer["sides"][side], "traded_e6")).sum()
}

/// How often an instruction was sent and succeeded.
fn sent(answer: &Value, instruction: &str) -> u64 {
    answer["compute_units"][instruction]["count"].as_u64().unwrap_or(0)
}

fn number(answer: &Value, key: &str) -> u64 {
    answer[key].as_u64().unwrap_or_else(|| panic!("{key} of {answer} is a count"))
}

fn both_sides_traded(answer: &Value) -> bool {
    ["long", "short"].iter().all(|side| number(&answer["sides"][side], "traded_e6") > 0)
}

/// Sixty hours from 12 March 2020, midnight.
fn crash() -> PriceFile {
    let supplied = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/btcusd_1h_2020.csv");
    let all = std::fs::read_to_string(supplied).expect("the hours come along");
    let from =
        |line: &&str| line.split(',').next().and_then(|time| time.parse().ok()).is_some_and(|time: i64| time >= 1_583_971_200);
    let rows: Vec<&str> = all.lines().filter(from).take(60).collect();
    PriceFile::new("crash", &rows.join("\n"))
}

/// Bars of a sawtooth: up three, down two, by `step` cents.
fn sawtooth(interval: u64, bars: u64, cents: u64, step: u64) -> String {
    let mut rows = String::new();
    let mut open = cents;
    for bar in 0..bars {
        let close = if bar % 5 < 3 { open + step } else { open - step };
        let (high, low) = (open.max(close) + step / 2, open.min(close) - step / 2);
        let dollars = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
        let time = 1_700_000_000 + bar * interval;
        writeln!(rows, "{time},{},{},{},{}", dollars(open), dollars(high), dollars(low), dollars(close)).expect("memory");
        open = close;
    }
    rows
}

#[test]
fn the_crash_of_march_2020_leaves_every_satoshi_accounted_for() {
    let answer = sound(&crash(), &[]);
    assert_eq!(answer["bars"], 60);
    assert_eq!(answer["steps"], 240);
    assert!(number(&answer, "liquidations") >= 10, "{}", answer["liquidations"]);
    assert!(number(&answer, "expected_failures") >= 6, "{}", answer["expected_failures"]);
    let of = |side: &str| number(&answer["sides"][side], "liquidations");
    assert_eq!(of("long") + of("short"), number(&answer, "liquidations"));
    for instruction in ["deposit_collateral", "place_order", "place_order x 3", "execute_order", "liquidate", "accrue_funding"]
    {
        let units = &answer["compute_units"][instruction];
        assert!(number(units, "count") > 0, "{instruction}");
        assert!(number(units, "min") <= number(units, "mean") && number(units, "mean") <= number(units, "max"), "{units}");
    }
}

#[test]
fn orders_come_to_everything_that_orders_can_come_to() {
    let (plain, stressed) = (sound(&crash(), &[]), sound(&crash(), &["--stress"]));
    for outcome in ["placed_to_rest", "triggered", "filled", "filled_after_trigger", "expired", "cancelled", "void"] {
        for answer in [&plain, &stressed] {
            assert!(number(&answer["orders"], outcome) > 0, "{outcome}: {answer}");
        }
    }
    let in_either = |outcome: &str| number(&plain["orders"], outcome) + number(&stressed["orders"], outcome);
    for outcome in ["failed", "blocked", "missed_bound", "tips_sats", "failure_fees_sats"] {
        assert!(in_either(outcome) > 0, "{outcome}: {plain} {stressed}");
    }
}

#[test]
fn a_crash_that_the_pool_cannot_pay_shrinks_the_winners() {
    let file = crash();
    // With other seeds profit passes the pool in one step: the market settles at once.
    let settled = sound(&file, &["--stress", "--seed", "3"]);
    assert!(number(&settled, "settlements") > 0, "{settled}");
    for seed in ["1", "2", "5"] {
        let answer = sound(&file, &["--stress", "--seed", seed]);
        assert!(number(&answer, "deleveragings") > 0, "{answer}");
        let shrunk = &list(&answer, "deleveraging_list")[0]["short"];
        assert!(number(shrunk, "positions") > 0 && number(shrunk, "payout_sats") > 0, "{shrunk}");
        assert!(
            number(shrunk, "closed_e6") > 0 && shrunk["share"].as_str().is_some_and(|share| share.starts_with("0.")),
            "{shrunk}"
        );
    }
}

/// An hour at a time: sixty quiet bars at $50,000, then a fall to a tenth in six, sixty quiet ones, and three times up in six.
fn fall_and_rise() -> PriceFile {
    let mut closes: Vec<u64> = vec![50_000; 60];
    closes.extend([45_000, 39_000, 20_000, 12_000, 7_000, 5_000]);
    closes.extend([5_000; 60]);
    closes.extend([6_000, 7_500, 9_000, 11_000, 13_000, 15_000]);
    closes.extend([15_000; 20]);
    let mut rows = String::new();
    let mut open = 50_000;
    for (bar, close) in (0u64..).zip(closes) {
        let (low, high) = (open.min(close), open.max(close));
        writeln!(rows, "{},{open},{high},{low},{close}", 1_700_000_000 + bar * 3_600).expect("memory");
        open = close;
    }
    PriceFile::new("tenth", &rows)
}

#[test]
fn a_fall_to_a_tenth_and_a_rise_leave_every_satoshi_accounted_for() {
    let file = fall_and_rise();
    let stressed = sound(&file, &["--stress"]);
    assert!(number(&stressed, "settlements") > 0, "{stressed}");
    assert!(number(&stressed, "deleveragings") > 0, "{stressed}");
    assert!(number(&stressed, "haircut_sats") > 0, "{stressed}");
    assert!(number(&stressed, "markets") > 1, "{stressed}");
    for instruction in ["deleverage", "settle_position", "finish_settlement", "close_settlement", "pay_out"] {
        assert!(number(&stressed["compute_units"][instruction], "count") > 0, "{instruction}");
    }
    sound(&file, &[]);
}

#[test]
fn the_stress_of_a_seed_is_the_same_again_and_its_report_tells_of_it() {
    let file = fall_and_rise();
    let run = |more: &[&str]| text(&demo(&file, more).stdout);
    assert_eq!(run(&["--stress", "--json", "--seed", "3"]), run(&["--stress", "--json", "--seed", "3"]));
    let report = run(&["--stress"]);
    for part in ["settlements: ", "closed for good", " won ", "each closed the same share", "as they left it", "conserved: yes"]
    {
        assert!(report.contains(part), "{part} is missing: {report}");
    }
}

#[test]
fn stress_at_any_price_leaves_every_satoshi_accounted_for() {
    for (name, rows) in [
        ("s-minutes", sawtooth(60, 40, 200, 1)),
        ("s-days", sawtooth(86_400, 20, 12_000_000, 300_000)),
        ("s-one", "1700000000,60000,61000,59000,60500\n".to_owned()),
        ("s-still", sawtooth(3_600, 5, 5_000_000, 0)),
        ("s-least", "0,1,1.02,1,1.01\n3600,1.01,1.05,1,1\n".to_owned()),
        ("s-most", "1,99999999,100000000,99000000,99500000\n2,99500000,100000000,99000000,100000000\n".to_owned()),
        ("s-apart", "1,1,100000000,1,100000000\n100,100000000,100000000,1,1\n".to_owned()),
    ] {
        sound(&PriceFile::new(name, &rows), &["--stress"]);
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let file = PriceFile::new("seeds", &sawtooth(3_600, 12, 800_000, 9_000));
    let run = |seed: &str| text(&demo(&file, &["--json", "--seed", seed]).stdout);
    let (first, again, other) = (run("5"), run("5"), run("6"));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.contains("\"seed\": 5"), "{first}");
}

#[test]
fn minutes_at_two_dollars_and_days_at_a_hundred_and_twenty_thousand() {
    let minutes = sound(&PriceFile::new("minutes", &sawtooth(60, 40, 200, 1)), &[]);
    assert!(both_sides_traded(&minutes), "{minutes}");
    let days = sound(&PriceFile::new("days", &sawtooth(86_400, 20, 12_000_000, 300_000)), &[]);
    assert!(both_sides_traded(&days), "{days}");
}

#[test]
fn the_ends_of_the_range_one_bar_and_a_price_that_stands_still() {
    sound(&PriceFile::new("one", "1700000000,60000,61000,59000,60500\n"), &[]);
    sound(&PriceFile::new("still", &sawtooth(3_600, 5, 5_000_000, 0)), &[]);
    sound(&PriceFile::new("least", "0,1,1.02,1,1.01\n3600,1.01,1.05,1,1\n"), &[]);
    sound(&PriceFile::new("most", "1,99999999,100000000,99000000,99500000\n2,99500000,100000000,99000000,100000000\n"), &[]);
    sound(&PriceFile::new("apart", "1,1,100000000,1,100000000\n100,100000000,100000000,1,1\n"), &[]);
}

#[test]
fn a_price_that_the_program_does_not_accept_is_passed_over_and_counted() {
    let answer = sound(&PriceFile::new("below", "1,1,6,0.5,5\n3601,5,100000001,5,6\n"), &[]);
    assert_eq!(number(&answer, "unusable_prices"), 2);
    assert_eq!(number(&answer, "steps"), 6);
}

#[test]
fn the_report_for_people_says_the_same() {
    let output = demo(&PriceFile::new("people", &sawtooth(3_600, 30, 800_000, 30_000)), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = text(&output.stdout);
    for part in [
        "conserved: yes",
        "0 failed",
        "orders: ",
        "failed for their owners' reasons",
        "to the keeper",
        "liquidations in the band",
        "funding and borrow paid",
        "2023-11-14 22:13",
    ] {
        assert!(report.contains(part), "{part} is missing: {report}");
    }
}

#[test]
fn a_malformed_row_is_named_with_its_line() {
    for (rows, says) in [
        ("1,5,6,4,5\n2,5,6,4\n", "line 3: has 4 fields"),
        ("1,5,6,4,5\n1,5,6,4,5\n", "line 3: unix_time 1 is not later"),
        ("1,0,6,0,5\n", "line 2: open '0': must be above zero"),
        ("", "has a header but no bars"),
    ] {
        let file = PriceFile::new("malformed", rows);
        let output = demo(&file, &["--json"]);
        assert_eq!(output.status.code(), Some(1), "{rows}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("a failure is JSON too");
        let error = answer["error"].as_str().expect("it says why");
        assert!(error.contains(says) && error.contains("perps-demo-"), "{error}");
        assert!(text(&output.stderr).contains(says));
    }
}
