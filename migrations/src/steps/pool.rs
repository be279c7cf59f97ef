//! Step 3: the first deposit to the pool.

use super::{shortage, Standing, Step, Work};
use crate::deployment::{Deployment, Role, Seed};
use inverse_perps_engine::errors::Error;
use perps::chain::{Chain, Failure};
use perps::client::addresses::associated_tokens;
use perps::client::instructions::{deposit_liquidity, LiquidityDeposit};
use perps::client::tokens::create_associated_tokens;
use perps::decimal::BITCOIN;
use perps::view::MarketView;

pub(super) fn look(chain: &dyn Chain, deployment: &Deployment) -> Result<Standing, Failure> {
    let Some(seed) = deployment.pool else { return Ok(Standing::done("the file asks for no deposit")) };
    let keys = deployment.market.keys();
    let market = match chain.accounts(&[keys.market])?.pop().flatten() {
        Some(_) => Some(MarketView::read(chain, &keys.market)?),
        None => None,
    };
    let state = market.as_ref().map(|view| &view.state);
    if let Some(state) = state.filter(|state| state.pool_shares > 0) {
        let (pool, shares) = (BITCOIN.short(state.ledger.pool.get()), BITCOIN.short(state.pool_shares));
        return Ok(Standing::done(format!("the pool has {pool} BTC and {shares} shares")));
    }
    if let Some(rule) = refusal(market.as_ref(), deployment, &seed) {
        return Ok(Standing::Blocked(format!("the program refuses {} BTC: {rule}", BITCOIN.short(seed.amount.get()))));
    }
    let source = associated_tokens(&seed.seeder, &keys.mint);
    if let Some(shortage) = shortage(chain, source, &seed.seeder, seed.amount.get())? {
        return Ok(Standing::Blocked(shortage));
    }
    let mut facts = vec![format!("its shares go to {}", associated_tokens(&seed.seeder, &keys.lp_mint))];
    if let Some(Err(rule)) = market.as_ref().map(|view| view.synced) {
        facts.push(format!("the price cannot be used at the moment ({rule}); the deposit waits for one that can"));
    }
    Ok(Standing::Due(work(deployment, &seed, facts, market.is_none())))
}

fn work(deployment: &Deployment, seed: &Seed, facts: Vec<String>, after_market: bool) -> Work {
    let (keys, amount) = (deployment.market.keys(), seed.amount.get());
    let deposit = LiquidityDeposit {
        depositor: seed.seeder,
        source: associated_tokens(&seed.seeder, &keys.mint),
        destination: associated_tokens(&seed.seeder, &keys.lp_mint),
        price: deployment.market.price,
    };
    Work {
        what: format!("deposit {} BTC into the pool", BITCOIN.short(amount)),
        facts,
        role: Role::Seeder,
        signer: seed.seeder,
        instructions: vec![
            create_associated_tokens(seed.seeder, seed.seeder, keys.lp_mint),
            // The first deposit gets a share a satoshi: fewer mean that somebody else was first.
            deposit_liquidity(&keys, deposit, amount, amount),
        ],
        after: after_market.then_some(Step::Market),
    }
}

/// The rule of the program that a deposit would break whatever the price is.
fn refusal(market: Option<&MarketView>, deployment: &Deployment, seed: &Seed) -> Option<Error> {
    let params = market.map_or(&deployment.market.args.params, |view| &view.state.params);
    let standing = match market {
        Some(view) => view.state.ensure_risk_allowed(view.moment.time).and_then(|()| view.state.lifecycle.ensure_active()),
        None => Ok(()),
    };
    let small = (seed.amount < params.min_first_deposit).then_some(Error::BelowMinFirstDeposit);
    let large = (seed.amount > params.max_pool).then_some(Error::PoolCapExceeded);
    standing.err().or(small).or(large)
}
