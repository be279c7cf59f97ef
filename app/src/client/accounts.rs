//! Accounts as the program stores them.

use anchor_lang::AccountDeserialize;
use anyhow::{ensure, Context, Result};
use inverse_perps::state::{Exchange, Market, Order, PendingUpdate, Position, Settlement, Withdrawal};

/// The bytes, if there are as many as the account has: Anchor reads what is longer or shorter by panicking.
fn sized(data: &[u8], bytes: usize) -> Result<&[u8]> {
    ensure!(data.len() == bytes, "this account has {} bytes, not {bytes}", data.len());
    Ok(data)
}

/// A market out of an account's bytes.
///
/// # Errors
/// Where the bytes are not a market's.
pub fn market(data: &[u8]) -> Result<Market> {
    Market::try_deserialize(&mut sized(data, Market::SPACE)?).context("this account is not a market of the program")
}

/// A position out of an account's bytes.
///
/// # Errors
/// Where the bytes are not a position's.
pub fn position(data: &[u8]) -> Result<Position> {
    Position::try_deserialize(&mut sized(data, Position::SPACE)?).context("this account is not a position of the program")
}

/// An order out of an account's bytes.
///
/// # Errors
/// Where the bytes are not an order's.
pub fn order(data: &[u8]) -> Result<Order> {
    Order::try_deserialize(&mut sized(data, Order::SPACE)?).context("this account is not an order of the program")
}

/// A settlement out of an account's bytes.
///
/// # Errors
/// Where the bytes are not a settlement's.
pub fn settlement(data: &[u8]) -> Result<Settlement> {
    Settlement::try_deserialize(&mut sized(data, Settlement::SPACE)?).context("this account is not a settlement of the program")
}

/// A withdrawal out of an account's bytes.
///
/// # Errors
/// Where the bytes are not a withdrawal's.
pub fn withdrawal(data: &[u8]) -> Result<Withdrawal> {
    Withdrawal::try_deserialize(&mut sized(data, Withdrawal::SPACE)?).context("this account is not a withdrawal of the program")
}

/// A proposal out of an account's bytes.
///
/// # Errors
/// Where the bytes are not a proposal's.
pub fn pending_update(data: &[u8]) -> Result<PendingUpdate> {
    PendingUpdate::try_deserialize(&mut sized(data, PendingUpdate::SPACE)?)
        .context("this account is not a proposal of the program")
}

/// The exchange out of an account's bytes.
///
/// # Errors
/// Where the bytes are not the exchange's.
pub fn exchange(data: &[u8]) -> Result<Exchange> {
    Exchange::try_deserialize(&mut &data[..]).context("this account is not the program's exchange")
}

/// The amount in a token account.
///
/// # Errors
/// Where the bytes are too few for one.
pub fn token_amount(data: &[u8]) -> Result<u64> {
    let amount = data.get(64..).and_then(|rest| rest.first_chunk::<8>()).context("this account is not a token account")?;
    Ok(u64::from_le_bytes(*amount))
}

/// The supply of a mint.
///
/// # Errors
/// Where the bytes are too few for one.
pub fn mint_supply(data: &[u8]) -> Result<u64> {
    let supply = data.get(36..).and_then(|rest| rest.first_chunk::<8>()).context("this account is not a mint")?;
    Ok(u64::from_le_bytes(*supply))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::Discriminator;

    #[test]
    fn bytes_of_another_length_or_kind_are_refused_and_nothing_panics() {
        let bytes = |discriminator: &[u8], length| {
            let mut data = discriminator.to_vec();
            data.resize(length, 0);
            data
        };
        for length in [0, 7, 8, 9, Position::SPACE - 1, Position::SPACE + 1] {
            assert!(position(&bytes(Position::DISCRIMINATOR, length)).is_err(), "{length} bytes");
        }
        assert!(position(&bytes(Position::DISCRIMINATOR, Position::SPACE)).is_ok());
        assert!(position(&bytes(Order::DISCRIMINATOR, Position::SPACE)).is_err());
        assert!(market(&bytes(Market::DISCRIMINATOR, Position::SPACE)).is_err());
        assert!(exchange(&bytes(Exchange::DISCRIMINATOR, 9)).is_err());
    }
}
