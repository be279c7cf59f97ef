//! Cases 8, 12, 15 and 16: opening and closing.

use crate::{wealth, BOTH};
use inverse_perps_tests::harness::prelude::*;

fn no_hold() -> Params {
    Params { min_hold: Seconds::new(0), ..still() }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_08_what_is_opened_cannot_be_closed_at_once() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    for direction in BOTH {
        let alice = chain.trader_with(&market, BTC).await;
        let both = [market.open(&alice, direction, 100_000), market.close(&alice, direction)];
        chain.refuse("in one transaction", &both, &[&alice.keypair], PerpError::MinHoldNotOver).await;
        assert_eq!(chain.position(&alice.position).await.state.direction, 0, "nothing of it remains");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_08_without_a_hold_opening_and_closing_at_one_price_always_loses() {
    // $100,000 at $50,000: opening costs 105,000 satoshi and closing 100,000, as derived in `increase_position`. With a
    // confidence of $50 the value differs between ask and bid by 1e21 / 4.995e12 - 1e21 / 5.005e12 = 400,000.4 satoshi.
    for (confidence, least) in [(0, 205_000), (50, 605_000)] {
        for direction in BOTH {
            for at_once in [true, false] {
                let (mut chain, market) = Chain::with_pool(no_hold(), 100 * BTC).await;
                let alice = chain.trader_with(&market, BTC).await;
                chain.advance(120);
                chain.post(&market, Tick::at(50_000).confident_to(confidence));
                let before = wealth(&chain, &alice).await;
                let steps = [market.open(&alice, direction, 100_000), market.close(&alice, direction)];
                if at_once {
                    chain.succeed("in one transaction", &steps, &[&alice.keypair]).await;
                } else {
                    chain.succeed("first", &steps[..1], &[&alice.keypair]).await;
                    chain.set_clock(chain.time() + 1, chain.slot() + 3); // the same price is still fresh
                    chain.succeed("then", &steps[1..], &[&alice.keypair]).await;
                }
                let lost = before - wealth(&chain, &alice).await;
                assert!(lost >= least, "{direction:?} with ${confidence}: lost {lost}");
                assert!(confidence > 0 || lost == least, "{direction:?}: lost {lost}");
            }
        }
    }
}

/// Whoever saw the price move first must not trade at the old one: the worst of the last minute is what he gets.
#[tokio::test(flavor = "multi_thread")]
async fn case_08_a_price_known_early_buys_nothing() {
    for (direction, next) in [(Long, 50_500), (Short, 49_500)] {
        let (mut chain, market) = Chain::with_pool(no_hold(), 100 * BTC).await;
        let alice = chain.trader_with(&market, BTC).await;
        chain.succeed("the old price", &[market.accrue()], &[]).await;
        let before = wealth(&chain, &alice).await;
        chain.succeed("open at the old price", &[market.open(&alice, direction, 100_000)], &[&alice.keypair]).await;
        chain.advance(1);
        chain.post(&market, Tick::at(next));
        let sent = chain.succeed("close at the new price", &[market.close(&alice, direction)], &[&alice.keypair]).await;
        let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!(event.fill.price_e8.get(), usd(50_000), "the old price is in the last minute's range");
        assert_eq!(before - wealth(&chain, &alice).await, 205_000, "both fees are lost");
    }
}

/// Two updates of one slot in one transaction: the hold, and without one the range of the slot itself, keep whoever has both from
/// buying at the older and selling at the newer.
#[tokio::test(flavor = "multi_thread")]
async fn case_08_two_prices_of_one_slot_buy_nothing() {
    for (direction, next) in [(Long, 51_000), (Short, 49_000)] {
        for hold in [60, 1] {
            let params = Params { min_hold: Seconds::new(hold), ..still() };
            let (mut chain, market) = Chain::with_pool(params, 100 * BTC).await;
            let alice = chain.trader_with(&market, BTC).await;
            chain.advance(120);
            chain.post(&market, Tick::at(50_000).aged(1));
            let newer = TestMarket { price: Address::new_unique(), ..market };
            chain.post(&newer, Tick::at(next));
            let both = [market.open(&alice, direction, 100_000), newer.close(&alice, direction)];
            chain.refuse("open and close", &both, &[&alice.keypair], PerpError::MinHoldNotOver).await;

            // When the hold is over and both prices are of an earlier slot, the worse one is the fill.
            chain.succeed("open", &both[..1], &[&alice.keypair]).await;
            chain.succeed("take in the newer price", &[newer.accrue()], &[]).await;
            if hold == 1 {
                chain.set_clock(chain.time() + 1, chain.slot() + 1);
                let sent = chain.succeed("close", &both[1..], &[&alice.keypair]).await;
                let Event::PositionDecreased(event) = sent.last() else { panic!("{:?}", sent.events) };
                assert_eq!(event.fill.price_e8.get(), usd(50_000));
            }
        }

        let (mut chain, market) = Chain::with_pool(no_hold(), 100 * BTC).await;
        let alice = chain.trader_with(&market, BTC).await;
        chain.advance(120);
        chain.post(&market, Tick::at(50_000).aged(1));
        let newer = TestMarket { price: Address::new_unique(), ..market };
        chain.post(&newer, Tick::at(next));
        let before = wealth(&chain, &alice).await;
        let both = [market.open(&alice, direction, 100_000), newer.close(&alice, direction)];
        chain.succeed("open and close without a hold", &both, &[&alice.keypair]).await;
        assert_eq!(before - wealth(&chain, &alice).await, 205_000, "both fees are lost, and nothing is won");
    }
}

/// Fees are rounded up and sizes have a floor, so that many small trades pay more than one large one.
#[tokio::test(flavor = "multi_thread")]
async fn case_12_the_smallest_trades_evade_no_fee() {
    // $10 at $50,000 are 20,000 satoshi: 10 of fee, and of the surcharge of 1e-8 dollars one satoshi, up; closing costs 10.
    const TRADES: u64 = 100;
    let (mut chain, market) = Chain::with_pool(no_hold(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let before = wealth(&chain, &alice).await;
    for number in 0..TRADES {
        let direction = if number % 2 == 0 { Long } else { Short };
        let steps = [market.open(&alice, direction, 10), market.close(&alice, direction)];
        chain.succeed("a smallest trade", &steps, &[&alice.keypair]).await;
    }
    assert_eq!(before - wealth(&chain, &alice).await, 21 * TRADES);
    let ledger = chain.market(&market.keys.market).await.state.ledger;
    // Of fees of 11 and 10, insurance has 30 % down, 3 and 3, the protocol 10 % down, 1 and 1, the pool the rest.
    assert_eq!((ledger.insurance.get(), ledger.protocol_fees.get()), (6 * TRADES, 2 * TRADES));
    assert_eq!(ledger.pool.get(), 100 * BTC + 13 * TRADES);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_15_a_reversal_is_a_close_and_an_open() {
    for (from, to) in [(Long, Short), (Short, Long)] {
        // Given $100,000 with 4,200,000 satoshi left after the fee of 105,000, a minute later,
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let alice = chain.trader_with(&market, 4_305_000).await;
        let signer = [&alice.keypair];
        chain.succeed("open", &[market.open(&alice, from, 100_000)], &signer).await;
        chain.advance(60);
        chain.post(&market, Tick::at(50_000));

        // when it is turned over by one instruction, or reduced beyond itself, then that is refused;
        let flip = market.open(&alice, to, 200_000);
        chain.refuse("flip in one", &[flip], &signer, PerpError::OppositeDirection).await;
        let beyond = market.close_part(&alice, from, 100_001);
        chain.refuse("reduce beyond zero", &[beyond], &signer, PerpError::ReductionTooLarge).await;

        // when it is closed and opened larger than the margin carries, then neither happens: closing leaves
        // 4,100,000, the fee of $102,000 takes 107,202 of them, and its initial margin is 201.02 bps of 2.04 BTC, 4,100,808;
        let too_large = [market.close(&alice, from), market.open(&alice, to, 102_000)];
        chain.refuse("turn over, too large", &too_large, &signer, PerpError::MarginBelowInitial).await;
        let unchanged = chain.position(&alice.position).await.state;
        assert_eq!(unchanged.shares.get(), dollars(100_000), "the close was undone with the open");

        // when it is closed and opened as large as the margin carries, then it is on the other side with fresh snapshots.
        let turn = [market.close(&alice, from), market.open(&alice, to, 95_000)];
        chain.succeed("turn over", &turn, &signer).await;
        let turned = chain.position(&alice.position).await.state;
        assert_eq!((turned.direction, turned.shares.get()), (if to == Long { 1 } else { 2 }, dollars(95_000)));
    }
}

/// The most that can be opened is not liquidatable, at the price it was opened at or at the worse side of its spread.
#[tokio::test(flavor = "multi_thread")]
async fn case_16_what_could_just_be_opened_is_safe() {
    // $100,000 at $50,000 +- $125, the widest spread there may be. Initial margin at the price itself is 4,020,000.
    // Long at the ask of $50,125: 199,501,246 down, so 498,754 are lost at once; fee 99,750.6 up and 4,987.5 up.
    // Short at the bid of $49,875: 200,501,254 up, so 501,254 are lost at once; fee 100,250.6 up and 5,012.5 up.
    for (direction, enough, worse) in
        [(Long, 4_020_000 + 498_754 + 99_751 + 4_988, 49_875), (Short, 4_020_000 + 501_254 + 100_251 + 5_013, 50_125)]
    {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let keeper = chain.trader(&market).await;
        let alice = chain.trader_with(&market, enough - 1).await;
        let signer = [&alice.keypair];
        chain.advance(120);
        chain.post(&market, Tick::at(50_000).confident_to(125));
        let open = [market.open(&alice, direction, 100_000)];
        chain.refuse("a satoshi short", &open, &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("a satoshi more", &[market.deposit(&alice, 1)], &signer).await;
        chain.succeed("open as much as possible", &open, &signer).await;
        chain.refuse("withdraw", &[market.withdraw(&alice, 1)], &signer, PerpError::MarginBelowInitial).await;

        let healthy = PerpError::NotLiquidatable;
        let liquidate = market.liquidate(alice.position, keeper.tokens);
        chain.refuse("at once", from_ref(&liquidate), &[], healthy).await;
        chain.advance(5);
        chain.post(&market, Tick::at(worse).confident_to(125));
        chain.refuse("at the worse price", &[liquidate], &[], healthy).await;
    }
}
