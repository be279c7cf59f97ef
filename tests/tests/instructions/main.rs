//! One file an instruction: what it does, what it says, and every way in which it refuses.

mod accounts;
mod prices;
mod settlements;

mod accrue_funding;
mod admin_transfer;
mod close_position_account;
mod closed_market;
mod create_market;
mod create_position;
mod dead_oracle;
mod decrease_position;
mod delegate;
mod deleverage;
mod deposit_collateral;
mod deposit_liquidity;
mod donate;
mod increase_position;
mod initialize_exchange;
mod liquidate;
mod mint_safety;
mod orders;
mod params_bounds;
mod params_update;
mod pause;
mod pay_out;
mod raised_margins;
mod security_txt;
mod settle_position;
mod settlement;
mod while_settling;
mod withdraw_collateral;
mod withdrawal;
mod withdrawal_window;

mod errors;
mod layout;
mod legacy_oracle;
