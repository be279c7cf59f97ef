//! A localnet from its start until it is told to stop.

use crate::clock::unix_time;
use crate::control::{Control, Course};
use crate::directory::Directory;
use crate::info::Info;
use crate::keys::{KeyPaths, Keys};
use crate::publisher::message::{self, Style};
use crate::publisher::{Feed, Publisher, Settings};
use crate::stop::Stop;
use crate::validator::{calm_scheduler, has_chain, Config, Elfs};
use crate::{logging, repository, setup, sol_faucet};
use anyhow::{bail, Context, Result};
use clap::Args;
use inverse_perps_engine::units::Price;
use perps::chain::Chain;
use perps::client::addresses::program_data;
use perps::client::pyth::BTC_USD_FEED;
use perps::decimal;
use perps::rpc::RpcChain;
use solana_signer::Signer;
use solana_test_validator::TestValidator;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of program data before the ELF.
const PROGRAM_DATA_HEAD: usize = 45;
const LOOK: Duration = Duration::from_millis(200);

/// How a localnet is started.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Port of JSON-RPC; subscriptions are on the next one
    #[arg(long, default_value_t = 8899)]
    pub rpc_port: u16,
    /// Where the chain is kept [default: ledger in the directory]
    #[arg(long, value_name = "FOLDER")]
    pub ledger: Option<PathBuf>,
    /// Forget the chain and begin a new one; the keys stay
    #[arg(long)]
    pub reset: bool,
    /// Shreds of about a kilobyte that the ledger keeps: how long transactions can be looked up
    #[arg(long, value_name = "SHREDS", default_value_t = 1_000_000)]
    pub limit_ledger_size: u64,
    /// The price that a new chain begins with, in dollars
    #[arg(long, default_value = "60000", value_parser = decimal::price)]
    pub price: Price,
    /// Standard deviation of a year's return of the price, which walks: 0.6 is 60 % [default: as told before, or 0.6]
    #[arg(long, conflicts_with = "price_file")]
    pub volatility: Option<f64>,
    /// Decides how the price walks; the same seed gives the same returns [default: as told before, or 1]
    #[arg(long, conflicts_with = "price_file")]
    pub seed: Option<u64>,
    /// Play a price file instead, such as app/data/btcusd_1h_2020.csv
    #[arg(long, value_name = "FILE")]
    pub price_file: Option<PathBuf>,
    /// Seconds of the price file in one second
    #[arg(long, requires = "price_file", default_value_t = 60)]
    pub speed: u32,
    /// Seconds between two updates of the price
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub publish_every: u32,
    /// Confidence of the price, in basis points of it
    #[arg(long, value_name = "BPS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub confidence_bps: u32,
    /// Time constant of the price's exponential average, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(1..))]
    pub ema_seconds: u32,
    /// Where the programs of a new chain are [default: target/deploy, where scripts/build-program puts them]
    #[arg(long, value_name = "FOLDER")]
    pub programs: Option<PathBuf>,
    /// Also stop when stdin ends, for who starts this as a child process
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

impl Options {
    fn style(&self) -> Style {
        Style { confidence_bps: self.confidence_bps, ema_seconds: self.ema_seconds }
    }

    /// What the publisher is to be told: what these options say, else what it was told before, else a walk.
    fn control(&self, before: Option<Control>) -> Result<Control> {
        if let Some(file) = &self.price_file {
            let file = file.canonicalize().with_context(|| format!("price file {} cannot be found", file.display()))?;
            return Ok(Control::now(Course::File { file, speed: self.speed }));
        }
        match before {
            Some(before) if self.volatility.is_none() && self.seed.is_none() => Ok(before),
            _ => walk(self.volatility.unwrap_or(0.6), self.seed.unwrap_or(1)),
        }
    }
}

/// A walk that begins now.
///
/// # Errors
/// Where the volatility is not one.
pub fn walk(volatility: f64, seed: u64) -> Result<Control> {
    if !(0.0..=10.0).contains(&volatility) {
        bail!("a yearly volatility goes from 0 to 10, {volatility} does not; 0.6 is 60 %");
    }
    Ok(Control::now(Course::Walk { volatility, seed }))
}

/// Runs a localnet in a directory until it is told to stop; says on `out` when it is ready.
///
/// # Errors
/// Where it cannot be started or set up; what it had done is kept, and the next start goes on from there.
pub fn run(mut directory: Directory, options: &Options, out: &mut impl Write) -> Result<()> {
    let began = Instant::now();
    let stop = Stop::by_signal()?;
    let stop = if options.stop_with_stdin { stop.with_stdin()? } else { stop };
    let _running = directory.take()?;
    logging::start(&directory)?;
    let ledger = options.ledger.clone().unwrap_or_else(|| directory.ledger());
    if options.reset {
        forget(&directory, &ledger)?;
    }
    let fresh = !has_chain(&ledger);
    let keys = keys(&directory, fresh)?;
    tell(&directory, options, fresh)?;
    remove(&directory.info())?;

    let elfs = Elfs::within(&options.programs.clone().unwrap_or_else(|| repository().join("target/deploy")));
    let first = message::first(BTC_USD_FEED, options.price, options.style(), unix_time())?;
    let config = Config {
        ledger: &ledger,
        rpc_port: options.rpc_port,
        sol_faucet: sol_faucet::start(&keys.faucet)?,
        max_shreds: options.limit_ledger_size,
        elfs: &elfs,
        keys: &keys,
        first,
    };
    tracing::info!(ledger = %ledger.display(), "{}", if fresh { "a new chain begins" } else { "the chain goes on" });
    let validator = config.start()?;
    calm_scheduler();
    let ledger = ledger.canonicalize().unwrap_or(ledger);
    let info = Info::new(&directory, ledger, validator.rpc_url(), validator.rpc_pubsub_url().trim_end_matches('/').to_owned());
    let session = Session { directory: &directory, options, keys: &keys, elfs: &elfs, info, stop };
    let served = session.serve(began, out);
    end(validator);
    remove(&directory.info())?;
    match served {
        // Who asked for an end gets one, however far the start had come.
        Err(error) if session.stop.is_requested() => Ok(tracing::info!("{error:#}")),
        served => served,
    }
}

/// A localnet whose validator runs.
struct Session<'a> {
    directory: &'a Directory,
    options: &'a Options,
    keys: &'a Keys,
    elfs: &'a Elfs,
    info: Info,
    stop: Stop,
}

impl Session<'_> {
    /// Publishes, sets up what is missing, says that it is ready and waits for the end.
    fn serve(&self, began: Instant, out: &mut impl Write) -> Result<()> {
        let settings = Settings { every_seconds: self.options.publish_every, style: self.options.style() };
        let feed = Feed::new(&self.info.rpc_url, self.keys.publisher.insecure_clone());
        let enough = Stop::default();
        let publishing = Publisher::new(feed, self.directory.clone(), settings)?.start(enough.clone())?;
        let ready = self.make_ready(out);
        if ready.is_ok() {
            tracing::info!(seconds = began.elapsed().as_secs_f32(), "ready");
            while !self.stop.wait(LOOK) && !publishing.is_finished() {}
        }
        enough.request();
        publishing.join().ok().context("the publisher has panicked")?;
        ready
    }

    fn make_ready(&self, out: &mut impl Write) -> Result<()> {
        let chain = RpcChain::new(&self.info.rpc_url);
        setup::run(&chain, self.keys, &self.stop)?;
        warn_of_other_program(&chain, self.elfs)?;
        self.info.write(self.directory)?;
        say_ready(out, self.directory, &self.info, self.keys)
    }
}

/// Stops the validator: what is not yet in a snapshot is in the ledger, and is replayed at the next start.
fn end(validator: TestValidator) {
    tracing::info!("stopping");
    let began = Instant::now();
    drop(validator);
    tracing::info!(seconds = began.elapsed().as_secs_f32(), "stopped");
}

fn forget(directory: &Directory, ledger: &Path) -> Result<()> {
    if has_chain(ledger) || ledger.join("genesis.bin").exists() {
        fs::remove_dir_all(ledger).with_context(|| format!("{} cannot be removed", ledger.display()))?;
    }
    remove(&directory.control())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// Keys are generated with a chain, not after it: what it owns would be nobody's.
fn keys(directory: &Directory, fresh: bool) -> Result<Keys> {
    let paths = KeyPaths::within(&directory.keys());
    if fresh {
        return paths.load_or_generate();
    }
    paths.load().context("the chain is there, but not all of its keys; put them back or start with --reset")
}

fn tell(directory: &Directory, options: &Options, fresh: bool) -> Result<()> {
    let before = match directory.control().exists() && !fresh {
        true => Some(Control::read(directory)?),
        false => None,
    };
    options.control(before)?.write(directory)
}

/// A chain keeps the program that it began with.
fn warn_of_other_program(chain: &dyn Chain, elfs: &Elfs) -> Result<()> {
    let built = fs::read(&elfs.program).with_context(|| format!("{} cannot be read", elfs.program.display()))?;
    let account = chain.account(&program_data())?;
    let deployed = account.data.get(PROGRAM_DATA_HEAD..).unwrap_or_default();
    if !deployed.starts_with(&built) {
        tracing::warn!(
            "the chain runs another build of the program than {}; --reset begins one with this",
            elfs.program.display()
        );
    }
    Ok(())
}

fn say_ready(out: &mut impl Write, directory: &Directory, info: &Info, keys: &Keys) -> Result<()> {
    let control = Control::read(directory)?;
    writeln!(out, "ready {} {}", info.rpc_url, info.ws_url)?;
    writeln!(out)?;
    writeln!(out, "  market         {} (BTC/USD, filled by orders)", info.market)?;
    writeln!(out, "  wrapped BTC    {}", info.mint)?;
    writeln!(out, "  price account  {} (the publisher's price {control})", info.price_account)?;
    writeln!(out, "  alice          {} (2 BTC, {})", keys.alice.pubkey(), info.keys.alice.display())?;
    writeln!(out, "  all of it in   {}", directory.info().display())?;
    writeln!(out)?;
    writeln!(out, "Try, from another terminal:")?;
    writeln!(out, "  ./scripts/localnet price show")?;
    writeln!(out, "  ./scripts/localnet price set 58000 --over 30s")?;
    writeln!(out, "  ./scripts/localnet price walk --volatility 0.6 --seed 1")?;
    writeln!(out, "  ./scripts/localnet price stop")?;
    writeln!(out, "  ./scripts/localnet faucet --to {} --btc 1.5 --sol 10", keys.alice.pubkey())?;
    writeln!(out)?;
    writeln!(out, "Ctrl-C stops it; the next start goes on with the same chain, --reset begins a new one.")?;
    out.flush().context("stdout is closed")
}
