//! Every error of the program is triggered somewhere in these tests, or says why it cannot be.

use inverse_perps_tests::harness::prelude::*;
use std::path::Path;
use Proof::{Triggered, Unreachable};

/// Where an error is shown.
enum Proof {
    /// In this file, under `tests/`.
    Triggered(&'static str),
    /// Nowhere on chain, for this reason.
    Unreachable(&'static str),
}

/// The match has no wildcard: an error that this list lacks does not compile.
macro_rules! proofs {
    ($($name:ident => $proof:expr,)*) => {
        const ALL: &[(PerpError, &str)] = &[$((PerpError::$name, stringify!($name)),)*];

        fn proof(error: PerpError) -> Proof {
            match error {
                $(PerpError::$name => $proof,)*
            }
        }
    };
}

const PRICES: Proof = Triggered("instructions/prices.rs");
const CREATE: Proof = Triggered("instructions/create_market.rs");
const INCREASE: Proof = Triggered("instructions/increase_position.rs");
const DECREASE: Proof = Triggered("instructions/decrease_position.rs");
const DEPOSIT: Proof = Triggered("instructions/deposit_collateral.rs");
const WITHDRAW: Proof = Triggered("instructions/withdraw_collateral.rs");
const LIQUIDITY: Proof = Triggered("instructions/deposit_liquidity.rs");
const LIQUIDATE: Proof = Triggered("instructions/liquidate.rs");
const INITIALIZE: Proof = Triggered("instructions/initialize_exchange.rs");
const CLOSE: Proof = Triggered("instructions/close_position_account.rs");
const WITHDRAWAL: Proof = Triggered("instructions/withdrawal.rs");
const DELEVERAGE: Proof = Triggered("instructions/deleverage.rs");
const SETTLEMENT: Proof = Triggered("instructions/settlement.rs");
const CLOSED: Proof = Triggered("instructions/closed_market.rs");
const PAY_OUT: Proof = Triggered("instructions/pay_out.rs");
const WINDOW: Proof = Triggered("instructions/withdrawal_window.rs");
const SETTLING: Proof = Triggered("instructions/while_settling.rs");
const DEAD: Proof = Triggered("instructions/dead_oracle.rs");
const PLACE: Proof = Triggered("instructions/orders/place_order.rs");
const TRIGGER: Proof = Triggered("instructions/orders/trigger_order.rs");
const EXECUTE: Proof = Triggered("instructions/orders/execute_order.rs");
const TIPS: Proof = Triggered("instructions/orders/tips.rs");
const LINKED: Proof = Triggered("instructions/orders/linked_orders.rs");
const REMOVE: Proof = Triggered("instructions/orders/remove_order.rs");
const DELEGATE: Proof = Triggered("instructions/delegate.rs");
const ADMIN: Proof = Triggered("instructions/admin_transfer.rs");
const UPDATE: Proof = Triggered("instructions/params_update.rs");
const BOUNDS: Proof = Triggered("instructions/params_bounds.rs");
const PAUSE: Proof = Triggered("instructions/pause.rs");
const MINT: Proof = Triggered("instructions/mint_safety.rs");
const LEGACY: Proof = Triggered("instructions/legacy_oracle.rs");

proofs! {
    Overflow => DEPOSIT,
    PriceNotPositive => PRICES,
    PriceOutOfRange => PRICES,
    ExponentOutOfRange => PRICES,
    PriceInFuture => PRICES,
    PriceTooOld => PRICES,
    ConfidenceTooWide => PRICES,
    PriceFarFromAverage => PRICES,
    PriceJumped => PRICES,
    PriceRequired => WITHDRAW,
    AmountZero => INCREASE,
    NotWholeDollars => INCREASE,
    BelowMinNotional => INCREASE,
    PositionCapExceeded => INCREASE,
    SideCapExceeded => INCREASE,
    OppositeDirection => INCREASE,
    NoOpenPosition => DECREASE,
    ReductionTooLarge => DECREASE,
    SlippageExceeded => INCREASE,
    DeadlineExpired => INCREASE,
    MinHoldNotOver => DECREASE,
    MarginBelowInitial => INCREASE,
    MarginBelowAmount => WITHDRAW,
    MarginBelowFee => INCREASE,
    ReserveExceeded => INCREASE,
    PoolExhausted => DECREASE,
    NotLiquidatable => LIQUIDATE,
    PositionNotEmpty => CLOSE,
    PoolNotSolvent => LIQUIDITY,
    BelowMinFirstDeposit => LIQUIDITY,
    PoolCapExceeded => LIQUIDITY,
    TooFewShares => LIQUIDITY,
    MarketSettling => SETTLING,
    MarketClosed => CLOSED,
    MarketNotSettling => SETTLEMENT,
    SettlementUnfinished => SETTLEMENT,
    DeleverageNotDue => DELEVERAGE,
    ClaimUnredeemed => SETTLEMENT,
    NoClaim => SETTLEMENT,
    ClaimsOutstanding => CLOSED,
    CoolDownNotOver => WINDOW,
    WithdrawalLapsed => WINDOW,
    WithdrawalNotLapsed => WINDOW,
    PayoutTooSmall => WITHDRAWAL,
    OracleDead => DEAD,
    OracleAlreadyDead => DEAD,
    OracleNotDead => DEAD,
    GracePeriodOver => DEAD,
    GracePeriodNotOver => DEAD,
    PriceNotNewer => DEAD,
    SettlementConfidenceTooWide => DEAD,
    OrdersOnly => PLACE,
    OrderPending => PLACE,
    OrderTipOutOfBounds => PLACE,
    MarginBelowTip => PLACE,
    MarginBelowMaintenance => PLACE,
    OrderWouldTrigger => PLACE,
    OrderNotResting => TRIGGER,
    OrderNotPending => EXECUTE,
    OrderVoid => EXECUTE,
    OrderExpired => EXECUTE,
    OrderNotExpired => REMOVE,
    OrderTooYoung => EXECUTE,
    TriggerNotReached => TRIGGER,
    PriceBeforeOrder => EXECUTE,
    NotFirstUpdate => EXECUTE,
    MarginBelowFilling => EXECUTE,
    ClockLagFound => EXECUTE,
    DelegateBudgetExceeded => DELEGATE,
    LedgerNotConserved => Unreachable("a guard against the program's own bugs: no input makes a transition lose or make satoshi"),
    SideNotEmpty => DECREASE,
    MarginRatiosOutOfBounds => BOUNDS,
    TakerFeeOutOfBounds => BOUNDS,
    LiquidationFeeOutOfBounds => BOUNDS,
    MinRewardOutOfBounds => BOUNDS,
    OracleBoundsOutOfBounds => BOUNDS,
    AgesOutOfBounds => BOUNDS,
    ReserveParamsOutOfBounds => BOUNDS,
    RatesOutOfBounds => BOUNDS,
    ImpactOutOfBounds => BOUNDS,
    CapsOutOfBounds => BOUNDS,
    TipsOutOfBounds => BOUNDS,
    InsuranceCapOutOfBounds => BOUNDS,
    ExitTimesOutOfBounds => BOUNDS,
    RiskPaused => PAUSE,
    RiskAlreadyPaused => PAUSE,
    PauseTooSoon => PAUSE,
    RiskNotPaused => PAUSE,
    TimelockNotOver => UPDATE,
    ProposalExpired => UPDATE,
    NotUpgradeAuthority => INITIALIZE,
    TimelockOutOfBounds => INITIALIZE,
    NotAdmin => CREATE,
    NotNominee => ADMIN,
    NotGuardian => PAUSE,
    UpdatePending => UPDATE,
    NoPendingUpdate => UPDATE,
    ProposedByFormerAdmin => ADMIN,
    Token2022NotSupported => MINT,
    MintHasTransferHook => MINT,
    MintHasTransferFee => MINT,
    MintHasPermanentDelegate => MINT,
    MintFreezesAccounts => MINT,
    WrongDecimals => CREATE,
    NotOwner => WITHDRAW,
    NotTrader => INCREASE,
    WrongDelegate => DELEGATE,
    OrdersNeedPull => LEGACY,
    LegacyFillsInstantly => LEGACY,
    WrongOrder => REMOVE,
    OrderNotLinkable => PLACE,
    WrongTriggerer => TIPS,
    WrongPartner => LINKED,
    WrongMarket => INCREASE,
    WrongVault => DEPOSIT,
    WrongLpMint => LIQUIDITY,
    WrongLpEscrow => WITHDRAWAL,
    WrongSettlement => SETTLEMENT,
    WrongRentRecipient => WITHDRAWAL,
    WrongRecipient => WITHDRAWAL,
    WrongAssociatedAccount => PAY_OUT,
    MarketNotClosed => PAY_OUT,
    SettlementUnredeemed => SETTLEMENT,
    WrongOracleOwner => PRICES,
    WrongOracleAccount => PRICES,
    WrongFeed => PRICES,
    PriceNotFullyVerified => PRICES,
    PriceNotTrading => LEGACY,
    VaultShort => DEPOSIT,
    TransferMismatch => Unreachable("the classic token program moves exactly the amount; mints of any other program are refused"),
}

/// Whether a source file names the error as a word of its own, so that `AmountZero` is not found in a longer name.
fn names(source: &str, error: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    source.match_indices(error).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        let after = source[at + error.len()..].chars().next();
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    })
}

#[test]
fn every_error_is_triggered_or_says_why() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (error, name) in ALL {
        match proof(*error) {
            Triggered(file) => {
                let source = std::fs::read_to_string(tests.join(file)).expect("the named file exists");
                assert!(names(&source, name), "{file} does not trigger {name}");
            }
            Unreachable(reason) => assert!(reason.len() > 20, "{name} gives no reason"),
        }
    }
    // Codes are 6000 and the place in the list, so a list without gaps is the whole enumeration.
    let codes: Vec<u32> = ALL.iter().map(|(error, _)| *error as u32).collect();
    assert!(codes.iter().copied().eq(0..u32::try_from(ALL.len()).expect("few errors")), "{codes:?}");
}
