//! What can be done, and the engine doing it as the program's handler would.

use inverse_perps_engine::actions::{Decrease, DecreaseSize, Increase};
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::units::{Notional, Price, Sats};
use inverse_perps_engine::{Direction, Market, Position, Result};

/// One instruction of the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Margin in.
    Deposit(Sats),
    /// Margin out.
    Withdraw(Sats),
    /// Opens or enlarges, at any price.
    Increase(Direction, Notional),
    /// Reduces or closes, at any price.
    Decrease(DecreaseSize),
    /// Liquidates the position.
    Liquidate,
    /// Accrues.
    Accrue,
    /// Deposits into the pool.
    Provide(Sats),
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
            Action::Liquidate => "liquidate",
            Action::Accrue => "accrue_funding",
            Action::Provide(_) => "deposit_liquidity",
            Action::Insure(_) => "fund_insurance",
        }
    }

    /// Whether a keeper sends it for somebody else's position or for none.
    pub fn is_upkeep(&self) -> bool {
        matches!(self, Action::Liquidate | Action::Accrue)
    }
}

/// The market and the one position that an instruction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Books {
    /// The market.
    pub market: Market,
    /// The position.
    pub position: Position,
}

/// What the program reads besides its accounts: the price and the Clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// What the price account says.
    pub update: RawUpdate,
    /// The Clock.
    pub at: Moment,
}

impl Books {
    /// Does what the program's handler does with the engine.
    ///
    /// # Errors
    /// The rule that the program would answer with.
    pub fn apply(&mut self, action: Action, now: &Now) -> Result<()> {
        let Self { market, position } = self;
        match action {
            Action::Deposit(amount) => market.deposit_collateral(position, amount),
            Action::Insure(amount) => market.fund_insurance(amount),
            Action::Accrue => market.sync(&now.update, PriceUse::Upkeep, now.at).map(drop),
            Action::Provide(amount) => {
                let marks = market.sync(&now.update, PriceUse::Liquidity, now.at)?.trading()?;
                market.deposit_liquidity(amount, 1, &marks).map(drop)
            }
            Action::Withdraw(amount) if position.open_direction().is_none() => {
                market.withdraw_collateral(position, amount, None)
            }
            Action::Withdraw(amount) => {
                let marks = market.sync(&now.update, PriceUse::Withdrawal, now.at)?.trading()?;
                market.settle(position)?;
                market.withdraw_collateral(position, amount, Some(&marks))
            }
            Action::Increase(direction, notional) => {
                let marks = market.sync(&now.update, PriceUse::Increase, now.at)?.trading()?;
                market.settle(position)?;
                let order = Increase { direction, notional, limit: any_price(direction, true) };
                market.increase(position, &order, &marks, now.at).map(drop)
            }
            Action::Decrease(size) => {
                let marks = market.sync(&now.update, PriceUse::Decrease, now.at)?.trading()?;
                market.settle(position)?;
                let limit = any_price(position.ensure_open()?, false);
                market.decrease(position, &Decrease { size, limit }, &marks, now.at).map(drop)
            }
            Action::Liquidate => {
                let marks = market.sync(&now.update, PriceUse::Upkeep, now.at)?.trading()?;
                market.settle(position)?;
                market.liquidate(position, &marks).map(drop)
            }
        }
    }
}

/// The limit that no price breaks.
fn any_price(direction: Direction, opening: bool) -> Price {
    if (direction == Direction::Long) == opening {
        Price::new(u64::MAX)
    } else {
        Price::ZERO
    }
}
