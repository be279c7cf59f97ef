//! The only door to SPL Token. Calls are built by hand: half the compute units of the generated ones.

use crate::errors::PerpError;
use crate::state::{seeds, Market};
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::Instruction;
use anchor_lang::solana_program::program::invoke_signed;
use inverse_perps_engine::ledger::Ledger;

const TRANSFER: u8 = 3;
const MINT_TO: u8 = 7;
const AMOUNT_OFFSET: usize = 64;

/// Moves a depositor's tokens into the vault and checks that exactly `amount` arrived.
///
/// # Errors
/// SPL Token's, `TransferMismatch`.
pub fn pay_in<'info>(
    from: &AccountInfo<'info>,
    vault: &AccountInfo<'info>,
    owner: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    let before = balance(vault)?;
    call(TRANSFER, [from, vault, owner], amount, &[])?;
    require!(balance(vault)?.checked_sub(before) == Some(amount), PerpError::TransferMismatch);
    Ok(())
}

/// Moves tokens out of the vault in the market's name.
///
/// # Errors
/// SPL Token's.
pub fn pay_out<'info>(
    signer: &MarketSigner<'info>,
    vault: &AccountInfo<'info>,
    to: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    signer.call(TRANSFER, [vault, to, &signer.market], amount)
}

/// Mints shares of the pool in the market's name.
///
/// # Errors
/// SPL Token's.
pub fn mint_shares<'info>(
    signer: &MarketSigner<'info>,
    mint: &AccountInfo<'info>,
    to: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    signer.call(MINT_TO, [mint, to, &signer.market], amount)
}

/// That the vault holds what the ledger says.
///
/// # Errors
/// `VaultShort`.
pub fn ensure_backed(vault: &AccountInfo, ledger: &Ledger) -> Result<()> {
    require!(balance(vault)? >= ledger.total().map_err(crate::errors::fail)?.get(), PerpError::VaultShort);
    Ok(())
}

/// The market's address with the seeds that let it sign.
pub struct MarketSigner<'info> {
    market: AccountInfo<'info>,
    mint: Pubkey,
    index: [u8; 2],
    bump: [u8; 1],
}

impl<'info> MarketSigner<'info> {
    /// For a market account whose data is not borrowed while it signs.
    pub fn new(account: &AccountLoader<'info, Market>, market: &Market) -> Self {
        Self { market: account.to_account_info(), mint: market.mint, index: market.index.to_le_bytes(), bump: [market.bump] }
    }

    fn call(&self, instruction: u8, accounts: [&AccountInfo<'info>; 3], amount: u64) -> Result<()> {
        call(instruction, accounts, amount, &[&[seeds::MARKET, self.mint.as_ref(), &self.index, &self.bump]])
    }
}

/// A token account's amount, read in place.
fn balance(account: &AccountInfo) -> Result<u64> {
    let data = account.try_borrow_data()?;
    let amount = data.get(AMOUNT_OFFSET..).and_then(|rest| rest.first_chunk::<8>());
    Ok(u64::from_le_bytes(*amount.ok_or(ErrorCode::AccountDidNotDeserialize)?))
}

/// `Transfer` and `MintTo` have the same shape: two writable accounts, the authority, and the amount.
fn call<'info>(instruction: u8, accounts: [&AccountInfo<'info>; 3], amount: u64, signers: &[&[&[u8]]]) -> Result<()> {
    let [first, second, authority] = accounts;
    let mut data = Vec::with_capacity(9);
    data.push(instruction);
    data.extend_from_slice(&amount.to_le_bytes());
    let metas = vec![
        AccountMeta::new(*first.key, false),
        AccountMeta::new(*second.key, false),
        AccountMeta::new_readonly(*authority.key, true),
    ];
    let instruction = Instruction { program_id: anchor_spl::token::ID, accounts: metas, data };
    invoke_signed(&instruction, &[first.clone(), second.clone(), authority.clone()], signers).map_err(Into::into)
}
