//! The validator, in this process: a real one with its ledger, its own leader at every slot.

use crate::genesis;
use crate::keys::Keys;
use anchor_lang::solana_program::bpf_loader_upgradeable;
use anyhow::{anyhow, bail, Context, Result};
use perps::client::addresses::program;
use perps::client::pyth::RECEIVER;
use pyth_solana_receiver_sdk::price_update::PriceFeedMessage;
use solana_address::Address;
use solana_net_utils::SocketAddrSpace;
use solana_rpc::rpc::JsonRpcConfig;
use solana_signer::Signer;
use solana_test_validator::{TestValidator, TestValidatorGenesis, UpgradeableProgramInfo};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Threads that answer JSON-RPC.
const RPC_THREADS: usize = 2;
const SCHEDULER: &str = "solBnkTxSched";

/// The programs' ELFs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elfs {
    /// The program.
    pub program: PathBuf,
    /// The stand-in for Pyth's receiver.
    pub receiver: PathBuf,
}

impl Elfs {
    /// Those in the folder that `scripts/build-program --elf --receiver` writes to.
    pub fn within(folder: &Path) -> Self {
        Self { program: folder.join("inverse_perps.so"), receiver: folder.join("receiver_stand_in.so") }
    }

    fn ensure_built(&self) -> Result<()> {
        for path in [&self.program, &self.receiver] {
            if !path.is_file() {
                bail!("{} is missing; build it with scripts/build-program --elf --receiver", path.display());
            }
        }
        Ok(())
    }
}

/// What a validator is started with.
pub struct Config<'a> {
    /// Its ledger; a new chain begins where there is none.
    pub ledger: &'a Path,
    /// JSON-RPC; subscriptions are one above.
    pub rpc_port: u16,
    /// The faucet that airdrops come from.
    pub sol_faucet: SocketAddr,
    /// How much of the ledger is kept, in shreds of about a kilobyte.
    pub max_shreds: u64,
    /// The programs of a new chain.
    pub elfs: &'a Elfs,
    /// Who has SOL on a new chain.
    pub keys: &'a Keys,
    /// What the feed's account says on a new chain.
    pub first: PriceFeedMessage,
}

fn hint(error: &str) -> &'static str {
    match error.contains("account paths mismatching") {
        true => "; a ledger cannot be moved: put its folder back where it was, or start with --reset",
        false => "",
    }
}

/// The thread that hands transactions to the banks polls without a pause while its validator leads, which here is always: so that
/// what else runs on this machine is not the slower for it, it is given less of the processor where that is scarce.
pub fn calm_scheduler() {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    for thread in
        threads.filter(|thread| std::fs::read_to_string(thread.path().join("comm")).is_ok_and(|name| name.trim() == SCHEDULER))
    {
        let reniced = Command::new("renice").args(["-n", "10", "-p"]).arg(thread.file_name()).output();
        tracing::debug!(?reniced, "the scheduler's thread");
    }
}

/// Whether a chain is in this folder.
pub fn has_chain(ledger: &Path) -> bool {
    TestValidatorGenesis::ledger_exists(ledger)
}

impl Config<'_> {
    /// Starts it. It must not be called nor dropped on an asynchronous thread.
    ///
    /// # Errors
    /// Where an ELF is missing, a port is taken, or the validator does not start.
    pub fn start(&self) -> Result<TestValidator> {
        self.elfs.ensure_built()?;
        self.ensure_ports_free()?;
        let mut genesis = TestValidatorGenesis::default();
        genesis
            .ledger_path(self.ledger)
            .rpc_config(JsonRpcConfig {
                enable_rpc_transaction_history: true,
                enable_extended_tx_metadata_storage: true,
                rpc_threads: RPC_THREADS,
                rpc_blocking_threads: RPC_THREADS,
                ..JsonRpcConfig::default_for_test()
            })
            .faucet_addr(Some(self.sol_faucet))
            .rpc_port(self.rpc_port)
            // Any free one: two localnets do not get into each other's way.
            .gossip_port(0)
            .add_upgradeable_programs_with_path(&[
                self.upgradeable(program(), &self.elfs.program),
                self.upgradeable(RECEIVER, &self.elfs.receiver),
            ])
            .add_accounts(genesis::accounts(self.keys, self.first)?);
        genesis.max_ledger_shreds = Some(self.max_shreds);
        genesis
            .start_with_mint_address(self.keys.faucet.pubkey(), SocketAddrSpace::Unspecified)
            .map_err(|error| anyhow!("the validator did not start: {error}{}", hint(&error.to_string())))
    }

    fn upgradeable(&self, program_id: Address, path: &Path) -> UpgradeableProgramInfo {
        UpgradeableProgramInfo {
            program_id,
            loader: bpf_loader_upgradeable::ID,
            upgrade_authority: self.keys.upgrade_authority.pubkey(),
            program_path: path.to_owned(),
        }
    }

    fn ensure_ports_free(&self) -> Result<()> {
        let subscriptions = self.rpc_port.checked_add(1).context("subscriptions need the port after --rpc-port")?;
        for port in [self.rpc_port, subscriptions] {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
                .with_context(|| format!("port {port} is taken; stop what listens there, or choose another --rpc-port"))?;
        }
        Ok(())
    }
}
