//! The steps. Each looks at the chain and says how it stands; none remembers anything.

mod exchange;
mod insurance;
mod market;
mod pool;
mod schema;

use crate::deployment::{Deployment, Role};
use perps::chain::{Chain, Failure};
use solana_address::Address;
use solana_instruction::Instruction;

/// A step of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Creates the exchange.
    Exchange,
    /// Creates the market.
    Market,
    /// Makes the first deposit to the pool.
    Pool,
    /// Fills insurance up.
    Insurance,
    /// Brings accounts to the layouts of this program.
    Schema,
}

/// How a step stands.
#[derive(Clone, Debug)]
pub enum Standing {
    /// There is nothing to do; what there is, in sentences without an end.
    Done(Vec<String>),
    /// This is to be done.
    Due(Work),
    /// It cannot be done; why, and what to do about it.
    Blocked(String),
}

/// What a step would do.
#[derive(Clone, Debug)]
pub struct Work {
    /// In words.
    pub what: String,
    /// What is good to know before signing.
    pub facts: Vec<String>,
    /// Whose signature it needs.
    pub role: Role,
    /// Who that is; he pays too.
    pub signer: Address,
    /// The instructions of its transaction.
    pub instructions: Vec<Instruction>,
    /// A step that must come first and is not done yet.
    pub after: Option<Step>,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Step; 5] = [Step::Exchange, Step::Market, Step::Pool, Step::Insurance, Step::Schema];

    /// Its number, from one.
    pub fn number(self) -> u8 {
        match self {
            Step::Exchange => 1,
            Step::Market => 2,
            Step::Pool => 3,
            Step::Insurance => 4,
            Step::Schema => 5,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Step::Exchange => "exchange",
            Step::Market => "market",
            Step::Pool => "pool",
            Step::Insurance => "insurance",
            Step::Schema => "schema",
        }
    }

    /// How it stands on the chain as it is.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn look(self, chain: &dyn Chain, deployment: &Deployment) -> Result<Standing, Failure> {
        match self {
            Step::Exchange => exchange::look(chain, &deployment.exchange),
            Step::Market => market::look(chain, deployment),
            Step::Pool => pool::look(chain, deployment),
            Step::Insurance => insurance::look(chain, deployment),
            Step::Schema => schema::look(chain),
        }
    }
}

impl Standing {
    fn done(fact: impl Into<String>) -> Self {
        Standing::Done(vec![fact.into()])
    }

    /// Its name for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Standing::Done(_) => "done",
            Standing::Due(_) => "due",
            Standing::Blocked(_) => "blocked",
        }
    }

    /// Its name for people.
    pub fn words(&self) -> &'static str {
        match self {
            Standing::Done(_) => "done",
            Standing::Due(_) => "would do",
            Standing::Blocked(_) => "cannot",
        }
    }

    /// Whether it cannot be done.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Standing::Blocked(_))
    }
}

/// What a seeder has in his associated token account, and why that is not enough, if so.
fn shortage(chain: &dyn Chain, source: Address, seeder: &Address, needed: u64) -> Result<Option<String>, Failure> {
    use perps::client::accounts::token_amount;
    use perps::decimal::BITCOIN;
    let Some(account) = chain.accounts(&[source])?.pop().flatten() else {
        return Ok(Some(format!(
            "the seeder {seeder} has no associated token account {source} to give {} BTC from",
            BITCOIN.short(needed)
        )));
    };
    let held = token_amount(&account.data).map_err(|error| Failure::Missing(format!("{source}: {error:#}")))?;
    let short = held < needed;
    Ok(short.then(|| format!("the seeder {seeder} has {} of {} BTC in {source}", BITCOIN.short(held), BITCOIN.short(needed))))
}
