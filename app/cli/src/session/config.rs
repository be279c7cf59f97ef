//! Solana's configuration file.

use anyhow::{bail, Context, Result};
use perps::rpc::cluster_url;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// What of `~/.config/solana/cli/config.yml` concerns us.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SolanaConfig {
    /// JSON-RPC.
    pub json_rpc_url: Option<String>,
    /// Websocket; empty where it follows from the URL.
    pub websocket_url: Option<String>,
    /// The key's file.
    pub keypair_path: Option<String>,
}

impl SolanaConfig {
    /// Reads the file named, or the usual one if there is one.
    ///
    /// # Errors
    /// A file that is named but cannot be read, or that is no such configuration.
    pub fn load(named: Option<&Path>) -> Result<Self> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => match home().map(|home| home.join(".config/solana/cli/config.yml")) {
                Some(usual) if usual.exists() => usual,
                _ => return Ok(Self::default()),
            },
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("configuration {}", path.display()))?;
        serde_yaml_ng::from_str(&text).with_context(|| format!("configuration {} is not one of Solana's", path.display()))
    }

    /// JSON-RPC: as said, or as configured, or mainnet's.
    pub fn url(&self, said: Option<&str>) -> String {
        cluster_url(said.or(self.json_rpc_url.as_deref()).unwrap_or("mainnet-beta"))
    }

    /// Websocket: as said, as configured if the URL is the configured one, or as follows from the URL.
    ///
    /// # Errors
    /// Where nothing follows from the URL.
    pub fn websocket(&self, said: Option<&str>, url: &str) -> Result<String> {
        let configured = self.websocket_url.as_deref().filter(|text| !text.is_empty() && self.url(None) == url);
        match said.or(configured) {
            Some(websocket) => Ok(websocket.to_owned()),
            None => websocket_of(url),
        }
    }

    /// The key's file: as said, or as configured, or the usual one.
    pub fn keypair_path(&self, said: Option<&str>) -> String {
        let usual = || home().unwrap_or_default().join(".config/solana/id.json").display().to_string();
        said.or(self.keypair_path.as_deref()).map_or_else(usual, str::to_owned)
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from)
}

/// As Solana's tools have it: the same host, `ws` for `http`, and the next port if there is one.
fn websocket_of(url: &str) -> Result<String> {
    let (scheme, rest) = url.split_once("://").with_context(|| format!("--url {url} is neither a URL nor a moniker"))?;
    let scheme = match scheme {
        "http" => "ws",
        "https" => "wss",
        other => bail!("--url {url}: {other} is not http or https"),
    };
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = match host.rsplit_once(':').map(|(name, port)| (name, port.parse::<u16>())) {
        Some((name, Ok(port))) => format!("{name}:{}", port.checked_add(1).context("the port after 65535 does not exist")?),
        _ => host.to_owned(),
    };
    Ok(format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::{websocket_of, SolanaConfig};

    #[test]
    fn the_websocket_follows_from_the_url_as_in_solana_s_tools() {
        assert_eq!(websocket_of("http://localhost:8899").unwrap(), "ws://localhost:8900/");
        assert_eq!(websocket_of("https://api.devnet.solana.com").unwrap(), "wss://api.devnet.solana.com/");
        assert_eq!(websocket_of("https://node.example/key").unwrap(), "wss://node.example/key");
        assert!(websocket_of("localhost:8899").is_err());
        assert!(websocket_of("http://localhost:65535").is_err());
    }

    #[test]
    fn what_is_said_goes_before_what_is_configured() {
        let text = "json_rpc_url: http://10.0.0.1:1000\nwebsocket_url: ''\nkeypair_path: /keys/a.json\ncommitment: confirmed\n";
        let config: SolanaConfig = serde_yaml_ng::from_str(text).unwrap();
        assert_eq!(config.url(None), "http://10.0.0.1:1000");
        assert_eq!(config.url(Some("l")), "http://localhost:8899");
        assert_eq!(config.websocket(None, "http://10.0.0.1:1000").unwrap(), "ws://10.0.0.1:1001/");
        assert_eq!(config.keypair_path(None), "/keys/a.json");
        assert_eq!(config.keypair_path(Some("b.json")), "b.json");
        assert!(SolanaConfig::default().url(None).contains("mainnet-beta"));
    }
}
