//! A second ledger, written from the design's tables (sections 2, 3 and 8) and not from the engine: sides, positions and the
//! movements between margin and pool in plain signed integers. It also makes the deleveraged states that tests start from.

use super::exact::{self, Exact};
use inverse_perps_engine::units::{ExitIndex, FineSats, Price, Scale};
use inverse_perps_engine::{Direction, Market, Position, Side as EngineSide};
use num_bigint::BigInt;
use std::collections::BTreeMap;

pub const ONE: i128 = 1_000_000_000_000_000_000;
const MIN_SCALE: i128 = 1_000_000_000_000_000;
const MAX_VALUE: i128 = 2_100_000_000_000_000;
const TRIGGER_BPS: i128 = 8_000;
const TARGET_BPS: i128 = 7_500;
const INSURANCE_CAP_BPS: i128 = 5_000;

pub fn div(n: i128, d: i128, up: bool) -> i128 {
    assert!(d > 0, "divisors are positive");
    if up {
        -(-n).div_euclid(d)
    } else {
        n.div_euclid(d)
    }
}

/// One side; longs have the sign 1 and shorts -1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub sign: i128,
    pub scale: i128,
    pub exit_index: i128,
    pub cost_index: i128,
    pub shares: i128,
    pub basis: i128,
    pub cost_owed: i128,
    pub owed: i128,
    pub positions: u64,
}

impl Side {
    pub fn new(sign: i128) -> Self {
        let zero = 0;
        Self {
            sign,
            scale: ONE,
            exit_index: zero,
            cost_index: zero,
            shares: zero,
            basis: zero,
            cost_owed: zero,
            owed: zero,
            positions: 0,
        }
    }

    pub fn of(side: &EngineSide, direction: Direction) -> Self {
        Self {
            sign: sign_of(direction),
            scale: side.scale.get().into(),
            exit_index: side.exit_index.get().try_into().unwrap(),
            cost_index: side.cost_index.get(),
            shares: side.shares.get().into(),
            basis: side.basis.get(),
            cost_owed: side.cost_owed.get(),
            owed: side.owed.get(),
            positions: side.positions,
        }
    }

    /// Puts what a deleveraging changes into the engine's side.
    pub fn write_deleveraged(&self, side: &mut EngineSide) {
        side.scale = Scale::new(self.scale.try_into().unwrap());
        side.exit_index = ExitIndex::new(self.exit_index.try_into().unwrap());
        side.owed = FineSats::new(self.owed);
    }

    pub fn notional(&self) -> i128 {
        self.shares * self.scale / ONE
    }

    /// Unrealised PnL, rounded up.
    pub fn profit(&self, price: i128) -> i128 {
        let value = div(self.shares * self.scale, 100_000_000 * price, self.sign < 0);
        self.sign * (div(self.basis * self.scale, ONE, self.sign > 0) - value)
    }

    /// What the pool owes the side in satoshi, all told.
    pub fn due(&self, price: i128) -> i128 {
        div(self.owed - self.cost_owed, ONE, true) + self.profit(price)
    }

    fn reserved(&self) -> i128 {
        div(self.owed, ONE, true).max(0)
    }
}

pub fn sign_of(direction: Direction) -> i128 {
    match direction {
        Direction::Long => 1,
        Direction::Short => -1,
    }
}

/// One position's margin and what it has of its side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    pub sign: i128,
    pub margin: i128,
    pub shares: i128,
    pub basis: i128,
    pub scale: i128,
    pub exit_index: i128,
    pub cost_index: i128,
    pub claim: i128,
    pub claim_epoch: u32,
}

impl Holder {
    pub fn of(position: &Position) -> Self {
        Self {
            sign: position.open_direction().map_or(0, sign_of),
            margin: position.margin.get().into(),
            shares: position.shares.get().into(),
            basis: position.basis.get(),
            scale: position.scale.get().into(),
            exit_index: position.exit_index.get().try_into().unwrap(),
            cost_index: position.cost_index.get(),
            claim: position.claim.get().into(),
            claim_epoch: position.claim_epoch,
        }
    }

    fn flatten(&mut self) {
        *self = Self { margin: self.margin, claim: self.claim, claim_epoch: self.claim_epoch, ..Self::default() };
    }

    fn snapshot(&mut self, side: &Side) {
        (self.scale, self.exit_index, self.cost_index) = (side.scale, side.exit_index, side.cost_index);
    }

    /// What deleveraging has done since the snapshot, in 1e-18 satoshi.
    pub fn exited(&self, side: &Side) -> i128 {
        self.sign * (self.basis * (self.scale - side.scale) - self.shares * (side.exit_index - self.exit_index))
    }

    /// What funding and borrow fee have cost since the snapshot, in 1e-18 satoshi.
    pub fn cost(&self, side: &Side) -> i128 {
        self.shares * (side.cost_index - self.cost_index)
    }

    /// Margin, what the indices still owe, and paper profit, exactly: the same before and after settling, but for rounding.
    pub fn equity(&self, side: &Side, price: Price) -> Exact {
        if self.shares == 0 {
            return exact::int(self.margin + self.claim);
        }
        let exposure = BigInt::from(self.shares) * self.scale_now(side);
        let value = exact::ratio(exposure, BigInt::from(price.get()) * 100_000_000);
        let entry = exact::ratio(BigInt::from(self.basis) * side.scale, ONE);
        let due = exact::ratio(self.exited(side) - self.cost(side), ONE);
        exact::int(self.margin) + due + exact::int(self.sign) * (entry - value)
    }

    fn scale_now(&self, side: &Side) -> BigInt {
        BigInt::from(side.scale)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleveraged {
    NotDue,
    Done,
    /// Only settling the whole market would do.
    MustSettle,
}

/// The ledger of a whole market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    pub sides: [Side; 2],
    pub pool: i128,
    pub insurance: i128,
    pub protocol: i128,
    pub margin: i128,
    pub bad_debt: i128,
    pub insurance_left: i128,
    pub funds: i128,
    pub epoch: u32,
    pub settlement_price: Option<i128>,
    pub top_up_most: i128,
    pub claims: i128,
    /// Payable, claims, what is left, what is unredeemed.
    pub settlements: BTreeMap<u32, [i128; 4]>,
    pub shifts: u32,
}

/// A gain that the free pool cannot pay: the close is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct PoolExhausted;

impl Model {
    pub fn new(pool: i128, insurance: i128) -> Self {
        Self {
            sides: [Side::new(1), Side::new(-1)],
            pool,
            insurance,
            insurance_left: insurance * INSURANCE_CAP_BPS / 10_000,
            protocol: 0,
            margin: 0,
            funds: 0,
            bad_debt: 0,
            shifts: 0,
            epoch: 0,
            settlement_price: None,
            top_up_most: 0,
            claims: 0,
            settlements: BTreeMap::new(),
        }
    }

    /// The same sides and pool as a market of the engine.
    pub fn of(market: &Market) -> Self {
        let sides = [Side::of(&market.long, Direction::Long), Side::of(&market.short, Direction::Short)];
        Self { sides, ..Self::new(market.ledger.pool.get().into(), market.ledger.insurance.get().into()) }
    }

    pub fn side(&self, sign: i128) -> &Side {
        &self.sides[usize::from(sign < 0)]
    }

    pub fn side_mut(&mut self, sign: i128) -> &mut Side {
        &mut self.sides[usize::from(sign < 0)]
    }

    /// Funding alone: the heavy side pays, the light side receives the same rate.
    pub fn accrue(&mut self, price: i128, seconds: i128, max_rate_ppb: i128, skew_scale: i128) {
        let skew = self.sides[0].notional() - self.sides[1].notional();
        let rate = max_rate_ppb * skew.abs().min(skew_scale) / skew_scale;
        for side in self.sides.iter_mut().filter(|side| side.shares > 0) {
            let pays = (skew > 0) == (side.sign > 0);
            let step = div(side.scale * rate * seconds * 10, 86_400 * price, pays);
            let step = if pays { step } else { -step };
            side.cost_index += step;
            side.cost_owed += side.shares * step;
        }
    }

    pub fn free_pool(&self) -> i128 {
        (self.pool - self.sides.iter().map(Side::reserved).sum::<i128>()).max(0)
    }

    /// Both winning sides shrink at the price by one factor, if their profit is due to be cut.
    pub fn deleverage(&mut self, price: i128) -> Deleveraged {
        let profits = [0, 1].map(|i| if self.sides[i].shares > 0 { self.sides[i].profit(price).max(0) } else { 0 });
        let (total, free) = (profits[0] + profits[1], self.free_pool());
        let worth = self.sides.iter().map(|side| div(side.shares * side.scale, 100_000_000 * price, true)).max().unwrap();
        if worth <= MAX_VALUE && (total == 0 || total * 10_000 <= TRIGGER_BPS * free) {
            return Deleveraged::NotDue;
        }
        let shrunk = |scale: i128| scale * TARGET_BPS * (free - total) / (total * (10_000 - TARGET_BPS));
        let winners = || (0..2).filter(|i| profits[*i] > 0);
        if worth > MAX_VALUE || total >= free || winners().any(|i| shrunk(self.sides[i].scale) < MIN_SCALE) {
            self.settlement_price = Some(price);
            self.top_up_most = self.insurance * INSURANCE_CAP_BPS / 10_000;
            return Deleveraged::MustSettle;
        }
        for i in winners() {
            let side = &mut self.sides[i];
            let fall = side.scale - shrunk(side.scale);
            let exit_step = div(fall * 10_000_000_000, price, side.sign > 0);
            side.owed += side.sign * (side.basis * fall - side.shares * exit_step);
            side.exit_index += exit_step;
            side.scale -= fall;
        }
        Deleveraged::Done
    }

    pub fn deposit(&mut self, holder: &mut Holder, amount: i128) {
        holder.margin += amount;
        self.margin += amount;
    }

    fn pay(&mut self, holder: &mut Holder, gain: i128) {
        self.deposit(holder, gain);
        self.pool -= gain;
    }

    /// Books the result of a position that stays open; what margin or the free pool cannot pay moves its basis.
    pub fn book(&mut self, holder: &mut Holder, amount: i128) {
        let paid = match amount {
            ..0 => -holder.margin.min(-amount),
            _ if self.settlement_price.is_some() => 0,
            _ => self.free_pool().min(amount),
        };
        self.pay(holder, paid);
        if amount != paid {
            let step = holder.sign * ((amount - paid) * ONE).div_euclid(self.side(holder.sign).scale);
            holder.basis += step;
            self.side_mut(holder.sign).basis += step;
            self.shifts += 1;
        }
    }

    /// A new day's allowance of insurance.
    pub fn begin_day(&mut self) {
        self.insurance_left = self.insurance * INSURANCE_CAP_BPS / 10_000;
    }

    /// What insurance pays of what is asked: within its fund and the day's allowance.
    pub fn take_insurance(&mut self, wanted: i128) -> i128 {
        let taken = wanted.min(self.insurance).min(self.insurance_left);
        self.insurance -= taken;
        self.insurance_left -= taken;
        taken
    }

    /// In a settlement of the market: settles a position and closes it at the kept price, for a claim or a loss.
    pub fn close_for_claim(&mut self, holder: &mut Holder) {
        if holder.shares == 0 {
            return;
        }
        self.settle(holder);
        let price = self.settlement_price.expect("the market settles");
        let sign = holder.sign;
        let side = self.side_mut(sign);
        let value = div(holder.shares * side.scale, 100_000_000 * price, sign > 0);
        let pnl = (sign * (holder.basis * side.scale - value * ONE)).div_euclid(ONE);
        side.shares -= holder.shares;
        side.basis -= holder.basis;
        self.leave_side(sign);
        holder.flatten();
        if pnl > 0 {
            holder.claim = pnl;
            holder.claim_epoch = self.epoch;
            self.claims += pnl;
            return;
        }
        let taken = holder.margin.min(-pnl);
        self.pay(holder, -taken);
        self.bad_debt += -pnl - taken;
    }

    /// Both sides are empty: the pool, then insurance up to its cap, pay the claims; if short, all in the same proportion.
    /// Returns whether they went short.
    pub fn finish(&mut self) -> bool {
        let top_up = self.insurance.min((self.claims - self.pool).max(0)).min(self.top_up_most);
        self.insurance -= top_up;
        self.pool += top_up;
        let payable = self.pool.min(self.claims);
        self.pool -= payable;
        self.funds += payable;
        self.settlements.insert(self.epoch, [payable, self.claims, payable, self.claims]);
        let short = payable < self.claims;
        (self.epoch, self.settlement_price, self.claims, self.top_up_most) = (self.epoch + 1, None, 0, 0);
        short
    }

    /// A claim gets its share; what the last one leaves is the pool's.
    pub fn redeem(&mut self, holder: &mut Holder) {
        let [payable, claims, mut left, mut unredeemed] = self.settlements[&holder.claim_epoch];
        let paid = holder.claim * payable / claims;
        left -= paid;
        unredeemed -= holder.claim;
        holder.claim = 0;
        self.deposit(holder, paid);
        self.funds -= paid;
        if unredeemed == 0 {
            self.funds -= left;
            self.pool += left;
            left = 0;
        }
        self.settlements.insert(holder.claim_epoch, [payable, claims, left, unredeemed]);
    }

    /// A position has left a side; the last one leaves it as new.
    fn leave_side(&mut self, sign: i128) {
        let side = self.side_mut(sign);
        side.positions -= 1;
        if side.positions == 0 {
            let Side { scale, exit_index, cost_index, .. } = *side;
            assert_eq!(*side, Side { scale, exit_index, cost_index, ..Side::new(sign) });
            *side = Side::new(sign);
        }
    }

    pub fn settle(&mut self, holder: &mut Holder) {
        if holder.shares == 0 {
            return;
        }
        let side = self.side_mut(holder.sign);
        let (realised, cost) = (holder.exited(side), holder.cost(side));
        side.owed -= realised;
        side.cost_owed -= cost;
        holder.snapshot(side);
        self.book(holder, (realised - cost).div_euclid(ONE));
    }

    /// Takes a fee as it was split.
    pub fn charge(&mut self, holder: &mut Holder, [pool, insurance, protocol]: [i128; 3]) {
        let fee = pool + insurance + protocol;
        holder.margin -= fee;
        self.margin -= fee;
        self.pool += pool;
        self.insurance += insurance;
        self.protocol += protocol;
    }

    /// Increases a settled position at the price.
    pub fn increase(&mut self, holder: &mut Holder, sign: i128, notional: i128, price: i128) {
        let side = self.side_mut(sign);
        let shares = notional * ONE / side.scale;
        let value = div(shares * side.scale, 100_000_000 * price, sign < 0);
        let basis = div(value * ONE, side.scale, sign < 0);
        if holder.shares == 0 {
            side.positions += 1;
            holder.sign = sign;
            holder.snapshot(side);
        }
        holder.shares += shares;
        holder.basis += basis;
        side.shares += shares;
        side.basis += basis;
    }

    /// Decreases a settled position at the price; all of it where `shares` is none.
    pub fn decrease(&mut self, holder: &mut Holder, shares: Option<i128>, price: i128) -> Result<(), PoolExhausted> {
        let (free, sign) = (self.free_pool(), holder.sign);
        let side = self.side_mut(sign);
        let (shares, basis) = match shares {
            Some(part) => (part, div(holder.basis * part, holder.shares, sign < 0)),
            None => (holder.shares, holder.basis),
        };
        let value = div(shares * side.scale, 100_000_000 * price, sign > 0);
        let pnl = (sign * (basis * side.scale - value * ONE)).div_euclid(ONE);
        let whole = shares == holder.shares;
        if whole && pnl > free {
            return Err(PoolExhausted);
        }
        holder.shares -= shares;
        holder.basis -= basis;
        side.shares -= shares;
        side.basis -= basis;
        if !whole {
            self.book(holder, pnl);
            return Ok(());
        }
        self.leave_side(sign);
        let paid = if pnl < 0 { -holder.margin.min(-pnl) } else { pnl };
        self.pay(holder, paid);
        let covered = self.take_insurance(paid - pnl);
        self.pool += covered;
        self.bad_debt += paid - pnl - covered;
        holder.flatten();
        Ok(())
    }
}
