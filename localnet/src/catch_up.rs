//! A chain that stood still for long, brought back to the present.
//!
//! The clock of a chain may run at most two and a half times as fast as its slots since the beginning of the epoch: after a night's
//! stop it would be behind this machine's for hours. The remedy is a warp, to a slot of the next epoch so far in it that the slots
//! skipped account for the time. A warp starts from the newest snapshot, so everything must be in one first.

use crate::clock::unix_time;
use crate::stop::Stop;
use crate::validator::Config;
use anyhow::{bail, Context, Result};
use perps::chain::{moment, CLOCK};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::RpcClient;
use solana_test_validator::TestValidator;
use std::time::{Duration, Instant};

/// A clock not further behind than this is left to catch up by itself, which takes less time than a warp.
const BEARABLE_SECONDS: i64 = 60;
const FIRST_BLOCK: Duration = Duration::from_secs(60);
/// How long the clock may take to jump as far as it may.
const SETTLING: Duration = Duration::from_secs(6);
/// How long a snapshot may take: one is made every hundred slots, of a slot that is final.
const SNAPSHOT: Duration = Duration::from_secs(180);
const LOOK: Duration = Duration::from_millis(300);

/// Starts the validator of a chain that there is, at the present.
///
/// # Errors
/// Where the validator does not start, or `stop` is requested.
pub fn start(config: &Config, stop: &Stop) -> Result<TestValidator> {
    let validator = config.start(None)?;
    let client = RpcClient::new_with_commitment(validator.rpc_url(), CommitmentConfig::processed());
    let first = client.get_slot().context("the validator does not answer")?;
    let tip = wait_for_block(&client, first, stop)?;
    let behind = settled(&client, stop)?;
    if behind <= BEARABLE_SECONDS {
        return Ok(validator);
    }
    let epoch = client.get_epoch_info().context("the validator does not answer")?;
    let epoch_end = epoch.absolute_slot.saturating_sub(epoch.slot_index).saturating_add(epoch.slots_in_epoch);
    let target = target(epoch_end, epoch.slots_in_epoch, behind);
    tracing::info!(
        minutes = behind / 60,
        slot = target,
        "the chain stood still: it is brought to the present, within a minute or two"
    );
    wait_for_snapshot(&client, tip, stop)?;
    drop(validator);
    config.start(Some(target))
}

/// The first slot above another one: until a block is voted on, the node answers from the snapshot that it started from, though what
/// came after it is replayed.
fn wait_for_block(client: &RpcClient, above: u64, stop: &Stop) -> Result<u64> {
    let deadline = Instant::now() + FIRST_BLOCK;
    while Instant::now() < deadline {
        let slot = client.get_slot().context("the validator does not answer")?;
        if slot > above {
            return Ok(slot);
        }
        if stop.wait(LOOK) {
            bail!("stopped while the validator started");
        }
    }
    bail!("the validator made no block within {} s; its log may say why", FIRST_BLOCK.as_secs())
}

/// How many seconds the chain's clock is behind, once it has jumped as far as it may.
fn settled(client: &RpcClient, stop: &Stop) -> Result<i64> {
    let deadline = Instant::now() + SETTLING;
    loop {
        let clock = client.get_account(&CLOCK).context("the chain has no clock")?;
        let behind = unix_time().saturating_sub(moment(&clock.data)?.time.get());
        if behind <= BEARABLE_SECONDS || Instant::now() > deadline {
            return Ok(behind);
        }
        if stop.wait(LOOK) {
            bail!("stopped while the validator started");
        }
    }
}

/// The slot to warp to, in the epoch that begins at `epoch_end`: two slots for a second. From the warped slot's time on, the clock may
/// show between 0.75 and 2.5 times the time of the slots since the epoch began, and a slot takes between 0.3 and 0.4 seconds: two of
/// them a second allow 0.6 to 1.5 times the time that passed.
fn target(epoch_end: u64, slots_in_epoch: u64, behind_seconds: i64) -> u64 {
    let into = behind_seconds.unsigned_abs().saturating_mul(2).min(slots_in_epoch.saturating_sub(1));
    epoch_end.saturating_add(into)
}

/// Until everything up to a slot is in a snapshot.
fn wait_for_snapshot(client: &RpcClient, slot: u64, stop: &Stop) -> Result<()> {
    let deadline = Instant::now() + SNAPSHOT;
    while Instant::now() < deadline {
        // There may be none yet, which is an error.
        if client.get_highest_snapshot_slot().is_ok_and(|snapshot| snapshot.full >= slot) {
            return Ok(());
        }
        if stop.wait(LOOK) {
            bail!("stopped while the chain was brought to the present; the next start tries again");
        }
    }
    bail!("no snapshot was made within {} s; the validator's log may say why, --reset begins a new chain", SNAPSHOT.as_secs())
}

#[cfg(test)]
mod tests {
    use super::target;

    #[test]
    fn the_slots_skipped_account_for_the_time() {
        // A night of eight hours: 57,600 slots into the next epoch.
        assert_eq!(target(432_000, 432_000, 28_800), 489_600);
        // The clock's bounds there, at the slowest and the fastest slot.
        for slot_ms in [300, 400] {
            let passed = 57_600 * slot_ms / 1_000;
            assert!(passed * 3 / 4 <= 28_800 && 28_800 <= passed * 5 / 2);
        }
        // More than an epoch holds is cut at its end.
        assert_eq!(target(864_000, 432_000, 1_000_000), 1_295_999);
    }
}
