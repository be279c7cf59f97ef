//! A market: its identity, and the engine's state.

use crate::errors::{fail, PerpError};
use crate::events::{self, Accrued, Head, PositionSettled};
use crate::oracle;
use crate::state::Position;
use anchor_lang::prelude::*;
use inverse_perps_engine as engine;
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::oracle::{Moment, PriceUse};
use inverse_perps_engine::units::UnixTime;

/// Where a market's price comes from. It never changes.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OracleSource {
    /// Any fully verified `PriceUpdateV2` of this feed, owned by Pyth's receiver program.
    PythPull {
        /// The feed's id.
        feed_id: [u8; 32],
    },
    /// This price account, owned by Pyth's legacy oracle program.
    PythLegacy {
        /// Its address.
        price_account: Pubkey,
    },
}

/// One market of Bitcoin-margined perpetuals, at most 1,024 bytes.
#[account(zero_copy)]
pub struct Market {
    /// Which one of its mint.
    pub index: u16,
    /// Layout version.
    pub version: u8,
    /// Bump of its address.
    pub bump: u8,
    /// 0 Pyth pull, 1 Pyth legacy.
    pub oracle_kind: u8,
    /// Zero.
    pub reserved_bytes: [u8; 3],
    /// The wrapped BTC.
    pub mint: Pubkey,
    /// The token account that holds all of the market's BTC.
    pub vault: Pubkey,
    /// The mint of the pool's shares.
    pub lp_mint: Pubkey,
    /// Feed id or price account.
    pub oracle: Pubkey,
    /// Events emitted so far.
    pub event_sequence: u64,
    /// Parameters, prices, sides and ledger.
    pub state: engine::Market,
    /// Zero.
    pub reserved: [u64; 24],
}

const PULL: u8 = 0;
const LEGACY: u8 = 1;

impl Market {
    /// The layout written by this program.
    pub const VERSION: u8 = 1;
    /// Bytes of the account, discriminator included.
    pub const SPACE: usize = 8usize.saturating_add(size_of::<Self>());

    /// How a source is stored.
    pub fn encode_oracle(source: OracleSource) -> (u8, Pubkey) {
        match source {
            OracleSource::PythPull { feed_id } => (PULL, Pubkey::new_from_array(feed_id)),
            OracleSource::PythLegacy { price_account } => (LEGACY, price_account),
        }
    }

    /// The market's oracle source.
    pub fn oracle_source(&self) -> OracleSource {
        match self.oracle_kind {
            PULL => OracleSource::PythPull { feed_id: self.oracle.to_bytes() },
            _ => OracleSource::PythLegacy { price_account: self.oracle },
        }
    }

    /// Takes in the price, checks it for `usage`, and accrues: what every instruction that touches a side does first.
    ///
    /// # Errors
    /// Those of `oracle::read` and of the engine's sync.
    pub fn sync(&mut self, key: Pubkey, price: &AccountInfo, usage: PriceUse) -> Result<(Marks, Moment)> {
        let moment = now()?;
        let update = oracle::read(self.oracle_kind, &self.oracle, price)?;
        let synced = self.state.sync(&update, usage, moment).map_err(fail)?;
        if let Some(accrued) = synced.accrued {
            let head = self.next_event(key);
            events::log(&Accrued::new(head, &self.state, &accrued));
        }
        Ok((synced.marks, moment))
    }

    /// Writes to a position what the indices have done to it.
    ///
    /// # Errors
    /// Those of the engine's settle.
    pub fn settle(&mut self, key: Pubkey, position_key: Pubkey, position: &mut Position) -> Result<()> {
        let before = self.state.ledger;
        if let Some(settled) = self.state.settle(&mut position.state).map_err(fail)? {
            let head = self.next_event(key);
            let ledger = events::LedgerChange::since(&before, &self.state.ledger)?;
            events::log(&PositionSettled::new(head, position_key, &position.state, &settled, ledger));
        }
        Ok(())
    }

    /// The identity of the next event.
    pub fn next_event(&mut self, key: Pubkey) -> Head {
        self.event_sequence = self.event_sequence.wrapping_add(1);
        Head { market: key, sequence: self.event_sequence }
    }

    /// That a position belongs to this market.
    ///
    /// # Errors
    /// `WrongMarket`.
    pub fn ensure_owns(key: &Pubkey, position: &Position) -> Result<()> {
        require!(position.market == *key, PerpError::WrongMarket);
        Ok(())
    }

    /// That an account is this market's vault.
    ///
    /// # Errors
    /// `WrongVault`.
    pub fn ensure_vault(&self, vault: &Pubkey) -> Result<()> {
        require!(self.vault == *vault, PerpError::WrongVault);
        Ok(())
    }
}

/// The Clock sysvar, as the engine wants it.
///
/// # Errors
/// Those of the sysvar.
pub fn now() -> Result<Moment> {
    let clock = Clock::get()?;
    Ok(Moment { time: UnixTime::new(clock.unix_timestamp), slot: clock.slot })
}
