//! Who governs: the admin hands over in two steps, and names the guardian at once.

use crate::events::{self, AdminChanged, AdminNominated, GuardianChanged};
use crate::state::{seeds, Exchange};
use anchor_lang::prelude::*;

/// Accounts of `nominate_admin`, `accept_admin` and `set_guardian`.
#[derive(Accounts)]
pub struct GovernExchange<'info> {
    /// The admin; for `accept_admin` the nominee.
    pub signer: Signer<'info>,
    /// The exchange.
    #[account(mut, seeds = [seeds::EXCHANGE], bump = exchange.bump)]
    pub exchange: Box<Account<'info, Exchange>>,
}

/// Handles `nominate_admin`.
///
/// # Errors
/// `NotAdmin`.
pub fn nominate_admin(ctx: Context<GovernExchange>, nominee: Pubkey) -> Result<()> {
    let GovernExchange { signer, exchange } = ctx.accounts;
    exchange.nominate(signer.key, nominee)?;
    events::log(&AdminNominated { exchange: exchange.key(), admin: exchange.admin, nominee });
    Ok(())
}

/// Handles `accept_admin`.
///
/// # Errors
/// `NotNominee`.
pub fn accept_admin(ctx: Context<GovernExchange>) -> Result<()> {
    let GovernExchange { signer, exchange } = ctx.accounts;
    let former = exchange.accept(signer.key)?;
    let admin_epoch = u64::from(exchange.admin_epoch);
    events::log(&AdminChanged { exchange: exchange.key(), former_admin: former, admin: exchange.admin, admin_epoch });
    Ok(())
}

/// Handles `set_guardian`.
///
/// # Errors
/// `NotAdmin`.
pub fn set_guardian(ctx: Context<GovernExchange>, guardian: Pubkey) -> Result<()> {
    let GovernExchange { signer, exchange } = ctx.accounts;
    exchange.ensure_admin(signer.key)?;
    let former_guardian = std::mem::replace(&mut exchange.guardian, guardian);
    events::log(&GuardianChanged { exchange: exchange.key(), former_guardian, guardian });
    Ok(())
}
