//! The first two rules (design, section 2): no balance pays more than it holds, and what cannot be paid moves the basis instead.

mod common;

use common::exact::int;
use common::ledger_model::{Holder, Side as ModelSide};
use common::{dollars, sats, still, usd, Bench, DEEP};
use inverse_perps_engine::actions::DecreaseSize::{Part, Whole};
use inverse_perps_engine::ledger::{take_up_to, transfer, Ledger};
use inverse_perps_engine::units::Bps;
use inverse_perps_engine::{Direction, Error, Params, Position};

const DAY: i64 = 86_400;

/// A long of 2 BTC that pays 6 % a day, 12,000,000 satoshi, to the pool; there are no other costs.
fn costly(margin: u64) -> (Bench, Position) {
    let params =
        Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), max_funding: 60_000_000, skew_scale: dollars(1), ..still() };
    let mut bench = Bench::new(params, usd(50_000), DEEP);
    let position = bench.opened(Direction::Long, dollars(100_000), margin);
    bench.wait(DAY);
    bench.marks();
    (bench, position)
}

#[test]
fn a_balance_never_pays_more_than_it_holds() {
    let (mut from, mut to) = (sats(10), sats(1));
    assert_eq!(transfer(&mut from, &mut to, sats(11)), Err(Error::Overflow));
    assert_eq!((from, to), (sats(10), sats(1)));
    transfer(&mut from, &mut to, sats(10)).unwrap();
    assert_eq!((from, to), (sats(0), sats(11)));
    assert_eq!(take_up_to(&mut to, sats(20)), Ok(sats(11)));
    assert_eq!(take_up_to(&mut to, sats(20)), Ok(sats(0)));
}

#[test]
fn the_ledgers_sum_and_its_changes_are_told_apart() {
    let before = Ledger { margin: sats(10), pool: sats(20), insurance: sats(30), protocol_fees: sats(40), funds: sats(50) };
    let after = Ledger { margin: sats(9), pool: sats(22), insurance: sats(27), protocol_fees: sats(44), funds: sats(48) };
    assert_eq!((before.total(), after.total()), (Ok(sats(150)), Ok(sats(150))));
    assert_eq!(after.ensure_conserved(sats(150)), Ok(()));
    assert_eq!(after.ensure_conserved(sats(151)), Err(Error::LedgerNotConserved));
    let delta = after.since(&before).unwrap();
    let changes = [delta.margin, delta.pool, delta.insurance, delta.protocol_fees, delta.funds].map(|change| change.get());
    assert_eq!(changes, [-1, 2, -3, 4, -2]);
    assert_eq!(Ledger { pool: sats(u64::MAX), ..before }.total(), Err(Error::Overflow));
}

#[test]
fn a_loss_takes_free_margin_then_the_tips_of_voided_orders_and_then_the_basis() {
    // Free margin, tips, and what is left of margin, of tips and of the basis of 2 BTC after a cost of 12,000,000.
    let cases = [
        ((12_000_001, 3_000_000), (3_000_001, 3_000_000, 0)),
        ((12_000_000, 3_000_000), (3_000_000, 3_000_000, 0)),
        ((11_999_999, 3_000_000), (2_999_999, 0, 0)),
        ((9_000_000, 3_000_000), (0, 0, 0)),
        ((5_000_000, 3_000_000), (0, 0, 4_000_000)),
    ];
    for ((free, tips), (margin, tips_left, moved)) in cases {
        let (mut bench, mut position) = costly(free + tips);
        (position.tips, position.next_order, position.pending_order) = (sats(tips), 5, 3);
        bench.settle(&mut position);
        assert_eq!((position.margin, position.tips), (sats(margin), sats(tips_left)), "free {free}");
        let voided = if tips_left == 0 { (5, 0) } else { (0, 3) };
        assert_eq!((position.void_orders_below, position.pending_order), voided);
        assert_eq!(position.basis.get(), 200_000_000 - moved);
        assert_eq!(bench.market.long.basis, position.basis);
        assert_eq!(bench.market.ledger.pool, sats(DEEP + free + tips - margin), "the pool gets what was paid and no more");
        let equity = Holder::of(&position).equity(&ModelSide::of(&bench.market.long, Direction::Long), usd(50_000));
        assert_eq!(equity, int(i128::from(free + tips) - 12_000_000));
    }
}

#[test]
fn a_gain_above_the_free_pool_stays_on_paper() {
    // Half of the long at $100,000 has won half a bitcoin; the pool has a tenth of one. Another long from $200,000 has lost more
    // than that, so that the side as a whole does not win and nothing is deleveraged.
    let params = Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() };
    let mut bench = Bench::new(params, usd(50_000), 1_000_000_000);
    let mut position = bench.opened(Direction::Long, dollars(100_000), 50_000_000);
    bench.move_to(usd(200_000));
    bench.opened(Direction::Long, dollars(400_000), 300_000_000);
    bench.move_to(usd(100_000));
    bench.market.ledger.pool = sats(10_000_000);
    let whole = bench.decrease(&mut position, Whole);
    assert_eq!(whole.unwrap_err(), Error::PoolExhausted);
    bench.decrease(&mut position, Part(dollars(50_000))).unwrap();
    assert_eq!((bench.market.ledger.pool, position.margin), (sats(0), sats(60_000_000)));
    assert_eq!(position.basis.get(), 100_000_000 + 40_000_000, "the rest of the gain waits in the entry value");
}

#[test]
fn case_25_a_shortfall_is_the_negative_equity_at_the_price_so_that_a_spread_never_makes_one() {
    // At $48,000 the long has lost 8,333,334 satoshi; the bid, ten basis points lower, takes another 208,542.
    for (margin, covered) in [(8_333_434, 0), (8_333_334, 0), (8_332_334, 1_000)] {
        let params = Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() };
        let mut bench = Bench::new(params, usd(50_000), DEEP);
        bench.market.fund_insurance(sats(1_000_000)).unwrap();
        let mut position = bench.opened(Direction::Long, dollars(100_000), margin);
        bench.move_to(usd(48_000));
        bench.widen(usd(48).get());
        let closed = bench.decrease(&mut position, Whole).unwrap();
        assert_eq!(closed.pnl.get(), -8_541_876);
        assert_eq!((closed.shortfall.covered, closed.shortfall.uncovered), (sats(covered), sats(0)));
        assert_eq!(bench.market.ledger.insurance, sats(1_000_000 - covered));
        assert_eq!(bench.market.ledger.pool, sats(DEEP + margin + covered));
        assert_eq!((position.margin, bench.market.bad_debt), (sats(0), sats(0)));
    }
}
