//! `execute_order`: when an order fills, at what price, and what that must leave. What becomes of one that does not fill is in
//! `outcomes`, of its tip in `tips`, of the one that it is linked with in `linked_orders`.

use super::*;
use crate::accounts::{lamports, refuses_strangers, with_account};
use crate::prices::{refuses_bad_prices, refuses_wrong_accounts, Limits};
use inverse_perps_engine::units::Price;
use perps::client::exchange;
use solana_instruction::error::InstructionError;
use PerpError::*;

#[tokio::test(flavor = "multi_thread")]
async fn opens_at_the_fill_price_and_leaves_the_markets_alone() {
    // At T the market's price is $50,010, and the first update there $50,100 +- $10: a long buys at $50,110. The position comes to
    // 1e11 * 1e10 / 5.011e12 = 199,560,965.9; the fee to 99,780.5 up, and the surcharge of $2.50 to 4,989.02 up: 104,771, of which
    // 30 % and 10 % down are insurance's and the protocol's.
    // A short sells at $49,890 of $49,900 +- $10: 200,440,970.1 up; 100,220.5 up and 5,011.02 up.
    let cases = [
        (Long, 50_100, 50_110, 199_560_965, [62_863, 31_431, 10_477]),
        (Short, 49_900, 49_890, 200_440_971, [63_141, 31_569, 10_523]),
    ];
    for (direction, mid, fill, value, shares_of_fee) in cases {
        let (mut chain, market, alice) = waiting(direction).await;
        let keeper = purse(&mut chain, &market);
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_010));
        let execute = at_fill_price(&mut chain, &market, &alice, 0, keeper, Tick::at(mid).confident_to(10));
        let sent = chain.succeed("execute", &[execute], &[]).await;

        // Then one event says what happened: the fill, and the tip that has left the ledger.
        let [Event::OrderFilled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        let done = ended(&sent);
        assert_eq!((event.position, event.direction), (alice.position, u64::from(number(direction))));
        assert_eq!((event.fill.price_e8.get(), event.fill.notional_e6.get()), (usd(fill), dollars(100_000)));
        assert_eq!((event.fill.value_sats.get(), event.fill.pnl_sats.get()), (value, 0));
        let fee = event.fill.fee_sats;
        assert_eq!([fee.pool.get(), fee.insurance.get(), fee.protocol.get()], shares_of_fee);
        let margin = MARGIN - shares_of_fee.iter().sum::<u64>();
        assert_eq!((event.after.margin_sats.get(), event.after.shares.get()), (margin - TIP, dollars(100_000)));
        assert_eq!((event.reduce_only, event.settled.result_sats.get()), (0, 0));
        assert_eq!(event.after.basis.get(), i128::from(value));
        assert_eq!((done.position, done.order), (alice.position, order(&alice.position, 0).0));
        assert_eq!((done.outcome, done.error, done.killed), (FILLED, 0, Address::default()));
        assert_eq!((done.filler_sats.get(), done.triggerer_sats.get(), done.forfeited_sats.get()), (TIP, 0, 0));
        let taken = i64::try_from(MARGIN - margin + TIP).expect("small");
        assert_eq!((done.fee_sats, done.ledger.delta_sats.margin.get()), (Default::default(), -taken));
        assert_eq!(done.ledger.after_sats.margin.get(), margin - TIP);

        // The tip has arrived, the order is gone and its rent back, and nothing is reserved.
        assert_eq!(chain.tokens(&keeper).await, TIP);
        assert!(chain.order_if_any(&alice, 0).await.is_none());
        assert_eq!(lamports(&chain, &alice.address()).await, LAMPORTS);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get()), (margin - TIP, 0));
        assert_eq!((position.open_orders, position.pending_order, position.next_order), (0, 0, 1));
        assert_eq!(position.last_increase.get(), 0, "an order's fill is no instant increase");

        // The market has its own price still.
        let prices = chain.market(&market.keys.market).await.state.prices;
        assert_eq!((prices.price, prices.confidence.get()), (Price::new(usd(50_010)), 0));
        assert_eq!(prices.publish_time.get(), chain.time());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_at_the_fill_price() {
    // $100,000 from $50,000. The long sells at $51,000 of $51,050 +- $50: 196,078,431.4 up, a gain of 3,921,568, the fee 98,040. The
    // short buys at $49,000 of $48,950 +- $50: 204,081,632.7 down, a gain of 4,081,632; its fee, of the value up, is 102,041.
    let cases =
        [(Long, 51_050, 51_000, 196_078_432, 3_921_568, 98_040), (Short, 48_950, 49_000, 204_081_633, 4_081_632, 102_041)];
    for (direction, mid, fill, value, pnl, fee) in cases {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let place = market.place(&alice, 1, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[place], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        let execute = at_fill_price(&mut chain, &market, &alice, 1, keeper, Tick::at(mid).confident_to(50));
        let sent = chain.succeed("execute", &[execute], &[]).await;
        let [Event::OrderFilled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        let done = ended(&sent);
        assert_eq!((event.direction, event.fill.price_e8.get()), (u64::from(number(direction)), usd(fill)));
        assert_eq!((event.fill.value_sats.get(), event.fill.pnl_sats.get()), (value, pnl));
        let paid = event.fill.fee_sats;
        assert_eq!(paid.pool.get() + paid.insurance.get() + paid.protocol.get(), fee);
        assert_eq!((event.after.shares.get(), event.after.basis.get(), done.outcome), (0, 0, FILLED));
        let margin = LEFT + u64::try_from(pnl).expect("a gain") - fee - TIP;
        assert_eq!(chain.position(&alice.position).await.state.margin.get(), margin);
    }
}

/// An order to reduce by more than there is, or all but less than `min_notional`, closes whole; it never opens the other way.
#[tokio::test(flavor = "multi_thread")]
async fn case_15_a_reduction_closes_whole_rather_than_leave_dust_and_never_flips() {
    for direction in BOTH {
        for (size, left) in [(99_990, 10), (99_991, 0), (100_000, 0), (100_001, 0), (1_000_000, 0)] {
            let (mut chain, market, alice) = opened(direction).await;
            let place = market.place(&alice, 1, &market_order(direction, less(size)));
            chain.succeed("place", &[place], &[&alice.keypair]).await;
            chain.fill(&market, &alice, 1, 50_000).await;
            let position = chain.position(&alice.position).await.state;
            assert_eq!(position.shares.get(), dollars(left), "{size} of 100,000, {direction:?}");
            assert_eq!(position.direction, if left == 0 { 0 } else { number(direction) });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn not_before_fifteen_slots() {
    for direction in BOTH {
        let (mut chain, market, alice) = waiting(direction).await;
        let keeper = purse(&mut chain, &market);
        let (time, slot) = (chain.time() + 6, chain.slot());
        let execute = [market.execute_order(&alice, 0, keeper)];
        chain.set_clock(time, slot + 14);
        chain.post(&market, Tick::at(50_000));
        chain.refuse("14 slots", &execute, &[], OrderTooYoung).await;
        chain.set_clock(time, slot + 15);
        chain.succeed("15 slots", &execute, &[]).await;
    }
    // Triggering counts anew.
    let (mut chain, market, alice, triggerer) = stopped(Long, &stop(Long)).await;
    let (time, slot) = (chain.time() + 6, chain.slot());
    let execution = orders::Execution { triggerer: Some(triggerer), ..market.execution(&alice, 1, triggerer) };
    let execute = [market.execute_order_with(execution)];
    chain.set_clock(time, slot + 14);
    chain.post(&market, Tick::at(49_000));
    chain.refuse("14 slots after the trigger", &execute, &[], OrderTooYoung).await;
    chain.set_clock(time, slot + 15);
    chain.succeed("15 slots after the trigger", &execute, &[]).await;
}

/// Tries to execute with T, and everything else in seconds after it: the Clock, when the market's price was published, and when
/// the update was that sets the fill price, and that one's gap to the update before it.
async fn tried(direction: PositionDirection, clock: i64, current: i64, fill: i64, gap: i64) -> Result<(), PerpError> {
    let (mut chain, market, alice) = waiting(direction).await;
    let keeper = purse(&mut chain, &market);
    let due = chain.order(&alice, 0).await.state.due.get();
    let slot = chain.slot() + 200;
    chain.set_clock(due + clock, slot);
    chain.post(&market, Tick::at(50_000).aged(clock - current));
    let fill = Tick::at(50_000).aged(clock - fill).after_a_gap_of(gap);
    let execute = [at_fill_price(&mut chain, &market, &alice, 0, keeper, fill)];
    let errors = [PriceBeforeOrder, NotFirstUpdate, OrderExpired, PriceInFuture, PriceTooOld];
    let Err(error) = chain.attempt("execute", &execute, &[]).await else {
        return Ok(());
    };
    let found = errors.into_iter().find(|known| Refusal::from(*known).0 == error);
    Err(found.unwrap_or_else(|| panic!("{error:?}")))
}

/// Case 48: no keeper chooses the price. It is the first at or after T, which nobody knew when the order could last be changed.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_only_the_first_update_at_or_after_t_fills() {
    // Clock, current price, fill price and the gap before it.
    let cases = [
        ("published at T", [0, 0, 0, 1], Ok(())),
        ("the first after T", [2, 2, 2, 3], Ok(())),
        ("the first, 5 s after T", [5, 5, 5, 6], Ok(())),
        ("before T", [0, 0, -1, 1], Err(NotFirstUpdate)),
        ("one at T was before it", [2, 2, 2, 2], Err(NotFirstUpdate)),
        ("one after T was before it", [2, 2, 2, 1], Err(NotFirstUpdate)),
        ("at T as the one before it", [0, 0, 0, 0], Err(NotFirstUpdate)),
        // From T + 10 s any of the first 3 seconds serves.
        ("not the first, T + 9", [9, 9, 3, 1], Err(NotFirstUpdate)),
        ("not the first, T + 10", [10, 10, 3, 1], Ok(())),
        ("not the first, T + 10 by the newest price", [9, 10, 3, 1], Ok(())),
        ("not the first, at T", [10, 10, 0, 0], Ok(())),
        ("4 s after T", [10, 10, 4, 1], Err(NotFirstUpdate)),
        ("4 s after T, but the first", [10, 10, 4, 5], Ok(())),
        ("before T, late", [10, 10, -1, 1], Err(NotFirstUpdate)),
        // The market's price must be of T or later.
        ("the market's price of before T", [0, -1, 0, 1], Err(PriceBeforeOrder)),
        ("of T, brought 5 s later", [5, 0, 0, 1], Ok(())),
        // Late, it must be fresh, or whoever fills would choose it among those of the last seconds.
        ("late, 3 s old", [8, 5, 0, 1], Ok(())),
        ("late, 4 s old", [8, 4, 0, 1], Err(PriceTooOld)),
        // 60 s are the end, and the furthest that an update may be ahead.
        ("T + 60", [60, 60, 0, 1], Ok(())),
        ("T + 61", [61, 61, 0, 1], Err(OrderExpired)),
        ("T + 61 by the newest price", [60, 61, 0, 1], Err(OrderExpired)),
        ("the first, 60 s ahead", [0, 0, 60, 61], Ok(())),
        ("the first, 61 s ahead", [0, 0, 61, 62], Err(PriceInFuture)),
    ];
    for (what, [clock, current, fill, gap], expected) in cases {
        for direction in BOTH {
            assert_eq!(tried(direction, clock, current, fill, gap).await, expected, "{what}, {direction:?}");
        }
    }
}

/// Filled more than 5 s after T, by the Clock or by the newest price, it is at the worse for its owner: waiting wins nothing.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_late_fill_is_at_the_worse_of_both_prices() {
    // Clock and current price after T, the current mid, and where $50,100 +- $10 then fills a long and a short.
    let cases = [
        (5, 5, 50_300, 50_110, 50_090),
        (5, 5, 49_700, 50_110, 50_090),
        (6, 6, 50_300, 50_320, 50_090),
        (6, 6, 49_700, 50_110, 49_680),
        (6, 5, 50_300, 50_320, 50_090),
        (5, 6, 49_700, 50_110, 49_680),
        (60, 60, 50_300, 50_320, 50_090),
    ];
    for (clock, current, mid, long, short) in cases {
        for (direction, fill) in [(Long, long), (Short, short)] {
            let (mut chain, market, alice) = waiting(direction).await;
            let keeper = purse(&mut chain, &market);
            let due = chain.order(&alice, 0).await.state.due.get();
            let slot = chain.slot() + 200;
            chain.set_clock(due + clock, slot);
            chain.post(&market, Tick::at(mid).confident_to(20).aged(clock - current));
            let first = Tick::at(50_100).confident_to(10).aged(clock);
            let execute = at_fill_price(&mut chain, &market, &alice, 0, keeper, first);
            let sent = chain.succeed("execute", &[execute], &[]).await;
            let [Event::OrderFilled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
            assert_eq!(event.fill.price_e8.get(), usd(fill), "{direction:?} {clock} s after T, at {mid}");
        }
    }
    // Closing: a long sells, a short buys.
    for (direction, mid, fill) in
        [(Long, 49_700, 49_680), (Long, 50_300, 50_090), (Short, 50_300, 50_320), (Short, 49_700, 50_110)]
    {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let place = market.place(&alice, 1, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[place], &[&alice.keypair]).await;
        chain.advance(DELAY + 6);
        chain.post(&market, Tick::at(mid).confident_to(20));
        let first = Tick::at(50_100).confident_to(10).aged(6);
        let execute = at_fill_price(&mut chain, &market, &alice, 1, keeper, first);
        let sent = chain.succeed("close late", &[execute], &[]).await;
        let [Event::OrderFilled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        assert_eq!(event.fill.price_e8.get(), usd(fill), "close a {direction:?} late, at {mid}");
    }
}

/// The first update may be of any age and wider than the strict bound, but no wider than the wide one.
#[tokio::test(flavor = "multi_thread")]
async fn the_fill_price_is_one_that_can_be() {
    let (mut chain, market, alice) = waiting(Long).await;
    let keeper = purse(&mut chain, &market);
    let fill = Address::new_unique();
    let there = TestMarket { price: fill, ..market };
    let execution = orders::Execution { fill_price: Some(fill), ..market.execution(&alice, 0, keeper) };
    let execute = [market.execute_order_with(execution)];
    let due = chain.order(&alice, 0).await.state.due.get();
    chain.advance(DELAY + 40);
    chain.post(&market, Tick::at(50_000));
    let first = Tick::at(50_000).aged(40);
    assert_eq!(chain.time() - 40, due);
    // 60 bps of $50,000 are $300.
    let cases = [
        ("zero", Tick { price_e8: 0, ..first }, PriceNotPositive),
        ("negative", Tick { price_e8: -5_000_000_000_000, ..first }, PriceNotPositive),
        ("of average zero", Tick { ema_e8: 0, ..first }, PriceNotPositive),
        ("below $1", Tick { price_e8: 99_999_999, ..first }, PriceOutOfRange),
        ("above $100,000,000", Tick { price_e8: 10_000_000_000_000_001, ..first }, PriceOutOfRange),
        ("too unsure", Tick { confidence_e8: usd(300) + 1, ..first }, ConfidenceTooWide),
    ];
    for (what, tick, error) in cases {
        chain.post(&there, tick);
        chain.refuse(what, &execute, &[], error).await;
    }
    for exponent in [-13, 1, 3] {
        let update = with_exponent(chain.update(first), exponent);
        chain.post_bytes(&there, update);
        chain.refuse(&format!("exponent {exponent}"), &execute, &[], ExponentOutOfRange).await;
    }
    chain.post(&there, first.confident_to(300).average(40_000));
    let sent = chain.succeed("40 s old, wide and far from its average", &execute, &[]).await;
    let [Event::OrderFilled(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
    assert_eq!(event.fill.price_e8.get(), usd(50_300));
}

/// Case 16: a fill leaves three quarters of initial margin at the worse of both prices, to the satoshi, and cannot be liquidated there.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_fill_leaves_three_quarters_of_initial_margin_at_the_worse_price() {
    // $100,000 filled at $50,000 are entered at 200,000,000 and cost 105,000; the tip stays reserved. Initial margin is 2.01 %, and
    // three quarters of it 1.5075 %.
    let costs = 105_000 + TIP;
    let cases = [
        // 1.5075 % of 200,000,000.
        (Long, 50_000, 3_015_000),
        (Short, 50_000, 3_015_000),
        // A better price of the market's is not counted: the fill's own is the worse one.
        (Long, 50_500, 3_015_000),
        (Short, 49_500, 3_015_000),
        // At $49,500 the value is 202,020,202.02 up, the loss 2,020,203, and 1.5075 % of 202,020,203 are 3,045,454.6 up.
        (Long, 49_500, 3_045_455 + 2_020_203),
        // At $50,500 it is 198,019,801.98, down: the loss is 1,980,199; 1.5075 % of 198,019,802, up, are 2,985,148.5 up.
        (Short, 50_500, 2_985_149 + 1_980_199),
    ];
    for (direction, current, needed) in cases {
        for (short_by, outcome) in [(1, FAILED), (0, FILLED)] {
            let (mut chain, market, alice) = waiting(direction).await;
            let keeper = purse(&mut chain, &market);
            chain.set_margin(&market, &alice, needed + costs - short_by).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(current));
            let execute = at_fill_price(&mut chain, &market, &alice, 0, keeper, Tick::at(50_000));
            let sent = chain.succeed("execute", &[execute], &[]).await;
            let what = format!("{direction:?}, market at {current}, {short_by} short");
            assert_eq!(ended(&sent).outcome, outcome, "{what}");
            if outcome == FAILED {
                assert_eq!(ended(&sent).error, code(MarginBelowFilling), "{what}");
            } else {
                let liquidate = [market.liquidate(alice.position, keeper)];
                chain.refuse(&what, &liquidate, &[], NotLiquidatable).await;
            }
        }
    }
}

/// At bid or ask of the fill's own update, where that is worse: $50,000 +- $200 opens a long at $50,200, which is worth 1e21 / 4.98e12 =
/// 200,803,212.9 up at its bid of $49,800 against 199,203,187.3 down: a loss of 1,600,026; 1.5075 % of the former are 3,027,108.4 up; it
/// costs 99,602 and 4,981. A short opens at $49,800: 200,803,213 against 199,203,187 at $50,200: again 1,600,026; 1.5075 % of 199,203,188
/// are 3,002,988.1 up; it costs 100,402 and 5,021.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_the_spread_of_the_fill_counts_against_its_margin() {
    let cases = [(Long, 3_027_109 + 1_600_026 + 104_583), (Short, 3_002_989 + 1_600_026 + 105_423)];
    for (direction, needed) in cases {
        for (short_by, outcome) in [(1, FAILED), (0, FILLED)] {
            let (mut chain, market, alice) = waiting(direction).await;
            let keeper = purse(&mut chain, &market);
            chain.set_margin(&market, &alice, needed + TIP - short_by).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            let execute = at_fill_price(&mut chain, &market, &alice, 0, keeper, Tick::at(50_000).confident_to(200));
            let sent = chain.succeed("execute", &[execute], &[]).await;
            assert_eq!(ended(&sent).outcome, outcome, "{direction:?}, {short_by} short");
        }
    }
}

/// Where maintenance margin is more than three quarters of initial margin, it is what a fill must leave: 190 of 200 bps here, which the
/// bounds of parameters do not allow, so that it is written into the account. 3,800,000 of 200,000,000.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_fill_leaves_maintenance_margin_at_least() {
    for direction in BOTH {
        for (short_by, outcome) in [(1, FAILED), (0, FILLED)] {
            let (mut chain, market, alice) = waiting(direction).await;
            let keeper = purse(&mut chain, &market);
            let edit = |market: &mut inverse_perps::state::Market| {
                market.state.params.maintenance_margin = Bps::new(190);
                market.state.params.initial_margin_slope = Bps::new(0);
                market.state.params.maintenance_margin_slope = Bps::new(0);
            };
            chain.edit_market(&market, edit).await;
            chain.set_margin(&market, &alice, 3_800_000 + 105_000 + TIP - short_by).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            let sent = chain.succeed("execute", &[market.execute_order(&alice, 0, keeper)], &[]).await;
            assert_eq!(ended(&sent).outcome, outcome, "{direction:?}, {short_by} short");
            if outcome == FILLED {
                let liquidate = [market.liquidate(alice.position, keeper)];
                chain.refuse("liquidate", &liquidate, &[], NotLiquidatable).await;
            }
        }
    }
}

/// Case 48: a lag of the Clock that is found after placing, and that puts T into the past of it, blocks the fill; 5 s of 6 do not.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_an_order_whose_t_was_known_after_all_is_blocked() {
    for direction in BOTH {
        for (lead, outcome, error) in [(6, BLOCKED, code(ClockLagFound)), (5, FILLED, 0)] {
            let (mut chain, market, alice) = waiting(direction).await;
            let keeper = purse(&mut chain, &market);
            let (time, slot) = (chain.time() + 3, chain.slot() + 15);
            chain.set_clock(time, slot);
            chain.post(&market, Tick::at(50_000).aged(-lead));
            let execute = at_fill_price(&mut chain, &market, &alice, 0, keeper, Tick::at(50_000).aged(-3));
            let sent = chain.succeed("execute", &[execute], &[]).await;
            let event = ended(&sent);
            assert_eq!((event.outcome, event.error), (outcome, error), "{lead} s ahead, {direction:?}");
            assert_eq!((event.filler_sats.get(), chain.tokens(&keeper).await), (TIP, TIP));
            let fee = if outcome == FILLED { 105_000 } else { 0 };
            assert_eq!(chain.position(&alice.position).await.state.margin.get(), MARGIN - TIP - fee);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_order_that_waits_is_executed_and_only_once() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        chain.succeed("a stop", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let execute = [market.execute_order(&alice, 1, keeper)];
        chain.refuse("one that rests", &execute, &[], OrderNotPending).await;

        // Two keepers race: both in one block, the second in vain, with an error that says so.
        let close = market.place(&alice, 2, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[close], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let other = purse(&mut chain, &market);
        chain.succeed("the first", &[market.execute_order(&alice, 2, keeper)], &[]).await;
        let second = [market.execute_order(&alice, 2, other)];
        chain.refuse("the second", &second, &[], ErrorCode::AccountOwnedByWrongProgram).await;
        assert_eq!((chain.tokens(&keeper).await, chain.tokens(&other).await), (TIP, 0));
    }
}

/// A whole liquidation voids the order that waits; a part leaves it.
#[tokio::test(flavor = "multi_thread")]
async fn a_liquidation_goes_before_an_order_that_waits() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let close = market.place(&alice, 1, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[close], &[&alice.keypair]).await;
        chain.advance(DELAY);
        // At $48,000 the long has lost 8,333,334, at $52,000 the short 7,692,308: with 9,893,000 and 9,000,000 of margin beside the
        // tip that is below maintenance margin of about 1.01 % of the value, and above what a partial liquidation takes.
        chain.set_margin(&market, &alice, either(direction, 9_894_000, 9_001_000)).await;
        chain.post(&market, Tick::at(either(direction, 48_000, 52_000)));
        let sent = chain.succeed("liquidate a part", &[market.liquidate(alice.position, keeper)], &[]).await;
        let Event::PositionLiquidated(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert!(event.after.shares.get() > 0, "a part");
        assert_eq!(chain.position(&alice.position).await.state.tips.get(), TIP, "the order waits on");
        let sent = chain.succeed("close the rest", &[market.execute_order(&alice, 1, keeper)], &[]).await;
        assert_eq!((ended(&sent).outcome, chain.position(&alice.position).await.state.shares.get()), (FILLED, 0));

        // Whole: at $45,000 and $56,000 nothing is left.
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let close = market.place(&alice, 1, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[close], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 45_000, 56_000)));
        chain.succeed("liquidate whole", &[market.liquidate(alice.position, keeper)], &[]).await;
        let execute = [market.execute_order(&alice, 1, keeper)];
        chain.refuse("a void order", &execute, &[], OrderVoid).await;
    }
}

/// Where trades fill at once, orders fill in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn fills_in_a_market_with_instant_fills_too() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, MARGIN).await;
        chain.open_by_order(&market, &alice, direction, 100_000, 50_000).await;
        assert_eq!(chain.position(&alice.position).await.state.margin.get(), LEFT);
        // What an order has opened can be closed at once: its price was nobody's choice.
        chain.succeed("close at once", &[market.close(&alice, direction)], &[&alice.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, alice) = opened(Long).await;
    let other_market = chain.open_market_filling(market.keys.mint, 1, still(), false).await;
    let foreign_mint = chain.new_mint(8);
    let bob = chain.trader_with(&market, MARGIN).await;
    let keeper = purse(&mut chain, &market);
    for (trader, id) in [(&alice, 1), (&bob, 0)] {
        let place = market.place(trader, id, &market_order(Long, more(1_000)));
        chain.succeed("place", &[place], &[&trader.keypair]).await;
    }
    chain.advance(DELAY);
    chain.post(&market, Tick::at(50_000));
    let execute = at_fill_price(&mut chain, &market, &alice, 1, keeper, Tick::at(50_000));
    // Places: 0 market, 1 position, 2 order, 3 rent, 4 price, 5 fill price, 6 vault, 7 destination, 8 token program.

    let foreign = chain.token_account(&foreign_mint, &bob.address(), 0);
    let cases = [
        ("another market", 0, other_market.keys.market, WrongMarket),
        ("another position", 1, bob.position, WrongOrder),
        ("another position's order", 2, order(&bob.position, 0).0, WrongOrder),
        ("rent to somebody else", 3, bob.address(), WrongRentRecipient),
        ("another market's vault", 5, other_market.keys.vault, WrongVault),
        ("another token account as vault", 5, keeper, WrongVault),
    ];
    for (what, place, account, error) in cases {
        chain.refuse(what, &[with_account(&execute, place, account)], &[], error).await;
    }
    let mismatch = with_account(&execute, 6, foreign);
    chain.refuse("tokens of another mint", &[mismatch], &[], Refusal::MINT_MISMATCH).await;
    let no_tokens = with_account(&execute, 6, bob.address());
    chain.attempt("no token account", &[no_tokens], &[]).await.expect_err("lamports hold no tokens");
    let program = with_account(&execute, 7, TOKEN_2022_PROGRAM);
    chain.refuse("another token program", &[program], &[], InstructionError::MissingAccount).await;
    for (place, other) in [(0, alice.position), (1, exchange()), (2, alice.position)] {
        refuses_strangers(&mut chain, &execute, place, other, &[]).await;
    }
    // No order of another market's position is filled at this market's price.
    let carol = chain.trader_with(&other_market, MARGIN).await;
    chain.post(&other_market, Tick::at(50_000));
    chain.fill_pool(&other_market, 100 * BTC).await;
    let place = other_market.place(&carol, 0, &market_order(Long, more(1_000)));
    chain.succeed("place elsewhere", &[place], &[&carol.keypair]).await;
    let elsewhere = other_market.execute_order(&carol, 0, keeper);
    let crossed = with_account(&with_account(&elsewhere, 0, market.keys.market), 5, market.keys.vault);
    chain.refuse("in this market", &[crossed], &[], WrongMarket).await;

    chain.succeed("as it should be", from_ref(&execute), &[]).await;

    // Both price accounts are held to what any price account is.
    let place = market.place(&alice, 2, &market_order(Long, more(1_000)));
    chain.succeed("place", &[place], &[&alice.keypair]).await;
    let good = chain.publish(Tick::at(50_000));
    let fill_price = Address::new_unique();
    let execution = market.execution(&alice, 2, keeper);
    let own = market.execute_order_with(orders::Execution { fill_price: Some(good), ..execution });
    refuses_bad_prices(&mut chain, &market, &own, &[], Limits::Upkeep).await;
    let there = TestMarket { price: fill_price, ..market };
    let apart = market.execute_order_with(orders::Execution { fill_price: Some(fill_price), ..execution });
    refuses_wrong_accounts(&mut chain, &there, &apart, &[]).await;
}
