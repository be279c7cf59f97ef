//! Markets on their way through a settlement: two who win 40,000,000 and 20,000,000 satoshi, one who loses 10,000,000.

use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::{Leaving, SettleWith, Withdrawal};

/// What all of them together win on paper.
pub const PROFIT: u64 = 60_000_000;
/// What was left in margin beside each position before the settlement.
pub const WINNERS_MARGIN: u64 = 5_000_000;
/// The same for the other winner.
pub const SECONDS_MARGIN: u64 = 3_000_000;
/// The same for the loser.
pub const LOSERS_MARGIN: u64 = 15_000_000;
/// The protocol's fees so far.
pub const PROTOCOL_FEES: u64 = 1_000;

/// A market with three positions, and who has a share of its pool: three fifths and two fifths of 1e10.
pub struct Stage {
    pub chain: Chain,
    pub market: TestMarket,
    pub winner: Trader,
    pub second: Trader,
    pub loser: Trader,
    pub large: Provider,
    pub small: Provider,
}

/// The other side.
pub fn against(direction: PositionDirection) -> PositionDirection {
    match direction {
        Long => Short,
        Short => Long,
    }
}

/// The price that all have come to from $50,000.
pub fn far_price(direction: PositionDirection) -> i64 {
    match direction {
        Long => 62_500,
        Short => 40_000,
    }
}

/// Profit on paper, at a price just published, beside a pool and an insurance fund of this much.
///
/// Long: $100,000 and $50,000 from $50,000 are worth 160,000,000 instead of 200,000,000 at $62,500, and 80,000,000 instead of
/// 100,000,000; $25,000 short 40,000,000 instead of 50,000,000. Short: $80,000 and $40,000 are worth 200,000,000 instead of
/// 160,000,000 at $40,000, and 100,000,000 instead of 80,000,000; $20,000 long 50,000,000 instead of 40,000,000.
pub async fn strained(direction: PositionDirection, pool: u64, insurance: u64) -> Stage {
    let (mut chain, market) = Chain::with_market(still()).await;
    let large = chain.provider(&market, 60 * BTC).await;
    let small = chain.provider(&market, 40 * BTC).await;
    let unit = if direction == Long { 25_000 } else { 20_000 };
    let winner = opened(&mut chain, &market, direction, 4 * unit).await;
    let second = opened(&mut chain, &market, direction, 2 * unit).await;
    let loser = opened(&mut chain, &market, against(direction), unit).await;
    chain.set_margin(&market, &winner, WINNERS_MARGIN).await;
    chain.set_margin(&market, &second, SECONDS_MARGIN).await;
    chain.set_margin(&market, &loser, LOSERS_MARGIN).await;
    chain
        .edit_market(&market, |market| {
            market.state.ledger.pool = Sats::new(pool);
            market.state.ledger.insurance = Sats::new(insurance);
            market.state.ledger.protocol_fees = Sats::new(PROTOCOL_FEES);
            market.state.insurance_left = Sats::new(insurance / 2);
        })
        .await;
    chain.advance(120);
    chain.post(&market, Tick::at(far_price(direction)));
    Stage { chain, market, winner, second, loser, large, small }
}

/// Somebody new with a position of this many dollars.
pub async fn opened(chain: &mut Chain, market: &TestMarket, direction: PositionDirection, notional: u64) -> Trader {
    let trader = chain.trader_with(market, BTC).await;
    chain.succeed("open", &[market.open(&trader, direction, notional)], &[&trader.keypair]).await;
    trader
}

/// The same where the settlement has begun.
pub async fn settling(direction: PositionDirection, pool: u64, insurance: u64) -> Stage {
    let mut stage = strained(direction, pool, insurance).await;
    let sent = stage.chain.succeed("begin", &[stage.market.deleverage()], &[]).await;
    assert!(matches!(sent.events[..], [Event::SettlingStarted(_)]), "{:?}", sent.events);
    stage
}

/// The same where every position is closed: the pool has the loser's 10,000,000, and claims are 60,000,000.
pub async fn closed_out(direction: PositionDirection, pool: u64, insurance: u64) -> Stage {
    let mut stage = settling(direction, pool, insurance).await;
    for position in [stage.winner.position, stage.second.position, stage.loser.position] {
        stage.chain.succeed("close out", &[without_tip(&stage.market, position)], &[]).await;
    }
    stage
}

/// The same where the first settlement is finished; the large provider has paid the rent of its account.
pub async fn finished(direction: PositionDirection, pool: u64, insurance: u64) -> Stage {
    let mut stage = closed_out(direction, pool, insurance).await;
    let payer = stage.large.keypair.insecure_clone();
    stage.chain.succeed("finish", &[stage.market.finish(&payer.pubkey(), 0)], &[&payer]).await;
    stage
}

/// A market that is closed for good, because 53,000,000 are there for claims of 60,000,000: 40,000,000 of the pool,
/// 10,000,000 of the loser and 3,000,000 of insurance, which keeps as much.
pub async fn closed(direction: PositionDirection) -> Stage {
    finished(direction, 40_000_000, 6_000_000).await
}

/// Settles, or closes in a settlement, without a price and without a tip.
pub fn without_tip(market: &TestMarket, position: Address) -> Instruction {
    instructions::settle(&market.keys, position, SettleWith::default())
}

/// Takes margin out without a price.
pub fn take_margin(market: &TestMarket, trader: &Trader, sats: u64) -> Instruction {
    let Trader { position, tokens, .. } = *trader;
    let withdrawal = Withdrawal { owner: trader.address(), position, destination: tokens, price: None };
    instructions::withdraw_collateral(&market.keys, withdrawal, sats)
}

/// What a closed market wants of a provider who leaves: no price, at least so much.
pub fn leave_closed(market: &TestMarket, provider: &Provider, id: u64, min_sats: u64) -> Instruction {
    let leaving = Leaving { owner: provider.address(), id, destination: provider.tokens };
    instructions::complete_withdrawal(&market.keys, leaving, None, min_sats)
}

/// Builders that only settlements need.
pub trait Finish {
    /// Ends the settlement.
    fn finish(&self, payer: &Address, epoch: u32) -> Instruction;
    /// Closes its account.
    fn close_settlement(&self, payer: &Address, epoch: u32) -> Instruction;
}

impl Finish for TestMarket {
    fn finish(&self, payer: &Address, epoch: u32) -> Instruction {
        instructions::finish_settlement(&self.keys, *payer, epoch)
    }

    fn close_settlement(&self, payer: &Address, epoch: u32) -> Instruction {
        instructions::close_settlement(&self.keys, *payer, epoch)
    }
}
