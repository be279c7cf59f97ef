//! The chain: solana-program-test with the program's ELF, a Clock that the test sets, and one way to send a transaction.

use super::invariants::Watch;
use super::refusal::Refusal;
use inverse_perps::state::{Market, Position, Settlement, Withdrawal};
use perps::client::accounts;
use perps::client::addresses::{program, program_data};
use perps::client::events::{in_logs, Event};
use solana_account::Account;
use solana_address::Address;
use solana_clock::Clock;
use solana_instruction::error::InstructionError;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_program_test::{ProgramTest, ProgramTestContext};
use solana_signer::Signer;
use solana_transaction::{Transaction, TransactionError};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The Clock's unix time when a chain starts; both 30 and 600 seconds divide it.
pub const START: i64 = 1_700_000_400;

const PROGRAM: &str = "inverse_perps";
const ELF_FOLDER: &str = "SBF_OUT_DIR";
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
const UPGRADE_AUTHORITY: usize = 13;
const FIRST_SLOT: u64 = 1_000;
const LAMPORTS: u64 = 1_000_000_000_000;

/// A chain in process.
pub struct Chain {
    /// Creates markets; the program's upgrade authority.
    pub admin: Keypair,
    pub(super) context: ProgramTestContext,
    pub(super) watch: Watch,
    clock: Clock,
    transactions: u32,
}

/// A transaction that succeeded.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The program's events, in order.
    pub events: Vec<Event>,
    /// Compute units.
    pub compute_units: u64,
}

impl Sent {
    /// The only event.
    pub fn event(&self) -> &Event {
        assert_eq!(self.events.len(), 1, "one event was expected: {:?}", self.events);
        &self.events[0]
    }

    /// The last event.
    pub fn last(&self) -> &Event {
        self.events.last().expect("an event was expected")
    }
}

/// Where the ELF is: the folder that `SBF_OUT_DIR` names, else where `scripts/build-program` puts it.
fn find_elf() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/deploy");
        let folder = std::env::var_os(ELF_FOLDER).map_or_else(built, PathBuf::from);
        let elf = folder.join(format!("{PROGRAM}.so"));
        assert!(elf.is_file(), "there is no {}: run scripts/build-program first", elf.display());
        std::env::set_var(ELF_FOLDER, folder);
        if std::env::var_os("RUST_LOG").is_none() {
            std::env::set_var("RUST_LOG", "error");
        }
    });
}

impl Chain {
    /// A chain with the program deployed by `admin`, and nothing else.
    pub async fn bare() -> Self {
        find_elf();
        let mut test = ProgramTest::default();
        test.prefer_bpf(true);
        test.add_upgradeable_program_to_genesis(PROGRAM, &program());
        let context = test.start_with_context().await;
        let admin = Keypair::new();
        let clock = context.banks_client.get_sysvar::<Clock>().await.expect("a chain has a clock");
        let mut chain = Self { admin, context, watch: Watch::default(), clock, transactions: 0 };
        chain.set_clock(START, FIRST_SLOT);
        let admin = chain.admin.pubkey();
        chain.give_lamports(&admin);
        chain.set_upgrade_authority(&admin).await;
        chain
    }

    /// Genesis deploys the program for nobody; this makes it somebody's.
    async fn set_upgrade_authority(&mut self, authority: &Address) {
        let mut account = self.account(&program_data()).await.expect("an upgradeable program has program data");
        account.data[UPGRADE_AUTHORITY - 1] = 1;
        account.data[UPGRADE_AUTHORITY..UPGRADE_AUTHORITY + 32].copy_from_slice(authority.as_ref());
        self.set_account(&program_data(), account);
    }

    /// Unix time of the Clock.
    pub fn time(&self) -> i64 {
        self.clock.unix_timestamp
    }

    /// Slot of the Clock.
    pub fn slot(&self) -> u64 {
        self.clock.slot
    }

    /// Sets the Clock.
    pub fn set_clock(&mut self, unix_timestamp: i64, slot: u64) {
        self.clock = Clock { unix_timestamp, slot, ..self.clock.clone() };
        self.context.set_sysvar(&self.clock);
    }

    /// Moves the Clock on at 400 ms a slot, at least by one slot.
    pub fn advance(&mut self, seconds: u32) {
        let slots = (u64::from(seconds) * 5 / 2).max(1);
        self.set_clock(self.clock.unix_timestamp + i64::from(seconds), self.clock.slot + slots);
    }

    /// Lamports for rent.
    pub fn give_lamports(&mut self, address: &Address) {
        let account = Account { lamports: LAMPORTS, ..Account::default() };
        self.set_account(address, account);
    }

    /// Writes an account, subverting every rule of the chain.
    pub fn set_account(&mut self, address: &Address, account: Account) {
        self.context.set_account(address, &account.clone().into());
        self.watch.accounts.insert(*address, Some(account));
    }

    /// An account as the chain has it.
    pub async fn account(&self, address: &Address) -> Option<Account> {
        self.context.banks_client.get_account(*address).await.expect("the chain answers")
    }

    /// What a token account holds.
    pub async fn tokens(&self, address: &Address) -> u64 {
        let account = self.account(address).await.unwrap_or_else(|| panic!("there is no account {address}"));
        accounts::token_amount(&account.data).expect("a token account")
    }

    /// A position as it stands.
    pub async fn position(&self, address: &Address) -> Position {
        let account = self.account(address).await.unwrap_or_else(|| panic!("there is no account {address}"));
        accounts::position(&account.data).expect("a position")
    }

    /// A settlement as it stands.
    pub async fn settlement(&self, address: &Address) -> Settlement {
        let account = self.account(address).await.unwrap_or_else(|| panic!("there is no account {address}"));
        accounts::settlement(&account.data).expect("a settlement")
    }

    /// A withdrawal as it stands.
    pub async fn withdrawal(&self, address: &Address) -> Withdrawal {
        let account = self.account(address).await.unwrap_or_else(|| panic!("there is no account {address}"));
        accounts::withdrawal(&account.data).expect("a withdrawal")
    }

    /// A market as it stands.
    pub async fn market(&self, address: &Address) -> Market {
        let account = self.account(address).await.unwrap_or_else(|| panic!("there is no account {address}"));
        accounts::market(&account.data).expect("a market")
    }

    /// Sends what must succeed.
    pub async fn succeed(&mut self, what: &str, instructions: &[Instruction], signers: &[&Keypair]) -> Sent {
        match self.send(what, instructions, signers).await {
            Ok(sent) => sent,
            Err((error, logs)) => panic!("{what}: refused with {error:?}\n{}", logs.join("\n")),
        }
    }

    /// Sends what must be refused, by the last instruction, with this error.
    pub async fn refuse(&mut self, what: &str, instructions: &[Instruction], signers: &[&Keypair], with: impl Into<Refusal>) {
        let Refusal(expected) = with.into();
        let last = u8::try_from(instructions.len()).expect("few instructions");
        match self.send(what, instructions, signers).await {
            Ok(sent) => panic!("{what}: succeeded with {:?}, {expected:?} was expected", sent.events),
            Err((TransactionError::InstructionError(index, error), logs)) => {
                assert_eq!(error, expected, "{what}: refused with another error\n{}", logs.join("\n"));
                assert_eq!(index, last, "{what}: refused by another instruction");
            }
            Err((error, logs)) => panic!("{what}: refused with {error:?}\n{}", logs.join("\n")),
        }
    }

    /// Sends what may be refused; returns the error where it is.
    pub async fn attempt(
        &mut self,
        what: &str,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Sent, InstructionError> {
        match self.send(what, instructions, signers).await {
            Ok(sent) => Ok(sent),
            Err((TransactionError::InstructionError(_, error), _)) => Err(error),
            Err((error, logs)) => panic!("{what}: refused with {error:?}\n{}", logs.join("\n")),
        }
    }

    /// Sends a transaction, paid by the chain's own payer, and asserts everything that must hold after it.
    async fn send(
        &mut self,
        what: &str,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Sent, (TransactionError, Vec<String>)> {
        let transaction = self.signed(instructions, signers).await;
        self.deliver(what, instructions, transaction).await
    }

    /// Processes a transaction of these instructions, and others that name no account of interest.
    pub(super) async fn deliver(
        &mut self,
        what: &str,
        instructions: &[Instruction],
        transaction: Transaction,
    ) -> Result<Sent, (TransactionError, Vec<String>)> {
        let named: Vec<Address> =
            instructions.iter().flat_map(|instruction| instruction.accounts.iter().map(|meta| meta.pubkey)).collect();
        for address in &named {
            if !self.watch.accounts.contains_key(address) {
                let account = self.account(address).await;
                self.watch.accounts.insert(*address, account);
            }
        }
        let (result, logs, compute_units) = self.process(transaction).await;
        for address in &named {
            let after = self.account(address).await;
            if result.is_err() {
                assert_eq!(self.watch.accounts[address], after, "{what}: I11: a refused transaction changed {address}");
            }
            self.watch.accounts.insert(*address, after);
        }
        let events = in_logs(&logs);
        if result.is_ok() {
            self.watch.replay(&events, what);
        }
        self.watch.assert_invariants(what);
        result.map(|()| Sent { events, compute_units }).map_err(|error| (error, logs))
    }

    /// Every transaction is another one, though its instructions may be the same: the compute limit counts up.
    async fn signed(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
        self.transactions += 1;
        let mut data = vec![2];
        data.extend((1_000_000 + self.transactions).to_le_bytes());
        let limit = Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::new(), data };
        let all = [&[limit], instructions].concat();
        let payer = &self.context.payer;
        let signers = [&[payer], signers].concat();
        let blockhash = self.context.banks_client.get_latest_blockhash().await.expect("the chain answers");
        Transaction::new_signed_with_payer(&all, Some(&payer.pubkey()), &signers, blockhash)
    }

    async fn process(&mut self, transaction: Transaction) -> (Result<(), TransactionError>, Vec<String>, u64) {
        let done = self.context.banks_client.process_transaction_with_metadata(transaction).await;
        let done = done.expect("the chain answers");
        let (logs, units) = done.metadata.map_or((Vec::new(), 0), |said| (said.log_messages, said.compute_units_consumed));
        (done.result, logs, units)
    }
}
