//! Events of the pool.

use super::{event, Head, LedgerChange, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine::units::Sats;

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
    /// Somebody gave to the pool.
    pub struct LiquidityDonated {
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
    /// Shares went into the queue.
    pub struct WithdrawalRequested {
        /// Market and sequence.
        pub head: Head,
        /// The withdrawal.
        pub withdrawal: Pubkey,
        /// Who asked.
        pub owner: Pubkey,
        /// How many shares.
        pub shares: u64,
        /// Shares in the queue after.
        pub queued_shares_after: u64,
    }
}

event! {
    /// Queued shares were burnt and paid out.
    pub struct WithdrawalCompleted {
        /// Market and sequence.
        pub head: Head,
        /// The withdrawal.
        pub withdrawal: Pubkey,
        /// Whose it was.
        pub owner: Pubkey,
        /// Shares burnt.
        pub shares: u64,
        /// What they got.
        pub amount_sats: Sats,
        /// Shares that exist after.
        pub shares_after: u64,
        /// Shares in the queue after.
        pub queued_shares_after: u64,
        /// The ledger.
        pub ledger: LedgerChange,
    }
}

event! {
    /// Queued shares went back to their owner.
    pub struct WithdrawalReturned {
        /// Market and sequence.
        pub head: Head,
        /// The withdrawal.
        pub withdrawal: Pubkey,
        /// Whose it was.
        pub owner: Pubkey,
        /// How many shares.
        pub shares: u64,
        /// Shares in the queue after.
        pub queued_shares_after: u64,
        /// 1 where its window had passed, 0 where its owner cancelled it.
        pub lapsed: u64,
    }
}
