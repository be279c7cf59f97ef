//! Where prices are: a market's current one, and the one that an order fills at.

use crate::task::FillQuery;
use anchor_lang::prelude::AccountInfo;
use inverse_perps::oracle;
use inverse_perps::state::Market;
use inverse_perps_engine::oracle::RawUpdate;
use inverse_perps_engine::order::{FillUpdate, FILLABLE};
use inverse_perps_engine::units::UnixTime;
use perps::chain::{Chain, Result};
use perps::client::pyth::{archive_shard, feed_account, ARCHIVE_SHARDS};
use perps::view::PriceSource;
use solana_account::Account;
use solana_address::Address;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Where prices are.
///
/// There is one implementation, [`Archive`], for chains on which somebody keeps the updates of the last minutes in accounts, as the
/// localnet does. On mainnet nobody does: there the first update at or after T has to be fetched from Pyth's archive (Hermes) and posted
/// through Pyth's receiver program in a transaction before the execution. That is a second implementation of this trait, and it does not
/// exist yet: on mainnet this keeper fills an order only while the feed's sponsored account itself still is that update, or where
/// another has posted it to an account of the archive.
pub trait Prices: Send + Sync {
    /// The account that has a market's current price.
    fn current(&self, market: &Market) -> Address;

    /// The account of an update that sets the fill price of an order due at T: the first one at or after T, or, once that is allowed, one
    /// of the seconds after it. None while there is none.
    ///
    /// # Errors
    /// Those of the chain.
    fn first_at(&self, query: &FillQuery) -> Result<Option<Address>>;
}

/// What a price account says to a market, by the program's own reading; none where it is none of the market's.
pub fn read(market: &Market, address: &Address, account: &Account) -> Option<RawUpdate> {
    with_info(address, account, |info| oracle::read(market.oracle_kind, &market.oracle, info).ok())
}

/// What a price account says as a fill price of a feed, with the publish time of the update before.
pub fn read_fill(feed_id: &[u8; 32], address: &Address, account: &Account) -> Option<FillUpdate> {
    with_info(address, account, |info| oracle::read_fill(&Address::new_from_array(*feed_id), info).ok())
}

fn with_info<T>(address: &Address, account: &Account, read: impl FnOnce(&AccountInfo) -> Option<T>) -> Option<T> {
    let Account { mut lamports, mut data, owner, .. } = account.clone();
    read(&AccountInfo::new(address, false, false, &mut lamports, &mut data, &owner, false))
}

/// Updates of the last minutes in accounts of the push oracle: shard 0 has the newest, the others one each of the seconds before.
pub struct Archive {
    chain: Arc<dyn Chain>,
    /// A feed's shards, found once.
    shards: Mutex<HashMap<[u8; 32], Arc<Vec<Address>>>>,
}

impl Archive {
    /// The archive of a chain.
    pub fn new(chain: Arc<dyn Chain>) -> Self {
        Self { chain, shards: Mutex::new(HashMap::new()) }
    }

    fn shards(&self, feed_id: &[u8; 32]) -> Arc<Vec<Address>> {
        let mut known = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let find = || Arc::new((1..=ARCHIVE_SHARDS).map(|shard| feed_account(feed_id, shard)).collect());
        known.entry(*feed_id).or_insert_with(find).clone()
    }

    /// Where updates that could serve would be: those of each second in which the order can be filled, and the current one.
    fn candidates(&self, query: &FillQuery) -> Vec<Address> {
        let (shards, due) = (self.shards(&query.feed_id), query.due.get());
        let published = (0..=i64::from(FILLABLE.get())).map(|later| due.saturating_add(later));
        let mut found: Vec<Address> =
            published.filter_map(|time| shards.get(usize::from(archive_shard(time)).checked_sub(1)?).copied()).collect();
        found.push(query.current);
        found
    }
}

impl Prices for Archive {
    fn current(&self, market: &Market) -> Address {
        PriceSource::of(market).0
    }

    fn first_at(&self, query: &FillQuery) -> Result<Option<Address>> {
        let candidates = self.candidates(query);
        let accounts = self.chain.accounts(&candidates)?;
        let read = |(address, account): (&Address, &Option<Account>)| {
            Some((*address, read_fill(&query.feed_id, address, account.as_ref()?)?))
        };
        Ok(choose(candidates.iter().zip(&accounts).filter_map(read), query.due, query.now))
    }
}

/// The update to fill at: the first one at or after T if it is there, else the earliest that serves. Of several accounts with the same
/// the foremost: the current one, which moves on with the next price, comes last.
fn choose(updates: impl Iterator<Item = (Address, FillUpdate)>, due: UnixTime, now: UnixTime) -> Option<Address> {
    let serving = updates.filter(|(_, update)| update.ensure_serves(due, now).is_ok());
    let place = |update: &FillUpdate| (update.previous_publish_time >= due, update.update.publish_time);
    serving.min_by_key(|(_, update)| place(update)).map(|(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUE: UnixTime = UnixTime::new(1_000);

    fn update(publish_time: i64, previous: i64) -> FillUpdate {
        let publish_time = UnixTime::new(publish_time);
        let update = RawUpdate { price: 5_000_000_000_000, confidence: 1, ema: 5_000_000_000_000, exponent: -8, publish_time };
        FillUpdate { update, previous_publish_time: UnixTime::new(previous) }
    }

    fn chosen(updates: &[(u8, i64, i64)], now: i64) -> Option<u8> {
        let all =
            updates.iter().map(|(id, published, previous)| (Address::new_from_array([*id; 32]), update(*published, *previous)));
        choose(all, DUE, UnixTime::new(now)).map(|address| address.to_bytes()[0])
    }

    #[test]
    fn the_first_update_at_or_after_t_is_taken_however_late() {
        assert_eq!(chosen(&[(1, 999, 998), (2, 1_000, 999), (3, 1_001, 1_000)], 1_001), Some(2));
        // The feed paused: the first one is half a minute late, and still the first.
        assert_eq!(chosen(&[(1, 998, 997), (2, 1_031, 998), (3, 1_032, 1_031)], 1_035), Some(2));
    }

    #[test]
    fn without_it_one_of_three_seconds_serves_but_only_from_ten_seconds_on() {
        let without_first = [(1, 1_002, 1_001), (2, 1_001, 1_000), (3, 1_004, 1_003)];
        assert_eq!(chosen(&without_first, 1_009), None);
        assert_eq!(chosen(&without_first, 1_010), Some(2));
        assert_eq!(chosen(&[(3, 1_004, 1_003)], 1_020), None);
    }

    #[test]
    fn an_account_that_stays_is_preferred_to_one_that_moves_on() {
        assert_eq!(chosen(&[(7, 1_000, 999), (9, 1_000, 999)], 1_000), Some(7));
    }

    #[test]
    fn the_archive_is_asked_for_every_second_in_which_an_order_can_fill() {
        let chain: Arc<dyn Chain> = Arc::new(perps::rpc::RpcChain::new("http://127.0.0.1:1"));
        let archive = Archive::new(chain);
        let current = Address::new_from_array([9; 32]);
        let query = FillQuery { feed_id: [7; 32], current, due: UnixTime::new(239), now: UnixTime::new(239) };
        let candidates = archive.candidates(&query);
        // 239 is kept in shard 240, 240 in shard 1, 299 in shard 60.
        assert_eq!(candidates.len(), 62);
        assert_eq!(candidates[0], feed_account(&[7; 32], 240));
        assert_eq!(candidates[1], feed_account(&[7; 32], 1));
        assert_eq!(candidates[60], feed_account(&[7; 32], 60));
        assert_eq!(candidates[61], current);
    }
}
