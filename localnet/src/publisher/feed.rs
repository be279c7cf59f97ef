//! The feed on the chain: what it says, and how an update gets there.

use anchor_lang::{AccountDeserialize, InstructionData, ToAccountMetas};
use anyhow::{Context, Result};
use perps::chain::{moment, CLOCK};
use perps::client::pyth::{archive_shard, feed_account, BTC_USD_FEED, RECEIVER};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2};
use solana_account::Account;
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcSendTransactionConfig;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(5);
/// A blockhash serves for about a minute.
const BLOCKHASH_SERVES: Duration = Duration::from_secs(15);

/// A feed with the key that may write to it. It is read as processed: an update every second leaves no time for more.
pub struct Feed {
    client: RpcClient,
    publisher: Keypair,
    address: Address,
    blockhash: Option<(Hash, Instant)>,
}

impl Feed {
    /// BTC/USD over a node's JSON-RPC.
    pub fn new(url: &str, publisher: Keypair) -> Self {
        let client = RpcClient::new_with_timeout_and_commitment(url, TIMEOUT, CommitmentConfig::processed());
        Self { client, publisher, address: feed_account(&BTC_USD_FEED, 0), blockhash: None }
    }

    /// The newest update, and the chain's unix time.
    ///
    /// # Errors
    /// Where the node does not answer or an account is not what it should be.
    pub fn read(&self) -> Result<(PriceFeedMessage, i64)> {
        let found = self.client.get_multiple_accounts(&[self.address, CLOCK]).context("the node does not answer")?;
        let [feed, clock] = <[Option<Account>; 2]>::try_from(found).unwrap_or_default();
        let feed = feed.with_context(|| format!("the chain has no price account {}", self.address))?;
        let clock = clock.context("the chain has no clock")?;
        Ok((read_update(&feed.data)?.price_message, moment(&clock.data)?.time.get()))
    }

    /// The newest update.
    ///
    /// # Errors
    /// As `read`.
    pub fn newest(&self) -> Result<PriceFeedMessage> {
        let account = self.client.get_account(&self.address).context("the node does not answer")?;
        Ok(read_update(&account.data)?.price_message)
    }

    /// Hands an update over; that it is taken does not mean that it lands.
    ///
    /// # Errors
    /// Where the node does not take it.
    pub fn send(&mut self, message: PriceFeedMessage) -> Result<()> {
        let payer = self.publisher.pubkey();
        let instruction = write_update(payer, message);
        let hash = self.blockhash()?;
        let transaction = Transaction::new_signed_with_payer(&[instruction], Some(&payer), &[&self.publisher], hash);
        let config = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
        self.client.send_transaction_with_config(&transaction, config).context("the node did not take the update")?;
        Ok(())
    }

    /// Asks for a new blockhash the next time.
    pub fn forget_blockhash(&mut self) {
        self.blockhash = None;
    }

    fn blockhash(&mut self) -> Result<Hash> {
        if let Some((hash, _)) = self.blockhash.filter(|(_, since)| since.elapsed() < BLOCKHASH_SERVES) {
            return Ok(hash);
        }
        let hash = self.client.get_latest_blockhash().context("the node gave no blockhash")?;
        self.blockhash = Some((hash, Instant::now()));
        Ok(hash)
    }
}

/// Writes an update of BTC/USD into its account and into the archive.
pub fn write_update(write_authority: Address, message: PriceFeedMessage) -> Instruction {
    let accounts = receiver_stand_in::accounts::WriteUpdate {
        write_authority,
        feed: feed_account(&BTC_USD_FEED, 0),
        archive: feed_account(&BTC_USD_FEED, archive_shard(message.publish_time)),
    };
    let data = receiver_stand_in::instruction::WriteUpdate { message }.data();
    Instruction { program_id: RECEIVER, accounts: accounts.to_account_metas(None), data }
}

/// A price account's update.
///
/// # Errors
/// Where the bytes are not a `PriceUpdateV2`'s.
pub fn read_update(data: &[u8]) -> Result<PriceUpdateV2> {
    PriceUpdateV2::try_deserialize(&mut &data[..]).context("this account is not a price update of Pyth's")
}
