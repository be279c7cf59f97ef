//! Anyone.

pub mod accrue_funding;
pub mod fund_insurance;
pub mod liquidate;
pub mod settle_position;

pub use accrue_funding::*;
pub use fund_insurance::*;
pub use liquidate::*;
pub use settle_position::*;
