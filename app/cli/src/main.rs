//! The `perps` command: parse, dispatch, exit code.

mod commands;
mod demo;
mod session;

use std::io::{stdout, Write};
use std::process::ExitCode;

use clap::Parser;
use commands::{failure_json, AlreadyAnswered, Cli};
use perps::chain::Failure;

const REFUSED: u8 = 3;
const UNKNOWN: u8 = 4;

/// 0 when the command did what it was asked, 1 when it could not, 2 for bad usage, 3 where the program refused, 4 where the chain
/// could not be reached.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refuse(&refusal),
    };
    match cli.run(&mut stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, cli.wants_json()),
    }
}

fn fail(error: &anyhow::Error, json: bool) -> ExitCode {
    let message = format!("{error:#}");
    eprintln!("error: {message}");
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    if json && !error.is::<AlreadyAnswered>() {
        let name = failure.and_then(Failure::refusal).and_then(|refusal| refusal.name.as_deref());
        say_failure(&message, name);
    }
    match failure {
        Some(Failure::Refused(_)) => ExitCode::from(REFUSED),
        Some(Failure::Unavailable(_) | Failure::Expired(_)) => ExitCode::from(UNKNOWN),
        Some(Failure::Missing(_)) | None => ExitCode::FAILURE,
    }
}

/// Prints what clap has to say: help and version on stdout, a usage error on stderr. Who reads JSON gets the error as JSON too,
/// and because the arguments did not parse, the flag is looked up in the raw ones.
fn refuse(refusal: &clap::Error) -> ExitCode {
    let printed = refusal.print();
    if refusal.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = refusal.to_string();
        let first_paragraph = text.split("\n\n").next().unwrap_or(&text);
        say_failure(first_paragraph.trim_start_matches("error: ").trim(), None);
    }
    match (printed, u8::try_from(refusal.exit_code())) {
        (Ok(()), Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    }
}

/// The failure for who reads JSON. The exit code tells it too, so nothing is lost where stdout is closed.
fn say_failure(message: &str, name: Option<&str>) {
    let _ = writeln!(stdout(), "{}", failure_json(message, name));
}
