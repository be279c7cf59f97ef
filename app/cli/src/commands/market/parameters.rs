//! The hard bounds of a market's parameters, for people. The engine's `Params::validate` holds them, and says them where one is broken.

use inverse_perps_engine::Params;
use perps::parameters::{Field, FIELDS};

/// A parameter, for people.
pub struct Parameter {
    /// As the program names it.
    pub name: &'static str,
    /// Its number.
    pub value: String,
    /// What that counts; nothing where it is a plain number.
    pub unit: String,
    /// What the program takes.
    pub bounds: &'static str,
}

/// All of them.
pub fn all(params: &Params) -> impl Iterator<Item = Parameter> + '_ {
    FIELDS.iter().map(|field| {
        let text = field.text(params);
        let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
        Parameter { name: field.name, value: value.to_owned(), unit: unit.to_owned(), bounds: bounds(field) }
    })
}

/// What the program takes for a parameter.
pub fn bounds(field: &Field) -> &'static str {
    match field.name {
        "initial_margin" => "1.5 times maintenance_margin to 10000",
        "initial_margin_slope" => "to 1000",
        "maintenance_margin" => "50 to 2000",
        "maintenance_margin_slope" => "to initial_margin_slope",
        "taker_fee" => "3 to 50",
        "fee_to_pool" => "from 5000; the three shares of fees sum to 10000",
        "fee_to_insurance" => "from 1000",
        "fee_to_protocol" => "what the other two leave",
        "impact_max" => "below maintenance_margin less taker_fee",
        "liquidation_fee" => "from 10; with spread_multiplier times wide_confidence below maintenance_margin",
        "min_reward" => "to what insurance and protocol get of a taker fee",
        "settle_tip" => "to what insurance and protocol get of a taker fee on min_notional",
        "min_order_tip" => "to 0.0001 BTC and max_order_tip",
        "max_order_tip" => "to 0.01 BTC",
        "spread_multiplier" => "1 to 3",
        "strict_confidence" => "20 to wide_confidence",
        "wide_confidence" => "strict_confidence to 10000",
        "ema_bound" => "200 to 10000",
        "max_jump" => "100 to 10000",
        "fresh_age" => "1 to 3",
        "wide_age" => "5 to 60",
        "max_future" => "10 to 600",
        "order_delay" => "4 to 60",
        "min_hold" => "to 120",
        "max_accrual_gap" => "1 to 86400",
        "cool_down" => "above 0; with withdrawal_window at most the timelock",
        "withdrawal_window" => "from 600",
        "dead_oracle_after" => "1 to 30 days",
        "dead_oracle_grace" => "6 hours to 7 days",
        "max_funding" | "max_borrow" => "both together at most 10 % a day",
        "stress" => "1000 to 9000",
        "max_utilisation" => "1000 to deleverage_trigger",
        "deleverage_target" => "1000 to below deleverage_trigger",
        "deleverage_trigger" => "above deleverage_target, to 9000",
        "insurance_daily_cap" => "1000 to 9000",
        "min_notional" => "1 to 10000 USD, whole dollars",
        "max_position_notional" => "min_notional to max_side_notional",
        "max_side_notional" => "to 10 billion USD",
        "min_first_deposit" => "0.001 BTC to max_pool",
        "max_pool" => "to 21 million BTC",
        "skew_scale" | "impact_scale" => "above 0",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;
    use inverse_perps_engine::units::Seconds;
    use inverse_perps_engine::Params;
    use perps::parameters::{Field, Overrides, FIELDS};

    #[test]
    fn every_parameter_has_bounds() {
        for field in FIELDS {
            assert!(!bounds(field).is_empty(), "{field:?}");
        }
    }

    /// Whether the engine takes this integer for a parameter, all others as they are in a standard market.
    fn takes(field: &Field, raw: u64) -> bool {
        let mut overrides = Overrides::default();
        overrides.set(&format!("{}={raw}", field.name).parse().unwrap());
        overrides.apply(&Params::standard()).unwrap().validate(Seconds::new(259_200)).is_ok()
    }

    #[test]
    fn plain_ranges_are_those_of_the_engine() {
        let mut ranges = 0;
        for field in FIELDS {
            let Some((least, most)) = bounds(field).split_once(" to ") else { continue };
            if let (Ok(least), Ok(most)) = (least.parse::<u64>(), most.parse::<u64>()) {
                assert!((least..=most).contains(&field.of(&Params::standard())), "{field:?}");
                assert!(!takes(field, least - 1) && !takes(field, most + 1), "{field:?}");
                ranges += 1;
            }
        }
        assert!(ranges > 10);
    }
}
