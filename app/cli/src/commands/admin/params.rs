//! `perps admin propose-params`, `execute-params`, `cancel-params`.

use super::show::{pending, tell_changes};
use super::stored_exchange;
use crate::commands::market::create::read_file;
use crate::session::refused::{refused, refused_by_program, refused_with};
use crate::session::words::{from_now, utc};
use crate::session::{Plan, Session, Watched};
use anyhow::{bail, ensure, Result};
use clap::Args;
use inverse_perps::errors::PerpError;
use inverse_perps::state::PendingUpdate;
use inverse_perps_engine::timelock::Proposal;
use inverse_perps_engine::Params;
use perps::chain::Chain;
use perps::client::governance::{cancel_params, execute_params, propose_params};
use perps::decimal::SOL;
use perps::parameters::{changes, Overrides, Setting};
use perps::view::MarketView;
use std::io::Write;
use std::path::PathBuf;

/// Examples for `--help`.
pub(super) const PROPOSE_EXAMPLES: &str = "\
Values are raw integers in the parameter's unit: bps for ratios and fees, micro-dollars, satoshi, seconds, parts per billion a day. With --file \
every parameter becomes what the file's [market.params] says, the standard one where it names none; --set alone changes nothing else. What \
breaks a bound is refused here, by the bound.

Examples:
  perps admin propose-params --set initial_margin=250 --set maintenance_margin=125
  perps admin propose-params --set max_pool=500_000_000_000 --dry-run
  perps admin propose-params --file market.toml";

/// Examples for `--help`.
pub(super) const EXECUTE_EXAMPLES: &str = "\
What has accrued until then is charged at the old rates. Raised margin ratios bind positions that are open now after a second timelock.

Examples:
  perps admin execute-params --dry-run
  perps admin execute-params";

/// Examples for `--help`.
pub(super) const CANCEL_EXAMPLES: &str = "\
The rent of the proposal goes back to who has paid it.

Examples:
  perps admin cancel-params";

/// What is to be proposed.
#[derive(Debug, Args)]
pub struct Propose {
    #[command(flatten)]
    wanted: Wanted,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Wanted {
    /// A parameter and its value; can be said several times
    #[arg(long, value_name = "NAME=INTEGER")]
    set: Vec<Setting>,
    /// A TOML file with a table [market], as `perps market create` takes it
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Wanted {
    fn params(&self, market: &MarketView) -> Result<Params> {
        let base = match &self.file {
            None => market.state.params,
            Some(path) => {
                let described = read_file(path)?;
                let (said, is) = (described.keys().market, market.keys.market);
                ensure!(said == is, "{} describes the market {said}, not {is}", path.display());
                described.args.params
            }
        };
        let mut overrides = Overrides::default();
        self.set.iter().for_each(|setting| overrides.set(setting));
        Ok(overrides.apply(&base)?)
    }
}

/// Proposes parameters.
///
/// # Errors
/// Parameters that change nothing or break a bound; the program's refusals; those of the chain.
pub fn propose(arguments: &Propose, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (market, stored) = (session.market()?, stored_exchange(session)?);
    let params = arguments.wanted.params(&market)?;
    ensure!(
        !changes(&market.state.params, &params).is_empty(),
        "nothing would change: the market's parameters are these already"
    );
    market.state.ensure_acceptable(&params, stored.timelock()).map_err(refused)?;
    if pending(session, &market)?.is_some() {
        bail!("a proposal waits already (perps admin show); execute or cancel it first");
    }
    let admin = session.address()?;
    let mut plan = Plan::new(format!("propose parameters for the market {}", market.keys.market));
    let list = tell_changes(&market.state.params, &params, &mut plan.terms);
    plan.terms.field("changes", list);
    let proposal = Proposal::new(params, stored.timelock(), market.moment.time)?;
    let now = market.moment.time.get();
    plan.terms.time("executable from", "executable_at", proposal.executable_at.get(), now);
    plan.terms.time("executable until", "expires_at", proposal.expires_at.get(), now);
    if raises_margins(&market.state.params, &params) {
        plan.terms
            .row("margins raised", "positions not increased after the execution keep the lower ratios for another timelock");
    }
    let rent = session.chain.rent(PendingUpdate::SPACE)?;
    plan.terms.field("rent_lamports", rent).row("rent, comes back", format!("{} SOL", SOL.short(rent)));
    plan.instructions = vec![propose_params(&market.keys, admin, params)];
    plan.watched = vec![Watched::Proposal(market.keys.pending_update())];
    session.carry_out_and_tell(&market, plan, out)
}

/// Whether older positions are spared something: the least of the old and new ratios are not the new ones.
fn raises_margins(old: &Params, new: &Params) -> bool {
    old.margin_ratios().least(&new.margin_ratios()) != new.margin_ratios()
}

fn waiting(session: &Session, market: &MarketView) -> Result<PendingUpdate> {
    pending(session, market)?
        .ok_or_else(|| refused_by_program(PerpError::NoPendingUpdate, "perps admin propose-params makes a proposal"))
}

/// Puts proposed parameters in force.
///
/// # Errors
/// No proposal, or one that cannot be executed now; the program's refusals; those of the chain.
pub fn execute(session: &Session, out: &mut dyn Write) -> Result<()> {
    let (market, stored) = (session.market()?, stored_exchange(session)?);
    let pending = waiting(session, &market)?;
    let (proposal, now) = (&pending.state, market.moment.time);
    if pending.ensure_of_admin(&stored).is_err() {
        return Err(refused_by_program(PerpError::ProposedByFormerAdmin, "perps admin cancel-params, then propose-params"));
    }
    proposal.ensure_executable(now).map_err(|rule| {
        let from = proposal.executable_at.get();
        let hint = format!("it can be executed from {} on, {}", utc(from), from_now(from, now.get()));
        refused_with(rule, Some(hint).filter(|_| now < proposal.executable_at))
    })?;
    let mut plan = Plan::new(format!("put proposed parameters of the market {} in force", market.keys.market));
    let list = tell_changes(&market.state.params, &proposal.params, &mut plan.terms);
    plan.terms.field("changes", list);
    plan.instructions = vec![execute_params(&market.keys, session.address()?, pending.payer, market.price_account)];
    plan.watched = vec![Watched::Proposal(market.keys.pending_update()), Watched::Governed(market.keys.market)];
    session.carry_out_and_tell(&market, plan, out)
}

/// Withdraws a proposal.
///
/// # Errors
/// No proposal; the program's refusals; those of the chain.
pub fn cancel(session: &Session, out: &mut dyn Write) -> Result<()> {
    let market = session.market()?;
    let pending = waiting(session, &market)?;
    let mut plan = Plan::new(format!("withdraw the proposal for the market {}", market.keys.market));
    let list = tell_changes(&market.state.params, &pending.state.params, &mut plan.terms);
    plan.terms.field("changes", list).address("rent goes to", "rent_to", pending.payer);
    plan.instructions = vec![cancel_params(&market.keys, session.address()?, pending.payer)];
    plan.watched = vec![Watched::Proposal(market.keys.pending_update())];
    session.carry_out_and_tell(&market, plan, out)
}
