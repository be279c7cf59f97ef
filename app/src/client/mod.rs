//! The SDK: addresses, instructions, accounts, events and errors of the program, without any I/O.

pub mod accounts;
pub mod addresses;
pub mod events;
pub mod governance;
pub mod instructions;
pub mod layouts;
pub mod orders;
pub mod pyth;
pub mod refusal;
pub mod tokens;

pub use addresses::{exchange, MarketKeys};
