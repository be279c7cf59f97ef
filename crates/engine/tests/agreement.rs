//! The engine against a second ledger, written apart from it (`common/ledger_model.rs`): thousands of random actions, and every
//! balance, sum, index and position agrees to the last 1e-18 satoshi.

mod common;

use common::ledger_model::{div, sign_of, Deleveraged, Holder, Model, PoolExhausted, Side, ONE};
use common::{dollars, open_params, sats, Bench, BOTH, START};
use inverse_perps_engine::actions::{DecreaseSize, Filled, Outcome};
use inverse_perps_engine::settlement::{Settlement, Status};
use inverse_perps_engine::units::{Bps, Notional, Price};
use inverse_perps_engine::{Direction, Error, Params, Position};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const MAX_RATE: u32 = 100_000_000;
const SKEW_SCALE: u64 = 1_000_000_000_000;
const STEPS: [u64; 11] = [50, 70, 80, 90, 97, 100, 103, 110, 125, 150, 200];

/// Rules that are not the ledger's are wide open: the surcharge, the borrow fee, and the slopes of the margin ratios.
fn params() -> Params {
    Params {
        max_funding: MAX_RATE,
        max_borrow: 0,
        skew_scale: Notional::new(SKEW_SCALE),
        impact_max: Bps::new(0),
        initial_margin_slope: Bps::new(0),
        maintenance_margin_slope: Bps::new(0),
        min_notional: dollars(1),
        stress: Bps::new(1_000),
        max_utilisation: Bps::new(9_500),
        ..open_params()
    }
}

#[derive(Default, Debug)]
struct Counts {
    actions: u32,
    deleveraged: u32,
    shifted: u32,
    refused_gains: u32,
    liquidated: u32,
    bad_debts: u32,
    settlements: u32,
    haircuts: u32,
    redeemed: u32,
    closed: u32,
}

struct Pair {
    bench: Bench,
    model: Model,
    positions: Vec<(Position, Holder)>,
    settlements: Vec<Settlement>,
    day: i64,
    counts: Counts,
}

fn wide(n: u64) -> i128 {
    n.into()
}

impl Pair {
    fn new(rng: &mut StdRng) -> Self {
        let price = 10u64.pow(*[8, 10, 13, 15].choose(rng).unwrap()) * rng.gen_range(1..=9);
        let (pool, insurance) =
            ([1_000_000, 1_000_000_000, 1_000_000_000_000][rng.gen_range(0..3)], [0, 100_000][rng.gen_range(0..2)]);
        let mut bench = Bench::new(params(), Price::new(price), pool);
        bench.insure(insurance);
        Self {
            bench,
            model: Model::new(wide(pool), wide(insurance)),
            positions: Vec::new(),
            settlements: Vec::new(),
            day: START / 86_400,
            counts: Counts::default(),
        }
    }

    fn price(&self) -> i128 {
        wide(self.bench.price.get())
    }

    /// The price moves, time passes, funding accrues, and profit is cut if it is due; or the market begins to settle.
    fn advance(&mut self, rng: &mut StdRng) {
        let step = STEPS.choose(rng).unwrap();
        let moved = u128::from(self.bench.price.get()) * u128::from(*step) / 100;
        self.bench.price = Price::new(u64::try_from(moved).unwrap().clamp(Price::MIN.get(), Price::MAX.get()));
        let seconds = rng.gen_range(61..=3_600);
        self.bench.wait(seconds);
        if self.model.settlement_price.is_some() {
            return;
        }
        if self.bench.now / 86_400 != self.day {
            self.day = self.bench.now / 86_400;
            self.model.begin_day();
        }
        self.model.accrue(self.price(), seconds.into(), MAX_RATE.into(), wide(SKEW_SCALE));
        while self.relieve() == Some(Outcome::Deleveraged) {}
    }

    /// Syncs both. Every instruction does, and in a pool of a few satoshi one deleveraging can call for the next.
    fn relieve(&mut self) -> Option<Outcome> {
        let synced = self.bench.sync().expect("the market trades");
        let outcome = match self.model.deleverage(self.price()) {
            Deleveraged::NotDue => None,
            Deleveraged::Done => Some(Outcome::Deleveraged),
            Deleveraged::MustSettle => Some(Outcome::Settling),
        };
        assert_eq!(synced.strained.map(|strained| strained.outcome), outcome);
        self.counts.deleveraged += u32::from(outcome == Some(Outcome::Deleveraged));
        self.counts.settlements += u32::from(outcome == Some(Outcome::Settling));
        self.compare();
        outcome
    }

    /// Closes everybody for a claim, in any order, and finishes. False where the market is closed for good.
    fn settle_market(&mut self, rng: &mut StdRng) -> bool {
        let mut order: Vec<usize> = (0..self.positions.len()).collect();
        order.shuffle(rng);
        for i in order {
            let (position, holder) = &mut self.positions[i];
            self.bench.close_for_claim(position);
            self.model.close_for_claim(holder);
            self.compare();
        }
        let finished = self.bench.market.finish_settlement().unwrap();
        let short = self.model.finish();
        self.counts.haircuts += u32::from(short);
        self.settlements.push(finished.settlement);
        assert_eq!(finished.closed, short || self.bench.market.ledger.pool < self.bench.market.params.min_first_deposit);
        if !finished.closed {
            self.compare();
        }
        !finished.closed
    }

    fn redeem(&mut self, i: usize) {
        let (position, holder) = &mut self.positions[i];
        if let Some(settlement) = self.settlements.get_mut(position.claim_epoch as usize).filter(|_| !position.claim.is_zero())
        {
            let redeemed = self.bench.market.redeem(position, settlement).unwrap();
            let before = holder.margin;
            self.model.redeem(holder);
            assert_eq!(wide(redeemed.paid.get()), holder.margin - before);
            self.counts.redeemed += 1;
        }
    }

    fn act(&mut self, rng: &mut StdRng) {
        self.counts.actions += 1;
        let roll = rng.gen_range(0..100);
        if roll < 45 || self.positions.is_empty() {
            let margin = rng.gen_range(1..=(self.bench.market.ledger.pool.get() / 5).max(2));
            let position = self.bench.funded(margin);
            let mut holder = Holder::default();
            self.model.deposit(&mut holder, wide(margin));
            self.positions.push((position, holder));
            self.increase(rng, self.positions.len() - 1);
            return;
        }
        let i = rng.gen_range(0..self.positions.len());
        self.redeem(i);
        match roll {
            0..55 => self.increase(rng, i),
            55..65 => {
                let (position, holder) = &mut self.positions[i];
                self.bench.settle(position);
                self.model.settle(holder);
            }
            65..70 => {
                let (position, holder) = &mut self.positions[i];
                let amount = rng.gen_range(1..1_000_000);
                self.bench.market.deposit_collateral(position, sats(amount)).unwrap();
                self.model.deposit(holder, wide(amount));
            }
            70..80 => self.liquidate(i),
            _ => self.decrease(rng, i),
        }
    }

    /// On a closed market every claim is redeemed; then insurance is the pool's, and every other balance is as it was.
    fn wind_up(&mut self) {
        for i in 0..self.positions.len() {
            self.redeem(i);
        }
        self.model.pool += std::mem::take(&mut self.model.insurance);
        assert_eq!(self.model.funds, 0);
        self.compare();
        self.counts.closed += 1;
    }

    /// The largest size worth trying: the pool at the price.
    fn size(&self, rng: &mut StdRng) -> u64 {
        let whole = u128::from(self.bench.market.ledger.pool.get()) * u128::from(self.bench.price.get()) / 10u128.pow(16);
        rng.gen_range(1..=u64::try_from(whole).unwrap().clamp(2, 1_000_000_000))
    }

    fn charge(model: &mut Model, holder: &mut Holder, filled: &Filled) {
        let fee = filled.fee;
        let whole = wide(fee.total().unwrap().get());
        assert!(whole <= div((wide(filled.value.get()) + 1) * 5, 10_000, true), "at most five basis points, rounded up");
        model.charge(holder, [fee.pool, fee.insurance, fee.protocol].map(|part| wide(part.get())));
    }

    /// Whether an increase is allowed is the engine's to say; what it does is not.
    fn increase(&mut self, rng: &mut StdRng, i: usize) {
        let (size, direction) = (self.size(rng), *BOTH.choose(rng).unwrap());
        let price = self.price();
        let (position, holder) = &mut self.positions[i];
        if let Ok(filled) = self.bench.increase(position, direction, dollars(size)) {
            self.model.settle(holder);
            self.model.increase(holder, sign_of(direction), wide(size) * 1_000_000, price);
            Self::charge(&mut self.model, holder, &filled);
        }
    }

    fn decrease(&mut self, rng: &mut StdRng, i: usize) {
        let price = self.price();
        let (position, holder) = &mut self.positions[i];
        let Some(direction) = position.open_direction() else { return };
        let scale = self.model.side(sign_of(direction)).scale;
        let held = u64::try_from(holder.shares * scale / ONE / 1_000_000).unwrap();
        let part = if rng.gen_bool(0.5) { None } else { Some(rng.gen_range(1..=held.max(1))) };
        let size = part.map_or(DecreaseSize::Whole, |part| DecreaseSize::Part(dollars(part)));
        let shares = part.map(|part| wide(part) * 1_000_000 * ONE / scale);
        let (mut model, mut after) = (self.model.clone(), holder.clone());
        model.settle(&mut after);
        match (self.bench.decrease(position, size), part) {
            (Ok(filled), _) => {
                model.decrease(&mut after, shares, price).expect("both can pay");
                Self::charge(&mut model, &mut after, &filled);
                (self.model, *holder) = (model, after);
            }
            (Err(Error::PoolExhausted), None) => {
                assert_eq!(model.decrease(&mut after, shares, price), Err(PoolExhausted));
                self.counts.refused_gains += 1;
            }
            (Err(Error::ReductionTooLarge | Error::BelowMinNotional | Error::MarginBelowFee), Some(_)) => {}
            (Err(error), _) => panic!("{error:?} for {part:?} of {direction:?}"),
        }
    }

    /// How much is closed is the engine's to say; who pays whom for it is section 7's.
    fn liquidate(&mut self, i: usize) {
        let price = self.price();
        let (position, holder) = &mut self.positions[i];
        let Ok(done) = self.bench.liquidate(position) else { return };
        self.counts.liquidated += 1;
        self.model.settle(holder);
        let side = self.model.side(holder.sign).clone();
        let closed = holder.shares - wide(position.shares.get());
        let basis = holder.basis - position.basis.get();
        let worth = div(closed * side.scale, 100_000_000 * price, side.sign > 0);
        let part = (closed < holder.shares).then_some(closed);
        self.model.decrease(holder, part, price).expect("the engine closed it");
        let fee = div(worth * 30, 10_000, true);
        let to_liquidator = holder.margin.min(fee / 2);
        let to_insurance = (holder.margin - to_liquidator).min(fee - fee / 2);
        self.model.charge(holder, [0, to_insurance, 0]);
        self.model.deposit(holder, -to_liquidator);
        // At most the taker fee on what came in; costs that have eaten all of that lift the bound.
        let came_in = div(basis * side.scale, ONE, side.sign < 0);
        let least = if came_in > 0 { (worth * 2 / 10_000).min(came_in * 5 / 10_000) } else { worth * 2 / 10_000 };
        let top_up = (least - to_liquidator).max(0);
        let from_insurance = self.model.take_insurance(top_up);
        let from_pool = (top_up - from_insurance).min(self.model.free_pool());
        self.model.pool -= from_pool;
        assert_eq!(wide(done.reward.get()), to_liquidator + from_insurance + from_pool);
    }

    fn compare(&self) {
        let (market, model) = (&self.bench.market, &self.model);
        for direction in BOTH {
            assert_eq!(&Side::of(market.side(direction), direction), model.side(sign_of(direction)));
            let backing = self.positions.iter().filter(|(position, _)| position.open_direction() == Some(direction));
            let backing: i128 = backing.map(|(_, holder)| holder.margin).sum();
            assert_eq!(wide(market.side(direction).margin.get()), backing);
        }
        for (position, holder) in &self.positions {
            assert_eq!(&Holder::of(position), holder);
        }
        let ledger = &market.ledger;
        let life = &market.lifecycle;
        let balances = [
            ledger.margin,
            ledger.pool,
            ledger.insurance,
            ledger.protocol_fees,
            ledger.funds,
            market.bad_debt,
            life.claims,
            life.top_up_most,
        ];
        let expected = [
            model.margin,
            model.pool,
            model.insurance,
            model.protocol,
            model.funds,
            model.bad_debt,
            model.claims,
            model.top_up_most,
        ];
        assert_eq!(balances.map(|balance| wide(balance.get())), expected);
        assert_eq!(wide(market.free_pool().unwrap().get()), model.free_pool());
    }
}

fn history(seed: u64) -> Counts {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut pair = Pair::new(&mut rng);
    for _ in 0..80 {
        pair.advance(&mut rng);
        // Some settlements are finished late.
        if pair.model.settlement_price.is_some() && rng.gen_bool(0.5) && !pair.settle_market(&mut rng) {
            pair.wind_up();
            break;
        }
        if pair.model.settlement_price.is_none() {
            pair.act(&mut rng);
            pair.compare();
        }
    }
    for i in 0..pair.positions.len() {
        // A loss that comes to light here, and that no margin pays, can bring the rest of the profit too near to the pool.
        while pair.bench.market.status() == Status::Active && pair.relieve() == Some(Outcome::Deleveraged) {}
        if pair.bench.market.status() == Status::Active {
            let (position, holder) = &mut pair.positions[i];
            pair.bench.settle(position);
            pair.model.settle(holder);
            pair.compare();
        }
    }
    pair.counts.shifted = pair.model.shifts;
    pair.counts.bad_debts = u32::from(pair.model.bad_debt > 0);
    pair.counts
}

#[test]
fn the_engine_and_an_independent_ledger_agree_to_the_last_unit() {
    let mut total = Counts::default();
    for seed in 0..10_000 {
        let counts = history(seed);
        total.actions += counts.actions;
        total.deleveraged += counts.deleveraged;
        total.shifted += counts.shifted;
        total.refused_gains += counts.refused_gains;
        total.liquidated += counts.liquidated;
        total.bad_debts += counts.bad_debts;
        total.settlements += counts.settlements;
        total.haircuts += counts.haircuts;
        total.redeemed += counts.redeemed;
        total.closed += counts.closed;
    }
    println!("{total:?}");
    assert!(total.actions > 200_000 && total.deleveraged > 2_000 && total.shifted > 1_000, "{total:?}");
    assert!(total.refused_gains > 0 && total.liquidated > 2_000 && total.bad_debts > 1_000, "{total:?}");
    assert!(total.settlements > 1_000 && total.haircuts > 100 && total.redeemed > 1_000 && total.closed > 100, "{total:?}");
}

#[test]
fn directions_have_opposite_signs() {
    assert_eq!((sign_of(Direction::Long), sign_of(Direction::Short)), (1, -1));
}
