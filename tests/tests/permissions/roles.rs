//! Who tries, and what being the wrong one, or there at the wrong time, is refused with.

use inverse_perps_engine::{for_each_engine_error, Error as EngineError};
use inverse_perps_tests::harness::prelude::*;
use solana_instruction::error::InstructionError;

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Owner of the positions.
    Owner,
    /// Their delegate.
    Delegate,
    /// Has shares of the pool and withdrawals in its queue.
    Provider,
    /// Begins pauses.
    Guardian,
    /// Governs; in the tests the program's upgrade authority too.
    Admin,
    /// Whom the admin has nominated.
    Nominee,
    /// Has no role.
    Anyone,
}

/// All of them, in the order of their discriminants.
pub const ROLES: [Role; 7] =
    [Role::Owner, Role::Delegate, Role::Provider, Role::Guardian, Role::Admin, Role::Nominee, Role::Anyone];

impl Role {
    /// Reads a letter of the table.
    pub fn parse(letter: &str) -> Self {
        match letter {
            "O" => Role::Owner,
            "D" => Role::Delegate,
            "P" => Role::Provider,
            "G" => Role::Guardian,
            "A" => Role::Admin,
            "N" => Role::Nominee,
            "K" => Role::Anyone,
            _ => panic!("`{letter}` is no role, `all` or `–`"),
        }
    }
}

/// What is wrong where something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Who asks.
    Who,
    /// When it is asked.
    When,
    /// Something else: the test has not set up everything right.
    Else,
}

/// Refusals that say that another has to sign.
const WHO: [PerpError; 6] = [
    PerpError::NotUpgradeAuthority,
    PerpError::NotAdmin,
    PerpError::NotNominee,
    PerpError::NotGuardian,
    PerpError::NotOwner,
    PerpError::NotTrader,
];

/// Refusals that say that the market's state does not allow it.
const WHEN: [PerpError; 12] = [
    PerpError::RiskPaused,
    PerpError::RiskAlreadyPaused,
    PerpError::RiskNotPaused,
    PerpError::MarketSettling,
    PerpError::MarketNotSettling,
    PerpError::MarketClosed,
    PerpError::MarketNotClosed,
    PerpError::OracleDead,
    PerpError::OracleAlreadyDead,
    PerpError::OracleNotDead,
    PerpError::GracePeriodOver,
    PerpError::OrdersOnly,
];

macro_rules! engine_errors {
    ($($name:ident = $message:literal,)*) => {
        const ENGINE: &[EngineError] = &[$(EngineError::$name,)*];
    };
}
for_each_engine_error!(engine_errors);

fn is(error: &InstructionError, which: PerpError) -> bool {
    *error == Refusal::from(which).0
}

/// What a refusal says, and its name.
pub fn judge(error: &InstructionError) -> (Wrong, String) {
    if let Some(which) = WHO.into_iter().find(|which| is(error, *which)) {
        return (Wrong::Who, format!("{which:?}"));
    }
    if let Some(which) = WHEN.into_iter().find(|which| is(error, *which)) {
        return (Wrong::When, format!("{which:?}"));
    }
    if *error == Refusal::OWNER_MISMATCH.0 {
        return (Wrong::Who, "SPL Token's OwnerMismatch".to_string());
    }
    if *error == Refusal::ADDRESS_IN_USE.0 {
        return (Wrong::When, "the system program's AccountAlreadyInUse".to_string());
    }
    let known = ENGINE.iter().find(|engine| is(error, PerpError::from(**engine)));
    (Wrong::Else, known.map_or_else(|| format!("{error:?}"), |engine| format!("{engine:?}")))
}
