//! `localnet.json`: what clients need to know about a localnet.

use crate::directory::{write_at_once, Directory};
use crate::genesis::{mint, MARKET_INDEX};
use crate::keys::KeyPaths;
use anyhow::{Context, Result};
use perps::client::addresses::program;
use perps::client::pyth::{feed_account, ARCHIVE_SHARDS, BTC_USD_FEED, RECEIVER};
use perps::client::MarketKeys;
use serde::{Deserialize, Serialize};
use solana_address::Address;
use std::path::PathBuf;

/// Where a localnet's parts are. Addresses are written in base 58, the feed id in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// JSON-RPC.
    pub rpc_url: String,
    /// Subscriptions.
    pub ws_url: String,
    /// The program.
    #[serde(with = "base58")]
    pub program: Address,
    /// Who owns the price accounts.
    #[serde(with = "base58")]
    pub receiver: Address,
    /// The wrapped BTC.
    #[serde(with = "base58")]
    pub mint: Address,
    /// The BTC/USD market.
    #[serde(with = "base58")]
    pub market: Address,
    /// Which one of the mint it is.
    pub market_index: u16,
    /// The price feed.
    pub feed_id: String,
    /// The account of its newest update.
    #[serde(with = "base58")]
    pub price_account: Address,
    /// How many shards keep older updates, see `perps::client::pyth::archive_shard`.
    pub archive_shards: u16,
    /// The keypairs.
    pub keys: KeyPaths,
    /// The ledger.
    pub ledger: PathBuf,
    /// The validator's log.
    pub log: PathBuf,
}

impl Info {
    /// Of the localnet in a directory, at these URLs.
    pub fn new(directory: &Directory, ledger: PathBuf, rpc_url: String, ws_url: String) -> Self {
        Self {
            rpc_url,
            ws_url,
            program: program(),
            receiver: RECEIVER,
            mint: mint(),
            market: MarketKeys::find(mint(), MARKET_INDEX).market,
            market_index: MARKET_INDEX,
            feed_id: BTC_USD_FEED.iter().map(|byte| format!("{byte:02x}")).collect(),
            price_account: feed_account(&BTC_USD_FEED, 0),
            archive_shards: ARCHIVE_SHARDS,
            keys: KeyPaths::within(&directory.keys()),
            ledger,
            log: directory.log(),
        }
    }

    /// What a localnet has written into its directory.
    ///
    /// # Errors
    /// Where there is none, or it is of another version.
    pub fn read(directory: &Directory) -> Result<Self> {
        let path = directory.info();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read; is the localnet still starting?", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not a localnet's", path.display()))
    }

    /// Writes it where `read` finds it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, directory: &Directory) -> Result<()> {
        write_at_once(&directory.info(), &format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}

mod base58 {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};
    use solana_address::Address;

    pub fn serialize<S: Serializer>(address: &Address, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(address)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Address, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|error| D::Error::custom(format!("{text} is not an address: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_addresses_are_in_base_58() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::new(place.path());
        assert!(Info::read(&directory).is_err());
        let info = Info::new(&directory, directory.ledger(), "http://127.0.0.1:8899".into(), "ws://127.0.0.1:8900".into());
        info.write(&directory).unwrap();
        assert_eq!(Info::read(&directory).unwrap(), info);
        let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(directory.info()).unwrap()).unwrap();
        assert_eq!(json["receiver"], "rec5EKMGg6MxZYaMdyBfgwp4d5rB9T1VQH5pJv5LtFJ");
        assert_eq!(json["feed_id"], "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43");
        // Pyth's sponsored BTC/USD account on mainnet.
        assert_eq!(json["price_account"], "4cSM2e6rvbGQUFiJbqytoVMi5GgghSMr8LwVrT9VPSPo");
        assert_eq!(json["mint"], mint().to_string());
    }
}
