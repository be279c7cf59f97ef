//! Case 46: no price comes any more, and everybody gets out, whoever works at it and in whatever order.

use crate::crew::{
    as_provider, bury_oracle, everybody_leaves, finish_settlement, holdings, later, leave, leave_pool, opened, pay_out, state,
    EACH,
};
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;

/// Winners and losers on both sides, two providers, at $50,000 and odd prices around it; the last price seen is $47,777.
async fn busy_market() -> (Chain, TestMarket, Vec<Trader>, Vec<Provider>) {
    let (mut chain, market) = Chain::with_market(Params::standard()).await;
    let mut providers = vec![chain.provider(&market, 20 * BTC).await];
    chain.fill_insurance(&market, BTC / 10).await;
    let mut traders = Vec::new();
    for (price, direction, size, margin) in [
        (50_003, Long, 100_001, BTC),
        (49_111, Short, 77_777, BTC),
        (51_237, Long, 33_333, 20_000_000),
        (48_009, Short, 12_345, 30_000_000),
        (50_500, Short, 98_765, BTC),
        (49_999, Long, 11, BTC / 1_000),
    ] {
        later(&mut chain, &market, price);
        traders.push(opened(&mut chain, &market, margin, (direction, size)).await);
    }
    providers.push(chain.provider(&market, 5 * BTC).await);
    traders.push(chain.trader_with(&market, 3 * BTC).await);
    later(&mut chain, &market, 47_777);
    chain.succeed("the last price", &[market.accrue()], &[]).await;
    (chain, market, traders, providers)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_46_all_accounts_exit_at_the_last_valid_price() {
    // Given a busy market whose oracle dies,
    let (mut chain, market, traders, providers) = busy_market().await;
    let refs: Vec<&Trader> = traders.iter().collect();
    let providers: Vec<&Provider> = providers.iter().collect();
    let before = holdings(&chain, &refs, &providers).await;
    // nobody can declare that early, nor settle before the grace period is over;
    let declare = [instructions::declare_dead(&market.keys)];
    chain.advance(86_399);
    chain.refuse("a second early", &declare, &[], PerpError::OracleNotDead).await;
    chain.advance(1);
    chain.succeed("declare", &declare, &[]).await;
    chain.advance(21_599);
    let settle = [instructions::settle_market(&market.keys)];
    chain.refuse("a second early", &settle, &[], PerpError::GracePeriodNotOver).await;
    chain.advance(1);
    chain.succeed("settle", &settle, &[]).await;
    assert_eq!(state(&chain, &market).await.lifecycle.settlement_price.get(), usd(47_777), "the last valid price");

    // when everybody leaves, then the vault is empty to a satoshi a position, and nobody's tokens are missing.
    let dust = everybody_leaves(&mut chain, &market, &refs, &providers).await;
    assert!(dust <= 7, "{dust}");
    let after = holdings(&chain, &refs, &providers).await;
    assert!(
        after + 10_000_000 > before,
        "what is gone is the protocol's part of the fees, {} satoshi",
        before as i64 - after as i64
    );
    for trader in &traders {
        assert_eq!(chain.position(&trader.position).await.state.margin.get(), 0);
    }
    // Who was flat has what he brought; who was short at a higher price has won, who was long has lost.
    let mut has = Vec::new();
    for trader in &traders {
        has.push(chain.tokens(&trader.tokens).await);
    }
    assert_eq!(has[6], EACH);
    assert!(has[0] < EACH && has[2] < EACH && has[1] > EACH && has[4] > EACH, "{has:?}");
}

/// Owners who have closed or frozen their token accounts, or who do nothing at all, hold nobody up: anyone closes their positions
/// out and pays them to their associated accounts.
#[tokio::test(flavor = "multi_thread")]
async fn case_23_and_46_who_closes_his_token_account_holds_nobody_up() {
    let (mut chain, market, traders, providers) = busy_market().await;
    let keeper = chain.trader(&market).await;
    let hider = &traders[0];
    let held = chain.tokens(&hider.tokens).await;
    let steps = [
        transfer(hider.tokens, keeper.tokens, hider.address(), held),
        close_account(hider.tokens, hider.address(), hider.address()),
    ];
    chain.succeed("empty and close", &steps, &[&hider.keypair]).await;
    assert_eq!(chain.account(&hider.tokens).await, None);
    bury_oracle(&mut chain, &market).await;
    let refs: Vec<&Trader> = traders.iter().collect();
    finish_settlement(&mut chain, &market, &refs).await;
    // Nobody's shares leave before the last claim is paid; then they do, without any price.
    let first = &providers[0];
    let shares = chain.tokens(&first.shares).await;
    let early = [market.request(first, 7, shares), market.complete(first, 7)];
    chain.refuse("early", &early, &[&first.keypair], PerpError::ClaimsOutstanding).await;
    let mut paid = 0;
    for trader in &traders {
        let had = chain.position(&trader.position).await.state;
        let account = pay_out(&mut chain, &market, trader).await;
        let got = chain.tokens(&account).await;
        assert!(got >= had.margin.get() && got <= had.margin.get() + had.claim.get());
        assert_eq!(chain.account(&trader.position).await, None, "the position is closed");
        paid += got;
    }
    assert!(paid > 5 * BTC);
    for provider in &providers {
        leave_pool(&mut chain, &market, provider).await;
    }
    let ledger = state(&chain, &market).await.ledger;
    assert_eq!((ledger.margin.get(), ledger.funds.get(), ledger.insurance.get()), (0, 0, 0));
    assert!(ledger.pool.get() <= 7, "{:?}", ledger.pool);
}

/// While a settlement runs, nobody gains by doing what he can do meanwhile, and nobody can stop it by not coming.
#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_cannot_be_used_or_held_up() {
    let (mut chain, market, traders, providers) = busy_market().await;
    bury_oracle(&mut chain, &market).await;
    // Given a market that settles: no trade, no liquidity, no donation, no liquidation,
    let crew = chain.trader_with(&market, BTC).await;
    let provider = as_provider(&mut chain, &market, &crew);
    later(&mut chain, &market, 47_777);
    let donate = instructions::donate_liquidity(&market.keys, crew.address(), crew.tokens, 1_000);
    let attempts = [
        ("open", market.open(&crew, Long, 1_000), true),
        ("deposit", market.provide(&provider, BTC), true),
        ("donate", donate, true),
        ("liquidate", market.liquidate(traders[0].position, crew.tokens), false),
        ("deleverage", market.deleverage(), false),
        ("accrue", market.accrue(), false),
    ];
    for (what, instruction, signed) in attempts {
        let signers: &[&Keypair] = if signed { &[&crew.keypair] } else { &[] };
        chain.refuse(what, &[instruction], signers, PerpError::MarketSettling).await;
    }
    let close = market.close(&traders[0], Long);
    chain.refuse("close", &[close], &[&traders[0].keypair], PerpError::MarketSettling).await;
    // but flat margin comes and goes, and an owner who takes his margin is closed out on the way, at the kept price;
    chain.succeed("in", &[market.deposit(&crew, BTC)], &[&crew.keypair]).await;
    chain.succeed("out", &[market.withdraw(&crew, 2 * BTC)], &[&crew.keypair]).await;
    let loser = &traders[2];
    let out = market.withdraw(loser, 1_000);
    chain.succeed("a loser takes what is left", &[out], &[&loser.keypair]).await;
    assert_eq!(chain.position(&loser.position).await.state.direction, 0);
    // and it is not finished while one position is open, however often anyone asks.
    let admin = chain.admin.insecure_clone();
    let finish = instructions::finish_settlement(&market.keys, admin.pubkey(), 0);
    chain.refuse("early", &[finish], &[&admin], PerpError::SettlementUnfinished).await;
    let mut refs: Vec<&Trader> = traders.iter().collect();
    refs.push(&crew);
    let providers: Vec<&Provider> = providers.iter().collect();
    assert!(everybody_leaves(&mut chain, &market, &refs, &providers).await <= 8);
    assert_eq!(chain.tokens(&crew.tokens).await, EACH);
}

/// Two chains with the same past: closed out, redeemed and withdrawn in opposite orders, by owners or by others.
#[tokio::test(flavor = "multi_thread")]
async fn case_46_the_order_of_leaving_changes_nobodys_share() {
    let mut ends: Vec<Vec<u64>> = Vec::new();
    for backwards in [false, true] {
        let (mut chain, market, traders, providers) = busy_market().await;
        bury_oracle(&mut chain, &market).await;
        let mut order: Vec<&Trader> = traders.iter().collect();
        let mut lenders: Vec<&Provider> = providers.iter().collect();
        if backwards {
            order.reverse();
            lenders.reverse();
        }
        finish_settlement(&mut chain, &market, &order).await;
        order.rotate_left(3);
        for trader in &order {
            leave(&mut chain, &market, trader).await;
        }
        assert_eq!(state(&chain, &market).await.status(), Status::Closed);
        for provider in &lenders {
            leave_pool(&mut chain, &market, provider).await;
        }
        let mut end = Vec::new();
        for trader in &traders {
            end.push(chain.tokens(&trader.tokens).await);
        }
        for provider in &providers {
            end.push(chain.tokens(&provider.tokens).await);
        }
        ends.push(end);
    }
    for (one, other) in ends[0].iter().zip(&ends[1]) {
        assert!(one.abs_diff(*other) <= 3, "{ends:?}");
    }
}
