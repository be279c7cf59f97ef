//! The program's addresses.

use inverse_perps::state::seeds;
use solana_address::Address;

/// SPL Token.
pub const TOKEN_PROGRAM: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

/// The program of associated token accounts.
pub const ASSOCIATED_TOKEN_PROGRAM: Address = Address::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// The loader of upgradeable programs, which owns the program data.
const UPGRADEABLE_LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");

/// The program.
pub fn program() -> Address {
    inverse_perps::ID
}

/// The account that names the program's upgrade authority.
pub fn program_data() -> Address {
    Address::find_program_address(&[program().as_ref()], &UPGRADEABLE_LOADER).0
}

/// The exchange.
pub fn exchange() -> Address {
    Address::find_program_address(&[seeds::EXCHANGE], &program()).0
}

/// A market's addresses, found once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketKeys {
    /// The market.
    pub market: Address,
    /// The wrapped BTC.
    pub mint: Address,
    /// The token account of all its BTC.
    pub vault: Address,
    /// The mint of pool shares.
    pub lp_mint: Address,
    /// Where shares wait for their withdrawal.
    pub lp_escrow: Address,
}

impl MarketKeys {
    /// Of the `index`-th market of a mint.
    pub fn find(mint: Address, index: u16) -> Self {
        let of = |seeds: &[&[u8]]| Address::find_program_address(seeds, &program()).0;
        let market = of(&[seeds::MARKET, mint.as_ref(), &index.to_le_bytes()]);
        let own = |seed| of(&[seed, market.as_ref()]);
        Self { market, mint, vault: own(seeds::VAULT), lp_mint: own(seeds::LP_MINT), lp_escrow: own(seeds::LP_ESCROW) }
    }

    /// An owner's position in the market.
    pub fn position(&self, owner: &Address, sub_account: u16) -> Address {
        let seeds = &[seeds::POSITION, self.market.as_ref(), owner.as_ref(), &sub_account.to_le_bytes()];
        Address::find_program_address(seeds, &program()).0
    }

    /// An owner's request to withdraw from the pool.
    pub fn withdrawal(&self, owner: &Address, id: u64) -> Address {
        let seeds = &[seeds::WITHDRAWAL, self.market.as_ref(), owner.as_ref(), &id.to_le_bytes()];
        Address::find_program_address(seeds, &program()).0
    }

    /// Where the market's proposal waits for the timelock.
    pub fn pending_update(&self) -> Address {
        Address::find_program_address(&[seeds::PENDING, self.market.as_ref()], &program()).0
    }

    /// The outcome of the market's settlement of this epoch.
    pub fn settlement(&self, epoch: u32) -> Address {
        let seeds = &[seeds::SETTLEMENT, self.market.as_ref(), &epoch.to_le_bytes()];
        Address::find_program_address(seeds, &program()).0
    }
}

/// A position's order, with the bump of its address.
pub fn order(position: &Address, id: u32) -> (Address, u8) {
    Address::find_program_address(&[seeds::ORDER, position.as_ref(), &u64::from(id).to_le_bytes()], &program())
}

/// An owner's associated token account of a mint.
pub fn associated_tokens(owner: &Address, mint: &Address) -> Address {
    let seeds = &[owner.as_ref(), TOKEN_PROGRAM.as_ref(), mint.as_ref()];
    Address::find_program_address(seeds, &ASSOCIATED_TOKEN_PROGRAM).0
}
