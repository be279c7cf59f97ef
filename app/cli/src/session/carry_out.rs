//! Shows what a transaction will do, asks, sends it and sees it through.

use super::effects::Effects;
use super::{Answer, Session, Watched};
use anyhow::{bail, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use perps::client::events::{self, Event};
use perps::decimal::SOL;
use perps::view::MarketView;
use serde_json::Value;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use std::io::{stderr, stdin, IsTerminal, Write};
use std::time::Duration;

const LAMPORTS_A_SIGNATURE: u64 = 5_000;

/// A transaction that a command wants.
pub struct Plan<'a> {
    /// What it does, as a sentence without an end.
    pub title: String,
    /// Exact amounts, shown before signing.
    pub terms: Answer,
    /// The instructions.
    pub instructions: Vec<Instruction>,
    /// The accounts whose change is shown.
    pub watched: Vec<Watched>,
    /// Who signs besides the payer.
    pub signers: Vec<&'a Keypair>,
}

impl Plan<'_> {
    /// A plan with nothing in it.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), terms: Answer::new(), instructions: vec![], watched: vec![], signers: vec![] }
    }
}

/// What became of a plan.
pub enum Done {
    /// It was only simulated, and everything is said.
    Simulated,
    /// It landed: the answer so far, to be completed and written, and what happened.
    Landed {
        /// The answer so far.
        answer: Answer,
        /// The program's events in it.
        events: Vec<Event>,
    },
}

impl Session {
    /// Simulates a plan, shows it, asks, sends it and waits until it has landed.
    ///
    /// # Errors
    /// The program's refusal, also of the simulation; no consent; those of the chain.
    pub fn carry_out(&self, market: &MarketView, plan: Plan, out: &mut dyn Write) -> Result<Done> {
        self.see_through(Some(market), plan, out)
    }

    /// The same for a plan that concerns no market.
    ///
    /// # Errors
    /// As `carry_out`; a failed write.
    pub fn carry_out_alone(&self, plan: Plan, out: &mut dyn Write) -> Result<()> {
        self.tell(self.see_through(None, plan, out)?, out)
    }

    fn see_through(&self, market: Option<&MarketView>, plan: Plan, out: &mut dyn Write) -> Result<Done> {
        let sender = self.sender()?.with(&plan.signers);
        let mut watched = plan.watched;
        watched.push(Watched::Sol(self.address()?));
        let wait = spinner("simulating");
        let prepared = sender.prepare(&plan.instructions, &Effects::addresses(market, &watched));
        wait.finish_and_clear();
        let prepared = prepared?;
        let effects = Effects::of(&self.chain, market, &watched, &prepared.simulated.accounts)?;

        let mut answer = Answer::new();
        answer.field("what", plan.title.clone());
        answer.append(plan.terms);
        effects.tell(&mut answer);
        let signatures = u64::try_from(plan.signers.len()).unwrap_or(0).saturating_add(1);
        let fee = signatures.saturating_mul(LAMPORTS_A_SIGNATURE).saturating_add(prepared.priority_lamports());
        answer.field("network_fee_lamports", fee).row("network fee", format!("{} SOL", SOL.short(fee)));
        answer.field("compute_units", prepared.simulated.units);

        if self.options.dry_run {
            answer.field("dry_run", true).field("events", to_json(&events::in_logs(&prepared.simulated.logs)));
            if !self.options.json {
                writeln!(out, "This would {}.", plan.title)?;
            }
            answer.write(self.options.json, out)?;
            return Ok(Done::Simulated);
        }
        if self.ask(&plan.title, &answer)? == Asked::OnTheScreen {
            answer.forget_rows();
        }
        let wait = spinner("sending; waiting until the cluster has confirmed it");
        let landed = sender.send_prepared(&prepared);
        wait.finish_and_clear();
        let landed = landed?;
        let events = events::in_logs(&landed.logs);
        answer.field("signature", landed.signature.to_string()).field("slot", landed.slot).field("events", to_json(&events));
        answer.row("signature", landed.signature.to_string());
        Ok(Done::Landed { answer, events })
    }

    /// Carries a plan out and writes its answer.
    ///
    /// # Errors
    /// As `carry_out`; a failed write.
    pub fn carry_out_and_tell(&self, market: &MarketView, plan: Plan, out: &mut dyn Write) -> Result<()> {
        self.tell(self.carry_out(market, plan, out)?, out)
    }

    fn tell(&self, done: Done, out: &mut dyn Write) -> Result<()> {
        match done {
            Done::Simulated => Ok(()),
            Done::Landed { answer, .. } => answer.write(self.options.json, out),
        }
    }

    /// Asks before signing. Where nobody can answer, `--yes` must have.
    fn ask(&self, title: &str, answer: &Answer) -> Result<Asked> {
        if self.options.yes {
            return Ok(Asked::Beforehand);
        }
        if !stdin().is_terminal() || self.options.json {
            bail!("this would {title}; there is nobody to ask, so say --yes, or --dry-run to see what would change");
        }
        let mut screen = stderr();
        writeln!(screen, "This will {title}:")?;
        answer.write_rows(&mut screen)?;
        write!(screen, "Sign and send? [y/N] ")?;
        screen.flush()?;
        let mut reply = String::new();
        stdin().read_line(&mut reply)?;
        if !matches!(reply.trim(), "y" | "Y" | "yes") {
            bail!("nothing was signed");
        }
        Ok(Asked::OnTheScreen)
    }
}

/// How consent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// With `--yes`.
    Beforehand,
    /// To what the screen shows.
    OnTheScreen,
}

fn to_json(events: &[Event]) -> Vec<Value> {
    events.iter().map(Event::to_json).collect()
}

/// A sign of life on stderr while the chain is waited for.
pub fn spinner(what: &'static str) -> ProgressBar {
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, target).with_style(style).with_message(what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
