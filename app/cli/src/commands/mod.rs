//! The commands, one a file or folder. Each has its arguments and a `run` that writes its answer to what it is given.

use std::io::Write;

use clap::{Parser, Subcommand};

use crate::session::{Options, Session};

pub mod admin;
pub mod bench;
pub mod completions;
pub mod demo;
pub mod history;
pub mod keeper;
pub mod market;
pub mod order;
pub mod pool;
pub mod position;
pub mod quote;
pub mod watch;

const EXAMPLES: &str = "\
Examples:
  perps market show
  perps quote hedge --btc 1.5
  perps position open --side short --notional 6000 --margin 0.1
  perps position show
  perps pool deposit --btc 0.5
  perps keeper run

Exit codes: 0 done; 1 could not be done; 2 bad usage; 3 the program refuses it; 4 the chain cannot be reached, or nothing is known of what
was sent: look before trying again.

Keys are read from files alone, as Solana's tools write them; ~/.config/solana/cli/config.yml says which, and which cluster.";

/// Bitcoin-margined inverse perpetuals: trade, provide liquidity, keep, govern, and reckon beforehand
#[derive(Debug, Parser)]
#[command(name = "perps", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    Market(market::Arguments),
    Position(position::Arguments),
    Order(order::Arguments),
    Pool(pool::Arguments),
    History(history::Arguments),
    Watch(watch::Arguments),
    Quote(quote::Arguments),
    Keeper(keeper::Arguments),
    Admin(admin::Arguments),
    Demo(demo::Arguments),
    Bench(bench::Arguments),
    Completions(completions::Arguments),
}

impl Cli {
    /// Does what was asked and writes the answer to `out`.
    ///
    /// # Errors
    /// Whatever kept the command from its answer, as a message for its user.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let session = || Session::open(&self.options);
        match &self.command {
            Command::Market(arguments) => market::run(arguments, &session()?, out),
            Command::Position(arguments) => position::run(arguments, &session()?, out),
            Command::Order(arguments) => order::run(arguments, &session()?, out),
            Command::Pool(arguments) => pool::run(arguments, &session()?, out),
            Command::History(arguments) => history::run(arguments, &session()?, out),
            Command::Watch(arguments) => watch::run(arguments, &session()?, out),
            Command::Keeper(arguments) => keeper::run(arguments, &session()?, out),
            Command::Admin(arguments) => admin::run(arguments, &session()?, out),
            Command::Bench(arguments) => bench::run(arguments, self.options.json, out),
            Command::Demo(arguments) => demo::run(arguments, self.options.json, out),
            Command::Quote(arguments) => quote::run(arguments, session, self.options.json, out),
            Command::Completions(arguments) => completions::run(arguments, out),
        }
    }

    /// Whether the answer is asked for as JSON, so that a failure should be JSON too.
    pub fn wants_json(&self) -> bool {
        self.options.json
    }
}

/// A failure that the answer itself reports, so that who reads JSON needs no second object; the exit code is still that of a
/// failure.
#[derive(Debug)]
pub struct AlreadyAnswered(pub String);

impl std::fmt::Display for AlreadyAnswered {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for AlreadyAnswered {}

/// A failure as a JSON object: `{"error": message}`, and the program's name for it where it is the program's.
pub fn failure_json(message: &str, name: Option<&str>) -> serde_json::Value {
    match name {
        Some(name) => serde_json::json!({ "error": message, "name": name }),
        None => serde_json::json!({ "error": message }),
    }
}
