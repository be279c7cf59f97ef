//! `perps order cancel`.

use super::bound::btc;
use super::list::{open_orders, Open};
use super::size::{split, MOST_BYTES};
use super::stage::{effect, kind_name, Stage};
use super::trader::{Held, Whose};
use crate::session::words::{from_now, utc};
use crate::session::{Plan, Session, Watched};
use anyhow::{bail, ensure, Result};
use clap::Args;
use inverse_perps_engine::order::FILLABLE;
use inverse_perps_engine::units::{Sats, UnixTime};
use perps::client::orders::{cancel_order, expire_order, OrderRef};
use solana_address::Address;
use solana_instruction::Instruction;
use std::io::Write;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The rent of an order comes back to who paid it, and its tip is free margin again; only the tip of one that nobody has executed in its \
minute goes to insurance. An order that waits for its fill cannot be taken back.

Examples:
  perps order cancel 0
  perps order cancel 0 1 --sub-account 1
  perps order cancel --all";

/// Which orders.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Their ids, as perps order list shows them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<u32>,
    /// All that can be removed
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    #[command(flatten)]
    whose: Whose,
}

/// Takes orders back, and removes dead ones.
///
/// # Errors
/// The program's refusal, those of the chain, and a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let signer = session.address()?;
    let held = arguments.whose.find(session)?;
    held.ensure_trades(&signer)?;
    let position = held.existing()?;
    let orders = open_orders(session, &held.market, &position)?;
    let chosen = if arguments.all { removable(&orders) } else { named(&orders, &arguments.ids, &held)? };
    ensure!(!chosen.is_empty(), "there is no order that can be removed; perps order list shows what there is");

    let instructions = chosen.iter().map(|order| removal(order, &held, signer)).collect();
    let mut told = 0usize;
    let parts = split(&signer, instructions);
    let several = parts.len() > 1;
    for instructions in parts {
        let these = chosen.iter().skip(told).take(instructions.len()).copied().collect::<Vec<_>>();
        told = told.saturating_add(instructions.len());
        let mut plan = plan(&these, &held, instructions)?;
        if several {
            plan.title.push_str(&format!(" (a transaction has at most {MOST_BYTES} bytes, so there are several)"));
        }
        session.carry_out_and_tell(&held.market, plan, out)?;
    }
    Ok(())
}

fn removable(orders: &[Open]) -> Vec<&Open> {
    orders.iter().filter(|order| !matches!(order.stage, Stage::Waits(_) | Stage::Fills(_))).collect()
}

fn named<'a>(orders: &'a [Open], ids: &[u32], held: &Held) -> Result<Vec<&'a Open>> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids.iter()
        .map(|id| match orders.iter().find(|order| order.account.state.id == *id) {
            None => bail!("position {} has no order {id}; perps order list shows what there is", held.address),
            Some(order) if matches!(order.stage, Stage::Waits(_) | Stage::Fills(_)) => bail!(waits(order, held)?),
            Some(order) => Ok(order),
        })
        .collect()
}

/// Why an order that waits stays, and for how long.
fn waits(order: &Open, held: &Held) -> Result<String> {
    let (state, market) = (&order.account.state, &held.market);
    let now = market.state.prices.now(market.moment.time);
    let until: UnixTime = state.due.after(FILLABLE)?;
    Ok(format!(
        "order {} waits for its fill and cannot be taken back: whoever could would know the price. Anyone can execute it from {} ({}) \
         until {}; after that perps order cancel {} removes it",
        state.id,
        utc(state.due.get()),
        from_now(state.due.get(), now.get()),
        utc(until.get()),
        state.id
    ))
}

/// Cancelling takes what rests or is void; what is over otherwise anyone can remove.
fn removal(order: &Open, held: &Held, signer: Address) -> Instruction {
    let which = OrderRef { position: held.address, id: order.account.state.id, payer: order.account.payer };
    match order.stage {
        Stage::Expired | Stage::Rests | Stage::Void => cancel_order(&held.market.keys, signer, which),
        Stage::Lapsed | Stage::Waits(_) | Stage::Fills(_) => expire_order(&held.market.keys, signer, which),
    }
}

fn plan(orders: &[&Open], held: &Held, instructions: Vec<Instruction>) -> Result<Plan<'static>> {
    let ids: Vec<String> = orders.iter().map(|order| order.account.state.id.to_string()).collect();
    let noun = if ids.len() == 1 { "order" } else { "orders" };
    let mut plan = Plan::new(format!("remove {noun} {}", ids.join(", ")));
    plan.terms.address("position account", "position", held.address);
    let (mut freed, mut lost) = (Sats::ZERO, Sats::ZERO);
    for order in orders {
        let state = &order.account.state;
        plan.terms.row(
            &format!("order {}", state.id),
            format!("{}, {}: {}", kind_name(state.kind()), effect(state), order.stage.name()),
        );
        match order.stage {
            Stage::Lapsed => lost = lost.plus(state.tip)?,
            Stage::Void => (),
            _ => freed = freed.plus(state.tip)?,
        }
    }
    let ids: Vec<u32> = orders.iter().map(|order| order.account.state.id).collect();
    plan.terms.field("orders", ids).bitcoin("tips freed", "tips_freed", freed);
    if !lost.is_zero() {
        plan.terms.row("to insurance", format!("{}, the tip of what nobody has executed", btc(lost)));
    }
    plan.terms.field("tips_lost_sats", lost.get());
    plan.instructions = instructions;
    plan.watched = vec![Watched::Position(held.address)];
    Ok(plan)
}
