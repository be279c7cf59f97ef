//! Client library of Inverse Perps.
//!
//! [`client`] knows the program without any I/O: addresses, one builder an instruction, accounts, events, refusals. [`view`] says what
//! accounts come to, offline, by the engine, so that it is what the program would do. [`chain`] is what the client asks of a chain;
//! [`rpc`] is one over JSON-RPC, [`local`] one in process. [`transaction`] makes a transaction of instructions and sees it through.
#![warn(missing_docs)]

pub mod bisect;
pub mod chain;
pub mod client;
pub mod decimal;
pub mod deployment;
pub mod keypair;
pub mod local;
pub mod parameters;
pub mod prices;
pub mod rpc;
pub mod transaction;
pub mod view;
