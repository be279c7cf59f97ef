//! Creates the exchange, once, by the program's upgrade authority, so that nobody can get in first.

use crate::create::Creation;
use crate::errors::PerpError;
use crate::events::ExchangeInitialized;
use crate::state::{seeds, Exchange};
use anchor_lang::prelude::*;
use anchor_lang::solana_program::bpf_loader_upgradeable;
use anchor_lang::Discriminator;

/// Program data as the loader writes it: a tag of four bytes, the slot, 1 and the upgrade authority or 0, the ELF.
const AUTHORITY_TAG_OFFSET: usize = 12;

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
    /// CHECK: will be the exchange.
    #[account(mut, seeds = [seeds::EXCHANGE], bump)]
    pub exchange: UncheckedAccount<'info>,
    /// CHECK: the program data of this program, which names the upgrade authority.
    pub program_data: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl InitializeExchange<'_> {
    fn validate(&self, args: &InitializeExchangeArgs) -> Result<()> {
        let (program_data, _) = Pubkey::find_program_address(&[crate::ID.as_ref()], &bpf_loader_upgradeable::ID);
        require!(self.program_data.key() == program_data, PerpError::NotUpgradeAuthority);
        let data = self.program_data.try_borrow_data()?;
        let named = data.get(AUTHORITY_TAG_OFFSET..).and_then(|rest| rest.first_chunk::<33>());
        let [1, authority @ ..] = named.ok_or(PerpError::NotUpgradeAuthority)? else {
            return err!(PerpError::NotUpgradeAuthority);
        };
        require!(self.authority.key().as_ref() == authority, PerpError::NotUpgradeAuthority);
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
    let exchange = Exchange {
        version: Exchange::VERSION,
        bump: ctx.bumps.exchange,
        admin,
        pending_admin: Pubkey::default(),
        guardian,
        fee_recipient,
        timelock_seconds,
        admin_epoch: 0,
        reserved: [0; 60],
    };
    let seeds: &[&[u8]] = &[seeds::EXCHANGE, &[ctx.bumps.exchange]];
    let creation = Creation { payer: &ctx.accounts.authority, account: &ctx.accounts.exchange, seeds };
    creation.create(Exchange::DISCRIMINATOR.len().saturating_add(Exchange::INIT_SPACE), &crate::ID)?;
    exchange.try_serialize(&mut &mut ctx.accounts.exchange.try_borrow_mut_data()?[..])?;
    emit!(ExchangeInitialized { exchange: ctx.accounts.exchange.key(), admin, guardian, fee_recipient, timelock_seconds });
    Ok(())
}
