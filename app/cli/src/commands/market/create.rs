//! `perps market create`.

use super::parameters;
use crate::commands::admin::stored_exchange;
use crate::session::{Plan, Session};
use anyhow::{bail, Context, Result};
use clap::Args;
use inverse_perps::state::OracleSource;
use perps::chain::Chain;
use perps::deployment::{feed_text, MarketTable, NewMarket};
use perps::parameters::FIELDS;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The file has a table [market], as `migrations` takes it (migrations/mainnet.example.toml):

  [market]
  mint = \"<WRAPPED_BTC>\"
  index = 1
  feed_id = \"e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43\"
  [market.params]
  max_pool = 500_000_000_000

What it does not name is as `Params::standard` has it. Mint, index, oracle and kind of fills never change.

Examples:
  perps market create --file new_market.toml --dry-run
  perps market create --file new_market.toml --keypair admin.json";

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The TOML file that describes the market
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

/// The part of the file that is the market's; other tables are the migrations'.
#[derive(Deserialize)]
struct File {
    market: MarketTable,
}

/// The market that a file describes.
///
/// # Errors
/// A file that cannot be read, has no table [market], or names something unknown there.
pub fn read_file(path: &Path) -> Result<NewMarket> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let file: File = toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
    NewMarket::try_from(&file.market).with_context(|| format!("{}", path.display()))
}

/// Creates a market.
///
/// # Errors
/// What the program would refuse, by its own checks; those of the chain.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let wanted = read_file(&arguments.file)?;
    let (exchange, keys) = (stored_exchange(session)?, wanted.keys());
    if session.chain.accounts(&[keys.market])?.iter().any(Option::is_some) {
        bail!("the market {} is there already; the next one of the mint takes another index", keys.market);
    }
    if let Some(obstacle) = wanted.obstacle(&session.chain, exchange.timelock())? {
        bail!(obstacle);
    }
    let mut plan = Plan::new(format!("create the market {}", keys.market));
    tell(&wanted, &mut plan);
    plan.instructions = vec![wanted.create(session.address()?)];
    session.carry_out_alone(plan, out)
}

fn tell(wanted: &NewMarket, plan: &mut Plan) {
    let (terms, args) = (&mut plan.terms, &wanted.args);
    terms.address("market", "market", wanted.keys().market).address("collateral", "collateral_mint", wanted.mint);
    terms.both("index", "index", args.index, "");
    match args.oracle {
        OracleSource::PythPull { feed_id } => terms.both("Pyth feed", "feed", feed_text(&feed_id), ""),
        OracleSource::PythLegacy { price_account } => terms.address("Pyth legacy account", "feed", price_account),
    };
    let fills = if args.instant_fills { "at once and by orders" } else { "by orders alone" };
    terms.field("instant_fills", args.instant_fills).row("fills", fills);
    for parameter in parameters::all(&args.params) {
        let value = format!("{} {}", parameter.value, parameter.unit);
        terms.row(parameter.name, format!("{:<22} {}", value.trim_end(), parameter.bounds));
    }
    let raw: Map<String, Value> = FIELDS.iter().map(|field| (field.name.to_owned(), field.of(&args.params).into())).collect();
    terms.field("params", raw);
}
