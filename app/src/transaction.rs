//! Makes a transaction of instructions and sees it through: compute limit from a simulation, priority fee, sent again until it lands
//! or can no longer land, and then made anew.

use crate::chain::{Chain, Failure, Landed, Result, Simulated};
use solana_address::Address;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::time::Duration;

/// The most that a transaction may use; simulations run with it.
const MOST_UNITS: u32 = 1_400_000;
/// What a transaction's state may cost more when it lands than when it was simulated: an accrual, a deleveraging, a settling.
const SPARE_UNITS: u64 = 10_000;
/// How many transactions with the same instructions and blockhash can be told apart.
const NUMBERS: u32 = 1_000;
const POLL: Duration = Duration::from_millis(400);
/// Polls between sending the same transaction again.
const RESEND_EVERY: u32 = 4;
/// How often a transaction is made anew after its blockhash has expired.
const ATTEMPTS: u32 = 3;
/// Polls in a row that a node may leave unanswered: two minutes.
const MOST_UNREACHABLE: u32 = 300;

/// What is paid for being early, in micro-lamports a compute unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// This.
    Fixed(u64),
    /// What others paid lately to write to the same accounts, at most this.
    Recent {
        /// The bound.
        at_most: u64,
    },
}

impl Default for Priority {
    fn default() -> Self {
        Priority::Recent { at_most: 100_000 }
    }
}

/// The accounts that a message asks to write to.
fn writable(message: &Message) -> impl Iterator<Item = Address> + '_ {
    let header = &message.header;
    let count = |number: u8| usize::from(number);
    let (signed, total) = (count(header.num_required_signatures), message.account_keys.len());
    let signed_writable = 0..signed.saturating_sub(count(header.num_readonly_signed_accounts));
    let unsigned_writable = signed..total.saturating_sub(count(header.num_readonly_unsigned_accounts));
    let keys = message.account_keys.iter().enumerate();
    keys.filter(move |(place, _)| signed_writable.contains(place) || unsigned_writable.contains(place)).map(|(_, key)| *key)
}

/// Who signs and pays for transactions on a chain.
pub struct Sender<'a> {
    chain: &'a dyn Chain,
    payer: &'a Keypair,
    others: Vec<&'a Keypair>,
    priority: Priority,
    attempts: u32,
    number: u32,
}

/// A transaction with what a simulation of it said.
pub struct Prepared {
    /// The instructions, with those of the compute budget before them.
    pub instructions: Vec<Instruction>,
    /// What the simulation said, with the accounts watched.
    pub simulated: Simulated,
    /// The most compute units it may use.
    pub units: u32,
    /// What it pays for being early, in micro-lamports a unit.
    pub micro_lamports: u64,
}

impl Prepared {
    /// What it pays beside the fee of its signatures, in lamports, rounded up.
    pub fn priority_lamports(&self) -> u64 {
        let micro = u128::from(self.micro_lamports).saturating_mul(u128::from(self.units));
        u64::try_from(micro.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

impl<'a> Sender<'a> {
    /// Of one who signs and pays.
    pub fn new(chain: &'a dyn Chain, payer: &'a Keypair) -> Self {
        Self { chain, payer, others: vec![], priority: Priority::default(), attempts: ATTEMPTS, number: 0 }
    }

    /// The same at another priority.
    #[must_use]
    pub fn at(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The same, but what has expired is not made anew: for who decides again then.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.attempts = 1;
        self
    }

    /// The same with a number to tell it from others by. Two transactions with the same instructions and blockhash are one to a chain, which
    /// runs it once; whoever means to do the same twice within a block gives them different numbers: they differ in their compute limits.
    #[must_use]
    pub fn numbered(mut self, number: u32) -> Self {
        self.number = number % NUMBERS;
        self
    }

    /// The same with others who sign too.
    #[must_use]
    pub fn with(mut self, others: &[&'a Keypair]) -> Self {
        self.others.extend(others.iter().filter(|other| other.pubkey() != self.payer.pubkey()));
        self
    }

    fn signed(&self, instructions: &[Instruction]) -> Result<(Transaction, u64)> {
        let recent = self.chain.blockhash()?;
        let mut signers = vec![self.payer];
        signers.extend(&self.others);
        let mut transaction = Transaction::new_unsigned(Message::new(instructions, Some(&self.payer.pubkey())));
        transaction
            .try_sign(&signers, recent.hash)
            .map_err(|error| Failure::Missing(format!("the transaction cannot be signed with the keys given: {error}")))?;
        Ok((transaction, recent.last_valid_height))
    }

    /// Simulates the instructions and sets limits by what that says.
    ///
    /// # Errors
    /// `Refused` where the chain would refuse them; those of the chain.
    pub fn prepare(&self, instructions: &[Instruction], watched: &[Address]) -> Result<Prepared> {
        let mut trial = vec![ComputeBudgetInstruction::set_compute_unit_limit(MOST_UNITS)];
        trial.extend_from_slice(instructions);
        let (transaction, _) = self.signed(&trial)?;
        let simulated = self.chain.simulate(&transaction, watched)?;
        if let Some(refusal) = simulated.refusal {
            return Err(Failure::Refused(refusal));
        }
        let enough = simulated.units.saturating_add(simulated.units / 10).saturating_add(SPARE_UNITS);
        let enough = enough.saturating_add(u64::from(self.number)).min(u64::from(MOST_UNITS - NUMBERS + self.number));
        let units = u32::try_from(enough).unwrap_or(MOST_UNITS);
        let micro_lamports = self.micro_lamports(&transaction)?;
        let mut limited = vec![ComputeBudgetInstruction::set_compute_unit_limit(units)];
        if micro_lamports > 0 {
            limited.push(ComputeBudgetInstruction::set_compute_unit_price(micro_lamports));
        }
        limited.extend_from_slice(instructions);
        Ok(Prepared { instructions: limited, simulated, units, micro_lamports })
    }

    fn micro_lamports(&self, transaction: &Transaction) -> Result<u64> {
        match self.priority {
            Priority::Fixed(fee) => Ok(fee),
            Priority::Recent { at_most } => {
                let written: Vec<Address> = writable(&transaction.message).collect();
                Ok(self.chain.recent_priority_fee(&written)?.min(at_most))
            }
        }
    }

    /// Prepares the instructions, sends them and waits until they have landed.
    ///
    /// # Errors
    /// `Refused` where the chain refuses them, before or after sending; `Expired` where they never landed; those of the chain.
    pub fn send(&self, instructions: &[Instruction]) -> Result<Landed> {
        self.send_prepared(&self.prepare(instructions, &[])?)
    }

    /// Sends what was prepared and waits until it has landed, with a new blockhash where one expires.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn send_prepared(&self, prepared: &Prepared) -> Result<Landed> {
        let mut expired = Signature::default();
        for _ in 0..self.attempts {
            let (transaction, last_valid_height) = self.signed(&prepared.instructions)?;
            match self.see_through(&transaction, last_valid_height) {
                Err(Failure::Expired(signature)) => expired = signature,
                seen => return seen,
            }
        }
        Err(Failure::Expired(expired))
    }

    /// Sends one signed transaction until it lands or cannot any more. A node that does not answer is asked again until then: what was
    /// sent may have landed.
    fn see_through(&self, transaction: &Transaction, last_valid_height: u64) -> Result<Landed> {
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        let mut unreachable = 0;
        for poll in 0.. {
            if poll % RESEND_EVERY == 0 {
                match self.chain.submit(transaction) {
                    Ok(_) | Err(Failure::Unavailable(_)) => (),
                    Err(refused) => return Err(refused),
                }
            }
            match self.look(&signature, last_valid_height) {
                Ok(Some(landed)) => return landed.refusal.clone().map_or(Ok(landed), |refusal| Err(Failure::Refused(refusal))),
                Ok(None) => unreachable = 0,
                Err(Failure::Unavailable(why)) if unreachable >= MOST_UNREACHABLE => return Err(Failure::Unavailable(why)),
                Err(Failure::Unavailable(_)) => unreachable += 1,
                Err(failure) => return Err(failure),
            }
            std::thread::sleep(POLL);
        }
        Err(Failure::Expired(signature))
    }

    /// The transaction, once it is confirmed. The height is read first: what has not landed below it never will.
    fn look(&self, signature: &Signature, last_valid_height: u64) -> Result<Option<Landed>> {
        let height = self.chain.block_height()?;
        let status = self.chain.statuses(&[*signature])?.pop().flatten();
        match status {
            Some(status) if status.confirmed => self.chain.landed(signature),
            Some(_) => Ok(None),
            None if height > last_valid_height => Err(Failure::Expired(*signature)),
            None => Ok(None),
        }
    }
}
