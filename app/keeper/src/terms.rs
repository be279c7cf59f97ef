//! Whether a task pays, and what it has paid.

use crate::config::Config;
use crate::task::Task;
use inverse_perps_engine::math::Rounding;
use inverse_perps_engine::units::{Notional, Price};
use perps::client::events::{self, Event};
use perps::transaction::Priority;
use solana_address::Address;

/// Lamports in a SOL.
const SOL: u128 = 1_000_000_000;
/// The fee of one signature, in lamports.
pub const SIGNATURE_LAMPORTS: u64 = 5_000;

/// What a keeper works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The least reward in satoshi.
    pub min_reward_sats: u64,
    /// What a SOL is worth in micro-dollars.
    pub sol_micro_usd: u64,
    /// What is paid for being early.
    pub priority: Priority,
    /// Decides and simulates, and sends nothing.
    pub dry_run: bool,
}

impl Terms {
    /// Of a configuration.
    pub fn of(config: &Config) -> Self {
        let Config { min_reward_sats, sol_micro_usd, priority, dry_run, .. } = *config;
        Self { min_reward_sats, sol_micro_usd, priority, dry_run }
    }

    /// The least, in satoshi, that a task must pay whose transaction costs so many lamports: its fee at the mark, rounded up, or the least
    /// reward. Without a mark every task is worth doing that pays the least reward.
    pub fn least_sats(&self, lamports: u64, mark: Price) -> u64 {
        let micro_usd = (u128::from(lamports) * u128::from(self.sol_micro_usd)).div_ceil(SOL);
        let fee = u64::try_from(micro_usd).unwrap_or(u64::MAX);
        let fee_sats = match mark.is_zero() {
            true => 0,
            false => Notional::new(fee).value_at(mark, Rounding::Ceil).map_or(u64::MAX, |sats| sats.get()),
        };
        fee_sats.max(self.min_reward_sats)
    }

    /// Whether it is worth a simulation: by the engine's reward, and the fee that it pays at least.
    pub fn is_worth_trying(&self, task: &Task) -> bool {
        task.duty || task.reward.get() >= self.least_sats(SIGNATURE_LAMPORTS, task.mark)
    }
}

/// What a transaction has paid to a token account, by its events, in satoshi. The half of a tip that is for who has triggered the order
/// counts where that was the same account, as the order's last touch says.
pub fn earned(logs: &[String], tokens: &Address, triggered_here: bool) -> u64 {
    let of = |event: Event| match event {
        Event::PositionLiquidated(event) if event.rewarded == *tokens => event.reward_sats.get(),
        Event::SettleTipPaid(event) if event.rewarded == *tokens => event.amount_sats.get(),
        Event::OrderFilled(event) => of_tip(event.tip.filler_sats.get(), event.tip.triggerer_sats.get(), triggered_here),
        Event::OrderExecuted(event) => of_tip(event.tip.filler_sats.get(), event.tip.triggerer_sats.get(), triggered_here),
        _ => 0,
    };
    events::in_logs(logs).into_iter().map(of).fold(0, u64::saturating_add)
}

fn of_tip(filler: u64, triggerer: u64, triggered_here: bool) -> u64 {
    filler.saturating_add(if triggered_here { triggerer } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{id, liquidation};

    const TERMS: Terms = Terms { min_reward_sats: 0, sol_micro_usd: 150_000_000, priority: Priority::Fixed(0), dry_run: false };

    #[test]
    fn a_fee_is_worth_its_dollars_at_the_mark() {
        // 5,000 lamports at $150 a SOL are $0.00075; at $50,000 a bitcoin that is 1.5 satoshi, rounded up.
        let mark = Price::new(5_000_000_000_000);
        assert_eq!(TERMS.least_sats(5_000, mark), 2);
        // A priority fee of 1,000,000 lamports more: $0.15075, 301.5 satoshi.
        assert_eq!(TERMS.least_sats(1_005_000, mark), 302);
        assert_eq!(Terms { min_reward_sats: 500, ..TERMS }.least_sats(1_005_000, mark), 500);
        assert_eq!(TERMS.least_sats(5_000, Price::ZERO), 0);
    }

    #[test]
    fn what_pays_too_little_is_not_tried_unless_it_is_a_duty() {
        let mut task = liquidation(id(1), 1, 0);
        task.mark = Price::new(5_000_000_000_000);
        assert!(!TERMS.is_worth_trying(&task));
        task.reward = inverse_perps_engine::units::Sats::new(2);
        assert!(TERMS.is_worth_trying(&task));
        task.reward = inverse_perps_engine::units::Sats::ZERO;
        task.duty = true;
        assert!(TERMS.is_worth_trying(&task));
    }
}
