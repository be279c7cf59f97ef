//! Pays the protocol's fees to the recipient fixed at the exchange. Anyone may.

use crate::errors::PerpError;
use crate::events::{self, LedgerChange, ProtocolFeesCollected};
use crate::state::{Exchange, Market};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;

/// Accounts of `collect_protocol_fees`.
#[derive(Accounts)]
pub struct CollectProtocolFees<'info> {
    /// The exchange, which names the recipient.
    pub exchange: Box<Account<'info, Exchange>>,
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: a token account of the recipient's.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// SPL Token.
    pub token_program: Program<'info, Token>,
}

/// Handles `collect_protocol_fees`.
///
/// # Errors
/// `WrongVault`, `WrongRecipient`, `AmountZero` where there are none.
pub fn collect_protocol_fees(ctx: Context<CollectProtocolFees>) -> Result<()> {
    let accounts = &ctx.accounts;
    let key = accounts.market.key();
    let (signer, amount) = {
        let mut market = accounts.market.load_mut()?;
        market.ensure_vault(accounts.vault.key)?;
        token::ensure_owned_by(&accounts.destination, &accounts.exchange.fee_recipient)?;
        let before = market.state.ledger;
        let amount = market.state.collect_protocol_fees();
        require!(!amount.is_zero(), PerpError::AmountZero);
        let head = market.next_event(key);
        events::log(&ProtocolFeesCollected {
            head,
            destination: accounts.destination.key(),
            amount_sats: amount,
            ledger: LedgerChange::since(&before, &market.state.ledger)?,
        });
        (MarketSigner::new(&accounts.market, &market), amount.get())
    };
    token::pay_out(&signer, &accounts.vault, &accounts.destination, amount)?;
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}
