//! Pyth's price accounts: where they are, and their bytes for chains in process (a real one gets them from Pyth).

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

/// Pyth's push oracle, which keeps the accounts of sponsored feeds up to date.
pub const PUSH_ORACLE: Address = Address::from_str_const("pythWSnswVUd12oZpeFP8e9CVaEqJg25g1Vtc2biRsT");

/// Pyth's feed of BTC/USD.
pub const BTC_USD_FEED: [u8; 32] = [
    0xe6, 0x2d, 0xf6, 0xc8, 0xb4, 0xa8, 0x5f, 0xe1, 0xa6, 0x7d, 0xb4, 0x4d, 0xc1, 0x2d, 0xe5, 0xdb, 0x33, 0x0f, 0x7a, 0xc6,
    0x6b, 0x72, 0xdc, 0x65, 0x8a, 0xfe, 0xdf, 0x0f, 0x4a, 0x41, 0x5b, 0x43,
];

/// The account of a feed that the push oracle keeps up to date; shard 0 is the sponsored one.
pub fn feed_account(feed_id: &[u8; 32], shard: u16) -> Address {
    Address::find_program_address(&[&shard.to_le_bytes(), feed_id], &PUSH_ORACLE).0
}

/// On the localnet shards 1 to this keep the updates of the last minutes, one a second: the first update at or after a time is found
/// there. On other clusters such updates come from Pyth's own archive.
pub const ARCHIVE_SHARDS: u16 = 240;

/// The shard that keeps the update published at this time.
pub fn archive_shard(publish_time: i64) -> u16 {
    let within = publish_time.rem_euclid(i64::from(ARCHIVE_SHARDS));
    u16::try_from(within).map_or(ARCHIVE_SHARDS, |within| within + 1)
}

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
