//! What a keeper is told before it runs.

use crate::job::Jobs;
use perps::transaction::Priority;
use solana_address::Address;
use solana_keypair::Keypair;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How a keeper runs. `Config::new` has defaults for all but where the chain is and who pays.
#[derive(Clone)]
pub struct Config {
    /// The node's JSON-RPC.
    pub rpc_url: String,
    /// The node's websocket; none to learn everything by asking.
    pub ws_url: Option<String>,
    /// Signs and pays for every transaction; its associated token accounts get the rewards.
    pub keypair: Arc<Keypair>,
    /// The markets to keep; empty for all on the chain.
    pub markets: Vec<Address>,
    /// What to do.
    pub jobs: Jobs,
    /// What is paid for being early.
    pub priority: Priority,
    /// The least reward, in satoshi, that a task is done for; what pays nobody is done for nothing.
    pub min_reward_sats: u64,
    /// What a SOL is worth, in micro-dollars: a reward that does not pay for its transaction is left to others.
    pub sol_micro_usd: u64,
    /// How many transactions are under way at most, each on a thread of its own.
    pub max_in_flight: usize,
    /// How often everything is read again, whatever has been heard.
    pub resync: Duration,
    /// How often Clock, prices and balances are asked for.
    pub poll: Duration,
    /// How often jobs are looked at when nothing is heard.
    pub tick: Duration,
    /// How long a websocket may be silent before it counts as dead.
    pub silence: Duration,
    /// Seconds after which a market that nobody has brought a price to is shown one.
    pub accrue_every_seconds: u32,
    /// Redeems claims on settlements for their owners.
    pub redeem_claims: bool,
    /// Pays positions of closed markets out to their owners; where an owner has no token account, it costs this keeper its rent.
    pub pay_out: bool,
    /// Decides and simulates, and sends nothing.
    pub dry_run: bool,
    /// Where metrics and health are served: on this machine alone.
    pub metrics: Option<SocketAddr>,
    /// How long a stop waits for what is under way.
    pub drain: Duration,
}

/// Why a configuration cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The metrics would be served to others.
    MetricsNotLoopback(SocketAddr),
    /// No job is selected.
    NoJob,
    /// Nothing could ever be sent.
    NoWorker,
    /// An interval is zero: which one.
    NoInterval(&'static str),
    /// What is no URL of a node.
    NotUrl(String),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::MetricsNotLoopback(address) => write!(
                formatter,
                "metrics are served without encryption or password and tell rivals what this keeper is about to do, so only on a \
                 loopback address such as 127.0.0.1:9184, not on {address}; to read them from elsewhere, forward the port over SSH"
            ),
            ConfigError::NoJob => formatter.write_str("no job is selected; name at least one, or all"),
            ConfigError::NoWorker => formatter.write_str("max_in_flight must be at least 1"),
            ConfigError::NoInterval(which) => write!(formatter, "{which} must be longer than zero"),
            ConfigError::NotUrl(text) => {
                write!(formatter, "\"{text}\" is no URL of a node; it must begin with http:// or https:// (ws:// or wss:// for its websocket)")
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// A keeper of all markets on the chain of a node, which does all jobs. Its websocket is where nodes have it: on the next port, or
    /// on the same host where no port is named.
    ///
    /// # Errors
    /// `NotUrl`.
    pub fn new(rpc_url: &str, keypair: Arc<Keypair>) -> Result<Self, ConfigError> {
        Ok(Self {
            rpc_url: rpc_url.to_owned(),
            ws_url: Some(websocket_of(rpc_url)?),
            keypair,
            markets: vec![],
            jobs: Jobs::all(),
            priority: Priority::default(),
            min_reward_sats: 0,
            sol_micro_usd: 150_000_000,
            max_in_flight: 16,
            resync: Duration::from_secs(60),
            poll: Duration::from_millis(400),
            tick: Duration::from_millis(400),
            silence: Duration::from_secs(15),
            accrue_every_seconds: 60,
            redeem_claims: false,
            pay_out: false,
            dry_run: false,
            metrics: None,
            drain: Duration::from_secs(30),
        })
    }

    /// That it can be run.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(address) = self.metrics.filter(|address| !address.ip().is_loopback()) {
            return Err(ConfigError::MetricsNotLoopback(address));
        }
        if self.jobs.is_empty() {
            return Err(ConfigError::NoJob);
        }
        if self.max_in_flight == 0 {
            return Err(ConfigError::NoWorker);
        }
        let intervals = [("resync", self.resync), ("poll", self.poll), ("tick", self.tick), ("silence", self.silence)];
        if let Some((name, _)) = intervals.into_iter().find(|(_, interval)| interval.is_zero()) {
            return Err(ConfigError::NoInterval(name));
        }
        ensure_scheme(&self.rpc_url, ["http://", "https://"])?;
        self.ws_url.as_ref().map_or(Ok(()), |url| ensure_scheme(url, ["ws://", "wss://"]))
    }
}

fn ensure_scheme(url: &str, schemes: [&str; 2]) -> Result<(), ConfigError> {
    let known = schemes.iter().any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    known.then_some(()).ok_or_else(|| ConfigError::NotUrl(url.to_owned()))
}

/// Where a node has its websocket, by its JSON-RPC.
///
/// # Errors
/// `NotUrl`.
pub fn websocket_of(rpc_url: &str) -> Result<String, ConfigError> {
    let not_url = || ConfigError::NotUrl(rpc_url.to_owned());
    ensure_scheme(rpc_url, ["http://", "https://"])?;
    let (scheme, rest) = rpc_url.split_once("://").ok_or_else(not_url)?;
    let scheme = if scheme == "https" { "wss" } else { "ws" };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let port = authority.rsplit_once(':').filter(|(_, port)| !port.is_empty() && !port.contains(']'));
    let Some((host, port)) = port else { return Ok(format!("{scheme}://{rest}")) };
    let next = port.parse::<u16>().ok().and_then(|port| port.checked_add(1)).ok_or_else(not_url)?;
    Ok(format!("{scheme}://{host}:{next}{path}"))
}

/// What providers put into the path of a URL is a key: it is kept out of logs and of what is served.
#[derive(Clone, Debug)]
pub struct Veil {
    shown: String,
    hidden: Vec<String>,
}

impl Veil {
    /// Over a configuration's URLs.
    pub fn of(config: &Config) -> Self {
        let parts = |url: &str| {
            let begin = url.find("://").map_or(0, |scheme| scheme + 3);
            let path = url[begin..].find('/').map_or(url.len(), |slash| begin + slash);
            (url[..path].to_owned(), url[path..].trim_matches('/').to_owned())
        };
        let (shown, path) = parts(&config.rpc_url);
        let of_socket = config.ws_url.as_ref().map(|url| parts(url).1);
        let hidden = std::iter::once(path).chain(of_socket).filter(|path| !path.is_empty()).collect();
        Self { shown, hidden }
    }

    /// The URL of the JSON-RPC without its path.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A text in which no path of the URLs is.
    pub fn over(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, path| text.replace(path, "..."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::new("http://127.0.0.1:8899", Arc::new(Keypair::new_from_array([1; 32]))).expect("a URL")
    }

    #[test]
    fn the_defaults_can_be_run() {
        assert_eq!(config().validate(), Ok(()));
    }

    #[test]
    fn metrics_are_for_this_machine_alone_and_the_error_says_why() {
        for address in ["127.0.0.1:9184", "127.8.8.8:9184", "[::1]:9184"] {
            let metrics = Some(address.parse().expect("an address"));
            assert_eq!(Config { metrics, ..config() }.validate(), Ok(()), "{address}");
        }
        for address in ["0.0.0.0:9184", "10.0.0.1:9184", "[::]:9184", "[::ffff:8.8.8.8]:1"] {
            let metrics = Some(address.parse().expect("an address"));
            let refused = Config { metrics, ..config() }.validate().expect_err(address);
            assert!(refused.to_string().contains("without encryption or password"), "{refused}");
        }
    }

    #[test]
    fn a_provider_s_key_is_in_no_text() {
        let with_key = Config::new("https://node.example/v2/s3cret?x=1", config().keypair).expect("a URL");
        let veil = Veil::of(&with_key);
        assert_eq!(veil.shown(), "https://node.example");
        let said = "error sending request for url (https://node.example/v2/s3cret?x=1): refused";
        assert_eq!(veil.over(said), "error sending request for url (https://node.example/...): refused");
        assert_eq!(Veil::of(&config()).over("http://127.0.0.1:8899/ is down"), "http://127.0.0.1:8899/ is down");
    }

    #[test]
    fn what_can_never_do_anything_is_refused() {
        assert_eq!(Config { jobs: Jobs::of([]), ..config() }.validate(), Err(ConfigError::NoJob));
        assert_eq!(Config { max_in_flight: 0, ..config() }.validate(), Err(ConfigError::NoWorker));
        assert_eq!(Config { poll: Duration::ZERO, ..config() }.validate(), Err(ConfigError::NoInterval("poll")));
        assert!(Config { ws_url: Some("http://x".to_owned()), ..config() }.validate().is_err());
        assert!(Config::new("localhost:8899", config().keypair).is_err());
    }

    #[test]
    fn the_websocket_is_on_the_next_port_or_on_the_same_host() {
        let cases = [
            ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
            ("http://127.0.0.1:8899/", "ws://127.0.0.1:8900/"),
            ("https://node.example", "wss://node.example"),
            ("https://node.example/key", "wss://node.example/key"),
            ("https://node.example:443/key?x=1", "wss://node.example:444/key?x=1"),
            ("http://[::1]:8899", "ws://[::1]:8900"),
            ("http://[::1]", "ws://[::1]"),
        ];
        for (rpc, websocket) in cases {
            assert_eq!(websocket_of(rpc).as_deref(), Ok(websocket), "{rpc}");
        }
        assert!(websocket_of("http://node:65535").is_err());
        assert!(websocket_of("http://node:port").is_err());
    }
}
