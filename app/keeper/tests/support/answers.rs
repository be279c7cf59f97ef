//! The node's answers to JSON-RPC requests, in the words of Solana's documentation of its RPC.

use super::node::{liquidates, Landing, Node, Simulation, Stage};
use base64::prelude::{Engine, BASE64_STANDARD};
use perps::client::refusal::Refusal;
use serde::de::DeserializeOwned;
use serde_json::{json, Value};
use solana_account::Account;
use solana_address::Address;
use solana_rpc_client_api::config::{
    RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig, RpcSignaturesForAddressConfig,
    RpcSimulateTransactionConfig, UiDataSliceConfig,
};
use solana_rpc_client_api::filter::RpcFilterType;
use solana_signature::Signature;
use solana_transaction::Transaction;
use solana_transaction_status_client_types::{EncodedTransaction, TransactionBinaryEncoding};
use std::time::Instant;

const INVALID_PARAMS: i64 = -32602;
const PREFLIGHT_FAILED: i64 = -32002;
/// A node takes at most so many addresses at once.
const MOST_ACCOUNTS: usize = 100;
const MOST_SIGNATURES: usize = 1_000;

/// A JSON-RPC error.
pub(super) struct Failure {
    code: i64,
    pub message: String,
    data: Value,
}

type Answer = Result<Value, Failure>;

fn invalid(message: impl std::fmt::Display) -> Failure {
    Failure { code: INVALID_PARAMS, message: format!("Invalid params: {message}"), data: Value::Null }
}

/// The answer to one request.
pub fn answer(node: &Node, asked: &Value) -> Value {
    let id = &asked["id"];
    let mut stage = node.stage();
    stage.book.requests += 1;
    match result(&mut stage, asked["method"].as_str().unwrap_or_default(), &asked["params"]) {
        Ok(result) => json!({"jsonrpc": "2.0", "result": result, "id": id}),
        Err(Failure { code, message, data }) => {
            json!({"jsonrpc": "2.0", "error": {"code": code, "message": message, "data": data}, "id": id})
        }
    }
}

fn result(stage: &mut Stage<'_>, method: &str, params: &Value) -> Answer {
    match method {
        "getVersion" => Ok(json!({"solana-core": "4.1.2", "feature-set": 0})),
        "getHealth" => Ok(json!("ok")),
        "getSlot" | "getBlockHeight" => Ok(json!(stage.slot())),
        "getLatestBlockhash" => {
            let (blockhash, last) = stage.newest_blockhash();
            Ok(stage.in_context(json!({"blockhash": blockhash, "lastValidBlockHeight": last})))
        }
        "getAccountInfo" => account_info(stage, params),
        "getMultipleAccounts" => multiple_accounts(stage, params),
        "getProgramAccounts" => program_accounts(stage, params),
        "getBalance" => {
            let lamports = stage.local.svm.get_balance(&address(&params[0])?);
            Ok(stage.in_context(json!(lamports.unwrap_or(0))))
        }
        "getMinimumBalanceForRentExemption" => {
            let bytes = params[0].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
            let bytes = bytes.ok_or_else(|| invalid("how many bytes?"))?;
            Ok(json!(stage.local.svm.minimum_balance_for_rent_exemption(bytes)))
        }
        "getRecentPrioritizationFees" => {
            let slots = stage.slot().saturating_sub(2)..=stage.slot();
            Ok(slots.map(|slot| json!({"slot": slot, "prioritizationFee": 0})).collect())
        }
        "simulateTransaction" => simulate(stage, params),
        "sendTransaction" => send(stage, params),
        "getSignatureStatuses" => statuses(stage, params),
        "getTransaction" => transaction(stage, params),
        "getSignaturesForAddress" => signatures(stage, params),
        other => Err(Failure { code: -32601, message: format!("Method not found: {other}"), data: Value::Null }),
    }
}

impl Stage<'_> {
    fn in_context(&self, value: Value) -> Value {
        json!({"context": {"slot": self.slot(), "apiVersion": "4.1.2"}, "value": value})
    }

    fn existing(&self, address: &Address) -> Option<Account> {
        self.local.svm.get_account(address).filter(|account| account.lamports > 0)
    }
}

fn config<T: DeserializeOwned + Default>(value: &Value) -> Result<T, Failure> {
    let config: Option<T> = serde_json::from_value(value.clone()).map_err(invalid)?;
    Ok(config.unwrap_or_default())
}

/// An address out of a request.
pub(super) fn address(value: &Value) -> Result<Address, Failure> {
    let text = value.as_str().ok_or_else(|| invalid("an address is a string"))?;
    text.parse().map_err(|error| invalid(format!("{text}: {error:?}")))
}

fn signature(value: &Value) -> Result<Signature, Failure> {
    let text = value.as_str().ok_or_else(|| invalid("a signature is a string"))?;
    text.parse().map_err(|error| invalid(format!("{text}: {error:?}")))
}

/// An account as the protocol writes it.
pub(super) fn encoded(account: &Account, slice: Option<UiDataSliceConfig>) -> Value {
    let data = slice.map_or(&account.data[..], |slice| {
        let from = slice.offset.min(account.data.len());
        &account.data[from..from.saturating_add(slice.length).min(account.data.len())]
    });
    json!({
        "lamports": account.lamports, "data": [BASE64_STANDARD.encode(data), "base64"], "owner": account.owner.to_string(),
        "executable": account.executable, "rentEpoch": account.rent_epoch, "space": account.data.len(),
    })
}

fn account_info(stage: &Stage<'_>, params: &Value) -> Answer {
    let config: RpcAccountInfoConfig = config(&params[1])?;
    let found = stage.existing(&address(&params[0])?);
    Ok(stage.in_context(json!(found.map(|account| encoded(&account, config.data_slice)))))
}

fn multiple_accounts(stage: &Stage<'_>, params: &Value) -> Answer {
    let config: RpcAccountInfoConfig = config(&params[1])?;
    let asked = params[0].as_array().ok_or_else(|| invalid("which accounts?"))?;
    if asked.len() > MOST_ACCOUNTS {
        return Err(invalid(format!("Too many inputs provided; max {MOST_ACCOUNTS}")));
    }
    let found = asked.iter().map(|one| Ok(stage.existing(&address(one)?).map(|found| encoded(&found, config.data_slice))));
    let found: Vec<Option<Value>> = found.collect::<Result<_, Failure>>()?;
    Ok(stage.in_context(json!(found)))
}

/// Whether an account passes a subscription's or a request's filters.
pub(super) fn fits(config: &RpcProgramAccountsConfig, account: &Account) -> bool {
    config.filters.iter().flatten().all(|filter| match filter {
        RpcFilterType::DataSize(bytes) => u64::try_from(account.data.len()) == Ok(*bytes),
        RpcFilterType::Memcmp(compare) => compare.bytes_match(&account.data),
        RpcFilterType::TokenAccountState => false,
    })
}

fn program_accounts(stage: &Stage<'_>, params: &Value) -> Answer {
    let config: RpcProgramAccountsConfig = config(&params[1])?;
    let found = stage.local.svm.get_program_accounts(&address(&params[0])?);
    let found = found.iter().filter(|(_, account)| account.lamports > 0 && fits(&config, account)).map(|(address, account)| {
        json!({"pubkey": address.to_string(), "account": encoded(account, config.account_config.data_slice)})
    });
    let found: Value = found.collect();
    Ok(if config.with_context == Some(true) { stage.in_context(found) } else { found })
}

/// A transaction out of its base64.
pub fn decoded(blob: &str) -> Option<Transaction> {
    let encoded = EncodedTransaction::Binary(blob.to_owned(), TransactionBinaryEncoding::Base64);
    encoded.decode()?.into_legacy_transaction()
}

fn transaction_of(value: &Value) -> Result<Transaction, Failure> {
    value.as_str().and_then(decoded).ok_or_else(|| invalid("this is no legacy transaction in base64"))
}

/// Runs a transaction without landing it, and remembers what that says of the liquidations in it.
fn simulate(stage: &mut Stage<'_>, params: &Value) -> Answer {
    let config: RpcSimulateTransactionConfig = config(&params[1])?;
    let transaction = transaction_of(&params[0])?;
    if config.sig_verify && transaction.verify().is_err() {
        return Err(invalid("Transaction signature verification failure"));
    }
    if !config.replace_recent_blockhash && stage.lives_until(&transaction).is_none() {
        return Ok(stage.in_context(json!({"err": "BlockhashNotFound", "logs": [], "accounts": null, "unitsConsumed": 0})));
    }
    let watched = config.accounts.map(|accounts| accounts.addresses).unwrap_or_default();
    let watched: Vec<Address> = watched.iter().map(|text| address(&json!(text))).collect::<Result<_, _>>()?;
    let outcome = stage.local.svm.simulate_transaction(transaction.clone());
    let simulation = Simulation { version: stage.version(), accepted: outcome.is_ok(), at: Instant::now() };
    stage.book.simulated.extend(liquidates(&transaction).into_iter().map(|one| (one, simulation)));
    let (meta, err, after) = match outcome {
        Ok(done) => (done.meta, Value::Null, Some(done.post_accounts)),
        Err(failed) => (failed.meta, json!(failed.err), None),
    };
    let accounts: Vec<Value> = watched
        .iter()
        .map(|address| {
            let Some(after) = &after else { return Value::Null };
            let changed =
                after.iter().find(|(changed, _)| changed == address).map(|(_, account)| Account::from(account.clone()));
            let found = changed.or_else(|| stage.local.svm.get_account(address)).filter(|account| account.lamports > 0);
            json!(found.map(|account| encoded(&account, None)))
        })
        .collect();
    Ok(stage.in_context(json!({
        "err": err, "logs": meta.logs, "unitsConsumed": meta.compute_units_consumed, "fee": meta.fee,
        "accounts": if watched.is_empty() { Value::Null } else { json!(accounts) },
    })))
}

fn send(stage: &mut Stage<'_>, params: &Value) -> Answer {
    let config: RpcSendTransactionConfig = config(&params[1])?;
    let transaction = transaction_of(&params[0])?;
    let signature = transaction.signatures.first().ok_or_else(|| invalid("the transaction is not signed"))?.to_string();
    if !config.skip_preflight {
        if let Err(failed) = stage.local.svm.simulate_transaction(transaction.clone()) {
            let data = json!({"err": failed.err, "logs": failed.meta.logs, "accounts": null, "unitsConsumed": failed.meta.compute_units_consumed});
            let message = format!("Transaction simulation failed: {}", failed.err);
            return Err(Failure { code: PREFLIGHT_FAILED, message, data });
        }
    }
    stage.land(&transaction, params[0].as_str().unwrap_or_default());
    Ok(json!(signature))
}

impl Landing {
    fn err(&self) -> Value {
        self.result.as_ref().err().map_or(Value::Null, |failed| json!(failed.err))
    }

    /// Its logs.
    pub fn logs(&self) -> &[String] {
        match &self.result {
            Ok(meta) => &meta.logs,
            Err(failed) => &failed.meta.logs,
        }
    }

    /// Why it failed, if so.
    pub fn refusal(&self) -> Option<Refusal> {
        self.result.as_ref().err().map(|failed| Refusal::new(&failed.err, failed.meta.logs.clone()))
    }
}

fn statuses(stage: &Stage<'_>, params: &Value) -> Answer {
    let asked = params[0].as_array().ok_or_else(|| invalid("which signatures?"))?;
    let found = asked.iter().map(|one| {
        Ok(stage.landing(&signature(one)?).map(|landing| {
            let err = landing.err();
            let status = if err.is_null() { json!({"Ok": null}) } else { json!({"Err": err}) };
            json!({"slot": landing.slot, "confirmations": 1, "err": err, "status": status, "confirmationStatus": "confirmed"})
        }))
    });
    let found: Vec<Option<Value>> = found.collect::<Result<_, Failure>>()?;
    Ok(stage.in_context(json!(found)))
}

fn transaction(stage: &Stage<'_>, params: &Value) -> Answer {
    let Some(landing) = stage.landing(&signature(&params[0])?) else { return Ok(Value::Null) };
    let (meta, err) = match &landing.result {
        Ok(meta) => (meta, Value::Null),
        Err(failed) => (&failed.meta, json!(failed.err)),
    };
    let status = if err.is_null() { json!({"Ok": null}) } else { json!({"Err": err}) };
    Ok(json!({
        "slot": landing.slot, "blockTime": landing.time, "version": "legacy",
        "transaction": [landing.blob, "base64"],
        "meta": {
            "err": err, "status": status, "fee": meta.fee, "preBalances": [], "postBalances": [], "innerInstructions": null,
            "logMessages": meta.logs, "preTokenBalances": null, "postTokenBalances": null, "rewards": null,
            "computeUnitsConsumed": meta.compute_units_consumed,
        },
    }))
}

fn signatures(stage: &Stage<'_>, params: &Value) -> Answer {
    let named = address(&params[0])?;
    let config: RpcSignaturesForAddressConfig = config(&params[1])?;
    let naming = |landing: &&Landing| landing.transaction.message.account_keys.contains(&named);
    let newest_first = stage.landings_since(0).iter().rev().filter(naming);
    let mut after_mark = config.before.is_none();
    let older = newest_first.filter(|landing| {
        let counts = after_mark;
        after_mark |= config.before.as_deref() == Some(landing.signature.to_string().as_str());
        counts
    });
    let newer = older.take_while(|landing| config.until.as_deref() != Some(landing.signature.to_string().as_str()));
    let lines = newer.take(config.limit.unwrap_or(MOST_SIGNATURES).min(MOST_SIGNATURES)).map(|landing| {
        json!({"signature": landing.signature.to_string(), "slot": landing.slot, "err": landing.err(), "memo": null,
            "blockTime": landing.time, "confirmationStatus": "confirmed"})
    });
    Ok(lines.collect())
}
