//! Random histories of a whole market, from its first deposit to the last claim, through the engine and through a model that
//! walks over every position at every event (`common/naive.rs`). After every action every amount is compared: what each
//! position has and waits for, each side's sums, every balance of the ledger, and what a share of the pool is worth.
//!
//! The bound is the model's: an amount may differ from the exact one by what the roundings of the design, of at most a satoshi
//! or a micro-dollar each, have taken on its way, in their direction, and by what follows from that. Roundings go against the
//! trader: all that traders own is at most, and all that the pool owns at least, what it is exactly. That is asserted as well,
//! until in a history a size is first decided by rounded amounts: a deleveraging (by profit and free pool), a partial
//! liquidation (by equity), a borrow rate (by the free pool) or a settlement (the pool's roundings are then paid out as
//! claims). From then on only the bounds hold.

mod common;
#[path = "common/naive.rs"]
mod naive;

use common::exact::{int, Exact};
use common::ledger_model::{Holder, Side as SideNumbers};
use common::{dollars, moment, open_params, sats, update, BOTH, START};
use inverse_perps_engine::actions::{Decrease, DecreaseSize, Increase, Outcome};
use inverse_perps_engine::market::{Fills, Marks};
use inverse_perps_engine::oracle::{Moment, PriceUse, Quote};
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::settlement::{Settlement, Status};
use inverse_perps_engine::units::{Bps, Notional, Price, Sats, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Params, Position};
use naive::{Amount, Judged, Model, Rule, Rules, Verdict};
use num_bigint::BigInt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const ONE: i128 = 1_000_000_000_000_000_000;
const POSITIONS: usize = 6;
const STEPS: u32 = 50;
const HISTORIES: u64 = 800;
const CENT: u64 = 1_000_000; // of a price, as the engine counts it

const WAITS: [i64; 5] = [61, 600, 3_600, 20_000, 100_000];

/// What the price does in a step, in per cent.
const CALM: [u64; 9] = [95, 98, 99, 100, 100, 101, 102, 104, 106];
const WILD: [u64; 13] = [50, 60, 80, 90, 95, 99, 100, 101, 105, 110, 125, 150, 200];
const FALLING: [u64; 9] = [85, 90, 93, 95, 97, 98, 99, 101, 104];
const RISING: [u64; 9] = [97, 99, 101, 103, 105, 107, 110, 115, 125];

/// Valid parameters for a pool of this many dollars, with funding and borrow fee at their bounds and the pool strained as far
/// as they allow.
fn params(pool: u64, max_borrow: u32) -> Params {
    let params = Params {
        max_funding: 60_000_000,
        max_borrow,
        skew_scale: dollars(pool / 5),
        impact_scale: dollars(pool * 20_000),
        stress: Bps::new(1_000),
        max_utilisation: Bps::new(8_000),
        insurance_daily_cap: Bps::new(2_000),
        cool_down: Seconds::new(600),
        withdrawal_window: Seconds::new(200_000),
        ..open_params()
    };
    params.validate(Seconds::new(3 * 86_400)).unwrap();
    params
}

fn rules(params: &Params) -> Rules {
    Rules {
        initial_bps: params.initial_margin.get_wide(),
        initial_slope_bps: params.initial_margin_slope.get_wide(),
        maintenance_bps: params.maintenance_margin.get_wide(),
        maintenance_slope_bps: params.maintenance_margin_slope.get_wide(),
        taker_bps: params.taker_fee.get_wide(),
        to_insurance_bps: params.fee_to_insurance.get_wide(),
        to_protocol_bps: params.fee_to_protocol.get_wide(),
        liquidation_bps: params.liquidation_fee.get_wide(),
        min_reward_bps: params.min_reward.get_wide(),
        stress_bps: params.stress.get_wide(),
        max_utilisation_bps: params.max_utilisation.get_wide(),
        target_bps: params.deleverage_target.get_wide(),
        trigger_bps: params.deleverage_trigger.get_wide(),
        insurance_cap_bps: params.insurance_daily_cap.get_wide(),
        max_funding_ppb: params.max_funding.into(),
        max_borrow_ppb: params.max_borrow.into(),
        max_gap_seconds: params.max_accrual_gap.get().into(),
        skew_scale: params.skew_scale.get(),
        impact_scale: params.impact_scale.get(),
        impact_max_bps: params.impact_max.get_wide(),
        min_notional: params.min_notional.get(),
        settle_tip: params.settle_tip.get(),
        min_first_deposit: params.min_first_deposit.get(),
    }
}

#[derive(Default, Debug)]
struct Counts {
    actions: u32,
    compared: u64,
    to_the_satoshi: u64,
    within_ten: u64,
    within_a_thousand: u64,
    opened: u32,
    reduced: u32,
    closed: u32,
    booked: u32,
    deferred: u32,
    deleveraged: u32,
    both_sides_deleveraged: u32,
    liquidated_in_part: u32,
    liquidated_whole: u32,
    bad_debt: u32,
    insured: u32,
    insurance_capped: u32,
    healthy: u32,
    paid_in_full: u32,
    cut_short: u32,
    reopened: u32,
    closed_for_good: u32,
    never_finished: u32,
    blurred: u32,
    redeemed: u32,
    withdrawn: u32,
    provided: u32,
    left_the_pool: u32,
    refused_by_margin: u32,
    refused_by_reserve: u32,
    withdrawals_refused_by_reserve: u32,
    refused_by_pool: u32,
    refused_otherwise: u32,
    open_verdicts: u32,
    traders_one_sided: u32,
    pool_one_sided: u32,
    orders_compared: u32,
    orders_compared_in_settlement: u32,
}

struct World {
    market: Market,
    positions: Vec<Position>,
    settlements: Vec<Settlement>,
    queue: Vec<Withdrawal>,
    /// Shares of those who come and go; the first depositor stays.
    shares: u64,
    model: Model,
    now: i64,
    slot: u64,
    price: u64,
    began_at: u64,
    began_with: u64,
    /// Satoshi in less satoshi out.
    vault: i128,
    seed: u64,
    /// No size has been decided by rounded amounts yet.
    one_sided: bool,
    /// Nor has the pool gone without what a trader's fees, rounded up, have brought to insurance and protocol before he went
    /// bankrupt, nor has anybody left it with a share in what the roundings have brought it.
    pool_one_sided: bool,
    counts: Counts,
}

fn wide(n: u64) -> i128 {
    n.into()
}

fn sign_of(position: &Position) -> i8 {
    match position.open_direction() {
        Some(Direction::Long) => 1,
        Some(Direction::Short) => -1,
        None => 0,
    }
}

fn rule_of(error: Error) -> Option<Rule> {
    Some(match error {
        Error::MarginBelowFee => Rule::FeePayable,
        Error::MarginBelowInitial => Rule::InitialMargin,
        Error::ReserveExceeded => Rule::Reserve,
        Error::PoolExhausted => Rule::FreePool,
        Error::PoolNotSolvent => Rule::PoolSolvent,
        _ => return None,
    })
}

/// Errors that say nothing of solvency and that a history runs into by itself.
fn is_expected(error: Error) -> bool {
    use Error::*;
    matches!(
        error,
        BelowMinNotional
            | ReductionTooLarge
            | MarginBelowAmount
            | PositionCapExceeded
            | SideCapExceeded
            | CoolDownNotOver
            | WithdrawalLapsed
            | TooFewShares
    )
}

impl World {
    fn random(seed: u64, rng: &mut StdRng, counts: Counts) -> Self {
        let scales = [(100, 5_000_000), (5_000, 50_000_000), (60_000, 2_000_000), (60_000, 100_000_000), (900_000, 50_000_000)];
        let (price, pool): (u64, u64) = *scales.choose(rng).unwrap();
        let params = params(pool, *[0, 40_000_000].choose(rng).unwrap());
        let (price, pool) = (price * 100_000_000, pool * 100_000_000 / price);
        let mut world = Self { seed, counts, ..Self::new(params, price, pool) };
        world.fund_insurance([0, pool / 1_000, pool / 5, pool * 4].choose(rng).copied().unwrap());
        world
    }

    /// A market whose first depositor has brought the pool.
    fn new(params: Params, price: u64, pool: u64) -> Self {
        let mut market = Market::new(params, Fills::Instant, UnixTime::new(START));
        let at = moment(START, 1);
        let marks = market.sync(&update(Price::new(price), START), PriceUse::Liquidity, at).unwrap().marks;
        market.deposit_liquidity(sats(pool), 0, &marks, at).unwrap();
        Self {
            market,
            positions: vec![Position::default(); POSITIONS],
            settlements: Vec::new(),
            queue: Vec::new(),
            shares: 0,
            model: Model::new(rules(&params), POSITIONS, pool, START),
            now: START,
            slot: 1,
            price,
            began_at: price,
            began_with: pool,
            vault: wide(pool),
            seed: 0,
            one_sided: params.max_borrow == 0,
            pool_one_sided: true,
            counts: Counts::default(),
        }
    }

    fn at(&self) -> Moment {
        moment(self.now, self.slot)
    }

    fn is(&self, status: Status) -> bool {
        self.market.lifecycle.status() == status
    }

    /// Time passes and the price moves, within a tenth and ten times of where it began, to a multiple that the stressed price
    /// comes out even of.
    fn advance(&mut self, seconds: i64, percent: u64) {
        self.now += seconds;
        self.slot += 2 * u64::try_from(seconds).unwrap();
        let moved = self.price / 100 * percent;
        self.price = moved.clamp(self.began_at / 10, self.began_at * 10) / CENT * CENT;
    }

    /// That the engine's decision is one that the roundings leave open, or the only one.
    fn agree(&mut self, what: &str, verdict: Verdict, held: bool) {
        assert!(
            verdict.allows(held),
            "{what}: {verdict:?}, but the engine says {held}; at {} from seed {}",
            self.now - START,
            self.seed
        );
        self.counts.open_verdicts += u32::from(verdict == Verdict::Open);
    }

    /// Judges what the engine did by the model's rules: an accepted action breaks none, a refused one breaks the one that it is
    /// refused for and none before. Returns the result of an accepted one.
    fn judge<T>(&mut self, result: Result<T, Error>, judged: &Judged) -> Option<T> {
        let broken = result.as_ref().err().map(|error| (*error, rule_of(*error)));
        match broken {
            None => judged.iter().for_each(|(rule, verdict)| self.agree(&format!("{rule:?}"), *verdict, true)),
            Some((_, Some(rule))) => {
                for (earlier, verdict) in judged {
                    self.agree(&format!("{earlier:?} of {rule:?}"), *verdict, *earlier != rule);
                    if *earlier == rule {
                        break;
                    }
                }
                self.count_refusal(rule);
            }
            Some((error, None)) => {
                assert!(is_expected(error), "{error:?}");
                self.counts.refused_otherwise += 1;
            }
        }
        result.ok()
    }

    fn count_refusal(&mut self, rule: Rule) {
        match rule {
            Rule::FeePayable | Rule::InitialMargin => self.counts.refused_by_margin += 1,
            Rule::Reserve => self.counts.refused_by_reserve += 1,
            Rule::FreePool | Rule::PoolSolvent => self.counts.refused_by_pool += 1,
        }
    }

    /// The sync that precedes every action. None where the market begins to settle.
    fn sync(&mut self) -> Option<Marks> {
        let raw = update(Price::new(self.price), self.now);
        let before = self.scales();
        let synced = self.market.sync(&raw, PriceUse::Increase, self.at()).unwrap();
        self.model.begin_day(self.now);
        self.model.accrue(self.now, self.price);
        let strain = self.model.strain(self.price);
        self.agree("due", strain.due, synced.strained.is_some());
        let Some(strained) = synced.strained else {
            return Some(synced.marks);
        };
        let settles = strained.outcome == Outcome::Settling;
        self.agree("settling", strain.must_settle, settles);
        if settles {
            self.model.begin_settling(self.price);
            return None;
        }
        let shrank = before.iter().zip(self.scales()).map(|(before, after)| after < *before);
        let shrank: Vec<bool> = shrank.collect();
        for (profit, shrank) in strain.profit.iter().zip(&shrank) {
            self.agree("winning", Amount::zero().below(profit), *shrank);
        }
        self.model.deleverage(&strain, [shrank[0], shrank[1]], self.price);
        self.one_sided = false;
        self.counts.deleveraged += 1;
        self.counts.both_sides_deleveraged += u32::from(shrank == [true, true]);
        Some(synced.marks)
    }

    fn scales(&self) -> [u64; 2] {
        BOTH.map(|direction| self.market.side(direction).scale.get())
    }

    /// What may happen in a step of a market that trades.
    fn trade(&mut self, rng: &mut StdRng) {
        if rng.gen_bool(0.3) {
            self.liquidate_all();
        }
        for _ in 0..2 {
            if self.is(Status::Active) {
                self.act(rng);
                self.check();
            }
        }
        if rng.gen_bool(0.2) {
            self.redeem(rng.gen_range(0..POSITIONS));
        }
    }

    // Actions. Each goes to the engine and to the model on copies, which stay if the engine accepts it.

    fn act(&mut self, rng: &mut StdRng) {
        let Some(marks) = self.sync() else {
            return;
        };
        self.counts.actions += 1;
        let i = rng.gen_range(0..POSITIONS);
        match rng.gen_range(0..100) {
            0..36 => self.increase(rng, i, &marks),
            36..54 => self.decrease(rng, i, &marks),
            54..62 => self.touch(i),
            62..70 => self.withdraw(rng, i, &marks),
            70..78 => self.provide(rng.gen_range(1..=self.began_with), &marks),
            78..82 => self.request(self.shares),
            82..86 => self.request(rng.gen_range(0..=self.shares)),
            86..96 => self.complete(&marks),
            96..98 => self.fund_insurance(rng.gen_range(1..=1_000_000)),
            _ => self.donate(rng.gen_range(1..=1_000_000)),
        }
    }

    /// A touched position, with the market and the model to try an action on.
    fn touched(&self, i: usize) -> (Market, Position, Model) {
        let (mut market, mut position, mut model) = (self.market, self.positions[i], self.model.clone());
        market.settle(&mut position).unwrap();
        model.touch(i);
        (market, position, model)
    }

    fn keep(&mut self, i: usize, (market, position, model): (Market, Position, Model)) {
        self.market = market;
        self.positions[i] = position;
        self.model = model;
    }

    fn deposit(&mut self, i: usize, amount: u64) {
        self.market.deposit_collateral(&mut self.positions[i], sats(amount)).unwrap();
        self.model.deposit(i, amount);
        self.vault += wide(amount);
    }

    fn increase(&mut self, rng: &mut StdRng, i: usize, marks: &Marks) {
        let worth = self.market.ledger.pool.get() / 100 * rng.gen_range(1..=120) + 1;
        let margin = if rng.gen_bool(0.8) { rng.gen_range(2..40) } else { rng.gen_range(50..200) };
        let direction = self.positions[i].open_direction().unwrap_or(*BOTH.choose(rng).unwrap());
        if self.positions[i].claim.is_zero() {
            self.deposit(i, worth / 100 * margin + 1_000);
            self.open(i, direction, worth, marks);
        }
    }

    /// Opens or enlarges a position by about so many satoshi.
    fn open(&mut self, i: usize, direction: Direction, worth: u64, marks: &Marks) {
        let size = u64::try_from(u128::from(worth) * u128::from(self.price) / 10u128.pow(16)).unwrap().max(20);
        let (limit, sign) = if direction == Direction::Long { (u64::MAX, 1) } else { (0, -1) };
        let order = Increase { direction, notional: dollars(size), limit: Price::new(limit) };
        let (mut market, mut position, mut model) = self.touched(i);
        let result = market.increase(&mut position, &order, marks, self.at());
        let judged = model.increase(i, sign, size * 1_000_000, self.price);
        if self.judge(result, &judged).is_some() {
            self.keep(i, (market, position, model));
            self.counts.opened += 1;
        }
    }

    fn decrease(&mut self, rng: &mut StdRng, i: usize, marks: &Marks) {
        let position = &self.positions[i];
        if let Some(direction) = position.open_direction() {
            let held = position.notional(self.market.side(direction)).unwrap().get() / 1_000_000;
            let part = rng.gen_bool(0.5).then(|| rng.gen_range(1..=held.max(1)) * 1_000_000);
            self.reduce(i, part, marks);
        }
    }

    /// Closes this much of a position, or the whole.
    fn reduce(&mut self, i: usize, part: Option<u64>, marks: &Marks) {
        let (mut market, mut position, mut model) = self.touched(i);
        let size = part.map_or(DecreaseSize::Whole, |part| DecreaseSize::Part(Notional::new(part)));
        let limit = Price::new(if position.open_direction() == Some(Direction::Long) { 0 } else { u64::MAX });
        let result = market.decrease(&mut position, &Decrease { size, limit }, marks, self.at());
        if result.as_ref().is_err_and(|error| rule_of(*error).is_none()) {
            self.judge(result, &Vec::new()); // more than there is, which the model has no answer to
            return;
        }
        let judged = match part {
            Some(part) => model.decrease_part(i, part, self.price),
            None => model.decrease_whole(i, self.price),
        };
        if self.judge(result, &judged).is_some() {
            self.keep(i, (market, position, model));
            self.pool_one_sided &= part.is_some() || !position.margin.is_zero();
            *(if part.is_some() { &mut self.counts.reduced } else { &mut self.counts.closed }) += 1;
        }
    }

    fn touch(&mut self, i: usize) {
        let settled = self.market.settle(&mut self.positions[i]).unwrap();
        self.model.touch(i);
        self.counts.booked += u32::from(settled.is_some());
        self.counts.deferred += u32::from(settled.is_some_and(|settled| !settled.shifted.is_zero()));
    }

    fn withdraw(&mut self, rng: &mut StdRng, i: usize, marks: &Marks) {
        let (mut market, mut position, mut model) = self.touched(i);
        let amount = rng.gen_range(1..=position.margin.get() + 1);
        let result = market.withdraw_collateral(&mut position, sats(amount), Some(marks));
        let judged = model.withdraw(i, amount, self.price);
        if self.judge(result, &judged).is_some() {
            self.keep(i, (market, position, model));
            self.vault -= wide(amount);
            self.counts.withdrawn += 1;
        }
    }

    /// Tries to liquidate everybody.
    fn liquidate_all(&mut self) {
        for i in 0..POSITIONS {
            if self.positions[i].open_direction().is_none() {
                continue;
            }
            if self.sync().is_none() {
                return;
            }
            self.check();
            self.liquidate(i);
            self.check();
        }
    }

    fn liquidate(&mut self, i: usize) {
        let marks = self.marks();
        let (mut market, mut position, mut model) = self.touched(i);
        let liquidation = model.liquidation(i, self.price);
        let result = market.liquidate(&mut position, &marks);
        self.agree("unhealthy", liquidation.unhealthy, result.as_ref().err() != Some(&Error::NotLiquidatable));
        let done = match result {
            Ok(done) => done,
            Err(Error::NotLiquidatable) => {
                self.counts.healthy += 1;
                return;
            }
            Err(error) => {
                assert_eq!(error, Error::PoolExhausted);
                self.agree("whole", liquidation.whole, true);
                self.agree("payable", liquidation.payable, false);
                self.counts.refused_by_pool += 1;
                return;
            }
        };
        let whole = position.open_direction().is_none();
        self.agree("whole", liquidation.whole, whole);
        if whole {
            self.agree("payable", liquidation.payable, true);
        }
        self.one_sided &= whole;
        let reward = model.liquidate(i, &liquidation, whole, self.price);
        assert!(reward.holds(done.reward.get(), 1), "{:?} as a reward, not {:?}", done.reward, reward.ends());
        self.count_liquidation(whole, &market, &done);
        self.keep(i, (market, position, model));
        self.vault -= wide(done.reward.get());
        self.pool_one_sided = false;
    }

    fn count_liquidation(&mut self, whole: bool, after: &Market, done: &inverse_perps_engine::actions::Liquidated) {
        *(if whole { &mut self.counts.liquidated_whole } else { &mut self.counts.liquidated_in_part }) += 1;
        self.counts.bad_debt += u32::from(!done.shortfall.uncovered.is_zero());
        self.counts.insured += u32::from(!done.shortfall.covered.is_zero() && done.shortfall.uncovered.is_zero());
        let capped = !done.shortfall.uncovered.is_zero() && after.insurance_left.is_zero() && !after.ledger.insurance.is_zero();
        self.counts.insurance_capped += u32::from(capped);
    }

    // The pool.

    fn provide(&mut self, amount: u64, marks: &Marks) {
        let (mut market, mut model) = (self.market, self.model.clone());
        let result = market.deposit_liquidity(sats(amount), 0, marks, self.at());
        let judged = vec![(Rule::PoolSolvent, model.is_pool_solvent(self.price))];
        let Some(shares) = self.judge(result, &judged) else {
            return;
        };
        let minted = model.deposit_liquidity(amount, self.price);
        assert!(minted.holds(shares, 1), "{shares} shares, not {:?}", minted.ends());
        (self.market, self.model) = (market, model);
        self.shares += shares;
        self.vault += wide(amount);
        self.counts.provided += 1;
    }

    fn request(&mut self, shares: u64) {
        if shares > 0 {
            self.queue.push(self.market.request_withdrawal(shares, self.at()).unwrap());
            self.model.queued += shares;
            self.shares -= shares;
        }
    }

    fn complete(&mut self, marks: &Marks) {
        let Some(withdrawal) = self.queue.pop() else {
            return;
        };
        let (mut market, mut model) = (self.market, self.model.clone());
        let result = market.complete_withdrawal(&withdrawal, Sats::ZERO, Some(marks), self.at());
        let (judged, payout) = model.complete_withdrawal(withdrawal.shares, self.price);
        self.counts.withdrawals_refused_by_reserve += u32::from(result == Err(Error::ReserveExceeded));
        let lapsed = result == Err(Error::WithdrawalLapsed);
        match self.judge(result, &judged) {
            Some(paid) => {
                assert!(payout.holds(paid.get(), 1), "{paid:?} for shares, not {:?}", payout.ends());
                (self.market, self.model) = (market, model);
                self.vault -= wide(paid.get());
                self.pool_one_sided = false;
                self.counts.left_the_pool += 1;
            }
            None if lapsed => {
                self.market.return_withdrawal(&withdrawal, self.at()).unwrap();
                self.model.queued -= withdrawal.shares;
                self.shares += withdrawal.shares;
            }
            None => self.queue.insert(0, withdrawal),
        }
    }

    fn fund_insurance(&mut self, amount: u64) {
        if amount == 0 {
            return;
        }
        self.market.fund_insurance(sats(amount)).unwrap();
        self.model.fund_insurance(amount);
        self.vault += wide(amount);
    }

    fn donate(&mut self, amount: u64) {
        self.market.donate_liquidity(sats(amount)).unwrap();
        self.model.donate(amount);
        self.vault += wide(amount);
    }

    // Settlement of the market.

    /// Some of what may happen while the market settles: positions close in any order, flat margin comes and goes.
    fn settle_some(&mut self, rng: &mut StdRng, pace: f64) {
        let mut order: Vec<usize> = (0..POSITIONS).collect();
        order.shuffle(rng);
        for i in order {
            if rng.gen_bool(pace) && self.positions[i].open_direction().is_some() {
                self.close_for_claim(i);
            } else if rng.gen_bool(0.2) {
                self.deposit(i, 1_000);
            }
            self.check();
        }
        if self.positions.iter().all(|position| position.open_direction().is_none()) {
            self.finish();
            self.check();
        }
    }

    fn close_for_claim(&mut self, i: usize) {
        self.redeem(i);
        self.counts.actions += 1;
        let position = &mut self.positions[i];
        self.market.settle(position).unwrap();
        let done = self.market.close_for_claim(position).unwrap().expect("an open position");
        let claimed = !position.claim.is_zero();
        let tip = self.market.take_tip(done.tip_most, moment(self.now, self.slot)).unwrap();
        let closed = self.model.close_for_claim(i, claimed);
        self.agree("a claim", closed.profitable, claimed);
        let paid = self.model.tip(&closed.tip_most, self.now);
        assert!(paid.holds(tip.get(), 1), "{tip:?} as a tip, not {:?}", paid.ends());
        self.vault -= wide(tip.get());
    }

    fn finish(&mut self) {
        let claims = self.market.lifecycle.claims;
        let done = self.market.finish_settlement().unwrap();
        self.agree("in full", self.model.pays_in_full(), done.settlement.payable == claims);
        self.agree("for good", self.model.closes_for_good(), done.closed);
        let top_up = self.model.top_up();
        assert!(top_up.holds(done.top_up.get(), 1), "{:?} on top, not {:?}", done.top_up, top_up.ends());
        self.model.finish(done.closed);
        self.one_sided = false;
        self.settlements.push(done.settlement);
        let full = done.settlement.payable == claims;
        self.counts.paid_in_full += u32::from(full && !claims.is_zero());
        self.counts.cut_short += u32::from(!full);
        *(if done.closed { &mut self.counts.closed_for_good } else { &mut self.counts.reopened }) += 1;
    }

    fn redeem(&mut self, i: usize) {
        let position = &mut self.positions[i];
        if position.claim.is_zero() || self.settlements.len() <= position.claim_epoch as usize {
            return;
        }
        self.market.redeem(position, &mut self.settlements[position.claim_epoch as usize]).unwrap();
        self.model.redeem(i);
        self.counts.redeemed += 1;
        self.check();
    }

    /// After the market has closed for good everybody leaves with all that is his.
    fn leave(&mut self) {
        (0..POSITIONS).for_each(|i| self.redeem(i));
        for i in 0..POSITIONS {
            let amount = self.positions[i].margin;
            if !amount.is_zero() {
                self.market.withdraw_collateral(&mut self.positions[i], amount, None).unwrap();
                self.model.records[i].margin = (&self.model.records[i].margin - Amount::of(amount.get())).positive();
                self.vault -= wide(amount.get());
            }
            self.check();
        }
        for withdrawal in std::mem::take(&mut self.queue) {
            let paid = self.market.complete_withdrawal(&withdrawal, Sats::ZERO, None, self.at()).unwrap();
            assert!(self.model.leave_closed(withdrawal.shares).holds(paid.get(), 1));
            self.vault -= wide(paid.get());
            self.check();
        }
        assert!(
            self.market.ledger.funds.is_zero() && self.market.ledger.margin.is_zero() && self.market.ledger.insurance.is_zero()
        );
    }

    // The comparison.

    /// What the market comes to now, as a view.
    fn marks(&self) -> Marks {
        let price = Price::new(self.price);
        self.market.marks(Quote::at(price)).unwrap()
    }

    fn same(&mut self, what: &str, amount: &Amount, n: impl Into<BigInt>, d: i128) {
        let n = n.into();
        if !amount.holds(n.clone(), d) {
            panic!(
                "{what}: the engine has {n} / {d}, the model {:?}; at {} from seed {}",
                amount.ends(),
                self.now - START,
                self.seed
            );
        }
        let width = amount.width();
        self.counts.compared += 1;
        self.counts.to_the_satoshi += u64::from(width <= BigInt::from(1));
        self.counts.within_ten += u64::from(width <= BigInt::from(10));
        self.counts.within_a_thousand += u64::from(width <= BigInt::from(1_000));
    }

    fn check(&mut self) {
        for i in 0..POSITIONS {
            self.check_position(i);
        }
        for direction in BOTH {
            self.check_side(direction);
        }
        self.check_ledger();
        if self.is(Status::Active) {
            self.check_pool();
            if self.one_sided {
                self.check_favour();
            }
        }
    }

    fn check_position(&mut self, i: usize) {
        let (position, record) = (self.positions[i], self.model.records[i].clone());
        assert_eq!(sign_of(&position), record.sign, "position {i}");
        self.same("margin", &record.margin, position.margin.get(), 1);
        let claim = record.claim.as_ref().map_or(Amount::zero(), |claim| claim.0.clone());
        self.same("claim", &claim, position.claim.get(), 1);
        let Some(direction) = position.open_direction() else {
            return;
        };
        let side = SideNumbers::of(self.market.side(direction), direction);
        let holder = Holder::of(&position);
        self.same("notional", &record.notional, holder.shares * side.scale, ONE);
        self.same("entry value", &record.entry_value(), holder.basis * side.scale, ONE);
        self.same("average entry", &record.entry, holder.basis, holder.shares);
        self.same("pending profit", &record.pending_profit, holder.exited(&side), ONE);
        self.same("pending cost", &record.pending_cost, holder.cost(&side), ONE);
    }

    fn check_side(&mut self, direction: Direction) {
        let (side, sign) = (*self.market.side(direction), if direction == Direction::Long { 1 } else { -1 });
        let total = |of: &dyn Fn(&naive::Record) -> Amount| self.model.side(sign).map(of).fold(Amount::zero(), |a, b| a + b);
        let margin = total(&|record| record.margin.clone());
        let notional = total(&|record| record.notional.clone());
        let entry_value = total(&|record| record.entry_value());
        assert_eq!(side.positions, self.model.side(sign).count() as u64);
        self.same("side's margin", &margin, side.margin.get(), 1);
        self.same("side's notional", &notional, wide(side.shares.get()) * wide(side.scale.get()), ONE);
        self.same("side's entry value", &entry_value, side.basis.get() * wide(side.scale.get()), ONE);
        self.same("side's profit owed", &self.model.owed(sign), side.owed.get(), ONE);
        self.same("side's cost owed", &self.model.cost_owed(sign), side.cost_owed.get(), ONE);
    }

    fn check_ledger(&mut self) {
        let (market, model) = (self.market, self.model.clone());
        let ledger = market.ledger;
        self.same("margins", &model.margins(), ledger.margin.get(), 1);
        self.same("pool", &model.pool, ledger.pool.get(), 1);
        self.same("insurance", &model.insurance, ledger.insurance.get(), 1);
        self.same("protocol's fees", &model.protocol, ledger.protocol_fees.get(), 1);
        self.same("funds", &model.funds(), ledger.funds.get(), 1);
        self.same("claims", &model.claims(), market.lifecycle.claims.get(), 1);
        self.same("bad debt", &model.bad_debt, market.bad_debt.get(), 1);
        self.same("free pool", &model.free_pool(), market.free_pool().unwrap().get(), 1);
        self.same("insurance's allowance", &model.insurance_left, market.insurance_left.get(), 1);
        self.same("shares", &model.supply, market.pool_shares, 1);
        assert_eq!(model.queued, market.queued_shares);
        assert_eq!(wide(ledger.total().unwrap().get()), self.vault, "I1: the vault holds what the ledger says");
    }

    fn check_pool(&mut self) {
        let (marks, price) = (self.marks(), Price::new(self.price));
        let depositing = self.market.pool_equity(&marks, price).unwrap().get();
        let leaving = self.market.pool_equity_leaving(&marks, price).unwrap().get();
        self.same("worth to who comes", &self.model.worth_depositing(self.price), depositing, 1);
        self.same("worth to who leaves", &self.model.worth_leaving(self.price), leaving, 1);
    }

    /// Traders own no more than exactly, and the pool no less.
    fn check_favour(&mut self) {
        let owned =
            self.positions.iter().map(|position| self.equity(&self.market, position)).fold(int(0), |sum, one| sum + one);
        let exact = self.model.owned(self.price);
        assert!(
            exact.is_exactly_at_least(owned.numer().clone(), owned.denom().clone()),
            "traders own {owned}; seed {}",
            self.seed
        );
        self.counts.traders_one_sided += 1;
        if self.pool_one_sided {
            let ledger = self.market.ledger;
            let short = owned - int(ledger.margin.get()) - int(ledger.pool.get()); // what the pool owes beyond what it has
            let exact = exact - self.model.margins() - &self.model.pool;
            assert!(
                exact.is_exactly_at_least(short.numer().clone(), short.denom().clone()),
                "the pool owns -({short}); seed {}",
                self.seed
            );
            self.counts.pool_one_sided += 1;
        }
    }

    /// Margin, what waits to be booked, and paper profit, exactly.
    fn equity(&self, market: &Market, position: &Position) -> Exact {
        let direction = position.open_direction().unwrap_or(Direction::Long);
        let side = SideNumbers::of(market.side(direction), direction);
        Holder::of(position).equity(&side, Price::new(self.price))
    }

    /// Whether the roundings of many deleveragings in a row, each decided by amounts that the one before has left open, leave a
    /// size open by a thousandth: such a history says no more.
    fn is_blurred(&self) -> bool {
        self.model.records.iter().any(|record| !record.notional.is_known_to(1_000))
    }

    // Orders.

    /// Touches everyone in one order and says what each then has, paper included.
    fn touched_in(&self, order: &[usize]) -> Vec<Exact> {
        let (mut market, mut positions) = (self.market, self.positions.clone());
        for i in order {
            market.settle(&mut positions[*i]).unwrap();
        }
        positions.iter().map(|position| self.equity(&market, position)).collect()
    }

    /// Settles the market in one order, redeems in it, and says what margin each is left with.
    fn settled_in(&self, order: &[usize]) -> Vec<Exact> {
        let (mut market, mut positions, mut settlements) = (self.market, self.positions.clone(), self.settlements.clone());
        let redeem = |market: &mut Market, position: &mut Position, settlements: &mut Vec<Settlement>| {
            if !position.claim.is_zero() {
                market.redeem(position, &mut settlements[position.claim_epoch as usize]).unwrap();
            }
        };
        for i in order {
            if positions[*i].open_direction().is_some() {
                market.settle(&mut positions[*i]).unwrap();
                market.close_for_claim(&mut positions[*i]).unwrap();
            }
        }
        settlements.push(market.finish_settlement().unwrap().settlement);
        order.iter().for_each(|i| redeem(&mut market, &mut positions[*i], &mut settlements));
        positions.iter().map(|position| int(position.margin.get())).collect()
    }

    /// That two orders leave everyone the same, within three satoshi.
    fn compare_orders(&mut self, rng: &mut StdRng) {
        if self.is(Status::Closed) {
            return;
        }
        let settling = self.is(Status::Settling);
        let mut order: Vec<usize> = (0..POSITIONS).collect();
        let mut one = || {
            order.shuffle(rng);
            if settling {
                self.settled_in(&order)
            } else {
                self.touched_in(&order)
            }
        };
        let (one, other) = (one(), one());
        let bound = int(3);
        let apart = one.iter().zip(&other).any(|(a, b)| a - b > bound || b - a > bound);
        assert!(!apart, "I6: {one:?} {other:?}; seed {}", self.seed);
        *(if settling { &mut self.counts.orders_compared_in_settlement } else { &mut self.counts.orders_compared }) += 1;
    }
}

/// A market's life, as the seed has it; `look` sees it at every step.
fn history(seed: u64, total: &mut Counts, look: fn(&mut World, &mut StdRng)) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World::random(seed, &mut rng, std::mem::take(total));
    let moods: [&[u64]; 4] = [&CALM, &WILD, &FALLING, &RISING];
    let mut mood = *moods.choose(&mut rng).unwrap();
    let pace = *[0.0, 0.2, 0.8].choose(&mut rng).unwrap();
    for _ in 0..STEPS {
        if rng.gen_bool(0.1) {
            mood = *moods.choose(&mut rng).unwrap();
        }
        world.advance(*WAITS.choose(&mut rng).unwrap(), *mood.choose(&mut rng).unwrap());
        look(&mut world, &mut rng);
        match world.market.lifecycle.status() {
            Status::Closed => break,
            _ if world.is_blurred() => break,
            Status::Settling => world.settle_some(&mut rng, pace),
            Status::Active => world.trade(&mut rng),
        }
    }
    world.counts.blurred += u32::from(world.is_blurred());
    world.counts.never_finished += u32::from(world.is(Status::Settling));
    if world.is(Status::Closed) {
        world.leave();
    }
    *total = world.counts;
}

#[test]
fn the_engine_agrees_with_a_model_that_walks_over_every_position() {
    let mut total = Counts::default();
    for seed in 0..HISTORIES {
        history(seed, &mut total, |_, _| ());
    }
    println!("{total:#?}");
    assert!(total.to_the_satoshi * 100 > total.compared * 60, "most amounts are known to the satoshi");
    assert!(total.within_a_thousand * 100 > total.compared * 95, "and nearly all to a hundred-thousandth of a bitcoin");
    assert!(total.traders_one_sided > 10_000 && total.pool_one_sided > 3_000, "{total:?}");
    assert!(total.opened > 5_000 && total.reduced > 1_000 && total.closed > 1_000 && total.booked > 1_000, "{total:?}");
    assert!(total.deleveraged > 200 && total.both_sides_deleveraged > 5 && total.deferred > 10, "{total:?}");
    assert!(total.liquidated_in_part > 300 && total.liquidated_whole > 1_000 && total.healthy > 5_000, "{total:?}");
    assert!(total.bad_debt > 300 && total.insured > 300 && total.insurance_capped > 300, "{total:?}");
    assert!(total.paid_in_full > 30 && total.cut_short > 30 && total.reopened > 30, "{total:?}");
    assert!(total.closed_for_good > 30 && total.never_finished > 30 && total.redeemed > 100, "{total:?}");
    assert!(total.withdrawn > 1_000 && total.provided > 1_000 && total.left_the_pool > 500, "{total:?}");
    assert!(total.refused_by_margin > 1_000 && total.refused_by_reserve > 1_000, "{total:?}");
    assert!(total.withdrawals_refused_by_reserve > 50 && total.open_verdicts > 0, "{total:?}");
    assert!(total.blurred * 20 < HISTORIES as u32, "{total:?}");
}

#[test]
fn who_is_settled_first_changes_nobodys_total() {
    let mut total = Counts::default();
    for seed in 10_000..10_000 + HISTORIES / 5 {
        history(seed, &mut total, World::compare_orders);
    }
    println!("{} and {} in a settlement", total.orders_compared, total.orders_compared_in_settlement);
    assert!(total.orders_compared > 1_000 && total.orders_compared_in_settlement > 300, "{total:?}");
}

#[test]
fn a_gain_above_the_free_pool_waits_for_the_loss_that_pays_it() {
    // A short opened at $60,000 and one opened at $21,000, each of 286 % of what the first depositor has in the pool: at
    // $42,000 the one has won 122 % of that and the other has lost 143 %, so that on paper the side wins nothing and everybody
    // else may leave.
    const FIRST: u64 = 1_000_000_000;
    let mut world = World::new(params(600_000, 0), 60_000 * 100 * CENT, FIRST);
    let marks = world.sync().unwrap();
    world.provide(12 * FIRST, &marks);
    for (i, percent) in [(0, 100), (1, 35)] {
        world.advance(61, percent);
        let marks = world.sync().unwrap();
        world.deposit(i, 3 * FIRST);
        world.open(i, Direction::Short, FIRST / 100 * 286, &marks);
        world.check();
    }
    world.request(world.shares);
    world.advance(700, 200);
    let marks = world.sync().unwrap();
    world.complete(&marks);
    world.check();
    assert_eq!((world.counts.opened, world.counts.left_the_pool), (2, 1));

    for (i, closed, refused) in [(0, 0, 1), (1, 1, 1), (0, 2, 1)] {
        let marks = world.sync().unwrap();
        world.reduce(i, None, &marks);
        world.check();
        assert_eq!((world.counts.closed, world.counts.refused_by_pool), (closed, refused));
    }
}
