use crate::fixtures::{blank_withdrawal, id, Stage, BTC};
use crate::job::{Job, Jobs};
use crate::task::{Action, Task, Verb};
use crate::world::Known;
use inverse_perps::state::Position;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::order::{OrderKind, OrderRequest, OrderSize};
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::{Notional, Price, Sats, UnixTime};
use inverse_perps_engine::{Direction, Params};
use solana_address::Address;

const DAY: u32 = 86_400;

fn reward(stage: &Stage, verb: Verb, subject: &Address) -> u64 {
    let task = stage.tasks().into_iter().find(|task| task.key().verb == verb && task.key().subject == *subject);
    task.expect("a task").reward.get()
}

#[test]
fn positions_below_maintenance_are_liquidated_the_most_profitable_first() {
    let mut stage = Stage::new();
    // At $50,000: 0.02 BTC per $1,000. Margins are 5 %, 5 % and all of it.
    let small = stage.open(Direction::Long, 10_000, 1_000_000);
    let large = stage.open(Direction::Long, 100_000, 10_000_000);
    let safe = stage.open(Direction::Long, 10_000, 20_000_000);
    let short = stage.open(Direction::Short, 10_000, 1_000_000);
    stage.pass(1);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Liquidate), []);

    // 4.2 % lower a long of $10,000 has lost 876,826 of its 1,000,000 less fee: below 1 % of 20,876,826.
    stage.pass(1);
    stage.publish(47_900);
    assert_eq!(stage.to_do(Verb::Liquidate), [large, small]);
    assert!(!stage.to_do(Verb::Liquidate).contains(&safe) && !stage.to_do(Verb::Liquidate).contains(&short));
    // Half of a fee of 0.3 % of the value closed, which is at most all of it: 20,876,826 sats.
    let paid = reward(&stage, Verb::Liquidate, &small);
    assert!((1..=31_316).contains(&paid), "{paid}");

    stage.policy.jobs = Jobs::of([Job::Orders]);
    assert_eq!(stage.to_do(Verb::Liquidate), []);
}

#[test]
fn a_liquidation_that_was_done_is_found_no_more() {
    let mut stage = Stage::new();
    let opened = stage.open(Direction::Long, 10_000, 1_000_000);
    stage.pass(1);
    stage.publish(47_900);
    assert_eq!(stage.to_do(Verb::Liquidate), [opened]);
    let mut position = stage.position(&opened);
    let update = stage.update();
    let use_ = inverse_perps_engine::oracle::PriceUse::Upkeep;
    let marks = stage.market.state.sync(&update, use_, stage.at).expect("a price").marks;
    stage.market.state.liquidate(&mut position.state, &marks).expect("below maintenance");
    stage.keep(opened, position);
    assert_eq!(stage.to_do(Verb::Liquidate), []);
}

/// A stop at this price that closes a long, resting for an hour.
fn stop(dollars: u64) -> OrderRequest {
    OrderRequest {
        kind: OrderKind::Stop,
        direction: Direction::Long,
        size: OrderSize::Reduce(DecreaseSize::Whole),
        trigger: Price::new(dollars * BTC),
        limit: Price::ZERO,
        expiry: UnixTime::new(crate::fixtures::START + 3_600),
        tip: Sats::new(1_001),
    }
}

fn market_order(dollars: u64) -> OrderRequest {
    let size = OrderSize::Increase(Notional::new(dollars * 1_000_000));
    OrderRequest { kind: OrderKind::Market, size, limit: Price::new(u64::MAX), trigger: Price::ZERO, ..stop(1) }
}

#[test]
fn a_resting_order_is_triggered_by_a_price_past_its_trigger_published_late_enough() {
    let mut stage = Stage::new();
    let position = stage.open(Direction::Long, 10_000, 10_000_000);
    let order = stage.place(position, &stop(49_000));
    stage.pass(3);
    stage.publish(48_900);
    assert_eq!(stage.to_do(Verb::Trigger), [], "published less than order_delay after placing");
    stage.pass(3);
    stage.publish(49_001);
    assert_eq!(stage.to_do(Verb::Trigger), [], "not past its trigger");
    stage.pass(1);
    stage.publish(49_000);
    assert_eq!(stage.to_do(Verb::Trigger), [order]);
    assert_eq!(reward(&stage, Verb::Trigger, &order), 500, "half of 1,001, rounded down");
    assert_eq!(stage.to_do(Verb::Expire), []);
}

#[test]
fn an_order_that_waits_is_executed_from_t_on_and_removed_after_a_minute() {
    let mut stage = Stage::new();
    let (position, _) = stage.trader(10_000_000);
    let order = stage.place(position, &market_order(10_000));
    let due = stage.order(&order).state.due.get();
    assert_eq!(due, stage.at.time.get() + 6);
    stage.pass(5);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Execute), [], "no price published at T yet");
    stage.pass(1);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Execute), [order]);
    assert_eq!(reward(&stage, Verb::Execute, &order), 1_001);
    stage.pass(60);
    stage.publish(50_000);
    assert_eq!((stage.to_do(Verb::Execute), stage.to_do(Verb::Expire)), (vec![order], vec![]), "T + 60 is still fillable");
    stage.pass(1);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Execute), []);
    // The removal is judged by what the market knows: its clock is the Clock here.
    assert_eq!(stage.to_do(Verb::Expire), [order]);
}

#[test]
fn an_order_is_not_executed_within_fifteen_slots() {
    let mut stage = Stage::new();
    let (position, _) = stage.trader(10_000_000);
    let order = stage.place(position, &market_order(10_000));
    let placed = stage.order(&order).state.placed_slot;
    stage.pass(6);
    stage.publish(50_000);
    // On a chain whose slots take longer.
    let mut slow = stage.order(&order);
    slow.state.placed_slot = stage.at.slot - 14;
    stage.keep_order(order, slow);
    assert_eq!(stage.to_do(Verb::Execute), []);
    slow.state.placed_slot = stage.at.slot - 15;
    assert!(slow.state.placed_slot > placed);
    stage.keep_order(order, slow);
    assert_eq!(stage.to_do(Verb::Execute), [order]);
}

#[test]
fn who_has_triggered_an_order_is_named_and_gets_half() {
    let mut stage = Stage::new();
    let (position, _) = stage.trader(10_000_000);
    let address = stage.place(position, &market_order(10_000));
    stage.pass(6);
    stage.publish(50_000);
    let own = stage.world.book(&stage.keys.market).expect("a market").place.tokens;
    let mut order = stage.order(&address);
    for (by, expected_triggerer, expected_reward) in [(own, None, 1_001), (id(44), Some(id(44)), 501)] {
        order.triggered_by = by;
        order.partner = id(45);
        stage.keep_order(address, order);
        let task = stage.tasks().into_iter().find(|task| task.key().verb == Verb::Execute).expect("due");
        let Action::Execute { triggerer, partner, .. } = task.action else { panic!("{task:?}") };
        assert_eq!((triggerer, partner, task.reward.get()), (expected_triggerer, Some(id(45)), expected_reward));
    }
}

#[test]
fn void_and_expired_orders_are_removed_and_while_one_waits_no_other_is_triggered() {
    let mut stage = Stage::new();
    let position = stage.open(Direction::Long, 10_000, 10_000_000);
    let first = stage.place(position, &stop(49_000));
    let second = stage.place(position, &stop(48_500));
    stage.pass(7);
    stage.publish(48_000);
    assert_eq!(stage.to_do(Verb::Trigger).len(), 2);

    let mut waiting: Position = stage.position(&position);
    waiting.state.pending_order = 1;
    stage.keep(position, waiting);
    assert_eq!(stage.to_do(Verb::Trigger), []);

    waiting.state.pending_order = 0;
    waiting.state.void_orders_below = 1;
    stage.keep(position, waiting);
    assert_eq!((stage.to_do(Verb::Trigger), stage.to_do(Verb::Expire)), (vec![second], vec![first]));

    stage.pass(3_600);
    let mut both = stage.to_do(Verb::Expire);
    both.sort();
    let mut expected = vec![first, second];
    expected.sort();
    assert_eq!((both, stage.to_do(Verb::Trigger)), (expected, vec![]));
}

#[test]
fn a_market_is_shown_a_price_a_minute_if_nobody_else_does() {
    let mut stage = Stage::new();
    stage.pass(59);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Accrue), []);
    stage.pass(1);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Accrue), [stage.keys.market]);
    stage.sync();
    stage.tell();
    assert_eq!(stage.to_do(Verb::Accrue), [], "somebody has");
    stage.pass(100);
    assert_eq!(stage.to_do(Verb::Accrue), [], "there is no price that the market would take");
}

#[test]
fn profit_too_near_to_the_pool_is_deleveraged_before_anything_else() {
    let mut stage = Stage::with(Params { max_utilisation: inverse_perps_engine::units::Bps::new(8_000), ..quiet() });
    // 40 BTC short against a pool of 100: at $17,000 the shorts have won 77.6, at $16,000 85. The trigger is at 80 %.
    stage.open(Direction::Short, 2_000_000, 60 * BTC);
    stage.pass(60);
    stage.publish(17_000);
    assert_eq!(stage.to_do(Verb::Deleverage), []);
    stage.pass(1);
    stage.publish(16_000);
    assert_eq!(stage.to_do(Verb::Deleverage), [stage.keys.market]);
    let first: Vec<Verb> = stage.tasks().iter().map(|task| task.key().verb).take(1).collect();
    assert_eq!(first, [Verb::Deleverage]);
    stage.sync();
    stage.tell();
    assert_eq!(stage.to_do(Verb::Deleverage), []);
}

fn quiet() -> Params {
    Params { max_funding: 0, max_borrow: 0, ..Params::standard() }
}

/// A market whose oracle is dead, a day and some hours on, with one long and one short open.
fn dead_for(hours: u32) -> (Stage, [Address; 2]) {
    let mut stage = Stage::new();
    let opened = [stage.open(Direction::Long, 10_000, BTC), stage.open(Direction::Short, 20_000, BTC)];
    stage.pass(hours * 3_600);
    (stage, opened)
}

#[test]
fn an_oracle_is_declared_dead_after_a_day_and_the_market_settled_after_its_grace() {
    let (stage, _) = dead_for(23);
    assert_eq!(stage.to_do(Verb::DeclareDead), []);
    let (mut stage, _) = dead_for(24);
    assert_eq!(stage.to_do(Verb::DeclareDead), [stage.keys.market]);
    // A market that was merely forgotten is brought its price instead.
    stage.publish(50_000);
    assert_eq!((stage.to_do(Verb::DeclareDead), stage.to_do(Verb::Accrue)), (vec![], vec![stage.keys.market]));

    let (mut stage, opened) = dead_for(24);
    stage.market.state.declare_dead(stage.at).expect("dead");
    stage.tell();
    assert_eq!(
        (stage.to_do(Verb::DeclareDead), stage.to_do(Verb::ShowPrice), stage.to_do(Verb::SettleMarket)),
        (vec![], vec![], vec![])
    );
    // A price of ten minutes ago is too old to trade at, and newer than what the market has.
    stage.publish(40_000);
    stage.pass(600);
    assert_eq!((stage.to_do(Verb::ShowPrice), stage.to_do(Verb::Accrue)), (vec![stage.keys.market], vec![]));
    stage.market.state.show_price(&stage.update(), stage.at).expect("newer");
    stage.tell();
    assert_eq!(stage.to_do(Verb::ShowPrice), []);
    stage.pass(6 * 3_600);
    assert_eq!(stage.to_do(Verb::SettleMarket), [stage.keys.market]);
    stage.market.state.settle_dead(stage.at).expect("its grace is over");
    stage.tell();
    let mut closing = stage.to_do(Verb::CloseOut);
    closing.sort();
    let mut expected = opened.to_vec();
    expected.sort();
    assert_eq!((closing, stage.to_do(Verb::Finish)), (expected, vec![]));
}

#[test]
fn a_declaration_is_cancelled_at_once_by_a_price_that_the_market_takes() {
    let (mut stage, _) = dead_for(24);
    stage.market.state.declare_dead(stage.at).expect("dead");
    stage.pass(10);
    stage.publish(50_000);
    assert_eq!(stage.to_do(Verb::Accrue), [stage.keys.market]);
}

#[test]
fn a_settlement_goes_on_to_its_end_for_its_tips_and_without() {
    let (mut stage, opened) = dead_for(24);
    stage.market.state.declare_dead(stage.at).expect("dead");
    stage.pass(6 * 3_600);
    stage.market.state.settle_dead(stage.at).expect("its grace is over");
    stage.tell();
    assert_eq!(stage.market.state.status(), Status::Settling);
    // $0.002 at $50,000 are 4 satoshi; the fee's share of insurance and protocol on $10,000 is more.
    assert_eq!(reward(&stage, Verb::CloseOut, &opened[0]), 4);
    for address in opened {
        let mut position = stage.position(&address);
        stage.market.state.settle(&mut position.state).expect("settled");
        stage.market.state.close_for_claim(&mut position.state).expect("closed");
        stage.keep(address, position);
    }
    assert_eq!((stage.to_do(Verb::CloseOut), stage.to_do(Verb::Finish)), (vec![], vec![stage.keys.market]));
    stage.market.state.finish_settlement().expect("both sides are empty");
    stage.tell();
    assert_eq!((stage.market.state.status(), stage.to_do(Verb::Finish)), (Status::Closed, vec![]));
    assert_eq!(stage.to_do(Verb::PayOut), []);
    stage.policy.pay_out = true;
    assert_eq!(stage.to_do(Verb::PayOut).len(), 2);
}

#[test]
fn a_withdrawal_is_returned_when_its_window_has_passed() {
    let mut stage = Stage::new();
    let owner = id(55);
    let mut withdrawal = blank_withdrawal(stage.keys.market, owner);
    withdrawal.state = stage.market.state.request_withdrawal(1_000, stage.at).expect("shares");
    let (address, slot) = (stage.keys.withdrawal(&owner, 0), stage.at.slot);
    stage.tell();
    stage.world.note(address, slot, Some(Known::Withdrawal(Box::new(withdrawal))));
    // Prices come all the while, so the window does not stand still.
    for _ in 0..(2 * DAY / 300) {
        stage.pass(300);
        stage.publish(50_000);
        stage.sync();
    }
    stage.tell();
    assert_eq!(stage.to_do(Verb::ReturnWithdrawal), [], "the last second of the window");
    stage.pass(1);
    assert_eq!(stage.to_do(Verb::ReturnWithdrawal), [address]);
}

#[test]
fn the_same_world_gives_the_same_tasks_in_the_same_order() {
    let build = || {
        let mut stage = Stage::new();
        for number in 0..40u64 {
            stage.open(Direction::Long, 10_000 + number % 7 * 1_000, 1_000_000 + number % 7 * 100_000);
        }
        stage.pass(61);
        stage.publish(47_900);
        stage.tasks()
    };
    let (one, other): (Vec<Task>, Vec<Task>) = (build(), build());
    assert!(one.len() > 40, "{}", one.len());
    assert_eq!(one, other);
    assert!(one.windows(2).all(|pair| pair[0].precedence() < pair[1].precedence()));
}
