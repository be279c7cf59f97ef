//! `perps position list`.

use super::summary::{health, health_name, in_micro_usd, liquidation};
use crate::commands::quote::fixed;
use crate::session::words::{cents, distance, ends, signed_distance, threshold_field};
use crate::session::{leverage, side_name, table, Session};
use anyhow::Result;
use clap::Args;
use inverse_perps::state::Position;
use inverse_perps_engine::liquidation::Threshold;
use perps::chain::{Chain, Which};
use perps::client::accounts;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS};
use perps::view::{MarketView, Outlook, PositionView};
use serde_json::{json, Value};
use solana_address::Address;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Distance is how far the price must move until the position can be liquidated; the nearest come first with --all.

Examples:
  perps position list
  perps position list --all --limit 20
  perps position list --json";

/// Whose positions.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Whose, in every market unless --market names one [default: the signer's]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "all")]
    owner: Option<Address>,
    /// All open positions of the market, the nearest to liquidation first
    #[arg(long)]
    all: bool,
    /// How many to show
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
}

/// A position with its market.
pub struct Listed<'a> {
    /// The market.
    pub market: &'a MarketView,
    /// The position.
    pub position: PositionView,
    /// Where it is liquidated; none when flat.
    pub liquidation: Option<Threshold>,
}

/// Lists positions.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let which = match arguments.all {
        true => Which::positions_in(session.market_address()?),
        false => Which::positions_of(session.owner(arguments.owner)?),
    };
    let mut found = vec![];
    for (address, account) in session.chain.program_accounts(&which)? {
        found.push((address, accounts::position(&account.data)?));
    }
    let chosen = session.options.market.filter(|_| !arguments.all);
    found.retain(|(_, stored)| chosen.is_none_or(|market| stored.market == market));
    let markets = markets(session, &found)?;
    let mut listed = vec![];
    for (address, stored) in found {
        let Some(market) = markets.get(&stored.market) else { continue };
        listed.push(Listed::of(market, address, stored)?);
    }
    if arguments.all {
        listed.retain(|one| one.position.outlook.is_some());
        listed.sort_by_key(Listed::nearness);
    } else {
        listed.sort_by_key(|one| (one.position.stored.market, one.position.stored.sub_account));
    }
    let count = listed.len();
    listed.truncate(arguments.limit);
    if session.options.json {
        let list = listed.iter().map(Listed::fields).collect::<Result<Vec<Value>>>()?;
        writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "count": count, "positions": list }))?)?;
        return Ok(());
    }
    if listed.is_empty() {
        writeln!(out, "There is no position; perps position open opens one.")?;
        return Ok(());
    }
    let lines = listed.iter().map(|one| one.line(arguments.all)).collect::<Result<Vec<_>>>()?;
    let who = if arguments.all { "OWNER" } else { "SUB" };
    let head =
        ["POSITION", who, "SIDE", "USD", "ENTRY", "MARGIN BTC", "RESULT BTC", "LEVERAGE", "LIQUIDATION", "DISTANCE", "HEALTH"];
    table(&head, &lines, out)?;
    if count > listed.len() {
        writeln!(out, "{} more; --limit shows them", count.saturating_sub(listed.len()))?;
    }
    Ok(())
}

fn markets(session: &Session, positions: &[(Address, Position)]) -> Result<BTreeMap<Address, MarketView>> {
    let addresses: BTreeSet<Address> = positions.iter().map(|(_, stored)| stored.market).collect();
    addresses.into_iter().map(|address| Ok((address, MarketView::read(&session.chain, &address)?))).collect()
}

impl<'a> Listed<'a> {
    /// Of an account of the market.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn of(market: &'a MarketView, address: Address, stored: Position) -> Result<Self> {
        let position = PositionView::of(market, address, stored)?;
        let liquidation = position.outlook.as_ref().map(|open| liquidation(market, &position, open)).transpose()?;
        Ok(Self { market, position, liquidation })
    }

    /// How far the price must move, in parts per billion; what never is liquidated comes last.
    fn nearness(&self) -> i128 {
        let Some(open) = &self.position.outlook else { return i128::MAX };
        match self.liquidation {
            Some(Threshold::At(_)) | Some(Threshold::Always) if open.liquidatable => i128::MIN,
            Some(Threshold::At(price)) => distance(price, open.mark).map_or(i128::MAX, i128::abs),
            Some(Threshold::Always) => i128::MIN,
            Some(Threshold::Never) | None => i128::MAX,
        }
    }

    fn line(&self, all: bool) -> Result<Vec<String>> {
        let stored = &self.position.stored;
        let who = if all { ends(&stored.owner.to_string()) } else { stored.sub_account.to_string() };
        let mut line = vec![self.position.address.to_string(), who];
        let margin = BITCOIN.exact(self.position.state.margin.get());
        match &self.position.outlook {
            Some(open) => line.extend(self.open_cells(open, margin)?),
            None => {
                line.extend(["flat".to_owned(), "-".to_owned(), "-".to_owned(), margin]);
                line.extend(vec!["-".to_owned(); 5]);
            }
        }
        Ok(line)
    }

    fn open_cells(&self, open: &Outlook, margin: String) -> Result<Vec<String>> {
        let (price, away) = match self.liquidation {
            Some(Threshold::At(price)) => (cents(price), signed_distance(price, open.mark)),
            Some(Threshold::Always) => ("every price".to_owned(), "-".to_owned()),
            Some(Threshold::Never) | None => ("never".to_owned(), "-".to_owned()),
        };
        Ok(vec![
            side_name(open.direction).to_owned(),
            DOLLARS.short(open.notional.get()),
            open.entry_price.map_or("-".to_owned(), cents),
            margin,
            signed_bitcoin(open.pnl_sats),
            leverage(open),
            price,
            away,
            health_name(health(self.market, &self.position, open)?).to_owned(),
        ])
    }

    /// For machines.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn fields(&self) -> Result<Value> {
        let stored = &self.position.stored;
        let mut fields = json!({
            "position": self.position.address.to_string(),
            "market": stored.market.to_string(),
            "owner": stored.owner.to_string(),
            "sub_account": stored.sub_account,
            "margin_sats": self.position.state.margin.get(),
            "side": Value::Null,
        });
        if let Some(open) = &self.position.outlook {
            fields["side"] = side_name(open.direction).into();
            fields["notional_usd"] = DOLLARS.short(open.notional.get()).into();
            fields["entry_price_usd"] = open.entry_price.map(|price| perps::decimal::PRICE.short(price.get())).into();
            fields["unrealised_sats"] = open.pnl_sats.into();
            fields["unrealised_usd"] = fixed(in_micro_usd(open.pnl_sats, open)?, 6).into();
            fields["equity_sats"] = open.equity_sats.into();
            fields["leverage"] = leverage(open).into();
            fields["liquidation_price_usd"] = self.liquidation.as_ref().map_or(Value::Null, threshold_field);
            fields["health"] = health_name(health(self.market, &self.position, open)?).into();
        }
        Ok(fields)
    }
}
