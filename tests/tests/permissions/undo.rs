//! Takes back what a cell or a row's preparation has changed, so that the next one finds the state as it was built.

use crate::world::World;
use inverse_perps_tests::harness::prelude::*;
use perps::client::accounts;
use solana_instruction::error::InstructionError;
use std::collections::BTreeMap;

const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// Accounts as they were, and the Clock.
pub struct Saved {
    accounts: BTreeMap<Address, Option<Account>>,
    time: i64,
    slot: u64,
}

impl World {
    /// The Clock, and no account yet.
    pub fn save(&self) -> Saved {
        Saved { accounts: BTreeMap::new(), time: self.chain.time(), slot: self.chain.slot() }
    }

    /// Remembers what an instruction can change.
    pub async fn keep(&self, saved: &mut Saved, instruction: &Instruction) {
        for meta in &instruction.accounts {
            self.keep_account(saved, meta.pubkey).await;
        }
    }

    /// Remembers an account.
    pub async fn keep_account(&self, saved: &mut Saved, address: Address) {
        if !saved.accounts.contains_key(&address) {
            let account = self.chain.account(&address).await;
            saved.accounts.insert(address, account);
        }
    }

    /// Tries an instruction and takes it back. What was refused has changed nothing: the harness asserts that.
    pub async fn attempt(
        &mut self,
        what: &str,
        instruction: Instruction,
        signer: Option<&Keypair>,
    ) -> Result<Sent, InstructionError> {
        let mut saved = self.save();
        self.keep(&mut saved, &instruction).await;
        let signers: Vec<&Keypair> = signer.into_iter().collect();
        let sent = self.chain.attempt(what, &[instruction], &signers).await?;
        self.restore(saved).await;
        Ok(sent)
    }

    /// Everything as it was, but that the market's events go on counting.
    pub async fn restore(&mut self, saved: Saved) {
        let market = self.market.keys.market;
        if let Some(Some(account)) = saved.accounts.get(&market) {
            let before = accounts::market(&account.data).expect("a market");
            self.chain
                .edit_market(&self.market, |market| {
                    let event_sequence = market.event_sequence;
                    *market = before;
                    market.event_sequence = event_sequence;
                })
                .await;
        }
        let mut gone = Vec::new();
        for (address, before) in saved.accounts {
            if address == market || self.chain.account(&address).await == before {
                continue;
            }
            match before {
                Some(account) => self.chain.set_account(&address, account),
                None => gone.push(address),
            }
        }
        if !gone.is_empty() {
            self.forget(&gone).await;
        }
        self.chain.set_clock(saved.time, saved.slot);
    }

    /// Deletes accounts. A transaction that names them shows the harness that they are not there any more.
    async fn forget(&mut self, addresses: &[Address]) {
        for address in addresses {
            self.chain.set_account(address, Account::default());
        }
        let payer = self.actor(crate::roles::Role::Anyone).keypair.insecure_clone();
        let own = AccountMeta::new(payer.pubkey(), true);
        let mut metas = vec![own.clone(), own];
        metas.extend(addresses.iter().map(|address| AccountMeta::new_readonly(*address, false)));
        let mut data = 2u32.to_le_bytes().to_vec();
        data.extend(0u64.to_le_bytes());
        let nothing = Instruction { program_id: SYSTEM_PROGRAM, accounts: metas, data };
        self.chain.succeed("send nothing to oneself", &[nothing], &[&payer]).await;
    }
}
