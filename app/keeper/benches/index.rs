//! What the index costs with a million positions: `cargo bench --workspace --bench index`. As a test (`cargo test --benches`) it runs once,
//! with fewer. `INDEX_POSITIONS` sets how many.
//!
//! The positions are opened by the engine, $10 to $5M, 1 to 40 times leverage, on both sides, at several prices, with funding between
//! and a deleveraging; those that this leaves liquidatable are left out.

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use inverse_perps_engine::actions::Increase;
use inverse_perps_engine::funding::accrue_side;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::oracle::{Moment, PriceUse, RawUpdate};
use inverse_perps_engine::units::{Notional, PpbPerDay, Price, Sats, Scale, Seconds, UnixTime, MAX_NOTIONAL};
use inverse_perps_engine::{Direction, Error, Market, Params, Position, Side};
use perps_keeper::index::{is_liquidatable, Index};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use solana_address::Address;
use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashSet;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts what is allocated, for bytes a position.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is the system allocator's; only sizes are added up beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        System.alloc(layout)
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let live = LIVE.fetch_add(size, Ordering::Relaxed) + size;
        PEAK.fetch_max(live, Ordering::Relaxed); // as if both were there, as they may be
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        System.realloc(pointer, layout, size)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        System.dealloc(pointer, layout)
    }
}

const MOST_BYTES_A_POSITION: usize = 400;
const START: i64 = 1_700_000_000;
const MARK: u64 = 100_000;
/// Where the crowd came in, in dollars a bitcoin, one price after the other.
const ENTRIES: [u64; 8] = [98_000, 101_000, 99_500, 103_000, 96_500, 100_500, 99_000, MARK];

fn count() -> usize {
    let default = if std::env::args().any(|argument| argument == "--bench") { 1_000_000 } else { 20_000 };
    std::env::var("INDEX_POSITIONS").map_or(default, |count| count.parse().expect("INDEX_POSITIONS is a number"))
}

fn usd(amount: u64) -> Price {
    Price::new(amount * 100_000_000)
}

/// The standard parameters with room for a million positions.
fn params() -> Params {
    Params {
        max_side_notional: MAX_NOTIONAL,
        max_position_notional: MAX_NOTIONAL,
        max_pool: Sats::new(2_100_000_000_000_000),
        min_hold: Seconds::new(0),
        ..Params::standard()
    }
}

/// A market, and all that trade in it.
struct Crowd {
    market: Market,
    accounts: Vec<(Address, Position)>,
}

impl Crowd {
    fn new(count: usize) -> Self {
        let mut market = Market::new(params(), Fills::Instant, UnixTime::new(START));
        let marks = sync(&mut market, usd(ENTRIES[0]), START).expect("a price");
        market.deposit_liquidity(Sats::new(2_000_000_000_000_000), 0, &marks, moment(START)).expect("a pool");
        let (mut rng, mut crowd) = (StdRng::seed_from_u64(1), Self { market, accounts: Vec::with_capacity(count) });
        for (i, entry) in ENTRIES.into_iter().enumerate() {
            let now = START + 43_200 * i64::try_from(i).unwrap_or(0);
            let until = count * (i + 1) / ENTRIES.len();
            crowd.arrive(&mut rng, until, usd(entry), now);
            crowd.pass(i, usd(entry));
        }
        crowd
    }

    /// Some open positions, each in a market of its own: together they are more than a market's caps allow.
    fn arrive(&mut self, rng: &mut StdRng, until: usize, price: Price, now: i64) {
        let mut empty = self.market;
        (empty.long, empty.short) = (vacated(&empty.long), vacated(&empty.short));
        let marks = sync(&mut empty, price, now).expect("a price");
        self.market.prices = empty.prices;
        while self.accounts.len() < until {
            let direction = if rng.gen_bool(0.5) { Direction::Long } else { Direction::Short };
            let dollars = log_uniform(rng, 10.0, 5e6) as u64;
            let mut leverage = log_uniform(rng, 1.0, 40.0);
            let limit = if direction == Direction::Long { Price::new(u64::MAX) } else { Price::ZERO };
            let order = Increase { direction, notional: Notional::new(dollars * 1_000_000), limit };
            loop {
                let (mut market, mut position) = (empty, Position::default());
                let margin = dollars as f64 * 1e16 / price.get() as f64 / leverage;
                market.deposit_collateral(&mut position, Sats::new(margin as u64)).expect("a deposit");
                match market.increase(&mut position, &order, &marks, moment(now)) {
                    Ok(_) => break self.admit(rng, &market, position),
                    Err(Error::MarginBelowInitial | Error::MarginBelowFee) => leverage *= 0.95,
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    }

    /// Adds a position to the market's sums.
    fn admit(&mut self, rng: &mut StdRng, of: &Market, position: Position) {
        let (side, own) = match position.open_direction().expect("an open position") {
            Direction::Long => (&mut self.market.long, &of.long),
            Direction::Short => (&mut self.market.short, &of.short),
        };
        side.shares = side.shares.plus(own.shares).expect("shares");
        side.basis = side.basis.plus(own.basis).expect("basis");
        side.margin = side.margin.plus(own.margin).expect("margin");
        side.positions += 1;
        self.market.ledger.margin = self.market.ledger.margin.plus(own.margin).expect("margin");
        self.accounts.push((Address::new_from_array(rng.gen()), position));
    }

    /// Half a day of funding for everybody; once, a tenth of the longs is closed.
    fn pass(&mut self, i: usize, price: Price) {
        for (side, rate) in [(&mut self.market.long, 1_500_000), (&mut self.market.short, -500_000)] {
            accrue_side(side, PpbPerDay::new(rate), 43_200, price).expect("funding");
        }
        if i == 3 {
            let scale = Scale::new(self.market.long.scale.get() / 10 * 9);
            self.market.long.shrink(Direction::Long, scale, price).expect("a deleveraging");
        }
    }

    /// The market at a price, as a keeper brings it up to date before it asks the index.
    fn at(&self, price: Price) -> Market {
        let mut market = self.market;
        sync(&mut market, price, self.market.last_accrual.get() + 1).expect("a price");
        market
    }
}

/// A side's indices without its positions.
fn vacated(side: &Side) -> Side {
    Side { scale: side.scale, exit_index: side.exit_index, cost_index: side.cost_index, ..Side::empty() }
}

fn moment(time: i64) -> Moment {
    Moment { time: UnixTime::new(time), slot: u64::try_from(time - START).expect("later") * 2 + 1 }
}

fn sync(market: &mut Market, price: Price, now: i64) -> Result<inverse_perps_engine::market::Marks, Error> {
    let raw = i64::try_from(price.get()).expect("a price");
    let update = RawUpdate { price: raw, confidence: 0, ema: raw, exponent: -8, publish_time: UnixTime::new(now) };
    market.sync(&update, PriceUse::Upkeep, moment(now))?.trading()
}

fn log_uniform(rng: &mut StdRng, least: f64, most: f64) -> f64 {
    rng.gen_range(least.ln()..most.ln()).exp()
}

fn build(accounts: &[(Address, Position)]) -> Index {
    Index::build(accounts.iter().map(|(address, position)| (*address, position))).expect("positions of the engine")
}

/// What a keeper without an index does.
fn naive(accounts: &[(Address, Position)], market: &Market, price: Price) -> Vec<Address> {
    let liquidatable = |position| is_liquidatable(market, position, price).expect("a position of the engine");
    accounts.iter().filter(|(_, position)| liquidatable(position)).map(|(address, _)| *address).collect()
}

/// The highest price below the mark at which at least so many can be liquidated.
fn price_that_crosses(index: &Index, crowd: &Crowd, wanted: usize) -> Price {
    let (mut enough, mut few) = (MARK / 2 * 100_000_000, MARK * 100_000_000);
    while few - enough > 1_000_000 {
        let price = Price::new(enough.midpoint(few));
        if index.crossed(&crowd.at(price), price).expect("a tick").liquidatable.len() >= wanted {
            enough = price.get();
        } else {
            few = price.get();
        }
    }
    Price::new(enough)
}

/// Bytes a position of an index that was built at once, and of one that grew, without what an empty one has; and the most while it was
/// built.
fn measure_memory(accounts: &[(Address, Position)]) {
    let live = || LIVE.load(Ordering::Relaxed);
    let nothing = live();
    let empty = Index::new();
    let fixed = live() - nothing;
    drop(empty);
    let a_position = |bytes: usize| (bytes - nothing - fixed) / accounts.len();
    PEAK.store(nothing, Ordering::Relaxed);
    let started = Instant::now();
    let index = build(accounts);
    let took = started.elapsed();
    let (built, peak) = (a_position(live()), a_position(PEAK.load(Ordering::Relaxed)));
    drop(index);
    let started = Instant::now();
    let mut index = Index::new();
    accounts.iter().for_each(|(address, position)| index.upsert(*address, position).expect("a position"));
    let (grew, grown) = (started.elapsed(), a_position(live()));
    println!("{} positions: built in {took:.2?}, {built} bytes a position, {peak} while building", accounts.len());
    println!("grown one by one in {grew:.2?}: {grown} bytes a position; empty: {fixed} bytes");
    assert!(built.max(grown) < MOST_BYTES_A_POSITION, "more than {MOST_BYTES_A_POSITION} bytes a position");
}

fn bench(criterion: &mut Criterion) {
    let (count, mark) = (count(), usd(MARK));
    let mut crowd = Crowd::new(count + count / 25);
    let gone: HashSet<_> = naive(&crowd.accounts, &crowd.at(mark), mark).into_iter().collect();
    crowd.accounts.retain(|(address, _)| !gone.contains(address));
    crowd.accounts.truncate(count);
    assert_eq!(crowd.accounts.len(), count);
    measure_memory(&crowd.accounts);

    let mut index = build(&crowd.accounts);
    let quiet = index.crossed(&crowd.at(mark), mark).expect("a tick");
    assert!(quiet.liquidatable.is_empty());
    let thousand = price_that_crosses(&index, &crowd, (count / 1_000).max(1));
    let crossing = index.crossed(&crowd.at(thousand), thousand).expect("a tick");
    let mut found: Vec<_> = crossing.liquidatable.iter().map(|found| found.address).collect();
    let mut expected = naive(&crowd.accounts, &crowd.at(thousand), thousand);
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "the index finds what a look at every position finds");
    println!(
        "at ${MARK} {} judged, none liquidatable; at ${:.2} {} judged, {} liquidatable",
        quiet.judged,
        thousand.get() as f64 / 1e8,
        crossing.judged,
        found.len()
    );

    let mut group = criterion.benchmark_group("index");
    group.sample_size(10);
    group.bench_function("build", |bencher| bencher.iter_with_large_drop(|| build(&crowd.accounts)));
    group.bench_function("scan_of_all", |bencher| {
        let market = crowd.at(thousand);
        bencher.iter(|| naive(black_box(&crowd.accounts), &market, thousand))
    });
    group.sample_size(50);
    for (name, price) in [("tick_that_crosses_none", mark), ("tick_that_crosses_a_thousandth", thousand)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| index.crossed(&crowd.at(black_box(price)), price).expect("a tick"))
        });
    }
    group.bench_function("nearest_liquidation_price", |bencher| {
        let market = crowd.at(mark);
        bencher.iter(|| index.nearest(black_box(&market), Direction::Long).expect("a price"))
    });
    let mut rng = StdRng::seed_from_u64(2);
    group.bench_function("upsert", |bencher| {
        let changed = || {
            let (address, position) = crowd.accounts[rng.gen_range(0..crowd.accounts.len())];
            let margin = Sats::new(position.margin.get() / 100 * rng.gen_range(100..110));
            (address, Position { margin, ..position })
        };
        bencher.iter_batched(
            changed,
            |(address, position)| index.upsert(address, &position).expect("a position"),
            BatchSize::SmallInput,
        )
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
