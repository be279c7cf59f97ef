//! `perps admin collect-fees`, `fund-insurance`, `donate-liquidity`.

use super::stored_exchange;
use crate::session::{bitcoin_of, Plan, Session, Watched};
use anyhow::{ensure, Result};
use clap::Args;
use inverse_perps_engine::units::Sats;
use perps::chain::Chain;
use perps::client::instructions;
use perps::client::tokens::create_associated_tokens;
use perps::client::MarketKeys;
use perps::decimal::{self, BITCOIN};
use solana_address::Address;
use solana_instruction::Instruction;
use std::io::Write;

/// Examples for `--help`.
pub(super) const COLLECT_EXAMPLES: &str = "\
They go to the associated token account of the recipient named when the exchange was made; it is created, at the caller's cost, if it is not \
there.

Examples:
  perps admin collect-fees --dry-run
  perps admin collect-fees";

/// Examples for `--help`.
pub(super) const INSURANCE_EXAMPLES: &str = "\
What is given does not come back.

Examples:
  perps admin fund-insurance --btc 0.25 --dry-run
  perps admin fund-insurance --btc 0.25";

/// Examples for `--help`.
pub(super) const POOL_EXAMPLES: &str = "\
What is given does not come back, and mints no shares; `perps pool deposit` does.

Examples:
  perps admin donate-liquidity --btc 0.25 --dry-run";

/// A gift.
#[derive(Debug, Args)]
pub struct Gift {
    /// How much, in bitcoin, out of one's associated token account
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Sats,
}

/// Pays the protocol's fees out.
///
/// # Errors
/// Nothing to pay out; the program's refusals; those of the chain.
pub fn collect(session: &Session, out: &mut dyn Write) -> Result<()> {
    let (market, recipient) = (session.market()?, stored_exchange(session)?.fee_recipient);
    let fees = market.state.ledger.protocol_fees;
    ensure!(!fees.is_zero(), "the market {} has no fees to pay out", market.keys.market);
    let destination = bitcoin_of(&market.keys, &recipient);
    let mut plan = Plan::new(format!("pay {} BTC of fees out to their recipient", BITCOIN.short(fees.get())));
    plan.terms.bitcoin("fees", "fees", fees).address("recipient", "recipient", recipient);
    plan.terms.address("to", "destination", destination);
    if session.chain.accounts(&[destination])?.iter().all(Option::is_none) {
        plan.instructions.push(create_associated_tokens(session.address()?, recipient, market.keys.mint));
    }
    plan.instructions.push(instructions::collect_protocol_fees(&market.keys, destination));
    plan.watched = vec![Watched::Governed(market.keys.market), Watched::Bitcoin(destination)];
    session.carry_out_and_tell(&market, plan, out)
}

/// Gives to insurance.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn fund_insurance(gift: &Gift, session: &Session, out: &mut dyn Write) -> Result<()> {
    give(gift, session, "insurance", instructions::fund_insurance, out)
}

/// Gives to the pool.
///
/// # Errors
/// The program's refusals; those of the chain.
pub fn donate_liquidity(gift: &Gift, session: &Session, out: &mut dyn Write) -> Result<()> {
    give(gift, session, "the pool, for everybody who has a share of it", instructions::donate_liquidity, out)
}

fn give(
    gift: &Gift,
    session: &Session,
    to: &str,
    instruction: fn(&MarketKeys, Address, Address, u64) -> Instruction,
    out: &mut dyn Write,
) -> Result<()> {
    let (market, donor) = (session.market()?, session.address()?);
    let source = bitcoin_of(&market.keys, &donor);
    let held = session.tokens(&source)?;
    let (amount, short) = (gift.btc.get(), BITCOIN.short(gift.btc.get()));
    ensure!(held >= amount, "{source} holds {} BTC, less than the {short} BTC to give", BITCOIN.short(held));
    let mut plan = Plan::new(format!("give {short} BTC to {to}"));
    plan.terms.bitcoin("gift", "gift", gift.btc).address("from", "source", source);
    plan.instructions = vec![instruction(&market.keys, donor, source, amount)];
    plan.watched = vec![Watched::Bitcoin(source), Watched::Governed(market.keys.market)];
    session.carry_out_and_tell(&market, plan, out)
}
