//! Lengths of time as options give them.

use std::time::Duration;

/// A whole number with ms, s, m or h behind it; seconds without.
///
/// # Errors
/// Anything else, and nothing.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = text.get(digits.len()..).unwrap_or_default();
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("'{unit}' is no unit of time; write 500ms, 60s, 5m or 1h")),
    };
    let number = Some(digits).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    let total = number.and_then(|digits| digits.parse::<u64>().ok()).and_then(|number| number.checked_mul(millis));
    match total {
        Some(total) if total > 0 => Ok(Duration::from_millis(total)),
        _ => Err("write a whole number above zero with its unit: 500ms, 60s, 5m or 1h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, millis) in [("60s", 60_000), ("60", 60_000), ("500ms", 500), ("5m", 300_000), ("1h", 3_600_000)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0", "0s", "-1s", "1.5s", "1d", "s", "1 s", "18446744073709551615h", "٣s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
