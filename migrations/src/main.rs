//! `anchor run migrate -- …`: the numbered steps of a deployment, as unsigned messages for whoever holds the keys.
//!
//! The steps are checked against the program's own bounds before anything is printed. Sending them is left to the signer's tool.

use anyhow::{bail, Context, Result};
use base64::Engine;
use clap::Parser;
use inverse_perps::instructions::{CreateMarketArgs, InitializeExchangeArgs};
use inverse_perps::state::OracleSource;
use inverse_perps_engine::units::Seconds;
use inverse_perps_engine::Params;
use perps::client::instructions::{create_market, initialize_exchange};
use perps::client::{exchange, MarketKeys};
use solana_address::Address;
use solana_message::Message;

const EXAMPLES: &str = "Example:
  migrations --authority <UPGRADE_AUTHORITY> --admin <ADMIN> --guardian <GUARDIAN> --fee-recipient <RECIPIENT> \\
    --mint <WRAPPED_BTC> --price <PRICE_UPDATE_V2> --feed-id <64 HEX DIGITS>";

/// Prints the steps of a deployment as base64 messages to be signed: 1 the exchange, 2 the BTC/USD market.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// The program's upgrade authority; signs and pays for step 1.
    #[arg(long)]
    authority: Address,
    /// Will create markets; signs and pays for step 2.
    #[arg(long)]
    admin: Address,
    /// Will be able to pause what adds risk.
    #[arg(long)]
    guardian: Address,
    /// Owner of the token accounts that protocol fees are paid to.
    #[arg(long)]
    fee_recipient: Address,
    /// The collateral: a classic SPL mint with 8 decimals.
    #[arg(long)]
    mint: Address,
    /// A price account of the feed, read once at creation.
    #[arg(long)]
    price: Address,
    /// The Pyth feed's id, 64 hexadecimal digits.
    #[arg(long)]
    feed_id: String,
    /// Which market of the mint.
    #[arg(long, default_value_t = 0)]
    index: u16,
    /// How long a change of parameters will wait, in days.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=30))]
    timelock_days: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let timelock_seconds = arguments.timelock_days * 86_400;
    let params = Params::standard();
    params.validate(Seconds::new(timelock_seconds)).context("the parameters break a bound of the program")?;
    let feed_id = feed_id(&arguments.feed_id)?;
    let Arguments { authority, admin, guardian, fee_recipient, mint, price, index, .. } = arguments;

    let governance = InitializeExchangeArgs { admin, guardian, fee_recipient, timelock_seconds };
    let market = CreateMarketArgs { index, oracle: OracleSource::PythPull { feed_id }, params, instant_fills: false };
    let steps = [
        (format!("1 initialize_exchange {}", exchange()), authority, initialize_exchange(authority, governance)),
        (format!("2 create_market {}", MarketKeys::find(mint, index).market), admin, create_market(admin, mint, price, market)),
    ];
    for (step, signer, instruction) in steps {
        let message = Message::new(&[instruction], Some(&signer)).serialize();
        println!("{step}\n  signer {signer}\n  {}", base64::engine::general_purpose::STANDARD.encode(message));
    }
    Ok(())
}

/// 32 bytes from hexadecimal digits.
fn feed_id(text: &str) -> Result<[u8; 32]> {
    let digits = text.trim_start_matches("0x");
    if digits.len() != 64 || !digits.is_ascii() {
        bail!("--feed-id must be 64 hexadecimal digits, as Pyth lists them; this has {} characters", digits.len());
    }
    let mut id = [0; 32];
    for (place, byte) in id.iter_mut().enumerate() {
        let pair = digits.get(2 * place..2 * place + 2).unwrap_or_default();
        *byte = u8::from_str_radix(pair, 16).with_context(|| format!("--feed-id: {pair} is not hexadecimal"))?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::feed_id;

    #[test]
    fn a_feed_id_is_64_hexadecimal_digits() {
        let pyth_btc = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43";
        assert_eq!(feed_id(pyth_btc).unwrap()[..3], [0xe6, 0x2d, 0xf6]);
        assert_eq!(feed_id(&format!("0x{pyth_btc}")).unwrap()[31], 0x43);
        assert!(feed_id(&pyth_btc[1..]).is_err());
        assert!(feed_id(&pyth_btc.replace('e', "g")).is_err());
    }
}
