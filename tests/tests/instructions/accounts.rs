//! Accounts that do not belong where they stand, tried on an instruction one by one.

use inverse_perps_tests::harness::prelude::*;

/// The instruction with another account at a place.
pub fn with_account(instruction: &Instruction, place: usize, address: Address) -> Instruction {
    let mut changed = instruction.clone();
    changed.accounts[place].pubkey = address;
    changed
}

/// What an account has for its rent; nothing where there is none.
pub async fn lamports(chain: &Chain, address: &Address) -> u64 {
    chain.account(address).await.map_or(0, |account| account.lamports)
}

/// The instruction without a signature at a place.
pub fn unsigned(instruction: &Instruction, place: usize) -> Instruction {
    let mut changed = instruction.clone();
    changed.accounts[place].is_signer = false;
    changed
}

/// An account that may not be written to.
pub fn read_only(instruction: &Instruction, place: usize) -> Instruction {
    let mut changed = instruction.clone();
    changed.accounts[place].is_writable = false;
    changed
}

/// A program account at a place takes neither another type of the program's, nor its bytes under another owner, nor nothing.
///
/// `other` is an account of the program that is of another type.
pub async fn refuses_strangers(
    chain: &mut Chain,
    instruction: &Instruction,
    place: usize,
    other: Address,
    signers: &[&Keypair],
) {
    let right = instruction.accounts[place].pubkey;
    let confused = with_account(instruction, place, other);
    let what = format!("account {place} of another type");
    chain.refuse(&what, &[confused], signers, ErrorCode::AccountDiscriminatorMismatch).await;

    let forged = Address::new_unique();
    let bytes = chain.account(&right).await.expect("the right account exists");
    chain.set_account(&forged, Account { owner: Address::new_unique(), ..bytes });
    let what = format!("account {place} of another program");
    let forgery = with_account(instruction, place, forged);
    chain.refuse(&what, &[forgery], signers, ErrorCode::AccountOwnedByWrongProgram).await;

    let what = format!("account {place} that does not exist");
    let nothing = with_account(instruction, place, Address::new_unique());
    chain.refuse(&what, &[nothing], signers, ErrorCode::AccountOwnedByWrongProgram).await;

    let what = format!("account {place} read-only");
    chain.refuse(&what, &[read_only(instruction, place)], signers, ErrorCode::ConstraintMut).await;
}
