//! Ways out: the queue of the pool, and the end of a market whose oracle has died.

mod common;

use common::{cases, dollars, moment, sats, still, usd, Bench, DEEP, MAX_SATS};
use inverse_perps_engine::actions::Outcome;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::settlement::Status;
use inverse_perps_engine::shares::{payout_for, shares_for, whole_payout_for};
use inverse_perps_engine::units::{Bps, Notional, Sats, SignedSats, UnixTime};
use inverse_perps_engine::{Direction, Error, Params, Result};
use proptest::prelude::*;

const BITCOIN: u64 = 100_000_000;
const DAY: i64 = 86_400;

fn params() -> Params {
    Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), settle_tip: Notional::ZERO, ..still() }
}

/// A pool of ten bitcoins at $50,000.
fn pool() -> Bench {
    Bench::new(params(), usd(50_000), 10 * BITCOIN)
}

/// Time in which a price comes every ten minutes.
fn wait_with_prices(bench: &mut Bench, seconds: i64) {
    for _ in 0..seconds / 600 {
        bench.wait(600);
        bench.sync().unwrap();
    }
    bench.wait(seconds % 600);
}

fn complete(bench: &mut Bench, withdrawal: &Withdrawal) -> Result<Sats> {
    complete_for(bench, withdrawal, 0)
}

fn complete_for(bench: &mut Bench, withdrawal: &Withdrawal, least: u64) -> Result<Sats> {
    let mut market = bench.market;
    let marks = market.sync(&bench.update(), PriceUse::Liquidity, bench.at())?.trading()?;
    let paid = market.complete_withdrawal(withdrawal, sats(least), Some(&marks), bench.at())?;
    bench.market = market;
    Ok(paid)
}

#[test]
fn shares_leave_after_the_cool_down_and_within_the_window() {
    let mut bench = pool();
    let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    assert_eq!(bench.market.queued_shares, BITCOIN);
    wait_with_prices(&mut bench, DAY - 1);
    assert_eq!(complete(&mut bench, &request), Err(Error::CoolDownNotOver));
    bench.wait(1);
    assert_eq!(complete(&mut bench.clone(), &request), Ok(sats(BITCOIN)));
    bench.sync().unwrap();
    wait_with_prices(&mut bench, DAY);
    assert_eq!(bench.clone().market.return_withdrawal(&request, bench.at()), Err(Error::WithdrawalNotLapsed));
    assert_eq!(complete(&mut bench.clone(), &request), Ok(sats(BITCOIN)), "the last second");
    bench.wait(1);
    assert_eq!(complete(&mut bench, &request), Err(Error::WithdrawalLapsed));
    bench.market.return_withdrawal(&request, bench.at()).unwrap();
    assert_eq!((bench.market.queued_shares, bench.market.pool_shares), (0, 10 * BITCOIN));
    assert_eq!(bench.market.cancel_withdrawal(&request), Err(Error::Overflow), "it is not in the queue any more");
}

#[test]
fn the_window_stands_still_while_no_price_comes() {
    // A gap of more than ten minutes counts whole, while it lasts and afterwards.
    let mut bench = pool();
    let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    wait_with_prices(&mut bench, 2 * DAY);
    bench.wait(601);
    let now = bench.at();
    assert_eq!(bench.market.return_withdrawal(&request, now), Err(Error::WithdrawalNotLapsed));
    bench.sync().unwrap();
    assert_eq!(bench.market.prices.stalled_seconds, 601);
    assert_eq!(complete(&mut bench.clone(), &request), Ok(sats(BITCOIN)), "601 seconds after the window by the clock");
    bench.wait(1);
    assert_eq!(complete(&mut bench, &request), Err(Error::WithdrawalLapsed));
}

#[test]
fn a_stall_before_the_request_does_not_count() {
    let mut bench = pool();
    bench.wait(5 * DAY);
    let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    assert_eq!(request.stalled_seconds, 432_000);
    bench.sync().unwrap();
    wait_with_prices(&mut bench, 2 * DAY);
    assert_eq!(complete(&mut bench.clone(), &request), Ok(sats(BITCOIN)));
    bench.wait(1);
    assert_eq!(complete(&mut bench, &request), Err(Error::WithdrawalLapsed));
}

#[test]
fn who_leaves_is_not_paid_for_what_traders_have_lost_on_paper_and_pays_for_what_they_have_won() {
    // A long of $100,000 from $50,000 has lost 8,333,333 at $48,000 and won 7,692,308, up, at $52,000; a tenth of the shares.
    for (price, paid) in [(48_000, 100_000_000), (52_000, 99_230_769)] {
        let mut bench = pool();
        bench.opened(Direction::Long, dollars(100_000), BITCOIN);
        let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
        wait_with_prices(&mut bench, DAY);
        bench.move_to(usd(price));
        assert_eq!(complete(&mut bench, &request), Ok(sats(paid)), "${price}");
    }
}

#[test]
fn the_cheapest_of_the_recent_range_counts() {
    let mut bench = pool();
    bench.opened(Direction::Long, dollars(100_000), BITCOIN);
    let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    wait_with_prices(&mut bench, DAY);
    bench.move_to(usd(51_000)); // where the long has won 3,921,569, up
    bench.sync().unwrap();
    bench.wait(1);
    bench.price = usd(50_000);
    assert_eq!(complete(&mut bench, &request), Ok(sats(99_607_843)));
}

#[test]
fn what_leaves_must_leave_the_requirement_backed_and_what_is_queued_backs_nothing_new() {
    // A long of $250,000 needs its 5 bitcoins; 70 % of what is free must cover them: 7,142,858 satoshi and a hundred times that.
    let mut bench = pool();
    bench.opened(Direction::Long, dollars(250_000), BITCOIN);
    let most = 10 * BITCOIN - 714_285_715;
    for (shares, result) in [(most + 1, Err(Error::ReserveExceeded)), (most, Ok(sats(most)))] {
        let mut bench = bench.clone();
        let request = bench.market.request_withdrawal(shares, bench.at()).unwrap();
        wait_with_prices(&mut bench, DAY);
        assert_eq!(complete(&mut bench, &request), result, "I14");
    }
    // Seven bitcoins could be opened against all ten; with a tenth of the shares queued, 6.3.
    bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    let mut trader = bench.funded(10 * BITCOIN);
    let over = bench.increase(&mut trader, Direction::Long, dollars(65_001));
    assert_eq!(over.unwrap_err(), Error::ReserveExceeded, "I14");
    bench.increase(&mut trader, Direction::Long, dollars(65_000)).unwrap();
}

#[test]
fn a_payout_below_the_least_is_refused() {
    let mut bench = pool();
    let request = bench.market.request_withdrawal(BITCOIN, bench.at()).unwrap();
    wait_with_prices(&mut bench, DAY);
    assert_eq!(complete_for(&mut bench, &request, BITCOIN + 1), Err(Error::PayoutTooSmall));
    assert_eq!(complete_for(&mut bench, &request, BITCOIN), Ok(sats(BITCOIN)));
    assert_eq!(bench.market.request_withdrawal(0, bench.at()), Err(Error::AmountZero));
}

#[test]
fn payouts_worked_by_hand() {
    // A pool grown to twice its shares: 1e8 * (2e9 + 1,000) / (1e9 + 1,000). One shrunk to half: the plain part. All: everything.
    assert_eq!(payout_for(100_000_000, 1_000_000_000, sats(2_000_000_000)), Ok(sats(199_999_900)));
    assert_eq!(payout_for(100_000_000, 1_000_000_000, sats(500_000_000)), Ok(sats(50_000_000)));
    assert_eq!(whole_payout_for(7, 7, sats(12_345)), Ok(sats(12_345)));
    assert_eq!(shares_for(sats(5_000), 0, sats(1_000_000)), Ok(5_000), "what nobody has a share of is nobody's");
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn going_in_and_out_never_pays(amount in 1..MAX_SATS / 4, supply in 1..MAX_SATS / 4, worth in 1..MAX_SATS / 4) {
        let Ok(shares) = shares_for(sats(amount), supply, sats(worth)) else { return Ok(()) };
        prop_assume!(shares > 0 && shares < u64::MAX / 4);
        let paid = payout_for(shares, supply + shares, sats(worth + amount)).unwrap().get();
        prop_assert!(paid <= amount, "I16: {paid} of {amount}");
        let rest = worth + amount - paid;
        prop_assert!(rest >= worth, "those who stay have lost nothing");
    }
}

/// A market with a short of one bitcoin and a long of half a one, whose last price is as old as said.
fn silent(seconds: i64) -> Bench {
    let mut bench = Bench::new(params(), usd(50_000), DEEP);
    bench.sync().unwrap();
    bench.wait(seconds);
    bench
}

#[test]
fn case_46_the_oracle_is_dead_after_a_day_without_a_price_that_a_decrease_would_accept() {
    let mut bench = silent(DAY - 1);
    assert_eq!(bench.market.declare_dead(bench.at()), Err(Error::OracleNotDead));
    bench.wait(1);
    bench.market.declare_dead(bench.at()).unwrap();
    assert_eq!(bench.market.declare_dead(bench.at()), Err(Error::OracleAlreadyDead));

    // Prices that upkeep takes but a decrease does not are no sign of life: their confidence is 60 bps, not 25.
    let mut bench = silent(0);
    for _ in 0..144 {
        bench.wait(600);
        bench.confidence = usd(300).get();
        bench.sync().unwrap();
    }
    bench.market.declare_dead(bench.at()).unwrap();
}

#[test]
fn only_a_usable_price_published_since_the_declaration_cancels_it_and_only_in_time() {
    let mut bench = silent(DAY);
    let published_before = bench.now;
    bench.market.declare_dead(bench.at()).unwrap();
    bench.wait(1);
    let mut old = bench.clone();
    old.now = published_before; // a price of the second of the declaration, brought a second later
    let synced = bench.clone().market.sync(&old.update(), PriceUse::Upkeep, bench.at()).unwrap();
    assert!(!synced.revived);
    let mut wide = bench.clone();
    wide.confidence = usd(300).get();
    assert!(!wide.sync().unwrap().revived);

    let mut late = bench.clone();
    late.wait(21_600 - 1);
    assert_eq!(late.sync(), Err(Error::OracleDead), "six hours are over");
    bench.wait(21_600 - 2);
    assert!(bench.sync().unwrap().revived);
    assert!(!bench.market.lifecycle.is_declared_dead());
    assert_eq!(bench.market.settle_dead(bench.at()), Err(Error::OracleNotDead));
}

#[test]
fn the_newest_price_shown_until_the_grace_period_ends_is_settled_at() {
    let mut bench = silent(DAY);
    assert_eq!(bench.market.show_price(&bench.update(), bench.at()), Err(Error::OracleNotDead));
    bench.market.declare_dead(bench.at()).unwrap();
    let show = |bench: &mut Bench, price: u64, confidence: u64, published: i64| {
        let (price, confidence) = (i64::try_from(usd(price).get()).unwrap(), usd(confidence).get());
        let update = inverse_perps_engine::oracle::RawUpdate {
            price,
            confidence,
            ema: price,
            exponent: -8,
            publish_time: UnixTime::new(published),
        };
        let at = bench.at();
        bench.market.show_price(&update, at)
    };
    let accepted = bench.market.prices.publish_time.get();
    assert_eq!(show(&mut bench, 40_000, 0, accepted), Err(Error::PriceNotNewer));
    show(&mut bench, 40_000, 4_000, accepted + 1).unwrap();
    assert_eq!(show(&mut bench, 40_000, 4_001, accepted + 2), Err(Error::SettlementConfidenceTooWide));
    assert_eq!(show(&mut bench, 39_000, 0, accepted + 1), Err(Error::PriceNotNewer));
    assert_eq!(show(&mut bench, 0, 0, accepted + 2), Err(Error::PriceNotPositive));
    let now = bench.now;
    assert_eq!(show(&mut bench, 39_000, 0, now + 61), Err(Error::PriceInFuture));
    show(&mut bench, 30_000, 0, accepted + 3_600).unwrap();
    assert_eq!(bench.market.settle_dead(bench.at()), Err(Error::GracePeriodNotOver));
    bench.wait(21_600);
    assert_eq!(show(&mut bench, 29_000, 0, accepted + 7_200), Err(Error::GracePeriodOver));
    bench.market.settle_dead(bench.at()).unwrap();
    assert_eq!((bench.market.status(), bench.market.lifecycle.settlement_price), (Status::Settling, usd(30_000)));
}

#[test]
fn case_46_after_a_dead_oracle_everybody_leaves_and_nothing_stays() {
    // Given a short of one bitcoin, a long of half a one, a pool of ten and insurance of one; the last price is $50,000, and
    // $40,000 is shown: the short wins 0.25, the long loses 0.125.
    let mut bench = Bench::new(params(), usd(50_000), 10 * BITCOIN);
    bench.market.fund_insurance(sats(BITCOIN)).unwrap();
    let mut short = bench.opened(Direction::Short, dollars(50_000), BITCOIN);
    let mut long = bench.opened(Direction::Long, dollars(25_000), BITCOIN);
    bench.wait(DAY);
    bench.market.declare_dead(bench.at()).unwrap();
    bench.price = usd(40_000);
    let update = bench.update();
    bench.market.show_price(&update, moment(bench.now, bench.slot)).unwrap();
    bench.wait(21_600);
    bench.market.settle_dead(bench.at()).unwrap();
    bench.close_for_claim(&mut short);
    bench.close_for_claim(&mut long);
    let finished = bench.market.finish_settlement().unwrap();
    assert!(finished.closed, "for good, though every claim is paid in full");
    assert_eq!((short.claim, long.margin), (sats(25_000_000), sats(87_500_000)));

    // Providers wait for the last claim; then they need neither cool-down nor price, and share insurance too.
    let request = bench.market.request_withdrawal(10 * BITCOIN, bench.at()).unwrap();
    let at = bench.at();
    assert_eq!(bench.market.complete_withdrawal(&request, Sats::ZERO, None, at), Err(Error::ClaimsOutstanding));
    let mut settlement = finished.settlement;
    bench.market.redeem(&mut short, &mut settlement).unwrap();
    assert_eq!(short.margin, sats(125_000_000));
    let pool = 1_000_000_000 + 12_500_000 - 25_000_000 + 100_000_000;
    assert_eq!(bench.market.complete_withdrawal(&request, Sats::ZERO, None, at), Ok(sats(pool)));
    for position in [&mut short, &mut long] {
        let margin = position.margin;
        bench.market.withdraw_collateral(position, margin, None).unwrap();
    }
    assert_eq!(bench.market.ledger, Default::default(), "I18: nothing stays behind");
    assert_eq!(bench.market.fund_insurance(sats(1)), Err(Error::MarketClosed));
    assert_eq!(bench.market.donate_liquidity(sats(1)), Err(Error::MarketClosed));
}

#[test]
fn what_nobody_has_a_share_of_goes_to_the_protocol_at_the_end() {
    let mut bench = Bench::new(params(), usd(50_000), 0);
    bench.market.fund_insurance(sats(700)).unwrap();
    bench.market.donate_liquidity(sats(300)).unwrap();
    bench.wait(DAY);
    bench.market.declare_dead(bench.at()).unwrap();
    bench.wait(21_600);
    bench.market.settle_dead(bench.at()).unwrap();
    bench.market.finish_settlement().unwrap();
    assert_eq!(bench.market.collect_protocol_fees(), sats(1_000));
    assert_eq!(bench.market.ledger, Default::default());
}

#[test]
fn a_pool_that_traders_owe_is_worth_less_to_who_leaves_than_to_who_comes() {
    let mut bench = pool();
    bench.opened(Direction::Long, dollars(100_000), BITCOIN);
    bench.move_to(usd(48_000));
    let marks = bench.marks();
    let worth = (bench.market.pool_equity(&marks, usd(48_000)), bench.market.pool_equity_leaving(&marks, usd(48_000)));
    assert_eq!(worth, (Ok(SignedSats::new(1_008_333_333)), Ok(SignedSats::new(1_000_000_000))));
    assert_eq!(bench.sync().unwrap().strained.map(|strained| strained.outcome), None::<Outcome>);
}

#[test]
fn without_a_newer_price_shown_the_last_accepted_is_settled_at_and_costs_run_up_to_then() {
    let mut bench = Bench::new(Params { max_borrow: 1_000_000, ..params() }, usd(50_000), 10 * BITCOIN);
    bench.opened(Direction::Short, dollars(50_000), BITCOIN);
    bench.wait(DAY);
    bench.market.declare_dead(bench.at()).unwrap();
    let mut unseen = bench.clone();
    unseen.wait(21_600);
    let accrued = unseen.market.settle_dead(unseen.at()).unwrap().expect("the short owed a borrow fee");
    assert_eq!((accrued.price, accrued.elapsed_seconds), (usd(50_000), 86_400), "a gap is charged for a day at most");
    assert_eq!(unseen.market.lifecycle.settlement_price, usd(50_000));
    assert!(unseen.market.short.cost_owed.get() > 0);

    // A price too wide to cancel the declaration is accepted still, and if it is the newest, it is settled at.
    bench.price = usd(40_000);
    bench.market.show_price(&bench.update(), bench.at()).unwrap();
    bench.wait(60);
    (bench.price, bench.confidence) = (usd(45_000), usd(250).get());
    assert!(!bench.sync().unwrap().revived);
    bench.wait(21_600);
    bench.market.settle_dead(bench.at()).unwrap();
    assert_eq!(bench.market.lifecycle.settlement_price, usd(45_000));
}
