//! What a running localnet is told, one command a file.

pub mod faucet;
pub mod price;
