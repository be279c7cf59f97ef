//! People with keys and the `perps` binary, on a localnet.
#![allow(dead_code, missing_docs)] // each test uses what it needs

pub mod script;

use localnet::testing::Localnet;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The binary, beside the test's own folder, where cargo puts it.
pub fn perps_binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join("perps")).find(|path| path.is_file());
    found.expect("perps is beside the tests; build it with cargo build --release --workspace --bin perps")
}

/// Somebody with a key in a file.
pub struct Person {
    pub keypair: Keypair,
    pub file: PathBuf,
    url: String,
}

impl Person {
    /// Somebody new with this much, in a directory of the test's.
    pub fn with(net: &Localnet, folder: &Path, name: &str, btc: &str) -> Self {
        let (keypair, file) = (Keypair::new(), folder.join(format!("{name}.json")));
        let bytes = serde_json::to_string(&keypair.to_bytes().to_vec()).expect("numbers are JSON");
        std::fs::write(&file, bytes).expect("the folder can be written to");
        let person = Self { keypair, file, url: net.info().rpc_url.clone() };
        net.tell(&["faucet", "--to", &person.keypair.pubkey().to_string(), "--btc", btc, "--sol", "10"])
            .expect("the faucet pays");
        person
    }

    /// Runs `perps` with his key, as he would.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(perps_binary());
        // No configuration of this machine's, and no market from its environment.
        command.env("HOME", self.file.parent().expect("a file is in a folder")).env_remove("PERPS_MARKET");
        command.arg("--url").arg(&self.url).arg("--keypair").arg(&self.file).args(line.split_whitespace());
        command
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("perps runs")
    }

    /// The answer of a command that must succeed.
    pub fn perps(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json --yes"));
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "perps {line}: {}\n{err}\n{out}", output.status);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("perps {line}: {error}\n{out}"))
    }

    /// The refusal of a command that must fail, with its exit code.
    pub fn refused(&self, line: &str) -> (i32, Value) {
        let output = self.run(&format!("{line} --json --yes"));
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success(), "perps {line} succeeded: {out}");
        (output.status.code().expect("it exits"), serde_json::from_str(&out).expect("the failure is JSON"))
    }
}

/// A running keeper.
pub struct Keeper {
    child: Child,
    metrics: SocketAddr,
}

impl Keeper {
    pub fn start(person: &Person, log: &Path) -> Self {
        let metrics = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("there is a free port");
        let log = std::fs::File::options().create(true).append(true).open(log).expect("the log can be written");
        let child = person
            .command(&format!("keeper run --metrics {metrics}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the keeper starts");
        let keeper = Self { child, metrics };
        until(Duration::from_secs(40), "the keeper is healthy", || keeper.get("/health").starts_with("HTTP/1.1 200"));
        keeper
    }

    /// An answer of its loopback server, head and all; empty where it does not answer.
    pub fn get(&self, path: &str) -> String {
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect_timeout(&self.metrics, Duration::from_secs(2))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        asked().unwrap_or_default()
    }

    /// Ends it as a supervisor does, and waits.
    pub fn stop(&mut self) {
        let told = Command::new("sh").args(["-c", "kill -TERM \"$0\""]).arg(self.child.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        let ended = self.child.wait().expect("it ends");
        assert!(ended.success(), "the keeper ended with {ended}");
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds.
pub fn until(most: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + most;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", most.as_secs());
        std::thread::sleep(Duration::from_millis(250));
    }
}
