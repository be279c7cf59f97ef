//! Deleveraging and settlement of the market: the worked numbers of docs/spec.md, and their edges.

mod common;

use common::{dollars, sats, still, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::actions::{DecreaseSize, Finished, Outcome};
use inverse_perps_engine::deleverage::{is_due, shrunk_scale};
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::settlement::{Settlement, Status};
use inverse_perps_engine::units::{Bps, Notional, Price, Sats, Scale};
use inverse_perps_engine::{Direction, Error, Params, Position};
use proptest::prelude::*;

const BITCOIN: u64 = 100_000_000;

/// No fees, deleveraging at 80 % down to 50 % of the free pool.
fn params() -> Params {
    Params {
        taker_fee: Bps::new(0),
        impact_max: Bps::new(0),
        deleverage_target: Bps::new(5_000),
        settle_tip: Notional::ZERO,
        ..still()
    }
}

/// A market at a price with a pool that everything can be opened against.
fn market(price: u64) -> Bench {
    Bench::new(params(), usd(price), DEEP)
}

fn tenths(bitcoin: u64) -> Sats {
    sats(bitcoin * BITCOIN / 10)
}

fn owed(bench: &Bench, direction: Direction) -> i128 {
    bench.market.side(direction).owed.get() / 1_000_000_000_000_000_000
}

fn profit(bench: &mut Bench) -> u64 {
    let marks = bench.try_sync(PriceUse::Upkeep).unwrap();
    marks.profit().unwrap().get()
}

#[test]
fn a_short_side_that_wins_five_sixths_of_the_pool_closes_four_fifths() {
    // Given $60,000 short from $60,000, one bitcoin, at $40,000: worth 1.5, so W = 0.5, and 0.6 are free.
    let mut bench = market(60_000);
    let mut position = bench.opened(Direction::Short, dollars(60_000), BITCOIN);
    bench.market.ledger.pool = tenths(6);
    bench.move_to(usd(40_000));

    // When the market is synced, then A = 0.5 * (0.6 - 0.5) / (0.5 * 0.5) = 0.2, and 0.8 * 0.5 = 0.4 are reserved.
    let strained = bench.sync().unwrap().strained.unwrap();
    assert_eq!((strained.profit, strained.free_pool, strained.outcome), (tenths(5), tenths(6), Outcome::Deleveraged));
    assert_eq!(bench.market.short.scale.get(), 200_000_000_000_000_000);
    assert_eq!(owed(&bench, Direction::Short), 40_000_000);
    assert_eq!(bench.market.ledger.pool, tenths(6), "a reservation is no payment");

    // What is left of the profit, 0.1, is half of the 0.2 that are free now; a second sync finds nothing to do.
    assert_eq!(bench.market.free_pool(), Ok(tenths(2)));
    assert_eq!(profit(&mut bench), 10_000_000, "I15");
    assert_eq!(bench.sync().unwrap().strained, None);

    // When the position is touched, then it has a fifth of its size and the 0.4 in its margin.
    bench.settle(&mut position);
    assert_eq!(position.notional(&bench.market.short), Ok(dollars(12_000)));
    assert_eq!((position.margin, bench.market.ledger.pool), (sats(140_000_000), tenths(2)));
    assert_eq!(bench.market.short.owed.get(), 0);
}

#[test]
fn both_winning_sides_shrink_by_one_factor() {
    // Given $60,000 long from $40,000 (1.5 bitcoin) and $60,000 short from $60,000 (1), at $50,000 (1.2): the long wins 0.3, the
    // short 0.2, and 0.6 are free.
    let mut bench = market(40_000);
    let mut long = bench.opened(Direction::Long, dollars(60_000), BITCOIN);
    bench.move_to(usd(60_000));
    let mut short = bench.opened(Direction::Short, dollars(60_000), BITCOIN);
    bench.market.ledger.pool = tenths(6);
    bench.move_to(usd(50_000));

    // When the market is synced, then both scales are 0.2 and each side's reserve is four fifths of its profit.
    bench.sync().unwrap();
    for direction in BOTH {
        assert_eq!(bench.market.side(direction).scale.get(), 200_000_000_000_000_000, "I15: {direction:?}");
    }
    assert_eq!((owed(&bench, Direction::Long), owed(&bench, Direction::Short)), (24_000_000, 16_000_000));
    bench.settle(&mut long);
    bench.settle(&mut short);
    assert_eq!((long.margin, short.margin), (sats(124_000_000), sats(116_000_000)));
}

#[test]
fn a_losing_side_is_left_alone() {
    let mut bench = market(60_000);
    bench.opened(Direction::Short, dollars(60_000), BITCOIN);
    bench.opened(Direction::Long, dollars(6_000), BITCOIN);
    bench.market.ledger.pool = tenths(6);
    bench.move_to(usd(40_000));
    bench.sync().unwrap();
    assert_eq!(bench.market.long.scale, Scale::ONE);
    assert!(bench.market.short.scale < Scale::ONE);
}

#[test]
fn the_trigger_is_strict_and_profit_at_the_free_pool_settles() {
    let short = || {
        let mut bench = market(60_000);
        bench.opened(Direction::Short, dollars(60_000), BITCOIN);
        bench.move_to(usd(40_000));
        bench
    };
    // W is 50,000,000: 80 % of 62,500,000.
    for (pool, expected) in [
        (62_500_000, None),
        (62_499_999, Some(Outcome::Deleveraged)),
        (50_000_001, Some(Outcome::Settling)), // a free satoshi would leave a scale below 1e15
        (50_000_000, Some(Outcome::Settling)),
        (0, Some(Outcome::Settling)),
    ] {
        let mut bench = short();
        bench.market.ledger.pool = sats(pool);
        let synced = bench.sync().unwrap();
        assert_eq!(synced.strained.map(|strained| strained.outcome), expected, "pool {pool}");
        assert_eq!(synced.ensure_strained().is_ok(), expected.is_some());
        assert_eq!(bench.market.status() == Status::Settling, expected == Some(Outcome::Settling));
    }
}

#[test]
fn a_side_worth_more_than_every_bitcoin_is_settled_even_where_its_reserve_cannot_be_told() {
    // $10 billion short at $1 are 1e18 satoshi; at the stressed price they would not fit a signed word.
    let mut bench = Bench::new(Params { stress: Bps::new(9_000), max_funding: 1_000_000, ..params() }, usd(100_000_000), DEEP);
    let position = bench.opened(Direction::Short, dollars(10_000_000_000), 2 * BITCOIN * 10_000);
    bench.move_to(usd(1));
    let synced = bench.sync().unwrap();
    assert!(synced.accrued.is_some(), "accrual runs before the market stops");
    assert_eq!(bench.market.status(), Status::Settling);
    let mut position = position;
    let closed = bench.close_for_claim(&mut position).unwrap();
    assert!(closed.pnl.get() > 900_000_000_000_000_000);
    let finished = bench.market.finish_settlement().unwrap();
    assert!(finished.closed && finished.settlement.payable < finished.settlement.claims);
}

/// Two shorts of one bitcoin and half a one, and a long of half a one, at half their price: 1.5 won, 0.5 lost.
fn halved(pool: Sats, insurance: Sats, long_margin: u64) -> (Bench, [Position; 3]) {
    let mut bench = market(60_000);
    let positions = [
        bench.opened(Direction::Short, dollars(60_000), BITCOIN),
        bench.opened(Direction::Short, dollars(30_000), BITCOIN),
        bench.opened(Direction::Long, dollars(30_000), long_margin),
    ];
    bench.market.ledger.pool = pool;
    bench.insure(insurance.get());
    bench.move_to(usd(30_000));
    assert_eq!(bench.sync().unwrap().strained.unwrap().outcome, Outcome::Settling);
    assert_eq!(bench.sync(), Err(Error::MarketSettling), "the market has stopped");
    (bench, positions)
}

fn settled(bench: &mut Bench, positions: &mut [Position; 3], order: [usize; 3]) -> Finished {
    for i in order {
        assert_eq!(bench.market.finish_settlement(), Err(Error::SettlementUnfinished));
        bench.close_for_claim(&mut positions[i]);
    }
    bench.market.finish_settlement().unwrap()
}

#[test]
fn what_cannot_be_paid_is_shared_in_proportion_whoever_comes_first() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        // Given a pool of 0.9, insurance of 0.2 of which half may be added, and a long whose margin of 0.05 pays a tenth of its
        // loss: of 1.5 claimed 0.9 + 0.05 + 0.1 = 1.05 can be paid, 70 %.
        let (mut bench, mut positions) = halved(tenths(9), tenths(2), BITCOIN / 20);
        let finished = settled(&mut bench, &mut positions, order);
        assert_eq!((finished.settlement.claims, finished.settlement.payable), (tenths(15), sats(105_000_000)));
        assert_eq!((finished.top_up, finished.closed, bench.market.bad_debt), (tenths(1), true, sats(45_000_000)));
        assert_eq!(positions.map(|position| position.claim.get()), [BITCOIN, BITCOIN / 2, 0]);
        assert_eq!(bench.market.ledger.funds, sats(105_000_000));

        // When the claims are redeemed, in this order too, then each gets 70 % beside its own margin; the last one frees what
        // insurance has left for the pool.
        let mut settlement = finished.settlement;
        for i in order.into_iter().filter(|i| *i != 2) {
            bench.market.redeem(&mut positions[i], &mut settlement).unwrap();
        }
        assert_eq!(
            positions.map(|position| position.margin.get()),
            [170_000_000, 135_000_000, 0],
            "I6, I8: in order {order:?}"
        );
        assert_eq!((settlement.left, settlement.unredeemed), (Sats::ZERO, Sats::ZERO));
        let ledger = bench.market.ledger;
        assert_eq!((ledger.funds, ledger.insurance, ledger.pool), (Sats::ZERO, Sats::ZERO, tenths(1)));
        assert_eq!(bench.sync(), Err(Error::MarketClosed));
        assert_eq!(bench.market.redeem(&mut positions[0], &mut settlement), Err(Error::NoClaim));
    }
}

#[test]
fn losses_come_in_before_profit_is_paid_and_the_market_opens_again() {
    // Given a pool of 1.4, less than the 1.5 that the shorts have won, and a long that can pay its loss of 0.5.
    let (mut bench, mut positions) = halved(tenths(14), tenths(2), BITCOIN);
    let finished = settled(&mut bench, &mut positions, [0, 1, 2]);

    // Then every claim is paid in full without insurance, 0.4 stay in the pool, and the market trades on in the next epoch.
    assert_eq!((finished.settlement.payable, finished.top_up), (tenths(15), Sats::ZERO));
    assert_eq!((bench.market.ledger.pool, bench.market.ledger.insurance), (tenths(4), tenths(2)));
    assert_eq!((finished.closed, bench.market.status(), bench.market.lifecycle.epoch), (false, Status::Active, 1));
    assert_eq!(bench.market.long, inverse_perps_engine::Side::empty());

    // A position must redeem its claim before it opens again, so that there is room for the next one.
    let again = bench.increase(&mut positions[0], Direction::Short, dollars(100));
    assert_eq!(again.unwrap_err(), Error::ClaimUnredeemed);
    let mut settlement = finished.settlement;
    bench.market.redeem(&mut positions[0], &mut settlement).unwrap();
    bench.increase(&mut positions[0], Direction::Short, dollars(100)).unwrap();
}

#[test]
fn a_pool_left_below_the_first_deposit_closes_the_market_for_good() {
    // 1.0 of pool and 0.5 of losses pay 1.5 exactly: all claims in full, and nothing is left.
    let (mut bench, mut positions) = halved(tenths(10), Sats::ZERO, BITCOIN);
    let finished = settled(&mut bench, &mut positions, [0, 1, 2]);
    assert_eq!((finished.settlement.payable, finished.closed), (tenths(15), true));
}

#[test]
fn the_top_up_is_capped_by_the_fund_as_it_stood_when_settling_began() {
    let (mut bench, mut positions) = halved(tenths(1), tenths(2), BITCOIN / 20);
    bench.market.fund_insurance(tenths(100)).unwrap();
    let finished = settled(&mut bench, &mut positions, [0, 1, 2]);
    assert_eq!(finished.top_up, tenths(1));
}

#[test]
fn a_cost_that_has_eaten_the_margin_makes_the_claim_smaller() {
    // Two shorts alike, of one bitcoin each; the first owes a cost of 0.3 of which its margin of 0.1 pays a third. At half the
    // price each has won one bitcoin: the first claims 0.8 and keeps nothing, the second claims 1.
    let mut bench = market(60_000);
    let mut poor = bench.opened(Direction::Short, dollars(60_000), BITCOIN / 10);
    let mut rich = bench.opened(Direction::Short, dollars(60_000), BITCOIN);
    let cost = 5 * 10i128.pow(14); // 1e-18 satoshi a share: 60,000,000,000 shares owe 30,000,000
    poor.cost_index = inverse_perps_engine::units::CostIndex::new(-cost);
    bench.market.short.cost_owed = inverse_perps_engine::units::FineSats::new(60_000_000_000 * cost);
    bench.market.ledger.pool = tenths(5);
    bench.move_to(usd(30_000));
    bench.sync().unwrap();
    bench.close_for_claim(&mut poor);
    bench.close_for_claim(&mut rich);
    assert_eq!((poor.margin, poor.claim), (Sats::ZERO, tenths(8)));
    assert_eq!((rich.margin, rich.claim), (sats(BITCOIN), tenths(10)));
}

#[test]
fn the_tip_is_bounded_by_the_fee_at_entry_and_by_insurance() {
    // $10 at $60,000 came in for 16,666 satoshi, down; 2 bps of that, insurance's and the protocol's share of 5 bps, are 3. At
    // $6,000 the market's $0.002 would be 33.
    let with_tip = Params { taker_fee: Bps::new(5), settle_tip: Notional::new(2_000), ..params() };
    for (insurance, tip) in [(1_000, 3), (4, 2), (0, 0)] {
        let mut bench = Bench::new(with_tip, usd(60_000), DEEP);
        let mut position = bench.opened(Direction::Short, dollars(10), BITCOIN);
        bench.market.ledger.insurance = Sats::ZERO;
        bench.market.ledger.pool = Sats::ZERO;
        bench.move_to(usd(6_000));
        bench.wait(86_400);
        bench.insure(insurance);
        bench.sync().unwrap();
        let closed = bench.close_for_claim(&mut position).unwrap();
        assert_eq!(bench.market.take_tip(closed.tip_most, bench.at()), Ok(sats(tip)), "of {insurance}");
        assert_eq!(bench.market.ledger.insurance, sats(insurance - tip));
    }
}

#[test]
fn case_26_insurance_pays_at_most_its_share_of_the_fund_a_day() {
    // Given a fund of 1,000,000 at the day's start, of which half may be paid: 500,000 today, half of the rest tomorrow.
    let mut bench = market(60_000);
    bench.market.fund_insurance(sats(1_000_000)).unwrap();
    bench.wait(86_400);
    bench.sync().unwrap();
    let at = bench.at();
    assert_eq!(bench.market.take_tip(sats(400_000), at), Ok(sats(400_000)));
    assert_eq!(bench.market.take_tip(sats(400_000), at), Ok(sats(100_000)));
    assert_eq!(bench.market.take_tip(sats(1), at), Ok(Sats::ZERO), "I12");
    bench.wait(86_400);
    let at = bench.at();
    assert_eq!(bench.market.take_tip(sats(400_000), at), Ok(sats(250_000)));
    assert_eq!(bench.market.ledger.insurance, sats(250_000));
    // A clock that falls back to yesterday opens no new allowance.
    bench.now -= 86_400;
    let at = bench.at();
    assert_eq!(bench.market.take_tip(sats(1), at), Ok(Sats::ZERO), "I12");
}

#[test]
fn nothing_trades_while_the_market_settles_and_flat_margin_still_leaves() {
    let (mut bench, mut positions) = halved(tenths(9), tenths(2), BITCOIN);
    let flat = &mut bench.funded(1_000);
    assert_eq!(bench.increase(flat, Direction::Long, dollars(100)).unwrap_err(), Error::MarketSettling);
    assert_eq!(bench.decrease(&mut positions[0], DecreaseSize::Whole).unwrap_err(), Error::MarketSettling);
    assert_eq!(bench.liquidate(&mut positions[2]).unwrap_err(), Error::MarketSettling);
    bench.market.deposit_collateral(flat, sats(500)).unwrap();
    bench.market.withdraw_collateral(flat, sats(1_500), None).unwrap();
    assert_eq!(flat.margin, Sats::ZERO);
}

#[test]
fn only_what_settles_can_be_settled() {
    let mut bench = market(60_000);
    let mut position = bench.opened(Direction::Short, dollars(60_000), BITCOIN);
    assert_eq!(bench.market.close_for_claim(&mut position), Err(Error::MarketNotSettling));
    assert_eq!(bench.market.finish_settlement(), Err(Error::MarketNotSettling));
    assert_eq!(bench.market.redeem(&mut position, &mut Settlement::default()), Err(Error::NoClaim));
    assert_eq!(bench.sync().unwrap().ensure_strained(), Err(Error::DeleverageNotDue));
}

proptest! {
    #![proptest_config(common::cases(2_000))]

    /// The design's formula in wide integers, and what it is for: afterwards profit is at most the target of what is free.
    #[test]
    fn the_shrunk_scale_is_the_formulas(
        scale in 1_000_000_000_000_000..=1_000_000_000_000_000_000u64, free in 1..=common::MAX_SATS, share in 1..=10_500u64,
        target in 1_000..9_000u32
    ) {
        let profit = (u128::from(free) * u128::from(share) / 10_000).max(1) as u64;
        let shrunk = shrunk_scale(Scale::new(scale), sats(profit), sats(free), Bps::new(target)).unwrap();
        if profit > free {
            assert_eq!(shrunk, None);
            return Ok(());
        }
        let exact = u128::from(scale) * u128::from(target) * u128::from(free - profit) / (u128::from(profit) * u128::from(10_000 - target));
        let expected = exact.min(u128::from(scale));
        assert_eq!(shrunk.map(|scale| u128::from(scale.get())), (expected >= 1_000_000_000_000_000).then_some(expected));
        let due = is_due(sats(profit), sats(free), Bps::new(target));
        assert_eq!(due, u128::from(profit) * 10_000 > u128::from(free) * u128::from(target));
        assert!(due || expected == u128::from(scale), "what is not above the target is not shrunk");
    }
}

#[test]
fn the_price_of_a_settlement_is_kept() {
    let (mut bench, mut positions) = halved(tenths(9), tenths(2), BITCOIN);
    bench.move_to(usd(90_000));
    let closed = bench.close_for_claim(&mut positions[0]).unwrap();
    assert_eq!((closed.price, closed.pnl.get()), (usd(30_000), 100_000_000));
    assert_ne!(bench.price, Price::ZERO);
}
