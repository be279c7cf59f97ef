//! Everything at once: at the start, when updates may have been missed, and now and then.

use super::{FIRST_WAIT, LONGEST_WAIT};
use crate::backoff::delay;
use crate::source::{Event, Sink, Snapshot, Wishes};
use perps::chain::{Chain, Result, Which};
use solana_address::Address;
use std::time::Duration;

/// Snapshots that were asked for are not taken more often than this: whoever asks may be wrong each time.
const LEAST_INTERVAL: Duration = Duration::from_secs(2);

/// Reads every account that jobs decide on, of these markets or of all. The slot is read first: what is read then is as it was in that
/// slot or later.
///
/// # Errors
/// Those of the chain.
pub fn load(chain: &dyn Chain, markets: &[Address]) -> Result<Snapshot> {
    let slot = chain.moment()?.slot;
    let mut accounts = vec![];
    if markets.is_empty() {
        accounts.extend(chain.program_accounts(&Which::markets())?);
        accounts.extend(chain.program_accounts(&Which::positions())?);
    } else {
        let found = chain.accounts(markets)?;
        accounts.extend(markets.iter().copied().zip(found).filter_map(|(address, account)| Some((address, account?))));
        for market in markets {
            accounts.extend(chain.program_accounts(&Which::positions_in(*market))?);
        }
    }
    accounts.extend(chain.program_accounts(&Which::orders())?);
    accounts.extend(chain.program_accounts(&Which::withdrawals())?);
    accounts.extend(chain.program_accounts(&Which::settlements())?);
    Ok(Snapshot { slot, accounts })
}

/// Loads now, then every `interval` and whenever a snapshot is asked for, until it is ended.
pub(super) fn run(chain: &dyn Chain, markets: &[Address], interval: Duration, sink: &Sink, wishes: &Wishes) {
    let mut failures = 0;
    while !wishes.is_ended() {
        let asked = wishes.snapshots_wanted();
        match load(chain, markets) {
            Ok(snapshot) => {
                failures = 0;
                sink.tell(Event::Snapshot(snapshot));
                wishes.sleep(LEAST_INTERVAL.min(interval));
                wishes.sleep_until(interval.saturating_sub(LEAST_INTERVAL), || wishes.snapshots_wanted() != asked);
            }
            Err(error) => {
                failures += 1;
                sink.tell(Event::Unreachable(error.to_string()));
                wishes.sleep(delay(failures, "load", FIRST_WAIT, LONGEST_WAIT));
            }
        }
    }
}
