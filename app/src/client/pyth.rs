//! The bytes of Pyth's price accounts, for chains in process: a real one gets them from Pyth.

use anchor_lang::{AnchorSerialize, Discriminator};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel};
use solana_address::Address;

/// What a price account is to say, prices at eight decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceSays {
    /// The feed.
    pub feed_id: [u8; 32],
    /// Price, 1e-8 USD.
    pub price_e8: i64,
    /// Confidence, 1e-8 USD.
    pub confidence_e8: u64,
    /// Exponential moving average, 1e-8 USD.
    pub ema_e8: i64,
    /// When it was published.
    pub publish_time: i64,
    /// When the price before it was published.
    pub previous_publish_time: i64,
}

/// The program that owns pulled price updates.
pub const RECEIVER: Address = inverse_perps::oracle::PYTH_RECEIVER;

/// A fully verified `PriceUpdateV2`, as Pyth's receiver program stores it.
///
/// # Errors
/// None in practice: the bytes are written to memory.
pub fn price_update(says: &PriceSays) -> std::io::Result<Vec<u8>> {
    let update = PriceUpdateV2 {
        write_authority: Address::new_from_array([1; 32]),
        verification_level: VerificationLevel::Full,
        price_message: PriceFeedMessage {
            feed_id: says.feed_id,
            price: says.price_e8,
            conf: says.confidence_e8,
            exponent: -8,
            publish_time: says.publish_time,
            prev_publish_time: says.previous_publish_time,
            ema_price: says.ema_e8,
            ema_conf: says.confidence_e8,
        },
        posted_slot: 0,
    };
    let mut data = PriceUpdateV2::DISCRIMINATOR.to_vec();
    update.serialize(&mut data)?;
    data.resize(PriceUpdateV2::LEN, 0);
    Ok(data)
}
