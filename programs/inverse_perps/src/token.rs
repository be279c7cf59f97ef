//! The only door to SPL Token. Calls are built by hand: half the compute units of the generated ones.

use crate::create::Creation;
use crate::errors::PerpError;
use crate::mint::{DECIMALS, MINT_BYTES};
use crate::state::{seeds, Market};
use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::Instruction;
use anchor_lang::solana_program::program::{invoke_signed, invoke_signed_unchecked};
use inverse_perps_engine::ledger::Ledger;
use inverse_perps_engine::units::Sats;

const TRANSFER: u8 = 3;
const MINT_TO: u8 = 7;
const BURN: u8 = 8;
const INITIALIZE_ACCOUNT: u8 = 18;
const INITIALIZE_MINT: u8 = 20;
const ACCOUNT_BYTES: usize = 165;
const OWNER_OFFSET: usize = 32;
const AMOUNT_OFFSET: usize = 64;
const STATE_OFFSET: usize = 108;
const INITIALIZED: u8 = 1;
const CREATE_IDEMPOTENT: u8 = 1;

/// Creates token accounts and mints at program addresses, for one authority.
pub struct Maker<'a, 'info> {
    /// Pays the rent.
    pub payer: &'a AccountInfo<'info>,
    /// Will own the accounts and mint the tokens.
    pub authority: Pubkey,
}

impl<'info> Maker<'_, 'info> {
    /// A token account of `mint` at `new`, which the seeds lead to.
    ///
    /// # Errors
    /// SPL Token's and the system program's.
    pub fn account(&self, new: &AccountInfo<'info>, seeds: &[&[u8]], mint: &AccountInfo<'info>) -> Result<()> {
        Creation { payer: self.payer, account: new, seeds }.create(ACCOUNT_BYTES, &anchor_spl::token::ID)?;
        let mut data = vec![INITIALIZE_ACCOUNT];
        data.extend_from_slice(self.authority.as_ref());
        let accounts = vec![AccountMeta::new(*new.key, false), AccountMeta::new_readonly(*mint.key, false)];
        let instruction = Instruction { program_id: anchor_spl::token::ID, accounts, data };
        invoke_signed(&instruction, &[new.clone(), mint.clone()], &[]).map_err(Into::into)
    }

    /// A mint of 8 decimals without freeze authority at `new`, which the seeds lead to.
    ///
    /// # Errors
    /// SPL Token's and the system program's.
    pub fn mint(&self, new: &AccountInfo<'info>, seeds: &[&[u8]]) -> Result<()> {
        Creation { payer: self.payer, account: new, seeds }.create(MINT_BYTES, &anchor_spl::token::ID)?;
        let mut data = vec![INITIALIZE_MINT, DECIMALS];
        data.extend_from_slice(self.authority.as_ref());
        data.push(0);
        let instruction =
            Instruction { program_id: anchor_spl::token::ID, accounts: vec![AccountMeta::new(*new.key, false)], data };
        invoke_signed(&instruction, std::slice::from_ref(new), &[]).map_err(Into::into)
    }
}

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
    transfer(from, vault, owner, amount)?;
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

/// Burns shares of the pool out of the escrow in the market's name.
///
/// # Errors
/// SPL Token's.
pub fn burn_shares<'info>(
    signer: &MarketSigner<'info>,
    escrow: &AccountInfo<'info>,
    mint: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    signer.call(BURN, [escrow, mint, &signer.market], amount)
}

/// Moves tokens of somebody who has signed.
///
/// # Errors
/// SPL Token's.
pub fn transfer<'info>(
    from: &AccountInfo<'info>,
    to: &AccountInfo<'info>,
    owner: &AccountInfo<'info>,
    amount: u64,
) -> Result<()> {
    call(TRANSFER, [from, to, owner], amount, &[])
}

/// That a token account belongs to somebody.
///
/// # Errors
/// `WrongRecipient`, also for what is no token account.
pub fn ensure_owned_by(account: &AccountInfo, owner: &Pubkey) -> Result<()> {
    let data = account.try_borrow_data()?;
    let found = data.get(OWNER_OFFSET..AMOUNT_OFFSET).ok_or(PerpError::WrongRecipient)?;
    require!(found == owner.as_ref(), PerpError::WrongRecipient);
    Ok(())
}

/// Whether SPL Token would let tokens of `mint` arrive here: a token account of it, initialized and not frozen.
pub fn can_take(account: &AccountInfo, mint: &Pubkey) -> bool {
    let Ok(data) = account.try_borrow_data() else { return false };
    *account.owner == anchor_spl::token::ID
        && data.len() == ACCOUNT_BYTES
        && data.get(..OWNER_OFFSET) == Some(mint.as_ref())
        && data.get(STATE_OFFSET) == Some(&INITIALIZED)
}

/// Who and what an associated token account is of, and who pays where it is missing.
pub struct Associated<'a, 'info> {
    /// Pays the rent.
    pub payer: &'a AccountInfo<'info>,
    /// The account.
    pub account: &'a AccountInfo<'info>,
    /// Its owner.
    pub owner: &'a AccountInfo<'info>,
    /// Its mint.
    pub mint: &'a AccountInfo<'info>,
    /// SPL Token.
    pub token_program: &'a AccountInfo<'info>,
    /// The system program.
    pub system_program: &'a AccountInfo<'info>,
}

impl Associated<'_, '_> {
    /// Creates it where it is missing, and makes sure that it is its owner's still.
    ///
    /// # Errors
    /// `WrongAssociatedAccount`, `WrongRecipient`, those of the associated token program.
    pub fn ensure(&self) -> Result<()> {
        let address = anchor_spl::associated_token::get_associated_token_address(self.owner.key, self.mint.key);
        require!(address == *self.account.key, PerpError::WrongAssociatedAccount);
        if self.account.data_is_empty() {
            let infos =
                [self.payer, self.account, self.owner, self.mint, self.system_program, self.token_program].map(Clone::clone);
            let metas = infos.iter().map(|info| AccountMeta {
                pubkey: *info.key,
                is_signer: info.key == self.payer.key,
                is_writable: info.key == self.payer.key || info.key == self.account.key,
            });
            let program_id = anchor_spl::associated_token::ID;
            let instruction = Instruction { program_id, accounts: metas.collect(), data: vec![CREATE_IDEMPOTENT] };
            invoke_signed(&instruction, &infos, &[])?;
        }
        ensure_owned_by(self.account, self.owner.key)
    }
}

/// I1: that the vault holds what the ledger says.
///
/// # Errors
/// `VaultShort`.
pub fn ensure_backed(vault: &AccountInfo, ledger: &Ledger) -> Result<()> {
    ensure_holds(vault, ledger.total().map_err(crate::errors::fail)?)
}

/// The same, of a ledger whose sum is known.
///
/// # Errors
/// `VaultShort`.
pub fn ensure_holds(vault: &AccountInfo, sum: Sats) -> Result<()> {
    require!(balance(vault)? >= sum.get(), PerpError::VaultShort);
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

/// `Transfer`, `MintTo` and `Burn` have the same shape: two writable accounts, the authority, and the amount.
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
    // Every caller has let go of its accounts' data by now, which the checked call would ask each of them for again.
    invoke_signed_unchecked(&instruction, &[first.clone(), second.clone(), authority.clone()], signers).map_err(Into::into)
}
