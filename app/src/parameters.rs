//! A market's parameters by name, for files and options that name some of them: raw integers in the units of [`Params`].

#![deny(clippy::as_conversions, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

use crate::decimal::{BITCOIN, DOLLARS};
use inverse_perps_engine::units::{Bps, Notional, Sats, Seconds};
use inverse_perps_engine::Params;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What a parameter's integer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Micro-dollars.
    Dollars,
    /// Satoshi.
    Bitcoin,
    /// Basis points.
    Bps,
    /// Basis points for every $1M of notional.
    BpsAMillion,
    /// Seconds.
    Seconds,
    /// Parts per billion a day.
    PpbADay,
    /// A plain number.
    Count,
}

/// A parameter.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name in [`Params`].
    pub name: &'static str,
    /// What its integer counts.
    pub unit: Unit,
    get: fn(&Params) -> u64,
    set: fn(&mut Params, u64) -> bool,
}

/// What is stored in a parameter, as its raw integer and back.
trait Raw: Sized {
    fn raw(self) -> u64;
    fn from_raw(raw: u64) -> Option<Self>;
}

macro_rules! raw {
    ($($type:ident),*) => {
        $(impl Raw for $type {
            fn raw(self) -> u64 {
                self.get().into()
            }
            fn from_raw(raw: u64) -> Option<Self> {
                raw.try_into().ok().map(Self::new)
            }
        })*
    };
}
raw!(Notional, Sats, Bps, Seconds);

impl Raw for u32 {
    fn raw(self) -> u64 {
        self.into()
    }
    fn from_raw(raw: u64) -> Option<Self> {
        raw.try_into().ok()
    }
}

fn put<T: Raw>(place: &mut T, raw: u64) -> bool {
    match T::from_raw(raw) {
        Some(value) => {
            *place = value;
            true
        }
        None => false,
    }
}

macro_rules! fields {
    ($($name:ident: $unit:ident,)*) => {
        /// Every parameter, in the order of [`Params`].
        pub const FIELDS: &[Field] = &[$(Field {
            name: stringify!($name),
            unit: Unit::$unit,
            get: |params| params.$name.raw(),
            set: |params, raw| put(&mut params.$name, raw),
        }),*];
    };
}
fields!(
    skew_scale: Dollars,
    impact_scale: Dollars,
    min_notional: Dollars,
    max_side_notional: Dollars,
    max_position_notional: Dollars,
    settle_tip: Dollars,
    min_first_deposit: Bitcoin,
    max_pool: Bitcoin,
    min_order_tip: Bitcoin,
    max_order_tip: Bitcoin,
    initial_margin: Bps,
    maintenance_margin: Bps,
    initial_margin_slope: BpsAMillion,
    maintenance_margin_slope: BpsAMillion,
    taker_fee: Bps,
    fee_to_pool: Bps,
    fee_to_insurance: Bps,
    fee_to_protocol: Bps,
    liquidation_fee: Bps,
    min_reward: Bps,
    spread_multiplier: Count,
    strict_confidence: Bps,
    wide_confidence: Bps,
    ema_bound: Bps,
    max_jump: Bps,
    fresh_age: Seconds,
    wide_age: Seconds,
    max_future: Seconds,
    order_delay: Seconds,
    min_hold: Seconds,
    stress: Bps,
    max_utilisation: Bps,
    deleverage_target: Bps,
    deleverage_trigger: Bps,
    max_funding: PpbADay,
    max_borrow: PpbADay,
    max_accrual_gap: Seconds,
    impact_max: Bps,
    insurance_daily_cap: Bps,
    cool_down: Seconds,
    withdrawal_window: Seconds,
    dead_oracle_after: Seconds,
    dead_oracle_grace: Seconds,
);

/// Why a parameter cannot be set. The bounds of its value are the engine's: `Params::validate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// There is none of this name.
    Unknown(String),
    /// The integer does not fit.
    TooLarge {
        /// The parameter.
        name: &'static str,
        /// What it was to be.
        raw: u64,
    },
    /// The text is not `name=integer`.
    NotASetting(String),
}

impl fmt::Display for ParameterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(out, "there is no parameter {name}; the parameters are ")?;
                let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
                out.write_str(&names.join(", "))
            }
            Self::TooLarge { name, raw } => write!(out, "{name} = {raw} is too large for a parameter; it goes to {}", u32::MAX),
            Self::NotASetting(text) => write!(
                out,
                "'{text}' sets no parameter; write name=integer in the parameter's unit, such as initial_margin=250 for 250 bps"
            ),
        }
    }
}

impl std::error::Error for ParameterError {}

impl fmt::Debug for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.name)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Field {
    /// The parameter of a name.
    ///
    /// # Errors
    /// `Unknown`.
    pub fn named(name: &str) -> Result<&'static Self, ParameterError> {
        FIELDS.iter().find(|field| field.name == name).ok_or_else(|| ParameterError::Unknown(name.to_owned()))
    }

    /// Its raw integer.
    pub fn of(&self, params: &Params) -> u64 {
        (self.get)(params)
    }

    /// Its value for people: the integer with its unit, and what that is where it is not plain.
    pub fn text(&self, params: &Params) -> String {
        let raw = self.of(params);
        match self.unit {
            Unit::Dollars => format!("{} USD", DOLLARS.short(raw)),
            Unit::Bitcoin => format!("{} BTC", BITCOIN.short(raw)),
            Unit::Bps => format!("{raw} bps"),
            Unit::BpsAMillion => format!("{raw} bps per $1M"),
            Unit::Seconds => format!("{raw} s"),
            Unit::PpbADay => format!("{raw} ppb a day"),
            Unit::Count => raw.to_string(),
        }
    }
}

/// Some parameters by name, as a file's table or options name them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Overrides(BTreeMap<String, u64>);

impl Overrides {
    /// Names one more; of a name that comes twice the last one holds.
    pub fn set(&mut self, setting: &Setting) {
        self.0.insert(setting.name.clone(), setting.raw);
    }

    /// These parameters with what is named in place of theirs. They are not validated.
    ///
    /// # Errors
    /// `Unknown`, `TooLarge`.
    pub fn apply(&self, base: &Params) -> Result<Params, ParameterError> {
        let mut params = *base;
        for (name, raw) in &self.0 {
            let field = Field::named(name)?;
            if !(field.set)(&mut params, *raw) {
                return Err(ParameterError::TooLarge { name: field.name, raw: *raw });
            }
        }
        Ok(params)
    }
}

/// One parameter and its raw integer, as an option gives it: `initial_margin=250`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    name: String,
    raw: u64,
}

impl FromStr for Setting {
    type Err = ParameterError;

    fn from_str(text: &str) -> Result<Self, ParameterError> {
        let not_a_setting = || ParameterError::NotASetting(text.to_owned());
        let (name, digits) = text.split_once('=').ok_or_else(not_a_setting)?;
        let field = Field::named(name.trim())?;
        let digits = digits.trim().replace('_', "");
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let raw = if plain { digits.parse().ok() } else { None };
        Ok(Self { name: field.name.to_owned(), raw: raw.ok_or_else(not_a_setting)? })
    }
}

/// The parameters that differ.
pub fn changes(old: &Params, new: &Params) -> Vec<&'static Field> {
    FIELDS.iter().filter(|field| field.of(old) != field.of(new)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_has_its_name_here_and_is_read_where_it_is_written() {
        let json = serde_json::to_value(Params::standard()).unwrap();
        let stored = json.as_object().unwrap();
        assert_eq!(stored.len(), FIELDS.len() + 1, "all but `reserved`");
        for field in FIELDS {
            assert_eq!(stored[field.name].as_u64(), Some(field.of(&Params::standard())), "{field:?}");
            let mut params = Params::default();
            assert!((field.set)(&mut params, 77), "{field:?}");
            let changed = serde_json::to_value(params).unwrap();
            let others = changed.as_object().unwrap().iter().filter(|(name, _)| *name != field.name);
            assert_eq!(changed[field.name], 77, "{field:?}");
            assert!(others.into_iter().all(|(_, value)| *value == 0), "{field:?} alone");
        }
    }

    #[test]
    fn what_is_named_replaces_what_is_there() {
        let mut overrides: Overrides = serde_json::from_str(r#"{"taker_fee": 10, "max_pool": 5000000000}"#).unwrap();
        overrides.set(&"initial_margin = 1_000".parse().unwrap());
        let params = overrides.apply(&Params::standard()).unwrap();
        let expected = Params {
            taker_fee: Bps::new(10),
            max_pool: Sats::new(5_000_000_000),
            initial_margin: Bps::new(1_000),
            ..Params::standard()
        };
        assert_eq!(params, expected);
        let names: Vec<&str> = changes(&Params::standard(), &params).iter().map(|field| field.name).collect();
        assert_eq!(names, ["max_pool", "initial_margin", "taker_fee"]);
    }

    #[test]
    fn what_is_no_parameter_is_refused() {
        let refused = |json: &str| serde_json::from_str::<Overrides>(json).unwrap().apply(&Params::standard()).unwrap_err();
        assert!(refused(r#"{"initial_magin": 1}"#).to_string().contains("there is no parameter initial_magin"));
        assert_eq!(refused(r#"{"reserved": 1}"#), ParameterError::Unknown("reserved".to_owned()));
        assert_eq!(refused(r#"{"taker_fee": 4294967296}"#), ParameterError::TooLarge { name: "taker_fee", raw: 1 << 32 });
        for text in ["taker_fee", "taker_fee=", "taker_fee=-1", "taker_fee=1.5", "taker_fee=+1", "=5", "fee=5", "taker_fee=1e3"]
        {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Overrides>(r#"{"taker_fee": -1}"#).is_err());
    }

    #[test]
    fn values_are_said_with_their_units() {
        let text = |name: &str| Field::named(name).unwrap().text(&Params::standard());
        assert_eq!(text("skew_scale"), "10000000 USD");
        assert_eq!(text("settle_tip"), "0.002 USD");
        assert_eq!(text("min_order_tip"), "0.000001 BTC");
        assert_eq!(text("initial_margin"), "200 bps");
        assert_eq!(text("initial_margin_slope"), "10 bps per $1M");
        assert_eq!(text("max_funding"), "3000000 ppb a day");
        assert_eq!(text("cool_down"), "86400 s");
        assert_eq!(text("spread_multiplier"), "1");
    }
}
