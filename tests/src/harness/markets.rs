//! Markets, traders, and the instructions that the tests send most.

use super::chain::Chain;
use super::pyth::{Tick, FEED};
use super::tokens::{mint_account, token_account, TOKEN_PROGRAM};
use inverse_perps::instructions::{
    CreateMarketArgs, DecreasePositionArgs, IncreasePositionArgs, InitializeExchangeArgs, PositionDirection,
};
use inverse_perps::state::OracleSource;
use inverse_perps_engine::Params;
use perps::client::instructions::{self, Leaving, LiquidityDeposit, SettleWith, Withdrawal};
use perps::client::pyth::{price_update, PriceSays, RECEIVER};
use perps::client::MarketKeys;
pub use perps::local::Trader;
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

/// Somebody with a share of the pool.
pub struct Provider {
    /// Signs.
    pub keypair: Keypair,
    /// Wrapped BTC.
    pub tokens: Address,
    /// Pool shares.
    pub shares: Address,
}

impl Provider {
    /// The provider's address.
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

    /// Creates a market of a mint with instant fills, with a price account of its own.
    pub async fn open_market(&mut self, mint: Address, index: u16, params: Params) -> TestMarket {
        self.open_market_filling(mint, index, params, true).await
    }

    /// The same, with instant fills or for orders only.
    pub async fn open_market_filling(&mut self, mint: Address, index: u16, params: Params, instant_fills: bool) -> TestMarket {
        let market = TestMarket { keys: MarketKeys::find(mint, index), price: Address::new_unique() };
        self.post(&market, Tick::at(50_000));
        let args = CreateMarketArgs { index, oracle: OracleSource::PythPull { feed_id: FEED }, params, instant_fills };
        let create = instructions::create_market(self.admin.pubkey(), mint, market.price, args);
        let admin = self.admin.insecure_clone();
        self.succeed("create the market", &[create], &[&admin]).await;
        market
    }

    /// Has somebody deposit into the pool; returns where the shares are.
    pub async fn fill_pool(&mut self, market: &TestMarket, sats: u64) -> Address {
        self.provider(market, sats).await.shares
    }

    /// Somebody new who has deposited this much into the pool.
    pub async fn provider(&mut self, market: &TestMarket, sats: u64) -> Provider {
        let keypair = self.somebody();
        let tokens = self.token_account(&market.keys.mint, &keypair.pubkey(), sats);
        let shares = self.token_account(&market.keys.lp_mint, &keypair.pubkey(), 0);
        let provider = Provider { keypair, tokens, shares };
        self.succeed("fill the pool", &[market.provide(&provider, sats)], &[&provider.keypair]).await;
        provider
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

    /// Has somebody open on a side at twice or half of a price and then return to it, with two bitcoins lost on paper: the side as
    /// a whole does not win, so that a single position's profit can exceed the pool without the market settling.
    pub async fn outweigh_profit(&mut self, market: &TestMarket, direction: PositionDirection, price: i64) {
        let loser = self.trader_with(market, 9 * BTC).await;
        let (far, notional) = match direction {
            PositionDirection::Long => (price * 2, 4 * price),
            PositionDirection::Short => (price / 2, 2 * price),
        };
        self.advance(120);
        self.post(market, Tick::at(far));
        let open = market.open(&loser, direction, u64::try_from(notional).expect("prices are positive"));
        self.succeed("open where it will lose", &[open], &[&loser.keypair]).await;
        self.advance(120);
        self.post(market, Tick::at(price));
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
            previous_publish_time: publish_time - tick.gap,
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
    /// Deposits a provider's own tokens into the pool.
    pub fn provide(&self, provider: &Provider, sats: u64) -> Instruction {
        let Provider { tokens, shares, .. } = *provider;
        let deposit =
            LiquidityDeposit { depositor: provider.address(), source: tokens, destination: shares, price: self.price };
        instructions::deposit_liquidity(&self.keys, deposit, sats, 1)
    }

    /// Puts a provider's shares into the queue.
    pub fn request(&self, provider: &Provider, id: u64, shares: u64) -> Instruction {
        instructions::request_withdrawal(&self.keys, provider.address(), provider.shares, id, shares)
    }

    /// Completes a provider's withdrawal at any price.
    pub fn complete(&self, provider: &Provider, id: u64) -> Instruction {
        let leaving = Leaving { owner: provider.address(), id, destination: provider.tokens };
        instructions::complete_withdrawal(&self.keys, leaving, Some(self.price), 0)
    }

    /// Takes a provider's shares out of the queue.
    pub fn cancel(&self, provider: &Provider, id: u64) -> Instruction {
        instructions::cancel_withdrawal(&self.keys, back_to(provider, id))
    }

    /// Has `caller` return a provider's lapsed shares.
    pub fn give_back(&self, caller: &Address, provider: &Provider, id: u64) -> Instruction {
        instructions::return_withdrawal(&self.keys, *caller, back_to(provider, id))
    }

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
        let limit_price_e8 = instructions::any_price_to_open(direction);
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

    /// Closes a position in a settlement of the market, for a tip.
    pub fn close_out(&self, position: Address, tip_to: Address) -> Instruction {
        let with = SettleWith { tip_to: Some(tip_to), ..SettleWith::default() };
        instructions::settle(&self.keys, position, with)
    }

    /// Redeems a position's claim.
    pub fn redeem(&self, position: Address, epoch: u32) -> Instruction {
        instructions::settle(&self.keys, position, SettleWith { claim_epoch: Some(epoch), ..SettleWith::default() })
    }

    /// Deleverages.
    pub fn deleverage(&self) -> Instruction {
        instructions::deleverage(&self.keys, self.price)
    }
}

/// Another margin account of the same owner, paid from the same tokens.
pub async fn sub_account(chain: &mut Chain, market: &TestMarket, of: &Trader, number: u16, margin: u64) -> Trader {
    let position = market.keys.position(&of.address(), number);
    let other = Trader { keypair: of.keypair.insecure_clone(), tokens: of.tokens, position };
    let steps = [instructions::create_position(&market.keys, of.address(), number), market.deposit(&other, margin)];
    chain.succeed("another account", &steps, &[&of.keypair]).await;
    other
}

/// An empty token account of somebody who does not matter.
pub fn purse(chain: &mut Chain, market: &TestMarket) -> Address {
    chain.token_account(&market.keys.mint, &Address::new_unique(), 0)
}

fn back_to(provider: &Provider, id: u64) -> Leaving {
    Leaving { owner: provider.address(), id, destination: provider.shares }
}

fn at_any_price(direction: PositionDirection, notional_e6: Option<u64>) -> DecreasePositionArgs {
    let limit_price_e8 = instructions::any_price_to_close(direction);
    DecreasePositionArgs { notional_e6, limit_price_e8, deadline: i64::MAX }
}
