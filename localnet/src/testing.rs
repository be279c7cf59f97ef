//! A localnet as a child process, for integration tests: started on free ports, waited for, and gone when dropped.

use crate::directory::Directory;
use crate::info::Info;
use crate::{keys, repository};
use anyhow::{bail, Context, Result};
use perps::rpc::RpcChain;
use solana_keypair::Keypair;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::thread::sleep;
use std::time::{Duration, Instant};

const READY: Duration = Duration::from_secs(120);
const STOPPED: Duration = Duration::from_secs(40);

/// A running localnet.
pub struct Localnet {
    child: Child,
    directory: Directory,
    arguments: Vec<String>,
    info: Info,
}

impl Localnet {
    /// Starts one in a directory, which goes on with the chain that is there.
    ///
    /// # Errors
    /// Where the programs or the binary cannot be built, or it is not ready within two minutes.
    pub fn start(directory: &Path) -> Result<Self> {
        Self::start_with(directory, &[])
    }

    /// The same with options of the command, such as `["--price", "50000"]`.
    ///
    /// # Errors
    /// Those of `start`.
    pub fn start_with(directory: &Path, options: &[&str]) -> Result<Self> {
        build_programs()?;
        let port = free_ports()?.to_string();
        let mut arguments = vec!["--rpc-port".to_owned(), port, "--stop-with-stdin".to_owned()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        let directory = Directory::new(directory);
        let (child, info) = spawn(&directory, &arguments)?;
        Ok(Self { child, directory, arguments, info })
    }

    /// What `localnet.json` says.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Its directory.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Its JSON-RPC.
    pub fn chain(&self) -> RpcChain {
        RpcChain::new(&self.info.rpc_url)
    }

    /// One of its keypairs, such as `info().keys.alice`.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn key(&self, path: &Path) -> Result<Keypair> {
        keys::read(path)
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command of `localnet` against it, such as `["price", "set", "58000"]`.
    ///
    /// # Errors
    /// Where it does not run, or fails.
    pub fn tell(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = Command::new(binary()?)
            .args(arguments)
            .arg("--directory")
            .arg(self.directory.root())
            .output()
            .context("localnet did not run")?;
        if !status.success() {
            bail!("localnet {arguments:?} failed: {}", String::from_utf8_lossy(&stderr));
        }
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }

    /// Stops it as Ctrl-C does and waits until it has ended.
    ///
    /// # Errors
    /// Where it does not end within 40 seconds.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(ended) = self.child.try_wait()? {
            return Ok(ended);
        }
        let asked = Command::new("sh").args(["-c", "kill -INT \"$0\""]).arg(self.child.id().to_string()).status();
        asked.context("the localnet cannot be signalled")?;
        let deadline = Instant::now() + STOPPED;
        while Instant::now() < deadline {
            if let Some(ended) = self.child.try_wait()? {
                return Ok(ended);
            }
            sleep(Duration::from_millis(50));
        }
        bail!("the localnet has not ended within {} s", STOPPED.as_secs())
    }

    /// Ends it at once, as a crash does.
    ///
    /// # Errors
    /// Where the system does not let it.
    pub fn crash(&mut self) -> Result<()> {
        self.child.kill().context("the localnet cannot be killed")?;
        self.child.wait().context("the localnet did not end")?;
        Ok(())
    }

    /// Starts it again, after `stop` or a crash, with the options that it had.
    ///
    /// # Errors
    /// Those of `start` and of `stop`.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        (self.child, self.info) = spawn(&self.directory, &self.arguments)?;
        Ok(())
    }
}

impl Drop for Localnet {
    fn drop(&mut self) {
        // A graceful end takes seconds that a test need not wait for, and whoever wants one asks for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the process and waits for its ready line.
fn spawn(directory: &Directory, arguments: &[String]) -> Result<(Child, Info)> {
    let mut child = Command::new(binary()?)
        .arg("--directory")
        .arg(directory.root())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("localnet did not start")?;
    let stdout = child.stdout.take().context("the child has no stdout")?;
    let (ready, wait) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line.starts_with("ready ") {
                let _ = ready.send(());
            }
        }
    });
    let waited = wait.recv_timeout(READY);
    if waited.is_err() {
        let _ = child.kill();
        let ended = child.wait();
        let log = directory.log();
        match waited {
            Err(RecvTimeoutError::Timeout) => {
                bail!("no localnet was ready within {} s; see {}", READY.as_secs(), log.display())
            }
            _ => bail!("the localnet ended before it was ready ({ended:?}); see its stderr and {}", log.display()),
        }
    }
    let info = Info::read(directory)?;
    Ok((child, info))
}

/// A port whose successor is free too. They are free until somebody else takes them: tests start one after another.
fn free_ports() -> Result<u16> {
    for _ in 0..100 {
        let first = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let port = first.local_addr()?.port();
        if port.checked_add(1).is_some_and(|next| TcpListener::bind((Ipv4Addr::UNSPECIFIED, next)).is_ok()) {
            return Ok(port);
        }
    }
    bail!("no two free ports in a row were found")
}

fn build_programs() -> Result<()> {
    let built = Command::new(repository().join("scripts/build-program")).args(["--elf", "--receiver"]).status();
    if !built.context("scripts/build-program did not start")?.success() {
        bail!("scripts/build-program --elf --receiver failed; run it by itself to see why");
    }
    Ok(())
}

/// The command, beside the test's own folder, where cargo puts it.
fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe().context("this test's own path")?;
    let folders = test.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("localnet")).find(|path| path.is_file());
    found.with_context(|| {
        format!("localnet is not beside {}; build it with cargo build --release --workspace --bin localnet", test.display())
    })
}
