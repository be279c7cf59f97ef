//! A chain in process with the program on it, for tests of the keeper's edges.

use crate::config::Config;
use crate::daemon::{run_once_with, Summary};
use crate::prices::Archive;
use inverse_perps::instructions::{OrderAmount, OrderTerms, OrderType, PositionDirection};
use inverse_perps_engine::units::Bps;
use inverse_perps_engine::Params;
use perps::chain::Chain;
use perps::client::addresses::{associated_tokens, order as order_address};
use perps::client::instructions::any_price_to_close;
use perps::client::orders::market_terms;
use perps::client::pyth::{archive_shard, feed_account, price_update, RECEIVER};
use perps::client::tokens::create_associated_tokens;
use perps::local::{program_elf, InProcess, LocalChain, Tick, Trader, FEED_ID};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const START: i64 = 1_700_000_000;
pub const BTC: u64 = 100_000_000;

/// A chain with a pool, whose updates are archived, and a keeper who has nothing but SOL.
pub struct Drill {
    pub chain: Arc<InProcess>,
    pub config: Config,
    pub provider: Trader,
}

impl Drill {
    pub fn new() -> Self {
        let params = Params { max_utilisation: Bps::new(8_000), ..Params::standard() };
        let elf = program_elf().expect("the program");
        let mut local = LocalChain::start(&elf, params, tick(50_000), START).expect("a chain");
        let provider = local.trader(keypair(2), 200 * BTC).expect("a provider");
        let keeper = keypair(1);
        local.svm.airdrop(&keeper.pubkey(), 10_000_000_000).expect("SOL");
        let shares = associated_tokens(&provider.address(), &local.keys.lp_mint);
        let open = create_associated_tokens(provider.address(), provider.address(), local.keys.lp_mint);
        let deposit = local.deposit_liquidity(&provider, shares, 100 * BTC);
        let insure = local.fund_insurance(&provider, BTC);
        local.send(&[open, deposit, insure], &provider.keypair).expect("a pool");
        let mut config = Config::new("http://127.0.0.1:8899", Arc::new(keeper)).expect("a URL");
        (config.ws_url, config.max_in_flight) = (None, 4);
        let drill = Self { chain: Arc::new(InProcess::new(local)), config, provider };
        drill.publish(50_000);
        drill
    }

    pub fn chain(&self) -> Arc<dyn Chain> {
        self.chain.clone()
    }

    /// Publishes a price now, to the push oracle's account and to the archive.
    pub fn publish(&self, dollars: u64) {
        let mut local = self.chain.local();
        local.post(tick(dollars)).expect("a price");
        let says = local.newest();
        let data = price_update(&says).expect("bytes");
        let account = Account { lamports: BTC, data, owner: RECEIVER, executable: false, rent_epoch: 0 };
        for shard in [0, archive_shard(says.publish_time)] {
            local.svm.set_account(feed_account(&FEED_ID, shard), account.clone()).expect("an account");
        }
    }

    pub fn pass(&self, seconds: u32) {
        self.chain.local().advance(seconds);
    }

    /// So many seconds, each with a price.
    pub fn tick(&self, seconds: u32, dollars: u64) {
        for _ in 0..seconds {
            self.pass(1);
            self.publish(dollars);
        }
    }

    pub fn send(&self, instructions: &[Instruction], signer: &Keypair) {
        self.chain.local().send(instructions, signer).expect("accepted");
    }

    pub fn trader(&self, seed: u8, margin_sats: u64) -> Trader {
        let mut local = self.chain.local();
        let trader = local.trader(keypair(seed), margin_sats).expect("a trader");
        let deposit = local.deposit(&trader, margin_sats);
        local.send(&[deposit], &trader.keypair).expect("accepted");
        trader
    }

    pub fn place(&self, trader: &Trader, id: u32, terms: &OrderTerms) {
        let place = self.chain.local().place(trader, id, None, terms);
        self.send(&[place], &trader.keypair);
    }

    /// One pass of the keeper over all jobs.
    pub fn once(&self) -> Summary {
        let prices = Arc::new(Archive::new(self.chain()));
        run_once_with(&self.config, self.chain(), prices).expect("a chain that answers")
    }

    pub fn tokens(&self) -> u64 {
        let local = self.chain.local();
        let account = associated_tokens(&self.config.keypair.pubkey(), &local.keys.mint);
        local.tokens(&account).unwrap_or(0)
    }

    pub fn notional(&self, trader: &Trader) -> u64 {
        let local = self.chain.local();
        let (market, position) = (local.market().expect("a market"), local.position(&trader.position).expect("a position"));
        let Some(direction) = position.state.open_direction() else { return 0 };
        position.state.notional(market.state.side(direction)).expect("a size").get()
    }

    pub fn order(&self, trader: &Trader, id: u32) -> bool {
        self.chain.local().existing(&order_address(&trader.position, id).0).is_some()
    }
}

pub fn keypair(seed: u8) -> Keypair {
    Keypair::new_from_array([seed; 32])
}

pub fn tick(dollars: u64) -> Tick {
    Tick { price_e8: dollars * BTC, confidence_e8: dollars * BTC / 10_000, ema_e8: dollars * BTC }
}

pub fn long(dollars: u64) -> OrderTerms {
    market_terms(PositionDirection::Long, OrderAmount::Increase(dollars * 1_000_000), 1_000)
}

pub fn stop_at(trigger: u64) -> OrderTerms {
    OrderTerms {
        kind: OrderType::Stop(trigger * BTC),
        limit_price_e8: any_price_to_close(PositionDirection::Long),
        expiry: START + 86_400,
        ..market_terms(PositionDirection::Long, OrderAmount::Close, 1_001)
    }
}

/// Waits until it holds.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: not within 30 s");
        std::thread::sleep(Duration::from_millis(10));
    }
}
