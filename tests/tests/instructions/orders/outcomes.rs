//! `execute_order`: what becomes of an order that does not fill. Whoever executes is paid in any case.

use super::*;
use crate::accounts::lamports;
use crate::settlements::{strained, PROFIT};
use inverse_perps::state::Market;
use inverse_perps_engine::side::Direction;
use orders::OrderTerms;
use PerpError::*;

/// Executes, at $50,000 throughout, an order that is to fail for its owner's reasons with this error and this fee: the position is
/// untouched but for fee and tip, the executor is paid, the order gone.
async fn fails(chain: &mut Chain, market: &TestMarket, alice: &Trader, id: u32, fill: Tick, error: PerpError, fee: u64) {
    let keeper = purse(chain, market);
    let before = chain.position(&alice.position).await.state;
    let execute = at_fill_price(chain, market, alice, id, keeper, fill);
    let sent = chain.succeed("execute", &[execute], &[]).await;
    let event = ended(&sent);
    assert_eq!((event.outcome, event.error, event.killed), (FAILED, code(error), Address::default()), "{error:?}");
    assert_eq!(sent.events.len(), 1, "no fill: {:?}", sent.events);
    // 30 % and 10 % down of the fee are insurance's and the protocol's, the rest the pool's.
    let (insurance, protocol) = (fee * 3 / 10, fee / 10);
    let shares = event.fee_sats;
    assert_eq!((shares.insurance.get(), shares.protocol.get()), (insurance, protocol), "{error:?}");
    assert_eq!(shares.pool.get(), fee - insurance - protocol, "{error:?}");
    let delta = event.ledger.delta_sats;
    let gone = i64::try_from(fee + TIP).expect("small");
    assert_eq!((delta.margin.get(), delta.pool.get()), (-gone, i64::try_from(shares.pool.get()).expect("small")));
    assert_eq!((event.filler_sats.get(), chain.tokens(&keeper).await), (TIP, TIP));
    assert!(chain.order_if_any(alice, id).await.is_none(), "it is gone");
    let after = chain.position(&alice.position).await.state;
    assert_eq!((after.margin.get(), after.tips.get()), (before.margin.get() - fee - TIP, before.tips.get() - TIP));
    assert_eq!((after.shares, after.basis, after.direction), (before.shares, before.basis, before.direction));
    assert_eq!((after.pending_order, after.open_orders), (0, before.open_orders - 1));
}

/// That order 0 fills where there is just enough, and is blocked by this where there is a satoshi less.
async fn fills_if(enough: bool, chain: &mut Chain, market: &TestMarket, alice: &Trader, error: PerpError) {
    if !enough {
        return is_blocked(chain, market, alice, 0, error).await;
    }
    let keeper = purse(chain, market);
    let sent = chain.succeed("just enough", &[market.execute_order(alice, 0, keeper)], &[]).await;
    assert_eq!(ended(&sent).outcome, FILLED);
}

/// The same for the market's reasons: everything back but the tip.
async fn is_blocked(chain: &mut Chain, market: &TestMarket, alice: &Trader, id: u32, error: PerpError) {
    let keeper = purse(chain, market);
    let before = chain.position(&alice.position).await.state;
    let sent = chain.succeed("execute", &[market.execute_order(alice, id, keeper)], &[]).await;
    let event = ended(&sent);
    assert_eq!((event.outcome, event.error, event.fee_sats), (BLOCKED, code(error), Default::default()), "{error:?}");
    let delta = event.ledger.delta_sats;
    assert_eq!((delta.margin.get(), delta.pool.get(), delta.insurance.get()), (-1_000, 0, 0));
    assert_eq!((event.filler_sats.get(), chain.tokens(&keeper).await), (TIP, TIP));
    assert!(chain.order_if_any(alice, id).await.is_none(), "it is gone");
    let after = chain.position(&alice.position).await.state;
    assert_eq!((after.margin.get(), after.tips.get()), (before.margin.get() - TIP, before.tips.get() - TIP));
    assert_eq!((after.shares, after.basis, after.pending_order), (before.shares, before.basis, 0));
}

/// Case 48: both ways, opening and closing, a limit binds to 1e-8 of a dollar.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_market_order_beyond_its_limit_fails_for_the_taker_fee() {
    // $50,000 +- $100 at T: who buys pays $50,100, who sells gets $49,900. The fee is 5 bps of 200,000,000, the value at the price itself.
    let fill = Tick::at(50_000).confident_to(100);
    for direction in BOTH {
        for opens in [true, false] {
            let bound = usd(if (direction == Long) == opens { 50_100 } else { 49_900 });
            let too_tight = if (direction == Long) == opens { bound - 1 } else { bound + 1 };
            for (limit_price_e8, fills) in [(bound, true), (too_tight, false)] {
                let (mut chain, market, alice) = if opens { ready().await } else { opened(direction).await };
                let id = chain.position(&alice.position).await.state.next_order;
                let amount = if opens { more(100_000) } else { OrderAmount::Close };
                let terms = OrderTerms { limit_price_e8, ..market_order(direction, amount) };
                chain.succeed("place", &[market.place(&alice, id, &terms)], &[&alice.keypair]).await;
                chain.advance(DELAY);
                chain.post(&market, Tick::at(50_000));
                if fills {
                    let keeper = purse(&mut chain, &market);
                    let execute = at_fill_price(&mut chain, &market, &alice, id, keeper, fill);
                    let sent = chain.succeed("at its limit", &[execute], &[]).await;
                    assert_eq!(ended(&sent).outcome, FILLED);
                } else {
                    fails(&mut chain, &market, &alice, id, fill, SlippageExceeded, 100_000).await;
                    let lamports = lamports(&chain, &alice.address()).await;
                    assert_eq!(lamports, LAMPORTS, "the rent is back");
                }
            }
        }
    }
}

/// The fee of a failure is that of what was asked for: a part, or the position where all of it was to go.
#[tokio::test(flavor = "multi_thread")]
async fn the_fee_of_a_failure_is_of_the_size_asked_for_at_the_fill_price() {
    // At $49,000: $30,000 are 61,224,489.8 up, 5 bps of which are 30,612.2 up; all $100,000 204,081,633, and 102,040.8 up.
    for direction in BOTH {
        for (amount, fee) in [(less(30_000), 30_613), (more(30_000), 30_613), (OrderAmount::Close, 102_041)] {
            let (mut chain, market, alice) = opened(direction).await;
            let limit_price_e8 = match amount {
                OrderAmount::Increase(_) => either(direction, 1, u64::MAX),
                _ => either(direction, u64::MAX, 1),
            };
            let terms = OrderTerms { limit_price_e8, ..market_order(direction, amount) };
            chain.succeed("place", &[market.place(&alice, 1, &terms)], &[&alice.keypair]).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            fails(&mut chain, &market, &alice, 1, Tick::at(49_000), SlippageExceeded, fee).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_its_margin_cannot_carry_fails() {
    // $100,000 at $50,000 cost 105,000 to open; a failure costs 100,000, as far as the margin beside the tip reaches.
    let cases = [
        (3_121_000 - 1, MarginBelowFilling, 100_000),
        (105_000 + TIP, MarginBelowFilling, 100_000),
        (104_999 + TIP, MarginBelowFee, 100_000),
        (99_999 + TIP, MarginBelowFee, 99_999),
        (TIP, MarginBelowFee, 0),
    ];
    for direction in BOTH {
        for (margin, error, fee) in cases {
            let (mut chain, market, alice) = waiting(direction).await;
            chain.set_margin(&market, &alice, margin).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            fails(&mut chain, &market, &alice, 0, Tick::at(50_000), error, fee).await;
        }
    }
}

/// A part closed must pay its loss and its fee out of margin that no tip has reserved.
#[tokio::test(flavor = "multi_thread")]
async fn a_reduction_that_cannot_pay_its_fee_fails() {
    // Half of $100,000 from $50,000, 100,000,000, filled at $48,000 is worth 104,166,666.7 up: a loss of 4,166,667 and a fee of 52,083.3
    // up. The short's half at $52,000 is worth 96,153,846.2 down: a loss of 3,846,154, and a fee of 48,076.9 up. The failure costs no more
    // than that fee, for it has no loss to pay.
    for (direction, price, loss, fee) in [(Long, 48_000, 4_166_667, 52_084), (Short, 52_000, 3_846_154, 48_077)] {
        for (short_by, fails_so) in [(0, false), (1, true)] {
            let (mut chain, market, alice) = opened(direction).await;
            let place = market.place(&alice, 1, &market_order(direction, less(50_000)));
            chain.succeed("place", &[place], &[&alice.keypair]).await;
            chain.set_margin(&market, &alice, loss + fee + TIP - short_by).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            if fails_so {
                fails(&mut chain, &market, &alice, 1, Tick::at(price), MarginBelowFee, fee).await;
            } else {
                let keeper = purse(&mut chain, &market);
                let execute = at_fill_price(&mut chain, &market, &alice, 1, keeper, Tick::at(price));
                let sent = chain.succeed("just enough", &[execute], &[]).await;
                assert_eq!(ended(&sent).outcome, FILLED);
                assert_eq!(chain.position(&alice.position).await.state.margin.get(), 0);
            }
        }
    }
}

/// A whole close always fills; a loss that needs the tips takes them, this order's own too.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_needs_the_tips_takes_them() {
    for (direction, price, loss) in [(Long, 48_000, 8_333_334), (Short, 52_000, 7_692_308)] {
        let (mut chain, market, alice) = opened(direction).await;
        chain.succeed("a stop", &[market.place(&alice, 1, &closing(OrderType::Stop(1), Long))], &[&alice.keypair]).await;
        let place = market.place(&alice, 2, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[place], &[&alice.keypair]).await;
        chain.set_margin(&market, &alice, loss + 2 * TIP - 1).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        let keeper = purse(&mut chain, &market);
        let execute = at_fill_price(&mut chain, &market, &alice, 2, keeper, Tick::at(price));
        let sent = chain.succeed("close at a loss", &[execute], &[]).await;

        // Then a satoshi of the tips was needed, both orders are void, what is left pays the fee, and no keeper is paid.
        assert_eq!((ended(&sent).outcome, ended(&sent).filler_sats.get()), (FILLED, 0));
        assert_eq!(chain.tokens(&keeper).await, 0);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get(), position.void_orders_below), (0, 0, 3));
        assert_eq!(position.open_orders, 1, "the stop's account is there still");
        let expire = market.expire_order(&alice.address(), &alice, 1);
        let sent = chain.succeed("remove it", &[expire], &[&alice.keypair]).await;
        assert!(matches!(sent.event(), Event::OrderRemoved(event) if event.removal == 2));
    }
}

/// What an owner cannot bring about while his order waits, shown on bytes that no transaction makes, and on parameters that no timelock
/// lets change in a minute.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_has_lost_its_position_fails() {
    for direction in BOTH {
        let there = Tick::at(50_000);
        // Flat, and the order reduces.
        let (mut chain, market, alice) = waiting(direction).await;
        edit_order(&mut chain, &alice, 0, |order| order.state.reduce_only = 1).await;
        chain.advance(DELAY);
        chain.post(&market, there);
        // (its bound is an opening's, so it is lifted)
        edit_order(&mut chain, &alice, 0, |order| {
            order.state.limit = inverse_perps_engine::units::Price::new(either(direction, 0, u64::MAX));
        })
        .await;
        fails(&mut chain, &market, &alice, 0, there, NoOpenPosition, 100_000).await;

        // The other way.
        let (mut chain, market, alice) = opened(direction).await;
        let place = market.place(&alice, 1, &market_order(direction, more(100_000)));
        chain.succeed("place", &[place], &[&alice.keypair]).await;
        edit_order(&mut chain, &alice, 1, |order| {
            order.state.direction = 3 - order.state.direction;
            order.state.limit = inverse_perps_engine::units::Price::new(either(direction, 0, u64::MAX));
        })
        .await;
        chain.advance(DELAY);
        chain.post(&market, there);
        fails(&mut chain, &market, &alice, 1, there, OppositeDirection, 100_000).await;

        // A claim.
        let (mut chain, market, alice) = waiting(direction).await;
        chain.edit_position(&alice.position, |position| position.state.claim = Sats::new(1)).await;
        chain.edit_market(&market, |market| market.state.lifecycle.claims = Sats::new(1)).await;
        chain.advance(DELAY);
        chain.post(&market, there);
        fails(&mut chain, &market, &alice, 0, there, ClaimUnredeemed, 100_000).await;

        // A greater min_notional.
        let (mut chain, market, alice) = waiting(direction).await;
        let greater = |market: &mut Market| market.state.params.min_notional = Notional::new(dollars(100_001));
        chain.edit_market(&market, greater).await;
        chain.advance(DELAY);
        chain.post(&market, there);
        fails(&mut chain, &market, &alice, 0, there, BelowMinNotional, 100_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_pause_blocks_what_was_placed_before_and_lets_reductions_fill() {
    for direction in BOTH {
        let (mut chain, market, alice) = waiting(direction).await;
        let admin = chain.admin.insecure_clone();
        chain.succeed("pause", &[market.pause(&admin)], &[&admin]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        is_blocked(&mut chain, &market, &alice, 0, RiskPaused).await;

        let (mut chain, market, alice) = opened(direction).await;
        let admin = chain.admin.insecure_clone();
        let place = market.place(&alice, 1, &market_order(direction, less(50_000)));
        chain.succeed("place", &[place], &[&alice.keypair]).await;
        chain.succeed("pause", &[market.confirm(&admin)], &[&admin]).await;
        chain.fill(&market, &alice, 1, 50_000).await;
        assert_eq!(chain.position(&alice.position).await.state.shares.get(), dollars(50_000));
    }
}

/// Of two orders that fit one by one, the second is blocked by the side's cap.
#[tokio::test(flavor = "multi_thread")]
async fn case_30_caps_hold_when_orders_fill_not_only_when_they_are_placed() {
    let params = Params { max_side_notional: Notional::new(dollars(199_999)), ..still() };
    let params = Params { max_position_notional: Notional::new(dollars(100_000)), ..params };
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(params, 100 * BTC).await;
        let [alice, bob] = [chain.trader_with(&market, MARGIN).await, chain.trader_with(&market, MARGIN).await];
        for trader in [&alice, &bob] {
            let place = market.place(trader, 0, &market_order(direction, more(100_000)));
            chain.succeed("place", &[place], &[&trader.keypair]).await;
        }
        chain.fill(&market, &alice, 0, 50_000).await;
        assert_eq!(chain.position(&alice.position).await.state.shares.get(), dollars(100_000));
        is_blocked(&mut chain, &market, &bob, 0, SideCapExceeded).await;

        // A position's own cap, where it was lowered since.
        let carol = chain.trader_with(&market, MARGIN).await;
        let place = market.place(&carol, 0, &market_order(direction, more(50_000)));
        chain.succeed("place", &[place], &[&carol.keypair]).await;
        let lower = |market: &mut Market| market.state.params.max_position_notional = Notional::new(dollars(49_999));
        chain.edit_market(&market, lower).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        is_blocked(&mut chain, &market, &carol, 0, PositionCapExceeded).await;
    }
}

/// The pool must back the fill as it stands then: 285,714,286 satoshi for a long and 122,448,980 for a short, as derived in
/// `increase_position`; the pool's 63,000 of the fee count already.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_has_shrunk_blocks_an_increase_to_the_satoshi() {
    for (direction, free) in [(Long, 285_714_286), (Short, 122_448_980)] {
        for (short_by, enough) in [(0, true), (1, false)] {
            let (mut chain, market, alice) = waiting(direction).await;
            chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(free - 63_000 - short_by)).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(50_000));
            fills_if(enough, &mut chain, &market, &alice, ReserveExceeded).await;
        }
    }
}

/// A gain above the free pool: 3,921,568 of a long at $51,000, 4,081,632 of a short at $49,000, as derived in `decrease_position`.
#[tokio::test(flavor = "multi_thread")]
async fn a_gain_that_the_pool_does_not_have_blocks_a_close_to_the_satoshi() {
    for (direction, price, gain) in [(Long, 51_000, 3_921_568), (Short, 49_000, 4_081_632)] {
        for (short_by, enough) in [(0, true), (1, false)] {
            let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
            let alice = chain.trader_with(&market, MARGIN).await;
            chain.succeed("open", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
            chain.outweigh_profit(&market, direction, price).await;
            let place = market.place(&alice, 0, &market_order(direction, OrderAmount::Close));
            chain.succeed("place", &[place], &[&alice.keypair]).await;
            chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(gain - short_by)).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(price));
            fills_if(enough, &mut chain, &market, &alice, PoolExhausted).await;
        }
    }
}

/// The sync of an execution may begin to settle the market: then the order is blocked and who did it is paid; afterwards it is void.
#[tokio::test(flavor = "multi_thread")]
async fn the_settling_that_an_execution_begins_blocks_its_order() {
    for direction in BOTH {
        let stage = strained(direction, 100 * BTC, 0).await;
        let (mut chain, market, winner, second) = (stage.chain, stage.market, stage.winner, stage.second);
        for trader in [&winner, &second] {
            let place = market.place(trader, 0, &market_order(direction, less(1_000)));
            chain.succeed("place", &[place], &[&trader.keypair]).await;
        }
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(PROFIT)).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 62_500, 40_000)));
        let keeper = purse(&mut chain, &market);
        let execute = [market.execute_order(&second, 0, keeper)];
        let sent = chain.succeed("execute", &execute, &[]).await;
        assert!(matches!(sent.events[..], [Event::SettlingStarted(_), Event::OrderExecuted(_)]), "{:?}", sent.events);
        let event = ended(&sent);
        assert_eq!((event.outcome, event.error), (BLOCKED, code(MarketSettling)));
        assert_eq!((event.filler_sats.get(), event.fee_sats), (TIP, Default::default()));
        assert_eq!(chain.tokens(&keeper).await, TIP);
        let position = chain.position(&second.position).await.state;
        assert_eq!((position.tips.get(), position.pending_order, position.open_orders), (0, 0, 0));
        assert!(position.shares.get() > 0, "the position is closed for its claim by settle_position");

        let other = [market.execute_order(&winner, 0, keeper)];
        chain.refuse("another, then", &other, &[], MarketSettling).await;
        let expire = market.expire_order(&winner.address(), &winner, 0);
        let sent = chain.succeed("it is void", &[expire], &[&winner.keypair]).await;
        assert!(matches!(sent.event(), Event::OrderRemoved(event) if event.removal == 2));
    }
}

/// Case 48: a stop or limit that has missed its bound rests again, its owner poorer by half of its tip alone.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_triggered_order_that_misses_its_bound_rests_again() {
    for direction in BOTH {
        // Given a stop with its bound at its trigger and a tip of 1,001 satoshi, when it is triggered and the price moves on,
        let limit_price_e8 = usd(either(direction, 49_000, 51_000));
        let terms = OrderTerms { limit_price_e8, tip_sats: 1_001, ..stop(direction) };
        let (mut chain, market, alice, triggerer) = stopped(direction, &terms).await;
        let keeper = purse(&mut chain, &market);
        let execution = orders::Execution { triggerer: Some(triggerer), ..market.execution(&alice, 1, keeper) };
        let execute = [market.execute_order_with(execution)];
        chain.advance(DELAY);
        let beyond = stop_price(direction) - either(direction, 1, -1);
        chain.post(&market, Tick::at(beyond));
        let sent = chain.succeed("miss", &execute, &[]).await;

        // then half of the tip, rounded up, is paid: 501, of it half to each, rounded up for who executes.
        let event = ended(&sent);
        assert_eq!((event.outcome, event.error, event.fee_sats), (RESTS, 0, Default::default()));
        assert_eq!((event.filler_sats.get(), event.triggerer_sats.get(), event.forfeited_sats.get()), (251, 250, 0));
        assert_eq!(event.ledger.delta_sats.margin.get(), -501);
        assert_eq!((chain.tokens(&keeper).await, chain.tokens(&triggerer).await), (251, 250));
        let order = chain.order(&alice, 1).await;
        assert_eq!((order.state.pending, order.state.tip.get(), order.triggered_by), (0, 500, Address::default()));
        assert_eq!(order.state.due.get(), chain.time() + 60);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.tips.get(), position.pending_order, position.open_orders), (500, 0, 1));
        assert_eq!((position.margin.get(), position.shares.get()), (LEFT - 501, dollars(100_000)));
        let again = [market.execute_order(&alice, 1, keeper)];
        chain.refuse("it rests", &again, &[], OrderNotPending).await;

        // Tried again, it misses again, and costs half of what is left: 250.
        chain.advance(60);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.succeed("trigger", &[market.trigger(&alice, 1, triggerer)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(beyond));
        let event = ended(&chain.succeed("miss again", &execute, &[]).await);
        assert_eq!((event.outcome, event.filler_sats.get(), event.triggerer_sats.get()), (RESTS, 125, 125));

        // Then the price comes back in time, it fills, and the rest of the tip is shared.
        chain.advance(60);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.succeed("trigger", &[market.trigger(&alice, 1, triggerer)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let event = ended(&chain.succeed("fill", &execute, &[]).await);
        assert_eq!((event.outcome, event.filler_sats.get(), event.triggerer_sats.get()), (FILLED, 125, 125));
        assert_eq!((chain.tokens(&keeper).await, chain.tokens(&triggerer).await), (501, 500), "all of 1,001");
    }
}

/// A limit order to open that was triggered and missed rests as well; it can be taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_order_that_was_missed_can_be_taken_back() {
    for direction in BOTH {
        let (mut chain, market, alice) = ready().await;
        let keeper = purse(&mut chain, &market);
        let limit = resting(OrderType::Limit, direction, more(100_000), usd(either(direction, 49_000, 51_000)));
        chain.succeed("place", &[market.place(&alice, 0, &limit)], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 49_000, 51_000)));
        chain.succeed("trigger", &[market.trigger(&alice, 0, keeper)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 49_001, 50_999)));
        let execution = orders::Execution { triggerer: Some(keeper), ..market.execution(&alice, 0, keeper) };
        let sent = chain.succeed("miss", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!((ended(&sent).outcome, chain.tokens(&keeper).await), (RESTS, 500));
        chain.succeed("take it back", &[market.cancel_order(&alice, 0)], &[&alice.keypair]).await;
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get(), position.open_orders), (MARGIN - 500, 0, 0));
    }
}

/// A triggered order that fails for another reason than its bound does not rest again.
#[tokio::test(flavor = "multi_thread")]
async fn a_triggered_order_without_margin_fails_for_good() {
    for direction in BOTH {
        let (mut chain, market, alice) = ready().await;
        let keeper = purse(&mut chain, &market);
        let limit = resting(OrderType::Limit, direction, more(100_000), usd(either(direction, 49_000, 51_000)));
        chain.succeed("place", &[market.place(&alice, 0, &limit)], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 49_000, 51_000)));
        chain.succeed("trigger", &[market.trigger(&alice, 0, keeper)], &[]).await;
        chain.set_margin(&market, &alice, 1_000_000).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 49_000, 51_000)));
        let execution = orders::Execution { triggerer: Some(keeper), ..market.execution(&alice, 0, keeper) };
        let sent = chain.succeed("fail", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!((ended(&sent).outcome, ended(&sent).error), (FAILED, code(MarginBelowFilling)));
        assert!(chain.order_if_any(&alice, 0).await.is_none());
        assert_eq!(chain.position(&alice.position).await.state.open_direction(), None::<Direction>);
    }
}

/// The sync of an execution may deleverage the position first: what is left is less than was to be reduced, and it is closed whole.
/// 60,000,000 of profit beside 70,000,000: the winners shrink by 0.75 * (70 - 60) / (60 * 0.25), to a half.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleveraging_in_the_same_sync_leaves_less_to_reduce() {
    for direction in BOTH {
        let stage = strained(direction, 100 * BTC, 0).await;
        let (mut chain, market, second) = (stage.chain, stage.market, stage.second);
        // Of $50,000 long or $40,000 short a half is left.
        let place = market.place(&second, 0, &market_order(direction, less(30_000)));
        chain.succeed("place", &[place], &[&second.keypair]).await;
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(70_000_000)).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 62_500, 40_000)));
        let keeper = purse(&mut chain, &market);
        let sent = chain.succeed("execute", &[market.execute_order(&second, 0, keeper)], &[]).await;
        let [Event::Deleveraged(_), Event::OrderFilled(closed)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        let settled = closed.settled;
        // 10,000,000 of its profit were reserved for it, less a satoshi of rounding or two; the other 10,000,000 are what it closes at.
        let half = |sats: i64| (9_999_996..=10_000_000).contains(&sats);
        assert!(half(settled.result_sats.get()) && half(closed.fill.pnl_sats.get()), "{settled:?} {closed:?}");
        assert_eq!(closed.after.shares.get(), 0);
        let half = dollars(either(direction, 25_000, 20_000));
        assert!(half - closed.fill.notional_e6.get() <= 1, "{closed:?}");
    }
}
