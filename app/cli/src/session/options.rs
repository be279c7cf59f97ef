//! Options that every command takes.

use clap::Args;
use solana_address::Address;
use std::path::PathBuf;

/// Where, as whom and how.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where, as whom and how")]
pub struct Options {
    /// Solana's configuration file [default: ~/.config/solana/cli/config.yml]
    #[arg(short = 'C', long, global = true, value_name = "FILE", env = "SOLANA_CONFIG_FILE")]
    pub config: Option<PathBuf>,
    /// JSON-RPC of the cluster, or a moniker: mainnet-beta, testnet, devnet, localhost, or m, t, d, l [default: of the configuration]
    #[arg(short, long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// Its websocket [default: of the configuration, else as the URL says]
    #[arg(long, global = true, value_name = "URL")]
    pub ws: Option<String>,
    /// File with the key that signs and pays; - reads it from stdin [default: of the configuration]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub keypair: Option<String>,
    /// The market [default: the only one there is]
    #[arg(short, long, global = true, value_name = "ADDRESS", env = "PERPS_MARKET")]
    pub market: Option<Address>,
    /// What is paid for being early, in micro-lamports a compute unit [default: what others paid lately, at most 100000]
    #[arg(long, global = true, value_name = "MICRO_LAMPORTS")]
    pub priority_fee: Option<u64>,
    /// Answer with a JSON object: dollars and bitcoin as decimal strings, satoshi as integers
    #[arg(long, global = true)]
    pub json: bool,
    /// Only simulate, and print what would change
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Do not ask before signing
    #[arg(short, long, global = true)]
    pub yes: bool,
}
