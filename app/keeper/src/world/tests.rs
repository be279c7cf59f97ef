use super::*;
use crate::fixtures::{account_of, blank_order, id, PushOracle, Stage, BTC};
use crate::task::Verb;
use inverse_perps_engine::Direction;
use perps::client::addresses::program;
use solana_account::Account;

fn size(stage: &Stage) -> (usize, usize, usize) {
    let book = stage.world.book(&stage.keys.market).expect("a market");
    (book.positions.len(), book.index.len(), book.orders.len())
}

#[test]
fn an_update_that_is_older_than_what_is_known_changes_nothing_and_a_duplicate_harms_nothing() {
    let mut stage = Stage::new();
    let (address, flat) = stage.trader(BTC);
    let slot = stage.at.slot;
    stage.pass(10);
    let opened = stage.open(Direction::Long, 1_000, BTC);
    let open = stage.position(&opened);
    assert_eq!(size(&stage), (2, 1, 0));

    // Late news of an open position that was flat ten seconds ago.
    assert!(!stage.world.note(opened, slot, Some(Known::Position(Box::new(flat)))));
    assert!(!stage.world.note(opened, slot, None));
    assert_eq!((size(&stage), stage.position(&opened).state), ((2, 1, 0), open.state));
    // The same news again.
    for _ in 0..2 {
        assert!(stage.world.note(opened, stage.at.slot, Some(Known::Position(Box::new(open)))));
        assert_eq!(size(&stage), (2, 1, 0));
    }
    assert!(stage.world.note(address, stage.at.slot, None));
    assert_eq!(size(&stage), (1, 1, 0));
}

#[test]
fn a_closed_account_stays_closed_when_older_news_of_it_comes() {
    let mut stage = Stage::new();
    let opened = stage.open(Direction::Long, 1_000, BTC);
    let (open, slot) = (stage.position(&opened), stage.at.slot);
    assert!(stage.world.note(opened, slot + 5, None));
    assert!(!stage.world.note(opened, slot + 4, Some(Known::Position(Box::new(open)))));
    assert_eq!(size(&stage), (0, 0, 0));
    assert!(stage.world.note(opened, slot + 6, Some(Known::Position(Box::new(open)))), "it may be opened again");
    assert_eq!(size(&stage), (1, 1, 0));
}

#[test]
fn an_order_that_comes_before_its_position_waits_for_it() {
    let mut stage = Stage::new();
    let mut elsewhere = Stage::new();
    let (position, account) = elsewhere.trader(BTC);
    let order = blank_order(position);
    stage.world.note(id(50), 2_000, Some(Known::Order(Box::new(order))));
    assert_eq!(size(&stage), (0, 0, 0));
    stage.world.note(position, 2_000, Some(Known::Position(Box::new(account))));
    stage.world.learn([]);
    assert_eq!(size(&stage), (1, 0, 1));
}

#[test]
fn a_snapshot_mends_what_was_missed_and_ends_what_is_not_in_it() {
    let mut stage = Stage::new();
    let kept = stage.open(Direction::Long, 1_000, BTC);
    let closed = stage.open(Direction::Short, 1_000, BTC);
    let slot = stage.at.slot;
    stage.pass(60);
    stage.publish(50_000);
    let fresh = stage.open(Direction::Short, 2_000, BTC);
    assert_eq!(size(&stage).0, 3);

    let account = account_of(&stage.position(&kept));
    // Taken before the newest position was opened, after one was closed, and told late.
    let snapshot = Snapshot { slot: slot + 1, accounts: vec![(stage.keys.market, elsewhere()), (kept, account)] };
    let learned = stage.world.replace(snapshot);
    assert!(!learned.set_back);
    let book = stage.world.book(&stage.keys.market).expect("a market");
    let mut left: Vec<Address> = book.positions.keys().copied().collect();
    left.sort();
    let mut expected = vec![kept, fresh];
    expected.sort();
    assert_eq!(left, expected);
    assert!(!book.positions.contains_key(&closed));
}

/// An account of another program: it is there, but nothing is learned of it.
fn elsewhere() -> Account {
    Account { lamports: 1, data: vec![1; 8], owner: id(99), executable: false, rent_epoch: 0 }
}

#[test]
fn a_chain_that_was_set_back_is_learned_anew() {
    let mut stage = Stage::new();
    stage.open(Direction::Long, 1_000, BTC);
    let slot = stage.at.slot;
    let behind = Snapshot { slot: slot - 140, accounts: vec![] };
    assert!(!stage.world.replace(behind).set_back);
    assert_eq!(size(&stage).0, 1, "a node that is a minute behind knows less, not better");
    let learned = stage.world.replace(Snapshot { slot: slot - 151, accounts: vec![] });
    assert!(learned.set_back && stage.world.books().count() == 0 && stage.world.moment().is_none());
}

#[test]
fn bytes_that_cannot_be_what_their_mark_says_are_reported_not_believed() {
    let mut stage = Stage::new();
    let data = <Position as anchor_lang::Discriminator>::DISCRIMINATOR.to_vec();
    let account = Account { lamports: 1, data, owner: program(), executable: false, rent_epoch: 0 };
    let learned = stage.world.learn([Update { address: id(60), slot: 9_999, account: Some(account) }]);
    assert_eq!(learned.unreadable.len(), 1);
    assert_eq!(size(&stage), (0, 0, 0));
    let learned = stage.world.learn([Update { address: CLOCK, slot: 9_999, account: None }]);
    assert_eq!(learned.unreadable.len(), 1);
    assert_eq!(stage.world.moment(), Some(stage.at));
}

#[test]
fn a_node_that_does_not_have_a_market_yet_does_not_end_it() {
    let mut stage = Stage::new();
    stage.open(Direction::Long, 1_000, BTC);
    let slot = stage.at.slot + 100;
    let learned = stage.world.learn([Update { address: stage.keys.market, slot, account: None }]);
    assert_eq!((learned.stale, size(&stage)), (1, (1, 1, 0)));
}

#[test]
fn only_the_markets_that_are_kept_are_learned_of() {
    let mut stage = Stage::new();
    let opened = stage.open(Direction::Long, 1_000, BTC);
    let (market, position) = (stage.market, stage.position(&opened));
    for (only, books) in [(id(33), 0), (stage.keys.market, 1)] {
        let mut world = World::new(id(1), Arc::new(PushOracle), &[only]);
        world.note(opened, 5, Some(Known::Position(Box::new(position))));
        world.note(stage.keys.market, 5, Some(Known::Market(Box::new(market))));
        world.learn([]);
        assert_eq!(world.books().count(), books);
        assert_eq!(world.books().map(|book| book.positions.len()).sum::<usize>(), books);
    }
}

#[test]
fn nothing_is_decided_before_everything_was_read_once() {
    let mut stage = Stage::new();
    let opened = stage.open(Direction::Long, 100_000, 5_000_000);
    stage.pass(1);
    stage.publish(48_000);
    assert_eq!(stage.to_do(Verb::Liquidate), [opened]);
    let mut world = World::new(id(1), Arc::new(PushOracle), &[]);
    std::mem::swap(&mut world, &mut stage.world);
    stage.tell();
    assert!(!stage.world.is_ready() && stage.tasks().is_empty());
}

#[test]
fn the_clock_never_goes_back() {
    let mut stage = Stage::new();
    let before = stage.at;
    stage.pass(10);
    let after = stage.at;
    stage.at = before;
    stage.tell();
    assert_eq!(stage.world.moment(), Some(after));
}
