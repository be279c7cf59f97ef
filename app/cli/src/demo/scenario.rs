//! Who comes to the market and how well it is stocked: on an ordinary day, and with a pool that a crash is too much for.

use super::crowd::Style;
use super::sizes;
use inverse_perps_engine::params::Params;
use inverse_perps_engine::units::{Bps, Price, Sats};
use std::ops::Range;

/// A cast and the size of its stage.
#[derive(Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Everybody who trades, with their leverage.
    pub crowd: &'static [(Style, u64)],
    /// Least and greatest usual notional of each, in basis points of the pool.
    pub appetite_bps: (u64, u64),
    /// Turns a thousand steps, of each.
    pub turns_permille: u32,
    /// New positions a thousand that get a stop and a take-profit with them.
    pub protected_permille: u32,
    /// Flat users: they pay margin in and do nothing else.
    pub onlookers: usize,
    /// Providers of liquidity.
    pub providers: usize,
    /// What the pool is worth when a market opens.
    pub pool_dollars: u64,
    /// Whether the providers keep the pool about that size, whatever it earns or loses.
    pub is_pool_kept: bool,
    /// Whether the parameters are as risky as their bounds allow.
    pub is_strained: bool,
}

/// An ordinary market with the standard parameters.
pub static PLAIN: Scenario = Scenario {
    crowd: &[
        (Style::Hedger, 1),
        (Style::Hedger, 1),
        (Style::Hedger, 1),
        (Style::Bull, 1),
        (Style::Bull, 2),
        (Style::Bull, 3),
        (Style::Bull, 5),
        (Style::Bull, 10),
        (Style::Bull, 15),
        (Style::Bull, 25),
        (Style::Bear, 2),
        (Style::Bear, 5),
        (Style::Bear, 10),
        (Style::Bear, 25),
        (Style::Momentum, 3),
        (Style::Momentum, 8),
        (Style::Momentum, 12),
        (Style::Momentum, 20),
        (Style::Momentum, 35),
        (Style::Contrarian, 4),
        (Style::Contrarian, 10),
        (Style::Contrarian, 18),
        (Style::Contrarian, 25),
        (Style::Contrarian, 40),
    ],
    appetite_bps: (100, 500),
    turns_permille: 80,
    protected_permille: 330,
    onlookers: 2,
    providers: 1,
    pool_dollars: 10_000_000,
    is_pool_kept: false,
    is_strained: false,
};

/// A pool that is spoken for up to the trigger of deleveraging, by shorts.
pub static STRESS: Scenario = Scenario {
    crowd: &[
        (Style::Bear, 3),
        (Style::Bear, 4),
        (Style::Bear, 5),
        (Style::Bear, 5),
        (Style::Bear, 6),
        (Style::Bear, 8),
        (Style::Bear, 8),
        (Style::Bear, 10),
        (Style::Bear, 10),
        (Style::Bear, 12),
        (Style::Bear, 15),
        (Style::Bear, 15),
        (Style::Bear, 20),
        (Style::Bear, 25),
        (Style::Bear, 30),
        (Style::Bear, 40),
        (Style::Hedger, 1),
        (Style::Hedger, 1),
        (Style::Bull, 3),
        (Style::Bull, 8),
        (Style::Bull, 15),
        (Style::Momentum, 5),
        (Style::Momentum, 10),
        (Style::Momentum, 20),
    ],
    appetite_bps: (2_000, 8_000),
    turns_permille: 100,
    protected_permille: 100,
    onlookers: 4,
    providers: 3,
    pool_dollars: 1_000_000,
    is_pool_kept: true,
    is_strained: true,
};

impl Scenario {
    /// The traders' seats.
    pub fn traders(&self) -> Range<usize> {
        0..self.crowd.len()
    }

    /// The flat users' seats.
    pub fn flat_users(&self) -> Range<usize> {
        let first = self.traders().end;
        first..first + self.onlookers
    }

    /// The seats of those who provide liquidity.
    pub fn providers(&self) -> Range<usize> {
        let first = self.flat_users().end;
        first..first + self.providers
    }

    /// The keeper's seat, the last one.
    pub fn keeper(&self) -> usize {
        self.providers().end
    }

    /// What a market's pool opens with at a price.
    pub fn pool_deposit(&self, price: Price) -> Sats {
        sizes::pool_deposit(price, self.pool_dollars)
    }

    /// A market's parameters for such a pool.
    pub fn params(&self, deposit: Sats) -> Params {
        let params = sizes::params(deposit);
        if !self.is_strained {
            return params;
        }
        Params {
            stress: Bps::new(1_500),
            max_utilisation: Bps::new(7_000),
            deleverage_target: Bps::new(4_500),
            deleverage_trigger: Bps::new(7_000),
            ..params
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use inverse_perps_engine::units::Seconds;

    #[test]
    fn parameters_are_within_their_bounds_at_any_price() {
        for scenario in [&PLAIN, &STRESS] {
            for dollars in [1, 2, 7_900, 120_000, 100_000_000] {
                let deposit = scenario.pool_deposit(Price::new(dollars * 100_000_000));
                let params = scenario.params(deposit);
                assert_eq!(params.validate(Seconds::new(259_200)), Ok(()), "${dollars}");
                assert!(params.max_pool >= deposit && params.min_first_deposit <= deposit, "${dollars}");
            }
        }
    }

    #[test]
    fn everybody_has_a_seat_of_their_own() {
        let seats = [STRESS.traders(), STRESS.flat_users(), STRESS.providers()];
        assert_eq!(seats.into_iter().flatten().collect::<Vec<_>>(), (0..STRESS.keeper()).collect::<Vec<_>>());
    }
}
