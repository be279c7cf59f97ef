//! Does what is due, step by step.

use crate::deployment::{Deployment, Role};
use crate::plan::Planned;
use crate::steps::{Standing, Step, Work};
use anyhow::{bail, ensure, Context, Result};
use perps::chain::{Chain, Failure, Landed};
use perps::transaction::{Priority, Sender};
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a step waits for a price that the program takes.
const PRICE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(500);
/// Refusals that another price may end.
const OF_THE_PRICE: [&str; 4] = ["PriceTooOld", "ConfidenceTooWide", "PriceFarFromAverage", "PriceJumped"];

/// The keys of roles. Which of them a step needs shows when it is due.
#[derive(Default)]
pub struct Keys(BTreeMap<Role, Keypair>);

impl Keys {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, role: Role, key: Keypair) -> Self {
        self.0.insert(role, key);
        self
    }

    /// The key that signs a step's work.
    fn of(&self, work: &Work) -> Result<&Keypair> {
        let key = self.0.get(&work.role).with_context(|| {
            format!("{} must sign as {}: give its key with --keypair {}=FILE", work.signer, work.role, work.role)
        })?;
        let held = key.pubkey();
        ensure!(held == work.signer, "the key given for {} is that of {held}, not of {}", work.role, work.signer);
        Ok(key)
    }
}

/// A step that was done, or found done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// How it stands now.
    pub planned: Planned,
    /// The transaction that did it; none where there was nothing to do.
    pub landed: Option<Landed>,
}

/// Does every step that is due, in order, each after `consent`, which may refuse by an error. `tell` is told of each that is done, as
/// soon as it is. Stops at the first that cannot be done: what was done until then stays, and the next call goes on from there.
///
/// # Errors
/// A step that cannot be done, by its number; a missing key; those of the chain and of `consent`.
pub fn apply(
    chain: &dyn Chain,
    deployment: &Deployment,
    keys: &Keys,
    consent: &mut dyn FnMut(&Planned) -> Result<()>,
    tell: &mut dyn FnMut(&Applied) -> Result<()>,
) -> Result<()> {
    for step in Step::ALL {
        let number = step.number();
        let applied = one(chain, deployment, keys, consent, step).with_context(|| format!("step {number}, {}", step.name()))?;
        tell(&applied)?;
    }
    Ok(())
}

fn one(
    chain: &dyn Chain,
    deployment: &Deployment,
    keys: &Keys,
    consent: &mut dyn FnMut(&Planned) -> Result<()>,
    step: Step,
) -> Result<Applied> {
    let planned = Planned { step, standing: step.look(chain, deployment)? };
    let work = match &planned.standing {
        Standing::Done(_) => return Ok(Applied { planned, landed: None }),
        Standing::Blocked(why) => bail!("{why}"),
        Standing::Due(work) => work,
    };
    let key = keys.of(work)?;
    consent(&planned)?;
    let landed = send(&Sender::new(chain, key).at(Priority::default()), work)?;
    let standing = step.look(chain, deployment)?;
    ensure!(matches!(standing, Standing::Done(_)), "transaction {} landed and did not do it", landed.signature);
    Ok(Applied { planned: Planned { step, standing }, landed: Some(landed) })
}

/// Sends, again where the program refuses the price: the next one may do.
fn send(sender: &Sender, work: &Work) -> Result<Landed> {
    let deadline = Instant::now().checked_add(PRICE);
    loop {
        let failure = match sender.send(&work.instructions) {
            Ok(landed) => return Ok(landed),
            Err(failure) => failure,
        };
        let of_the_price = failure.refusal().is_some_and(|refusal| OF_THE_PRICE.iter().any(|name| refusal.is(name)));
        if !of_the_price || deadline.is_none_or(|deadline| Instant::now() > deadline) {
            return Err(with_logs(failure));
        }
        std::thread::sleep(AGAIN);
    }
}

/// A refusal without a message of the program is told with what the chain logged.
fn with_logs(failure: Failure) -> anyhow::Error {
    match &failure {
        Failure::Refused(refusal) if refusal.name.is_none() && !refusal.logs.is_empty() => {
            let logs = refusal.logs.join("\n  ");
            anyhow::Error::new(failure).context(format!("the chain logged\n  {logs}"))
        }
        _ => failure.into(),
    }
}
