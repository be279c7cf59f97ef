//! A node, and the command run against it.

use crate::support::crowd::{self, Crowd};
use crate::support::node::Node;
use crate::support::sockets::Listening;
use inverse_perps_engine::Params;
use perps::chain::Chain;
use perps::client::{accounts, exchange, MarketKeys};
use perps::local::Tick;
use serde_json::Value;
use solana_keypair::Keypair;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

pub const BITCOIN: u64 = 100_000_000;
pub const TIMELOCK: u32 = 259_200;

/// A node, its admin, and somebody else with money.
pub struct Scene {
    pub node: Arc<Node>,
    pub listening: Listening,
    pub keys: MarketKeys,
    folder: TempDir,
    pub somebody: Keypair,
}

impl Scene {
    pub fn new() -> Self {
        Self::with_traders(0)
    }

    /// With so many who have traded, and so paid fees.
    pub fn with_traders(many: usize) -> Self {
        let mut local = crowd::chain(crowd::first(1, 336));
        Crowd::gather(&mut local, many, 1);
        let (keys, somebody) = (local.keys, Keypair::new_from_array([0x55; 32]));
        let tokens = local.associated_owner(&somebody).unwrap();
        local.mint(&tokens, 3 * BITCOIN).unwrap();
        let admin = local.admin();
        let node = Node::new(local);
        let scene = Self { listening: Listening::start(&node), node, keys, folder: tempfile::tempdir().unwrap(), somebody };
        scene.write_key("admin", &admin);
        scene.write_key("somebody", &scene.somebody.insecure_clone());
        fs::write(scene.folder.path().join("config.yml"), "json_rpc_url: http://127.0.0.1:9\n").unwrap();
        scene.advance(1); // the node has moved the price account to where clients look for it
        scene
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write_key(&self, name: &str, key: &Keypair) {
        fs::write(self.file(name), serde_json::to_string(&key.to_bytes()[..]).unwrap()).unwrap();
    }

    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_perps"));
        command.args(arguments).arg("--config").arg(self.file("config.yml")).arg("--keypair").arg(self.file(who));
        command.args(["--url", &self.listening.http(), "--ws", &self.listening.ws()]);
        command.env_remove("PERPS_MARKET").env_remove("SOLANA_CONFIG_FILE").env("RUST_LOG", "warn");
        command
    }

    pub fn run(&self, who: &str, arguments: &[&str]) -> Output {
        self.command(who, arguments).output().unwrap()
    }

    /// Begins to run; what it writes is read as it comes.
    pub fn begin(&self, who: &str, arguments: &[&str]) -> Child {
        self.command(who, arguments).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// Runs with --json --yes; the command must do it.
    pub fn done(&self, who: &str, arguments: &[&str]) -> Value {
        let output = self.run(who, &[arguments, &["--json", "--yes"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs with --json --yes; the command must not do it. The exit code and what it says.
    pub fn refused(&self, who: &str, arguments: &[&str]) -> (i32, Value) {
        let output = self.run(who, &[arguments, &["--json", "--yes"]].concat());
        let said = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), said)
    }

    pub fn text(&self, who: &str, arguments: &[&str]) -> String {
        let output = self.run(who, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn landings(&self) -> usize {
        self.node.stage().landings_since(0).len()
    }

    pub fn params(&self) -> Params {
        self.node.chain().market(&self.keys.market).unwrap().state.params
    }

    /// Moves the Clock on, and publishes the same price then.
    pub fn advance(&self, seconds: u32) {
        let mut stage = self.node.stage();
        let last = stage.local.newest();
        stage.local.advance(seconds);
        let price_e8 = u64::try_from(last.price_e8).unwrap();
        stage.local.post(Tick { price_e8, confidence_e8: last.confidence_e8, ema_e8: price_e8 }).unwrap();
        stage.moved();
    }

    pub fn exchange(&self) -> inverse_perps::state::Exchange {
        accounts::exchange(&self.node.chain().account(&exchange()).unwrap().data).unwrap()
    }
}

/// Sends a signal to a command that runs.
pub fn ask_to_end(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// What an effect was and will be, by its name.
pub fn effect(answer: &Value, what: &str) -> (String, String) {
    let found = answer["effects"].as_array().unwrap().iter().find(|effect| effect["what"] == what);
    let found = found.unwrap_or_else(|| panic!("no effect on {what} in {answer}"));
    (found["before"].as_str().unwrap().to_owned(), found["after"].as_str().unwrap().to_owned())
}
