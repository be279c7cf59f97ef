//! What the program's users need of the programs of tokens.

use super::addresses::{associated_tokens, ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAM};
use super::instructions::SYSTEM_PROGRAM;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

/// `CreateIdempotent` of the program of associated token accounts: creating one that is there does nothing.
const CREATE_IDEMPOTENT: u8 = 1;

/// Creates an owner's associated token account of a mint, unless it is there; `payer` pays its rent.
pub fn create_associated_tokens(payer: Address, owner: Address, mint: Address) -> Instruction {
    let accounts = vec![
        AccountMeta::new(payer, true),
        AccountMeta::new(associated_tokens(&owner, &mint), false),
        AccountMeta::new_readonly(owner, false),
        AccountMeta::new_readonly(mint, false),
        AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
        AccountMeta::new_readonly(TOKEN_PROGRAM, false),
    ];
    Instruction { program_id: ASSOCIATED_TOKEN_PROGRAM, accounts, data: vec![CREATE_IDEMPOTENT] }
}
