//! Anyone.

pub mod accrue_funding;
pub mod close_settlement;
pub mod collect_protocol_fees;
pub mod dead_oracle;
pub mod deleverage;
pub mod donate;
pub mod finish_settlement;
pub mod liquidate;
pub mod pay_out;
pub mod settle_position;

pub use accrue_funding::*;
pub use close_settlement::*;
pub use collect_protocol_fees::*;
pub use dead_oracle::*;
pub use deleverage::*;
pub use donate::*;
pub use finish_settlement::*;
pub use liquidate::*;
pub use pay_out::*;
pub use settle_position::*;
