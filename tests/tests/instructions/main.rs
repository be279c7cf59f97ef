//! One file an instruction: what it does, what it says, and every way in which it refuses.

mod accounts;
mod prices;

mod accrue_funding;
mod close_position_account;
mod create_market;
mod create_position;
mod decrease_position;
mod deposit_collateral;
mod deposit_liquidity;
mod fund_insurance;
mod increase_position;
mod initialize_exchange;
mod liquidate;
mod settle_position;
mod withdraw_collateral;

mod errors;
mod layout;
mod legacy_oracle;
