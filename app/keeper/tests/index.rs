//! The index against a look at every position, over random markets: at every tick it finds exactly those that the program would
//! liquidate, whatever funding, deleveraging and trades have come between.

use inverse_perps_engine::actions::{Decrease, DecreaseSize, Increase};
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::market::{Fills, Marks};
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::units::{Basis, Bps, CostIndex, FineSats, Notional, Price, Sats, Scale, Seconds, Shares, UnixTime};
use inverse_perps_engine::{Direction, Market, Params, Position, Side};
use perps_keeper::index::{liquidation_price, Index, Nearest};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use solana_address::Address;
use std::collections::BTreeSet;

const START: i64 = 1_700_000_000;
const TIMELOCK: Seconds = Seconds::new(3 * 86_400);
const BOTH: [Direction; 2] = [Direction::Long, Direction::Short];
const MOVES: [u64; 11] = [8_000, 9_500, 9_900, 9_970, 9_990, 10_000, 10_010, 10_030, 10_100, 10_500, 12_000];

fn address(number: usize) -> Address {
    let mut bytes = [0xa5; 32];
    bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_le_bytes());
    Address::new_from_array(bytes)
}

fn dollars(amount: u64) -> Notional {
    Notional::new(amount * 1_000_000)
}

/// Funding and borrow fee at their bounds, growth of the margins so steep that size matters, no brakes.
fn params() -> Params {
    let params = Params {
        max_funding: 60_000_000,
        max_borrow: 40_000_000,
        skew_scale: dollars(1_000_000),
        maintenance_margin_slope: Bps::new(100),
        initial_margin_slope: Bps::new(100),
        min_hold: Seconds::new(0),
        max_jump: Bps::ONE,
        max_side_notional: dollars(1_000_000_000),
        max_position_notional: dollars(1_000_000_000),
        max_pool: Sats::new(2_100_000_000_000_000),
        stress: Bps::new(1_000),
        max_utilisation: Bps::new(8_000),
        ..Params::standard()
    };
    params.validate(TIMELOCK).unwrap();
    params
}

#[derive(Default, Debug)]
struct Counts {
    ticks: u64,
    liquidatable: u64,
    judged: u64,
    looked_at: u64,
    deleveraged_now: u64,
    deleveraged_before: u64,
    spared: u64,
    removed: u64,
    quiet: u64,
}

struct World {
    rng: StdRng,
    market: Market,
    price: Price,
    now: i64,
    positions: Vec<Position>,
    index: Index,
    counts: Counts,
}

impl World {
    fn new(seed: u64, counts: Counts) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let price = Price::new(10u64.pow(*[11, 12, 13, 14].choose(&mut rng).unwrap()) * rng.gen_range(1..=9));
        let market = Market::new(params(), Fills::Instant, UnixTime::new(START));
        let mut world = Self { rng, market, price, now: START, positions: Vec::new(), index: Index::new(), counts };
        let marks = world.synced().expect("a first price").1;
        let pool = *[3_000_000_000, 100_000_000_000, 10_000_000_000_000].choose(&mut world.rng).unwrap();
        let at = world.at();
        world.market.deposit_liquidity(Sats::new(pool), 0, &marks, at).expect("a first deposit");
        for _ in 0..40 {
            world.positions.push(Position::default());
            world.open(world.positions.len() - 1);
        }
        let accounts = world.positions.iter().enumerate().map(|(i, position)| (address(i), position));
        world.index = Index::build(accounts).expect("positions of the engine");
        world
    }

    fn at(&self) -> Moment {
        Moment { time: UnixTime::new(self.now), slot: u64::try_from(self.now - START).unwrap() * 2 + 1 }
    }

    /// A copy of the market brought up to now; none where it begins to settle.
    fn synced(&self) -> Option<(Market, Marks)> {
        let raw = i64::try_from(self.price.get()).unwrap();
        let publish_time = UnixTime::new(self.now);
        let update = RawUpdate { price: raw, confidence: 0, ema: raw, exponent: -8, publish_time };
        let mut market = self.market;
        let synced = market.sync(&update, PriceUse::Upkeep, self.at()).expect("a price of now");
        synced.trading().ok().map(|marks| (market, marks))
    }

    /// Acts on a synced market and the settled position, as a transaction: not at all where it is refused.
    fn act(&mut self, i: usize, action: impl FnOnce(&mut Market, &mut Position, &Marks, Moment) -> Result<(), Error>) {
        let Some((mut market, marks)) = self.synced() else { return };
        let mut position = self.positions[i];
        market.settle(&mut position).expect("settling never fails");
        match action(&mut market, &mut position, &marks, self.at()) {
            Ok(()) => (self.market, self.positions[i]) = (market, position),
            Err(error) => assert!(!matches!(error, Error::Overflow | Error::SideNotEmpty), "{error:?}"),
        }
    }

    fn open(&mut self, i: usize) {
        let (pool, price) = (u128::from(self.market.ledger.pool.get()), u128::from(self.price.get()));
        let most = u64::try_from(pool * price / 10u128.pow(16) / 8).unwrap().clamp(20, 20_000_000);
        let size = (self.rng.gen_range(10f64.ln()..most as f64).ln().exp() as u64).clamp(10, most);
        let worth = u128::from(size) * 10u128.pow(16) / price;
        let margin = u64::try_from(worth * self.rng.gen_range(25..400) / 1_000).unwrap() + 10;
        let direction = self.positions[i].open_direction().unwrap_or(*BOTH.choose(&mut self.rng).unwrap());
        let limit = if direction == Direction::Long { Price::new(u64::MAX) } else { Price::ZERO };
        let order = Increase { direction, notional: dollars(size), limit };
        self.act(i, |market, position, marks, at| {
            market.deposit_collateral(position, Sats::new(margin))?;
            market.increase(position, &order, marks, at).map(|_| ())
        });
    }

    fn trade(&mut self) {
        let i = self.rng.gen_range(0..self.positions.len());
        let held = self.positions[i].shares.get() / 1_000_000;
        let amount = self.rng.gen_range(1..=self.positions[i].margin.get() / 2 + 1);
        let tenths = self.rng.gen_range(0..=1);
        let whole = self.rng.gen_bool(0.5);
        let part = dollars(self.rng.gen_range(0..=held));
        match self.rng.gen_range(0..100) {
            0..45 => self.open(i),
            45..60 => self.act(i, |market, position, marks, at| {
                let size = if whole { DecreaseSize::Whole } else { DecreaseSize::Part(part) };
                let long = position.open_direction() == Some(Direction::Long);
                let limit = if long { Price::ZERO } else { Price::new(u64::MAX) };
                market.decrease(position, &Decrease { size, limit }, marks, at).map(|_| ())
            }),
            60..70 => self.act(i, |_, _, _, _| Ok(())),
            70..78 => self.act(i, |market, position, _, _| market.deposit_collateral(position, Sats::new(amount))),
            78..86 => {
                self.act(i, |market, position, marks, _| market.withdraw_collateral(position, Sats::new(amount), Some(marks)))
            }
            86..94 => self.act(i, |_, position, _, _| {
                position.tips = Sats::new(position.margin.get() / 10 * tenths);
                Ok(())
            }),
            _ => self.raise(),
        }
        self.tell(i);
    }

    /// New margin ratios, which older positions are spared for a while where they are higher.
    fn raise(&mut self) {
        let Some((mut market, _)) = self.synced() else { return };
        let maintenance = self.rng.gen_range(95..250);
        let slope = Bps::new(self.rng.gen_range(0..200));
        let params = Params {
            maintenance_margin: Bps::new(maintenance),
            initial_margin: Bps::new(2 * maintenance),
            maintenance_margin_slope: slope,
            initial_margin_slope: slope,
            ..market.params
        };
        if market.set_params(&params, TIMELOCK, UnixTime::new(self.now)).is_ok() {
            self.market = market;
        }
    }

    /// The index hears of a position whose account was written to.
    fn tell(&mut self, i: usize) {
        let before = self.index.len();
        self.index.upsert(address(i), &self.positions[i]).expect("a position of the engine");
        self.counts.removed += u64::from(self.index.len() < before);
    }

    /// Time passes and the price moves; nobody need touch the market.
    fn advance(&mut self) {
        let moved = u128::from(self.price.get()) * u128::from(*MOVES.choose(&mut self.rng).unwrap()) / 10_000;
        self.price = Price::new(u64::try_from(moved).unwrap().clamp(10_000_000_000, Price::MAX.get() / 100));
        self.now += *[1, 61, 3_600, 40_000].choose(&mut self.rng).unwrap();
    }

    /// Compares, then liquidates some of what was found. False where the market begins to settle.
    fn tick(&mut self) -> bool {
        let Some((market, marks)) = self.synced() else { return false };
        let found = self.index.crossed(&market, self.price).expect("a market of the engine");
        assert_eq!(found.misfits, []);
        let expected: BTreeSet<Address> = (0..self.positions.len())
            .filter(|i| {
                let (mut market, mut position) = (market, self.positions[*i]);
                market.settle(&mut position).expect("settling never fails");
                let refusal = market.liquidate(&mut position, &marks).err();
                !matches!(refusal, Some(Error::NotLiquidatable | Error::NoOpenPosition))
            })
            .map(address)
            .collect();
        let addresses: BTreeSet<Address> = found.liquidatable.iter().map(|found| found.address).collect();
        assert_eq!(addresses, expected);
        assert_eq!(addresses.len(), found.liquidatable.len(), "each once");
        let open = self.positions.iter().filter(|position| position.open_direction().is_some()).count();
        assert_eq!(self.index.len(), open);
        self.compare_nearest(&market);

        self.counts.ticks += 1;
        self.counts.liquidatable += expected.len() as u64;
        self.counts.judged += found.judged as u64;
        self.counts.looked_at += open as u64;
        self.counts.quiet += u64::from(found.judged == 0);
        let before = BOTH.map(|direction| self.market.side(direction).scale);
        self.counts.deleveraged_before += u64::from(before != [Scale::ONE; 2]);
        self.counts.deleveraged_now += u64::from(before != BOTH.map(|direction| market.side(direction).scale));
        self.counts.spared += u64::from(!market.spared_until.is_zero());
        for found in found.liquidatable {
            let i = (0..self.positions.len()).find(|i| address(*i) == found.address).expect("one of these");
            assert_eq!(Index::build([(found.address, &found.position)]).unwrap().len(), 1);
            if self.rng.gen_bool(0.7) {
                self.act(i, |market, position, marks, _| market.liquidate(position, marks).map(|_| ()));
                self.tell(i);
            }
        }
        true
    }

    fn compare_nearest(&self, market: &Market) {
        for direction in BOTH {
            let own = self.positions.iter().filter(|position| position.open_direction() == Some(direction));
            let prices = own.map(|position| liquidation_price(market, position).expect("a price"));
            let nearness = |price: Threshold| match (price, direction) {
                (Threshold::Never, _) => -1i128,
                (Threshold::At(price), Direction::Long) => price.get().into(),
                (Threshold::At(price), Direction::Short) => i128::from(u64::MAX) - i128::from(price.get()),
                (Threshold::Always, _) => i128::MAX,
            };
            let nearest = self.index.nearest(market, direction).expect("a price");
            assert_eq!(nearest.map(|nearest| nearness(nearest.price)), prices.map(nearness).max());
        }
    }
}

#[test]
fn every_tick_finds_what_the_program_would_liquidate() {
    let mut counts = Counts::default();
    for seed in 0..300 {
        let mut world = World::new(seed, counts);
        for _ in 0..60 {
            world.advance();
            if !world.tick() {
                break;
            }
            for _ in 0..4 {
                world.trade();
            }
        }
        counts = world.counts;
    }
    println!("{counts:?}");
    let Counts { ticks, liquidatable, deleveraged_now, deleveraged_before, spared, removed, quiet, .. } = counts;
    let seen = [ticks / 50, liquidatable / 50, deleveraged_now, deleveraged_before / 5, spared, ticks - spared, removed, quiet];
    assert!(seen.iter().all(|times| *times >= 20), "the histories saw too little: {counts:?}");
    assert!(counts.judged - counts.liquidatable < counts.looked_at / 10, "too many judged in vain: {counts:?}");
}

#[test]
fn what_was_built_at_once_and_what_grew_are_the_same() {
    let world = World::new(7, Counts::default());
    let (market, _) = world.synced().unwrap();
    let mut grown = Index::default();
    for (i, position) in world.positions.iter().enumerate() {
        grown.upsert(address(i), &Position { margin: Sats::new(position.margin.get() * 2), ..*position }).unwrap();
        grown.upsert(address(i), position).unwrap();
    }
    for percent in [50, 80, 95, 105, 120, 200] {
        let price = Price::new(world.price.get() / 100 * percent);
        let sorted = |index: &Index| {
            let found = index.crossed(&market, price).unwrap().liquidatable;
            found.iter().map(|found| found.address).collect::<BTreeSet<_>>()
        };
        assert_eq!(sorted(&grown), sorted(&world.index), "{percent} %");
    }
    for i in 0..world.positions.len() {
        assert_eq!(grown.remove(&address(i)), world.positions[i].open_direction().is_some());
        assert!(!grown.remove(&address(i)), "once");
    }
    assert!(grown.is_empty() && grown.crossed(&market, Price::MIN).unwrap().judged == 0);
}

/// $100,000 from $50,000 with 0.1 BTC of margin, and a market with standard ratios.
fn plain(direction: Direction) -> Position {
    Position {
        margin: Sats::new(10_000_000),
        shares: Shares::new(100_000_000_000),
        basis: Basis::new(200_000_000),
        scale: Scale::ONE,
        direction: if direction == Direction::Long { 1 } else { 2 },
        ..Position::default()
    }
}

fn plain_market() -> Market {
    let side = Side { positions: 1, ..Side::empty() };
    Market { params: Params::standard(), long: side, short: side, ..Market::default() }
}

fn usd(amount: u64) -> Price {
    Price::new(amount * 100_000_000)
}

#[test]
fn the_nearest_liquidation_price_is_the_formula_s_and_moves_with_funding() {
    // 100,000 * 1.0101 / 2.1 = 48,100 and 100,000 * 0.9899 / 1.9 = 52,100; a thicker margin is further off.
    let mut index = Index::new();
    assert_eq!(index.nearest(&plain_market(), Direction::Long), Ok(None));
    for (i, direction) in BOTH.into_iter().enumerate() {
        index.upsert(address(i), &plain(direction)).unwrap();
        index.upsert(address(i + 2), &Position { margin: Sats::new(20_000_000), ..plain(direction) }).unwrap();
    }
    let mut market = plain_market();
    for (i, (direction, price)) in [(Direction::Long, 48_100), (Direction::Short, 52_100)].into_iter().enumerate() {
        let nearest = Nearest { address: address(i), price: Threshold::At(usd(price)) };
        assert_eq!(index.nearest(&market, direction), Ok(Some(nearest)));
    }
    // 0.01 BTC of funding, still unwritten: 101,010 / 2.09 = 48,330.14354066..., rounded up.
    market.long.cost_index = CostIndex::new(10_000_000_000_000);
    market.long.cost_owed = FineSats::new(2_000_000_000_000_000_000_000_000);
    market.long.margin = Sats::new(30_000_000);
    market.ledger.margin = Sats::new(60_000_000);
    let price = Threshold::At(Price::new(4_833_014_354_067));
    assert_eq!(index.nearest(&market, Direction::Long), Ok(Some(Nearest { address: address(0), price })));
}

#[test]
fn a_position_of_another_state_of_the_market_is_named_and_spoils_nothing() {
    let mut index = Index::new();
    // Its side has restarted since: the scale it was settled at, half of the present one, is gone.
    let stale = Position { margin: Sats::new(0), scale: Scale::new(500_000_000_000_000_000), ..plain(Direction::Long) };
    index.upsert(address(0), &stale).unwrap();
    index.upsert(address(1), &plain(Direction::Long)).unwrap();
    let crossing = index.crossed(&plain_market(), usd(48_000)).unwrap();
    assert_eq!(crossing.liquidatable.iter().map(|found| found.address).collect::<Vec<_>>(), [address(1)]);
    assert_eq!(crossing.misfits.iter().map(|misfit| misfit.address).collect::<Vec<_>>(), [address(0)]);
    assert!(crossing.misfits[0].to_string().contains("read both again"));
    assert_eq!(index.nearest(&plain_market(), Direction::Long), Err(Error::Overflow));
}

#[test]
fn nothing_is_liquidated_where_the_market_does_not_trade_and_nothing_flat_is_kept() {
    let mut index = Index::build([(address(0), &plain(Direction::Long)), (address(1), &Position::default())]).unwrap();
    assert_eq!(index.len(), 1);
    let mut market = plain_market();
    assert_eq!(index.crossed(&market, usd(48_000)).unwrap().liquidatable.len(), 1);
    market.lifecycle.status = 1;
    assert_eq!(index.crossed(&market, usd(48_000)).unwrap().judged, 0);
    index.upsert(address(0), &Position::default()).unwrap();
    assert!(index.is_empty());
    let broken = Position { tips: Sats::new(1), margin: Sats::new(0), ..plain(Direction::Long) };
    assert_eq!(index.upsert(address(0), &broken), Err(Error::Overflow));
    assert_eq!(Index::build([(address(3), &broken)]).err().map(|misfit| misfit.address), Some(address(3)));
}
