//! Orders: what triggers one, when it is due, what a fill comes to, who pays for a failure, and what random histories leave of a ledger.

mod common;

use common::ledger_model::{Holder, Side as ModelSide};
use common::{dollars, fee_of, moment, open_params, sats, update, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::actions::DecreaseSize::{Part, Whole};
use inverse_perps_engine::actions::{Execution, ExecutionOutcome, Removal, TipShares, Triggerer};
use inverse_perps_engine::budget::{Budget, Trader};
use inverse_perps_engine::fees::FeeSplit;
use inverse_perps_engine::oracle::{Moment, PriceState, PriceUse, RawUpdate};
use inverse_perps_engine::order::{due_time, FillUpdate, Order, OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::settlement::{Lifecycle, Status};
use inverse_perps_engine::units::{Bps, Notional, Price, Sats, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Params, Position, Result, Side};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeMap;
use Direction::{Long, Short};

const MARGIN: u64 = 10_000_000;
const TIP: u64 = 1_000;
const FAR: UnixTime = UnixTime::new(1_000_000_000_000);
const KINDS: [OrderKind; 4] = [OrderKind::Market, OrderKind::Limit, OrderKind::Stop, OrderKind::TakeProfit];

/// A request that any price fills.
fn request(kind: OrderKind, direction: Direction, size: OrderSize) -> OrderRequest {
    let buys = (direction == Long) == matches!(size, OrderSize::Increase(_));
    let limit = if buys { Price::new(u64::MAX) } else { Price::ZERO };
    OrderRequest { kind, direction, size, trigger: Price::ZERO, limit, expiry: FAR, tip: sats(TIP) }
}

fn more(direction: Direction) -> OrderRequest {
    request(OrderKind::Market, direction, OrderSize::Increase(dollars(100_000)))
}

/// The first update at or after `due`, published then.
fn first(price: Price, confidence: u64, due: UnixTime) -> FillUpdate {
    let previous_publish_time = UnixTime::new(due.get() - 1);
    FillUpdate { update: RawUpdate { confidence, ..update(price, due.get()) }, previous_publish_time }
}

/// A position with the order that is being acted on.
type Held = (Position, Order);
type Executed = (ExecutionOutcome, TipShares);

/// An action as a transaction: on an error everything is as it was.
fn act<T>(bench: &mut Bench, held: &mut Held, action: impl FnOnce(&mut Market, &mut Held, Moment) -> Result<T>) -> Result<T> {
    let (before, at) = ((bench.market, *held), bench.at());
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

fn execute(bench: &mut Bench, held: &mut Held, current: &RawUpdate, update: FillUpdate, by: Triggerer) -> Result<Executed> {
    act(bench, held, |market, (position, order), at| {
        let marks = market.sync(current, PriceUse::Upkeep, at)?.trading().ok();
        if marks.is_some() {
            market.settle(position)?;
        }
        let outcome = market.execute_order(position, order, &Execution { update, marks }, at)?;
        Ok((outcome, market.end_order(position, order, &outcome, by, at)?))
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

#[test]
fn a_price_triggers_by_kind_and_by_who_buys() {
    // A limit and a take-profit want to buy low or sell high, a stop the reverse; nothing triggers a market order.
    let [never, up, down] = [[false; 3], [false, true, true], [true, true, false]];
    let expected = [(OrderKind::Market, never, never), (OrderKind::Limit, down, up), (OrderKind::Stop, up, down)];
    let expected = expected.into_iter().chain([(OrderKind::TakeProfit, down, up)]);
    let sizes = [(0, OrderSize::Increase(dollars(1))), (1, OrderSize::Reduce(Part(dollars(1)))), (1, OrderSize::Reduce(Whole))];
    for ((kind, (name, buying, selling)), d) in (0..).zip(expected).flat_map(|row| [1, 2].map(|d| (row, d))) {
        for (reduce_only, size) in sizes {
            let notional = if size == OrderSize::Reduce(Whole) { Notional::ZERO } else { dollars(1) };
            let order = Order { kind, direction: d, reduce_only, notional, trigger: Price::new(500), ..Order::default() };
            let buys = matches!((d, reduce_only), (1, 0) | (2, 1));
            assert_eq!((order.kind(), order.size(), order.buys()), (name, size, buys));
            let got = [499, 500, 501].map(|price| order.triggers_at(Price::new(price)));
            assert_eq!(got, if buys { buying } else { selling }, "{name:?} {d} {size:?}");
        }
    }
}

#[test]
fn a_fill_is_due_the_delay_after_whatever_could_be_known() {
    // A lead of 4 s was seen in the ten minutes from 1,200 s on and one of 7 s in those before; the newest price is of 1,250.
    let (publish_time, lag, previous_lag) = (UnixTime::new(1_250), Seconds::new(4), Seconds::new(7));
    let prices = PriceState { publish_time, lag_interval: 2, lag, previous_lag, ..PriceState::default() };
    // Clock and what could be known: 1,207 is before the newest price, 1,250 just as late; to 1,799 the lead of 7 s counts, to 2,399
    // that of 4 s, then none; a Clock that goes back forgets nothing.
    let cases =
        [(1_200, 1_250), (1_243, 1_250), (1_244, 1_251), (1_799, 1_806), (1_800, 1_804), (2_399, 2_403), (2_400, 2_400)];
    for (clock, known) in cases.into_iter().chain([(1_000, 1_250)]) {
        let (params, due) = (Params::standard(), UnixTime::new(known + 6));
        assert_eq!(due_time(&prices, moment(clock, 1), &params), Ok(due), "at {clock}");
    }
    assert_eq!(due_time(&prices, moment(i64::MAX, 1), &Params::standard()), Err(Error::Overflow));
}

#[test]
fn the_first_update_from_t_on_serves_and_later_one_of_the_next_seconds() {
    // T = 100. Published, the one before it, and from when on it serves. The first one serves however late; a second update of T's
    // second is not the first; 104 is too far from T.
    let (always, late) = (Some(0), Some(110));
    let cases = [(99, 98, None), (100, 99, always), (100, 100, late), (101, 99, always), (101, 100, late), (103, 102, late)];
    let cases = cases.into_iter().chain([(104, 103, None), (104, 99, always), (500, 99, always)]);
    for (published, before, serves_from) in cases {
        let update = FillUpdate { update: update(usd(1), published), previous_publish_time: UnixTime::new(before) };
        for now in [100, 109, 110, 111, 160] {
            let serves = update.ensure_serves(UnixTime::new(100), UnixTime::new(now));
            assert_eq!(
                serves.is_ok(),
                serves_from.is_some_and(|from| now >= from),
                "{published} {before} at {now}: {serves:?}"
            );
        }
    }
}

#[test]
fn a_delegate_spends_a_budget_a_day_and_an_owner_what_he_likes() {
    let mut budget = Budget { daily: sats(1_000), ..Budget::default() };
    let (first, last, next) = (20_000 * 86_400, 20_001 * 86_400 - 1, 20_001 * 86_400);
    let above = Err(Error::DelegateBudgetExceeded);
    // Spent at, and what it leaves: a new day is a new budget, and a clock that goes back is none.
    let cases = [(1_001, first, above), (1_000, first, Ok(())), (1, first, above), (1, last, above), (1_001, next, above)];
    for (cost, at, expected) in
        cases.into_iter().chain([(999, next, Ok(())), (2, last, above), (1, last, Ok(())), (1, next, above)])
    {
        let mut spent = budget;
        assert_eq!(spent.spend(Trader::Delegate, sats(cost), UnixTime::new(at)), expected, "{cost} at {at}");
        budget = if expected.is_ok() { spent } else { budget };
        assert_eq!({ budget }.spend(Trader::Owner, sats(u64::MAX), UnixTime::new(at)), Ok(()));
    }
    assert_eq!((budget.spent, budget.day), (sats(1_000), 20_001));
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
            let (outcome, tip) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody).unwrap();
            let ExecutionOutcome::Filled(done) = outcome else { panic!("{outcome:?}") };
            assert_eq!(tip, TipShares { filler: sats(TIP), ..TipShares::default() });
            assert_eq!((done.price, done.value, fee_of(&done)), (price, sats(value), fee), "{direction:?} T + {seconds}");
            assert_eq!((done.notional, done.pnl.get(), held.0.tips), (dollars(100_000), 0, sats(0)));
            assert_eq!((held.0.margin, held.0.basis.get()), (sats(MARGIN - fee - TIP), i128::from(value)));
            assert_eq!((held.0.pending_order, held.0.open_orders, held.0.last_increase.get()), (0, 0, 0));
            assert_eq!(bench.market.ledger.total(), Ok(sats(DEEP + MARGIN - TIP)));
        }
        // The price published at T + 6 is fresh for three seconds; at T it did for five, as it sets nothing.
        let of = |seconds| update(usd(50_000), held.1.due.get() + seconds);
        for (seconds, current, fresh) in [(5, of(0), true), (6, of(0), false), (9, of(6), true), (10, of(6), false)] {
            let mut bench = bench.clone();
            bench.market.sync(&current, PriceUse::Upkeep, moment(current.publish_time.get(), bench.slot)).unwrap();
            bench.wait(seconds);
            let done = execute(&mut bench, &mut { held }, &current, at_t, Triggerer::Nobody);
            assert_eq!(done.err(), Some(Error::PriceTooOld).filter(|_| !fresh), "T + {seconds}");
        }
    }
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
        (Error::ClockLagFound, |_| ()), // by a price 6 s ahead of the Clock: T was known already
        (Error::MarketSettling, |bench| bench.market.ledger.pool = sats(1)),
    ];
    for (direction, (error, cause)) in BOTH.into_iter().flat_map(|direction| causes.map(|cause| (direction, cause))) {
        let mut bench = Bench::deep(usd(50_000));
        let position = bench.opened(direction, dollars(1_000), MARGIN);
        let mut held = due(&mut bench, position, &more(direction));
        cause(&mut bench);
        let price = match (error, direction) {
            (Error::MarketSettling, Long) => usd(52_000),
            (Error::MarketSettling, Short) => usd(48_000),
            _ => usd(50_000),
        };
        let current = update(price, bench.now + if error == Error::ClockLagFound { 6 } else { 0 });
        let (mut market, before, at_t) = (bench.market, held.0, first(price, 0, held.1.due));
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
}

/// Sets a position's margin and every sum over margins: what funding and losses bring about while an order waits.
fn set_margin(bench: &mut Bench, position: &mut Position, margin: u64) {
    let (old, market) = (position.margin.get(), &mut bench.market);
    let moved = |sum: &mut Sats| *sum = sats(sum.get() + margin - old);
    moved(&mut market.ledger.margin);
    match position.open_direction() {
        Some(Long) => moved(&mut market.long.margin),
        Some(Short) => moved(&mut market.short.margin),
        None => (),
    }
    position.margin = sats(margin);
}

#[test]
fn an_order_fills_for_a_minute_and_beside_a_price_of_t_then_its_tip_is_insurances() {
    for direction in BOTH {
        let mut bench = Bench::deep(usd(50_000));
        let position = bench.funded(MARGIN);
        let mut held = due(&mut bench, position, &more(direction));
        let at_t = first(usd(50_000), 0, held.1.due);
        let early = update(usd(50_000), held.1.due.get() - 1);
        let refused = execute(&mut bench, &mut held, &early, at_t, Triggerer::Nobody);
        assert_eq!(refused, Err(Error::PriceBeforeOrder));
        bench.wait(60);
        let early = act(&mut bench, &mut held, |market, (p, o), at| market.expire_order(p, o, at));
        assert_eq!(early, Err(Error::OrderNotExpired));
        let (mut in_time, mut filled) = (bench.clone(), held);
        let current = in_time.update();
        let (outcome, _) = execute(&mut in_time, &mut filled, &current, at_t, Triggerer::Nobody).unwrap();
        assert!(matches!(outcome, ExecutionOutcome::Filled(_)), "{outcome:?}");
        bench.wait(1);
        let current = bench.update();
        assert_eq!(execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody), Err(Error::OrderExpired));
        let removed = act(&mut bench, &mut held, |market, (p, o), at| market.expire_order(p, o, at));
        assert_eq!(removed, Ok(Removal::Expired));
        assert_eq!((held.0.margin, held.0.tips, bench.market.ledger.insurance), (sats(MARGIN - TIP), sats(0), sats(TIP)));
    }
}

#[test]
fn a_fill_leaves_three_quarters_of_initial_margin_at_the_worse_price_and_a_failure_takes_no_more_than_there_is() {
    // Long $100,000 at $50,000, now at $49,900: worth 200,400,802 up, 400,802 lost. 2.01 % are initial margin, three quarters of it
    // 1.5075 %: 3,021,042.1, up. The fee is 100,000 and the surcharge 5,000.
    let enough = TIP + 105_000 + 400_802 + 3_021_043;
    // With 10 satoshi beside the tip the fee of a failure is 10.
    for (margin, fails) in [
        (enough, None),
        (enough - 1, Some((Error::MarginBelowFilling, 100_000))),
        (TIP + 10, Some((Error::MarginBelowFee, 10))),
    ] {
        let mut bench = Bench::deep(usd(50_000));
        let position = bench.funded(MARGIN);
        let mut held = due(&mut bench, position, &more(Long));
        set_margin(&mut bench, &mut held.0, margin);
        let (current, at_t) = (update(usd(49_900), bench.now), first(usd(50_000), 0, held.1.due));
        let (outcome, _) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody).unwrap();
        let failed = match outcome {
            ExecutionOutcome::Failed(error, fee) => Some((error, fee.total().unwrap().get())),
            _ => None,
        };
        assert_eq!(failed, fails, "{margin}");
    }
}

#[test]
fn a_fill_leaves_maintenance_margin_where_that_is_more_than_three_quarters_of_initial() {
    // With slopes of 1,000 bps per $1M, $1M needs 12 % and 11 %: three quarters are 9 %. It is worth 2,000,000,000; the fee is 1,000,000 and
    // the surcharge $250, 500,000.
    let params = Params { initial_margin_slope: Bps::new(1_000), maintenance_margin_slope: Bps::new(1_000), ..common::still() };
    params.validate(Seconds::new(30 * 86_400)).unwrap();
    let enough = TIP + 1_500_000 + 220_000_000;
    for (margin, fills) in [(enough, true), (enough - 1, false)] {
        let mut bench = Bench::new(params, usd(50_000), DEEP);
        let position = bench.funded(300_000_000);
        let million = request(OrderKind::Market, Long, OrderSize::Increase(dollars(1_000_000)));
        let mut held = due(&mut bench, position, &million);
        set_margin(&mut bench, &mut held.0, margin);
        let (current, at_t) = (bench.update(), first(usd(50_000), 0, held.1.due));
        let (outcome, _) = execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody).unwrap();
        assert_eq!(matches!(outcome, ExecutionOutcome::Filled(_)), fills, "{margin}: {outcome:?}");
    }
}

#[test]
fn a_tip_leaves_maintenance_margin_and_a_reduction_no_dust() {
    for direction in BOTH {
        // 1.01 % of 200,000,000.
        for (margin, expected) in [(2_020_000 + TIP, Ok(())), (2_020_000 + TIP - 1, Err(Error::MarginBelowMaintenance))] {
            let mut bench = Bench::deep(usd(50_000));
            let mut position = bench.opened(direction, dollars(100_000), MARGIN);
            set_margin(&mut bench, &mut position, margin);
            let trigger = if direction == Long { usd(40_000) } else { usd(60_000) };
            let stop = OrderRequest { trigger, ..request(OrderKind::Stop, direction, OrderSize::Reduce(Whole)) };
            let (mut held, current) = ((position, Order::default()), bench.update());
            assert_eq!(place(&mut bench, &mut held, &current, &stop, Trader::Owner), expected, "{direction:?}");
        }
        for (part, left) in [(99_990, 10), (99_991, 0), (100_001, 0)] {
            let mut bench = Bench::deep(usd(50_000));
            let position = bench.opened(direction, dollars(100_000), MARGIN);
            let reduce = request(OrderKind::Market, direction, OrderSize::Reduce(Part(dollars(part))));
            let mut held = due(&mut bench, position, &reduce);
            let (current, at_t) = (bench.update(), first(usd(50_000), 0, held.1.due));
            execute(&mut bench, &mut held, &current, at_t, Triggerer::Nobody).unwrap();
            assert_eq!(held.0.shares.get(), dollars(left).get(), "{direction:?}, {part}");
        }
    }
}

#[test]
fn each_missed_bound_costs_half_of_what_is_left_of_the_tip() {
    let mut bench = Bench::deep(usd(50_000));
    let mut held = (bench.funded(MARGIN), Order::default());
    let limit = request(OrderKind::Limit, Long, OrderSize::Increase(dollars(100_000)));
    let limit = OrderRequest { limit: usd(49_000), tip: sats(1_001), ..limit };
    let current = bench.update();
    place(&mut bench, &mut held, &current, &limit, Trader::Owner).unwrap();
    (bench.price, bench.now) = (usd(49_000), bench.now + 6);
    let mut paid = 0;
    let tries = [(251, 250, 500), (125, 125, 250), (63, 62, 125), (32, 31, 62), (16, 15, 31), (8, 8, 15), (4, 4, 7), (2, 2, 3)];
    for (filler, triggerer, left) in tries.into_iter().chain([(1, 1, 1), (1, 0, 0), (0, 0, 0)]) {
        let current = bench.update();
        trigger(&mut bench, &mut held, &current).unwrap();
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
    let budget = Budget { void_orders_below: 8, ..Budget::default() };
    let position = Position { void_orders_below: 5, budget, ..Position::default() };
    let order = Order { id: 5, epoch: 1, ..Order::default() };
    let delegates = Order { id: 7, by_delegate: 1, ..order };
    let at = Lifecycle { epoch: 1, ..Lifecycle::default() };
    for order in [order, Order { id: 8, ..delegates }, Order { pending: 1, ..delegates }] {
        assert!(!order.is_void(&position, &at), "{order:?}");
        for at in [
            Lifecycle { epoch: 0, ..at },
            Lifecycle { epoch: 2, ..at },
            Lifecycle { status: 1, ..at },
            Lifecycle { status: 2, ..at },
        ] {
            assert!(order.is_void(&position, &at), "{at:?}");
        }
    }
    for order in [Order { dead: 1, ..order }, Order { id: 4, ..order }, Order { id: 4, pending: 1, ..order }, delegates] {
        assert!(order.is_void(&position, &at), "{order:?}");
    }
}

/// A market with some positions, each with its orders, what the vault must hold, and what has been done.
struct World {
    bench: Bench,
    positions: Vec<(Position, Vec<Order>)>,
    vault: i128,
    done: BTreeMap<String, u32>,
}

impl World {
    fn count<T>(&mut self, what: &str, result: Result<T>) -> Option<T> {
        let broken = [Error::Overflow, Error::LedgerNotConserved, Error::SideNotEmpty, Error::PriceRequired];
        assert!(result.as_ref().err().is_none_or(|error| !broken.contains(error)), "{what}: {:?}", result.err());
        *self.done.entry(if result.is_ok() { what.into() } else { format!("{what} refused") }).or_default() += 1;
        result.ok()
    }

    fn place(&mut self, rng: &mut StdRng, held: &mut Held, current: &RawUpdate) -> Result<()> {
        let direction = held.0.open_direction().filter(|_| rng.gen_bool(0.9)).unwrap_or(BOTH[rng.gen_range(0..2)]);
        let notional = dollars(rng.gen_range(5..100_000));
        let size = [OrderSize::Increase(notional), OrderSize::Reduce(Part(notional)), OrderSize::Reduce(Whole)];
        let made = request(KINDS[rng.gen_range(0..4)], direction, size[rng.gen_range(0..3)]);
        let mut near = || Price::new(self.bench.price.get() / 1_000 * rng.gen_range(993..=1_007));
        let (trigger, near) = (near(), near());
        let limit = if made.kind == OrderKind::Limit || rng.gen_bool(0.5) { near } else { made.limit };
        let (expiry, tip) = (UnixTime::new(self.bench.now + rng.gen_range(0..4_000)), sats(rng.gen_range(90..20_000)));
        let trader = if rng.gen_bool(0.3) { Trader::Delegate } else { Trader::Owner };
        place(&mut self.bench, held, current, &OrderRequest { limit, trigger, expiry, tip, ..made }, trader)
    }

    fn act(&mut self, rng: &mut StdRng) {
        let current = update(self.bench.price, self.bench.now + rng.gen_range(-2..=2));
        let waiting = self.positions.iter().position(|(position, _)| position.pending_order != 0).filter(|_| rng.gen_bool(0.8));
        let i = waiting.unwrap_or_else(|| rng.gen_range(0..self.positions.len()));
        let (position, mut orders) = std::mem::take(&mut self.positions[i]);
        let pending = orders.iter().position(Order::is_pending).filter(|_| rng.gen_bool(0.9));
        let k = pending.unwrap_or_else(|| rng.gen_range(0..=orders.len()));
        let mut held = (position, orders.get(k).copied().unwrap_or_default());
        let (mut leaves, amount) = (false, rng.gen_range(1..10_000_000));
        match rng.gen_range(0..100) {
            0..65 if pending.is_some() => {
                let price = Price::new(self.bench.price.get() / 1_000 * rng.gen_range(990..=1_010));
                let by = [Triggerer::Nobody, Triggerer::Payable, Triggerer::Unpayable][rng.gen_range(0..3)];
                let at_t = first(price, price.get() / 5_000, held.1.due);
                let executed = execute(&mut self.bench, &mut held, &current, at_t, by);
                if let Some((outcome, tip)) = self.count("execute", executed) {
                    let paid = tip.filler.get() + tip.triggerer.get();
                    assert!(paid + tip.forfeited.get() <= orders[k].tip.get());
                    self.vault -= i128::from(paid);
                    leaves = outcome != ExecutionOutcome::Rests;
                    let fills = matches!(outcome, ExecutionOutcome::Filled(_));
                    self.count(&format!("{outcome:?}")[..5], Ok(()));
                    if let Some(partner) = orders.first_mut().filter(|partner| fills && !partner.is_pending()) {
                        held.0.kill_order(partner).unwrap();
                    }
                }
            }
            0..35 => {
                let placed = self.place(rng, &mut held, &current);
                orders.extend(self.count("place", placed).map(|()| held.1));
            }
            35..65 if k < orders.len() => {
                let triggered = trigger(&mut self.bench, &mut held, &current);
                self.count("trigger", triggered);
            }
            65..75 if k < orders.len() => {
                let cancels = rng.gen_bool(0.3);
                let removed = act(&mut self.bench, &mut held, |market, (position, order), at| match cancels {
                    true => market.cancel_order(position, order),
                    false => market.expire_order(position, order, at),
                });
                leaves = self.count(&format!("{removed:?}"), removed).is_some();
            }
            75..82 => {
                let liquidated = self.bench.liquidate(&mut held.0);
                self.vault -= self.count("liquidate", liquidated).map_or(0, |done| done.reward.get().into());
            }
            82..86 => {
                let withdrawn = self.bench.withdraw(&mut held.0, amount);
                self.vault -= self.count("withdraw", withdrawn).map_or(0, |()| amount.into());
            }
            86..96 => {
                self.bench.market.deposit_collateral(&mut held.0, sats(amount)).unwrap();
                self.vault += i128::from(amount);
            }
            96 => held.0.dismiss_delegate(),
            _ => held.0.budget.daily = sats(amount / 30),
        }
        if let Some(order) = orders.get_mut(k).filter(|order| order.id == held.1.id && order.dead == 0) {
            *order = held.1;
        }
        if leaves {
            orders.remove(k);
        }
        self.positions[i] = (held.0, orders);
    }

    /// Closes everyone at the kept price and pays the claims.
    fn end_settlement(&mut self) {
        for i in 0..self.positions.len() {
            self.bench.close_for_claim(&mut self.positions[i].0);
            self.check();
        }
        if self.vault % 2 == 0 {
            // A gift to the pool, so that the market opens again.
            let gift = self.bench.market.lifecycle.claims.get() + 50_000_000;
            self.bench.market.ledger.pool = self.bench.market.ledger.pool.plus(sats(gift)).unwrap();
            self.vault += i128::from(gift);
        }
        let mut finished = self.bench.market.finish_settlement().unwrap();
        for (position, _) in self.positions.iter_mut().filter(|(position, _)| !position.claim.is_zero()) {
            self.bench.market.redeem(position, &mut finished.settlement).unwrap();
        }
        self.count(if finished.closed { "close" } else { "settle" }, Ok(()));
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
            assert!(position.tips <= position.margin && usize::from(position.open_orders) == orders.len());
            let pending: Vec<u32> = live().filter(|order| order.is_pending()).map(|order| order.id + 1).collect();
            assert_eq!(pending, Vec::from_iter(Some(position.pending_order).filter(|named| *named > 0)));
        }
        let margin: u64 = self.positions.iter().map(|(position, _)| position.margin.get()).sum();
        assert_eq!((market.ledger.margin.get(), i128::from(market.ledger.total().unwrap().get())), (margin, self.vault));
    }
}

#[test]
fn after_any_history_of_orders_tips_and_sums_are_exact() {
    let (stress, max_utilisation) = (Bps::new(1_000), Bps::new(8_000));
    let params = Params { settle_tip: Notional::ZERO, stress, max_utilisation, ..open_params() };
    let mut done = BTreeMap::new();
    for seed in 0..800 {
        let mut rng = StdRng::seed_from_u64(seed);
        let pool = [50_000_000, 200_000_000, 1_000_000_000_000][rng.gen_range(0..3)];
        let bench = Bench::new(params, usd(50_000), pool);
        let mut world = World { bench, positions: vec![Default::default(); 4], vault: pool.into(), done };
        for _ in 0..400 {
            world.bench.wait([0, 1, 4, 8, 8, 8, 8, 8, 8, 8, 8, 20, 61, 600][rng.gen_range(0..14)]);
            let per_mille = if rng.gen_bool(0.03) { rng.gen_range(300..=2_000) } else { rng.gen_range(990..=1_010) };
            let price = world.bench.price.get() / 1_000 * per_mille;
            world.bench.price = Price::new(price.clamp(usd(5_000).get(), usd(500_000).get()));
            world.act(&mut rng);
            world.check();
            if world.bench.market.status() == Status::Settling {
                world.end_settlement();
            }
        }
        done = world.done;
    }
    let all =
        ["place", "trigger", "Fille", "Rests", "Faile", "Block", "Ok(Cancelled)", "Ok(Voided)", "Ok(Expired)", "liquidate"];
    assert!(all.iter().chain(&["settle", "close", "withdraw"]).all(|what| done.get(*what) > Some(&20)), "{done:?}");
}
