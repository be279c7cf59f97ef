//! `perps keeper`.

use crate::scene::{ask_to_end, Scene};
use serde_json::Value;
use solana_address::Address;
use solana_keypair::Keypair;

#[test]
fn a_keeper_s_preflight_says_what_is_missing() {
    let scene = Scene::new();
    let good = scene.done("somebody", &["keeper", "check"]);
    assert_eq!(good["ready"], true, "{good}");
    let verdict = |answer: &Value, what: &str| -> String {
        let found = answer["findings"].as_array().unwrap().iter().find(|one| one["what"].as_str().unwrap().starts_with(what));
        found.unwrap_or_else(|| panic!("no {what} in {answer}"))["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(&good, "websocket"), "ok");
    assert_eq!(verdict(&good, "rewards"), "ok");

    scene.write_key("poor", &Keypair::new_from_array([0x66; 32]));
    let (code, poor) = scene.refused("poor", &["keeper", "check"]);
    assert_eq!((code, poor["ready"].as_bool()), (1, Some(false)), "{poor}");
    assert_eq!(verdict(&poor, "SOL"), "missing");
    assert_eq!(verdict(&poor, "rewards"), "note");

    scene.node.stage().local.advance(600);
    let (_, stale) = scene.refused("somebody", &["keeper", "check"]);
    assert_eq!(verdict(&stale, "price"), "missing", "{stale}");
}

#[test]
fn a_keeper_looks_once_or_until_it_is_stopped_and_says_what_it_has_done() {
    let scene = Scene::new();
    scene.advance(120);
    let tried = scene.done("somebody", &["keeper", "run", "--once", "--jobs", "funding", "--dry-run"]);
    assert_eq!(tried["others"]["would_send"], 1, "{tried}");
    assert_eq!(scene.landings(), 0);
    let summary = scene.done("somebody", &["keeper", "run", "--once", "--jobs", "funding"]);
    assert_eq!(summary["landed"]["accrue_funding"], 1, "{summary}");
    assert_eq!(scene.landings(), 1);

    let child = scene.begin("somebody", &["keeper", "run", "--json", "--jobs", "funding"]);
    std::thread::sleep(std::time::Duration::from_secs(3));
    ask_to_end(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(summary["ticks"].as_u64() > Some(0), "{summary}");
    assert_eq!(summary["left_under_way"], 0);
}

#[test]
fn bad_usage_is_two_and_a_metrics_address_for_others_is_refused() {
    let scene = Scene::new();
    for arguments in [
        &["keeper", "run", "--jobs", "gardening"][..],
        &["keeper", "run", "--resync", "soon"],
        &["admin", "propose-params"],
        &["admin", "nominate"],
        &["admin", "nominate", "--nobody", &Address::default().to_string()],
        &["watch", "--interval", "0s"],
    ] {
        assert_eq!(scene.run("somebody", arguments).status.code(), Some(2), "{arguments:?}");
    }
    let (code, said) = scene.refused("somebody", &["keeper", "run", "--once", "--metrics", "0.0.0.0:9464"]);
    assert_eq!(code, 1);
    assert!(said["error"].as_str().unwrap().contains("loopback"), "{said}");
}
