//! A market on a node in this process, whose clock runs ten times as fast and whose keeper can be told to sleep, and the command `perps`
//! run against it.
#![allow(dead_code)] // each test binary uses a part

#[path = "../../../keeper/tests/support/answers.rs"]
pub mod answers;
#[path = "../../../keeper/tests/support/node.rs"]
pub mod node;
#[path = "../../../keeper/tests/support/sockets.rs"]
pub mod sockets;

use inverse_perps_engine::market::Fills;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::units::{Sats, Seconds};
use node::Node;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::client::addresses::associated_tokens;
use perps::client::orders::{execute_order, trigger_order, Execution, OrderRef};
use perps::client::pyth::PriceSays;
use perps::local::{program_elf, LocalChain, Tick, Trader};
use perps::rpc::RpcChain;
use perps::transaction::{Priority, Sender};
use serde_json::Value;
use sockets::Listening;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

pub const BTC: u64 = 100_000_000;
pub const DOLLAR: u64 = 100_000_000;
const START: i64 = 1_700_000_000;
const POOL: u64 = 50 * BTC;
const ALICE: u64 = 2 * BTC;
/// A second of the chain.
const SECOND: Duration = Duration::from_millis(100);
const CONFIDENCE: u64 = 10 * DOLLAR;

/// What the clock's thread is told.
struct Told {
    over: AtomicBool,
    keeps: AtomicBool,
    price_e8: AtomicU64,
}

pub struct Scene {
    pub node: Arc<Node>,
    listening: Option<Listening>,
    url: String,
    place: TempDir,
    pub alice: Keypair,
    pub bob: Keypair,
    told: Arc<Told>,
    clock: Option<JoinHandle<()>>,
}

fn tick(price_e8: u64) -> Tick {
    Tick { price_e8, confidence_e8: CONFIDENCE, ema_e8: price_e8 }
}

fn params() -> Params {
    Params {
        cool_down: Seconds::new(20),
        withdrawal_window: Seconds::new(600),
        min_hold: Seconds::new(10),
        max_pool: Sats::new(1_000 * BTC),
        ..Params::standard()
    }
}

/// The chain, with a pool, and alice and bob with bitcoin.
fn local(fills: Fills, alice: &Keypair, bob: &Keypair) -> LocalChain {
    let elf = program_elf().expect("the program can be built");
    let mut local = LocalChain::start_filling(&elf, params(), tick(60_000 * DOLLAR), START, fills).expect("a chain");
    let provider = Keypair::new_from_array([0x11; 32]);
    let tokens = local.token_owner(&provider, POOL).expect("a token account");
    let provider = Trader { tokens, position: Address::default(), keypair: provider };
    let lp_mint = local.keys.lp_mint;
    let shares = local.token_account(&provider.keypair, &lp_mint).expect("an account of shares");
    let deposit = local.deposit_liquidity(&provider, shares, POOL);
    local.send(&[deposit], &provider.keypair).expect("the pool takes it");
    for owner in [alice, bob] {
        let tokens = local.associated_owner(owner).expect("a token account");
        local.mint(&tokens, ALICE).expect("bitcoin");
    }
    local
}

impl Scene {
    /// A market at $60,000 with a confidence of $10, its clock running and its keeper awake.
    pub fn new(fills: Fills) -> Self {
        let (alice, bob) = (Keypair::new_from_array([0xa1; 32]), Keypair::new_from_array([0xb0; 32]));
        let mut local = local(fills, &alice, &bob);
        let keeper = Keypair::new_from_array([0x77; 32]);
        local.associated_owner(&keeper).expect("a token account");
        let node = Node::new(local);
        {
            let mut stage = node.stage();
            stage.local.post(tick(60_000 * DOLLAR)).expect("a price");
            stage.moved();
        }
        let listening = Listening::start(&node);
        let (url, place) = (listening.http(), tempfile::tempdir().expect("a folder"));
        for (name, key) in [("alice", &alice), ("bob", &bob)] {
            let text = serde_json::to_string(&key.to_bytes()[..]).expect("numbers");
            std::fs::write(place.path().join(name), text).expect("a file");
        }
        let told = Arc::new(Told {
            over: AtomicBool::new(false),
            keeps: AtomicBool::new(true),
            price_e8: AtomicU64::new(60_000 * DOLLAR),
        });
        let clock = Clock { node: Arc::clone(&node), told: Arc::clone(&told), keeper, chain: RpcChain::new(&url) };
        let clock = std::thread::spawn(move || clock.run());
        Self { node, listening: Some(listening), url, place, alice, bob, told, clock: Some(clock) }
    }

    /// Whether the keeper triggers and fills.
    pub fn keeper(&self, awake: bool) {
        self.told.keeps.store(awake, Ordering::SeqCst);
    }

    /// The price from the next second on.
    pub fn price(&self, dollars: u64) {
        self.told.price_e8.store(dollars * DOLLAR, Ordering::SeqCst);
        self.wait(2);
    }

    /// Lets so many seconds of the chain pass.
    pub fn wait(&self, seconds: i64) {
        let until = self.node.stage().local.time() + seconds;
        while self.node.stage().local.time() < until {
            std::thread::sleep(SECOND / 4);
        }
    }

    pub fn key_file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Runs `perps` as somebody.
    pub fn perps_as(&self, name: &str, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_perps"))
            .args(line.split_whitespace())
            .args(["--url", &self.url])
            .arg("--keypair")
            .arg(self.key_file(name))
            .env("HOME", self.place.path())
            .env_remove("PERPS_MARKET")
            .env_remove("SOLANA_CONFIG_FILE")
            .output()
            .expect("perps runs")
    }

    /// Runs `perps` as alice, who agrees to everything, and reads its JSON, which is one object; and its exit code.
    pub fn json_code(&self, line: &str) -> (Value, i32) {
        self.json_code_as("alice", line)
    }

    pub fn json_code_as(&self, name: &str, line: &str) -> (Value, i32) {
        let output = self.perps_as(name, &format!("{line} --json --yes"));
        let text = String::from_utf8(output.stdout).expect("text");
        let error = String::from_utf8_lossy(&output.stderr);
        let value = serde_json::from_str(&text).unwrap_or_else(|bad| panic!("{line}: {bad}: {text}{error}"));
        (value, output.status.code().expect("it exits"))
    }

    /// The same where it must succeed.
    pub fn json(&self, line: &str) -> Value {
        let (value, code) = self.json_code(line);
        assert_eq!(code, 0, "{line}: {value:#}");
        value
    }

    /// The rows for people, where it must succeed.
    pub fn text(&self, line: &str) -> String {
        let output = self.perps_as("alice", &format!("{line} --yes"));
        let (text, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{line}: {text}{error}");
        text.into_owned()
    }

    /// Satoshi in alice's wallet.
    pub fn wallet(&self) -> u64 {
        let stage = self.node.stage();
        let tokens = associated_tokens(&self.alice.pubkey(), &stage.local.keys.mint);
        stage.local.tokens(&tokens).expect("a token account")
    }

    /// Alice's position, by its number.
    pub fn position(&self, sub_account: u16) -> inverse_perps::state::Position {
        let stage = self.node.stage();
        let address = stage.local.keys.position(&self.alice.pubkey(), sub_account);
        stage.local.position(&address).expect("a position")
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.told.over.store(true, Ordering::SeqCst);
        if let Some(clock) = self.clock.take() {
            let ended = clock.join();
            if !std::thread::panicking() {
                ended.expect("clock and keeper run to the end");
            }
        }
        self.listening.take();
    }
}

/// Moves the chain on, second by second, and keeps its orders.
struct Clock {
    node: Arc<Node>,
    told: Arc<Told>,
    keeper: Keypair,
    chain: RpcChain,
}

impl Clock {
    fn run(self) {
        let mut published: VecDeque<PriceSays> = VecDeque::new();
        while !self.told.over.load(Ordering::SeqCst) {
            std::thread::sleep(SECOND);
            {
                let mut stage = self.node.stage();
                stage.local.advance(1);
                stage.local.post(tick(self.told.price_e8.load(Ordering::SeqCst))).expect("a price");
                published.push_back(stage.local.newest());
                stage.moved();
            }
            if published.len() > 100 {
                published.pop_front();
            }
            if self.told.keeps.load(Ordering::SeqCst) {
                self.keep(&published);
            }
        }
    }

    /// Triggers and executes what is due; what is not accepted is tried again a second later.
    fn keep(&self, published: &VecDeque<PriceSays>) {
        let (keys, price, fill_price, mark, now) = {
            let stage = self.node.stage();
            let local = &stage.local;
            (local.keys, local.price, local.fill_price, local.newest(), local.time())
        };
        let destination = associated_tokens(&self.keeper.pubkey(), &keys.mint);
        for (_, account) in self.node.chain().program_accounts(&Which::orders()).expect("orders") {
            let order = accounts::order(&account.data).expect("an order");
            let (position, id, payer) = (order.position, order.state.id, order.payer);
            let mark = inverse_perps_engine::units::Price::new(mark.price_e8.unsigned_abs());
            let instruction = if !order.state.is_pending() {
                if now < order.state.due.get() || !order.state.triggers_at(mark) {
                    continue;
                }
                trigger_order(&keys, position, id, price, destination)
            } else {
                let due = order.state.due.get();
                let Some(first) = published.iter().find(|says| says.publish_time >= due) else { continue };
                {
                    let mut stage = self.node.stage();
                    stage.local.post_to_fill(first).expect("a price account");
                    stage.moved();
                }
                let nobody = Address::default();
                execute_order(
                    &keys,
                    Execution {
                        order: OrderRef { position, id, payer },
                        price,
                        fill_price: Some(fill_price),
                        destination,
                        triggerer: Some(order.triggered_by).filter(|by| *by != nobody && *by != destination),
                        partner: Some(order.partner).filter(|partner| *partner != nobody),
                    },
                )
            };
            // An order that is too young, or of a flat position, is refused: a keeper looks again.
            let _ = Sender::new(&self.chain, &self.keeper).at(Priority::Fixed(0)).send(&[instruction]);
        }
    }
}
