//! The commands, one a file. Each has its arguments and a `run` that writes its answer to what it is given.

use std::io::Write;

use clap::{Parser, Subcommand};

pub mod bench;
pub mod demo;
pub mod quote;

/// Bitcoin-margined inverse perpetuals: exact quotes, a market played through the program in process, and what it costs.
#[derive(Debug, Parser)]
#[command(name = "perps", version, after_help = quote::EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Arguments),
    Demo(demo::Arguments),
    Quote(quote::Arguments),
}

impl Cli {
    /// Does what was asked and writes the answer to `out`.
    ///
    /// # Errors
    /// Whatever kept the command from its answer, as a message for its user.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        match &self.command {
            Command::Bench(arguments) => bench::run(arguments, out),
            Command::Demo(arguments) => demo::run(arguments, out),
            Command::Quote(arguments) => quote::run(arguments, out),
        }
    }

    /// Whether the answer is asked for as JSON, so that a failure should be JSON too.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::Bench(arguments) => arguments.json,
            Command::Demo(arguments) => arguments.json,
            Command::Quote(arguments) => arguments.json,
        }
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

/// A failure as a JSON object: `{"error": message}`.
pub fn failure_json(message: &str) -> serde_json::Value {
    serde_json::json!({ "error": message })
}
