//! What to do, with what its instruction needs besides the market's accounts.

use super::Verb;
use inverse_perps_engine::units::UnixTime;
use perps::client::orders::OrderRef;
use solana_address::Address;

/// How an order's fill price is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillQuery {
    /// The feed.
    pub feed_id: [u8; 32],
    /// The market's current price account, which may be the first update itself.
    pub current: Address,
    /// T.
    pub due: UnixTime,
    /// The market's clock: the later of Clock and newest publish time.
    pub now: UnixTime,
}

/// What to do, with what its instruction needs besides the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Creates the keeper's token account.
    OpenTokens,
    /// Deleverages, or begins to settle the market.
    Deleverage,
    /// Brings the market its price.
    Accrue,
    /// Liquidates a position.
    Liquidate(Address),
    /// Executes an order.
    Execute {
        /// The order.
        order: OrderRef,
        /// Its address.
        address: Address,
        /// The token account that has triggered it, if one other than the keeper's has.
        triggerer: Option<Address>,
        /// The order that it is linked with.
        partner: Option<Address>,
        /// Where to look for its fill price.
        fill: FillQuery,
    },
    /// Triggers an order.
    Trigger {
        /// The order.
        order: OrderRef,
        /// Its address.
        address: Address,
    },
    /// Removes an order.
    Expire {
        /// The order.
        order: OrderRef,
        /// Its address.
        address: Address,
    },
    /// Closes a position of a settling market for its claim.
    CloseOut(Address),
    /// Ends the settlement of an epoch.
    Finish(u32),
    /// Redeems a position's claim of an epoch.
    Redeem(Address, u32),
    /// Closes a settlement's account.
    CloseSettlement {
        /// Its address.
        address: Address,
        /// Its epoch.
        epoch: u32,
        /// Gets the rent.
        payer: Address,
    },
    /// Pays a position of a closed market out.
    PayOut {
        /// The position.
        position: Address,
        /// Its owner.
        owner: Address,
        /// The epoch that it has a claim of.
        claim_epoch: Option<u32>,
    },
    /// Declares the oracle dead.
    DeclareDead,
    /// Shows a newer price to settle at.
    ShowPrice,
    /// Begins to settle a market with a dead oracle.
    SettleMarket,
    /// Returns shares whose window has passed.
    ReturnWithdrawal {
        /// The withdrawal's address.
        address: Address,
        /// Gets the rent.
        payer: Address,
        /// The owner's associated account of shares.
        destination: Address,
    },
}

impl Action {
    pub(super) fn verb(&self) -> Verb {
        match self {
            Action::OpenTokens => Verb::OpenTokens,
            Action::Deleverage => Verb::Deleverage,
            Action::Accrue => Verb::Accrue,
            Action::Liquidate(_) => Verb::Liquidate,
            Action::Execute { .. } => Verb::Execute,
            Action::Trigger { .. } => Verb::Trigger,
            Action::Expire { .. } => Verb::Expire,
            Action::CloseOut(_) => Verb::CloseOut,
            Action::Finish(_) => Verb::Finish,
            Action::Redeem(..) => Verb::Redeem,
            Action::CloseSettlement { .. } => Verb::CloseSettlement,
            Action::PayOut { .. } => Verb::PayOut,
            Action::DeclareDead => Verb::DeclareDead,
            Action::ShowPrice => Verb::ShowPrice,
            Action::SettleMarket => Verb::SettleMarket,
            Action::ReturnWithdrawal { .. } => Verb::ReturnWithdrawal,
        }
    }

    /// Whether its instruction names the keeper's token account.
    pub(super) fn is_paid_here(&self) -> bool {
        matches!(self, Action::Liquidate(_) | Action::Execute { .. } | Action::Trigger { .. } | Action::CloseOut(_))
    }
}
