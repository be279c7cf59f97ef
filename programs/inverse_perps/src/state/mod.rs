//! The program's accounts, one a file, and the seeds of their addresses.

mod exchange;
pub mod market;
mod order;
mod pending_update;
mod position;
mod settlement;
mod withdrawal;

pub use exchange::Exchange;
pub use market::{Market, OracleSource};
pub use order::Order;
pub use pending_update::PendingUpdate;
pub use position::Position;
pub use settlement::Settlement;
pub use withdrawal::Withdrawal;

/// Seeds of the program's addresses; integers in them are little-endian.
pub mod seeds {
    /// `exchange`
    pub const EXCHANGE: &[u8] = b"exchange";
    /// `market`, mint, index u16
    pub const MARKET: &[u8] = b"market";
    /// `vault`, market
    pub const VAULT: &[u8] = b"vault";
    /// `lp_mint`, market
    pub const LP_MINT: &[u8] = b"lp_mint";
    /// `lp_escrow`, market
    pub const LP_ESCROW: &[u8] = b"lp_escrow";
    /// `withdrawal`, market, owner, id u64
    pub const WITHDRAWAL: &[u8] = b"withdrawal";
    /// `settlement`, market, epoch u32
    pub const SETTLEMENT: &[u8] = b"settlement";
    /// `pending`, market
    pub const PENDING: &[u8] = b"pending";
    /// `position`, market, owner, sub-account u16
    pub const POSITION: &[u8] = b"position";
    /// `order`, position, id u64
    pub const ORDER: &[u8] = b"order";
}
