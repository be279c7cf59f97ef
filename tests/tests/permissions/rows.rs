//! What somebody sends for each row of the tables, everything right but perhaps himself and the state.

use crate::roles::Role;
use crate::undo::Saved;
use crate::world::{State, World, EARLIER_EPOCH, EPOCH, GRACE, LAPSED, PRICE, READY, SILENCE};
use inverse_perps::instructions::InitializeExchangeArgs;
use inverse_perps::state::OracleSource;
use inverse_perps_tests::harness::prelude::*;
use perps::client::instructions::{Leaving, LiquidityDeposit, SettleWith, Withdrawal};
use perps::client::orders::{OrderTerms, Placing};

/// What a position, an order or the pool is asked for, in satoshi.
const LITTLE: u64 = 1_000;
/// Dollars of a new order.
const SIZE: u64 = 1_000;
/// Where only a part of the free pool is profit on paper, but more than the trigger.
const STRAINED_POOL: u64 = 480_000;

/// The same instruction with another signer.
fn signed_by(mut instruction: Instruction, place: usize, who: Address) -> Instruction {
    assert!(instruction.accounts[place].is_signer, "place {place} signs");
    instruction.accounts[place].pubkey = who;
    instruction
}

impl World {
    /// Sets up what only this row needs; returns what it was before.
    pub async fn prepare(&mut self, row: &str, state: State) -> Saved {
        use State::*;
        let mut saved = self.save();
        let market = self.market;
        let trading = matches!(state, Active | RiskPaused | ReduceOnly);
        match row {
            "propose_params" => {
                let cancel = market.cancel_proposal(&self.actor(Role::Admin).keypair);
                self.change(&mut saved, cancel, Role::Admin).await;
            }
            "resume_risk" if matches!(state, Settling | DeadOracle | Closed) => {
                let pause = market.pause(&self.actor(Role::Guardian).keypair);
                self.change(&mut saved, pause, Role::Guardian).await;
            }
            "deleverage" if trading => {
                self.keep_account(&mut saved, market.keys.market).await;
                self.keep_account(&mut saved, market.keys.vault).await;
                self.chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(STRAINED_POOL)).await;
            }
            "declare_dead" if trading => self.chain.advance(SILENCE),
            "finish_settlement" if state == Settling => {
                for position in self.positions.open() {
                    let close = self.close_out(position);
                    self.change(&mut saved, close, Role::Anyone).await;
                }
            }
            "complete_withdrawal" if state == Closed => {
                for winner in [self.positions.held.position, self.positions.closing.position] {
                    self.change(&mut saved, market.redeem(winner, EPOCH), Role::Anyone).await;
                }
            }
            "show_settlement_price, in the grace period" if state == DeadOracle => {
                self.keep_account(&mut saved, market.price).await;
                let back = self.chain.time() - i64::from(GRACE) + 10;
                self.chain.set_clock(back, self.chain.slot());
                self.chain.post(&market, Tick::at(PRICE));
            }
            _ => {}
        }
        saved
    }

    async fn change(&mut self, saved: &mut Saved, instruction: Instruction, role: Role) {
        self.keep(saved, &instruction).await;
        self.must("prepare", instruction, role).await;
    }

    /// What somebody of a role sends.
    pub async fn call(&self, row: &str, state: State, role: Role) -> Instruction {
        let (market, positions, actor) = (&self.market, &self.positions, self.actor(role));
        let (keys, who) = (&market.keys, actor.address());
        let [owner, provider, admin, keeper] =
            [Role::Owner, Role::Provider, Role::Admin, Role::Anyone].map(|role| self.actor(role));
        let leaving = |id, destination| Leaving { owner: provider.address(), id, destination };
        match row {
            "initialize_exchange" => instructions::initialize_exchange(who, self.another_exchange(who)),
            "create_market" => instructions::create_market(who, keys.mint, market.price, self.another_market()),
            "nominate_admin" => governance::nominate_admin(who, keeper.address()),
            "accept_admin" => governance::accept_admin(who),
            "set_guardian" => governance::set_guardian(who, keeper.address()),
            "propose_params" => governance::propose_params(keys, who, self.proposal()),
            "execute_params" => governance::execute_params(keys, who, admin.address(), market.price),
            "cancel_params" => governance::cancel_params(keys, who, admin.address()),
            "pause_risk" => governance::pause_risk(keys, who),
            "confirm_pause" => governance::confirm_pause(keys, who),
            "resume_risk" => governance::resume_risk(keys, who),

            "create_position" => instructions::create_position(keys, who, 77),
            "close_position_account" => instructions::close_position_account(keys, who, positions.empty.position),
            "deposit_collateral" => instructions::deposit_collateral(keys, who, positions.flat.position, actor.tokens, LITTLE),
            "withdraw_collateral, flat" => self.withdraw(role, &positions.flat, None),
            "withdraw_collateral, with an open position" => self.withdraw(role, &positions.held, Some(market.price)),
            "place_order, to increase" => self.place(role, &positions.flat, market_order(Long, more(SIZE))).await,
            "place_order, to reduce" => self.place(role, &positions.held, market_order(Short, OrderAmount::Close)).await,
            "cancel_order" => orders::cancel_order(keys, who, positions.waiting.order(0)),
            "set_delegate" => orders::set_delegate(keys, who, positions.held.position, keeper.address(), LITTLE),
            "revoke_delegate" => orders::revoke_delegate(keys, who, positions.held.position),
            "increase_position, orders only" | "increase_position, instant fills" => {
                signed_by(market.open(&positions.flat, Long, SIZE), 0, who)
            }
            "decrease_position, orders only" | "decrease_position, instant fills" => {
                signed_by(market.close(&positions.held, Short), 0, who)
            }

            "trigger_order, to increase" => market.trigger(&positions.waiting, 0, keeper.tokens),
            "trigger_order, to reduce" => market.trigger(&positions.stopped, 1, keeper.tokens),
            "execute_order, to increase" => market.execute_order(&positions.opening, 0, keeper.tokens),
            "execute_order, to reduce" => market.execute_order(&positions.closing, 1, keeper.tokens),
            "expire_order" => orders::expire_order(keys, who, positions.stale.order(0)),
            "liquidate" => market.liquidate(positions.weak.position, keeper.tokens),
            "settle_position" => instructions::settle(keys, positions.held.position, self.settle_with(state)),
            "accrue_funding" => market.accrue(),
            "deleverage" => market.deleverage(),
            "finish_settlement" => instructions::finish_settlement(keys, who, self.epoch().await),
            "close_settlement" => instructions::close_settlement(keys, keeper.address(), EARLIER_EPOCH),
            "declare_dead" => instructions::declare_dead(keys),
            "show_settlement_price, in the grace period" | "show_settlement_price, after it" => {
                instructions::show_settlement_price(keys, market.price)
            }
            "settle_market" => instructions::settle_market(keys),
            "pay_out" => {
                let claim = (state == State::Closed).then_some(EPOCH);
                instructions::pay_out(keys, who, positions.held.position, owner.address(), claim)
            }
            "collect_protocol_fees" => instructions::collect_protocol_fees(keys, admin.tokens),
            "fund_insurance" => instructions::fund_insurance(keys, who, actor.tokens, LITTLE),
            "donate_liquidity" => instructions::donate_liquidity(keys, who, actor.tokens, LITTLE),

            "deposit_liquidity" => {
                let deposit =
                    LiquidityDeposit { depositor: who, source: actor.tokens, destination: actor.shares, price: market.price };
                instructions::deposit_liquidity(keys, deposit, BTC, 1)
            }
            "request_withdrawal" => instructions::request_withdrawal(keys, who, provider.shares, 77, LITTLE),
            "complete_withdrawal" => {
                let price = (state != State::Closed).then_some(market.price);
                let complete = instructions::complete_withdrawal(keys, leaving(READY, provider.tokens), price, 0);
                signed_by(complete, 0, who)
            }
            "cancel_withdrawal" => signed_by(instructions::cancel_withdrawal(keys, leaving(READY, provider.shares)), 0, who),
            "return_withdrawal" => instructions::return_withdrawal(keys, who, leaving(LAPSED, provider.shares)),
            _ => panic!("`{row}` is in docs/permissions.md, but not in this test"),
        }
    }

    fn another_exchange(&self, who: Address) -> InitializeExchangeArgs {
        InitializeExchangeArgs { admin: who, guardian: who, fee_recipient: who, timelock_seconds: 3 * DAY }
    }

    fn another_market(&self) -> CreateMarketArgs {
        let oracle = OracleSource::PythPull { feed_id: FEED };
        CreateMarketArgs { index: 1, oracle, params: Params::standard(), instant_fills: false }
    }

    /// To the tokens of who asks.
    fn withdraw(&self, role: Role, trader: &Trader, price: Option<Address>) -> Instruction {
        let (owner, destination) = (self.actor(role).address(), self.actor(role).tokens);
        let withdrawal = Withdrawal { owner, position: trader.position, destination, price };
        instructions::withdraw_collateral(&self.market.keys, withdrawal, LITTLE)
    }

    /// An order of the owner's position, placed by somebody of a role.
    pub async fn place(&self, role: Role, trader: &Trader, terms: OrderTerms) -> Instruction {
        let id = self.chain.position(&trader.position).await.state.next_order;
        let (trader, position) = (self.actor(role).address(), trader.position);
        let placing = Placing { trader, position, id, price: self.market.price, linked_with: None };
        orders::place_order(&self.market.keys, placing, &terms)
    }

    /// A price while the market trades, the claim's settlement when it is closed.
    fn settle_with(&self, state: State) -> SettleWith {
        match state {
            State::Settling => SettleWith::default(),
            State::Closed => SettleWith { claim_epoch: Some(EPOCH), ..SettleWith::default() },
            _ => SettleWith { price: Some(self.market.price), ..SettleWith::default() },
        }
    }

    /// The settlement that runs, or would be the next.
    async fn epoch(&self) -> u32 {
        self.chain.market(&self.market.keys.market).await.state.lifecycle.epoch
    }
}
