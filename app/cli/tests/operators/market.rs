//! `perps market create`.

use crate::scene::Scene;
use perps::chain::Chain;
use perps::client::MarketKeys;
use perps::local::FEED_ID;
use serde_json::Value;
use std::fs;

fn market_file(scene: &Scene, params: &str, index: u16) -> String {
    let feed: String = FEED_ID.iter().map(|byte| format!("{byte:02x}")).collect();
    let text =
        format!("[market]\nmint = \"{}\"\nindex = {index}\nfeed_id = \"{feed}\"\n[market.params]\n{params}\n", scene.keys.mint);
    let file = scene.file("market.toml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_market_is_created_from_a_file_and_never_twice() {
    let scene = Scene::new();
    let file = market_file(&scene, "taker_fee = 51", 1);
    let (code, said) = scene.refused("admin", &["market", "create", "--file", &file]);
    assert_eq!(code, 1);
    assert!(said["error"].as_str().unwrap().contains("taker_fee must be 3 to 50 bps"), "{said}");

    let file = market_file(&scene, "taker_fee = 9\nmax_pool = 5_000_000_000", 1);
    let tried = scene.done("admin", &["market", "create", "--file", &file, "--dry-run"]);
    assert_eq!((&tried["params"]["taker_fee"], &tried["params"]["stress"]), (&Value::from(9), &Value::from(3_000)));
    assert_eq!(scene.landings(), 0);
    let (code, said) = scene.refused("somebody", &["market", "create", "--file", &file]);
    assert_eq!((code, said["name"].as_str()), (3, Some("NotAdmin")), "{said}");
    scene.done("admin", &["market", "create", "--file", &file]);
    let keys = MarketKeys::find(scene.keys.mint, 1);
    let created = scene.node.chain().market(&keys.market).unwrap().state;
    assert_eq!((created.params.taker_fee.get(), created.params.max_pool.get(), created.instant_fills), (9, 5_000_000_000, 0));
    let (_, said) = scene.refused("admin", &["market", "create", "--file", &file]);
    assert!(said["error"].as_str().unwrap().contains("is there already"), "{said}");

    // The same file proposes for that market, and for no other.
    let file = market_file(&scene, "taker_fee = 10", 1);
    let market = keys.market.to_string();
    let proposed = scene.done("admin", &["admin", "propose-params", "--file", &file, "--market", &market]);
    let names: Vec<&str> = proposed["changes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["max_pool", "taker_fee"], "what the file does not name goes back to the standard");
    let other = scene.keys.market.to_string();
    let (_, said) = scene.refused("admin", &["admin", "propose-params", "--file", &file, "--market", &other]);
    assert!(said["error"].as_str().unwrap().contains("describes the market"), "{said}");
}
