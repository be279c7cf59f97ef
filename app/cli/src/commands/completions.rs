//! `perps completions`: what a shell needs to complete commands and options.

use super::Cli;
use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Examples for `--help`.
const EXAMPLES: &str = "\
Examples:
  perps completions bash
  perps completions zsh
  perps completions fish

Put the output where the shell looks, such as ~/.local/share/bash-completion/completions/perps.";

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes them.
///
/// # Errors
/// A failed write.
pub fn run(arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let mut script = vec![];
    clap_complete::generate(arguments.shell, &mut Cli::command(), "perps", &mut script);
    Ok(out.write_all(&script)?)
}
