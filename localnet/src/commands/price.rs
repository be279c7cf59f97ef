//! `localnet price`: what the publisher is told, and what it says.

use anyhow::{bail, Context, Result};
use clap::{Args, Subcommand};
use inverse_perps_engine::units::Price;
use localnet::clock::unix_time;
use localnet::control::{dollars, Control, Course};
use localnet::publisher::{read_update, Route};
use localnet::{amounts, start, Directory, Info};
use perps::chain::Chain;
use perps::decimal;
use perps::rpc::RpcChain;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
The publisher heeds within a second. What it was told last also holds after a restart.

Examples:
  ./scripts/localnet price show
  ./scripts/localnet price set 58000
  ./scripts/localnet price set 58000 --over 30s
  ./scripts/localnet price walk --volatility 0.6 --seed 1
  ./scripts/localnet price file app/data/btcusd_1h_2020.csv --speed 3600
  ./scripts/localnet price stop
  ./scripts/localnet price resume";

/// Say where the price of a running localnet goes, or what it is
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    told: Told,
}

#[derive(Subcommand)]
enum Told {
    /// Hold a price, at once or after a straight way to it
    Set {
        /// Dollars per bitcoin
        #[arg(value_parser = decimal::price)]
        price: Price,
        /// How long the way takes, such as 30s, 5m or 2h
        #[arg(long, value_parser = amounts::seconds)]
        over: Option<u32>,
    },
    /// Let it wander from where it is
    Walk {
        /// Standard deviation of a year's return: 0.6 is 60 %
        #[arg(long, default_value_t = 0.6)]
        volatility: f64,
        /// The same seed gives the same returns
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Play a price file from its beginning
    File {
        /// With the header unix_time,open,high,low,close
        file: PathBuf,
        /// Seconds of the file in one second
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        speed: u32,
    },
    /// Publish nothing: an oracle that has failed
    Stop,
    /// Publish again
    Resume,
    /// The newest update, and what the publisher is told
    Show {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Tells the publisher, or asks the chain.
///
/// # Errors
/// Where no localnet runs in the directory, or what is told cannot be used.
pub fn run(directory: &Directory, arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    let directory = directory.running()?;
    let before = Control::read(directory)?;
    let control = match &arguments.told {
        Told::Show { json } => return show(directory, &before, *json, out),
        Told::Set { price, over: None } => Control::now(Course::Hold { price_e8: price.get() }),
        Told::Set { price, over: Some(seconds) } => Control::now(Course::Move { price_e8: price.get(), seconds: *seconds }),
        Told::Walk { volatility, seed } => start::walk(*volatility, *seed)?,
        Told::File { file, speed } => {
            let file = file.canonicalize().with_context(|| format!("price file {} cannot be found", file.display()))?;
            Control::now(Course::File { file, speed: *speed })
        }
        Told::Stop if before.stopped => bail!("the publisher is stopped already; localnet price resume lets it publish again"),
        Told::Stop => Control { stopped: true, ..before },
        Told::Resume if !before.stopped => bail!("the publisher is not stopped"),
        Told::Resume => Control { stopped: false, ..before },
    };
    // A file is read here too: who names it should see what is wrong with it.
    Route::new(control.clone())?;
    control.write(directory)?;
    writeln!(out, "the publisher's price {control}")?;
    Ok(())
}

fn show(directory: &Directory, control: &Control, json: bool, out: &mut impl Write) -> Result<()> {
    let info = Info::read(directory)?;
    let update = read_update(&RpcChain::new(&info.rpc_url).account(&info.price_account)?.data)?;
    let message = update.price_message;
    let (price, ema) = (u64::try_from(message.price)?, u64::try_from(message.ema_price)?);
    let age_seconds = unix_time().saturating_sub(message.publish_time);
    if json {
        let object = serde_json::json!({
            "price": dollars(price), "confidence": dollars(message.conf), "ema": dollars(ema),
            "publish_time": message.publish_time, "prev_publish_time": message.prev_publish_time,
            "age_seconds": age_seconds, "posted_slot": update.posted_slot, "control": control,
        });
        writeln!(out, "{object}")?;
        return Ok(());
    }
    writeln!(out, "price          {} +/- {}, average {}", dollars(price), dollars(message.conf), dollars(ema))?;
    writeln!(out, "published      {} s ago ({}), in slot {}", age_seconds, message.publish_time, update.posted_slot)?;
    writeln!(out, "the publisher  {control}")?;
    Ok(())
}
