//! Positions below maintenance margin.

use super::Found;
use crate::task::{stamp, Action};
use crate::world::Look;
use inverse_perps_engine::market::{Market, Marks};
use inverse_perps_engine::position::Position;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Result;

/// Liquidates every position that the price has crossed, if there are any: the index finds them without looking at the others.
pub(super) fn tasks(look: &Look, found: &mut Found) {
    let Ok((market, synced)) = &look.synced else { return };
    let Ok(marks) = synced.trading() else { return };
    let crossing = match look.book.index.crossed(market, marks.quote.price) {
        Ok(crossing) => crossing,
        Err(error) => {
            tracing::error!(market = %look.book.place.keys.market, %error, "the engine cannot judge this market's positions");
            return;
        }
    };
    found.misfits.extend(crossing.misfits.iter().map(|misfit| misfit.address));
    for below in crossing.liquidatable {
        let Some(held) = look.book.positions.get(&below.address) else { continue };
        match rehearse(market, &marks, &held.account.state) {
            Ok(reward) => {
                let decided_on = stamp((held.slot, market.prices.publish_time.get()));
                found.tasks.push(look.task(Action::Liquidate(below.address), reward, false, decided_on));
            }
            // Its gain is above the free pool, say: another price or another payer must come first.
            Err(error) => tracing::debug!(position = %below.address, %error, "not to be liquidated"),
        }
    }
}

/// What liquidating it pays.
fn rehearse(market: &Market, marks: &Marks, position: &Position) -> Result<Sats> {
    let (mut market, mut position) = (*market, *position);
    market.settle(&mut position)?;
    Ok(market.liquidate(&mut position, marks)?.reward)
}
