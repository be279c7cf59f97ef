//! How a transaction is expected to fail, by the error's type and never by its text.

use anchor_lang::error::{ErrorCode, ERROR_CODE_OFFSET};
use inverse_perps::errors::PerpError;
use solana_instruction::error::InstructionError;

/// The instruction error that a refused transaction must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub InstructionError);

impl From<PerpError> for Refusal {
    fn from(error: PerpError) -> Self {
        Self(InstructionError::Custom(ERROR_CODE_OFFSET + error as u32))
    }
}

impl From<ErrorCode> for Refusal {
    fn from(error: ErrorCode) -> Self {
        Self(InstructionError::Custom(error as u32))
    }
}

impl From<InstructionError> for Refusal {
    fn from(error: InstructionError) -> Self {
        Self(error)
    }
}

impl Refusal {
    /// The token program: the source holds less than the amount.
    pub const INSUFFICIENT_TOKENS: Self = Self(InstructionError::Custom(1));
    /// The token program: the accounts are of different mints.
    pub const MINT_MISMATCH: Self = Self(InstructionError::Custom(3));
    /// The token program: the authority does not own the account.
    pub const OWNER_MISMATCH: Self = Self(InstructionError::Custom(4));
    /// The token program: an account is frozen.
    pub const ACCOUNT_FROZEN: Self = Self(InstructionError::Custom(17));
    /// Bytes that are not of the account's type.
    pub const NOT_SUCH_AN_ACCOUNT: Self = Self(InstructionError::InvalidAccountData);
    /// The system program: the address is taken.
    pub const ADDRESS_IN_USE: Self = Self(InstructionError::Custom(0));
}
