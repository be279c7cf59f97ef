//! Liquidity providers.

pub mod deposit_liquidity;

pub use deposit_liquidity::*;
