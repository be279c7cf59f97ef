//! `perps admin`.

use crate::scene::{effect, Scene, BITCOIN, TIMELOCK};
use inverse_perps_engine::units::Bps;
use perps::chain::Chain;
use perps::client::accounts;
use perps::client::addresses::associated_tokens;
use serde_json::Value;
use solana_signer::Signer;

#[test]
fn parameters_are_proposed_wait_and_are_put_in_force() {
    let scene = Scene::new();
    let proposing = ["admin", "propose-params", "--set", "initial_margin=250", "--set", "taker_fee=6"];
    let tried = scene.done("admin", &[&proposing[..], &["--dry-run"]].concat());
    assert_eq!(tried["dry_run"], true);
    assert_eq!(effect(&tried, "proposal").0, "none");
    assert_eq!(scene.landings(), 0, "a dry run sends nothing");

    let now = scene.node.stage().local.time();
    let proposed = scene.done("admin", &proposing);
    assert_eq!(
        proposed["changes"],
        serde_json::json!([
            { "name": "initial_margin", "old": 200, "new": 250 },
            { "name": "taker_fee", "old": 5, "new": 6 },
        ])
    );
    let shown = scene.done("admin", &["admin", "show"]);
    let proposal = &shown["markets"][0]["proposal"];
    assert_eq!(proposal["executable_at_unix"], now + i64::from(TIMELOCK));
    assert_eq!(proposal["expires_at_unix"], now + i64::from(TIMELOCK) + 14 * 86_400);
    assert_eq!((&proposal["executable"], &proposal["of_present_admin"]), (&Value::Bool(false), &Value::Bool(true)));
    assert!(
        scene.text("admin", &["admin", "show"]).contains("initial_margin     200 bps -> 250 bps"),
        "{}",
        scene.text("admin", &["admin", "show"])
    );

    let (code, said) = scene.refused("admin", &["admin", "propose-params", "--set", "taker_fee=7"]);
    assert_eq!(code, 1);
    assert!(said["error"].as_str().unwrap().contains("a proposal waits already"), "{said}");
    let (code, said) = scene.refused("admin", &["admin", "execute-params"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("TimelockNotOver")));
    assert!(said["error"].as_str().unwrap().contains("less than the timelock ago; it can be executed from"), "{said}");

    scene.advance(TIMELOCK);
    let executed = scene.done("admin", &["admin", "execute-params"]);
    assert_eq!(effect(&executed, "taker_fee"), ("5 bps".to_owned(), "6 bps".to_owned()));
    assert_eq!(effect(&executed, "proposal").1, "none");
    let standard = scene.params();
    assert_eq!((standard.initial_margin, standard.taker_fee), (Bps::new(250), Bps::new(6)));
    let (_, said) = scene.refused("admin", &["admin", "cancel-params"]);
    assert!(said["error"].as_str().unwrap().to_lowercase().contains("propos"), "{said}");
}

#[test]
fn what_breaks_a_bound_or_changes_nothing_is_refused_before_it_is_signed() {
    let scene = Scene::new();
    for (settings, code, words) in [
        (&["taker_fee=2"][..], 3, "taker_fee must be 3 to 50 bps"),
        (&["initial_margin=149"], 3, "initial_margin 1.5 times that"),
        (&["taker_fee=5"], 1, "nothing would change"),
        (&["cool_down=172800", "withdrawal_window=86401"], 3, "both together at most the timelock"),
    ] {
        let sets: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let (ended, said) = scene.refused("admin", &[&["admin", "propose-params"][..], &sets].concat());
        assert_eq!(ended, code, "{settings:?}");
        assert!(said["error"].as_str().unwrap().contains(words), "{said}");
    }
    let (code, said) = scene.refused("admin", &["admin", "propose-params", "--set", "taker_fe=6"]);
    assert_eq!(code, 2);
    assert!(said["error"].as_str().unwrap().contains("there is no parameter taker_fe"), "{said}");
    let (code, said) = scene.refused("somebody", &["admin", "propose-params", "--set", "taker_fee=6"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("NotAdmin")), "{said}");
    assert_eq!(scene.landings(), 0);
}

#[test]
fn a_proposal_is_withdrawn() {
    let scene = Scene::new();
    scene.done("admin", &["admin", "propose-params", "--set", "max_jump=250"]);
    let cancelled = scene.done("admin", &["admin", "cancel-params"]);
    assert_eq!(effect(&cancelled, "proposal").1, "none");
    assert_eq!(scene.done("admin", &["admin", "show"])["markets"][0]["proposal"], Value::Null);
}

#[test]
fn the_guardian_pauses_and_the_admin_confirms_and_ends_it() {
    let scene = Scene::new();
    let (code, said) = scene.refused("somebody", &["admin", "pause"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("NotGuardian")), "{said}");

    let named = scene.done("admin", &["admin", "set-guardian", &scene.somebody.pubkey().to_string()]);
    assert_eq!(effect(&named, "guardian").1, scene.somebody.pubkey().to_string());
    let now = scene.node.stage().local.time();
    let paused = scene.done("somebody", &["admin", "pause"]);
    assert_eq!(effect(&paused, "risk").0, "not paused");
    let shown = scene.done("admin", &["admin", "show"]);
    assert_eq!(shown["markets"][0]["risk_paused_until_unix"], now + 7 * 86_400);
    let confirmed = scene.done("admin", &["admin", "confirm-pause"]);
    assert_eq!(effect(&confirmed, "risk").1, "paused until the admin resumes");
    let (code, said) = scene.refused("somebody", &["admin", "resume"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("NotAdmin")), "{said}");
    scene.done("admin", &["admin", "resume"]);
    assert_eq!(scene.done("admin", &["admin", "show"])["markets"][0]["risk_paused"], false);
}

#[test]
fn the_admin_hands_over_in_two_steps_and_his_proposals_die() {
    let scene = Scene::new();
    scene.done("admin", &["admin", "propose-params", "--set", "max_jump=250"]);
    let heir = scene.somebody.pubkey().to_string();
    let (code, said) = scene.refused("somebody", &["admin", "accept"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("NotNominee")), "{said}");
    assert_eq!(effect(&scene.done("admin", &["admin", "nominate", &heir]), "nominee"), ("nobody".to_owned(), heir.clone()));
    scene.done("admin", &["admin", "nominate", "--nobody"]);
    assert_eq!(scene.refused("somebody", &["admin", "accept"]).0, 3);
    scene.done("admin", &["admin", "nominate", &heir]);
    let accepted = scene.done("somebody", &["admin", "accept"]);
    assert_eq!(effect(&accepted, "admin").1, heir);
    assert_eq!(scene.exchange().admin, scene.somebody.pubkey());

    scene.advance(TIMELOCK);
    let (code, said) = scene.refused("somebody", &["admin", "execute-params"]);
    assert_eq!((code, said["name"].as_str()), (3, Some("ProposedByFormerAdmin")));
    assert!(said["error"].as_str().unwrap().contains("cancel it and propose anew"), "{said}");
    assert!(scene.text("admin", &["admin", "show"]).contains("dead: a former admin has made it"));
}

#[test]
fn gifts_arrive_and_fees_go_to_their_recipient_alone() {
    let scene = Scene::with_traders(3);
    let ledger = || scene.node.chain().market(&scene.keys.market).unwrap().state.ledger;
    let before = ledger();
    let given = scene.done("somebody", &["admin", "fund-insurance", "--btc", "0.25"]);
    assert_eq!(effect(&given, "wallet BTC"), ("3.00000000".to_owned(), "2.75000000".to_owned()));
    scene.done("somebody", &["admin", "donate-liquidity", "--btc", "0.5"]);
    assert_eq!(ledger().insurance.get() - before.insurance.get(), BITCOIN / 4);
    assert_eq!(ledger().pool.get() - before.pool.get(), BITCOIN / 2);
    let (code, said) = scene.refused("somebody", &["admin", "fund-insurance", "--btc", "100"]);
    assert_eq!(code, 1);
    assert!(said["error"].as_str().unwrap().contains("holds 2.25 BTC"), "{said}");

    let fees = before.protocol_fees.get();
    let recipient = scene.exchange().fee_recipient;
    assert!(fees > 0, "who trades pays fees");
    let collected = scene.done("somebody", &["admin", "collect-fees"]);
    assert_eq!(collected["fees_sats"], fees);
    let held = scene.node.chain().account(&associated_tokens(&recipient, &scene.keys.mint)).unwrap();
    assert_eq!(accounts::token_amount(&held.data).unwrap(), fees);
    assert_eq!(ledger().protocol_fees.get(), 0);
    let (_, said) = scene.refused("somebody", &["admin", "collect-fees"]);
    assert!(said["error"].as_str().unwrap().contains("no fees to pay out"), "{said}");
}
