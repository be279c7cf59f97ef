//! The binary: what it says without a chain, and the files that come with it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SOMEBODY: &str = "4cSM2e6rvbGQUFiJbqytoVMi5GgghSMr8LwVrT9VPSPo";

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_migrations")).args(arguments).output().unwrap()
}

fn shipped(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn the_example_is_a_deployment_once_it_is_filled_in() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mainnet.toml");
    fs::write(&file, shipped("mainnet.example.toml")).unwrap();
    let refusal = format!("{:#}", migrations::read(&file).unwrap_err());
    assert!(refusal.contains("an address in base 58") || refusal.contains("is not an address"), "{refusal}");

    let blank = |text: String, name: &str| text.replace(&format!("<{name}>"), SOMEBODY);
    let names = ["UPGRADE AUTHORITY", "ADMIN", "GUARDIAN", "FEE RECIPIENT", "MINT", "SEEDER"];
    let filled = names.into_iter().fold(shipped("mainnet.example.toml"), blank);
    fs::write(&file, &filled).unwrap();
    let described = migrations::read(&file).unwrap();
    assert_eq!(described.url.as_deref(), Some("https://api.mainnet-beta.solana.com"));
    let deployment = described.deployment;
    deployment.market.ensure_within_bounds(deployment.exchange.timelock).unwrap();
    assert_eq!(deployment.pool.unwrap().amount.get(), 100_000_000);

    // What is proposed in a comment is a parameter too.
    let proposed = filled.replace("# max_", "max_");
    assert_ne!(proposed, filled);
    fs::write(&file, proposed).unwrap();
    assert_eq!(migrations::read(&file).unwrap().deployment.market.args.params, deployment.market.args.params);
}

#[test]
fn the_localnet_s_file_is_a_deployment_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["upgrade-authority", "admin", "guardian", "faucet"] {
        let key = solana_keypair::Keypair::new();
        fs::write(folder.path().join(name).with_extension("json"), serde_json::to_string(&key.to_bytes()[..]).unwrap())
            .unwrap();
    }
    let file = folder.path().join("localnet.toml");
    fs::write(&file, shipped("localnet.toml").replace("../.localnet/keys/", "")).unwrap();
    let described = migrations::read(&file).unwrap();
    assert_eq!(described.key_files.len(), 3);
    described.deployment.market.ensure_within_bounds(described.deployment.exchange.timelock).unwrap();
}

#[test]
fn a_chain_that_is_not_there_is_said_and_json_has_the_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mainnet.toml");
    let blank = |text: String, name: &str| text.replace(&format!("<{name}>"), SOMEBODY);
    let names = ["UPGRADE AUTHORITY", "ADMIN", "GUARDIAN", "FEE RECIPIENT", "MINT", "SEEDER"];
    fs::write(&file, names.into_iter().fold(shipped("mainnet.example.toml"), blank)).unwrap();
    // Port 9 discards; nothing listens there.
    let output = run(&["--config", file.to_str().unwrap(), "--url", "http://127.0.0.1:9", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(said["error"].as_str().unwrap().contains("cannot be reached"), "{said}");
}

#[test]
fn bad_usage_is_two() {
    for arguments in [
        &["--plan"][..],
        &["--config", "x.toml", "--plan", "--apply"],
        &["--config", "x.toml", "--keypair", "admin.json"],
        &["--config", "x.toml", "--keypair", "king=admin.json"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
    let missing = run(&["--config", "none.toml"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("none.toml cannot be read"));
}
