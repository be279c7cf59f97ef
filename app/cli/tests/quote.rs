//! `perps quote` from outside: the published vectors, what it refuses, and the examples of its own help.

use std::process::{Command, Output};

use perps::decimal::{DOLLARS_OR_NONE, PRICE};
use serde_json::Value;

fn perps(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perps")).args(arguments).output().expect("perps runs")
}

/// The arguments of a command line, without quoting.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

/// The JSON answer of `perps quote <line> --json`.
fn quote(line: &str) -> Value {
    let output = perps(&[&["quote"], words(line).as_slice(), &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{line}");
    serde_json::from_str(&stdout(&output)).expect("the answer is JSON")
}

fn vectors(kind: &str) -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/engine/tests/data/vectors.json");
    let text = std::fs::read_to_string(path).expect("the vectors are beside the engine's tests");
    let all: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    let chosen: Vec<Value> = all.into_iter().filter(|vector| vector["kind"] == kind).collect();
    assert!(!chosen.is_empty(), "no vector of kind {kind}");
    chosen
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value} is a string"))
}

/// The vectors print four decimals, rounded to the nearest.
fn assert_price_near(found: &Value, expected: &Value, id: &Value) {
    let (Some(found), Some(expected)) = (found.as_str(), expected.as_str()) else {
        assert_eq!(found, expected, "{id}");
        return;
    };
    assert_eq!(found.split_once('.').map(|(_, decimals)| decimals.len()), Some(8), "{id}: {found}");
    let raw = |text| PRICE.parse(text).expect("a price");
    assert!(raw(found).abs_diff(raw(expected)) <= 5_000, "{id}: {found}, expected {expected}");
}

fn opening(vector: &Value) -> String {
    format!("--side {} --notional {} --entry {}", text(vector, "side"), text(vector, "notional_usd"), text(vector, "entry_usd"))
}

#[test]
fn pnl_is_that_of_the_vectors() {
    for vector in vectors("pnl") {
        let answer = quote(&format!("pnl {} --exit {}", opening(&vector), text(&vector, "exit_usd")));
        assert_eq!(answer["pnl_sats"], vector["pnl_sats"], "{}", vector["id"]);
        assert_eq!(answer["side"], vector["side"]);
        assert_eq!(answer["notional_usd"], vector["notional_usd"]);
    }
}

#[test]
fn liquidation_prices_are_those_of_the_vectors() {
    for vector in vectors("liquidation_price") {
        let line = format!(
            "liquidation {} --margin {} --maintenance-bps {}",
            opening(&vector),
            text(&vector, "margin_btc"),
            vector["maintenance_bps"]
        );
        let answer = quote(&line);
        assert_price_near(&answer["liquidation_price_usd"], &vector["liquidation_usd"], &vector["id"]);
        assert_price_near(&answer["bankruptcy_price_usd"], &vector["bankruptcy_usd"], &vector["id"]);
        assert_eq!(answer["always_liquidatable"], false, "{}", vector["id"]);
    }
}

#[test]
fn average_entries_are_those_of_the_vectors() {
    for vector in vectors("average_entry") {
        let fills = vector["fills"].as_array().expect("fills");
        let fills = fills.iter().map(|fill| format!(" --fill {}@{}", text(fill, "notional_usd"), text(fill, "price_usd")));
        let answer = quote(&format!("average-entry{}", fills.collect::<String>()));
        assert_price_near(&answer["average_entry_usd"], &vector["average_usd"], &vector["id"]);
    }
}

#[test]
fn partial_liquidations_are_those_of_the_vectors() {
    for vector in vectors("partial_liquidation") {
        let line = format!(
            "partial-liquidation {} --margin {} --price {} --target-bps {} --fee-bps {}",
            opening(&vector),
            text(&vector, "margin_btc"),
            text(&vector, "price_usd"),
            vector["target_bps"],
            vector["fee_bps"]
        );
        let answer = quote(&line);
        let raw = |text| DOLLARS_OR_NONE.parse(text).expect("dollars");
        let (found, expected) = (text(&answer, "close_notional_usd"), text(&vector, "close_usd"));
        assert!(raw(found).abs_diff(raw(expected)) <= 50, "{}: {found}, expected {expected}", vector["id"]);
        assert_eq!(answer["whole"], false, "{}", vector["id"]);
    }
}

#[test]
fn answers_have_these_fields() {
    assert_eq!(
        quote("pnl --side long --notional 15000 --entry 750.0 --exit 0800"),
        serde_json::json!({
            "side": "long", "notional_usd": "15000", "entry_usd": "750", "exit_usd": "800",
            "pnl_sats": 125_000_000, "pnl_btc": "1.25000000",
        })
    );
    assert_eq!(
        quote("liquidation --side short --notional 60000 --entry 50000 --margin 0.12 --maintenance-bps 50"),
        serde_json::json!({
            "side": "short", "notional_usd": "60000", "entry_usd": "50000", "margin_btc": "0.12", "maintenance_bps": 50,
            // 60000 * 0.995 / 1.08 and 60000 / 1.08, rounded down.
            "liquidation_price_usd": "55277.77777777", "bankruptcy_price_usd": "55555.55555555", "always_liquidatable": false,
        })
    );
    assert_eq!(
        quote("average-entry --fill 1000@5000 --fill 2000.5@6000"),
        serde_json::json!({
            "fills": [{ "notional_usd": "1000", "price_usd": "5000" }, { "notional_usd": "2000.5", "price_usd": "6000" }],
            // 3000.5 / (1000 / 5000 + 2000.5 / 6000) = 18003000 / 3200.5
            "average_entry_usd": "5625.05858459",
        })
    );
    assert_eq!(
        quote("partial-liquidation --side short --notional 100000 --entry 50000 --margin 0.2 --price 55100 --target-bps 100 --fee-bps 25"),
        serde_json::json!({
            "side": "short", "notional_usd": "100000", "entry_usd": "50000", "margin_btc": "0.2", "price_usd": "55100",
            "target_bps": 100, "fee_bps": 25, "min_notional_usd": "0",
            // (100000 * (0.01 - 1) + (2 - 0.2) * 55100) / (0.01 - 0.0025)
            "close_notional_usd": "24000.000000", "whole": false,
        })
    );
    assert_eq!(
        quote("deleverage --side short --notional 60000 --entry 60000 --price 40000 --free-pool 0.60 --target-bps 5000"),
        serde_json::json!({
            "side": "short", "notional_usd": "60000", "entry_usd": "60000", "price_usd": "40000", "free_pool_btc": "0.6",
            "target_bps": 5000, "profit_sats": 50_000_000, "share": "0.8", "whole": false, "payout_sats": 40_000_000,
            "payout_btc": "0.40000000",
        })
    );
}

#[test]
fn a_loss_is_negative_and_rounded_against_the_trader() {
    let answer = quote("pnl --side short --notional 100000 --entry 10000 --exit 11000");
    assert_eq!((&answer["pnl_sats"], &answer["pnl_btc"]), (&(-90_909_091).into(), &"-0.90909091".into()));
    // In and out at one price that does not divide evenly costs a satoshi, on either side.
    for side in ["long", "short"] {
        assert_eq!(quote(&format!("pnl --side {side} --notional 100 --entry 30001 --exit 30001"))["pnl_sats"], -1, "{side}");
    }
}

#[test]
fn the_greatest_amounts_are_answered_exactly() {
    // $10 billion from $476.19047620 to $100 million: floor(1e26 / 47619047620) satoshi, less 100 BTC.
    let answer = quote("pnl --side long --notional 10000000000 --entry 476.19047620 --exit 100000000");
    assert_eq!(answer["pnl_sats"], 2_099_999_999_958_000u64 - 10_000_000_000);
    assert_eq!(answer["pnl_btc"], "20999899.99958000");
}

#[test]
fn a_short_that_its_margin_covers_has_no_liquidation_price() {
    let covered = quote("liquidation --side short --notional 50000 --entry 50000 --margin 1 --maintenance-bps 100");
    assert!(covered["liquidation_price_usd"].is_null() && covered["bankruptcy_price_usd"].is_null());
    assert_eq!(covered["always_liquidatable"], false);
    let nearly = quote("liquidation --side short --notional 50000 --entry 50000 --margin 0.9 --maintenance-bps 100");
    assert_eq!(nearly["liquidation_price_usd"], "495000.00000000");
}

#[test]
fn a_short_that_owes_its_whole_value_is_always_liquidatable() {
    let line = "liquidation --side short --notional 50000 --entry 50000 --margin 0.5 --maintenance-bps 10000";
    let answer = quote(line);
    assert!(answer["liquidation_price_usd"].is_null());
    assert_eq!(answer["bankruptcy_price_usd"], "100000.00000000");
    assert_eq!(answer["always_liquidatable"], true);
    let told = stdout(&perps(&[&["quote"], words(line).as_slice()].concat()));
    assert!(told.contains("liquidation price  at every price"), "{told}");
}

#[test]
fn partial_liquidation_closes_nothing_or_all_where_it_must() {
    let close = |rest: &str| {
        let answer = quote(&format!("partial-liquidation --notional 100000 --entry 50000 --margin 0.2 {rest}"));
        (text(&answer, "close_notional_usd").to_owned(), answer["whole"] == true)
    };
    let (nothing, all) = (("0.000000".to_owned(), false), ("100000.000000".to_owned(), true));
    // A long of 2 BTC with 0.2 BTC is at 1 % at 101000 / 2.2, a short at 99000 / 1.8 = 55000.
    assert_eq!(close("--side short --price 55000 --target-bps 100 --fee-bps 25"), nothing);
    assert_eq!(close("--side short --price 55000 --target-bps 100 --fee-bps 25 --min-notional 200000"), nothing);
    assert_eq!(close("--side short --price 55000.00000001 --target-bps 100 --fee-bps 25").0, "0.000003");
    assert_eq!(close("--side long --price 50000 --target-bps 100 --fee-bps 25"), nothing);
    assert_eq!(close("--side long --price 50000 --target-bps 100 --fee-bps 100"), nothing);
    assert_eq!(close("--side long --price 45600 --target-bps 100 --fee-bps 100"), all);
    assert_eq!(
        close("--side long --price 45600 --target-bps 100 --fee-bps 25 --min-notional 9333"),
        (("90666.666667").to_owned(), false)
    );
    assert_eq!(close("--side long --price 45600 --target-bps 100 --fee-bps 25 --min-notional 9334"), all);
    assert_eq!(close("--side long --price 45455 --target-bps 100 --fee-bps 25"), all);
    assert_eq!(close("--side long --price 30000 --target-bps 100 --fee-bps 25"), all);
}

/// Share, whole and payout of a deleveraging.
fn deleveraged(rest: &str) -> (String, bool, u64) {
    let answer = quote(&format!("deleverage {rest}"));
    (text(&answer, "share").to_owned(), answer["whole"] == true, answer["payout_sats"].as_u64().expect("satoshi"))
}

#[test]
fn a_deleveraging_closes_a_share_of_the_winning_side() {
    let outcome = |share: &str, whole, payout| (share.to_owned(), whole, payout);
    // A short of 1 BTC that is worth 1.5 BTC: W = 0.5, and 0.1 is left on paper of the 0.2 that is left in the pool.
    let short = "--side short --notional 60000 --entry 60000 --price 40000";
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.6 --target-bps 5000")), outcome("0.8", false, 40_000_000));
    // W = 0.5 of 0.55, target 3/4: A = 3 (0.55 - 0.5) / 0.5 = 0.3. A third of a satoshi's 1e-18 is lost in the exit index.
    let long = "--side long --notional 60000 --entry 40000 --price 60000";
    assert_eq!(deleveraged(&format!("{long} --free-pool 0.55 --target-bps 7500")), outcome("0.7", false, 35_000_000));
    // A = 3 (0.6 - 0.5) / 0.5 = 0.6 of a profit that a low target leaves less of: (0.1 / 0.9) * 0.1 / 0.5 = 1 / 45.
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.6 --target-bps 7500")), outcome("0.4", false, 20_000_000));
    let low = deleveraged(&format!("{short} --free-pool 0.6 --target-bps 1000"));
    assert_eq!(low, outcome("0.977777777777777778", false, 48_888_889));
}

#[test]
fn a_deleveraging_closes_nothing_or_all_where_it_must() {
    let (none, all) = (("0".to_owned(), false, 0), |payout| ("1".to_owned(), true, payout));
    let short = "--side short --notional 60000 --entry 60000 --price 40000";
    // 0.5 is half of 1 and less than half of 2: never a negative share.
    assert_eq!(deleveraged(&format!("{short} --free-pool 1 --target-bps 5000")), none);
    assert_eq!(deleveraged(&format!("{short} --free-pool 2 --target-bps 5000")), none);
    // The profit reaches the pool, or is so near that less than a thousandth of the side would stay.
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.5 --target-bps 5000")), all(50_000_000));
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.4 --target-bps 5000")), all(40_000_000));
    assert_eq!(deleveraged(&format!("{short} --free-pool 0 --target-bps 8999")), all(0));
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.5004 --target-bps 5000")), all(50_000_000));
    assert_eq!(deleveraged(&format!("{short} --free-pool 0.5005 --target-bps 5000")), ("0.999".to_owned(), false, 49_950_000));
    // Who does not win is left alone, whatever the pool has.
    for price in ["60000", "70000", "100000000"] {
        let line = format!("--side short --notional 60000 --entry 60000 --price {price} --free-pool 0 --target-bps 5000");
        assert_eq!(deleveraged(&line), none, "{price}");
    }
    assert_eq!(deleveraged("--side long --notional 60000 --entry 60000 --price 40000 --free-pool 0 --target-bps 5000"), none);
}

#[test]
fn people_get_aligned_rows_with_units() {
    let output = perps(&words("quote pnl --side short --notional 800 --entry 1000 --exit 800"));
    let expected = "\
side               short
notional           800 USD
entry              1000 USD
exit               800 USD
PnL                0.20000000 BTC (20000000 sats)
";
    assert_eq!(stdout(&output), expected);
    let covered = words("quote liquidation --side short --notional 100 --entry 100 --margin 1 --maintenance-bps 50");
    assert!(stdout(&perps(&covered)).contains("liquidation price  none, the margin covers all that can be lost\n"));
}

/// Bad usage: exit code 2, one message on stderr that names the flag, the value and the bound; with --json also on stdout.
#[test]
fn bad_input_names_flag_value_and_bound() {
    let pnl = "pnl --side long --notional 15000 --entry 750 --exit 800";
    let liquidation = "liquidation --side long --notional 1000 --entry 750 --margin 1 --maintenance-bps 50";
    let average = "average-entry --fill 1000@5000";
    let partial =
        "partial-liquidation --side long --notional 1000 --entry 750 --margin 1 --price 700 --target-bps 100 --fee-bps 25";
    let deleverage = "deleverage --side short --notional 60000 --entry 60000 --price 40000 --free-pool 0.6 --target-bps 5000";
    for (line, flag, value, says) in [
        (deleverage, "--free-pool", "-1", "must not be negative; it goes from 0 to 21000000 BTC"),
        (deleverage, "--free-pool", "21000001", "is too large; it goes from 0 to 21000000 BTC"),
        (deleverage, "--target-bps", "999", "999 is not in 1000..=8999"),
        (deleverage, "--target-bps", "9000", "9000 is not in 1000..=8999"),
        (deleverage, "--price", "0.5", "is too small; it goes from 1 to 100000000 USD"),
        (pnl, "--notional", "0", "must be above zero; it goes from 0.000001 to 10000000000 USD"),
        (pnl, "--notional", "-15000", "must not be negative; it goes from 0.000001"),
        (pnl, "--notional", "1.0000001", "has 7 decimals, at most 6 are possible"),
        (pnl, "--notional", "10000000000.000001", "is too large; it goes from 0.000001 to 10000000000 USD"),
        (pnl, "--notional", "1,000", "not a plain decimal number"),
        (pnl, "--notional", "1e3", "not a plain decimal number"),
        (pnl, "--notional", "ten", "not a plain decimal number"),
        (pnl, "--entry", "0", "must be above zero; it goes from 1 to 100000000 USD"),
        (pnl, "--entry", "-1", "must not be negative; it goes from 1 to 100000000 USD"),
        (pnl, "--entry", "0.5", "is too small; it goes from 1 to 100000000 USD"),
        (pnl, "--exit", "100000001", "is too large; it goes from 1 to 100000000 USD"),
        (pnl, "--exit", "800.123456789", "has 9 decimals, at most 8 are possible"),
        (pnl, "--exit", "$800", "not a plain decimal number"),
        (pnl, "--side", "up", "[possible values: long, short]"),
        (liquidation, "--margin", "0", "must be above zero; it goes from 0.00000001 to 21000000 BTC"),
        (liquidation, "--margin", "-0.5", "must not be negative"),
        (liquidation, "--margin", "21000001", "is too large; it goes from 0.00000001 to 21000000 BTC"),
        (liquidation, "--margin", "0.123456789", "has 9 decimals"),
        (liquidation, "--maintenance-bps", "0", "0 is not in 1..=10000"),
        (liquidation, "--maintenance-bps", "10001", "10001 is not in 1..=10000"),
        (liquidation, "--maintenance-bps", "-5", "-5 is not in 1..=10000"),
        (liquidation, "--maintenance-bps", "0.5", "invalid digit"),
        (average, "--fill", "1000", "a fill is dollars@price, such as 1000@5000"),
        (average, "--fill", "1000@", "price '': there is no number"),
        (average, "--fill", "@5000", "notional '': there is no number"),
        (average, "--fill", "0@5000", "notional '0': must be above zero"),
        (average, "--fill", "-1@5000", "notional '-1': must not be negative"),
        (average, "--fill", "1000@0.1", "price '0.1': is too small"),
        (average, "--fill", "1000@5000@6000", "price '5000@6000': not a plain decimal number"),
        (partial, "--price", "0", "must be above zero; it goes from 1 to 100000000 USD"),
        (partial, "--target-bps", "0", "0 is not in 1..=10000"),
        (partial, "--fee-bps", "-1", "-1 is not in 0..=10000"),
        (partial, "--min-notional", "-1", "must not be negative; it goes from 0 to 10000000000 USD"),
    ] {
        let mut arguments: Vec<&str> = [&["quote"], words(line).as_slice()].concat();
        match arguments.iter().position(|argument| *argument == flag) {
            Some(at) => arguments[at + 1] = value,
            None => arguments.extend([flag, value]),
        }
        let output = perps(&arguments);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {message}");
        assert_eq!(stdout(&output), "", "{flag} {value}");
        for part in [flag, &format!("'{value}'"), says] {
            assert!(message.contains(part), "{flag} {value}: '{part}' is not in: {message}");
        }
        let output = perps(&[arguments.as_slice(), &["--json"]].concat());
        let answer: Value = serde_json::from_str(&stdout(&output)).expect("the error is JSON");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&answer, "error").contains(says), "{answer}");
        assert!(!text(&answer, "error").contains("Usage"), "{answer}");
    }
}

#[test]
fn missing_and_unknown_arguments_are_bad_usage() {
    for (line, says) in [
        ("quote pnl --side long --notional 1 --entry 750", "--exit"),
        ("quote average-entry", "--fill"),
        ("quote pnl --leverage 5", "--leverage"),
        ("quote price", "price"),
        ("quote", "Usage: perps quote"),
        ("", "Usage: perps"),
    ] {
        let output = perps(&words(line));
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).contains(says), "{line}: {}", stderr(&output));
    }
}

/// Inputs that are sound one by one but not together: exit code 1.
#[test]
fn what_leaves_the_range_together_fails_with_its_bound() {
    for (line, says) in [
        (
            "pnl --side long --notional 10000000000 --entry 1 --exit 2",
            "--notional 10000000000 USD at --entry 1 USD is worth 10000000000 BTC, more than the 21000000 BTC that a side can be",
        ),
        (
            "liquidation --side long --notional 21000001 --entry 1 --margin 1 --maintenance-bps 50",
            "--notional 21000001 USD at --entry 1 USD is worth 21000001 BTC",
        ),
        (
            "average-entry --fill 10000000000@5000 --fill 0.000001@5000",
            "the fills of --fill sum to more than the 10000000000 USD that a side may hold",
        ),
        (
            "liquidation --side short --notional 10000000000 --entry 100000 --margin 99999.99999999 --maintenance-bps 50",
            "the liquidation price is above 184467440737.09551615 USD",
        ),
    ] {
        let arguments = [&["quote"], words(line).as_slice()].concat();
        let output = perps(&arguments);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert_eq!(stdout(&output), "", "{line}");
        assert!(stderr(&output).starts_with(&format!("error: {says}")), "{line}: {}", stderr(&output));
        let output = perps(&[arguments.as_slice(), &["--json"]].concat());
        let answer: Value = serde_json::from_str(&stdout(&output)).expect("the error is JSON");
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(text(&answer, "error").starts_with(says), "{answer}");
    }
}

#[test]
fn every_help_has_examples_and_they_work() {
    let mut seen = 0;
    let quotes = ["pnl", "liquidation", "average-entry", "partial-liquidation", "deleverage", "greeks", "hedge"]
        .map(|name| format!("quote {name}"));
    for page in ["", "quote"].into_iter().chain(quotes.iter().map(String::as_str)) {
        let output = perps(&[words(page).as_slice(), &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0), "{page}");
        let help = stdout(&output);
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{page} has examples"));
        for arguments in examples.lines().filter_map(|line| line.trim().strip_prefix("perps ")) {
            let asks_a_chain = arguments.starts_with("quote hedge") && !arguments.contains("--price");
            if !arguments.starts_with("quote ") || asks_a_chain {
                continue; // other tests run these
            }
            let output = perps(&words(arguments));
            assert_eq!(output.status.code(), Some(0), "{arguments}: {}", stderr(&output));
            seen += 1;
        }
    }
    assert!(seen >= 22, "seven of `quote` and fifteen of its pages, not {seen}");
}
