//! Case 36 and the price of a deposit (design, section 9).

mod common;

use common::exact::{int, ratio};
use common::{dollars, sats, still, usd, Bench, MAX_SATS};
use inverse_perps_engine::units::Bps;
use inverse_perps_engine::{Direction, Error, Params, Result};
use num_bigint::BigInt;
use proptest::prelude::*;

fn free_to_open() -> Params {
    Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() }
}

fn deposit(bench: &mut Bench, amount: u64, least_shares: u64) -> Result<u64> {
    let (marks, at) = (bench.marks(), bench.at());
    bench.market.deposit_liquidity(sats(amount), least_shares, &marks, at)
}

#[test]
fn the_first_deposit_buys_a_share_for_a_satoshi_and_has_a_minimum() {
    let mut bench = Bench::new(Params { max_pool: sats(5_000_000), ..still() }, usd(50_000), 0);
    assert_eq!(deposit(&mut bench, 0, 0), Err(Error::AmountZero));
    assert_eq!(deposit(&mut bench, 999_999, 0), Err(Error::BelowMinFirstDeposit));
    assert_eq!(deposit(&mut bench, 5_000_001, 0), Err(Error::PoolCapExceeded));
    assert_eq!(deposit(&mut bench, 1_000_000, 1_000_001), Err(Error::TooFewShares));
    assert_eq!(deposit(&mut bench, 1_000_000, 1_000_000), Ok(1_000_000));
    assert_eq!((bench.market.ledger.pool, bench.market.pool_shares), (sats(1_000_000), 1_000_000));
    assert_eq!(deposit(&mut bench, 10, 0), Ok(10), "later deposits may be small");
    assert_eq!(deposit(&mut bench, 4_000_000, 0), Err(Error::PoolCapExceeded));
}

#[test]
fn a_deposit_pays_for_what_traders_have_lost_on_paper_as_far_as_their_margin_reaches() {
    // A long of $100,000 from $50,000 has lost 8,333,333.33 satoshi at $48,000; its margin is 5,000,000.
    for (margin, worth) in [(5_000_000, 1_005_000_000), (50_000_000, 1_008_333_333)] {
        let mut bench = Bench::new(free_to_open(), usd(50_000), 1_000_000_000);
        bench.opened(Direction::Long, dollars(100_000), margin);
        bench.move_to(usd(48_000));
        let marks = bench.marks();
        assert_eq!(bench.market.pool_equity(&marks, usd(48_000)).unwrap().get(), worth);
        let expected = ratio(BigInt::from(100_000_000) * (1_000_000_000 + 1_000), worth + 1_000).to_integer();
        assert_eq!(deposit(&mut bench, 100_000_000, 0).map(BigInt::from), Ok(expected));
    }
}

#[test]
fn a_deposit_never_pays_less_than_the_free_pool() {
    // The long has won a tenth of a bitcoin on paper: the pool is worth less, the deposit costs the same.
    let mut bench = Bench::new(free_to_open(), usd(50_000), 1_000_000_000);
    bench.opened(Direction::Long, dollars(100_000), 50_000_000);
    bench.move_to(usd(52_500));
    let marks = bench.marks();
    assert!(bench.market.pool_equity(&marks, usd(52_500)).unwrap().get() < 1_000_000_000);
    assert_eq!(deposit(&mut bench, 100_000_000, 0), Ok(100_000_000));
}

#[test]
fn a_deposit_is_priced_at_the_dearest_of_bid_ask_and_recent_range() {
    let mut bench = Bench::new(free_to_open(), usd(50_000), 1_000_000_000);
    bench.opened(Direction::Long, dollars(100_000), 50_000_000);
    bench.move_to(usd(48_000));
    bench.marks();
    bench.wait(1);
    bench.price = usd(50_000); // $48,000 is still in the recent range
    assert!(deposit(&mut bench.clone(), 100_000_000, 0).unwrap() < 99_200_000);
    bench.wait(61);
    assert_eq!(deposit(&mut bench, 100_000_000, 0), Ok(100_000_000));
}

#[test]
fn a_pool_that_owes_more_than_it_has_takes_no_deposit() {
    // At the price itself deleveraging keeps the pool solvent; within the recent range it may not be. A short of 20 BTC from
    // $50,000 has won 1.00840337 BTC at $47,600 and 0.41 at $49,000.
    let mut bench = Bench::new(free_to_open(), usd(50_000), 20_000_000_000);
    bench.opened(Direction::Short, dollars(1_000_000), 500_000_000);
    bench.move_to(usd(47_600));
    bench.marks();
    bench.wait(1);
    bench.price = usd(49_000);
    bench.market.ledger.pool = sats(100_840_336);
    assert_eq!(deposit(&mut bench, 100_000_000, 0), Err(Error::PoolNotSolvent));
    bench.market.ledger.pool = sats(100_840_337);
    assert_eq!(deposit(&mut bench, 100_000_000, 0), Err(Error::PoolNotSolvent), "equity of zero is not positive");
    bench.market.ledger.pool = sats(100_840_338);
    assert!(deposit(&mut bench, 100_000_000, 0).is_ok());
}

proptest! {
    #![proptest_config(common::cases(500))]

    #[test]
    fn case_36_the_first_depositor_cannot_gain_by_a_donation(donated in 0..MAX_SATS / 4, victim in 1..MAX_SATS / 4) {
        let mut bench = Bench::new(still(), usd(50_000), 1_000_000);
        bench.market.ledger.pool = sats(1_000_000 + donated);
        let bought = deposit(&mut bench, victim, 0);
        let shares = match bought {
            Ok(shares) => shares,
            Err(error) => {
                assert_eq!(error, Error::TooFewShares);
                assert!(victim <= donated / 1_000_000 + 1, "refused only where it would buy less than one share");
                return Ok(());
            }
        };
        let worth = |shares: u64| int(shares) * ratio(bench.market.ledger.pool.get(), bench.market.pool_shares);
        assert!(worth(1_000_000) <= int(1_000_000 + donated) + worth(1), "the attacker gains at most a share's rounding");
        assert!(int(victim) - worth(shares) <= worth(1) + ratio(victim, 1_000));
        assert_eq!(bench.market.pool_shares, 1_000_000 + shares);
    }

    #[test]
    fn a_deposit_never_dilutes_those_before(first in 1_000_000..MAX_SATS / 4, fees in 0..1_000_000_000u64, second in 1..MAX_SATS / 4) {
        let mut bench = Bench::new(still(), usd(50_000), first);
        bench.market.ledger.pool = sats(first + fees);
        let Ok(shares) = deposit(&mut bench, second, 0) else { return Ok(()) };
        let (pool, supply) = (bench.market.ledger.pool.get() + 1_000, bench.market.pool_shares + 1_000);
        assert!(ratio(pool, supply) >= ratio(first + fees + 1_000, first + 1_000), "a share is worth no less than before");
        assert!(shares <= second);
    }
}
