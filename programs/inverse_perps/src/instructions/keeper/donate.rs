//! Gives to a market's insurance fund or to its pool. Anyone may.

use crate::errors::fail;
use crate::events::{self, InsuranceFunded, LedgerChange, LiquidityDonated};
use crate::state::Market;
use crate::token;
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::units::Sats;

/// Accounts of `fund_insurance` and `donate_liquidity`.
#[derive(Accounts)]
pub struct Donate<'info> {
    /// Pays.
    pub donor: Signer<'info>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: the donor's token account; SPL Token checks it.
    #[account(mut)]
    pub source: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

enum Receiver {
    Insurance,
    Pool,
}

/// Handles `fund_insurance`.
///
/// # Errors
/// `WrongVault`, `AmountZero`, `MarketClosed`, SPL Token's.
pub fn fund_insurance(ctx: Context<Donate>, amount_sats: u64) -> Result<()> {
    ctx.accounts.give(Receiver::Insurance, amount_sats)
}

/// Handles `donate_liquidity`.
///
/// # Errors
/// `WrongVault`, `AmountZero`, `MarketSettling`, `MarketClosed`, SPL Token's.
pub fn donate_liquidity(ctx: Context<Donate>, amount_sats: u64) -> Result<()> {
    ctx.accounts.give(Receiver::Pool, amount_sats)
}

impl Donate<'_> {
    fn give(&self, receiver: Receiver, amount_sats: u64) -> Result<()> {
        let key = self.market.key();
        let mut market = self.market.load_mut()?;
        market.ensure_vault(self.vault.key)?;

        let before = market.state.ledger;
        let (amount, donor) = (Sats::new(amount_sats), self.donor.key());
        match receiver {
            Receiver::Insurance => market.state.fund_insurance(amount),
            Receiver::Pool => market.state.donate_liquidity(amount),
        }
        .map_err(fail)?;
        token::pay_in(&self.source, &self.vault, &self.donor, amount_sats)?;
        token::ensure_backed(&self.vault, &market.state.ledger)?;
        let head = market.next_event(key);
        let ledger = LedgerChange::since(&before, &market.state.ledger)?;
        match receiver {
            Receiver::Insurance => events::log(&InsuranceFunded { head, donor, amount_sats: amount, ledger }),
            Receiver::Pool => events::log(&LiquidityDonated { head, donor, amount_sats: amount, ledger }),
        }
        Ok(())
    }
}
