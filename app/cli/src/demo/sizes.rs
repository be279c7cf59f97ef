//! How much of everything: what is a sensible sum depends on the price, which goes from $1 to $100 million.

use inverse_perps_engine::params::Params;
use inverse_perps_engine::units::{Notional, Price, Sats, DOLLAR, MAX_VALUE};

const MICRO_DOLLARS_SATS: u128 = 10_000_000_000;

/// So many dollars at a price, at most half of all the bitcoin there can be.
pub fn pool_deposit(price: Price, dollars: u64) -> Sats {
    Sats::new(value(u128::from(dollars) * u128::from(DOLLAR.get()), price).min(MAX_VALUE.get() / 2))
}

/// The standard parameters, where the pool's cap is raised if a bitcoin is so cheap that the deposit would not fit.
pub fn params(deposit: Sats) -> Params {
    let standard = Params::standard();
    let room = deposit.get().saturating_mul(2).clamp(standard.max_pool.get(), MAX_VALUE.get());
    Params { max_pool: Sats::new(room), min_first_deposit: standard.min_first_deposit.min(deposit), ..standard }
}

/// `bps` of the pool in dollars at a price, whole and within what a position may be. None where that is less than it must be.
pub fn part_of_pool(pool: Sats, price: Price, bps: u64, params: &Params) -> Option<Notional> {
    let worth = u128::from(pool.get()) * u128::from(price.get()) / MICRO_DOLLARS_SATS;
    whole_dollars(worth.checked_mul(u128::from(bps))? / 10_000, params)
}

/// `percent` of a notional, whole dollars, at most what a position may be; none below the least position.
pub fn percent_of(notional: Notional, percent: u64, params: &Params) -> Option<Notional> {
    whole_dollars(u128::from(notional.get()) * u128::from(percent) / 100, params)
}

/// `n` thousandths of an amount.
pub fn permille(amount: Sats, n: u64) -> Sats {
    Sats::new(u64::try_from(u128::from(amount.get()) * u128::from(n) / 1_000).unwrap_or(u64::MAX))
}

fn whole_dollars(micro_dollars: u128, params: &Params) -> Option<Notional> {
    let most = micro_dollars.min(u128::from(params.max_position_notional.get()));
    let whole = u64::try_from(most).ok()? / DOLLAR.get() * DOLLAR.get();
    (whole >= params.min_notional.get()).then_some(Notional::new(whole))
}

fn value(micro_dollars: u128, price: Price) -> u64 {
    let sats = (micro_dollars * MICRO_DOLLARS_SATS).checked_div(u128::from(price.get())).unwrap_or(0);
    u64::try_from(sats).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use inverse_perps_engine::units::Seconds;

    #[test]
    fn the_pool_is_worth_the_same_and_fits_its_parameters_at_any_price() {
        for (dollars, sats) in
            [(1, 1_000_000_000_000_000), (2, 500_000_000_000_000), (120_000, 8_333_333_333), (100_000_000, 10_000_000)]
        {
            let deposit = pool_deposit(Price::new(dollars * 100_000_000), 10_000_000);
            assert_eq!(deposit, Sats::new(sats), "${dollars}");
            let params = params(deposit);
            assert!(params.max_pool >= deposit && params.min_first_deposit <= deposit, "${dollars}");
            assert_eq!(params.validate(Seconds::new(259_200)), Ok(()), "${dollars}");
        }
    }

    #[test]
    fn sizes_are_whole_dollars_within_bounds() {
        let params = Params::standard();
        let pool = Sats::new(100_000_000);
        assert_eq!(part_of_pool(pool, Price::new(1_234_567_890_000), 100, &params), Some(Notional::new(123_000_000)));
        assert_eq!(part_of_pool(pool, Price::new(100_000_000), 100, &params), None);
        assert_eq!(part_of_pool(MAX_VALUE, Price::MAX, 10_000, &params), Some(params.max_position_notional));
        assert_eq!(percent_of(Notional::new(123_000_000), 50, &params), Some(Notional::new(61_000_000)));
        assert_eq!(percent_of(Notional::new(12_000_000), 50, &params), None);
    }
}
