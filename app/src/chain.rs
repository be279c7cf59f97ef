//! What the client asks of a chain, whichever it is: one over JSON-RPC ([`crate::rpc`]) or one in process ([`crate::local`]).

use crate::client::accounts;
use crate::client::refusal::Refusal;
use anchor_lang::Discriminator;
use inverse_perps::state::{Market, Order, Position, Settlement, Withdrawal};
use inverse_perps_engine::oracle::Moment;
use inverse_perps_engine::units::UnixTime;
use solana_account::Account;
use solana_address::Address;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::Transaction;

/// The Clock sysvar, for who reads it together with other accounts.
pub const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");

/// Why a chain did not answer.
#[derive(Debug)]
pub enum Failure {
    /// It cannot be reached, is behind or asks to wait: try again.
    Unavailable(String),
    /// It refused the transaction.
    Refused(Refusal),
    /// The transaction did not land while its blockhash was valid, and never will.
    Expired(Signature),
    /// What is asked for is not there, or is not what it should be.
    Missing(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Unavailable(why) => write!(formatter, "the chain cannot be reached: {why}"),
            Failure::Refused(refusal) => refusal.fmt(formatter),
            Failure::Expired(signature) => {
                write!(formatter, "transaction {signature} did not land before its blockhash expired; it never will, try again")
            }
            Failure::Missing(what) => formatter.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Failure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    pub(crate) fn missing(error: impl std::fmt::Display) -> Self {
        Failure::Missing(format!("{error:#}"))
    }
}

/// What a chain answers.
pub type Result<T> = std::result::Result<T, Failure>;

/// Accounts of the program of one kind, all or those that name an address in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    /// The discriminator that the account begins with.
    pub discriminator: [u8; 8],
    /// An address, and how many bytes into the account it stands.
    pub names: Option<(usize, Address)>,
}

/// Bytes before a position's market: discriminator, sub-account, version, bump, reserved.
const POSITION_MARKET: usize = 16;
const POSITION_OWNER: usize = POSITION_MARKET + 32;

impl Which {
    fn of<T: Discriminator>(names: Option<(usize, Address)>) -> Self {
        let mut discriminator = [0; 8];
        discriminator.copy_from_slice(T::DISCRIMINATOR);
        Self { discriminator, names }
    }

    /// Every market.
    pub fn markets() -> Self {
        Self::of::<Market>(None)
    }

    /// Every position.
    pub fn positions() -> Self {
        Self::of::<Position>(None)
    }

    /// Every finished settlement.
    pub fn settlements() -> Self {
        Self::of::<Settlement>(None)
    }

    /// The positions of a market.
    pub fn positions_in(market: Address) -> Self {
        Self::of::<Position>(Some((POSITION_MARKET, market)))
    }

    /// The positions of an owner, in every market.
    pub fn positions_of(owner: Address) -> Self {
        Self::of::<Position>(Some((POSITION_OWNER, owner)))
    }

    /// The orders of a position.
    pub fn orders_of(position: Address) -> Self {
        Self::of::<Order>(Some((8, position)))
    }

    /// Every order; which market's it is its position says.
    pub fn orders() -> Self {
        Self::of::<Order>(None)
    }

    /// Withdrawals from the pool: of every market.
    pub fn withdrawals() -> Self {
        Self::of::<Withdrawal>(None)
    }
}

/// A blockhash and how long it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blockhash {
    /// The hash.
    pub hash: Hash,
    /// The last block height at which a transaction with it can land.
    pub last_valid_height: u64,
}

/// What a transaction would do.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Why it would be refused, if so.
    pub refusal: Option<Refusal>,
    /// Logs.
    pub logs: Vec<String>,
    /// Compute units.
    pub units: u64,
    /// The accounts watched, as they would be afterwards.
    pub accounts: Vec<Option<Account>>,
}

/// How far a transaction has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The slot it landed in.
    pub slot: u64,
    /// Whether it failed there.
    pub failed: bool,
    /// Whether the cluster has confirmed it.
    pub confirmed: bool,
}

/// A transaction that landed.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Its signature.
    pub signature: Signature,
    /// The slot.
    pub slot: u64,
    /// Unix time of its block, where the chain knows it.
    pub time: Option<i64>,
    /// Why it failed, if so.
    pub refusal: Option<Refusal>,
    /// Logs.
    pub logs: Vec<String>,
    /// Compute units.
    pub units: u64,
    /// Fee in lamports.
    pub fee_lamports: u64,
}

/// A chain. Every method may take as long as a network does; `Unavailable` means that nothing is known.
pub trait Chain: Send + Sync {
    /// Accounts, in the order asked; none for each that is not there.
    fn accounts(&self, addresses: &[Address]) -> Result<Vec<Option<Account>>>;
    /// Accounts of the program.
    fn program_accounts(&self, which: &Which) -> Result<Vec<(Address, Account)>>;
    /// A blockhash for a new transaction.
    fn blockhash(&self) -> Result<Blockhash>;
    /// The height of the newest confirmed block.
    fn block_height(&self) -> Result<u64>;
    /// What a transaction would do now; its signatures and blockhash are not checked. The watched accounts are returned as they would be.
    fn simulate(&self, transaction: &Transaction, watched: &[Address]) -> Result<Simulated>;
    /// Hands a signed transaction over. That it is taken does not mean that it lands.
    fn submit(&self, transaction: &Transaction) -> Result<Signature>;
    /// How far transactions have come; none for each that the chain has not seen.
    fn statuses(&self, signatures: &[Signature]) -> Result<Vec<Option<Status>>>;
    /// A transaction that landed; none while the chain does not have it.
    fn landed(&self, signature: &Signature) -> Result<Option<Landed>>;
    /// Signatures of transactions that named an address, newest first, at most 1,000, older than `before`.
    fn signatures(&self, address: &Address, before: Option<Signature>, most: usize) -> Result<Vec<Signature>>;
    /// What transactions that write to these accounts paid lately: micro-lamports a compute unit, the median of the recent slots.
    fn recent_priority_fee(&self, writable: &[Address]) -> Result<u64>;
    /// What an account of so many bytes must hold, in lamports.
    fn rent(&self, bytes: usize) -> Result<u64>;

    /// One account.
    ///
    /// # Errors
    /// `Missing` where it is not there.
    fn account(&self, address: &Address) -> Result<Account> {
        let found = self.accounts(&[*address])?.pop().flatten();
        found.ok_or_else(|| Failure::Missing(format!("there is no account {address} on this chain")))
    }

    /// The Clock sysvar, as the engine wants it.
    ///
    /// # Errors
    /// `Missing` where the chain has none.
    fn moment(&self) -> Result<Moment> {
        moment(&self.account(&CLOCK)?.data)
    }

    /// A market.
    ///
    /// # Errors
    /// `Missing` where it is not there or is no market.
    fn market(&self, address: &Address) -> Result<Market> {
        accounts::market(&self.account(address)?.data).map_err(Failure::missing)
    }

    /// A position.
    ///
    /// # Errors
    /// `Missing` where it is not there or is no position.
    fn position(&self, address: &Address) -> Result<Position> {
        accounts::position(&self.account(address)?.data).map_err(Failure::missing)
    }
}

/// Time and slot out of the Clock sysvar's bytes, which are slot, start of the epoch, epoch, epoch of the schedule, unix time.
///
/// # Errors
/// `Missing` where the bytes are too few.
pub fn moment(data: &[u8]) -> Result<Moment> {
    let word = |place: usize| data.get(8 * place..).and_then(|rest| rest.first_chunk::<8>());
    match (word(0), word(4)) {
        (Some(slot), Some(time)) => {
            Ok(Moment { time: UnixTime::new(i64::from_le_bytes(*time)), slot: u64::from_le_bytes(*slot) })
        }
        _ => Err(Failure::Missing("the Clock sysvar is too short".to_owned())),
    }
}
