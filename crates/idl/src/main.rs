//! Writes the program's IDL: `idl FILE`, at the repository's root. Run by `scripts/build-program`.

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context, Result};
use std::path::Path;

fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: idl FILE")?;
    // The builder would ask cargo for a toolchain of this name, which rustup sets for its children and nobody asked for.
    std::env::remove_var("RUSTUP_TOOLCHAIN");
    let program = Path::new("programs/inverse_perps");
    let program = program
        .canonicalize()
        .with_context(|| format!("{} is not here: run this at the repository's root", program.display()))?;
    let idl = IdlBuilder::new().program_path(program).cargo_args(vec!["--lib".into(), "--locked".into()]).build()?;
    std::fs::write(&file, serde_json::to_string_pretty(&idl)?).with_context(|| format!("{file} could not be written"))
}
