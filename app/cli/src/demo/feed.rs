//! What Pyth would have said: the path of every bar as price, confidence and moving average.

use anyhow::{ensure, Context, Result};
use inverse_perps_engine::units::Price;
use perps::local::Tick;
use perps::prices::{self, Bar};
use rand::rngs::StdRng;
use rand::Rng;

/// One published price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Seconds since the step before.
    pub elapsed_seconds: u32,
    /// Its unix time.
    pub unix_time: i64,
    /// The price.
    pub tick: Tick,
}

/// Every price of a run in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// When the market is set up, one step before the first.
    pub start: i64,
    /// The price it is set up at: the first bar's open.
    pub first: Tick,
    /// Four a bar, less the unusable.
    pub steps: Vec<Step>,
    /// Prices outside what the program accepts: a market that is shown one stays at the price before.
    pub unusable: usize,
}

/// Interval of a file with one bar.
const LONE_INTERVAL: i64 = 3_600;
/// The end of the year 9999.
const LAST_TIME: i64 = 253_402_300_799;
const AVERAGE_SECONDS: i128 = 3_600;

impl Timeline {
    /// Visits open, the nearer extreme, the other and close of each bar, a quarter of its interval apart but never less than a
    /// second.
    ///
    /// # Errors
    /// Where a bar's time is not from 1970 to 9999, two bars are centuries apart, or no price is one that the program accepts.
    pub fn of(bars: &[Bar]) -> Result<Self> {
        let first_bar = bars.first().context("there are no bars to play")?;
        for bar in bars {
            let time = bar.unix_time;
            ensure!((0..=LAST_TIME).contains(&time), "the bar of unix time {time} is not between the years 1970 and 9999");
        }
        let quarters = quarters(bars);
        let before = quarters.first().copied().unwrap_or(1);
        let start = (first_bar.unix_time - before).max(0);
        let opening = bars.iter().flat_map(prices::path).find(is_usable);
        let opening = opening.context("no price in the file is from $1 to $100,000,000")?.get();
        let first = Tick { price_e8: opening, confidence_e8: confidence(opening, opening), ema_e8: opening };
        let mut timeline = Self { start, first, steps: Vec::with_capacity(bars.len() * 4), unusable: 0 };
        for (bar, quarter) in bars.iter().zip(quarters) {
            let mut due = bar.unix_time;
            for price in prices::path(bar) {
                if is_usable(&price) {
                    timeline.push(due, price)?;
                } else {
                    timeline.unusable += 1;
                }
                due += quarter;
            }
        }
        Ok(timeline)
    }

    fn push(&mut self, due: i64, price: Price) -> Result<()> {
        let (time, last) = self.steps.last().map_or((self.start, self.first), |step| (step.unix_time, step.tick));
        let unix_time = due.max(time + 1);
        let elapsed_seconds = u32::try_from(unix_time - time).context("two bars are more than a century apart")?;
        let tick = after(&last, price.get(), elapsed_seconds)?;
        self.steps.push(Step { elapsed_seconds, unix_time, tick });
        Ok(())
    }
}

/// The tick that a price makes so many seconds after another.
fn after(last: &Tick, price_e8: u64, elapsed_seconds: u32) -> Result<Tick> {
    let (confidence_e8, ema_e8) = (confidence(last.price_e8, price_e8), average(last, price_e8, elapsed_seconds)?);
    Ok(Tick { price_e8, confidence_e8, ema_e8 })
}

/// A tick between two: after `seconds` out of so many from the last to the next, as far on the way as the time is, and off by at most
/// what a random walk is off after that time.
///
/// # Errors
/// Where the moving average leaves its range.
pub fn on_the_way(last: &Tick, next_e8: u64, (seconds, out_of): (u32, u32), rng: &mut StdRng) -> Result<Tick> {
    let parts = |whole: u64| whole * u64::from(seconds) / u64::from(out_of.max(1));
    let off = i128::from(parts(1_000_000).isqrt());
    let permille = i128::from(parts(1_000)) + rng.gen_range(-off..=off);
    let (from, to) = (i128::from(last.price_e8), i128::from(next_e8));
    let between = from + (to - from) * permille / 1_000;
    let price = between.clamp(Price::MIN.get().into(), Price::MAX.get().into());
    after(last, u64::try_from(price)?, seconds)
}

fn is_usable(price: &Price) -> bool {
    (Price::MIN..=Price::MAX).contains(price)
}

/// A quarter of each bar's interval: up to the next bar, for the last as for the one before.
fn quarters(bars: &[Bar]) -> Vec<i64> {
    let intervals = bars.windows(2).map(|pair| match pair {
        [bar, next] => next.unix_time - bar.unix_time,
        _ => LONE_INTERVAL,
    });
    let mut quarters: Vec<i64> = intervals.map(|interval| (interval / 4).max(1)).collect();
    quarters.push(quarters.last().copied().unwrap_or(LONE_INTERVAL / 4));
    quarters
}

/// Four basis points of the price in quiet times, and a twentieth of the last move; at most 55 basis points, so that upkeep is
/// always possible, but instant trades are not just after a jump.
fn confidence(last_e8: u64, price_e8: u64) -> u64 {
    let bps = |n: u64| price_e8 / 10_000 * n;
    (bps(4) + last_e8.abs_diff(price_e8) / 20).min(bps(55))
}

/// The exponential average with a time constant of an hour, minute by minute, while the price moves evenly from one tick to the
/// next.
fn average(last: &Tick, price_e8: u64, elapsed_seconds: u32) -> Result<u64> {
    let pieces = elapsed_seconds.div_ceil(60).clamp(1, 1_440);
    let length = i128::from(elapsed_seconds / pieces).max(1);
    let (from, to) = (i128::from(last.price_e8), i128::from(price_e8));
    let mut ema = i128::from(last.ema_e8);
    for piece in 1..=pieces {
        let between = from + (to - from) * i128::from(piece) / i128::from(pieces);
        ema = (ema * AVERAGE_SECONDS + between * length) / (AVERAGE_SECONDS + length);
    }
    u64::try_from(ema).context("the moving average left its range")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(unix_time: i64, dollars: [u64; 4]) -> Bar {
        let [open, high, low, close] = dollars.map(|dollars| Price::new(dollars * 100_000_000));
        Bar { unix_time, open, high, low, close }
    }

    #[test]
    fn a_bar_is_visited_in_quarters_of_its_interval() {
        let bars = [bar(7_200, [100, 110, 95, 105]), bar(10_800, [105, 106, 90, 91])];
        let timeline = Timeline::of(&bars).unwrap();
        assert_eq!(timeline.start, 6_300);
        let visits: Vec<_> = timeline.steps.iter().map(|step| (step.unix_time, step.tick.price_e8 / 100_000_000)).collect();
        assert_eq!(visits[..4], [(7_200, 100), (8_100, 95), (9_000, 110), (9_900, 105)]);
        assert_eq!(visits[4..], [(10_800, 105), (11_700, 106), (12_600, 90), (13_500, 91)]);
        assert!(timeline.steps.iter().all(|step| step.elapsed_seconds == 900));
    }

    #[test]
    fn a_price_that_the_program_would_refuse_is_passed_over() {
        let cents = Bar { low: Price::new(6_000_000), ..bar(0, [100, 110, 95, 105]) };
        let timeline = Timeline::of(&[cents]).unwrap();
        assert_eq!((timeline.steps.len(), timeline.unusable), (3, 1));
        let worthless = Bar { open: cents.low, high: cents.low, low: cents.low, close: cents.low, ..cents };
        assert!(Timeline::of(&[worthless]).is_err());
    }

    #[test]
    fn one_bar_alone_and_bars_of_a_second_get_steps_of_their_own() {
        assert_eq!(Timeline::of(&[bar(0, [2, 2, 2, 2])]).unwrap().steps.len(), 4);
        let seconds = Timeline::of(&[bar(5, [2, 2, 2, 2]), bar(6, [2, 2, 2, 2])]).unwrap();
        assert!(seconds.steps.iter().all(|step| step.elapsed_seconds == 1));
    }

    #[test]
    fn the_average_follows_with_a_time_constant_of_an_hour() {
        let last = Tick { price_e8: 100_000_000_000, confidence_e8: 0, ema_e8: 200_000_000_000 };
        let hour = average(&last, last.price_e8, 3_600).unwrap();
        // 100 + 100 / e, but for the width of a minute.
        assert!(hour.abs_diff(136_787_944_117) < 400_000_000, "{hour}");
        assert!(average(&last, last.price_e8, 86_400).unwrap() < 100_000_000_200);
        let flat = Tick { ema_e8: 100_000_000, price_e8: 100_000_000, confidence_e8: 0 };
        assert_eq!(average(&flat, 100_000_000, 21_600).unwrap(), 100_000_000);
    }

    #[test]
    fn confidence_widens_with_the_move_up_to_its_bound() {
        assert_eq!(confidence(10_000_000_000, 10_000_000_000), 4_000_000);
        assert_eq!(confidence(10_100_000_000, 10_000_000_000), 9_000_000);
        assert_eq!(confidence(20_000_000_000, 10_000_000_000), 55_000_000);
    }

    #[test]
    fn a_tick_on_the_way_is_near_where_the_time_is_and_within_bounds() {
        let mut rng = <StdRng as rand::SeedableRng>::seed_from_u64(1);
        let last = Tick { price_e8: 10_000_000_000, confidence_e8: 0, ema_e8: 10_000_000_000 };
        for _ in 0..100 {
            // Six seconds of 900: 0.6 % of the way, off by at most 8.1 %.
            let tick = on_the_way(&last, 20_000_000_000, (6, 900), &mut rng).unwrap();
            assert!((9_250_000_000..=10_870_000_000).contains(&tick.price_e8), "{tick:?}");
            assert_eq!(on_the_way(&last, last.price_e8, (6, 900), &mut rng).unwrap().price_e8, last.price_e8);
            let least = on_the_way(&Tick { price_e8: 100_000_000, ..last }, Price::MAX.get(), (6, 900), &mut rng).unwrap();
            assert!(is_usable(&Price::new(least.price_e8)));
        }
    }

    #[test]
    fn times_no_clock_shows_are_refused() {
        assert!(Timeline::of(&[]).is_err());
        assert!(Timeline::of(&[bar(-1, [2, 2, 2, 2])]).is_err());
        assert!(Timeline::of(&[bar(i64::MAX, [2, 2, 2, 2])]).is_err());
        assert!(Timeline::of(&[bar(0, [2, 2, 2, 2]), bar(100_000_000_000, [2, 2, 2, 2])]).is_err());
    }
}
