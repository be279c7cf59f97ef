//! What a transaction changes, before and after, out of the accounts that it was simulated with.

use super::{governed, Answer};
use anyhow::Result;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::Direction;
use perps::chain::Chain;
use perps::client::accounts;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS, PRICE, SOL};
use perps::view::{MarketView, Outlook, PositionView};
use serde_json::{json, Value};
use solana_account::Account;
use solana_address::Address;

/// An account whose change is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// A position.
    Position(Address),
    /// Somebody's wrapped BTC.
    Bitcoin(Address),
    /// Somebody's pool shares.
    Shares(Address),
    /// Somebody's SOL: rent is paid and comes back.
    Sol(Address),
    /// Who governs.
    Exchange(Address),
    /// What of a market its governors and donors change.
    Governed(Address),
    /// What waits for the timelock.
    Proposal(Address),
}

impl Watched {
    /// The account.
    pub fn address(&self) -> Address {
        match *self {
            Watched::Position(address) | Watched::Bitcoin(address) | Watched::Shares(address) => address,
            Watched::Sol(address) | Watched::Exchange(address) | Watched::Governed(address) | Watched::Proposal(address) => {
                address
            }
        }
    }

    /// What it comes to: names and texts, the same ones before and after. A position is valued by its market.
    fn read(&self, market: Option<&MarketView>, account: Option<Account>) -> Result<Vec<(&'static str, String)>> {
        let amount = |account: Option<Account>| account.map_or(Ok(0), |account| accounts::token_amount(&account.data));
        Ok(match self {
            Watched::Bitcoin(_) => vec![("wallet BTC", BITCOIN.exact(amount(account)?))],
            Watched::Shares(_) => vec![("pool shares", BITCOIN.exact(amount(account)?))],
            Watched::Sol(_) => vec![("wallet SOL", SOL.exact(account.map_or(0, |account| account.lamports)))],
            Watched::Exchange(_) => governed::exchange(account)?,
            Watched::Governed(_) => governed::market(account)?,
            Watched::Proposal(_) => governed::proposal(account)?,
            Watched::Position(address) => match (account, market) {
                (None, _) | (_, None) => vec![("position", "none".to_owned())],
                (Some(account), Some(market)) => {
                    position(&PositionView::of(market, *address, accounts::position(&account.data)?)?)
                }
            },
        })
    }
}

fn position(view: &PositionView) -> Vec<(&'static str, String)> {
    let mut rows = match &view.outlook {
        None => vec![("position", "flat".to_owned())],
        Some(open) => vec![
            ("position", format!("{} {} USD", side_name(open.direction), DOLLARS.short(open.notional.get()))),
            ("entry price", open.entry_price.map_or("none".to_owned(), |price| PRICE.short(price.get()))),
            ("liquidation price", threshold(&open.liquidation)),
            ("equity BTC", signed_bitcoin(open.equity_sats)),
            ("leverage", leverage(open)),
        ],
    };
    rows.insert(1, ("margin BTC", BITCOIN.exact(view.state.margin.get())));
    rows.push(("open orders", view.state.open_orders.to_string()));
    rows
}

/// Long or short.
pub fn side_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Long => "long",
        Direction::Short => "short",
    }
}

/// A price where something happens.
pub fn threshold(threshold: &Threshold) -> String {
    match threshold {
        Threshold::Never => "never".to_owned(),
        Threshold::Always => "at every price".to_owned(),
        Threshold::At(price) => PRICE.short(price.get()),
    }
}

/// Value over equity, to two decimals, rounded up; none where nothing is left.
pub fn leverage(open: &Outlook) -> String {
    let Ok(equity) = u128::try_from(open.equity_sats) else { return "none".to_owned() };
    let hundredths = u128::from(open.value.get()).saturating_mul(100);
    match hundredths.checked_add(equity.saturating_sub(1)).and_then(|sum| sum.checked_div(equity)) {
        Some(ratio) => format!("{}.{:02}", ratio / 100, ratio % 100),
        None => "none".to_owned(),
    }
}

/// Everything watched, before and after.
pub struct Effects(Vec<Effect>);

struct Effect {
    label: &'static str,
    before: Option<String>,
    after: Option<String>,
}

impl Effects {
    /// The addresses to simulate with: the market comes first, where there is one.
    pub fn addresses(market: Option<&MarketView>, watched: &[Watched]) -> Vec<Address> {
        market.map(|market| market.keys.market).into_iter().chain(watched.iter().map(Watched::address)).collect()
    }

    /// Compares what is on the chain with what a simulation left, in the order of `addresses`.
    ///
    /// # Errors
    /// Those of the chain, and accounts that cannot be read.
    pub fn of(
        chain: &dyn Chain,
        market: Option<&MarketView>,
        watched: &[Watched],
        simulated: &[Option<Account>],
    ) -> Result<Self> {
        let addresses: Vec<Address> = watched.iter().map(Watched::address).collect();
        let before = chain.accounts(&addresses)?;
        let mut simulated = simulated.iter();
        let later = match market {
            None => None,
            Some(market) => Some(match simulated.next().cloned().flatten() {
                Some(account) => after(market, accounts::market(&account.data)?),
                None => market.clone(),
            }),
        };
        let mut effects = vec![];
        for ((watched, before), after) in watched.iter().zip(before).zip(simulated) {
            let (before, after) = (watched.read(market, before)?, watched.read(later.as_ref(), after.clone())?);
            let named = |rows: &[(&'static str, String)], label: &str| {
                rows.iter().find(|(name, _)| *name == label).map(|(_, text)| text.clone())
            };
            let new = after.iter().filter(|(label, _)| named(&before, label).is_none());
            let labels: Vec<&'static str> = before.iter().chain(new).map(|(label, _)| *label).collect();
            effects.extend(labels.into_iter().map(|label| Effect {
                label,
                before: named(&before, label),
                after: named(&after, label),
            }));
        }
        Ok(Self(effects))
    }

    /// Adds what changes to an answer.
    pub fn tell(&self, answer: &mut Answer) {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let changes = self.0.iter().filter(|effect| effect.before != effect.after);
        for effect in changes.clone() {
            answer.row(effect.label, format!("{} -> {}", text(&effect.before), text(&effect.after)));
        }
        let list: Vec<Value> =
            changes.map(|effect| json!({ "what": effect.label, "before": effect.before, "after": effect.after })).collect();
        answer.field("effects", list);
    }
}

/// The market after a transaction, valued as it was valued before it.
fn after(before: &MarketView, stored: inverse_perps::state::Market) -> MarketView {
    let mut later = before.clone();
    later.stored = stored;
    later.state = stored.state;
    later
}
