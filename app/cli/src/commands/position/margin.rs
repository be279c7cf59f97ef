//! `perps position deposit` and `withdraw`.

use super::prospect::worse;
use crate::commands::order::bound::btc;
use crate::commands::order::trader::{ensure_wallet, Held, Whose};
use crate::session::refused::{refused, refused_with};
use crate::session::{bitcoin_of, Plan, Session, Watched};
use anyhow::{ensure, Result};
use clap::Args;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::Sats;
use perps::chain::Chain;
use perps::client::instructions::{create_position, deposit_collateral, withdraw_collateral, Withdrawal};
use perps::client::tokens::create_associated_tokens;
use perps::decimal;
use perps::view::PositionView;
use std::io::Write;

/// Examples for `--help`.
pub(super) const DEPOSIT_EXAMPLES: &str = "\
Anyone can add margin to any position. The signer's own is created if it is missing.

Examples:
  perps position deposit --btc 0.05
  perps position deposit --btc 0.05 --sub-account 1 --dry-run";

/// Examples for `--help`.
pub(super) const WITHDRAW_EXAMPLES: &str = "\
Beside an open position initial margin must be left at the worst price of the last minute, and profit on paper does not count. --max \
leaves room for the price to move by a fifth of a percent until it lands. The owner's associated token account is paid.

Examples:
  perps position withdraw --btc 0.01
  perps position withdraw --max";

/// How far the price may move until a withdrawal of all that can be withdrawn lands.
const ROOM_BPS: u32 = 20;

/// What to add.
#[derive(Debug, Args)]
pub struct DepositArguments {
    /// How much, from the signer's associated token account
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Sats,
    #[command(flatten)]
    whose: Whose,
}

/// What to take out.
#[derive(Debug, Args)]
pub struct WithdrawArguments {
    #[command(flatten)]
    amount: Amount,
    /// Which of the owner's positions in the market
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    sub_account: u16,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Amount {
    /// How much
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Option<Sats>,
    /// As much as can be
    #[arg(long)]
    max: bool,
}

/// Adds margin.
///
/// # Errors
/// Too little in the wallet, the program's refusal, those of the chain, and a failed write.
pub fn deposit(arguments: &DepositArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let held = arguments.whose.find(session)?;
    let (market, keys) = (&held.market, &held.market.keys);
    ensure_wallet(session, market, arguments.btc)?;
    let mut plan = Plan::new(format!("add {} of margin", btc(arguments.btc)));
    if held.stored.is_none() {
        held.ensure_trades(&signer)?;
        plan.instructions.push(create_position(keys, signer, held.sub_account));
    }
    let source = bitcoin_of(keys, &signer);
    plan.instructions.push(deposit_collateral(keys, signer, held.address, source, arguments.btc.get()));
    plan.terms.address("position account", "position", held.address).bitcoin("amount", "amount", arguments.btc);
    plan.watched = vec![Watched::Position(held.address), Watched::Bitcoin(source)];
    session.carry_out_and_tell(market, plan, out)
}

/// Takes margin out.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn withdraw(arguments: &WithdrawArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let held = Whose { owner: None, sub_account: arguments.sub_account }.find(session)?;
    let (market, keys, position) = (&held.market, &held.market.keys, held.existing()?);
    position.state.ensure_no_pending(&market.state.lifecycle).map_err(refused)?;
    let most = most(&held, &position)?;
    let amount = arguments.amount.btc.unwrap_or(most);
    ensure_withdrawable(&held, &position, amount)?;
    ensure!(!amount.is_zero(), "nothing can be withdrawn now; perps position show says what the margin is needed for");
    let destination = bitcoin_of(keys, &signer);
    let mut plan = Plan::new(format!("withdraw {}", btc(amount)));
    if session.chain.accounts(&[destination])?.iter().all(Option::is_none) {
        plan.instructions.push(create_associated_tokens(signer, signer, keys.mint));
    }
    let price = position.state.open_direction().map(|_| market.price_account);
    let withdrawal = Withdrawal { owner: signer, position: held.address, destination, price };
    plan.instructions.push(withdraw_collateral(keys, withdrawal, amount.get()));
    plan.terms.address("position account", "position", held.address).bitcoin("amount", "amount", amount);
    plan.watched = vec![Watched::Position(held.address), Watched::Bitcoin(destination)];
    session.carry_out_and_tell(market, plan, out)
}

/// That so much can be withdrawn at the prices of now.
fn ensure_withdrawable(held: &Held, position: &PositionView, amount: Sats) -> Result<()> {
    let marks = match position.state.open_direction() {
        Some(_) => Some(held.market.marks_for(PriceUse::Withdrawal).map_err(refused)?),
        None => None,
    };
    let most = position.withdrawable_at(&held.market, marks.as_ref())?;
    let rule = if amount > position.state.free_margin()? { Error::MarginBelowAmount } else { Error::MarginBelowInitial };
    match amount > most {
        true => Err(refused_with(rule, Some(format!("at most {} can be withdrawn now", btc(most))))),
        false => Ok(()),
    }
}

/// The most that can be withdrawn even if the price moves a little; all that is free of a flat position.
fn most(held: &Held, position: &PositionView) -> Result<Sats> {
    let market = &held.market;
    if position.state.open_direction().is_none() {
        return Ok(position.state.free_margin()?);
    }
    let marks = worse(market.marks_for(PriceUse::Withdrawal).map_err(refused)?, ROOM_BPS)?;
    Ok(position.withdrawable_at(market, Some(&marks))?)
}
