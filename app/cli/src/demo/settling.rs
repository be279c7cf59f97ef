//! A market that settles: every position closes at one price, the claims share what there is, and the market opens again or is
//! wound up.

use super::action::Action;
use super::keeper;
use super::succession;
use super::venue::{Outcome, Venue};
use anyhow::Result;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::units::Sats;
use perps::client::events::Event;
use perps::decimal::PRICE;
use serde::Serialize;

/// What somebody had won and got of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The seat, from zero.
    pub trader: usize,
    /// What was won.
    pub claim_sats: u64,
    /// What of it was paid.
    pub paid_sats: u64,
}

/// One settlement of a market.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettlementReport {
    /// When.
    pub unix_time: i64,
    /// The market's index.
    pub market: u16,
    /// Which settlement of the market.
    pub epoch: u32,
    /// The price kept, USD.
    pub price: String,
    /// Positions closed.
    pub positions: u64,
    /// Losses that went from margins to the pool.
    pub collected_sats: u64,
    /// Losses that margins could not pay.
    pub uncollected_sats: u64,
    /// What insurance paid the keeper for closing positions.
    pub tips_sats: u64,
    /// Profits.
    pub claims_sats: u64,
    /// What of them was paid.
    pub payable_sats: u64,
    /// What of them was not.
    pub haircut_sats: u64,
    /// What insurance added to the pool for them.
    pub top_up_sats: u64,
    /// Whether the market is closed for good; otherwise it opened again, empty.
    pub closed: bool,
    /// Who got what.
    pub claims: Vec<Claim>,
}

/// Settles the market from the first position to the last claim. A market that is closed for good is followed by a new one.
///
/// # Errors
/// Where the chain's accounts cannot be read or a new market not be made.
pub fn settle_market(venue: &mut Venue) -> Result<()> {
    let mut report = SettlementReport {
        unix_time: venue.chain.time(),
        market: venue.chain.market_index(),
        epoch: venue.market.lifecycle.epoch,
        price: PRICE.short(venue.market.lifecycle.settlement_price.get()),
        ..SettlementReport::default()
    };
    close_out(venue, &mut report)?;
    // Orders do not outlive a market's epoch, and a position with orders is not paid out.
    keeper::remove_dead(venue)?;
    if !must(venue, venue.scenario.keeper(), Action::FinishSettlement)? {
        return Ok(());
    }
    for event in &venue.seen {
        if let Event::SettlementFinished(event) = event {
            report.claims_sats = event.claims_sats.get();
            report.payable_sats = event.payable_sats.get();
            report.haircut_sats = event.claims_sats.less_or_zero(event.payable_sats).get();
            report.top_up_sats = event.top_up_sats.get();
            report.closed = event.closed != 0;
        }
    }
    pay_claims(venue, &mut report)?;
    must(venue, venue.scenario.keeper(), Action::CloseSettlement)?;
    let closed = report.closed;
    venue.tally.settlements.push(report);
    if closed {
        succession::follow(venue)?;
    }
    Ok(())
}

fn close_out(venue: &mut Venue, report: &mut SettlementReport) -> Result<()> {
    for seat in 0..venue.seats.len() {
        if venue.is_flat(seat) || !must(venue, seat, Action::CloseOut)? {
            continue;
        }
        for event in &venue.seen {
            match event {
                Event::PositionClosedOut(event) => {
                    report.positions += 1;
                    report.uncollected_sats += event.uncollected_sats.get();
                    report.collected_sats += event.pnl_sats.gain_and_loss().1.less_or_zero(event.uncollected_sats).get();
                }
                Event::SettleTipPaid(event) => report.tips_sats += event.amount_sats.get(),
                _ => (),
            }
        }
    }
    Ok(())
}

/// Pays what each claim gets, in a closed market together with the margin.
fn pay_claims(venue: &mut Venue, report: &mut SettlementReport) -> Result<()> {
    let closed = venue.market.status() == Status::Closed;
    for seat in 0..venue.seats.len() {
        let claim = venue.seats[seat].position.claim;
        let action = if closed { Action::PayOut } else { Action::Redeem };
        if (claim.is_zero() && !closed) || !must(venue, seat, action)? {
            continue;
        }
        ensure_parked_is_back(venue, seat);
        let paid = venue.seen.iter().find_map(|event| match event {
            Event::ClaimRedeemed(event) => Some(event.paid_sats),
            _ => None,
        });
        if !claim.is_zero() {
            let claim = Claim { trader: seat, claim_sats: claim.get(), paid_sats: paid.unwrap_or(Sats::ZERO).get() };
            if u128::from(claim.paid_sats) != pro_rata(&claim, report) {
                venue.tally.broke(format!("trader {seat} was paid {} of a claim of {}", claim.paid_sats, claim.claim_sats));
            }
            report.claims.push(claim);
        }
    }
    Ok(())
}

/// A flat user of a closed market is paid what he paid in.
fn ensure_parked_is_back(venue: &mut Venue, seat: usize) {
    let parked = venue.seats[seat].parked;
    let short = |event: &Event| matches!(event, Event::PositionPaidOut(event) if event.amount_sats != parked);
    if !parked.is_zero() && venue.seen.iter().any(short) {
        venue.tally.broke(format!("flat user {seat} did not get his {} sats back", parked.get()));
    }
}

fn pro_rata(claim: &Claim, report: &SettlementReport) -> u128 {
    let share = u128::from(claim.claim_sats) * u128::from(report.payable_sats);
    share.checked_div(report.claims_sats.into()).unwrap_or(0)
}

/// Whether an action went through that nothing can be in the way of.
pub(super) fn must(venue: &mut Venue, seat: usize, action: Action) -> Result<bool> {
    let outcome = venue.attempt(seat, action)?;
    if let Outcome::Declined(rule) = outcome {
        venue.tally.broke(format!("{} is not possible: {rule:?}", action.name()));
    }
    Ok(outcome == Outcome::Done)
}
