//! Instructions of SPL Token for wrapped BTC.

use crate::genesis::mint;
use anchor_spl::token::spl_token::instruction;
use anyhow::{Context, Result};
use perps::client::addresses::{associated_tokens, TOKEN_PROGRAM};
use solana_address::Address;
use solana_instruction::Instruction;

/// Mints wrapped BTC into an owner's associated account.
///
/// # Errors
/// None in practice: the token program's address is the right one.
pub fn mint_to(authority: &Address, owner: &Address, sats: u64) -> Result<Instruction> {
    let tokens = associated_tokens(owner, &mint());
    instruction::mint_to(&TOKEN_PROGRAM, &mint(), &tokens, authority, &[], sats).context("the mint's instruction")
}
