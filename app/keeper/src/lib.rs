//! The keeper: a daemon that does for the markets what anyone may do, for what it pays.
//!
//! It learns of the chain ([`source`], [`feed`]), keeps what it knows in one place ([`world`]), decides by rehearsing with the engine what
//! the program would do ([`jobs`]), and does it ([`sender`]). [`index`] finds the positions that a price liquidates. Decisions are functions
//! of what is known: the same world gives the same tasks in the same order; the network is at the edges. [`daemon::run`] puts it together.
#![warn(missing_docs)]

pub mod backoff;
pub mod config;
pub mod daemon;
pub mod desk;
#[cfg(test)]
mod drill;
pub mod feed;
#[cfg(test)]
mod fixtures;
pub mod health;
pub mod index;
pub mod job;
pub mod jobs;
pub mod metrics;
pub mod outcome;
pub mod prices;
pub mod sender;
pub mod server;
pub mod source;
pub mod task;
pub mod terms;
pub mod world;

pub use config::{Config, ConfigError};
pub use daemon::{run, run_once, Summary};
pub use job::{Job, Jobs};
