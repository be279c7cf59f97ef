//! The smallest program that uses what the real one needs: a zero-copy account, an SPL transfer, both Pyth formats and
//! 128-bit arithmetic. If it builds and runs, the toolchain works.
use anchor_lang::prelude::*;
use anchor_spl::token::{self, Mint, Token, TokenAccount, TransferChecked};
use pyth_solana_receiver_sdk::price_update::PriceUpdateV2;
#[cfg(feature = "upstream-compiler")]
use sbf_builtins as _;

declare_id!("Fg6PaFpoGXkYsidMpWTK6W2BeZ7FEfcYkg476zPFsLnS");

#[program]
pub mod probe {
    use super::*;

    pub fn initialize(ctx: Context<Initialize>) -> Result<()> {
        ctx.accounts.tally.load_init()?.total = 0;
        Ok(())
    }

    /// Adds `notional * 1e10 / price`, the satoshi value of micro-dollars at a checked Pyth price.
    pub fn add_value(ctx: Context<AddValue>, notional: u64) -> Result<()> {
        let update = &ctx.accounts.price;
        let price = update.get_price_no_older_than(&Clock::get()?, 60, &update.price_message.feed_id)?;
        let price = u128::try_from(price.price).map_err(|_| ProgramError::InvalidAccountData)?;
        let value = (u128::from(notional) * 10_000_000_000)
            .checked_div(price)
            .ok_or(ProgramError::ArithmeticOverflow)?;
        ctx.accounts.tally.load_mut()?.add(value)
    }

    /// The same from a legacy price account, without checks: only to see that the parser builds.
    pub fn add_legacy_price(ctx: Context<AddLegacyPrice>) -> Result<()> {
        let data = ctx.accounts.price.try_borrow_data()?;
        let account: &pyth_sdk_solana::state::SolanaPriceAccount =
            pyth_sdk_solana::state::load_price_account(&data)
                .map_err(|_| ProgramError::InvalidAccountData)?;
        let price = account.to_price_feed(&Default::default()).get_price_unchecked().price;
        let price = u128::try_from(price).map_err(|_| ProgramError::InvalidAccountData)?;
        ctx.accounts.tally.load_mut()?.add(price)
    }

    pub fn deposit(ctx: Context<Deposit>, amount: u64) -> Result<()> {
        let accounts = &ctx.accounts;
        let transfer = TransferChecked {
            from: accounts.from.to_account_info(),
            mint: accounts.mint.to_account_info(),
            to: accounts.to.to_account_info(),
            authority: accounts.owner.to_account_info(),
        };
        token::transfer_checked(
            CpiContext::new(accounts.token_program.key(), transfer),
            amount,
            accounts.mint.decimals,
        )?;
        accounts.tally.load_mut()?.add(u128::from(amount))
    }
}

#[account(zero_copy)]
pub struct Tally {
    pub total: u64,
}

impl Tally {
    fn add(&mut self, amount: u128) -> Result<()> {
        let amount = u64::try_from(amount).map_err(|_| ProgramError::ArithmeticOverflow)?;
        self.total = self.total.checked_add(amount).ok_or(ProgramError::ArithmeticOverflow)?;
        Ok(())
    }
}

#[derive(Accounts)]
pub struct Initialize<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(init, payer = payer, space = 8 + size_of::<Tally>(), seeds = [b"tally"], bump)]
    pub tally: AccountLoader<'info, Tally>,
    pub system_program: Program<'info, System>,
}

#[derive(Accounts)]
pub struct AddValue<'info> {
    #[account(mut)]
    pub tally: AccountLoader<'info, Tally>,
    pub price: Account<'info, PriceUpdateV2>,
}

#[derive(Accounts)]
pub struct AddLegacyPrice<'info> {
    #[account(mut)]
    pub tally: AccountLoader<'info, Tally>,
    /// CHECK: parsed, not trusted
    pub price: UncheckedAccount<'info>,
}

#[derive(Accounts)]
pub struct Deposit<'info> {
    #[account(mut)]
    pub tally: AccountLoader<'info, Tally>,
    pub owner: Signer<'info>,
    #[account(mut)]
    pub from: Account<'info, TokenAccount>,
    #[account(mut)]
    pub to: Account<'info, TokenAccount>,
    pub mint: Account<'info, Mint>,
    pub token_program: Program<'info, Token>,
}
