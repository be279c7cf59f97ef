//! The ledger of a market's vault, in satoshi, and what happens to it.

use crate::errors::{ensure, Error, Result};
use crate::layout::stored;
use crate::units::{Sats, SignedSats};

stored! {
    /// Who owns the vault's satoshi. The vault holds at least the sum; what is sent to it by hand counts for nothing.
    pub struct Ledger {
        /// Sum of all positions' margin.
        pub margin: Sats,
        /// What liquidity providers own, realised.
        pub pool: Sats,
        /// Pays shortfalls and the liquidator's minimum.
        pub insurance: Sats,
        /// The protocol's fees, not yet collected.
        pub protocol_fees: Sats,
        /// Set aside for claims of a settlement.
        pub funds: Sats,
    }
}

stored! {
    /// What one transition did to the ledger.
    pub struct LedgerDelta {
        /// Change of `margin`.
        pub margin: SignedSats,
        /// Change of `pool`.
        pub pool: SignedSats,
        /// Change of `insurance`.
        pub insurance: SignedSats,
        /// Change of `protocol_fees`.
        pub protocol_fees: SignedSats,
        /// Change of `funds`.
        pub funds: SignedSats,
    }
}

impl Ledger {
    /// The sum, which the vault must hold. Errors: `Overflow`.
    pub fn total(&self) -> Result<Sats> {
        self.margin.plus(self.pool)?.plus(self.insurance)?.plus(self.protocol_fees)?.plus(self.funds)
    }

    /// I4: that an instruction that moved no tokens left the sum as it was.
    ///
    /// # Errors
    /// `LedgerNotConserved`.
    pub fn ensure_conserved(&self, before: Sats) -> Result<()> {
        ensure(self.total()? == before, Error::LedgerNotConserved)
    }

    /// What changed since `before`. Errors: `Overflow`.
    pub fn since(&self, before: &Ledger) -> Result<LedgerDelta> {
        Ok(LedgerDelta {
            margin: self.margin.since(before.margin)?,
            pool: self.pool.since(before.pool)?,
            insurance: self.insurance.since(before.insurance)?,
            protocol_fees: self.protocol_fees.since(before.protocol_fees)?,
            funds: self.funds.since(before.funds)?,
        })
    }
}

/// Moves `amount` from one balance to another, neither of which can go below zero.
///
/// # Errors
/// `Overflow` where `from` holds less.
#[inline(always)]
pub fn transfer(from: &mut Sats, to: &mut Sats, amount: Sats) -> Result<()> {
    *from = from.minus(amount)?;
    *to = to.plus(amount)?;
    Ok(())
}

/// Moves all of a balance to another. Errors: `Overflow`.
pub fn transfer_all(from: &mut Sats, to: &mut Sats) -> Result<()> {
    let all = *from;
    transfer(from, to, all)
}

/// Takes up to `wanted` out of a balance and says how much it was.
///
/// # Errors
/// None in practice: it never takes more than there is.
pub fn take_up_to(from: &mut Sats, wanted: Sats) -> Result<Sats> {
    let taken = wanted.min(*from);
    *from = from.minus(taken)?;
    Ok(taken)
}
