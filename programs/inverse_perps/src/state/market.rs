//! A market: its identity, and the engine's state.

use crate::errors::{fail, PerpError};
use crate::events::{self, Accrued, Deleveraged, Head, OracleRevived, PositionClosedOut, PositionSettled, SettlingStarted};
use crate::oracle;
use crate::state::Position;
use anchor_lang::prelude::*;
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::{Outcome, Synced};
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::oracle::{Moment, PriceUse, Quote};
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::{Sats, UnixTime};

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

/// A position that an instruction brings up to date.
pub struct Touched<'a> {
    /// The market's address.
    pub market: Pubkey,
    /// The position's.
    pub key: Pubkey,
    /// The position.
    pub position: &'a mut Position,
}

/// What bringing a position up to date came to.
pub struct Touch {
    /// The marks to act at; none where there was nothing to sync for, or where the market does not trade.
    pub marks: Option<Marks>,
    /// What insurance may pay for it, if it closed the position in a settlement.
    pub tip_most: Sats,
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
    /// Parameters, prices, sides, ledger and status.
    pub state: engine::Market,
    /// The token account of pool shares that wait for their withdrawal.
    pub lp_escrow: Pubkey,
    /// Zero.
    pub reserved: [u64; 3],
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

    /// Takes in the price, checks it for `usage`, accrues, and deleverages if it is due: what every instruction that touches a side
    /// does first.
    ///
    /// # Errors
    /// Those of `oracle::read` and of the engine's sync.
    pub fn sync(&mut self, key: Pubkey, price: &AccountInfo, usage: PriceUse) -> Result<(Synced, Moment)> {
        let moment = now()?;
        let update = oracle::read(self.oracle_kind, &self.oracle, price)?;
        let synced = self.state.sync(&update, usage, moment).map_err(fail)?;
        self.log_synced(key, &synced);
        Ok((synced, moment))
    }

    /// The same, for what can only be done while the market trades.
    ///
    /// # Errors
    /// Those of `sync`; `MarketSettling`, also where the sync has just begun that.
    pub fn sync_to_trade(&mut self, key: Pubkey, price: &AccountInfo, usage: PriceUse) -> Result<(Marks, Moment)> {
        let (synced, moment) = self.sync(key, price, usage)?;
        Ok((synced.trading().map_err(fail)?, moment))
    }

    /// Takes in the price and checks it for `usage`, and no more: for what touches no side.
    ///
    /// # Errors
    /// Those of `oracle::read` and of the engine's glance.
    pub fn glance(&mut self, key: Pubkey, price: &AccountInfo, usage: PriceUse) -> Result<(Quote, Moment)> {
        let moment = now()?;
        let update = oracle::read(self.oracle_kind, &self.oracle, price)?;
        let glance = self.state.glance(&update, usage, moment).map_err(fail)?;
        self.log_revived(key, glance.revived);
        Ok((glance.quote, moment))
    }

    fn log_revived(&mut self, key: Pubkey, revived: bool) {
        if revived {
            let head = self.next_event(key);
            events::log(&OracleRevived::new(head, &self.state));
        }
    }

    fn log_synced(&mut self, key: Pubkey, synced: &Synced) {
        self.log_revived(key, synced.revived);
        if let Some(accrued) = synced.accrued {
            let head = self.next_event(key);
            events::log(&Accrued::new(head, &self.state, &accrued));
        }
        let Some(strained) = synced.strained else { return };
        let head = self.next_event(key);
        match strained.outcome {
            Outcome::Deleveraged => events::log(&Deleveraged::new(head, &self.state, &strained)),
            Outcome::Settling => events::log(&SettlingStarted::new(head, &self.state)),
        }
    }

    /// Brings a position up to date: at the price while the market trades, if it is open; while the market settles, by closing it
    /// for its claim, at the price kept. A flat position needs neither price nor settling.
    ///
    /// # Errors
    /// `PriceRequired`, those of `sync` and of the engine's settling.
    pub fn touch(&mut self, touched: &mut Touched, price: Option<&AccountInfo>, usage: PriceUse) -> Result<Touch> {
        let mut marks = None;
        if self.state.status() == Status::Active && touched.position.state.open_direction().is_some() {
            let price = price.ok_or(PerpError::PriceRequired)?;
            let (synced, _) = self.sync(touched.market, price, usage)?;
            marks = synced.trading().ok();
        }
        self.settle(touched.market, touched.key, touched.position)?;
        let tip_most = if self.state.status() == Status::Settling { self.close_out(touched)? } else { Sats::ZERO };
        Ok(Touch { marks, tip_most })
    }

    /// Closes a position for its claim. Returns what insurance may pay for that.
    fn close_out(&mut self, touched: &mut Touched) -> Result<Sats> {
        let before = self.state.ledger;
        let Some(closed) = self.state.close_for_claim(&mut touched.position.state).map_err(fail)? else {
            return Ok(Sats::ZERO);
        };
        let head = self.next_event(touched.market);
        let ledger = events::LedgerChange::since(&before, &self.state.ledger)?;
        events::log(&PositionClosedOut::new(head, touched.key, &touched.position.state, &closed, ledger));
        Ok(closed.tip_most)
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

    /// That its prices have a history, which orders fill from: a legacy account holds only the newest.
    ///
    /// # Errors
    /// `OrdersNeedPull`.
    pub fn ensure_pull(&self) -> Result<()> {
        require!(self.oracle_kind == PULL, PerpError::OrdersNeedPull);
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
