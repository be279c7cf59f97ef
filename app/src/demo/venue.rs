//! The chain with the people on it: sends what the engine allows, and compares what came of it.

use super::action::Action;
use super::audit::{self, Audit};
use super::books::{Books, Now, Rehearsal};
use super::feed::{Step, Timeline};
use super::scenario::Scenario;
use super::tally::Tally;
use super::witness;
use crate::chain::{LocalChain, Refused, Tick, Trader};
use crate::client::events::{self, Event};
use anyhow::{ensure, Result};
use inverse_perps::errors::PerpError;
use inverse_perps_engine::oracle::RawUpdate;
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::settlement::Settlement;
use inverse_perps_engine::units::{Price, Sats, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Position};
use rand::rngs::StdRng;
use rand::Rng;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use std::path::Path;

const TICK_EXPONENT: i32 = -8;

/// Somebody, and what is theirs as it was last read.
pub struct Seat {
    /// Who.
    pub trader: Trader,
    /// The position; empty where its account is closed.
    pub position: Position,
    /// The token account of pool shares.
    pub shares: Address,
    /// Shares in the queue.
    pub withdrawal: Option<Withdrawal>,
    /// The id of the withdrawal in the queue, or of the next one.
    pub withdrawal_id: u64,
    /// Margin that nothing may touch, because this seat never trades; none for the others.
    pub parked: Sats,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sent, and it succeeded.
    Done,
    /// Not sent: the engine names the rule that it would break.
    Declined(Error),
    /// Sent, and it failed although the engine saw no reason. The tally has the message.
    Failed,
}

/// The chain, its market as last read, and everybody.
pub struct Venue {
    /// Who is who.
    pub scenario: &'static Scenario,
    /// The chain.
    pub chain: LocalChain,
    /// The market's state as last read.
    pub market: Market,
    /// The newest settlement as last read; empty where its account is closed.
    pub settlement: Settlement,
    /// Everybody, in the scenario's order.
    pub seats: Vec<Seat>,
    /// Where the protocol's fees go.
    pub treasury: Address,
    /// What has been counted.
    pub tally: Tally,
    /// What the audits found.
    pub audit: Audit,
    /// Events of the last transaction.
    pub seen: Vec<Event>,
    now: Now,
}

impl Venue {
    /// Starts a chain before the first step: a market, a pool, an insurance fund of a hundredth of it, and everybody with an
    /// empty position.
    ///
    /// # Errors
    /// Where the chain cannot be set up.
    pub fn open(elf: &Path, scenario: &'static Scenario, timeline: &Timeline, rng: &mut StdRng) -> Result<Self> {
        let deposit = scenario.pool_deposit(Price::new(timeline.first.price_e8));
        let mut chain = LocalChain::start(elf, scenario.params(deposit), timeline.first, timeline.start)?;
        chain.forget_transactions();
        let admin = chain.admin();
        let treasury = chain.associated_owner(&admin)?;
        let mut seats = Vec::with_capacity(scenario.keeper() + 1);
        for _ in 0..=scenario.keeper() {
            seats.push(Seat::take(&mut chain, Keypair::new_from_array(rng.gen()))?);
        }
        let market = chain.market()?;
        let now = Now { update: update(&timeline.first, timeline.start), at: chain.moment() };
        let tally = Tally::from_sequence(market.event_sequence);
        let (settlement, audit) = (Settlement::default(), Audit::default());
        let market = market.state;
        let mut venue = Self { scenario, chain, market, settlement, seats, treasury, tally, audit, seen: vec![], now };
        for gift in [Action::Provide(deposit), Action::Insure(Sats::new(deposit.get() / 100))] {
            let outcome = venue.attempt(scenario.providers().start, gift)?;
            ensure!(outcome == Outcome::Done, "the pool could not be set up: {outcome:?} {:?}", venue.tally.errors);
        }
        Ok(venue)
    }

    /// Whether nobody sits on a position here.
    pub fn is_flat(&self, seat: usize) -> bool {
        self.seats[seat].position.open_direction().is_none()
    }

    /// The newest price.
    pub fn price(&self) -> Price {
        Price::new(self.now.update.price.unsigned_abs())
    }

    /// The newest moving average.
    pub fn average(&self) -> Price {
        Price::new(self.now.update.ema.unsigned_abs())
    }

    /// Moves time on and publishes a price.
    ///
    /// # Errors
    /// Where the price account cannot be written.
    pub fn advance(&mut self, step: &Step) -> Result<()> {
        self.chain.advance(step.elapsed_seconds);
        self.chain.post(step.tick)?;
        self.now = Now { update: update(&step.tick, self.chain.time()), at: self.chain.moment() };
        self.tally.next_step();
        Ok(())
    }

    /// What a seat's instruction finds.
    pub fn books(&self, seat: usize) -> Books {
        let Seat { position, withdrawal, .. } = self.seats[seat];
        Books { market: self.market, position, settlement: self.settlement, withdrawal }
    }

    /// The books after these actions of one seat, as the engine has them.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn rehearse(&self, seat: usize, actions: &[Action]) -> inverse_perps_engine::Result<Rehearsal> {
        let mut rehearsal = Rehearsal::of(self.books(seat));
        actions.iter().try_for_each(|action| rehearsal.apply(*action, &self.now))?;
        Ok(rehearsal)
    }

    /// Rehearses, sends if the engine allows it, and holds the chain against the rehearsal.
    ///
    /// # Errors
    /// Where accounts cannot be read or tokens not be minted; a failed transaction is an outcome.
    pub fn attempt(&mut self, seat: usize, action: Action) -> Result<Outcome> {
        let rehearsal = match self.rehearse(seat, &[action]) {
            Ok(rehearsal) => rehearsal,
            Err(rule) => return Ok(Outcome::Declined(rule)),
        };
        self.earn(seat, action.pays_in())?;
        let signer = if action.is_upkeep() { self.scenario.keeper() } else { seat };
        let instruction = self.instruction(seat, action);
        let direction = self.seats[seat].position.open_direction();
        let before = self.market;
        if let Err(refused) = self.send(action.name(), instruction, signer, direction) {
            self.tally.failed(action.name(), &refused);
            return Ok(Outcome::Failed);
        }
        self.read(seat, action)?;
        if self.books(seat) != rehearsal.books {
            self.tally.diverged(format!("{} left the chain in another state than the engine", action.name()));
        }
        self.tally.deleveraged(direction, rehearsal.deleveraged);
        witness::hold_to_promises(self, &before, action.touches_position().then_some(seat))?;
        Ok(Outcome::Done)
    }

    /// Sends what must fail with this error, and counts it apart if it does.
    ///
    /// # Errors
    /// Where accounts cannot be read after it succeeded.
    pub fn expect_refusal(&mut self, what: &str, instruction: Instruction, signer: usize, expected: PerpError) -> Result<()> {
        match self.send(what, instruction, signer, None) {
            Err(refused) if refused.code == Some(expected.into()) => self.tally.expected_failures += 1,
            Err(refused) => self.tally.failed(&format!("{what}, which was to fail with {}", expected.name()), &refused),
            Ok(()) => {
                self.tally.succeeded_wrongly(what, expected);
                for seat in 0..self.seats.len() {
                    self.read(seat, Action::Liquidate)?;
                }
            }
        }
        Ok(())
    }

    fn send(
        &mut self,
        name: &str,
        instruction: Instruction,
        signer: usize,
        direction: Option<Direction>,
    ) -> std::result::Result<(), Refused> {
        self.tally.transactions += 1;
        let sent = self.chain.send(&[instruction], &self.seats[signer].trader.keypair)?;
        self.tally.sent(name, sent.compute_units_consumed);
        self.seen = events::in_logs(&sent.logs);
        for event in &self.seen {
            self.tally.happened(event, direction);
        }
        Ok(())
    }

    /// Income from elsewhere: whoever wants to pay in more than he has is minted the rest.
    fn earn(&mut self, seat: usize, amount: Sats) -> Result<()> {
        if amount.is_zero() {
            return Ok(());
        }
        let tokens = self.seats[seat].trader.tokens;
        match amount.get().saturating_sub(self.chain.tokens(&tokens)?) {
            0 => Ok(()),
            missing => self.chain.mint(&tokens, missing),
        }
    }

    /// Reads what an action may have changed.
    fn read(&mut self, seat: usize, action: Action) -> Result<()> {
        self.market = self.chain.market()?.state;
        let (chain, Seat { trader, position, withdrawal, withdrawal_id, .. }) = (&self.chain, &mut self.seats[seat]);
        match action {
            Action::PayOut if chain.existing(&trader.position).is_none() => *position = Position::default(),
            Action::Request(_) | Action::Complete | Action::Return => {
                *withdrawal = chain.withdrawal(&trader.address(), *withdrawal_id)?.map(|queued| queued.state);
                *withdrawal_id += u64::from(withdrawal.is_none());
            }
            _ if action.touches_position() => *position = chain.position(&trader.position)?.state,
            _ => (),
        }
        if matches!(action, Action::FinishSettlement | Action::Redeem | Action::PayOut | Action::CloseSettlement) {
            let newest = self.chain.settlement(self.settled_epoch())?;
            self.settlement = newest.map_or_else(Settlement::default, |account| account.state);
        }
        Ok(())
    }

    /// Holds the ledger against tokens and positions, and remembers the first difference.
    ///
    /// # Errors
    /// Where accounts cannot be read.
    pub fn audit(&mut self) -> Result<()> {
        let found = audit::Findings::of(self)?;
        self.audit.add(found, self.chain.time());
        Ok(())
    }
}

impl Seat {
    /// Somebody new with an empty position, and accounts for tokens and for shares of the pool.
    fn take(chain: &mut LocalChain, keypair: Keypair) -> Result<Self> {
        let tokens = chain.associated_owner(&keypair)?;
        let trader = Trader { position: chain.open_position(&keypair)?, tokens, keypair };
        let lp_mint = chain.keys.lp_mint;
        Ok(Self {
            position: chain.position(&trader.position)?.state,
            shares: chain.token_account(&trader.keypair, &lp_mint)?,
            trader,
            withdrawal: None,
            withdrawal_id: 0,
            parked: Sats::ZERO,
        })
    }

    /// The same in the chain's next market.
    ///
    /// # Errors
    /// Where the accounts cannot be made.
    pub fn move_on(&mut self, chain: &mut LocalChain) -> Result<()> {
        let lp_mint = chain.keys.lp_mint;
        self.trader.position = chain.open_position(&self.trader.keypair)?;
        self.position = chain.position(&self.trader.position)?.state;
        self.shares = chain.token_account(&self.trader.keypair, &lp_mint)?;
        self.withdrawal_id = 0;
        Ok(())
    }
}

/// What the program will read from the price account. A tick's prices are those of a price file, so they fit.
fn update(tick: &Tick, publish_time: i64) -> RawUpdate {
    RawUpdate {
        price: i64::try_from(tick.price_e8).unwrap_or(i64::MAX),
        confidence: tick.confidence_e8,
        ema: i64::try_from(tick.ema_e8).unwrap_or(i64::MAX),
        exponent: TICK_EXPONENT,
        publish_time: UnixTime::new(publish_time),
    }
}
