//! `perps quote greeks` and `perps quote hedge` from outside: figures by hand, what they refuse, and the examples of their help.

use std::process::{Command, Output};

use serde_json::{json, Value};

fn perps(line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_perps")).args(line.split_whitespace()).output().expect("perps runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("stderr is text")
}

/// The JSON answer of `perps quote <line> --json`.
fn quote(line: &str) -> Value {
    let output = perps(&format!("quote {line} --json"));
    assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
    assert_eq!(stderr(&output), "", "{line}");
    serde_json::from_str(&stdout(&output)).expect("the answer is JSON")
}

const SHORT: &str = "greeks --side short --notional 60000 --entry 60000 --margin 1 --price 60000";
const HEDGE: &str = "hedge --btc 1.5 --price 60000 --confidence 30";

#[test]
fn the_greeks_of_a_synthetic_dollar() {
    // 1 BTC of margin and $60,000 short from $60,000: dollars, at every price. 60,000 / 60,000^2 BTC and 2 * 60,000 / 60,000^3 BTC.
    // Maintenance is 1 % and 0.1 % for $1 million: 1.006 %.
    let after = |percent: i32, price: &str, sats: i64, btc: &str| {
        json!({
            "percent": percent, "price_usd": price, "equity_sats": sats, "equity_btc": btc, "equity_usd": "60000.000000",
            "leverage": "1.000000", "health": "sound",
        })
    };
    assert_eq!(
        quote(SHORT),
        json!({
            "side": "short", "notional_usd": "60000", "entry_usd": "60000", "margin_btc": "1", "price_usd": "60000",
            "maintenance_percent": "1.006",
            "equity_sats": 100_000_000, "equity_btc": "1.00000000", "equity_usd": "60000.000000",
            "leverage": "1.000000", "health": "sound",
            "delta_sats_per_usd": "-1666.666666666", "gamma_sats_per_usd_squared": "0.055555555555555555",
            "delta_usd_sats": 0, "delta_usd_btc": "0.00000000", "gamma_usd": "0",
            "moves": [
                after(-50, "30000", 200_000_000, "2.00000000"),
                after(-20, "48000", 125_000_000, "1.25000000"),
                after(-10, "54000", 111_111_111, "1.11111111"),
                after(10, "66000", 90_909_090, "0.90909090"),
                after(20, "72000", 83_333_333, "0.83333333"),
                after(50, "90000", 66_666_666, "0.66666666"),
            ],
        })
    );
}

#[test]
fn a_leveraged_long_is_liquidated_and_bankrupt_on_the_way_down() {
    // 1.1 BTC less $60,000: at $61,200 it is $7,320, at $55,080 (-10 %) $588, at $48,960 it is -$6,144.
    let line = "greeks --side long --notional 60000 --entry 60000 --margin 0.1 --price 61200 --maintenance-bps 100";
    let answer = quote(line);
    assert_eq!((&answer["equity_usd"], &answer["leverage"]), (&json!("7320.000000"), &json!("8.196722")));
    assert_eq!((&answer["delta_usd_sats"], &answer["maintenance_percent"]), (&json!(110_000_000), &json!("1")));
    // 60,000 / 61,200^2 BTC, and twice that over 61,200.
    assert_eq!(answer["delta_sats_per_usd"], "1601.947968729");
    assert_eq!(answer["gamma_sats_per_usd_squared"], "-0.052351240808169138");
    let moved = |at: usize| (answer["moves"][at]["health"].clone(), answer["moves"][at]["leverage"].clone());
    assert_eq!(moved(1), (json!("bankrupt"), Value::Null));
    assert_eq!(moved(2), (json!("liquidatable"), json!("102.040817")), "$588 is less than 1 % of $60,000");
    assert_eq!(answer["moves"][2]["equity_usd"], "588.000000");
    assert_eq!(answer["moves"][1]["equity_usd"], "-6144.000000");
    // 1.1 * 67,320 - 60,000 = $14,052.
    assert_eq!(moved(3), (json!("sound"), json!("4.269855")));
    // At 98 bps $588 are enough.
    assert_eq!(quote(&line.replace("100", "98"))["moves"][2]["health"], "sound");
    let told = stdout(&perps(&format!("quote {line}")));
    for row in [
        "delta in USD       1.10000000 BTC (110000000 sats)\n",
        "if the price moves -20 %, 48960 USD: -0.12549020 BTC, -6144.000000 USD, no leverage, bankrupt\n",
        "if the price moves -10 %, 55080 USD: 0.01067538 BTC, 588.000000 USD, 102.040817x, liquidated\n",
    ] {
        assert!(told.contains(row), "{row} is not in\n{told}");
    }
}

#[test]
fn a_hedge_locks_dollars() {
    // 1.5 BTC less the tip of 100 satoshi at a bid of $59,970, fee 5 bps: N (1 + 0.0005) / 59,970 = 1.499999, N = 89,909.98.
    // Entry 89,909 / 59,970 BTC = 149,923,294.98, up; fee 74,961.65, up; 150,000,000 - 100 - 74,962 - 149,923,295 = 1,643.
    // Worth 149,848,333.33 at $60,000: the spread is 74,961.67, up. 150,024 satoshi at $60,000 are $90.0144.
    // 0.1 % of $89,909 a day and of 149,848,333.33 satoshi; 36.5 % a year: 54,694,641.67, up.
    // A year later 54,694,642 - 1,643 = 54,692,999 are uncovered: 89,909 (1 - 0.010089909) / 0.54692999 = 162,729.83.
    assert_eq!(
        quote(HEDGE),
        json!({
            "confidence_usd": "30", "taker_fee_bps": 5, "skew_usd": null,
            "held_btc": "1.5", "price_usd": "60000", "fill_price_usd": "59970", "notional_usd": "89909",
            "margin_btc": "1.49924938", "margin_sats": 149_924_938, "entry_value_sats": 149_923_295,
            "residual_sats": 1_643, "residual_btc": "0.00001643",
            "fee_sats": 74_962, "surcharge_sats": 0, "spread_sats": 74_962, "tip_sats": 100,
            "opening_cost_sats": 150_024, "opening_cost_btc": "0.00150024", "opening_cost_usd": "90.014400",
            "funding_percent_a_day": "0", "borrow_percent_a_day": "0.1",
            "day": { "cost_sats": 149_849, "cost_btc": "0.00149849", "cost_usd": "89.909000" },
            "year": { "cost_sats": 54_694_642, "cost_btc": "0.54694642", "cost_usd": "32816.785000" },
            "maintenance_percent": "1.0089909",
            "liquidation_price_usd": null,
            "year_residual_sats": -54_692_999, "year_residual_btc": "-0.54692999",
            "year_liquidation_price_usd": "162729.83379777", "lasts_the_year": true,
        })
    );
}

#[test]
fn people_see_what_a_hedge_locks_and_costs() {
    let expected = "\
held               1.5 BTC
price, fill        60000 USD, 59970 USD
confidence, fee    30 USD, 5 bps, skew not counted
short              89909 USD
locks              89909 USD at every price
leaves unhedged    0.00001643 BTC (1643 sats)
margin then        1.49924938 BTC (149924938 sats)
opening costs      0.00150024 BTC, 90.014400 USD: fee 74962, surcharge 0, spread 74962, tip 100 sats
funding, borrow    0 %, 0.1 % a day
a day              pays 0.00149849 BTC (149849 sats), 89.909000 USD
a year             pays 0.54694642 BTC (54694642 sats), 32816.785000 USD
maintenance        1.0089909 % of the value
liquidation price  none
after a year       162729.83379777 USD
unhedged then      -0.54692999 BTC (-54692999 sats)
";
    assert_eq!(stdout(&perps(&format!("quote {HEDGE}"))), expected);
}

#[test]
fn the_skew_decides_surcharge_and_funding() {
    let of = |rest: &str| quote(&format!("hedge --btc 1.5 --price 60000 --borrow 0 {rest}"));
    // $2 million more longs: the hedge shrinks the imbalance, and longs pay 0.3 % * (2,000,000 - 89,954) / 10,000,000 a day.
    let paid = of("--skew 2000000");
    assert_eq!(
        (&paid["surcharge_sats"], &paid["skew_usd"], &paid["notional_usd"]),
        (&json!(0), &json!("2000000"), &json!("89954"))
    );
    assert_eq!(paid["funding_percent_a_day"], "0.0573013");
    // 89,954 * 0.000573013, received and rounded down: 51.544811, 85,908 satoshi at $60,000.
    assert_eq!(paid["day"]["cost_usd"], "-51.544811");
    assert_eq!((&paid["year_liquidation_price_usd"], &paid["lasts_the_year"]), (&Value::Null, &json!(true)));
    let told = stdout(&perps("quote hedge --btc 1.5 --price 60000 --borrow 0 --skew 2000000"));
    assert!(told.contains("a day              receives 0.00085908 BTC (85908 sats), 51.544811 USD\n"), "{told}");
    // As much more shorts: it pays both the surcharge, (2,089,863^2 - 2,000,000^2) / 4e9 = $91.88184, and funding.
    let heavy = of("--skew -2000000");
    assert_eq!((&heavy["skew_usd"], &heavy["notional_usd"]), (&json!("-2000000"), &json!("89863")));
    assert_eq!(heavy["surcharge_sats"], 153_137);
    assert_eq!(heavy["funding_percent_a_day"], "-0.0626958");
    assert_eq!(heavy["day"]["cost_usd"], "56.340327");
    // What is said of funding is taken.
    assert_eq!(of("--skew -2000000 --funding 0.01")["funding_percent_a_day"], "0.01");
    assert_eq!(of("--funding -0.0000001")["funding_percent_a_day"], "-0.0000001");
}

#[test]
fn costs_can_end_a_hedge_within_the_year() {
    // 1 % a day is 3.65 times the value: the short is gone long before.
    let line = "hedge --btc 1 --price 50000 --borrow 1";
    assert_eq!(quote(line)["lasts_the_year"], false);
    let told = stdout(&perps(&format!("quote {line}")));
    assert!(told.contains(" USD: liquidated before, at the price as it is\n"), "{told}");
    // Without any it stays as it is.
    let free = quote("hedge --btc 1 --price 50000 --borrow 0");
    assert_eq!((&free["year"]["cost_sats"], &free["year_liquidation_price_usd"]), (&json!(0), &Value::Null));
    assert_eq!(free["year_residual_sats"], free["residual_sats"]);
}

#[test]
fn fee_tip_and_maintenance_are_those_given() {
    // 1 BTC at $50,000: N 1.005 / 50,000 = 1 gives $49,751.24; entry 99,502,000 and fee 497,510 leave 490 satoshi.
    let dear = quote("hedge --btc 1 --price 50000 --taker-fee-bps 50 --tip 0 --maintenance-bps 200");
    assert_eq!((&dear["notional_usd"], &dear["fee_sats"]), (&json!("49751"), &json!(497_510)));
    assert_eq!(
        (&dear["residual_sats"], &dear["tip_sats"], &dear["maintenance_percent"]),
        (&json!(490), &json!(0), &json!("2"))
    );
    let tipped = quote("hedge --btc 1 --price 50000 --taker-fee-bps 50 --tip 491");
    assert_eq!(tipped["notional_usd"], "49750", "the tip costs a lot");
}

/// Bad usage: exit code 2, one message on stderr that names the flag, the value and the bound; with --json also on stdout.
#[test]
fn bad_input_names_flag_value_and_bound() {
    for (line, flag, value, says) in [
        (SHORT, "--price", "0.5", "is too small; it goes from 1 to 100000000 USD"),
        (SHORT, "--margin", "0", "must be above zero; it goes from 0.00000001 to 21000000 BTC"),
        (SHORT, "--maintenance-bps", "0", "0 is not in 1..=10000"),
        (SHORT, "--side", "flat", "[possible values: long, short]"),
        (HEDGE, "--btc", "0", "must be above zero; it goes from 0.00000001 to 21000000 BTC"),
        (HEDGE, "--btc", "-1", "must not be negative"),
        (HEDGE, "--price", "1e5", "not a plain decimal number"),
        (HEDGE, "--confidence", "-30", "must not be negative"),
        (HEDGE, "--taker-fee-bps", "2", "2 is not in 3..=50"),
        (HEDGE, "--tip", "1000001", "1000001 is not in 0..=1000000"),
        (HEDGE, "--skew", "--5", "not a plain decimal number"),
        (HEDGE, "--skew", "10000000001", "is too large; it goes from 0 to 10000000000 USD"),
        (HEDGE, "--funding", "10.0000001", "must be from -10 to 10 % a day"),
        (HEDGE, "--funding", "0.00000001", "with at most 7 decimals"),
        (HEDGE, "--funding", "1.", "a decimal number such as -0.03"),
        (HEDGE, "--borrow", "-0.1", "must be from 0 to 10 % a day"),
        (HEDGE, "--borrow", "99999999999999999999", "must be from 0 to 10 % a day"),
        (HEDGE, "--maintenance-bps", "10001", "10001 is not in 1..=10000"),
    ] {
        let mut arguments: Vec<&str> = line.split_whitespace().collect();
        match arguments.iter().position(|argument| *argument == flag) {
            Some(at) => arguments[at + 1] = value,
            None => arguments.extend([flag, value]),
        }
        // With an equals sign, as a value that looks like a flag needs it.
        let at = arguments.iter().position(|argument| *argument == flag).expect("the flag is there");
        let joined = format!("{flag}={value}");
        arguments.splice(at..at + 2, [joined.as_str()]);
        let line = format!("quote {}", arguments.join(" "));
        let output = perps(&line);
        let message = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()), "{line}: {message}");
        for part in [flag, &format!("'{value}'"), says] {
            assert!(message.contains(part), "{line}: '{part}' is not in: {message}");
        }
        let answer: Value = serde_json::from_str(&stdout(&perps(&format!("{line} --json")))).expect("the error is JSON");
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(says)), "{answer}");
    }
}

/// Inputs that are sound one by one but not together: exit code 1.
#[test]
fn what_no_market_opens_fails_with_its_bound() {
    for (line, says) in [
        (
            "hedge --btc 0.0001 --price 60000",
            "0.0001 BTC cannot cover a short of min_notional, 10 USD, and its costs; hedge more",
        ),
        (
            "hedge --btc 200 --price 60000",
            "200 BTC ask for a short above max_position_notional, 10000000 USD; hedge less, or from several accounts",
        ),
        (
            "hedge --btc 20 --price 60000 --skew -99900000",
            "20 BTC ask for a short that the side has no room for, 100000000 USD is all it holds; hedge less",
        ),
        ("hedge --btc 1 --price 60000 --confidence 361", "--confidence 361 USD is more than 60 bps of --price 60000 USD"),
        (
            "greeks --side long --notional 10000000000 --entry 1 --margin 1 --price 60000",
            "--notional 10000000000 USD at --entry 1 USD is worth 10000000000 BTC",
        ),
    ] {
        let output = perps(&format!("quote {line}"));
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()), "{line}");
        assert!(stderr(&output).starts_with(&format!("error: {says}")), "{line}: {}", stderr(&output));
        let output = perps(&format!("quote {line} --json"));
        let answer: Value = serde_json::from_str(&stdout(&output)).expect("the error is JSON");
        assert!(answer["error"].as_str().is_some_and(|error| error.starts_with(says)), "{answer}");
    }
    assert_eq!(perps("quote hedge --btc 1 --price 60000 --confidence 360").status.code(), Some(0), "360 is 60 bps");
}

#[test]
fn what_a_market_knows_itself_cannot_be_said_without_a_price() {
    for said in ["--confidence 30", "--taker-fee-bps 5", "--skew 0"] {
        let output = perps(&format!("quote hedge --btc 1 {said}"));
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(stderr(&output).contains("--price <USD>"), "{said}: {}", stderr(&output));
    }
}

#[test]
fn the_examples_of_the_help_work() {
    for page in ["greeks", "hedge"] {
        let help = stdout(&perps(&format!("quote {page} --help")));
        let (_, examples) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("{page} has examples"));
        let lines: Vec<_> = examples.lines().filter_map(|line| line.trim().strip_prefix("perps ")).collect();
        assert!(lines.len() >= 2, "{page}: {help}");
        for line in lines.into_iter().filter(|line| line.contains(" --price ")) {
            let output = perps(line); // without a price a market is asked: on a node, in trade_on_a_node.rs
            assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
        }
    }
}
