//! A market to be created, as a file describes it, and whether the program would create it.

use crate::chain::{Chain, Failure};
use crate::client::addresses::MarketKeys;
use crate::client::instructions::create_market;
use crate::client::pyth;
use crate::parameters::Overrides;
use anchor_lang::prelude::AccountInfo;
use anyhow::{bail, ensure, Context, Result};
use inverse_perps::instructions::CreateMarketArgs;
use inverse_perps::state::{Market, OracleSource};
use inverse_perps_engine::units::Seconds;
use inverse_perps_engine::Params;
use serde::{de, Deserialize, Deserializer};
use solana_account::Account;
use solana_address::Address;
use solana_instruction::Instruction;

/// An address as text: base 58.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressText(pub Address);

impl<'de> Deserialize<'de> for AddressText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map(Self).map_err(|error| de::Error::custom(format!("{text} is not an address: {error}")))
    }
}

/// The table `[market]` of a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketTable {
    /// The collateral: a classic SPL mint with 8 decimals.
    pub mint: AddressText,
    /// Which market of the mint.
    #[serde(default)]
    pub index: u16,
    /// The Pyth feed, 64 hexadecimal digits.
    pub feed_id: Option<String>,
    /// In place of a feed: the price account of Pyth's legacy program.
    pub legacy_price_account: Option<AddressText>,
    /// The price account that is read at creation; without it, Pyth's own of the feed.
    pub price_account: Option<AddressText>,
    /// Whether trades fill at once too, not by orders alone.
    #[serde(default)]
    pub instant_fills: bool,
    /// What differs from the standard parameters.
    #[serde(default)]
    pub params: Overrides,
}

/// A market to be created.
#[derive(Clone, Copy, Debug)]
pub struct NewMarket {
    /// The collateral.
    pub mint: Address,
    /// The price account that is read at creation.
    pub price: Address,
    /// Index, oracle, parameters and fills.
    pub args: CreateMarketArgs,
}

impl TryFrom<&MarketTable> for NewMarket {
    type Error = anyhow::Error;

    fn try_from(table: &MarketTable) -> Result<Self> {
        let oracle = oracle(table)?;
        let usual = match oracle {
            OracleSource::PythPull { feed_id } => pyth::feed_account(&feed_id, 0),
            OracleSource::PythLegacy { price_account } => price_account,
        };
        let params = table.params.apply(&Params::standard()).context("[market.params]")?;
        Ok(Self {
            mint: table.mint.0,
            price: table.price_account.map_or(usual, |AddressText(address)| address),
            args: CreateMarketArgs { index: table.index, oracle, params, instant_fills: table.instant_fills },
        })
    }
}

fn oracle(table: &MarketTable) -> Result<OracleSource> {
    match (&table.feed_id, table.legacy_price_account) {
        (Some(text), None) => Ok(OracleSource::PythPull { feed_id: feed_id(text).context("[market] feed_id")? }),
        (None, Some(AddressText(price_account))) => Ok(OracleSource::PythLegacy { price_account }),
        _ => bail!("[market] needs one of feed_id and legacy_price_account, and not both: it never changes"),
    }
}

/// 32 bytes from hexadecimal digits.
///
/// # Errors
/// Anything but 64 hexadecimal digits, with or without 0x before them.
pub fn feed_id(text: &str) -> Result<[u8; 32]> {
    let digits = text.trim_start_matches("0x");
    ensure!(
        digits.len() == 64 && digits.is_ascii(),
        "a feed's id is 64 hexadecimal digits, as Pyth lists them; this has {} characters",
        digits.chars().count()
    );
    let mut id = [0; 32];
    for (place, byte) in id.iter_mut().enumerate() {
        let pair = digits.get(2 * place..2 * place + 2).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).with_context(|| format!("{pair} is not hexadecimal"))?;
    }
    Ok(id)
}

/// A feed's id in 64 hexadecimal digits.
pub fn feed_text(id: &[u8; 32]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl NewMarket {
    /// The addresses that it will have.
    pub fn keys(&self) -> MarketKeys {
        MarketKeys::find(self.mint, self.args.index)
    }

    /// Creates it.
    pub fn create(&self, admin: Address) -> Instruction {
        create_market(admin, self.mint, self.price, self.args)
    }

    /// Its parameters are within their bounds and agree with each other and with the exchange's timelock.
    ///
    /// # Errors
    /// The rule that is broken, with its bound.
    pub fn ensure_within_bounds(&self, timelock: Seconds) -> Result<()> {
        self.args.params.validate(timelock).context("the program refuses these parameters")
    }

    /// Why the program would not create it on this chain, by the program's own checks of mint and price account; none where it would.
    ///
    /// # Errors
    /// Those of the chain.
    pub fn obstacle(&self, chain: &dyn Chain, timelock: Seconds) -> Result<Option<String>, Failure> {
        if let Err(error) = self.ensure_within_bounds(timelock) {
            return Ok(Some(format!("{error:#}")));
        }
        let (kind, source) = Market::encode_oracle(self.args.oracle);
        if matches!(self.args.oracle, OracleSource::PythLegacy { .. }) && !self.args.instant_fills {
            return Ok(Some("a market on a legacy price account must fill instantly: set instant_fills = true".to_owned()));
        }
        let mut found = chain.accounts(&[self.mint, self.price])?.into_iter();
        let mut check = |what: &str, address: Address, judge: &dyn Fn(&AccountInfo) -> anchor_lang::Result<()>| match found
            .next()
            .flatten()
        {
            None => Some(format!("there is no {what} {address} on this chain")),
            Some(account) => with_info(&address, account, judge).err().map(|error| format!("{what} {address}: {error}")),
        };
        let mint = check("mint", self.mint, &inverse_perps::mint::ensure_collateral);
        let price = check("price account", self.price, &|info| inverse_perps::oracle::read(kind, &source, info).map(|_| ()));
        Ok(mint.or(price))
    }
}

fn with_info<T>(
    address: &Address,
    account: Account,
    judge: impl Fn(&AccountInfo) -> anchor_lang::Result<T>,
) -> anchor_lang::Result<T> {
    let Account { mut lamports, mut data, owner, .. } = account;
    judge(&AccountInfo::new(address, false, false, &mut lamports, &mut data, &owner, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use inverse_perps_engine::units::Bps;

    fn table(more: &str) -> MarketTable {
        let mint = Address::new_from_array([7; 32]);
        serde_json::from_str(&format!(r#"{{"mint": "{mint}"{more}}}"#)).unwrap()
    }

    const BTC_USD: &str = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43";

    #[test]
    fn a_feed_id_is_64_hexadecimal_digits() {
        assert_eq!(feed_id(BTC_USD).unwrap(), pyth::BTC_USD_FEED);
        assert_eq!(feed_text(&pyth::BTC_USD_FEED), BTC_USD);
        assert_eq!(feed_id(&format!("0x{BTC_USD}")).unwrap(), pyth::BTC_USD_FEED);
        assert!(feed_id(&BTC_USD[1..]).is_err());
        assert!(feed_id(&BTC_USD.replace('e', "g")).is_err());
    }

    #[test]
    fn a_table_says_what_differs_from_the_standard_market() {
        let market =
            NewMarket::try_from(&table(&format!(r#", "feed_id": "{BTC_USD}", "params": {{"taker_fee": 7}}"#))).unwrap();
        assert_eq!(market.args.params, Params { taker_fee: Bps::new(7), ..Params::standard() });
        assert!(!market.args.instant_fills);
        // Pyth's sponsored BTC/USD account on mainnet.
        assert_eq!(market.price.to_string(), "4cSM2e6rvbGQUFiJbqytoVMi5GgghSMr8LwVrT9VPSPo");
        let own = table(&format!(r#", "feed_id": "{BTC_USD}", "price_account": "{}""#, market.mint));
        assert_eq!(NewMarket::try_from(&own).unwrap().price, market.mint);
    }

    #[test]
    fn the_oracle_is_said_once() {
        let refused = |more: &str| format!("{:#}", NewMarket::try_from(&table(more)).unwrap_err());
        assert!(refused("").contains("one of feed_id and legacy_price_account"));
        let both = format!(r#", "feed_id": "{BTC_USD}", "legacy_price_account": "{}""#, Address::new_from_array([9; 32]));
        assert!(refused(&both).contains("not both"));
        assert!(refused(&format!(r#", "feed_id": "{BTC_USD}", "params": {{"fee": 7}}"#))
            .contains("[market.params]: there is no parameter fee"));
    }

    #[test]
    fn a_bound_that_is_broken_is_named() {
        let market =
            NewMarket::try_from(&table(&format!(r#", "feed_id": "{BTC_USD}", "params": {{"taker_fee": 2}}"#))).unwrap();
        let refusal = format!("{:#}", market.ensure_within_bounds(Seconds::new(259_200)).unwrap_err());
        assert!(refusal.contains("taker_fee must be 3 to 50 bps"), "{refusal}");
    }
}
