//! Liquidity providers.

pub mod complete_withdrawal;
pub mod deposit_liquidity;
pub mod request_withdrawal;
pub mod return_withdrawal;

pub use complete_withdrawal::*;
pub use deposit_liquidity::*;
pub use request_withdrawal::*;
pub use return_withdrawal::*;
