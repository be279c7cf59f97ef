//! The engine doing what the program's handlers of orders do.

use super::action::{Action, Placement};
use super::books::{Now, Rehearsal};
use inverse_perps_engine::actions::{Execution, ExecutionOutcome, Triggerer};
use inverse_perps_engine::budget::Trader;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::order::{FillUpdate, Order};
use inverse_perps_engine::{Error, Result};

/// An order as its account has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What the engine knows of it.
    pub state: Order,
    /// The id of the order that it is or was linked with.
    pub partner: Option<u32>,
    /// Whether the keeper has triggered it.
    pub triggered: bool,
}

impl Rehearsal {
    /// Does to an order what the program's handler does.
    ///
    /// # Errors
    /// The rule that the program would answer with; `OrderVoid` where there is no such order.
    pub(super) fn order(&mut self, action: Action, now: &Now) -> Result<()> {
        match action {
            Action::Place(placement) => self.place(&placement, now),
            Action::Trigger(id) => self.trigger(id, now),
            Action::Execute(id, update) => self.execute(id, update, now),
            Action::Cancel(id) | Action::Expire(id) => self.remove(id, action, now),
            _ => Ok(()),
        }
    }

    /// The order of an id, out of the books until it is put back.
    fn take(&mut self, id: u32) -> Result<Held> {
        self.books.orders.remove(&id).ok_or(Error::OrderVoid)
    }

    fn place(&mut self, placement: &Placement, now: &Now) -> Result<()> {
        let Placement { request, linked_with, .. } = placement;
        let quote = self.books.market.glance(&now.update, PriceUse::Upkeep, now.at)?.quote;
        self.settle()?;
        let books = &mut self.books;
        let state = books.market.place_order(&mut books.position, request, Trader::Owner, &quote, now.at)?;
        if let Some(partner) = linked_with.and_then(|id| books.orders.get_mut(&id)) {
            partner.partner = Some(state.id);
        }
        books.orders.insert(state.id, Held { state, partner: *linked_with, triggered: false });
        Ok(())
    }

    fn trigger(&mut self, id: u32, now: &Now) -> Result<()> {
        let mut held = self.take(id)?;
        let quote = self.books.market.glance(&now.update, PriceUse::Upkeep, now.at)?.quote;
        self.settle()?;
        let books = &mut self.books;
        books.market.trigger_order(&mut books.position, &mut held.state, &quote, now.at)?;
        held.triggered = true;
        books.orders.insert(id, held);
        Ok(())
    }

    fn execute(&mut self, id: u32, update: FillUpdate, now: &Now) -> Result<()> {
        let mut held = self.take(id)?;
        let marks = self.books.market.sync(&now.update, PriceUse::Upkeep, now.at)?.trading().ok();
        if marks.is_some() {
            self.settle()?;
        }
        let books = &mut self.books;
        let (market, position) = (&mut books.market, &mut books.position);
        let outcome = market.execute_order(position, &mut held.state, &Execution { update, marks }, now.at)?;
        if matches!(outcome, ExecutionOutcome::Filled(_)) {
            if let Some(partner) = held.partner.and_then(|id| books.orders.get_mut(&id)) {
                position.kill_order(&mut partner.state)?;
            }
        }
        let triggerer = if held.triggered { Triggerer::Payable } else { Triggerer::Nobody };
        market.end_order(position, &mut held.state, &outcome, triggerer, now.at)?;
        if outcome == ExecutionOutcome::Rests {
            held.triggered = false;
            books.orders.insert(id, held);
        }
        self.outcome = Some(outcome);
        Ok(())
    }

    fn remove(&mut self, id: u32, action: Action, now: &Now) -> Result<()> {
        let held = self.take(id)?;
        let (market, position) = (&mut self.books.market, &mut self.books.position);
        match action {
            Action::Cancel(_) => market.cancel_order(position, &held.state).map(drop),
            _ => market.expire_order(position, &held.state, now.at).map(drop),
        }
    }
}
