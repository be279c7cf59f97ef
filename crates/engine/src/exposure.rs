//! What a position is exposed to, and the short that makes bitcoin a synthetic dollar. For quotes and reports: no action asks it.
//!
//! With margin `M`, entry value `B` and notional `N` (design, section 1):
//!
//! | | long | short |
//! |---|---|---|
//! | equity in bitcoin | `M + B - N / P` | `M - B + N / P` |
//! | its delta, its gamma | `N / P^2`, `-2 N / P^3` | `-N / P^2`, `2 N / P^3` |
//! | equity in dollars | `(M + B) P - N` | `(M - B) P + N` |
//! | its delta, its gamma | `M + B`, `0` | `M - B`, `0` |
//!
//! In bitcoin an inverse contract is curved. In dollars it is a straight line, because `N / P` bitcoin are `N` dollars at every
//! price: a long is `M + B` bitcoin less a debt of `N` dollars, a short `M - B` bitcoin and `N` dollars. So delta in dollars is
//! an amount of bitcoin that no price changes, gamma in dollars is exactly nothing, and a short whose margin is its entry value
//! is `N` dollars, whatever bitcoin does.

use crate::errors::{ensure, Error, Result};
use crate::fees::{trade_fee, SkewChange};
use crate::funding::{accrue_side, funding_rate};
use crate::liquidation::{threshold, Exposed, Threshold};
use crate::margin::{maintenance_margin, maintenance_ratio, MarginRatios};
use crate::math::{
    divide, divide_signed, divide_with_remainder, multiply, multiply_signed, narrow, narrow_signed, negate_or_keep, round_up,
    signed, Rounding,
};
use crate::oracle::Quote;
use crate::params::Params;
use crate::pnl::{entry_value, Valuation};
use crate::side::{Direction, Side, SideFigures};
use crate::units::{
    Basis, Exposure, FineSats, Notional, Ppb, PpbPerDay, Price, Sats, Scale, Shares, SignedSats, Value, DOLLAR,
};

/// Moves of the price, in percent, that a position is looked at after.
pub const MOVES_PERCENT: [i32; 6] = [-50, -20, -10, 10, 20, 50];

const SECONDS_A_DAY: u64 = 86_400;
/// Satoshi times a price, in micro-dollars' 1e-10.
const FINE_MICRO_USD: u64 = 10_000_000_000;

/// How the equity changes with the price. Magnitudes are rounded down, so that a long's and a short's are exact opposites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeks {
    /// `dE/dP` of the equity in bitcoin: 1e-9 satoshi for a dollar of price.
    pub delta_nano_sats: i128,
    /// `d2E/dP2` of the same: 1e-18 satoshi for a dollar of price, for a dollar of price.
    pub gamma_atto_sats: i128,
    /// `dE/dP` of the equity in dollars: the bitcoin that the account is exposed to, in satoshi, exact.
    pub delta_usd: SignedSats,
}

impl Greeks {
    /// `d2E/dP2` of the equity in dollars: none, at no price, for no position. In dollars the contract is a straight line.
    pub const GAMMA_USD: i64 = 0;

    /// Of a position at a price. Errors: `Overflow`, also for prices above 3e16.
    pub fn of(position: &Exposed, price: Price) -> Result<Self> {
        let notional = u128::from(position.notional.get());
        let slope = notional.checked_mul(100_000).ok_or(Error::Overflow)?;
        let curve = notional.checked_mul(2).ok_or(Error::Overflow)?;
        // Satoshi are N 1e10 / P; a derivative by dollars is 1e8 / P of that: N 1e27 / P^2, and 2 N 1e44 / P^3.
        let delta = Wide([0, slope, 0]).over(price)?.over(price)?.word()?;
        let gamma = Wide([curve, 0, 0]).over(price)?.over(price)?.over(price)?.word()?;
        let short = position.direction == Direction::Short;
        Ok(Self {
            delta_nano_sats: negate_or_keep(delta, short)?,
            gamma_atto_sats: negate_or_keep(gamma, !short)?,
            delta_usd: bitcoin_exposure(position)?,
        })
    }
}

/// A number of three digits to the base 1e22, the greatest first. Greeks need more than 128 bits on the way.
#[derive(Clone, Copy)]
struct Wide([u128; 3]);

impl Wide {
    const BASE: u128 = 10_000_000_000_000_000_000_000;

    /// `self / price`, floored; floors one after the other are exact. Errors: `Overflow` above a price of 3e16.
    fn over(self, price: Price) -> Result<Self> {
        let (mut quotient, mut rest) = ([0; 3], 0u64);
        for (digit, of) in quotient.iter_mut().zip(self.0) {
            let carried = u128::from(rest).checked_mul(Self::BASE).and_then(|carried| carried.checked_add(of));
            (*digit, rest) = divide_with_remainder(carried.ok_or(Error::Overflow)?, price.get())?;
        }
        Ok(Self(quotient))
    }

    fn word(self) -> Result<u128> {
        let [high, middle, low] = self.0;
        ensure(high == 0, Error::Overflow)?;
        middle.checked_mul(Self::BASE).and_then(|middle| middle.checked_add(low)).ok_or(Error::Overflow)
    }
}

/// `M + B` of a long, `M - B` of a short: what a dollar of price moves the equity by in dollars, in satoshi. Errors: `Overflow`.
pub fn bitcoin_exposure(position: &Exposed) -> Result<SignedSats> {
    match position.direction {
        Direction::Long => position.margin.checked_add(position.entry_value),
        Direction::Short => position.margin.checked_sub(position.entry_value),
    }
    .map(SignedSats::new)
    .ok_or(Error::Overflow)
}

/// How a position is backed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Maintenance margin is there.
    Sound,
    /// The equity is positive and below maintenance margin.
    Liquidatable,
    /// Nothing is left: the equity is zero or less.
    Bankrupt,
}

/// A position at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The price.
    pub price: Price,
    /// Margin and unrealised PnL, rounded as the market does it: down.
    pub equity: SignedSats,
    /// The exact equity in micro-dollars, rounded down. It is not `equity` at the price, which has lost part of a satoshi.
    pub equity_micro_usd: i128,
    /// Notional over equity in dollars, in 1e-6, rounded up; none where bankrupt.
    pub leverage_micro: Option<u128>,
    /// Whether it can be liquidated.
    pub health: Health,
}

impl Standing {
    /// Of a position held to these margin ratios. Errors: `Overflow`.
    pub fn of(position: &Exposed, price: Price, ratios: &MarginRatios) -> Result<Self> {
        let valuation = valuation(position, price)?;
        let equity = SignedSats::new(position.margin).plus(valuation.pnl()?)?;
        let health = if equity <= SignedSats::ZERO {
            Health::Bankrupt
        } else if equity < maintenance_margin(ratios, &valuation)?.signed()? {
            Health::Liquidatable
        } else {
            Health::Sound
        };
        let fine = equity_fine_usd(position, price)?;
        let leverage_micro = match health {
            Health::Bankrupt => None,
            Health::Sound | Health::Liquidatable => Some(leverage(position.notional, fine.unsigned_abs())?),
        };
        let equity_micro_usd = divide_signed(fine, FINE_MICRO_USD, Rounding::Floor)?;
        Ok(Self { price, equity, equity_micro_usd, leverage_micro, health })
    }
}

/// The position as the market values it, at scale one.
fn valuation(position: &Exposed, price: Price) -> Result<Valuation> {
    let shares = Shares::of(position.notional, Scale::ONE, Rounding::Floor)?;
    Valuation::of(position.direction, shares, Basis::new(i128::from(position.entry_value)), Scale::ONE, price)
}

/// `(M ± B) P ∓ N`, exact, in 1e-10 micro-dollars.
fn equity_fine_usd(position: &Exposed, price: Price) -> Result<i128> {
    let exposure = multiply_signed(i128::from(bitcoin_exposure(position)?.get()), price.get())?;
    let dollars = signed(multiply(position.notional.get(), FINE_MICRO_USD))?;
    match position.direction {
        Direction::Long => exposure.checked_sub(dollars),
        Direction::Short => exposure.checked_add(dollars),
    }
    .ok_or(Error::Overflow)
}

/// `N / E` in 1e-6, rounded up, for an equity in 1e-10 micro-dollars.
fn leverage(notional: Notional, equity_fine_usd: u128) -> Result<u128> {
    let fine = multiply(notional.get(), FINE_MICRO_USD).checked_mul(1_000_000).ok_or(Error::Overflow)?;
    match (fine.checked_div(equity_fine_usd), fine.checked_rem(equity_fine_usd)) {
        (Some(quotient), Some(rest)) => round_up(quotient, rest != 0),
        _ => Err(Error::Overflow),
    }
}

/// A position after a move of the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The move in percent.
    pub percent: i32,
    /// The position then.
    pub standing: Standing,
}

/// A position after each of `MOVES_PERCENT`, at prices rounded down. Errors of each: `Overflow`.
pub fn after_moves(position: &Exposed, price: Price, ratios: &MarginRatios) -> impl Iterator<Item = Result<Moved>> {
    let (position, ratios) = (*position, *ratios);
    MOVES_PERCENT.into_iter().map(move |percent| {
        let left = percent.checked_add(100).and_then(|left| u64::try_from(left).ok()).ok_or(Error::Overflow)?;
        let there = Price::new(narrow(divide(multiply(price.get(), left), 100, Rounding::Floor)?)?);
        Ok(Moved { percent, standing: Standing::of(&position, there, &ratios)? })
    })
}

/// Open interest of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenInterest {
    /// Notional of the longs.
    pub long: Notional,
    /// Notional of the shorts.
    pub short: Notional,
}

impl OpenInterest {
    /// With this much more short. Errors: `Overflow`.
    pub fn with_short(self, notional: Notional) -> Result<Self> {
        Ok(Self { short: self.short.plus(notional)?, ..self })
    }

    /// `|N_long - N_short|`.
    pub fn skew(self) -> Notional {
        Notional::new(self.long.get().abs_diff(self.short.get()))
    }

    /// The funding rate that longs pay to shorts; negative, shorts to longs. Errors: `Overflow`.
    pub fn funding_rate(self, params: &Params) -> Result<PpbPerDay> {
        let figures = |direction, notional| SideFigures {
            direction,
            notional,
            exposure: Exposure::ZERO,
            entry_value: 0,
            value: Value::ZERO,
        };
        funding_rate(params, &figures(Direction::Long, self.long), &figures(Direction::Short, self.short))
    }
}

/// Where a hedge is opened.
#[derive(Clone, Copy, Debug)]
pub struct HedgeTerms<'a> {
    /// The market's parameters.
    pub params: &'a Params,
    /// Price and bid.
    pub quote: Quote,
    /// Open interest before; none leaves the surcharge and the side's cap out of account.
    pub interest: Option<OpenInterest>,
    /// Tip of the order that opens it.
    pub tip: Sats,
}

/// A short that makes bitcoin a synthetic dollar, as it stands once opened.
///
/// Its margin, which is what was held less fee, surcharge and tip, is at least its entry value, and by less than one lot and what
/// a lot costs. So it is its notional in dollars, at every price, and `residual` in bitcoin; and no price liquidates it until
/// costs have eaten the residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hedge {
    /// The short.
    pub position: Exposed,
    /// What it was filled at.
    pub fill: Price,
    /// Taker fee, rounded up.
    pub taker_fee: Sats,
    /// Surcharge for growing the imbalance, rounded up.
    pub surcharge: Sats,
    /// Entry value less value at the price itself, rounded up.
    pub spread: Sats,
    /// Tip.
    pub tip: Sats,
}

impl Hedge {
    /// The greatest short in whole dollars whose entry value the bitcoin held can cover after its costs. Whether the pool's
    /// reserve allows it is not judged.
    ///
    /// # Errors
    /// `BelowMinNotional`, `PositionCapExceeded`, `SideCapExceeded`, `Overflow`.
    pub fn of(held: Sats, terms: &HedgeTerms) -> Result<Self> {
        let lot = DOLLAR.get();
        let fill = terms.quote.fill(Direction::Short, true);
        let worth = divide(divide(multiply(held.get(), fill.get()), FINE_MICRO_USD, Rounding::Floor)?, lot, Rounding::Floor)?;
        let cap = narrow(divide(u128::from(terms.params.max_position_notional.get()), lot, Rounding::Floor)?)?;
        // Costs rise with the size, so the sizes that can be paid for are those up to the one that is looked for.
        let (mut paid, mut unpaid) = (0u64, narrow(worth)?.min(cap).checked_add(2).ok_or(Error::Overflow)?);
        while unpaid.abs_diff(paid) > 1 {
            let middle = paid.midpoint(unpaid);
            match Self::sized(held, lots(middle)?, terms)? {
                Some(_) => paid = middle,
                None => unpaid = middle,
            }
        }
        let notional = lots(paid)?;
        ensure(notional >= terms.params.min_notional, Error::BelowMinNotional)?;
        ensure(paid <= cap, Error::PositionCapExceeded)?;
        if let Some(interest) = terms.interest {
            ensure(interest.with_short(notional)?.short <= terms.params.max_side_notional, Error::SideCapExceeded)?;
        }
        Self::sized(held, notional, terms)?.ok_or(Error::BelowMinNotional)
    }

    /// A short of this size; none where what is held cannot cover its entry value after its costs.
    fn sized(held: Sats, notional: Notional, terms: &HedgeTerms) -> Result<Option<Self>> {
        let Quote { price, .. } = terms.quote;
        let fill = terms.quote.fill(Direction::Short, true);
        let entry = entry_value(Direction::Short, notional, fill)?;
        let value = notional.value_at(fill, Rounding::Ceil)?;
        let taker_fee = trade_fee(terms.params, value, SkewChange { before: Notional::ZERO, after: Notional::ZERO }, fill)?;
        let fee = match terms.interest {
            Some(interest) => {
                let skew = SkewChange { before: interest.skew(), after: interest.with_short(notional)?.skew() };
                trade_fee(terms.params, value, skew, fill)?
            }
            None => taker_fee,
        };
        let Ok(margin) = held.minus(fee.plus(terms.tip)?) else {
            return Ok(None);
        };
        if margin < entry {
            return Ok(None);
        }
        let (margin, entry_value) = (margin.signed()?.get(), entry.signed()?.get());
        Ok(Some(Self {
            position: Exposed { direction: Direction::Short, notional, margin, entry_value },
            fill,
            taker_fee,
            surcharge: fee.minus(taker_fee)?,
            spread: entry.minus(notional.value_at(price, Rounding::Floor)?)?,
            tip: terms.tip,
        }))
    }

    /// Satoshi that lots leave unhedged: they gain and lose with the price. Errors: `Overflow`.
    pub fn residual(&self) -> Result<SignedSats> {
        bitcoin_exposure(&self.position)
    }

    /// What opening it cost: fee, surcharge, spread and tip. Errors: `Overflow`.
    pub fn opening_cost(&self) -> Result<Sats> {
        self.taker_fee.plus(self.surcharge)?.plus(self.spread)?.plus(self.tip)
    }

    /// The short after it has paid, or received, this much. Errors: `Overflow`.
    pub fn after(&self, carry: &Carry) -> Result<Exposed> {
        let margin = self.position.margin.checked_sub(carry.cost.get()).ok_or(Error::Overflow)?;
        Ok(Exposed { margin, ..self.position })
    }
}

fn lots(count: u64) -> Result<Notional> {
    count.checked_mul(DOLLAR.get()).map(Notional::new).ok_or(Error::Overflow)
}

/// What holding a position costs; positive is paid, negative is received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    /// In satoshi, rounded up.
    pub cost: SignedSats,
    /// In micro-dollars, rounded up.
    pub cost_micro_usd: i64,
}

impl Carry {
    /// Of a notional over days on which neither rate nor price changes, accrued as a side does it. The rate is one of
    /// `funding::Rates`. In dollars it is `N * rate` at every price. Errors: `Overflow`.
    pub fn over(days: u32, notional: Notional, price: Price, rate: PpbPerDay) -> Result<Self> {
        let shares = Shares::of(notional, Scale::ONE, Rounding::Floor)?;
        let mut side = Side { shares, positions: 1, ..Side::empty() };
        accrue_side(&mut side, rate, SECONDS_A_DAY, price)?;
        let cost = FineSats::new(multiply_signed(side.cost_owed.get(), u64::from(days))?).to_sats(Rounding::Ceil)?;
        let receives = rate.get() < 0;
        let rounding = if receives { Rounding::Floor } else { Rounding::Ceil };
        let share = rate.get().unsigned_abs().checked_mul(u64::from(days)).ok_or(Error::Overflow)?;
        let dollars = notional.times(Ppb::new(share), rounding)?;
        Ok(Self { cost, cost_micro_usd: narrow_signed(negate_or_keep(u128::from(dollars.get()), receives)?)? })
    }
}

/// Where a position can be liquidated among the prices that are accepted: `Never` where it is sound at the worst of them for it,
/// `$1` for a long and `$100 million` for a short. Errors: `Overflow`.
pub fn accepted_threshold(position: &Exposed, ratios: &MarginRatios) -> Result<Threshold> {
    let worst = match position.direction {
        Direction::Long => Price::MIN,
        Direction::Short => Price::MAX,
    };
    if Standing::of(position, worst, ratios)?.health == Health::Sound {
        return Ok(Threshold::Never);
    }
    threshold(position, maintenance_ratio(ratios, position.notional)?)
}
