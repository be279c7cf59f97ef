//! Events of a market's settlement, and of an oracle that has died.

use super::{event, Head, LedgerChange, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine as engine;
use inverse_perps_engine::actions::ClosedOut;
use inverse_perps_engine::units::{Notional, Price, Sats, SignedSats};

event! {
    /// The market stopped, to close every position at one price.
    pub struct SettlingStarted {
        /// Market and sequence.
        pub head: Head,
        /// The price kept, 1e-8 USD.
        pub price_e8: Price,
        /// Positions to settle, of both sides.
        pub positions: u64,
        /// Which settlement of the market.
        pub epoch: u64,
        /// Most that insurance adds to what the pool pays.
        pub top_up_most_sats: Sats,
        /// 1 where the market closes for good afterwards, because its oracle is dead.
        pub for_good: u64,
    }
}

impl SettlingStarted {
    /// Of a market that has just begun to settle.
    pub fn new(head: Head, market: &engine::Market) -> Self {
        Self {
            head,
            price_e8: market.lifecycle.settlement_price,
            positions: market.long.positions.saturating_add(market.short.positions),
            epoch: u64::from(market.lifecycle.epoch),
            top_up_most_sats: market.lifecycle.top_up_most,
            for_good: u64::from(market.lifecycle.for_good),
        }
    }
}

event! {
    /// A settlement closed a position at the kept price.
    pub struct PositionClosedOut {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The price kept, 1e-8 USD.
        pub price_e8: Price,
        /// Notional closed, 1e-6 USD.
        pub notional_e6: Notional,
        /// What was realised; a profit is a claim.
        pub pnl_sats: SignedSats,
        /// Its claim after.
        pub claim_sats: Sats,
        /// Loss that its margin could not pay.
        pub uncollected_sats: Sats,
        /// Its margin after.
        pub margin_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

impl PositionClosedOut {
    /// Of a position that has just been closed out.
    pub fn new(head: Head, position: Pubkey, after: &engine::Position, report: &ClosedOut, ledger: LedgerChange) -> Self {
        Self {
            head,
            position,
            price_e8: report.price,
            notional_e6: report.notional,
            pnl_sats: report.pnl,
            claim_sats: after.claim,
            uncollected_sats: report.uncollected,
            margin_sats: after.margin,
            ledger,
        }
    }
}

event! {
    /// Insurance paid whoever closed a position out.
    pub struct SettleTipPaid {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// The token account that was paid.
        pub rewarded: Pubkey,
        /// How much; it has left the ledger.
        pub amount_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// Every position was closed, and what can be paid was set aside.
    pub struct SettlementFinished {
        /// Market and sequence.
        pub head: Head,
        /// The account that says what each claim gets.
        pub settlement: Pubkey,
        /// Which settlement of the market.
        pub epoch: u64,
        /// All claims.
        pub claims_sats: Sats,
        /// What was set aside for them.
        pub payable_sats: Sats,
        /// What insurance added to the pool.
        pub top_up_sats: Sats,
        /// 1 where the market is closed for good.
        pub closed: u64,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// A claim was paid into its position's margin.
    pub struct ClaimRedeemed {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Which settlement of the market.
        pub epoch: u64,
        /// The claim.
        pub claim_sats: Sats,
        /// What it got.
        pub paid_sats: Sats,
        /// Its margin after.
        pub margin_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// A settlement's account was closed and its rent returned.
    pub struct SettlementAccountClosed {
        /// Market and sequence.
        pub head: Head,
        /// The account.
        pub settlement: Pubkey,
        /// Who got the rent.
        pub payer: Pubkey,
    }
}

event! {
    /// A position of a closed market was paid out and its account closed.
    pub struct PositionPaidOut {
        /// Market and sequence.
        pub head: Head,
        /// The position.
        pub position: Pubkey,
        /// Its owner, who got the rent.
        pub owner: Pubkey,
        /// The token account that was paid.
        pub destination: Pubkey,
        /// How much.
        pub amount_sats: Sats,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// The oracle was declared dead.
    pub struct OracleDeclaredDead {
        /// Market and sequence.
        pub head: Head,
        /// When; the grace period starts.
        pub unix_time: i64,
        /// The newest price accepted, 1e-8 USD.
        pub price_e8: Price,
        /// When that was published.
        pub publish_time: i64,
    }
}

event! {
    /// A usable price cancelled the declaration that the oracle is dead.
    pub struct OracleRevived {
        /// Market and sequence.
        pub head: Head,
        /// The price, 1e-8 USD.
        pub price_e8: Price,
        /// When it was published.
        pub publish_time: i64,
    }
}

impl OracleRevived {
    /// Of a market whose oracle has just come back.
    pub fn new(head: Head, market: &engine::Market) -> Self {
        Self { head, price_e8: market.prices.price, publish_time: market.prices.publish_time.get() }
    }
}

event! {
    /// A newer price was shown to settle at.
    pub struct SettlementPriceShown {
        /// Market and sequence.
        pub head: Head,
        /// The price, 1e-8 USD.
        pub price_e8: Price,
        /// When it was published.
        pub publish_time: i64,
    }
}
