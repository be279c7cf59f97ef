//! Step 4: insurance is filled up to what the file says.

use super::{shortage, Standing, Step, Work};
use crate::deployment::{Deployment, Role};
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;
use perps::chain::{Chain, Failure};
use perps::client::accounts;
use perps::client::addresses::associated_tokens;
use perps::client::instructions::fund_insurance;
use perps::decimal::BITCOIN;

pub(super) fn look(chain: &dyn Chain, deployment: &Deployment) -> Result<Standing, Failure> {
    let Some(seed) = deployment.insurance else { return Ok(Standing::done("the file asks for no gift")) };
    let keys = deployment.market.keys();
    let market = match chain.accounts(&[keys.market])?.pop().flatten().map(|account| accounts::market(&account.data)) {
        Some(Err(error)) => return Ok(Standing::Blocked(format!("{error:#}"))),
        Some(Ok(market)) => Some(market),
        None => None,
    };
    let held = market.as_ref().map_or(Sats::ZERO, |market| market.state.ledger.insurance);
    let missing = seed.amount.less_or_zero(held);
    if missing.is_zero() {
        return Ok(Standing::done(format!("insurance has {} BTC", BITCOIN.short(held.get()))));
    }
    if market.as_ref().is_some_and(|market| market.state.status() == Status::Closed) {
        return Ok(Standing::Blocked(format!("the program refuses a gift: {}", Error::MarketClosed)));
    }
    let source = associated_tokens(&seed.seeder, &keys.mint);
    if let Some(shortage) = shortage(chain, source, &seed.seeder, missing.get())? {
        return Ok(Standing::Blocked(shortage));
    }
    let (have, want) = (BITCOIN.short(held.get()), BITCOIN.short(seed.amount.get()));
    Ok(Standing::Due(Work {
        what: format!("give {} BTC to insurance", BITCOIN.short(missing.get())),
        facts: vec![format!("it has {have} and is to have {want} BTC; what is given does not come back")],
        role: Role::Seeder,
        signer: seed.seeder,
        instructions: vec![fund_insurance(&keys, seed.seeder, source, missing.get())],
        after: market.is_none().then_some(Step::Market),
    }))
}
