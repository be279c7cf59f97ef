//! Ends a settlement: sets aside what can be paid of the claims, and opens the market again or closes it for good.

use crate::create::Creation;
use crate::errors::fail;
use crate::events::{self, LedgerChange, SettlementFinished};
use crate::state::{seeds, Market, Settlement};
use anchor_lang::prelude::*;

/// Accounts of `finish_settlement`.
#[derive(Accounts)]
pub struct FinishSettlement<'info> {
    /// Pays the rent, and gets it back when every claim is redeemed.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: will be the outcome.
    #[account(
        mut,
        seeds = [seeds::SETTLEMENT, market.key().as_ref(), &market.load()?.state.lifecycle.epoch.to_le_bytes()],
        bump
    )]
    pub settlement: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

/// Handles `finish_settlement`.
///
/// # Errors
/// `MarketNotSettling`, `SettlementUnfinished`.
pub fn finish_settlement(ctx: Context<FinishSettlement>) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let mut market = accounts.market.load_mut()?;
    let before = market.state.ledger;
    let finished = market.state.finish_settlement().map_err(fail)?;
    market.state.ledger.ensure_conserved(before.total().map_err(fail)?).map_err(fail)?;

    let (epoch, bump) = (finished.epoch.to_le_bytes(), [ctx.bumps.settlement]);
    let seeds: &[&[u8]] = &[seeds::SETTLEMENT, key.as_ref(), &epoch, &bump];
    let creation = Creation { payer: &accounts.payer, account: &accounts.settlement, seeds };
    let mut settlement = creation.zero_copy::<Settlement>()?;
    settlement.version = Settlement::VERSION;
    settlement.bump = ctx.bumps.settlement;
    settlement.market = key;
    settlement.payer = accounts.payer.key();
    settlement.epoch = finished.epoch;
    settlement.state = finished.settlement;
    let head = market.next_event(key);
    events::log(&SettlementFinished {
        head,
        settlement: accounts.settlement.key(),
        epoch: u64::from(finished.epoch),
        claims_sats: finished.settlement.claims,
        payable_sats: finished.settlement.payable,
        top_up_sats: finished.top_up,
        closed: u64::from(finished.closed),
        ledger: LedgerChange::since(&before, &market.state.ledger)?,
    });
    Ok(())
}
