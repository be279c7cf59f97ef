//! What the chain begins with beside the programs: the wrapped BTC, the price accounts, and SOL for those who sign.

use crate::keys::Keys;
use anchor_lang::solana_program::program_option::COption;
use anchor_lang::solana_program::program_pack::Pack;
use anchor_lang::solana_program::rent::Rent;
use anchor_lang::{AnchorSerialize, Discriminator};
use anchor_spl::token::spl_token::state::Mint;
use anyhow::{Context, Result};
use perps::client::addresses::TOKEN_PROGRAM;
use perps::client::pyth::{feed_account, ARCHIVE_SHARDS, BTC_USD_FEED, RECEIVER};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, PriceUpdateV2, VerificationLevel};
use solana_account::{Account, AccountSharedData};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

/// The key whose address is the mint's, so that it is the same on every localnet: these 32 bytes are the secret.
pub const MINT_SECRET: &[u8; 32] = b"inverse perps localnet wBTC mint";
/// Which market of the mint the localnet trades.
pub const MARKET_INDEX: u16 = 0;
/// Decimals of wrapped BTC.
pub const DECIMALS: u8 = 8;
const LAMPORTS: u64 = 1_000_000_000_000;
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// The wrapped BTC.
pub fn mint() -> Address {
    Keypair::new_from_array(*MINT_SECRET).pubkey()
}

/// The accounts. `first` is what the feed's account says before the publisher's first update; the archive says nothing yet.
///
/// # Errors
/// None in practice: everything is written to memory.
pub fn accounts(keys: &Keys, first: PriceFeedMessage) -> Result<Vec<(Address, AccountSharedData)>> {
    let publisher = keys.publisher.pubkey();
    let mut accounts =
        vec![(mint(), mint_account(keys.faucet.pubkey())?), (feed_account(&BTC_USD_FEED, 0), price_account(publisher, first)?)];
    let nothing =
        PriceFeedMessage { publish_time: 0, prev_publish_time: 0, price: 0, conf: 0, ema_price: 0, ema_conf: 0, ..first };
    for shard in 1..=ARCHIVE_SHARDS {
        accounts.push((feed_account(&BTC_USD_FEED, shard), price_account(publisher, nothing)?));
    }
    let signers = [&keys.upgrade_authority, &keys.admin, &keys.guardian, &keys.publisher, &keys.alice];
    accounts.extend(signers.map(|signer| (signer.pubkey(), AccountSharedData::new(LAMPORTS, 0, &SYSTEM_PROGRAM))));
    Ok(accounts)
}

fn mint_account(authority: Address) -> Result<AccountSharedData> {
    let mint = Mint {
        mint_authority: COption::Some(authority),
        supply: 0,
        decimals: DECIMALS,
        is_initialized: true,
        freeze_authority: COption::None,
    };
    let mut data = vec![0; Mint::LEN];
    Mint::pack(mint, &mut data).context("the mint cannot be packed")?;
    Ok(owned(data, TOKEN_PROGRAM))
}

fn price_account(write_authority: Address, price_message: PriceFeedMessage) -> Result<AccountSharedData> {
    let update = PriceUpdateV2 { write_authority, verification_level: VerificationLevel::Full, price_message, posted_slot: 0 };
    let mut data = PriceUpdateV2::DISCRIMINATOR.to_vec();
    update.serialize(&mut data)?;
    data.resize(PriceUpdateV2::LEN, 0);
    Ok(owned(data, RECEIVER))
}

fn owned(data: Vec<u8>, owner: Address) -> AccountSharedData {
    let lamports = Rent::default().minimum_balance(data.len());
    AccountSharedData::from(Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX })
}
