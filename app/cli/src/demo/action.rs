//! What can be done in the demo, one instruction each. What it does to the books is in `books`.

use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{FillUpdate, OrderRequest};
use inverse_perps_engine::units::{Notional, Sats};
use inverse_perps_engine::Direction;

/// An order to be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its id: the position's next.
    pub id: u32,
    /// What it asks for.
    pub request: OrderRequest,
    /// The resting order that it is linked with.
    pub linked_with: Option<u32>,
}

/// One instruction of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Margin in.
    Deposit(Sats),
    /// Margin out.
    Withdraw(Sats),
    /// Opens or enlarges at once and at any price, which these markets refuse.
    Increase(Direction, Notional),
    /// Reduces or closes at once and at any price, which they refuse too.
    Decrease(DecreaseSize),
    /// Places an order.
    Place(Placement),
    /// Takes the order of this id back.
    Cancel(u32),
    /// Triggers it.
    Trigger(u32),
    /// Executes it with this update.
    Execute(u32, FillUpdate),
    /// Removes it, void or expired.
    Expire(u32),
    /// Liquidates the position.
    Liquidate,
    /// Accrues.
    Accrue,
    /// Deleverages, or begins to settle the market.
    Deleverage,
    /// Closes the position for its claim while the market settles.
    CloseOut,
    /// Ends the market's settlement.
    FinishSettlement,
    /// Redeems the position's claim.
    Redeem,
    /// Closes the account of the newest settlement.
    CloseSettlement,
    /// Pays the position of a closed market out, its claim included.
    PayOut,
    /// Collects the protocol's fees.
    CollectFees,
    /// Deposits into the pool.
    Provide(Sats),
    /// Puts so many shares of the pool into the queue.
    Request(u64),
    /// Pays the queued shares out.
    Complete,
    /// Returns the queued shares, because their window has passed.
    Return,
    /// Gives to insurance.
    Insure(Sats),
}

impl Action {
    /// The instruction's name.
    pub fn name(&self) -> &'static str {
        match self {
            Action::Deposit(_) => "deposit_collateral",
            Action::Withdraw(_) => "withdraw_collateral",
            Action::Increase(..) => "increase_position",
            Action::Decrease(_) => "decrease_position",
            Action::Place(_) => "place_order",
            Action::Cancel(_) => "cancel_order",
            Action::Trigger(_) => "trigger_order",
            Action::Execute(..) => "execute_order",
            Action::Expire(_) => "expire_order",
            Action::Liquidate => "liquidate",
            Action::Accrue => "accrue_funding",
            Action::Deleverage => "deleverage",
            Action::CloseOut | Action::Redeem => "settle_position",
            Action::FinishSettlement => "finish_settlement",
            Action::CloseSettlement => "close_settlement",
            Action::PayOut => "pay_out",
            Action::CollectFees => "collect_protocol_fees",
            Action::Provide(_) => "deposit_liquidity",
            Action::Request(_) => "request_withdrawal",
            Action::Complete => "complete_withdrawal",
            Action::Return => "return_withdrawal",
            Action::Insure(_) => "fund_insurance",
        }
    }

    /// What its sender must have in tokens.
    pub fn pays_in(&self) -> Sats {
        match self {
            Action::Deposit(amount) | Action::Provide(amount) | Action::Insure(amount) => *amount,
            _ => Sats::ZERO,
        }
    }

    /// Whether it changes its seat's position, besides what its sync does to all of them.
    pub fn touches_position(&self) -> bool {
        !matches!(
            self,
            Action::Accrue
                | Action::Deleverage
                | Action::FinishSettlement
                | Action::CloseSettlement
                | Action::CollectFees
                | Action::Provide(_)
                | Action::Request(_)
                | Action::Complete
                | Action::Return
                | Action::Insure(_)
        )
    }

    /// Whether it changes the position's orders.
    pub fn touches_orders(&self) -> bool {
        matches!(self, Action::Place(_) | Action::Cancel(_) | Action::Trigger(_) | Action::Execute(..) | Action::Expire(_))
    }

    /// Whether a keeper sends it for somebody else's position or for none.
    pub fn is_upkeep(&self) -> bool {
        matches!(
            self,
            Action::Liquidate
                | Action::Trigger(_)
                | Action::Execute(..)
                | Action::Expire(_)
                | Action::Accrue
                | Action::Deleverage
                | Action::CloseOut
                | Action::FinishSettlement
                | Action::Redeem
                | Action::CloseSettlement
                | Action::PayOut
                | Action::CollectFees
                | Action::Return
        )
    }
}
