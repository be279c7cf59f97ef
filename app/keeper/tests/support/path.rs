//! Prices second by second, out of hourly candles: the way that a candle took, walked in small random steps or jumped at once.

use perps::local::Tick;
use perps::prices;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::path::Path;

/// Seconds in which a quarter of a candle's way is gone.
const SECONDS_A_LEG: usize = 6;
/// One leg in so many is a jump.
const JUMPS: u32 = 8;
/// The noise of a second, in parts per million of the price.
const NOISE_PPM: i64 = 400;
/// Confidence of every price: 2 basis points.
const CONFIDENCE: u64 = 5_000;
/// Weight of a price in its average: one part in so many.
const AVERAGE: u64 = 60;

/// So many seconds of prices from a candle of the file of March 2020 on.
pub fn ticks(seed: u64, first_candle: usize, many: usize) -> Vec<Tick> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/btcusd_1h_2020.csv");
    let candles = prices::read(&file).expect("the candles that come along");
    let corners: Vec<u64> = candles[first_candle..].iter().flat_map(prices::path).map(|price| price.get()).collect();
    let mut random = StdRng::seed_from_u64(seed);
    let legs = corners.windows(2).flat_map(|leg| walk(&mut random, leg[0], leg[1]));
    let walked: Vec<u64> = legs.take(many).collect();
    assert_eq!(walked.len(), many, "the candles are too few");
    let mut average = walked.first().copied().unwrap_or_default();
    let say = |price_e8: u64| {
        average = average - average / AVERAGE + price_e8 / AVERAGE;
        Tick { price_e8, confidence_e8: price_e8 / CONFIDENCE, ema_e8: average }
    };
    walked.into_iter().map(say).collect()
}

fn walk(random: &mut StdRng, from: u64, to: u64) -> Vec<u64> {
    let jumps = random.gen_ratio(1, JUMPS);
    let (from, to) = (from as i64, to as i64);
    let point = |second: usize| {
        let gone = if jumps { SECONDS_A_LEG } else { second + 1 };
        let straight = from + (to - from) * gone as i64 / SECONDS_A_LEG as i64;
        let noise = straight / 1_000_000 * random.gen_range(-NOISE_PPM..=NOISE_PPM);
        u64::try_from(straight + noise).expect("bitcoin had a price")
    };
    (0..SECONDS_A_LEG).map(point).collect()
}
