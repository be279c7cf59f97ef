//! `perps watch`.

use crate::scene::{ask_to_end, Scene};
use crate::support::sockets::Listening;
use inverse_perps_engine::Direction;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use serde_json::Value;
use std::io::{BufRead, BufReader};

#[test]
fn a_frame_of_watch_shows_market_and_positions() {
    let scene = Scene::new();
    let frame = scene.text("somebody", &["watch", "--once"]);
    let mark = perps::decimal::PRICE.short(u64::try_from(scene.node.stage().local.newest().price_e8).unwrap());
    for said in ["price", "open interest", "pool", "insurance", "longs", "shorts", mark.split('.').next().unwrap()] {
        assert!(frame.contains(said), "{said} is not in\n{frame}");
    }
    assert!(!frame.contains('\u{1b}'), "plain text has no colours");
    // A pipe is no terminal: without --once it is one frame too.
    assert_eq!(scene.text("somebody", &["watch"]).lines().count(), frame.lines().count());

    let json = scene.done("somebody", &["watch", "--once"]);
    assert_eq!(json["market"], scene.keys.market.to_string());
    assert_eq!(json["mark_usd"], mark);
    assert_eq!(json["positions"], serde_json::json!([]));
}

#[test]
fn an_owner_s_positions_are_in_the_frame() {
    let scene = Scene::with_traders(2);
    let found = scene.node.chain().program_accounts(&Which::positions_in(scene.keys.market)).unwrap();
    let (address, account) = found.first().unwrap();
    let stored = accounts::position(&account.data).unwrap();
    let owner = stored.owner.to_string();
    let side = if stored.state.open_direction() == Some(Direction::Long) { "long" } else { "short" };

    let frame = scene.text("somebody", &["watch", "--once", "--owner", &owner]);
    assert!(frame.contains(&format!("positions of {owner}")), "{frame}");
    let row = frame.lines().find(|line| line.starts_with("│0 ")).unwrap_or_else(|| panic!("no position in\n{frame}"));
    assert!(row.contains(side) && row.contains("sound") && row.contains('░'), "{row}");

    let json = scene.done("somebody", &["watch", "--once", "--owner", &owner]);
    let position = &json["positions"][0];
    assert_eq!((&position["position"], &position["side"]), (&Value::from(address.to_string()), &Value::from(side)));
    assert!(position["liquidation_price_usd"].is_string() && position["unrealised_sats"].is_i64(), "{position}");
    assert_eq!(json["positions"].as_array().unwrap().len(), 1);
}

#[test]
fn watch_writes_an_object_a_line_and_outlives_a_node_that_goes() {
    let mut scene = Scene::new();
    let mut child = scene.begin("somebody", &["watch", "--json", "--interval", "100ms"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let first = next();
    assert!(first["mark_usd"].is_string() && next()["mark_usd"].is_string());

    let address = scene.listening.address;
    let elsewhere = Listening::start(&scene.node);
    drop(std::mem::replace(&mut scene.listening, elsewhere));
    let gone = loop {
        let line = next();
        if line["error"].is_string() {
            break line;
        }
    };
    assert!(gone["stale_since_unix"].as_i64() >= first["time_unix"].as_i64(), "{gone}");
    scene.listening = Listening::at(&scene.node, address);
    while next()["mark_usd"].is_null() {}

    ask_to_end(&child, "-TERM");
    assert!(child.wait().unwrap().success(), "SIGTERM ends it without an error");
}
