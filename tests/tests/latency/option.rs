//! What the option of the seconds after T is worth where nobody fills the order but its owner, and nobody comes in its whole
//! minute: reckoned over many seeds of a random walk, in satoshi a try.
//!
//! A try is one order, to open or to close: who wants to win by this opens with one that has moved his way and closes with
//! another, so each must earn the cost of one fill, a fee and half a spread, and no more. What is lost on a try that is not
//! executed is the tip.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;

const YEAR_SECONDS: f64 = 31_557_600.0;
/// A basis point of 2 BTC, which are $100,000 at $50,000, in satoshi.
const BPS_SATS: f64 = 20_000.0;
/// The least tip.
const TIP: f64 = 100.0;
/// The taker fee, in bps.
const FEE: f64 = 5.0;
const TRIES: u32 = 100_000;

/// A market as the owner finds it.
struct Weather {
    /// Annualised.
    volatility: f64,
    /// Of Pyth's price, in bps: half the spread.
    confidence_bps: f64,
}

const ORDINARY: Weather = Weather { volatility: 0.8, confidence_bps: 2.0 };
const MARCH_2020: Weather = Weather { volatility: 2.4, confidence_bps: 4.0 };

impl Weather {
    /// In bps, over so many seconds.
    fn deviation(&self, seconds: f64) -> f64 {
        self.volatility * (seconds / YEAR_SECONDS).sqrt() * 10_000.0
    }

    /// Of one fill, in bps. The surcharge for $100,000 of skew, 0.25 on the way in, is not counted.
    fn cost(&self) -> f64 {
        FEE + self.confidence_bps
    }
}

/// Box and Muller's normal variates.
fn normal(random: &mut StdRng) -> f64 {
    let (one, two): (f64, f64) = (random.gen_range(f64::MIN_POSITIVE..1.0), random.gen());
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}

/// The mean of what a try gains, in satoshi; one that is left to lapse gains nothing and costs this much.
fn mean((seed, count): (u64, u32), lapse_sats: f64, mut gain_bps: impl FnMut(&mut StdRng) -> Option<f64>) -> f64 {
    let mut random = StdRng::seed_from_u64(seed);
    let tries = (0..count).map(|_| gain_bps(&mut random).map_or(-lapse_sats, |gain| gain * BPS_SATS));
    tries.sum::<f64>() / f64::from(count)
}

/// He executes at T + 5 s if the price has moved by more than the fill costs. (As what he gains is a convex function of a price
/// without drift, to wait until the end is best.) With the chance `kept` a keeper has filled it before he knows that.
fn five_seconds(weather: &Weather, kept: f64) -> f64 {
    mean((5, TRIES), TIP, |random| {
        let gain = weather.deviation(5.0) * normal(random) - weather.cost();
        let by_keeper = random.gen_bool(kept);
        (by_keeper || gain > 0.0).then_some(gain)
    })
}

/// Where nobody else looks at the market for a minute the option is worth a little more than the least tip in ordinary weather,
/// 0.02 bps, and less than one basis point in weather like that of March 2020. What closes it is a keeper, and it need not be a
/// good one: where somebody fills one order in a hundred within five seconds, or one in ten in such a March, its owner loses.
#[test]
fn where_a_keeper_fills_some_orders_within_five_seconds_waiting_loses() {
    for (name, weather, most, kept) in [("ordinary", ORDINARY, 0.02, 0.01), ("March 2020", MARCH_2020, 1.2, 0.15)] {
        let (alone, watched) = (five_seconds(&weather, 0.0), five_seconds(&weather, kept));
        println!("{name}: nobody for a minute {alone:.0} sats a try; a keeper {kept} of the time {watched:.0}");
        assert!((-TIP..most * BPS_SATS).contains(&alone), "{name}: {alone}");
        assert!(watched < -TIP, "{name}: {watched}");
    }
}

/// `E[max(0, deviation * z - cost)]` of a normal variate, integrated by Simpson's rule.
fn expected(deviation: f64, cost: f64) -> f64 {
    let density = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let pays = |z: f64| (deviation * z - cost).max(0.0) * density(z);
    let (strike, step) = (cost / deviation, 0.01);
    let slices = (0..1_000).map(|slice| strike + f64::from(slice) * step);
    slices.map(|z| (pays(z) + 4.0 * pays(z + step / 2.0) + pays(z + step)) * step / 6.0).sum()
}

/// Hour by hour from 27 February to 9 April 2020, each as volatile as its own high and low say (Parkinson), always 4 bps of
/// confidence, though Pyth's is wider in such hours: how many of the orders keepers must fill within five seconds, so that
/// waiting loses. One in ten is enough in nineteen hours of twenty, one in three in all but the dozen of the crash, three in
/// four in every one.
#[test]
fn hour_by_hour_in_march_2020_a_keeper_of_some_orders_is_enough() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/data/btcusd_1h_2020.csv");
    let bars = perps::prices::read(&file).expect("the file is part of the project");
    let cost = MARCH_2020.cost();
    // What he gains alone, and with which share of orders filled by keepers he is even.
    let mut hours = Vec::new();
    for bar in &bars {
        let range = (bar.high.get() as f64 / bar.low.get() as f64).ln() * 10_000.0;
        let deviation = range / (4.0 * 2f64.ln()).sqrt() * (5.0_f64 / 3_600.0).sqrt();
        let gain = expected(deviation, cost) * BPS_SATS;
        hours.push((gain - TIP, gain / (gain + cost * BPS_SATS)));
    }
    hours.sort_by(|one, two| one.0.total_cmp(&two.0));
    let worth = hours.iter().filter(|(gain, _)| *gain > 0.0).count();
    let mean = hours.iter().map(|(gain, _)| gain).sum::<f64>() / f64::from(u32::try_from(hours.len()).expect("989 hours"));
    let above = |share: f64| hours.iter().filter(|(_, even)| *even > share).count();
    println!("worth the tip in {worth} of {} hours, mean {mean:.0} sats a try, median {:.0}", hours.len(), hours[494].0);
    println!(
        "greatest {:?}; keepers needed above 1 %: {}, 10 %: {}, 33 %: {}",
        hours[988],
        above(0.01),
        above(0.1),
        above(0.33)
    );
    assert_eq!(hours.len(), 989);
    assert!(above(0.1) < 70 && above(0.33) < 15 && above(0.75) == 0);
    // The integral and the walk agree.
    let walked = five_seconds(&MARCH_2020, 0.0) + TIP;
    assert!((walked / BPS_SATS - expected(MARCH_2020.deviation(5.0), cost)).abs() < 0.02, "{walked}");
}

/// What waiting is worth to an owner who is alone for a minute, where the present price of a late fill may be `age` seconds
/// old: he waits for any rise within those seconds, and acts when the low before it is about to be too old.
fn with_old_prices(weather: &Weather, age: usize, lapse_sats: f64) -> f64 {
    mean((15, TRIES / 5), lapse_sats, |random| {
        let mut path = [0.0; 61];
        for second in 1..=60 {
            path[second] = path[second - 1] + weather.deviation(1.0) * normal(random);
        }
        let low = |from: usize, to: usize| path[from..=to].iter().copied().fold(f64::INFINITY, f64::min);
        (1..=60_usize).find_map(|second| {
            let fills_at = if second <= 5 { 0.0 } else { low(second.saturating_sub(age), second).max(0.0) };
            let gain = path[second] - fills_at - weather.cost();
            let next = if second < 5 { 0.0 } else { low((second + 1).saturating_sub(age), second).max(0.0) };
            let ends = second == 60 || next > fills_at || (second == 5 && age == 0);
            (gain > 0.0 && ends).then_some(gain)
        })
    })
}

/// Why a late fill asks for a fresh price, at most `fresh_age` (3 s) old: what waiting is worth where nobody else comes in the whole
/// minute, by how old the present price may be, and if a lapse cost the taker fee.
#[test]
fn what_waiting_is_worth_grows_with_the_age_of_the_present_price() {
    for (name, weather) in [("ordinary", ORDINARY), ("March 2020", MARCH_2020)] {
        let [old, five, three, none] = [15, 5, 3, 0].map(|age| with_old_prices(&weather, age, TIP));
        println!("{name}: present price up to 15 s old {old:.0}, 5 s {five:.0}, 3 s {three:.0}, 0 s {none:.0} sats a try");
        let [old_fee, three_fee, none_fee] = [15, 3, 0].map(|age| with_old_prices(&weather, age, FEE * BPS_SATS));
        println!("{name}: a lapse at the taker fee: 15 s {old_fee:.0}, 3 s {three_fee:.0}, 0 s {none_fee:.0} sats a try");
        assert!(none <= three && three <= five && five <= old && none_fee < 0.0);
    }
}
