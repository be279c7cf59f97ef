//! Creates the exchange, once, by the program's upgrade authority, so that nobody can get in first.

use crate::errors::PerpError;
use crate::events::ExchangeInitialized;
use crate::program::InversePerps;
use crate::state::{seeds, Exchange};
use anchor_lang::prelude::*;

/// Who is to govern.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct InitializeExchangeArgs {
    /// Creates markets.
    pub admin: Pubkey,
    /// Can pause what adds risk.
    pub guardian: Pubkey,
    /// Owner of the token accounts that protocol fees are paid to.
    pub fee_recipient: Pubkey,
    /// How long a change of parameters waits: 1 second to 30 days.
    pub timelock_seconds: u32,
}

/// Accounts of `initialize_exchange`.
#[derive(Accounts)]
pub struct InitializeExchange<'info> {
    /// The program's upgrade authority; pays the rent.
    #[account(mut)]
    pub authority: Signer<'info>,
    /// The exchange.
    #[account(init, payer = authority, space = 8 + Exchange::INIT_SPACE, seeds = [seeds::EXCHANGE], bump)]
    pub exchange: Account<'info, Exchange>,
    /// This program.
    pub program: Program<'info, InversePerps>,
    /// Its program data, which names the upgrade authority.
    #[account(constraint = program.programdata_address()? == Some(program_data.key()) @ PerpError::NotUpgradeAuthority)]
    pub program_data: Account<'info, ProgramData>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl InitializeExchange<'_> {
    fn validate(&self, args: &InitializeExchangeArgs) -> Result<()> {
        require!(self.program_data.upgrade_authority_address == Some(self.authority.key()), PerpError::NotUpgradeAuthority);
        require!((1..=Exchange::MAX_TIMELOCK_SECONDS).contains(&args.timelock_seconds), PerpError::TimelockOutOfBounds);
        Ok(())
    }
}

/// Handles `initialize_exchange`.
///
/// # Errors
/// `NotUpgradeAuthority`, `TimelockOutOfBounds`.
pub fn initialize_exchange(ctx: Context<InitializeExchange>, args: InitializeExchangeArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let InitializeExchangeArgs { admin, guardian, fee_recipient, timelock_seconds } = args;
    ctx.accounts.exchange.set_inner(Exchange {
        version: Exchange::VERSION,
        bump: ctx.bumps.exchange,
        admin,
        pending_admin: Pubkey::default(),
        guardian,
        fee_recipient,
        timelock_seconds,
        reserved: [0; 64],
    });
    emit!(ExchangeInitialized { exchange: ctx.accounts.exchange.key(), admin, guardian, fee_recipient, timelock_seconds });
    Ok(())
}
