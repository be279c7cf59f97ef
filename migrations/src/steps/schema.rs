//! Step 5: accounts of older layouts are brought to this program's. There is one layout of each kind so far, so that nothing is to be
//! brought anywhere; but a layout that is not known is never left unsaid.

use super::Standing;
use perps::chain::{Chain, Failure, Which};
use perps::client::layouts::{Kind, KINDS};

pub(super) fn look(chain: &dyn Chain) -> Result<Standing, Failure> {
    let mut facts = vec![];
    for kind in KINDS {
        let versions = versions(chain, &kind)?;
        let strange = versions.iter().filter(|version| **version != Some(kind.version)).count();
        if strange > 0 {
            return Ok(Standing::Blocked(format!(
                "{strange} of {} are not of layout {}, the only one that this binary knows; take the one that was built with the program",
                counted(versions.len(), kind.name),
                kind.version
            )));
        }
        if !versions.is_empty() {
            facts.push(format!("{} of layout {}", counted(versions.len(), kind.name), kind.version));
        }
    }
    let all = if facts.is_empty() { "the program has no account yet".to_owned() } else { facts.join(", ") };
    Ok(Standing::Done(vec![format!("nothing to migrate: {all}")]))
}

fn versions(chain: &dyn Chain, kind: &Kind) -> Result<Vec<Option<u8>>, Failure> {
    let discriminator = kind.discriminator.try_into();
    let discriminator =
        discriminator.map_err(|_| Failure::Missing(format!("a {} has no discriminator of 8 bytes", kind.name)))?;
    let found = chain.program_accounts(&Which { discriminator, names: None })?;
    Ok(found.iter().map(|(_, account)| kind.version_of(&account.data)).collect())
}

fn counted(number: usize, name: &str) -> String {
    format!("{number} {name}{}", if number == 1 { "" } else { "s" })
}
