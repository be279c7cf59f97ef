//! Random histories of several traders and providers, with crashes and pumps, a settlement finished late or never, and everybody's
//! exit at the end. What must hold is asserted by the harness after every transaction.

use crate::crew::{direction, everybody_leaves, state};
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::{Leaving, SettleWith};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const TRADERS: usize = 6;
const PROVIDERS: usize = 3;
const STEPS: usize = 300;
const SEEDS: u64 = 32;
const LEAST_PRICE: i64 = 30_000; // cents
const MOST_PRICE: i64 = 900_000_000;

/// What the histories met.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    done: u32,
    opened: u64,
    liquidated: u32,
    deleveraged: u32,
    completed: u32,
    settlings: u32,
    reopened: u32,
    redeemed: u32,
    closed: u32,
}

impl Met {
    fn take(&mut self, event: &Event) {
        match event {
            Event::PositionLiquidated(_) => self.liquidated += 1,
            Event::Deleveraged(_) => self.deleveraged += 1,
            Event::WithdrawalCompleted(_) => self.completed += 1,
            Event::SettlingStarted(_) => self.settlings += 1,
            Event::ClaimRedeemed(_) => self.redeemed += 1,
            Event::SettlementFinished(finished) if finished.closed == 0 => self.reopened += 1,
            Event::SettlementFinished(_) => self.closed += 1,
            _ => {}
        }
    }
}

struct History {
    rng: StdRng,
    chain: Chain,
    market: TestMarket,
    cents: i64,
    traders: Vec<Trader>,
    providers: Vec<Provider>,
    keeper: Trader,
    queue: Vec<(usize, u64)>,
    next_id: u64,
    met: Met,
}

impl History {
    async fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let params = Params {
            max_funding: rng.gen_range(0..60_000_000),
            max_borrow: rng.gen_range(0..40_000_000),
            skew_scale: Notional::new(dollars(1_000_000)),
            cool_down: Seconds::new(3_600),
            withdrawal_window: Seconds::new(rng.gen_range(3_600..86_400)),
            ..Params::standard()
        };
        let (mut chain, market) = Chain::with_market(params).await;
        let mut providers = Vec::new();
        for _ in 0..PROVIDERS {
            providers.push(chain.provider(&market, rng.gen_range(BTC / 2..3 * BTC)).await);
        }
        chain.fill_insurance(&market, rng.gen_range(1..BTC / 2)).await;
        let mut traders = Vec::new();
        for _ in 0..TRADERS {
            let margin = rng.gen_range(1_000..3 * BTC);
            traders.push(chain.trader_with(&market, margin).await);
        }
        let keeper = chain.trader(&market).await;
        let cents = 5_000_000;
        Self { rng, chain, market, cents, traders, providers, keeper, queue: Vec::new(), next_id: 0, met: Met::default() }
    }

    /// Time passes and the price moves: mostly a little, at times to a half or to twice what it was.
    fn move_on(&mut self) {
        let seconds = if self.rng.gen_bool(0.1) { self.rng.gen_range(3_600..20_000) } else { self.rng.gen_range(61..900) };
        self.cents = match self.rng.gen_range(0..120) {
            0 => self.cents / 2,
            1 => self.cents * 2,
            2..=22 => self.cents * self.rng.gen_range(8_700..11_500) / 10_000,
            _ => self.cents * self.rng.gen_range(9_700..10_310) / 10_000,
        }
        .clamp(LEAST_PRICE, MOST_PRICE);
        self.chain.advance(seconds);
        let price_e8 = self.cents * 1_000_000;
        let confidence_e8 = if self.rng.gen_bool(0.3) { u64::try_from(price_e8).expect("positive") / 900 } else { 0 };
        self.chain.post(&self.market, Tick { price_e8, confidence_e8, ema_e8: price_e8, ..Tick::at(1) });
    }

    /// Sends what may be refused, but never because a sum went wrong.
    async fn try_to(&mut self, what: &str, steps: &[Instruction], signers: &[&Keypair]) -> bool {
        const BUGS: [PerpError; 5] = [
            PerpError::Overflow,
            PerpError::LedgerNotConserved,
            PerpError::SideNotEmpty,
            PerpError::VaultShort,
            PerpError::TransferMismatch,
        ];
        match self.chain.attempt(what, steps, signers).await {
            Ok(sent) => {
                sent.events.iter().for_each(|event| self.met.take(event));
                self.met.done += 1;
                true
            }
            Err(error) => {
                assert!(BUGS.iter().all(|bug| Refusal::from(*bug).0 != error), "{what}: {error:?}");
                let known = (6_000..6_200).map(solana_instruction::error::InstructionError::Custom).any(|known| known == error);
                assert!(known, "{what}: {error:?}");
                false
            }
        }
    }

    async fn act(&mut self) {
        let which = self.rng.gen_range(0..TRADERS);
        let (market, trader) = (self.market, &self.traders[which]);
        let signer = trader.keypair.insecure_clone();
        let position = trader.position;
        let open = direction(&self.chain, trader).await;
        match self.rng.gen_range(0..100) {
            0..=35 => {
                let side = open.unwrap_or(if self.rng.gen_bool(0.5) { Long } else { Short });
                // Up to three bitcoins' worth, or up to fifty times the margin.
                let price = u64::try_from(self.cents / 100).expect("positive");
                let margin = self.chain.position(&position).await.state.margin.get();
                let most = if self.rng.gen_bool(0.5) { 3 * price } else { margin.min(BTC / 5) * price / BTC * 48 };
                let dollars = 10 + (most as f64 * self.rng.gen::<f64>()) as u64;
                let increase = market.open(trader, side, dollars);
                if self.try_to("open", &[increase], &[&signer]).await && open.is_none() {
                    self.met.opened += 1;
                }
            }
            36..=41 => {
                let side = open.unwrap_or(Long);
                let part = self.rng.gen_range(1..50_000);
                let decrease =
                    if self.rng.gen_bool(0.5) { market.close(trader, side) } else { market.close_part(trader, side, part) };
                self.try_to("close", &[decrease], &[&signer]).await;
            }
            42..=47 => {
                let held = self.chain.tokens(&trader.tokens).await;
                if held > 0 {
                    let deposit = market.deposit(trader, self.rng.gen_range(1..=held.min(BTC)));
                    self.try_to("deposit margin", &[deposit], &[&signer]).await;
                }
            }
            48..=52 => {
                let margin = self.chain.position(&position).await.state.margin.get();
                let withdraw = market.withdraw(trader, self.rng.gen_range(0..=margin));
                self.try_to("withdraw margin", &[withdraw], &[&signer]).await;
            }
            53..=60 => self.touch(which).await,
            61..=72 => {
                for which in 0..TRADERS {
                    let liquidate = market.liquidate(self.traders[which].position, self.keeper.tokens);
                    self.try_to("liquidate", &[liquidate], &[]).await;
                }
            }
            73..=76 => {
                let upkeep = if self.rng.gen_bool(0.5) { market.deleverage() } else { market.accrue() };
                self.try_to("upkeep", &[upkeep], &[]).await;
            }
            77..=80 => self.finish().await,
            _ => self.lend().await,
        }
    }

    /// Brings a position up to date in whatever state the market is; with its claim, if there is one to redeem.
    async fn touch(&mut self, which: usize) {
        let position = self.traders[which].position;
        let state = self.chain.position(&position).await.state;
        let epoch = self.chain.market(&self.market.keys.market).await.state.lifecycle.epoch;
        let claim_epoch = (!state.claim.is_zero() && state.claim_epoch < epoch).then_some(state.claim_epoch);
        let tip_to = self.rng.gen_bool(0.5).then_some(self.keeper.tokens);
        let with = SettleWith { price: Some(self.market.price), tip_to, claim_epoch };
        let settle = instructions::settle(&self.market.keys, position, with);
        self.try_to("touch", &[settle], &[]).await;
    }

    /// At times somebody closes out everything and ends a settlement.
    async fn finish(&mut self) {
        let market = state(&self.chain, &self.market).await;
        if market.status() == Status::Settling && self.rng.gen_bool(0.7) {
            for which in 0..TRADERS {
                self.touch(which).await;
            }
        }
        let admin = self.chain.admin.insecure_clone();
        let finish = instructions::finish_settlement(&self.market.keys, admin.pubkey(), market.lifecycle.epoch);
        if self.try_to("finish", &[finish], &[&admin]).await && self.rng.gen_bool(0.7) {
            for which in 0..TRADERS {
                self.touch(which).await;
            }
        }
    }

    async fn lend(&mut self) {
        let who = self.rng.gen_range(0..PROVIDERS);
        let (market, provider) = (self.market, &self.providers[who]);
        let signer = provider.keypair.insecure_clone();
        let queued = (!self.queue.is_empty()).then(|| self.rng.gen_range(0..self.queue.len()));
        match (self.rng.gen_range(0..12), queued) {
            (0..=2, _) => {
                let held = self.chain.tokens(&provider.tokens).await;
                if held > 0 {
                    let deposit = market.provide(provider, self.rng.gen_range(1..=held));
                    self.try_to("provide", &[deposit], &[&signer]).await;
                }
            }
            (3..=5, _) => {
                let shares = self.chain.tokens(&provider.shares).await;
                if shares > 0 {
                    let request = market.request(provider, self.next_id, self.rng.gen_range(1..=shares));
                    if self.try_to("request", &[request], &[&signer]).await {
                        self.queue.push((who, self.next_id));
                    }
                    self.next_id += 1;
                }
            }
            (6, _) => {
                let (keys, keeper) = (&market.keys, &self.keeper);
                let amount = self.rng.gen_range(1..10_000);
                let gift = if self.rng.gen_bool(0.5) {
                    instructions::fund_insurance(keys, keeper.address(), keeper.tokens, amount)
                } else {
                    instructions::donate_liquidity(keys, keeper.address(), keeper.tokens, amount)
                };
                let signer = keeper.keypair.insecure_clone();
                self.try_to("give", &[gift], &[&signer]).await;
            }
            (kind, Some(which)) => {
                let (owner, id) = self.queue[which];
                let owner = &self.providers[owner];
                let (keeper, signer) = (self.keeper.keypair.insecure_clone(), owner.keypair.insecure_clone());
                let (step, signer) = match kind {
                    7 => (market.cancel(owner, id), signer),
                    8 => (market.give_back(&keeper.pubkey(), owner, id), keeper),
                    _ => (market.complete(owner, id), signer),
                };
                if self.try_to("leave the queue", &[step], &[&signer]).await {
                    self.queue.swap_remove(which);
                }
            }
            (_, None) => {}
        }
    }

    /// The oracle dies and everybody leaves, first whoever waits in the queue.
    async fn end(&mut self) {
        for (owner, id) in std::mem::take(&mut self.queue) {
            let owner = &self.providers[owner];
            let leaving = Leaving { owner: owner.address(), id, destination: owner.shares };
            let cancel = instructions::cancel_withdrawal(&self.market.keys, leaving);
            self.chain.succeed("out of the queue", &[cancel], &[&owner.keypair]).await;
        }
        let traders: Vec<&Trader> = self.traders.iter().collect();
        let providers: Vec<&Provider> = self.providers.iter().collect();
        let dust = everybody_leaves(&mut self.chain, &self.market, &traders, &providers).await;
        let market = state(&self.chain, &self.market).await;
        assert!(dust <= self.met.opened, "{dust} satoshi left of {} positions ever opened", self.met.opened);
        assert_eq!((market.ledger.margin.get(), market.ledger.funds.get(), market.pool_shares), (0, 0, 0));
    }
}

/// Runs these histories one after another and returns what they met.
async fn run(seeds: core::ops::Range<u64>) -> Vec<Met> {
    let mut all = Vec::new();
    for seed in seeds {
        let mut history = History::new(seed).await;
        for _ in 0..STEPS {
            history.move_on();
            history.act().await;
            if state(&history.chain, &history.market).await.status() == Status::Closed {
                break;
            }
        }
        history.end().await;
        all.push(history.met);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_history_everybody_gets_out() {
    let other_half = tokio::spawn(run(SEEDS / 2..SEEDS));
    let mut all = run(0..SEEDS / 2).await;
    all.extend(other_half.await.expect("the other half has ended well"));
    let sum = |of: fn(&Met) -> u32| all.iter().map(of).sum::<u32>();
    let (traded, liquidated, left) = (sum(|met| met.done), sum(|met| met.liquidated), sum(|met| met.completed));
    assert!(traded > 1_000 && liquidated > 20 && left > 50, "{traded} done, {liquidated} liquidated, {left} withdrawals");
    let (cut, settled) = (sum(|met| met.deleveraged), sum(|met| met.settlings));
    assert!(cut > 2 && settled > 5, "{cut} deleveraged, {settled} settled");
    let (reopened, redeemed, closed) = (sum(|met| met.reopened), sum(|met| met.redeemed), sum(|met| met.closed));
    assert!(reopened > 0 && redeemed > 2 && closed > 2, "{reopened} reopened, {redeemed} claims, {closed} closed");
}
