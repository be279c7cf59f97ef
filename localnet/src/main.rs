//! The `localnet` command: parse, dispatch, exit code.
#![warn(missing_docs)]

mod commands;

use anyhow::Result;
use clap::{Parser, Subcommand};
use localnet::{repository, start, Directory};
use std::path::PathBuf;
use std::process::ExitCode;

const EXAMPLES: &str = "\
Everything is kept in one directory: ledger, keys, localnet.json with addresses and URLs for clients, validator.log. Ctrl-C stops the
localnet, the next start goes on with the same chain.

JSON-RPC and subscriptions are served on every interface of this machine: do not run it where strangers can reach them.

Examples:
  ./scripts/localnet
  ./scripts/localnet --reset --price 60000 --volatility 0.9 --seed 7
  ./scripts/localnet --price-file app/data/btcusd_1h_2020.csv --speed 3600
  ./scripts/localnet --rpc-port 18899 --directory /tmp/second
  ./scripts/localnet faucet --to 4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T --btc 1.5 --sol 10
  ./scripts/localnet price set 58000 --over 30s";

/// A validator on this machine with the program, wrapped BTC, a BTC/USD market with a pool, and a price that moves
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Where the localnet keeps everything [default: .localnet in the repository]
    #[arg(long, value_name = "FOLDER", global = true)]
    directory: Option<PathBuf>,
    #[command(flatten)]
    start: start::Options,
}

#[derive(Subcommand)]
enum Command {
    Faucet(commands::faucet::Arguments),
    Price(commands::price::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    let directory = Directory::new(cli.directory.unwrap_or_else(|| repository().join(".localnet")));
    let out = &mut std::io::stdout();
    match cli.command {
        None => {
            exit_on_panic();
            start::run(directory, &cli.start, out)
        }
        Some(Command::Faucet(arguments)) => commands::faucet::run(&directory, &arguments, out),
        Some(Command::Price(arguments)) => commands::price::run(&directory, &arguments, out),
    }
}

/// A validator with a thread less is none: better an end that is seen.
fn exit_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::exit(101);
    }));
}
