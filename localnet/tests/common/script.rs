//! Runs lines as a person would type them, in a folder with his keys and Solana's configuration.

use super::{perps_binary, Person};
use localnet::testing::Localnet;
use solana_signer::Signer;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What runs until it is told to end gets this long.
const A_WHILE: Duration = Duration::from_secs(6);
/// A command that follows an order to its fill takes seconds; none takes this long.
const TOO_LONG: Duration = Duration::from_secs(150);

/// A folder from which commands are run.
pub struct Desk<'a> {
    net: &'a Localnet,
    folder: PathBuf,
}

/// What came of a line.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl<'a> Desk<'a> {
    /// Everybody's keys and the market's parameters in one folder; commands are alice's unless they name another key.
    pub fn new(net: &'a Localnet, folder: &Path) -> Self {
        let keys = &net.info().keys;
        for (name, path) in [("admin", &keys.admin), ("guardian", &keys.guardian)] {
            std::fs::copy(path, folder.join(format!("{name}.json"))).expect("keys can be copied");
        }
        for name in ["alice", "bob", "carol", "keeper", "nominee"] {
            Person::with(net, folder, name, "3");
        }
        for key in ["admin", "guardian"] {
            let address = net.key(&folder.join(format!("{key}.json"))).expect("a key").pubkey().to_string();
            net.tell(&["faucet", "--to", &address, "--btc", "1", "--sol", "10"]).expect("the faucet pays");
        }
        let desk = Self { net, folder: folder.to_owned() };
        desk.write_files();
        desk.sign_as("alice");
        desk
    }

    /// Solana's configuration names this key from now on.
    pub fn sign_as(&self, name: &str) {
        let folder = self.folder.join(".config/solana/cli");
        std::fs::create_dir_all(&folder).expect("the folder can be written to");
        let key = self.folder.join(format!("{name}.json"));
        let text = format!("json_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: {}\n", self.net.info().rpc_url, key.display());
        std::fs::write(folder.join("config.yml"), text).expect("the folder can be written to");
    }

    /// The files that examples name.
    fn write_files(&self) {
        let prices = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/data/btcusd_1h_2020.csv");
        let prices = std::fs::read_to_string(prices).expect("the price file is there");
        let hours: Vec<&str> = prices.lines().take(100).collect();
        std::fs::write(self.folder.join("hours.csv"), hours.join("\n")).expect("the folder can be written to");
        let info = self.net.info();
        for (file, index, cool_down) in [("market.toml", 0, 30), ("new_market.toml", 1, 20)] {
            let market = format!(
                "[market]\nmint = \"{}\"\nindex = {index}\nfeed_id = \"{}\"\n[market.params]\ncool_down = {cool_down}\nwithdrawal_window = 600\n",
                info.mint, info.feed_id
            );
            std::fs::write(self.folder.join(file), market).expect("the folder can be written to");
        }
    }

    fn address(&self, name: &str) -> String {
        self.net.key(&self.folder.join(format!("{name}.json"))).expect("a key").pubkey().to_string()
    }

    /// Runs a line. Nobody is there to be asked, so it says `--yes` where a transaction is signed; what runs until it is told to end is
    /// told so after a while.
    pub fn run(&self, line: &str) -> Ran {
        let line = line.split(" | ").next().unwrap_or(line);
        let line = match line.contains("--market <ADDRESS>") {
            true => line.replace("<ADDRESS>", &self.net.info().market.to_string()),
            false => line.replace("<ADDRESS>", &self.address("nominee")).replace("ADMIN", &self.address("admin")),
        };
        let mut words = line.split_whitespace();
        let mut command = match words.next() {
            Some("perps") => Command::new(perps_binary()),
            Some("./scripts/localnet") => {
                let mut command = Command::new(perps_binary().with_file_name("localnet"));
                command.arg("--directory").arg(self.net.directory().root());
                command
            }
            other => panic!("{other:?} is not run here: {line}"),
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let words: Vec<String> = words
            .map(|word| match root.join(word).is_file() {
                true => root.join(word).display().to_string(), // as typed in the repository
                false => word.to_owned(),
            })
            .collect();
        if line.starts_with("perps") && !offline(&line) && !words.iter().any(|word| word == "--yes" || word == "--dry-run") {
            command.arg("--yes");
        }
        command.args(&words).current_dir(&self.folder).env("HOME", &self.folder);
        command.env_remove("PERPS_MARKET").env_remove("SOLANA_CONFIG_FILE");
        let endless =
            ["perps watch", "perps keeper run"].iter().any(|start| line.starts_with(start)) && !line.contains("--once");
        finish(command, endless.then_some(A_WHILE), &line)
    }
}

fn offline(line: &str) -> bool {
    ["perps quote", "perps demo", "perps bench", "perps completions"].iter().any(|start| line.starts_with(start))
}

fn finish(mut command: Command, told_to_end_after: Option<Duration>, line: &str) -> Ran {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let (id, started) = (child.id().to_string(), Instant::now());
    let waiting = std::thread::spawn(move || child.wait_with_output());
    let mut told = false;
    while !waiting.is_finished() {
        if told_to_end_after.is_some_and(|limit| started.elapsed() > limit) && !told {
            told = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().is_ok();
        }
        if started.elapsed() > TOO_LONG {
            let _ = Command::new("sh").args(["-c", "kill -KILL \"$0\"", &id]).status();
            panic!("{line} has not ended within {} s", TOO_LONG.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = waiting.join().expect("the waiting thread lives").expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}
