//! Settlement of a market: every position is closed at the kept price, then the market opens again or closes for good.
//!
//! All of it is done for nothing where there is no tip left: while a market settles, nobody's profit is paid, and the pool pays nobody.

use super::Policy;
use crate::task::{stamp, Action, Task};
use crate::world::{Held, Look};
use inverse_perps::state::Position;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Result;
use solana_address::Address;

/// Everything to do about settlements of this market.
pub(super) fn tasks(look: &Look, policy: &Policy) -> Vec<Task> {
    let mut tasks = match look.book.market.state.status() {
        Status::Settling => settling(look),
        Status::Closed if policy.pay_out => by_position(look, pay_out),
        Status::Active | Status::Closed => vec![],
    };
    if policy.redeem_claims {
        tasks.extend(by_position(look, redeem));
    }
    tasks.extend(look.book.settlements.iter().filter_map(|(address, held)| {
        let (settlement, payer) = (&held.account, held.account.payer);
        let action = Action::CloseSettlement { address: *address, epoch: settlement.epoch, payer };
        settlement.state.unredeemed.is_zero().then(|| look.task(action, Sats::ZERO, true, stamp(held.slot)))
    }));
    tasks
}

/// Closes every position that is open, for the tip; ends the settlement when none is.
fn settling(look: &Look) -> Vec<Task> {
    let state = &look.book.market.state;
    if state.long.positions == 0 && state.short.positions == 0 {
        let finish = Action::Finish(state.lifecycle.epoch);
        return vec![look.task(finish, Sats::ZERO, true, stamp(look.book.slot))];
    }
    by_position(look, |look, address, held| {
        held.account.state.open_direction()?;
        let tip = rehearse(look, held).inspect_err(|error| {
            tracing::error!(position = %address, %error, "the engine cannot close this position for its claim");
        });
        Some(look.task(Action::CloseOut(address), tip.ok()?, true, stamp(held.slot)))
    })
}

/// The tip for closing it.
fn rehearse(look: &Look, held: &Held<Position>) -> Result<Sats> {
    let (mut market, mut position) = (look.book.market.state, held.account.state);
    market.settle(&mut position)?;
    let most = market.close_for_claim(&mut position)?.map_or(Sats::ZERO, |closed| closed.tip_most);
    market.take_tip(most, look.at)
}

/// Pays a claim of a settlement that is finished into the position's margin.
fn redeem(look: &Look, address: Address, held: &Held<Position>) -> Option<Task> {
    let epoch = finished_claim(look, &held.account)?;
    Some(look.task(Action::Redeem(address, epoch), Sats::ZERO, true, stamp(held.slot)))
}

/// Pays what a position has to its owner, and its claim with it.
fn pay_out(look: &Look, address: Address, held: &Held<Position>) -> Option<Task> {
    let position = &held.account;
    if !position.state.shares.is_zero() || position.state.open_orders > 0 {
        return None; // its orders are removed first
    }
    let claim_epoch = finished_claim(look, position);
    let action = Action::PayOut { position: address, owner: position.owner, claim_epoch };
    Some(look.task(action, Sats::ZERO, true, stamp(held.slot)))
}

/// The epoch of the claim that a position has on a finished settlement.
fn finished_claim(look: &Look, position: &Position) -> Option<u32> {
    let (state, epoch) = (&position.state, look.book.market.state.lifecycle.epoch);
    (!state.claim.is_zero() && state.claim_epoch != epoch).then_some(state.claim_epoch)
}

fn by_position(look: &Look, task: impl Fn(&Look, Address, &Held<Position>) -> Option<Task>) -> Vec<Task> {
    look.book.positions.iter().filter_map(|(address, held)| task(look, *address, held)).collect()
}
