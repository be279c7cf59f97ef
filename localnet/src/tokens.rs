//! Instructions of SPL Token for wrapped BTC.

use crate::genesis::mint;
use anchor_spl::associated_token::spl_associated_token_account::instruction::create_associated_token_account_idempotent;
use anchor_spl::token::spl_token::instruction;
use anyhow::{Context, Result};
use perps::client::addresses::{associated_tokens, TOKEN_PROGRAM};
use solana_address::Address;
use solana_instruction::Instruction;

/// Creates an owner's associated account of a mint, unless it is there.
pub fn create_account(payer: &Address, owner: &Address, mint: &Address) -> Instruction {
    create_associated_token_account_idempotent(payer, owner, mint, &TOKEN_PROGRAM)
}

/// Mints wrapped BTC into an owner's associated account.
///
/// # Errors
/// None in practice: the token program's address is the right one.
pub fn mint_to(authority: &Address, owner: &Address, sats: u64) -> Result<Instruction> {
    let tokens = associated_tokens(owner, &mint());
    instruction::mint_to(&TOKEN_PROGRAM, &mint(), &tokens, authority, &[], sats).context("the mint's instruction")
}
