//! Keys and lines over random histories: after every step whatever is liquidatable lies below its line, whatever lies below it is
//! liquidatable but for a few satoshi, and keys are what the positions' equities, found by other means, say they are.

mod common;

use common::exact::{bps, int, max, ratio, Exact};
use common::ledger_model::{sign_of, Holder, Side as ModelSide, ONE};
use common::lines::{class_of_one, key_of, line};
use common::{dear_params, dollars, sats, Bench, BOTH};
use inverse_perps_engine::actions::DecreaseSize::{Part, Whole};
use inverse_perps_engine::actions::Outcome;
use inverse_perps_engine::line::{Class, Key, Terms};
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::{Bps, Price, Scale, Seconds, Shares, UnixTime};
use inverse_perps_engine::{Error, Market, Params, Position, Side};
use num_bigint::BigInt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const TIMELOCK: Seconds = Seconds::new(3 * 86_400);
const STEPS: [u64; 11] = [70, 90, 95, 98, 99, 100, 101, 102, 105, 110, 140];

#[derive(Default, Debug)]
struct Counts {
    judged: u32,
    liquidatable: u32,
    reached_alone: u32,
    deleveraged: u32,
    raised: u32,
    settled: u32,
    exited: u32,
    voided: u32,
    shifted: u32,
    done: u32,
}

struct World {
    bench: Bench,
    positions: Vec<Position>,
    counts: Counts,
}

impl World {
    fn new(rng: &mut StdRng, counts: Counts) -> Self {
        let price = 10u64.pow(*[10, 12, 13, 15].choose(rng).unwrap()) * rng.gen_range(1..=9);
        let pool = *[10_000_000, 1_000_000_000, 1_000_000_000_000].choose(rng).unwrap();
        Self { bench: Bench::new(dear_params(), Price::new(price), pool), positions: vec![Position::default(); 8], counts }
    }

    /// Time passes and the price moves: funding accrues, winners may shrink. False where the market settles.
    fn advance(&mut self, rng: &mut StdRng) -> bool {
        let moved = u128::from(self.bench.price.get()) * u128::from(*STEPS.choose(rng).unwrap()) / 100;
        self.bench.price = Price::new(u64::try_from(moved).unwrap().clamp(1_000_000_000, Price::MAX.get()));
        self.bench.wait(*[61, 600, 3_600, 40_000].choose(rng).unwrap());
        let strained = self.bench.sync().expect("the market trades").strained;
        self.counts.deleveraged += u32::from(strained.is_some_and(|strained| strained.outcome == Outcome::Deleveraged));
        self.bench.market.status() == Status::Active
    }

    fn act(&mut self, rng: &mut StdRng) {
        let i = rng.gen_range(0..self.positions.len());
        let mut position = self.positions[i];
        let amount = rng.gen_range(1..=position.margin.get() + 1);
        let result = match rng.gen_range(0..100) {
            0..50 => self.increase(rng, &mut position),
            50..60 => {
                let held = position.shares.get() / 1_000_000;
                let size = if rng.gen_bool(0.3) { Whole } else { Part(dollars(rng.gen_range(0..=held))) };
                self.bench.decrease(&mut position, size).map(|_| ())
            }
            60..75 => self.settle(&mut position),
            75..80 => self.bench.withdraw(&mut position, amount),
            80..85 => self.bench.market.deposit_collateral(&mut position, sats(amount)),
            85..90 => self.bench.liquidate(&mut position).map(|_| ()),
            90..95 => {
                position.tips = sats(rng.gen_range(0..=position.margin.get()));
                position.next_order += 1;
                Ok(())
            }
            _ => self.raise(rng),
        };
        self.counts.done += u32::from(result.is_ok());
        let refused = result.err().is_none_or(|error| !matches!(error, Error::Overflow | Error::LedgerNotConserved));
        assert!(refused, "{result:?}");
        self.positions[i] = position;
    }

    fn increase(&mut self, rng: &mut StdRng, position: &mut Position) -> Result<(), Error> {
        let (pool, price) = (u128::from(self.bench.market.ledger.pool.get()), u128::from(self.bench.price.get()));
        let most = (pool * price / 10u128.pow(16) / 2).clamp(2, 1_000_000_000);
        let size = rng.gen_range(1..=u64::try_from(most).unwrap());
        let worth = u128::from(size) * 10u128.pow(16) / price;
        let margin = u64::try_from(worth * rng.gen_range(3..40) / 100).unwrap() + 10;
        self.bench.market.deposit_collateral(position, sats(margin))?;
        let direction = position.open_direction().unwrap_or(*BOTH.choose(rng).unwrap());
        self.bench.increase(position, direction, dollars(size)).map(|_| ())
    }

    /// New margin ratios; where they are higher, older positions are spared them for a while.
    fn raise(&mut self, rng: &mut StdRng) -> Result<(), Error> {
        let maintenance = rng.gen_range(95..300);
        let slope = Bps::new(rng.gen_range(0..30));
        let params = Params {
            maintenance_margin: Bps::new(maintenance),
            initial_margin: Bps::new(2 * maintenance),
            maintenance_margin_slope: slope,
            initial_margin_slope: slope,
            ..self.bench.market.params
        };
        self.bench.market.set_params(&params, TIMELOCK, UnixTime::new(self.bench.now))?;
        self.counts.raised += u32::from(!self.bench.market.spared_until.is_zero());
        Ok(())
    }

    /// Settling leaves the key but for its two roundings, and but for tips that a loss frees.
    fn settle(&mut self, position: &mut Position) -> Result<(), Error> {
        let before = *position;
        let settled = self.bench.market.settle(position)?;
        let (Some(settled), Some(direction)) = (settled, before.open_direction()) else { return Ok(()) };
        let freed = before.tips.get() - position.tips.get();
        let fell = key_of(&before).get() - key_of(position).get();
        let shares = i128::from(position.shares.get());
        let most = 2 * ONE / shares + 1;
        let least = -i128::from(freed) * ONE / shares - 1;
        assert!((least..=most).contains(&fell), "{direction:?}: the key fell by {fell}, not {least} to {most}");
        self.counts.settled += 1;
        self.counts.exited += u32::from(before.scale != position.scale);
        self.counts.voided += u32::from(freed > 0);
        self.counts.shifted += u32::from(!settled.shifted.is_zero());
        Ok(())
    }

    fn settle_all(&mut self) {
        for i in 0..self.positions.len() {
            let mut position = self.positions[i];
            self.settle(&mut position).expect("settling never fails");
            self.positions[i] = position;
        }
    }

    fn check(&mut self) {
        for position in self.positions.iter().filter(|position| position.open_direction().is_some()) {
            let (market, price) = (&self.bench.market, self.bench.price);
            let direction = position.open_direction().unwrap();
            let side = market.side(direction);
            let key = key_of(position);
            let equity = Holder::of(position).equity(&ModelSide::of(side, direction), price) - int(position.tips.get());
            assert_key_is(key, position, side, &equity, price);

            let own = class_of_one(market, position);
            let (least, most) = (position.shares.get() / 5 * 4 + 1, position.shares.get() + position.shares.get() / 5);
            let wide = Class::of(&Terms::of(market, direction), Shares::new(least), Shares::new(most)).unwrap();
            let below = |class: &Class| key < line(class, direction, side, price);
            let liquidatable = self.is_liquidatable(position);
            self.counts.judged += 1;
            self.counts.liquidatable += u32::from(liquidatable);
            if liquidatable {
                assert!(below(&own) && below(&wide), "missed: {position:?} at {price:?}");
            } else if below(&own) {
                self.counts.reached_alone += 1;
            }
            if below(&own) {
                assert!(below(&wide), "a wider class reaches further");
                assert_only_just(market, position, &equity, price);
            }
        }
    }

    /// By the program's own action, on a copy: settled as it stands.
    fn is_liquidatable(&self, position: &Position) -> bool {
        let (mut bench, mut position) = (self.bench.clone(), *position);
        match bench.liquidate(&mut position) {
            Err(Error::NotLiquidatable) => false,
            Ok(_) | Err(Error::PoolExhausted) => true,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The key is, floored, what the equity, found by other means and wherever the side's indices have gone, says it is.
fn assert_key_is(key: Key, position: &Position, side: &Side, equity: &Exact, price: Price) {
    let sign = sign_of(position.open_direction().unwrap());
    let worth = ratio(BigInt::from(side.scale.get()) * 10_000_000_000u64, price.get());
    let a_share = equity * int(ONE) / int(position.shares.get());
    let exact = a_share + int(side.cost_index.get()) + int(sign) * (int(side.exit_index.get()) + worth);
    let off = exact - int(key.get());
    assert!(off >= int(0) && off < int(1), "the key is {off} off");
}

/// Below its own line a position has at most a few satoshi more than maintenance, of the highest ratio that holds for anyone.
fn assert_only_just(market: &Market, position: &Position, equity: &Exact, price: Price) {
    let direction = position.open_direction().unwrap();
    let dollars =
        ratio(BigInt::from(position.shares.get()) * market.side(direction).scale.get(), BigInt::from(ONE) * 1_000_000);
    let value = &dollars * ratio(10_000_000_000_000_000u64, price.get());
    let at = |base: Bps, slope: Bps| bps(base.get()) + bps(slope.get()) * &dollars / int(1_000_000);
    let mut held_to = at(market.params.maintenance_margin, market.params.maintenance_margin_slope);
    if !market.spared_until.is_zero() {
        held_to = max(held_to, at(market.spared.maintenance, market.spared.maintenance_slope));
    }
    let satoshi = if market.side(direction).scale == Scale::ONE { 1 } else { 3 };
    let rounded = int(satoshi) + ratio(BigInt::from(position.shares.get()) * 4, ONE);
    assert!(*equity < &value * held_to + rounded, "far from liquidation: {position:?}");
}

#[test]
fn over_random_histories_no_liquidatable_position_is_above_its_line() {
    let mut counts = Counts::default();
    for seed in 0..150 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World::new(&mut rng, counts);
        for _ in 0..40 {
            if !world.advance(&mut rng) {
                break;
            }
            world.check();
            for _ in 0..3 {
                world.act(&mut rng);
                world.check();
            }
        }
        world.settle_all();
        counts = world.counts;
    }
    println!("{counts:?}");
    let Counts { judged, liquidatable, deleveraged, raised, settled, exited, voided, shifted, done, .. } = counts;
    let seen = [judged / 100, liquidatable / 10, deleveraged, raised, settled, exited, voided, shifted, done / 100];
    assert!(seen.iter().all(|times| *times >= 10), "the histories saw too little: {counts:?}");
}
