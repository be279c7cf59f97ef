//! Anyone.

pub mod accrue_funding;
pub mod close_settlement;
pub mod collect_protocol_fees;
pub mod dead_oracle;
pub mod deleverage;
pub mod donate;
pub mod execute_order;
pub mod finish_settlement;
pub mod liquidate;
pub mod pay_out;
pub mod remove_order;
pub mod settle_position;
pub mod trigger_order;

pub use accrue_funding::*;
pub use close_settlement::*;
pub use collect_protocol_fees::*;
pub use dead_oracle::*;
pub use deleverage::*;
pub use donate::*;
pub use execute_order::*;
pub use finish_settlement::*;
pub use liquidate::*;
pub use pay_out::*;
pub use remove_order::*;
pub use settle_position::*;
pub use trigger_order::*;
