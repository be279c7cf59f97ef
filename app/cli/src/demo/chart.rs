//! The price path as a drawing in the terminal, the liquidations in a band below it. The only place with floating point: what is
//! drawn is not money.
#![allow(clippy::as_conversions, clippy::float_arithmetic, clippy::cast_possible_truncation, clippy::cast_precision_loss)]

use super::report::ChartData;
use inverse_perps_engine::Direction;
use textplots::{Chart, ColorPlot, LabelBuilder, LabelFormat, Shape};

/// Dots: two a character across, four down.
const WIDTH: u32 = 136;
const HEIGHT: u32 = 72;
/// Dots between the band and the lowest price, the one below the band included.
const GAP: usize = 4;
/// Dots of the band for liquidations.
const BAND: usize = 14;
const PRICE: (u8, u8, u8) = (220, 220, 220);
const LONGS: (u8, u8, u8) = (230, 90, 80);
const SHORTS: (u8, u8, u8) = (90, 180, 230);

/// Draws it.
pub fn draw(data: &ChartData) -> String {
    let prices: Vec<f32> = data.prices_e8.iter().map(|price| (*price as f64 / 1e8) as f32).collect();
    let (low, high) = bounds(&prices);
    let dot = (high - low) / (HEIGHT as usize - BAND - GAP) as f32;
    let bottom = low - dot * (BAND + GAP) as f32;
    let last = prices.len().saturating_sub(1).max(1) as f32;

    let path: Vec<(f32, f32)> = prices.iter().enumerate().map(|(step, price)| (step as f32, *price)).collect();
    let columns = columns(data, last);
    let tallest = columns.iter().map(|column| column.iter().sum::<usize>()).max().unwrap_or(0);
    let (longs, shorts) =
        stacks(&columns, tallest, |column, dots| (column as f32 / WIDTH as f32 * last, bottom + dot * (dots + 1) as f32));

    let (path, longs, shorts) = (Shape::Lines(&path), Shape::Points(&longs), Shape::Points(&shorts));
    let mut chart = Chart::new_with_y_range(WIDTH, HEIGHT, 0.0, last, bottom, high);
    let (from, to) = (date(data.times.0), date(data.times.1));
    let drawing = chart
        .linecolorplot(&path, PRICE.into())
        .linecolorplot(&longs, LONGS.into())
        .linecolorplot(&shorts, SHORTS.into())
        .x_label_format(LabelFormat::Custom(Box::new(move |x| if x <= 0.0 { from.clone() } else { to.clone() })))
        .y_label_format(LabelFormat::Custom(Box::new(move |y| if y > low { format!("${high:.0}") } else { String::new() })));
    drawing.figures();
    format!("{drawing}{}", caption(low, tallest))
}

fn caption(low: f32, tallest: usize) -> String {
    let band = match tallest {
        0 => "no liquidations".to_owned(),
        _ => format!("liquidations in the band below, at most {tallest} a column"),
    };
    format!("price, lowest ${low:.2}; {band}\n")
}

/// Lowest and highest, apart even if the price never moved.
fn bounds(prices: &[f32]) -> (f32, f32) {
    let low = prices.iter().copied().fold(f32::INFINITY, f32::min);
    let high = prices.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if low < high {
        (low, high)
    } else {
        (low * 0.99, high * 1.01)
    }
}

/// Liquidations of longs and shorts in each column of dots.
fn columns(data: &ChartData, last: f32) -> Vec<[usize; 2]> {
    let mut columns = vec![[0; 2]; WIDTH as usize + 1];
    for liquidation in &data.liquidations {
        let column = (liquidation.step as f32 / last * WIDTH as f32).round() as usize;
        let side = usize::from(liquidation.direction == Direction::Short);
        if let Some(count) = columns.get_mut(column).and_then(|column| column.get_mut(side)) {
            *count += 1;
        }
    }
    columns
}

type Points = Vec<(f32, f32)>;

/// A stack of dots a column, longs below shorts; a stack too tall for the band shrinks with all others, but never to nothing.
fn stacks(columns: &[[usize; 2]], tallest: usize, place: impl Fn(usize, usize) -> (f32, f32)) -> (Points, Points) {
    let dots = |count: usize| if tallest > BAND { (count * BAND).div_ceil(tallest) } else { count };
    let (mut longs, mut shorts) = (Points::new(), Points::new());
    for (column, [long, short]) in columns.iter().enumerate() {
        let (long, all) = (dots(*long), dots(long + short));
        longs.extend((0..long).map(|dot| place(column, dot)));
        shorts.extend((long..all.max(long + usize::from(*short > 0))).map(|dot| place(column, dot)));
    }
    (longs, shorts)
}

/// The day and the minute of a unix time, in UTC.
pub fn date(unix_time: i64) -> String {
    let (days, seconds) = (unix_time.div_euclid(86_400), unix_time.rem_euclid(86_400));
    // Days since 1 March of the year 0: a leap day is then the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::counts::Liquidation;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(1_584_057_540), "2020-03-12 23:59");
        assert_eq!(date(1_582_934_400), "2020-02-29 00:00");
        assert_eq!(date(1_735_689_600), "2025-01-01 00:00");
    }

    #[test]
    fn flat_and_single_prices_are_drawn_too() {
        for prices_e8 in [vec![200_000_000], vec![200_000_000; 4], vec![100_000_000, 10_000_000_000_000_000]] {
            let drawn = draw(&ChartData { prices_e8, times: (0, 60), liquidations: vec![] });
            assert!(drawn.contains("no liquidations") && drawn.contains("1970-01-01 00:01"), "{drawn}");
        }
    }

    #[test]
    fn liquidations_are_drawn_below_the_path() {
        let prices_e8: Vec<u64> = (0..100).map(|n| (1_000 - n) * 100_000_000).collect();
        let fall = Liquidation { step: 50, direction: Direction::Long };
        let with = draw(&ChartData { prices_e8: prices_e8.clone(), times: (0, 60), liquidations: vec![fall; 40] });
        let without = draw(&ChartData { prices_e8, times: (0, 60), liquidations: vec![] });
        assert_ne!(with, without);
        assert!(with.contains("at most 40 a column"), "{with}");
    }
}
