//! Clock, prices and balances, asked for.

use super::{FIRST_WAIT, LONGEST_WAIT};
use crate::backoff::delay;
use crate::source::{Event, Sink, Update, Wishes};
use perps::chain::{moment, Chain, Failure, Result, CLOCK};
use solana_address::Address;
use std::time::Duration;

/// Reads accounts together with the Clock, which says in which slot they were so.
///
/// # Errors
/// Those of the chain; `Missing` where it has no Clock.
pub fn ask(chain: &dyn Chain, addresses: &[Address]) -> Result<Vec<Update>> {
    let mut asked = vec![CLOCK];
    asked.extend(addresses.iter().filter(|address| **address != CLOCK));
    let accounts = chain.accounts(&asked)?;
    let clock = accounts.first().cloned().flatten().ok_or_else(|| Failure::Missing("the chain has no Clock".to_owned()))?;
    let slot = moment(&clock.data)?.slot;
    Ok(asked.into_iter().zip(accounts).map(|(address, account)| Update { address, slot, account }).collect())
}

/// Asks every `interval`, until it is ended. When a node answers again after it did not, updates may have been missed: a snapshot is
/// wanted.
pub(super) fn run(chain: &dyn Chain, interval: Duration, sink: &Sink, wishes: &Wishes) {
    let mut failures = 0;
    while !wishes.is_ended() {
        match ask(chain, &wishes.asked_for()) {
            Ok(updates) => {
                if failures > 0 {
                    wishes.want_snapshot();
                }
                failures = 0;
                sink.tell(Event::Updates(updates));
                wishes.sleep(interval);
            }
            Err(error) => {
                failures += 1;
                sink.tell(Event::Unreachable(error.to_string()));
                wishes.sleep(delay(failures, "poll", FIRST_WAIT, LONGEST_WAIT));
            }
        }
    }
}
