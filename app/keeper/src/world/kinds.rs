//! What an account of the program is.

use anchor_lang::Discriminator;
use inverse_perps::state::{Market, Order, Position, Settlement, Withdrawal};
use perps::client::accounts;
use perps::client::addresses::program;
use solana_account::Account;
use std::fmt;

/// An account that jobs decide on.
#[derive(Clone)]
pub enum Known {
    /// A market.
    Market(Box<Market>),
    /// A position.
    Position(Box<Position>),
    /// An order.
    Order(Box<Order>),
    /// A request to withdraw from a pool.
    Withdrawal(Box<Withdrawal>),
    /// The outcome of a settlement.
    Settlement(Box<Settlement>),
}

/// An account with the mark of a kind, and bytes that are none of it.
#[derive(Debug)]
pub struct Undecodable(String);

impl fmt::Display for Undecodable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

/// What an account is; none for one that is of another program, empty, or of no kind that jobs decide on.
///
/// # Errors
/// `Undecodable`.
pub fn read(account: &Account) -> Result<Option<Known>, Undecodable> {
    if account.owner != program() || account.lamports == 0 {
        return Ok(None);
    }
    let data = account.data.as_slice();
    let known = if data.starts_with(Market::DISCRIMINATOR) {
        accounts::market(data).map(|market| Known::Market(Box::new(market)))
    } else if data.starts_with(Position::DISCRIMINATOR) {
        accounts::position(data).map(|position| Known::Position(Box::new(position)))
    } else if data.starts_with(Order::DISCRIMINATOR) {
        accounts::order(data).map(|order| Known::Order(Box::new(order)))
    } else if data.starts_with(Withdrawal::DISCRIMINATOR) {
        accounts::withdrawal(data).map(|withdrawal| Known::Withdrawal(Box::new(withdrawal)))
    } else if data.starts_with(Settlement::DISCRIMINATOR) {
        accounts::settlement(data).map(|settlement| Known::Settlement(Box::new(settlement)))
    } else {
        return Ok(None);
    };
    known.map(Some).map_err(|error| Undecodable(format!("{error:#}")))
}
