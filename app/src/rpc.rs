//! A chain over JSON-RPC: any cluster, or a validator on this machine.

use crate::chain::{Blockhash, Chain, Failure, Landed, Result, Simulated, Status, Which};
use crate::client::addresses::program;
use crate::client::refusal::Refusal;
use solana_account::Account;
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::{GetConfirmedSignaturesForAddress2Config, RpcClient};
use solana_rpc_client_api::client_error::{Error as ClientError, ErrorKind};
use solana_rpc_client_api::config::{
    RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig, RpcSimulateTransactionAccountsConfig,
    RpcSimulateTransactionConfig, RpcTransactionConfig,
};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_rpc_client_api::request::{RpcError, RpcRequest};
use solana_signature::Signature;
use solana_transaction::Transaction;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{EncodedConfirmedTransactionWithStatusMeta, UiTransactionEncoding};
use std::time::Duration;

/// A node takes at most this many addresses in one request.
const MOST_ACCOUNTS: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(20);

/// The URL of a cluster by a moniker of Solana's tools; anything else is a URL already.
pub fn cluster_url(text: &str) -> String {
    let url = match text {
        "m" | "mainnet-beta" => "https://api.mainnet-beta.solana.com",
        "t" | "testnet" => "https://api.testnet.solana.com",
        "d" | "devnet" => "https://api.devnet.solana.com",
        "l" | "localhost" => "http://localhost:8899",
        url => url,
    };
    url.to_owned()
}

/// A node's JSON-RPC.
pub struct RpcChain {
    client: RpcClient,
}

impl RpcChain {
    /// A node at a URL; everything is read as the cluster has confirmed it.
    pub fn new(url: &str) -> Self {
        let commitment = CommitmentConfig::confirmed();
        Self { client: RpcClient::new_with_timeout_and_commitment(url, TIMEOUT, commitment) }
    }

    /// The URL.
    pub fn url(&self) -> String {
        self.client.url()
    }

    /// Asks the cluster's faucet for lamports; where there is none, it is refused.
    ///
    /// # Errors
    /// `Unavailable`, also where the cluster has no faucet.
    pub fn request_airdrop(&self, to: &Address, lamports: u64) -> Result<Signature> {
        self.client.request_airdrop(to, lamports).map_err(failure)
    }
}

/// What went wrong, for who must decide whether to try again: only the chain's own refusal is final.
fn failure(error: ClientError) -> Failure {
    if let Some(refused) = error.get_transaction_error() {
        return Failure::Refused(Refusal::new(&refused, vec![]));
    }
    match error.kind() {
        ErrorKind::RpcError(RpcError::ForUser(said)) if said.starts_with("AccountNotFound") => Failure::Missing(said.clone()),
        kind => Failure::Unavailable(kind.to_string()),
    }
}

fn account(encoded: &UiAccount) -> Result<Account> {
    encoded.to_account().ok_or_else(|| Failure::Unavailable("the node sent an account that cannot be read".to_owned()))
}

impl Chain for RpcChain {
    fn accounts(&self, addresses: &[Address]) -> Result<Vec<Option<Account>>> {
        let mut found = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(MOST_ACCOUNTS) {
            found.extend(self.client.get_multiple_accounts(chunk).map_err(failure)?);
        }
        Ok(found)
    }

    fn program_accounts(&self, which: &Which) -> Result<Vec<(Address, Account)>> {
        let bytes = |place: usize, bytes: &[u8]| RpcFilterType::Memcmp(Memcmp::new_base58_encoded(place, bytes));
        let mut filters = vec![bytes(0, &which.discriminator)];
        filters.extend(which.names.map(|(place, address)| bytes(place, address.as_ref())));
        let account_config = RpcAccountInfoConfig {
            encoding: Some(UiAccountEncoding::Base64),
            commitment: Some(self.client.commitment()),
            ..RpcAccountInfoConfig::default()
        };
        let config = RpcProgramAccountsConfig { filters: Some(filters), account_config, ..RpcProgramAccountsConfig::default() };
        let found = self.client.get_program_ui_accounts_with_config(&program(), config).map_err(failure)?;
        found.iter().map(|(address, encoded)| Ok((*address, account(encoded)?))).collect()
    }

    fn blockhash(&self) -> Result<Blockhash> {
        let commitment = self.client.commitment();
        let (hash, last_valid_height) = self.client.get_latest_blockhash_with_commitment(commitment).map_err(failure)?;
        Ok(Blockhash { hash, last_valid_height })
    }

    fn block_height(&self) -> Result<u64> {
        self.client.get_block_height().map_err(failure)
    }

    fn simulate(&self, transaction: &Transaction, watched: &[Address]) -> Result<Simulated> {
        let addresses = watched.iter().map(Address::to_string).collect();
        let config = RpcSimulateTransactionConfig {
            replace_recent_blockhash: true,
            commitment: Some(self.client.commitment()),
            encoding: Some(UiTransactionEncoding::Base64),
            accounts: (!watched.is_empty())
                .then_some(RpcSimulateTransactionAccountsConfig { encoding: Some(UiAccountEncoding::Base64), addresses }),
            ..RpcSimulateTransactionConfig::default()
        };
        let answer = self.client.simulate_transaction_with_config(transaction, config).map_err(failure)?.value;
        let logs = answer.logs.unwrap_or_default();
        let refusal = answer.err.map(|error| Refusal::new(&error.into(), logs.clone()));
        let read = |encoded: &Option<UiAccount>| encoded.as_ref().map(account).transpose();
        let accounts = answer.accounts.unwrap_or_default().iter().map(read).collect::<Result<Vec<_>>>()?;
        // One that the transaction closes comes back empty.
        let accounts = accounts.into_iter().map(|account| account.filter(|account| account.lamports > 0)).collect();
        Ok(Simulated { refusal, logs, units: answer.units_consumed.unwrap_or(0), accounts })
    }

    fn submit(&self, transaction: &Transaction) -> Result<Signature> {
        let config = RpcSendTransactionConfig {
            skip_preflight: true,
            encoding: Some(UiTransactionEncoding::Base64),
            max_retries: Some(0),
            ..RpcSendTransactionConfig::default()
        };
        self.client.send_transaction_with_config(transaction, config).map_err(failure)
    }

    fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Option<Status>>> {
        let mut statuses = Vec::with_capacity(signatures.len());
        for chunk in signatures.chunks(256) {
            let found = self.client.get_signature_statuses(chunk).map_err(failure)?.value;
            statuses.extend(found.into_iter().map(|status| {
                status.map(|status| Status {
                    slot: status.slot,
                    failed: status.err.is_some(),
                    confirmed: status.satisfies_commitment(CommitmentConfig::confirmed()),
                })
            }));
        }
        Ok(statuses)
    }

    fn landed(&self, signature: &Signature) -> Result<Option<Landed>> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(self.client.commitment()),
            max_supported_transaction_version: Some(0),
        };
        // The node answers null where it does not have the transaction (yet).
        let answer: Option<EncodedConfirmedTransactionWithStatusMeta> = self
            .client
            .send(RpcRequest::GetTransaction, serde_json::json!([signature.to_string(), config]))
            .map_err(failure)?;
        Ok(answer.map(|found| landed(*signature, found)))
    }

    fn signatures(&self, address: &Address, before: Option<Signature>, most: usize) -> Result<Vec<Signature>> {
        let config = GetConfirmedSignaturesForAddress2Config {
            before,
            limit: Some(most),
            commitment: Some(self.client.commitment()),
            ..GetConfirmedSignaturesForAddress2Config::default()
        };
        let found = self.client.get_signatures_for_address_with_config(address, config).map_err(failure)?;
        let parse = |text: &str| text.parse().map_err(|_| Failure::Unavailable(format!("the node sent a signature {text}")));
        found.iter().map(|line| parse(&line.signature)).collect()
    }

    fn recent_priority_fee(&self, writable: &[Address]) -> Result<u64> {
        let recent = self.client.get_recent_prioritization_fees(writable).map_err(failure)?;
        let mut fees: Vec<u64> = recent.iter().map(|slot| slot.prioritization_fee).collect();
        fees.sort_unstable();
        Ok(fees.get(fees.len() / 2).copied().unwrap_or(0))
    }

    fn rent(&self, bytes: usize) -> Result<u64> {
        self.client.get_minimum_balance_for_rent_exemption(bytes).map_err(failure)
    }
}

fn landed(signature: Signature, found: EncodedConfirmedTransactionWithStatusMeta) -> Landed {
    let (slot, time, meta) = (found.slot, found.block_time, found.transaction.meta);
    let Some(meta) = meta else {
        return Landed { signature, slot, time, refusal: None, logs: vec![], units: 0, fee_lamports: 0 };
    };
    let logs = match meta.log_messages {
        OptionSerializer::Some(logs) => logs,
        _ => vec![],
    };
    let units = match meta.compute_units_consumed {
        OptionSerializer::Some(units) => units,
        _ => 0,
    };
    let refusal = meta.err.map(|error| Refusal::new(&error.into(), logs.clone()));
    Landed { signature, slot, time, refusal, logs, units, fee_lamports: meta.fee }
}
