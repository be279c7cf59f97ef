//! Who can be liquidated, by the engine, on the chain as it stands: what the keeper is held against. Neither node nor keeper has a part
//! in it.

use perps::client::accounts;
use perps::local::LocalChain;
use perps::view::{MarketView, Outlook, PositionView};
use solana_address::Address;

/// The market as the next instruction would find it.
pub fn market(local: &LocalChain) -> MarketView {
    let stored = local.market().expect("the market is there");
    MarketView::of(stored, local.price, local.svm.get_account(&local.price), local.moment())
}

/// A position as the next instruction would find it.
pub fn position(local: &LocalChain, market: &MarketView, address: Address) -> PositionView {
    let stored = local.position(&address).expect("the position is there");
    PositionView::of(market, address, stored).expect("the engine values every position")
}

/// What an open position of a market that trades comes to.
fn outlook(local: &LocalChain, market: &MarketView, address: Address) -> Option<Outlook> {
    market.synced.ok()?.trading().ok()?;
    position(local, market, address).outlook
}

/// Whether a position can be liquidated.
pub fn is_liquidatable(local: &LocalChain, address: Address) -> bool {
    outlook(local, &market(local), address).is_some_and(|outlook| outlook.liquidatable)
}

/// Those that can be liquidated.
pub fn liquidatable(local: &LocalChain, positions: &[Address]) -> Vec<Address> {
    let market = market(local);
    let hopeless = |address: &&Address| outlook(local, &market, **address).is_some_and(|outlook| outlook.liquidatable);
    positions.iter().filter(hopeless).copied().collect()
}

/// Asserts that the vault holds what the ledger says, and that the ledger's margin is that of the positions (I1, I2).
pub fn assert_solvent(local: &LocalChain, positions: &[Address]) {
    let ledger = local.market().expect("the market is there").state.ledger;
    let (owed, held) = (ledger.total().expect("a sum of satoshi"), local.vault_sats().expect("the vault is there"));
    assert!(held >= owed.get(), "the vault holds {held} satoshi, the ledger {}", owed.get());
    let data = positions.iter().map(|address| local.data(address).expect("the position is there"));
    let margins = data.map(|data| accounts::position(&data).expect("a position").state.margin.get());
    assert_eq!(margins.sum::<u64>(), ledger.margin.get(), "the ledger's margin is not that of the positions");
}
