//! The faucet that `requestAirdrop` asks, on a free port of this machine alone.

use anyhow::{Context, Result};
use solana_faucet::faucet::{run_faucet, Faucet};
use solana_keypair::Keypair;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

const TRIES: u32 = 50;

/// Starts it, with the key that holds the SOL; it runs as long as the process.
///
/// # Errors
/// Where it cannot listen.
pub fn start(key: &Keypair) -> Result<SocketAddr> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let faucet = Arc::new(Mutex::new(Faucet::new(key.insecure_clone(), None, None, None)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || runtime.block_on(run_faucet(faucet, address, None));
    std::thread::Builder::new().name("faucet".to_owned()).spawn(run).context("no thread for the faucet")?;
    for _ in 0..TRIES {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(address);
        }
        sleep(Duration::from_millis(20));
    }
    anyhow::bail!("the faucet does not listen on {address}; is the port taken? Start again")
}
