//! The file that describes a deployment.

use crate::deployment::{Deployment, Exchange, Role, Seed};
use anyhow::{Context, Result};
use inverse_perps_engine::units::{Sats, Seconds};
use perps::decimal::BITCOIN;
use perps::deployment::{AddressText, MarketTable, NewMarket};
use perps::keypair;
use serde::Deserialize;
use solana_address::Address;
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which files hold the keys of the roles.
pub type KeyFiles = BTreeMap<Role, PathBuf>;

/// What a file says.
#[derive(Clone, Debug)]
pub struct Described {
    /// The deployment.
    pub deployment: Deployment,
    /// JSON-RPC of the cluster, where the file names it.
    pub url: Option<String>,
    /// The keys of roles that the file names by their key's file.
    pub key_files: KeyFiles,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: Option<String>,
    exchange: ExchangeTable,
    market: MarketTable,
    pool: Option<SeedTable>,
    insurance: Option<SeedTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeTable {
    authority: Party,
    admin: Party,
    guardian: Party,
    fee_recipient: Party,
    timelock_seconds: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedTable {
    seeder: Party,
    btc: String,
}

/// Somebody, by address or by the file of his key.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected an address in base 58, or { keypair = \"FILE\" }")]
enum Party {
    Named(AddressText),
    Held(KeyFile),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    keypair: PathBuf,
}

/// Reads the file that describes a deployment.
///
/// # Errors
/// A file that cannot be read or says something unknown; a key's file that it names and that cannot be read.
pub fn read(path: &Path) -> Result<Described> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, folder).with_context(|| format!("{}", path.display()))
}

fn parse(text: &str, folder: &Path) -> Result<Described> {
    let file: File = toml::from_str(text)?;
    let mut parties = Parties { folder, key_files: KeyFiles::new() };
    let ExchangeTable { authority, admin, guardian, fee_recipient, timelock_seconds } = file.exchange;
    let exchange = Exchange {
        authority: parties.of(Role::Authority, &authority).context("[exchange] authority")?,
        admin: parties.of(Role::Admin, &admin).context("[exchange] admin")?,
        guardian: parties.address(&guardian).context("[exchange] guardian")?,
        fee_recipient: parties.address(&fee_recipient).context("[exchange] fee_recipient")?,
        timelock: Seconds::new(timelock_seconds),
    };
    let market = NewMarket::try_from(&file.market)?;
    let pool = file.pool.map(|table| parties.seed(&table).context("[pool]")).transpose()?;
    let insurance = file.insurance.map(|table| parties.seed(&table).context("[insurance]")).transpose()?;
    let deployment = Deployment { exchange, market, pool, insurance };
    Ok(Described { deployment, url: file.url, key_files: parties.key_files })
}

/// Finds addresses, and remembers whose keys have been named.
struct Parties<'a> {
    folder: &'a Path,
    key_files: KeyFiles,
}

impl Parties<'_> {
    fn file(&self, held: &KeyFile) -> PathBuf {
        self.folder.join(&held.keypair) // an absolute path replaces the folder
    }

    fn address(&self, party: &Party) -> Result<Address> {
        match party {
            Party::Named(AddressText(address)) => Ok(*address),
            Party::Held(held) => Ok(keypair::read(&self.file(held).to_string_lossy())?.pubkey()),
        }
    }

    fn of(&mut self, role: Role, party: &Party) -> Result<Address> {
        let address = self.address(party)?;
        if let Party::Held(held) = party {
            self.key_files.insert(role, self.file(held));
        }
        Ok(address)
    }

    fn seed(&mut self, table: &SeedTable) -> Result<Seed> {
        let amount = BITCOIN.parse(&table.btc).with_context(|| format!("btc = \"{}\"", table.btc))?;
        Ok(Seed { seeder: self.of(Role::Seeder, &table.seeder).context("seeder")?, amount: Sats::new(amount) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use solana_keypair::Keypair;

    fn text(admin: &str, more: &str) -> String {
        let somebody = Address::new_from_array([5; 32]);
        format!(
            "[exchange]\nauthority = \"{somebody}\"\nadmin = {admin}\nguardian = \"{somebody}\"\nfee_recipient = \"{somebody}\"\n\
             timelock_seconds = 259_200\n[market]\nmint = \"{somebody}\"\n\
             feed_id = \"e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43\"\n{more}"
        )
    }

    #[test]
    fn people_are_named_by_address_or_by_the_file_of_their_key() {
        let folder = tempfile::tempdir().unwrap();
        let key = Keypair::new();
        std::fs::write(folder.path().join("admin.json"), serde_json::to_string(&key.to_bytes()[..]).unwrap()).unwrap();
        let seed = format!("[pool]\nseeder = \"{}\"\nbtc = \"1.5\"\n", key.pubkey());
        let described = parse(&text("{ keypair = \"admin.json\" }", &seed), folder.path()).unwrap();
        assert_eq!(described.deployment.exchange.admin, key.pubkey());
        assert_eq!(described.key_files, KeyFiles::from([(Role::Admin, folder.path().join("admin.json"))]));
        assert_eq!(described.deployment.pool, Some(Seed { seeder: key.pubkey(), amount: Sats::new(150_000_000) }));
        assert_eq!(described.deployment.insurance, None);
        assert_eq!(described.deployment.exchange.timelock, Seconds::new(259_200));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let somebody = format!("\"{}\"", Address::new_from_array([5; 32]));
        let refused = |admin: &str, more: &str| format!("{:#}", parse(&text(admin, more), Path::new(".")).unwrap_err());
        assert!(
            refused("\"nobody\"", "").contains("expected an address in base 58, or { keypair"),
            "{}",
            refused("\"nobody\"", "")
        );
        assert!(refused("{ keypair = \"none.json\" }", "").contains("[exchange] admin: no key in"));
        assert!(refused(&somebody, "fee = 1\n").contains("unknown field `fee`"));
        assert!(refused(&somebody, "[market.params]\nfee = 1\n").contains("[market.params]: there is no parameter fee"));
        let seed = |btc: &str| format!("[insurance]\nseeder = {somebody}\nbtc = \"{btc}\"\n");
        assert!(refused(&somebody, &seed("0")).contains("[insurance]: btc = \"0\": must be above zero"));
    }
}
