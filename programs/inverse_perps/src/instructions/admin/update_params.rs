//! Changes a market's parameters: proposed, then executed after the timelock, or cancelled.

use crate::create::{self, Creation};
use crate::errors::{fail, PerpError};
use crate::events::{self, ParamsChanged, ParamsProposed, ProposalCancelled};
use crate::state::market::now;
use crate::state::{seeds, Exchange, Market, PendingUpdate};
use anchor_lang::prelude::*;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::timelock::Proposal;
use inverse_perps_engine::Params;

/// Accounts of `propose_params`, `execute_params` and `cancel_params`.
#[derive(Accounts)]
pub struct UpdateParams<'info> {
    /// The exchange's admin.
    pub admin: Signer<'info>,
    /// The exchange.
    #[account(seeds = [seeds::EXCHANGE], bump = exchange.bump)]
    pub exchange: Box<Account<'info, Exchange>>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: where the market's proposal is or will be.
    #[account(mut, seeds = [seeds::PENDING, market.key().as_ref()], bump)]
    pub pending: UncheckedAccount<'info>,
    /// CHECK: signs for the rent of a proposal, and gets it back.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// CHECK: the market's price account, as `oracle::read` demands; needed to execute.
    pub price: Option<UncheckedAccount<'info>>,
    /// The system program; needed to propose.
    pub system_program: Option<Program<'info, System>>,
}

impl UpdateParams<'_> {
    /// The market's proposal, for the admin, with the rent going back to who paid it.
    fn pending(&self) -> Result<PendingUpdate> {
        self.exchange.ensure_admin(self.admin.key)?;
        let pending = PendingUpdate::read(&self.pending)?;
        require!(pending.payer == self.payer.key(), PerpError::WrongRentRecipient);
        Ok(pending)
    }
}

/// Handles `propose_params`.
///
/// # Errors
/// `NotAdmin`, `UpdatePending`, those of the parameters' bounds; the system program's, where the payer has not signed or lacks the rent.
pub fn propose_params(ctx: Context<UpdateParams>, params: Params) -> Result<()> {
    let accounts = &ctx.accounts;
    accounts.exchange.ensure_admin(accounts.admin.key)?;
    require!(accounts.pending.data_is_empty(), PerpError::UpdatePending);
    let mut market = accounts.market.load_mut()?;
    let timelock = accounts.exchange.timelock();
    market.state.ensure_acceptable(&params, timelock).map_err(fail)?;

    let (key, bump) = (accounts.market.key(), [ctx.bumps.pending]);
    let seeds: &[&[u8]] = &[seeds::PENDING, key.as_ref(), &bump];
    let creation = Creation { payer: &accounts.payer, account: &accounts.pending, seeds };
    let mut pending = creation.zero_copy::<PendingUpdate>()?;
    pending.version = PendingUpdate::VERSION;
    pending.bump = ctx.bumps.pending;
    pending.market = key;
    pending.payer = accounts.payer.key();
    pending.admin_epoch = accounts.exchange.admin_epoch;
    pending.state = Proposal::new(params, timelock, now()?.time).map_err(fail)?;
    let head = market.next_event(key);
    events::log(&ParamsProposed { head, pending: accounts.pending.key(), proposal: pending.state });
    Ok(())
}

/// Handles `execute_params`.
///
/// # Errors
/// `NotAdmin`, `NoPendingUpdate`, `WrongRentRecipient`, `ProposedByFormerAdmin`, `TimelockNotOver`, `ProposalExpired`,
/// `PriceRequired`, those of the price, of the sync and of the parameters' bounds.
pub fn execute_params(ctx: Context<UpdateParams>) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let pending = accounts.pending()?;
    pending.ensure_of_admin(&accounts.exchange)?;
    pending.state.ensure_executable(now()?.time).map_err(fail)?;

    let price = accounts.price.as_ref().ok_or(PerpError::PriceRequired)?;
    let mut market = accounts.market.load_mut()?;
    let (_, moment) = market.sync_to_trade(key, price, PriceUse::Upkeep)?;
    market.state.set_params(&pending.state.params, accounts.exchange.timelock(), moment.time).map_err(fail)?;
    create::close(&accounts.pending, &accounts.payer)?;
    let head = market.next_event(key);
    events::log(&ParamsChanged {
        head,
        pending: accounts.pending.key(),
        params: market.state.params,
        spared: market.state.spared,
        spared_until: market.state.spared_until.get(),
        margin_epoch: u64::from(market.state.margin_epoch),
    });
    Ok(())
}

/// Handles `cancel_params`.
///
/// # Errors
/// `NotAdmin`, `NoPendingUpdate`, `WrongRentRecipient`.
pub fn cancel_params(ctx: Context<UpdateParams>) -> Result<()> {
    let accounts = &ctx.accounts;
    accounts.pending()?;
    create::close(&accounts.pending, &accounts.payer)?;
    let head = accounts.market.load_mut()?.next_event(accounts.market.key());
    events::log(&ProposalCancelled { head, pending: accounts.pending.key(), admin: accounts.admin.key() });
    Ok(())
}
