//! `deleverage`, and that every sync does it.

use crate::accounts::refuses_strangers;
use crate::prices::{refuses_bad_prices, Limits};
use crate::settlements::{against, far_price, opened};
use inverse_perps::events::Deleveraged;
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

const ONE: u64 = 1_000_000_000_000_000_000;

/// Positions on one side from $50,000 with a pool of this much, at the price where $100,000 long have won 40,000,000
/// satoshi, or short 50,000,000.
async fn strained(
    params: Params,
    direction: PositionDirection,
    sizes: &[u64],
    pool: u64,
) -> (Chain, TestMarket, Provider, Vec<Trader>) {
    let (mut chain, market) = Chain::with_market(params).await;
    let provider = chain.provider(&market, 100 * BTC).await;
    let mut traders = Vec::new();
    for size in sizes {
        traders.push(opened(&mut chain, &market, direction, *size).await);
    }
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(pool)).await;
    chain.advance(120);
    chain.post(&market, Tick::at(far_price(direction)));
    (chain, market, provider, traders)
}

fn deleveraged(sent: &Sent) -> Deleveraged {
    let Some(Event::Deleveraged(event)) = sent.events.first() else { panic!("{:?}", sent.events) };
    *event
}

/// Scale, exit index and reservation of the side that won, and of the other one.
fn sides(event: &Deleveraged, winning: PositionDirection) -> [(u64, u128, i128); 2] {
    let long = (event.long_scale.get(), event.long_exit_index.get(), event.long_owed.get());
    let short = (event.short_scale.get(), event.short_exit_index.get(), event.short_owed.get());
    match winning {
        Long => [long, short],
        Short => [short, long],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn begins_above_the_trigger_and_not_at_it() {
    // Long: 200,000,000 - 1e11 * 1e10 / 6.25e12 = 40,000,000, four fifths of 50,000,000. With a satoshi less in the pool A =
    // 0.75 * 9,999,999 / (40,000,000 * 0.25) = 0.749999925, so X = 0.250000075e18 * 1e10 / 6.25e12 = 400,000,120,000,000,
    // and 0.250000075 of the profit is owed: 10,000,003. Of 39,999,996 then free, 29,999,997 of profit are three quarters.
    // Short: 1e11 * 1e10 / 4e12 - 200,000,000 = 50,000,000, four fifths of 62,500,000. A = 0.75 * 12,499,999 / 12,500,000 =
    // 0.74999994, X = 0.25000006e18 * 1e10 / 4e12 = 625,000,150,000,000, owed are 12,500,003.
    let cases = [
        (Long, 50_000_000, 40_000_000, 749_999_925_000_000_000, 400_000_120_000_000_u128, 10_000_003_i128),
        (Short, 62_500_000, 50_000_000, 749_999_940_000_000_000, 625_000_150_000_000, 12_500_003),
    ];
    for (direction, pool, profit, scale, exit, owed) in cases {
        let (mut chain, market, _, traders) = strained(still(), direction, &[100_000], pool).await;
        chain.refuse("at the trigger", &[market.deleverage()], &[], PerpError::DeleverageNotDue).await;
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(pool - 1)).await;
        let before = chain.market(&market.keys.market).await.state.ledger;
        let sent = chain.succeed("above it", &[market.deleverage()], &[]).await;

        // Then the event says it all,
        assert_eq!(sent.events.len(), 1);
        let event = deleveraged(&sent);
        let price = u64::try_from(far_price(direction)).expect("positive");
        assert_eq!((event.head.market, event.price_e8.get()), (market.keys.market, usd(price)));
        assert_eq!((event.profit_sats.get(), event.free_pool_sats.get()), (profit, pool - 1));
        let owed = owed * i128::from(ONE);
        assert_eq!(sides(&event, direction), [(scale, exit, owed), (ONE, 0, 0)], "the other side stays as it is");

        // no satoshi has moved, and the position has not been touched;
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!(state.ledger, before);
        assert_eq!(chain.position(&traders[0].position).await.state.scale.get(), ONE);

        // and it is not due again.
        chain.refuse("again", &[market.deleverage()], &[], PerpError::DeleverageNotDue).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_position_of_the_side_shrinks_by_the_same_share() {
    // $100,000 and $60,000 have won 64,000,000 long. Of 76,800,000, A = 0.75 * 12,800,000 / (64,000,000 * 0.25) = 0.6:
    // 25,600,000 are realised, 16,000,000 and 9,600,000, and of 51,200,000 then free 38,400,000 are three quarters. Short
    // they have won 80,000,000, and of 96,000,000 as well A = 0.6: 20,000,000 and 12,000,000.
    for (direction, pool, realised) in
        [(Long, 76_800_000, [16_000_000, 9_600_000]), (Short, 96_000_000, [20_000_000, 12_000_000])]
    {
        let (mut chain, market, _, traders) = strained(still(), direction, &[100_000, 60_000], pool).await;
        let event = deleveraged(&chain.succeed("deleverage", &[market.deleverage()], &[]).await);
        let owed = i128::from(realised[0] + realised[1]) * i128::from(ONE);
        let [winning, _] = sides(&event, direction);
        assert_eq!((winning.0, winning.2), (600_000_000_000_000_000, owed));

        // When they are touched, in whatever order, each gets its part, and closing pays half as much again: three fifths of
        // the profit are left of what two fifths paid.
        for (at, notional) in [(1, 36_000), (0, 60_000)] {
            let trader = &traders[at];
            let sent = chain.succeed("settle", &[market.settle(trader.position)], &[]).await;
            let Event::PositionSettled(settled) = sent.event() else { panic!("{:?}", sent.events) };
            let gain = i64::try_from(realised[at]).expect("small");
            assert_eq!((settled.result_sats.get(), settled.shifted_sats.get()), (gain, 0));
            assert_eq!((settled.ledger.delta_sats.margin.get(), settled.ledger.delta_sats.pool.get()), (gain, -gain));
            let sent = chain.succeed("close", &[market.close(trader, direction)], &[&trader.keypair]).await;
            let Event::PositionDecreased(closed) = sent.last() else { panic!("{:?}", sent.events) };
            assert_eq!((closed.fill.notional_e6.get(), closed.fill.pnl_sats.get()), (dollars(notional), gain * 3 / 2));
        }
        // The last one has left: indices start anew.
        let state = chain.market(&market.keys.market).await.state;
        for side in [state.long, state.short] {
            assert_eq!((side.scale.get(), side.exit_index.get(), side.owed.get()), (ONE, 0, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_not_free_the_next_time() {
    // As above: 25,600,000 of 76,800,000 are owed, or 32,000,000 of 96,000,000, and $96,000 with an entry value of
    // 192,000,000 are left. At $64,000 those are worth 150,000,000, at $38,400 250,000,000.
    for (direction, pool, price, profit, free) in
        [(Long, 76_800_000, 64_000, 42_000_000, 51_200_000), (Short, 96_000_000, 38_400, 58_000_000, 64_000_000)]
    {
        let (mut chain, market, _, traders) = strained(still(), direction, &[100_000, 60_000], pool).await;
        chain.succeed("once", &[market.deleverage()], &[]).await;
        chain.advance(120);
        chain.post(&market, Tick::at(price));
        let event = deleveraged(&chain.succeed("twice", &[market.deleverage()], &[]).await);
        assert_eq!((event.profit_sats.get(), event.free_pool_sats.get()), (profit, free));
        for trader in &traders {
            chain.succeed("settle", &[market.settle(trader.position)], &[]).await;
        }
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!((state.long.owed.get(), state.short.owed.get()), (0, 0), "all of it is written down");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_shrink_by_one_factor() {
    // $100,000 long from $50,000 have won 40,000,000 at $62,500; $100,000 short from $80,000, entry value 125,000,000, have
    // won 35,000,000. Of 90,000,000, A = 0.75 * 15,000,000 / (75,000,000 * 0.25) = 0.6 on both sides, and X = 0.4e18 * 1e10
    // / 6.25e12 = 640,000,000,000,000. Owed are 16,000,000 and 14,000,000; 45,000,000 are three quarters of 60,000,000.
    let (mut chain, market, _, longs) = strained(still(), Long, &[100_000], 100 * BTC).await;
    chain.post(&market, Tick::at(80_000));
    let short = opened(&mut chain, &market, Short, 100_000).await;
    chain.advance(120);
    chain.post(&market, Tick::at(62_500));
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(90_000_000)).await;
    let event = deleveraged(&chain.succeed("deleverage", &[market.deleverage()], &[]).await);
    assert_eq!((event.profit_sats.get(), event.free_pool_sats.get()), (75_000_000, 90_000_000));
    let owed = |sats: i128| sats * i128::from(ONE);
    let (scale, exit) = (600_000_000_000_000_000, 640_000_000_000_000);
    assert_eq!(sides(&event, Long), [(scale, exit, owed(16_000_000)), (scale, exit, owed(14_000_000))]);

    for (trader, direction, gain) in [(&short, Short, 14_000_000), (&longs[0], Long, 16_000_000)] {
        let sent = chain.succeed("close", &[market.close(trader, direction)], &[&trader.keypair]).await;
        let [Event::PositionSettled(settled), Event::PositionDecreased(closed)] = &sent.events[..] else {
            panic!("{:?}", sent.events)
        };
        assert_eq!((settled.result_sats.get(), closed.fill.pnl_sats.get()), (gain, gain * 3 / 2));
        assert_eq!(closed.fill.notional_e6.get(), dollars(60_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_side_that_loses_does_not_shrink() {
    // $25,000 against them lose what they lose; the trigger and the factor are those of the winners alone: A = 0.6 of
    // 48,000,000 for 40,000,000, and of 60,000,000 for 50,000,000.
    for (direction, pool) in [(Long, 48_000_000), (Short, 60_000_000)] {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        opened(&mut chain, &market, direction, 100_000).await;
        opened(&mut chain, &market, against(direction), 25_000).await;
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(pool)).await;
        chain.advance(120);
        chain.post(&market, Tick::at(far_price(direction)));
        let event = deleveraged(&chain.succeed("deleverage", &[market.deleverage()], &[]).await);
        let [winning, losing] = sides(&event, direction);
        assert_eq!((winning.0, losing), (600_000_000_000_000_000, (ONE, 0, 0)));
    }
}

/// What everyone may do to a market, each on a market of its own that has just become due.
#[tokio::test(flavor = "multi_thread")]
async fn is_part_of_every_sync() {
    // A target of a tenth, so that the pool can take on more afterwards. Long: of 49,000,000, A = 0.1 * 9,000,000 /
    // (40,000,000 * 0.9) = 0.025. Short: of 61,250,000, A = 0.1 * 11,250,000 / (50,000,000 * 0.9) = 0.025.
    let params = Params { deleverage_target: Bps::new(1_000), cool_down: Seconds::new(1), ..still() };
    let whats = ["increase", "decrease", "withdraw margin", "liquidate", "accrue", "settle", "deposit", "withdraw liquidity"];
    for (direction, pool) in [(Long, 49_000_000), (Short, 61_250_000)] {
        for what in whats {
            let (mut chain, market) = Chain::with_market(params).await;
            let provider = chain.provider(&market, 100 * BTC).await;
            let winner = opened(&mut chain, &market, direction, 100_000).await;
            let loser = opened(&mut chain, &market, against(direction), 100).await;
            let new = chain.trader_with(&market, BTC).await;
            let keeper = chain.somebody();
            let tokens = chain.token_account(&market.keys.mint, &keeper.pubkey(), 0);
            chain.succeed("queue", &[market.request(&provider, 0, BTC)], &[&provider.keypair]).await;
            let rich = chain.provider(&market, BTC).await;
            chain.set_account(&rich.tokens, token_account(&market.keys.mint, &rich.address(), 1_000_000));
            chain.set_margin(&market, &loser, 0).await;
            chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(pool)).await;
            chain.advance(120);
            chain.post(&market, Tick::at(far_price(direction)));
            let (instruction, signers) = match what {
                "increase" => (market.open(&new, direction, 10), vec![&new.keypair]),
                "decrease" => (market.close_part(&winner, direction, 1_000), vec![&winner.keypair]),
                "withdraw margin" => (market.withdraw(&winner, 1_000), vec![&winner.keypair]),
                "liquidate" => (market.liquidate(loser.position, tokens), vec![]),
                "accrue" => (market.accrue(), vec![]),
                "settle" => (market.settle(winner.position), vec![]),
                "deposit" => (market.provide(&rich, 1_000), vec![&rich.keypair]),
                _ => (market.complete(&provider, 0), vec![&provider.keypair]),
            };
            let sent = chain.succeed(what, &[instruction], &signers).await;
            let event = deleveraged(&sent);
            assert_eq!(event.free_pool_sats.get(), pool, "{what}");
            let [winning, losing] = sides(&event, direction);
            assert_eq!((winning.0, losing.0), (25_000_000_000_000_000, ONE), "{what}");
            assert_eq!(sent.events.len() > 1, what != "accrue", "{what}: {:?}", sent.events);
        }
    }
}

/// Case 27: nobody leaves ahead of it. Whoever closes first gets no more than whoever waits.
#[tokio::test(flavor = "multi_thread")]
async fn case_27_nobody_leaves_ahead_of_it() {
    // Two equal positions; together 80,000,000 long of 96,000,000, or 100,000,000 short of 120,000,000: A = 0.6.
    for (direction, pool, realised) in [(Long, 96_000_000, 16_000_000), (Short, 120_000_000, 20_000_000)] {
        let (mut chain, market, _, traders) = strained(still(), direction, &[100_000, 100_000], pool).await;
        for (at, trader) in traders.iter().enumerate() {
            let sent = chain.succeed("close", &[market.close(trader, direction)], &[&trader.keypair]).await;
            let (settled, closed) = match &sent.events[..] {
                [Event::Deleveraged(_), Event::PositionSettled(settled), Event::PositionDecreased(closed)] if at == 0 => {
                    (settled, closed)
                }
                [Event::PositionSettled(settled), Event::PositionDecreased(closed)] if at == 1 => (settled, closed),
                others => panic!("{others:?}"),
            };
            assert_eq!((settled.result_sats.get(), closed.fill.pnl_sats.get()), (realised, realised * 3 / 2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_and_prices_that_do_not_belong() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let trader = opened(&mut chain, &market, Short, 1_000).await;
    let deleverage = market.deleverage();
    chain.refuse("a calm market", from_ref(&deleverage), &[], PerpError::DeleverageNotDue).await;
    refuses_strangers(&mut chain, &deleverage, 0, trader.position, &[]).await;
    refuses_strangers(&mut chain, &deleverage, 0, exchange(), &[]).await;
    refuses_bad_prices(&mut chain, &market, &deleverage, &[], Limits::Upkeep).await;
}
