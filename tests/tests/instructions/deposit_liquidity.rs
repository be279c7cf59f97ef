//! `deposit_liquidity`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::LiquidityDeposit;

/// A provider with ten bitcoins, a token account for shares, and a position that is not used.
async fn provider(chain: &mut Chain, market: &TestMarket) -> (Trader, Address) {
    let provider = chain.trader(market).await;
    let shares = chain.token_account(&market.keys.lp_mint, &provider.address(), 0);
    (provider, shares)
}

fn deposit(market: &TestMarket, provider: &Trader, destination: Address, sats: u64, min_shares: u64) -> Instruction {
    let deposit = LiquidityDeposit { depositor: provider.address(), source: provider.tokens, destination, price: market.price };
    instructions::deposit_liquidity(&market.keys, deposit, sats, min_shares)
}

#[tokio::test(flavor = "multi_thread")]
async fn mints_shares_at_the_dearest_worth() {
    // Given an empty pool, when the smallest first deposit comes, then a share is a satoshi.
    let (mut chain, market) = Chain::with_market(still()).await;
    let (alice, shares) = provider(&mut chain, &market).await;
    let dust = deposit(&market, &alice, shares, 999_999, 0);
    chain.refuse("too small a first deposit", &[dust], &[&alice.keypair], PerpError::BelowMinFirstDeposit).await;
    let first = deposit(&market, &alice, shares, 1_000_000, 1_000_000);
    let sent = chain.succeed("the first", &[first], &[&alice.keypair]).await;
    let Event::LiquidityDeposited(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.depositor, event.amount_sats.get()), (alice.address(), 1_000_000));
    assert_eq!((event.shares, event.shares_after), (1_000_000, 1_000_000));
    assert_eq!((event.ledger.delta_sats.pool.get(), event.ledger.after_sats.pool.get()), (1_000_000, 1_000_000));
    assert_eq!(chain.tokens(&shares).await, 1_000_000);

    // Given 100 BTC in it and 63,000 satoshi of a fee, when one more comes, then it buys 1e8 * (1e10 + 1,000) /
    // (10,000,063,000 + 1,000) = 99,999,370.0 down: shares and worth are both a thousand more than they are.
    chain.fill_pool(&market, 100 * BTC - 1_000_000).await;
    let trader = chain.trader_with(&market, BTC).await;
    chain.succeed("a long", &[market.open(&trader, Long, 100_000)], &[&trader.keypair]).await;
    let greedy = deposit(&market, &alice, shares, BTC, 99_999_371);
    chain.refuse("a share too many", &[greedy], &[&alice.keypair], PerpError::TooFewShares).await;
    let fair = deposit(&market, &alice, shares, BTC, 99_999_370);
    let sent = chain.succeed("at par", &[fair], &[&alice.keypair]).await;
    let Event::LiquidityDeposited(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.shares, event.shares_after), (99_999_370, 10_099_999_370));
}

#[tokio::test(flavor = "multi_thread")]
async fn traders_losses_on_paper_make_shares_dearer_and_gains_do_not_make_them_cheaper() {
    // A pool of 10,000,063,000 with 1e10 shares beside $100,000 long from $50,000. At $49,000 the long is worth
    // 204,081,632.7, down for the pool: it owes 4,081,632, so a bitcoin buys 1e8 * 10,000,001,000 / 10,004,145,632 =
    // 99,958,570 down. At $51,000 the pool owes it 3,921,569, but a share stays at the free pool's worth: 99,999,370.
    // At $49,000 with only 1,000,000 of margin behind the loss it is 1e8 * 10,000,001,000 / 10,001,064,000 = 99,989,371.
    for (price, margin, shares_bought) in
        [(49_000, None, 99_958_570), (51_000, None, 99_999_370), (49_000, Some(1_000_000), 99_989_371)]
    {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let (alice, shares) = provider(&mut chain, &market).await;
        let trader = chain.trader_with(&market, BTC).await;
        chain.succeed("a long", &[market.open(&trader, Long, 100_000)], &[&trader.keypair]).await;
        if let Some(margin) = margin {
            chain.set_margin(&market, &trader, margin).await;
        }
        chain.advance(120);
        chain.post(&market, Tick::at(price));
        let one = deposit(&market, &alice, shares, BTC, 0);
        chain.succeed("deposit", &[one], &[&alice.keypair]).await;
        assert_eq!(chain.tokens(&shares).await, shares_bought, "at ${price} with margin {margin:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dearest_of_bid_and_ask_counts() {
    // At $49,100 +- $100 the bid of $49,000 is where the long owes most, so the price is that of the test above.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let (alice, shares) = provider(&mut chain, &market).await;
    let trader = chain.trader_with(&market, BTC).await;
    chain.succeed("a long", &[market.open(&trader, Long, 100_000)], &[&trader.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(49_100).confident_to(100));
    chain.succeed("deposit", &[deposit(&market, &alice, shares, BTC, 0)], &[&alice.keypair]).await;
    assert_eq!(chain.tokens(&shares).await, 99_958_570);

    // And so does a price of the last minute. Back at $50,000 a second later, the price of $49,100 still counts, though not
    // its bid: there the long is worth 203,665,987 down and owes 3,665,987 to a pool of 10,100,063,000 with 10,099,958,570
    // shares, so 1e8 * 10,099,959,570 / 10,103,729,987 = 99,962,682 down.
    chain.advance(1);
    chain.post(&market, Tick::at(50_000));
    chain.succeed("deposit", &[deposit(&market, &alice, shares, BTC, 0)], &[&alice.keypair]).await;
    assert_eq!(chain.tokens(&shares).await, 99_958_570 + 99_962_682);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_amounts_that_cannot_be() {
    let params = Params { max_pool: Sats::new(5 * BTC), ..still() };
    let (mut chain, market) = Chain::with_pool(params, 4 * BTC).await;
    let (alice, shares) = provider(&mut chain, &market).await;
    let signer = [&alice.keypair];
    chain.refuse("nothing", &[deposit(&market, &alice, shares, 0, 0)], &signer, PerpError::AmountZero).await;
    let over = deposit(&market, &alice, shares, BTC + 1, 0);
    chain.refuse("a satoshi above the cap", &[over], &signer, PerpError::PoolCapExceeded).await;

    // A share that is worth more than the deposit cannot be minted: nothing is taken for nothing.
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(5 * BTC - 10)).await;
    chain.edit_shares(&market, 1).await;
    chain.refuse("less than a share", &[deposit(&market, &alice, shares, 10, 0)], &signer, PerpError::TooFewShares).await;
    chain.edit_shares(&market, 4 * BTC).await;
    chain.succeed("up to the cap", &[deposit(&market, &alice, shares, 10, 0)], &signer).await;

    // A pool whose shares are worth nothing, or that owes more than it has, takes no deposit.
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(0)).await;
    let one = deposit(&market, &alice, shares, BTC, 0);
    chain.refuse("an empty pool with shares", from_ref(&one), &signer, PerpError::PoolNotSolvent).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(4 * BTC)).await;
    chain.succeed("margin", &[market.deposit(&alice, BTC)], &signer).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &signer).await;
    chain.advance(120);
    // At $51,000, a second ago, the long had won 3,921,569, up for the pool; now it has won half of that.
    chain.post(&market, Tick::at(51_000));
    chain.succeed("accrue", &[market.accrue()], &[]).await;
    chain.advance(1);
    chain.post(&market, Tick::at(50_500));
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(3_921_569)).await;
    chain.refuse("a pool that owes all it has", from_ref(&one), &signer, PerpError::PoolNotSolvent).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(3_921_570)).await;
    chain.succeed("a pool with a satoshi of its own", &[one], &signer).await;

    chain.rob_vault(&market, 1).await;
    let more = deposit(&market, &alice, shares, 1_000, 0);
    chain.refuse("into a vault that is short", &[more], &signer, PerpError::VaultShort).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let other_mint = chain.new_mint(8);
    let (alice, shares) = provider(&mut chain, &market).await;
    let bob = chain.trader(&market).await;
    let signer = [&alice.keypair];
    let good = deposit(&market, &alice, shares, BTC, 0);
    // Places: 0 depositor, 1 market, 2 vault, 3 source, 4 LP mint, 5 destination, 6 token program, 7 price.

    for (what, vault) in [("another market's", other_market.keys.vault), ("her own", alice.tokens)] {
        let elsewhere = with_account(&good, 2, vault);
        chain.refuse(&format!("into {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
    }
    for (what, mint) in [("another market's", other_market.keys.lp_mint), ("the collateral", market.keys.mint)] {
        let elsewhere = with_account(&good, 4, mint);
        chain.refuse(&format!("{what} mint for shares"), &[elsewhere], &signer, PerpError::WrongLpMint).await;
    }
    let cross = with_account(&with_account(&good, 1, other_market.keys.market), 2, other_market.keys.vault);
    chain.refuse("shares of another market's pool", &[cross], &signer, PerpError::WrongLpMint).await;
    let worthless = chain.token_account(&other_mint, &alice.address(), BTC);
    chain.refuse("other tokens", &[with_account(&good, 3, worthless)], &signer, Refusal::MINT_MISMATCH).await;
    let stolen = with_account(&good, 3, bob.tokens);
    chain.refuse("somebody else's tokens", &[stolen], &signer, Refusal::OWNER_MISMATCH).await;
    let mismatched = with_account(&good, 5, bob.tokens);
    chain.refuse("shares into a BTC account", &[mismatched], &signer, Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&good, 6, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    let poor = deposit(&market, &alice, shares, 10 * BTC + 1, 0);
    chain.refuse("more than there is", &[poor], &signer, Refusal::INSUFFICIENT_TOKENS).await;
    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    refuses_strangers(&mut chain, &good, 1, alice.position, &signer).await;
    refuses_bad_prices(&mut chain, &market, &good, &signer, Limits::Instant).await;
    chain.succeed("as it should be", &[good], &signer).await;
}
