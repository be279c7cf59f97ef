//! What there is to be.

use inverse_perps::instructions::InitializeExchangeArgs;
use inverse_perps_engine::units::{Sats, Seconds};
use perps::deployment::NewMarket;
use solana_address::Address;
use std::fmt;
use std::str::FromStr;

/// A deployment: the exchange, a market, and what pool and insurance begin with.
#[derive(Clone, Copy, Debug)]
pub struct Deployment {
    /// The exchange.
    pub exchange: Exchange,
    /// The market.
    pub market: NewMarket,
    /// What the pool begins with; none leaves it empty.
    pub pool: Option<Seed>,
    /// What insurance is filled up to; none leaves it as it is.
    pub insurance: Option<Seed>,
}

/// Who governs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The program's upgrade authority, which alone can create the exchange.
    pub authority: Address,
    /// Creates markets.
    pub admin: Address,
    /// Can pause what adds risk.
    pub guardian: Address,
    /// Owner of the token accounts that protocol fees are paid to; never changes.
    pub fee_recipient: Address,
    /// How long a change of parameters waits; never changes.
    pub timelock: Seconds,
}

impl From<&Exchange> for InitializeExchangeArgs {
    fn from(exchange: &Exchange) -> Self {
        Self {
            admin: exchange.admin,
            guardian: exchange.guardian,
            fee_recipient: exchange.fee_recipient,
            timelock_seconds: exchange.timelock.get(),
        }
    }
}

/// Wrapped BTC out of somebody's associated token account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Who gives it.
    pub seeder: Address,
    /// How much.
    pub amount: Sats,
}

/// Whose signature a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The program's upgrade authority.
    Authority,
    /// The exchange's admin.
    Admin,
    /// Who gives what pool and insurance begin with.
    Seeder,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Authority, Role::Admin, Role::Seeder];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Role::Authority => "authority",
            Role::Admin => "admin",
            Role::Seeder => "seeder",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Role::ALL.into_iter().find(|role| role.name() == text);
        known.ok_or_else(|| format!("'{text}' is no role; the roles are authority, admin and seeder"))
    }
}
