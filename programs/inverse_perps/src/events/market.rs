//! Events of the exchange, its markets, their pools and funds.

use super::{event, Head, LedgerChange, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::Accrued as AccruedReport;
use inverse_perps_engine::units::{CostIndex, FineSats, PpbPerDay, Price, Sats};

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
