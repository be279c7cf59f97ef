//! `perps pool show`.

use super::requests;
use super::worth::{leaving, most_leaving, staying};
use crate::commands::market::terms::{backing, share_price, status, utilisation, SHARE};
use crate::session::words::share;
use crate::session::{shares_of, Answer, Session};
use anyhow::Result;
use clap::Args;
use inverse_perps_engine::units::Sats;
use perps::decimal::BITCOIN;
use perps::view::MarketView;
use serde_json::Value;
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Shares are worth less to who leaves than to who stays: what traders have lost on paper may never be collected, and the cheapest price of \
the last minute counts.

Examples:
  perps pool show
  perps pool show --json";

/// Whose shares.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Whose [default: the signer's]
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Address>,
}

/// Shows the pool and an owner's part of it.
///
/// # Errors
/// Those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let market = session.market()?;
    let mut answer = Answer::new();
    pool(&mut answer, &market)?;
    match session.owner(arguments.owner) {
        Ok(owner) => owned(&mut answer, session, &market, &owner)?,
        Err(error) => {
            answer.field("owner", Value::Null).row("your shares", format!("unknown, name an --owner: {error:#}"));
        }
    }
    answer.write(session.options.json, out)
}

fn pool(answer: &mut Answer, market: &MarketView) -> Result<()> {
    let state = &market.state;
    answer.address("market", "market", market.keys.market).field("state", status(market)).row("state", status(market));
    answer.bitcoin("pool", "pool", state.ledger.pool).bitcoin("free", "free_pool", state.free_pool()?);
    answer.signed("worth at the mark", "equity", market.pool_equity_sats()?);
    answer.bitcoin("must be able to pay", "requirement", market.requirement()?);
    answer.bitcoin("backs new positions", "backing", backing(market)?);
    match utilisation(market)? {
        Some(ppb) => answer.percent("utilisation", "utilisation", ppb),
        None => answer.field("utilisation_percent", Value::Null),
    };
    answer.field("supply", state.pool_shares).row("shares", BITCOIN.exact(state.pool_shares));
    answer.field("queued", state.queued_shares).row("in the queue", BITCOIN.exact(state.queued_shares));
    if let Some(price) = share_price(market)? {
        answer.bitcoin("a share, staying", "share_price", price);
    }
    if state.pool_shares >= SHARE {
        match leaving(market, SHARE) {
            Ok(price) => answer.bitcoin("a share, leaving", "share_price_leaving", price),
            Err(rule) => {
                answer.field("share_price_leaving_btc", Value::Null).row("a share, leaving", format!("none can: {rule}"))
            }
        };
    }
    answer.gap();
    Ok(())
}

fn owned(answer: &mut Answer, session: &Session, market: &MarketView, owner: &Address) -> Result<()> {
    let account = shares_of(&market.keys, owner);
    let held = session.tokens(&account)?;
    let requests = requests::of(session, market, owner)?;
    let queued: u64 = requests.iter().fold(0, |sum, request| sum.saturating_add(request.account.state.shares));
    answer.address("owner", "owner", *owner);
    answer.field("shares", held).row("shares held", BITCOIN.exact(held));
    let part = share(held.saturating_add(queued), market.state.pool_shares);
    if let Some(part) = part {
        answer.percent("part of the pool", "part", part);
    }
    answer.bitcoin("worth staying", "worth_staying", staying(market, held.saturating_add(queued))?);
    if held > 0 {
        leave_now(answer, market, held);
    }
    let list: Vec<Value> = requests.iter().map(|request| request.fields(market)).collect();
    answer.field("withdrawals", list);
    for request in &requests {
        answer.row(&format!("withdrawal {}", request.account.id), request.text(market));
    }
    Ok(())
}

/// What the shares that are not queued would be paid if they could leave now.
fn leave_now(answer: &mut Answer, market: &MarketView, held: u64) {
    match (leaving(market, held), most_leaving(market, held)) {
        (Ok(worth), _) => {
            answer.bitcoin("worth leaving", "worth_leaving", worth);
        }
        (Err(rule), Some((shares, worth))) if shares > 0 => {
            answer.field("worth_leaving_btc", Value::Null);
            answer.row(
                "worth leaving",
                format!(
                    "not all could leave now ({rule}); {} shares would be paid {} BTC",
                    BITCOIN.exact(shares),
                    BITCOIN.exact(worth.get())
                ),
            );
            answer.field("most_leaving_shares", shares).field("most_leaving_sats", Sats::get(worth));
        }
        (Err(rule), _) => {
            answer.field("worth_leaving_btc", Value::Null).row("worth leaving", format!("none could leave now: {rule}"));
        }
    }
}
