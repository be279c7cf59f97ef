//! The program's rules, said before it has to: by the same engine, under the same names, with what to do.

use inverse_perps::errors::PerpError;
use inverse_perps_engine::errors::Error;
use perps::chain::Failure;
use perps::client::refusal::Refusal;

macro_rules! list {
    ($($name:ident = $message:literal,)*) => {
        const RULES: &[Error] = &[$(Error::$name,)*];
    };
}
inverse_perps_engine::for_each_engine_error!(list);

/// The rule that an event names by the program's error code.
pub fn rule(error_code: u64) -> Option<Error> {
    RULES.iter().copied().find(|rule| u64::from(u32::from(PerpError::from(*rule))) == error_code)
}

/// What to do about a rule that is broken, where the rule itself does not say it.
fn advice(error: Error) -> Option<&'static str> {
    Some(match error {
        Error::MarginBelowInitial | Error::MarginBelowFee | Error::MarginBelowTip | Error::MarginBelowMaintenance => {
            "add margin (perps position deposit), or ask for less"
        }
        Error::OppositeDirection => "perps position close does that; another --sub-account can hold the other side",
        Error::OrderPending => "perps order list shows it",
        Error::ReserveExceeded | Error::SideCapExceeded => "perps market show says how much still fits",
        Error::ClaimUnredeemed => "a keeper redeems it, or perps keeper run does",
        Error::PriceTooOld => "wait for the next price; perps market show says how old this one is",
        Error::PriceJumped | Error::PriceFarFromAverage | Error::ConfidenceTooWide => "wait until the market is calmer",
        Error::OrderTipOutOfBounds => "perps market show --params has the bounds; choose another --tip",
        Error::NoOpenPosition => "perps position show says what there is",
        Error::ReductionTooLarge => "leave --notional out to close all of it",
        _ => return None,
    })
}

/// A rule that what is asked for would break, as the program itself would refuse it.
pub fn refused(error: Error) -> anyhow::Error {
    refused_with(error, None)
}

/// The same with what helps in this case.
pub fn refused_with(error: Error, hint: Option<String>) -> anyhow::Error {
    refusal(error.into(), hint.into_iter().chain(advice(error).map(str::to_owned)))
}

/// The same of a rule that is the program's alone, with what to do.
pub fn refused_by_program(error: PerpError, hint: &str) -> anyhow::Error {
    refusal(error, [hint.to_owned()])
}

fn refusal(error: PerpError, hints: impl IntoIterator<Item = String>) -> anyhow::Error {
    let message = [error.to_string()].into_iter().chain(hints).collect::<Vec<_>>().join("; ");
    let name = Some(format!("{error:?}"));
    anyhow::Error::new(Failure::Refused(Refusal { code: Some(error.into()), name, message, logs: vec![] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_leads_to_its_rule() {
        // Anchor counts a program's errors from 6,000 on, in the order of their list.
        assert_eq!(rule(6_000), Some(Error::Overflow));
        assert_eq!(rule(6_001), Some(Error::PriceNotPositive));
        assert_eq!(rule(0), None);
        assert_eq!(rule(5_999), None);
        for error in RULES {
            assert_eq!(rule(u64::from(u32::from(PerpError::from(*error)))), Some(*error));
        }
    }

    #[test]
    fn a_broken_rule_is_the_program_s_refusal() {
        let error = refused(Error::MarginBelowInitial);
        let refusal = error.downcast_ref::<Failure>().and_then(Failure::refusal).unwrap();
        assert!(refusal.is("MarginBelowInitial"));
        assert!(refusal.message.contains("below initial margin; add margin"), "{refusal}");
    }
}
