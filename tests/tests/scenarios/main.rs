//! Cases that run across instructions. A number in a test's name is that of the case in the protocol's list of cases.

mod accounts;
mod attacks_insurance;
mod attacks_market;
mod attacks_pool;
mod compromised_admin;
mod crew;
mod deleveraging;
mod first_rule;
mod funding;
mod harness;
mod histories;
mod liquidation;
mod liquidity;
mod oracle;
mod time;
mod trading;
mod wind_down;
mod worst_params;

use inverse_perps_tests::harness::prelude::*;

/// Both directions, so that a scenario is mirrored.
pub const BOTH: [PositionDirection; 2] = [Long, Short];

/// What somebody has: tokens and margin.
pub async fn wealth(chain: &Chain, trader: &Trader) -> u64 {
    chain.tokens(&trader.tokens).await + chain.position(&trader.position).await.state.margin.get()
}
