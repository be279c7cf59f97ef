//! SPL Token: accounts as their bytes lie, and the few instructions that a test sends by itself.

use solana_account::Account;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};

pub use perps::client::addresses::TOKEN_PROGRAM;

/// The token program whose mints are refused.
pub const TOKEN_2022_PROGRAM: Address = Address::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

const MINT_BYTES: usize = 82;
const ACCOUNT_BYTES: usize = 165;
const RENT: u64 = 10_000_000;
const AMOUNT: usize = 64;
const INITIALIZED: u8 = 1;

fn owned(program: Address, data: Vec<u8>) -> Account {
    Account { lamports: RENT, data, owner: program, executable: false, rent_epoch: u64::MAX }
}

/// A mint without supply; `authority` mints and freezes.
pub fn mint_account(program: Address, authority: &Address, decimals: u8) -> Account {
    let mut data = Vec::with_capacity(MINT_BYTES);
    data.extend(1u32.to_le_bytes());
    data.extend(authority.as_ref());
    data.extend(0u64.to_le_bytes());
    data.push(decimals);
    data.push(INITIALIZED);
    data.extend(1u32.to_le_bytes());
    data.extend(authority.as_ref());
    assert_eq!(data.len(), MINT_BYTES);
    owned(program, data)
}

/// A token account with this much in it.
pub fn token_account(mint: &Address, owner: &Address, amount: u64) -> Account {
    let mut data = vec![0; ACCOUNT_BYTES];
    data[..32].copy_from_slice(mint.as_ref());
    data[32..64].copy_from_slice(owner.as_ref());
    data[AMOUNT..AMOUNT + 8].copy_from_slice(&amount.to_le_bytes());
    data[108] = INITIALIZED;
    owned(TOKEN_PROGRAM, data)
}

/// Overwrites the amount of a token account.
pub(super) fn set_amount(account: &mut Account, amount: u64) {
    account.data[AMOUNT..AMOUNT + 8].copy_from_slice(&amount.to_le_bytes());
}

/// Overwrites the supply of a mint.
pub(super) fn set_supply(mint: &mut Account, supply: u64) {
    mint.data[36..44].copy_from_slice(&supply.to_le_bytes());
}

/// The supply of a mint.
pub(super) fn supply(mint: &Account) -> u64 {
    u64::from_le_bytes(mint.data[36..44].try_into().expect("a mint has 82 bytes"))
}

fn instruction(tag: u8, accounts: Vec<AccountMeta>, amount: Option<u64>) -> Instruction {
    let mut data = vec![tag];
    data.extend(amount.into_iter().flat_map(u64::to_le_bytes));
    Instruction { program_id: TOKEN_PROGRAM, accounts, data }
}

/// Sends tokens by hand.
pub fn transfer(from: Address, to: Address, owner: Address, amount: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(from, false), AccountMeta::new(to, false), AccountMeta::new_readonly(owner, true)];
    instruction(3, accounts, Some(amount))
}

/// Mints by hand.
pub fn mint_to(mint: Address, to: Address, authority: Address, amount: u64) -> Instruction {
    let accounts = vec![AccountMeta::new(mint, false), AccountMeta::new(to, false), AccountMeta::new_readonly(authority, true)];
    instruction(7, accounts, Some(amount))
}

/// Lets somebody else spend from a token account.
pub fn approve(account: Address, delegate: Address, owner: Address, amount: u64) -> Instruction {
    let accounts = vec![
        AccountMeta::new(account, false),
        AccountMeta::new_readonly(delegate, false),
        AccountMeta::new_readonly(owner, true),
    ];
    instruction(4, accounts, Some(amount))
}

/// Closes an empty token account.
pub fn close_account(account: Address, rent_to: Address, owner: Address) -> Instruction {
    let accounts =
        vec![AccountMeta::new(account, false), AccountMeta::new(rent_to, false), AccountMeta::new_readonly(owner, true)];
    instruction(9, accounts, None)
}

/// Freezes a token account.
pub fn freeze_account(account: Address, mint: Address, authority: Address) -> Instruction {
    let accounts = vec![
        AccountMeta::new(account, false),
        AccountMeta::new_readonly(mint, false),
        AccountMeta::new_readonly(authority, true),
    ];
    instruction(10, accounts, None)
}
