//! What the accounts of the chain say.

use super::LocalChain;
use crate::client::accounts;
use anyhow::{Context, Result};
use inverse_perps::state::{Market, Order, Position, Settlement, Withdrawal as QueuedShares};
use inverse_perps_engine::oracle::Moment;
use inverse_perps_engine::units::UnixTime;
use solana_address::Address;
use solana_clock::Clock;

impl LocalChain {
    /// The market as it stands.
    ///
    /// # Errors
    /// Where the account is missing or not a market.
    pub fn market(&self) -> Result<Market> {
        accounts::market(&self.data(&self.keys.market)?)
    }

    /// A position as it stands.
    ///
    /// # Errors
    /// Where the account is missing or not a position.
    pub fn position(&self, address: &Address) -> Result<Position> {
        accounts::position(&self.data(address)?)
    }

    /// What the vault's token account holds.
    ///
    /// # Errors
    /// Where the account is missing.
    pub fn vault_sats(&self) -> Result<u64> {
        accounts::token_amount(&self.data(&self.keys.vault)?)
    }

    /// What a token account holds.
    ///
    /// # Errors
    /// Where the account is missing.
    pub fn tokens(&self, address: &Address) -> Result<u64> {
        accounts::token_amount(&self.data(address)?)
    }

    /// An order as it stands; none where it has left.
    ///
    /// # Errors
    /// Where the account is not an order.
    pub fn order(&self, address: &Address) -> Result<Option<Order>> {
        self.existing(address).map(|data| accounts::order(&data)).transpose()
    }

    /// A settlement's account as it stands; none where there is no such account.
    ///
    /// # Errors
    /// Where the account is not a settlement.
    pub fn settlement(&self, epoch: u32) -> Result<Option<Settlement>> {
        self.existing(&self.keys.settlement(epoch)).map(|data| accounts::settlement(&data)).transpose()
    }

    /// An owner's withdrawal as it stands; none where there is no such account.
    ///
    /// # Errors
    /// Where the account is not a withdrawal.
    pub fn withdrawal(&self, owner: &Address, id: u64) -> Result<Option<QueuedShares>> {
        self.existing(&self.keys.withdrawal(owner, id)).map(|data| accounts::withdrawal(&data)).transpose()
    }

    /// How many tokens of a mint exist.
    ///
    /// # Errors
    /// Where the account is missing.
    pub fn supply(&self, mint: &Address) -> Result<u64> {
        accounts::mint_supply(&self.data(mint)?)
    }

    /// The Clock, as the engine wants it.
    pub fn moment(&self) -> Moment {
        let clock = self.svm.get_sysvar::<Clock>();
        Moment { time: UnixTime::new(clock.unix_timestamp), slot: clock.slot }
    }

    /// An account's bytes.
    ///
    /// # Errors
    /// Where there is no such account.
    pub fn data(&self, address: &Address) -> Result<Vec<u8>> {
        Ok(self.svm.get_account(address).with_context(|| format!("there is no account {address}"))?.data)
    }

    /// An account's bytes; none where there is no such account, or where it has been closed.
    pub fn existing(&self, address: &Address) -> Option<Vec<u8>> {
        self.svm.get_account(address).filter(|account| account.lamports > 0).map(|account| account.data)
    }
}
