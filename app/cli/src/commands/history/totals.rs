//! What a position has paid and earned, over the transactions read.

use super::Entry;
use crate::session::Answer;
use anyhow::Result;
use inverse_perps::events::{Fill, Tip};
use inverse_perps_engine::units::{Sats, SignedSats};
use perps::client::events::Event;
use perps::decimal::signed_bitcoin;
use serde_json::{json, Value};
use solana_address::Address;

/// Sums in satoshi; what was paid is positive, what was received negative, but for the two results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Funding, borrow fee and deleveraged profit: positive was received.
    pub written: SignedSats,
    /// Result of closing: positive was earned.
    pub realised: SignedSats,
    /// Fees of fills and of failed orders.
    pub fees: Sats,
    /// Tips of executed orders.
    pub tips: Sats,
    /// What liquidations took beside the loss: reward and insurance's fee.
    pub liquidation: Sats,
    /// Margin that came in.
    pub deposited: Sats,
    /// Margin that went out.
    pub withdrawn: Sats,
    /// Fills.
    pub fills: u64,
}

impl Totals {
    /// Of these positions.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn of(entries: &[Entry], positions: &[Address]) -> Result<Self> {
        let mut totals = Self::default();
        let landed = entries.iter().filter(|entry| entry.landed.refusal.is_none());
        for event in landed.flat_map(|entry| &entry.events) {
            totals.add(event, positions)?;
        }
        Ok(totals)
    }

    fn add(&mut self, event: &Event, positions: &[Address]) -> Result<()> {
        let ours = |position: &Address| positions.contains(position);
        match event {
            Event::PositionSettled(event) if ours(&event.position) => self.written = self.written.plus(event.result_sats)?,
            Event::PositionIncreased(event) if ours(&event.position) => self.fill(&event.fill)?,
            Event::PositionDecreased(event) if ours(&event.position) => self.fill(&event.fill)?,
            Event::OrderFilled(event) if ours(&event.position) => {
                self.written = self.written.plus(event.settled.result_sats)?;
                self.fill(&event.fill)?;
                self.tip(&event.tip)?;
            }
            Event::OrderExecuted(event) if ours(&event.position) => {
                self.written = self.written.plus(event.settled.result_sats)?;
                self.fees = self.fees.plus(event.fee_sats.total()?)?;
                self.tip(&event.tip)?;
            }
            Event::PositionLiquidated(event) if ours(&event.position) => {
                self.realised = self.realised.plus(event.pnl_sats)?;
                self.liquidation = self.liquidation.plus(event.reward_sats)?.plus(event.insurance_fee_sats)?;
            }
            Event::PositionClosedOut(event) if ours(&event.position) => self.realised = self.realised.plus(event.pnl_sats)?,
            Event::CollateralDeposited(event) if ours(&event.position) => {
                self.deposited = self.deposited.plus(event.amount_sats)?
            }
            Event::CollateralWithdrawn(event) if ours(&event.position) => {
                self.withdrawn = self.withdrawn.plus(event.amount_sats)?
            }
            _ => (),
        }
        Ok(())
    }

    fn fill(&mut self, fill: &Fill) -> Result<()> {
        self.realised = self.realised.plus(fill.pnl_sats)?;
        self.fees = self.fees.plus(fill.fee_sats.total()?)?;
        self.fills = self.fills.saturating_add(1);
        Ok(())
    }

    fn tip(&mut self, tip: &Tip) -> Result<()> {
        let paid = tip.filler_sats.plus(tip.triggerer_sats)?.plus(tip.forfeited_sats)?;
        self.tips = self.tips.plus(paid)?;
        Ok(())
    }

    /// For machines.
    pub fn fields(&self) -> Value {
        json!({
            "funding_borrow_and_deleveraging_sats": self.written.get(),
            "realised_sats": self.realised.get(),
            "fees_sats": self.fees.get(),
            "tips_sats": self.tips.get(),
            "liquidation_sats": self.liquidation.get(),
            "deposited_sats": self.deposited.get(),
            "withdrawn_sats": self.withdrawn.get(),
            "fills": self.fills,
        })
    }

    /// For people.
    pub fn tell(&self, answer: &mut Answer) {
        let paid = |sats: Sats| format!("{} BTC", signed_bitcoin(i64::try_from(sats.get()).unwrap_or(i64::MAX)));
        answer.row("realised", format!("{} BTC in {} fills", signed_bitcoin(self.realised.get()), self.fills));
        answer.row(
            "funding and the like",
            format!("{} BTC (borrow fee and deleveraging included)", signed_bitcoin(self.written.get())),
        );
        answer.row("fees paid", paid(self.fees)).row("tips paid", paid(self.tips));
        if !self.liquidation.is_zero() {
            answer.row("liquidation fees", paid(self.liquidation));
        }
        answer.row("margin in, out", format!("{}, {}", paid(self.deposited), paid(self.withdrawn)));
    }
}
