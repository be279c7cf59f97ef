//! Governance.

pub mod create_market;
pub mod govern_exchange;
pub mod initialize_exchange;
pub mod pause_risk;
pub mod update_params;

pub use create_market::*;
pub use govern_exchange::*;
pub use initialize_exchange::*;
pub use pause_risk::*;
pub use update_params::*;
