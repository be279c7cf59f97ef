//! `localnet faucet`: money for an address.

use anyhow::{bail, Result};
use clap::Args;
use inverse_perps_engine::units::Sats;
use localnet::genesis::mint;
use localnet::{amounts, keys, tokens, Directory, Info};
use perps::chain::Chain;
use perps::client::accounts::token_amount;
use perps::client::addresses::associated_tokens;
use perps::client::tokens::create_associated_tokens;
use perps::decimal;
use perps::rpc::RpcChain;
use perps::transaction::{Priority, Sender};
use solana_address::Address;
use solana_signer::Signer;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  ./scripts/localnet faucet --to 4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T --btc 1.5 --sol 10
  ./scripts/localnet faucet --to 4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T --sol 2";
const AIRDROP: Duration = Duration::from_secs(30);

/// Give wrapped BTC and SOL to an address
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Who gets it; an associated token account is created where there is none
    #[arg(long)]
    to: Address,
    /// Wrapped BTC
    #[arg(long, value_parser = decimal::bitcoin, required_unless_present = "sol")]
    btc: Option<Sats>,
    /// SOL
    #[arg(long, value_name = "SOL", value_parser = amounts::lamports)]
    sol: Option<u64>,
}

/// Gives and says what the address has then.
///
/// # Errors
/// Where no localnet runs, or it refuses.
pub fn run(directory: &Directory, arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let info = Info::read(directory.running()?)?;
    let chain = RpcChain::new(&info.rpc_url);
    let to = arguments.to;
    if let Some(lamports) = arguments.sol {
        airdrop(&chain, &to, lamports)?;
    }
    if let Some(sats) = arguments.btc {
        let faucet = keys::read(&info.keys.faucet)?;
        let payer = faucet.pubkey();
        let create = create_associated_tokens(payer, to, mint());
        Sender::new(&chain, &faucet).at(Priority::Fixed(0)).send(&[create, tokens::mint_to(&payer, &to, sats.get())?])?;
    }
    let tokens = associated_tokens(&to, &mint());
    let found = chain.accounts(&[to, tokens])?;
    let lamports = found.first().and_then(Option::as_ref).map_or(0, |account| account.lamports);
    let sats = found.get(1).and_then(Option::as_ref).map_or(Ok(0), |account| token_amount(&account.data))?;
    let (whole, rest) = (lamports / 1_000_000_000, lamports % 1_000_000_000);
    writeln!(out, "{to} has {} wrapped BTC (in {tokens}) and {whole}.{rest:09} SOL", decimal::BITCOIN.exact(sats))?;
    Ok(())
}

/// Asks for SOL as any client does, and waits until it is there.
fn airdrop(chain: &RpcChain, to: &Address, lamports: u64) -> Result<()> {
    let signature = chain.request_airdrop(to, lamports)?;
    let deadline = Instant::now() + AIRDROP;
    while Instant::now() < deadline {
        match chain.statuses(&[signature])?.pop().flatten() {
            Some(status) if status.failed => bail!("the airdrop {signature} failed: the faucet may have run dry"),
            Some(status) if status.confirmed => return Ok(()),
            _ => sleep(Duration::from_millis(200)),
        }
    }
    bail!("the airdrop {signature} has not landed within {} s; is the localnet still running?", AIRDROP.as_secs())
}
