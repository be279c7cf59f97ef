//! Where a localnet keeps everything: ledger, keys, what clients need to know, what its publisher is told, logs.

use anyhow::{bail, Context, Result};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

/// A localnet's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    root: PathBuf,
}

/// Held while a localnet runs in a directory.
pub struct Running(#[allow(dead_code)] File);

impl Directory {
    /// A directory by its path; nothing is created yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The validator's ledger, where no other place was chosen.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// The keypairs.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// What clients need to know, see [`crate::Info`].
    pub fn info(&self) -> PathBuf {
        self.root.join("localnet.json")
    }

    /// What the publisher is told, see [`crate::control::Control`].
    pub fn control(&self) -> PathBuf {
        self.root.join("price-control.json")
    }

    /// The validator's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("validator.log")
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Creates the directory, makes its path absolute and keeps every other localnet out of it.
    ///
    /// # Errors
    /// Where another localnet runs in it, or it cannot be written.
    pub fn take(&mut self) -> Result<Running> {
        fs::create_dir_all(&self.root).with_context(|| format!("{} cannot be created", self.root.display()))?;
        self.root = self.root.canonicalize().with_context(|| format!("{} cannot be found", self.root.display()))?;
        let lock = File::create(self.lock()).with_context(|| format!("{} cannot be written", self.lock().display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Running(lock)),
            Err(TryLockError::WouldBlock) => {
                bail!("a localnet runs in {} already; stop it, or choose another --directory", self.root.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", self.lock().display()))
            }
        }
    }

    /// Whether a localnet runs in it.
    pub fn is_taken(&self) -> bool {
        File::open(self.lock()).is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    /// The directory of a running localnet.
    ///
    /// # Errors
    /// Where none runs in it.
    pub fn running(&self) -> Result<&Self> {
        if !self.is_taken() {
            bail!("no localnet runs in {}; start one with ./scripts/localnet, or name its --directory", self.root.display());
        }
        Ok(self)
    }
}

/// Writes a file at once: who reads it meanwhile finds the old one or the new one, never a part.
///
/// # Errors
/// Where it cannot be written.
pub fn write_at_once(path: &Path, text: &str) -> Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".new.{}", std::process::id()));
    fs::write(&new, text).with_context(|| format!("{} cannot be written", path.display()))?;
    fs::rename(&new, path).with_context(|| format!("{} cannot be replaced", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_taken_once() {
        let place = tempfile::tempdir().unwrap();
        let mut first = Directory::new(place.path().join("deep/localnet"));
        assert!(first.running().is_err());
        let running = first.take().unwrap();
        assert!(first.is_taken());
        let error = Directory::new(first.root()).take().err().unwrap();
        assert!(error.to_string().contains("choose another --directory"), "{error}");
        drop(running);
        assert!(!first.is_taken());
        first.take().unwrap();
    }
}
