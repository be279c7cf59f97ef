//! The localnet's keypairs, in Solana's format: a JSON array of 64 numbers in a file that only its owner reads.

use anyhow::{bail, Context, Result};
use serde::{Deserialize, Serialize};
use solana_keypair::Keypair;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Everybody whose key the localnet holds.
pub struct Keys {
    /// May upgrade the program, and creates the exchange.
    pub upgrade_authority: Keypair,
    /// The exchange's admin.
    pub admin: Keypair,
    /// The exchange's guardian.
    pub guardian: Keypair,
    /// Writes the price accounts.
    pub publisher: Keypair,
    /// Holds the SOL that is given away, and mints wrapped BTC.
    pub faucet: Keypair,
    /// A trader with SOL and wrapped BTC.
    pub alice: Keypair,
}

/// Where the keypairs are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPaths {
    /// May upgrade the program.
    pub upgrade_authority: PathBuf,
    /// The exchange's admin.
    pub admin: PathBuf,
    /// The exchange's guardian.
    pub guardian: PathBuf,
    /// Writes the price accounts.
    pub publisher: PathBuf,
    /// Gives SOL away and mints wrapped BTC.
    pub faucet: PathBuf,
    /// A trader.
    pub alice: PathBuf,
}

impl KeyPaths {
    /// Those in a folder.
    pub fn within(folder: &Path) -> Self {
        let file = |name: &str| folder.join(name).with_extension("json");
        Self {
            upgrade_authority: file("upgrade-authority"),
            admin: file("admin"),
            guardian: file("guardian"),
            publisher: file("publisher"),
            faucet: file("faucet"),
            alice: file("alice"),
        }
    }

    fn all(&self) -> [&Path; 6] {
        [&self.upgrade_authority, &self.admin, &self.guardian, &self.publisher, &self.faucet, &self.alice]
    }

    /// The keypairs that are there; those that are not are generated.
    ///
    /// # Errors
    /// Where one cannot be read or written.
    pub fn load_or_generate(&self) -> Result<Keys> {
        for path in self.all().into_iter().filter(|path| !path.exists()) {
            write(path, &Keypair::new())?;
        }
        self.load()
    }

    /// The keypairs of a ledger that exists.
    ///
    /// # Errors
    /// Where one is missing or cannot be read.
    pub fn load(&self) -> Result<Keys> {
        Ok(Keys {
            upgrade_authority: read(&self.upgrade_authority)?,
            admin: read(&self.admin)?,
            guardian: read(&self.guardian)?,
            publisher: read(&self.publisher)?,
            faucet: read(&self.faucet)?,
            alice: read(&self.alice)?,
        })
    }
}

/// A keypair out of a file.
///
/// # Errors
/// Where the file cannot be read or holds no keypair.
pub fn read(path: &Path) -> Result<Keypair> {
    let text = fs::read_to_string(path).with_context(|| format!("keypair {} cannot be read", path.display()))?;
    let bytes: Vec<u8> =
        serde_json::from_str(&text).with_context(|| format!("keypair {} is not an array of 64 numbers", path.display()))?;
    match Keypair::try_from(bytes.as_slice()) {
        Ok(keypair) => Ok(keypair),
        Err(error) => bail!("keypair {} is not one: {error}", path.display()),
    }
}

fn write(path: &Path, keypair: &Keypair) -> Result<()> {
    let context = || format!("keypair {} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    let text = serde_json::to_string(&keypair.to_bytes()[..])?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(context)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_signer::Signer;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_generated_once_and_nobody_else_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let paths = KeyPaths::within(folder.path());
        assert!(paths.load().is_err());
        let keys = paths.load_or_generate().unwrap();
        assert_eq!(paths.load_or_generate().unwrap().admin.pubkey(), keys.admin.pubkey());
        assert_ne!(keys.admin.pubkey(), keys.guardian.pubkey());
        for path in paths.all() {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
            assert_eq!(serde_json::from_str::<Vec<u8>>(&fs::read_to_string(path).unwrap()).unwrap().len(), 64);
        }
        fs::write(&paths.alice, "[1,2,3]").unwrap();
        assert!(paths.load().err().unwrap().to_string().contains("alice.json is not one"));
    }
}
