//! Step 1: the exchange.

use super::{Standing, Work};
use crate::deployment::{Exchange, Role};
use inverse_perps::errors::PerpError;
use inverse_perps::state::Exchange as Stored;
use perps::chain::{Chain, Failure};
use perps::client::addresses::{program, program_data};
use perps::client::instructions::initialize_exchange;
use perps::client::{accounts, exchange};
use solana_address::Address;

/// Program data as the loader writes it: a tag of four bytes, the slot, 1 and the upgrade authority or 0, the ELF.
const AUTHORITY_TAG: usize = 12;

pub(super) fn look(chain: &dyn Chain, wanted: &Exchange) -> Result<Standing, Failure> {
    let mut found = chain.accounts(&[exchange(), program_data()])?.into_iter();
    let (stored, program_data) = (found.next().flatten(), found.next().flatten());
    if let Some(account) = stored {
        return Ok(match accounts::exchange(&account.data) {
            Ok(stored) => judge(&stored, wanted),
            Err(error) => Standing::Blocked(format!("{}: {error:#}", exchange())),
        });
    }
    let Some(program_data) = program_data else {
        return Ok(Standing::Blocked(format!("the program {} is not on this chain; deploy it first", program())));
    };
    Ok(match authority(&program_data.data) {
        None => Standing::Blocked(
            "the program has no upgrade authority any more, and only that could create the exchange".to_owned(),
        ),
        Some(authority) if authority != wanted.authority => Standing::Blocked(format!(
            "the program's upgrade authority is {authority}, not the {} of the file",
            wanted.authority
        )),
        Some(_) if !(1..=Stored::MAX_TIMELOCK_SECONDS).contains(&wanted.timelock.get()) => {
            Standing::Blocked(format!("timelock_seconds = {}: {}", wanted.timelock.get(), PerpError::TimelockOutOfBounds))
        }
        Some(_) => Standing::Due(create(wanted)),
    })
}

fn create(wanted: &Exchange) -> Work {
    Work {
        what: format!("create the exchange {}", exchange()),
        facts: vec![
            format!("admin {}", wanted.admin),
            format!("guardian {}", wanted.guardian),
            format!("fees to {}, for good", wanted.fee_recipient),
            format!("timelock {} s, for good", wanted.timelock.get()),
        ],
        role: Role::Authority,
        signer: wanted.authority,
        instructions: vec![initialize_exchange(wanted.authority, wanted.into())],
        after: None,
    }
}

/// What is there against what is wanted: what never changes must agree, who governs may have changed since.
fn judge(stored: &Stored, wanted: &Exchange) -> Standing {
    if stored.timelock() != wanted.timelock {
        let (is, said) = (stored.timelock_seconds, wanted.timelock.get());
        return Standing::Blocked(format!(
            "the exchange's timelock is {is} s, not the {said} s of the file, and never changes"
        ));
    }
    if stored.fee_recipient != wanted.fee_recipient {
        let (is, said) = (stored.fee_recipient, wanted.fee_recipient);
        return Standing::Blocked(format!(
            "the exchange's fees go to {is}, not to {said} as the file says, and that never changes"
        ));
    }
    let mut facts = vec![format!("the exchange {} is there", exchange())];
    let changed = [("admin", stored.admin, wanted.admin), ("guardian", stored.guardian, wanted.guardian)];
    facts.extend(
        changed
            .iter()
            .filter(|(_, is, said)| is != said)
            .map(|(who, is, said)| format!("its {who} is {is}, not the {said} of the file: perps admin changes that")),
    );
    Standing::Done(facts)
}

/// Who may upgrade the program.
fn authority(program_data: &[u8]) -> Option<Address> {
    match program_data.get(AUTHORITY_TAG..)?.first_chunk::<33>()? {
        [1, authority @ ..] => Some(Address::new_from_array(*authority)),
        _ => None,
    }
}
