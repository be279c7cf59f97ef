//! The program's accounts, one a file, and the seeds of their addresses.

mod exchange;
pub mod market;
mod position;

pub use exchange::Exchange;
pub use market::{Market, OracleSource};
pub use position::Position;

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
    /// `position`, market, owner, sub-account u16
    pub const POSITION: &[u8] = b"position";
}
