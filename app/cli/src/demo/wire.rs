//! The instruction of each action.

use super::action::{Action, Placement};
use super::seat::Seat;
use super::venue::Venue;
use inverse_perps::instructions::{OrderAmount, OrderType, PositionDirection};
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{FillUpdate, OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::Direction;
use perps::client::instructions::Leaving;
use perps::client::orders::{Execution, OrderTerms};
use solana_instruction::Instruction;

impl Venue {
    /// The instruction that a seat's action is on this chain.
    pub fn instruction(&self, seat: usize, action: Action) -> Instruction {
        let (chain, trader) = (&self.chain, &self.seats[seat].trader);
        match action {
            Action::Deposit(amount) => chain.deposit(trader, amount.get()),
            Action::Withdraw(amount) => chain.withdraw(trader, amount.get()),
            Action::Increase(direction, notional) => chain.increase(trader, spoken(direction), notional.get()),
            Action::Decrease(size) => {
                let direction = self.seats[seat].position.open_direction().unwrap_or(Direction::Long);
                let part = match size {
                    DecreaseSize::Part(notional) => Some(notional.get()),
                    DecreaseSize::Whole => None,
                };
                chain.decrease(trader, spoken(direction), part)
            }
            Action::Provide(amount) => chain.deposit_liquidity(trader, self.seats[seat].shares, amount.get()),
            Action::Insure(amount) => chain.fund_insurance(trader, amount.get()),
            Action::Request(_) | Action::Complete | Action::Return => self.queue_instruction(seat, action),
            _ if action.touches_orders() => self.order_instruction(seat, action),
            _ => self.upkeep_instruction(seat, action),
        }
    }

    fn order_instruction(&self, seat: usize, action: Action) -> Instruction {
        let (chain, trader) = (&self.chain, &self.seats[seat].trader);
        let keeper = &self.seats[self.scenario.keeper()].trader;
        match action {
            Action::Place(Placement { id, request, linked_with }) => chain.place(trader, id, linked_with, &terms(&request)),
            Action::Cancel(id) => chain.cancel_order(trader, id),
            Action::Trigger(id) => chain.trigger_order(trader, id, keeper.tokens),
            Action::Execute(id, update) => chain.execute_order(self.execution(seat, id, update)),
            Action::Expire(id) => chain.expire_order(keeper.address(), trader, id),
            _ => self.upkeep_instruction(seat, action),
        }
    }

    fn execution(&self, seat: usize, id: u32, update: FillUpdate) -> Execution {
        let (chain, keeper) = (&self.chain, &self.seats[self.scenario.keeper()].trader);
        let Seat { trader, orders, .. } = &self.seats[seat];
        let held = orders.get(&id);
        let is_newest = update == self.newest_update();
        Execution {
            fill_price: (!is_newest).then_some(chain.fill_price),
            triggerer: held.filter(|held| held.triggered).map(|_| keeper.tokens),
            partner: held.and_then(|held| held.partner).map(|id| self.seats[seat].key(id)),
            ..chain.execution(trader, id, keeper.tokens)
        }
    }

    fn queue_instruction(&self, seat: usize, action: Action) -> Instruction {
        let (chain, Seat { trader, shares, withdrawal_id: id, .. }) = (&self.chain, &self.seats[seat]);
        let owner = trader.address();
        match action {
            Action::Request(amount) => chain.request_withdrawal(owner, *shares, *id, amount),
            Action::Complete => chain.complete_withdrawal(Leaving { owner, id: *id, destination: trader.tokens }),
            _ => {
                let keeper = self.seats[self.scenario.keeper()].trader.address();
                chain.return_withdrawal(keeper, Leaving { owner, id: *id, destination: *shares })
            }
        }
    }

    fn upkeep_instruction(&self, seat: usize, action: Action) -> Instruction {
        let (chain, Seat { trader, position, .. }) = (&self.chain, &self.seats[seat]);
        let keeper = &self.seats[self.scenario.keeper()].trader;
        match action {
            Action::Liquidate => chain.liquidate(trader.position, keeper.tokens),
            Action::Deleverage => chain.deleverage(),
            Action::CloseOut => chain.close_out(trader.position, keeper.tokens),
            Action::FinishSettlement => chain.finish_settlement(keeper.address(), self.market.lifecycle.epoch),
            Action::Redeem => chain.redeem(trader.position, position.claim_epoch),
            Action::CloseSettlement => chain.close_settlement(keeper.address(), self.settled_epoch()),
            Action::PayOut => {
                let claim_epoch = (!position.claim.is_zero()).then_some(position.claim_epoch);
                chain.pay_out(keeper.address(), trader, claim_epoch)
            }
            Action::CollectFees => chain.collect_fees(self.treasury),
            _ => chain.accrue(),
        }
    }

    /// The epoch of the newest settlement that is finished.
    pub fn settled_epoch(&self) -> u32 {
        self.market.lifecycle.epoch.saturating_sub(1)
    }
}

/// The direction as the program's arguments have it.
pub fn spoken(direction: Direction) -> PositionDirection {
    match direction {
        Direction::Long => PositionDirection::Long,
        Direction::Short => PositionDirection::Short,
    }
}

/// An order's terms as the client has them.
fn terms(request: &OrderRequest) -> OrderTerms {
    OrderTerms {
        kind: match request.kind {
            OrderKind::Market => OrderType::Market,
            OrderKind::Limit => OrderType::Limit,
            OrderKind::Stop => OrderType::Stop(request.trigger.get()),
            OrderKind::TakeProfit => OrderType::TakeProfit(request.trigger.get()),
        },
        direction: spoken(request.direction),
        amount: match request.size {
            OrderSize::Increase(notional) => OrderAmount::Increase(notional.get()),
            OrderSize::Reduce(DecreaseSize::Part(notional)) => OrderAmount::Reduce(notional.get()),
            OrderSize::Reduce(DecreaseSize::Whole) => OrderAmount::Close,
        },
        limit_price_e8: request.limit.get(),
        expiry: request.expiry.get(),
        tip_sats: request.tip.get(),
    }
}
