//! Where the price goes from one update to the next.

use crate::control::{Control, Course};
use anyhow::{Context, Result};
use inverse_perps_engine::units::Price;
use perps::prices::{self, Bar};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const YEAR_SECONDS: f64 = 365.25 * 86_400.0;
/// A walk that has not been published for longer has stood still: nobody saw it.
const LONGEST_STEP_SECONDS: i64 = 60;
const PARTS_PER_BILLION: f64 = 1e9;

/// A control with the bars it needs.
#[derive(Debug)]
pub struct Route {
    control: Control,
    bars: Vec<Bar>,
}

impl Route {
    /// Reads the price file where there is one.
    ///
    /// # Errors
    /// Those of the file.
    pub fn new(control: Control) -> Result<Self> {
        let bars = match &control.course {
            Course::File { file, .. } => prices::read(file)?,
            _ => vec![],
        };
        Ok(Self { control, bars })
    }

    /// What it follows.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The price at unix time `to`, after `last` at `from`.
    ///
    /// # Errors
    /// Where it does not fit into a price.
    pub fn next(&self, last: Price, from: i64, to: i64) -> Result<Price> {
        let since = self.control.since;
        match &self.control.course {
            Course::Hold { price_e8 } => Ok(Price::new(*price_e8)),
            Course::Move { price_e8, seconds } => {
                let start = from.max(since);
                let (passed, whole) = (to.saturating_sub(start), since.saturating_add((*seconds).into()).saturating_sub(start));
                between(last, Price::new(*price_e8), passed, whole)
            }
            Course::Walk { volatility, seed } => {
                let seconds = to.saturating_sub(from).clamp(0, LONGEST_STEP_SECONDS);
                step(last, seconds, *volatility, *seed, to.saturating_sub(since))
            }
            Course::File { speed, .. } => {
                let played = to.saturating_sub(since).max(0).saturating_mul((*speed).into());
                at(&self.bars, played)
            }
        }
    }

    /// How long that is for the market: a file may be played faster.
    pub fn market_seconds(&self, from: i64, to: i64) -> i64 {
        let seconds = to.saturating_sub(from).max(0);
        match &self.control.course {
            Course::File { speed, .. } => seconds.saturating_mul((*speed).into()),
            _ => seconds,
        }
    }
}

/// What lies `passed` of `whole` on the straight way from one price to another; beyond its end, the end.
fn between(from: Price, to: Price, passed: i64, whole: i64) -> Result<Price> {
    if passed >= whole {
        return Ok(to);
    }
    let (start, end) = (i128::from(from.get()), i128::from(to.get()));
    let way = (end - start) * i128::from(passed.max(0)) / i128::from(whole);
    let price = u64::try_from(start + way).context("a price between two others must be one")?;
    Ok(Price::new(price))
}

/// One step of the walk, the `place`-th of its seed. The model is in floating point; it is the growth of the price in parts per
/// billion, which is then an integer like all else.
fn step(last: Price, seconds: i64, volatility: f64, seed: u64, place: i64) -> Result<Price> {
    let years = seconds as f64 / YEAR_SECONDS;
    let growth = (volatility * years.sqrt() * normal(seed, place) - volatility * volatility * years / 2.0).exp();
    let parts = (growth * PARTS_PER_BILLION).round() as u64;
    let moved = u128::from(last.get()) * u128::from(parts) / 1_000_000_000;
    let moved = u64::try_from(moved).context("the walk has left the range of prices; set a price with localnet price set")?;
    Ok(Price::new(moved.clamp(Price::MIN.get(), Price::MAX.get())))
}

/// A standard normal number (Box and Muller), the same for the same seed and place, so that a walk goes on after a restart.
fn normal(seed: u64, place: i64) -> f64 {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place.unsigned_abs());
    let (radius, angle): (f64, f64) = (1.0 - random.gen::<f64>(), random.gen());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// The price so many seconds into the bars: open, the two extremes and close lie a quarter of a bar apart, straight lines
/// between them. The last bar is as long as the one before it; one that is alone has no length, only a close.
fn at(bars: &[Bar], played: i64) -> Result<Price> {
    let first = bars.first().context("a price file has at least one bar")?;
    let time = first.unix_time.saturating_add(played);
    let place = bars.partition_point(|bar| bar.unix_time <= time).saturating_sub(1);
    let bar = bars.get(place).unwrap_or(first);
    let (before, following) = (place.checked_sub(1).and_then(|place| bars.get(place)), bars.get(place.saturating_add(1)));
    let [open, extreme, other, close] = prices::path(bar);
    let length = match (before, following) {
        (_, Some(following)) => following.unix_time.saturating_sub(bar.unix_time),
        (Some(before), None) => bar.unix_time.saturating_sub(before.unix_time),
        (None, None) => return Ok(close),
    };
    let quarters = time.saturating_sub(bar.unix_time).saturating_mul(4);
    let passed = quarters % length;
    match quarters / length {
        0 => between(open, extreme, passed, length),
        1 => between(extreme, other, passed, length),
        2 => between(other, close, passed, length),
        _ => between(close, following.map_or(close, |following| following.open), passed, length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOLLAR: u64 = 100_000_000;

    fn dollars(number: u64) -> Price {
        Price::new(number * DOLLAR)
    }

    fn route(course: Course) -> Route {
        Route { control: Control { since: 1_000, stopped: false, course }, bars: vec![] }
    }

    #[test]
    fn a_move_is_a_straight_line_whenever_it_is_looked_at() {
        let route = route(Course::Move { price_e8: 58_000 * DOLLAR, seconds: 30 });
        // Looked at every second, it loses $2,000 / 30 a second, but for the rounding of each step.
        let mut price = dollars(60_000);
        for time in 1_001..=1_015 {
            price = route.next(price, time - 1, time).unwrap();
        }
        assert!(price.get().abs_diff(59_000 * DOLLAR) <= 15, "{price:?}");
        // Looked at once half way, exactly half.
        assert_eq!(route.next(dollars(60_000), 400, 1_015).unwrap(), dollars(59_000));
        assert_eq!(route.next(dollars(59_000), 1_015, 1_030).unwrap(), dollars(58_000));
        assert_eq!(route.next(dollars(58_000), 1_030, 9_999).unwrap(), dollars(58_000));
    }

    #[test]
    fn a_price_that_holds_holds_at_once() {
        let route = route(Course::Hold { price_e8: 7 * DOLLAR });
        assert_eq!(route.next(dollars(60_000), 1_000, 1_001).unwrap(), dollars(7));
    }

    #[test]
    fn a_walk_has_its_volatility_and_no_drift() {
        let walk = route(Course::Walk { volatility: 0.6, seed: 1 });
        let start = dollars(60_000);
        let steps: Vec<f64> = (1_001..=21_000)
            .map(|time| {
                let next = walk.next(start, time - 1, time).unwrap();
                (next.get() as f64 / start.get() as f64).ln()
            })
            .collect();
        let mean = steps.iter().sum::<f64>() / steps.len() as f64;
        let deviation = (steps.iter().map(|step| (step - mean).powi(2)).sum::<f64>() / steps.len() as f64).sqrt();
        // A second's deviation is 0.6 / sqrt(31,557,600) = 0.00010681; of 20,000 steps the error of it is 0.5 %, of the mean 0.7e-6.
        assert!((deviation / 0.000_106_81 - 1.0).abs() < 0.02, "{deviation}");
        assert!(mean.abs() < 3e-6, "{mean}");
    }

    #[test]
    fn a_walk_is_the_same_for_the_same_seed_and_another_for_another() {
        let price = |seed, time| route(Course::Walk { volatility: 0.6, seed }).next(dollars(60_000), time - 1, time).unwrap();
        assert_eq!(price(1, 1_500), price(1, 1_500));
        assert_ne!(price(1, 1_500), price(2, 1_500));
        assert_ne!(price(1, 1_500), price(1, 1_501));
    }

    #[test]
    fn a_walk_stands_still_while_nobody_sees_it_and_stays_a_price() {
        let walk = route(Course::Walk { volatility: 5.0, seed: 3 });
        let start = dollars(60_000);
        assert_eq!(walk.next(start, 2_000, 900_000).unwrap(), walk.next(start, 899_940, 900_000).unwrap());
        let lowest: Vec<Price> = (2_000..2_100).map(|time| walk.next(Price::MIN, time - 1, time).unwrap()).collect();
        assert!(lowest.iter().all(|price| *price >= Price::MIN));
        assert!(lowest.contains(&Price::MIN) && lowest.iter().any(|price| *price > Price::MIN));
    }

    #[test]
    fn a_file_is_played_through_its_extremes() {
        let bar = |unix_time, open, high, low, close| Bar {
            unix_time,
            open: dollars(open),
            high: dollars(high),
            low: dollars(low),
            close: dollars(close),
        };
        let bars = vec![bar(0, 100, 140, 80, 120), bar(3_600, 130, 135, 90, 100)];
        let control = Control { since: 1_000, stopped: false, course: Course::File { file: "x".into(), speed: 900 } };
        let route = Route { control, bars };
        // A quarter of an hour a second: open, the nearer extreme (low), the other, close, the next open.
        let seen: Vec<u64> = (0..=8).map(|second| route.next(Price::MIN, 0, 1_000 + second).unwrap().get() / DOLLAR).collect();
        // The last bar opens nearer to its high, ends at its close and stays there.
        assert_eq!(seen, [100, 80, 140, 120, 130, 135, 90, 100, 100]);
        assert_eq!(route.market_seconds(1_000, 1_002), 1_800);
        assert_eq!(at(&route.bars, 450).unwrap(), dollars(90));
    }
}
