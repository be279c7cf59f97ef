//! Price files: candles of bitcoin in dollars, as comma-separated values.

#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

use std::fmt;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use inverse_perps_engine::units::Price;

use crate::decimal;

const HEADER: [&str; 5] = ["unix_time", "open", "high", "low", "close"];

/// One candle, `low <= open, close <= high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When it begins, in unix seconds.
    pub unix_time: i64,
    /// The first price.
    pub open: Price,
    /// The highest price.
    pub high: Price,
    /// The lowest price.
    pub low: Price,
    /// The last price.
    pub close: Price,
}

/// Why a price file cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFileError {
    /// The file as it was named.
    pub file: PathBuf,
    /// The line in it, from 1; `None` where the whole file is at fault.
    pub line: Option<usize>,
    /// What is wrong and what is expected.
    pub problem: String,
}

impl fmt::Display for PriceFileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "price file {}", self.file.display())?;
        if let Some(line) = self.line {
            write!(out, ", line {line}")?;
        }
        write!(out, ": {}", self.problem)
    }
}

impl std::error::Error for PriceFileError {}

/// The bars of a file with the header `unix_time,open,high,low,close`, in order; at least one. Empty lines are passed over.
///
/// # Errors
/// A file that cannot be read, has another header or no bars; a row that has not five fields, whose time is not later than the
/// one before, whose prices are not decimal numbers above zero with at most eight decimals, or whose open or close is not within
/// low and high. A price that the program would not accept is no error: it was quoted, and what to do with it is the reader's.
pub fn read(file: &Path) -> Result<Vec<Bar>, PriceFileError> {
    let error = |line, problem| PriceFileError { file: file.to_owned(), line, problem };
    let bytes = std::fs::read(file).map_err(|cause| error(None, format!("cannot be read: {cause}")))?;
    let text = String::from_utf8(bytes).map_err(|cause| {
        let readable = String::from_utf8_lossy(cause.as_bytes().get(..cause.utf8_error().valid_up_to()).unwrap_or_default());
        error(Some(line_after(&readable)), "is not text in UTF-8".to_owned())
    })?;
    parse(&text).map_err(|(line, problem)| error(line, problem))
}

type Problem = (Option<usize>, String);

fn parse(text: &str) -> Result<Vec<Bar>, Problem> {
    let mut rows = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = rows.records();
    let header = rows.next().ok_or_else(|| (None, format!("is empty; the first line must be {}", HEADER.join(","))))?;
    let header = header.map_err(|cause| (Some(1), cause.to_string()))?;
    if header != HEADER[..] {
        return Err((Some(line_of(text, &header)), format!("the header must be {}", HEADER.join(","))));
    }
    let mut bars: Vec<Bar> = Vec::new();
    for row in rows {
        let row = row.map_err(|cause| (None, cause.to_string()))?;
        let bar = bar(&row, bars.last()).map_err(|problem| (Some(line_of(text, &row)), problem))?;
        bars.push(bar);
    }
    if bars.is_empty() {
        return Err((None, "has a header but no bars".to_owned()));
    }
    Ok(bars)
}

fn bar(row: &StringRecord, before: Option<&Bar>) -> Result<Bar, String> {
    let fields: Vec<&str> = row.iter().collect();
    let Ok([unix_time, open, high, low, close]) = <[&str; 5]>::try_from(fields.as_slice()) else {
        return Err(format!("has {} fields, there must be {}: {}", fields.len(), HEADER.len(), HEADER.join(",")));
    };
    let bar = Bar {
        unix_time: unix_time.parse().map_err(|_| format!("unix_time '{unix_time}': not a whole number of seconds"))?,
        open: price("open", open)?,
        high: price("high", high)?,
        low: price("low", low)?,
        close: price("close", close)?,
    };
    if let Some(before) = before.filter(|before| before.unix_time >= bar.unix_time) {
        return Err(format!("unix_time {} is not later than the row before, {}", bar.unix_time, before.unix_time));
    }
    if bar.low > bar.high {
        return Err(format!("low {low} is above high {high}"));
    }
    for (name, price, written) in [("open", bar.open, open), ("close", bar.close, close)] {
        if price < bar.low || price > bar.high {
            return Err(format!("{name} {written} is not within low {low} and high {high}"));
        }
    }
    Ok(bar)
}

fn price(name: &str, text: &str) -> Result<Price, String> {
    decimal::quoted_price(text).map_err(|problem| format!("{name} '{text}': {problem}"))
}

/// The line where a row begins. The reader's own count is off after empty lines, which it takes for the beginning of the row.
fn line_of(text: &str, row: &StringRecord) -> usize {
    let start = row.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let skipped = rest.len().saturating_sub(rest.trim_start_matches(['\r', '\n']).len());
    line_after(before).saturating_add(line_breaks(rest.get(..skipped).unwrap_or_default()))
}

/// The line, from 1, that what follows `text` stands on.
fn line_after(text: &str) -> usize {
    line_breaks(text).saturating_add(1)
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// The prices of a bar in the order in which a simulation visits them: open, the extreme nearer to it, the other, close.
///
/// A candle does not say which extreme came first; the nearer one is the shorter way. At equal distance it is the low.
pub fn path(bar: &Bar) -> [Price; 4] {
    let (below, above) = (bar.open.get().abs_diff(bar.low.get()), bar.high.get().abs_diff(bar.open.get()));
    if below <= above {
        [bar.open, bar.low, bar.high, bar.close]
    } else {
        [bar.open, bar.high, bar.low, bar.close]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TITLE: &str = "unix_time,open,high,low,close\n";

    fn dollars(text: &str) -> Price {
        decimal::price(text).unwrap()
    }

    fn problem(rows: &str) -> (Option<usize>, String) {
        parse(&format!("{TITLE}{rows}")).unwrap_err()
    }

    #[test]
    fn bars_are_read_exactly() {
        let bars = parse(&format!("{TITLE}100,8903.87,8919.1,8863.99,8880.27\n160,1,100000000,1,2.00000001\n")).unwrap();
        assert_eq!(bars.len(), 2);
        assert_eq!(bars[0].unix_time, 100);
        assert_eq!(bars[0].open, Price::new(890_387_000_000));
        assert_eq!(bars[1].high, Price::MAX);
        assert_eq!(bars[1].low, Price::MIN);
        assert_eq!(bars[1].close, Price::new(200_000_001));
    }

    #[test]
    fn line_ends_of_any_kind_and_a_missing_last_one_are_read() {
        let windows = "unix_time,open,high,low,close\r\n1,5,6,4,5\r\n2,5,6,4,5";
        assert_eq!(parse(windows).unwrap().len(), 2);
        assert_eq!(parse(&format!("{TITLE}1,5,6,4,5\n\n\n2,5,6,4,5\n\n")).unwrap().len(), 2);
    }

    #[test]
    fn every_malformed_row_is_refused_with_its_line() {
        let good = "1,5,6,4,5\n";
        for (row, says) in [
            ("2,5,6,4", "has 4 fields, there must be 5"),
            ("2,5,6,4,5,9", "has 6 fields"),
            ("two,5,6,4,5", "unix_time 'two': not a whole number of seconds"),
            ("2.5,5,6,4,5", "unix_time '2.5'"),
            ("99999999999999999999,5,6,4,5", "unix_time '99999999999999999999'"),
            (",5,6,4,5", "unix_time ''"),
            ("2,,6,4,5", "open '': there is no number"),
            ("2,5,6,4,x", "close 'x': not a plain decimal number"),
            ("2,5,6,4, 5", "close ' 5': not a plain decimal number"),
            ("2,5,6,-4,5", "low '-4': must not be negative"),
            ("2,5,6e3,4,5", "high '6e3': not a plain decimal number"),
            ("2,0,6,0,5", "open '0': must be above zero"),
            ("2,5,99999999999.99999999,4,5", "high '99999999999.99999999': is too large"),
            ("2,5.123456789,6,4,5", "open '5.123456789': has 9 decimals, at most 8 are possible"),
            ("2,7,6,4,5", "open 7 is not within low 4 and high 6"),
            ("2,5,6,4,3", "close 3 is not within low 4 and high 6"),
            ("2,5,4,6,5", "low 6 is above high 4"),
            ("1,5,6,4,5", "unix_time 1 is not later than the row before, 1"),
            ("0,5,6,4,5", "unix_time 0 is not later than the row before, 1"),
        ] {
            let (line, message) = problem(&format!("{good}{row}\n{}", "9,5,6,4,5\n"));
            assert!(message.contains(says), "{row}: {message}");
            assert_eq!(line, Some(3), "{row}");
        }
    }

    #[test]
    fn lines_are_counted_as_an_editor_does() {
        assert_eq!(problem("x,5,6,4,5\n").0, Some(2));
        assert_eq!(problem("1,5,6,4,5\n\n\n2,5,6,4,x\n").0, Some(5));
        assert_eq!(problem("1,5,6,4,5\r\n2,5,6,4,5\r\n3,5,6,4,x\r\n").0, Some(4));
        assert_eq!(problem("1,5,6,4,5\r\n\r\n3,5,6,4,x").0, Some(4));
        let windows = "unix_time,open,high,low,close\r\n1,5,6,4,5\r\n2,5,6,4,x\r\n";
        assert_eq!(parse(windows).unwrap_err().0, Some(3));
    }

    #[test]
    fn files_without_bars_or_with_another_header_are_refused() {
        assert!(parse("").unwrap_err().1.contains("is empty; the first line must be unix_time,open,high,low,close"));
        assert!(parse("\n\n").unwrap_err().1.contains("is empty"));
        assert_eq!(problem(""), (None, "has a header but no bars".to_owned()));
        for header in ["time,open,high,low,close", "unix_time,open,high,low", "unix_time,high,open,low,close", "1,5,6,4,5"] {
            let (line, message) = parse(&format!("{header}\n1,5,6,4,5\n")).unwrap_err();
            assert_eq!((line, message.as_str()), (Some(1), "the header must be unix_time,open,high,low,close"), "{header}");
        }
    }

    #[test]
    fn errors_name_the_file() {
        let missing = read(Path::new("no/such/file.csv")).unwrap_err();
        assert!(missing.to_string().starts_with("price file no/such/file.csv: cannot be read: "), "{missing}");
        let file = std::env::temp_dir().join(format!("perps-prices-{}.csv", std::process::id()));
        std::fs::write(&file, format!("{TITLE}1,5,6,4,9\n")).unwrap();
        let malformed = read(&file).unwrap_err();
        std::fs::write(&file, [TITLE.as_bytes(), b"1,5,6,4,\xff\n"].concat()).unwrap();
        let not_text = read(&file).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(
            malformed.to_string(),
            format!("price file {}, line 2: close 9 is not within low 4 and high 6", file.display())
        );
        assert_eq!(not_text.to_string(), format!("price file {}, line 2: is not text in UTF-8", file.display()));
    }

    #[test]
    fn the_nearer_extreme_comes_first_and_a_tie_goes_low() {
        let bar = |open, low, high| Bar {
            unix_time: 0,
            open: dollars(open),
            high: dollars(high),
            low: dollars(low),
            close: dollars("100"),
        };
        let visits = |bar: Bar| path(&bar).map(|price| decimal::PRICE.short(price.get()));
        assert_eq!(visits(bar("100", "99", "102")), ["100", "99", "102", "100"]);
        assert_eq!(visits(bar("100", "97", "102")), ["100", "102", "97", "100"]);
        assert_eq!(visits(bar("100", "98", "102")), ["100", "98", "102", "100"]);
        assert_eq!(visits(bar("100", "97.99999999", "102")), ["100", "102", "97.99999999", "100"]);
        assert_eq!(visits(bar("100", "100", "100")), ["100", "100", "100", "100"]);
    }

    fn supplied(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
    }

    #[test]
    fn the_hours_that_come_along_are_read_without_a_gap() {
        let hours = read(&supplied("btcusd_1h_2020.csv")).unwrap();
        assert_eq!(hours.len(), 989);
        assert!(hours.windows(2).all(|pair| pair[1].unix_time - pair[0].unix_time == 3600));
        assert_eq!(hours.iter().map(|bar| bar.low).min(), Some(dollars("3901.25")));
    }

    #[test]
    fn the_days_that_come_along_are_read_with_their_one_low_of_six_cents() {
        let days = read(&supplied("btcusd_1d_2017_2025.csv")).unwrap();
        assert_eq!(days.len(), 3189);
        let below: Vec<Price> = days.iter().map(|bar| bar.low).filter(|low| *low < Price::MIN).collect();
        assert_eq!(below, [Price::new(6_000_000)]);
    }
}
