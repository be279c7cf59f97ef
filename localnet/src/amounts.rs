//! What is written on the command line beside bitcoin and prices: SOL, and spans of time.

use anyhow::{bail, Context, Result};

/// Lamports out of SOL, a decimal number with at most nine decimals, above zero.
///
/// # Errors
/// Where the text is no such number.
pub fn lamports(text: &str) -> Result<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        bail!("'{text}' is not an amount of SOL; write a plain decimal number with at most 9 decimals, such as 2.5");
    }
    let lamports: u64 = format!("{whole}{fraction:0<9}").parse().with_context(|| format!("{text} SOL are too many"))?;
    if lamports == 0 {
        bail!("{text} SOL are nothing; ask for more than zero");
    }
    Ok(lamports)
}

/// Seconds out of a whole number with a unit: `90`, `30s`, `5m`, `2h`; at least one, at most a week.
///
/// # Errors
/// Where the text is no such span.
pub fn seconds(text: &str) -> Result<u32> {
    const WEEK: u32 = 604_800;
    let (number, factor) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) if text.ends_with('m') => (number, 60),
        Some(number) if text.ends_with('h') => (number, 3_600),
        Some(number) => (number, 1),
        None => (text, 1),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    match seconds {
        Some(seconds) if (1..=WEEK).contains(&seconds) => Ok(seconds),
        _ => bail!("'{text}' is not a span of time; write 45s, 5m or 2h, from one second to a week"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sol_is_read_exactly() {
        for (text, expected) in [("1", 1_000_000_000), ("0.000000001", 1), ("2.5", 2_500_000_000), ("007.10", 7_100_000_000)] {
            assert_eq!(lamports(text).unwrap(), expected, "{text}");
        }
        assert_eq!(lamports("18446744073.709551615").unwrap(), u64::MAX);
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "0", "0.0", "1.0000000001", "18446744073.709551616", "1 ", "1.2.3"]
        {
            assert!(lamports(text).is_err(), "{text}");
        }
    }

    #[test]
    fn spans_have_units() {
        for (text, expected) in [("90", 90), ("30s", 30), ("5m", 300), ("2h", 7_200), ("168h", 604_800)] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
        for text in ["", "s", "0", "0s", "-5s", "1.5m", "3d", "169h", "4294967295h", "5ms"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
