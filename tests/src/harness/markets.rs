//! Markets, traders, and the instructions that the tests send most.

use super::chain::Chain;
use super::pyth::{Tick, FEED};
use super::tokens::{mint_account, token_account, TOKEN_PROGRAM};
use inverse_perps::instructions::{
    CreateMarketArgs, DecreasePositionArgs, IncreasePositionArgs, InitializeExchangeArgs, PositionDirection,
};
use inverse_perps::state::OracleSource;
use inverse_perps_engine::Params;
use perps::client::instructions::{self, LiquidityDeposit, Withdrawal};
use perps::client::pyth::{price_update, PriceSays, RECEIVER};
use perps::client::MarketKeys;
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// Satoshi in a bitcoin.
pub const BTC: u64 = 100_000_000;

/// Dollars of notional, as the program counts them.
pub fn dollars(amount: u64) -> u64 {
    amount * 1_000_000
}

/// Dollars a bitcoin, as the program counts them.
pub fn usd(amount: u64) -> u64 {
    amount * 100_000_000
}

/// The standard parameters without funding and borrow fee, so that time alone costs nothing.
pub fn still() -> Params {
    Params { max_funding: 0, max_borrow: 0, ..Params::standard() }
}

/// A market and its price account.
#[derive(Clone, Copy, Debug)]
pub struct TestMarket {
    /// Its addresses.
    pub keys: MarketKeys,
    /// Its price account.
    pub price: Address,
}

/// Somebody with tokens and a position.
pub struct Trader {
    /// Signs.
    pub keypair: Keypair,
    /// Wrapped BTC.
    pub tokens: Address,
    /// Position, sub-account 0.
    pub position: Address,
}

impl Trader {
    /// The trader's address.
    pub fn address(&self) -> Address {
        self.keypair.pubkey()
    }
}

impl Chain {
    /// A chain with one market on Pyth's pull oracle at $50,000.
    pub async fn with_market(params: Params) -> (Self, TestMarket) {
        let mut chain = Self::bare().await;
        chain.initialize().await;
        let mint = chain.new_mint(8);
        let market = chain.open_market(mint, 0, params).await;
        (chain, market)
    }

    /// The same with a pool of this many satoshi.
    pub async fn with_pool(params: Params, pool: u64) -> (Self, TestMarket) {
        let (mut chain, market) = Self::with_market(params).await;
        chain.fill_pool(&market, pool).await;
        (chain, market)
    }

    /// Creates the exchange.
    pub async fn initialize(&mut self) {
        let initialize = instructions::initialize_exchange(self.admin.pubkey(), self.governed_by_admin());
        let admin = self.admin.insecure_clone();
        self.succeed("initialize the exchange", &[initialize], &[&admin]).await;
    }

    /// The admin in every role, three days of timelock.
    pub fn governed_by_admin(&self) -> InitializeExchangeArgs {
        let who = self.admin.pubkey();
        InitializeExchangeArgs { admin: who, guardian: who, fee_recipient: who, timelock_seconds: 3 * 86_400 }
    }

    /// A mint of the classic token program; the admin mints and freezes.
    pub fn new_mint(&mut self, decimals: u8) -> Address {
        let mint = Address::new_unique();
        let account = mint_account(TOKEN_PROGRAM, &self.admin.pubkey(), decimals);
        self.set_account(&mint, account);
        mint
    }

    /// Creates a market of a mint, with a price account of its own.
    pub async fn open_market(&mut self, mint: Address, index: u16, params: Params) -> TestMarket {
        let market = TestMarket { keys: MarketKeys::find(mint, index), price: Address::new_unique() };
        self.post(&market, Tick::at(50_000));
        let args = CreateMarketArgs { index, oracle: OracleSource::PythPull { feed_id: FEED }, params };
        let create = instructions::create_market(self.admin.pubkey(), mint, market.price, args);
        let admin = self.admin.insecure_clone();
        self.succeed("create the market", &[create], &[&admin]).await;
        market
    }

    /// Has somebody deposit into the pool; returns where the shares are.
    pub async fn fill_pool(&mut self, market: &TestMarket, sats: u64) -> Address {
        let provider = self.somebody();
        let source = self.token_account(&market.keys.mint, &provider.pubkey(), sats);
        let shares = self.token_account(&market.keys.lp_mint, &provider.pubkey(), 0);
        let deposit = LiquidityDeposit { depositor: provider.pubkey(), source, destination: shares, price: market.price };
        let deposit = instructions::deposit_liquidity(&market.keys, deposit, sats, 1);
        self.succeed("fill the pool", &[deposit], &[&provider]).await;
        shares
    }

    /// Has somebody give to the insurance fund.
    pub async fn fill_insurance(&mut self, market: &TestMarket, sats: u64) {
        let donor = self.somebody();
        let source = self.token_account(&market.keys.mint, &donor.pubkey(), sats);
        let fund = instructions::fund_insurance(&market.keys, donor.pubkey(), source, sats);
        self.succeed("fill the insurance fund", &[fund], &[&donor]).await;
    }

    /// Somebody new with lamports.
    pub fn somebody(&mut self) -> Keypair {
        let keypair = Keypair::new();
        self.give_lamports(&keypair.pubkey());
        keypair
    }

    /// A new token account.
    pub fn token_account(&mut self, mint: &Address, owner: &Address, amount: u64) -> Address {
        let address = Address::new_unique();
        self.set_account(&address, token_account(mint, owner, amount));
        address
    }

    /// Somebody new with an empty position and ten bitcoins beside it.
    pub async fn trader(&mut self, market: &TestMarket) -> Trader {
        let keypair = self.somebody();
        let tokens = self.token_account(&market.keys.mint, &keypair.pubkey(), 10 * BTC);
        let position = market.keys.position(&keypair.pubkey(), 0);
        let create = instructions::create_position(&market.keys, keypair.pubkey(), 0);
        self.succeed("create a position", &[create], &[&keypair]).await;
        Trader { keypair, tokens, position }
    }

    /// Somebody new with this much margin.
    pub async fn trader_with(&mut self, market: &TestMarket, margin: u64) -> Trader {
        let trader = self.trader(market).await;
        self.succeed("deposit margin", &[market.deposit(&trader, margin)], &[&trader.keypair]).await;
        trader
    }

    /// Publishes a price.
    pub fn post(&mut self, market: &TestMarket, tick: Tick) {
        let update = self.update(tick);
        self.post_bytes(market, update);
    }

    /// The bytes of a fully verified update of the tests' feed.
    pub fn update(&self, tick: Tick) -> Vec<u8> {
        let publish_time = self.time() - tick.age;
        let says = PriceSays {
            feed_id: FEED,
            price_e8: tick.price_e8,
            confidence_e8: tick.confidence_e8,
            ema_e8: tick.ema_e8,
            publish_time,
            previous_publish_time: publish_time - 1,
        };
        price_update(&says).expect("memory takes every byte")
    }

    /// Writes the bytes of a market's price account.
    pub fn post_bytes(&mut self, market: &TestMarket, data: Vec<u8>) {
        self.post_account(&market.price, data, RECEIVER);
    }

    /// Writes any price account.
    pub fn post_account(&mut self, address: &Address, data: Vec<u8>, owner: Address) {
        self.set_account(address, Account { lamports: BTC, data, owner, executable: false, rent_epoch: u64::MAX });
    }
}

impl TestMarket {
    /// Adds margin to the trader's own position.
    pub fn deposit(&self, trader: &Trader, sats: u64) -> Instruction {
        instructions::deposit_collateral(&self.keys, trader.address(), trader.position, trader.tokens, sats)
    }

    /// Takes margin out to the trader's own tokens.
    pub fn withdraw(&self, trader: &Trader, sats: u64) -> Instruction {
        let Trader { position, tokens, .. } = *trader;
        let withdrawal = Withdrawal { owner: trader.address(), position, destination: tokens, price: Some(self.price) };
        instructions::withdraw_collateral(&self.keys, withdrawal, sats)
    }

    /// Increases at any price and time.
    pub fn open(&self, trader: &Trader, direction: PositionDirection, notional: u64) -> Instruction {
        let limit_price_e8 = match direction {
            PositionDirection::Long => u64::MAX,
            PositionDirection::Short => 0,
        };
        let args = IncreasePositionArgs { direction, notional_e6: dollars(notional), limit_price_e8, deadline: i64::MAX };
        self.increase(trader, args)
    }

    /// Increases as the arguments say.
    pub fn increase(&self, trader: &Trader, args: IncreasePositionArgs) -> Instruction {
        instructions::increase_position(&self.keys, trader.address(), trader.position, self.price, args)
    }

    /// Closes whole at any price and time.
    pub fn close(&self, trader: &Trader, direction: PositionDirection) -> Instruction {
        self.decrease(trader, at_any_price(direction, None))
    }

    /// Closes a part at any price and time.
    pub fn close_part(&self, trader: &Trader, direction: PositionDirection, notional: u64) -> Instruction {
        self.decrease(trader, at_any_price(direction, Some(dollars(notional))))
    }

    /// Decreases as the arguments say.
    pub fn decrease(&self, trader: &Trader, args: DecreasePositionArgs) -> Instruction {
        instructions::decrease_position(&self.keys, trader.address(), trader.position, self.price, args)
    }

    /// Liquidates; the reward goes to `destination`.
    pub fn liquidate(&self, position: Address, destination: Address) -> Instruction {
        instructions::liquidate(&self.keys, position, destination, self.price)
    }

    /// Accrues.
    pub fn accrue(&self) -> Instruction {
        instructions::accrue_funding(&self.keys, self.price)
    }

    /// Settles.
    pub fn settle(&self, position: Address) -> Instruction {
        instructions::settle_position(&self.keys, position, self.price)
    }
}

fn at_any_price(direction: PositionDirection, notional_e6: Option<u64>) -> DecreasePositionArgs {
    let limit_price_e8 = match direction {
        PositionDirection::Long => 0,
        PositionDirection::Short => u64::MAX,
    };
    DecreasePositionArgs { notional_e6, limit_price_e8, deadline: i64::MAX }
}
