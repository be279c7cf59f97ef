//! What Pyth's accounts say in the tests.

use bytemuck::{bytes_of, Zeroable};
use pyth_sdk_solana::state::{AccountType, PriceInfo, PriceStatus, Rational, SolanaPriceAccount, MAGIC, VERSION_2};
use solana_address::Address;

/// The feed of the tests' markets.
pub const FEED: [u8; 32] = [7; 32];
/// Pyth's legacy oracle program on mainnet, as Pyth publishes it.
pub const LEGACY_PROGRAM: Address = Address::from_str_const("FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH");

const VERIFICATION: usize = 8 + 32;
const EXPONENT: usize = VERIFICATION + 1 + 32 + 8 + 8;

/// A price at the chain's time, whole dollars unless a test says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Price, 1e-8 USD.
    pub price_e8: i64,
    /// Confidence, 1e-8 USD.
    pub confidence_e8: u64,
    /// Moving average, 1e-8 USD.
    pub ema_e8: i64,
    /// Seconds that it was published before the Clock's time; negative for the future.
    pub age: i64,
    /// Seconds since the feed's update before it.
    pub gap: i64,
}

impl Tick {
    /// A price without confidence interval, on its average, published now.
    pub fn at(dollars: i64) -> Self {
        let price_e8 = dollars * 100_000_000;
        Self { price_e8, confidence_e8: 0, ema_e8: price_e8, age: 0, gap: 1 }
    }

    /// With a confidence of this many dollars.
    pub fn confident_to(self, dollars: u64) -> Self {
        Self { confidence_e8: dollars * 100_000_000, ..self }
    }

    /// With its average at this many dollars.
    pub fn average(self, dollars: i64) -> Self {
        Self { ema_e8: dollars * 100_000_000, ..self }
    }

    /// With this many seconds since the feed's update before it.
    pub fn after_a_gap_of(self, gap: i64) -> Self {
        Self { gap, ..self }
    }

    /// Published this many seconds ago.
    pub fn aged(self, age: i64) -> Self {
        Self { age, ..self }
    }
}

/// The same update with another exponent.
pub fn with_exponent(mut update: Vec<u8>, exponent: i32) -> Vec<u8> {
    update[EXPONENT..EXPONENT + 4].copy_from_slice(&exponent.to_le_bytes());
    update
}

/// The same update as five guardians' signatures leave it: `Partial { num_signatures: 5 }`, which is a byte longer.
pub fn partially_verified(mut update: Vec<u8>) -> Vec<u8> {
    update[VERIFICATION] = 0;
    update.insert(VERIFICATION + 1, 5);
    update.pop();
    update
}

/// What a legacy price account says, prices at eight decimals.
#[derive(Clone, Copy, Debug)]
pub struct LegacySays {
    /// Price, 1e-8 USD.
    pub price_e8: i64,
    /// Confidence, 1e-8 USD.
    pub confidence_e8: u64,
    /// When it was aggregated.
    pub timestamp: i64,
    /// Whether it is trading.
    pub status: PriceStatus,
}

/// The bytes of a legacy price account.
pub fn legacy_account(says: &LegacySays) -> Vec<u8> {
    let LegacySays { price_e8, confidence_e8, timestamp, status } = *says;
    let mut account = SolanaPriceAccount::zeroed();
    account.magic = MAGIC;
    account.ver = VERSION_2;
    account.atype = AccountType::Price as u32;
    account.size = u32::try_from(size_of::<SolanaPriceAccount>()).expect("a few kilobytes");
    account.expo = -8;
    account.timestamp = timestamp;
    account.prev_timestamp = timestamp - 1;
    account.ema_price = Rational { val: price_e8, numer: price_e8, denom: 1 };
    account.agg = PriceInfo { price: price_e8, conf: confidence_e8, status, ..account.agg };
    bytes_of(&account).to_vec()
}
