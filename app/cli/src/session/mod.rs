//! One run of the command against a chain: where, as whom, which market; and how a transaction is shown, confirmed and seen through.

mod answer;
mod carry_out;
mod config;
mod duration;
mod effects;
mod governed;
mod options;
pub mod refused;
pub mod stop;
pub mod words;

pub use answer::{table, Answer};
pub use carry_out::{spinner, Done, Plan};
pub use config::SolanaConfig;
pub use duration::duration;
pub use effects::{leverage, side_name, Watched};
pub use governed::somebody;
pub use options::Options;

use anyhow::{bail, Context, Result};
use perps::chain::{Chain, Which};
use perps::client::addresses::associated_tokens;
use perps::client::{accounts, MarketKeys};
use perps::keypair;
use perps::rpc::RpcChain;
use perps::transaction::{Priority, Sender};
use perps::view::{MarketView, PositionView};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::cell::OnceCell;

/// Where, as whom and how a command runs.
pub struct Session {
    /// As it was asked.
    pub options: Options,
    /// The chain.
    pub chain: RpcChain,
    config: SolanaConfig,
    signer: OnceCell<Keypair>,
}

impl Session {
    /// Opens the chain that the options and the configuration name. Nothing is asked of it yet.
    ///
    /// # Errors
    /// A configuration that cannot be read.
    pub fn open(options: &Options) -> Result<Self> {
        let config = SolanaConfig::load(options.config.as_deref())?;
        let chain = RpcChain::new(&config.url(options.url.as_deref()));
        Ok(Self { options: options.clone(), chain, config, signer: OnceCell::new() })
    }

    /// The websocket of the chain.
    ///
    /// # Errors
    /// Where nothing follows from the URL.
    pub fn websocket(&self) -> Result<String> {
        self.config.websocket(self.options.ws.as_deref(), &self.chain.url())
    }

    /// The key that signs and pays.
    ///
    /// # Errors
    /// Where its file is missing or no key.
    pub fn signer(&self) -> Result<&Keypair> {
        if let Some(signer) = self.signer.get() {
            return Ok(signer);
        }
        let signer = keypair::read(&self.config.keypair_path(self.options.keypair.as_deref()))?;
        Ok(self.signer.get_or_init(|| signer))
    }

    /// The address of the key that signs and pays.
    ///
    /// # Errors
    /// As `signer`.
    pub fn address(&self) -> Result<Address> {
        Ok(self.signer()?.pubkey())
    }

    /// Whose things are shown: as said, or the signer's.
    ///
    /// # Errors
    /// As `signer`, where nobody is said.
    pub fn owner(&self, said: Option<Address>) -> Result<Address> {
        said.map_or_else(|| self.address(), Ok)
    }

    /// What is paid for being early.
    pub fn priority(&self) -> Priority {
        self.options.priority_fee.map_or_else(Priority::default, Priority::Fixed)
    }

    /// Sends for the signer.
    ///
    /// # Errors
    /// As `signer`.
    pub fn sender(&self) -> Result<Sender<'_>> {
        Ok(Sender::new(&self.chain, self.signer()?).at(self.priority()))
    }

    /// The market that is meant: as said, or the only one there is.
    ///
    /// # Errors
    /// Where there is none, or several and none was said.
    pub fn market_address(&self) -> Result<Address> {
        if let Some(market) = self.options.market {
            return Ok(market);
        }
        let markets =
            self.chain.program_accounts(&Which::markets()).context("the markets cannot be listed; name one with --market")?;
        match markets.as_slice() {
            [] => bail!("there is no market on {}; is --url right?", self.chain.url()),
            [(market, _)] => Ok(*market),
            several => {
                let names: Vec<String> = several.iter().map(|(market, _)| market.to_string()).collect();
                bail!("there are {} markets; name one with --market: {}", names.len(), names.join(", "))
            }
        }
    }

    /// The markets that are meant: the one that was said, or all there are.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn markets(&self) -> Result<Vec<Address>> {
        match self.options.market {
            Some(market) => Ok(vec![market]),
            None => Ok(self.chain.program_accounts(&Which::markets())?.iter().map(|(address, _)| *address).collect()),
        }
    }

    /// The market that is meant, brought up to date.
    ///
    /// # Errors
    /// As `market_address`; those of the chain.
    pub fn market(&self) -> Result<MarketView> {
        Ok(MarketView::read(&self.chain, &self.market_address()?)?)
    }

    /// A position of an owner; none where it has not been created.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn position(&self, market: &MarketView, owner: &Address, sub_account: u16) -> Result<Option<PositionView>> {
        let address = market.keys.position(owner, sub_account);
        let found = self.chain.accounts(&[address])?.pop().flatten();
        let stored = found.map(|account| accounts::position(&account.data)).transpose()?;
        Ok(stored.map(|stored| PositionView::of(market, address, stored)).transpose()?)
    }

    /// What a token account holds, in its smallest unit; nothing where it is not there.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn tokens(&self, address: &Address) -> Result<u64> {
        match self.chain.accounts(&[*address])?.pop().flatten() {
            Some(account) => accounts::token_amount(&account.data),
            None => Ok(0),
        }
    }
}

/// An owner's wrapped BTC.
pub fn bitcoin_of(keys: &MarketKeys, owner: &Address) -> Address {
    associated_tokens(owner, &keys.mint)
}

/// An owner's pool shares.
pub fn shares_of(keys: &MarketKeys, owner: &Address) -> Address {
    associated_tokens(owner, &keys.lp_mint)
}
