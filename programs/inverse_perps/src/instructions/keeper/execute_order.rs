//! Executes an order that waits for its fill, at the first price that nobody could know when it was placed. Anyone may, for its tip.

use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, OrderExecuted, PositionDecreased, PositionIncreased};
use crate::oracle;
use crate::state::{Market, Order, Position};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_lang::AccountsClose;
use inverse_perps_engine::actions::{Execution, ExecutionOutcome, Filled, TipShares, Triggerer};
use inverse_perps_engine::ledger::Ledger;
use inverse_perps_engine::oracle::PriceUse;

/// Accounts of `execute_order`. The last two can be left off where the order has none.
#[derive(Accounts)]
pub struct ExecuteOrder<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// The order.
    #[account(mut)]
    pub order: AccountLoader<'info, Order>,
    /// CHECK: who paid the order's rent.
    #[account(mut)]
    pub payer: UncheckedAccount<'info>,
    /// CHECK: the market's price account, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
    /// CHECK: the price account that sets the fill price, as `oracle::read_fill` demands; it may be the same.
    pub fill_price: UncheckedAccount<'info>,
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: where the tip goes, of the executor's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: SPL Token, which `token` calls by its own id.
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: the token account that has triggered the order.
    #[account(mut)]
    pub triggerer: Option<UncheckedAccount<'info>>,
    /// CHECK: the order that it is linked with, if that is still there.
    #[account(mut)]
    pub partner: Option<UncheckedAccount<'info>>,
}

/// Handles `execute_order`.
///
/// # Errors
/// `WrongMarket`, `WrongOrder`, `WrongRentRecipient`, `WrongVault`, `WrongTriggerer`, `WrongPartner`, those of both prices and of the
/// engine's execution, SPL Token's.
pub fn execute_order(ctx: Context<ExecuteOrder>) -> Result<()> {
    let accounts = &ctx.accounts;
    let (signer, tip, leaves) = accounts.execute()?;
    let TipShares { filler, triggerer, .. } = tip;
    let own = accounts.triggerer.as_ref().is_some_and(|account| account.key == accounts.destination.key);
    let to_filler = if own { filler.plus(triggerer).map_err(fail)? } else { filler };
    if !to_filler.is_zero() {
        token::pay_out(&signer, &accounts.vault, &accounts.destination, to_filler.get())?;
    }
    if let Some(account) = accounts.triggerer.as_ref().filter(|_| !own && !triggerer.is_zero()) {
        token::pay_out(&signer, &accounts.vault, account, triggerer.get())?;
    }
    if leaves {
        accounts.order.close(accounts.payer.to_account_info())?;
    }
    token::ensure_backed(&accounts.vault, &accounts.market.load()?.state.ledger)
}

impl<'info> ExecuteOrder<'info> {
    fn validate(&self, market: &Market, position: &Position, order: &Order) -> Result<()> {
        order.ensure_of(self.market.to_account_info().key, self.position.to_account_info().key, position)?;
        order.ensure_payer(self.payer.key)?;
        market.ensure_vault(self.vault.key)?;
        require!(is_given(&self.triggerer, &order.triggered_by), PerpError::WrongTriggerer);
        require!(is_given(&self.partner, &order.partner), PerpError::WrongPartner);
        Ok(())
    }

    /// Returns what is to be paid, and whether the order leaves.
    fn execute(&self) -> Result<(MarketSigner<'info>, TipShares, bool)> {
        let (key, position_key) = (*self.market.to_account_info().key, *self.position.to_account_info().key);
        let mut market = self.market.load_mut()?;
        let mut position = self.position.load_mut()?;
        let mut order = self.order.load_mut()?;
        self.validate(&market, &position, &order)?;

        let update = oracle::read_fill(&market.oracle, &self.fill_price)?;
        let (synced, moment) = market.sync(key, &self.price, PriceUse::Upkeep)?;
        let marks = synced.trading().ok();
        if marks.is_some() {
            market.settle(key, position_key, &mut position)?;
        }
        let before = market.state.ledger;
        let execution = Execution { update, marks };
        let outcome = market.state.execute_order(&mut position.state, &mut order.state, &execution, moment).map_err(fail)?;
        if let ExecutionOutcome::Filled(filled) = &outcome {
            market.state.ledger.ensure_conserved(before.total().map_err(fail)?).map_err(fail)?;
            self.log_fill(&mut market, &position, (&order, filled), &before)?;
            self.kill_partner(&mut position)?;
        }
        let filled = market.state.ledger;
        let triggerer = self.triggerer(&market);
        let tip = market.state.end_order(&mut position.state, &mut order.state, &outcome, triggerer, moment).map_err(fail)?;
        let since = if matches!(outcome, ExecutionOutcome::Filled(_)) { &filled } else { &before };
        let head = market.next_event(key);
        let ledger = LedgerChange::since(since, &market.state.ledger)?;
        events::log(&OrderExecuted::new(head, self.order.key(), &order, (&outcome, &tip), ledger));
        let leaves = outcome != ExecutionOutcome::Rests;
        if !leaves {
            order.triggered_by = Pubkey::default();
        }
        Ok((MarketSigner::new(&self.market, &market), tip, leaves))
    }

    /// A token account that cannot take its half must not block the fill.
    fn triggerer(&self, market: &Market) -> Triggerer {
        match &self.triggerer {
            None => Triggerer::Nobody,
            Some(account) if account.key == self.destination.key || token::can_take(account, &market.mint) => {
                Triggerer::Payable
            }
            Some(_) => Triggerer::Unpayable,
        }
    }

    fn kill_partner(&self, position: &mut Position) -> Result<()> {
        match &self.partner {
            Some(partner) if *partner.owner == crate::ID => {
                let mut other = Order::load_mut(partner)?;
                position.state.kill_order(&mut other.state).map_err(fail)
            }
            _ => Ok(()),
        }
    }

    fn log_fill(&self, market: &mut Market, position: &Position, fill: (&Order, &Filled), before: &Ledger) -> Result<()> {
        let (order, filled) = fill;
        let head = market.next_event(position.market);
        let ledger = LedgerChange::since(before, &market.state.ledger)?;
        if order.state.reduce_only == 0 {
            events::log(&PositionIncreased::new(head, order.position, &position.state, filled, ledger));
        } else {
            let fill = (order.state.direction(), filled);
            events::log(&PositionDecreased::new(head, order.position, &position.state, fill, ledger));
        }
        Ok(())
    }
}

/// Whether an optional account is the one that is named, or left off where none is.
fn is_given(account: &Option<UncheckedAccount>, named: &Pubkey) -> bool {
    match account {
        Some(account) => account.key == named,
        None => *named == Pubkey::default(),
    }
}
