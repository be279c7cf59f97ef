//! A chain in process with the program's ELF on it, its actors, and the assertions that follow every transaction.

mod chain;
mod fixtures;
mod governance;
mod invariants;
mod markets;
mod nonce;
mod orders;
mod pyth;
mod refusal;
mod replay;
mod tokens;

pub use chain::{Chain, Sent, START};
pub use governance::DAY;
pub use markets::{dollars, purse, still, sub_account, usd, Provider, TestMarket, Trader, BTC};
pub use nonce::Nonce;
pub use orders::{ended, less, market_order, more, resting, Ended, DELAY, TIP};
pub use pyth::{legacy_account, partially_verified, with_exponent, LegacySays, Tick, FEED, LEGACY_PROGRAM};
pub use refusal::Refusal;
pub use tokens::{
    approve, close_account, freeze_account, mint_account, mint_to, token_account, transfer, TOKEN_2022_PROGRAM, TOKEN_PROGRAM,
};

/// What nearly every test uses.
pub mod prelude {
    pub use super::*;
    pub use anchor_lang::error::ErrorCode;
    pub use inverse_perps::errors::PerpError;
    pub use inverse_perps::instructions::PositionDirection::{Long, Short};
    pub use inverse_perps::instructions::{
        CreateMarketArgs, DecreasePositionArgs, IncreasePositionArgs, OrderAmount, OrderType, PositionDirection,
    };
    pub use inverse_perps_engine::units::{Bps, Notional, Sats, Seconds};
    pub use inverse_perps_engine::Params;
    pub use perps::client::events::Event;
    pub use perps::client::{governance, instructions, orders, MarketKeys};
    pub use solana_account::Account;
    pub use solana_address::Address;
    pub use solana_instruction::{AccountMeta, Instruction};
    pub use solana_keypair::Keypair;
    pub use solana_signer::Signer;
    pub use std::slice::from_ref;
}
