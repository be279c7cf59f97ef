//! `perps pool deposit`.

use super::worth::{leaving, shares_for};
use crate::commands::order::bound::{btc, SLIPPAGE_BPS};
use crate::commands::order::trader::ensure_wallet;
use crate::session::refused::refused;
use crate::session::{bitcoin_of, shares_of, Plan, Session, Watched};
use anyhow::{Context, Result};
use clap::Args;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::units::{Bps, Sats};
use perps::chain::Chain;
use perps::client::instructions::{deposit_liquidity, LiquidityDeposit};
use perps::client::tokens::create_associated_tokens;
use perps::decimal;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
Shares are priced at what the pool would be worth if its traders paid what they owe, at the dearest price of the last minute. The signer's \
token account for shares is created if it is missing.

Examples:
  perps pool deposit --btc 0.5
  perps pool deposit --btc 0.5 --slippage-bps 10 --dry-run";

/// What to deposit.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How much, from the signer's associated token account
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Sats,
    /// The fewest shares to take for it; they have 8 decimals
    #[arg(long, value_name = "SHARES", value_parser = decimal::bitcoin_or_zero, allow_negative_numbers = true, conflicts_with = "slippage_bps")]
    min_shares: Option<Sats>,
    /// How many fewer shares than expected to take, in basis points [default: 50]
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(0..10_000), allow_negative_numbers = true)]
    slippage_bps: Option<u32>,
}

/// Deposits into the pool.
///
/// # Errors
/// Too little in the wallet, the program's refusal, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (signer, market) = (session.address()?, session.market()?);
    let keys = &market.keys;
    ensure_wallet(session, &market, arguments.btc)?;
    let expected = shares_for(&market, arguments.btc).map_err(refused)?;
    let least = match arguments.min_shares {
        Some(least) => least.get(),
        None => less(Sats::new(expected), arguments.slippage_bps.unwrap_or(SLIPPAGE_BPS))?.get(),
    };
    let (source, destination) = (bitcoin_of(keys, &signer), shares_of(keys, &signer));
    let mut plan = Plan::new(format!("deposit {} into the pool", btc(arguments.btc)));
    if session.chain.accounts(&[destination])?.iter().all(Option::is_none) {
        plan.instructions.push(create_associated_tokens(signer, signer, keys.lp_mint));
        plan.terms.field("creates_share_account", true).row("creates", format!("token account {destination} for the shares"));
    }
    let deposit = LiquidityDeposit { depositor: signer, source, destination, price: market.price_account };
    plan.instructions.push(deposit_liquidity(keys, deposit, arguments.btc.get(), least));
    plan.terms.bitcoin("deposit", "amount", arguments.btc);
    plan.terms.field("expected_shares", expected).row("expected shares", decimal::BITCOIN.exact(expected));
    plan.terms.field("min_shares", least).row("at least", format!("{} shares", decimal::BITCOIN.exact(least)));
    let mut after = market.clone();
    after.state.ledger.pool = after.state.ledger.pool.plus(arguments.btc)?;
    after.state.pool_shares = after.state.pool_shares.checked_add(expected).context("there would be too many shares")?;
    if let Ok(worth) = leaving(&after, expected) {
        plan.terms.bitcoin("if it left at once", "worth_leaving", worth);
    }
    plan.watched = vec![Watched::Bitcoin(source), Watched::Shares(destination)];
    session.carry_out_and_tell(&market, plan, out)
}

/// An amount, so many basis points less, rounded up: it protects who asks for it.
pub fn less(amount: Sats, bps: u32) -> Result<Sats> {
    let left = Bps::ONE.minus(Bps::new(bps)).context("there are 10000 basis points in the whole")?;
    Ok(amount.times(left.to_ppb(), Rounding::Ceil)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_rounded_for_whom_it_protects() {
        assert_eq!(less(Sats::new(1_000_001), 50).unwrap(), Sats::new(995_001));
        assert_eq!(less(Sats::new(7), 0).unwrap(), Sats::new(7));
        assert_eq!(less(Sats::new(1), 9_999).unwrap(), Sats::new(1));
    }
}
