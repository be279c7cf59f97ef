//! A chain in process: LiteSVM with the program's ELF, a wrapped-BTC mint and one Pyth price account.

mod in_process;
mod ordering;
mod pricing;
mod reading;
mod refused;
mod trading;
mod wind_up;

pub use crate::client::refusal::Refusal;
pub use in_process::InProcess;
pub use pricing::Tick;

use crate::client::addresses::{program, program_data, MarketKeys};
use crate::client::exchange;
use crate::client::instructions;
use crate::client::orders::{Execution, OrderRef, Placing};
use crate::client::pyth::PriceSays;
use anyhow::{anyhow, bail, Context, Result};
use inverse_perps::instructions::{CreateMarketArgs, InitializeExchangeArgs};
use inverse_perps::state::OracleSource;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::params::Params;
use litesvm::types::TransactionMetadata;
use litesvm::LiteSVM;
use litesvm_token::{CreateAccount, CreateAssociatedTokenAccount, CreateMint, MintTo};
use solana_address::Address;
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The feed id of the market's price account.
pub const FEED_ID: [u8; 32] = [7; 32];
const LAMPORTS: u64 = 1_000_000_000_000;
/// Every address of the chain is the same in every run, so that costs are too: comparing and finding addresses is part of them.
const ADMIN_SECRET: [u8; 32] = [0xad; 32];
const MINT: Address = Address::new_from_array([0xb7; 32]);
const PRICE_ACCOUNT: Address = Address::new_from_array([0x9c; 32]);
const FILL_ACCOUNT: Address = Address::new_from_array([0x9d; 32]);
const UPGRADE_AUTHORITY_OFFSET: usize = 13;

/// Where the ELF is, built first by `scripts/build-program` if it is missing or older than its sources.
///
/// # Errors
/// Where the build fails.
pub fn program_elf() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let elf = root.join("target/deploy/inverse_perps.so");
    let status = Command::new(root.join("scripts/build-program"))
        .arg("--elf")
        .status()
        .context("scripts/build-program did not start")?;
    if !status.success() {
        bail!("scripts/build-program failed; run it by itself to see why");
    }
    elf.canonicalize().with_context(|| format!("{} is missing after the build", elf.display()))
}

/// An 8-decimal mint made by SPL Token, moved to the address that it has in every run.
fn create_mint(svm: &mut LiteSVM, authority: &Keypair) -> Result<Address> {
    let made = CreateMint::new(svm, authority).decimals(8).send().map_err(Refusal::from)?;
    let account = svm.get_account(&made).context("the mint was not created")?;
    svm.set_account(MINT, account).map_err(|error| anyhow!("mint: {error:?}"))?;
    Ok(MINT)
}

/// Somebody with lamports, a token account and a position.
pub struct Trader {
    /// Signs.
    pub keypair: Keypair,
    /// Wrapped BTC.
    pub tokens: Address,
    /// Position, sub-account 0.
    pub position: Address,
}

impl Trader {
    /// The trader's address.
    pub fn address(&self) -> Address {
        self.keypair.pubkey()
    }

    /// One of his orders, whose rent he paid.
    pub fn order(&self, id: u32) -> OrderRef {
        OrderRef { position: self.position, id, payer: self.address() }
    }

    /// What places his order with this id at a price account.
    pub fn placing(&self, id: u32, price: Address, linked_with: Option<u32>) -> Placing {
        Placing { trader: self.address(), position: self.position, id, price, linked_with }
    }

    /// What executes his order at the market's own price account: nobody has triggered it, and it is linked with none.
    pub fn execution(&self, id: u32, price: Address, destination: Address) -> Execution {
        Execution { order: self.order(id), price, fill_price: None, destination, triggerer: None, partner: None }
    }
}

/// The chain, with one market on it.
#[derive(Clone)]
pub struct LocalChain {
    /// The simulator.
    pub svm: LiteSVM,
    /// The market.
    pub keys: MarketKeys,
    /// Its price account.
    pub price: Address,
    /// The price account for updates that are to set a fill price, where that is not the newest.
    pub fill_price: Address,
    fills: Fills,
    newest: PriceSays,
    started: i64,
    market_index: u16,
    token_accounts: u64,
}

impl LocalChain {
    /// Starts a chain at `unix_time` with the program at `elf`, and creates mint, exchange and one market at the tick's price, which
    /// only orders trade on.
    ///
    /// # Errors
    /// Where the ELF cannot be loaded or a set-up transaction is refused.
    pub fn start(elf: &Path, params: Params, tick: Tick, unix_time: i64) -> Result<Self> {
        Self::start_filling(elf, params, tick, unix_time, Fills::OrdersOnly)
    }

    /// The same with markets that fill as said.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_filling(elf: &Path, params: Params, tick: Tick, unix_time: i64, fills: Fills) -> Result<Self> {
        let mut chain = Self::bare(elf, tick, unix_time)?;
        chain.fills = fills;
        let admin = chain.admin();
        let initialize = instructions::initialize_exchange(
            admin.pubkey(),
            InitializeExchangeArgs {
                admin: admin.pubkey(),
                guardian: admin.pubkey(),
                fee_recipient: admin.pubkey(),
                timelock_seconds: 3 * 86_400,
            },
        );
        chain.send(&[initialize], &admin)?;
        chain.create_market(0, params)?;
        Ok(chain)
    }

    /// Starts a chain at `unix_time` on which the program has just been deployed: mint and price account are there, and neither
    /// exchange nor market. The admin may upgrade the program.
    ///
    /// # Errors
    /// Where the ELF cannot be loaded or the mint cannot be made.
    pub fn bare(elf: &Path, tick: Tick, unix_time: i64) -> Result<Self> {
        let mut svm = LiteSVM::new();
        svm.add_program_from_file(program(), elf).map_err(|error| anyhow!("{}: {error:?}", elf.display()))?;
        let admin = Keypair::new_from_array(ADMIN_SECRET);
        svm.airdrop(&admin.pubkey(), LAMPORTS).map_err(Refusal::from)?;
        let mint = create_mint(&mut svm, &admin)?;
        let mut chain = Self {
            svm,
            keys: MarketKeys::find(mint, 0),
            price: PRICE_ACCOUNT,
            fill_price: FILL_ACCOUNT,
            fills: Fills::OrdersOnly,
            newest: tick.published(unix_time, unix_time - 1)?,
            started: unix_time,
            market_index: 0,
            token_accounts: 0,
        };
        chain.set_upgrade_authority(&admin.pubkey())?;
        // The simulator has spent slots already; the chain's own begin here.
        chain.svm.set_sysvar(&Clock::default());
        chain.set_time(unix_time);
        chain.post(tick)?;
        Ok(chain)
    }

    fn create_market(&mut self, index: u16, params: Params) -> Result<()> {
        let (admin, mint) = (self.admin(), self.keys.mint);
        let oracle = OracleSource::PythPull { feed_id: FEED_ID };
        let args = CreateMarketArgs { index, oracle, params, instant_fills: self.fills == Fills::Instant };
        self.send(&[instructions::create_market(admin.pubkey(), mint, self.price, args)], &admin)?;
        self.keys = MarketKeys::find(mint, index);
        self.market_index = index;
        Ok(())
    }

    /// Creates the next market of the same mint and feed. From now on it is the market of this chain.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn next_market(&mut self, params: Params) -> Result<()> {
        let next = self.market_index.checked_add(1).context("a mint has at most 65,536 markets")?;
        self.create_market(next, params)
    }

    /// Which market of the mint this is.
    pub fn market_index(&self) -> u16 {
        self.market_index
    }

    /// Who governs this chain.
    pub fn admin(&self) -> Keypair {
        Keypair::new_from_array(ADMIN_SECRET)
    }

    /// The program was deployed by the simulator for nobody; this makes it somebody's.
    fn set_upgrade_authority(&mut self, authority: &Address) -> Result<()> {
        let address = program_data();
        let mut account = self.svm.get_account(&address).context("the program has no program data")?;
        let (tag, key) = (UPGRADE_AUTHORITY_OFFSET - 1, UPGRADE_AUTHORITY_OFFSET..UPGRADE_AUTHORITY_OFFSET + 32);
        account.data[tag] = 1;
        account.data[key].copy_from_slice(authority.as_ref());
        self.svm.set_account(address, account).map_err(|error| anyhow!("program data: {error:?}"))
    }

    /// Sends instructions in one transaction, signed and paid by `signer`.
    ///
    /// # Errors
    /// `Refusal`, with the program's message.
    pub fn send(
        &mut self,
        instructions: &[Instruction],
        signer: &Keypair,
    ) -> std::result::Result<TransactionMetadata, Refusal> {
        let transaction = self.transaction(instructions, signer);
        self.svm.send_transaction(transaction).map_err(Refusal::from)
    }

    /// The signed transaction that `send` would send.
    pub fn transaction(&self, instructions: &[Instruction], signer: &Keypair) -> Transaction {
        Transaction::new(&[signer], Message::new(instructions, Some(&signer.pubkey())), self.svm.latest_blockhash())
    }

    /// Somebody new with this many satoshi and an empty position.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn trader(&mut self, keypair: Keypair, sats: u64) -> Result<Trader> {
        let tokens = self.token_owner(&keypair, sats)?;
        let position = self.open_position(&keypair)?;
        Ok(Trader { keypair, tokens, position })
    }

    /// Gives a keypair lamports, and a token account with this many satoshi.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn token_owner(&mut self, keypair: &Keypair, sats: u64) -> Result<Address> {
        self.svm.airdrop(&keypair.pubkey(), LAMPORTS).map_err(Refusal::from)?;
        let mint = self.keys.mint;
        let tokens = self.token_account(keypair, &mint)?;
        if sats > 0 {
            self.mint(&tokens, sats)?;
        }
        Ok(tokens)
    }

    /// Gives a keypair lamports, and its associated account of the mint.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn associated_owner(&mut self, keypair: &Keypair) -> Result<Address> {
        self.svm.airdrop(&keypair.pubkey(), LAMPORTS).map_err(Refusal::from)?;
        let mint = self.keys.mint;
        CreateAssociatedTokenAccount::new(&mut self.svm, keypair, &mint).send().map_err(|failed| Refusal::from(failed).into())
    }

    /// Opens an empty position for an owner, sub-account 0.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn open_position(&mut self, owner: &Keypair) -> Result<Address> {
        self.send(&[instructions::create_position(&self.keys, owner.pubkey(), 0)], owner)?;
        Ok(self.keys.position(&owner.pubkey(), 0))
    }

    /// Mints satoshi into a token account.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn mint(&mut self, tokens: &Address, sats: u64) -> Result<()> {
        let (admin, mint) = (self.admin(), self.keys.mint);
        MintTo::new(&mut self.svm, &admin, &mint, tokens, sats).send().map_err(|failed| Refusal::from(failed).into())
    }

    /// Keeps no record of transactions from now on, so that a long run needs no more memory than a short one; the same
    /// transaction can then be sent twice.
    pub fn forget_transactions(&mut self) {
        self.svm = std::mem::take(&mut self.svm).with_transaction_history(0);
    }

    /// A new token account of a mint.
    ///
    /// # Errors
    /// `Refusal`.
    pub fn token_account(&mut self, owner: &Keypair, mint: &Address) -> Result<Address> {
        self.token_accounts += 1;
        let mut secret = [1; 32];
        secret[..8].copy_from_slice(&self.token_accounts.to_le_bytes());
        let keypair = Keypair::new_from_array(secret);
        CreateAccount::new(&mut self.svm, owner, mint).account_kp(keypair).send().map_err(|failed| Refusal::from(failed).into())
    }

    /// The exchange's address, for reports.
    pub fn exchange(&self) -> Address {
        exchange()
    }
}
