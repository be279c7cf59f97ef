//! An owner's withdrawals from the pool, and where they stand.

use super::worth::queued;
use crate::session::words::{span, utc};
use crate::session::Session;
use anyhow::Result;
use inverse_perps::state::Withdrawal;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::decimal::BITCOIN;
use perps::view::MarketView;
use serde_json::{json, Value};
use solana_address::Address;

/// A withdrawal that is queued.
pub struct Request {
    /// Its address.
    pub address: Address,
    /// The account.
    pub account: Withdrawal,
    /// From when on it can be completed, unix time.
    pub from: i64,
    /// Until when, as long as prices keep coming, unix time.
    pub until: i64,
    /// What it would be paid now, or the rule that refuses it.
    pub pays: Result<Sats, Error>,
}

/// The withdrawals of an owner in a market, by their ids.
///
/// # Errors
/// Those of the chain.
pub fn of(session: &Session, market: &MarketView, owner: &Address) -> Result<Vec<Request>> {
    let mut requests = vec![];
    for (address, account) in session.chain.program_accounts(&Which::withdrawals())? {
        let account = accounts::withdrawal(&account.data)?;
        if account.owner != *owner || account.market != market.keys.market {
            continue;
        }
        let state = &account.state;
        let from = state.requested_at.after(state.cool_down)?;
        let stalled = market.state.prices.stalled_until(market.moment.time)?.saturating_sub(state.stalled_seconds);
        let until = from.after(state.window)?.get().saturating_add(i64::try_from(stalled).unwrap_or(i64::MAX));
        let pays = queued(market, state);
        requests.push(Request { address, account, from: from.get(), until, pays });
    }
    requests.sort_by_key(|request| request.account.id);
    Ok(requests)
}

impl Request {
    /// What can be done with it now.
    pub fn state(&self, market: &MarketView) -> String {
        let now = market.moment.time.get();
        let closed = market.state.status() == Status::Closed;
        match self.pays {
            Ok(_) if closed => "can be completed; the market is closed".to_owned(),
            Ok(_) => format!("can be completed for {} more, until {}", span(self.until.saturating_sub(now)), utc(self.until)),
            Err(Error::CoolDownNotOver) => {
                format!(
                    "can be completed in {}, from {} until {}",
                    span(self.from.saturating_sub(now)),
                    utc(self.from),
                    utc(self.until)
                )
            }
            Err(Error::WithdrawalLapsed) => "its window has passed: perps pool cancel, then request anew".to_owned(),
            Err(rule) => format!("refused now: {rule}"),
        }
    }

    /// For people.
    pub fn text(&self, market: &MarketView) -> String {
        let pays = self.pays.map_or(String::new(), |paid| format!(", worth {} BTC now", BITCOIN.exact(paid.get())));
        format!("{} shares{pays}; {}", BITCOIN.exact(self.account.state.shares), self.state(market))
    }

    /// For machines.
    pub fn fields(&self, market: &MarketView) -> Value {
        json!({
            "id": self.account.id,
            "withdrawal": self.address.to_string(),
            "shares": self.account.state.shares,
            "from_unix": self.from,
            "until_unix": self.until,
            "pays_sats": self.pays.ok().map(Sats::get),
            "pays_btc": self.pays.ok().map(|paid| BITCOIN.exact(paid.get())),
            "refused": self.pays.err().map(|rule| format!("{rule:?}")),
            "state": self.state(market),
        })
    }
}
