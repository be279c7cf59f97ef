//! The keeper against the program itself, on a chain in process: once a step at a time, once as the daemon it is.

use super::{run_with, Parts};
use crate::config::Config;
use crate::drill::{eventually, long, stop_at, Drill, BTC, START};
use crate::feed::Feed;
use crate::job::{Job, Jobs};
use crate::prices::{Archive, Prices};
use inverse_perps::instructions::{OrderAmount, PositionDirection};
use perps::client::addresses::associated_tokens;
use perps::client::instructions::Leaving;
use perps::client::orders::market_terms;
use perps::client::pyth::feed_account;
use perps::local::FEED_ID;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn an_order_is_executed_at_the_first_update_from_t_on_and_its_tip_is_the_keeper_s() {
    let drill = Drill::new();
    let trader = drill.trader(3, BTC);
    drill.place(&trader, 0, &long(10_000));
    let waiting = drill.once();
    assert_eq!(waiting.landed("execute_order"), 0, "{waiting}");
    assert_eq!(waiting.landed("open_tokens"), 1, "the keeper has no token account yet: {waiting}");
    drill.tick(5, 50_000);
    assert_eq!(drill.once().landed("execute_order"), 0);
    // The first update at T says $50,100; by the time the keeper comes, the market is at $49,000.
    drill.tick(1, 50_100);
    drill.tick(3, 49_000);
    let done = drill.once();
    assert_eq!((done.landed("execute_order"), done.reward_sats, drill.tokens()), (1, 1_000, 1_000), "{done}");
    assert_eq!((drill.notional(&trader), drill.order(&trader, 0)), (10_000_000_000, false));
    // $10,000 at the ask of $50,105.01 are 19,958,084 sats: the first update's price, not the later one's.
    let entry = {
        let position = drill.chain.local().position(&trader.position).expect("a position");
        let scale = inverse_perps_engine::units::Scale::ONE;
        position.state.basis.entry_value(scale, inverse_perps_engine::math::Rounding::Floor).expect("a value")
    };
    assert_eq!(entry, 19_958_084);
}

#[test]
fn a_stop_is_triggered_and_then_executed_and_both_halves_of_its_tip_are_the_keeper_s() {
    let drill = Drill::new();
    let trader = drill.trader(3, BTC);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    assert_eq!(drill.once().landed("execute_order"), 1);
    drill.place(&trader, 1, &stop_at(49_000));
    drill.tick(7, 49_500);
    assert_eq!(drill.once().landed("trigger_order"), 0);
    drill.tick(1, 48_900);
    let triggered = drill.once();
    assert_eq!((triggered.landed("trigger_order"), triggered.landed("execute_order")), (1, 0), "{triggered}");
    drill.tick(6, 48_800);
    let executed = drill.once();
    assert_eq!((executed.landed("execute_order"), executed.reward_sats), (1, 1_001), "{executed}");
    assert_eq!((drill.notional(&trader), drill.tokens()), (0, 2_001));
}

#[test]
fn an_order_that_nobody_has_executed_is_removed_after_its_minute() {
    let drill = Drill::new();
    let trader = drill.trader(3, BTC);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(66, 50_000);
    let late = drill.once();
    assert_eq!(late.landed("execute_order"), 1, "T + 60 is still fillable: {late}");
    drill.place(&trader, 1, &market_terms(PositionDirection::Long, OrderAmount::Close, 1_000));
    drill.tick(67, 50_000);
    let removed = drill.once();
    assert_eq!((removed.landed("execute_order"), removed.landed("expire_order")), (0, 1), "{removed}");
    assert!(!drill.order(&trader, 1));
}

#[test]
fn a_position_below_maintenance_is_liquidated_for_its_reward() {
    let drill = Drill::new();
    let trader = drill.trader(3, 1_000_000);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    assert_eq!(drill.once().landed("execute_order"), 1);
    // 19,998,000 at the ask are worth 20,618,556 at $48,500: 620,556 of 989,000 are lost, and 1 % is 206,185.
    drill.tick(1, 48_500);
    let before = drill.tokens();
    let idle = drill.once();
    assert_eq!(idle.landed("liquidate"), 0, "it is healthy still: {idle}");
    // They are worth 20,876,826 at $47,900: 878,826 are lost, and 110,174 is below 208,768.
    drill.tick(1, 47_900);
    let done = drill.once();
    assert_eq!(done.landed("liquidate"), 1, "{done}");
    assert!(done.reward_sats > 0 && drill.tokens() == before + done.reward_sats, "{done}");
    assert!(drill.notional(&trader) < 10_000_000_000);
    let again = drill.once();
    assert_eq!(again.landed("liquidate"), 0, "{again}");
}

#[test]
fn funding_is_accrued_once_a_minute_and_a_lapsed_withdrawal_is_returned() {
    let drill = Drill::new();
    let owner = &drill.provider;
    let (shares_mint, source) = {
        let local = drill.chain.local();
        (local.keys.lp_mint, associated_tokens(&owner.address(), &local.keys.lp_mint))
    };
    let request = drill.chain.local().request_withdrawal(owner.address(), source, 0, 1_000_000);
    drill.send(&[request], &owner.keypair);
    let escrowed = drill.chain.local().supply(&shares_mint).expect("a mint");
    let held = drill.chain.local().tokens(&source).expect("shares");
    assert_eq!(held + 1_000_000, escrowed);
    assert_eq!(drill.once().landed("accrue_funding"), 0);

    // A price every five minutes: the window does not stand still. The keeper brings each.
    let mut accrued = 0;
    for _ in 0..576 {
        drill.pass(300);
        drill.publish(50_000);
        let done = drill.once();
        accrued += done.landed("accrue_funding");
        assert_eq!(done.landed("return_withdrawal"), 0, "{done}");
    }
    assert_eq!(accrued, 576);
    drill.tick(1, 50_000);
    let done = drill.once();
    assert_eq!(done.landed("return_withdrawal"), 1, "{done}");
    assert_eq!(drill.chain.local().tokens(&source).expect("shares"), escrowed);
    let leaving = Leaving { owner: owner.address(), id: 0, destination: source };
    assert!(drill.chain.local().withdrawal(&leaving.owner, leaving.id).expect("no account").is_none());
}

#[test]
fn a_trial_run_decides_and_sends_nothing() {
    let drill = Drill::new();
    let config = Config { dry_run: true, ..drill.config.clone() };
    let drill = Drill { config, ..drill };
    let trader = drill.trader(3, BTC);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    let done = drill.once();
    assert!(done.landed.is_empty() && done.other("would_send") >= 2, "{done}");
    assert_eq!((drill.notional(&trader), drill.tokens()), (0, 0));
}

#[test]
fn jobs_that_are_not_selected_are_left_to_others_and_so_is_what_does_not_pay() {
    let drill = Drill::new();
    let jobs = Jobs::of([Job::Funding]);
    let drill = Drill { config: Config { jobs, ..drill.config.clone() }, ..drill };
    let trader = drill.trader(3, BTC);
    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    assert!(drill.once().landed.is_empty());
    let config = Config { jobs: Jobs::all(), min_reward_sats: 1_001, ..drill.config.clone() };
    let drill = Drill { config, ..drill };
    assert_eq!(drill.once().landed("execute_order"), 0);
    let config = Config { min_reward_sats: 1_000, ..drill.config.clone() };
    let drill = Drill { config, ..drill };
    assert_eq!(drill.once().landed("execute_order"), 1);
}

#[test]
fn the_daemon_keeps_a_market_until_it_is_stopped() {
    let drill = Drill::new();
    let trader = drill.trader(3, 1_000_000);
    let mut config = drill.config.clone();
    (config.resync, config.poll, config.tick) =
        (Duration::from_millis(100), Duration::from_millis(10), Duration::from_millis(10));
    config.metrics = Some("127.0.0.1:0".parse().expect("an address"));
    let stop = Arc::new(AtomicBool::new(false));
    let chain = drill.chain();
    let source = Box::new(Feed::new(chain.clone(), &config));
    let parts = Parts { prices: Arc::new(Archive::new(chain.clone())), chain, source };
    let stopped = stop.clone();
    let daemon = std::thread::spawn(move || run_with(&config, parts, &stopped).expect("it runs"));

    drill.place(&trader, 0, &long(10_000));
    drill.tick(6, 50_000);
    eventually("the order is executed", || drill.notional(&trader) == 10_000_000_000);
    drill.place(&trader, 1, &stop_at(10_000)); // which nothing here reaches
    drill.tick(7, 50_000);
    drill.tick(1, 47_900);
    eventually("the position is liquidated", || drill.notional(&trader) < 10_000_000_000);
    drill.tick(60, 49_000);
    let accrued = |drill: &Drill| drill.chain.local().market().expect("a market").state.last_accrual.get();
    eventually("a price is shown within the minute", || accrued(&drill) > START + 60);
    stop.store(true, Ordering::SeqCst);
    let summary = daemon.join().expect("no panic");
    assert_eq!((summary.landed("execute_order"), summary.left_under_way), (1, 0), "{summary}");
    assert!(summary.landed("liquidate") >= 1 && summary.resyncs >= 1 && summary.reward_sats == drill.tokens(), "{summary}");
    assert_eq!(summary.other("crashed"), 0, "{summary}");
}

#[test]
fn a_market_s_price_is_the_push_oracle_s_account_of_its_feed() {
    let drill = Drill::new();
    let market = drill.chain.local().market().expect("a market");
    let current = Archive::new(drill.chain()).current(&market);
    assert_eq!(current, feed_account(&FEED_ID, 0));
}
