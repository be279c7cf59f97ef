//! The chain with the people on it: sends what the engine allows, and compares what came of it.

use super::action::Action;
use super::audit::{self, Audit};
use super::books::{Books, Now, Rehearsal};
use super::feed::{Step, Timeline};
use super::scenario::Scenario;
use super::seat::Seat;
use super::tally::Tally;
use super::witness;
use anyhow::{ensure, Result};
use inverse_perps::errors::PerpError;
use inverse_perps_engine::oracle::RawUpdate;
use inverse_perps_engine::order::{FillUpdate, FILLABLE};
use inverse_perps_engine::settlement::Settlement;
use inverse_perps_engine::units::{Price, Sats, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Position};
use perps::client::events::{self, Event};
use perps::client::pyth::PriceSays;
use perps::local::{LocalChain, Refusal, Tick};
use rand::rngs::StdRng;
use rand::Rng;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use std::path::Path;

const TICK_EXPONENT: i32 = -8;

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
    tick: Tick,
    published: Vec<PriceSays>,
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
        let newest = chain.newest();
        let now = Now { update: as_read(&newest).update, at: chain.moment() };
        let tally = Tally::from_sequence(market.event_sequence);
        let (settlement, audit) = (Settlement::default(), Audit::default());
        let market = market.state;
        let (seen, tick, published) = (vec![], timeline.first, vec![newest]);
        let mut venue = Self { scenario, chain, market, settlement, seats, treasury, tally, audit, seen, now, tick, published };
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

    /// The newest price as Pyth says it.
    pub fn tick(&self) -> &Tick {
        &self.tick
    }

    /// What the program reads now.
    pub fn now(&self) -> &Now {
        &self.now
    }

    /// Moves time on to a step and publishes its price.
    ///
    /// # Errors
    /// Where the price account cannot be written.
    pub fn advance(&mut self, step: &Step) -> Result<()> {
        let seconds = u32::try_from(step.unix_time - self.chain.time())?;
        self.tally.next_step();
        self.publish(seconds, step.tick)
    }

    /// Moves time on and publishes a price; those that orders can still fill at are kept.
    ///
    /// # Errors
    /// Where the price account cannot be written.
    pub fn publish(&mut self, seconds: u32, tick: Tick) -> Result<()> {
        self.chain.advance(seconds);
        self.chain.post(tick)?;
        let newest = self.chain.newest();
        self.tick = tick;
        self.now = Now { update: as_read(&newest).update, at: self.chain.moment() };
        let oldest = newest.publish_time - i64::from(FILLABLE.get());
        self.published.retain(|says| says.publish_time >= oldest);
        self.published.push(newest);
        Ok(())
    }

    /// The first update at or after T.
    pub fn first_update(&self, due: UnixTime) -> Option<FillUpdate> {
        let serves = |update: &FillUpdate| update.previous_publish_time < due && due <= update.update.publish_time;
        self.published.iter().map(as_read).find(serves)
    }

    /// The newest update, as one that is to set a fill price.
    pub fn newest_update(&self) -> FillUpdate {
        as_read(&self.chain.newest())
    }

    /// What a seat's instruction finds.
    pub fn books(&self, seat: usize) -> Books {
        let Seat { position, withdrawal, orders, .. } = &self.seats[seat];
        let (position, orders, withdrawal) = (*position, orders.clone(), *withdrawal);
        Books { market: self.market, position, orders, settlement: self.settlement, withdrawal }
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
        self.attempt_all(seat, &[action])
    }

    /// The same with actions of one kind in one transaction.
    ///
    /// # Errors
    /// As `attempt`.
    pub fn attempt_all(&mut self, seat: usize, actions: &[Action]) -> Result<Outcome> {
        let rehearsal = match self.rehearse(seat, actions) {
            Ok(rehearsal) => rehearsal,
            Err(rule) => return Ok(Outcome::Declined(rule)),
        };
        let Some(action) = actions.first().copied() else {
            return Ok(Outcome::Done);
        };
        self.earn(seat, action.pays_in())?;
        self.bring_update(action)?;
        let name = match actions.len() {
            1 => action.name().to_owned(),
            several => format!("{} x {several}", action.name()),
        };
        let signer = if action.is_upkeep() { self.scenario.keeper() } else { seat };
        let instructions: Vec<Instruction> = actions.iter().map(|action| self.instruction(seat, *action)).collect();
        let direction = self.seats[seat].position.open_direction();
        let before = self.market;
        if let Err(refused) = self.send(&name, &instructions, signer, direction) {
            self.tally.failed(&name, &refused);
            return Ok(Outcome::Failed);
        }
        self.read(seat, action)?;
        if self.books(seat) != rehearsal.books {
            self.tally.diverged(format!("{name} left the chain in another state than the engine"));
        }
        self.tally.deleveraged(direction, rehearsal.deleveraged);
        witness::hold_to_promises(self, &before, action.touches_position().then_some(seat))?;
        Ok(Outcome::Done)
    }

    /// Puts the update that is to set a fill price where the instruction finds it, if that is not the newest.
    fn bring_update(&mut self, action: Action) -> Result<()> {
        let Action::Execute(_, fill) = action else {
            return Ok(());
        };
        let is_it = |says: &&PriceSays| as_read(says) == fill && fill != self.newest_update();
        match self.published.iter().find(is_it).copied() {
            Some(says) => self.chain.post_to_fill(&says),
            None => Ok(()),
        }
    }

    /// Sends what must fail with this error, and counts it apart if it does.
    ///
    /// # Errors
    /// Where accounts cannot be read after it succeeded.
    pub fn expect_refusal(&mut self, what: &str, instruction: Instruction, signer: usize, expected: PerpError) -> Result<()> {
        match self.send(what, &[instruction], signer, None) {
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
        instructions: &[Instruction],
        signer: usize,
        direction: Option<Direction>,
    ) -> std::result::Result<(), Refusal> {
        self.tally.transactions += 1;
        let sent = self.chain.send(instructions, &self.seats[signer].trader.keypair)?;
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
        if action.touches_orders() {
            self.seats[seat].read_orders(&self.chain)?;
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

/// What the program will read from the price account, and when the update before was published.
fn as_read(says: &PriceSays) -> FillUpdate {
    FillUpdate {
        update: RawUpdate {
            price: says.price_e8,
            confidence: says.confidence_e8,
            ema: says.ema_e8,
            exponent: TICK_EXPONENT,
            publish_time: UnixTime::new(says.publish_time),
        },
        previous_publish_time: UnixTime::new(says.previous_publish_time),
    }
}
