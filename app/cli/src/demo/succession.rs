//! What follows on a market that is closed for good: providers leave, fees are collected, and the next market opens.

use super::action::Action;
use super::onlookers;
use super::providers;
use super::settling::must;
use super::venue::Venue;
use anyhow::Result;
use inverse_perps_engine::settlement::Settlement;
use inverse_perps_engine::units::Sats;

/// What is remembered of markets that are closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// How many.
    pub markets: u64,
    /// Losses that nobody paid for.
    pub bad_debt_sats: u64,
    /// What was left in their vaults, which must be nothing.
    pub left_sats: u64,
}

/// Empties the closed market and opens the next one.
///
/// # Errors
/// Where the chain's accounts cannot be read or the new market not be made.
pub fn follow(venue: &mut Venue) -> Result<()> {
    providers::leave(venue)?;
    if !venue.market.ledger.protocol_fees.is_zero() {
        must(venue, venue.scenario.keeper(), Action::CollectFees)?;
    }
    bury(venue)?;
    let deposit = venue.scenario.pool_deposit(venue.price());
    venue.chain.next_market(venue.scenario.params(deposit))?;
    for seat in &mut venue.seats {
        seat.move_on(&mut venue.chain)?;
    }
    let market = venue.chain.market()?;
    venue.tally.next_market(market.event_sequence);
    venue.market = market.state;
    venue.settlement = Settlement::default();
    onlookers::park(venue)?;
    // The pool's first deposit waits for a price that it accepts; a gift needs none.
    let first = venue.scenario.providers().start;
    must(venue, first, Action::Insure(Sats::new(deposit.get() / 100))).map(drop)
}

/// Nothing may be left: neither in the vault nor in the ledger nor in anybody's hands.
fn bury(venue: &mut Venue) -> Result<()> {
    let (vault, market) = (venue.chain.vault_sats()?, venue.market);
    let ledger = market.ledger.total()?.get();
    if vault != 0 || ledger != 0 || market.pool_shares != 0 || market.queued_shares != 0 {
        let shares = market.pool_shares;
        venue
            .tally
            .broke(format!("a closed market kept {vault} sats in its vault, {ledger} in its ledger and {shares} shares"));
    }
    if *venue.tally.replayed() != market.ledger {
        venue.tally.diverged("the ledger rebuilt from events is not that of the closed market".to_owned());
    }
    let past = &mut venue.tally.past;
    past.markets += 1;
    past.bad_debt_sats += market.bad_debt.get();
    past.left_sats += vault;
    Ok(())
}
