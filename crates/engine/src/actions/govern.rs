//! New parameters, and who is spared their margin ratios (design, section 11).

use crate::errors::{Error, Result};
use crate::margin::MarginRatios;
use crate::market::Market;
use crate::params::Params;
use crate::position::Position;
use crate::units::{Seconds, UnixTime};

impl Market {
    /// The margin ratios that a position is held to: the present ones, or lower ones from before a raise where it was last increased
    /// before that and the second timelock, as of the last sync, is not over.
    #[inline(always)]
    pub fn ratios_of(&self, position: &Position) -> MarginRatios {
        if position.margin_epoch < self.margin_epoch && !self.spared_until.is_zero() {
            self.spared
        } else {
            self.params.margin_ratios()
        }
    }

    /// Whether these parameters could be put in force: they are within their hard bounds, and would be with the lower of the old and
    /// the new margin ratios too, which older positions are held to for another timelock.
    ///
    /// # Errors
    /// Those of `Params::validate`.
    pub fn ensure_acceptable(&self, params: &Params, timelock: Seconds) -> Result<()> {
        params.validate(timelock)?;
        params.with_ratios(&self.params.margin_ratios().least(&params.margin_ratios())).validate(timelock)
    }

    /// Puts parameters in force. Where they raise a margin ratio, positions that are open now are spared that for another timelock.
    /// The market must have been synced, so that no new rate reaches into the past.
    ///
    /// # Errors
    /// Those of `Params::validate`; `MarketSettling`, `MarketClosed`; `Overflow`.
    pub fn set_params(&mut self, params: &Params, timelock: Seconds, now: UnixTime) -> Result<()> {
        self.lifecycle.ensure_active()?;
        self.ensure_acceptable(params, timelock)?;
        let (old, new) = (self.params.margin_ratios(), params.margin_ratios());
        let mut spared = old.least(&new);
        let raised = spared != new;
        if !self.spared_until.is_zero() {
            // Only where the Clock has fallen back: a raise can follow another after a timelock at the earliest.
            spared = spared.least(&self.spared);
            params.with_ratios(&spared).validate(timelock)?;
            self.spared = spared;
        }
        if raised {
            self.spared = spared;
            self.spared_until = now.after(timelock)?;
            self.margin_epoch = self.margin_epoch.checked_add(1).ok_or(Error::Overflow)?;
        }
        self.params = *params;
        Ok(())
    }

    /// Nobody is spared any more once the second timelock is over.
    #[inline(always)]
    pub(super) fn end_sparing(&mut self, now: UnixTime) {
        if now >= self.spared_until {
            self.spared_until = UnixTime::ZERO;
        }
    }
}
