//! Case 44: whoever has stolen the keys of admin and guardian, and sends whatever instruction there is with whatever accounts he likes,
//! moves nobody's tokens before the timelock is over, changes neither mint nor oracle, and keeps nobody from leaving.

use crate::crew::everybody_leaves;
use crate::worst_params::worst;
use inverse_perps::instructions::InitializeExchangeArgs;
use inverse_perps::state::OracleSource;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::SettleWith;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const SEEDS: u64 = 12;
const STEPS: usize = 180;
const EACH_AT_MOST: u32 = 2_500; // seconds: 180 of them are half of two and a half days on average, less than three in all

/// A market with everybody who could lose something in it.
pub struct Cast {
    pub chain: Chain,
    pub market: TestMarket,
    pub long: Trader,
    pub short: Trader,
    pub flat: Trader,
    /// 2.2 % of margin: liquidatable after a fall of two per cent.
    pub thin: Trader,
    pub leaver: Provider,
    pub stayer: Provider,
    pub keeper: Trader,
}

impl Cast {
    pub async fn meet() -> Self {
        let (mut chain, market) = Chain::with_market(still()).await;
        let leaver = chain.provider(&market, 5 * BTC).await;
        let stayer = chain.provider(&market, 50 * BTC).await;
        chain.fill_insurance(&market, BTC).await;
        let long = chain.trader_with(&market, 20_000_000).await;
        let short = chain.trader_with(&market, 30_000_000).await;
        let thin = chain.trader_with(&market, 4_500_000).await;
        let flat = chain.trader_with(&market, BTC).await;
        for (trader, direction, notional) in [(&long, Long, 150_000), (&short, Short, 200_000), (&thin, Long, 100_000)] {
            chain.succeed("open", &[market.open(trader, direction, notional)], &[&trader.keypair]).await;
        }
        let keeper = chain.trader(&market).await;
        Self { chain, market, long, short, flat, thin, leaver, stayer, keeper }
    }

    /// The one provider asks for his shares.
    pub async fn request(&mut self) {
        let request = [self.market.request(&self.leaver, 0, 5 * BTC)];
        self.chain.succeed("request", &request, &[&self.leaver.keypair]).await;
    }

    /// Who is flat asks for $1,000 at $40,000, and changes his mind.
    async fn order(&mut self, rests: bool) {
        let Self { chain, market, flat, .. } = self;
        let order = match rests {
            true => market.place(flat, 0, &resting(OrderType::Limit, Long, more(1_000), usd(40_000))),
            false => market.cancel_order(flat, 0),
        };
        chain.succeed("order", &[order], &[&flat.keypair]).await;
    }

    /// Everybody who wants to leave does, in every way there is while the market trades: settles, closes, withdraws, is liquidated,
    /// completes a withdrawal from the pool. Returns what each has got.
    pub async fn leave(&mut self) -> Vec<u64> {
        let Self { chain, market, long, short, flat, thin, leaver, keeper, .. } = self;
        chain.advance(120);
        chain.post(market, Tick::at(50_000));
        chain.succeed("settle", &[market.settle(long.position)], &[]).await;
        for (trader, direction) in [(&*long, Long), (&*short, Short)] {
            chain.succeed("close", &[market.close(trader, direction)], &[&trader.keypair]).await;
        }
        chain.succeed("add margin", &[market.deposit(flat, 1_000)], &[&flat.keypair]).await;
        for trader in [&*long, &*short, &*flat] {
            let margin = chain.position(&trader.position).await.state.margin.get();
            let close = instructions::close_position_account(&market.keys, trader.address(), trader.position);
            chain.succeed("withdraw", &[market.withdraw(trader, margin), close], &[&trader.keypair]).await;
        }
        chain.succeed("complete", &[market.complete(leaver, 0)], &[&leaver.keypair]).await;
        chain.advance(120);
        chain.post(market, Tick::at(48_950));
        chain.succeed("liquidate", &[market.liquidate(thin.position, keeper.tokens)], &[]).await;
        let left = chain.position(&thin.position).await.state.margin.get();
        let mut got = vec![left];
        for account in [long.tokens, short.tokens, flat.tokens, leaver.tokens, keeper.tokens] {
            got.push(chain.tokens(&account).await);
        }
        got
    }

    /// The oracle dies, the market settles, and everybody leaves, asked or not. Returns what each has then.
    async fn leave_by_settlement(&mut self) -> Vec<u64> {
        let Self { chain, market, long, short, flat, thin, leaver, stayer, keeper } = self;
        chain.post(market, Tick::at(50_000));
        chain.succeed("the last price", &[market.accrue()], &[]).await;
        chain.succeed("out of the queue", &[market.cancel(leaver, 0)], &[&leaver.keypair]).await;
        let traders = [&*long, &*short, &*flat, &*thin];
        everybody_leaves(chain, market, &traders, &[&*leaver, &*stayer]).await;
        let mut got = Vec::new();
        for account in [long.tokens, short.tokens, flat.tokens, thin.tokens, leaver.tokens, stayer.tokens, keeper.tokens] {
            got.push(chain.tokens(&account).await);
        }
        got
    }

    /// Tokens, margins, shares and the ledger, and what never changes.
    async fn holdings(&self) -> Vec<u64> {
        let mut all = Vec::new();
        for trader in [&self.long, &self.short, &self.flat, &self.thin, &self.keeper] {
            let position = self.chain.position(&trader.position).await;
            assert_eq!((position.owner, position.delegate), (trader.address(), Address::default()));
            all.extend([self.chain.tokens(&trader.tokens).await, position.state.margin.get(), position.state.shares.get()]);
            all.extend([position.state.tips.get(), position.state.open_orders.into(), position.state.pending_order.into()]);
        }
        for provider in [&self.leaver, &self.stayer] {
            all.extend([self.chain.tokens(&provider.tokens).await, self.chain.tokens(&provider.shares).await]);
        }
        let stored = self.chain.market(&self.market.keys.market).await;
        let market = stored.state;
        assert_eq!((market.params, market.margin_epoch, market.lifecycle.status), (still(), 0, 0));
        assert_eq!((stored.mint, stored.vault), (self.market.keys.mint, self.market.keys.vault));
        assert_eq!((stored.lp_mint, stored.lp_escrow), (self.market.keys.lp_mint, self.market.keys.lp_escrow));
        assert_eq!((stored.oracle.to_bytes(), stored.oracle_kind), (FEED, 0));
        let ledger = market.ledger;
        all.extend([ledger.margin, ledger.pool, ledger.insurance, ledger.funds].map(Sats::get));
        all.extend([market.pool_shares, market.queued_shares]);
        all
    }
}

/// Somebody with every key but those of the people in the market, and no tokens.
struct Thief {
    rng: StdRng,
    keys: [Keypair; 3],
    tokens: Address,
    shares: Address,
    markets: u16,
    succeeded: u32,
}

impl Thief {
    async fn new(cast: &mut Cast, seed: u64) -> Self {
        let (admin, guardian) = (cast.chain.admin.insecure_clone(), cast.chain.new_guardian().await);
        let own = cast.chain.somebody();
        let tokens = cast.chain.token_account(&cast.market.keys.mint, &own.pubkey(), 0);
        let shares = cast.chain.token_account(&cast.market.keys.lp_mint, &own.pubkey(), 0);
        let rng = StdRng::seed_from_u64(seed);
        Self { rng, keys: [admin, guardian, own], tokens, shares, markets: 0, succeeded: 0 }
    }

    fn one_of_his(&mut self) -> Keypair {
        self.keys.choose(&mut self.rng).expect("three").insecure_clone()
    }

    fn params(&mut self) -> Params {
        match self.rng.gen_range(0..4) {
            0 => Params { taker_fee: Bps::new(self.rng.gen()), cool_down: Seconds::new(self.rng.gen()), ..still() },
            _ => worst().choose(&mut self.rng).expect("some").1,
        }
    }

    /// An instruction that only governance has.
    async fn govern(&mut self, cast: &Cast) -> Instruction {
        let (who, other, params) = (self.one_of_his(), self.one_of_his(), self.params());
        let (signer, other) = (who.pubkey(), other.pubkey());
        let (keys, price) = (cast.market.keys, cast.market.price);
        match self.rng.gen_range(0..13) {
            0 => governance::nominate_admin(signer, [other, Address::default()][self.rng.gen_range(0..2)]),
            1 | 2 => governance::accept_admin(signer),
            3 => governance::set_guardian(signer, other),
            4 | 5 => governance::propose_params(&keys, signer, params),
            6 | 7 => governance::execute_params(&keys, signer, other, price),
            8 => governance::cancel_params(&keys, signer, other),
            9 => governance::pause_risk(&keys, signer),
            10 => governance::confirm_pause(&keys, signer),
            11 => governance::resume_risk(&keys, signer),
            _ => {
                let oracle = OracleSource::PythPull { feed_id: FEED };
                self.markets += 1;
                let index = self.rng.gen_range(0..=self.markets);
                instructions::create_market(
                    signer,
                    keys.mint,
                    price,
                    CreateMarketArgs { index, oracle, params, instant_fills: true },
                )
            }
        }
    }

    /// An instruction of anybody's, as it should be but for its signers, and now and then for an account.
    async fn take(&mut self, cast: &Cast) -> Instruction {
        let (market, keys) = (&cast.market, &cast.market.keys);
        let traders = [&cast.long, &cast.short, &cast.flat, &cast.thin];
        let victim = *traders.choose(&mut self.rng).expect("four");
        let lender = if self.rng.gen() { &cast.leaver } else { &cast.stayer };
        let (amount, who) = (self.rng.gen_range(1..1_000_000), self.one_of_his().pubkey());
        let governed = InitializeExchangeArgs { admin: who, guardian: who, fee_recipient: who, timelock_seconds: 1 };
        let all = [
            instructions::initialize_exchange(who, governed),
            instructions::create_position(keys, who, self.rng.gen_range(0..3)),
            instructions::close_position_account(keys, who, victim.position),
            market.deposit(victim, amount),
            market.withdraw(victim, amount),
            market.open(victim, Long, 1_000),
            market.open(victim, Short, 1_000),
            market.close(victim, Long),
            market.close_part(victim, Short, 1_000),
            market.provide(lender, amount),
            market.accrue(),
            market.settle(victim.position),
            market.close_out(victim.position, self.tokens),
            market.redeem(victim.position, 0),
            market.liquidate(victim.position, self.tokens),
            market.place(victim, u32::from(victim.position == cast.flat.position), &market_order(Long, more(1_000))),
            market.cancel_order(&cast.flat, 0),
            market.expire_order(&who, &cast.flat, 0),
            market.trigger(&cast.flat, 0, self.tokens),
            market.execute_order(&cast.flat, 0, self.tokens),
            orders::set_delegate(keys, victim.address(), victim.position, who, amount),
            orders::revoke_delegate(keys, victim.address(), victim.position),
            instructions::fund_insurance(keys, who, lender.tokens, amount),
            instructions::donate_liquidity(keys, who, lender.tokens, amount),
            market.request(lender, 7, amount),
            market.complete(&cast.leaver, 0),
            market.cancel(&cast.leaver, 0),
            market.give_back(&who, &cast.leaver, 0),
            market.deleverage(),
            instructions::finish_settlement(keys, who, 0),
            instructions::close_settlement(keys, who, 0),
            instructions::declare_dead(keys),
            instructions::show_settlement_price(keys, market.price),
            instructions::settle_market(keys),
            instructions::pay_out(keys, who, victim.position, victim.address(), None),
            instructions::settle(keys, victim.position, SettleWith::default()),
            instructions::collect_protocol_fees(keys, self.tokens),
        ];
        let mut chosen = all.choose(&mut self.rng).expect("some").clone();
        for meta in &mut chosen.accounts {
            if meta.is_signer {
                meta.pubkey = who;
            }
        }
        if self.rng.gen_bool(0.5) {
            let strays =
                [self.tokens, self.shares, keys.vault, keys.lp_escrow, keys.market, victim.position, lender.tokens, who];
            let place = self.rng.gen_range(0..chosen.accounts.len());
            chosen.accounts[place].pubkey = *strays.choose(&mut self.rng).expect("some");
        }
        chosen
    }

    /// Sends something. The people's own signatures he does not have.
    async fn strike(&mut self, cast: &mut Cast) {
        let instruction = if self.rng.gen() { self.govern(cast).await } else { self.take(cast).await };
        let named: Vec<Address> = instruction.accounts.iter().filter(|meta| meta.is_signer).map(|meta| meta.pubkey).collect();
        if named.iter().any(|signer| self.keys.iter().all(|key| key.pubkey() != *signer)) {
            return;
        }
        let keys = self.keys.each_ref().map(Keypair::insecure_clone);
        let signers: Vec<&Keypair> = keys.iter().filter(|key| named.contains(&key.pubkey())).collect();
        if cast.chain.attempt("strike", &[instruction], &signers).await.is_ok() {
            self.succeeded += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_44_stolen_keys_of_governance_move_nothing_and_keep_nobody() {
    for seed in 0..SEEDS {
        // Given the same people in a market of honest governance and in one of a thief's,
        let (mut honest, mut cast) = (Cast::meet().await, Cast::meet().await);
        for cast in [&mut honest, &mut cast] {
            cast.order(true).await;
        }
        let mut thief = Thief::new(&mut cast, seed).await;
        let mut before = cast.holdings().await;
        let mut spent = 0;
        for step in 0..STEPS {
            // when he sends whatever he likes for most of a timelock,
            let seconds = thief.rng.gen_range(1..EACH_AT_MOST).min(3 * DAY - 1 - spent);
            spent += seconds;
            for Cast { chain, market, .. } in [&mut honest, &mut cast] {
                chain.advance(seconds);
                chain.post(market, Tick::at(50_000));
                // Somebody brings a price every four hours or less: the oracle is not dead, whoever says so.
                if step % 5 == 0 {
                    chain.succeed("accrue", &[market.accrue()], &[]).await;
                }
            }
            thief.strike(&mut cast).await;
            // then nobody has less or more at any time,
            assert_eq!(cast.holdings().await, before, "seed {seed}, step {step}");
            if step == STEPS / 2 {
                for cast in [&mut honest, &mut cast] {
                    cast.request().await;
                }
                before = cast.holdings().await;
            }
        }
        assert!(thief.succeeded > 10, "seed {seed}: he gets something done, {} of {STEPS}", thief.succeeded);
        // and everybody leaves with what he would have otherwise.
        for cast in [&mut honest, &mut cast] {
            cast.order(false).await;
            cast.chain.advance(DAY);
        }
        if seed % 2 == 0 {
            assert_eq!(cast.leave().await, honest.leave().await, "seed {seed}");
        } else {
            assert_eq!(cast.leave_by_settlement().await, honest.leave_by_settlement().await, "seed {seed}");
        }
    }
}
