//! Events of governance.

use super::{event, Head, MAX_BYTES};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine::margin::MarginRatios;
use inverse_perps_engine::timelock::Proposal;
use inverse_perps_engine::Params;

event! {
    /// The admin named a successor, or, with the default address, nobody.
    pub struct AdminNominated {
        /// The exchange.
        pub exchange: Pubkey,
        /// The admin.
        pub admin: Pubkey,
        /// Who may accept.
        pub nominee: Pubkey,
    }
}

event! {
    /// The nominee became admin.
    pub struct AdminChanged {
        /// The exchange.
        pub exchange: Pubkey,
        /// Who was admin.
        pub former_admin: Pubkey,
        /// Who is.
        pub admin: Pubkey,
        /// Counts the changes.
        pub admin_epoch: u64,
    }
}

event! {
    /// The admin named a guardian.
    pub struct GuardianChanged {
        /// The exchange.
        pub exchange: Pubkey,
        /// Who was guardian.
        pub former_guardian: Pubkey,
        /// Who is.
        pub guardian: Pubkey,
    }
}

event! {
    /// New parameters began to wait for the timelock.
    pub struct ParamsProposed {
        /// Market and sequence.
        pub head: Head,
        /// The account they wait in.
        pub pending: Pubkey,
        /// The parameters, from when on they can be executed and when that ends, unix time.
        pub proposal: Proposal,
    }
}

event! {
    /// New parameters came into force.
    pub struct ParamsChanged {
        /// Market and sequence.
        pub head: Head,
        /// The account they had waited in.
        pub pending: Pubkey,
        /// The parameters.
        pub params: Params,
        /// The margin ratios of positions last increased in an earlier margin epoch.
        pub spared: MarginRatios,
        /// Until when those hold, unix time; zero where nobody is spared.
        pub spared_until: i64,
        /// Raises of the margin ratios so far.
        pub margin_epoch: u64,
    }
}

event! {
    /// A proposal was withdrawn.
    pub struct ProposalCancelled {
        /// Market and sequence.
        pub head: Head,
        /// The account it had waited in.
        pub pending: Pubkey,
        /// Who withdrew it.
        pub admin: Pubkey,
    }
}

event! {
    /// What adds risk was paused.
    pub struct RiskPaused {
        /// Market and sequence.
        pub head: Head,
        /// Guardian or admin.
        pub by: Pubkey,
        /// When it lapses, unix time.
        pub until: i64,
    }
}

event! {
    /// The market became reduce-only until the admin resumes.
    pub struct PauseConfirmed {
        /// Market and sequence.
        pub head: Head,
        /// The admin.
        pub admin: Pubkey,
    }
}

event! {
    /// A pause was ended, or a lapsed one forgotten.
    pub struct RiskResumed {
        /// Market and sequence.
        pub head: Head,
        /// The admin.
        pub admin: Pubkey,
    }
}
