//! One thing to do: what it is about, what it pays, and the instructions that do it.

mod action;
mod build;
mod verb;

pub use action::{Action, FillQuery};
pub use verb::Verb;

use inverse_perps_engine::units::{Price, Sats};
use perps::client::MarketKeys;
use solana_address::Address;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a task is about. Two tasks of one key are never under way together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// What is done.
    pub verb: Verb,
    /// The account that it is done to.
    pub subject: Address,
}

impl fmt::Display for TaskKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb.name(), self.subject)
    }
}

/// Which market, and the accounts of it and of the keeper that instructions name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The market's addresses.
    pub keys: MarketKeys,
    /// Where its current price is.
    pub price: Address,
    /// The keeper.
    pub keeper: Address,
    /// The keeper's token account of the market's mint.
    pub tokens: Address,
    /// Whether that account is missing and must be created first.
    pub tokens_missing: bool,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// What.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// What the engine says that it pays the keeper, in satoshi.
    pub reward: Sats,
    /// Whether it is done for nothing too.
    pub duty: bool,
    /// The market's price, for comparing fees with rewards; zero where there is none.
    pub mark: Price,
    /// Changes with whatever the decision was made on: a task that has been refused for good is not tried again before.
    pub stamp: u64,
}

/// A number that changes with what it is made of; the same in every run.
pub fn stamp(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Task {
    /// What it is about.
    pub fn key(&self) -> TaskKey {
        let subject = match self.action {
            Action::OpenTokens => self.place.tokens,
            Action::Liquidate(position) | Action::CloseOut(position) | Action::Redeem(position, _) => position,
            Action::Execute { address, .. } | Action::Trigger { address, .. } | Action::Expire { address, .. } => address,
            Action::CloseSettlement { address, .. } | Action::ReturnWithdrawal { address, .. } => address,
            Action::PayOut { position, .. } => position,
            Action::Deleverage | Action::Accrue | Action::Finish(_) => self.place.keys.market,
            Action::DeclareDead | Action::ShowPrice | Action::SettleMarket => self.place.keys.market,
        };
        TaskKey { verb: self.action.verb(), subject }
    }

    /// The position that it is about, if one, for logs.
    pub fn position(&self) -> Option<Address> {
        match self.action {
            Action::Liquidate(position) | Action::CloseOut(position) | Action::Redeem(position, _) => Some(position),
            Action::Execute { order, .. } | Action::Trigger { order, .. } | Action::Expire { order, .. } => {
                Some(order.position)
            }
            Action::PayOut { position, .. } => Some(position),
            _ => None,
        }
    }

    /// The order in which tasks are done: a total one, so that the same tasks are always done in the same order.
    pub fn precedence(&self) -> (u8, std::cmp::Reverse<Sats>, TaskKey) {
        let key = self.key();
        (key.verb.rank(), std::cmp::Reverse(self.reward), key)
    }

    /// Where the fill price is to be looked for, if it needs one.
    pub fn fill_query(&self) -> Option<FillQuery> {
        match self.action {
            Action::Execute { fill, .. } => Some(fill),
            _ => None,
        }
    }

    /// The accounts that it changes and that jobs decide on: read again afterwards.
    pub fn touched(&self) -> Vec<Address> {
        let mut touched = vec![self.place.keys.market, self.key().subject];
        touched.extend(self.position());
        if let Action::Execute { partner, .. } = self.action {
            touched.extend(partner);
        }
        if self.action.is_paid_here() || matches!(self.action, Action::OpenTokens) {
            touched.push(self.place.tokens);
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }
}
