//! Logs: what the localnet says goes to stderr, what the validator says into a file.

use crate::directory::Directory;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::IsTerminal;
use std::sync::Mutex;
use tracing::Level;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::fmt::writer::MakeWriterExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::EnvFilter;

/// The validator says at each slot what it does; its warnings are enough.
const DEFAULT: &str = "warn,localnet=info";

/// Starts both. `RUST_LOG` chooses what the file has, and so the most that stderr can have.
///
/// One filter for both, and a writer that looks at the target: with a filter for each, events are lost on a thread on which the
/// validator has asked whether something would be logged.
///
/// # Errors
/// Where the file cannot be written.
pub fn start(directory: &Directory) -> Result<()> {
    let path = directory.log();
    let file = File::options().create(true).append(true).open(&path);
    let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let ours = std::io::stderr.with_filter(|event| event.target().starts_with("localnet") && *event.level() <= Level::INFO);
    tracing_subscriber::registry()
        .with(filter)
        .with(layer().with_ansi(false).with_writer(Mutex::new(file)))
        .with(layer().with_target(false).with_ansi(std::io::stderr().is_terminal()).with_writer(ours))
        .try_init()
        .context("logs are started once")
}
