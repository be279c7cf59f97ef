//! `perps keeper check`.

use crate::commands::AlreadyAnswered;
use crate::session::words::ends;
use crate::session::{bitcoin_of, spinner, Session};
use anyhow::Result;
use inverse_perps::state::{Market, OracleSource};
use inverse_perps_engine::market::Fills;
use perps::chain::Chain;
use perps::client::accounts;
use perps::client::pyth::{feed_account, ARCHIVE_SHARDS};
use perps::decimal::{BITCOIN, SOL};
use perps::view::MarketView;
use perps_keeper::feed::Feed;
use perps_keeper::prices::read_fill;
use perps_keeper::source::{Event, Sink, Source, Wishes};
use perps_keeper::Config;
use serde_json::{json, Value};
use solana_address::Address;
use std::io::Write;
use std::sync::mpsc::{channel, RecvTimeoutError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Nothing is signed. Exit code 0 where nothing is missing that a keeper cannot do without.

Examples:
  perps keeper check
  perps keeper check --keypair keeper.json --json";

/// Enough for a thousand transactions of one signature with a little priority.
const LITTLE_LAMPORTS: u64 = 10_000_000;
const WEBSOCKET: Duration = Duration::from_secs(15);
/// An archive's newest update is not older than this.
const ARCHIVED_SECONDS: i64 = 120;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It will do, with a drawback.
    Fair,
    /// A keeper cannot do without.
    Missing,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Verdict::Good => "ok",
            Verdict::Fair => "note",
            Verdict::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    what: String,
    verdict: Verdict,
    says: String,
}

fn finding(what: impl Into<String>, verdict: Verdict, says: impl Into<String>) -> Finding {
    Finding { what: what.into(), verdict, says: says.into() }
}

/// Looks at everything that a keeper needs and says what is missing.
///
/// # Errors
/// Something missing that a keeper cannot do without; a node that does not answer; a failed write.
pub fn run(session: &Session, out: &mut dyn Write) -> Result<()> {
    let keeper = session.address()?;
    let wait = spinner("looking");
    let found = look(session, &keeper);
    wait.finish_and_clear();
    let found = found?;
    if session.options.json {
        let list: Vec<Value> =
            found.iter().map(|one| json!({ "what": one.what, "verdict": one.verdict.name(), "says": one.says })).collect();
        let ready = found.iter().all(|one| one.verdict != Verdict::Missing);
        let answer = json!({ "keeper": keeper.to_string(), "ready": ready, "findings": list });
        writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
    } else {
        for one in &found {
            writeln!(out, "{:<8} {:<18} {}", one.verdict.name(), one.what, one.says)?;
        }
    }
    match found.iter().filter(|one| one.verdict == Verdict::Missing).count() {
        0 => Ok(()),
        missing => Err(AlreadyAnswered(format!("{missing} of {} things that a keeper needs are missing", found.len())).into()),
    }
}

fn look(session: &Session, keeper: &Address) -> Result<Vec<Finding>> {
    let chain = &session.chain;
    let moment = chain.moment()?;
    let mut found = vec![finding("node", Verdict::Good, format!("{} answers, slot {}", chain.url(), moment.slot))];
    found.push(websocket(session)?);
    found.push(balance(session, keeper)?);
    let markets = session.markets()?;
    if markets.is_empty() {
        found.push(finding("markets", Verdict::Missing, format!("there is none on {}; is --url right?", chain.url())));
    }
    for address in markets {
        let market = MarketView::read(chain, &address)?;
        found.push(tokens(session, &market, keeper)?);
        found.push(price(&market));
        found.push(archive(session, &market)?);
    }
    Ok(found)
}

/// Whether updates would come by themselves, as the keeper's own feed sees it.
fn websocket(session: &Session) -> Result<Finding> {
    let url = session.websocket()?;
    let config = Config::new(&session.chain.url(), Arc::new(session.signer()?.insecure_clone()))?;
    let chain: Arc<dyn Chain> = Arc::new(perps::rpc::RpcChain::new(&session.chain.url()));
    let feed = Feed { ws_url: Some(url.clone()), ..Feed::new(chain, &config) };
    let (sender, events) = channel::<Event>();
    let wishes = Arc::new(Wishes::default());
    let threads = Box::new(feed).start(Sink::channel(sender), wishes.clone());
    let deadline = Instant::now() + WEBSOCKET;
    let heard = loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Live) => break Ok(()),
            Ok(Event::Lost(why)) => break Err(why),
            Ok(_) => (),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                break Err(format!("no answer for {} s", WEBSOCKET.as_secs()))
            }
        }
    };
    wishes.end();
    drop(threads); // they end by themselves
    Ok(match heard {
        Ok(()) => finding("websocket", Verdict::Good, format!("{url} tells of changes")),
        Err(why) => {
            let says = format!("{url}: {why}; give another with --ws, or run with --no-websocket and learn of changes late");
            finding("websocket", Verdict::Missing, says)
        }
    })
}

fn balance(session: &Session, keeper: &Address) -> Result<Finding> {
    let lamports = session.chain.accounts(&[*keeper])?.pop().flatten().map_or(0, |account| account.lamports);
    let has = format!("{keeper} has {} SOL", SOL.short(lamports));
    Ok(match lamports {
        0 => finding("SOL", Verdict::Missing, format!("{has}: send it some, fees are paid from it")),
        lamports if lamports < LITTLE_LAMPORTS => {
            finding("SOL", Verdict::Fair, format!("{has}, for less than a thousand transactions"))
        }
        _ => finding("SOL", Verdict::Good, has),
    })
}

fn name(market: &MarketView) -> String {
    ends(&market.keys.market.to_string())
}

/// Where rewards go.
fn tokens(session: &Session, market: &MarketView, keeper: &Address) -> Result<Finding> {
    let (address, what) = (bitcoin_of(&market.keys, keeper), format!("rewards {}", name(market)));
    let found = session.chain.accounts(&[address])?.pop().flatten();
    Ok(match found.map(|account| accounts::token_amount(&account.data)).transpose()? {
        Some(sats) => finding(what, Verdict::Good, format!("go to {address}, which holds {} BTC", BITCOIN.short(sats))),
        None => {
            finding(what, Verdict::Fair, format!("go to {address}, which is not there; the keeper creates it, at its cost"))
        }
    })
}

/// Whether the market's price can be used.
fn price(market: &MarketView) -> Finding {
    let what = format!("price {}", name(market));
    let age = market.update.map(|update| market.moment.time.get().saturating_sub(update.publish_time.get()));
    match (age, market.synced) {
        (None, _) => finding(what, Verdict::Missing, format!("{} is no price account of this market", market.price_account)),
        (Some(age), Err(rule)) => finding(what, Verdict::Missing, format!("{} is {age} s old: {rule}", market.price_account)),
        (Some(age), Ok(_)) => finding(what, Verdict::Good, format!("{} is {age} s old", market.price_account)),
    }
}

/// Whether the updates that orders fill at are kept on this chain.
fn archive(session: &Session, market: &MarketView) -> Result<Finding> {
    let what = format!("archive {}", name(market));
    let Market { state, .. } = &market.stored;
    let OracleSource::PythPull { feed_id } = market.stored.oracle_source() else {
        return Ok(finding(what, Verdict::Good, "not needed: this market has no orders"));
    };
    let shards: Vec<Address> = (1..=ARCHIVE_SHARDS).map(|shard| feed_account(&feed_id, shard)).collect();
    let found = session.chain.accounts(&shards)?;
    let now = market.moment.time.get();
    let recent = shards.iter().zip(&found).filter_map(|(address, account)| {
        let update = read_fill(&feed_id, address, account.as_ref()?)?.update;
        (now.saturating_sub(update.publish_time.get()) <= ARCHIVED_SECONDS).then_some(())
    });
    let instant = if state.fills() == Fills::Instant { "; instant trades go on" } else { "" };
    Ok(match recent.count() {
        0 => {
            let says = "nobody keeps the feed's updates on this chain; an order is filled only while the feed's own account still has \
                        the first update at or after its T";
            finding(what, Verdict::Fair, format!("{says}{instant}"))
        }
        count => finding(what, Verdict::Good, format!("{count} updates of the last {ARCHIVED_SECONDS} s are there")),
    })
}
