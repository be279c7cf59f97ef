//! A market in each of the states, with whatever any instruction could be about.

use crate::roles::{Role, ROLES};
use inverse_perps_engine::market::Fills;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::SettleWith;
use perps::client::orders::OrderTerms;

/// The columns of the tables, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Trades.
    Active,
    /// Paused by the guardian.
    RiskPaused,
    /// The admin has confirmed the pause.
    ReduceOnly,
    /// Closes every position at the kept price.
    Settling,
    /// Declared dead, the grace period over.
    DeadOracle,
    /// For good.
    Closed,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::RiskPaused, Self::ReduceOnly, Self::Settling, Self::DeadOracle, Self::Closed];
}

/// The price at which positions were opened and orders placed.
const START_PRICE: i64 = 50_000;
/// The price now: shorts have won 404,040 satoshi, resting orders trigger.
pub const PRICE: i64 = 49_500;
/// The epoch of a settlement of which all is redeemed, before everything else.
pub const EARLIER_EPOCH: u32 = 0;
/// The epoch that settling and closed markets have claims of.
pub const EPOCH: u32 = 1;
/// The withdrawal whose window has lapsed.
pub const LAPSED: u64 = 0;
/// The withdrawal that is past its cool-down, within its window.
pub const READY: u64 = 1;
/// How long nobody brings a price before the oracle can be declared dead.
pub const SILENCE: u32 = DAY;
/// How long that can be cancelled.
pub const GRACE: u32 = 21_600;

/// A chain with one market.
pub struct World {
    /// The chain.
    pub chain: Chain,
    /// The market.
    pub market: TestMarket,
    /// The owner's positions.
    pub positions: Positions,
    actors: Vec<Provider>,
}

/// The owner's positions; each has the delegate.
pub struct Positions {
    /// A short without orders.
    pub held: Trader,
    /// A long below maintenance.
    pub weak: Trader,
    /// A short with a market order to close it, which is due.
    pub closing: Trader,
    /// A long with a stop whose price has come.
    pub stopped: Trader,
    /// Margin alone.
    pub flat: Trader,
    /// Nothing.
    pub empty: Trader,
    /// Margin and a market order to open, which is due.
    pub opening: Trader,
    /// Margin and a limit order to open, whose price has come.
    pub waiting: Trader,
    /// Margin and an order that has expired.
    pub stale: Trader,
}

impl World {
    /// A market in a state.
    pub async fn new(fills: Fills, state: State) -> Self {
        let mut world = Self::opened(fills).await;
        world.govern().await;
        world.queue().await;
        world.trade().await;
        world.order().await;
        match state {
            State::Active | State::Settling | State::DeadOracle | State::Closed => {}
            State::RiskPaused => world.pause(false).await,
            State::ReduceOnly => world.pause(true).await,
        }
        world.chain.set_margin(&world.market, &world.positions.weak, 350_000).await;
        world.chain.advance(DELAY);
        world.chain.post(&world.market, Tick::at(PRICE));
        match state {
            State::Active | State::RiskPaused | State::ReduceOnly => {}
            State::Settling => world.settle().await,
            State::DeadOracle => world.outlive_the_oracle().await,
            State::Closed => world.close().await,
        }
        world
    }

    /// Somebody of a role.
    pub fn actor(&self, role: Role) -> &Provider {
        &self.actors[role as usize]
    }

    /// Sends what must succeed, signed by somebody of a role.
    pub async fn must(&mut self, what: &str, instruction: Instruction, role: Role) {
        let keypair = self.actor(role).keypair.insecure_clone();
        let signs = instruction.accounts.iter().any(|meta| meta.is_signer);
        let signers = if signs { vec![&keypair] } else { vec![] };
        self.chain.succeed(what, &[instruction], &signers).await;
    }

    /// The market, everyone with money, a pool, and positions without anything.
    async fn opened(fills: Fills) -> Self {
        let mut chain = Chain::bare().await;
        chain.initialize().await;
        let mint = chain.new_mint(8);
        let times = Params { cool_down: Seconds::new(1), withdrawal_window: Seconds::new(600), ..Params::standard() };
        let market = chain.open_market_filling(mint, 0, times, fills == Fills::Instant).await;
        let mut actors = Vec::new();
        for role in ROLES {
            let keypair = if role == Role::Admin { chain.admin.insecure_clone() } else { chain.somebody() };
            let tokens = chain.token_account(&mint, &keypair.pubkey(), 200 * BTC);
            let shares = chain.token_account(&market.keys.lp_mint, &keypair.pubkey(), 0);
            actors.push(Provider { keypair, tokens, shares });
        }
        let owner = &actors[Role::Owner as usize];
        let position = |sub_account| Trader {
            keypair: owner.keypair.insecure_clone(),
            tokens: owner.tokens,
            position: market.keys.position(&owner.address(), sub_account),
        };
        let [held, weak, closing, stopped, flat, empty, opening, waiting, stale] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(position);
        let positions = Positions { held, weak, closing, stopped, flat, empty, opening, waiting, stale };
        Self { chain, market, positions, actors }
    }

    /// A guardian, a nominee, a pool, a settlement long ago, and a proposal past its timelock.
    async fn govern(&mut self) {
        let TestMarket { keys, .. } = self.market;
        let admin = self.chain.admin.pubkey();
        let [guardian, nominee] = [Role::Guardian, Role::Nominee].map(|role| self.actor(role).address());
        self.must("name a guardian", governance::set_guardian(admin, guardian), Role::Admin).await;
        self.must("nominate", governance::nominate_admin(admin, nominee), Role::Admin).await;
        let provide = self.market.provide(self.actor(Role::Provider), 100 * BTC);
        self.must("fill the pool", provide, Role::Provider).await;
        self.chain.fill_insurance(&self.market, BTC).await;

        let begin = |market: &mut inverse_perps::state::Market| {
            market.state.lifecycle.status = 1;
            market.state.ledger.protocol_fees = Sats::new(1_000);
        };
        self.chain.edit_market(&self.market, begin).await;
        let payer = self.actor(Role::Anyone).address();
        let finish = instructions::finish_settlement(&keys, payer, EARLIER_EPOCH);
        self.must("finish a settlement", finish, Role::Anyone).await;

        let proposal = self.market.propose(&self.actor(Role::Admin).keypair, self.proposal());
        self.must("propose", proposal, Role::Admin).await;
        self.wait(3 * DAY).await;
    }

    /// What the admin proposes.
    pub fn proposal(&self) -> Params {
        Params { cool_down: Seconds::new(2), withdrawal_window: Seconds::new(600), ..Params::standard() }
    }

    /// The Clock goes on, and a price comes that everything accepts.
    async fn wait(&mut self, seconds: u32) {
        self.chain.advance(seconds);
        self.chain.post(&self.market, Tick::at(START_PRICE));
        self.must("accrue", self.market.accrue(), Role::Anyone).await;
    }

    /// A withdrawal that lapses, and one that can be completed until ten minutes later.
    async fn queue(&mut self) {
        for id in [LAPSED, READY] {
            let request = self.market.request(self.actor(Role::Provider), id, BTC);
            self.must("request", request, Role::Provider).await;
            if id == LAPSED {
                self.wait(301).await;
                self.wait(301).await;
            }
        }
    }

    /// Margin, a delegate, and what is open.
    async fn trade(&mut self) {
        let TestMarket { keys, .. } = self.market;
        let owner = self.actor(Role::Owner).address();
        let delegate = self.actor(Role::Delegate).address();
        for (sub_account, trader) in (0..).zip(self.positions.all()) {
            let create = instructions::create_position(&keys, owner, sub_account);
            let appoint = orders::set_delegate(&keys, owner, trader.position, delegate, 10 * BTC);
            let mut all = vec![create, appoint];
            if trader.position != self.positions.empty.position {
                all.push(self.market.deposit(trader, BTC));
            }
            self.chain.succeed("a position", &all, &[&trader.keypair]).await;
        }
        let tip_to = self.actor(Role::Anyone).tokens;
        let Positions { held, weak, closing, stopped, .. } = &self.positions;
        let open = [(held, Short), (weak, Long), (closing, Short), (stopped, Long)];
        for (trader, direction) in open {
            let place = self.market.place(trader, 0, &market_order(direction, more(10_000)));
            self.chain.succeed("place an order to open", &[place], &[&trader.keypair]).await;
        }
        self.chain.advance(DELAY);
        self.chain.post(&self.market, Tick::at(START_PRICE));
        for (trader, _) in open {
            let execute = self.market.execute_order(trader, 0, tip_to);
            self.chain.succeed("open", &[execute], &[]).await;
        }
    }

    /// Orders that are due, that trigger, and that have expired, six seconds later.
    async fn order(&mut self) {
        self.chain.advance(120);
        self.chain.post(&self.market, Tick::at(START_PRICE));
        let Positions { closing, stopped, opening, waiting, stale, .. } = &self.positions;
        let soon = self.chain.time() + 1;
        let stop = instructions::any_price_to_close(Long);
        let placed = [
            (closing, 1, market_order(Short, OrderAmount::Close)),
            (stopped, 1, resting(OrderType::Stop(usd(49_600)), Long, OrderAmount::Close, stop)),
            (opening, 0, market_order(Long, more(1_000))),
            (waiting, 0, resting(OrderType::Limit, Long, more(1_000), usd(49_600))),
            (stale, 0, OrderTerms { expiry: soon, ..resting(OrderType::Limit, Long, more(1_000), usd(49_000)) }),
        ];
        for (trader, id, terms) in placed {
            let place = self.market.place(trader, id, &terms);
            self.chain.succeed("place an order", &[place], &[&trader.keypair]).await;
        }
    }

    async fn pause(&mut self, confirmed: bool) {
        let pause = self.market.pause(&self.actor(Role::Guardian).keypair);
        self.must("pause", pause, Role::Guardian).await;
        if confirmed {
            let confirm = self.market.confirm(&self.actor(Role::Admin).keypair);
            self.must("confirm", confirm, Role::Admin).await;
        }
    }

    /// Less in the pool than profit on paper.
    async fn settle(&mut self) {
        self.chain.edit_market(&self.market, |market| market.state.ledger.pool = Sats::new(400_000)).await;
        self.must("begin to settle", self.market.deleverage(), Role::Anyone).await;
    }

    async fn outlive_the_oracle(&mut self) {
        self.chain.advance(SILENCE);
        self.must("declare", instructions::declare_dead(&self.market.keys), Role::Anyone).await;
        self.chain.advance(GRACE);
        self.chain.post(&self.market, Tick::at(PRICE));
    }

    /// What pays every claim leaves less than a first deposit.
    async fn close(&mut self) {
        self.settle().await;
        for position in self.positions.open() {
            self.must("close out", self.close_out(position), Role::Anyone).await;
        }
        let payer = self.actor(Role::Anyone).address();
        self.must("finish", instructions::finish_settlement(&self.market.keys, payer, EPOCH), Role::Anyone).await;
    }

    /// Closes a position in a settlement, without a tip.
    pub fn close_out(&self, position: Address) -> Instruction {
        instructions::settle(&self.market.keys, position, SettleWith::default())
    }
}

impl Positions {
    /// In the order of their sub-accounts.
    fn all(&self) -> [&Trader; 9] {
        let Self { held, weak, closing, stopped, flat, empty, opening, waiting, stale } = self;
        [held, weak, closing, stopped, flat, empty, opening, waiting, stale]
    }

    /// Those that are open while the market trades.
    pub fn open(&self) -> [Address; 4] {
        [&self.held, &self.weak, &self.closing, &self.stopped].map(|trader| trader.position)
    }
}
