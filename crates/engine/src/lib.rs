//! The mathematics of Bitcoin-margined inverse perpetuals, in exact integers.
//!
//! Every formula of the protocol stands here once: the on-chain program, the client, the keeper and the tests call it. There
//! are no accounts, no tokens, no clock and no floating point; quantities are types (`units`), every division names its
//! rounding (`math`), and nothing panics.
//!
//! The order to read it in: `units`, then a formula a file (`pnl`, `margin`, `funding`, `fees`, `reserve`, `liquidation`,
//! `deleverage`, `settlement`, `shares`, `queue`, `oracle`, `pause`, `timelock`), then `market` and the state transitions in `actions`;
//! `exposure` is what a holder asks of a position, `line` what a keeper asks of all of them, and neither is an action.
#![cfg_attr(not(any(test, feature = "idl-build")), no_std)]

#[cfg(any(test, feature = "idl-build"))]
extern crate std;

pub mod actions;
pub mod budget;
pub mod deleverage;
pub mod errors;
pub mod exposure;
pub mod fees;
pub mod funding;
mod layout;
pub mod ledger;
pub mod line;
pub mod liquidation;
pub mod margin;
pub mod market;
pub mod math;
pub mod oracle;
pub mod order;
pub mod params;
pub mod pause;
pub mod pnl;
pub mod position;
pub mod queue;
pub mod reserve;
pub mod settlement;
pub mod shares;
pub mod side;
pub mod timelock;
pub mod units;

pub use errors::{Error, Result};
pub use market::Market;
pub use params::Params;
pub use position::Position;
pub use side::{Direction, Side};
