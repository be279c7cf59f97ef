//! The engine doing what a program's handler does: the rehearsal that the chain is held against.

use super::action::Action;
use super::order_books::Held;
use super::wire::spoken;
use inverse_perps_engine::actions::{Decrease, DecreaseSize, ExecutionOutcome, Increase};
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::settlement::{Settlement, Status};
use inverse_perps_engine::units::{Notional, Price, Sats, SignedSats};
use inverse_perps_engine::{Direction, Error, Market, Position, Result};
use perps::client::instructions::{any_price_to_close, any_price_to_open};
use std::collections::BTreeMap;

/// The accounts that an instruction touches: the market, one of each other kind, and the position's orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// The market.
    pub market: Market,
    /// The position; that of a closed account is empty.
    pub position: Position,
    /// The position's orders by their ids.
    pub orders: BTreeMap<u32, Held>,
    /// The newest settlement; that of a closed account is empty.
    pub settlement: Settlement,
    /// Shares of the pool in the queue.
    pub withdrawal: Option<Withdrawal>,
}

/// What the program reads besides its accounts: the price and the Clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// What the price account says.
    pub update: RawUpdate,
    /// The Clock.
    pub at: Moment,
}

/// Books after a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// The books.
    pub books: Books,
    /// What deleveraging had realised for the position and was now written to it: events name it only together with its costs.
    pub deleveraged: SignedSats,
    /// What executing an order came to.
    pub outcome: Option<ExecutionOutcome>,
}

impl Rehearsal {
    /// Of nothing yet.
    pub fn of(books: Books) -> Self {
        Self { books, deleveraged: SignedSats::ZERO, outcome: None }
    }

    /// Does what the program's handler does with the engine.
    ///
    /// # Errors
    /// The rule that the program would answer with.
    pub fn apply(&mut self, action: Action, now: &Now) -> Result<()> {
        match action {
            Action::Deposit(_) | Action::Withdraw(_) => self.move_margin(action, now),
            Action::Increase(direction, notional) => self.increase(direction, notional, now),
            Action::Decrease(size) => self.decrease(size, now),
            Action::Place(_) | Action::Cancel(_) | Action::Trigger(_) | Action::Execute(..) | Action::Expire(_) => {
                self.order(action, now)
            }
            Action::Liquidate => {
                let marks = self.sync_to_trade(PriceUse::Upkeep, now)?;
                self.settle()?;
                let Books { market, position, .. } = &mut self.books;
                market.liquidate(position, &marks).map(drop)
            }
            Action::Accrue => self.books.market.sync(&now.update, PriceUse::Upkeep, now.at).map(drop),
            Action::Deleverage => self.books.market.sync(&now.update, PriceUse::Upkeep, now.at)?.ensure_strained(),
            Action::Insure(amount) => self.books.market.fund_insurance(amount),
            Action::Provide(amount) => {
                let marks = self.sync_to_trade(PriceUse::Liquidity, now)?;
                self.books.market.deposit_liquidity(amount, 1, &marks, now.at).map(drop)
            }
            Action::Request(_) | Action::Complete | Action::Return => self.queue(action, now),
            Action::CloseOut | Action::FinishSettlement | Action::Redeem | Action::CloseSettlement => self.wind_up(action, now),
            Action::PayOut => self.pay_out(),
            Action::CollectFees => match self.books.market.collect_protocol_fees() {
                Sats::ZERO => Err(Error::AmountZero),
                _ => Ok(()),
            },
        }
    }

    fn move_margin(&mut self, action: Action, now: &Now) -> Result<()> {
        let (Action::Deposit(amount) | Action::Withdraw(amount)) = action else {
            return Ok(());
        };
        if matches!(action, Action::Deposit(_)) {
            return self.books.market.deposit_collateral(&mut self.books.position, amount);
        }
        let (marks, _) = self.touch(PriceUse::Withdrawal, now)?;
        self.books.market.withdraw_collateral(&mut self.books.position, amount, marks.as_ref())
    }

    fn increase(&mut self, direction: Direction, notional: Notional, now: &Now) -> Result<()> {
        let marks = self.sync_to_trade(PriceUse::Increase, now)?;
        self.settle()?;
        let order = Increase { direction, notional, limit: Price::new(any_price_to_open(spoken(direction))) };
        let Books { market, position, .. } = &mut self.books;
        market.increase(position, &order, &marks, now.at).map(drop)
    }

    fn decrease(&mut self, size: DecreaseSize, now: &Now) -> Result<()> {
        let marks = self.sync_to_trade(PriceUse::Decrease, now)?;
        self.settle()?;
        let Books { market, position, .. } = &mut self.books;
        let limit = Price::new(any_price_to_close(spoken(position.ensure_open()?)));
        market.decrease(position, &Decrease { size, limit }, &marks, now.at).map(drop)
    }

    fn queue(&mut self, action: Action, now: &Now) -> Result<()> {
        let active = self.books.market.status() == Status::Active;
        let marks =
            if action == Action::Complete && active { Some(self.sync_to_trade(PriceUse::Liquidity, now)?) } else { None };
        let Books { market, withdrawal, .. } = &mut self.books;
        if let Action::Request(shares) = action {
            *withdrawal = Some(market.request_withdrawal(shares, now.at)?);
            return Ok(());
        }
        let leaving = withdrawal.take().ok_or(Error::AmountZero)?;
        match action {
            Action::Complete => market.complete_withdrawal(&leaving, Sats::ZERO, marks.as_ref(), now.at).map(drop),
            _ => market.return_withdrawal(&leaving, now.at),
        }
    }

    fn wind_up(&mut self, action: Action, now: &Now) -> Result<()> {
        match action {
            Action::CloseOut => {
                let (_, tip_most) = self.touch(PriceUse::Upkeep, now)?;
                self.books.market.take_tip(tip_most, now.at).map(drop)
            }
            Action::FinishSettlement => {
                self.books.settlement = self.books.market.finish_settlement()?.settlement;
                Ok(())
            }
            Action::Redeem => {
                let Books { market, position, settlement, .. } = &mut self.books;
                market.redeem(position, settlement)?;
                self.touch(PriceUse::Upkeep, now).map(drop)
            }
            _ if self.books.settlement.unredeemed.is_zero() => {
                self.books.settlement = Settlement::default();
                Ok(())
            }
            _ => Err(Error::ClaimsOutstanding),
        }
    }

    fn pay_out(&mut self) -> Result<()> {
        let Books { market, position, settlement, .. } = &mut self.books;
        if !position.claim.is_zero() {
            market.redeem(position, settlement)?;
        }
        if !position.margin.is_zero() {
            market.withdraw_collateral(position, position.margin, None)?;
        }
        if position.open_orders != 0 {
            return Err(Error::PositionNotEmpty);
        }
        *position = Position::default();
        Ok(())
    }

    /// Brings the position up to date, as the program's `Market::touch`: marks where the market trades, else the tip for closing it.
    fn touch(&mut self, usage: PriceUse, now: &Now) -> Result<(Option<Marks>, Sats)> {
        let mut marks = None;
        if self.books.market.status() == Status::Active && self.books.position.open_direction().is_some() {
            marks = self.books.market.sync(&now.update, usage, now.at)?.trading().ok();
        }
        self.settle()?;
        let Books { market, position, .. } = &mut self.books;
        if market.status() != Status::Settling {
            return Ok((marks, Sats::ZERO));
        }
        let closed = market.close_for_claim(position)?;
        Ok((marks, closed.map_or(Sats::ZERO, |closed| closed.tip_most)))
    }

    fn sync_to_trade(&mut self, usage: PriceUse, now: &Now) -> Result<Marks> {
        self.books.market.sync(&now.update, usage, now.at)?.trading()
    }

    pub(super) fn settle(&mut self) -> Result<()> {
        let Books { market, position, .. } = &mut self.books;
        self.deleveraged = self.deleveraged.plus(unwritten(market, position)?)?;
        market.settle(position).map(drop)
    }
}

/// What deleveraging has realised for a position that is not yet written to it, floored.
fn unwritten(market: &Market, position: &Position) -> Result<SignedSats> {
    let Some(direction) = position.open_direction() else {
        return Ok(SignedSats::ZERO);
    };
    position.deleveraged_since(market.side(direction), direction)?.to_sats(Rounding::Floor)
}
