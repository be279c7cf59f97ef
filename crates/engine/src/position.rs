//! What the mathematics knows of a position. Notional and entry value are derived, never stored.

use crate::budget::Budget;
use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::math::Rounding;
use crate::order::Order;
use crate::settlement::{Lifecycle, Status};
use crate::side::{Direction, Side};
use crate::units::{Basis, CostIndex, ExitIndex, FineSats, Notional, Sats, Scale, Shares, UnixTime};

const LONG: u8 = 1;
const SHORT: u8 = 2;

stored! {
    /// Margin, and at most one net position with its snapshots of the side's indices.
    pub struct Position {
        /// Margin, tips included.
        pub margin: Sats,
        /// Part of the margin that open orders have reserved.
        pub tips: Sats,
        /// Shares of the side; zero when flat.
        pub shares: Shares,
        /// Entry value at scale one.
        pub basis: Basis,
        /// `A0`: the side's scale when last settled.
        pub scale: Scale,
        /// `X0`: the side's exit index when last settled.
        pub exit_index: ExitIndex,
        /// `F0`: the side's cost index when last settled.
        pub cost_index: CostIndex,
        /// When it was last increased instantly.
        pub last_increase: UnixTime,
        /// The id of the next order.
        pub next_order: u32,
        /// Orders with an id below this are void.
        pub void_orders_below: u32,
        /// The market order that waits for its fill, plus one; zero for none.
        pub pending_order: u32,
        /// Order accounts that exist.
        pub open_orders: u16,
        /// 0 flat, 1 long, 2 short.
        pub direction: u8,
        /// Zero.
        pub reserved: u8,
        /// Profit of a position that a settlement of the market closed, in satoshi; what of it is paid, the settlement says.
        pub claim: Sats,
        /// The settlement's epoch.
        pub claim_epoch: u32,
        /// The market's `margin_epoch` when it was last increased.
        pub margin_epoch: u32,
        /// What the delegate may spend.
        pub budget: Budget,
    }
}

impl Position {
    /// The direction of an open position; none when flat.
    pub fn open_direction(&self) -> Option<Direction> {
        match self.direction {
            LONG => Some(Direction::Long),
            SHORT => Some(Direction::Short),
            _ => None,
        }
    }

    /// Margin that orders have not reserved. Errors: `Overflow`, which would be a bug.
    pub fn free_margin(&self) -> Result<Sats> {
        self.margin.minus(self.tips)
    }

    /// Notional at the side's scale, rounded down. Errors: `Overflow`.
    pub fn notional(&self, side: &Side) -> Result<Notional> {
        self.shares.at(side.scale)?.notional(Rounding::Floor)
    }

    /// `±(basis (A0 - A) - shares (X - X0))`: what deleveraging has realised since it was last settled, exact. Errors: `Overflow`.
    pub fn deleveraged_since(&self, side: &Side, direction: Direction) -> Result<FineSats> {
        let exited = self.shares.exited_since(side.exit_index, self.exit_index)?;
        let fall = self.scale.minus(side.scale)?;
        FineSats::deleveraged(self.basis, fall, exited)?.signed_for(direction)
    }

    /// Voids every order placed so far; their tips are free margin again.
    pub fn void_orders(&mut self) {
        self.void_orders_below = self.next_order;
        self.pending_order = 0;
        self.tips = Sats::ZERO;
    }

    /// Ends what the delegate has started: his resting orders are void, his budget is nothing.
    pub fn dismiss_delegate(&mut self) {
        self.budget = Budget { void_orders_below: self.next_order, ..Budget::default() };
    }

    /// An order leaves. Returns its tip, which is free margin from now on; nothing where that was freed before. Errors: `Overflow`.
    pub(crate) fn discharge(&mut self, order: &Order) -> Result<Sats> {
        self.open_orders = self.open_orders.checked_sub(1).ok_or(Error::Overflow)?;
        if self.pending_order == order.id.checked_add(1).ok_or(Error::Overflow)? {
            self.pending_order = 0;
        }
        self.free_tip_of(order)
    }

    /// The order that another is linked with has filled: it is dead, and its tip is free margin. Its account stays until somebody
    /// removes it. Errors: `Overflow`.
    pub fn kill_order(&mut self, order: &mut Order) -> Result<()> {
        self.free_tip_of(order)?;
        order.tip = Sats::ZERO;
        order.dead = 1;
        Ok(())
    }

    fn free_tip_of(&mut self, order: &Order) -> Result<Sats> {
        let reserved = order.id >= self.void_orders_below;
        let tip = if reserved { order.tip } else { Sats::ZERO };
        self.tips = self.tips.minus(tip)?;
        Ok(tip)
    }

    /// That no order waits for its fill; in a market that does not trade none ever will.
    ///
    /// # Errors
    /// `OrderPending`.
    pub fn ensure_no_pending(&self, lifecycle: &Lifecycle) -> Result<()> {
        ensure(self.pending_order == 0 || lifecycle.status() != Status::Active, Error::OrderPending)
    }

    /// That no claim is left unredeemed: there is room for one.
    ///
    /// # Errors
    /// `ClaimUnredeemed`.
    pub fn ensure_no_claim(&self) -> Result<()> {
        ensure(self.claim.is_zero(), Error::ClaimUnredeemed)
    }

    /// Starts a position at the side's present indices.
    pub(crate) fn open(&mut self, direction: Direction, side: &Side) {
        self.direction = match direction {
            Direction::Long => LONG,
            Direction::Short => SHORT,
        };
        self.snapshot(side);
    }

    /// Remembers the side's indices: nothing is due before them any more.
    pub(crate) fn snapshot(&mut self, side: &Side) {
        self.scale = side.scale;
        self.exit_index = side.exit_index;
        self.cost_index = side.cost_index;
    }

    /// The position is gone; margin and orders stay.
    pub(crate) fn flatten(&mut self) {
        self.direction = 0;
        self.scale = Scale::ZERO;
        self.exit_index = ExitIndex::ZERO;
        self.cost_index = CostIndex::ZERO;
    }

    /// That there is a position, and its direction.
    ///
    /// # Errors
    /// `NoOpenPosition`.
    pub fn ensure_open(&self) -> Result<Direction> {
        self.open_direction().ok_or(Error::NoOpenPosition)
    }
}
