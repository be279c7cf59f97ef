//! What governs, as rows that are the same before and after a transaction.

use super::words::utc;
use anyhow::Result;
use inverse_perps::state::{Exchange, Market, PendingUpdate};
use inverse_perps_engine::pause::UNTIL_RESUMED;
use inverse_perps_engine::units::UnixTime;
use perps::client::accounts;
use perps::decimal::BITCOIN;
use perps::parameters::FIELDS;
use solana_account::Account;
use solana_address::Address;

type Rows = Vec<(&'static str, String)>;

/// An address, or nobody.
pub fn somebody(address: &Address) -> String {
    match *address == Address::default() {
        true => "nobody".to_owned(),
        false => address.to_string(),
    }
}

/// Who governs.
///
/// # Errors
/// An account that is not the exchange.
pub fn exchange(account: Option<Account>) -> Result<Rows> {
    let Some(account) = account else { return Ok(vec![("exchange", "none".to_owned())]) };
    let Exchange { admin, pending_admin, guardian, admin_epoch, .. } = accounts::exchange(&account.data)?;
    Ok(vec![
        ("exchange", "created".to_owned()),
        ("admin", admin.to_string()),
        ("nominee", somebody(&pending_admin)),
        ("guardian", somebody(&guardian)),
        ("admins so far", admin_epoch.saturating_add(1).to_string()),
    ])
}

/// Everything of a market that its governors and donors change.
///
/// # Errors
/// An account that is no market.
pub fn market(account: Option<Account>) -> Result<Rows> {
    let Some(account) = account else { return Ok(vec![("market", "none".to_owned())]) };
    let Market { state, .. } = accounts::market(&account.data)?;
    let mut rows = vec![
        ("market", "created".to_owned()),
        ("risk", pause(state.risk_paused_until)),
        ("pool BTC", BITCOIN.exact(state.ledger.pool.get())),
        ("insurance BTC", BITCOIN.exact(state.ledger.insurance.get())),
        ("protocol fees BTC", BITCOIN.exact(state.ledger.protocol_fees.get())),
    ];
    rows.extend(FIELDS.iter().map(|field| (field.name, field.text(&state.params))));
    Ok(rows)
}

/// Until when what adds risk is paused; in the past where it is not any more, which says from when on it can be again.
fn pause(until: UnixTime) -> String {
    match until {
        UnixTime::ZERO => "not paused".to_owned(),
        UNTIL_RESUMED => "paused until the admin resumes".to_owned(),
        until => format!("paused until {}", utc(until.get())),
    }
}

/// What waits for the timelock.
///
/// # Errors
/// An account that is no proposal.
pub fn proposal(account: Option<Account>) -> Result<Rows> {
    // The program's, not the empty account that somebody may have sent lamports to.
    let Some(account) = account.filter(|account| !account.data.is_empty()) else {
        return Ok(vec![("proposal", "none".to_owned())]);
    };
    let PendingUpdate { state, .. } = accounts::pending_update(&account.data)?;
    let (from, to) = (utc(state.executable_at.get()), utc(state.expires_at.get()));
    Ok(vec![("proposal", format!("can be executed from {from} to {to}"))])
}
