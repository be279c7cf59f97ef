//! Whose position a command is about, and whether the signer may trade for it.

use super::bound::btc;
use crate::session::{bitcoin_of, Session};
use anyhow::{bail, Context, Result};
use clap::Args;
use inverse_perps::state::Position;
use inverse_perps_engine::position::Position as State;
use inverse_perps_engine::units::Sats;
use perps::chain::Chain;
use perps::client::accounts;
use perps::view::{MarketView, PositionView};
use solana_address::Address;

/// Whose position.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Whose {
    /// Owner of the position; somebody else's takes being his delegate to trade for [default: the signer]
    #[arg(long, value_name = "ADDRESS")]
    pub owner: Option<Address>,
    /// Which of the owner's positions in the market
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub sub_account: u16,
}

/// A position in its market, which may not have been created yet.
pub struct Held {
    /// The market.
    pub market: MarketView,
    /// The position's address.
    pub address: Address,
    /// Its owner.
    pub owner: Address,
    /// Which one of his.
    pub sub_account: u16,
    /// The account; none where it has not been created.
    pub stored: Option<Position>,
}

impl Whose {
    /// Reads the market and the position.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn find(&self, session: &Session) -> Result<Held> {
        let owner = session.owner(self.owner)?;
        let market = session.market()?;
        let address = market.keys.position(&owner, self.sub_account);
        let found = session.chain.accounts(&[address])?.pop().flatten();
        let stored = found.map(|account| accounts::position(&account.data)).transpose()?;
        Ok(Held { market, address, owner, sub_account: self.sub_account, stored })
    }
}

impl Held {
    /// The position.
    ///
    /// # Errors
    /// Where it has not been created.
    pub fn existing(&self) -> Result<PositionView> {
        let stored = self.stored.with_context(|| {
            format!(
                "{} has no position account {} in market {}; perps position open or deposit creates one",
                self.owner, self.sub_account, self.market.keys.market
            )
        })?;
        Ok(PositionView::of(&self.market, self.address, stored)?)
    }

    /// The position, or as it will be created.
    pub fn or_new(&self) -> Position {
        self.stored.unwrap_or_else(|| new_position(&self.market, self.owner, self.sub_account))
    }

    /// That the signer may trade for it: as its owner, who may also create it, or as the delegate.
    ///
    /// # Errors
    /// Where he may not.
    pub fn ensure_trades(&self, signer: &Address) -> Result<()> {
        match self.stored {
            _ if *signer == self.owner => Ok(()),
            None => bail!("{} has no such position account, and only he can create one", self.owner),
            Some(stored) if stored.delegate == *signer => Ok(()),
            Some(_) => bail!(
                "{signer} is neither the owner {} nor his delegate; he can appoint one with perps position delegate set",
                self.owner
            ),
        }
    }
}

/// A position account as the program creates it, but for its bump, which nothing here asks for.
pub fn new_position(market: &MarketView, owner: Address, sub_account: u16) -> Position {
    Position {
        sub_account,
        version: Position::VERSION,
        bump: 0,
        reserved_bytes: [0; 4],
        market: market.keys.market,
        owner,
        delegate: Address::default(),
        state: State::default(),
    }
}

/// That the signer's associated token account holds so much wrapped BTC.
///
/// # Errors
/// Where it does not, with what is missing; those of the chain.
pub fn ensure_wallet(session: &Session, market: &MarketView, needed: Sats) -> Result<()> {
    let wallet = bitcoin_of(&market.keys, &session.address()?);
    let held = Sats::new(session.tokens(&wallet)?);
    match needed.minus(held) {
        Ok(missing) if !missing.is_zero() => bail!(
            "{} are needed and your token account {wallet} holds {}: {} are missing; send them there, of mint {}",
            btc(needed),
            btc(held),
            btc(missing),
            market.keys.mint
        ),
        _ => Ok(()),
    }
}
