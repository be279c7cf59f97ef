//! Follows an order until it has filled, or has left otherwise.

use super::stage::Stage;
use crate::session::words::utc;
use crate::session::{spinner, Session};
use anyhow::{bail, Result};
use inverse_perps::events::{OrderExecuted, OrderFilled, OrderRemoved};
use inverse_perps_engine::units::UnixTime;
use perps::chain::{moment, Chain, Failure, Landed, CLOCK};
use perps::client::accounts;
use perps::client::events::{in_logs, Event};
use solana_address::Address;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(500);
/// How long a node may not answer, and how long the history may lag behind the accounts.
const PATIENCE: Duration = Duration::from_secs(30);
/// Transactions that can name an order: placed, triggered and missed again and again, then its end, which is the newest but for ours.
const RECENT: usize = 20;

/// What became of an order.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It was filled.
    Filled(Box<OrderFilled>),
    /// It was executed without a fill and is gone.
    Failed(Box<OrderExecuted>),
    /// It was removed: cancelled, void or expired.
    Removed(Box<OrderRemoved>),
    /// Its minute is over, and nobody has executed it.
    Lapsed,
}

/// The end of an order, with the transaction that it came in; none for a lapsed one.
pub struct Followed {
    /// What became of it.
    pub fate: Fate,
    /// Where that was.
    pub landed: Option<Landed>,
}

/// Follows a market order whose T is known, with a sign of life on stderr.
///
/// # Errors
/// Those of the chain, where it does not answer for half a minute, and where nothing says what became of the order.
pub fn follow(session: &Session, market: &Address, order: &Address, due: i64) -> Result<Followed> {
    let wait = spinner("the order waits for its T");
    let followed = watch(session, market, order, UnixTime::new(due), |text| wait.set_message(text));
    wait.finish_and_clear();
    followed
}

fn watch(session: &Session, market: &Address, order: &Address, due: UnixTime, tell: impl Fn(String)) -> Result<Followed> {
    let mut answered = Instant::now();
    let mut gone: Option<Instant> = None;
    loop {
        match look(session, market, order, due) {
            Ok(Look::Over(followed)) => return Ok(*followed),
            Ok(Look::Stands(stage)) => {
                (answered, gone) = (Instant::now(), None);
                tell(progress(stage, due));
            }
            Ok(Look::Gone) => {
                answered = Instant::now();
                let since = *gone.get_or_insert(answered);
                if since.elapsed() > PATIENCE {
                    bail!("order {order} is gone, and no transaction of the last {RECENT} says how; perps history may");
                }
            }
            Err(error) if answered.elapsed() > PATIENCE => return Err(error),
            Err(error) => match error.downcast_ref::<Failure>() {
                Some(Failure::Unavailable(_)) => tell("the node does not answer; asking again".to_owned()),
                _ => return Err(error),
            },
        }
        std::thread::sleep(POLL);
    }
}

enum Look {
    Over(Box<Followed>),
    Stands(Stage),
    Gone,
}

/// One look at the order. Where its account is gone, its history is asked; where it is there, only its time counts.
fn look(session: &Session, market: &Address, order: &Address, due: UnixTime) -> Result<Look> {
    let mut found = session.chain.accounts(&[*order, *market, CLOCK])?.into_iter();
    let mut next = || found.next().flatten();
    let (stands, market, clock) = (next().is_some(), next(), next());
    if stands {
        let (Some(market), Some(clock)) = (market, clock) else { bail!("the market is gone from this chain") };
        let prices = accounts::market(&market.data)?.state.prices;
        let stage = Stage::of_pending(due, prices.now(moment(&clock.data)?.time))?;
        return Ok(match stage {
            Stage::Lapsed => Look::Over(Box::new(Followed { fate: Fate::Lapsed, landed: None })),
            stage => Look::Stands(stage),
        });
    }
    Ok(match ending(&session.chain, order)? {
        Some(followed) => Look::Over(Box::new(followed)),
        None => Look::Gone,
    })
}

fn progress(stage: Stage, due: UnixTime) -> String {
    match stage {
        Stage::Waits(_) => format!("order placed: {} ({})", stage.text(), utc(due.get())),
        _ => format!("T has passed, keepers can fill it: {}", stage.text()),
    }
}

/// How an order ended, out of the newest transactions that named it.
///
/// # Errors
/// Those of the chain.
pub fn ending(chain: &dyn Chain, order: &Address) -> Result<Option<Followed>> {
    for signature in chain.signatures(order, None, RECENT)? {
        let Some(landed) = chain.landed(&signature)? else { continue };
        if let Some(fate) = in_logs(&landed.logs).into_iter().find_map(|event| end_of(event, order)) {
            return Ok(Some(Followed { fate, landed: Some(landed) }));
        }
    }
    Ok(None)
}

/// A missed bound is no end: the order rests again.
const RESTS: u64 = 2;

fn end_of(event: Event, order: &Address) -> Option<Fate> {
    match event {
        Event::OrderFilled(event) if event.order == *order => Some(Fate::Filled(Box::new(event))),
        Event::OrderExecuted(event) if event.order == *order && event.outcome != RESTS => Some(Fate::Failed(Box::new(event))),
        Event::OrderRemoved(event) if event.order == *order => Some(Fate::Removed(Box::new(event))),
        _ => None,
    }
}
