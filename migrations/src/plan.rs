//! What every step would do, on the chain as it is.

use crate::deployment::Deployment;
use crate::steps::{Standing, Step};
use anyhow::Result;
use perps::chain::{Chain, Failure};
use serde_json::{json, Value};
use std::io::Write;

/// One step and how it stands.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// How it stands.
    pub standing: Standing,
}

/// Every step and how it stands.
#[derive(Clone, Debug)]
pub struct Plan(pub Vec<Planned>);

/// Looks at the chain and says what each step would do. Nothing is signed, and no key is needed.
///
/// # Errors
/// Those of the chain.
pub fn plan(chain: &dyn Chain, deployment: &Deployment) -> Result<Plan, Failure> {
    let mut planned: Vec<Planned> = vec![];
    for step in Step::ALL {
        let standing = step.look(chain, deployment)?;
        let blocked = |earlier: Step| planned.iter().any(|one| one.step == earlier && one.standing.is_blocked());
        let standing = match standing {
            Standing::Due(work) if work.after.is_some_and(blocked) => Standing::Blocked(
                work.after.map_or_else(String::new, |earlier| format!("step {} comes before it", earlier.number())),
            ),
            standing => standing,
        };
        planned.push(Planned { step, standing });
    }
    Ok(Plan(planned))
}

impl Plan {
    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.0.iter().all(|planned| matches!(planned.standing, Standing::Done(_)))
    }

    /// The first step that cannot be done.
    pub fn first_blocked(&self) -> Option<Step> {
        self.0.iter().find(|planned| planned.standing.is_blocked()).map(|planned| planned.step)
    }

    /// The steps as JSON.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(Planned::to_json).collect()
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, out: &mut dyn Write) -> Result<()> {
        self.0.iter().try_for_each(|planned| planned.write(out))
    }
}

impl Planned {
    /// The step as JSON.
    pub fn to_json(&self) -> Value {
        let mut said = json!({ "step": self.step.number(), "name": self.step.name(), "standing": self.standing.name() });
        let mut put = |name: &str, value: Value| {
            if let Some(fields) = said.as_object_mut() {
                fields.insert(name.to_owned(), value);
            }
        };
        match &self.standing {
            Standing::Done(facts) => put("facts", json!(facts)),
            Standing::Blocked(why) => put("why", json!(why)),
            Standing::Due(work) => {
                put("what", json!(work.what));
                put("facts", json!(work.facts));
                put("role", json!(work.role.name()));
                put("signer", json!(work.signer.to_string()));
                put("after", json!(work.after.map(Step::number)));
            }
        }
        said
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, out: &mut dyn Write) -> Result<()> {
        let head = format!("{} {:<10} {:<9}", self.step.number(), self.step.name(), self.standing.words());
        let mut line = |text: &str, first: bool| {
            let margin = if first { head.clone() } else { " ".repeat(head.len()) };
            writeln!(out, "{margin} {text}")
        };
        match &self.standing {
            Standing::Blocked(why) => line(why, true)?,
            Standing::Done(facts) => {
                for (place, fact) in facts.iter().enumerate() {
                    line(fact, place == 0)?;
                }
            }
            Standing::Due(work) => {
                line(&work.what, true)?;
                for fact in &work.facts {
                    line(fact, false)?;
                }
                line(&format!("signed and paid by {} {}", work.role, work.signer), false)?;
            }
        }
        Ok(())
    }
}
