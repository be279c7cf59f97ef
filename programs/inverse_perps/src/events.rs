//! What happened, one event a transition: past tense, ids first, units in the names, changes and balances after.
//!
//! They are plain old data, so logging one is a copy; the bytes are those of borsh. Amounts of the ledger come as
//! `LedgerChange`: adding up a market's deltas in sequence rebuilds its ledger, and the balances after each agree.

use crate::errors::fail;
use anchor_lang::prelude::*;
use anchor_lang::solana_program::log::sol_log_data;
use anchor_lang::{Discriminator, Event};
use bytemuck::{bytes_of, Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::{Accrued as AccruedReport, Filled, Liquidated, Settled};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::ledger::{Ledger, LedgerDelta};
use inverse_perps_engine::units::{Basis, CostIndex, FineSats, Notional, PpbPerDay, Price, Sats, Shares, SignedSats};

const MAX_BYTES: usize = 400;

/// Logs an event: discriminator, then its bytes.
pub fn log<E: Event + Discriminator + Pod>(event: &E) {
    let mut buffer = [0u8; MAX_BYTES];
    let length = E::DISCRIMINATOR.len().saturating_add(size_of::<E>());
    if let Some((head, body)) = buffer.get_mut(..length).and_then(|used| used.split_at_mut_checked(E::DISCRIMINATOR.len())) {
        head.copy_from_slice(E::DISCRIMINATOR);
        body.copy_from_slice(bytes_of(event));
    }
    sol_log_data(&[buffer.get(..length).unwrap_or_default()]);
}

/// Declares an event, and that it fits into a log line's budget. (The fields are passed on as they are: parsed ones would hide
/// their types from Anchor's IDL.)
macro_rules! event {
    ($(#[$meta:meta])* pub struct $name:ident { $($fields:tt)* }) => {
        $(#[$meta])*
        #[event]
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
        pub struct $name {
            $($fields)*
        }

        const _: () = assert!(size_of::<$name>() + 8 <= MAX_BYTES);
    };
}

/// Which market, and how many events it had emitted with this one.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Head {
    /// The market.
    pub market: Pubkey,
    /// Counts up by one an event.
    pub sequence: u64,
}

/// What a transition did to the ledger, and the ledger after it, in satoshi.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LedgerChange {
    /// Changes.
    pub delta_sats: LedgerDelta,
    /// Balances after.
    pub after_sats: Ledger,
}

impl LedgerChange {
    /// Between two states of a ledger.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn since(before: &Ledger, after: &Ledger) -> Result<Self> {
        Ok(Self { delta_sats: after.since(before).map_err(fail)?, after_sats: *after })
    }
}

/// Emitted once, when the exchange comes to be.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeInitialized {
    /// The exchange.
    pub exchange: Pubkey,
    /// Creates markets.
    pub admin: Pubkey,
    /// Can pause what adds risk.
    pub guardian: Pubkey,
    /// Gets protocol fees.
    pub fee_recipient: Pubkey,
    /// How long a change waits.
    pub timelock_seconds: u32,
}

event! {
    /// A market was created.
    pub struct MarketCreated {
        /// Market and sequence.
        pub head: Head,
        /// The wrapped BTC.
        pub mint: Pubkey,
        /// The token account of all its BTC.
        pub vault: Pubkey,
        /// The mint of pool shares.
        pub lp_mint: Pubkey,
        /// Feed id or price account.
        pub oracle: Pubkey,
        /// 0 Pyth pull, 1 Pyth legacy.
        pub oracle_kind: u64,
        /// Which one of its mint.
        pub index: u64,
    }
}

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
    /// The pool took a deposit and minted shares.
    pub struct LiquidityDeposited {
        /// Market and sequence.
        pub head: Head,
        /// Who paid.
        pub depositor: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// Shares minted.
        pub shares: u64,
        /// Shares that exist after.
        pub shares_after: u64,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// Somebody gave to the insurance fund.
    pub struct InsuranceFunded {
        /// Market and sequence.
        pub head: Head,
        /// Who paid.
        pub donor: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// Funding and borrow fee were accrued.
    pub struct Accrued {
        /// Market and sequence.
        pub head: Head,
        /// The price it was reckoned at, 1e-8 USD.
        pub price_e8: Price,
        /// When that price was published.
        pub publish_time: i64,
        /// Seconds accrued.
        pub elapsed_seconds: u64,
        /// What longs paid, parts per billion a day; negative was received.
        pub long_rate_ppb_per_day: PpbPerDay,
        /// What shorts paid.
        pub short_rate_ppb_per_day: PpbPerDay,
        /// The long side's cost index after, 1e-18 satoshi a share.
        pub long_cost_index: CostIndex,
        /// The short side's.
        pub short_cost_index: CostIndex,
        /// What longs owe the pool after, 1e-18 satoshi.
        pub long_cost_owed: FineSats,
        /// What shorts owe the pool after.
        pub short_cost_owed: FineSats,
    }
}

impl Accrued {
    /// Of a market that has just accrued.
    pub fn new(head: Head, market: &engine::Market, report: &AccruedReport) -> Self {
        Self {
            head,
            price_e8: market.prices.price,
            publish_time: market.prices.publish_time.get(),
            elapsed_seconds: report.elapsed_seconds,
            long_rate_ppb_per_day: report.rates.long,
            short_rate_ppb_per_day: report.rates.short,
            long_cost_index: market.long.cost_index,
            short_cost_index: market.short.cost_index,
            long_cost_owed: market.long.cost_owed,
            short_cost_owed: market.short.cost_owed,
        }
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
