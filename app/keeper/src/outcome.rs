//! What came of a task.

use perps::chain::Failure;
use perps::client::refusal::Refusal;
use solana_signature::Signature;

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It landed.
    Landed {
        /// The transaction.
        signature: Signature,
        /// The slot it landed in.
        slot: u64,
        /// What it paid the keeper, by its events, in satoshi.
        reward_sats: u64,
        /// What it cost, in lamports.
        fee_lamports: u64,
    },
    /// A simulation refused it, so it was not sent.
    Refused(Why),
    /// It was sent and then refused: somebody was faster, or the chain moved on.
    Beaten(Why),
    /// It was sent and never landed; nor will it.
    Expired(Signature),
    /// It would cost more than it pays, or pay less than the least reward.
    Unprofitable {
        /// What it would pay, in satoshi.
        reward_sats: u64,
        /// What it would have to pay, in satoshi.
        least_sats: u64,
    },
    /// Something that it needs is not there yet.
    Waiting(&'static str),
    /// The node did not answer.
    Unreachable(String),
    /// It would have been sent, were this not a trial.
    WouldSend {
        /// What it would have paid, in satoshi.
        reward_sats: u64,
    },
    /// This keeper has a bug.
    Crashed,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The error's name, for counting: the program's, or `code_` and its number, or `other`.
    pub name: String,
    /// What to tell the operator.
    pub message: String,
    /// Whether there is nothing left to do until something changes.
    pub is_over: bool,
}

/// Errors that say that there is nothing left to do: somebody else has done it, or the state is another by now.
const OVER: [&str; 21] = [
    "NotLiquidatable",
    "NoOpenPosition",
    "PositionNotEmpty",
    "OrderNotPending",
    "OrderNotResting",
    "OrderPending",
    "OrderVoid",
    "OrderExpired",
    "TriggerNotReached",
    "DeleverageNotDue",
    "MarketSettling",
    "MarketClosed",
    "MarketNotSettling",
    "OracleAlreadyDead",
    "OracleNotDead",
    "GracePeriodOver",
    "PriceNotNewer",
    "NoClaim",
    // Anchor's, for an account that has been closed.
    "AccountNotInitialized",
    "AccountOwnedByWrongProgram",
    "AccountDiscriminatorNotFound",
];

impl Why {
    /// Of a refusal.
    pub fn of(refusal: &Refusal) -> Self {
        let name = match (&refusal.name, refusal.code) {
            (Some(name), _) => name.clone(),
            (None, Some(code)) => format!("code_{code}"),
            (None, None) => "other".to_owned(),
        };
        let is_over = OVER.contains(&name.as_str());
        Self { name, message: refusal.message.clone(), is_over }
    }
}

impl Outcome {
    /// Of a failure before anything was sent.
    pub fn before_sending(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Outcome::Refused(Why::of(&refusal)),
            Failure::Missing(message) => Outcome::Refused(Why { name: "missing".to_owned(), message, is_over: true }),
            Failure::Expired(signature) => Outcome::Expired(signature),
            Failure::Unavailable(why) => Outcome::Unreachable(why),
        }
    }

    /// Of a failure after sending.
    pub fn after_sending(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Outcome::Beaten(Why::of(&refusal)),
            other => Self::before_sending(other),
        }
    }

    /// Its name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Landed { .. } => "landed",
            Outcome::Refused(_) => "refused",
            Outcome::Beaten(_) => "rival",
            Outcome::Expired(_) => "expired",
            Outcome::Unprofitable { .. } => "unprofitable",
            Outcome::Waiting(_) => "waiting",
            Outcome::Unreachable(_) => "unreachable",
            Outcome::WouldSend { .. } => "would_send",
            Outcome::Crashed => "crashed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: Option<&str>, code: Option<u32>) -> Refusal {
        Refusal { code, name: name.map(str::to_owned), message: "why".to_owned(), logs: vec![] }
    }

    #[test]
    fn a_refusal_is_a_rival_s_only_once_the_transaction_was_sent() {
        let refused = || Failure::Refused(refusal(Some("NotLiquidatable"), Some(6_026)));
        assert_eq!(Outcome::before_sending(refused()).name(), "refused");
        assert_eq!(Outcome::after_sending(refused()).name(), "rival");
    }

    #[test]
    fn what_is_over_is_told_from_what_may_be_tried_again() {
        for (name, over) in
            [("NotLiquidatable", true), ("AccountNotInitialized", true), ("PriceTooOld", false), ("NotFirstUpdate", false)]
        {
            assert_eq!(Why::of(&refusal(Some(name), None)).is_over, over, "{name}");
        }
    }

    #[test]
    fn refusals_are_counted_by_the_best_name_there_is() {
        assert_eq!(Why::of(&refusal(Some("OrderVoid"), Some(6_053))).name, "OrderVoid");
        assert_eq!(Why::of(&refusal(None, Some(1))).name, "code_1");
        assert_eq!(Why::of(&refusal(None, None)).name, "other");
    }

    #[test]
    fn every_name_of_what_is_over_is_one_that_a_program_uses() {
        let mut names: Vec<String> = vec![];
        macro_rules! collect {
            ($($name:ident = $message:literal,)*) => { $(names.push(stringify!($name).to_owned());)* };
        }
        inverse_perps_engine::for_each_engine_error!(collect);
        let of_anchor = ["AccountNotInitialized", "AccountOwnedByWrongProgram", "AccountDiscriminatorNotFound"];
        for name in OVER {
            assert!(names.iter().any(|known| known == name) || of_anchor.contains(&name), "{name}");
        }
    }
}
