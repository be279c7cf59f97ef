//! What a position is exposed to, by hand and by finite differences, and the short that makes bitcoin a synthetic dollar, against
//! the market that opens it.

mod common;

use common::exact::{assert_down, assert_near, assert_up, int, pnl as exact_pnl, ratio, value, Exact};
use common::{dollars, open_params, sats, still, usd, Bench, BOTH, DEEP};
use inverse_perps_engine::exposure::{
    accepted_threshold, after_moves, bitcoin_exposure, Carry, Greeks, Health, Hedge, HedgeTerms, OpenInterest, Standing,
};
use inverse_perps_engine::liquidation::{Exposed, Threshold};
use inverse_perps_engine::margin::{equity, is_liquidatable, MarginRatios};
use inverse_perps_engine::oracle::Quote;
use inverse_perps_engine::pnl::{entry_value, Valuation};
use inverse_perps_engine::units::{Bps, Confidence, Notional, PpbPerDay, Price, Sats, SignedSats};
use inverse_perps_engine::{Direction, Error, Params};
use proptest::prelude::*;

/// 1 % of maintenance margin at every size.
const FLAT: MarginRatios = MarginRatios {
    initial: Bps::new(200),
    initial_slope: Bps::new(0),
    maintenance: Bps::new(100),
    maintenance_slope: Bps::new(0),
};
const BTC: i64 = 100_000_000;

fn exposed(direction: Direction, size: u64, entry: u64, margin: i64) -> Exposed {
    let entry_value = entry_value(direction, dollars(size), usd(entry)).unwrap().signed().unwrap().get();
    Exposed { direction, notional: dollars(size), margin, entry_value }
}

/// `±(B - N / P) + M` satoshi, from the table of the design and not from the engine.
fn exact_equity(position: &Exposed, price: u64) -> Exact {
    let worth = value(position.notional.get(), price);
    int(position.margin) + exact_pnl(position.direction, int(position.entry_value), worth)
}

fn power(n: u64, exponent: i32) -> Exact {
    int(n).pow(exponent)
}

fn absolute(n: Exact) -> Exact {
    if n < int(0) {
        -n
    } else {
        n
    }
}

#[test]
fn greeks_of_a_bitcoin_by_hand() {
    // $60,000 at $60,000: N / P^2 = 1 / 60,000 BTC a dollar = 1,666.6... satoshi. 2 N / P^3 = 2 / 3.6e9 BTC = 0.0555... satoshi.
    let short = Greeks::of(&exposed(Direction::Short, 60_000, 60_000, BTC), usd(60_000)).unwrap();
    assert_eq!(short.delta_nano_sats, -1_666_666_666_666);
    assert_eq!(short.gamma_atto_sats, 55_555_555_555_555_555);
    assert_eq!(short.delta_usd, SignedSats::ZERO, "its margin is its entry value: it is dollars");
    let long = Greeks::of(&exposed(Direction::Long, 60_000, 60_000, BTC), usd(60_000)).unwrap();
    assert_eq!((long.delta_nano_sats, long.gamma_atto_sats), (1_666_666_666_666, -55_555_555_555_555_555));
    assert_eq!(long.delta_usd.get(), 2 * BTC, "the margin and the bitcoin that was bought");
    // At $30,000 the slope is four times that and the curve eight times, whatever the entry was.
    let lower = Greeks::of(&exposed(Direction::Long, 60_000, 60_000, BTC), usd(30_000)).unwrap();
    assert_eq!((lower.delta_nano_sats, lower.gamma_atto_sats), (6_666_666_666_666, -444_444_444_444_444_444));
    assert_eq!(lower.delta_usd.get(), 2 * BTC, "no price changes the exposure in dollars");
}

#[test]
fn greeks_reach_as_far_as_the_market() {
    // $10 billion at $1: N / P^2 = 1e10 BTC = 1e18 satoshi a dollar, and twice that a dollar again.
    let whole = Exposed { direction: Direction::Long, notional: dollars(10_000_000_000), margin: 0, entry_value: 0 };
    let greeks = Greeks::of(&whole, Price::MIN).unwrap();
    assert_eq!(greeks.delta_nano_sats, 10i128.pow(27));
    assert_eq!(greeks.gamma_atto_sats, -2 * 10i128.pow(36));
    // A dollar at $100 million: 1e-16 BTC = 1e-8 satoshi a dollar, and 2e-24 BTC = 2e-16 satoshi a dollar again.
    let least = Exposed { notional: dollars(1), ..whole };
    let greeks = Greeks::of(&least, Price::MAX).unwrap();
    assert_eq!((greeks.delta_nano_sats, greeks.gamma_atto_sats), (10, -200));
    assert_eq!(Greeks::of(&whole, Price::ZERO), Err(Error::Overflow));
    assert_eq!(Greeks::of(&whole, Price::new(1)), Err(Error::Overflow), "a result of more than 127 bits is refused, not cut");
}

#[test]
fn leverage_after_moves_by_hand() {
    // $60,000 long from $60,000 on 0.1 BTC is 1.1 BTC less $60,000.
    let long = exposed(Direction::Long, 60_000, 60_000, BTC / 10);
    let here = Standing::of(&long, usd(60_000), &FLAT).unwrap();
    assert_eq!((here.equity.get(), here.equity_micro_usd, here.leverage_micro), (BTC / 10, 6_000_000_000, Some(10_000_000)));
    let moves: Vec<_> = after_moves(&long, usd(60_000), &FLAT).map(Result::unwrap).collect();
    let seen = |percent: i32| moves.iter().find(|moved| moved.percent == percent).unwrap().standing;
    assert_eq!(moves.iter().map(|moved| moved.percent).collect::<Vec<_>>(), [-50, -20, -10, 10, 20, 50]);
    for (percent, price, dollars, leverage, health) in [
        // 1.1 * 30,000 - 60,000, and so on; leverage is 60,000 over that, rounded up.
        (-50, 30_000, -27_000, None, Health::Bankrupt),
        (-20, 48_000, -7_200, None, Health::Bankrupt),
        (-10, 54_000, -600, None, Health::Bankrupt),
        (10, 66_000, 12_600, Some(4_761_905), Health::Sound),
        (20, 72_000, 19_200, Some(3_125_000), Health::Sound),
        (50, 90_000, 39_000, Some(1_538_462), Health::Sound),
    ] {
        let found = seen(percent);
        assert_eq!(found.price, usd(price), "{percent}");
        assert_eq!(found.equity_micro_usd, i128::from(dollars) * 1_000_000, "{percent}");
        assert_eq!((found.leverage_micro, found.health), (leverage, health), "{percent}");
    }
    // At $55,000 it has $500 left of the $600 that maintenance asks, and is levered 120 times; $55,091 leaves $600.10.
    let thin = Standing::of(&long, usd(55_000), &FLAT).unwrap();
    assert_eq!((thin.equity_micro_usd, thin.leverage_micro), (500_000_000, Some(120_000_000)));
    assert_eq!(thin.health, Health::Liquidatable);
    assert_eq!(Standing::of(&long, usd(55_091), &FLAT).unwrap().health, Health::Sound);
    // 60,000 / 1.1 = 54,545.45...: above it part of a satoshi is no satoshi.
    assert_eq!(Standing::of(&long, usd(54_545), &FLAT).unwrap().health, Health::Bankrupt);
    assert_eq!(Standing::of(&long, usd(54_546), &FLAT).unwrap().health, Health::Liquidatable);
    // 60,000 * 1.01 / 1.1 = 55,090.909..., up.
    assert_eq!(accepted_threshold(&long, &FLAT), Ok(Threshold::At(Price::new(5_509_090_909_091))));
}

#[test]
fn a_shorts_leverage_falls_with_the_price_and_its_equity_in_dollars_does_not_vanish_in_a_crash() {
    // $60,000 short from $60,000 on 0.5 BTC: -0.5 BTC and $60,000.
    let short = exposed(Direction::Short, 60_000, 60_000, BTC / 2);
    let moves: Vec<_> = after_moves(&short, usd(60_000), &FLAT).map(Result::unwrap).collect();
    let dollars: Vec<_> = moves.iter().map(|moved| moved.standing.equity_micro_usd / 1_000_000).collect();
    assert_eq!(dollars, [45_000, 36_000, 33_000, 27_000, 24_000, 15_000]);
    let levered: Vec<_> = moves.iter().map(|moved| moved.standing.leverage_micro.unwrap()).collect();
    assert_eq!(levered, [1_333_334, 1_666_667, 1_818_182, 2_222_223, 2_500_000, 4_000_000]);
    assert!(moves.iter().all(|moved| moved.standing.health == Health::Sound));
    // 60,000 * 0.99 / 0.5 = $118,800 is where 1 % is left, $120,000 where nothing is.
    assert_eq!(accepted_threshold(&short, &FLAT), Ok(Threshold::At(usd(118_800))));
    assert_eq!(Standing::of(&short, usd(118_800), &FLAT).unwrap().health, Health::Sound);
    assert_eq!(Standing::of(&short, usd(118_801), &FLAT).unwrap().health, Health::Liquidatable);
    assert_eq!(Standing::of(&short, usd(120_000), &FLAT).unwrap().health, Health::Bankrupt);
}

#[test]
fn a_threshold_beyond_every_accepted_price_is_none() {
    // One satoshi short of the entry value: 60,000 * 0.99 / 1e-8 = $5.94e12. The engine's formula cannot even state that.
    let short = exposed(Direction::Short, 60_000, 60_000, BTC - 1);
    assert_eq!(accepted_threshold(&short, &FLAT), Ok(Threshold::Never));
    // 0.000594 BTC short: 59,400 / 0.000594 = $100 million, the greatest price. One satoshi less margin and it lies within.
    assert_eq!(accepted_threshold(&Exposed { margin: BTC - 59_400, ..short }, &FLAT), Ok(Threshold::Never));
    let within = accepted_threshold(&Exposed { margin: BTC - 59_401, ..short }, &FLAT);
    assert!(matches!(within, Ok(Threshold::At(price)) if price < Price::MAX && price > usd(99_990_000)), "{within:?}");
    // A long whose backing pays its debt at $1 has none either.
    let long = exposed(Direction::Long, 1_000, 60_000, 1_010 * BTC);
    assert_eq!(accepted_threshold(&long, &FLAT), Ok(Threshold::Never));
}

/// A position within what one side may hold, of any leverage and at any profit.
fn positions() -> impl Strategy<Value = (Exposed, u64)> {
    let direction = prop::sample::select(BOTH.to_vec());
    (direction, 1..10_000_000_000u64, 1_000..1_000_000u64, 1..300i64, 40..250u64).prop_map(|(d, size, entry, percent, at)| {
        let held = exposed(d, size, entry, 0);
        (Exposed { margin: held.entry_value / 100 * percent, ..held }, usd(entry).get() / 100 * at)
    })
}

proptest! {
    #![proptest_config(common::cases(1_000))]

    #[test]
    fn greeks_are_the_exact_derivatives_rounded_toward_zero((position, price) in positions()) {
        let greeks = Greeks::of(&position, Price::new(price)).unwrap();
        // value = N 1e10 / P satoshi; a dollar is 1e8 of the price's unit.
        let n = position.notional.get();
        let delta = int(n) * power(10, 18 + 9) / power(price, 2);
        let gamma = int(2) * int(n) * power(10, 26 + 18) / power(price, 3);
        let (slope, curve) = match position.direction {
            Direction::Long => (greeks.delta_nano_sats, -greeks.gamma_atto_sats),
            Direction::Short => (-greeks.delta_nano_sats, greeks.gamma_atto_sats),
        };
        assert_down(slope, &delta, 1);
        assert_down(curve, &gamma, 1);
        let exact_usd = |price: u64| exact_equity(&position, price) * int(price);
        assert_eq!(exact_usd(price + 1) - exact_usd(price), int(greeks.delta_usd.get()), "exact, at every price");
        assert_eq!(exact_usd(price + 7) - int(2) * exact_usd(price) + exact_usd(price - 7), int(Greeks::GAMMA_USD));
    }

    #[test]
    fn greeks_are_the_finite_differences_of_the_engines_own_equity((position, price) in positions(), per_mille in 1..100u64) {
        let step = price / 1_000 * per_mille;
        let at = |price: u64| Standing::of(&position, Price::new(price), &FLAT).unwrap();
        let (down, here, up) = (at(price - step), at(price), at(price + step));
        let greeks = Greeks::of(&position, Price::new(price)).unwrap();
        let dollars = ratio(step, 100_000_000u64);
        let sats = |standing: Standing| int(standing.equity.get());

        // The central difference of c / P is that of the derivative times P^2 / (P^2 - h^2), the second one likewise; each equity
        // is less than a satoshi below the exact one.
        let stretch = power(price, 2) / (power(price, 2) - power(step, 2));
        let delta = (sats(up) - sats(down)) / (int(2) * &dollars);
        let expected = ratio(greeks.delta_nano_sats, 1_000_000_000) * &stretch;
        assert!(absolute(delta - expected) <= int(1) / (int(2) * &dollars) + ratio(2, 1_000_000_000));
        let gamma = (sats(up) - int(2) * sats(here) + sats(down)) / (&dollars * &dollars);
        let expected = ratio(greeks.gamma_atto_sats, 10i128.pow(18)) * &stretch;
        assert!(absolute(gamma - expected) <= int(2) / (&dollars * &dollars) + ratio(2, 10i128.pow(18)));

        // In dollars the difference is the derivative, over any distance; each equity is less than a micro-dollar below.
        let moved = ratio(greeks.delta_usd.get(), 10_000_000_000u64) * int(2) * int(step);
        assert!(absolute(int(up.equity_micro_usd - down.equity_micro_usd) - moved) < int(1));
        assert!((up.equity_micro_usd - 2 * here.equity_micro_usd + down.equity_micro_usd).abs() <= 1);
    }

    #[test]
    fn a_long_gains_ever_less_and_a_short_ever_more((position, price) in positions()) {
        let long = Greeks::of(&Exposed { direction: Direction::Long, ..position }, Price::new(price)).unwrap();
        let short = Greeks::of(&Exposed { direction: Direction::Short, ..position }, Price::new(price)).unwrap();
        assert!(long.delta_nano_sats > 0 && long.gamma_atto_sats < 0);
        assert_eq!((short.delta_nano_sats, short.gamma_atto_sats), (-long.delta_nano_sats, -long.gamma_atto_sats));
        assert_eq!(long.delta_usd.get() - short.delta_usd.get(), 2 * position.entry_value);
    }

    #[test]
    fn equity_and_leverage_are_exact_but_for_the_rounding_said((position, price) in positions()) {
        let standing = Standing::of(&position, Price::new(price), &FLAT).unwrap();
        let equity = exact_equity(&position, price);
        let micro_usd = &equity * ratio(price, 10_000_000_000u64);
        assert_down(standing.equity.get(), &equity, 1);
        assert_down(standing.equity_micro_usd, &micro_usd, 1);
        match standing.leverage_micro {
            Some(leverage) => assert_up(leverage, &(int(position.notional.get()) * int(1_000_000) / micro_usd), 1),
            None => assert!(standing.equity.get() <= 0),
        }
        assert_eq!(standing.leverage_micro.is_none(), standing.health == Health::Bankrupt);
        let maintenance = value(position.notional.get(), price) / int(100);
        match standing.health {
            Health::Bankrupt => assert!(equity < int(1)),
            Health::Liquidatable => assert!(equity < maintenance),
            Health::Sound => assert!(equity > maintenance - int(1)),
        }
    }

    #[test]
    fn a_short_of_one_times_its_margin_is_dollars(size in 1..10_000_000_000u64, entry in 1_000..1_000_000u64, price in 1..100_000_000u64) {
        let position = exposed(Direction::Short, size, entry, 0);
        let position = Exposed { margin: position.entry_value, ..position };
        let standing = Standing::of(&position, usd(price), &FLAT).unwrap();
        assert_eq!(standing.equity_micro_usd, i128::from(size) * 1_000_000);
        assert_eq!((standing.leverage_micro, standing.health), (Some(1_000_000), Health::Sound));
        // What the market would pay out is those dollars, less part of a satoshi.
        let satoshi_micro_usd = ratio(price, 100) ;
        let paid = int(standing.equity.get()) * &satoshi_micro_usd;
        assert!(paid <= int(size) * int(1_000_000) && paid > int(size) * int(1_000_000) - satoshi_micro_usd);
        assert_eq!(accepted_threshold(&position, &FLAT), Ok(Threshold::Never));
    }

    #[test]
    fn a_standing_is_what_the_market_makes_of_the_position(
        long in any::<bool>(), size in 20..5_000_000u64, leverage in 1..48u64, moved in 50..150u64
    ) {
        let direction = if long { Direction::Long } else { Direction::Short };
        let mut bench = Bench::new(Params { taker_fee: Bps::new(0), impact_max: Bps::new(0), ..still() }, usd(50_000), DEEP);
        let position = bench.opened(direction, dollars(size), size * 2_000 / leverage + size * 2_000 * size / 1_000_000_000 + 10);
        let (side, ratios) = (bench.market.side(direction), bench.market.params.margin_ratios());
        let price = Price::new(usd(500).get() * moved);
        let valuation = Valuation::of_position(&position, side, price).unwrap().unwrap();
        let margin = position.margin.signed().unwrap().get();
        let held = Exposed { direction, notional: dollars(size), margin, entry_value: valuation.entry_value };
        let standing = Standing::of(&held, price, &ratios).unwrap();
        assert_eq!(standing.equity, equity(&position, &valuation).unwrap());
        let due = is_liquidatable(&ratios, &position, side, price).unwrap();
        assert_eq!(due, standing.health != Health::Sound);
    }
}

fn quote(price: u64, spread: u64) -> Quote {
    let (bid, ask) = (usd(price - spread), usd(price + spread));
    Quote { price: usd(price), spread: Confidence::new(usd(spread).get()), bid, ask }
}

fn terms(params: &Params, quote: Quote) -> HedgeTerms<'_> {
    HedgeTerms { params, quote, interest: None, tip: Sats::ZERO }
}

#[test]
fn a_hedge_by_hand() {
    let params = Params::standard();
    // 1.5 BTC at a bid of $59,970: N (1 + 0.0005) = 1.5 * 59,970 gives N = 89,910.04; in lots 89,910.
    // Entry 89,910 / 59,970 BTC = 149,924,962.48, up. Fee 74,962.48, up. 150,000,000 - 74,963 - 149,924,963 = 74 stay unhedged.
    // At $60,000 it is worth 149,850,000: the spread takes 74,963.
    let hedge = Hedge::of(sats(150_000_000), &terms(&params, quote(60_000, 30))).unwrap();
    assert_eq!(hedge.position.notional, dollars(89_910));
    assert_eq!((hedge.position.margin, hedge.position.entry_value), (149_925_037, 149_924_963));
    assert_eq!((hedge.taker_fee, hedge.surcharge, hedge.spread), (sats(74_963), Sats::ZERO, sats(74_963)));
    assert_eq!((hedge.residual().unwrap().get(), hedge.opening_cost().unwrap()), (74, sats(149_926)));
    assert_eq!(accepted_threshold(&hedge.position, &params.margin_ratios()), Ok(Threshold::Never));
    // A tip of 100 satoshi is more than the 74 that were left, so it costs a lot: 89,909.
    let tipped = Hedge::of(sats(150_000_000), &HedgeTerms { tip: sats(100), ..terms(&params, quote(60_000, 30)) }).unwrap();
    assert_eq!(tipped.position.notional, dollars(89_909));
    // Entry 149,923,294.98, up; fee 74,961.65, up; 150,000,000 - 100 - 74,962 - 149,923,295 = 1,643.
    assert_eq!((tipped.residual().unwrap().get(), tipped.taker_fee), (1_643, sats(74_962)));
    // Worth 149,848,333.33 at $60,000, down: spread 74,962. With fee and tip 150,024.
    assert_eq!((tipped.spread, tipped.opening_cost().unwrap()), (sats(74_962), sats(150_024)));
}

#[test]
fn a_hedge_that_grows_the_imbalance_pays_the_surcharge() {
    let params = Params::standard();
    let (held, quote) = (sats(150_000_000), quote(60_000, 30));
    let of = |long: u64, short: u64| {
        let interest = Some(OpenInterest { long: dollars(long), short: dollars(short) });
        Hedge::of(held, &HedgeTerms { interest, ..terms(&params, quote) }).unwrap()
    };
    // With $2 million more shorts: (2,089,818^2 - 2,000,000^2) / 4e9 dollars = $91.83, 153,13x satoshi at $59,970, and 92 lots less.
    let heavy = of(0, 2_000_000);
    let dollars_due = (power(2_089_818, 2) - power(2_000_000, 2)) / power(10, 9) / int(4);
    assert_eq!(heavy.position.notional, dollars(89_818));
    // Up to a micro-dollar, 1e-6 / 59,970 BTC = 0.0017 satoshi, then up to a satoshi.
    assert_near(heavy.surcharge.get(), &(dollars_due * power(10, 8) / int(59_970)), &ratio(1_002, 1_000));
    assert_eq!(heavy.opening_cost().unwrap().get(), heavy.taker_fee.get() + heavy.surcharge.get() + heavy.spread.get());
    assert_eq!(of(2_500_000, 500_000).surcharge, Sats::ZERO, "against $2 million more longs it shrinks the imbalance");
    assert_eq!(of(2_500_000, 500_000).position, Hedge::of(held, &terms(&params, quote)).unwrap().position);
    // Across the middle: $10,000 more longs become some $79,900 more shorts: (79,900^2 - 10,000^2) / 4e9 = $1.57.
    let across = of(10_000, 0);
    let dollars_due =
        (power(across.position.notional.get() / 1_000_000 - 10_000, 2) - power(10_000, 2)) / power(10, 9) / int(4);
    assert_near(across.surcharge.get(), &(dollars_due * power(10, 8) / int(59_970)), &ratio(1_002, 1_000));
    assert!(across.surcharge.get() > 2_000);
}

#[test]
fn what_a_market_does_not_open_is_refused() {
    let params = Params::standard();
    let of = |held: u64, tip: u64, short: u64| {
        let interest = Some(OpenInterest { long: Notional::ZERO, short: dollars(short) });
        let terms = HedgeTerms { interest, tip: sats(tip), ..terms(&params, quote(50_000, 0)) };
        Hedge::of(sats(held), &terms).map(|hedge| hedge.position.notional)
    };
    // $10 at $50,000 are 20,000 satoshi, 10 of fee, and a surcharge that is less than one.
    assert_eq!(of(20_011, 0, 0), Ok(dollars(10)));
    assert_eq!(of(20_010, 0, 0), Err(Error::BelowMinNotional));
    assert_eq!(of(20_011, 1, 0), Err(Error::BelowMinNotional));
    assert_eq!(of(1_000, 100_000, 0), Err(Error::BelowMinNotional), "less than the tip");
    assert_eq!(of(0, 0, 0), Err(Error::BelowMinNotional));
    // $10 million are 200 BTC and 0.1 of fee; the surcharge is $25,000, 0.5 BTC. A dollar's lot is 2,000 satoshi and costs 11.
    assert_eq!(of(20_060_000_000, 0, 0), Ok(dollars(10_000_000)));
    assert_eq!(of(20_060_005_000, 0, 0), Err(Error::PositionCapExceeded));
    assert_eq!(of(2_100_000_000_000_000, 0, 0), Err(Error::PositionCapExceeded));
    // The side holds $100 million at most. Beyond a skew of $10 million each dollar more costs the full 50 bps.
    assert_eq!(of(150_000_000, 0, 99_930_000), Err(Error::SideCapExceeded));
    assert!(of(130_000_000, 0, 99_930_000).is_ok());
    let dearest = HedgeTerms { quote: Quote::at(Price::MAX), ..terms(&params, quote(50_000, 0)) };
    assert_eq!(Hedge::of(sats(2_100_000_000_000_000), &dearest).map(|_| ()), Err(Error::PositionCapExceeded));
}

proptest! {
    #![proptest_config(common::cases(300))]

    #[test]
    fn the_market_opens_the_hedge_as_quoted_and_one_lot_more_would_be_too_much(
        held in 2_000_000..5_000_000_000u64, price in 1_000..500_000u64, others in -3_000_000..3_000_000i64, bps in 0..20u64
    ) {
        let params = Params { max_funding: 0, max_borrow: 0, ..open_params() };
        let mut bench = Bench::new(params, usd(price), DEEP);
        bench.confidence = usd(price).get() / 10_000 * bps;
        let other = if others > 0 { Direction::Long } else { Direction::Short };
        if others.unsigned_abs() >= 10 {
            bench.opened(other, dollars(others.unsigned_abs()), DEEP / 20);
        }
        let marks = bench.marks();
        let interest = Some(OpenInterest { long: marks.long.notional, short: marks.short.notional });
        let hedge = Hedge::of(sats(held), &HedgeTerms { params: &params, quote: marks.quote, interest, tip: Sats::ZERO }).unwrap();

        let mut larger = bench.clone();
        let mut position = bench.funded(held);
        let filled = bench.increase(&mut position, Direction::Short, hedge.position.notional).unwrap();
        assert_eq!(filled.price, hedge.fill);
        assert_eq!(common::fee_of(&filled), hedge.taker_fee.get() + hedge.surcharge.get());
        assert_eq!(i64::try_from(position.margin.get()).unwrap(), hedge.position.margin);
        assert_eq!(position.basis.get(), i128::from(hedge.position.entry_value));

        let residual = hedge.residual().unwrap().get();
        assert!(residual >= 0);
        let more = Notional::new(hedge.position.notional.get() + 1_000_000);
        let mut position = larger.funded(held);
        larger.increase(&mut position, Direction::Short, more).unwrap();
        assert!(i128::from(position.margin.get()) < position.basis.get(), "one lot more has a liquidation price");

        // What it cost is what is missing, at the price, of what was held; each of the roundings is below a satoshi.
        let standing = Standing::of(&hedge.position, usd(price), &params.margin_ratios()).unwrap();
        let missing = int(held) - exact_equity(&hedge.position, usd(price).get());
        assert_up(hedge.opening_cost().unwrap().get(), &missing, 1);
        // Its notional in dollars, and the residual in bitcoin.
        let beside = ratio(residual, 100_000_000) * int(price) * int(1_000_000);
        assert_down(standing.equity_micro_usd, &(int(hedge.position.notional.get()) + beside), 1);
    }

    #[test]
    fn a_day_costs_what_the_market_takes(held in 100_000_000..5_000_000_000u64, price in 1_000..500_000u64, rate in 1..50_000_000u32) {
        // The hedge is all there is: shorts pay the full rate, and the borrow fee on top.
        let params = Params {
            max_funding: rate, max_borrow: 50_000_000, skew_scale: dollars(1), taker_fee: Bps::new(0), impact_max: Bps::new(0), ..open_params()
        };
        let mut bench = Bench::new(params, usd(price), 100_000_000_000);
        let hedge = Hedge::of(sats(held), &terms(&params, Quote::at(usd(price)))).unwrap();
        let mut position = bench.opened(Direction::Short, hedge.position.notional, held);
        bench.wait(86_400);
        let accrued = bench.sync().unwrap().accrued.unwrap();
        assert!(accrued.rates.short.get() > i64::from(rate), "it pays both");
        bench.market.settle(&mut position).unwrap();
        let carry = Carry::over(1, hedge.position.notional, usd(price), accrued.rates.short).unwrap();
        let after = hedge.after(&carry).unwrap();
        assert_eq!(i64::try_from(position.margin.get()).unwrap(), after.margin);
        assert_eq!(bitcoin_exposure(&after).unwrap().get(), hedge.residual().unwrap().get() - carry.cost.get());
    }

    #[test]
    fn carry_is_rate_times_value_and_in_dollars_rate_times_notional(
        size in 1..1_000_000_000u64, price in 1_000..1_000_000u64, rate in -100_000_000..100_000_000i64, days in 0..3_650u32
    ) {
        let carry = Carry::over(days, dollars(size), usd(price), PpbPerDay::new(rate)).unwrap();
        let share = ratio(rate, 1_000_000_000) * int(days);
        let dollars_due = int(size) * int(1_000_000) * &share;
        assert_up(carry.cost_micro_usd, &dollars_due, 1);
        // The index counts a share in 1e-18 satoshi: what that rounds is below 1e-12 satoshi a dollar and a day.
        let due = value(size * 1_000_000, usd(price).get()) * share;
        assert!(int(carry.cost.get()) >= due && int(carry.cost.get()) - due < ratio(1_001, 1_000) + ratio(size * 3_650, 10i64.pow(12)));
    }
}

#[test]
fn a_years_costs_give_a_hedge_a_liquidation_price() {
    let params = Params::standard();
    let hedge = Hedge::of(sats(150_000_000), &terms(&params, quote(60_000, 30))).unwrap();
    let year = |rate: i64| Carry::over(365, hedge.position.notional, usd(60_000), PpbPerDay::new(rate)).unwrap();
    // 0.01 % a day of 149,850,000 satoshi is 14,985; 365 of them 5,469,525. A share's part in the index, 1.66...e-7 satoshi, does not
    // come out even and is rounded up, so it is a satoshi more. In dollars it is 89,910 * 0.0365 = 3,281.715.
    let paid = year(100_000);
    assert_eq!((paid.cost.get(), paid.cost_micro_usd), (5_469_526, 3_281_715_000));
    let day = Carry::over(1, hedge.position.notional, usd(60_000), PpbPerDay::new(100_000)).unwrap();
    assert_eq!((day.cost.get(), day.cost_micro_usd), (14_986, 8_991_000));
    // Uncovered are 5,469,526 - 74 satoshi. Maintenance is 100 bps and 10 a $1 million: 1.00899100 %, parts per billion floored.
    let after = hedge.after(&paid).unwrap();
    let exact = int(89_910) * (int(1) - ratio(10_089_910, 1_000_000_000)) / ratio(5_469_452, 100_000_000) * int(100_000_000);
    match accepted_threshold(&after, &params.margin_ratios()) {
        Ok(Threshold::At(price)) => assert_down(price.get(), &exact, 1),
        other => panic!("{other:?}"),
    }
    // Received, it grows the margin, by a satoshi less: never.
    let received = year(-100_000);
    assert_eq!((received.cost.get(), received.cost_micro_usd), (-5_469_524, -3_281_715_000));
    let after = hedge.after(&received).unwrap();
    assert_eq!(accepted_threshold(&after, &params.margin_ratios()), Ok(Threshold::Never));
    assert_eq!(Carry::over(365, hedge.position.notional, usd(60_000), PpbPerDay::ZERO), Ok(Carry::default()));
}

#[test]
fn the_funding_rate_follows_the_skew() {
    let params = Params::standard();
    let rate = |long: u64, short: u64| {
        OpenInterest { long: dollars(long), short: dollars(short) }.funding_rate(&params).unwrap().get()
    };
    // 0.3 % a day at $10 million; half of that at $5 million, and no more beyond.
    assert_eq!(rate(6_000_000, 1_000_000), 1_500_000);
    assert_eq!(rate(1_000_000, 6_000_000), -1_500_000);
    assert_eq!(rate(90_000_000, 0), 3_000_000);
    assert_eq!(rate(7_000_000, 7_000_000), 0);
    // As the market accrues it: a long of $5 million alone.
    let mut bench = Bench::new(Params { max_borrow: 0, ..open_params() }, usd(50_000), DEEP);
    bench.opened(Direction::Long, dollars(5_000_000), 100_000_000_000);
    bench.wait(60);
    let accrued = bench.sync().unwrap().accrued.unwrap();
    assert_eq!(accrued.rates.long.get(), rate(5_000_000, 0));
}
