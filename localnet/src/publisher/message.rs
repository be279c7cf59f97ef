//! The next message of the feed after the one its account holds.

use anyhow::{Context, Result};
use inverse_perps_engine::units::Price;
use pyth_solana_receiver_sdk::price_update::PriceFeedMessage;

/// Prices are in 1e-8 USD.
pub const EXPONENT: i32 = -8;

/// How messages are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Confidence, of the price.
    pub confidence_bps: u32,
    /// Time constant of the exponential average.
    pub ema_seconds: u32,
}

/// What the feed's account says before the first update.
///
/// # Errors
/// Where the price does not fit into Pyth's integer.
pub fn first(feed_id: [u8; 32], price: Price, style: Style, publish_time: i64) -> Result<PriceFeedMessage> {
    let conf = style.confidence(price)?;
    let price = pyth_price(price)?;
    Ok(PriceFeedMessage {
        feed_id,
        price,
        conf,
        exponent: EXPONENT,
        publish_time,
        prev_publish_time: publish_time,
        ema_price: price,
        ema_conf: conf,
    })
}

impl Style {
    /// The message after `last`, whose average has had `market_seconds` to follow the price.
    ///
    /// # Errors
    /// Where the price does not fit into Pyth's integer.
    pub fn after(
        &self,
        last: &PriceFeedMessage,
        price: Price,
        publish_time: i64,
        market_seconds: i64,
    ) -> Result<PriceFeedMessage> {
        let conf = self.confidence(price)?;
        let price = pyth_price(price)?;
        let ema_conf = self.averaged(last.ema_conf.into(), conf.into(), market_seconds);
        Ok(PriceFeedMessage {
            feed_id: last.feed_id,
            price,
            conf,
            exponent: EXPONENT,
            publish_time,
            prev_publish_time: last.publish_time,
            ema_price: i64::try_from(self.averaged(last.ema_price.into(), price.into(), market_seconds))?,
            ema_conf: u64::try_from(ema_conf)?,
        })
    }

    /// Rounded up, so that it is never nothing.
    fn confidence(&self, price: Price) -> Result<u64> {
        let wide = u128::from(price.get()) * u128::from(self.confidence_bps);
        u64::try_from(wide.div_ceil(10_000)).context("a confidence above any price; choose fewer basis points")
    }

    /// The average moves towards the newest by the share of its time constant that has passed.
    fn averaged(&self, average: i128, newest: i128, seconds: i64) -> i128 {
        let constant = i128::from(self.ema_seconds.max(1));
        average + (newest - average) * i128::from(seconds).clamp(0, constant) / constant
    }
}

fn pyth_price(price: Price) -> Result<i64> {
    i64::try_from(price.get()).context("the price does not fit into Pyth's integer")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { confidence_bps: 3, ema_seconds: 3_600 };

    #[test]
    fn messages_chain_and_carry_confidence_and_average() {
        let start = first([7; 32], Price::new(6_000_000_000_000), STYLE, 1_000).unwrap();
        // 3 bps of $60,000 are $18.
        assert_eq!((start.price, start.conf, start.ema_price), (6_000_000_000_000, 1_800_000_000, 6_000_000_000_000));
        // A second at $63,600: the average gains $3,600 / 3,600.
        let next = STYLE.after(&start, Price::new(6_360_000_000_000), 1_001, 1).unwrap();
        assert_eq!((next.prev_publish_time, next.publish_time), (1_000, 1_001));
        assert_eq!((next.price, next.ema_price), (6_360_000_000_000, 6_000_100_000_000));
        assert_eq!(next.conf, 1_908_000_000);
        assert_eq!((next.feed_id, next.exponent), ([7; 32], -8));
        // After more than an hour the average has arrived, and it does not overshoot.
        let later = STYLE.after(&next, Price::new(5_000_000_000_000), 9_000, 7_999).unwrap();
        assert_eq!((later.ema_price, later.ema_conf), (5_000_000_000_000, 1_500_000_000));
    }

    #[test]
    fn a_confidence_is_rounded_up() {
        assert_eq!(STYLE.confidence(Price::new(1)).unwrap(), 1);
        assert_eq!(STYLE.confidence(Price::new(10_001)).unwrap(), 4);
    }

    #[test]
    fn a_price_beyond_pyths_integer_is_refused() {
        assert!(first([0; 32], Price::new(u64::MAX), STYLE, 0).is_err());
    }
}
