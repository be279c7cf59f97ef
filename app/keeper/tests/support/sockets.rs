//! The node's doors: JSON-RPC over HTTP, subscriptions over websockets, both on one port.

use super::answers::{self, encoded};
use super::node::Node;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use perps::local::LocalChain;
use serde_json::{json, Value};
use solana_account::Account;
use solana_address::Address;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{unbounded_channel, UnboundedSender};

/// A node that listens, until it is dropped: then every connection and subscription is gone, as when its process is killed.
pub struct Listening {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Listening {
    /// At a free port of this machine.
    pub fn start(node: &Arc<Node>) -> Self {
        Self::at(node, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    /// At this address, for who comes back after a restart.
    pub fn at(node: &Arc<Node>, address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).expect("the port is free");
        let address = listener.local_addr().expect("a bound socket has an address");
        let doors = Router::new().route("/", post(request).get(upgrade)).with_state(Arc::clone(node));
        runtime.spawn(async move { axum::serve(listener, doors).await });
        Self { address, runtime: Some(runtime) }
    }

    /// Where JSON-RPC is.
    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where websockets are.
    pub fn ws(&self) -> String {
        format!("ws://{}", self.address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn request(State(node): State<Arc<Node>>, body: Bytes) -> Json<Value> {
    Json(match serde_json::from_slice::<Value>(&body) {
        Ok(asked) => answers::answer(&node, &asked),
        Err(error) => json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": error.to_string()}}),
    })
}

async fn upgrade(State(node): State<Arc<Node>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| converse(node, socket))
}

async fn converse(node: Arc<Node>, mut socket: WebSocket) {
    let (outbox, mut inbox) = unbounded_channel();
    let ours = node.book().watchers.next_id();
    loop {
        let kept = tokio::select! {
            heard = socket.recv() => match heard {
                Some(Ok(Message::Text(text))) => {
                    hear(&node, ours, &outbox, text.as_str());
                    true
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => false,
                Some(Ok(_)) => true,
            },
            said = inbox.recv() => match said {
                Some(text) => socket.send(Message::text::<String>(text)).await.is_ok(),
                None => false,
            },
        };
        if !kept {
            break;
        }
    }
    node.book().watchers.list.retain(|watcher| watcher.socket != ours);
}

/// Answers through the same outbox as notifications go, so that none overtakes the answer to its subscription.
fn hear(node: &Node, socket: u64, outbox: &UnboundedSender<String>, text: &str) {
    let asked: Value = serde_json::from_str(text).unwrap_or_default();
    let (id, params) = (&asked["id"], &asked["params"]);
    let method = asked["method"].as_str().unwrap_or_default();
    let mut stage = node.stage();
    let result = match method.strip_suffix("Unsubscribe") {
        Some(_) => {
            let before = stage.book.watchers.list.len();
            stage.book.watchers.list.retain(|watcher| watcher.socket != socket || params[0] != watcher.id);
            Ok(json!(stage.book.watchers.list.len() < before))
        }
        None => Watched::read(method, params).map(|watched| {
            let id = stage.book.watchers.next_id();
            if let Watched::Account(address, _) = &watched {
                let now = stage.local.svm.get_account(address);
                stage.book.watchers.shown.extend(now.map(|account| (*address, account)));
            }
            stage.book.watchers.list.push(Watcher { id, socket, watched, outbox: outbox.clone() });
            json!(id)
        }),
    };
    let said = match result {
        Ok(result) => json!({"jsonrpc": "2.0", "result": result, "id": id}),
        Err(message) => json!({"jsonrpc": "2.0", "error": {"code": -32602, "message": message}, "id": id}),
    };
    let _gone_with_its_socket = outbox.send(said.to_string());
}

enum Watched {
    Program(Address, RpcProgramAccountsConfig),
    Account(Address, RpcAccountInfoConfig),
    Slot,
}

impl Watched {
    fn read(method: &str, params: &Value) -> Result<Self, String> {
        let address = || answers::address(&params[0]).map_err(|failure| failure.message);
        let said = |error: serde_json::Error| error.to_string();
        match method {
            "programSubscribe" => {
                let config: Option<_> = serde_json::from_value(params[1].clone()).map_err(said)?;
                Ok(Self::Program(address()?, config.unwrap_or_default()))
            }
            "accountSubscribe" => {
                let config: Option<_> = serde_json::from_value(params[1].clone()).map_err(said)?;
                Ok(Self::Account(address()?, config.unwrap_or_default()))
            }
            "slotSubscribe" => Ok(Self::Slot),
            other => Err(format!("this node has no {other}")),
        }
    }
}

struct Watcher {
    id: u64,
    socket: u64,
    watched: Watched,
    outbox: UnboundedSender<String>,
}

impl Watcher {
    fn notify(&self, kind: &str, result: &Value) {
        let said = json!({"jsonrpc": "2.0", "method": format!("{kind}Notification"),
            "params": {"result": result, "subscription": self.id}});
        let _gone_with_its_socket = self.outbox.send(said.to_string());
    }

    fn see(&self, slot: u64, address: &Address, account: &Account) {
        let context = json!({"slot": slot});
        match &self.watched {
            Watched::Program(program, config) if account.owner == *program && answers::fits(config, account) => {
                let keyed =
                    json!({"pubkey": address.to_string(), "account": encoded(account, config.account_config.data_slice)});
                self.notify("program", &json!({"context": context, "value": keyed}));
            }
            Watched::Account(watched, config) if watched == address => {
                self.notify("account", &json!({"context": context, "value": encoded(account, config.data_slice)}));
            }
            _ => (),
        }
    }
}

/// Who is told of what, and what they have seen.
#[derive(Default)]
pub(super) struct Watchers {
    list: Vec<Watcher>,
    shown: HashMap<Address, Account>,
    slot: u64,
    last_id: u64,
}

impl Watchers {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Tells everybody what has changed since the last time.
    pub fn publish(&mut self, local: &LocalChain) {
        let slot = local.moment().slot;
        let mut now: HashMap<Address, Account> = local.svm.get_program_accounts(&inverse_perps::ID).into_iter().collect();
        let watched: HashSet<Address> = self
            .list
            .iter()
            .filter_map(|watcher| match &watcher.watched {
                Watched::Account(address, _) => Some(*address),
                Watched::Program(..) | Watched::Slot => None,
            })
            .collect();
        for address in watched {
            // An account that is gone is shown as one of the system program's without anything.
            now.insert(address, local.svm.get_account(&address).unwrap_or_default());
        }
        if slot != self.slot {
            let info = json!({"slot": slot, "parent": self.slot, "root": slot.saturating_sub(32)});
            let told = self.list.iter().filter(|watcher| matches!(watcher.watched, Watched::Slot));
            told.for_each(|watcher| watcher.notify("slot", &info));
            self.slot = slot;
        }
        for (address, account) in &now {
            if self.shown.get(address) != Some(account) {
                self.list.iter().for_each(|watcher| watcher.see(slot, address, account));
            }
        }
        self.shown = now;
    }
}
