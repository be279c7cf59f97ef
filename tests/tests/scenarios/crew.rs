//! What the attacks share: accounts that act together, what they have, and how everybody leaves a market in the end.

use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::side::Direction;
use inverse_perps_tests::harness::prelude::*;
use perps::client::addresses::associated_tokens;
use perps::client::instructions::SettleWith;
use std::collections::BTreeSet;

/// What `Chain::trader` gives everybody.
pub const EACH: u64 = 10 * BTC;

/// A price, two minutes after the last one: the recent range is over.
pub fn later(chain: &mut Chain, market: &TestMarket, price: i64) {
    chain.advance(120);
    chain.post(market, Tick::at(price));
}

/// Opens at any price.
pub async fn open(chain: &mut Chain, market: &TestMarket, trader: &Trader, direction: PositionDirection, notional: u64) {
    chain.succeed("open", &[market.open(trader, direction, notional)], &[&trader.keypair]).await;
}

/// Closes whole at any price.
pub async fn close(chain: &mut Chain, market: &TestMarket, trader: &Trader, direction: PositionDirection) -> Sent {
    chain.succeed("close", &[market.close(trader, direction)], &[&trader.keypair]).await
}

/// Somebody new with this much margin and a position.
pub async fn opened(
    chain: &mut Chain,
    market: &TestMarket,
    margin: u64,
    (direction, notional): (PositionDirection, u64),
) -> Trader {
    let trader = chain.trader_with(market, margin).await;
    open(chain, market, &trader, direction, notional).await;
    trader
}

/// A trader as a provider of liquidity, who pays from the same tokens.
pub fn as_provider(chain: &mut Chain, market: &TestMarket, trader: &Trader) -> Provider {
    let shares = chain.token_account(&market.keys.lp_mint, &trader.address(), 0);
    Provider { keypair: trader.keypair.insecure_clone(), tokens: trader.tokens, shares }
}

/// Tokens and margin of all together.
pub async fn holdings(chain: &Chain, traders: &[&Trader], providers: &[&Provider]) -> u64 {
    let of_traders = traders.iter().map(|trader| trader.tokens);
    let tokens: BTreeSet<Address> = of_traders.chain(providers.iter().map(|provider| provider.tokens)).collect();
    let mut sum = 0;
    for account in tokens {
        sum += chain.tokens(&account).await;
    }
    for trader in traders {
        sum += chain.position(&trader.position).await.state.margin.get();
    }
    sum
}

/// The margin of a position.
pub async fn margin(chain: &Chain, trader: &Trader) -> u64 {
    chain.position(&trader.position).await.state.margin.get()
}

/// The engine's market.
pub async fn state(chain: &Chain, market: &TestMarket) -> inverse_perps_engine::Market {
    chain.market(&market.keys.market).await.state
}

/// The direction of a position as instructions name it; none when flat.
pub async fn direction(chain: &Chain, trader: &Trader) -> Option<PositionDirection> {
    chain.position(&trader.position).await.state.open_direction().map(|open| match open {
        Direction::Long => Long,
        Direction::Short => Short,
    })
}

/// In a market that settles, closes out these positions in this order and ends the settlement.
pub async fn finish_settlement(chain: &mut Chain, market: &TestMarket, traders: &[&Trader]) -> Sent {
    for trader in traders {
        if direction(chain, trader).await.is_some() {
            let close_out = instructions::settle(&market.keys, trader.position, SettleWith::default());
            chain.succeed("close out", &[close_out], &[]).await;
        }
    }
    let epoch = state(chain, market).await.lifecycle.epoch;
    let admin = chain.admin.insecure_clone();
    let finish = instructions::finish_settlement(&market.keys, admin.pubkey(), epoch);
    chain.succeed("finish the settlement", &[finish], &[&admin]).await
}

/// The oracle dies, and the market begins to settle for good at the last price.
pub async fn bury_oracle(chain: &mut Chain, market: &TestMarket) {
    chain.advance(86_400 + 301);
    chain.succeed("declare the oracle dead", &[instructions::declare_dead(&market.keys)], &[]).await;
    chain.advance(21_600);
    chain.succeed("settle for good", &[instructions::settle_market(&market.keys)], &[]).await;
}

/// Redeems a position's claim, if it has one, and takes all of its margin out, in a market that is closed.
pub async fn leave(chain: &mut Chain, market: &TestMarket, trader: &Trader) {
    let position = chain.position(&trader.position).await.state;
    if !position.claim.is_zero() {
        chain.succeed("redeem", &[market.redeem(trader.position, position.claim_epoch)], &[]).await;
    }
    let left = margin(chain, trader).await;
    if left > 0 {
        chain.succeed("withdraw", &[market.withdraw(trader, left)], &[&trader.keypair]).await;
    }
}

/// Takes all of a provider's shares out of a market that is closed. None of them are in the queue.
pub async fn leave_pool(chain: &mut Chain, market: &TestMarket, provider: &Provider) {
    const LAST: u64 = u64::MAX;
    let shares = chain.tokens(&provider.shares).await;
    if shares > 0 {
        let steps = [market.request(provider, LAST, shares), market.complete(provider, LAST)];
        chain.succeed("leave the pool", &steps, &[&provider.keypair]).await;
    }
}

/// The market ends, if it has not: settled by a dead oracle, at the last price, without fee or spread. Everybody takes out what is
/// his. Returns what the vault has left when the protocol's fees are gone, too.
pub async fn everybody_leaves(chain: &mut Chain, market: &TestMarket, traders: &[&Trader], providers: &[&Provider]) -> u64 {
    if state(chain, market).await.status() == Status::Settling {
        finish_settlement(chain, market, traders).await;
    }
    if state(chain, market).await.status() == Status::Active {
        bury_oracle(chain, market).await;
        finish_settlement(chain, market, traders).await;
    }
    for trader in traders {
        leave(chain, market, trader).await;
    }
    for provider in providers {
        leave_pool(chain, market, provider).await;
    }
    if !state(chain, market).await.ledger.protocol_fees.is_zero() {
        let recipient = chain.token_account(&market.keys.mint, &chain.admin.pubkey(), 0);
        let collect = instructions::collect_protocol_fees(&market.keys, recipient);
        chain.succeed("collect the fees", &[collect], &[]).await;
    }
    chain.tokens(&market.keys.vault).await
}

/// Pays a position of a closed market out to its owner's associated account, at somebody else's cost. Returns that account.
pub async fn pay_out(chain: &mut Chain, market: &TestMarket, trader: &Trader) -> Address {
    let position = chain.position(&trader.position).await.state;
    let claim_epoch = (!position.claim.is_zero()).then_some(position.claim_epoch);
    let payer = chain.somebody();
    let pay = instructions::pay_out(&market.keys, payer.pubkey(), trader.position, trader.address(), claim_epoch);
    chain.succeed("pay out", &[pay], &[&payer]).await;
    associated_tokens(&trader.address(), &market.keys.mint)
}
