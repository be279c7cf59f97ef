//! `declare_dead`, `show_settlement_price`, `settle_market`, and what they do to everything else.

use crate::accounts::refuses_strangers;
use crate::prices::{refuses_wrong_accounts, refuses_wrong_numbers};
use crate::settlements::*;
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

const DAY: u32 = 86_400;
const GRACE: u32 = 21_600;

fn declare(market: &TestMarket) -> Instruction {
    instructions::declare_dead(&market.keys)
}

fn show(market: &TestMarket) -> Instruction {
    instructions::show_settlement_price(&market.keys, market.price)
}

fn settle_market(market: &TestMarket) -> Instruction {
    instructions::settle_market(&market.keys)
}

/// A long and a short of $1,000 from $50,000, and no price since: the oracle can be declared dead this second.
async fn silent() -> (Chain, TestMarket, [Trader; 2]) {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let long = opened(&mut chain, &market, Long, 1_000).await;
    let short = opened(&mut chain, &market, Short, 1_000).await;
    chain.advance(DAY);
    (chain, market, [long, short])
}

/// The same, and it has been.
async fn dead() -> (Chain, TestMarket, [Trader; 2]) {
    let (mut chain, market, traders) = silent().await;
    chain.succeed("declare", &[declare(&market)], &[]).await;
    (chain, market, traders)
}

fn revived(sent: &Sent) -> bool {
    sent.events.iter().any(|event| matches!(event, Event::OracleRevived(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn is_declared_after_a_day_without_a_usable_price_to_the_second() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let born = chain.time();
    chain.refuse("at once", &[declare(&market)], &[], PerpError::OracleNotDead).await;
    chain.advance(DAY - 1);
    chain.refuse("a second early", &[declare(&market)], &[], PerpError::OracleNotDead).await;
    for what in [show(&market), settle_market(&market)] {
        chain.refuse("undeclared", &[what], &[], PerpError::OracleNotDead).await;
    }
    chain.advance(1);
    let sent = chain.succeed("after a day", &[declare(&market)], &[]).await;
    let Event::OracleDeclaredDead(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.unix_time), (market.keys.market, chain.time()));
    assert_eq!((event.price_e8.get(), event.publish_time), (usd(50_000), born));
    chain.refuse("twice", &[declare(&market)], &[], PerpError::OracleAlreadyDead).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_price_that_a_decrease_would_accept_starts_the_day_anew() {
    let fine = Tick::at(50_000);
    let cases = [
        (fine, true),
        (fine.aged(3), true),
        (fine.aged(4), false),
        (fine.confident_to(125), true),
        (fine.confident_to(126), false),
        (fine.average(40_000), true), // a decrease has no bound on that
    ];
    for (tick, usable) in cases {
        let (mut chain, market, _) = silent().await;
        chain.post(&market, tick);
        chain.succeed("a price", &[market.accrue()], &[]).await;
        if usable {
            chain.advance(1);
            chain.post(&market, fine);
            chain.succeed("another, a second later", &[market.accrue()], &[]).await;
            chain.refuse("a usable price", &[declare(&market)], &[], PerpError::OracleNotDead).await;
            chain.advance(DAY - 1);
            chain.refuse("a second early", &[declare(&market)], &[], PerpError::OracleNotDead).await;
            chain.advance(1);
        }
        chain.succeed("declare", &[declare(&market)], &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_usable_price_published_after_the_declaration_cancels_it() {
    let fine = Tick::at(50_000);
    let cases = [
        (1, fine, true),
        (1, fine.aged(1), false), // published in the second of the declaration
        (1, fine.aged(2), false), // an archived one, as fresh as it may be
        (10, fine.aged(3), true),
        (10, fine.aged(4), false),
        (10, fine.confident_to(125), true),
        (10, fine.confident_to(126), false),
        (10, fine.average(40_000), true),
        (GRACE - 1, fine, true),
    ];
    for (seconds, tick, cancels) in cases {
        let (mut chain, market, _) = dead().await;
        chain.advance(seconds);
        chain.post(&market, tick);
        let sent = chain.succeed("a price", &[market.accrue()], &[]).await;
        assert_eq!(revived(&sent), cancels, "{tick:?} after {seconds} s");
        if cancels {
            let Event::OracleRevived(event) = sent.event() else { panic!("{:?}", sent.events) };
            assert_eq!((event.price_e8.get(), event.publish_time), (usd(50_000), chain.time() - tick.age));
            for what in [declare(&market), show(&market), settle_market(&market)] {
                chain.refuse("alive", &[what], &[], PerpError::OracleNotDead).await;
            }
        } else {
            chain.refuse("still dead", &[declare(&market)], &[], PerpError::OracleAlreadyDead).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_brings_a_usable_price_cancels_it() {
    let (mut chain, market, [long, short]) = dead().await;
    chain.advance(10);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("close", &[market.close(&long, Long)], &[&long.keypair]).await;
    assert!(matches!(sent.events[..], [Event::OracleRevived(_), Event::PositionDecreased(_)]), "{:?}", sent.events);

    // And a day after that it can be declared dead again.
    chain.advance(DAY);
    chain.succeed("declare", &[declare(&market)], &[]).await;
    chain.advance(10);
    chain.post(&market, Tick::at(50_000));
    let sent = chain.succeed("enlarge", &[market.open(&short, Short, 10)], &[&short.keypair]).await;
    assert!(matches!(sent.events[..], [Event::OracleRevived(_), Event::PositionIncreased(_)]), "{:?}", sent.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_period_no_price_helps() {
    let params = Params { cool_down: Seconds::new(1), ..still() };
    let (mut chain, market) = Chain::with_market(params).await;
    let provider = chain.provider(&market, 100 * BTC).await;
    let trader = opened(&mut chain, &market, Short, 1_000).await;
    let flat = chain.trader_with(&market, BTC).await;
    chain.succeed("queue", &[market.request(&provider, 0, 1_000)], &[&provider.keypair]).await;
    chain.advance(DAY);
    chain.succeed("declare", &[declare(&market)], &[]).await;
    chain.advance(GRACE);
    chain.post(&market, Tick::at(50_000));
    chain.set_account(&provider.tokens, token_account(&market.keys.mint, &provider.address(), BTC));
    let refused = [
        ("accrue", market.accrue(), vec![]),
        ("deleverage", market.deleverage(), vec![]),
        ("settle", market.settle(trader.position), vec![]),
        ("liquidate", market.liquidate(trader.position, trader.tokens), vec![]),
        ("increase", market.open(&flat, Long, 10), vec![&flat.keypair]),
        ("decrease", market.close(&trader, Short), vec![&trader.keypair]),
        ("withdraw margin beside a position", market.withdraw(&trader, 1), vec![&trader.keypair]),
        ("deposit liquidity", market.provide(&provider, 1_000), vec![&provider.keypair]),
        ("withdraw liquidity", market.complete(&provider, 0), vec![&provider.keypair]),
    ];
    for (what, instruction, signers) in refused {
        chain.refuse(what, &[instruction], &signers, PerpError::OracleDead).await;
    }

    // What needs no price works.
    chain.succeed("withdraw flat margin", &[take_margin(&market, &flat, BTC)], &[&flat.keypair]).await;
    chain.succeed("deposit margin", &[market.deposit(&trader, 1)], &[&trader.keypair]).await;
    chain.succeed("leave the queue", &[market.cancel(&provider, 0)], &[&provider.keypair]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_price_can_be_shown_until_the_grace_period_ends() {
    let (mut chain, market, _) = dead().await;
    let declared = chain.time();
    chain.advance(100);
    let wide = |dollars_e8| Tick { confidence_e8: dollars_e8, ..Tick::at(50_000) };
    let since_opening = i64::from(DAY) + 100;

    // Not one that is no newer than the last accepted, at the opening; a second newer is enough, however old.
    for age in [since_opening, since_opening + 1] {
        chain.post(&market, Tick::at(49_000).aged(age));
        chain.refuse("not newer than accepted", &[show(&market)], &[], PerpError::PriceNotNewer).await;
    }
    chain.post(&market, Tick::at(49_000).aged(since_opening - 1));
    let sent = chain.succeed("a newer one", &[show(&market)], &[]).await;
    let Event::SettlementPriceShown(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.price_e8.get(), event.publish_time), (usd(49_000), START + 1));
    chain.refuse("the same again", &[show(&market)], &[], PerpError::PriceNotNewer).await;

    // A tenth of the price is as unsure as it may be: $5,000 of $50,000.
    chain.post(&market, wide(usd(5_000) + 1).aged(1_000));
    chain.refuse("too unsure", &[show(&market)], &[], PerpError::SettlementConfidenceTooWide).await;
    chain.post(&market, wide(usd(5_000)).aged(1_000));
    chain.succeed("as unsure as it may be", &[show(&market)], &[]).await;
    chain.post(&market, Tick::at(48_000).aged(1_001));
    chain.refuse("older than shown", &[show(&market)], &[], PerpError::PriceNotNewer).await;
    refuses_wrong_accounts(&mut chain, &market, &show(&market), &[]).await;
    refuses_wrong_numbers(&mut chain, &market, &show(&market), &[]).await;
    refuses_strangers(&mut chain, &show(&market), 0, exchange(), &[]).await;

    let left = declared + i64::from(GRACE) - 1 - chain.time();
    chain.advance(u32::try_from(left).expect("hours"));
    chain.post(&market, Tick::at(52_000));
    chain.succeed("in the last second", &[show(&market)], &[]).await;
    chain.advance(1);
    chain.post(&market, Tick::at(53_000));
    chain.refuse("a second late", &[show(&market)], &[], PerpError::GracePeriodOver).await;
}

/// Ten seconds after the declaration a price is shown, an unsure one accepted, another shown; all of it as asked for.
async fn check_settlement_price(steps: &[(&str, Tick)], expected: u64) {
    let (mut chain, market, _) = dead().await;
    for (what, tick) in steps {
        chain.advance(10);
        chain.post(&market, *tick);
        let instruction = if *what == "show" { show(&market) } else { market.accrue() };
        let sent = chain.succeed(what, &[instruction], &[]).await;
        assert!(!revived(&sent));
    }
    let passed = 10 * u32::try_from(steps.len()).expect("few");
    chain.advance(GRACE - 1 - passed);
    chain.refuse("a second early", &[settle_market(&market)], &[], PerpError::GracePeriodNotOver).await;
    chain.advance(1);
    let sent = chain.succeed("settle the market", &[settle_market(&market)], &[]).await;
    let Event::SettlingStarted(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.price_e8.get(), event.positions, event.epoch, event.for_good), (usd(expected), 2, 0, 1), "{steps:?}");
    for what in [declare(&market), show(&market), settle_market(&market)] {
        chain.refuse("while settling", &[what], &[], PerpError::MarketSettling).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_price_accepted_or_shown_holds() {
    let old = |price| Tick::at(price).aged(5_000);
    let unsure = |price| Tick::at(price).confident_to(200);
    check_settlement_price(&[], 50_000).await;
    check_settlement_price(&[("show", old(62_500))], 62_500).await;
    check_settlement_price(&[("show", old(62_500)), ("show", Tick::at(40_000))], 40_000).await;
    check_settlement_price(&[("show", old(62_500)), ("accrue", unsure(51_000))], 51_000).await;
    check_settlement_price(&[("accrue", unsure(51_000)), ("show", Tick::at(62_500))], 62_500).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_was_shown_is_forgotten_when_the_oracle_comes_back() {
    // Given a price shown that is published a minute ahead of the Clock, and a usable one before that,
    let (mut chain, market, _) = dead().await;
    chain.advance(10);
    chain.post(&market, Tick::at(62_500).aged(-60));
    chain.succeed("show", &[show(&market)], &[]).await;
    chain.advance(10);
    chain.post(&market, Tick::at(51_000));
    assert!(revived(&chain.succeed("come back", &[market.accrue()], &[]).await));

    // when the oracle dies again, then the market settles at the price accepted.
    chain.advance(DAY);
    chain.succeed("declare", &[declare(&market)], &[]).await;
    chain.advance(GRACE);
    let sent = chain.succeed("settle the market", &[settle_market(&market)], &[]).await;
    let Event::SettlingStarted(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!(event.price_e8.get(), usd(51_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_market_is_wound_down_to_the_last_satoshi() {
    for direction in [Long, Short] {
        // Given the positions of `settlements`, and a pool that could pay all of them and stay, and a price that is only
        // shown,
        let Stage { mut chain, market, winner, second, loser, large, small } =
            strained(direction, 100_000_000, 6_000_000).await;
        chain.advance(DAY - 120);
        chain.succeed("declare", &[declare(&market)], &[]).await;
        chain.post(&market, Tick::at(far_price(direction)).aged(7_000));
        chain.succeed("show", &[show(&market)], &[]).await;
        chain.advance(GRACE);
        let sent = chain.succeed("settle the market", &[settle_market(&market)], &[]).await;
        let Event::SettlingStarted(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.for_good, event.top_up_most_sats.get()), (1, 3_000_000));

        // when all is closed, then claims are paid in full, and the market is closed for good nevertheless.
        for position in [winner.position, second.position, loser.position] {
            chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
        }
        let sent = chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
        let Event::SettlementFinished(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.claims_sats.get(), event.payable_sats.get()), (PROFIT, PROFIT));
        assert_eq!((event.top_up_sats.get(), event.closed), (0, 1));
        assert_eq!(event.ledger.after_sats.pool.get(), 100_000_000 + 10_000_000 - 60_000_000);

        // Anyone pays everyone out.
        let keeper = chain.somebody();
        for (trader, epoch, margin) in
            [(&winner, Some(0), 45_000_000), (&second, Some(0), 23_000_000), (&loser, None, 5_000_000)]
        {
            let pay = instructions::pay_out(&market.keys, keeper.pubkey(), trader.position, trader.address(), epoch);
            let sent = chain.succeed("pay out", &[pay], &[&keeper]).await;
            let Event::PositionPaidOut(event) = sent.last() else { panic!("{:?}", sent.events) };
            assert_eq!(event.amount_sats.get(), margin);
        }
        // Insurance is the pool's: three fifths and two fifths of 56,000,000, without waiting.
        for (provider, shares, sats) in [(&large, 60 * BTC, 33_600_000), (&small, 40 * BTC, 22_400_000)] {
            chain.succeed("request", &[market.request(provider, 0, shares)], &[&provider.keypair]).await;
            chain.succeed("leave", &[leave_closed(&market, provider, 0, sats)], &[&provider.keypair]).await;
            assert_eq!(chain.tokens(&provider.tokens).await, sats);
        }
        assert_eq!(chain.tokens(&market.keys.vault).await, PROTOCOL_FEES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_run_until_the_market_settles() {
    let (mut chain, market) = Chain::with_pool(Params { max_borrow: 0, ..Params::standard() }, 100 * BTC).await;
    opened(&mut chain, &market, Long, 1_000_000).await;
    chain.advance(DAY);
    chain.succeed("declare", &[declare(&market)], &[]).await;
    chain.advance(GRACE);
    let sent = chain.succeed("settle the market", &[settle_market(&market)], &[]).await;
    let [Event::Accrued(accrued), Event::SettlingStarted(_)] = &sent.events[..] else { panic!("{:?}", sent.events) };
    // A gap is at most a day. At a skew of a tenth of its scale funding is 300,000 parts per billion of 20 BTC a day:
    // 600,000.
    assert_eq!((accrued.elapsed_seconds, accrued.long_rate_ppb_per_day.get()), (86_400, 300_000));
    assert_eq!(accrued.long_cost_owed.get(), 600_000_000_000_000_000_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_has_a_share_what_is_left_is_the_protocols() {
    // Given a market that nobody has used but for a gift to its insurance,
    let (mut chain, market) = Chain::with_market(still()).await;
    chain.fill_insurance(&market, 1_234).await;
    let payer = chain.somebody();
    chain.advance(DAY);
    chain.succeed("declare", &[declare(&market)], &[]).await;
    chain.advance(GRACE);
    chain.succeed("settle the market", &[settle_market(&market)], &[]).await;
    let sent = chain.succeed("finish", &[market.finish(&payer.pubkey(), 0)], &[&payer]).await;
    let Event::SettlementFinished(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.claims_sats.get(), event.payable_sats.get(), event.closed), (0, 0, 1));
    let after = event.ledger.after_sats;
    assert_eq!((after.insurance.get(), after.pool.get(), after.protocol_fees.get()), (0, 0, 1_234));
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_are_no_market() {
    let (mut chain, market, [long, _]) = silent().await;
    refuses_strangers(&mut chain, &declare(&market), 0, long.position, &[]).await;
    refuses_strangers(&mut chain, &settle_market(&market), 0, exchange(), &[]).await;
}
