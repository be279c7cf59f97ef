//! What must hold after every transaction, whatever it was, from account bytes alone. The ids are those of docs/invariants.md.

use super::replay::Replay;
use super::tokens::supply;
use inverse_perps::state::{Market, Position, Settlement};
use inverse_perps_engine::side::{Direction, Side};
use perps::client::accounts;
use perps::client::events::Event;
use solana_account::Account;
use solana_address::Address;
use std::collections::BTreeMap;

/// Every account that a transaction has named, as it was last seen, and the replay of each market.
#[derive(Default)]
pub(super) struct Watch {
    /// Set where a fixture has falsified a side's sums on purpose.
    pub sums_are_false: bool,
    /// Accounts; none where there is nothing at the address.
    pub accounts: BTreeMap<Address, Option<Account>>,
    /// Replays by market.
    pub replays: BTreeMap<Address, Replay>,
    /// What vaults hold besides the ledger, by market: gifts sent by hand, or less where a fixture has robbed one.
    pub surplus: BTreeMap<Address, i128>,
}

impl Watch {
    fn of_program(&self) -> impl Iterator<Item = (&Address, &Account)> {
        let seen = self.accounts.iter().filter_map(|(address, account)| Some((address, account.as_ref()?)));
        seen.filter(|(_, account)| account.owner == inverse_perps::ID)
    }

    fn markets(&self) -> Vec<(Address, Market)> {
        self.of_program().filter_map(|(address, account)| Some((*address, accounts::market(&account.data).ok()?))).collect()
    }

    fn positions(&self) -> Vec<Position> {
        self.of_program().filter_map(|(_, account)| accounts::position(&account.data).ok()).collect()
    }

    /// Takes in the events of a successful transaction.
    pub fn replay(&mut self, events: &[Event], what: &str) {
        for event in events {
            let Some(head) = event.head() else { continue };
            self.replays.entry(head.market).or_default().apply(event, head, what);
        }
    }

    /// Everything that must hold between transactions.
    pub fn assert_invariants(&self, what: &str) {
        let positions = self.positions();
        for (address, market) in self.markets() {
            let own: Vec<&Position> = positions.iter().filter(|position| position.market == address).collect();
            self.assert_backed(&address, &market, what);
            if !self.sums_are_false {
                assert_sums(&market, &own, what);
            }
            self.assert_claims(&address, &market, &own, what);
            self.assert_queue(&address, &market, what);
            self.assert_orders(&address, what);
            let replay = self.replays.get(&address).unwrap_or_else(|| panic!("{what}: market {address} came without an event"));
            replay.assert_agrees(market.event_sequence, &market.state.ledger, what);
        }
    }

    /// Claims are those of the positions: of the settlement that runs in the market, of those finished in their accounts, which
    /// together hold the ledger's funds.
    fn assert_claims(&self, address: &Address, market: &Market, positions: &[&Position], what: &str) {
        let claims = |epoch: u32| -> u64 {
            let own = positions.iter().filter(|position| position.state.claim_epoch == epoch);
            own.map(|position| position.state.claim.get()).sum()
        };
        let life = &market.state.lifecycle;
        assert_eq!(life.claims.get(), claims(life.epoch), "{what}: I8: the running settlement's claims are not the positions'");
        let finished: Vec<Settlement> =
            self.of_program().filter_map(|(_, account)| accounts::settlement(&account.data).ok()).collect();
        let finished: Vec<&Settlement> = finished.iter().filter(|settlement| settlement.market == *address).collect();
        for settlement in &finished {
            let unredeemed = settlement.state.unredeemed.get();
            assert_eq!(unredeemed, claims(settlement.epoch), "{what}: I8: what is unredeemed is not what positions claim");
        }
        let funds: u64 = finished.iter().map(|settlement| settlement.state.left.get()).sum();
        assert_eq!(market.state.ledger.funds.get(), funds, "{what}: I8: funds are not what the settlements have left");
    }

    /// The queue is the withdrawals, and its shares are in the escrow.
    fn assert_queue(&self, address: &Address, market: &Market, what: &str) {
        let withdrawals = self.of_program().filter_map(|(_, account)| accounts::withdrawal(&account.data).ok());
        let queued: u64 =
            withdrawals.filter(|withdrawal| withdrawal.market == *address).map(|withdrawal| withdrawal.state.shares).sum();
        assert_eq!(market.state.queued_shares, queued, "{what}: I9: the queue is not the sum of the withdrawals");
        if let Some(Some(escrow)) = self.accounts.get(&market.lp_escrow) {
            let held = accounts::token_amount(&escrow.data).expect("the escrow is a token account");
            assert_eq!(held, queued, "{what}: I9: the escrow does not hold the queue");
        }
    }

    /// A position's tips are those of its orders that hold one, each order account is counted, and who waits for a fill is there.
    fn assert_orders(&self, market: &Address, what: &str) {
        for (address, account) in self.of_program() {
            let Ok(position) = accounts::position(&account.data) else { continue };
            if position.market != *market {
                continue;
            }
            let orders = self.of_program().filter_map(|(_, account)| accounts::order(&account.data).ok());
            let orders: Vec<_> = orders.filter(|order| order.position == *address).collect();
            let state = &position.state;
            assert_eq!(usize::from(state.open_orders), orders.len(), "{what}: I19: an order account is not counted");
            let holds = |id: u32| id >= state.void_orders_below;
            let tips: u64 = orders.iter().filter(|order| holds(order.state.id)).map(|order| order.state.tip.get()).sum();
            assert_eq!(state.tips.get(), tips, "{what}: I19: reserved tips are not those of the orders");
            let pending = orders.iter().find(|order| order.state.is_pending() && holds(order.state.id));
            let named = pending.map_or(0, |order| order.state.id + 1);
            assert_eq!(state.pending_order, named, "{what}: I19: the order that waits is not the one the position names");
        }
    }

    /// The vault holds the ledger to the satoshi, besides what was sent to it by hand; LP shares are those that exist.
    fn assert_backed(&self, address: &Address, market: &Market, what: &str) {
        let total = market.state.ledger.total().expect("a ledger's sum fits into 64 bits").get();
        if let Some(Some(vault)) = self.accounts.get(&market.vault) {
            let held = accounts::token_amount(&vault.data).expect("the vault is a token account");
            let surplus = self.surplus.get(address).copied().unwrap_or(0);
            assert!(held >= total || surplus < 0, "{what}: I1: the vault holds {held}, the ledger says {total}");
            let expected = i128::from(total) + surplus;
            assert_eq!(i128::from(held), expected, "{what}: I1: tokens moved that the ledger does not know of");
        }
        if let Some(Some(mint)) = self.accounts.get(&market.lp_mint) {
            assert_eq!(
                supply(mint),
                market.state.pool_shares,
                "{what}: I9: the LP mint's supply is not what the market counts"
            );
        }
    }
}

/// The ledger's margin and the sides' sums are exactly those over the positions.
fn assert_sums(market: &Market, positions: &[&Position], what: &str) {
    let margin: u64 = positions.iter().map(|position| position.state.margin.get()).sum();
    assert_eq!(market.state.ledger.margin.get(), margin, "{what}: I2: margin is not the sum of the positions' margins");
    for (direction, side) in [(Direction::Long, &market.state.long), (Direction::Short, &market.state.short)] {
        let own: Vec<&Position> =
            positions.iter().copied().filter(|position| position.state.open_direction() == Some(direction)).collect();
        let sums = Sums::over(&own, direction, side);
        assert_eq!(sums, Sums::of(side), "{what}: I2, I3: the {direction:?} side's sums are not those over its positions");
    }
}

/// A side's sums: `S`, `Q`, `M`, `n`, `K`, `owed`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    shares: u64,
    basis: i128,
    margin: u64,
    positions: u64,
    cost_owed: i128,
    owed: i128,
}

impl Sums {
    fn of(side: &Side) -> Self {
        Self {
            shares: side.shares.get(),
            basis: side.basis.get(),
            margin: side.margin.get(),
            positions: side.positions,
            cost_owed: side.cost_owed.get(),
            owed: side.owed.get(),
        }
    }

    /// `K = sum shares (F - F0)`, `owed = sum ±(basis (A0 - A) - shares (X - X0))`.
    fn over(positions: &[&Position], direction: Direction, side: &Side) -> Self {
        let sign = if direction == Direction::Long { 1 } else { -1 };
        let mut sums = Self::default();
        for position in positions {
            let state = &position.state;
            let shares = i128::from(state.shares.get());
            let fallen = i128::from(state.scale.get()) - i128::from(side.scale.get());
            let exited = i128::try_from(side.exit_index.get() - state.exit_index.get()).expect("an index fits");
            sums.shares += state.shares.get();
            sums.basis += state.basis.get();
            sums.margin += state.margin.get();
            sums.positions += 1;
            sums.cost_owed += shares * (side.cost_index.get() - state.cost_index.get());
            sums.owed += sign * (state.basis.get() * fallen - shares * exited);
        }
        sums
    }
}
