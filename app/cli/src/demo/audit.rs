//! The ledger held against the tokens and the positions, to the satoshi.

use super::venue::Venue;
use anyhow::Result;
use serde::Serialize;

/// Both sides of every equation, as the accounts have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Amount in the vault's token account.
    pub vault_sats: u64,
    /// Sum of margin over the position accounts.
    pub margin_sats: u64,
    /// The ledger's margin.
    pub ledger_margin_sats: u64,
    /// The ledger's sum.
    pub ledger_sats: u64,
    /// Amounts in the token accounts of everybody.
    pub held_sats: u64,
    /// The mint's supply.
    pub minted_sats: u64,
    /// Shares in everybody's token accounts.
    pub shares_held: u64,
    /// Shares in escrow.
    pub shares_in_escrow: u64,
    /// Shares in the queue, as the market counts them.
    pub shares_queued: u64,
    /// Shares as the market counts them.
    pub shares: u64,
    /// What flat users have paid in.
    pub flat_deposits_sats: u64,
    /// By how much their margins differ from that.
    pub flat_difference_sats: u64,
}

impl Findings {
    /// Reads every account anew.
    ///
    /// # Errors
    /// Where one is missing.
    pub fn of(venue: &Venue) -> Result<Self> {
        let chain = &venue.chain;
        let market = chain.market()?.state;
        let mut found = Self {
            vault_sats: chain.vault_sats()?,
            ledger_margin_sats: market.ledger.margin.get(),
            ledger_sats: market.ledger.total()?.get(),
            held_sats: chain.tokens(&venue.treasury)? + venue.tally.past.left_sats,
            minted_sats: chain.supply(&chain.keys.mint)?,
            shares_in_escrow: chain.tokens(&chain.keys.lp_escrow)?,
            shares_queued: market.queued_shares,
            shares: market.pool_shares,
            ..Self::default()
        };
        for seat in &venue.seats {
            let margin = chain.position(&seat.trader.position)?.state.margin.get();
            found.margin_sats += margin;
            found.held_sats += chain.tokens(&seat.trader.tokens)?;
            found.shares_held += chain.tokens(&seat.shares)?;
            if !seat.parked.is_zero() {
                found.flat_deposits_sats += seat.parked.get();
                found.flat_difference_sats += margin.abs_diff(seat.parked.get());
            }
        }
        Ok(found)
    }

    /// Whether every satoshi and every share is accounted for.
    pub fn conserved(&self) -> bool {
        self.vault_sats == self.ledger_sats
            && self.margin_sats == self.ledger_margin_sats
            && self.held_sats.checked_add(self.vault_sats) == Some(self.minted_sats)
            && self.shares_held.checked_add(self.shares_in_escrow) == Some(self.shares)
            && self.shares_in_escrow == self.shares_queued
    }

    /// Whether every flat user has what he paid in.
    pub fn flat_untouched(&self) -> bool {
        self.flat_difference_sats == 0
    }
}

/// What the audits of a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many there were.
    pub count: u64,
    /// The first that found a difference, with the chain's time.
    pub first_difference: Option<(i64, Findings)>,
    /// How many found that a flat user's margin was touched.
    pub flat_touched: u64,
}

impl Audit {
    /// Takes in what one audit found.
    pub fn add(&mut self, found: Findings, unix_time: i64) {
        self.count += 1;
        self.flat_touched += u64::from(!found.flat_untouched());
        if !found.conserved() && self.first_difference.is_none() {
            self.first_difference = Some((unix_time, found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Findings = Findings {
        vault_sats: 700,
        margin_sats: 200,
        ledger_margin_sats: 200,
        ledger_sats: 700,
        held_sats: 300,
        minted_sats: 1_000,
        shares_held: 40,
        shares_in_escrow: 10,
        shares_queued: 10,
        shares: 50,
        flat_deposits_sats: 30,
        flat_difference_sats: 0,
    };

    #[test]
    fn one_satoshi_anywhere_is_found() {
        assert!(SOUND.conserved());
        for astray in [
            Findings { vault_sats: 701, ..SOUND },
            Findings { margin_sats: 199, ..SOUND },
            Findings { ledger_margin_sats: 201, ..SOUND },
            Findings { ledger_sats: 699, ..SOUND },
            Findings { held_sats: 299, ..SOUND },
            Findings { minted_sats: 1_001, ..SOUND },
            Findings { shares_held: 39, ..SOUND },
            Findings { shares_in_escrow: 11, shares_held: 39, ..SOUND },
            Findings { shares_queued: 9, ..SOUND },
            Findings { shares: 51, ..SOUND },
            Findings { held_sats: u64::MAX, ..SOUND },
        ] {
            assert!(!astray.conserved(), "{astray:?}");
        }
    }

    #[test]
    fn the_first_difference_is_kept() {
        let mut audit = Audit::default();
        let (first, second) = (Findings { vault_sats: 1, ..SOUND }, Findings { vault_sats: 2, ..SOUND });
        for (found, time) in [(SOUND, 10), (first, 20), (second, 30), (SOUND, 40)] {
            audit.add(found, time);
        }
        assert_eq!(audit, Audit { count: 4, first_difference: Some((20, first)), flat_touched: 0 });
        audit.add(Findings { flat_difference_sats: 1, ..SOUND }, 50);
        assert_eq!(audit.flat_touched, 1);
    }
}
