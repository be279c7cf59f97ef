//! What must fail: now and then somebody sends what the program must refuse, and the refusal must be the right one.

use super::action::Action;
use super::sizes;
use super::venue::Venue;
use super::wire::spoken;
use crate::client::instructions::{self, Withdrawal};
use anyhow::Result;
use inverse_perps::errors::PerpError;
use inverse_perps::instructions::IncreasePositionArgs;
use inverse_perps_engine::units::{Notional, DOLLAR};
use inverse_perps_engine::{Direction, Error};

/// About how many attempts a run sees, where it has as many steps.
const ATTEMPTS: usize = 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two hundred times its margin.
    OverLeveragedOpen,
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
}

const KINDS: [Kind; 6] = [
    Kind::StrangersWithdrawal,
    Kind::HealthyLiquidation,
    Kind::OverLeveragedOpen,
    Kind::ForgedPrice,
    Kind::LateTrade,
    Kind::Flip,
];

/// Who tries it, and how far along.
pub struct Mischief {
    every: usize,
    due: usize,
    next: usize,
}

impl Mischief {
    /// Spreads the attempts over a run.
    pub fn new(steps: usize) -> Self {
        Self { every: (steps / ATTEMPTS).max(1), due: 0, next: 0 }
    }

    /// Sends the next kind if an attempt is due; a kind that this step gives no occasion for is passed over.
    ///
    /// # Errors
    /// Where the chain's accounts cannot be read.
    pub fn try_what_must_fail(&mut self, step: usize, venue: &mut Venue) -> Result<()> {
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
}

/// Whether there was an occasion.
fn attempt(kind: Kind, venue: &mut Venue) -> Result<bool> {
    match kind {
        Kind::OverLeveragedOpen => over_leveraged_open(venue),
        Kind::HealthyLiquidation => healthy_liquidation(venue),
        Kind::StrangersWithdrawal => strangers_withdrawal(venue),
        Kind::ForgedPrice => forged_price(venue),
        Kind::LateTrade => late_trade(venue),
        Kind::Flip => flip(venue),
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

fn over_leveraged_open(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "an open at 200 times its margin", Error::MarginBelowInitial, |venue, seat| {
        let position = &venue.seats[seat].position;
        let direction = position.open_direction().unwrap_or(Direction::Long);
        let notional = sizes::part_of_pool(position.margin, venue.price(), 2_000_000, &venue.market.params)?;
        Some(Action::Increase(direction, notional))
    })
}

fn healthy_liquidation(venue: &mut Venue) -> Result<bool> {
    send_refused(venue, "a liquidation of a healthy position", Error::NotLiquidatable, |_, _| Some(Action::Liquidate))
}

fn flip(venue: &mut Venue) -> Result<bool> {
    let ten_dollars = venue.market.params.min_notional;
    send_refused(venue, "an increase in the other direction", Error::OppositeDirection, |venue, seat| {
        let direction = venue.seats[seat].position.open_direction()?;
        Some(Action::Increase(direction.opposite(), ten_dollars))
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
    let in_time = |seat: &usize| venue.rehearse(*seat, &[Action::Increase(side(venue, *seat), size)]).is_ok();
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
