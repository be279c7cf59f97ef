//! Step 2: the market.

use super::{Standing, Step, Work};
use crate::deployment::{Deployment, Role};
use inverse_perps::state::{Market, OracleSource};
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::Params;
use perps::chain::{Chain, Failure};
use perps::client::{accounts, exchange};
use perps::deployment::{feed_text, NewMarket};
use perps::parameters::changes;

pub(super) fn look(chain: &dyn Chain, deployment: &Deployment) -> Result<Standing, Failure> {
    let wanted = &deployment.market;
    let mut found = chain.accounts(&[wanted.keys().market, exchange()])?.into_iter();
    let (market, exchange) = (found.next().flatten(), found.next().flatten());
    if let Some(account) = market {
        return Ok(match accounts::market(&account.data) {
            Ok(stored) => judge(&stored, wanted),
            Err(error) => Standing::Blocked(format!("{}: {error:#}", wanted.keys().market)),
        });
    }
    let stored = match exchange.map(|account| accounts::exchange(&account.data)) {
        Some(Err(error)) => return Ok(Standing::Blocked(format!("{error:#}"))),
        Some(Ok(stored)) => Some(stored),
        None => None,
    };
    let admin = stored.as_ref().map_or(deployment.exchange.admin, |stored| stored.admin);
    if admin != deployment.exchange.admin {
        let said = deployment.exchange.admin;
        return Ok(Standing::Blocked(format!("the exchange's admin is {admin}, not the {said} of the file")));
    }
    let timelock = stored.as_ref().map_or(deployment.exchange.timelock, |stored| stored.timelock());
    if let Some(obstacle) = wanted.obstacle(chain, timelock)? {
        return Ok(Standing::Blocked(obstacle));
    }
    Ok(Standing::Due(Work {
        what: format!("create the market {}", wanted.keys().market),
        facts: facts(wanted),
        role: Role::Admin,
        signer: admin,
        instructions: vec![wanted.create(admin)],
        after: stored.is_none().then_some(Step::Exchange),
    }))
}

fn facts(wanted: &NewMarket) -> Vec<String> {
    let mut facts = vec![
        format!("mint {}, market {} of it, for good", wanted.mint, wanted.args.index),
        format!("{}, for good", oracle(&wanted.args.oracle)),
        format!("{}, for good", fills(wanted.args.instant_fills)),
    ];
    let params = &wanted.args.params;
    let others = changes(&Params::standard(), params);
    facts.extend(
        others
            .iter()
            .map(|field| format!("{} {} (standard: {})", field.name, field.text(params), field.text(&Params::standard()))),
    );
    let standard =
        if others.is_empty() { "every parameter is the standard one" } else { "every other parameter is the standard one" };
    facts.push(standard.to_owned());
    facts
}

fn oracle(source: &OracleSource) -> String {
    match source {
        OracleSource::PythPull { feed_id } => {
            format!("price of Pyth's feed {}", feed_text(feed_id))
        }
        OracleSource::PythLegacy { price_account } => format!("price of Pyth's legacy account {price_account}"),
    }
}

fn fills(instant: bool) -> &'static str {
    if instant {
        "fills at once and by orders"
    } else {
        "fills by orders alone"
    }
}

/// What is there against what is wanted: oracle and fills never change and must agree, parameters may have changed since.
fn judge(stored: &Market, wanted: &NewMarket) -> Standing {
    if stored.oracle_source() != wanted.args.oracle {
        let (is, said) = (oracle(&stored.oracle_source()), oracle(&wanted.args.oracle));
        return Standing::Blocked(format!(
            "the market takes the {is}, the file says {said}; that never changes, take another index"
        ));
    }
    let instant = stored.state.fills() == Fills::Instant;
    if instant != wanted.args.instant_fills {
        let (is, said) = (fills(instant), fills(wanted.args.instant_fills));
        return Standing::Blocked(format!("the market {is}, the file says it {said}; that never changes, take another index"));
    }
    let mut facts = vec![format!("the market {} is there", wanted.keys().market)];
    let (is, said) = (&stored.state.params, &wanted.args.params);
    facts.extend(changes(is, said).iter().map(|field| {
        format!(
            "its {} is {}, not the {} of the file: perps admin propose-params changes that",
            field.name,
            field.text(is),
            field.text(said)
        )
    }));
    Standing::Done(facts)
}
