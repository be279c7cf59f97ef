//! `perps keeper run`.

use super::logs::{self, LogFormat};
use crate::session::{duration, stop, Session};
use anyhow::{bail, Result};
use clap::Args;
use perps::decimal::DOLLARS;
use perps_keeper::{Config, Jobs, Summary};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Examples for `--help`.
pub(super) const EXAMPLES: &str = "\
The signer pays for every transaction, and its associated token accounts get the rewards. SIGINT or SIGTERM ends it: what is under way is \
waited for, and a summary printed. RUST_LOG says what is logged, on stderr.

Examples:
  perps keeper run
  perps keeper run --jobs liquidations,orders --min-reward 200
  perps keeper run --metrics 127.0.0.1:9464 --log-format json
  perps keeper run --once --dry-run";

/// What is asked.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What to do, separated by commas: liquidations, orders, funding, deleverage, settlement, withdrawals, or all
    #[arg(long, value_name = "JOBS", default_value = "all")]
    jobs: Jobs,
    /// Serve metrics (/metrics) and health (/health) on this address of this machine
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// The least reward that a task is done for, in satoshi; what pays nobody is done for nothing
    #[arg(long, value_name = "SATS", default_value_t = 0)]
    min_reward: u64,
    /// What a SOL is worth: a reward that does not pay for its transaction is left to others
    #[arg(long, value_name = "USD", default_value = "150", value_parser = sol_price)]
    sol_price: u64,
    /// How many transactions are under way at most
    #[arg(long, value_name = "NUMBER", default_value_t = 16)]
    workers: usize,
    /// How often everything is read again, whatever has been heard
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    resync: Duration,
    /// After how long a market that nobody has brought a price to is shown one
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    accrue_every: Duration,
    /// Learn everything by asking, without a websocket
    #[arg(long)]
    no_websocket: bool,
    /// Redeem claims on settlements for their owners too
    #[arg(long)]
    redeem_claims: bool,
    /// Pay positions of closed markets out to their owners too; where one has no token account, that costs its rent
    #[arg(long)]
    pay_out: bool,
    /// Look once, do what there is to do, and end
    #[arg(long)]
    once: bool,
    /// How the log is written
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

fn sol_price(text: &str) -> Result<u64, String> {
    DOLLARS.parse(text).map_err(|error| error.to_string())
}

impl Arguments {
    /// The keeper's configuration.
    ///
    /// # Errors
    /// A key that cannot be read; a URL that is none.
    fn config(&self, session: &Session) -> Result<Config> {
        let keypair = Arc::new(session.signer()?.insecure_clone());
        let base = Config::new(&session.chain.url(), keypair)?;
        let Ok(accrue_every_seconds) = u32::try_from(self.accrue_every.as_secs()) else { bail!("--accrue-every is too long") };
        Ok(Config {
            ws_url: if self.no_websocket { None } else { Some(session.websocket()?) },
            markets: session.options.market.into_iter().collect(),
            jobs: self.jobs.clone(),
            priority: session.priority(),
            min_reward_sats: self.min_reward,
            sol_micro_usd: self.sol_price,
            max_in_flight: self.workers,
            resync: self.resync,
            accrue_every_seconds: accrue_every_seconds.max(1),
            redeem_claims: self.redeem_claims,
            pay_out: self.pay_out,
            dry_run: session.options.dry_run,
            metrics: self.metrics,
            ..base
        })
    }
}

/// Keeps until it is stopped, and tells what it has done.
///
/// # Errors
/// A configuration that cannot be run; with `--once`, a node that does not answer; a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let config = arguments.config(session)?;
    logs::begin(arguments.log_format)?;
    let summary = match arguments.once {
        true => perps_keeper::run_once(&config)?,
        false => perps_keeper::run(config, stop::on_request()?)?,
    };
    tell(&summary, session.options.json, out)
}

fn tell(summary: &Summary, json: bool, out: &mut dyn Write) -> Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(summary)?)?;
    } else {
        writeln!(out, "{summary}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::sol_price;

    #[test]
    fn a_sol_s_price_is_in_micro_dollars() {
        assert_eq!(sol_price("150"), Ok(150_000_000));
        assert_eq!(sol_price("0.5"), Ok(500_000));
        assert!(sol_price("0").is_err());
    }
}
