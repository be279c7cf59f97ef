//! Random histories of a whole market: prices that halve and double, several longs and shorts, every action there is, and sides
//! that have been deleveraged between the steps. After every step each sum is the exact sum over the positions, and the vault
//! that is kept outside of the engine is the ledger's.

mod common;

use common::exact::{int, Exact};
use common::ledger_model::{div, sign_of, Holder, Model, Side as ModelSide, ONE};
use common::{dear_params, dollars, sats, Bench, BOTH};
use inverse_perps_engine::actions::DecreaseSize::{Part, Whole};
use inverse_perps_engine::actions::Outcome;
use inverse_perps_engine::oracle::{PriceUse, Quote};
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::{Bps, Price};
use inverse_perps_engine::{Direction, Error, Market, Params, Position, Side};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const STEPS: [u64; 13] = [50, 70, 80, 90, 97, 99, 100, 101, 103, 110, 125, 150, 200];

#[derive(Default, Debug)]
struct Counts {
    actions: u32,
    deleveraged: u32,
    settled_after_deleveraging: u32,
    shifted: u32,
    liquidated_in_part: u32,
    liquidated_whole: u32,
    short_of_margin: u32,
    orders_voided: u32,
    refused: u32,
    withdrawn: u32,
    orders_compared: u32,
}

struct World {
    bench: Bench,
    positions: Vec<Position>,
    /// Deposits less withdrawals and rewards.
    vault: i128,
    counts: Counts,
}

fn wide(n: u64) -> i128 {
    n.into()
}

/// Errors that a well-formed action may meet. A broken ledger or an overflow is none of them.
fn is_refusal(error: Error) -> bool {
    !matches!(error, Error::Overflow | Error::LedgerNotConserved | Error::SideNotEmpty | Error::PriceRequired)
}

fn model_side(market: &Market, direction: Direction) -> ModelSide {
    ModelSide::of(market.side(direction), direction)
}

fn equity(market: &Market, position: &Position, price: Price) -> Exact {
    let side = model_side(market, position.open_direction().unwrap_or(Direction::Long));
    Holder::of(position).equity(&side, price)
}

fn within(a: &Exact, b: &Exact, bound: i64) -> bool {
    let difference = a - b;
    difference <= int(bound) && -difference <= int(bound)
}

impl World {
    fn new(rng: &mut StdRng) -> Self {
        let price = 10u64.pow(*[10, 12, 13, 15].choose(rng).unwrap()) * rng.gen_range(1..=9);
        let pool = *[10_000_000, 1_000_000_000, 1_000_000_000_000].choose(rng).unwrap();
        let bench = Bench::new(dear_params(), Price::new(price), pool);
        Self { bench, positions: vec![Position::default(); 6], vault: wide(pool), counts: Counts::default() }
    }

    /// A later minute and another price, which may deleverage. False where the market settles.
    fn advance(&mut self, rng: &mut StdRng) -> bool {
        let moved = u128::from(self.bench.price.get()) * u128::from(*STEPS.choose(rng).unwrap()) / 100;
        self.bench.price = Price::new(u64::try_from(moved).unwrap().clamp(1_000_000_000, Price::MAX.get()));
        self.bench.confidence = self.bench.price.get() / 10_000 * rng.gen_range(0..=25);
        self.bench.wait(*[61, 600, 3_600, 40_000].choose(rng).unwrap());
        let strained = self.bench.sync().expect("the market trades").strained;
        self.counts.deleveraged += u32::from(strained.is_some_and(|strained| strained.outcome == Outcome::Deleveraged));
        self.bench.market.status() == Status::Active
    }

    fn refused<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        if let Err(error) = &result {
            assert!(is_refusal(*error), "{error:?}");
            self.counts.refused += 1;
        }
        result.ok()
    }

    fn liquidate_all(&mut self) {
        for i in 0..self.positions.len() {
            let mut position = self.positions[i];
            if let Ok(done) = self.bench.liquidate(&mut position) {
                self.vault -= wide(done.reward.get());
                if position.shares.is_zero() {
                    self.counts.liquidated_whole += 1;
                } else {
                    self.counts.liquidated_in_part += 1;
                }
                self.counts.short_of_margin += u32::from(done.shortfall != Default::default());
                self.positions[i] = position;
                self.check();
            }
        }
    }

    fn act(&mut self, rng: &mut StdRng) {
        self.counts.actions += 1;
        let i = rng.gen_range(0..self.positions.len());
        let mut position = self.positions[i];
        let before = position;
        match rng.gen_range(0..100) {
            0..40 => self.increase(rng, &mut position),
            40..60 => {
                let held = position.shares.get() / 1_000_000;
                let size = if rng.gen_bool(0.5) { Whole } else { Part(dollars(rng.gen_range(0..=held))) };
                let result = self.bench.decrease(&mut position, size);
                self.refused(result);
            }
            60..75 => self.settle(&mut position),
            75..82 => {
                let amount = rng.gen_range(1..=position.margin.get() + 1);
                let result = self.bench.withdraw(&mut position, amount);
                if self.refused(result).is_some() {
                    self.counts.withdrawn += 1;
                    self.vault -= wide(amount);
                }
            }
            82..88 => {
                let amount = rng.gen_range(1..=1_000_000_000);
                let Ok(marks) = self.bench.try_sync(PriceUse::Increase) else { return };
                let mut market = self.bench.market;
                let result = market.deposit_liquidity(sats(amount), 0, &marks, self.bench.at());
                if self.refused(result).is_some() {
                    self.bench.market = market;
                    self.vault += wide(amount);
                }
            }
            88..92 => {
                self.bench.market.fund_insurance(sats(1_000)).unwrap();
                self.vault += 1_000;
            }
            _ => {
                position.tips = sats(rng.gen_range(0..=position.margin.get()));
                position.next_order += 1;
            }
        }
        self.counts.orders_voided += u32::from(position.void_orders_below > before.void_orders_below);
        self.positions[i] = position;
    }

    fn increase(&mut self, rng: &mut StdRng, position: &mut Position) {
        let (pool, price) = (u128::from(self.bench.market.ledger.pool.get()), u128::from(self.bench.price.get()));
        let most = (pool * price / 10u128.pow(16) / 2).clamp(2, 1_000_000_000);
        let size = rng.gen_range(1..=u64::try_from(most).unwrap());
        let worth = u128::from(size) * 10u128.pow(16) / price;
        let margin = u64::try_from(worth * rng.gen_range(3..60) / 100).unwrap() + 10;
        self.bench.market.deposit_collateral(position, sats(margin)).unwrap();
        self.vault += wide(margin);
        let direction = position.open_direction().unwrap_or(*BOTH.choose(rng).unwrap());
        let result = self.bench.increase(position, direction, dollars(size));
        self.refused(result);
    }

    fn settle(&mut self, position: &mut Position) {
        let direction = position.open_direction();
        let before = equity(&self.bench.market, position, self.bench.price);
        let exited = direction.is_some_and(|d| position.scale != self.bench.market.side(d).scale);
        let settled = self.bench.market.settle(position).unwrap();
        let after = equity(&self.bench.market, position, self.bench.price);
        assert!(within(&before, &after, 3), "I5: settling made {before} into {after}");
        assert!(after <= before, "I5: and not to the position's advantage");
        self.counts.settled_after_deleveraging += u32::from(exited);
        self.counts.shifted += u32::from(settled.is_some_and(|settled| !settled.shifted.is_zero()));
        let again = (*position, self.bench.market);
        assert_eq!(self.bench.market.settle(position), Ok(None), "nothing is due twice");
        assert_eq!((*position, self.bench.market), again);
    }

    fn check(&mut self) {
        let market = self.bench.market;
        let price = wide(self.bench.price.get());
        let mut pool_equity = wide(market.ledger.pool.get());
        let mut owed_to_sides = 0;
        for direction in BOTH {
            let own: Vec<_> = self.positions.iter().filter(|p| p.open_direction() == Some(direction)).collect();
            let (side, model) = (market.side(direction), model_side(&market, direction));
            if own.is_empty() {
                assert_eq!(side, &Side::empty(), "I3: the last one out restarts the side");
                continue;
            }
            let sum = |of: &dyn Fn(&Holder) -> i128| own.iter().map(|p| of(&Holder::of(p))).sum::<i128>();
            assert_eq!(model.shares, sum(&|holder| holder.shares));
            assert_eq!(model.basis, sum(&|holder| holder.basis));
            assert_eq!(wide(side.margin.get()), sum(&|holder| holder.margin));
            assert_eq!(model.cost_owed, sum(&|holder| holder.cost(&model)));
            assert_eq!(model.owed, sum(&|holder| holder.exited(&model)));
            assert_eq!(model.positions, own.len() as u64);
            assert!(own.iter().all(|position| !position.shares.is_zero() && position.scale >= side.scale));
            pool_equity -= model.due(price).max(-wide(side.margin.get()));
            owed_to_sides += model.due(price);
        }
        for position in &self.positions {
            assert!(position.tips <= position.margin);
            let left = (position.shares.get(), position.basis.get(), position.scale.get(), position.cost_index.get());
            assert!(position.open_direction().is_some() || left == (0, 0, 0, 0), "flat with {left:?}");
        }
        let ledger = market.ledger;
        assert_eq!(ledger.margin.get(), self.positions.iter().map(|p| p.margin.get()).sum::<u64>(), "I2");
        assert_eq!(wide(ledger.total().unwrap().get()), self.vault, "I1: the vault holds what the ledger says");
        assert!(self.vault >= 0 && ledger.funds.is_zero());
        assert_eq!(wide(market.free_pool().unwrap().get()), Model::of(&market).free_pool());

        let marks = market.marks(Quote::at(self.bench.price)).unwrap();
        assert_eq!(
            wide(market.pool_equity(&marks, self.bench.price).unwrap().get().try_into().unwrap_or(0)),
            pool_equity.max(0)
        );
        self.check_accounted_for(owed_to_sides);
    }

    /// In one step and position by position, the whole vault is somebody's.
    fn check_accounted_for(&self, owed_to_sides: i128) {
        let ledger = &self.bench.market.ledger;
        let others = [ledger.pool, ledger.insurance, ledger.protocol_fees, ledger.funds].map(|balance| wide(balance.get()));
        let traders = self.positions.iter().map(|position| equity(&self.bench.market, position, self.bench.price).floor());
        let owned = traders.fold(int(0), |sum, one| sum + one) + int(others.iter().sum::<i128>() - owed_to_sides);
        let bound = 2 * i64::try_from(self.positions.len()).unwrap() + 4;
        assert!(within(&owned, &int(self.vault), bound), "I7: {owned} of {}", self.vault);
    }

    /// Settles everyone in one order and says what each then has, paper included.
    fn settled_in(&self, order: &[usize]) -> Vec<Exact> {
        let (mut market, mut positions) = (self.bench.market, self.positions.clone());
        for i in order {
            market.settle(&mut positions[*i]).unwrap();
        }
        positions.iter().map(|position| equity(&market, position, self.bench.price)).collect()
    }

    fn compare_orders(&mut self, rng: &mut StdRng) {
        let mut order: Vec<usize> = (0..self.positions.len()).collect();
        order.shuffle(rng);
        let one = self.settled_in(&order);
        order.shuffle(rng);
        let other = self.settled_in(&order);
        assert!(one.iter().zip(&other).all(|(a, b)| within(a, b, 3)), "I6: {one:?} {other:?}");
        let untouched = self.settled_in(&[]);
        assert!(one.iter().zip(&untouched).all(|(a, b)| within(a, b, 3)));
        self.counts.orders_compared += 1;
    }
}

fn history(seed: u64, total: &mut Counts) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut world = World { counts: std::mem::take(total), ..World::new(&mut rng) };
    for _ in 0..60 {
        if !world.advance(&mut rng) {
            break;
        }
        world.check();
        if rng.gen_bool(0.1) {
            world.compare_orders(&mut rng);
        }
        if rng.gen_bool(0.6) {
            world.liquidate_all();
        }
        for _ in 0..2 {
            world.act(&mut rng);
            world.check();
        }
    }
    world.compare_orders(&mut rng);
    for i in 0..world.positions.len() {
        let mut position = world.positions[i];
        world.settle(&mut position);
        world.positions[i] = position;
        world.check();
    }
    *total = world.counts;
}

#[test]
fn after_any_history_every_sum_is_exact_and_every_satoshi_is_somebodys() {
    let mut total = Counts::default();
    for seed in 0..1_000 {
        history(seed, &mut total);
    }
    println!("{total:?}");
    assert!(total.actions > 20_000 && total.deleveraged > 300 && total.settled_after_deleveraging > 300, "{total:?}");
    assert!(total.shifted > 20 && total.liquidated_in_part > 100 && total.liquidated_whole > 300, "{total:?}");
    assert!(total.short_of_margin > 100 && total.orders_voided > 50 && total.withdrawn > 100, "{total:?}");
}

#[test]
fn a_side_deleveraged_by_half_leaves_each_position_half_and_its_profit() {
    // Two longs of $100,000 and $300,000 from $50,000 at $60,000 have won a sixth of their entry value, 33,333,333.3 and
    // 100,000,000 satoshi; half of each is written down at the next touch, the other half stays on paper.
    let params = Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..common::still() };
    let mut bench = Bench::new(params, common::usd(50_000), 2_000_000_000);
    let mut positions = [100_000, 300_000].map(|size| bench.opened(Direction::Long, dollars(size), 50_000_000));
    bench.move_to(common::usd(60_000));
    bench.marks();
    let mut side = model_side(&bench.market, Direction::Long);
    let exit_step = div(ONE / 2 * 10_000_000_000, wide(bench.price.get()), true);
    side.owed += sign_of(Direction::Long) * (side.basis * (ONE / 2) - side.shares * exit_step);
    side.exit_index += exit_step;
    side.scale /= 2;
    side.write_deleveraged(&mut bench.market.long);
    assert!(bench.market.free_pool().unwrap().get().abs_diff(2_000_000_000 - 66_666_666) <= 1, "what was won is reserved");
    for (position, won) in positions.iter_mut().zip([16_666_666, 50_000_000]) {
        bench.settle(position);
        assert!((50_000_000 + won - position.margin.get()) <= 1);
        let side = bench.market.side(Direction::Long);
        assert_eq!(position.notional(side).unwrap().get(), position.shares.get() / 2);
    }
    assert_eq!(bench.market.long.owed.get(), 0);
}
