//! A market as the next instruction would find it.

use crate::chain::{moment, Chain, Failure, Result, CLOCK};
use crate::client::addresses::MarketKeys;
use crate::client::{accounts, pyth};
use anchor_lang::prelude::AccountInfo;
use inverse_perps::state::{Market, OracleSource};
use inverse_perps_engine::actions::Synced;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::funding::Rates;
use inverse_perps_engine::market::{Market as State, Marks};
use inverse_perps_engine::oracle::{Moment, PriceUse, Quote, RawUpdate};
use inverse_perps_engine::reserve::requirement;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Notional, Price, Sats, UnixTime};
use solana_account::Account;
use solana_address::Address;

/// Where a market's present price is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceSource(pub Address);

impl PriceSource {
    /// The account that a market's oracle source keeps up to date: the push oracle's sponsored account of a feed, or the legacy account.
    pub fn of(market: &Market) -> Self {
        match market.oracle_source() {
            OracleSource::PythPull { feed_id } => Self(pyth::feed_account(&feed_id, 0)),
            OracleSource::PythLegacy { price_account } => Self(price_account),
        }
    }
}

/// One side of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideView {
    /// Open interest.
    pub notional: Notional,
    /// Positions.
    pub positions: u64,
    /// Unrealised profit of all of them together, satoshi, rounded up.
    pub profit_sats: i64,
    /// Funding and borrow fee that it pays, parts per billion of its value a day; negative is received.
    pub pays_ppb_a_day: i64,
}

/// A market, stored and brought up to date.
#[derive(Clone)]
pub struct MarketView {
    /// Its addresses.
    pub keys: MarketKeys,
    /// The account as stored.
    pub stored: Market,
    /// The engine's state, accrued and deleveraged as the next sync would leave it; as stored where no price can be used.
    pub state: State,
    /// The price account that was read.
    pub price_account: Address,
    /// What it says.
    pub update: Option<RawUpdate>,
    /// What the sync came to, or the rule that refuses the price.
    pub synced: std::result::Result<Synced, Error>,
    /// The Clock.
    pub moment: Moment,
}

impl MarketView {
    /// Reads a market, its price account and the Clock, and brings a copy up to date.
    ///
    /// # Errors
    /// `Missing` where the market is not there; those of the chain.
    pub fn read(chain: &dyn Chain, address: &Address) -> Result<Self> {
        let stored = chain.market(address)?;
        let source = PriceSource::of(&stored).0;
        let mut found = chain.accounts(&[*address, source, CLOCK])?.into_iter();
        let mut next = || found.next().flatten();
        let (market, price, clock) = (next(), next(), next());
        let market = market.ok_or_else(|| Failure::Missing(format!("there is no market {address} on this chain")))?;
        let clock = clock.ok_or_else(|| Failure::Missing("the chain has no Clock".to_owned()))?;
        let stored = accounts::market(&market.data).map_err(Failure::missing)?;
        Ok(Self::of(stored, source, price, moment(&clock.data)?))
    }

    /// Of accounts read before.
    pub fn of(stored: Market, price_account: Address, price: Option<Account>, moment: Moment) -> Self {
        let update = price.and_then(|account| update(&stored, &price_account, account));
        let mut state = stored.state;
        // Without an account the stored price is judged by itself: an update of no time is never newer.
        let nothing = RawUpdate { price: 1, confidence: 0, ema: 1, exponent: -8, publish_time: UnixTime::new(0) };
        let synced = state.sync(&update.unwrap_or(nothing), PriceUse::Upkeep, moment);
        if synced.is_err() {
            state = stored.state;
        }
        let keys = MarketKeys::find(stored.mint, stored.index);
        Self { keys, stored, state, price_account, update, synced, moment }
    }

    /// The quote to trade at: what the sync left, else the price accepted last without a spread; none before the first.
    pub fn quote(&self) -> Option<Quote> {
        match self.synced {
            Ok(synced) => Some(synced.marks.quote),
            Err(_) => Some(self.state.prices.price).filter(|price| !price.is_zero()).map(Quote::at),
        }
    }

    /// The price that health is judged at.
    pub fn mark(&self) -> Option<Price> {
        self.quote().map(|quote| quote.price)
    }

    /// Both sides at the price that an instant action of this kind would be judged at, the recent range included.
    ///
    /// # Errors
    /// The rule that refuses the price for it.
    pub fn marks_for(&self, usage: PriceUse) -> std::result::Result<Marks, Error> {
        self.synced?.trading()?;
        self.state.marks(self.state.prices.quote(usage, self.moment, &self.state.params)?)
    }

    /// Both sides at the mark; none before the first price.
    ///
    /// # Errors
    /// `Missing` with the engine's rule, which would be a bug.
    pub fn marks(&self) -> Result<Option<Marks>> {
        self.quote().map(|quote| self.state.marks(quote).map_err(Failure::missing)).transpose()
    }

    /// What the sides pay a day as the market stands; nothing before the first price.
    ///
    /// # Errors
    /// As `marks`.
    pub fn rates(&self) -> Result<Rates> {
        let Some(marks) = self.marks()? else { return Ok(Rates::default()) };
        let free_pool = self.state.free_pool().map_err(Failure::missing)?;
        self.state.rates(&marks, free_pool).map_err(Failure::missing)
    }

    /// One side.
    ///
    /// # Errors
    /// As `marks`.
    pub fn side(&self, direction: Direction) -> Result<SideView> {
        let (rates, side) = (self.rates()?, self.state.side(direction));
        let (figures, pays) = match (self.marks()?, direction) {
            (None, _) => (None, 0),
            (Some(marks), Direction::Long) => (Some(marks.long), rates.long.get()),
            (Some(marks), Direction::Short) => (Some(marks.short), rates.short.get()),
        };
        let profit = figures.map_or(Ok(0), |figures| figures.profit()).map_err(Failure::missing)?;
        let notional = side.notional().map_err(Failure::missing)?;
        Ok(SideView { notional, positions: side.positions, profit_sats: profit, pays_ppb_a_day: pays })
    }

    /// What the pool must be able to pay, in satoshi; nothing before the first price (design, section 5).
    ///
    /// # Errors
    /// As `marks`.
    pub fn requirement(&self) -> Result<Sats> {
        let Some(marks) = self.marks()? else { return Ok(Sats::ZERO) };
        requirement(&self.state.params, &marks.long, &marks.short, marks.quote.price).map_err(Failure::missing)
    }

    /// What the pool is worth to who deposits, in satoshi, at the mark; negative where it owes more than it has.
    ///
    /// # Errors
    /// As `marks`.
    pub fn pool_equity_sats(&self) -> Result<i64> {
        let Some(marks) = self.marks()? else { return self.pool_sats() };
        let equity = self.state.pool_equity(&marks, marks.quote.price).map_err(Failure::missing)?;
        Ok(equity.get())
    }

    fn pool_sats(&self) -> Result<i64> {
        Ok(self.state.ledger.pool.signed().map_err(Failure::missing)?.get())
    }
}

/// What a price account says to this market, by the program's own reading; none where it is none of the market's.
fn update(market: &Market, address: &Address, account: Account) -> Option<RawUpdate> {
    let Account { mut lamports, mut data, owner, .. } = account;
    let info = AccountInfo::new(address, false, false, &mut lamports, &mut data, &owner, false);
    inverse_perps::oracle::read(market.oracle_kind, &market.oracle, &info).ok()
}
