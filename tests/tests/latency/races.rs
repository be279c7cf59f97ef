//! Two keepers after one tip; and case 48: who cancels, who triggers and who executes, in every order.

use crate::crew::{cents, execute, execution, place, plain, total, BOTH, FILLED, GONE};
use inverse_perps_tests::harness::prelude::*;
use solana_instruction::error::InstructionError;

const START: i64 = 5_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_keepers_that_race_one_is_paid_and_the_other_finds_it_gone() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let owner = chain.trader_with(&market, BTC).await;
        let purses = [purse(&mut chain, &market), purse(&mut chain, &market)];
        let anybody = chain.somebody();
        // To execute.
        let id = place(&mut chain, &market, &owner, &market_order(direction, more(1_000))).await;
        chain.advance(DELAY);
        chain.post(&market, cents(START));
        assert_eq!(execute(&mut chain, &market, &owner, id, purses[0]).await, FILLED);
        let second = market.execute_order(&owner, id, purses[1]);
        chain.refuse("the second", &[second.clone()], &[], GONE).await;
        let lapse = market.expire_order(&anybody.pubkey(), &owner, id);
        chain.refuse("to expire it", &[lapse], &[&anybody], GONE).await;

        // To trigger.
        let stop = resting(OrderType::Stop(usd(51_000)), Short, OrderAmount::Close, u64::MAX);
        let stop = if direction == Short { stop } else { resting(OrderType::Stop(usd(49_000)), Long, OrderAmount::Close, 1) };
        let id = place(&mut chain, &market, &owner, &stop).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(if direction == Short { 51_000 } else { 49_000 }));
        chain.succeed("trigger", &[market.trigger(&owner, id, purses[0])], &[]).await;
        let again = market.trigger(&owner, id, purses[1]);
        chain.refuse("to trigger it again", &[again], &[], PerpError::OrderNotResting).await;
        // Who executes cannot leave out who has triggered, nor put himself in that place.
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        for triggerer in [None, Some(purses[1])] {
            let without = orders::Execution { triggerer, ..market.execution(&owner, id, purses[1]) };
            let without = market.execute_order_with(without);
            chain.refuse("without who triggered", &[without], &[], PerpError::WrongTriggerer).await;
        }
        let with = orders::Execution { triggerer: Some(purses[0]), ..market.execution(&owner, id, purses[1]) };
        let both = market.execute_order_with(with);
        // Twice in one transaction: the second finds it gone, and nothing happens.
        let twice = [both.clone(), both.clone()];
        assert!(chain.attempt("twice", &twice, &[]).await.is_err());
        chain.succeed("execute", &[both], &[]).await;
        assert_eq!(chain.tokens(&purses[0]).await, TIP + TIP / 2);
        assert_eq!(chain.tokens(&purses[1]).await, TIP / 2);
    }
}

/// What may be done with a resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Cancel,
    Trigger,
    Execute,
    Expire,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Resting,
    Pending,
    Gone,
}

fn permutations() -> Vec<[Step; 4]> {
    use Step::{Cancel, Execute, Expire, Trigger};
    let all = [Cancel, Trigger, Execute, Expire];
    let mut found = Vec::new();
    for (a, b, c) in (0..64_usize).map(|n| (n / 16, n / 4 % 4, n % 4)) {
        if a != b && b != c && a != c {
            found.push([all[a], all[b], all[c], all[6 - a - b - c]]);
        }
    }
    found
}

/// What a step must come to, by the rules of section 10: the order's next state, or the error.
fn rule(stands: Stands, step: Step) -> Result<Stands, InstructionError> {
    let refused = |refusal: Refusal| Err(refusal.0);
    match (stands, step) {
        (Stands::Gone, _) => refused(GONE.into()),
        (Stands::Resting, Step::Cancel) => Ok(Stands::Gone),
        (Stands::Resting, Step::Trigger) => Ok(Stands::Pending),
        (Stands::Resting, Step::Execute) => refused(PerpError::OrderNotPending.into()),
        (_, Step::Expire) => refused(PerpError::OrderNotExpired.into()),
        (Stands::Pending, Step::Cancel | Step::Trigger) => refused(PerpError::OrderNotResting.into()),
        (Stands::Pending, Step::Execute) => Ok(Stands::Gone),
    }
}

/// In every order of cancelling, triggering, executing and expiring: each does what the rule says, no satoshi is lost, the tip
/// is where it belongs, and in the end nothing is reserved and no account is left.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_no_order_of_cancel_trigger_and_execute_loses_a_satoshi() {
    let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
    let owner = chain.trader_with(&market, BTC).await;
    let purses = [purse(&mut chain, &market), purse(&mut chain, &market)];
    chain.open_by_order(&market, &owner, Long, 100_000, 50_000).await;
    let anybody = chain.somebody();
    assert_eq!(permutations().len(), 24);
    for steps in permutations() {
        chain.advance(60);
        chain.post(&market, cents(START));
        let before = total(&chain, &[&owner], &purses).await;
        let insured = chain.market(&market.keys.market).await.state.ledger;
        let stop = resting(OrderType::Stop(usd(49_000)), Long, less(100), 1);
        let id = place(&mut chain, &market, &owner, &stop).await;
        let mut stands = Stands::Resting;
        let mut executed = false;
        let mut first = None;
        for step in steps {
            chain.advance(DELAY);
            chain.post(&market, Tick::at(49_000));
            let triggerer = (stands == Stands::Pending).then_some(purses[0]);
            if stands == Stands::Pending && first.is_none() {
                first = Some(chain.publish(Tick::at(49_000)));
            }
            let fill_price = first.unwrap_or(market.price);
            let with = orders::Execution { triggerer, fill_price: Some(fill_price), ..market.execution(&owner, id, purses[1]) };
            let (instruction, signers) = match step {
                Step::Cancel => (market.cancel_order(&owner, id), vec![&owner.keypair]),
                Step::Trigger => (market.trigger(&owner, id, purses[0]), vec![]),
                Step::Execute => (market.execute_order_with(with), vec![]),
                Step::Expire => (market.expire_order(&anybody.pubkey(), &owner, id), vec![&anybody]),
            };
            let came = chain.attempt("a step", &[instruction], &signers).await;
            match (rule(stands, step), came) {
                (Ok(next), Ok(_)) => {
                    executed |= step == Step::Execute;
                    stands = next;
                }
                (Err(expected), Err(error)) => assert_eq!(error, expected, "{steps:?}: {step:?} of {stands:?}"),
                (expected, came) => panic!("{steps:?}: {step:?} of {stands:?}: {expected:?}, {came:?}"),
            }
        }
        if stands == Stands::Pending {
            chain.advance(61);
            chain.succeed("lapse", &[market.expire_order(&anybody.pubkey(), &owner, id)], &[&anybody]).await;
        }
        let state = chain.position(&owner.position).await.state;
        assert_eq!((state.tips.get(), state.open_orders, state.pending_order), (0, 0, 0), "{steps:?}");
        // Satoshi go where they belong: a reduction of $100 from $50,000 to $49,000 loses 200,000 - 204,082 = -4,082 to the
        // pool and pays a fee of 103; who lapses pays insurance.
        let after = total(&chain, &[&owner], &purses).await;
        let ledger = chain.market(&market.keys.market).await.state.ledger;
        let others = |ledger: &inverse_perps_engine::ledger::Ledger| {
            ledger.pool.get() + ledger.insurance.get() + ledger.protocol_fees.get()
        };
        assert_eq!(before - after, others(&ledger) - others(&insured), "{steps:?}");
        let expected = match (executed, stands) {
            (true, _) => 4_082 + 103,
            (false, Stands::Pending) => TIP,
            (false, _) => 0,
        };
        assert!((before - after).abs_diff(expected) <= 1, "{steps:?}: {} against {expected}", before - after);
    }
}

/// Case 48: what a keeper may choose is a price from after the request, and that not freely: no update from before T fills an
/// order, not even the newest there is.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_no_update_from_before_its_time_fills_an_order() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_orders(plain(), 1_000 * BTC).await;
        let owner = chain.trader_with(&market, BTC).await;
        let keeper = purse(&mut chain, &market);
        let mut earlier = vec![chain.publish(cents(5_100_000))];
        let id = place(&mut chain, &market, &owner, &market_order(direction, more(100_000))).await;
        for _ in 0..DELAY - 1 {
            chain.advance(1);
            earlier.push(chain.publish(cents(4_900_000)));
        }
        let newest = *earlier.last().expect("there are six");
        let before_due = orders::Execution { price: newest, fill_price: Some(newest), ..market.execution(&owner, id, keeper) };
        let before_due = market.execute_order_with(before_due);
        chain.refuse("before T", from_ref(&before_due), &[], PerpError::OrderTooYoung).await;
        chain.set_clock(chain.time(), chain.slot() + 15);
        chain.refuse("before T, after 15 slots", &[before_due], &[], PerpError::PriceBeforeOrder).await;
        chain.advance(1);
        chain.post(&market, cents(START));
        for update in earlier {
            let with = execution(&market, &owner, id, update, keeper);
            chain.refuse("an update from before T", &[with], &[], PerpError::NotFirstUpdate).await;
        }
        assert_eq!(execute(&mut chain, &market, &owner, id, keeper).await, FILLED);
    }
}
