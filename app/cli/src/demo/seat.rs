//! Somebody on the chain, and what is theirs.

use super::order_books::Held;
use anyhow::Result;
use inverse_perps_engine::queue::Withdrawal;
use inverse_perps_engine::units::Sats;
use inverse_perps_engine::Position;
use perps::client::addresses::order;
use perps::local::{LocalChain, Trader};
use solana_address::Address;
use solana_keypair::Keypair;
use std::collections::BTreeMap;

/// Somebody, and what is theirs as it was last read.
pub struct Seat {
    /// Who.
    pub trader: Trader,
    /// The position; empty where its account is closed.
    pub position: Position,
    /// Its orders by their ids.
    pub orders: BTreeMap<u32, Held>,
    /// The token account of pool shares.
    pub shares: Address,
    /// Shares in the queue.
    pub withdrawal: Option<Withdrawal>,
    /// The id of the withdrawal in the queue, or of the next one.
    pub withdrawal_id: u64,
    /// Margin that nothing may touch, because this seat never trades; none for the others.
    pub parked: Sats,
    /// Addresses of all orders there have been, found once.
    order_keys: Vec<Address>,
}

impl Seat {
    /// Somebody new with an empty position, and accounts for tokens and for shares of the pool.
    ///
    /// # Errors
    /// Where the accounts cannot be made.
    pub fn take(chain: &mut LocalChain, keypair: Keypair) -> Result<Self> {
        let tokens = chain.associated_owner(&keypair)?;
        let trader = Trader { position: chain.open_position(&keypair)?, tokens, keypair };
        let lp_mint = chain.keys.lp_mint;
        Ok(Self {
            position: chain.position(&trader.position)?.state,
            orders: BTreeMap::new(),
            shares: chain.token_account(&trader.keypair, &lp_mint)?,
            trader,
            withdrawal: None,
            withdrawal_id: 0,
            parked: Sats::ZERO,
            order_keys: vec![],
        })
    }

    /// The same in the chain's next market.
    ///
    /// # Errors
    /// Where the accounts cannot be made.
    pub fn move_on(&mut self, chain: &mut LocalChain) -> Result<()> {
        let lp_mint = chain.keys.lp_mint;
        self.trader.position = chain.open_position(&self.trader.keypair)?;
        self.position = chain.position(&self.trader.position)?.state;
        self.orders.clear();
        self.order_keys.clear();
        self.shares = chain.token_account(&self.trader.keypair, &lp_mint)?;
        self.withdrawal_id = 0;
        Ok(())
    }

    /// The order that waits for its fill.
    pub fn pending(&self) -> Option<(u32, &Held)> {
        let id = self.position.pending_order.checked_sub(1)?;
        self.orders.get(&id).map(|held| (id, held))
    }

    /// Reads every order that there was or may be now.
    ///
    /// # Errors
    /// Where an account is not an order.
    pub fn read_orders(&mut self, chain: &LocalChain) -> Result<()> {
        let known = u32::try_from(self.order_keys.len())?;
        let new = known..self.position.next_order;
        self.order_keys.extend(new.clone().map(|id| order(&self.trader.position, id).0));
        let ids: Vec<u32> = self.orders.keys().copied().chain(new).collect();
        self.orders.clear();
        for id in ids {
            let Some(found) = chain.order(&self.key(id))? else { continue };
            let linked = found.partner != Address::default();
            let partner = linked.then(|| self.neighbour(id, &found.partner)).flatten();
            let triggered = found.triggered_by != Address::default();
            self.orders.insert(id, Held { state: found.state, partner, triggered });
        }
        Ok(())
    }

    /// Where an order is or was.
    pub fn key(&self, id: u32) -> Address {
        let known = usize::try_from(id).ok().and_then(|place| self.order_keys.get(place)).copied();
        known.unwrap_or_else(|| order(&self.trader.position, id).0)
    }

    /// The id of a linked order: pairs are placed one after the other.
    fn neighbour(&self, id: u32, partner: &Address) -> Option<u32> {
        [id.checked_sub(1), id.checked_add(1)].into_iter().flatten().find(|id| self.key(*id) == *partner)
    }
}
