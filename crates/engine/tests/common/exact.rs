//! Exact rational arithmetic, and what the design's formulas come to in it. Nothing here calls the engine's.

use inverse_perps_engine::Direction;
use num_bigint::BigInt;
use num_rational::BigRational;

pub type Exact = BigRational;

pub fn int(n: impl Into<BigInt>) -> Exact {
    Exact::from_integer(n.into())
}

pub fn ratio(n: impl Into<BigInt>, d: impl Into<BigInt>) -> Exact {
    Exact::new(n.into(), d.into())
}

pub fn bps(n: u32) -> Exact {
    ratio(n, 10_000)
}

/// `value(N, P) = N * 1e10 / P` satoshi.
pub fn value(notional: u64, price: u64) -> Exact {
    ratio(BigInt::from(notional) * 10_000_000_000u64, price)
}

/// Profit in satoshi of what came in for `entry` and is now worth `value`.
pub fn pnl(direction: Direction, entry: Exact, value: Exact) -> Exact {
    match direction {
        Direction::Long => entry - value,
        Direction::Short => value - entry,
    }
}

pub fn max(a: Exact, b: Exact) -> Exact {
    if a > b {
        a
    } else {
        b
    }
}

pub fn min(a: Exact, b: Exact) -> Exact {
    if a < b {
        a
    } else {
        b
    }
}

/// A decimal as written: "45681.8182".
pub fn decimal(text: &str) -> Exact {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: BigInt = format!("{whole}{fraction}").parse().expect("a decimal");
    ratio(digits, BigInt::from(10).pow(u32::try_from(fraction.len()).unwrap()))
}

/// That `got` is the exact amount rounded down, once or a few times: never above it, and less than `roundings` below.
pub fn assert_down(got: impl Into<BigInt>, exact: &Exact, roundings: i64) {
    let got = int(got);
    assert!(got <= *exact, "{got} is above the exact {exact}");
    assert!(exact - &got < int(roundings), "{got} is {roundings} or more below the exact {exact}");
}

/// That `got` is the exact amount rounded up: never below it, and less than `roundings` above.
pub fn assert_up(got: impl Into<BigInt>, exact: &Exact, roundings: i64) {
    let got = int(got);
    assert!(got >= *exact, "{got} is below the exact {exact}");
    assert!(&got - exact < int(roundings), "{got} is {roundings} or more above the exact {exact}");
}

/// That `got` lies within `bound` of the exact amount.
pub fn assert_near(got: impl Into<BigInt>, exact: &Exact, bound: &Exact) {
    let got = int(got);
    let off = if got > *exact { &got - exact } else { exact - &got };
    assert!(off <= *bound, "{got} is not within {bound} of {exact}");
}
