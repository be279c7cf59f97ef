//! The fee of a fill: a share of its value, and a surcharge when it grows the imbalance (design, section 5).

use crate::errors::{Error, Result};
use crate::layout::stored;
use crate::math::{divide, multiply, narrow, Rounding};
use crate::params::Params;
use crate::units::{Bps, Notional, Price, Sats};

stored! {
    /// Who gets a fee.
    pub struct FeeSplit {
        /// The pool's part: what the others leave.
        pub pool: Sats,
        /// Insurance's part, floored.
        pub insurance: Sats,
        /// The protocol's part, floored.
        pub protocol: Sats,
    }
}

impl FeeSplit {
    /// Splits a fee by the market's shares. Errors: `Overflow`.
    pub fn of(fee: Sats, params: &Params) -> Result<Self> {
        let insurance = fee.times(params.fee_to_insurance.to_ppb(), Rounding::Floor)?;
        let protocol = fee.times(params.fee_to_protocol.to_ppb(), Rounding::Floor)?;
        Ok(Self { pool: fee.minus(insurance)?.minus(protocol)?, insurance, protocol })
    }

    /// The whole fee. Errors: `Overflow`.
    pub fn total(&self) -> Result<Sats> {
        self.pool.plus(self.insurance)?.plus(self.protocol)
    }
}

/// The imbalance of open interest, in micro-dollars, before and after a fill; signs do not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkewChange {
    /// `|N_long - N_short|` before.
    pub before: Notional,
    /// The same after.
    pub after: Notional,
}

/// The surcharge in dollars for growing the imbalance: the area under the marginal surcharge `min(s / impact_scale, impact_max)`
/// between the two skews, rounded up.
///
/// Below the cap that is `(after^2 - before^2) / (2 * impact_scale)`. The cap is on the margin, not on the average: it is never
/// above `impact_max` of the trade either, and the area does not depend on how a trade is cut. Errors: `Overflow`.
pub fn surcharge(params: &Params, skew: SkewChange) -> Result<Notional> {
    let (before, after) = (skew.before.get(), skew.after.get());
    if after <= before {
        return Ok(Notional::ZERO);
    }
    let cap_wide =
        divide(multiply(params.impact_scale.get(), params.impact_max.get_wide()), Bps::ONE.get_wide(), Rounding::Floor)?;
    let cap = narrow(cap_wide)?;
    let (from, to) = (before.min(cap), after.min(cap));
    let square = u128::from(to.abs_diff(from)).checked_mul(u128::from(to.checked_add(from).ok_or(Error::Overflow)?));
    let twice = params.impact_scale.get().checked_mul(2).ok_or(Error::Overflow)?;
    let rising = divide(square.ok_or(Error::Overflow)?, twice, Rounding::Ceil)?;
    let rising = narrow(rising)?;
    if after <= cap {
        return Ok(Notional::new(rising));
    }
    let beyond = after.abs_diff(before.max(cap));
    let level = divide(multiply(beyond, params.impact_max.get_wide()), Bps::ONE.get_wide(), Rounding::Ceil)?;
    Notional::new(rising).plus(Notional::new(narrow(level)?))
}

/// The fee of a fill in satoshi, rounded up: `value * taker_fee` and the surcharge. Errors: `Overflow`.
pub fn trade_fee(params: &Params, value: Sats, skew: SkewChange, price: Price) -> Result<Sats> {
    let fee = value.times(params.taker_fee.to_ppb(), Rounding::Ceil)?;
    let surcharge = surcharge(params, skew)?;
    if surcharge.is_zero() {
        return Ok(fee);
    }
    fee.plus(surcharge.value_at(price, Rounding::Ceil)?)
}
