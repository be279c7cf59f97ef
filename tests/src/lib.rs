//! What the on-chain tests share: a chain that runs the program's ELF and checks the ledger after every transaction.

pub mod harness;
