//! A localnet: a real validator in process with the program, a wrapped BTC, a price that moves, a market and its pool.
//!
//! Everything it keeps is in one [`Directory`]. [`start`] runs one until it is told to stop; [`testing`] starts one as a child
//! process for a test.
#![warn(missing_docs)]

pub mod amounts;
pub mod clock;
pub mod control;
pub mod directory;
pub mod genesis;
pub mod info;
pub mod keys;
mod logging;
pub mod publisher;
pub mod setup;
mod sol_faucet;
pub mod start;
pub mod stop;
pub mod testing;
pub mod tokens;
pub mod validator;

pub use directory::Directory;
pub use info::Info;

/// The repository that this was built from: its programs and its localnet are found from any working directory.
pub fn repository() -> &'static std::path::Path {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
