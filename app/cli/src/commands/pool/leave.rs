//! `perps pool request`, `complete` and `cancel`.

use super::deposit::less;
use super::requests::{self, Request};
use super::worth::{leaving, shares_worth};
use crate::commands::order::bound::{btc, SLIPPAGE_BPS};
use crate::session::refused::refused;
use crate::session::words::{span, utc};
use crate::session::{bitcoin_of, shares_of, Plan, Session, Watched};
use anyhow::{bail, ensure, Context, Result};
use clap::Args;
use inverse_perps_engine::errors::Error;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;
use perps::chain::Chain;
use perps::client::instructions::{cancel_withdrawal, complete_withdrawal, request_withdrawal, Leaving};
use perps::client::tokens::create_associated_tokens;
use perps::decimal::{self, BITCOIN};
use perps::view::MarketView;
use solana_address::Address;
use std::io::Write;

/// Examples for `--help`.
pub(super) const REQUEST_EXAMPLES: &str = "\
Queued shares carry the pool's risk until they leave, and back no new positions. What they are paid is settled when the withdrawal is \
completed, so --btc is what they are worth now.

Examples:
  perps pool request --all
  perps pool request --btc 0.25
  perps pool request --shares 0.1 --dry-run";

/// Examples for `--help`.
pub(super) const COMPLETE_EXAMPLES: &str = "\
Without --id the one withdrawal is completed that can be. The signer's token account for bitcoin is created if it is missing.

Examples:
  perps pool complete
  perps pool complete --id 0 --slippage-bps 10";

/// Examples for `--help`.
pub(super) const CANCEL_EXAMPLES: &str = "\
At any time; after its window a withdrawal can only be taken back.

Examples:
  perps pool cancel
  perps pool cancel --id 0";

/// How much to queue.
#[derive(Debug, Args)]
pub struct RequestArguments {
    #[command(flatten)]
    amount: Amount,
}

#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Amount {
    /// So many shares; they have 8 decimals
    #[arg(long, value_name = "SHARES", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    shares: Option<Sats>,
    /// As many shares as would be paid so much now
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin, allow_negative_numbers = true)]
    btc: Option<Sats>,
    /// Every share that the signer holds
    #[arg(long)]
    all: bool,
}

/// What to complete.
#[derive(Debug, Args)]
pub struct CompleteArguments {
    /// Which withdrawal [default: the one that can be completed]
    #[arg(long, value_name = "ID")]
    id: Option<u64>,
    /// The least to take for it
    #[arg(long, value_name = "BTC", value_parser = decimal::bitcoin_or_zero, allow_negative_numbers = true, conflicts_with = "slippage_bps")]
    min_btc: Option<Sats>,
    /// How much less than expected to take, in basis points [default: 50]
    #[arg(long, value_name = "BPS", value_parser = clap::value_parser!(u32).range(0..10_000), allow_negative_numbers = true)]
    slippage_bps: Option<u32>,
}

/// What to take back.
#[derive(Debug, Args)]
pub struct CancelArguments {
    /// Which withdrawal [default: the only one]
    #[arg(long, value_name = "ID")]
    id: Option<u64>,
}

/// Queues shares.
///
/// # Errors
/// Too few shares, the program's refusal, those of the chain, and a failed write.
pub fn request(arguments: &RequestArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (signer, market) = (session.address()?, session.market()?);
    let keys = &market.keys;
    let source = shares_of(keys, &signer);
    let held = session.tokens(&source)?;
    ensure!(held > 0, "{signer} has no shares of this pool in {source}; perps pool show says what is queued");
    let shares = arguments.amount.shares_of(&market, held)?;

    let taken: Vec<u64> = requests::of(session, &market, &signer)?.iter().map(|request| request.account.id).collect();
    let id = (0..).find(|id| !taken.contains(id)).context("there is no id left")?;
    let mut plan = Plan::new(format!("queue {} shares for withdrawal {id}", BITCOIN.short(shares)));
    plan.instructions.push(request_withdrawal(keys, signer, source, id, shares));
    plan.terms.field("id", id).address("withdrawal", "withdrawal", keys.withdrawal(&signer, id));
    plan.terms.field("shares", shares).row("shares", BITCOIN.exact(shares));
    match leaving(&market, shares) {
        Ok(worth) => plan.terms.bitcoin("worth now", "worth_leaving", worth),
        Err(rule) => plan.terms.row("worth now", format!("could not leave at this moment: {rule}")),
    };
    let (params, now) = (&market.state.params, market.moment.time);
    let from = now.after(params.cool_down)?;
    plan.terms.field("from_unix", from.get()).field("until_unix", from.after(params.withdrawal_window)?.get());
    plan.terms.row(
        "can be completed",
        format!("from about {}, for {}", utc(from.get()), span(i64::from(params.withdrawal_window.get()))),
    );
    plan.watched = vec![Watched::Shares(source)];
    session.carry_out_and_tell(&market, plan, out)
}

impl Amount {
    fn shares_of(&self, market: &MarketView, held: u64) -> Result<u64> {
        if let Some(shares) = self.shares.map(Sats::get) {
            ensure!(
                shares <= held,
                "{} shares are asked for and {} held: {} are missing",
                BITCOIN.short(shares),
                BITCOIN.short(held),
                BITCOIN.short(shares.saturating_sub(held))
            );
            return Ok(shares);
        }
        let Some(amount) = self.btc else { return Ok(held) };
        match shares_worth(market, amount, held).map_err(refused)? {
            Some(shares) => Ok(shares),
            None => bail!(
                "the {} shares held would be paid {}, less than {}; take --all",
                BITCOIN.short(held),
                btc(leaving(market, held).map_err(refused)?),
                btc(amount)
            ),
        }
    }
}

/// Completes a withdrawal.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn complete(arguments: &CompleteArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (signer, market) = (session.address()?, session.market()?);
    let keys = &market.keys;
    let found = requests::of(session, &market, &signer)?;
    let request = chosen(&found, arguments.id, &signer, |request| request.pays.is_ok())?;
    let expected = match request.pays {
        Ok(expected) => expected,
        Err(rule) => {
            let state = match rule {
                Error::CoolDownNotOver | Error::WithdrawalLapsed => request.state(&market),
                _ => "cannot be completed now".to_owned(), // the rule says why
            };
            return Err(refused(rule).context(format!("withdrawal {} {state}", request.account.id)));
        }
    };
    let least = match arguments.min_btc {
        Some(least) => least,
        None => less(expected, arguments.slippage_bps.unwrap_or(SLIPPAGE_BPS))?,
    };
    let destination = bitcoin_of(keys, &signer);
    let mut plan = Plan::new(format!("complete withdrawal {}", request.account.id));
    if session.chain.accounts(&[destination])?.iter().all(Option::is_none) {
        plan.instructions.push(create_associated_tokens(signer, signer, keys.mint));
    }
    let leaving = Leaving { owner: signer, id: request.account.id, destination };
    let price = (market.state.status() == Status::Active).then_some(market.price_account);
    plan.instructions.push(complete_withdrawal(keys, leaving, price, least.get()));
    plan.terms.field("id", request.account.id).address("withdrawal", "withdrawal", request.address);
    plan.terms.field("shares", request.account.state.shares).row("shares", BITCOIN.exact(request.account.state.shares));
    plan.terms.bitcoin("expected", "expected", expected).bitcoin("at least", "least", least);
    plan.watched = vec![Watched::Bitcoin(destination)];
    session.carry_out_and_tell(&market, plan, out)
}

/// Takes queued shares back.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn cancel(arguments: &CancelArguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (signer, market) = (session.address()?, session.market()?);
    let keys = &market.keys;
    let found = requests::of(session, &market, &signer)?;
    let request = chosen(&found, arguments.id, &signer, |_| true)?;
    let destination = shares_of(keys, &signer);
    let mut plan = Plan::new(format!("take the shares of withdrawal {} back", request.account.id));
    if session.chain.accounts(&[destination])?.iter().all(Option::is_none) {
        plan.instructions.push(create_associated_tokens(signer, signer, keys.lp_mint));
    }
    plan.instructions.push(cancel_withdrawal(keys, Leaving { owner: signer, id: request.account.id, destination }));
    plan.terms.field("id", request.account.id).address("withdrawal", "withdrawal", request.address);
    plan.terms.field("shares", request.account.state.shares).row("shares", BITCOIN.exact(request.account.state.shares));
    plan.watched = vec![Watched::Shares(destination)];
    session.carry_out_and_tell(&market, plan, out)
}

/// The withdrawal that is meant: the one named, or the only one that fits, or the only one there is.
fn chosen<'a>(found: &'a [Request], id: Option<u64>, owner: &Address, fits: impl Fn(&Request) -> bool) -> Result<&'a Request> {
    let ids = || found.iter().map(|request| request.account.id.to_string()).collect::<Vec<_>>().join(", ");
    if let Some(id) = id {
        let named = found.iter().find(|request| request.account.id == id);
        return named.with_context(|| format!("{owner} has no withdrawal {id} in this market; there are: {}", ids()));
    }
    let fitting: Vec<&Request> = found.iter().filter(|request| fits(request)).collect();
    match (fitting.as_slice(), found) {
        (_, []) => bail!("{owner} has no withdrawal in this market; perps pool request queues one"),
        ([one], _) => Ok(one),
        ([], [one]) => Ok(one),
        _ => bail!("there are several withdrawals, so say which with --id: {}", ids()),
    }
}
