//! A position as the next touch would find it.

use super::MarketView;
use crate::bisect::greatest;
use crate::chain::{Failure, Result};
use inverse_perps::state::Position;
use inverse_perps_engine::budget::Trader;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::liquidation::{threshold, Exposed, Threshold};
use inverse_perps_engine::margin::{equity, initial_margin, is_below_maintenance, maintenance_margin, maintenance_ratio};
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::order::{OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::pnl::{average_entry_of, Valuation};
use inverse_perps_engine::position::Position as State;
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::{Notional, Ppb, Price, Sats, UnixTime, DOLLAR, MAX_NOTIONAL};
use solana_address::Address;

/// What an open position comes to. Amounts are satoshi unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Long or short.
    pub direction: Direction,
    /// Size, micro-dollars.
    pub notional: Notional,
    /// Harmonic average entry price; none where costs have eaten the entry value.
    pub entry_price: Option<Price>,
    /// The mark that it is valued at.
    pub mark: Price,
    /// The position with margin less reserved tips, for further formulas.
    pub exposed: Exposed,
    /// Value at the mark, rounded against the owner.
    pub value: Sats,
    /// Unrealised profit or loss.
    pub pnl_sats: i64,
    /// `margin - reserved tips + unrealised PnL`.
    pub equity_sats: i64,
    /// What must be left of equity.
    pub maintenance_margin: Sats,
    /// The ratio that this is of the value.
    pub maintenance_ratio: Ppb,
    /// What an opening of this size needs.
    pub initial_margin: Sats,
    /// Whether anyone may liquidate it now.
    pub liquidatable: bool,
    /// Where it is liquidated.
    pub liquidation: Threshold,
    /// Where nothing is left.
    pub bankruptcy: Threshold,
}

/// A position, stored and brought up to date.
#[derive(Clone)]
pub struct PositionView {
    /// Its address.
    pub address: Address,
    /// The account as stored.
    pub stored: Position,
    /// The engine's state, settled as the next touch would leave it.
    pub state: State,
    /// Funding, borrow fee and deleveraging since it was last touched, as one result in satoshi: negative is paid.
    pub due_sats: i64,
    /// What it comes to; none when flat, or before the market's first price.
    pub outlook: Option<Outlook>,
}

impl PositionView {
    /// Brings a copy up to date and values it.
    ///
    /// # Errors
    /// `Missing` with the engine's rule, which would be a bug.
    pub fn of(market: &MarketView, address: Address, stored: Position) -> Result<Self> {
        let (mut state, mut side) = (stored.state, market.state);
        let settled = side.settle(&mut state).map_err(Failure::missing)?;
        let due_sats = settled.map_or(0, |settled| settled.result.get());
        let outlook = match market.mark() {
            Some(mark) => outlook(market, &state, mark).map_err(Failure::missing)?,
            None => None,
        };
        Ok(Self { address, stored, state, due_sats, outlook })
    }

    /// The largest market order to open or enlarge it that would be accepted now, whole dollars; nothing where none would, with the
    /// rule that refuses it.
    ///
    /// # Errors
    /// The rule.
    pub fn most_notional(&self, market: &MarketView, direction: Direction) -> std::result::Result<Notional, Error> {
        let marks = market.synced?.trading()?;
        let accepted = |dollars: u64| self.accepts(market, &marks, direction, dollars);
        let least = market.state.params.min_notional.get().div_ceil(DOLLAR.get());
        accepted(least)?;
        let most = greatest(least, MAX_NOTIONAL.get() / DOLLAR.get(), |dollars| Ok(accepted(dollars).is_ok()))?;
        Ok(Notional::new(most.saturating_mul(DOLLAR.get())))
    }

    fn accepts(
        &self,
        market: &MarketView,
        marks: &Marks,
        direction: Direction,
        dollars: u64,
    ) -> std::result::Result<(), Error> {
        let (mut state, mut position) = (market.state, self.stored.state);
        state.settle(&mut position)?;
        let request = OrderRequest {
            kind: OrderKind::Market,
            direction,
            size: OrderSize::Increase(Notional::new(dollars.saturating_mul(DOLLAR.get()))),
            trigger: Price::ZERO,
            limit: match direction {
                Direction::Long => Price::new(u64::MAX),
                Direction::Short => Price::ZERO,
            },
            expiry: UnixTime::new(0),
            tip: state.params.min_order_tip,
        };
        state.place_order(&mut position, &request, Trader::Owner, &marks.quote, market.moment).map(|_| ())
    }

    /// The most margin that could be taken out now, at the worst price of the last minute; all that is free of a flat position.
    ///
    /// # Errors
    /// `Missing` with the engine's rule, which would be a bug.
    pub fn withdrawable(&self, market: &MarketView) -> Result<Sats> {
        self.withdrawable_at(market, market.marks_for(PriceUse::Withdrawal).ok().as_ref())
    }

    /// The same at other marks; beside an open position nothing without any.
    ///
    /// # Errors
    /// As `withdrawable`.
    pub fn withdrawable_at(&self, market: &MarketView, marks: Option<&Marks>) -> Result<Sats> {
        let accepted = |sats: u64| {
            let (mut state, mut position) = (market.state, self.stored.state);
            let settled = state.settle(&mut position);
            settled.is_ok() && state.withdraw_collateral(&mut position, Sats::new(sats), marks).is_ok()
        };
        let all = self.state.free_margin().map_err(Failure::missing)?.get();
        greatest(0, all.saturating_add(1), |sats| Ok(accepted(sats))).map(Sats::new)
    }
}

fn outlook(market: &MarketView, position: &State, mark: Price) -> std::result::Result<Option<Outlook>, Error> {
    let Some(direction) = position.open_direction() else { return Ok(None) };
    let side = market.state.side(direction);
    let Some(valuation) = Valuation::of_position(position, side, mark)? else { return Ok(None) };
    let ratios = market.state.ratios_of(position);
    let notional = position.notional(side)?;
    let maintenance_ratio = maintenance_ratio(&ratios, notional)?;
    let exposed =
        Exposed { direction, notional, margin: position.free_margin()?.signed()?.get(), entry_value: valuation.entry_value };
    Ok(Some(Outlook {
        direction,
        notional,
        entry_price: average_entry_of(position, side)?,
        mark,
        exposed,
        value: valuation.exit_value(),
        pnl_sats: valuation.pnl()?.get(),
        equity_sats: equity(position, &valuation)?.get(),
        maintenance_margin: maintenance_margin(&ratios, &valuation)?,
        maintenance_ratio,
        initial_margin: initial_margin(&ratios, notional, valuation.value)?,
        liquidatable: is_below_maintenance(&ratios, position, &valuation)?,
        liquidation: threshold(&exposed, maintenance_ratio)?,
        bankruptcy: threshold(&exposed, Ppb::ZERO)?,
    }))
}
