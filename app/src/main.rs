//! The `perps` command: parse, dispatch, exit code.

use std::io::{stdout, Write};
use std::process::ExitCode;

use clap::Parser;
use perps::commands::{failure_json, AlreadyAnswered, Cli};

/// 0 when the command did what it was asked, 1 when it could not, 2 for bad usage.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refuse(&refusal),
    };
    match cli.run(&mut stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = format!("{error:#}");
            eprintln!("error: {message}");
            if cli.wants_json() && !error.is::<AlreadyAnswered>() {
                say_failure(&message);
            }
            ExitCode::FAILURE
        }
    }
}

/// Prints what clap has to say: help and version on stdout, a usage error on stderr. Who reads JSON gets the error as JSON too,
/// and because the arguments did not parse, the flag is looked up in the raw ones.
fn refuse(refusal: &clap::Error) -> ExitCode {
    let printed = refusal.print();
    if refusal.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = refusal.to_string();
        let first_paragraph = text.split("\n\n").next().unwrap_or(&text);
        say_failure(first_paragraph.trim_start_matches("error: ").trim());
    }
    match (printed, u8::try_from(refusal.exit_code())) {
        (Ok(()), Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    }
}

/// The failure for who reads JSON. The exit code tells it too, so nothing is lost where stdout is closed.
fn say_failure(message: &str) {
    let _ = writeln!(stdout(), "{}", failure_json(message));
}
