//! Events of the exchange and of a market as a whole.

use super::{event, Head, LedgerChange, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::{Accrued as AccruedReport, Strained};
use inverse_perps_engine::units::{CostIndex, ExitIndex, FineSats, PpbPerDay, Price, Sats, Scale};

/// Emitted once, when the exchange comes to be.
#[event]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
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
        /// When the newest price accepted was published.
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
            price_e8: report.price,
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
    /// The winning sides shrank, because their profit had come near the pool.
    pub struct Deleveraged {
        /// Market and sequence.
        pub head: Head,
        /// The price, 1e-8 USD.
        pub price_e8: Price,
        /// Both sides' profit on paper before.
        pub profit_sats: Sats,
        /// The free pool before.
        pub free_pool_sats: Sats,
        /// Scale of the long side after, 1e-18.
        pub long_scale: Scale,
        /// Scale of the short side after.
        pub short_scale: Scale,
        /// The long side's exit index after, 1e-18 satoshi a share.
        pub long_exit_index: ExitIndex,
        /// The short side's.
        pub short_exit_index: ExitIndex,
        /// Reserved in the pool for longs after, 1e-18 satoshi.
        pub long_owed: FineSats,
        /// Reserved for shorts after.
        pub short_owed: FineSats,
    }
}

impl Deleveraged {
    /// Of a market that has just deleveraged.
    pub fn new(head: Head, market: &engine::Market, report: &Strained) -> Self {
        Self {
            head,
            price_e8: market.prices.price,
            profit_sats: report.profit,
            free_pool_sats: report.free_pool,
            long_scale: market.long.scale,
            short_scale: market.short.scale,
            long_exit_index: market.long.exit_index,
            short_exit_index: market.short.exit_index,
            long_owed: market.long.owed,
            short_owed: market.short.owed,
        }
    }
}

event! {
    /// The protocol's fees were paid to the fixed recipient.
    pub struct ProtocolFeesCollected {
        /// Market and sequence.
        pub head: Head,
        /// The token account that was paid.
        pub destination: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}
