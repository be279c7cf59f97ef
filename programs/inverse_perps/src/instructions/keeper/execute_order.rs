//! Executes an order that waits for its fill, at the first price that nobody could know when it was placed. Anyone may, for its tip.

use crate::create;
use crate::errors::{fail, PerpError};
use crate::events::{self, LedgerChange, OrderContext, OrderExecuted, OrderFilled};
use crate::oracle;
use crate::state::{Market, Order, Position};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use inverse_perps_engine::actions::{Execution, ExecutionOutcome, TipShares, Triggerer};
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::Sats;

/// Accounts of `execute_order`. The optional ones can be left off from the end.
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
    /// CHECK: the market's vault.
    #[account(mut)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: where the tip goes, of the executor's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: UncheckedAccount<'info>,
    /// CHECK: SPL Token, which `token` calls by its own id.
    pub token_program: UncheckedAccount<'info>,
    /// CHECK: the order that it is linked with, if that is still there.
    #[account(mut)]
    pub partner: Option<UncheckedAccount<'info>>,
    /// CHECK: the token account that has triggered the order, if that is not the destination too.
    #[account(mut)]
    pub triggerer: Option<UncheckedAccount<'info>>,
    /// CHECK: the price account that sets the fill price, as `oracle::read_fill` demands, if that is not the market's price too.
    pub fill_price: Option<UncheckedAccount<'info>>,
}

/// Handles `execute_order`.
///
/// # Errors
/// `WrongMarket`, `WrongOrder`, `WrongRentRecipient`, `WrongVault`, `WrongTriggerer`, `WrongPartner`, those of both prices and of the
/// engine's execution, SPL Token's.
pub fn execute_order(ctx: Context<ExecuteOrder>) -> Result<()> {
    let accounts = &ctx.accounts;
    let Done { signer, tip: TipShares { filler, triggerer, .. }, leaves, owed } = accounts.execute()?;
    match &accounts.triggerer {
        Some(account) => {
            accounts.pay(&signer, account, triggerer)?;
            accounts.pay(&signer, &accounts.destination, filler)?;
        }
        None => accounts.pay(&signer, &accounts.destination, filler.plus(triggerer).map_err(fail)?)?,
    }
    if leaves {
        create::close(accounts.order.as_ref(), &accounts.payer)?;
    }
    token::ensure_holds(&accounts.vault, owed)
}

/// What an execution leaves to do.
struct Done<'info> {
    signer: MarketSigner<'info>,
    tip: TipShares,
    leaves: bool,
    /// What the ledger says that the vault holds after that.
    owed: Sats,
}

impl<'info> ExecuteOrder<'info> {
    fn validate(&self, market: &Market, position: &Position, order: &Order) -> Result<()> {
        order.ensure_of(self.market.as_ref().key, self.position.as_ref().key, position)?;
        order.ensure_payer(self.payer.key)?;
        market.ensure_vault(self.vault.key)?;
        let triggered_here = self.triggerer.is_none() && order.triggered_by == *self.destination.key;
        require!(triggered_here || is_given(&self.triggerer, &order.triggered_by), PerpError::WrongTriggerer);
        require!(is_given(&self.partner, &order.partner), PerpError::WrongPartner);
        Ok(())
    }

    fn pay(&self, signer: &MarketSigner<'info>, to: &AccountInfo<'info>, amount: Sats) -> Result<()> {
        if amount.is_zero() {
            return Ok(());
        }
        token::pay_out(signer, &self.vault, to, amount.get())
    }

    fn execute(&self) -> Result<Done<'info>> {
        let key = self.market.key();
        let mut market = self.market.load_mut()?;
        let mut position = self.position.load_mut()?;
        let mut order = self.order.load_mut()?;
        self.validate(&market, &position, &order)?;

        let update = oracle::read_fill(&market.oracle, self.fill_price.as_ref().unwrap_or(&self.price))?;
        let (synced, moment) = market.sync(key, &self.price, PriceUse::Upkeep)?;
        let marks = synced.trading().ok();
        let before = market.state.ledger;
        let settled = if marks.is_some() { market.state.settle(&mut position.state).map_err(fail)? } else { None };
        let execution = Execution { update, marks };
        let outcome = market.state.execute_order(&mut position.state, &mut order.state, &execution, moment).map_err(fail)?;
        let triggerer = self.triggerer(&market, &order);
        let tip = market.state.end_order(&mut position.state, &mut order.state, &outcome, triggerer, moment).map_err(fail)?;
        let head = market.next_event(key);
        let ledger = LedgerChange::since(&before, &market.state.ledger)?;
        let mut context = OrderContext { key: self.order.key(), order: &order, killed: Pubkey::default(), settled, tip: &tip };
        if let ExecutionOutcome::Filled(filled) = &outcome {
            context.killed = self.kill_partner(&mut position)?;
            events::log(&OrderFilled::new(head, &context, filled, &position.state, ledger));
        } else {
            events::log(&OrderExecuted::new(head, &context, &outcome, ledger));
        }
        let leaves = outcome != ExecutionOutcome::Rests;
        if !leaves {
            order.triggered_by = Pubkey::default();
        }
        let owed = market.state.ledger.total().map_err(fail)?;
        Ok(Done { signer: MarketSigner::new(&self.market, &market), tip, leaves, owed })
    }

    /// A token account that cannot take its half must not block the fill.
    fn triggerer(&self, market: &Market, order: &Order) -> Triggerer {
        match &self.triggerer {
            Some(account) if !token::can_take(account, &market.mint) => Triggerer::Unpayable,
            None if order.triggered_by == Pubkey::default() => Triggerer::Nobody,
            _ => Triggerer::Payable,
        }
    }

    /// The linked order dies, if it is still there. Returns its address.
    fn kill_partner(&self, position: &mut Position) -> Result<Pubkey> {
        match &self.partner {
            Some(partner) if *partner.owner == crate::ID => {
                position.state.kill_order(&mut Order::load_mut(partner)?.state).map_err(fail)?;
                Ok(partner.key())
            }
            _ => Ok(Pubkey::default()),
        }
    }
}

/// Whether an optional account is the one that is named, or left off where none is.
fn is_given(account: &Option<UncheckedAccount>, named: &Pubkey) -> bool {
    match account {
        Some(account) => account.key == named,
        None => *named == Pubkey::default(),
    }
}
