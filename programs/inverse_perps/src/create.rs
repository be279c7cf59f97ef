//! The only door to the system program: accounts at program addresses, their beginning and their end. Calls are built by hand, in one place, because what Anchor
//! generates for each account makes the program a fifth larger.

use anchor_lang::prelude::*;
use anchor_lang::solana_program::instruction::Instruction;
use anchor_lang::solana_program::program::invoke_signed;
use anchor_lang::{Discriminator, ZeroCopy};
use std::cell::RefMut;

const CREATE_ACCOUNT: u32 = 0;
const ASSIGN: u32 = 1;
const TRANSFER: u32 = 2;
const ALLOCATE: u32 = 8;

/// Somebody who pays for an account at a program address.
pub struct Creation<'a, 'info> {
    /// Pays the rent.
    pub payer: &'a AccountInfo<'info>,
    /// The account, which must not be in use.
    pub account: &'a AccountInfo<'info>,
    /// What leads to its address, bump included.
    pub seeds: &'a [&'a [u8]],
}

impl<'a> Creation<'a, '_> {
    /// An account of so many zeros for `owner`. Lamports that somebody has sent to its address before are put to use.
    ///
    /// # Errors
    /// The system program's, where the address is in use or the payer lacks the rent.
    #[inline(never)]
    pub fn create(&self, bytes: usize, owner: &Pubkey) -> Result<()> {
        let rent = Rent::get()?.minimum_balance(bytes);
        let space = u64::try_from(bytes).map_err(|_| ProgramError::InvalidArgument)?.to_le_bytes();
        let held = self.account.lamports();
        if held == 0 {
            return self.call(CREATE_ACCOUNT, &[&rent.to_le_bytes(), &space, owner.as_ref()]);
        }
        if let Some(missing) = rent.checked_sub(held).filter(|missing| *missing > 0) {
            self.call(TRANSFER, &[&missing.to_le_bytes()])?;
        }
        self.call(ALLOCATE, &[&space])?;
        self.call(ASSIGN, &[owner.as_ref()])
    }

    /// An account of this program with its discriminator, all else zero.
    ///
    /// # Errors
    /// Those of `create`.
    pub fn zero_copy<T: ZeroCopy + Discriminator>(&self) -> Result<RefMut<'a, T>> {
        let head = T::DISCRIMINATOR.len();
        self.create(head.saturating_add(size_of::<T>()), &crate::ID)?;
        let mut data = self.account.try_borrow_mut_data()?;
        data.get_mut(..head).ok_or(ErrorCode::AccountDidNotSerialize)?.copy_from_slice(T::DISCRIMINATOR);
        state_mut(data).ok_or_else(|| ErrorCode::AccountDidNotSerialize.into())
    }

    /// `Allocate` and `Assign` name the account alone, first; the others the payer before it.
    fn call(&self, instruction: u32, fields: &[&[u8]]) -> Result<()> {
        let mut data = instruction.to_le_bytes().to_vec();
        fields.iter().for_each(|field| data.extend_from_slice(field));
        let account = AccountMeta::new(*self.account.key, true);
        let accounts = match instruction {
            ALLOCATE | ASSIGN => vec![account],
            _ => vec![AccountMeta::new(*self.payer.key, true), account],
        };
        let instruction = Instruction { program_id: anchor_lang::system_program::ID, accounts, data };
        invoke_signed(&instruction, &[self.payer.clone(), self.account.clone()], &[self.seeds]).map_err(Into::into)
    }
}

/// What an account's bytes hold behind the discriminator; none where they are not as many as a `T` has.
pub fn state_mut<'a, T: ZeroCopy + Discriminator>(data: RefMut<'a, &mut [u8]>) -> Option<RefMut<'a, T>> {
    let head = T::DISCRIMINATOR.len();
    RefMut::filter_map(data, |bytes| bytes.get_mut(head..).and_then(|body| bytemuck::try_from_bytes_mut(body).ok())).ok()
}

/// Ends an account of this program: its lamports go to `rent_to`, and nothing is left of it.
///
/// # Errors
/// The runtime's, where the account is not this program's.
pub fn close(account: &AccountInfo, rent_to: &AccountInfo) -> Result<()> {
    let held = std::mem::take(&mut **account.try_borrow_mut_lamports()?);
    let mut receiving = rent_to.try_borrow_mut_lamports()?;
    **receiving = receiving.checked_add(held).ok_or(ProgramError::ArithmeticOverflow)?;
    account.assign(&anchor_lang::system_program::ID);
    account.resize(0).map_err(Into::into)
}
