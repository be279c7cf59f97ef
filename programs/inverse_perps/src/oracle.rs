//! The only door to Pyth: which account speaks, not what it may say (that is the engine's `oracle`).

use crate::errors::PerpError;
use anchor_lang::prelude::*;
use anchor_lang::Discriminator;
use bytemuck::{Pod, Zeroable};
use inverse_perps_engine::oracle::RawUpdate;
use inverse_perps_engine::order::FillUpdate;
use inverse_perps_engine::units::UnixTime;
use pyth_sdk_solana::state::{load_price_account, PriceStatus, SolanaPriceAccount};
use pyth_solana_receiver_sdk::price_update::PriceUpdateV2;

/// Pyth's receiver program, which verifies and stores price updates.
pub const PYTH_RECEIVER: Pubkey = pyth_solana_receiver_sdk::ID_CONST;
/// Pyth's legacy oracle program.
pub const PYTH_LEGACY: Pubkey = pubkey!("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

const FULLY_VERIFIED: u8 = 1;

/// A fully verified `PriceUpdateV2` as its bytes lie: read in place, it costs half of what the SDK's parser does. (A partially
/// verified one has one byte more before the feed id; it is refused before anything else is read.)
#[repr(C, packed)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct FullUpdate {
    discriminator: [u8; 8],
    write_authority: [u8; 32],
    verification: u8,
    feed_id: [u8; 32],
    price: i64,
    confidence: u64,
    exponent: i32,
    publish_time: i64,
    previous_publish_time: i64,
    ema_price: i64,
    ema_confidence: u64,
    posted_slot: u64,
}

/// What the market's price account says.
///
/// # Errors
/// `WrongOracleOwner`, `WrongOracleAccount`, `PriceNotFullyVerified`, `WrongFeed`, `PriceNotTrading`.
#[inline(always)]
pub fn read(kind: u8, oracle: &Pubkey, price: &AccountInfo) -> Result<RawUpdate> {
    if kind == 0 {
        read_pull(oracle, price)
    } else {
        read_legacy(oracle, price)
    }
}

fn read_pull(feed_id: &Pubkey, account: &AccountInfo) -> Result<RawUpdate> {
    Ok(read_fill(feed_id, account)?.update)
}

/// What a pulled update says that is to set a fill price.
///
/// # Errors
/// Those of `read` for a market that pulls.
pub fn read_fill(feed_id: &Pubkey, account: &AccountInfo) -> Result<FillUpdate> {
    require!(*account.owner == PYTH_RECEIVER, PerpError::WrongOracleOwner);
    let data = account.try_borrow_data()?;
    let bytes = data.get(..size_of::<FullUpdate>()).ok_or(PerpError::WrongOracleAccount)?;
    let update: &FullUpdate = bytemuck::try_from_bytes(bytes).map_err(|_| PerpError::WrongOracleAccount)?;
    require!(update.discriminator == *PriceUpdateV2::DISCRIMINATOR, PerpError::WrongOracleAccount);
    require!(update.verification == FULLY_VERIFIED, PerpError::PriceNotFullyVerified);
    require!(Pubkey::new_from_array(update.feed_id) == *feed_id, PerpError::WrongFeed);
    Ok(FillUpdate {
        update: RawUpdate {
            price: update.price,
            confidence: update.confidence,
            ema: update.ema_price,
            exponent: update.exponent,
            publish_time: UnixTime::new(update.publish_time),
        },
        previous_publish_time: UnixTime::new(update.previous_publish_time),
    })
}

fn read_legacy(price_account: &Pubkey, account: &AccountInfo) -> Result<RawUpdate> {
    require!(*account.owner == PYTH_LEGACY, PerpError::WrongOracleOwner);
    require!(account.key() == *price_account, PerpError::WrongFeed);
    let data = account.try_borrow_data()?;
    let price: &SolanaPriceAccount = load_price_account(&data).map_err(|_| PerpError::WrongOracleAccount)?;
    require!(price.agg.status == PriceStatus::Trading, PerpError::PriceNotTrading);
    Ok(RawUpdate {
        price: price.agg.price,
        confidence: price.agg.conf,
        ema: price.ema_price.val,
        exponent: price.expo,
        publish_time: UnixTime::new(price.timestamp),
    })
}
