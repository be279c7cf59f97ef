//! The chain with the people on it: sends what the engine allows, and compares what came of it.

use super::action::{Action, Books, Now};
use super::audit::{self, Audit};
use super::feed::{Step, Timeline};
use super::sizes;
use super::tally::Tally;
use crate::chain::{LocalChain, Refused, Tick, Trader};
use crate::client::events;
use anyhow::{ensure, Result};
use inverse_perps::errors::PerpError;
use inverse_perps::instructions::PositionDirection;
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::oracle::RawUpdate;
use inverse_perps_engine::units::{Price, Sats, UnixTime};
use inverse_perps_engine::{Direction, Error, Market, Position};
use rand::rngs::StdRng;
use rand::Rng;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use std::path::Path;

/// How many traders there are.
pub const TRADERS: usize = 24;
const KEEPER: usize = TRADERS;
const PROVIDER: usize = TRADERS + 1;
const TICK_EXPONENT: i32 = -8;

/// Somebody, and the position as it was last read.
pub struct Seat {
    /// Who.
    pub trader: Trader,
    /// The position.
    pub position: Position,
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
    /// The chain.
    pub chain: LocalChain,
    /// The market's state as last read.
    pub market: Market,
    /// Traders first, then the keeper and the provider.
    pub seats: Vec<Seat>,
    /// The provider's token account of pool shares.
    pub shares: Address,
    /// What has been counted.
    pub tally: Tally,
    /// What the audits found.
    pub audit: Audit,
    now: Now,
}

impl Venue {
    /// Starts a chain before the first step: a market, a pool, an insurance fund of a hundredth of it, and everybody with an
    /// empty position.
    ///
    /// # Errors
    /// Where the chain cannot be set up.
    pub fn open(elf: &Path, timeline: &Timeline, rng: &mut StdRng) -> Result<Self> {
        let deposit = sizes::pool_deposit(Price::new(timeline.first.price_e8));
        let mut chain = LocalChain::start(elf, sizes::params(deposit), timeline.first, timeline.start)?;
        chain.forget_transactions();
        let mut seats = Vec::with_capacity(PROVIDER + 1);
        for _ in 0..=PROVIDER {
            let trader = chain.trader(Keypair::new_from_array(rng.gen()), 0)?;
            seats.push(Seat { position: chain.position(&trader.position)?.state, trader });
        }
        let lp_mint = chain.keys.lp_mint;
        let shares = chain.token_account(&seats[PROVIDER].trader.keypair, &lp_mint)?;
        let market = chain.market()?;
        let now = Now { update: update(&timeline.first, timeline.start), at: chain.moment() };
        let tally = Tally::from_sequence(market.event_sequence);
        let mut venue = Self { chain, market: market.state, seats, shares, tally, audit: Audit::default(), now };
        for gift in [Action::Provide(deposit), Action::Insure(Sats::new(deposit.get() / 100))] {
            let outcome = venue.attempt(PROVIDER, gift)?;
            ensure!(outcome == Outcome::Done, "the pool could not be set up: {outcome:?} {:?}", venue.tally.errors);
        }
        Ok(venue)
    }

    /// The keeper's seat.
    pub fn keeper(&self) -> usize {
        KEEPER
    }

    /// The pool's provider's seat.
    pub fn provider(&self) -> usize {
        PROVIDER
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

    /// The books after these actions of one seat, as the engine has them.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn rehearse(&self, seat: usize, actions: &[Action]) -> inverse_perps_engine::Result<Books> {
        let mut books = Books { market: self.market, position: self.seats[seat].position };
        actions.iter().try_for_each(|action| books.apply(*action, &self.now))?;
        Ok(books)
    }

    /// Rehearses, sends if the engine allows it, and holds the chain against the rehearsal.
    ///
    /// # Errors
    /// Where accounts cannot be read or tokens not be minted; a failed transaction is an outcome.
    pub fn attempt(&mut self, seat: usize, action: Action) -> Result<Outcome> {
        let rehearsed = match self.rehearse(seat, &[action]) {
            Ok(books) => books,
            Err(rule) => return Ok(Outcome::Declined(rule)),
        };
        if let Action::Deposit(amount) | Action::Provide(amount) | Action::Insure(amount) = action {
            self.earn(seat, amount)?;
        }
        let signer = if action.is_upkeep() { KEEPER } else { seat };
        let instruction = self.instruction(seat, action);
        let direction = self.seats[seat].position.open_direction();
        match self.send(action.name(), instruction, signer, direction) {
            Ok(()) => {
                self.read(seat)?;
                if (Books { market: self.market, position: self.seats[seat].position }) != rehearsed {
                    self.tally.diverged(format!("{} left the chain in another state than the engine", action.name()));
                }
                Ok(Outcome::Done)
            }
            Err(refused) => {
                self.tally.failed(action.name(), &refused);
                Ok(Outcome::Failed)
            }
        }
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
                    self.read(seat)?;
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
        for event in events::in_logs(&sent.logs) {
            self.tally.happened(&event, direction);
        }
        Ok(())
    }

    /// Income from elsewhere: whoever wants to pay in more than he has is minted the rest.
    fn earn(&mut self, seat: usize, amount: Sats) -> Result<()> {
        let tokens = self.seats[seat].trader.tokens;
        match amount.get().saturating_sub(self.chain.tokens(&tokens)?) {
            0 => Ok(()),
            missing => self.chain.mint(&tokens, missing),
        }
    }

    fn read(&mut self, seat: usize) -> Result<()> {
        self.market = self.chain.market()?.state;
        self.seats[seat].position = self.chain.position(&self.seats[seat].trader.position)?.state;
        Ok(())
    }

    /// The instruction of an action.
    pub fn instruction(&self, seat: usize, action: Action) -> Instruction {
        let (chain, trader) = (&self.chain, &self.seats[seat].trader);
        match action {
            Action::Deposit(amount) => chain.deposit(trader, amount.get()),
            Action::Withdraw(amount) => chain.withdraw(trader, amount.get()),
            Action::Increase(direction, notional) => chain.increase(trader, spoken(direction), notional.get()),
            Action::Decrease(size) => {
                let direction = self.seats[seat].position.open_direction().unwrap_or(Direction::Long);
                let part = match size {
                    DecreaseSize::Part(notional) => Some(notional.get()),
                    DecreaseSize::Whole => None,
                };
                chain.decrease(trader, spoken(direction), part)
            }
            Action::Liquidate => chain.liquidate(trader.position, self.seats[KEEPER].trader.tokens),
            Action::Accrue => chain.accrue(),
            Action::Provide(amount) => chain.deposit_liquidity(trader, self.shares, amount.get()),
            Action::Insure(amount) => chain.fund_insurance(trader, amount.get()),
        }
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

/// The direction as the program's arguments have it.
pub fn spoken(direction: Direction) -> PositionDirection {
    match direction {
        Direction::Long => PositionDirection::Long,
        Direction::Short => PositionDirection::Short,
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
