//! A market's mathematical state, and how satoshi move in it.

use crate::errors::{Error, Result};
use crate::layout::stored;
use crate::ledger::{take_up_to, transfer, Ledger};
use crate::math::Rounding;
use crate::oracle::{PriceState, Quote};
use crate::params::Params;
use crate::position::Position;
use crate::side::{Direction, Side, SideFigures};
use crate::units::{Basis, Notional, Price, Sats, Shares, SignedSats, UnixTime};

stored! {
    /// Everything that decides who owns what.
    pub struct Market {
        /// Parameters.
        pub params: Params,
        /// The price accepted last and the recent range.
        pub prices: PriceState,
        /// The long side.
        pub long: Side,
        /// The short side.
        pub short: Side,
        /// Who owns the vault.
        pub ledger: Ledger,
        /// When funding and borrow fee were last accrued.
        pub last_accrual: UnixTime,
        /// Shares of the pool that exist.
        pub pool_shares: u64,
        /// Losses so far that neither margin nor insurance could pay: the pool went without.
        pub bad_debt: Sats,
    }
}

/// The market at a price, valued once and handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The price and what it may be traded at.
    pub quote: Quote,
    /// The long side.
    pub long: SideFigures,
    /// The short side.
    pub short: SideFigures,
}

impl Marks {
    /// `|N_long - N_short|`.
    pub fn skew(&self) -> Notional {
        Notional::new(self.long.notional.get().abs_diff(self.short.notional.get()))
    }

    pub(crate) fn set_side(&mut self, figures: SideFigures) {
        match figures.direction {
            Direction::Long => self.long = figures,
            Direction::Short => self.short = figures,
        }
    }
}

impl Market {
    /// A market without positions or money. Accrual starts now.
    pub fn new(params: Params, now: UnixTime) -> Self {
        Self { params, long: Side::empty(), short: Side::empty(), last_accrual: now, ..Self::default() }
    }

    /// One side.
    #[inline(always)]
    pub fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Long => &self.long,
            Direction::Short => &self.short,
        }
    }

    #[inline(always)]
    pub(crate) fn side_mut(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Long => &mut self.long,
            Direction::Short => &mut self.short,
        }
    }

    /// The pool less what deleveraging has reserved in it, at least nothing. Errors: `Overflow`.
    pub fn free_pool(&self) -> Result<Sats> {
        let reserved = self.long.reserved()?.plus(self.short.reserved()?)?;
        Ok(self.ledger.pool.less_or_zero(reserved))
    }

    /// What the pool is worth at a price: `pool - sum of max(due, -M)`, where `due = owed + uPnL - K` is what the pool owes a
    /// side, rounded up, and a side can owe no more than its margin. Errors: `Overflow`.
    pub fn pool_equity(&self, marks: &Marks, price: Price) -> Result<SignedSats> {
        let long = due_or_margin(&self.long, &marks.long, price)?;
        let short = due_or_margin(&self.short, &marks.short, price)?;
        self.ledger.pool.signed()?.minus(long)?.minus(short)
    }

    /// The valued market at a stored price, without changing anything. Errors: those of `PriceState::quote`, `Overflow`.
    pub fn marks(&self, quote: Quote) -> Result<Marks> {
        Ok(Marks { quote, long: self.long.figures(Direction::Long)?, short: self.short.figures(Direction::Short)? })
    }

    /// Adds to a position's margin and to every sum over margins; the caller has taken it from somewhere.
    pub(crate) fn credit_margin(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        position.margin = position.margin.plus(amount)?;
        self.ledger.margin = self.ledger.margin.plus(amount)?;
        if let Some(direction) = position.open_direction() {
            let side = self.side_mut(direction);
            side.margin = side.margin.plus(amount)?;
        }
        Ok(())
    }

    /// Takes from a position's margin and from every sum over margins; the caller gives it to somewhere.
    pub(crate) fn debit_margin(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        position.margin = position.margin.minus(amount)?;
        self.ledger.margin = self.ledger.margin.minus(amount)?;
        if let Some(direction) = position.open_direction() {
            let side = self.side_mut(direction);
            side.margin = side.margin.minus(amount)?;
        }
        Ok(())
    }

    /// Pays the pool up to `amount` out of a position's margin, at most `available` of it, and says how much that was.
    pub(crate) fn pay_pool(&mut self, position: &mut Position, amount: Sats, available: Sats) -> Result<Sats> {
        let paid = amount.min(available);
        self.debit_margin(position, paid)?;
        self.ledger.pool = self.ledger.pool.plus(paid)?;
        Ok(paid)
    }

    /// Pays a gain out of the pool into a position's margin.
    pub(crate) fn pay_gain(&mut self, position: &mut Position, amount: Sats) -> Result<()> {
        self.ledger.pool = self.ledger.pool.minus(amount)?;
        self.credit_margin(position, amount)
    }

    /// Books the realised result of a position that stays open (section 3): a gain comes from the free pool, a loss from the
    /// margin, first without the tips of its orders, then with them. What neither can pay moves the basis instead, rounded
    /// against the position, so that its equity is the same before and after. Returns what was moved that way.
    pub(crate) fn book(&mut self, position: &mut Position, direction: Direction, result: SignedSats) -> Result<SignedSats> {
        let (gain, loss) = result.gain_and_loss();
        let rest = if loss.is_zero() {
            let paid = gain.min(self.free_pool()?);
            self.pay_gain(position, paid)?;
            gain.minus(paid)?.signed()?
        } else {
            let free = position.free_margin()?;
            let mut left = loss.minus(self.pay_pool(position, loss, free)?)?;
            if !left.is_zero() {
                position.void_orders();
                let margin = position.margin;
                left = left.minus(self.pay_pool(position, left, margin)?)?;
            }
            SignedSats::ZERO.minus(left.signed()?)?
        };
        if !rest.is_zero() {
            self.shift_basis(position, direction, rest)?;
        }
        Ok(rest)
    }

    /// Moves entry value in the position's favour by `amount`, against it if negative.
    fn shift_basis(&mut self, position: &mut Position, direction: Direction, amount: SignedSats) -> Result<()> {
        let side = self.side_mut(direction);
        let step = Basis::step(i128::from(amount.get()), side.scale, Rounding::Floor)?;
        match direction {
            Direction::Long => {
                position.basis = position.basis.plus(step)?;
                side.basis = side.basis.plus(step)?;
            }
            Direction::Short => {
                position.basis = position.basis.minus(step)?;
                side.basis = side.basis.minus(step)?;
            }
        }
        Ok(())
    }

    /// Takes shares and basis out of a position and its side. When none are left the position is flat, its margin is no longer
    /// the side's, and the last one out restarts the side.
    pub(crate) fn release(
        &mut self,
        position: &mut Position,
        direction: Direction,
        shares: Shares,
        basis: Basis,
    ) -> Result<()> {
        position.shares = position.shares.minus(shares)?;
        position.basis = position.basis.minus(basis)?;
        let side = self.side_mut(direction);
        side.shares = side.shares.minus(shares)?;
        side.basis = side.basis.minus(basis)?;
        if position.shares.is_zero() {
            side.margin = side.margin.minus(position.margin)?;
            side.positions = side.positions.checked_sub(1).ok_or(Error::Overflow)?;
            if side.positions == 0 {
                side.restart()?;
            }
            position.flatten();
        }
        Ok(())
    }

    /// Pays the pool what a bankrupt position could not, out of insurance as far as it reaches; the rest is bad debt.
    pub(crate) fn cover_shortfall(&mut self, shortfall: Sats) -> Result<Shortfall> {
        let covered = take_up_to(&mut self.ledger.insurance, shortfall)?;
        self.ledger.pool = self.ledger.pool.plus(covered)?;
        let uncovered = shortfall.minus(covered)?;
        self.bad_debt = self.bad_debt.plus(uncovered)?;
        Ok(Shortfall { covered, uncovered })
    }

    /// Donation to the insurance fund, of satoshi that have arrived in the vault. Errors: `Overflow`.
    pub fn fund_insurance(&mut self, amount: Sats) -> Result<()> {
        self.ledger.insurance = self.ledger.insurance.plus(amount)?;
        Ok(())
    }

    /// Takes from insurance up to `wanted`, then from the free pool, and says how much that was.
    pub(crate) fn take_reward(&mut self, wanted: Sats) -> Result<Sats> {
        let from_insurance = take_up_to(&mut self.ledger.insurance, wanted)?;
        let from_pool = wanted.minus(from_insurance)?.min(self.free_pool()?);
        let mut reward = from_insurance;
        transfer(&mut self.ledger.pool, &mut reward, from_pool)?;
        Ok(reward)
    }
}

/// What a bankrupt position left unpaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shortfall {
    /// Paid to the pool by insurance.
    pub covered: Sats,
    /// Paid by nobody.
    pub uncovered: Sats,
}

/// What the pool owes a side at a price, all told, or at the least that the side's margin can pay.
fn due_or_margin(side: &Side, figures: &SideFigures, price: Price) -> Result<SignedSats> {
    if side.positions == 0 {
        return Ok(SignedSats::ZERO);
    }
    let written = side.owed.minus(side.cost_owed)?.to_sats(Rounding::Ceil)?;
    let due = written.plus(SignedSats::new(figures.profit_at(price)?))?;
    Ok(due.max(SignedSats::ZERO.minus(side.margin.signed()?)?))
}
