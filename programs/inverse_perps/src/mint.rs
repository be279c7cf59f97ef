//! Which mints can be a market's collateral: those of the classic token program that count satoshi. A Token-2022 mint is refused, and
//! told for which of its extensions.

use crate::errors::PerpError;
use anchor_lang::prelude::*;

/// Decimals of satoshi.
pub const DECIMALS: u8 = 8;
/// Bytes of a classic mint, and of the part of a Token-2022 mint that is the same.
pub const MINT_BYTES: usize = 82;

const DECIMALS_OFFSET: usize = 44;
/// Token-2022: a mint with extensions is padded to a token account's length, then says that it is one.
const TYPE_OFFSET: usize = 165;
const IS_MINT: u8 = 1;

// Token-2022: extension types in a mint, of those that have an error of their own.
const TRANSFER_FEE_CONFIG: u16 = 1;
const DEFAULT_ACCOUNT_STATE: u16 = 6;
const PERMANENT_DELEGATE: u16 = 12;
const TRANSFER_HOOK: u16 = 14;

/// What `DefaultAccountState` says where accounts are frozen from the start.
const FROZEN: u8 = 2;

/// That a mint can be a market's collateral.
///
/// # Errors
/// `MintHasTransferHook`, `MintHasTransferFee`, `MintHasPermanentDelegate`, `MintFreezesAccounts`, `Token2022NotSupported`,
/// `WrongDecimals`; `InvalidAccountData` where it is no initialized mint.
pub fn ensure_collateral(mint: &AccountInfo) -> Result<()> {
    let data = mint.try_borrow_data()?;
    if *mint.owner == anchor_spl::token_2022::ID {
        return Err(why_refused(&data).into());
    }
    require!(*mint.owner == anchor_spl::token::ID, PerpError::Token2022NotSupported);
    let [decimals, initialized] = *data.get(DECIMALS_OFFSET..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0, 0]);
    if data.len() != MINT_BYTES || initialized != 1 {
        return Err(ProgramError::InvalidAccountData.into());
    }
    require!(decimals == DECIMALS, PerpError::WrongDecimals);
    Ok(())
}

/// The first extension of a Token-2022 mint that has an error of its own; the general one where there is none, or where the bytes
/// are not those of a mint.
fn why_refused(data: &[u8]) -> PerpError {
    let Some([IS_MINT, extensions @ ..]) = data.get(TYPE_OFFSET..) else {
        return PerpError::Token2022NotSupported;
    };
    let mut rest = extensions;
    while let Some((extension, value, left)) = next_extension(rest) {
        match (extension, value) {
            (TRANSFER_FEE_CONFIG, _) => return PerpError::MintHasTransferFee,
            (DEFAULT_ACCOUNT_STATE, [FROZEN]) => return PerpError::MintFreezesAccounts,
            (PERMANENT_DELEGATE, _) => return PerpError::MintHasPermanentDelegate,
            (TRANSFER_HOOK, _) => return PerpError::MintHasTransferHook,
            _ => rest = left,
        }
    }
    PerpError::Token2022NotSupported
}

/// Type and value of the first entry, and what follows it: a type and a length of two bytes each, little-endian, then so many bytes.
/// None at the end, at the padding after the last entry, and where an entry is cut off.
fn next_extension(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let ([low, high, length @ ..], rest) = bytes.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let extension = u16::from_le_bytes([*low, *high]);
    (extension != 0).then_some((extension, value, rest))
}
