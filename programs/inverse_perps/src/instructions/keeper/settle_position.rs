//! Writes to a position what the side's indices have done to it; while the market settles, closes it for a claim, for a tip; after
//! that, redeems the claim.

use crate::errors::fail;
use crate::events::{self, ClaimRedeemed, LedgerChange, SettleTipPaid};
use crate::state::market::{now, Touched};
use crate::state::{Market, Position, Settlement};
use crate::token::{self, MarketSigner};
use anchor_lang::prelude::*;
use anchor_spl::token::Token;
use inverse_perps_engine::oracle::PriceUse;
use inverse_perps_engine::units::Sats;

/// Accounts of `settle_position`. The optional ones can be left off from the end.
#[derive(Accounts)]
pub struct SettlePosition<'info> {
    /// The market.
    #[account(mut)]
    pub market: AccountLoader<'info, Market>,
    /// The position.
    #[account(mut)]
    pub position: AccountLoader<'info, Position>,
    /// CHECK: the market's price account, as `oracle::read` demands; needed for an open position while the market trades.
    pub price: Option<UncheckedAccount<'info>>,
    /// CHECK: the market's vault, for the tip.
    #[account(mut)]
    pub vault: Option<UncheckedAccount<'info>>,
    /// CHECK: where the tip goes, of the settler's choice; SPL Token checks it.
    #[account(mut)]
    pub destination: Option<UncheckedAccount<'info>>,
    /// SPL Token, for the tip.
    pub token_program: Option<Program<'info, Token>>,
    /// The settlement that the position has a claim on.
    #[account(mut)]
    pub settlement: Option<AccountLoader<'info, Settlement>>,
}

/// Handles `settle_position`.
///
/// # Errors
/// `WrongMarket`, `WrongVault`, `PriceRequired`, those of the price; `ClaimUnredeemed` without the claim's settlement,
/// `WrongSettlement`, `NoClaim`.
pub fn settle_position(ctx: Context<SettlePosition>) -> Result<()> {
    let accounts = &ctx.accounts;
    let market_key = accounts.market.key();
    let tip = {
        let mut market = accounts.market.load_mut()?;
        let mut position = accounts.position.load_mut()?;
        Market::ensure_owns(&market_key, &position)?;
        let before = market.state.ledger.total().map_err(fail)?;
        let key = accounts.position.key();
        let mut touched = Touched { market: market_key, key, position: &mut position };
        redeem(&mut market, &mut touched, accounts.settlement.as_ref())?;
        let touch = market.touch(&mut touched, accounts.price.as_deref(), PriceUse::Upkeep)?;
        market.state.ledger.ensure_conserved(before).map_err(fail)?;
        take_tip(accounts, &mut market, touch.tip_most)?
    };
    match (tip, &accounts.vault, &accounts.destination) {
        (Some((signer, amount)), Some(vault), Some(destination)) => {
            token::pay_out(&signer, vault, destination, amount)?;
            token::ensure_backed(vault, &accounts.market.load()?.state.ledger)
        }
        _ => Ok(()),
    }
}

/// Pays a position its claim, if it has one on a settlement that is finished.
pub(super) fn redeem<'info>(
    market: &mut Market,
    touched: &mut Touched,
    settlement: Option<&AccountLoader<'info, Settlement>>,
) -> Result<()> {
    let state = &mut touched.position.state;
    let unfinished = state.claim_epoch == market.state.lifecycle.epoch;
    let Some(settlement) = settlement else {
        return if unfinished { Ok(()) } else { state.ensure_no_claim().map_err(fail) };
    };
    let mut settlement = settlement.load_mut()?;
    settlement.ensure_of(&touched.market, state.claim_epoch)?;
    let before = market.state.ledger;
    let redeemed = market.state.redeem(state, &mut settlement.state).map_err(fail)?;
    let head = market.next_event(touched.market);
    events::log(&ClaimRedeemed {
        head,
        position: touched.key,
        epoch: u64::from(settlement.epoch),
        claim_sats: redeemed.claim,
        paid_sats: redeemed.paid,
        margin_sats: touched.position.state.margin,
        ledger: LedgerChange::since(&before, &market.state.ledger)?,
    });
    Ok(())
}

/// Takes the tip out of insurance, where a position was closed out and the accounts to pay it are there.
fn take_tip<'info>(
    accounts: &SettlePosition<'info>,
    market: &mut Market,
    most: Sats,
) -> Result<Option<(MarketSigner<'info>, u64)>> {
    let (Some(vault), Some(destination), Some(_)) = (&accounts.vault, &accounts.destination, &accounts.token_program) else {
        return Ok(None);
    };
    market.ensure_vault(vault.key)?;
    let before = market.state.ledger;
    let tip = market.state.take_tip(most, now()?).map_err(fail)?;
    if tip.is_zero() {
        return Ok(None);
    }
    let head = market.next_event(accounts.market.key());
    events::log(&SettleTipPaid {
        head,
        position: accounts.position.key(),
        rewarded: destination.key(),
        amount_sats: tip,
        ledger: LedgerChange::since(&before, &market.state.ledger)?,
    });
    Ok(Some((MarketSigner::new(&accounts.market, market), tip.get())))
}
