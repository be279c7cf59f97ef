//! Creates a market with its vault and LP mint.

use crate::errors::{fail, PerpError};
use crate::events::{self, MarketCreated};
use crate::oracle;
use crate::state::{market, seeds, Exchange, Market, OracleSource};
use anchor_lang::prelude::*;
use anchor_spl::token_interface::{Mint, TokenAccount, TokenInterface};
use inverse_perps_engine as engine;
use inverse_perps_engine::units::Seconds;

/// What a market is made of. Mint and oracle never change.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CreateMarketArgs {
    /// Which one of its mint.
    pub index: u16,
    /// Where its price comes from.
    pub oracle: OracleSource,
    /// Parameters, within their hard bounds.
    pub params: engine::Params,
}

/// Accounts of `create_market`.
#[derive(Accounts)]
#[instruction(args: CreateMarketArgs)]
pub struct CreateMarket<'info> {
    /// The exchange's admin; pays the rent.
    #[account(mut)]
    pub admin: Signer<'info>,
    /// The exchange.
    #[account(seeds = [seeds::EXCHANGE], bump = exchange.bump, has_one = admin @ PerpError::NotAdmin)]
    pub exchange: Box<Account<'info, Exchange>>,
    /// The wrapped BTC.
    pub mint: Box<InterfaceAccount<'info, Mint>>,
    /// The market.
    #[account(
        init,
        payer = admin,
        space = Market::SPACE,
        seeds = [seeds::MARKET, mint.key().as_ref(), &args.index.to_le_bytes()],
        bump
    )]
    pub market: AccountLoader<'info, Market>,
    /// The token account of all its BTC.
    #[account(
        init,
        payer = admin,
        seeds = [seeds::VAULT, market.key().as_ref()],
        bump,
        token::mint = mint,
        token::authority = market,
        token::token_program = token_program
    )]
    pub vault: Box<InterfaceAccount<'info, TokenAccount>>,
    /// The mint of pool shares.
    #[account(
        init,
        payer = admin,
        seeds = [seeds::LP_MINT, market.key().as_ref()],
        bump,
        mint::decimals = 8,
        mint::authority = market,
        mint::token_program = token_program
    )]
    pub lp_mint: Box<InterfaceAccount<'info, Mint>>,
    /// CHECK: a price account of the source, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
    /// The token program.
    pub token_program: Interface<'info, TokenInterface>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl CreateMarket<'_> {
    fn validate(&self, args: &CreateMarketArgs) -> Result<()> {
        require!(*self.mint.to_account_info().owner == anchor_spl::token::ID, PerpError::Token2022NotSupported);
        require!(self.mint.decimals == 8, PerpError::WrongDecimals);
        let (kind, source) = Market::encode_oracle(args.oracle);
        oracle::read(kind, &source, &self.price)?;
        args.params.validate(Seconds::new(self.exchange.timelock_seconds)).map_err(fail)
    }
}

/// Handles `create_market`.
///
/// # Errors
/// `NotAdmin`, `Token2022NotSupported`, `WrongDecimals`, those of the oracle account and of the parameters' bounds.
pub fn create_market(ctx: Context<CreateMarket>, args: CreateMarketArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    let accounts = &ctx.accounts;
    let mut market = accounts.market.load_init()?;
    market.version = Market::VERSION;
    market.bump = ctx.bumps.market;
    market.index = args.index;
    (market.oracle_kind, market.oracle) = Market::encode_oracle(args.oracle);
    market.mint = accounts.mint.key();
    market.vault = accounts.vault.key();
    market.lp_mint = accounts.lp_mint.key();
    market.state = engine::Market::new(args.params, market::now()?.time);
    let head = market.next_event(accounts.market.key());
    events::log(&MarketCreated {
        head,
        mint: market.mint,
        vault: market.vault,
        lp_mint: market.lp_mint,
        oracle: market.oracle,
        oracle_kind: u64::from(market.oracle_kind),
        index: u64::from(market.index),
    });
    Ok(())
}
