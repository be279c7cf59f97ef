//! One file an instruction; the folder says who may call it.

pub mod admin;
pub mod keeper;
pub mod liquidity;
pub mod trader;

pub use admin::*;
pub use keeper::*;
pub use liquidity::*;
pub use trader::*;
