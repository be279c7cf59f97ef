//! Attacks on the pool: sandwiches, donations, leaving at others' cost, standing in each other's way. Cases 36, 37 and 38.

use crate::crew::{as_provider, close, everybody_leaves, holdings, later, open, opened, state, EACH};
use crate::BOTH;
use inverse_perps_tests::harness::prelude::*;

const DAY: u32 = 86_400;

fn against(direction: PositionDirection) -> i64 {
    match direction {
        Long => 47_500,
        Short => 52_632,
    }
}

fn provide(market: &TestMarket, provider: &Provider, sats: u64) -> Instruction {
    market.provide(provider, sats)
}

/// A day later, at this price.
fn next_day(chain: &mut Chain, market: &TestMarket, price: i64) {
    chain.advance(DAY);
    chain.post(market, Tick::at(price));
}

/// Puts all of somebody's shares into the queue.
async fn request_all(chain: &mut Chain, market: &TestMarket, provider: &Provider, id: u64) {
    let shares = chain.tokens(&provider.shares).await;
    chain.succeed("request", &[market.request(provider, id, shares)], &[&provider.keypair]).await;
}

/// Whoever sees a profit of the pool in the price, because traders have lost, has to pay for it when he comes, and gets it only as
/// far as it was collected when he goes.
#[tokio::test(flavor = "multi_thread")]
async fn case_37_a_profit_that_the_price_shows_is_bought_at_its_price() {
    for direction in BOTH {
        for realised in [true, false] {
            // Given a pool of 10 BTC and traders with $200,000, 4 BTC, against it, who have lost 5 % of that, about 0.2 BTC,
            let (mut chain, market) = Chain::with_pool(still(), 10 * BTC).await;
            let loser = opened(&mut chain, &market, BTC, (direction, 200_000)).await;
            later(&mut chain, &market, against(direction));
            // when a crew deposits 10 BTC on seeing that, the loss is collected or not, and the crew leaves a day later,
            let trader = chain.trader(&market).await;
            let crew = as_provider(&mut chain, &market, &trader);
            chain.succeed("deposit", &[provide(&market, &crew, EACH)], &[&crew.keypair]).await;
            if realised {
                close(&mut chain, &market, &loser, direction).await;
            }
            request_all(&mut chain, &market, &crew, 0).await;
            next_day(&mut chain, &market, against(direction));
            chain.succeed("leave", &[market.complete(&crew, 0)], &[&crew.keypair]).await;

            // then its share of the loss was in the price of its shares. It has earned half of the fee of a close at most, if there
            // was one: 60 % of 5 bps of 4.2 BTC is 126,000.
            let has = chain.tokens(&crew.tokens).await;
            assert!(has <= EACH + if realised { 70_000 } else { 0 }, "{direction:?}, realised {realised}: {has}");
            assert!(realised || has + 9_000_000 < EACH, "{direction:?}: what is not collected is not paid: {has}");
        }
    }
}

/// The same at every price on the way, both ways, with a spread: nobody gets more for a share than it costs at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn case_37_a_share_costs_more_than_it_brings_at_any_price() {
    for (first, second) in [(49_000, 51_000), (51_000, 49_000), (45_000, 60_000), (60_000, 42_000)] {
        let (mut chain, market) = Chain::with_pool(Params::standard(), 10 * BTC).await;
        let trader = chain.trader(&market).await;
        let crew = as_provider(&mut chain, &market, &trader);
        opened(&mut chain, &market, BTC, (Long, 150_000)).await;
        opened(&mut chain, &market, BTC / 2, (Short, 100_000)).await;
        chain.succeed("deposit early", &[provide(&market, &crew, BTC)], &[&crew.keypair]).await;
        request_all(&mut chain, &market, &crew, 0).await;
        next_day(&mut chain, &market, first);
        for (id, price) in [(0, second), (1, first), (2, 50_000)] {
            // When somebody completes a withdrawal and deposits what he got, at one price,
            later(&mut chain, &market, price);
            chain.post(&market, Tick::at(price).confident_to(20));
            let before = (chain.tokens(&crew.tokens).await, state(&chain, &market).await.queued_shares);
            chain.succeed("leave", &[market.complete(&crew, id)], &[&crew.keypair]).await;
            let got = chain.tokens(&crew.tokens).await - before.0;
            chain.succeed("come back", &[provide(&market, &crew, got)], &[&crew.keypair]).await;
            // then he has fewer shares than before.
            let shares = chain.tokens(&crew.shares).await;
            assert!(shares < before.1, "at {price}: {shares} of {}", before.1);
            request_all(&mut chain, &market, &crew, id + 1).await;
            next_day(&mut chain, &market, price);
        }
    }
}

/// Deposits while results wait to be written, of funding owed to the pool and of profit deleveraged: they are in the price.
#[tokio::test(flavor = "multi_thread")]
async fn deposits_before_results_are_written_gain_nothing_by_it() {
    let params = Params { max_funding: 50_000_000, max_borrow: 50_000_000, ..Params::standard() };
    // Costs owed to the pool: 0.05 BTC a day and more, on 5 BTC.
    let mut bought = Vec::new();
    for unwritten in [true, false] {
        let (mut chain, market) = Chain::with_pool(params, 10 * BTC).await;
        let trader = chain.trader(&market).await;
        let crew = as_provider(&mut chain, &market, &trader);
        let payer = opened(&mut chain, &market, 2 * BTC, (Long, 250_000)).await;
        next_day(&mut chain, &market, 50_000);
        chain.succeed("accrue", &[market.accrue()], &[]).await;
        let owed = state(&chain, &market).await.long.cost_owed.get() / 1_000_000_000_000_000_000;
        assert!(owed > 5_000_000, "{owed}");
        // When a deposit of 10 BTC comes before or after they are written, then it buys the same number of shares.
        if !unwritten {
            chain.succeed("write", &[market.settle(payer.position)], &[]).await;
        }
        chain.succeed("deposit", &[provide(&market, &crew, EACH)], &[&crew.keypair]).await;
        let shares = chain.tokens(&crew.shares).await;
        bought.push(shares);
        if !unwritten {
            // What the pool has now is its own 10 BTC and more, and the deposit. A share is dearer by the costs.
            let worth = u128::from(state(&chain, &market).await.ledger.pool.get() - EACH);
            let fair = u128::from(EACH) * 1_000_001_000 / (worth + 1_000);
            assert_eq!(u128::from(shares), fair);
        }
    }
    assert!(bought[1] - bought[0] <= 2 && bought[1] < EACH - 5_000_000, "a satoshi of rounding for the pool: {bought:?}");

    // Profit deleveraged but not fetched: it is not the pool's any more, and who deposits does not pay for it, yet nobody
    // who leaves is paid out of it.
    let (mut chain, market) = Chain::with_pool(still(), 3 * BTC).await;
    let trader = chain.trader(&market).await;
    let crew = as_provider(&mut chain, &market, &trader);
    let winner = opened(&mut chain, &market, BTC, (Short, 200_000)).await;
    for price in [42_000, 36_000, 30_000] {
        later(&mut chain, &market, price);
        let _ = chain.attempt("deleverage", &[market.deleverage()], &[]).await;
    }
    let owed = state(&chain, &market).await.short.reserved().expect("small").get();
    assert!(owed > 0, "some of the profit waits");
    chain.succeed("deposit", &[provide(&market, &crew, 2 * BTC)], &[&crew.keypair]).await;
    chain.succeed("write", &[market.settle(winner.position)], &[]).await;
    let shares = chain.tokens(&crew.shares).await;
    request_all(&mut chain, &market, &crew, 0).await;
    next_day(&mut chain, &market, 30_000);
    let fee = close(&mut chain, &market, &winner, Short).await;
    let Event::PositionDecreased(event) = fee.last() else { panic!("{:?}", fee.events) };
    let fee = event.fill.fee_sats.pool.get();
    chain.succeed("leave", &[market.complete(&crew, 0)], &[&crew.keypair]).await;
    let has = chain.tokens(&crew.tokens).await;
    assert!(has <= EACH + fee, "{shares} shares: {has}, fee {fee}");
}

/// The first depositor keeps one share and makes it dear by a donation, so that the next one's deposit rounds to little.
#[tokio::test(flavor = "multi_thread")]
async fn case_36_inflating_a_share_by_a_donation_costs_what_it_is_worth() {
    for (donation, deposit) in [(BTC, BTC), (9 * BTC, 1_000_000), (9 * BTC, 17_999_999), (5_000_000, 9_999_999)] {
        // Given an attacker who has made the smallest first deposit and has withdrawn all of it but one share,
        let (mut chain, market) = Chain::with_market(still()).await;
        let attacker = chain.trader(&market).await;
        let first = as_provider(&mut chain, &market, &attacker);
        chain.succeed("first", &[provide(&market, &first, 1_000_000)], &[&first.keypair]).await;
        chain.succeed("request", &[market.request(&first, 0, 999_999)], &[&first.keypair]).await;
        next_day(&mut chain, &market, 50_000);
        chain.succeed("leave", &[market.complete(&first, 0)], &[&first.keypair]).await;
        let gift = instructions::donate_liquidity(&market.keys, attacker.address(), attacker.tokens, donation);
        chain.succeed("donate", &[gift], &[&attacker.keypair]).await;

        // when an honest provider deposits, if it buys a share at all,
        let honest = chain.trader(&market).await;
        let victim = as_provider(&mut chain, &market, &honest);
        let came = chain.attempt("deposit", &[provide(&market, &victim, deposit)], &[&victim.keypair]).await;
        if let Err(error) = &came {
            assert_eq!(*error, Refusal::from(PerpError::TooFewShares).0, "nothing is taken for nothing");
        }
        // and the attacker leaves with his share,
        chain.succeed("request", &[market.request(&first, 1, 1)], &[&first.keypair]).await;
        next_day(&mut chain, &market, 50_000);
        chain.succeed("leave", &[market.complete(&first, 1)], &[&first.keypair]).await;

        // then he has lost nearly all of what he gave, and gained less than he took from the other.
        let has = chain.tokens(&attacker.tokens).await;
        assert!(has + donation * 99 / 100 < EACH + donation / 100, "donated {donation}, deposited {deposit}: {has}");
        everybody_leaves(&mut chain, &market, &[&attacker, &honest], &[&first, &victim]).await;
        assert!(chain.tokens(&attacker.tokens).await < EACH);
        // The donation is the victim's in the end, if he came at all: he is richer, not poorer.
        assert!(came.is_err() || chain.tokens(&honest.tokens).await >= EACH, "{:?}", chain.tokens(&honest.tokens).await);
    }
}

/// A provider leaves while traders have lost on paper, and the price comes back: he was paid nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_on_paper_losses_of_traders_is_leaving_without_them() {
    for direction in BOTH {
        let (mut chain, market) = Chain::with_market(still()).await;
        let stays = chain.provider(&market, 10 * BTC).await;
        let trader = chain.trader(&market).await;
        let crew = as_provider(&mut chain, &market, &trader);
        chain.succeed("deposit", &[provide(&market, &crew, EACH)], &[&crew.keypair]).await;
        // Given a trader with 4 BTC of notional who has lost about 0.8 BTC of his 2,
        let loser = opened(&mut chain, &market, 2 * BTC, (direction, 200_000)).await;
        request_all(&mut chain, &market, &crew, 0).await;
        next_day(&mut chain, &market, if direction == Long { 41_667 } else { 62_500 });
        // when the crew leaves at that price, the price comes back, and the trader closes,
        chain.succeed("leave", &[market.complete(&crew, 0)], &[&crew.keypair]).await;
        later(&mut chain, &market, 50_000);
        close(&mut chain, &market, &loser, direction).await;
        // then the crew has its deposit and its part of one fee: 60 % of 220,000 for half of the pool.
        let has = chain.tokens(&crew.tokens).await;
        assert!((EACH..=EACH + 66_000).contains(&has), "{direction:?}: {has}");
        // and who stayed has not paid for it.
        everybody_leaves(&mut chain, &market, &[&loser], &[&stays]).await;
        assert!(chain.tokens(&stays.tokens).await > 10 * BTC, "{direction:?}");
    }
}

/// A pool of 20 BTC, half of it a crew's; a day after the crew's request the price jumps. Returns what the crew gets if it leaves
/// before or after the bankrupt is liquidated.
async fn leaves(hidden_behind: PositionDirection, before_liquidation: bool) -> u64 {
    let (mut chain, market) = Chain::with_market(still()).await;
    chain.fill_pool(&market, 10 * BTC).await;
    let trader = chain.trader(&market).await;
    let crew = as_provider(&mut chain, &market, &trader);
    chain.succeed("deposit", &[provide(&market, &crew, EACH)], &[&crew.keypair]).await;
    let keeper = chain.trader(&market).await;
    if hidden_behind == Long {
        // $120,000 long from $40,000, 3 BTC; at $50,000 they have won 0.6 BTC.
        later(&mut chain, &market, 40_000);
        opened(&mut chain, &market, 3 * BTC, (Long, 120_000)).await;
    } else {
        // Somebody with plenty of margin on the other side, with as much as he loses.
        later(&mut chain, &market, 50_000);
        opened(&mut chain, &market, 5 * BTC, (Long, 50_000)).await;
    }
    request_all(&mut chain, &market, &crew, 0).await;
    next_day(&mut chain, &market, 50_000);
    // $200,000 long from $50,000, 4 BTC, on a thin margin of 0.09; at $46,000 it has lost 0.348.
    let bankrupt = opened(&mut chain, &market, 9_000_000, (Long, 200_000)).await;
    later(&mut chain, &market, 46_000);
    let liquidate = [market.liquidate(bankrupt.position, keeper.tokens)];
    if before_liquidation {
        chain.succeed("leave", &[market.complete(&crew, 0)], &[&crew.keypair]).await;
        chain.succeed("liquidate", &liquidate, &[]).await;
    } else {
        chain.succeed("liquidate", &liquidate, &[]).await;
        chain.succeed("leave", &[market.complete(&crew, 0)], &[&crew.keypair]).await;
    }
    chain.tokens(&crew.tokens).await
}

/// Behind another's margin a bankrupt's loss is not paid out: losses on paper count for nothing to who leaves.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_ahead_of_a_bankruptcy_hidden_behind_anothers_margin_gains_nothing() {
    let (ahead, behind) = (leaves(Short, true).await, leaves(Short, false).await);
    assert!(ahead <= behind, "ahead {ahead}, behind {behind}");
}

/// Behind another's profit on the same side it is, because a side's profit and loss are one sum (docs/spec.md, known limits): whoever
/// leaves before anybody liquidates is spared his own part of the shortfall, and not a satoshi more. It takes a jump of more than a
/// margin, and nobody who liquidates for as long as a range of more than 3 % keeps the pool shut.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_ahead_of_a_bankruptcy_hidden_behind_anothers_profit_gains_at_most_ones_part_of_the_shortfall() {
    // At $46,000 the bankrupt has lost 34,782,609 and has 9,000,000 less the fee of 210,000: 25,992,609 are missing, half of it the
    // crew's.
    let (ahead, behind) = (leaves(Long, true).await, leaves(Long, false).await);
    assert!(ahead - behind <= 25_992_609 / 2 + 100_000, "ahead {ahead}, behind {behind}");
}

/// Others in the queue, however many and however large, and new positions do not keep a provider in.
#[tokio::test(flavor = "multi_thread")]
async fn case_38_nobody_blocks_anothers_exit() {
    // Given a pool of 20 BTC, half of it an attacker's, with 5 BTC of longs against it,
    let (mut chain, market) = Chain::with_market(still()).await;
    let honest = chain.provider(&market, 10 * BTC).await;
    let trader = chain.trader(&market).await;
    let attacker = as_provider(&mut chain, &market, &trader);
    chain.succeed("deposit", &[provide(&market, &attacker, 9 * BTC)], &[&attacker.keypair]).await;
    let whale = opened(&mut chain, &market, BTC, (Long, 250_000)).await;
    // and a queue in which the attacker stands first, twenty times with a dust share and once with a quarter,
    for id in 0..20 {
        chain.succeed("dust", &[market.request(&attacker, id, 1)], &[&attacker.keypair]).await;
    }
    chain.succeed("much", &[market.request(&attacker, 20, 2 * BTC)], &[&attacker.keypair]).await;
    request_all(&mut chain, &market, &honest, 0).await;
    // when the attacker fills up what reserve there is with positions of his own: what is queued backs none,
    let block = market.open(&trader, Long, 250_000);
    chain.succeed("margin", &[market.deposit(&trader, 90_000_000)], &[&trader.keypair]).await;
    chain.refuse("block", &[block], &[&trader.keypair], PerpError::ReserveExceeded).await;
    next_day(&mut chain, &market, 50_000);
    // then the honest one leaves whole, before all of those who asked earlier,
    let sent = chain.succeed("leave", &[market.complete(&honest, 0)], &[&honest.keypair]).await;
    let Event::WithdrawalCompleted(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert!(event.amount_sats.get() >= 10 * BTC);
    // and it is the attacker who is kept by the reserve that the positions need: 5 BTC of 70 % of the pool.
    chain.refuse("too much", &[market.complete(&attacker, 20)], &[&attacker.keypair], PerpError::ReserveExceeded).await;
    chain.succeed("a dust share", &[market.complete(&attacker, 0)], &[&attacker.keypair]).await;
    close(&mut chain, &market, &whale, Long).await;
    chain.succeed("afterwards", &[market.complete(&attacker, 20)], &[&attacker.keypair]).await;
}

/// A crew that lends the pool its own money and trades against it only moves money from one pocket to the other, and pays fees to
/// insurance and protocol.
#[tokio::test(flavor = "multi_thread")]
async fn being_trader_and_pool_at_once_costs_fees() {
    for direction in BOTH {
        for price in [45_000, 49_000, 51_000, 55_000] {
            let (mut chain, market) = Chain::with_market(still()).await;
            let trader = chain.trader_with(&market, 3 * BTC).await;
            let provider = as_provider(&mut chain, &market, &trader);
            chain.succeed("deposit", &[provide(&market, &provider, 6 * BTC)], &[&provider.keypair]).await;
            open(&mut chain, &market, &trader, direction, 150_000).await;
            later(&mut chain, &market, price);
            close(&mut chain, &market, &trader, direction).await;
            chain.fill_pool(&market, BTC).await;
            everybody_leaves(&mut chain, &market, &[&trader], &[&provider]).await;
            let has = holdings(&chain, &[&trader], &[&provider]).await;
            assert!(has < EACH, "{direction:?} at {price}: {has}");
        }
    }
}
