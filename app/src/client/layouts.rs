//! The kinds of accounts and their layout versions, for who must tell old layouts from new ones without knowing all of them.

use anchor_lang::Discriminator;
use inverse_perps::state::{Exchange, Market, Order, PendingUpdate, Position, Settlement, Withdrawal};
use std::mem::offset_of;

/// A kind of account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name in the singular.
    pub name: &'static str,
    /// The discriminator that it begins with.
    pub discriminator: &'static [u8],
    /// The layout version that this client and its program write.
    pub version: u8,
    version_at: usize,
}

const AFTER_DISCRIMINATOR: usize = 8;

macro_rules! kind {
    ($name:literal, $account:ident) => {
        Kind {
            name: $name,
            discriminator: $account::DISCRIMINATOR,
            version: $account::VERSION,
            version_at: AFTER_DISCRIMINATOR + offset_of!($account, version),
        }
    };
}

/// Every kind of account of the program.
pub const KINDS: [Kind; 7] = [
    // The one account that is not zero-copy: its version is its first field, and borsh writes fields in order.
    Kind {
        name: "exchange",
        discriminator: Exchange::DISCRIMINATOR,
        version: Exchange::VERSION,
        version_at: AFTER_DISCRIMINATOR,
    },
    kind!("market", Market),
    kind!("position", Position),
    kind!("order", Order),
    kind!("withdrawal", Withdrawal),
    kind!("settlement", Settlement),
    kind!("proposal", PendingUpdate),
];

impl Kind {
    /// The layout version of an account of this kind; none where its bytes are too few.
    pub fn version_of(&self, data: &[u8]) -> Option<u8> {
        data.get(self.version_at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchor_lang::AnchorSerialize;

    #[test]
    fn the_version_is_found_where_the_program_writes_it() {
        let mut exchange = Exchange::DISCRIMINATOR.to_vec();
        let written = Exchange {
            version: 77,
            bump: 1,
            admin: [2; 32].into(),
            pending_admin: [3; 32].into(),
            guardian: [4; 32].into(),
            fee_recipient: [5; 32].into(),
            timelock_seconds: 6,
            admin_epoch: 7,
            reserved: [8; 60],
        };
        written.serialize(&mut exchange).unwrap();
        assert_eq!(KINDS[0].version_of(&exchange), Some(77));

        let market = Market { version: 77, ..bytemuck::Zeroable::zeroed() };
        let position = Position { version: 77, ..bytemuck::Zeroable::zeroed() };
        let order = Order { version: 77, ..bytemuck::Zeroable::zeroed() };
        let withdrawal = Withdrawal { version: 77, ..bytemuck::Zeroable::zeroed() };
        let settlement = Settlement { version: 77, ..bytemuck::Zeroable::zeroed() };
        let proposal = PendingUpdate { version: 77, ..bytemuck::Zeroable::zeroed() };
        let bodies: [&[u8]; 6] = [
            bytemuck::bytes_of(&market),
            bytemuck::bytes_of(&position),
            bytemuck::bytes_of(&order),
            bytemuck::bytes_of(&withdrawal),
            bytemuck::bytes_of(&settlement),
            bytemuck::bytes_of(&proposal),
        ];
        for (kind, body) in KINDS[1..].iter().zip(bodies) {
            let data = [kind.discriminator, body].concat();
            assert_eq!(kind.version_of(&data), Some(77), "{}", kind.name);
            assert_eq!(
                data.iter().filter(|byte| **byte == 77).count(),
                1 + kind.discriminator.iter().filter(|byte| **byte == 77).count()
            );
        }
        assert_eq!(KINDS[1].version_of(&[0; 9]), None);
    }
}
