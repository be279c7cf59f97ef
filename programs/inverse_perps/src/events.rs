//! What happened, one event a transition: past tense, ids first, units in the names, changes and balances after.
//!
//! They are plain old data, so logging one is a copy; the bytes are those of borsh. Amounts of the ledger come as
//! `LedgerChange`: adding up a market's deltas in sequence rebuilds its ledger, and the balances after each agree.

mod governance;
mod liquidity;
mod market;
mod order;
mod position;
mod settlement;

pub use governance::*;
pub use liquidity::*;
pub use market::*;
pub use order::*;
pub use position::*;
pub use settlement::*;

use crate::errors::fail;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::log::sol_log_data;
use anchor_lang::{Discriminator, Event};
use bytemuck::{bytes_of, Pod, Zeroable};
use inverse_perps_engine::ledger::{Ledger, LedgerDelta};

const MAX_BYTES: usize = 400;

/// Logs an event: discriminator, then its bytes.
pub fn log<E: Event + Discriminator + Pod>(event: &E) {
    let mut buffer = [0u8; MAX_BYTES];
    let length = E::DISCRIMINATOR.len().saturating_add(size_of::<E>());
    if let Some((head, body)) = buffer.get_mut(..length).and_then(|used| used.split_at_mut_checked(E::DISCRIMINATOR.len())) {
        head.copy_from_slice(E::DISCRIMINATOR);
        body.copy_from_slice(bytes_of(event));
    }
    sol_log_data(&[buffer.get(..length).unwrap_or_default()]);
}

/// Declares an event, and that it fits into a log line's budget. (The fields are passed on as they are: parsed ones would hide
/// their types from Anchor's IDL.)
macro_rules! event {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $(#[$meta])*
        #[event]
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub struct $name {
            $($fields)*
        }

        const _: () = assert!(size_of::<$name>() + 8 <= MAX_BYTES);
    };
}

pub(crate) use event;

/// Which market, and how many events it had emitted with this one.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Head {
    /// The market.
    pub market: Pubkey,
    /// Counts up by one an event.
    pub sequence: u64,
}

/// What a transition did to the ledger, and the ledger after it, in satoshi.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LedgerChange {
    /// Changes.
    pub delta_sats: LedgerDelta,
    /// Balances after.
    pub after_sats: Ledger,
}

impl LedgerChange {
    /// Between two states of a ledger.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn since(before: &Ledger, after: &Ledger) -> Result<Self> {
        Ok(Self { delta_sats: after.since(before).map_err(fail)?, after_sats: *after })
    }
}
