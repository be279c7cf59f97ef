//! `trigger_order`

use super::*;
use crate::accounts::{refuses_strangers, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use crate::settlements::{strained, PROFIT};
use orders::OrderTerms;
use perps::client::exchange;

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_whose_price_has_come_becomes_a_market_order() {
    for direction in BOTH {
        // Given $100,000 from $50,000 with a stop $1,000 away, when the price comes there 6 seconds later,
        let (mut chain, market, alice) = opened(direction).await;
        chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let nobody = [market.trigger(&alice, 1, Address::new_unique())];
        chain.refuse("for what cannot be paid", &nobody, &[], PerpError::WrongTriggerer).await;
        let keeper = purse(&mut chain, &market);
        let sent = chain.succeed("trigger", &[market.trigger(&alice, 1, keeper)], &[]).await;

        // then it waits for its fill: T is 6 seconds from now.
        let Event::OrderTriggered(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.head.market, event.position), (market.keys.market, alice.position));
        assert_eq!((event.order, event.triggered_by), (order(&alice.position, 1).0, keeper));
        assert_eq!((event.price_e8.get(), event.due), (usd(either(direction, 49_000, 51_000)), chain.time() + 6));
        let stored = chain.order(&alice, 1).await;
        let state = stored.state;
        assert_eq!((stored.triggered_by, state.pending, state.due.get()), (keeper, 1, chain.time() + 6));
        assert_eq!((state.placed_at.get(), state.placed_slot), (chain.time(), chain.slot()));
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.pending_order, position.tips.get(), position.margin.get()), (2, TIP, LEFT));
    }
}

/// Every kind in both directions: at its trigger, and not 1e-8 of a dollar before it.
#[tokio::test(flavor = "multi_thread")]
async fn triggers_at_its_price_and_not_before() {
    for direction in BOTH {
        let any_open = instructions::any_price_to_open(direction);
        let any_close = instructions::any_price_to_close(direction);
        // What falls to $49,000 and what rises to $51,000 for a long; the other way round for a short.
        let (against, for_it) = either(direction, (usd(49_000), usd(51_000)), (usd(51_000), usd(49_000)));
        let cases = [
            ("a limit to open", resting(OrderType::Limit, direction, more(100), against), against),
            ("a stop to open", resting(OrderType::Stop(for_it), direction, more(100), any_open), for_it),
            ("a take-profit to open", resting(OrderType::TakeProfit(against), direction, more(100), any_open), against),
            ("a limit to close", resting(OrderType::Limit, direction, less(100), for_it), for_it),
            ("a stop to close", resting(OrderType::Stop(against), direction, less(100), any_close), against),
            ("a take-profit", resting(OrderType::TakeProfit(for_it), direction, less(100), any_close), for_it),
        ];
        for (what, terms, trigger) in cases {
            let (mut chain, market, alice) = opened(direction).await;
            let keeper = purse(&mut chain, &market);
            chain.succeed(what, &[market.place(&alice, 1, &terms)], &[&alice.keypair]).await;
            let trigger_order = [market.trigger(&alice, 1, keeper)];
            let price_e8 = i64::try_from(trigger).expect("a price");
            let before = if trigger < usd(50_000) { price_e8 + 1 } else { price_e8 - 1 };
            chain.advance(DELAY);
            chain.post(&market, Tick { price_e8: before, ..Tick::at(50_000) });
            let what = format!("{what}, {direction:?}");
            chain.refuse(&what, &trigger_order, &[], PerpError::TriggerNotReached).await;
            chain.advance(1);
            chain.post(&market, Tick { price_e8, ..Tick::at(50_000) });
            chain.succeed(&what, &trigger_order, &[]).await;
        }
    }
}

/// A limit order takes any better price, a stop any worse one.
#[tokio::test(flavor = "multi_thread")]
async fn triggers_beyond_its_price() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        chain.succeed("a stop", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        let limit = resting(OrderType::Limit, direction, more(100), usd(either(direction, 49_000, 51_000)));
        chain.succeed("a limit", &[market.place(&alice, 2, &limit)], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 48_900, 51_100)));
        let keeper = purse(&mut chain, &market);
        chain.succeed("the limit", &[market.trigger(&alice, 2, keeper)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 48_900, 51_100)));
        let execution = orders::Execution { triggerer: Some(keeper), ..market.execution(&alice, 2, keeper) };
        let sent = chain.succeed("fill it", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!(ended(&sent).outcome, FILLED);
        chain.succeed("the stop", &[market.trigger(&alice, 1, keeper)], &[]).await;
    }
}

/// Case 48: the price that triggers is published at least 6 seconds after placing; who places it cannot know it.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_only_a_price_of_after_the_placing_triggers_to_the_second() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        let trigger = [market.trigger(&alice, 1, keeper)];
        let there = Tick::at(stop_price(direction));
        chain.advance(5);
        chain.post(&market, there);
        chain.refuse("after 5 s", &trigger, &[], PerpError::TriggerNotReached).await;
        // It is when the price was published that counts, not when it is brought.
        chain.advance(5);
        chain.post(&market, there.aged(5));
        chain.refuse("published after 5 s", &trigger, &[], PerpError::TriggerNotReached).await;
        chain.post(&market, there.aged(4));
        chain.succeed("published after 6 s", &trigger, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_an_order_triggers_until_its_expiry_to_the_second() {
    for direction in BOTH {
        for (late, clock) in [(0, true), (1, true), (1, false)] {
            let (mut chain, market, alice) = opened(direction).await;
            let keeper = purse(&mut chain, &market);
            let terms = OrderTerms { expiry: chain.time() + 20, ..stop(direction) };
            chain.succeed("place", &[market.place(&alice, 1, &terms)], &[&alice.keypair]).await;
            let trigger = [market.trigger(&alice, 1, keeper)];
            // The time is the later one of the Clock's and the newest price's.
            chain.advance(if clock { 20 + late } else { 20 });
            let ahead = if clock { 0 } else { i64::from(late) };
            chain.post(&market, Tick::at(stop_price(direction)).aged(-ahead));
            match late {
                0 => drop(chain.succeed("at its expiry", &trigger, &[]).await),
                _ => chain.refuse("a second later", &trigger, &[], PerpError::OrderExpired).await,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_triggers_and_the_others_wait() {
    for direction in BOTH {
        // Given two orders that both close at the stop's price, when one has been triggered,
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        for id in [1, 2] {
            chain.succeed("place", &[market.place(&alice, id, &stop(direction))], &[&alice.keypair]).await;
        }
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let [first, second] = [1, 2].map(|id| [market.trigger(&alice, id, keeper)]);
        chain.succeed("the first", &first, &[]).await;

        // then who comes second gets a clean error, for the same and for the other.
        chain.refuse("the same", &first, &[], PerpError::OrderNotResting).await;
        chain.refuse("the other", &second, &[], PerpError::OrderPending).await;
    }
    let (mut chain, market, alice) = waiting(Long).await;
    let keeper = purse(&mut chain, &market);
    let market_order = [market.trigger(&alice, 0, keeper)];
    chain.refuse("a market order", &market_order, &[], PerpError::OrderNotResting).await;
}

/// What arming needs is what placing a market order needs now.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_increase_needs_margin_and_no_pause_when_it_triggers() {
    for direction in BOTH {
        // $100,000 at $50,000 cost 105,000 and need 4,020,000; the order rests with its tip alone.
        let (mut chain, market) = Chain::with_orders(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, 4_125_999).await;
        let keeper = purse(&mut chain, &market);
        let terms = resting(OrderType::Limit, direction, more(100_000), usd(50_000));
        chain.advance(1);
        chain.post(&market, Tick::at(either(direction, 50_001, 49_999)));
        chain.succeed("place", &[market.place(&alice, 0, &terms)], &[&alice.keypair]).await;
        let trigger = [market.trigger(&alice, 0, keeper)];
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        chain.refuse("a satoshi short", &trigger, &[], PerpError::MarginBelowInitial).await;
        chain.succeed("deposit", &[market.deposit(&alice, 1)], &[&alice.keypair]).await;
        let admin = chain.admin.insecure_clone();
        chain.succeed("pause", &[market.pause(&admin)], &[&admin]).await;
        chain.refuse("while risk is paused", &trigger, &[], PerpError::RiskPaused).await;
        chain.succeed("resume", &[market.resume(&admin)], &[&admin]).await;
        chain.succeed("enough", &trigger, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_reduce_needs_something_to_reduce_when_it_triggers() {
    for direction in BOTH {
        let (mut chain, market, alice) = ready().await;
        let keeper = purse(&mut chain, &market);
        chain.succeed("place", &[market.place(&alice, 0, &stop(direction))], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let trigger = [market.trigger(&alice, 0, keeper)];
        chain.refuse("flat", &trigger, &[], PerpError::NoOpenPosition).await;
        let price = stop_price(direction);
        chain.open_by_order(&market, &alice, either(direction, Short, Long), 1_000, price).await;
        chain.refuse("the other way", &trigger, &[], PerpError::OppositeDirection).await;
    }
}

/// Risk may be paused: what reduces it is triggered.
#[tokio::test(flavor = "multi_thread")]
async fn case_45_a_stop_triggers_while_risk_is_paused() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let admin = chain.admin.insecure_clone();
        chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        chain.succeed("pause", &[market.confirm(&admin)], &[&admin]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.succeed("trigger", &[market.trigger(&alice, 1, keeper)], &[]).await;
    }
}

/// A whole liquidation voids what rests.
#[tokio::test(flavor = "multi_thread")]
async fn a_void_order_does_not_trigger() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 45_000, 56_000)));
        chain.succeed("liquidate", &[market.liquidate(alice.position, keeper)], &[]).await;
        assert_eq!(chain.position(&alice.position).await.state.shares.get(), 0, "it was closed whole");
        chain.refuse("trigger", &[market.trigger(&alice, 1, keeper)], &[], PerpError::OrderVoid).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_triggers_while_the_market_settles() {
    for direction in BOTH {
        let stage = strained(direction, 100 * BTC, 0).await;
        let (mut chain, market, winner) = (stage.chain, stage.market, stage.winner);
        let price = if direction == Long { usd(62_600) } else { usd(39_900) };
        let profit = closing(OrderType::TakeProfit(price), direction);
        chain.succeed("place", &[market.place(&winner, 0, &profit)], &[&winner.keypair]).await;
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(PROFIT)).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 62_600, 39_900)));
        chain.succeed("begin", &[market.deleverage()], &[]).await;
        let trigger = [market.trigger(&winner, 0, winner.tokens)];
        chain.refuse("while it settles", &trigger, &[], PerpError::MarketSettling).await;
    }
}

/// One that has missed its bound rests for a minute: no price published in it triggers it again.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_missed_bound_rests_for_a_minute_to_the_second() {
    for direction in BOTH {
        // A stop with its bound at the trigger, that the price has left behind when it fills.
        let limit_price_e8 = usd(either(direction, 49_000, 51_000));
        let terms = OrderTerms { limit_price_e8, ..stop(direction) };
        let (mut chain, market, alice, triggerer) = stopped(direction, &terms).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 48_999, 51_001)));
        let execution = orders::Execution { triggerer: Some(triggerer), ..market.execution(&alice, 1, triggerer) };
        let sent = chain.succeed("miss", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!(ended(&sent).outcome, RESTS);
        assert_eq!(chain.order(&alice, 1).await.state.due.get(), chain.time() + 60);

        let trigger = [market.trigger(&alice, 1, triggerer)];
        chain.advance(59);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.refuse("after 59 s", &trigger, &[], PerpError::TriggerNotReached).await;
        chain.advance(1);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.succeed("after 60 s", &trigger, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, alice) = opened(Long).await;
    let other_market = chain.open_market_filling(market.keys.mint, 1, still(), false).await;
    let bob = chain.trader_with(&market, MARGIN).await;
    let keeper = purse(&mut chain, &market);
    chain.succeed("place", &[market.place(&alice, 1, &stop(Long))], &[&alice.keypair]).await;
    chain.succeed("somebody else's", &[market.place(&bob, 0, &stop(Long))], &[&bob.keypair]).await;
    let trigger = market.trigger(&alice, 1, keeper);
    // Places: 0 market, 1 position, 2 order, 3 price, 4 destination.

    let cross = with_account(&trigger, 0, other_market.keys.market);
    chain.refuse("in another market", &[cross], &[], PerpError::WrongMarket).await;
    let bobs = with_account(&trigger, 1, bob.position);
    chain.refuse("of another position", &[bobs], &[], PerpError::WrongOrder).await;
    let his = with_account(&trigger, 2, order(&bob.position, 0).0);
    chain.refuse("another position's order", &[his], &[], PerpError::WrongOrder).await;
    refuses_strangers(&mut chain, &trigger, 0, alice.position, &[]).await;
    refuses_strangers(&mut chain, &trigger, 1, exchange(), &[]).await;
    refuses_strangers(&mut chain, &trigger, 2, alice.position, &[]).await;
    refuses_bad_prices(&mut chain, &market, &trigger, &[], Limits::Upkeep).await;
    chain.advance(1);
    chain.post(&market, Tick::at(49_000));
    chain.succeed("as it should be", &[trigger], &[]).await;
}
