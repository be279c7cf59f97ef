//! The chain in process as any client sees it.

use super::LocalChain;
use crate::chain::{Blockhash, Chain, Failure, Landed, Result, Simulated, Status, Which};
use crate::client::addresses::program;
use crate::client::refusal::Refusal;
use litesvm::types::TransactionResult;
use solana_account::Account;
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction::Transaction;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A [`LocalChain`] behind a lock, with the history of what was sent through this door.
pub struct InProcess {
    chain: Mutex<LocalChain>,
    history: Mutex<Vec<Past>>,
}

struct Past {
    landed: Landed,
    accounts: Vec<Address>,
}

impl InProcess {
    /// A chain for clients.
    pub fn new(chain: LocalChain) -> Self {
        Self { chain: Mutex::new(chain), history: Mutex::new(vec![]) }
    }

    /// The chain itself: to move its clock and its price.
    pub fn local(&self) -> MutexGuard<'_, LocalChain> {
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn past(&self) -> MutexGuard<'_, Vec<Past>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn landed(result: TransactionResult, local: &LocalChain) -> Landed {
    let moment = local.moment();
    let (refusal, meta) = match result {
        Ok(meta) => (None, meta),
        Err(failed) => (Some(Refusal::new(&failed.err, failed.meta.logs.clone())), failed.meta),
    };
    Landed {
        signature: meta.signature,
        slot: moment.slot,
        time: Some(moment.time.get()),
        refusal,
        logs: meta.logs,
        units: meta.compute_units_consumed,
        fee_lamports: meta.fee,
    }
}

impl Chain for InProcess {
    fn accounts(&self, addresses: &[Address]) -> Result<Vec<Option<Account>>> {
        let local = self.local();
        let existing = |address| local.svm.get_account(address).filter(|account| account.lamports > 0);
        Ok(addresses.iter().map(existing).collect())
    }

    fn program_accounts(&self, which: &Which) -> Result<Vec<(Address, Account)>> {
        let names = |data: &[u8], (place, address): (usize, Address)| {
            data.get(place..).is_some_and(|rest| rest.starts_with(address.as_ref()))
        };
        let fits = |account: &Account| {
            account.data.starts_with(&which.discriminator) && which.names.is_none_or(|named| names(&account.data, named))
        };
        let mut found = self.local().svm.get_program_accounts(&program());
        found.retain(|(_, account)| fits(account));
        Ok(found)
    }

    fn blockhash(&self) -> Result<Blockhash> {
        let local = self.local();
        Ok(Blockhash { hash: local.svm.latest_blockhash(), last_valid_height: local.moment().slot.saturating_add(150) })
    }

    fn block_height(&self) -> Result<u64> {
        Ok(self.local().moment().slot)
    }

    fn simulate(&self, transaction: &Transaction, watched: &[Address]) -> Result<Simulated> {
        let local = self.local();
        match local.svm.simulate_transaction(transaction.clone()) {
            Ok(done) => {
                let after = |address: &Address| match done.post_accounts.iter().find(|(changed, _)| changed == address) {
                    Some((_, account)) => Some(Account::from(account.clone())),
                    None => local.svm.get_account(address),
                };
                let accounts = watched.iter().map(|address| after(address).filter(|found| found.lamports > 0)).collect();
                Ok(Simulated { refusal: None, logs: done.meta.logs, units: done.meta.compute_units_consumed, accounts })
            }
            Err(failed) => Ok(Simulated {
                refusal: Some(Refusal::new(&failed.err, failed.meta.logs.clone())),
                logs: failed.meta.logs,
                units: failed.meta.compute_units_consumed,
                accounts: vec![],
            }),
        }
    }

    fn submit(&self, transaction: &Transaction) -> Result<Signature> {
        let signature =
            *transaction.signatures.first().ok_or_else(|| Failure::Missing("the transaction is not signed".to_owned()))?;
        if self.past().iter().any(|past| past.landed.signature == signature) {
            return Ok(signature); // a node takes what it has already landed, and nothing happens
        }
        let mut local = self.local();
        let result = local.svm.send_transaction(transaction.clone());
        let mut landed = landed(result, &local);
        landed.signature = signature;
        let accounts = transaction.message.account_keys.clone();
        drop(local);
        self.past().push(Past { landed, accounts });
        Ok(signature)
    }

    fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Option<Status>>> {
        let past = self.past();
        let status = |signature: &Signature| {
            let found = past.iter().rev().find(|past| past.landed.signature == *signature)?;
            Some(Status { slot: found.landed.slot, failed: found.landed.refusal.is_some(), confirmed: true })
        };
        Ok(signatures.iter().map(status).collect())
    }

    fn landed(&self, signature: &Signature) -> Result<Option<Landed>> {
        Ok(self.past().iter().rev().find(|past| past.landed.signature == *signature).map(|past| past.landed.clone()))
    }

    fn signatures(&self, address: &Address, before: Option<Signature>, most: usize) -> Result<Vec<Signature>> {
        let past = self.past();
        let newest_first = past.iter().rev().filter(|past| past.accounts.contains(address)).map(|past| past.landed.signature);
        Ok(match before {
            Some(mark) => newest_first.skip_while(|signature| *signature != mark).skip(1).take(most).collect(),
            None => newest_first.take(most).collect(),
        })
    }

    fn recent_priority_fee(&self, _writable: &[Address]) -> Result<u64> {
        Ok(0)
    }

    fn rent(&self, bytes: usize) -> Result<u64> {
        Ok(self.local().svm.minimum_balance_for_rent_exemption(bytes))
    }
}
