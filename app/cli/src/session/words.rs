//! Numbers and times for people, and the fields that go with them for machines.

use super::effects::side_name;
use super::Answer;
use crate::commands::quote::fixed;
use inverse_perps_engine::liquidation::Threshold;
use inverse_perps_engine::units::{Notional, Price, Sats};
use inverse_perps_engine::Direction;
use perps::decimal::{signed_bitcoin, BITCOIN, DOLLARS, PRICE};
use serde_json::Value;
use solana_address::Address;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;
/// Prices from $1,000 on are shown to people in cents.
const SHOWN_IN_CENTS: u64 = 100_000_000_000;
const CENT: u64 = 1_000_000;

impl Answer {
    /// Bitcoin: `{name}_btc` and `{name}_sats` for machines.
    pub fn bitcoin(&mut self, label: &str, name: &str, amount: Sats) -> &mut Self {
        let text = BITCOIN.exact(amount.get());
        self.field(&format!("{name}_btc"), text.clone()).field(&format!("{name}_sats"), amount.get());
        self.row(label, format!("{text} BTC"))
    }

    /// Bitcoin with a sign, in satoshi.
    pub fn signed(&mut self, label: &str, name: &str, sats: i64) -> &mut Self {
        let text = signed_bitcoin(sats);
        self.field(&format!("{name}_btc"), text.clone()).field(&format!("{name}_sats"), sats);
        self.row(label, format!("{text} BTC"))
    }

    /// Dollars: `{name}_usd`.
    pub fn dollars(&mut self, label: &str, name: &str, amount: Notional) -> &mut Self {
        let text = DOLLARS.short(amount.get());
        self.field(&format!("{name}_usd"), text.clone()).row(label, format!("{text} USD"))
    }

    /// A price to look at: people see cents, `{name}_usd` has all decimals.
    pub fn price(&mut self, label: &str, name: &str, price: Price) -> &mut Self {
        self.field(&format!("{name}_usd"), PRICE.short(price.get())).row(label, format!("{} USD", cents(price)))
    }

    /// A ratio in parts per billion: `{name}_percent`.
    pub fn percent(&mut self, label: &str, name: &str, ppb: i128) -> &mut Self {
        self.field(&format!("{name}_percent"), fixed(ppb, 7)).row(label, percent(ppb))
    }

    /// A time: `{name}_unix`, and how far from `now` for people.
    pub fn time(&mut self, label: &str, name: &str, unix: i64, now: i64) -> &mut Self {
        self.field(&format!("{name}_unix"), unix).row(label, format!("{}, {}", utc(unix), from_now(unix, now)))
    }

    /// An address.
    pub fn address(&mut self, label: &str, name: &str, address: Address) -> &mut Self {
        self.field(name, address.to_string()).row(label, address.to_string())
    }
}

/// A price for people: whole cents where it is large, rounded down.
pub fn cents(price: Price) -> String {
    match price.get() {
        raw if raw >= SHOWN_IN_CENTS => fixed(i128::from(raw / CENT), 2),
        raw => PRICE.short(raw),
    }
}

/// Parts per billion as percent to four decimals, rounded toward zero.
pub fn percent(ppb: i128) -> String {
    format!("{} %", fixed(ppb / 1_000, 4))
}

/// `part / whole` in parts per billion, rounded down; none of nothing.
pub fn share(part: u64, whole: u64) -> Option<i128> {
    i128::from(part).checked_mul(1_000_000_000)?.checked_div(i128::from(whole))
}

/// How far a price lies from another, in parts per billion of that.
pub fn distance(price: Price, from: Price) -> Option<i128> {
    let (there, here) = (i128::from(price.get()), i128::from(from.get()));
    there.checked_sub(here)?.checked_mul(1_000_000_000)?.checked_div(here)
}

/// The distance with its sign, to two decimals.
pub fn signed_distance(price: Price, from: Price) -> String {
    let Some(ppb) = distance(price, from) else { return "-".to_owned() };
    let sign = if ppb > 0 { "+" } else { "" };
    format!("{sign}{} %", fixed(ppb / 100_000, 2))
}

/// A price where something happens, with how far it is.
pub fn threshold_from(threshold: &Threshold, mark: Price) -> String {
    match threshold {
        Threshold::Never => "at no price, the margin covers all that can be lost".to_owned(),
        Threshold::Always => "at every price".to_owned(),
        Threshold::At(price) => format!("{} USD ({})", cents(*price), signed_distance(*price, mark)),
    }
}

/// The price of a threshold for machines; null where there is none.
pub fn threshold_field(threshold: &Threshold) -> Value {
    match threshold {
        Threshold::At(price) => PRICE.short(price.get()).into(),
        Threshold::Never | Threshold::Always => Value::Null,
    }
}

/// "long of 6000 USD".
pub fn side_and_size(direction: Direction, notional: Notional) -> String {
    format!("{} of {} USD", side_name(direction), DOLLARS.short(notional.get()))
}

/// "in 5 min" or "5 min ago".
pub fn from_now(unix: i64, now: i64) -> String {
    match unix.saturating_sub(now) {
        0 => "now".to_owned(),
        ahead if ahead > 0 => format!("in {}", span(ahead)),
        behind => format!("{} ago", span(behind.saturating_neg())),
    }
}

/// Seconds in the two largest units that say something.
pub fn span(seconds: i64) -> String {
    let units = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (1, "s")];
    let mut left = seconds.max(0);
    let mut parts = vec![];
    for (length, unit) in units {
        let count = left / length;
        left %= length;
        if count > 0 {
            parts.push(format!("{count} {unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() {
        return "0 s".to_owned();
    }
    parts.join(" ")
}

/// Unix seconds as a date and time of day in UTC.
pub fn utc(unix: i64) -> String {
    let (days, seconds) = (unix.div_euclid(DAY), unix.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / HOUR, seconds % HOUR / MINUTE, seconds % MINUTE);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month and day of a day since 1970 in the Gregorian calendar, counted in eras of 400 years that begin on 1 March.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// A key or signature by its ends.
pub fn ends(text: &str) -> String {
    let count = text.chars().count();
    if count <= 11 {
        return text.to_owned();
    }
    let (head, tail): (String, String) = (text.chars().take(4).collect(), text.chars().skip(count - 4).collect());
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // As `date -u -d @N` says.
        for (unix, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_583_971_199, "2020-03-11 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(unix), text);
        }
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_605, "1 h"), (3_661, "1 h 1 min"), (90_061, "1 d 1 h"), (-5, "0 s")]
        {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(from_now(100, 40), "in 1 min");
        assert_eq!(from_now(40, 100), "1 min ago");
    }

    #[test]
    fn distances_are_of_the_price_looked_from() {
        let price = |dollars: u64| Price::new(dollars * 100_000_000);
        assert_eq!(signed_distance(price(45_000), price(50_000)), "-10.00 %");
        assert_eq!(signed_distance(price(50_001), price(50_000)), "+0.00 %");
        assert_eq!(signed_distance(price(75_000), price(50_000)), "+50.00 %");
        assert_eq!(percent(1_234_567), "0.1234 %");
        assert_eq!(percent(-3_000_000), "-0.3000 %");
    }

    #[test]
    fn prices_are_cut_to_cents_where_that_says_enough() {
        assert_eq!(cents(Price::new(5_800_012_345_678)), "58000.12");
        assert_eq!(cents(Price::new(99_912_345_678)), "999.12345678");
    }

    #[test]
    fn long_names_are_shown_by_their_ends() {
        assert_eq!(ends("7oLbUemdP4fLZ7cJfuK9JwQ3qUi7obfrQx8GFjqu13Rf"), "7oLb…13Rf");
        assert_eq!(ends("short"), "short");
    }
}
