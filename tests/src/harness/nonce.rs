//! Transactions that are signed now and sent whenever somebody likes: durable nonces.

use super::chain::{Chain, Sent};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_program_test::ProgramTestBanksClientExt;
use solana_signer::Signer;
use solana_transaction::{Transaction, TransactionError};

const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);
const RECENT_BLOCKHASHES: Address = Address::from_str_const("SysvarRecentB1ockHashes11111111111111111111");
const RENT: Address = Address::from_str_const("SysvarRent111111111111111111111111111111111");
const ADVANCE: u32 = 4;
const INITIALIZE: u32 = 6;
const BYTES: usize = 80;
const HASH: std::ops::Range<usize> = 40..72;

/// A nonce account of the system program.
#[derive(Clone, Copy, Debug)]
pub struct Nonce(Address);

impl Nonce {
    fn advance(&self, authority: Address) -> Instruction {
        let accounts = vec![
            AccountMeta::new(self.0, false),
            AccountMeta::new_readonly(RECENT_BLOCKHASHES, false),
            AccountMeta::new_readonly(authority, true),
        ];
        Instruction { program_id: SYSTEM_PROGRAM, accounts, data: ADVANCE.to_le_bytes().to_vec() }
    }
}

impl Chain {
    /// A nonce account that `authority` advances.
    pub async fn nonce(&mut self, authority: &Keypair) -> Nonce {
        let address = Address::new_unique();
        let owned = Account { lamports: 10_000_000, data: vec![0; BYTES], owner: SYSTEM_PROGRAM, ..Account::default() };
        self.set_account(&address, owned);
        let accounts = vec![
            AccountMeta::new(address, false),
            AccountMeta::new_readonly(RECENT_BLOCKHASHES, false),
            AccountMeta::new_readonly(RENT, false),
        ];
        let data = [&INITIALIZE.to_le_bytes(), authority.pubkey().as_ref()].concat();
        let initialize = Instruction { program_id: SYSTEM_PROGRAM, accounts, data };
        self.succeed("a nonce account", &[initialize], &[]).await;
        Nonce(address)
    }

    /// Signs a transaction that never goes stale: it holds as long as nobody advances the nonce. The chain's own payer pays for it.
    pub async fn sign_durably(&mut self, nonce: Nonce, instruction: &Instruction, signer: &Keypair) -> Transaction {
        let account = self.account(&nonce.0).await.expect("the nonce account exists");
        let hash = <[u8; 32]>::try_from(&account.data[HASH]).expect("32 bytes");
        let instructions = [nonce.advance(signer.pubkey()), instruction.clone()];
        let payer = &self.context.payer;
        Transaction::new_signed_with_payer(&instructions, Some(&payer.pubkey()), &[payer, signer], hash.into())
    }

    /// Sends a transaction signed before.
    pub async fn send_signed(
        &mut self,
        what: &str,
        instruction: &Instruction,
        transaction: Transaction,
    ) -> Result<Sent, TransactionError> {
        // A nonce cannot be advanced under the blockhash that it was made or advanced under.
        let client = &mut self.context.banks_client;
        let blockhash = client.get_latest_blockhash().await.expect("the chain answers");
        client.get_new_latest_blockhash(&blockhash).await.expect("the chain goes on");
        self.deliver(what, std::slice::from_ref(instruction), transaction).await.map_err(|(error, _)| error)
    }
}
