//! The whole protocol once more, as naively as it can be written: every position is a plain record and every event walks over
//! all of them. There are no indices, nothing is imported from the engine, and the formulas are the design's. Where that leaves
//! a choice, the model makes the engine's: the surcharge's cap is on its margin, a donation to insurance adds to the day's
//! allowance, a settle tip is never above insurance's and protocol's part of the fee.
//!
//! What deleveraging and accrual owe a position waits in two plain sums of its record until it is touched, because the design
//! books it only then: pool and margin split as the protocol splits them.
//!
//! An amount is kept three times: exactly, as if nothing were ever rounded, and as the least and the most that it can be when
//! every rounding of the design takes up to a unit in its direction. It starts as one point, each rounding widens it on one
//! side, and whatever depends on it inherits the width through the formula. The engine's integers must lie inside.

use num_bigint::{BigInt, Sign};
use std::ops::{Add, Mul, Neg, Sub};

/// All three count 2^-96, and what that leaves out is rounded outward: rationals would double their digits with every
/// deleveraging.
const FINE: u32 = 96;
/// What leaving that out may come to in the exact amount, with all that depends on it.
const FAINT: u32 = 20;

const SATS_A_MICRODOLLAR: u64 = 10_000_000_000; // times 1e-8 dollars a bitcoin, over the price
const DAY: i64 = 86_400;
const PPB: u64 = 1_000_000_000;
const BPS: u64 = 10_000;
const INDEX_UNITS: u64 = 1_000_000_000_000_000_000;
const LEAST_LEFT: u64 = 1_000;
const VIRTUAL: u64 = 1_000;

/// What is known of an amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    low: BigInt,
    exact: BigInt,
    high: BigInt,
}

/// Whether a rule holds, as far as the roundings let one say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Broken,
    /// It depends on what the roundings took.
    Open,
}

impl Verdict {
    /// Whether a decision agrees with it.
    pub fn allows(self, held: bool) -> bool {
        self == Self::Open || held == (self == Self::Holds)
    }

    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Broken, _) | (_, Self::Broken) => Self::Broken,
            (Self::Holds, Self::Holds) => Self::Holds,
            _ => Self::Open,
        }
    }

    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    pub fn not(self) -> Self {
        match self {
            Self::Holds => Self::Broken,
            Self::Broken => Self::Holds,
            Self::Open => Self::Open,
        }
    }
}

fn floor_div(n: &BigInt, d: &BigInt) -> BigInt {
    let whole = n / d;
    if (n % d).sign() == Sign::Minus {
        whole - 1
    } else {
        whole
    }
}

fn ceil_div(n: &BigInt, d: &BigInt) -> BigInt {
    -floor_div(&-n, d)
}

fn whole_up(n: BigInt) -> BigInt {
    -(-n >> FINE)
}

impl Amount {
    pub fn of(n: impl Into<BigInt>) -> Self {
        let fine = n.into() << FINE;
        Self { low: fine.clone(), exact: fine.clone(), high: fine }
    }

    pub fn zero() -> Self {
        Self::default()
    }

    pub fn ratio(n: impl Into<BigInt>, d: impl Into<BigInt>) -> Self {
        Self::of(n).per(d)
    }

    pub fn is_zero(&self) -> bool {
        self.low.sign() == Sign::NoSign && self.high.sign() == Sign::NoSign
    }

    /// An exact multiple.
    pub fn times(&self, n: impl Into<BigInt>) -> Self {
        let n = n.into();
        Self::spanning([&self.low * &n, &self.high * &n], &self.exact * &n)
    }

    /// A part by a positive divisor.
    pub fn per(&self, d: impl Into<BigInt>) -> Self {
        let d = d.into();
        Self { low: floor_div(&self.low, &d), exact: floor_div(&self.exact, &d), high: ceil_div(&self.high, &d) }
    }

    pub fn bps(&self, ratio: u64) -> Self {
        self.times(ratio).per(BPS)
    }

    /// Quotient by a positive amount.
    pub fn over(&self, d: &Self) -> Self {
        assert!(d.low.sign() == Sign::Plus, "{self:?} over {d:?}");
        let least = if self.low.sign() == Sign::Minus { &d.low } else { &d.high };
        let most = if self.high.sign() == Sign::Minus { &d.high } else { &d.low };
        Self {
            low: floor_div(&(&self.low << FINE), least),
            exact: floor_div(&(&self.exact << FINE), &d.exact),
            high: ceil_div(&(&self.high << FINE), most),
        }
    }

    fn spanning<const N: usize>(ends: [BigInt; N], exact: BigInt) -> Self {
        Self { low: ends.iter().min().unwrap().clone(), exact, high: ends.iter().max().unwrap().clone() }
    }

    fn each(&self, other: &Self, pick: impl Fn(BigInt, BigInt) -> BigInt) -> Self {
        let pick = |a: &BigInt, b: &BigInt| pick(a.clone(), b.clone());
        Self { low: pick(&self.low, &other.low), exact: pick(&self.exact, &other.exact), high: pick(&self.high, &other.high) }
    }

    pub fn min(&self, other: &Self) -> Self {
        self.each(other, Ord::min)
    }

    pub fn max(&self, other: &Self) -> Self {
        self.each(other, Ord::max)
    }

    /// Itself, or nothing where it is negative.
    pub fn positive(&self) -> Self {
        self.max(&Self::zero())
    }

    /// Rounded down, in one step, to whole units.
    pub fn down(&self) -> Self {
        self.down_by(1)
    }

    /// Rounded down in several steps.
    pub fn down_by(&self, roundings: u32) -> Self {
        Self { low: ((&self.low >> FINE) - (roundings - 1)) << FINE, ..self.clone() }
    }

    /// Rounded up, in one step, to whole units.
    pub fn up(&self) -> Self {
        self.up_by(1)
    }

    /// Rounded up in several steps.
    pub fn up_by(&self, roundings: u32) -> Self {
        -((-self).down_by(roundings))
    }

    /// Counted in whole units toward zero, without which the design's formula does not begin.
    pub fn counted(&self) -> Self {
        let toward_zero = |n: &BigInt| (if n.sign() == Sign::Minus { -(-n >> FINE) } else { n >> FINE }) << FINE;
        Self { low: toward_zero(&self.low), exact: toward_zero(&self.exact), high: toward_zero(&self.high) }
    }

    /// The same, upward.
    pub fn counted_up(&self) -> Self {
        let up = |n: &BigInt| whole_up(n.clone()) << FINE;
        Self { low: up(&self.low), exact: up(&self.exact), high: up(&self.high) }
    }

    /// At most this much less.
    pub fn less_up_to(&self, most: &Self) -> Self {
        Self { low: &self.low - &most.high, ..self.clone() }
    }

    /// At most this much more.
    pub fn more_up_to(&self, most: &Self) -> Self {
        Self { high: &self.high + &most.high, ..self.clone() }
    }

    pub fn below(&self, other: &Self) -> Verdict {
        if self.high < other.low {
            Verdict::Holds
        } else if self.low >= other.high {
            Verdict::Broken
        } else {
            Verdict::Open
        }
    }

    pub fn at_most(&self, other: &Self) -> Verdict {
        other.below(self).not()
    }

    /// Whether `n / d` is within the bounds, for a positive divisor.
    pub fn holds(&self, n: impl Into<BigInt>, d: impl Into<BigInt>) -> bool {
        let (fine, d) = (n.into() << FINE, d.into());
        &self.low * &d <= fine && fine <= &self.high * &d
    }

    /// Whether `n / d` is no more than the exact amount, for a positive divisor.
    pub fn is_exactly_at_least(&self, n: impl Into<BigInt>, d: impl Into<BigInt>) -> bool {
        let most = &self.exact + (BigInt::from(1) << (FINE - FAINT));
        (n.into() << FINE) <= most * d.into()
    }

    /// What the roundings leave open, in whole units, rounded up.
    pub fn width(&self) -> BigInt {
        whole_up(&self.high - &self.low)
    }

    /// Whether the bounds are no further apart than this part of it.
    pub fn is_known_to(&self, part: u32) -> bool {
        (&self.high - &self.low) * part <= self.low
    }

    /// The bounds in whole units, rounded outward: for messages.
    pub fn ends(&self) -> (BigInt, BigInt) {
        (&self.low >> FINE, whole_up(self.high.clone()))
    }
}

impl Add for &Amount {
    type Output = Amount;
    fn add(self, other: &Amount) -> Amount {
        Amount { low: &self.low + &other.low, exact: &self.exact + &other.exact, high: &self.high + &other.high }
    }
}

impl Sub for &Amount {
    type Output = Amount;
    fn sub(self, other: &Amount) -> Amount {
        Amount { low: &self.low - &other.high, exact: &self.exact - &other.exact, high: &self.high - &other.low }
    }
}

impl Mul for &Amount {
    type Output = Amount;
    fn mul(self, other: &Amount) -> Amount {
        let ends = [&self.low * &other.low, &self.low * &other.high, &self.high * &other.low, &self.high * &other.high];
        let fine = Amount::spanning(ends, &self.exact * &other.exact);
        Amount { low: fine.low >> FINE, exact: fine.exact >> FINE, high: whole_up(fine.high) }
    }
}

impl Neg for &Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount { low: -&self.high, exact: -&self.exact, high: -&self.low }
    }
}

macro_rules! by_value {
    ($($operation:ident $method:ident),*) => {$(
        impl $operation for Amount {
            type Output = Amount;
            fn $method(self, other: Amount) -> Amount {
                (&self).$method(&other)
            }
        }
        impl $operation<&Amount> for Amount {
            type Output = Amount;
            fn $method(self, other: &Amount) -> Amount {
                (&self).$method(other)
            }
        }
        impl $operation<Amount> for &Amount {
            type Output = Amount;
            fn $method(self, other: Amount) -> Amount {
                self.$method(&other)
            }
        }
    )*};
}
by_value!(Add add, Sub sub, Mul mul);

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        -&self
    }
}

fn sum<'a>(amounts: impl Iterator<Item = &'a Amount>) -> Amount {
    amounts.fold(Amount::zero(), |sum, one| sum + one)
}

/// The parameters that the model needs, as plain numbers.
#[derive(Clone, Debug)]
pub struct Rules {
    pub initial_bps: u64,
    pub initial_slope_bps: u64,
    pub maintenance_bps: u64,
    pub maintenance_slope_bps: u64,
    pub taker_bps: u64,
    pub to_insurance_bps: u64,
    pub to_protocol_bps: u64,
    pub liquidation_bps: u64,
    pub min_reward_bps: u64,
    pub stress_bps: u64,
    pub max_utilisation_bps: u64,
    pub target_bps: u64,
    pub trigger_bps: u64,
    pub insurance_cap_bps: u64,
    pub max_funding_ppb: u64,
    pub max_borrow_ppb: u64,
    pub max_gap_seconds: i64,
    pub skew_scale: u64,
    pub impact_scale: u64,
    pub impact_max_bps: u64,
    pub min_notional: u64,
    pub settle_tip: u64,
    pub min_first_deposit: u64,
}

/// What an action requires; the engine has an error for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The margin pays the fee.
    FeePayable,
    /// What is left is initial margin.
    InitialMargin,
    /// The pool's requirement is backed.
    Reserve,
    /// A gain is within the free pool.
    FreePool,
    /// The pool's equity is positive.
    PoolSolvent,
}

/// The rules in the order in which they are judged.
pub type Judged = Vec<(Rule, Verdict)>;

/// One trader. Notional is in micro-dollars, all else in satoshi.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// 1 long, -1 short, 0 flat.
    pub sign: i8,
    pub margin: Amount,
    pub notional: Amount,
    /// What a micro-dollar of the notional came in for: the inverse of the harmonic average entry price. Deleveraging and
    /// partial closes leave it as it is, so that the entry value is as certain as the notional.
    pub entry: Amount,
    /// Won by deleveraging, not booked yet.
    pub pending_profit: Amount,
    /// Funding and borrow fee, not booked yet.
    pub pending_cost: Amount,
    /// Profit of a settlement, and which one.
    pub claim: Option<(Amount, usize)>,
}

impl Record {
    pub fn entry_value(&self) -> Amount {
        &self.notional * &self.entry
    }

    /// Profit on paper of some of its notional.
    fn pnl_of(&self, notional: &Amount, price: u64) -> Amount {
        let gain = &self.entry - Amount::ratio(SATS_A_MICRODOLLAR, price);
        notional * &gain.times(self.sign)
    }

    pub fn pnl(&self, price: u64) -> Amount {
        self.pnl_of(&self.notional, price)
    }

    /// Moves entry value in the position's favour.
    fn favour(&mut self, moved: &Amount) {
        self.entry = &self.entry + moved.over(&self.notional).times(self.sign);
    }

    fn flatten(&mut self) {
        let (margin, claim) = (std::mem::take(&mut self.margin), self.claim.take());
        *self = Self { margin, claim, ..Self::default() };
    }
}

/// What a finished settlement owes.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub payable: Amount,
    pub claims: Amount,
    pub left: Amount,
    pub unredeemed: u32,
}

/// A settlement that is going on.
#[derive(Clone, Debug)]
pub struct Settling {
    pub price: u64,
    pub top_up_most: Amount,
}

/// How near profit on paper is to the pool.
pub struct Strain {
    /// Each side's profit, longs first, nothing where it loses.
    pub profit: [Amount; 2],
    pub free: Amount,
    /// Deleverage or settle.
    pub due: Verdict,
    /// Only settling will do.
    pub must_settle: Verdict,
}

/// A liquidation, worked out but not yet done.
pub struct Liquidation {
    /// Whether equity is below maintenance.
    pub unhealthy: Verdict,
    /// Whether it takes the whole position.
    pub whole: Verdict,
    /// Whether the free pool can pay the gain that the whole may be.
    pub payable: Verdict,
    size: Amount,
}

/// A position closed in a settlement.
pub struct ClosedOut {
    /// Whether it has a claim.
    pub profitable: Verdict,
    /// What insurance pays whoever did it, if it can.
    pub tip_most: Amount,
}

/// The market and everybody in it.
#[derive(Clone, Debug)]
pub struct Model {
    pub rules: Rules,
    pub records: Vec<Record>,
    pub pool: Amount,
    pub insurance: Amount,
    pub protocol: Amount,
    pub bad_debt: Amount,
    pub supply: Amount,
    pub queued: u64,
    /// What deleveraging has left of a dollar opened when a side was last empty, longs first. Only a rule of the design (a side
    /// that would be left with a thousandth is settled) and the size of a rounding depend on it.
    pub left: [Amount; 2],
    pub last_accrual: i64,
    insurance_day: i64,
    pub insurance_left: Amount,
    pub settling: Option<Settling>,
    pub closed: bool,
    pub settlements: Vec<Settlement>,
}

fn index(sign: i8) -> usize {
    usize::from(sign < 0)
}

fn value(notional: &Amount, price: u64) -> Amount {
    notional.times(SATS_A_MICRODOLLAR).per(price)
}

impl Model {
    /// An empty market whose first depositor owns the pool.
    pub fn new(rules: Rules, positions: usize, pool: u64, now: i64) -> Self {
        Self {
            rules,
            records: vec![Record::default(); positions],
            pool: Amount::of(pool),
            insurance: Amount::zero(),
            protocol: Amount::zero(),
            bad_debt: Amount::zero(),
            supply: Amount::of(pool),
            queued: 0,
            left: [Amount::of(1), Amount::of(1)],
            last_accrual: now,
            insurance_day: now / DAY,
            insurance_left: Amount::zero(),
            settling: None,
            closed: false,
            settlements: Vec::new(),
        }
    }

    // What there is.

    pub fn side(&self, sign: i8) -> impl Iterator<Item = &Record> + '_ {
        self.records.iter().filter(move |record| record.sign == sign)
    }

    pub fn margins(&self) -> Amount {
        sum(self.records.iter().map(|record| &record.margin))
    }

    pub fn funds(&self) -> Amount {
        sum(self.settlements.iter().map(|settlement| &settlement.left))
    }

    /// Claims of the settlement that is going on.
    pub fn claims(&self) -> Amount {
        let epoch = self.settlements.len();
        let own = self.records.iter().filter_map(|record| record.claim.as_ref());
        sum(own.filter(|claim| claim.1 == epoch).map(|claim| &claim.0))
    }

    /// Profit deleveraged but not booked yet.
    pub fn owed(&self, sign: i8) -> Amount {
        sum(self.side(sign).map(|record| &record.pending_profit))
    }

    pub fn cost_owed(&self, sign: i8) -> Amount {
        sum(self.side(sign).map(|record| &record.pending_cost))
    }

    pub fn free_pool(&self) -> Amount {
        let reserved = [1, -1].map(|sign| self.owed(sign).up().positive());
        (&self.pool - sum(reserved.iter())).positive()
    }

    /// Whether deleveraging has shrunk the side: from then on its notionals and entry values are no longer whole numbers.
    fn is_shrunk(&self, sign: i8) -> bool {
        self.left[index(sign)] != Amount::of(1)
    }

    /// How often profit on paper is rounded: for the value, and for an entry value that is no whole number.
    fn roundings(&self, sign: i8) -> u32 {
        1 + u32::from(self.is_shrunk(sign))
    }

    pub fn notional(&self, sign: i8) -> Amount {
        sum(self.side(sign).map(|record| &record.notional)).down()
    }

    /// What all traders own at a price: margin, what waits to be booked, and profit on paper.
    pub fn owned(&self, price: u64) -> Amount {
        let waiting = |record: &Record| &record.pending_profit - &record.pending_cost;
        let own = self.records.iter().map(|record| &record.margin + waiting(record) + record.pnl(price));
        own.fold(Amount::zero(), Add::add)
    }

    fn skew(&self) -> Amount {
        self.notional(1) - self.notional(-1)
    }

    /// A side's profit on paper, rounded up.
    fn side_profit(&self, sign: i8, price: u64) -> Amount {
        let exact = self.side(sign).map(|record| record.pnl(price)).fold(Amount::zero(), Add::add);
        exact.up_by(self.roundings(sign))
    }

    /// A position's profit on paper, rounded down.
    fn own_pnl(&self, i: usize, price: u64) -> Amount {
        let record = &self.records[i];
        record.pnl(price).down_by(self.roundings(record.sign))
    }

    /// What a side shares change by on an order of this size: shares are whole, so of a shrunk side a micro-dollar may be
    /// missing.
    fn sized(&self, sign: i8, notional: u64) -> Amount {
        let exact = Amount::of(notional);
        if self.is_shrunk(sign) {
            exact.less_up_to(&Amount::of(1))
        } else {
            exact
        }
    }

    // Margins, reserve, fees.

    fn ratio(&self, bps: u64, slope_bps: u64, notional: &Amount) -> Amount {
        Amount::of(bps * (PPB / BPS)) + notional.times(slope_bps).per(10_000_000)
    }

    fn initial_ratio(&self, notional: &Amount) -> Amount {
        self.ratio(self.rules.initial_bps, self.rules.initial_slope_bps, notional).up()
    }

    fn initial_margin(&self, notional: &Amount, price: u64) -> Amount {
        let ratio = self.initial_ratio(&notional.up());
        (value(notional, price).up() * ratio).per(PPB).up()
    }

    fn maintenance_margin(&self, notional: &Amount, price: u64) -> Amount {
        let ratio = self.ratio(self.rules.maintenance_bps, self.rules.maintenance_slope_bps, &notional.down()).down();
        (value(notional, price).down() * ratio).per(PPB).down()
    }

    fn has_initial_margin(&self, i: usize, price: u64) -> Verdict {
        let record = &self.records[i];
        let on_paper = self.own_pnl(i, price).min(&Amount::zero());
        self.initial_margin(&record.notional, price).at_most(&(&record.margin + on_paper))
    }

    /// `max(B_L, max(0, B_L - N_L/q) + max(0, N_S/q - B_S'))`.
    pub fn requirement(&self, price: u64) -> Amount {
        if self.records.iter().all(|record| record.sign == 0) {
            return Amount::zero();
        }
        let stressed = price / BPS * (BPS - self.rules.stress_bps);
        assert_eq!(price % BPS, 0, "so that the stressed price is exact");
        let entry = |sign: i8| self.side(sign).map(Record::entry_value).fold(Amount::zero(), Add::add);
        let worth = |sign, at| value(&sum(self.side(sign).map(|record| &record.notional)), at);
        let long_profit = self.side(1).map(|record| record.pnl(stressed)).fold(Amount::zero(), Add::add).positive();
        let short_backing = entry(-1).min(&worth(-1, price));
        let short_profit = (worth(-1, stressed) - short_backing).positive();
        (long_profit + short_profit).max(&entry(1)).up_by(4)
    }

    fn is_reserved_for(&self, price: u64, free: &Amount) -> Verdict {
        self.requirement(price).times(BPS).at_most(&free.times(self.rules.max_utilisation_bps))
    }

    /// The free pool without what is queued for withdrawal.
    fn unqueued(&self) -> Amount {
        if self.queued == 0 {
            return self.free_pool();
        }
        let staying = (&self.supply - Amount::of(self.queued)).over(&self.supply);
        (self.free_pool() * staying).down()
    }

    /// `value * taker_fee`, and a surcharge where the imbalance grows.
    fn fee(&self, value_traded: &Amount, before: &Amount, after: &Amount, price: u64) -> Amount {
        let abs = |skew: &Amount| skew.positive().max(&-skew);
        let surcharge = self.surcharge(&abs(before), &abs(after));
        value_traded.up().bps(self.rules.taker_bps).up() + value(&surcharge, price).up()
    }

    /// `(after^2 - before^2) / (2 impact_scale)` dollars: what a marginal surcharge of `skew / impact_scale` comes to. Where
    /// that would be more than `impact_max` it is `impact_max`, so that no cut of a trade is cheaper and none pays more than
    /// that.
    fn surcharge(&self, before: &Amount, after: &Amount) -> Amount {
        let cap = Amount::of(self.rules.impact_scale).bps(self.rules.impact_max_bps);
        let (from, to) = (before.min(&cap), after.min(&cap));
        let rising = (&to - &from).positive() * (to + from);
        let beyond = (after.max(&cap) - before.max(&cap)).positive();
        rising.per(2 * BigInt::from(self.rules.impact_scale)).up() + beyond.bps(self.rules.impact_max_bps).up()
    }

    // Money.

    fn pay(&mut self, i: usize, gain: &Amount) {
        self.records[i].margin = &self.records[i].margin + gain;
        self.pool = &self.pool - gain;
    }

    /// Takes a loss from margin to the pool; returns what the margin could not pay.
    fn collect(&mut self, i: usize, loss: &Amount) -> Amount {
        let margin = self.records[i].margin.clone();
        self.pool = &self.pool + loss.min(&margin);
        self.records[i].margin = (&margin - loss).positive();
        (loss - margin).positive()
    }

    fn charge(&mut self, i: usize, fee: &Amount) {
        let insurance = fee.bps(self.rules.to_insurance_bps).down();
        let protocol = fee.bps(self.rules.to_protocol_bps).down();
        let rest = BPS - self.rules.to_insurance_bps - self.rules.to_protocol_bps;
        self.records[i].margin = (&self.records[i].margin - fee).positive();
        self.insurance = &self.insurance + insurance;
        self.protocol = &self.protocol + protocol;
        self.pool = &self.pool + fee.bps(rest).up_by(2);
    }

    /// Takes from insurance, within the fund and the day's allowance; returns what it took.
    fn insure(&mut self, wanted: &Amount) -> Amount {
        let taken = wanted.min(&self.insurance).min(&self.insurance_left);
        self.insurance = (&self.insurance - &taken).positive();
        self.insurance_left = (&self.insurance_left - &taken).positive();
        taken
    }

    /// Books the result of a position that stays open; what free pool or margin cannot pay moves its basis.
    fn book(&mut self, i: usize, result: &Amount) {
        let (gain, loss) = (result.positive(), (-result).positive());
        let most = if self.settling.is_some() { Amount::zero() } else { self.free_pool() };
        self.pay(i, &gain.min(&most));
        let unpaid = self.collect(i, &loss);
        let moved = (&gain - &most).positive() - unpaid;
        if !moved.is_zero() {
            let lost = Amount::of(u8::from(self.is_shrunk(self.records[i].sign)));
            self.records[i].favour(&moved.less_up_to(&lost));
        }
    }

    /// Pays out or takes in the result of a position closed whole; insurance covers what its margin cannot.
    fn realise_whole(&mut self, i: usize, result: &Amount) {
        self.pay(i, &result.positive());
        let shortfall = self.collect(i, &(-result).positive());
        let covered = self.insure(&shortfall);
        self.pool = &self.pool + &covered;
        self.bad_debt = &self.bad_debt + (shortfall - covered).positive();
    }

    // The market's events.

    /// A new day starts insurance's allowance anew.
    pub fn begin_day(&mut self, now: i64) {
        if now / DAY != self.insurance_day {
            self.insurance_day = now / DAY;
            self.insurance_left = self.insurance.bps(self.rules.insurance_cap_bps).down();
        }
    }

    /// A donation to insurance, which may be paid out on the same day to the same part as the rest.
    pub fn fund_insurance(&mut self, amount: u64) {
        let amount = Amount::of(amount);
        self.insurance_left = &self.insurance_left + amount.bps(self.rules.insurance_cap_bps).down();
        self.insurance = &self.insurance + amount;
    }

    /// Charges every position funding and borrow fee, `value * rate * dt`, at rates of whole parts per billion a day.
    pub fn accrue(&mut self, now: i64, price: u64) {
        let elapsed = (now - self.last_accrual).min(self.rules.max_gap_seconds);
        self.last_accrual = now;
        if elapsed == 0 || self.records.iter().all(|record| record.sign == 0) {
            return;
        }
        let (funding, borrow) = (self.funding_rate(), self.borrow_rate(price));
        for record in self.records.iter_mut().filter(|record| record.sign != 0) {
            let rate = &borrow + funding.times(record.sign);
            if rate.is_zero() {
                continue;
            }
            let cost = (value(&record.notional, price) * rate).times(elapsed).per(BigInt::from(PPB) * DAY);
            // The index is rounded against the trader, by less than 1e-18 satoshi a share.
            let shares = record.notional.over(&self.left[index(record.sign)]);
            record.pending_cost = &record.pending_cost + cost.more_up_to(&shares.per(INDEX_UNITS));
        }
    }

    /// What longs pay a day: `max_rate * clamp(skew / skew_scale, -1, 1)`.
    fn funding_rate(&self) -> Amount {
        let scale = Amount::of(self.rules.skew_scale);
        let clamped = self.skew().min(&scale).max(&-&scale);
        clamped.times(self.rules.max_funding_ppb).per(self.rules.skew_scale).counted()
    }

    /// What both pay the pool a day: `borrow_max * clamp(requirement / free pool, 0, 1)`.
    fn borrow_rate(&self, price: u64) -> Amount {
        let (needed, free, most) = (self.requirement(price), self.free_pool(), Amount::of(self.rules.max_borrow_ppb));
        match free.at_most(&needed) {
            Verdict::Holds => most,
            Verdict::Open if free.at_most(&Amount::zero()) != Verdict::Broken => Amount::zero().more_up_to(&most),
            _ => needed.times(self.rules.max_borrow_ppb).over(&free).min(&most).counted_up(),
        }
    }

    pub fn strain(&self, price: u64) -> Strain {
        let profit = [1, -1].map(|sign| self.side_profit(sign, price).positive());
        let (total, free) = (&profit[0] + &profit[1], self.free_pool());
        let due = free.times(self.rules.trigger_bps).below(&total.times(BPS));
        let mut must_settle = free.at_most(&total);
        if must_settle != Verdict::Holds {
            let kept = self.kept(&total, &free);
            for (profit, left) in profit.iter().zip(&self.left) {
                let winning = Amount::zero().below(profit);
                let too_far = (left * &kept).below(&Amount::ratio(1, LEAST_LEFT));
                must_settle = must_settle.or(winning.and(too_far));
            }
        }
        Strain { profit, free, due, must_settle: due.and(must_settle) }
    }

    /// What a deleveraging leaves: `target (free - W) / (W (1 - target))`.
    fn kept(&self, total: &Amount, free: &Amount) -> Amount {
        if total.at_most(&Amount::zero()) != Verdict::Broken {
            return Amount::zero().more_up_to(&Amount::of(1));
        }
        let kept = (free - total).positive().times(self.rules.target_bps).over(&total.times(BPS - self.rules.target_bps));
        kept.min(&Amount::of(1))
    }

    /// Closes the same share of every position of each winning side at the price.
    pub fn deleverage(&mut self, strain: &Strain, winning: [bool; 2], price: u64) {
        let kept = self.kept(&(&strain.profit[0] + &strain.profit[1]), &strain.free);
        for sign in [1, -1].into_iter().filter(|sign| winning[index(*sign)]) {
            let left = self.left[index(sign)].clone();
            let unit = Amount::ratio(1, INDEX_UNITS).over(&left);
            let kept = kept.less_up_to(&unit).positive(); // the scale is floored
            for record in self.records.iter_mut().filter(|record| record.sign == sign) {
                let won = record.pnl(price) * (Amount::of(1) - &kept);
                // The exit index is rounded against the trader, by less than 1e-18 satoshi a share.
                let lost = record.notional.over(&left).per(INDEX_UNITS);
                record.pending_profit = &record.pending_profit + won.less_up_to(&lost);
                record.notional = &record.notional * &kept;
            }
            // A side that would be left with less is settled, so it was not.
            self.left[index(sign)] = (left * kept).max(&Amount::ratio(1, LEAST_LEFT));
        }
    }

    /// The market stops at this price.
    pub fn begin_settling(&mut self, price: u64) {
        let top_up_most = self.insurance.bps(self.rules.insurance_cap_bps).down();
        self.settling = Some(Settling { price, top_up_most });
    }

    // What is done to one position.

    pub fn deposit(&mut self, i: usize, amount: u64) {
        self.records[i].margin = &self.records[i].margin + Amount::of(amount);
    }

    pub fn withdraw(&mut self, i: usize, amount: u64, price: u64) -> Judged {
        self.records[i].margin = (&self.records[i].margin - Amount::of(amount)).positive();
        if self.records[i].sign == 0 {
            return Vec::new();
        }
        vec![(Rule::InitialMargin, self.has_initial_margin(i, price))]
    }

    /// Writes down what deleveraging and accrual have left pending.
    pub fn touch(&mut self, i: usize) {
        let record = &mut self.records[i];
        let result = std::mem::take(&mut record.pending_profit) - std::mem::take(&mut record.pending_cost);
        if !result.is_zero() {
            self.book(i, &result.down());
        }
    }

    /// Opens or enlarges a touched position.
    pub fn increase(&mut self, i: usize, sign: i8, notional: u64, price: u64) -> Judged {
        let (before, added) = (self.skew(), self.sized(sign, notional));
        let worth = value(&added, price);
        let roundings = self.roundings(sign);
        let came_in_for = if sign > 0 { worth.down_by(roundings) } else { worth.up_by(roundings) };
        let record = &mut self.records[i];
        record.sign = sign;
        record.notional = &record.notional + &added;
        record.entry = &record.entry + (came_in_for - &record.entry * &added).over(&record.notional);
        let fee = self.fee(&worth, &before, &self.skew(), price);
        let payable = fee.at_most(&self.records[i].margin);
        self.charge(i, &fee);
        vec![
            (Rule::FeePayable, payable),
            (Rule::InitialMargin, self.has_initial_margin(i, price)),
            (Rule::Reserve, self.is_reserved_for(price, &self.unqueued())),
        ]
    }

    /// Takes notional out of a position that stays open, and returns what that realises.
    fn take_part(&mut self, i: usize, closed: &Amount, price: u64) -> Amount {
        let roundings = self.roundings(self.records[i].sign) + 1; // the released basis is rounded too
        let record = &mut self.records[i];
        let result = record.pnl_of(closed, price).down_by(roundings);
        record.notional = &record.notional - closed;
        // What rounding the released basis keeps from the result stays in the basis.
        record.favour(&Amount::zero().more_up_to(&Amount::of(1)));
        result
    }

    /// Reduces a touched position.
    pub fn decrease_part(&mut self, i: usize, notional: u64, price: u64) -> Judged {
        let before = self.skew();
        let closed = self.sized(self.records[i].sign, notional);
        let result = self.take_part(i, &closed, price);
        let after = &before - closed.down().times(self.records[i].sign);
        let fee = self.fee(&value(&closed, price), &before, &after, price);
        self.book(i, &result);
        let payable = fee.at_most(&self.records[i].margin);
        self.charge(i, &fee);
        vec![(Rule::FeePayable, payable)]
    }

    /// Closes a touched position.
    pub fn decrease_whole(&mut self, i: usize, price: u64) -> Judged {
        let (before, record) = (self.skew(), &self.records[i]);
        let after = &before - record.notional.down().times(record.sign);
        let fee = self.fee(&value(&record.notional, price), &before, &after, price);
        let result = self.own_pnl(i, price);
        let payable = result.at_most(&self.free_pool());
        self.leave(i);
        self.realise_whole(i, &result);
        self.charge(i, &fee.min(&self.records[i].margin));
        vec![(Rule::FreePool, payable)]
    }

    /// Makes a position flat; an empty side starts anew.
    fn leave(&mut self, i: usize) {
        let sign = self.records[i].sign;
        self.records[i].flatten();
        if self.side(sign).next().is_none() {
            self.left[index(sign)] = Amount::of(1);
        }
    }

    /// What liquidating a touched position would take: `x = (t N v - equity) / ((t - f) v)`.
    pub fn liquidation(&self, i: usize, price: u64) -> Liquidation {
        let record = &self.records[i];
        let pnl = self.own_pnl(i, price);
        let unhealthy = (&record.margin + &pnl).below(&self.maintenance_margin(&record.notional, price));
        let held = record.notional.down();
        let ratio = self.initial_ratio(&held);
        let fee = Amount::of(self.rules.liquidation_bps * (PPB / BPS));
        let gap = &ratio - &fee;
        assert_eq!(Amount::zero().below(&gap), Verdict::Holds, "initial margin is more than the fee");
        let rounded = Amount::of(u8::from(self.is_shrunk(record.sign)));
        let worth = Amount::ratio(SATS_A_MICRODOLLAR, price);
        let short_of_target = &worth * ratio.per(PPB) - (&record.entry - &worth).times(record.sign); // a micro-dollar
        let missing = (&held * short_of_target - &record.margin).more_up_to(&rounded);
        let size = missing.positive().times(PPB).over(&(&gap * &worth)).up();
        let equity = (&record.margin + record.pnl_of(&held, price)).less_up_to(&rounded);
        let cost = (value(&size, price) * fee).per(PPB);
        let dust = (&held - &size).below(&Amount::of(self.rules.min_notional));
        Liquidation { unhealthy, whole: dust.or(equity.below(&cost)), payable: pnl.at_most(&self.free_pool()), size }
    }

    /// Does it, whole or in part. Returns what the liquidator is paid.
    pub fn liquidate(&mut self, i: usize, liquidation: &Liquidation, whole: bool, price: u64) -> Amount {
        let record = &self.records[i];
        let sign = record.sign;
        let closed = if whole {
            record.notional.clone()
        } else {
            let rounded = Amount::of(u8::from(self.is_shrunk(sign)));
            liquidation.size.more_up_to(&rounded).min(&record.notional)
        };
        // What came in is rounded twice where the position is cut: once at scale one, once in satoshi.
        let came_in = &closed * &record.entry;
        let came_in = if sign > 0 { came_in.less_up_to(&Amount::of(2)) } else { came_in.more_up_to(&Amount::of(2)) };
        if whole {
            let result = self.own_pnl(i, price);
            self.leave(i);
            self.realise_whole(i, &result);
        } else {
            let result = self.take_part(i, &closed, price);
            self.book(i, &result);
        }
        let worth = value(&closed, price);
        let worth = if sign > 0 { worth.up() } else { worth.down() };
        self.reward(i, &worth, &came_in)
    }

    /// Half the fee to the liquidator and half to insurance, as far as margin reaches; insurance, then the pool, make up the
    /// least that a liquidator gets, which is never above the taker fee on what came in.
    fn reward(&mut self, i: usize, worth: &Amount, came_in: &Amount) -> Amount {
        let fee = worth.bps(self.rules.liquidation_bps).up();
        let half = fee.per(2).down();
        let margin = self.records[i].margin.clone();
        let to_liquidator = half.min(&margin);
        let to_insurance = (&fee - &half).min(&(&margin - &half).positive());
        self.records[i].margin = (margin - fee).positive();
        self.insurance = &self.insurance + to_insurance;
        let least = worth.bps(self.rules.min_reward_bps).down();
        let bounded = least.min(&came_in.bps(self.rules.taker_bps).down());
        let least = if Amount::zero().below(came_in) == Verdict::Holds { bounded } else { least };
        let missing = (least - &to_liquidator).positive();
        let insured = self.insure(&missing);
        let from_pool = (missing - &insured).positive().min(&self.free_pool());
        self.pool = &self.pool - &from_pool;
        to_liquidator + insured + from_pool
    }

    // Settlement of the market.

    /// Touches a position and closes it at the kept price: a loss goes to the pool, a profit becomes a claim. Whether there is
    /// any profit, roundings may leave open.
    pub fn close_for_claim(&mut self, i: usize, claimed: bool) -> ClosedOut {
        self.touch(i);
        let price = self.settling.as_ref().expect("the market settles").price;
        let result = self.own_pnl(i, price);
        let tip_most = self.tip_most(i, price);
        let unpaid = self.collect(i, &(-&result).positive());
        self.bad_debt = &self.bad_debt + unpaid;
        self.leave(i);
        if claimed {
            self.records[i].claim = Some((result.positive(), self.settlements.len()));
        }
        ClosedOut { profitable: Amount::zero().below(&result), tip_most }
    }

    /// The settle tip, and no more than insurance and protocol had of the fee on what the position came in for.
    fn tip_most(&self, i: usize, price: u64) -> Amount {
        let non_pool = self.rules.taker_bps * (self.rules.to_insurance_bps + self.rules.to_protocol_bps);
        let fee = self.records[i].entry_value().positive().down().times(non_pool).per(BPS * BPS).down();
        value(&Amount::of(self.rules.settle_tip), price).down().min(&fee)
    }

    /// A tip out of insurance.
    pub fn tip(&mut self, most: &Amount, now: i64) -> Amount {
        self.begin_day(now);
        self.insure(most)
    }

    /// Whether the market closes for good when its settlement is finished: claims go short, or next to nothing is left.
    pub fn closes_for_good(&self) -> Verdict {
        let (claims, pool) = (self.claims(), &self.pool + self.top_up());
        let poor = (&pool - &claims).positive().below(&Amount::of(self.rules.min_first_deposit));
        pool.below(&claims).or(poor)
    }

    /// Whether every claim is paid whole.
    pub fn pays_in_full(&self) -> Verdict {
        self.claims().at_most(&(&self.pool + self.top_up()))
    }

    pub fn top_up(&self) -> Amount {
        let most = &self.settling.as_ref().expect("the market settles").top_up_most;
        (self.claims() - &self.pool).positive().min(most).min(&self.insurance)
    }

    /// Sets aside what can be paid, in the same proportion to everybody.
    pub fn finish(&mut self, closed: bool) {
        let (claims, top_up, epoch) = (self.claims(), self.top_up(), self.settlements.len());
        let pool = &self.pool + &top_up;
        let payable = pool.min(&claims);
        self.insurance = (&self.insurance - top_up).positive();
        self.pool = (pool - &claims).positive();
        let unredeemed = self.records.iter().filter(|record| record.claim.as_ref().is_some_and(|claim| claim.1 == epoch));
        let unredeemed = unredeemed.count() as u32;
        self.settlements.push(Settlement { left: payable.clone(), payable, claims, unredeemed });
        self.settling = None;
        self.closed = closed;
        self.wind_up();
    }

    /// Pays a claim its share; the last one leaves what remains to the pool.
    pub fn redeem(&mut self, i: usize) {
        let (claim, epoch) = self.records[i].claim.take().expect("a claim");
        let settlement = &mut self.settlements[epoch];
        let share = settlement.payable.over(&settlement.claims).min(&Amount::of(1));
        let paid = (&claim * &share).down().min(&claim);
        settlement.left = (&settlement.left - &paid).positive();
        settlement.unredeemed -= 1;
        if settlement.unredeemed == 0 {
            self.pool = &self.pool + std::mem::take(&mut settlement.left);
        }
        self.records[i].margin = &self.records[i].margin + paid;
        self.wind_up();
    }

    /// On a closed market the last claim leaves nothing to insure.
    fn wind_up(&mut self) {
        if self.closed && self.settlements.iter().all(|settlement| settlement.unredeemed == 0) {
            self.pool = &self.pool + std::mem::take(&mut self.insurance);
        }
    }

    // The pool.

    /// `pool - sum of max(due, least)`, `due = owed + uPnL - K`, where `least` is what a side owes at most.
    fn worth(&self, price: u64, least: impl Fn(i8) -> Amount) -> Amount {
        let due = [1, -1].map(|sign| {
            let written = (self.owed(sign) - self.cost_owed(sign)).up();
            (written + self.side_profit(sign, price)).max(&least(sign))
        });
        &self.pool - sum(due.iter())
    }

    pub fn worth_depositing(&self, price: u64) -> Amount {
        self.worth(price, |sign| -sum(self.side(sign).map(|record| &record.margin)))
    }

    pub fn worth_leaving(&self, price: u64) -> Amount {
        self.worth(price, |_| Amount::zero())
    }

    pub fn donate(&mut self, amount: u64) {
        self.pool = &self.pool + Amount::of(amount);
    }

    pub fn is_pool_solvent(&self, price: u64) -> Verdict {
        Amount::zero().below(&self.worth_depositing(price))
    }

    /// Returns the shares that a deposit mints, at the dearer of equity and free pool.
    pub fn deposit_liquidity(&mut self, amount: u64, price: u64) -> Amount {
        let dearest = self.worth_depositing(price).max(&self.free_pool()) + Amount::of(VIRTUAL);
        let shares = (&self.supply + Amount::of(VIRTUAL)).times(amount).over(&dearest).down();
        self.supply = &self.supply + &shares;
        self.pool = &self.pool + Amount::of(amount);
        shares
    }

    /// Returns what queued shares are paid: of a pool that has grown the virtual shares keep their part.
    pub fn complete_withdrawal(&mut self, shares: u64, price: u64) -> (Judged, Amount) {
        let (worth, virtual_part) = (self.worth_leaving(price).positive(), Amount::of(VIRTUAL));
        let plain = worth.times(shares).over(&self.supply);
        let diluted = (worth + &virtual_part).times(shares).over(&(&self.supply + virtual_part));
        let payout = plain.min(&diluted).down();
        let free = self.free_pool() - &payout;
        let backed = self.is_reserved_for(price, &free).and(Amount::zero().at_most(&free));
        self.pay_shares(shares, &payout);
        (vec![(Rule::Reserve, backed)], payout)
    }

    /// The same of a closed market: the shares' part of what there is.
    pub fn leave_closed(&mut self, shares: u64) -> Amount {
        let payout = self.pool.times(shares).over(&self.supply).down();
        self.pay_shares(shares, &payout);
        payout
    }

    fn pay_shares(&mut self, shares: u64, payout: &Amount) {
        self.pool = (&self.pool - payout).positive();
        self.supply = &self.supply - Amount::of(shares);
        self.queued -= shares;
    }
}
