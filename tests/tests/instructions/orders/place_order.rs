//! `place_order`

use super::*;
use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use crate::settlements::{finished, settling, strained, take_margin, PROFIT, SECONDS_MARGIN};
use inverse_perps_engine::units::Price;
use orders::OrderTerms;
use perps::client::exchange;
use solana_instruction::error::InstructionError;

#[tokio::test(flavor = "multi_thread")]
async fn a_market_order_reserves_its_tip_and_waits() {
    for direction in BOTH {
        // Given 10,000,000 satoshi of margin, when she places a market order for $100,000 with a limit of $50,500 or $49,500,
        let (mut chain, market, alice) = ready().await;
        let limit_price_e8 = usd(either(direction, 50_500, 49_500));
        let terms = OrderTerms { limit_price_e8, ..market_order(direction, more(100_000)) };
        let sent = chain.succeed("place", &[market.place(&alice, 0, &terms)], &[&alice.keypair]).await;

        // then the event says so: T is 6 s from now, the newest price and the Clock being the same.
        let Event::OrderPlaced(event) = sent.event() else { panic!("{:?}", sent.events) };
        let (address, bump) = order(&alice.position, 0);
        let side = u64::from(number(direction));
        assert_eq!((event.head.market, event.position, event.order), (market.keys.market, alice.position, address));
        assert_eq!((event.partner, event.id, event.kind), (Address::default(), 0, 0));
        assert_eq!((event.direction, event.reduce_only, event.by_delegate), (side, 0, 0));
        assert_eq!((event.notional_e6.get(), event.trigger_price_e8), (dollars(100_000), Price::ZERO));
        assert_eq!((event.limit_price_e8.get(), event.expiry, event.tip_sats.get()), (limit_price_e8, 0, TIP));
        assert_eq!(event.due, chain.time() + 6);

        // The account holds the same, and she has paid its rent.
        let order = chain.order(&alice, 0).await;
        assert_eq!((order.position, order.payer, order.version, order.bump), (alice.position, alice.address(), 1, bump));
        assert_eq!((order.partner, order.triggered_by), (Address::default(), Address::default()));
        let state = order.state;
        assert_eq!((state.id, state.epoch, state.kind, state.direction), (0, 0, 0, number(direction)));
        assert_eq!((state.reduce_only, state.pending, state.by_delegate, state.dead), (0, 1, 0, 0));
        assert_eq!((state.notional.get(), state.limit.get(), state.tip.get()), (dollars(100_000), limit_price_e8, TIP));
        assert_eq!((state.placed_at.get(), state.placed_slot), (chain.time(), chain.slot()));
        assert_eq!(state.due.get(), chain.time() + 6);
        assert_eq!((lamports(&chain, &alice.address()).await, lamports(&chain, &address).await), (LAMPORTS - RENT, RENT));

        // The tip is reserved in the margin, which is what it was; so is the ledger.
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get(), position.shares.get()), (MARGIN, TIP, 0));
        assert_eq!((position.next_order, position.open_orders, position.pending_order), (1, 1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_a_stop_and_a_take_profit_rest() {
    for direction in BOTH {
        // Given a market at $50,000, when she places one of each, none of which its price triggers,
        let (mut chain, market, alice) = ready().await;
        let [low, high] = [usd(49_000), usd(51_000)];
        let (against, for_it) = either(direction, (low, high), (high, low));
        let cases = [
            // A limit order triggers at its limit.
            (resting(OrderType::Limit, direction, more(100), against), 1, against, 0, dollars(100)),
            (closing(OrderType::Stop(against), direction), 2, against, 1, 0),
            (resting(OrderType::TakeProfit(for_it), direction, less(40), for_it), 3, for_it, 1, dollars(40)),
        ];
        for (id, (terms, kind, trigger, reduce_only, notional)) in cases.into_iter().enumerate() {
            let id = u32::try_from(id).expect("three");
            let terms = OrderTerms { expiry: chain.time() + 100, ..terms };
            let sent = chain.succeed("place", &[market.place(&alice, id, &terms)], &[&alice.keypair]).await;

            // then it rests, and no price published in the first 6 seconds can trigger it.
            let Event::OrderPlaced(event) = sent.event() else { panic!("{:?}", sent.events) };
            assert_eq!((event.id, event.kind, event.reduce_only), (u64::from(id), kind, reduce_only));
            assert_eq!((event.trigger_price_e8.get(), event.limit_price_e8.get()), (trigger, terms.limit_price_e8));
            assert_eq!((event.notional_e6.get(), event.expiry), (notional, chain.time() + 100));
            assert_eq!((event.due, event.direction), (chain.time() + 6, u64::from(number(direction))));
            let state = chain.order(&alice, id).await.state;
            assert_eq!((state.pending, u64::from(state.kind), state.due.get()), (0, kind, chain.time() + 6));
        }
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.tips.get(), position.open_orders, position.pending_order), (3 * TIP, 3, 0));
    }
}

/// T counts from the newest price there is and from how far the Clock has lately lagged behind the prices.
#[tokio::test(flavor = "multi_thread")]
async fn t_counts_from_the_newest_price_and_the_clocks_lag() {
    let (mut chain, market, alice) = ready().await;
    let start = chain.time();
    let far = resting(OrderType::Limit, Long, more(100), usd(40_000));
    // A price 4 s ahead of the Clock. Five seconds later nothing is newer than the Clock, but it can lag by 4 s again; it
    // counts as long as its interval of 600 s or the one after it lasts.
    let cases = [
        ("4 s ahead", 0, -4, start + 4 + 6),
        ("the lag counts on", 5, 0, start + 5 + 4 + 6),
        ("in the next interval to its last second", 1_199, 0, start + 1_199 + 4 + 6),
        ("forgotten", 1_200, 0, start + 1_200 + 6),
        ("an older price is no newer", 1_210, 5, start + 1_210 + 6),
    ];
    for (id, (what, seconds, age, due)) in cases.into_iter().enumerate() {
        let id = u32::try_from(id).expect("few");
        let slot = chain.slot() + 1;
        chain.set_clock(start + seconds, slot);
        chain.post(&market, Tick::at(50_000).aged(age));
        chain.succeed(what, &[market.place(&alice, id, &far)], &[&alice.keypair]).await;
        assert_eq!(chain.order(&alice, id).await.state.due.get(), due, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_its_price_would_trigger_at_once() {
    let (mut chain, market, alice) = ready().await;
    let price = usd(50_000);
    let signer = [&alice.keypair];
    // What the price of $50,000 triggers, and the nearest that it does not. Opening a long and closing a short buy.
    let (lower, higher) = (price - 1, price + 1);
    let mut id = 0;
    for direction in BOTH {
        let any = instructions::any_price_to_close(direction);
        let (worse, better) = either(direction, (lower, higher), (higher, lower));
        let limit = |limit: u64| resting(OrderType::Limit, direction, more(100), limit);
        let open_stop = |at| resting(OrderType::Stop(at), direction, more(100), instructions::any_price_to_open(direction));
        let close_limit = |limit: u64| resting(OrderType::Limit, direction, less(100), limit);
        let close_stop = |at| resting(OrderType::Stop(at), direction, less(100), any);
        let close_profit = |at| resting(OrderType::TakeProfit(at), direction, less(100), any);
        let cases = [
            ("a limit to open", limit(price), limit(worse)),
            ("a stop to open", open_stop(price), open_stop(better)),
            ("a limit to close", close_limit(price), close_limit(better)),
            ("a stop to close", close_stop(price), close_stop(worse)),
            ("a take-profit", close_profit(price), close_profit(better)),
        ];
        for (what, at_once, later) in cases {
            let place = market.place(&alice, id, &at_once);
            chain.refuse(&format!("{what}, {direction:?}"), &[place], &signer, PerpError::OrderWouldTrigger).await;
            chain.succeed(&format!("{what}, {direction:?}"), &[market.place(&alice, id, &later)], &signer).await;
            id += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tip_is_within_bounds_and_within_free_margin_to_the_satoshi() {
    let (mut chain, market, alice) = ready().await;
    let bob = chain.trader_with(&market, 1_999).await;
    let far = |tip_sats| OrderTerms { tip_sats, ..resting(OrderType::Limit, Long, more(100), usd(40_000)) };
    for tip in [0, 99, 100_001, u64::MAX] {
        let place = market.place(&alice, 0, &far(tip));
        chain.refuse(&format!("{tip} satoshi"), &[place], &[&alice.keypair], PerpError::OrderTipOutOfBounds).await;
    }
    for (id, tip) in [(0, 100), (1, 100_000)] {
        chain.succeed(&format!("{tip} satoshi"), &[market.place(&alice, id, &far(tip))], &[&alice.keypair]).await;
    }
    // One order has reserved 1,000 satoshi of 1,999; the next would need one more than is left.
    chain.succeed("the first", &[market.place(&bob, 0, &far(1_000))], &[&bob.keypair]).await;
    let second = [market.place(&bob, 1, &far(1_000))];
    chain.refuse("a satoshi short", &second, &[&bob.keypair], PerpError::MarginBelowTip).await;
    // What is reserved cannot be withdrawn either.
    let out = [market.withdraw(&bob, 1_000)];
    chain.refuse("take the tip out", &out, &[&bob.keypair], PerpError::MarginBelowAmount).await;
    chain.succeed("a satoshi more", &[market.deposit(&bob, 1)], &[&bob.keypair]).await;
    chain.succeed("the second", &second, &[&bob.keypair]).await;
    let position = chain.position(&bob.position).await.state;
    assert_eq!((position.margin.get(), position.tips.get()), (2_000, 2_000));
}

/// Case 16: whoever asks for more needs initial margin, a market order too, for the size that it would make.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_market_order_needs_fee_tip_and_initial_margin_to_the_satoshi() {
    // $100,000 at $50,000 cost 105,000 and need 4,020,000, as derived in `withdraw_collateral`; the tip is 1,000.
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, TIP + 104_999).await;
        let signer = [&alice.keypair];
        let place = [market.place(&alice, 0, &market_order(direction, more(100_000)))];
        chain.refuse("a satoshi less than the fee", &place, &signer, PerpError::MarginBelowFee).await;
        chain.succeed("deposit", &[market.deposit(&alice, 4_020_000)], &signer).await;
        chain.refuse("a satoshi less than initial margin", &place, &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("deposit", &[market.deposit(&alice, 1)], &signer).await;
        chain.succeed("enough", &place, &signer).await;
        // Nothing but the tip is taken or reserved before the fill.
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get()), (4_126_000, TIP));
    }
}

/// It is reckoned at bid or ask: at $50,000 +- $100 a long buys at $50,100, which costs 104,792 (99,801 and a surcharge of 4,991), and
/// is worth 199,600,798 less 200,000,000 at the price itself: a loss of 399,202. With tip and initial margin that is 4,524,994. A
/// short sells at $49,900: 105,212 (100,201 and 5,011), a loss of 200,000,000 - 200,400,802, in all 4,527,014.
#[tokio::test(flavor = "multi_thread")]
async fn a_market_order_is_judged_at_the_price_that_it_would_have_now() {
    for (direction, least) in [(Long, 104_792 + 399_202 + 4_021_000), (Short, 105_212 + 400_802 + 4_021_000)] {
        let (mut chain, market) = Chain::with_orders(still(), 100 * BTC).await;
        chain.advance(1);
        chain.post(&market, Tick::at(50_000).confident_to(100));
        let alice = chain.trader_with(&market, least - 1).await;
        let place = [market.place(&alice, 0, &market_order(direction, more(100_000)))];
        chain.refuse("a satoshi short", &place, &[&alice.keypair], PerpError::MarginBelowInitial).await;
        chain.succeed("deposit", &[market.deposit(&alice, 1)], &[&alice.keypair]).await;
        chain.succeed("enough", &place, &[&alice.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_sizes_that_no_fill_can_have() {
    let params = Params { max_position_notional: Notional::new(dollars(50_000)), ..still() };
    let params = Params { max_side_notional: Notional::new(dollars(80_000)), ..params };
    let (mut chain, market) = Chain::with_orders(params, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    let signer = [&alice.keypair];
    let increase = OrderAmount::Increase;
    for direction in BOTH {
        let id = chain.position(&alice.position).await.state.next_order;
        let sizes = [
            ("nothing", increase(0), PerpError::AmountZero),
            ("a millionth of a dollar", increase(1), PerpError::NotWholeDollars),
            ("nothing less", less(0), PerpError::AmountZero),
            ("half a dollar less", OrderAmount::Reduce(500_000), PerpError::NotWholeDollars),
        ];
        for (what, amount, error) in sizes {
            let market_order = market.place(&alice, id, &market_order(direction, amount));
            chain.refuse(&format!("{what}, {direction:?}"), &[market_order], &signer, error).await;
            let rests = resting(OrderType::Stop(1), direction, amount, 0);
            chain.refuse(&format!("{what}, a stop"), &[market.place(&alice, id, &rests)], &signer, error).await;
        }
        let sizes = [
            ("nine dollars of ten", more(9), PerpError::BelowMinNotional),
            ("a dollar above the position's cap", more(50_001), PerpError::PositionCapExceeded),
            ("nothing to reduce", less(10), PerpError::NoOpenPosition),
            ("nothing to close", OrderAmount::Close, PerpError::NoOpenPosition),
        ];
        for (what, amount, error) in sizes {
            let place = market.place(&alice, id, &market_order(direction, amount));
            chain.refuse(&format!("{what}, {direction:?}"), &[place], &signer, error).await;
        }
        chain.open_by_order(&market, &alice, direction, 50_000, 50_000).await;
        let against = either(direction, Short, Long);
        for (what, amount) in [("the other way", more(100)), ("reduce", less(100)), ("close", OrderAmount::Close)] {
            let flip = market.place(&alice, id + 1, &market_order(against, amount));
            chain.refuse(&format!("{what} a {against:?}"), &[flip], &signer, PerpError::OppositeDirection).await;
        }
        let bobs = chain.position(&bob.position).await.state.next_order;
        let over = market.place(&bob, bobs, &market_order(direction, more(30_001)));
        chain.refuse("a dollar above the side's cap", &[over], &[&bob.keypair], PerpError::SideCapExceeded).await;
        chain.open_by_order(&market, &bob, direction, 30_000, 50_000).await;
        for (trader, id) in [(&alice, id + 1), (&bob, bobs + 1)] {
            let close = market.place(trader, id, &market_order(direction, OrderAmount::Close));
            chain.succeed("close", &[close], &[&trader.keypair]).await;
            chain.fill(&market, trader, id, 50_000).await;
        }
    }
}

/// A tip is outside equity: reserving one must not make the position liquidatable. $100,000 at $50,000 need 1.01 % of 200,000,000,
/// 2,020,000; the tip is 1,000 more.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_a_tip_must_leave_maintenance_margin_to_the_satoshi() {
    for direction in BOTH {
        for terms in [stop(direction), market_order(direction, less(1_000))] {
            let (mut chain, market, alice) = opened(direction).await;
            let place = [market.place(&alice, 1, &terms)];
            chain.set_margin(&market, &alice, 2_020_999).await;
            chain.refuse("a satoshi short", &place, &[&alice.keypair], PerpError::MarginBelowMaintenance).await;
            chain.set_margin(&market, &alice, 2_021_000).await;
            chain.succeed("just enough", &place, &[&alice.keypair]).await;
            let keeper = purse(&mut chain, &market);
            let liquidate = [market.liquidate(alice.position, keeper)];
            chain.refuse("not for that", &liquidate, &[], PerpError::NotLiquidatable).await;
            chain.set_margin(&market, &alice, 2_020_999).await;
            chain.succeed("the tip does not count", &liquidate, &[]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_an_expiry_is_not_in_the_past_to_the_second() {
    let (mut chain, market, alice) = ready().await;
    let until = |expiry| OrderTerms { expiry, ..resting(OrderType::Limit, Short, more(100), usd(60_000)) };
    let now = chain.time();
    let late = [market.place(&alice, 0, &until(now - 1))];
    chain.refuse("a second ago", &late, &[&alice.keypair], PerpError::OrderExpired).await;
    // A price ahead of the Clock is a later now.
    let just = [market.place(&alice, 0, &until(now))];
    chain.post(&market, Tick::at(50_000).aged(-1));
    chain.refuse("a second before the newest price", &just, &[&alice.keypair], PerpError::OrderExpired).await;
    chain.succeed("this second", &[market.place(&alice, 0, &until(now + 1))], &[&alice.keypair]).await;
}

/// Where only orders fill, nothing fills at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_market_for_orders_alone_fills_nothing_at_once() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        chain.advance(120);
        chain.post(&market, Tick::at(50_000));
        let trades = [
            ("increase", market.open(&alice, direction, 100)),
            ("reduce", market.close_part(&alice, direction, 100)),
            ("close", market.close(&alice, direction)),
        ];
        for (what, trade) in trades {
            chain.refuse(what, &[trade], &[&alice.keypair], PerpError::OrdersOnly).await;
        }
    }
}

/// Also where trades fill at once orders can be placed; while one waits, its owner does nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn whose_order_waits_neither_trades_nor_withdraws_nor_places_another() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, MARGIN).await;
        let signer = [&alice.keypair];
        let resting_before = market.place(&alice, 0, &stop(direction));
        chain.succeed("one may rest", &[resting_before], &signer).await;
        let blocked = |id: u32| {
            [
                ("increase", market.open(&alice, direction, 100)),
                ("withdraw", market.withdraw(&alice, 1)),
                ("place another", market.place(&alice, id, &market_order(direction, more(100)))),
                ("place one to rest", market.place(&alice, id, &stop(direction))),
            ]
        };
        let place = market.place(&alice, 1, &market_order(direction, more(100_000)));
        chain.succeed("place", &[place], &signer).await;
        for (what, instruction) in blocked(2) {
            chain.refuse(&format!("{what}, flat"), &[instruction], &signer, PerpError::OrderPending).await;
        }
        chain.succeed("margin comes in", &[market.deposit(&alice, 1_000)], &signer).await;
        chain.fill(&market, &alice, 1, 50_000).await;

        // With a position, and an order to close it.
        let close = market.place(&alice, 2, &market_order(direction, OrderAmount::Close));
        chain.succeed("place", &[close], &signer).await;
        for (what, instruction) in blocked(3) {
            chain.refuse(&format!("{what}, open"), &[instruction], &signer, PerpError::OrderPending).await;
        }
        let reduce = market.close_part(&alice, direction, 100);
        chain.refuse("reduce", &[reduce], &signer, PerpError::OrderPending).await;
        chain.fill(&market, &alice, 2, 50_000).await;
        chain.succeed("then", &[market.withdraw(&alice, 1)], &signer).await;
    }
}

/// A market that settles or is closed fills no order ever: who has one that waits still gets margin out.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_waits_does_not_block_margin_while_the_market_settles() {
    for direction in BOTH {
        let stage = strained(direction, 100 * BTC, 0).await;
        let (mut chain, market, second) = (stage.chain, stage.market, stage.second);
        let place = market.place(&second, 0, &market_order(direction, less(1_000)));
        chain.succeed("place", &[place], &[&second.keypair]).await;
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(PROFIT)).await;
        chain.succeed("begin", &[market.deleverage()], &[]).await;
        let out = [take_margin(&market, &second, SECONDS_MARGIN)];
        let sent = chain.succeed("withdraw, the tip too", &out, &[&second.keypair]).await;
        let [Event::PositionClosedOut(_), Event::CollateralWithdrawn(event)] = &sent.events[..] else {
            panic!("{:?}", sent.events)
        };
        assert_eq!(event.margin_sats.get(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_orders_while_the_market_settles_and_with_a_claim() {
    for direction in BOTH {
        for terms in [market_order(direction, more(10)), resting(OrderType::Limit, direction, more(10), usd(50_000))] {
            let mut stage = settling(direction, PROFIT, 0).await;
            let place = stage.market.place(&stage.second, 0, &terms);
            let signer = [&stage.second.keypair];
            stage.chain.refuse("while it settles", &[place], &signer, PerpError::MarketSettling).await;
        }
        // Claims of 60,000,000 are paid whole, the loser's 10,000,000 are left: the market opens again.
        let mut stage = finished(direction, PROFIT, 0).await;
        let price = if direction == Long { 62_500 } else { 40_000 };
        stage.chain.advance(120);
        stage.chain.post(&stage.market, Tick::at(price));
        let place = stage.market.place(&stage.second, 0, &market_order(direction, more(10)));
        let signer = [&stage.second.keypair];
        stage.chain.refuse("with a claim", &[place], &signer, PerpError::ClaimUnredeemed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_pause_refuses_orders_to_increase_and_no_others() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let admin = chain.admin.insecure_clone();
        chain.succeed("pause", &[market.pause(&admin)], &[&admin]).await;
        let limit = resting(OrderType::Limit, direction, more(10), usd(either(direction, 49_000, 51_000)));
        for terms in [market_order(direction, more(10)), limit] {
            let place = [market.place(&alice, 1, &terms)];
            chain.refuse("to increase", &place, &[&alice.keypair], PerpError::RiskPaused).await;
        }
        chain.succeed("a stop", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        let close = market.place(&alice, 2, &market_order(direction, OrderAmount::Close));
        chain.succeed("to close", &[close], &[&alice.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_two_that_rest_and_no_others() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let bob = chain.trader_with(&market, MARGIN).await;
        let signer = [&alice.keypair];
        let [stop, profit] = [stop(direction), take_profit(direction)];
        chain.succeed("a stop", &[market.place(&alice, 1, &stop)], &signer).await;
        chain.succeed("somebody else's", &[market.place(&bob, 0, &stop)], &[&bob.keypair]).await;

        let with_market_order = market.place_linked(&alice, 2, 1, &market_order(direction, OrderAmount::Close));
        chain.refuse("a market order", &[with_market_order], &signer, PerpError::OrderNotLinkable).await;
        let linked = market.place_linked(&alice, 2, 1, &profit);
        let bobs = with_account(&linked, 7, order(&bob.position, 0).0);
        chain.refuse("with somebody else's", &[bobs], &signer, PerpError::WrongOrder).await;
        refuses_strangers(&mut chain, &linked, 7, alice.position, &signer).await;
        let sent = chain.succeed("link", &[linked], &signer).await;
        let Event::OrderPlaced(event) = sent.event() else { panic!("{:?}", sent.events) };
        let [first, second] = [1, 2].map(|id| order(&alice.position, id).0);
        assert_eq!((event.order, event.partner), (second, first));
        assert_eq!(chain.order(&alice, 1).await.partner, second);
        assert_eq!(chain.order(&alice, 2).await.partner, first);

        let third = [market.place_linked(&alice, 3, 1, &profit)];
        chain.refuse("with one that is linked", &third, &signer, PerpError::OrderNotLinkable).await;
        chain.succeed("a single one", &[market.place(&alice, 3, &stop)], &signer).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let keeper = purse(&mut chain, &market);
        chain.succeed("trigger", &[market.trigger(&alice, 3, keeper)], &[]).await;
        let fourth = [market.place_linked(&alice, 4, 3, &profit)];
        chain.refuse("with one that waits for its fill", &fourth, &signer, PerpError::OrderPending).await;
    }
}

/// Case 48: stop and take-profit are placed with the order that opens the position, in one transaction, before there is one.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_stop_and_take_profit_come_with_the_opening_order() {
    for direction in BOTH {
        let (mut chain, market, alice) = ready().await;
        let all = [
            market.place(&alice, 0, &stop(direction)),
            market.place_linked(&alice, 1, 0, &take_profit(direction)),
            market.place(&alice, 2, &market_order(direction, more(100_000))),
        ];
        let sent = chain.succeed("place all three", &all, &[&alice.keypair]).await;
        assert_eq!(sent.events.len(), 3);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.tips.get(), position.open_orders, position.pending_order), (3 * TIP, 3, 3));
        chain.fill(&market, &alice, 2, 50_000).await;

        // The take-profit's price comes, and it closes the position; the stop dies of it.
        let keeper = purse(&mut chain, &market);
        chain.advance(1);
        chain.post(&market, Tick::at(either(direction, 51_000, 49_000)));
        chain.succeed("trigger", &[market.trigger(&alice, 1, keeper)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 51_000, 49_000)));
        let partner = Some(order(&alice.position, 0).0);
        let triggerer = Some(keeper);
        let execution = orders::Execution { partner, triggerer, ..market.execution(&alice, 1, keeper) };
        let sent = chain.succeed("take the profit", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!((ended(&sent).outcome, ended(&sent).killed), (FILLED, order(&alice.position, 0).0));
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.shares.get(), position.tips.get(), position.open_orders), (0, 0, 1));
    }
}

/// What the runtime says of seeds that are not the account's: the program signs for another address, or for one that is none.
fn leads_elsewhere(error: &InstructionError) -> bool {
    matches!(error, InstructionError::PrivilegeEscalation | InstructionError::ProgramFailedToComplete)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_40_an_order_is_at_its_own_address_and_nowhere_else() {
    let (mut chain, market, alice) = ready().await;
    let signer = [&alice.keypair];
    let far = resting(OrderType::Limit, Long, more(100), usd(40_000));
    // Only the program signs for an address, and only for that of the next order.
    for id in [1, 2] {
        let skip = [market.place(&alice, id, &far)];
        let error = chain.attempt("skip an id", &skip, &signer).await.expect_err("the address is another order's");
        assert!(leads_elsewhere(&error), "{error:?}");
    }
    let place = market.place(&alice, 0, &far);
    let mut other_bump = place.clone();
    *other_bump.data.last_mut().expect("the bump comes last") -= 1;
    let error = chain.attempt("another bump", &[other_bump], &signer).await.expect_err("it leads elsewhere");
    assert!(leads_elsewhere(&error), "{error:?}");
    // Lamports that somebody sends there before do not stop it.
    let address = order(&alice.position, 0).0;
    chain.set_account(&address, Account { lamports: 1_000_000, ..Account::default() });
    chain.succeed("place", from_ref(&place), &signer).await;
    let error = chain.attempt("the same id again", &[place], &signer).await.expect_err("the address is taken");
    assert!(leads_elsewhere(&error), "{error:?}");
    let position = chain.position(&alice.position).await.state;
    assert_eq!((position.next_order, position.open_orders), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, alice) = ready().await;
    let other_market = chain.open_market_filling(market.keys.mint, 1, still(), false).await;
    let bob = chain.trader_with(&market, MARGIN).await;
    let signer = [&alice.keypair];
    let place = market.place(&alice, 0, &market_order(Long, more(1_000)));
    // Places: 0 trader, 1 payer, 2 market, 3 position, 4 order, 5 price, 6 system program.

    let bobs = with_account(&place, 3, bob.position);
    chain.refuse("somebody else's position", &[bobs], &signer, PerpError::NotTrader).await;
    let silent = with_account(&unsigned(&place, 0), 1, bob.address());
    chain.refuse("without the signature", &[silent], &[&bob.keypair], ErrorCode::AccountNotSigner).await;
    let unpaid = with_account(&unsigned(&place, 1), 1, bob.address());
    chain.refuse("paid by who has not signed", &[unpaid], &signer, ErrorCode::AccountNotSigner).await;
    let cross = with_account(&place, 2, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    let no_system = with_account(&place, 6, TOKEN_PROGRAM);
    chain.refuse("without the system program", &[no_system], &signer, ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &place, 2, alice.position, &signer).await;
    refuses_strangers(&mut chain, &place, 3, exchange(), &signer).await;
    refuses_bad_prices(&mut chain, &market, &place, &signer, Limits::Upkeep).await;

    // Somebody else may pay the rent.
    let paid = with_account(&place, 1, bob.address());
    chain.succeed("as it should be", &[paid], &[&alice.keypair, &bob.keypair]).await;
    assert_eq!(chain.order(&alice, 0).await.payer, bob.address());
}
