//! The operators' commands against a node: the program's ELF behind Solana's JSON-RPC.

#[path = "../../../keeper/tests/support/mod.rs"]
mod support;

mod admin;
mod keeper;
mod market;
mod scene;
mod watch;
