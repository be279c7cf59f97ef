//! What is refused and what works while a market settles.

use crate::settlements::*;
use inverse_perps_tests::harness::prelude::*;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_trades_while_the_market_settles() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, loser, large, .. } = settling(direction, PROFIT, 1_000).await;
        let keys = &market.keys;
        let flat = chain.trader_with(&market, BTC).await;
        chain.succeed("queue", &[market.request(&large, 0, 1_000)], &[&large.keypair]).await;
        chain.advance(86_400);
        chain.post(&market, Tick::at(far_price(direction)));
        let provide = market.provide(&large, 1_000);
        let donate = instructions::donate_liquidity(keys, winner.address(), winner.tokens, 1);
        let refused = [
            ("increase", market.open(&flat, direction, 10), vec![&flat.keypair]),
            ("decrease", market.close(&winner, direction), vec![&winner.keypair]),
            ("liquidate", market.liquidate(loser.position, loser.tokens), vec![]),
            ("accrue", market.accrue(), vec![]),
            ("deleverage", market.deleverage(), vec![]),
            ("deposit liquidity", provide, vec![&large.keypair]),
            ("withdraw liquidity", market.complete(&large, 0), vec![&large.keypair]),
            ("withdraw liquidity without a price", leave_closed(&market, &large, 0, 0), vec![&large.keypair]),
            ("donate to the pool", donate, vec![&winner.keypair]),
            ("declare the oracle dead", instructions::declare_dead(keys), vec![]),
            ("show a price", instructions::show_settlement_price(keys, market.price), vec![]),
            ("settle the market", instructions::settle_market(keys), vec![]),
        ];
        for (what, instruction, signers) in refused {
            chain.refuse(what, &[instruction], &signers, PerpError::MarketSettling).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn margin_comes_and_goes_while_the_market_settles() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, second, loser, large, .. } = settling(direction, PROFIT, 1_000).await;
        let keys = &market.keys;
        let flat = chain.trader(&market).await;
        chain.advance(86_400);

        // A flat position.
        chain.succeed("deposit", &[market.deposit(&flat, 1_000)], &[&flat.keypair]).await;
        chain.succeed("withdraw", &[take_margin(&market, &flat, 1_000)], &[&flat.keypair]).await;
        // An open one takes margin as well; its owner gets out what it has after it is closed for its claim, without a price.
        chain.succeed("deposit", &[market.deposit(&winner, 1_000)], &[&winner.keypair]).await;
        let sent =
            chain.succeed("withdraw", &[take_margin(&market, &winner, WINNERS_MARGIN + 1_000)], &[&winner.keypair]).await;
        let [Event::PositionClosedOut(closed), Event::CollateralWithdrawn(out)] = &sent.events[..] else {
            panic!("{:?}", sent.events)
        };
        assert_eq!((closed.claim_sats.get(), out.margin_sats.get()), (40_000_000, 0), "the claim is not there yet");
        let second_out = market.withdraw(&second, SECONDS_MARGIN + 1); // a price account does no harm
        chain.refuse("more than the margin", &[second_out], &[&second.keypair], PerpError::MarginBelowAmount).await;
        // The loser gets what his loss has left: 15,000,000 less 10,000,000.
        let too_much = take_margin(&market, &loser, 5_000_001);
        chain.refuse("what is lost", &[too_much], &[&loser.keypair], PerpError::MarginBelowAmount).await;
        chain.succeed("what is left", &[take_margin(&market, &loser, 5_000_000)], &[&loser.keypair]).await;

        // Shares enter and leave the queue, insurance takes gifts, accounts are made, fees collected.
        chain.succeed("queue", &[market.request(&large, 0, 1_000)], &[&large.keypair]).await;
        chain.succeed("cancel", &[market.cancel(&large, 0)], &[&large.keypair]).await;
        chain.fill_insurance(&market, 1_000).await;
        let admin = chain.admin.pubkey();
        let fees = chain.token_account(&keys.mint, &admin, 0);
        chain.succeed("collect", &[instructions::collect_protocol_fees(keys, fees)], &[]).await;
        assert_eq!(chain.tokens(&fees).await, PROTOCOL_FEES);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sync_that_begins_it_carries_no_trade_but_lets_margin_out() {
    for direction in [Long, Short] {
        // What trades is refused, and then nothing has begun.
        let Stage { mut chain, market, winner, second, large, .. } = strained(direction, PROFIT, 0).await;
        let flat = chain.trader_with(&market, BTC).await;
        let refused = [
            ("increase", market.open(&flat, direction, 10), &flat.keypair),
            ("decrease", market.close(&winner, direction), &winner.keypair),
            ("deposit liquidity", market.provide(&large, 1_000), &large.keypair),
        ];
        for (what, instruction, signer) in refused {
            chain.refuse(what, &[instruction], &[signer], PerpError::MarketSettling).await;
        }
        let liquidate = market.liquidate(winner.position, winner.tokens);
        chain.refuse("liquidate", &[liquidate], &[], PerpError::MarketSettling).await;

        // Margin goes out at once.
        let sent = chain.succeed("withdraw", &[market.withdraw(&second, SECONDS_MARGIN)], &[&second.keypair]).await;
        let [Event::SettlingStarted(_), Event::PositionClosedOut(closed), Event::CollateralWithdrawn(_)] = &sent.events[..]
        else {
            panic!("{:?}", sent.events)
        };
        assert_eq!((closed.position, closed.claim_sats.get()), (second.position, 20_000_000));
    }
}

/// A settlement stops the clock: no funding and no borrow fee, however long it takes, and none for that time afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn costs_stand_still_while_the_market_settles() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, second, loser, large, .. } = settling(direction, PROFIT, 0).await;
        let params = Params { max_funding: 3_000_000, max_borrow: 1_000_000, ..still() };
        chain.edit_market(&market, |market| market.state.params = params).await;
        chain.advance(43_200);
        for position in [winner.position, second.position, loser.position] {
            let sent = chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
            assert!(matches!(sent.events[..], [Event::PositionClosedOut(_)]), "{:?}", sent.events);
        }
        chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
        chain.post(&market, Tick::at(far_price(direction)));
        chain.succeed("open", &[market.open(&loser, direction, 10)], &[&loser.keypair]).await;
        let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;
        assert_eq!(sent.events, [], "nothing for the time before the position");
    }
}

/// A side worth more than every bitcoin there can be settles the market, though it loses.
#[tokio::test(flavor = "multi_thread")]
async fn a_side_beyond_21_million_bitcoin_settles_the_market() {
    // At $1, $21,000,000 are worth 2.1e15 satoshi; $10 more are too much. Nobody has won anything.
    for (last, beyond) in [(1_000_000, false), (1_000_010, true)] {
        let (mut chain, market) = Chain::with_pool(still(), 700 * BTC).await;
        let mut traders = Vec::new();
        for notional in [10_000_000, 10_000_000, last] {
            let trader = chain.trader_with(&market, 9 * BTC).await;
            chain.succeed("open", &[market.open(&trader, Long, notional)], &[&trader.keypair]).await;
            traders.push(trader);
        }
        chain.advance(120);
        chain.post(&market, Tick::at(1));
        if !beyond {
            chain.refuse("at the bound", &[market.deleverage()], &[], PerpError::DeleverageNotDue).await;
            continue;
        }
        let sent = chain.succeed("beyond it", &[market.deleverage()], &[]).await;
        let Event::SettlingStarted(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.price_e8.get(), event.positions), (usd(1), 3));

        // Then everyone loses his margin, the pool has it, and the market opens again.
        for trader in &traders {
            let sent = chain.succeed("close out", &[without_tip(&market, trader.position)], &[]).await;
            let Event::PositionClosedOut(event) = sent.event() else { panic!("{:?}", sent.events) };
            assert_eq!((event.margin_sats.get(), event.claim_sats.get()), (0, 0));
        }
        let payer = chain.somebody();
        let sent = chain.succeed("finish", &[market.finish(&payer.pubkey(), 0)], &[&payer]).await;
        let Event::SettlementFinished(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.claims_sats.get(), event.payable_sats.get(), event.closed), (0, 0, 0));
        // A settlement without claims is closed at once.
        let sent = chain.succeed("close", &[market.close_settlement(&payer.pubkey(), 0)], &[]).await;
        assert!(matches!(sent.events[..], [Event::SettlementAccountClosed(_)]), "{:?}", sent.events);
    }
}
