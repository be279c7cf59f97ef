//! The program's addresses.

use inverse_perps::state::seeds;
use solana_address::Address;

/// SPL Token.
pub const TOKEN_PROGRAM: Address = Address::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

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
}

impl MarketKeys {
    /// Of the `index`-th market of a mint.
    pub fn find(mint: Address, index: u16) -> Self {
        let of = |seeds: &[&[u8]]| Address::find_program_address(seeds, &program()).0;
        let market = of(&[seeds::MARKET, mint.as_ref(), &index.to_le_bytes()]);
        Self { market, mint, vault: of(&[seeds::VAULT, market.as_ref()]), lp_mint: of(&[seeds::LP_MINT, market.as_ref()]) }
    }

    /// An owner's position in the market.
    pub fn position(&self, owner: &Address, sub_account: u16) -> Address {
        let seeds = &[seeds::POSITION, self.market.as_ref(), owner.as_ref(), &sub_account.to_le_bytes()];
        Address::find_program_address(seeds, &program()).0
    }
}
