//! The traders' commands where there is no chain: help, usage, keys.

use std::process::{Command, Output};

fn perps(line: &str) -> Output {
    let home = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_perps"))
        .args(line.split_whitespace())
        .env("HOME", home.path())
        .env_remove("PERPS_MARKET")
        .env_remove("SOLANA_CONFIG_FILE")
        .output()
        .expect("perps runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const COMMANDS: &[&str] = &[
    "market",
    "market list",
    "market show",
    "position",
    "position open",
    "position close",
    "position deposit",
    "position withdraw",
    "position show",
    "position list",
    "position close-account",
    "position delegate",
    "order",
    "order place",
    "order cancel",
    "order list",
    "pool",
    "pool deposit",
    "pool request",
    "pool complete",
    "pool cancel",
    "pool show",
    "history",
];

#[test]
fn every_command_has_examples_that_parse() {
    for command in COMMANDS {
        let help = perps(&format!("{command} --help"));
        assert_eq!(help.status.code(), Some(0), "{command}");
        let text = String::from_utf8(help.stdout).expect("text");
        let (_, examples) = text.split_once("Examples:\n").unwrap_or_else(|| panic!("{command} has no examples:\n{text}"));
        let examples: Vec<&str> = examples.lines().map(str::trim).take_while(|line| line.starts_with("perps ")).collect();
        assert!(!examples.is_empty(), "{command}");
        for example in examples {
            let line = example.trim_start_matches("perps ");
            // Nothing listens there: an example that parses gets as far as the chain, or to the missing key.
            let output = perps(&format!("{line} --url http://127.0.0.1:9"));
            assert!(matches!(output.status.code(), Some(1 | 4)), "{example}: {:?} {}", output.status, stderr(&output));
        }
    }
}

#[test]
fn a_chain_that_cannot_be_reached_has_its_own_exit_code() {
    let output = perps("market list --url http://127.0.0.1:9 --json");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(answer["error"].as_str().unwrap().contains("cannot be reached"), "{answer}");
}

#[test]
fn a_missing_key_is_said_with_what_to_do() {
    let output = perps("position open --side long --notional 1000 --url http://127.0.0.1:9");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("make one with solana-keygen new, or give another with --keypair"), "{}", stderr(&output));
}

#[test]
fn bad_usage_is_refused_by_name() {
    for (line, said) in [
        ("position open --side long", "--notional <USD>|--leverage <TIMES>|--size-btc <BTC>"),
        ("position open --side long --notional 10 --leverage 2", "cannot be used with"),
        ("position open --side up --notional 10", "possible values: long, short"),
        ("position open --side long --notional -5", "must not be negative"),
        ("position open --side long --notional 10 --limit 5 --slippage-bps 5", "cannot be used with"),
        ("position open --side long --notional 10 --stop-slippage-bps 5", "--stop <USD>"),
        ("position open --side long --notional 10 --tip five", "write satoshi as a whole number"),
        ("position withdraw", "--btc <BTC>|--max"),
        ("order place --type limit --notional 10 --limit 5", "--side <SIDE>"),
        ("order place --type stop --close --notional 10 --trigger 5", "cannot be used with"),
        ("order place --type limit --side long --notional 10 --limit 5 --expires 7", "such as 90s, 30m, 12h, 7d or 4w"),
        ("order cancel", "<ID>..."),
        ("pool request", "--shares <SHARES>|--btc <BTC>|--all"),
        ("history --owner 1 --json", "invalid value"),
    ] {
        let output = perps(line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{line}: {}", stderr(&output));
    }
}
