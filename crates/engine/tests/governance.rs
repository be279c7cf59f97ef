//! Pauses, proposals and spared margin ratios (design, section 11).

mod common;

use common::{dollars, sats, still, usd, Bench};
use inverse_perps_engine::actions::DecreaseSize;
use inverse_perps_engine::margin::MarginRatios;
use inverse_perps_engine::pause::{PAUSE, UNTIL_RESUMED};
use inverse_perps_engine::timelock::Proposal;
use inverse_perps_engine::units::{Bps, Seconds, UnixTime};
use inverse_perps_engine::{Direction, Error, Params};

const DAY: u32 = 86_400;
const TIMELOCK: Seconds = Seconds::new(3 * DAY);

fn at(seconds: i64) -> UnixTime {
    UnixTime::new(seconds)
}

fn ratios(initial: u32, maintenance: u32) -> MarginRatios {
    let (slope, bps) = (Bps::new(10), Bps::new);
    MarginRatios { initial: bps(initial), initial_slope: slope, maintenance: bps(maintenance), maintenance_slope: slope }
}

fn with(initial: u32, maintenance: u32) -> Params {
    Params { impact_max: Bps::new(10), max_funding: 0, max_borrow: 0, ..Params::standard() }
        .with_ratios(&ratios(initial, maintenance))
}

#[test]
fn a_pause_lasts_a_week_and_comes_back_a_week_later_at_the_earliest() {
    let mut market = Bench::deep(usd(50_000)).market;
    let start = 1_700_000_000;
    let week = i64::from(PAUSE.get());
    assert_eq!(week, 7 * 86_400);
    assert_eq!(market.resume_risk(), Err(Error::RiskNotPaused));
    for round in 0..3 {
        let begun = start + round * 2 * week;
        assert_eq!(market.pause_risk(at(begun)), Ok(()));
        for (time, allowed, again) in [
            (begun, Err(Error::RiskPaused), Err(Error::RiskAlreadyPaused)),
            (begun + week - 1, Err(Error::RiskPaused), Err(Error::RiskAlreadyPaused)),
            (begun + week, Ok(()), Err(Error::PauseTooSoon)),
            (begun + 2 * week - 1, Ok(()), Err(Error::PauseTooSoon)),
        ] {
            assert_eq!(market.ensure_risk_allowed(at(time)), allowed, "{time}");
            assert_eq!(market.clone().pause_risk(at(time)), again, "{time}");
        }
    }
    // Confirmed, it lasts; resumed, it is as if there had been none.
    assert_eq!(market.confirm_pause(), Ok(()));
    assert_eq!(market.risk_paused_until, UNTIL_RESUMED);
    assert_eq!(market.confirm_pause(), Err(Error::RiskAlreadyPaused));
    assert_eq!(market.pause_risk(at(i64::MAX - 1)), Err(Error::RiskAlreadyPaused));
    assert_eq!(market.ensure_risk_allowed(at(i64::MAX - 1)), Err(Error::RiskPaused));
    assert_eq!(market.resume_risk(), Ok(()));
    assert_eq!(market.pause_risk(at(start)), Ok(()));
    // Without a pause before, the admin can make one that lasts at once; at the end of time there is none of a week.
    market.resume_risk().unwrap();
    assert_eq!(market.confirm_pause(), Ok(()));
    market.resume_risk().unwrap();
    assert_eq!(market.pause_risk(at(i64::MAX - 1)), Err(Error::Overflow));
}

#[test]
fn a_proposal_holds_from_the_timelock_for_a_fortnight() {
    let now = 1_700_000_000;
    let proposal = Proposal::new(Params::standard(), TIMELOCK, at(now)).unwrap();
    let (from, to) = (now + 259_200, now + 259_200 + 1_209_600);
    assert_eq!((proposal.executable_at, proposal.expires_at), (at(from), at(to)));
    for (time, expected) in [
        (now, Err(Error::TimelockNotOver)),
        (from - 1, Err(Error::TimelockNotOver)),
        (from, Ok(())),
        (to, Ok(())),
        (to + 1, Err(Error::ProposalExpired)),
    ] {
        assert_eq!(proposal.ensure_executable(at(time)), expected, "{time}");
    }
    assert_eq!(Proposal::new(Params::standard(), TIMELOCK, at(i64::MAX)), Err(Error::Overflow));
}

#[test]
fn a_raise_spares_who_was_there_and_nobody_else() {
    for direction in [Direction::Long, Direction::Short] {
        let mut bench = Bench::new(with(200, 100), usd(50_000), 100_000_000_000);
        let old = bench.opened(direction, dollars(10_000), 100_000_000);
        let now = bench.at().time;
        bench.market.set_params(&with(600, 400), TIMELOCK, now).unwrap();
        let mut new = bench.opened(direction, dollars(10_000), 100_000_000);
        assert_eq!((old.margin_epoch, new.margin_epoch, bench.market.margin_epoch), (0, 1, 1));
        assert_eq!(bench.market.ratios_of(&old), ratios(200, 100));
        assert_eq!(bench.market.ratios_of(&new), ratios(600, 400));

        // Increased, the old one is a new one; reduced, a new one stays what it is.
        let mut increased = old;
        bench.clone().increase(&mut increased, direction, dollars(1_000)).unwrap();
        assert_eq!(bench.market.ratios_of(&increased), ratios(600, 400));
        bench.wait(61);
        bench.clone().decrease(&mut new, DecreaseSize::Part(dollars(1_000))).unwrap();
        assert_eq!(bench.market.ratios_of(&new), ratios(600, 400));

        // It ends with the first sync at the second timelock.
        bench.wait(3 * 86_400 - 62);
        bench.sync().unwrap();
        assert_eq!(bench.market.ratios_of(&old), ratios(200, 100));
        bench.wait(1);
        bench.sync().unwrap();
        assert_eq!((bench.market.ratios_of(&old), bench.market.spared_until), (ratios(600, 400), UnixTime::ZERO));
    }
}

#[test]
fn each_ratio_is_spared_by_itself() {
    let mut bench = Bench::new(with(300, 100), usd(50_000), 100_000_000_000);
    let old = bench.opened(Direction::Long, dollars(10_000), 100_000_000);
    let now = bench.at().time;
    bench.market.set_params(&with(250, 150), TIMELOCK, now).unwrap();
    assert_eq!(bench.market.ratios_of(&old), ratios(250, 100), "what is lowered holds at once");
    let steeper = Params { initial_margin_slope: Bps::new(20), ..with(250, 150) };
    let mut bench = Bench::new(with(250, 150), usd(50_000), 100_000_000_000);
    let old = bench.opened(Direction::Long, dollars(10_000), 100_000_000);
    bench.market.set_params(&steeper, TIMELOCK, now).unwrap();
    assert_eq!((bench.market.ratios_of(&old), bench.market.margin_epoch), (ratios(250, 150), 1), "a slope is a ratio");
    // Nothing raised, nobody to be spared.
    let mut bench = Bench::new(with(250, 150), usd(50_000), 100_000_000_000);
    let cheaper = Params { taker_fee: Bps::new(3), min_reward: Bps::new(1), settle_tip: dollars(0), ..with(200, 120) };
    bench.market.set_params(&cheaper, TIMELOCK, now).unwrap();
    assert_eq!((bench.market.margin_epoch, bench.market.spared_until), (0, UnixTime::ZERO));
}

/// A timelock lies between two changes. Where a Clock that falls back brings them together, the least of all ratios is what older
/// positions are held to.
#[test]
fn a_change_while_somebody_is_spared_takes_nothing_from_him() {
    let mut bench = Bench::new(with(200, 100), usd(50_000), 100_000_000_000);
    let oldest = bench.opened(Direction::Long, dollars(10_000), 100_000_000);
    let now = bench.at().time;
    bench.market.set_params(&with(600, 400), TIMELOCK, now).unwrap();
    let middle = bench.opened(Direction::Short, dollars(10_000), 100_000_000);
    let until = bench.market.spared_until;
    let mut lowered = bench.market;
    lowered.set_params(&with(180, 120), TIMELOCK, now).unwrap();
    assert_eq!((lowered.ratios_of(&oldest), lowered.spared_until, lowered.margin_epoch), (ratios(180, 100), until, 1));
    let mut raised = bench.market;
    let later = now.after(Seconds::new(10)).unwrap();
    raised.set_params(&with(900, 600), TIMELOCK, later).unwrap();
    assert_eq!((raised.ratios_of(&oldest), raised.margin_epoch), (ratios(200, 100), 2));
    assert_eq!(raised.ratios_of(&middle), ratios(200, 100));
    assert_eq!(raised.spared_until, later.after(TIMELOCK).unwrap());
    // And what would not fit those is refused.
    let mut dear = bench.market;
    let params = Params { liquidation_fee: Bps::new(100), ..with(600, 400) };
    assert_eq!(dear.ensure_acceptable(&params, TIMELOCK), Ok(()), "it will be over by the time of the execution");
    assert_eq!(dear.set_params(&params, TIMELOCK, now), Err(Error::LiquidationFeeOutOfBounds));
}

#[test]
fn parameters_must_fit_the_ratios_of_those_who_are_spared() {
    let bench = Bench::new(with(200, 100), usd(50_000), 100_000_000_000);
    let fee = |fee| Params { liquidation_fee: Bps::new(fee), ..with(600, 400) };
    assert_eq!(fee(40).validate(TIMELOCK), Ok(()));
    assert_eq!(bench.market.ensure_acceptable(&fee(39), TIMELOCK), Ok(()));
    assert_eq!(bench.market.ensure_acceptable(&fee(40), TIMELOCK), Err(Error::LiquidationFeeOutOfBounds));
    let mut market = bench.market;
    assert_eq!(market.set_params(&fee(40), TIMELOCK, bench.at().time), Err(Error::LiquidationFeeOutOfBounds));
    let impact = Params { impact_max: Bps::new(95), ..with(600, 400) };
    assert_eq!(market.ensure_acceptable(&impact, TIMELOCK), Err(Error::ImpactOutOfBounds));
    assert_eq!(market.params, bench.market.params);
}

#[test]
fn a_paused_market_refuses_increases_and_deposits_alone() {
    let mut bench = Bench::new(still(), usd(50_000), 100_000_000_000);
    let mut position = bench.opened(Direction::Long, dollars(10_000), 100_000_000);
    bench.market.pause_risk(bench.at().time).unwrap();
    let refused = bench.increase(&mut position.clone(), Direction::Long, dollars(1_000));
    assert_eq!(refused.unwrap_err(), Error::RiskPaused);
    let (marks, at) = (bench.marks(), bench.at());
    assert_eq!(bench.market.deposit_liquidity(sats(1_000_000), 0, &marks, at), Err(Error::RiskPaused));
    bench.wait(61);
    bench.decrease(&mut position, DecreaseSize::Part(dollars(1_000))).unwrap();
    bench.withdraw(&mut position, 1).unwrap();
    bench.market.deposit_collateral(&mut position, sats(1)).unwrap();
    let request = bench.market.request_withdrawal(1_000, bench.at()).unwrap();
    bench.wait(86_400);
    let (marks, at) = (bench.marks(), bench.at());
    bench.market.complete_withdrawal(&request, sats(0), Some(&marks), at).unwrap();
}
