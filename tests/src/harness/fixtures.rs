//! States that honest transactions reach slowly or not at all, written into the accounts.

use super::chain::Chain;
use super::markets::{TestMarket, Trader};
use super::tokens::{set_amount, set_supply};
use inverse_perps::state::{Market, Position};
use inverse_perps_engine::side::Direction;
use inverse_perps_engine::units::Sats;
use solana_address::Address;

impl Chain {
    /// Changes a market's bytes. The vault gets or loses what the ledger does, so that it stays backed.
    pub async fn edit_market(&mut self, market: &TestMarket, edit: impl FnOnce(&mut Market)) {
        let address = market.keys.market;
        let mut state = self.market(&address).await;
        let before = state.state.ledger.total().expect("a ledger's sum").get();
        edit(&mut state);
        let after = state.state.ledger.total().expect("a ledger's sum").get();
        let mut account = self.account(&address).await.expect("the market exists");
        account.data[8..].copy_from_slice(bytemuck::bytes_of(&state));
        self.set_account(&address, account);
        let held = self.tokens(&market.keys.vault).await;
        self.set_vault(market, held + after - before).await;
        self.watch.replays.entry(address).or_default().overwrite(&state.state.ledger);
    }

    /// Changes a position's bytes.
    pub async fn edit_position(&mut self, address: &Address, edit: impl FnOnce(&mut Position)) {
        let mut state = self.position(address).await;
        edit(&mut state);
        let mut account = self.account(address).await.expect("the position exists");
        account.data[8..].copy_from_slice(bytemuck::bytes_of(&state));
        self.set_account(address, account);
    }

    /// Sets a position's margin, and every sum over margins with it.
    pub async fn set_margin(&mut self, market: &TestMarket, trader: &Trader, sats: u64) {
        let state = self.position(&trader.position).await.state;
        let change = |sum: Sats| Sats::new(sum.get() - state.margin.get() + sats);
        self.edit_position(&trader.position, |position| position.state.margin = Sats::new(sats)).await;
        self.edit_market(market, |market| {
            market.state.ledger.margin = change(market.state.ledger.margin);
            match state.open_direction() {
                Some(Direction::Long) => market.state.long.margin = change(market.state.long.margin),
                Some(Direction::Short) => market.state.short.margin = change(market.state.short.margin),
                None => {}
            }
        })
        .await;
    }

    /// Sets how many shares of the pool exist, in the market and in the LP mint.
    pub async fn edit_shares(&mut self, market: &TestMarket, shares: u64) {
        self.edit_market(market, |market| market.state.pool_shares = shares).await;
        let mut mint = self.account(&market.keys.lp_mint).await.expect("the LP mint exists");
        set_supply(&mut mint, shares);
        self.set_account(&market.keys.lp_mint, mint);
    }

    async fn set_vault(&mut self, market: &TestMarket, amount: u64) {
        let mut account = self.account(&market.keys.vault).await.expect("the vault exists");
        set_amount(&mut account, amount);
        self.set_account(&market.keys.vault, account);
    }

    /// Takes tokens out of the vault behind the ledger's back.
    pub async fn rob_vault(&mut self, market: &TestMarket, sats: u64) {
        let held = self.tokens(&market.keys.vault).await;
        self.set_vault(market, held - sats).await;
        *self.watch.surplus.entry(market.keys.market).or_default() -= i128::from(sats);
    }

    /// From the next transaction on the vault holds this much more than the ledger says.
    pub fn expect_gift(&mut self, market: &TestMarket, sats: u64) {
        *self.watch.surplus.entry(market.keys.market).or_default() += i128::from(sats);
    }

    /// Whether a fixture has falsified the sides' sums on purpose, so that they are not held against the positions.
    pub fn falsify_sums(&mut self, sums_are_false: bool) {
        self.watch.sums_are_false = sums_are_false;
    }
}
