//! A bad provider: it stands between a client and a node, on one port for HTTP and websockets, and drops, delays, refuses, repeats and
//! forgets what passes through it. It talks bare TCP, so that a dropped connection is one.

use super::faults::{Dice, Rates, RequestFault};
use super::relay;
use super::witness::Witness;
use serde_json::{json, Value};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Answers kept of one request, to be given again.
const REMEMBERED: usize = 6;
/// Requests whose answers are kept.
const MOST_REQUESTS: usize = 2_000;

/// What a proxy is made of.
pub(super) struct Works {
    node: SocketAddr,
    witness: Arc<Witness>,
    pub dice: Dice,
    answers: Mutex<HashMap<String, VecDeque<Value>>>,
    tally: Mutex<BTreeMap<&'static str, u64>>,
    sockets: Mutex<Vec<TcpStream>>,
    closed: AtomicBool,
}

/// A bad provider, until it is dropped.
pub struct Proxy {
    address: SocketAddr,
    works: Arc<Works>,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// In front of a node's port; the witness judges every transaction that arrives.
    pub fn start(node: SocketAddr, witness: &Arc<Witness>, rates: Rates, seed: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there are free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let works = Arc::new(Works {
            node,
            witness: Arc::clone(witness),
            dice: Dice::new(rates, seed),
            answers: Mutex::default(),
            tally: Mutex::default(),
            sockets: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let inside = Arc::clone(&works);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if inside.closed.load(Ordering::SeqCst) {
                    return;
                }
                let works = Arc::clone(&inside);
                std::thread::spawn(move || {
                    // Whatever breaks a connection is what the client has to live with.
                    let _broken = works.serve(client);
                });
            }
        });
        Self { address, works }
    }

    /// Where JSON-RPC is.
    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where websockets are.
    pub fn ws(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// What it has done, by name.
    pub fn tally(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.works.tally).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.works.closed.store(true, Ordering::SeqCst);
        for socket in lock(&self.works.sockets).drain(..) {
            let _already_closed = socket.shutdown(Shutdown::Both);
        }
        let _wakes_the_listener = TcpStream::connect(self.address);
    }
}

impl Works {
    pub fn count(&self, what: &'static str) {
        *lock(&self.tally).entry(what).or_default() += 1;
    }

    /// A connection to the node.
    pub fn upstream(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.node)?;
        stream.set_nodelay(true)?;
        lock(&self.sockets).push(stream.try_clone()?);
        Ok(stream)
    }

    fn serve(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        lock(&self.sockets).push(client.try_clone()?);
        let mut requests = BufReader::new(client.try_clone()?);
        let mut node: Option<BufReader<TcpStream>> = None;
        while let Some(request) = Message::read(&mut requests)? {
            if request.header("upgrade").is_some() {
                return relay::websocket(self, &request.head, client);
            }
            if !self.exchange(&request, &client, &mut node)? {
                break;
            }
        }
        client.shutdown(Shutdown::Both)
    }

    /// One request and what becomes of it; whether the connection stays.
    fn exchange(
        self: &Arc<Self>,
        request: &Message,
        mut client: &TcpStream,
        node: &mut Option<BufReader<TcpStream>>,
    ) -> io::Result<bool> {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = asked["method"].as_str().unwrap_or_default();
        let is_transaction = method == "sendTransaction";
        let signature = if is_transaction { self.witness.arrives(&asked["params"]) } else { None };
        let key = format!("{method}{}", asked["params"]);
        let acknowledged = || json!({"jsonrpc": "2.0", "result": signature.map(|of| of.to_string()), "id": asked["id"]});
        match self.dice.request(is_transaction) {
            RequestFault::None => (),
            RequestFault::DropBefore => {
                self.count("dropped before");
                return Ok(false);
            }
            RequestFault::DropAfter => {
                self.count("dropped after");
                self.forward(request, node)?;
                return Ok(false);
            }
            RequestFault::BreakOff => {
                self.count("broken off");
                let answer = self.forward(request, node)?.bytes();
                client.write_all(&answer[..answer.len() - answer.len() / 3])?;
                return Ok(false);
            }
            RequestFault::TooMany(seconds) => {
                self.count("too many requests");
                let head = format!("HTTP/1.1 429 Too Many Requests\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n");
                return client.write_all(head.as_bytes()).map(|()| true);
            }
            RequestFault::Unavailable => {
                self.count("unavailable");
                return client.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").map(|()| true);
            }
            RequestFault::Delay(time) => {
                self.count("delayed");
                std::thread::sleep(time);
            }
            RequestFault::Stale => {
                if let Some(result) = self.earlier(&key) {
                    self.count("stale");
                    let answer = json!({"jsonrpc": "2.0", "result": result, "id": asked["id"]});
                    return client.write_all(&ok(&answer)).map(|()| true);
                }
            }
            RequestFault::Swallow => {
                self.count("transactions swallowed");
                return client.write_all(&ok(&acknowledged())).map(|()| true);
            }
            RequestFault::Late(time) => {
                self.count("transactions late");
                let (works, request) = (Arc::clone(self), request.clone());
                std::thread::spawn(move || {
                    std::thread::sleep(time);
                    // Where the node is down by then, the transaction is lost.
                    let _lost = works.forward(&request, &mut None);
                });
                return client.write_all(&ok(&acknowledged())).map(|()| true);
            }
        }
        let answer = self.forward(request, node)?;
        self.remember(key, &answer);
        client.write_all(&answer.bytes())?;
        Ok(true)
    }

    fn forward(&self, request: &Message, node: &mut Option<BufReader<TcpStream>>) -> io::Result<Message> {
        if let Some(open) = node.as_mut() {
            if let Ok(answer) = over(open, request) {
                return Ok(answer);
            }
        }
        // The node has closed the connection in the meantime, or there was none yet.
        let fresh = node.insert(BufReader::new(self.upstream()?));
        over(fresh, request)
    }

    fn remember(&self, key: String, answer: &Message) {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(result) = said.get("result") else { return };
        let mut answers = lock(&self.answers);
        if answers.len() > MOST_REQUESTS {
            answers.clear();
        }
        let kept = answers.entry(key).or_default();
        kept.push_back(result.clone());
        if kept.len() > REMEMBERED {
            kept.pop_front();
        }
    }

    fn earlier(&self, key: &str) -> Option<Value> {
        let answers = lock(&self.answers);
        let kept = answers.get(key)?;
        kept.get(self.dice.below(kept.len())).cloned()
    }
}

fn over(node: &mut BufReader<TcpStream>, request: &Message) -> io::Result<Message> {
    node.get_mut().write_all(&request.bytes())?;
    Message::read(node)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn ok(answer: &Value) -> Vec<u8> {
    let body = answer.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A request or an answer of HTTP/1.1 whose length is said.
#[derive(Clone)]
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    /// The next one; none where the other side has hung up.
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut message = Self { head: vec![], body: vec![] };
        loop {
            let before = message.head.len();
            if from.read_until(b'\n', &mut message.head)? == 0 {
                return if before == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if message.head[before..] == *b"\r\n" {
                break;
            }
        }
        let length = message.header("content-length").map_or(Ok(0), |text| text.parse::<usize>());
        message.body = vec![0; length.map_err(io::Error::other)?];
        from.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head);
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut named = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.trim().to_owned())
    }

    fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}
