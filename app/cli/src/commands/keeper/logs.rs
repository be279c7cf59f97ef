//! Where a keeper's log goes: to stderr, so that stdout is the summary's.

use anyhow::{anyhow, Context, Result};
use clap::ValueEnum;
use std::io::{stderr, IsTerminal};
use tracing_subscriber::EnvFilter;

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// An object a line
    Json,
}

/// What is logged where RUST_LOG does not say.
const USUAL: &str = "info";

/// Begins to log as RUST_LOG says.
///
/// # Errors
/// A RUST_LOG that cannot be understood.
pub fn begin(format: LogFormat) -> Result<()> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(said) if !said.is_empty() => said.parse::<EnvFilter>().with_context(|| format!("RUST_LOG={said}"))?,
        _ => EnvFilter::new(USUAL),
    };
    let begun = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
    let done = match format {
        LogFormat::Text => begun.try_init(),
        LogFormat::Json => begun.json().flatten_event(true).try_init(),
    };
    done.map_err(|error| anyhow!("logging cannot begin: {error}"))
}
