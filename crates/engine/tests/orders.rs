//! Orders: what triggers one, when it is due, what a fill comes to, who pays for a failure, and what random histories leave of a ledger.

mod common;

use common::exact::{int, Exact};
use common::ledger_model::{Holder, Side as ModelSide};
use common::{dollars, fee_of, moment, sats, still, update, usd, Bench, BOTH, DEEP, START};
use inverse_perps_engine::actions::DecreaseSize::{self, Part, Whole};
use inverse_perps_engine::actions::{Execution, ExecutionOutcome, Filled, Removal, TipShares, Triggerer};
use inverse_perps_engine::budget::{Budget, Trader};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::market::Marks;
use inverse_perps_engine::oracle::{Moment, PriceState, PriceUse, RawUpdate};
use inverse_perps_engine::order::{due_time, FillUpdate, Order, OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::settlement::{Lifecycle, Status};
use inverse_perps_engine::units::{Bps, Notional, Price, Sats, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Params, Position, Result, Side};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use Direction::{Long, Short};

const MARGIN: u64 = 10_000_000;
const TIP: u64 = 1_000;
const MOST: Price = Price::new(u64::MAX);
const FAR: UnixTime = UnixTime::new(1_000_000_000_000);
const KINDS: [OrderKind; 4] = [OrderKind::Market, OrderKind::Limit, OrderKind::Stop, OrderKind::TakeProfit];

/// A request that any price fills.
fn request(kind: OrderKind, direction: Direction, size: OrderSize) -> OrderRequest {
    let buys = (direction == Long) == matches!(size, OrderSize::Increase(_));
    let limit = if buys { MOST } else { Price::ZERO };
    OrderRequest { kind, direction, size, trigger: Price::ZERO, limit, expiry: FAR, tip: sats(TIP) }
}

fn more(direction: Direction) -> OrderRequest {
    request(OrderKind::Market, direction, OrderSize::Increase(dollars(100_000)))
}

fn less(direction: Direction, size: DecreaseSize) -> OrderRequest {
    request(OrderKind::Market, direction, OrderSize::Reduce(size))
}

/// The first update at or after `due`, published then.
fn first(price: Price, confidence: u64, due: UnixTime) -> FillUpdate {
    let previous_publish_time = UnixTime::new(due.get() - 1);
    FillUpdate { update: RawUpdate { confidence, ..update(price, due.get()) }, previous_publish_time }
}

/// A position with the order that is being acted on.
type Held = (Position, Order);

/// An action as a transaction: on an error everything is as it was.
fn act<T>(bench: &mut Bench, held: &mut Held, action: impl FnOnce(&mut Market, &mut Held, Moment) -> Result<T>) -> Result<T> {
    let before = (bench.market, *held);
    let at = bench.at();
    let result = action(&mut bench.market, held, at);
    if result.is_err() {
        (bench.market, *held) = before;
    }
    result
}

fn place(bench: &mut Bench, held: &mut Held, current: &RawUpdate, request: &OrderRequest, trader: Trader) -> Result<()> {
    act(bench, held, |market, (position, order), at| {
        let quote = market.glance(current, PriceUse::Upkeep, at)?.quote;
        market.settle(position)?;
        *order = market.place_order(position, request, trader, &quote, at)?;
        Ok(())
    })
}

fn trigger(bench: &mut Bench, held: &mut Held, current: &RawUpdate) -> Result<()> {
    act(bench, held, |market, (position, order), at| {
        let quote = market.glance(current, PriceUse::Upkeep, at)?.quote;
        market.settle(position)?;
        market.trigger_order(position, order, &quote, at)
    })
}

type Executed = (ExecutionOutcome, TipShares);

fn execute(bench: &mut Bench, held: &mut Held, current: &RawUpdate, update: FillUpdate, by: Triggerer) -> Result<Executed> {
    act(bench, held, |market, (position, order), at| {
        let marks: Option<Marks> = market.sync(current, PriceUse::Upkeep, at)?.trading().ok();
        if marks.is_some() {
            market.settle(position)?;
        }
        let outcome = market.execute_order(position, order, &Execution { update, marks }, at)?;
        let tip = market.end_order(position, order, &outcome, by, at)?;
        Ok((outcome, tip))
    })
}

/// A position with so much margin that has placed this at $50,000, when T has come.
fn due(bench: &mut Bench, position: Position, request: &OrderRequest) -> Held {
    let mut held = (position, Order::default());
    let current = bench.update();
    place(bench, &mut held, &current, request, Trader::Owner).unwrap();
    assert_eq!(held.1.due.get(), bench.now + 6, "T is the delay from now");
    bench.wait(6);
    bench.slot += 3; // two slots a second make twelve of the fifteen
    held
}

fn filled(executed: Result<Executed>) -> Filled {
    match executed {
        Ok((ExecutionOutcome::Filled(filled), tip)) => {
            assert_eq!(tip, TipShares { filler: sats(TIP), ..TipShares::default() });
            filled
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_price_triggers_by_kind_and_by_who_buys() {
    // Below, at and above the trigger: a limit and a take-profit want to buy low, a stop buys high; nothing triggers a market order.
    let part = OrderSize::Reduce(Part(dollars(1)));
    let table = [
        (Long, OrderSize::Increase(dollars(1)), true),
        (Long, part, false),
        (Long, OrderSize::Reduce(Whole), false),
        (Short, OrderSize::Increase(dollars(1)), false),
        (Short, part, true),
        (Short, OrderSize::Reduce(Whole), true),
    ];
    for (direction, size, buys) in table {
        for (code, kind) in (0..).zip(KINDS) {
            let (reduce_only, notional) = match size {
                OrderSize::Increase(notional) => (0, notional),
                OrderSize::Reduce(Part(notional)) => (1, notional),
                OrderSize::Reduce(Whole) => (1, Notional::ZERO),
            };
            let direction_code = if direction == Long { 1 } else { 2 };
            let order = Order {
                kind: code,
                direction: direction_code,
                reduce_only,
                notional,
                trigger: usd(50_000),
                ..Order::default()
            };
            assert_eq!((order.kind(), order.direction(), order.size(), order.buys()), (kind, direction, size, buys));
            let low_and_high = match (kind, buys) {
                (OrderKind::Market, _) => [false; 3],
                (OrderKind::Stop, true) | (OrderKind::Limit | OrderKind::TakeProfit, false) => [false, true, true],
                (OrderKind::Stop, false) | (OrderKind::Limit | OrderKind::TakeProfit, true) => [true, true, false],
            };
            let at = usd(50_000).get();
            let got = [at - 1, at, at + 1].map(|price| order.triggers_at(Price::new(price)));
            assert_eq!(got, low_and_high, "{kind:?} {direction:?} {size:?}");
        }
    }
}

#[test]
fn a_fill_is_due_the_delay_after_whatever_could_be_known() {
    // A lead of 4 s was seen in the ten minutes from 1,200 s on and one of 7 s in those before; the newest price is of 1,250.
    let prices = PriceState {
        publish_time: UnixTime::new(1_250),
        lag_interval: 2,
        lag: Seconds::new(4),
        previous_lag: Seconds::new(7),
        ..PriceState::default()
    };
    let cases = [
        (1_200, 1_250), // 1,207 is before the newest price
        (1_243, 1_250), // just as late
        (1_244, 1_251), // the lead of the ten minutes before counts
        (1_799, 1_806), // to their end
        (1_800, 1_804), // then only that of the last ten minutes
        (2_399, 2_403), // to their end
        (2_400, 2_400), // then none
        (1_000, 1_250), // a Clock that goes back forgets nothing
    ];
    for (clock, known) in cases {
        let params = Params::standard();
        assert_eq!(due_time(&prices, moment(clock, 1), &params), Ok(UnixTime::new(known + 6)), "at {clock}");
        let params = Params { order_delay: Seconds::new(60), ..params };
        assert_eq!(due_time(&prices, moment(clock, 1), &params), Ok(UnixTime::new(known + 60)), "at {clock}");
    }
    assert_eq!(due_time(&prices, moment(i64::MAX, 1), &Params::standard()), Err(Error::Overflow));
}

#[test]
fn the_first_update_from_t_on_serves_and_later_one_of_the_next_seconds() {
    // T = 100. Published, the one before it, and from when on it serves; 0 for always, none for never.
    let cases = [
        (99, 98, None),
        (100, 99, Some(0)),
        (100, 100, Some(110)), // a second update of that second is not the first
        (101, 99, Some(0)),
        (101, 100, Some(110)),
        (103, 102, Some(110)),
        (104, 103, None),   // too far from T
        (104, 99, Some(0)), // but the first one serves however late
        (500, 99, Some(0)),
    ];
    for (published, before, serves_from) in cases {
        let update = FillUpdate { update: update(usd(1), published), previous_publish_time: UnixTime::new(before) };
        for now in [100, 109, 110, 111, 160] {
            let serves = serves_from.is_some_and(|from| now >= from);
            let expected = if serves { Ok(()) } else { Err(Error::NotFirstUpdate) };
            assert_eq!(update.ensure_serves(UnixTime::new(100), UnixTime::new(now)), expected, "{published} {before} at {now}");
        }
    }
}

#[test]
fn a_delegate_spends_a_budget_a_day_and_an_owner_what_he_likes() {
    let day = |n: i64| UnixTime::new(n * 86_400);
    let fresh = Budget { daily: sats(1_000), ..Budget::default() };
    for (cost, expected) in [(999, Ok(())), (1_000, Ok(())), (1_001, Err(Error::DelegateBudgetExceeded))] {
        assert_eq!(fresh.clone().spend(Trader::Delegate, sats(cost), day(1)), expected);
    }
    let mut budget = fresh;
    budget.spend(Trader::Delegate, sats(600), day(20_000)).unwrap();
    assert_eq!((budget.spent, budget.day), (sats(600), 20_000));
    let last = UnixTime::new(20_001 * 86_400 - 1);
    assert_eq!(budget.clone().spend(Trader::Delegate, sats(401), last), Err(Error::DelegateBudgetExceeded));
    budget.spend(Trader::Delegate, sats(400), last).unwrap();
    assert_eq!(budget.clone().spend(Trader::Delegate, sats(1), last), Err(Error::DelegateBudgetExceeded));
    // A new day is a new budget; a clock that goes back is none.
    let mut next = budget;
    next.spend(Trader::Delegate, sats(1_000), day(20_001)).unwrap();
    assert_eq!((next.spent, next.day), (sats(1_000), 20_001));
    assert_eq!(next.spend(Trader::Delegate, sats(1), day(20_000)), Err(Error::DelegateBudgetExceeded));
    // An owner spends nothing of it.
    let before = budget;
    assert_eq!(budget.spend(Trader::Owner, sats(u64::MAX), day(30_000)), Ok(()));
    assert_eq!(budget, before);
}

#[test]
fn a_fill_is_at_its_own_price_and_a_late_one_at_the_worse_and_only_beside_a_fresh_price() {
    // $100,000, the update of T is $50,100 +- $10 for a long and $49,900 +- $10 for a short: fills at 50,110 and 49,890.
    // Values 1e21 / 5.011e12 = 199,560,965.9 down and 1e21 / 4.989e12 = 200,440,970.1 up; fees 5 bps of the value rounded up and
    // $2.50 of surcharge, each rounded up: 99,781 + 4,990 and 100,221 + 5,012.
    // Beyond T + 5 a worse present price of $50,200 or $49,800 fills: 199,203,187.3 down, 99,602 + 4,981; 200,803,212.9 up,
    // 100,402 + 5,021. A better one does not.
    let prompt = [(Long, 50_100, 50_110, 199_560_965, 104_771), (Short, 49_900, 49_890, 200_440_971, 105_233)];
    let late = [(Long, 50_200, 199_203_187, 104_583), (Short, 49_800, 200_803_213, 105_423)];
    for ((direction, mid, fill, value, fee), (_, worse, worse_value, worse_fee)) in prompt.into_iter().zip(late) {
        let mut bench = Bench::deep(usd(50_000));
        let position = bench.funded(MARGIN);
        let held = due(&mut bench, position, &more(direction));
        let at_t = first(usd(mid), usd(10).get(), held.1.due);
        let better = if direction == Long { 49_800 } else { 50_200 };
        let own = (usd(fill), value, fee);
        let cases = [(0, worse, own), (5, worse, own), (6, better, own), (6, worse, (usd(worse), worse_value, worse_fee))];
        for (seconds, now_at, (price, value, fee)) in cases {
            let (mut bench, mut held) = (bench.clone(), held);
            bench.wait(seconds);
            bench.price = usd(now_at);
            let current = bench.update();
            let done = filled(execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody));
            assert_eq!((done.price, done.value, fee_of(&done)), (price, sats(value), fee), "{direction:?} T + {seconds}");
            assert_eq!((done.notional, done.pnl.get(), held.0.tips), (dollars(100_000), 0, sats(0)));
            assert_eq!(
                (held.0.margin, held.0.basis.get()),
                (sats(MARGIN - fee - TIP), i128::from(value) * 1_000_000_000_000_000_000)
            );
            assert_eq!((held.0.pending_order, held.0.open_orders, held.0.last_increase.get()), (0, 0, 0));
            assert_eq!(bench.market.ledger.total(), Ok(sats(DEEP + MARGIN - TIP)));
        }
        // The price published at T + 6 is fresh for three seconds; at T it did for five, as it sets nothing.
        bench.wait(5);
        let of_t = update(usd(50_000), held.1.due.get());
        filled(execute(&mut bench.clone(), &mut held.clone(), &of_t, at_t, Triggerer::Nobody));
        bench.wait(1);
        let of_t6 = bench.update();
        let mut stale = bench.clone();
        assert_eq!(execute(&mut stale, &mut held.clone(), &of_t, at_t, Triggerer::Nobody), Err(Error::PriceTooOld));
        bench.wait(3);
        filled(execute(&mut bench.clone(), &mut held.clone(), &of_t6, at_t, Triggerer::Nobody));
        bench.wait(1);
        assert_eq!(execute(&mut bench, &mut held.clone(), &of_t6, at_t, Triggerer::Nobody), Err(Error::PriceTooOld));
    }
}

#[test]
fn an_order_is_executed_within_its_time() {
    let mut bench = Bench::deep(usd(50_000));
    let position = bench.funded(MARGIN);
    let mut held = due(&mut bench, position, &more(Long));
    let at_t = first(usd(50_000), 0, held.1.due);
    let run = |bench: &Bench, held: &Held| {
        let current = bench.update();
        execute(&mut bench.clone(), &mut held.clone(), &current, at_t, Triggerer::Nobody).map(|_| ())
    };
    assert_eq!(run(&bench, &held), Ok(()));
    assert_eq!(run(&Bench { slot: bench.slot - 1, ..bench.clone() }, &held), Err(Error::OrderTooYoung));
    let early = Bench { now: bench.now - 1, ..bench.clone() };
    assert_eq!(run(&early, &held), Err(Error::PriceBeforeOrder));
    bench.wait(60);
    assert_eq!(run(&bench, &held), Ok(()), "the last second");
    let (mut position, at) = (held.0, bench.at());
    assert_eq!(bench.market.expire_order(&mut position, &held.1, at), Err(Error::OrderNotExpired));
    assert_eq!(bench.market.cancel_order(&mut position, &held.1), Err(Error::OrderNotResting));
    bench.wait(1);
    assert_eq!(run(&bench, &held), Err(Error::OrderExpired));
    let (mut market, at) = (bench.market, bench.at());
    assert_eq!(market.expire_order(&mut held.0, &held.1, at), Ok(Removal::Expired));
    assert_eq!((held.0.margin, held.0.tips, market.ledger.insurance), (sats(MARGIN - TIP), sats(0), sats(TIP)));
}

#[test]
fn a_failure_of_the_owners_costs_the_fee_of_what_he_asked_for() {
    // $100,000 at $50,100 are 199,600,798.4 up; 5 bps of it 99,800.4 up, of which insurance has 30 % and the protocol 10 %, down.
    let fee = FeeSplit { pool: sats(59_881), insurance: sats(29_940), protocol: sats(9_980) };
    let mut bench = Bench::deep(usd(50_000));
    let position = bench.funded(MARGIN);
    let mut held = due(&mut bench, position, &OrderRequest { limit: usd(50_099), ..more(Long) });
    let (current, at_t) = (bench.update(), first(usd(50_100), 0, held.1.due));
    let (outcome, tip) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Unpayable).unwrap();
    assert_eq!(outcome, ExecutionOutcome::Failed(Error::SlippageExceeded, fee));
    assert_eq!(tip, TipShares { filler: sats(500), triggerer: sats(0), forfeited: sats(500) });
    assert_eq!((held.0.margin, held.0.tips, held.0.open_orders), (sats(MARGIN - 99_801 - TIP), sats(0), 0));
    assert_eq!((bench.market.ledger.insurance, bench.market.long), (sats(29_940 + 500), Side::empty()));
    assert_eq!(bench.market.ledger.total(), Ok(sats(DEEP + MARGIN - 500)));
}

#[test]
fn a_failure_of_the_markets_leaves_everything_but_tip_and_order() {
    type Cause = fn(&mut Bench);
    let causes: [(Error, Cause); 6] = [
        (Error::RiskPaused, |bench| bench.market.risk_paused_until = FAR),
        (Error::PositionCapExceeded, |bench| bench.market.params.max_position_notional = dollars(100_999)),
        (Error::SideCapExceeded, |bench| bench.market.params.max_side_notional = dollars(100_999)),
        (Error::ReserveExceeded, |bench| bench.market.ledger.pool = sats(100_000_000)),
        (Error::ClockLagFound, |_| ()), // by a price 6 s ahead of the Clock at T, in front of which placing is no longer
        (Error::MarketSettling, |bench| bench.market.ledger.pool = sats(1)),
    ];
    for (direction, (error, cause)) in BOTH.into_iter().flat_map(|direction| causes.map(|cause| (direction, cause))) {
        let mut bench = Bench::deep(usd(50_000));
        let position = bench.opened(direction, dollars(1_000), MARGIN);
        let mut held = due(&mut bench, position, &more(direction));
        cause(&mut bench);
        let gains = if direction == Long { 52_000 } else { 48_000 };
        let price = if error == Error::MarketSettling { gains } else { 50_000 };
        let ahead = if error == Error::ClockLagFound { 6 } else { 0 };
        let current = update(usd(price), bench.now + ahead);
        let (mut market, before, at_t) = (bench.market, held.0, first(usd(price), 0, held.1.due));
        market.sync(&current, PriceUse::Upkeep, bench.at()).unwrap();
        let (outcome, tip) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Payable).unwrap();
        assert_eq!(outcome, ExecutionOutcome::Blocked(error), "{direction:?}");
        assert_eq!(tip, TipShares { filler: sats(500), triggerer: sats(500), forfeited: sats(0) });
        let margin = sats(before.margin.get() - TIP);
        assert_eq!(held.0, Position { margin, tips: sats(0), open_orders: 0, pending_order: 0, ..before });
        let side = if direction == Long { &mut market.long } else { &mut market.short };
        (side.margin, market.ledger.margin) = (margin, margin);
        assert_eq!(bench.market, market, "{error:?}");
    }
    // A gain beyond the pool blocks a close: $100,000 bought for 2 BTC are worth 1 at $100,000, and half a bitcoin is there.
    let mut bench = Bench::deep(usd(50_000));
    let position = bench.opened(Long, dollars(100_000), MARGIN);
    let mut held = due(&mut bench, position, &less(Long, Whole));
    bench.market.ledger.pool = sats(50_000_000);
    let (current, at_t) = (bench.update(), first(usd(100_000), 0, held.1.due));
    let outcome = execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody).unwrap().0;
    assert_eq!(outcome, ExecutionOutcome::Blocked(Error::PoolExhausted));
}

#[test]
fn each_missed_bound_costs_half_of_what_is_left_of_the_tip() {
    let mut bench = Bench::deep(usd(50_000));
    let mut held = (bench.funded(MARGIN), Order::default());
    let limit = request(OrderKind::Limit, Long, OrderSize::Increase(dollars(100_000)));
    let limit = OrderRequest { limit: usd(49_000), tip: sats(1_001), ..limit };
    let current = bench.update();
    place(&mut bench, &mut held, &current, &limit, Trader::Owner).unwrap();
    bench.price = usd(49_000);
    bench.wait(5);
    let early = bench.update();
    assert_eq!(trigger(&mut bench, &mut held, &early), Err(Error::TriggerNotReached));
    bench.wait(1);
    let mut paid = 0;
    for (filler, triggerer, left) in [(251, 250, 500), (125, 125, 250), (63, 62, 125), (32, 31, 62), (16, 15, 31), (8, 8, 15)]
        .into_iter()
        .chain([(4, 4, 7), (2, 2, 3), (1, 1, 1), (1, 0, 0), (0, 0, 0)])
    {
        let current = bench.update();
        trigger(&mut bench, &mut held, &current).unwrap();
        assert_eq!(held.0.pending_order, 1);
        bench.wait(8);
        let (current, at_t) = (bench.update(), first(usd(49_001), 0, held.1.due));
        let (outcome, tip) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Payable).unwrap();
        assert_eq!(outcome, ExecutionOutcome::Rests);
        assert_eq!((tip.filler, tip.triggerer, held.1.tip), (sats(filler), sats(triggerer), sats(left)));
        paid += filler + triggerer;
        assert_eq!((held.0.tips, held.0.margin, held.0.pending_order), (sats(left), sats(MARGIN - paid), 0));
        assert_eq!((held.0.open_orders, held.1.due.get(), paid + left), (1, bench.now + 60, 1_001));
        bench.wait(59);
        let early = bench.update();
        assert_eq!(trigger(&mut bench, &mut held, &early), Err(Error::TriggerNotReached));
        bench.wait(1);
    }
}

#[test]
fn an_order_is_void_for_each_of_its_reasons_and_no_other() {
    let position =
        Position { void_orders_below: 5, budget: Budget { void_orders_below: 8, ..Budget::default() }, ..Default::default() };
    let order = Order { id: 5, epoch: 1, ..Order::default() };
    let active = Lifecycle { epoch: 1, ..Lifecycle::default() };
    let delegates = Order { by_delegate: 1, ..order };
    let cases = [
        (order, active, false),
        (Order { dead: 1, ..order }, active, true),
        (Order { id: 4, ..order }, active, true),
        (order, Lifecycle { epoch: 2, ..active }, true),
        (order, Lifecycle { epoch: 0, ..active }, true),
        (order, Lifecycle { status: 1, ..active }, true),
        (order, Lifecycle { status: 2, ..active }, true),
        (Order { id: 7, ..delegates }, active, true),
        (Order { id: 8, ..delegates }, active, false),
        (Order { id: 7, pending: 1, ..delegates }, active, false),
    ];
    for (order, lifecycle, void) in cases {
        assert_eq!(order.is_void(&position, &lifecycle), void, "{order:?} {lifecycle:?}");
    }
}

/// A market with some positions, each with its orders, and what the vault must hold.
struct World {
    bench: Bench,
    positions: Vec<(Position, Vec<Order>)>,
    vault: i128,
    done: [u32; 16],
}

const PLACED: usize = 0;
const TRIGGERED: usize = 1;
const FILLED: usize = 2;
const RESTED: usize = 3;
const FAILED: usize = 4;
const BLOCKED: usize = 5;
const REMOVED: usize = 6; // cancelled, voided, expired
const LIQUIDATED: usize = 9;
const SETTLED: usize = 10;
const WITHDRAWN: usize = 11;
const KILLED: usize = 12;
const REFUSED: usize = 13;

impl World {
    fn new(rng: &mut StdRng) -> Self {
        let pool = *[20_000_000, 1_000_000_000, DEEP].choose(rng).unwrap();
        let params = Params { settle_tip: Notional::ZERO, min_first_deposit: sats(1), ..common::open_params() };
        let bench = Bench::new(params, usd(50_000), pool);
        Self { bench, positions: vec![Default::default(); 4], vault: pool.into(), done: [0; 16] }
    }

    fn count<T>(&mut self, what: usize, result: Result<T>) -> Option<T> {
        let broken = [Error::Overflow, Error::LedgerNotConserved, Error::SideNotEmpty, Error::PriceRequired];
        assert!(result.as_ref().err().is_none_or(|error| !broken.contains(error)), "{:?}", result.err());
        self.done[if result.is_ok() { what } else { REFUSED }] += 1;
        result.ok()
    }

    fn some_request(&self, rng: &mut StdRng, position: &Position) -> OrderRequest {
        let direction = *BOTH.choose(rng).unwrap();
        let direction = position.open_direction().filter(|_| rng.gen_bool(0.9)).unwrap_or(direction);
        let notional = dollars(rng.gen_range(5..3_000) * rng.gen_range(1..30));
        let size = [OrderSize::Increase(notional), OrderSize::Reduce(Part(notional)), OrderSize::Reduce(Whole)];
        let near = |rng: &mut StdRng| Price::new(self.bench.price.get() / 1_000 * rng.gen_range(980..=1_020));
        let made = request(*KINDS.choose(rng).unwrap(), direction, *size.choose(rng).unwrap());
        let limit = if made.kind == OrderKind::Limit || rng.gen_bool(0.3) { near(rng) } else { made.limit };
        let expiry = UnixTime::new(self.bench.now + rng.gen_range(0..4_000));
        OrderRequest { limit, trigger: near(rng), expiry, tip: sats(rng.gen_range(90..20_000)), ..made }
    }

    fn act(&mut self, rng: &mut StdRng) {
        let lead = rng.gen_range(-2..=2);
        let current = update(self.bench.price, self.bench.now + lead);
        let i = rng.gen_range(0..self.positions.len());
        let (position, mut orders) = self.positions[i].clone();
        let which = (!orders.is_empty()).then(|| rng.gen_range(0..orders.len()));
        let waiting = orders.iter().position(Order::is_pending).filter(|_| rng.gen_bool(0.9)).or(which);
        let mut held = (position, Order::default());
        let bench = &mut self.bench;
        match (rng.gen_range(0..100), which, waiting) {
            (0..25, ..) => {
                let trader = *[Trader::Owner, Trader::Delegate].choose(rng).unwrap();
                let request = self.some_request(rng, &position);
                let placed = place(&mut self.bench, &mut held, &current, &request, trader);
                if self.count(PLACED, placed).is_some() {
                    orders.push(held.1);
                }
            }
            (25..40, Some(k), _) => {
                held.1 = orders[k];
                let triggered = trigger(bench, &mut held, &current);
                self.count(TRIGGERED, triggered);
                orders[k] = held.1;
            }
            (40..65, _, Some(k)) => {
                held.1 = orders[k];
                let price = Price::new(bench.price.get() / 1_000 * rng.gen_range(985..=1_015));
                let by = *[Triggerer::Nobody, Triggerer::Payable, Triggerer::Unpayable].choose(rng).unwrap();
                let executed = execute(bench, &mut held, &current, first(price, price.get() / 5_000, orders[k].due), by);
                if let Some((outcome, tip)) = self.count(15, executed) {
                    assert_eq!(tip.filler.get() + tip.triggerer.get() + tip.forfeited.get() <= orders[k].tip.get(), true);
                    self.vault -= i128::from(tip.filler.get() + tip.triggerer.get());
                    let (kind, leaves) = match outcome {
                        ExecutionOutcome::Filled(_) => (FILLED, true),
                        ExecutionOutcome::Rests => (RESTED, false),
                        ExecutionOutcome::Failed(..) => (FAILED, true),
                        ExecutionOutcome::Blocked(_) => (BLOCKED, true),
                    };
                    self.done[kind] += 1;
                    orders[k] = held.1;
                    if leaves {
                        orders.remove(k);
                    }
                    let partner = orders.iter_mut().find(|order| !order.is_pending());
                    if let Some(partner) = partner.filter(|_| kind == FILLED && rng.gen_bool(0.3)) {
                        held.0.kill_order(partner).unwrap();
                        self.done[KILLED] += 1;
                    }
                }
            }
            (65..78, Some(k), _) => {
                let cancels = rng.gen_bool(0.3);
                let removed = act(bench, &mut held, |market, (position, _), at| match cancels {
                    true => market.cancel_order(position, &orders[k]),
                    false => market.expire_order(position, &orders[k], at),
                });
                let kind = removed.map_or(REMOVED, |removal| {
                    REMOVED
                        + [Removal::Cancelled, Removal::Voided, Removal::Expired].iter().position(|r| *r == removal).unwrap()
                });
                if self.count(kind, removed).is_some() {
                    orders.remove(k);
                }
            }
            (78..84, ..) => {
                let liquidated = bench.liquidate(&mut held.0);
                if let Some(done) = self.count(LIQUIDATED, liquidated) {
                    self.vault -= i128::from(done.reward.get());
                }
            }
            (84..88, ..) => {
                let amount = rng.gen_range(1..=position.margin.get() + 1);
                let withdrawn = bench.withdraw(&mut held.0, amount);
                if self.count(WITHDRAWN, withdrawn).is_some() {
                    self.vault -= i128::from(amount);
                }
            }
            (88..94, ..) => {
                let amount = rng.gen_range(1..3_000_000);
                bench.market.deposit_collateral(&mut held.0, sats(amount)).unwrap();
                self.vault += i128::from(amount);
            }
            (94..96, ..) if rng.gen_bool(0.5) => held.0.dismiss_delegate(),
            _ => held.0.budget.daily = sats(rng.gen_range(0..300_000)),
        }
        self.positions[i] = (held.0, orders);
    }

    /// Closes everyone at the kept price, pays the claims, and opens again if it can.
    fn end_settlement(&mut self) {
        self.done[SETTLED] += 1;
        for i in 0..self.positions.len() {
            self.bench.close_for_claim(&mut self.positions[i].0);
            self.check();
        }
        let mut settlement = self.bench.market.finish_settlement().unwrap().settlement;
        for (position, _) in self.positions.iter_mut().filter(|(position, _)| !position.claim.is_zero()) {
            self.bench.market.redeem(position, &mut settlement).unwrap();
        }
        self.check();
    }

    fn check(&self) {
        let market = &self.bench.market;
        for direction in BOTH {
            let side = ModelSide::of(market.side(direction), direction);
            let open = self.positions.iter().filter(|(position, _)| position.open_direction() == Some(direction));
            let own: Vec<Holder> = open.map(|(position, _)| Holder::of(position)).collect();
            let sum = |of: &dyn Fn(&Holder) -> i128| own.iter().map(of).sum::<i128>();
            assert_eq!((side.shares, side.basis), (sum(&|holder| holder.shares), sum(&|holder| holder.basis)));
            assert_eq!((side.cost_owed, side.owed), (sum(&|holder| holder.cost(&side)), sum(&|holder| holder.exited(&side))));
            assert_eq!(i128::from(market.side(direction).margin.get()), sum(&|holder| holder.margin));
            assert_eq!(side.positions, own.len() as u64);
        }
        for (position, orders) in &self.positions {
            let live = || orders.iter().filter(|order| order.id >= position.void_orders_below);
            assert_eq!(position.tips.get(), live().map(|order| order.tip.get()).sum::<u64>());
            assert!(position.tips <= position.margin);
            assert_eq!(usize::from(position.open_orders), orders.len());
            let waits: Vec<u32> = live().filter(|order| order.is_pending()).map(|order| order.id + 1).collect();
            assert!(waits == [position.pending_order] || (waits.is_empty() && position.pending_order == 0));
            assert!(orders
                .iter()
                .all(|order| order.id < position.next_order && order.budgeted >= order.tip || order.dead == 1));
        }
        let margin: u64 = self.positions.iter().map(|(position, _)| position.margin.get()).sum();
        assert_eq!(market.ledger.margin.get(), margin);
        assert_eq!(i128::from(market.ledger.total().unwrap().get()), self.vault);
    }
}

#[test]
fn after_any_history_of_orders_tips_and_sums_are_exact() {
    let mut done = [0; 16];
    for seed in 0..600 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut world = World { done, ..World::new(&mut rng) };
        for _ in 0..250 {
            world.bench.wait(*[1, 4, 8, 8, 8, 20, 61, 600].choose(&mut rng).unwrap());
            let per_mille = if rng.gen_bool(0.05) { rng.gen_range(800..=1_250) } else { rng.gen_range(990..=1_010) };
            world.bench.price =
                Price::new((world.bench.price.get() / 1_000 * per_mille).clamp(usd(5_000).get(), usd(500_000).get()));
            world.act(&mut rng);
            world.check();
            match world.bench.market.status() {
                Status::Active => {}
                Status::Settling => world.end_settlement(),
                Status::Closed if rng.gen_bool(0.1) => break,
                Status::Closed => {}
            }
        }
        done = world.done;
    }
    println!("{done:?}");
    assert!(done[..13].iter().all(|count| *count > 100), "{done:?}");
}
