//! What admin and guardian send, and what they leave behind.

use super::chain::Chain;
use super::markets::TestMarket;
use inverse_perps::state::{Exchange, PendingUpdate};
use inverse_perps_engine::Params;
use perps::client::{accounts, exchange, governance};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// A day in seconds.
pub const DAY: u32 = 86_400;

impl TestMarket {
    /// Proposes parameters; the admin pays the rent.
    pub fn propose(&self, admin: &Keypair, params: Params) -> Instruction {
        governance::propose_params(&self.keys, admin.pubkey(), params)
    }

    /// Executes a proposal of the same admin.
    pub fn execute(&self, admin: &Keypair) -> Instruction {
        governance::execute_params(&self.keys, admin.pubkey(), admin.pubkey(), self.price)
    }

    /// Cancels a proposal of the same admin.
    pub fn cancel_proposal(&self, admin: &Keypair) -> Instruction {
        governance::cancel_params(&self.keys, admin.pubkey(), admin.pubkey())
    }

    /// Pauses for 7 days.
    pub fn pause(&self, signer: &Keypair) -> Instruction {
        governance::pause_risk(&self.keys, signer.pubkey())
    }

    /// Pauses until resumed.
    pub fn confirm(&self, admin: &Keypair) -> Instruction {
        governance::confirm_pause(&self.keys, admin.pubkey())
    }

    /// Ends a pause.
    pub fn resume(&self, admin: &Keypair) -> Instruction {
        governance::resume_risk(&self.keys, admin.pubkey())
    }
}

impl Chain {
    /// The exchange as it stands.
    pub async fn exchange(&self) -> Exchange {
        let account = self.account(&exchange()).await.expect("the exchange exists");
        accounts::exchange(&account.data).expect("an exchange")
    }

    /// A market's proposal, if it has one.
    pub async fn proposal(&self, market: &TestMarket) -> Option<PendingUpdate> {
        let account = self.account(&market.keys.pending_update()).await?;
        Some(accounts::pending_update(&account.data).expect("a proposal"))
    }

    /// Changes a proposal's bytes.
    pub async fn edit_proposal(&mut self, market: &TestMarket, edit: impl FnOnce(&mut PendingUpdate)) {
        let mut state = self.proposal(market).await.expect("the market has a proposal");
        edit(&mut state);
        let address = market.keys.pending_update();
        let mut account = self.account(&address).await.expect("the proposal exists");
        account.data[8..].copy_from_slice(bytemuck::bytes_of(&state));
        self.set_account(&address, account);
    }

    /// Somebody new as guardian.
    pub async fn new_guardian(&mut self) -> Keypair {
        let guardian = self.somebody();
        let admin = self.admin.insecure_clone();
        let name = governance::set_guardian(admin.pubkey(), guardian.pubkey());
        self.succeed("name a guardian", &[name], &[&admin]).await;
        guardian
    }

    /// The admin hands over to somebody new.
    pub async fn rotate_admin(&mut self) -> Keypair {
        let nominee = self.somebody();
        let admin = self.admin.insecure_clone();
        let nominate = governance::nominate_admin(admin.pubkey(), nominee.pubkey());
        self.succeed("nominate", &[nominate], &[&admin]).await;
        self.succeed("accept", &[governance::accept_admin(nominee.pubkey())], &[&nominee]).await;
        self.admin = nominee.insecure_clone();
        nominee
    }
}
