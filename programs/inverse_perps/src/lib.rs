//! Bitcoin-margined inverse perpetual futures: accounts, tokens and permissions around the engine.
//!
//! Every formula is in `inverse_perps_engine`. A handler reads the same everywhere: validate, sync, settle, act, check, event.

#[cfg(feature = "upstream-compiler")]
use sbf_builtins as _;

use anchor_lang::prelude::*;
use inverse_perps_engine as engine;

pub mod create;
pub mod errors;
pub mod events;
pub mod instructions;
pub mod mint;
pub mod oracle;
pub mod state;
pub mod token;

use instructions::*;

// In the ELF for whoever finds a flaw in it, between markers that explorers look for.
#[cfg(not(feature = "no-entrypoint"))]
solana_security_txt::security_txt! {
    name: "Inverse Perps",
    project_url: "README.md of the repository; deployed nowhere",
    contacts: "other:private vulnerability reporting of the repository",
    policy: "SECURITY.md of the repository",
    preferred_languages: "en"
}

declare_id!("7oLbUemdP4fLZ7cJfuK9JwQ3qUi7obfrQx8GFjqu13Rf");

/// The program's instructions. They are told apart one after another, so what is called most stands first.
#[program]
pub mod inverse_perps {
    use super::*;

    /// Executes an order that waits for its fill.
    pub fn execute_order(ctx: Context<ExecuteOrder>) -> Result<()> {
        instructions::execute_order(ctx)
    }

    /// Liquidates a position below maintenance.
    pub fn liquidate(ctx: Context<Liquidate>) -> Result<()> {
        instructions::liquidate(ctx)
    }

    /// Turns a resting order whose price has come into a market order.
    pub fn trigger_order(ctx: Context<TriggerOrder>) -> Result<()> {
        instructions::trigger_order(ctx)
    }

    /// Places an order.
    pub fn place_order(ctx: Context<PlaceOrder>, terms: OrderTerms, bump: u8) -> Result<()> {
        instructions::place_order(ctx, terms, bump)
    }

    /// Opens or enlarges a position.
    pub fn increase_position(ctx: Context<TradePosition>, args: IncreasePositionArgs) -> Result<()> {
        instructions::increase_position(ctx, args)
    }

    /// Reduces or closes a position.
    pub fn decrease_position(ctx: Context<TradePosition>, args: DecreasePositionArgs) -> Result<()> {
        instructions::decrease_position(ctx, args)
    }

    /// Takes a resting or void order back.
    pub fn cancel_order(ctx: Context<RemoveOrder>) -> Result<()> {
        instructions::cancel_order(ctx)
    }

    /// Removes an order that has expired or is void.
    pub fn expire_order(ctx: Context<RemoveOrder>) -> Result<()> {
        instructions::expire_order(ctx)
    }

    /// Accrues funding and borrow fee.
    pub fn accrue_funding(ctx: Context<BringPrice>) -> Result<()> {
        instructions::accrue_funding(ctx)
    }

    /// Shrinks the winning sides, or begins to settle the market, where profit is too near to the pool.
    pub fn deleverage(ctx: Context<BringPrice>) -> Result<()> {
        instructions::deleverage(ctx)
    }

    /// Writes to a position what is due; in a settlement, closes it for a claim; after it, redeems the claim.
    pub fn settle_position(ctx: Context<SettlePosition>) -> Result<()> {
        instructions::settle_position(ctx)
    }

    /// Adds margin.
    pub fn deposit_collateral(ctx: Context<DepositCollateral>, amount_sats: u64) -> Result<()> {
        instructions::deposit_collateral(ctx, amount_sats)
    }

    /// Takes margin out.
    pub fn withdraw_collateral(ctx: Context<WithdrawCollateral>, amount_sats: u64) -> Result<()> {
        instructions::withdraw_collateral(ctx, amount_sats)
    }

    /// Deposits into the pool.
    pub fn deposit_liquidity(ctx: Context<DepositLiquidity>, amount_sats: u64, min_shares: u64) -> Result<()> {
        instructions::deposit_liquidity(ctx, amount_sats, min_shares)
    }

    /// Puts pool shares into the queue for their withdrawal.
    pub fn request_withdrawal(ctx: Context<RequestWithdrawal>, id: u64, shares: u64) -> Result<()> {
        instructions::request_withdrawal(ctx, id, shares)
    }

    /// Pays queued shares out.
    pub fn complete_withdrawal(ctx: Context<CompleteWithdrawal>, min_sats: u64) -> Result<()> {
        instructions::complete_withdrawal(ctx, min_sats)
    }

    /// Takes one's shares out of the queue.
    pub fn cancel_withdrawal(ctx: Context<ReturnWithdrawal>) -> Result<()> {
        instructions::cancel_withdrawal(ctx)
    }

    /// Returns shares whose window has passed to their owner.
    pub fn return_withdrawal(ctx: Context<ReturnWithdrawal>) -> Result<()> {
        instructions::return_withdrawal(ctx)
    }

    /// Opens a margin account.
    pub fn create_position(ctx: Context<CreatePosition>, sub_account: u16) -> Result<()> {
        instructions::create_position(ctx, sub_account)
    }

    /// Closes an empty margin account.
    pub fn close_position_account(ctx: Context<ClosePositionAccount>) -> Result<()> {
        instructions::close_position_account(ctx)
    }

    /// Appoints a delegate, or gives the one there is another daily budget.
    pub fn set_delegate(ctx: Context<Appoint>, delegate: Pubkey, daily_budget_sats: u64) -> Result<()> {
        instructions::set_delegate(ctx, delegate, daily_budget_sats)
    }

    /// Dismisses the delegate.
    pub fn revoke_delegate(ctx: Context<Appoint>) -> Result<()> {
        instructions::revoke_delegate(ctx)
    }

    /// Creates the exchange; the program's upgrade authority alone.
    pub fn initialize_exchange(ctx: Context<InitializeExchange>, args: InitializeExchangeArgs) -> Result<()> {
        instructions::initialize_exchange(ctx, args)
    }

    /// Creates a market with its vault, LP mint and LP escrow; the admin alone.
    pub fn create_market(ctx: Context<CreateMarket>, args: CreateMarketArgs) -> Result<()> {
        instructions::create_market(ctx, args)
    }

    /// Names who may become admin; the admin alone.
    pub fn nominate_admin(ctx: Context<GovernExchange>, nominee: Pubkey) -> Result<()> {
        instructions::nominate_admin(ctx, nominee)
    }

    /// Makes the nominee admin; the nominee alone.
    pub fn accept_admin(ctx: Context<GovernExchange>) -> Result<()> {
        instructions::accept_admin(ctx)
    }

    /// Names the guardian; the admin alone.
    pub fn set_guardian(ctx: Context<GovernExchange>, guardian: Pubkey) -> Result<()> {
        instructions::set_guardian(ctx, guardian)
    }

    /// Proposes parameters of a market; the admin alone.
    pub fn propose_params(ctx: Context<UpdateParams>, params: engine::Params) -> Result<()> {
        instructions::propose_params(ctx, params)
    }

    /// Puts proposed parameters in force after the timelock; the admin alone.
    pub fn execute_params(ctx: Context<UpdateParams>) -> Result<()> {
        instructions::execute_params(ctx)
    }

    /// Withdraws a proposal; the admin alone.
    pub fn cancel_params(ctx: Context<UpdateParams>) -> Result<()> {
        instructions::cancel_params(ctx)
    }

    /// Pauses what adds risk for 7 days; the guardian or the admin.
    pub fn pause_risk(ctx: Context<PauseMarket>) -> Result<()> {
        instructions::pause_risk(ctx)
    }

    /// Pauses what adds risk until it is resumed; the admin alone.
    pub fn confirm_pause(ctx: Context<PauseMarket>) -> Result<()> {
        instructions::confirm_pause(ctx)
    }

    /// Ends a pause; the admin alone.
    pub fn resume_risk(ctx: Context<PauseMarket>) -> Result<()> {
        instructions::resume_risk(ctx)
    }

    /// Gives to the insurance fund.
    pub fn fund_insurance(ctx: Context<Donate>, amount_sats: u64) -> Result<()> {
        instructions::fund_insurance(ctx, amount_sats)
    }

    /// Gives to the pool.
    pub fn donate_liquidity(ctx: Context<Donate>, amount_sats: u64) -> Result<()> {
        instructions::donate_liquidity(ctx, amount_sats)
    }

    /// Ends a settlement of the market.
    pub fn finish_settlement(ctx: Context<FinishSettlement>) -> Result<()> {
        instructions::finish_settlement(ctx)
    }

    /// Closes the account of a settlement whose claims are redeemed.
    pub fn close_settlement(ctx: Context<CloseSettlement>) -> Result<()> {
        instructions::close_settlement(ctx)
    }

    /// Declares the oracle dead.
    pub fn declare_dead(ctx: Context<MarketAlone>) -> Result<()> {
        instructions::declare_dead(ctx)
    }

    /// Shows a newer price to settle a market with a dead oracle at.
    pub fn show_settlement_price(ctx: Context<BringPrice>) -> Result<()> {
        instructions::show_settlement_price(ctx)
    }

    /// Begins to settle a market with a dead oracle, for good.
    pub fn settle_market(ctx: Context<MarketAlone>) -> Result<()> {
        instructions::settle_market(ctx)
    }

    /// Pays a position of a closed market out to its owner and closes it.
    pub fn pay_out(ctx: Context<PayOut>) -> Result<()> {
        instructions::pay_out(ctx)
    }

    /// Pays the protocol's fees to their recipient.
    pub fn collect_protocol_fees(ctx: Context<CollectProtocolFees>) -> Result<()> {
        instructions::collect_protocol_fees(ctx)
    }
}
