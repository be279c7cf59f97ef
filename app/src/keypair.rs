//! Keys, read from files alone.

use anyhow::{ensure, Context, Result};
use solana_keypair::Keypair;
use std::io::Read;

/// Reads a key as Solana's tools write it, a JSON list of 64 numbers; `-` reads it from stdin.
///
/// # Errors
/// A file that is missing or no key; a hardware wallet's or prompt's URL.
pub fn read(path: &str) -> Result<Keypair> {
    ensure!(!path.contains("://"), "{path}: hardware wallets and prompts are not supported; give the file of a key");
    let text = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("no key on stdin")?;
        text
    } else {
        let missing = || format!("no key in {path}; make one with solana-keygen new, or give another with --keypair");
        std::fs::read_to_string(path).with_context(missing)?
    };
    let bytes: Vec<u8> =
        serde_json::from_str(text.trim()).with_context(|| format!("{path} is not a key as solana-keygen writes it"))?;
    Keypair::try_from(bytes.as_slice()).map_err(|error| anyhow::anyhow!("{path} is not a key: {error}"))
}
