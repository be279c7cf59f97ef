//! Events of positions.

use super::{event, Head, LedgerChange, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::{Filled, Liquidated, Settled};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Basis, Notional, Price, Sats, Shares, SignedSats};

event! {
    /// A position account was created.
    pub struct PositionCreated {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Its owner.
        pub owner: Pubkey,
        /// Which one of its owner's.
        pub sub_account: u64,
    }
}

event! {
    /// An empty position account was closed and its rent returned.
    pub struct PositionAccountClosed {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Who got the rent.
        pub owner: Pubkey,
    }
}

event! {
    /// Margin came in.
    pub struct CollateralDeposited {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Who paid.
        pub depositor: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// The position's margin after.
        pub margin_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// Margin went out.
    pub struct CollateralWithdrawn {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// The position's margin after.
        pub margin_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// What the side's indices had done to a position was written to it.
    pub struct PositionSettled {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Deleveraged profit less funding and borrow fee.
        pub result_sats: SignedSats,
        /// The part of it that moved the basis.
        pub shifted_sats: SignedSats,
        /// The position's margin after.
        pub margin_sats: Sats,
        /// Its basis after, satoshi at scale one.
        pub basis: Basis,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl PositionSettled {
    /// Of a position that has just been settled.
    pub fn new(head: Head, position: Pubkey, after: &engine::Position, report: &Settled, ledger: LedgerChange) -> Self {
        Self {
            head,
            position,
            result_sats: report.result,
            shifted_sats: report.shifted,
            margin_sats: after.margin,
            basis: after.basis,
            ledger,
        }
    }
}

event! {
    /// A position was opened or enlarged.
    pub struct PositionIncreased {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// 1 long, 2 short.
        pub direction: u64,
        /// The fill.
        pub fill: Fill,
        /// The position after.
        pub after: PositionAfter,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl PositionIncreased {
    /// Of a position that has just been increased.
    pub fn new(head: Head, position: Pubkey, after: &engine::Position, filled: &Filled, ledger: LedgerChange) -> Self {
        Self { head, position, direction: u64::from(after.direction), fill: filled.into(), after: after.into(), ledger }
    }
}

event! {
    /// A position was reduced or closed by its owner.
    pub struct PositionDecreased {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// 1 long, 2 short.
        pub direction: u64,
        /// The fill.
        pub fill: Fill,
        /// Shortfall that insurance paid.
        pub covered_sats: Sats,
        /// Shortfall that nobody paid.
        pub uncovered_sats: Sats,
        /// The position after.
        pub after: PositionAfter,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl PositionDecreased {
    /// Of a position that has just been decreased, from this direction.
    pub fn new(
        head: Head,
        position: Pubkey,
        after: &engine::Position,
        fill: (Direction, &Filled),
        ledger: LedgerChange,
    ) -> Self {
        let (direction, filled) = fill;
        let direction = match direction {
            Direction::Long => 1,
            Direction::Short => 2,
        };
        Self {
            head,
            position,
            direction,
            fill: filled.into(),
            covered_sats: filled.shortfall.covered,
            uncovered_sats: filled.shortfall.uncovered,
            after: after.into(),
            ledger,
        }
    }
}

event! {
    /// A position was liquidated, in part or whole.
    pub struct PositionLiquidated {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The token account that was paid.
        pub rewarded: Pubkey,
        /// 1 long, 2 short.
        pub direction: u64,
        /// The price, 1e-8 USD.
        pub price_e8: Price,
        /// Notional closed, 1e-6 USD.
        pub notional_e6: Notional,
        /// Value closed.
        pub value_sats: Sats,
        /// What was realised.
        pub pnl_sats: SignedSats,
        /// What the liquidator got; it has left the ledger.
        pub reward_sats: Sats,
        /// Insurance's fee.
        pub insurance_fee_sats: Sats,
        /// The spread, to the pool.
        pub spread_sats: Sats,
        /// Shortfall that insurance paid.
        pub covered_sats: Sats,
        /// Shortfall that nobody paid.
        pub uncovered_sats: Sats,
        /// The position after.
        pub after: PositionAfter,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

/// Price and size of a fill.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fill {
    /// Fill price, 1e-8 USD.
    pub price_e8: Price,
    /// Notional filled, 1e-6 USD.
    pub notional_e6: Notional,
    /// Shares added or taken.
    pub shares: Shares,
    /// Value at the fill price.
    pub value_sats: Sats,
    /// What was realised, before the fee.
    pub pnl_sats: SignedSats,
    /// The fee and who got it.
    pub fee_sats: FeeSplit,
}

impl From<&Filled> for Fill {
    fn from(filled: &Filled) -> Self {
        Self {
            price_e8: filled.price,
            notional_e6: filled.notional,
            shares: filled.shares,
            value_sats: filled.value,
            pnl_sats: filled.pnl,
            fee_sats: filled.fee,
        }
    }
}

/// A position after a transition.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PositionAfter {
    /// Margin.
    pub margin_sats: Sats,
    /// Shares; zero when flat.
    pub shares: Shares,
    /// Basis, satoshi at scale one.
    pub basis: Basis,
}

impl From<&engine::Position> for PositionAfter {
    fn from(position: &engine::Position) -> Self {
        Self { margin_sats: position.margin, shares: position.shares, basis: position.basis }
    }
}

/// What a liquidation is told of besides its report.
pub struct LiquidationContext {
    /// The position.
    pub position: Pubkey,
    /// The token account that was paid.
    pub rewarded: Pubkey,
    /// 1 long, 2 short.
    pub direction: u8,
}

impl PositionLiquidated {
    /// Of a position that has just been liquidated.
    pub fn new(
        head: Head,
        context: LiquidationContext,
        report: &Liquidated,
        after: PositionAfter,
        ledger: LedgerChange,
    ) -> Self {
        Self {
            head,
            position: context.position,
            rewarded: context.rewarded,
            direction: u64::from(context.direction),
            price_e8: report.price,
            notional_e6: report.notional,
            value_sats: report.value,
            pnl_sats: report.pnl,
            reward_sats: report.reward,
            insurance_fee_sats: report.insurance_fee,
            spread_sats: report.spread,
            covered_sats: report.shortfall.covered,
            uncovered_sats: report.shortfall.uncovered,
            after,
            ledger,
        }
    }
}
