//! The keeper's own balances.

use perps::client::accounts::token_amount;
use solana_account::Account;
use solana_address::Address;
use std::collections::BTreeMap;

/// What the keeper has, as read last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    lamports: Option<u64>,
    /// Satoshi in each token account; none in one that is missing.
    tokens: BTreeMap<Address, Option<u64>>,
    slots: BTreeMap<Address, u64>,
}

impl Purse {
    /// Lamports that fees are paid from; none before they were read.
    pub fn lamports(&self) -> Option<u64> {
        self.lamports
    }

    /// Token accounts with what they hold; none for one that is missing.
    pub fn tokens(&self) -> impl Iterator<Item = (&Address, Option<u64>)> {
        self.tokens.iter().map(|(address, sats)| (address, *sats))
    }

    /// Whether this token account is known to be missing.
    pub fn is_missing(&self, tokens: &Address) -> bool {
        matches!(self.tokens.get(tokens), Some(None))
    }

    pub(super) fn set(&mut self, address: Address, keeper: Address, slot: u64, account: Option<&Account>) {
        if self.slots.get(&address).is_some_and(|known| *known > slot) {
            return;
        }
        self.slots.insert(address, slot);
        if address == keeper {
            self.lamports = Some(account.map_or(0, |account| account.lamports));
        } else {
            let amount = account.filter(|account| account.lamports > 0).and_then(|account| token_amount(&account.data).ok());
            self.tokens.insert(address, amount);
        }
    }
}
