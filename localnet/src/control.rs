//! What the publisher is told: a file that `localnet price …` replaces and the publisher reads before each update.

use crate::clock::unix_time;
use crate::directory::{write_at_once, Directory};
use anyhow::{Context, Result};
use inverse_perps_engine::units::Price;
use perps::decimal::PRICE;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// Where the price goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Course {
    /// It stays.
    Hold {
        /// 1e-8 USD.
        price_e8: u64,
    },
    /// It moves in a straight line and stays.
    Move {
        /// Where to, 1e-8 USD.
        price_e8: u64,
        /// How long that takes.
        seconds: u32,
    },
    /// It wanders: a geometric random walk without drift.
    Walk {
        /// Standard deviation of a year's logarithmic return: 0.6 is 60 %.
        volatility: f64,
        /// The same seed gives the same sequence of returns.
        seed: u64,
    },
    /// It repeats a price file and stays at its end.
    File {
        /// As `perps::prices` reads it.
        file: PathBuf,
        /// Seconds of the file in one second.
        speed: u32,
    },
}

/// What the publisher is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// When the course was set, unix time.
    pub since: i64,
    /// Whether nothing is published: an oracle that has failed.
    pub stopped: bool,
    /// Where the price goes.
    pub course: Course,
}

impl Control {
    /// A course that begins now.
    pub fn now(course: Course) -> Self {
        Self { since: unix_time(), stopped: false, course }
    }

    /// What the publisher of a directory is told now.
    ///
    /// # Errors
    /// Where there is no such file, or something else is in it.
    pub fn read(directory: &Directory) -> Result<Self> {
        let path = directory.control();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not what a publisher is told", path.display()))
    }

    /// Tells it.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, directory: &Directory) -> Result<()> {
        write_at_once(&directory.control(), &format!("{}\n", serde_json::to_string_pretty(self)?))
    }
}

/// A price for people: `$60,000` is `60000`.
pub fn dollars(price_e8: u64) -> String {
    PRICE.short(Price::new(price_e8).get())
}

impl fmt::Display for Control {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.stopped {
            out.write_str("stopped; before that it ")?;
        }
        match &self.course {
            Course::Hold { price_e8 } => write!(out, "holds {}", dollars(*price_e8)),
            Course::Move { price_e8, seconds } => write!(out, "moves to {} within {seconds} s", dollars(*price_e8)),
            Course::Walk { volatility, seed } => write!(out, "walks at a yearly volatility of {volatility}, seed {seed}"),
            Course::File { file, speed } => write!(out, "plays {} at {speed} times its speed", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_and_garbage_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let directory = Directory::new(place.path());
        for course in [
            Course::Hold { price_e8: 5_800_000_000_000 },
            Course::Move { price_e8: 1, seconds: 30 },
            Course::Walk { volatility: 0.6, seed: u64::MAX },
            Course::File { file: "/prices.csv".into(), speed: 3_600 },
        ] {
            let control = Control { since: 1_700_000_000, stopped: true, course };
            control.write(&directory).unwrap();
            assert_eq!(Control::read(&directory).unwrap(), control);
        }
        std::fs::write(directory.control(), r#"{"since":1,"stopped":false,"course":{"kind":"guess"}}"#).unwrap();
        assert!(Control::read(&directory).unwrap_err().to_string().contains("is not what a publisher is told"));
    }

    #[test]
    fn it_says_what_it_is_in_words() {
        let control = Control { since: 0, stopped: true, course: Course::Move { price_e8: 5_812_550_000_000, seconds: 30 } };
        assert_eq!(control.to_string(), "stopped; before that it moves to 58125.5 within 30 s");
    }
}
