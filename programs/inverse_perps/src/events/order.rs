//! Events of orders and delegates.

use super::{event, Fill, Head, LedgerChange, PositionAfter, MAX_BYTES};
use crate::errors::PerpError;
use crate::state::Order;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::{ExecutionOutcome, Filled, Removal, Settled, TipShares};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::units::{Notional, Price, Sats, SignedSats};

event! {
    /// An order was placed and its tip reserved.
    pub struct OrderPlaced {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The order.
        pub order: Pubkey,
        /// The order that it is linked with; default for none.
        pub partner: Pubkey,
        /// Which one of its position.
        pub id: u64,
        /// 0 market, 1 limit, 2 stop, 3 take-profit.
        pub kind: u64,
        /// 1 long, 2 short.
        pub direction: u64,
        /// 1 where it only reduces.
        pub reduce_only: u64,
        /// 1 where a delegate placed it.
        pub by_delegate: u64,
        /// By how much, 1e-6 USD; zero for all of the position.
        pub notional_e6: Notional,
        /// What triggers it, 1e-8 USD.
        pub trigger_price_e8: Price,
        /// The worst acceptable fill price, 1e-8 USD.
        pub limit_price_e8: Price,
        /// Until when it rests.
        pub expiry: i64,
        /// T of a market order; for any other, when a price that triggers it must have been published.
        pub due: i64,
        /// Its tip.
        pub tip_sats: Sats,
    }
}

impl OrderPlaced {
    /// Of an order that has just been placed.
    pub fn new(head: Head, key: Pubkey, order: &Order) -> Self {
        let state = &order.state;
        Self {
            head,
            position: order.position,
            order: key,
            partner: order.partner,
            id: u64::from(state.id),
            kind: u64::from(state.kind),
            direction: u64::from(state.direction),
            reduce_only: u64::from(state.reduce_only),
            by_delegate: u64::from(state.by_delegate),
            notional_e6: state.notional,
            trigger_price_e8: state.trigger,
            limit_price_e8: state.limit,
            expiry: state.expiry.get(),
            due: state.due.get(),
            tip_sats: state.tip,
        }
    }
}

event! {
    /// A resting order became a market order.
    pub struct OrderTriggered {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The order.
        pub order: Pubkey,
        /// The token account that gets half of its tip.
        pub triggered_by: Pubkey,
        /// The price that triggered it, 1e-8 USD.
        pub price_e8: Price,
        /// T: its fill price is the first published then or later.
        pub due: i64,
    }
}

/// What an executed order's event is told of besides its report.
pub struct OrderContext<'a> {
    /// The order's address.
    pub key: Pubkey,
    /// The order.
    pub order: &'a Order,
    /// The order that died because this one has filled; default for none.
    pub killed: Pubkey,
    /// What was due to the position and has been written to it.
    pub settled: Option<Settled>,
    /// What became of its tip.
    pub tip: &'a TipShares,
}

/// What an execution wrote to the position before: deleveraged profit less funding and borrow fee. It has no event of its own.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Written {
    /// The result.
    pub result_sats: SignedSats,
    /// The part of it that moved the basis.
    pub shifted_sats: SignedSats,
}

impl From<Option<Settled>> for Written {
    fn from(settled: Option<Settled>) -> Self {
        let Settled { result, shifted } = settled.unwrap_or_default();
        Self { result_sats: result, shifted_sats: shifted }
    }
}

/// What became of an executed order's tip.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Tip {
    /// What who has executed it got; it has left the ledger.
    pub filler_sats: Sats,
    /// What who has triggered it got; it has left the ledger.
    pub triggerer_sats: Sats,
    /// What insurance got.
    pub forfeited_sats: Sats,
}

impl From<&TipShares> for Tip {
    fn from(shares: &TipShares) -> Self {
        let TipShares { filler, triggerer, forfeited } = *shares;
        Self { filler_sats: filler, triggerer_sats: triggerer, forfeited_sats: forfeited }
    }
}

event! {
    /// An order was filled and has left.
    pub struct OrderFilled {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The order.
        pub order: Pubkey,
        /// The order that died because this one has filled; default for none.
        pub killed: Pubkey,
        /// 1 long, 2 short.
        pub direction: u64,
        /// 1 where it reduced the position.
        pub reduce_only: u64,
        /// The fill.
        pub fill: Fill,
        /// Shortfall that insurance paid.
        pub covered_sats: Sats,
        /// Shortfall that nobody paid.
        pub uncovered_sats: Sats,
        /// What the side's indices had done to the position before.
        pub settled: Written,
        /// What became of the tip.
        pub tip: Tip,
        /// The position after.
        pub after: PositionAfter,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl OrderFilled {
    /// Of an order that has just been filled.
    pub fn new(head: Head, context: &OrderContext, filled: &Filled, after: &engine::Position, ledger: LedgerChange) -> Self {
        let order = context.order;
        Self {
            head,
            position: order.position,
            order: context.key,
            killed: context.killed,
            direction: u64::from(order.state.direction),
            reduce_only: u64::from(order.state.reduce_only),
            fill: filled.into(),
            covered_sats: filled.shortfall.covered,
            uncovered_sats: filled.shortfall.uncovered,
            settled: context.settled.into(),
            tip: context.tip.into(),
            after: after.into(),
            ledger,
        }
    }
}

event! {
    /// An order was executed, but not filled.
    pub struct OrderExecuted {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The order.
        pub order: Pubkey,
        /// 2 missed its bound and rests again, 3 failed for its owner's reasons, 4 was blocked for the market's (1 would be a fill).
        pub outcome: u64,
        /// The program's error where it failed or was blocked, else zero.
        pub error: u64,
        /// The fee of a failure and who got it.
        pub fee_sats: FeeSplit,
        /// What the side's indices had done to the position before.
        pub settled: Written,
        /// What became of the tip.
        pub tip: Tip,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl OrderExecuted {
    /// Of an order that has just been executed without a fill.
    pub fn new(head: Head, context: &OrderContext, outcome: &ExecutionOutcome, ledger: LedgerChange) -> Self {
        let (code, error, fee) = match *outcome {
            ExecutionOutcome::Failed(error, fee) => (3, Some(error), fee),
            ExecutionOutcome::Blocked(error) => (4, Some(error), FeeSplit::default()),
            ExecutionOutcome::Rests => (2, None, FeeSplit::default()),
            ExecutionOutcome::Filled(_) => (1, None, FeeSplit::default()),
        };
        Self {
            head,
            position: context.order.position,
            order: context.key,
            outcome: code,
            error: error.map_or(0, |error| u64::from(u32::from(PerpError::from(error)))),
            fee_sats: fee,
            settled: context.settled.into(),
            tip: context.tip.into(),
            ledger,
        }
    }
}

event! {
    /// An order was removed without having been executed.
    pub struct OrderRemoved {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The order.
        pub order: Pubkey,
        /// 1 cancelled, 2 void, 3 expired: then its tip is insurance's.
        pub removal: u64,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl OrderRemoved {
    /// Of an order that has just been removed.
    pub fn new(head: Head, position: Pubkey, order: Pubkey, removal: Removal, ledger: LedgerChange) -> Self {
        let removal = match removal {
            Removal::Cancelled => 1,
            Removal::Voided => 2,
            Removal::Expired => 3,
        };
        Self { head, position, order, removal, ledger }
    }
}

event! {
    /// A delegate was appointed, or got another budget.
    pub struct DelegateSet {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Who.
        pub delegate: Pubkey,
        /// What he may spend on fees, spread and tips a day.
        pub daily_budget_sats: Sats,
        /// Resting orders of a delegate with an id below this are void.
        pub void_orders_below: u64,
    }
}

event! {
    /// A delegate was dismissed.
    pub struct DelegateRevoked {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Who.
        pub delegate: Pubkey,
        /// His resting orders, with an id below this, are void.
        pub void_orders_below: u64,
    }
}
