//! Owners of positions.

pub mod close_position_account;
pub mod create_position;
pub mod decrease_position;
pub mod delegate;
pub mod deposit_collateral;
pub mod increase_position;
pub mod place_order;
pub mod withdraw_collateral;

pub use close_position_account::*;
pub use create_position::*;
pub use decrease_position::*;
pub use delegate::*;
pub use deposit_collateral::*;
pub use increase_position::*;
pub use place_order::*;
pub use withdraw_collateral::*;
