//! What must fail: now and then somebody sends what the program must refuse, and the refusal must be the right one.

use super::action::{Action, Placement};
use super::sizes;
use super::venue::Venue;
use super::wire::spoken;
use anyhow::Result;
use inverse_perps::errors::PerpError;
use inverse_perps::instructions::IncreasePositionArgs;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::units::{Notional, Price, Sats, UnixTime, DOLLAR};
use inverse_perps_engine::{Direction, Error};
use perps::client::instructions::{self, Withdrawal};

/// About how many attempts a run sees, where it has as many steps.
const ATTEMPTS: usize = 36;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two hundred times its margin.
    OverLeveragedOrder,
    /// Of a position that is well.
    HealthyLiquidation,
    /// Somebody else's margin.
    StrangersWithdrawal,
    /// A price account that Pyth does not own.
    ForgedPrice,
    /// After its deadline.
    LateTrade,
    /// Short where the position is long, or the other way round.
    Flip,
    /// At the price of now, where only orders fill.
    InstantOpen,
    /// The same way out.
    InstantClose,
    /// At the very price that its owner saw when he placed it.
    EarlyExecution,
    /// An order that waits for its fill is its owner's no more.
    CancelPending,
    /// While one waits.
    SecondOrder,
    /// Margin that backs an order that waits.
    WithdrawWhilePending,
    /// Of an order whose price has not come.
    EarlyTrigger,
    /// Of an order that is alive.
    EarlyRemoval,
}

const KINDS: [Kind; 14] = [
    Kind::StrangersWithdrawal,
    Kind::HealthyLiquidation,
    Kind::EarlyExecution,
    Kind::InstantOpen,
    Kind::OverLeveragedOrder,
    Kind::CancelPending,
    Kind::ForgedPrice,
    Kind::LateTrade,
    Kind::SecondOrder,
    Kind::Flip,
    Kind::InstantClose,
    Kind::WithdrawWhilePending,
    Kind::EarlyTrigger,
    Kind::EarlyRemoval,
];

/// Who tries it, and how far along.
pub struct Mischief {
    every: usize,
    due: usize,
    next: usize,
    step: usize,
    later_update_due: usize,
}

impl Mischief {
    /// Spreads the attempts over a run.
    pub fn new(steps: usize) -> Self {
        Self { every: (steps / ATTEMPTS).max(1), due: 0, next: 0, step: 0, later_update_due: 0 }
    }

    /// Sends the next kind if an attempt is due; a kind that this step gives no occasion for is passed over.
    ///
    /// # Errors
    /// Where the chain's accounts cannot be read.
    pub fn try_what_must_fail(&mut self, step: usize, venue: &mut Venue) -> Result<()> {
        self.step = step;
        if step < self.due {
            return Ok(());
        }
        for turn in self.next..self.next + KINDS.len() {
            if attempt(KINDS[turn % KINDS.len()], venue)? {
                self.next = turn + 1;
                self.due = step + self.every;
                break;
            }
        }
        Ok(())
    }

    /// Sends an execution with a later update than the first after T, where an order waits that the keeper has overlooked.
    ///
    /// # Errors
    /// Where the chain's accounts cannot be read.
    pub fn try_a_later_update(&mut self, venue: &mut Venue) -> Result<()> {
        if self.step >= self.later_update_due && execution(venue, "an execution with a later update", Error::NotFirstUpdate)? {
            self.later_update_due = self.step + self.every;
        }
        Ok(())
    }
}

/// Whether there was an occasion.
fn attempt(kind: Kind, venue: &mut Venue) -> Result<bool> {
    match kind {
        Kind::OverLeveragedOrder => over_leveraged_order(venue),
        Kind::HealthyLiquidation => healthy_liquidation(venue),
        Kind::StrangersWithdrawal => strangers_withdrawal(venue),
        Kind::ForgedPrice => forged_price(venue),
        Kind::LateTrade => late_trade(venue),
        Kind::Flip => flip(venue),
        Kind::InstantOpen => instant_open(venue),
        Kind::InstantClose => instant_close(venue),
        Kind::EarlyExecution => execution(venue, "an execution at the price of the placing", Error::OrderTooYoung),
        Kind::CancelPending => cancel_pending(venue),
        Kind::SecondOrder => second_order(venue),
        Kind::WithdrawWhilePending => withdraw_while_pending(venue),
        Kind::EarlyTrigger => early_trigger(venue),
        Kind::EarlyRemoval => early_removal(venue),
    }
}

/// Sends an action of the first trader for whom the engine names just this rule.
fn send_refused(venue: &mut Venue, what: &str, rule: Error, action: impl Fn(&Venue, usize) -> Option<Action>) -> Result<bool> {
    let refused = |seat: &usize| {
        let action = action(venue, *seat)?;
        (venue.rehearse(*seat, &[action]).err() == Some(rule)).then_some((*seat, action))
    };
    let Some((seat, action)) = venue.scenario.traders().find_map(|seat| refused(&seat)) else {
        return Ok(false);
    };
    let instruction = venue.instruction(seat, action);
    let signer = if action.is_upkeep() { venue.scenario.keeper() } else { seat };
    venue.expect_refusal(what, instruction, signer, rule.into())?;
    Ok(true)
}

/// A market order of this seat at any price.
fn ordered(venue: &Venue, seat: usize, direction: Direction, notional: Notional) -> Option<Action> {
    let request = OrderRequest {
        kind: OrderKind::Market,
        direction,
        size: OrderSize::Increase(notional),
        trigger: Price::ZERO,
        limit: Price::new(instructions::any_price_to_open(spoken(direction))),
        expiry: UnixTime::new(0),
        tip: venue.market.params.min_order_tip,
    };
    let id = venue.seats[seat].position.next_order;
    Some(Action::Place(Placement { id, request, linked_with: None }))
}

fn over_leveraged_order(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "an order of 200 times its margin", Error::MarginBelowInitial, |venue, seat| {
        let position = &venue.seats[seat].position;
        let direction = position.open_direction().unwrap_or(Direction::Long);
        let notional = sizes::part_of_pool(position.margin, venue.price(), 2_000_000, &venue.market.params)?;
        ordered(venue, seat, direction, notional)
    })
}

fn instant_open(venue: &mut Venue) -> Result<bool> {
    let ten_dollars = venue.market.params.min_notional;
    send_refused(venue, "an instant increase", Error::OrdersOnly, |venue, seat| {
        let direction = venue.seats[seat].position.open_direction().unwrap_or(Direction::Long);
        Some(Action::Increase(direction, ten_dollars))
    })
}

fn instant_close(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "an instant decrease", Error::OrdersOnly, |venue, seat| {
        venue.seats[seat].position.open_direction().map(|_| Action::Decrease(DecreaseSize::Whole))
    })
}

/// With the newest update.
fn execution(venue: &mut Venue, what: &str, rule: Error) -> Result<bool> {
    let newest = venue.newest_update();
    send_refused(venue, what, rule, |venue, seat| venue.seats[seat].pending().map(|(id, _)| Action::Execute(id, newest)))
}

fn cancel_pending(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "taking back an order that waits for its fill", Error::OrderNotResting, |venue, seat| {
        venue.seats[seat].pending().map(|(id, _)| Action::Cancel(id))
    })
}

fn second_order(venue: &mut Venue) -> Result<bool> {
    let ten_dollars = venue.market.params.min_notional;
    send_refused(venue, "a second order while one waits", Error::OrderPending, |venue, seat| {
        ordered(venue, seat, Direction::Long, ten_dollars)
    })
}

fn withdraw_while_pending(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "a withdrawal while an order waits", Error::OrderPending, |_, _| Some(Action::Withdraw(Sats::new(1))))
}

fn early_trigger(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "triggering an order before its price", Error::TriggerNotReached, |venue, seat| {
        venue.seats[seat].orders.keys().next().map(|id| Action::Trigger(*id))
    })
}

fn early_removal(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "removing an order that is alive", Error::OrderNotExpired, |venue, seat| {
        venue.seats[seat].orders.keys().next().map(|id| Action::Expire(*id))
    })
}

fn healthy_liquidation(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "a liquidation of a healthy position", Error::NotLiquidatable, |_, _| Some(Action::Liquidate))
}

fn flip(venue: &mut Venue) -> Result<bool> {
    let ten_dollars = venue.market.params.min_notional;
    send_refused(venue, "an order in the other direction", Error::OppositeDirection, |venue, seat| {
        let direction = venue.seats[seat].position.open_direction()?;
        ordered(venue, seat, direction.opposite(), ten_dollars)
    })
}

fn strangers_withdrawal(venue: &mut Venue) -> Result<bool> {
    let Some(victim) = venue.scenario.traders().find(|seat| !venue.seats[*seat].position.margin.is_zero()) else {
        return Ok(false);
    };
    let thief = venue.scenario.keeper();
    let loot = Withdrawal {
        owner: venue.seats[thief].trader.address(),
        position: venue.seats[victim].trader.position,
        destination: venue.seats[thief].trader.tokens,
        price: Some(venue.chain.price),
    };
    let instruction = instructions::withdraw_collateral(&venue.chain.keys, loot, 1);
    venue.expect_refusal("a stranger's withdrawal", instruction, thief, PerpError::NotOwner)?;
    Ok(true)
}

fn forged_price(venue: &mut Venue) -> Result<bool> {
    let forgery = venue.chain.keys.vault;
    let instruction = instructions::accrue_funding(&venue.chain.keys, forgery);
    let keeper = venue.scenario.keeper();
    venue.expect_refusal("an accrual at a forged price", instruction, keeper, PerpError::WrongOracleOwner)?;
    Ok(true)
}

fn late_trade(venue: &mut Venue) -> Result<bool> {
    let size = Notional::new(venue.market.params.min_notional.get() + DOLLAR.get());
    let side = |venue: &Venue, seat: usize| venue.seats[seat].position.open_direction().unwrap_or(Direction::Short);
    // The deadline is judged before the way of filling.
    let in_time = |seat: &usize| {
        let increase = Action::Increase(side(venue, *seat), size);
        venue.rehearse(*seat, &[increase]).err() == Some(Error::OrdersOnly)
    };
    let Some(seat) = venue.scenario.traders().find(in_time) else {
        return Ok(false);
    };
    let direction = side(venue, seat);
    let args = IncreasePositionArgs {
        direction: spoken(direction),
        notional_e6: size.get(),
        limit_price_e8: instructions::any_price_to_open(spoken(direction)),
        deadline: venue.chain.time() - 1,
    };
    let trader = &venue.seats[seat].trader;
    let (keys, price) = (&venue.chain.keys, venue.chain.price);
    let instruction = instructions::increase_position(keys, trader.address(), trader.position, price, args);
    venue.expect_refusal("a trade after its deadline", instruction, seat, PerpError::DeadlineExpired)?;
    Ok(true)
}
