//! Stop and take-profit of an opening.

use crate::commands::order::bound::{any_price, buys, slipped, told, SLIPPAGE_BPS};
use crate::session::words::signed_distance;
use crate::session::Answer;
use anyhow::{ensure, Result};
use clap::Args;
use inverse_perps::instructions::{OrderAmount, OrderType};
use inverse_perps_engine::units::{Price, Sats};
use inverse_perps_engine::Direction;
use perps::client::orders::OrderTerms;
use perps::decimal::{self, PRICE};

/// How long both rest: a year. A stop that nobody remembers to renew should not be the one that is missing.
const RESTS_SECONDS: i64 = 365 * 86_400;

/// Where to get out.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Exits {
    /// Close the position at a price as bad as this
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    stop: Option<Price>,
    /// Close the position at a price as good as this
    #[arg(long, value_name = "USD", value_parser = decimal::price, allow_negative_numbers = true)]
    take_profit: Option<Price>,
    /// How much worse than its trigger the stop may fill, in basis points [default: any price]
    #[arg(
        long, value_name = "BPS", requires = "stop",
        value_parser = clap::value_parser!(u32).range(0..10_000), allow_negative_numbers = true
    )]
    stop_slippage_bps: Option<u32>,
}

/// An order that closes the position when its price has come.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// Stop or take-profit, for people.
    pub name: &'static str,
    /// What triggers it.
    pub trigger: Price,
    /// As the program is asked.
    pub terms: OrderTerms,
}

impl Exits {
    /// The orders, of a position in this direction: stop, then take-profit.
    ///
    /// # Errors
    /// Triggers that the price is past already.
    pub fn orders(&self, direction: Direction, mark: Price, tip: Sats, now: i64) -> Result<Vec<Exit>> {
        let buys = buys(direction, false);
        let terms = |kind, limit: Price| OrderTerms {
            kind,
            direction: told(direction),
            amount: OrderAmount::Close,
            limit_price_e8: limit.get(),
            expiry: now.saturating_add(RESTS_SECONDS),
            tip_sats: tip.get(),
        };
        let mut orders = vec![];
        if let Some(trigger) = self.stop {
            let below = direction == Direction::Long;
            ensure_beyond("--stop", trigger, mark, below)?;
            let limit = self.stop_slippage_bps.map_or(Ok(any_price(buys)), |bps| slipped(buys, trigger, bps))?;
            orders.push(Exit { name: "stop", trigger, terms: terms(OrderType::Stop(trigger.get()), limit) });
        }
        if let Some(trigger) = self.take_profit {
            let below = direction == Direction::Short;
            ensure_beyond("--take-profit", trigger, mark, below)?;
            let limit = slipped(buys, trigger, SLIPPAGE_BPS)?;
            orders.push(Exit { name: "take-profit", trigger, terms: terms(OrderType::TakeProfit(trigger.get()), limit) });
        }
        Ok(orders)
    }
}

fn ensure_beyond(option: &str, trigger: Price, mark: Price, below: bool) -> Result<()> {
    let fits = if below { trigger < mark } else { trigger > mark };
    let side = if below { "below" } else { "above" };
    ensure!(
        fits,
        "{option} {} must lie {side} the price, which is {} USD: as it is, it would close the position at once",
        PRICE.short(trigger.get()),
        PRICE.short(mark.get())
    );
    Ok(())
}

impl Exit {
    /// Adds a row of it.
    pub fn tell(&self, answer: &mut Answer, mark: Price) {
        let trigger = PRICE.short(self.trigger.get());
        let field = self.name.replace('-', "_");
        answer.field(&format!("{field}_usd"), trigger.clone());
        answer.row(self.name, format!("{trigger} USD ({}), then {}", signed_distance(self.trigger, mark), self.bound()));
    }

    fn bound(&self) -> String {
        match self.terms.limit_price_e8 {
            0 | u64::MAX => "at any price".to_owned(),
            limit => format!("at {} USD or better", PRICE.short(limit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(dollars: u64) -> Price {
        Price::new(dollars * 100_000_000)
    }

    fn exits(stop: u64, take_profit: u64, stop_slippage_bps: Option<u32>) -> Exits {
        Exits { stop: Some(price(stop)), take_profit: Some(price(take_profit)), stop_slippage_bps }
    }

    #[test]
    fn a_long_stops_below_and_takes_profit_above() {
        let tip = Sats::new(200);
        let orders = exits(50_000, 90_000, Some(100)).orders(Direction::Long, price(60_000), tip, 7).unwrap();
        let [stop, profit] = &orders[..] else { panic!("{orders:?}") };
        assert_eq!(stop.terms.kind, OrderType::Stop(5_000_000_000_000));
        assert_eq!(stop.terms.limit_price_e8, 4_950_000_000_000); // sold at most 1 % below its trigger
        assert_eq!(profit.terms.kind, OrderType::TakeProfit(9_000_000_000_000));
        assert_eq!(profit.terms.limit_price_e8, 8_955_000_000_000); // and half a percent below this one
        assert_eq!((stop.terms.amount, stop.terms.tip_sats, stop.terms.expiry), (OrderAmount::Close, 200, 31_536_007));
        assert!(exits(50_000, 90_000, None).orders(Direction::Short, price(60_000), tip, 7).is_err());
    }

    #[test]
    fn a_short_stops_above_at_any_price() {
        let orders = exits(70_000, 50_000, None).orders(Direction::Short, price(60_000), Sats::new(200), 7).unwrap();
        assert_eq!(orders[0].terms.limit_price_e8, u64::MAX);
        assert_eq!(orders[1].terms.limit_price_e8, 5_025_000_000_000);
        let past = exits(60_000, 50_000, None).orders(Direction::Short, price(60_000), Sats::new(200), 7).unwrap_err();
        assert!(past.to_string().contains("must lie above the price, which is 60000 USD"), "{past}");
    }
}
