//! Creates a market with its vault, LP mint and LP escrow.

use crate::create::Creation;
use crate::errors::{fail, PerpError};
use crate::events::{self, MarketCreated};
use crate::mint;
use crate::oracle;
use crate::state::{market, seeds, Exchange, Market, OracleSource};
use crate::token::Maker;
use anchor_lang::prelude::*;
use inverse_perps_engine as engine;
use inverse_perps_engine::market::Fills;

/// What a market is made of. Mint and oracle never change.
#[derive(AnchorSerialize, AnchorDeserialize, Clone, Copy, Debug)]
pub struct CreateMarketArgs {
    /// Which one of its mint.
    pub index: u16,
    /// Where its price comes from.
    pub oracle: OracleSource,
    /// Parameters, within their hard bounds.
    pub params: engine::Params,
    /// Whether trades fill at once too, not by orders alone.
    pub instant_fills: bool,
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
    /// CHECK: the wrapped BTC, as `mint::ensure_collateral` demands.
    pub mint: UncheckedAccount<'info>,
    /// CHECK: will be the market.
    #[account(
        mut,
        seeds = [seeds::MARKET, mint.key().as_ref(), &args.index.to_le_bytes()],
        bump
    )]
    pub market: UncheckedAccount<'info>,
    /// CHECK: will be the token account of all its BTC.
    #[account(mut, seeds = [seeds::VAULT, market.key().as_ref()], bump)]
    pub vault: UncheckedAccount<'info>,
    /// CHECK: will be the mint of pool shares.
    #[account(mut, seeds = [seeds::LP_MINT, market.key().as_ref()], bump)]
    pub lp_mint: UncheckedAccount<'info>,
    /// CHECK: will be where shares wait for their withdrawal.
    #[account(mut, seeds = [seeds::LP_ESCROW, market.key().as_ref()], bump)]
    pub lp_escrow: UncheckedAccount<'info>,
    /// CHECK: a price account of the source, as `oracle::read` demands.
    pub price: UncheckedAccount<'info>,
    /// CHECK: SPL Token.
    pub token_program: UncheckedAccount<'info>,
    /// The system program.
    pub system_program: Program<'info, System>,
}

impl CreateMarket<'_> {
    fn validate(&self, args: &CreateMarketArgs) -> Result<()> {
        mint::ensure_collateral(&self.mint)?;
        require_keys_eq!(self.token_program.key(), anchor_spl::token::ID, ErrorCode::InvalidProgramId);
        let pulls = matches!(args.oracle, OracleSource::PythPull { .. });
        require!(pulls || args.instant_fills, PerpError::LegacyFillsInstantly);
        let (kind, source) = Market::encode_oracle(args.oracle);
        oracle::read(kind, &source, &self.price)?;
        args.params.validate(self.exchange.timelock()).map_err(fail)
    }

    fn make_token_accounts(&self, bumps: &CreateMarketBumps) -> Result<()> {
        let key = self.market.key();
        let maker = Maker { payer: &self.admin, authority: key };
        maker.account(&self.vault, &[seeds::VAULT, key.as_ref(), &[bumps.vault]], &self.mint)?;
        maker.mint(&self.lp_mint, &[seeds::LP_MINT, key.as_ref(), &[bumps.lp_mint]])?;
        maker.account(&self.lp_escrow, &[seeds::LP_ESCROW, key.as_ref(), &[bumps.lp_escrow]], &self.lp_mint)
    }
}

/// Handles `create_market`.
///
/// # Errors
/// `NotAdmin`, `LegacyFillsInstantly`, those of `mint::ensure_collateral`, of the oracle account and of the parameters' bounds.
pub fn create_market(ctx: Context<CreateMarket>, args: CreateMarketArgs) -> Result<()> {
    ctx.accounts.validate(&args)?;
    ctx.accounts.make_token_accounts(&ctx.bumps)?;
    let accounts = &ctx.accounts;
    let (mint_key, index, bump) = (accounts.mint.key(), args.index.to_le_bytes(), [ctx.bumps.market]);
    let seeds: &[&[u8]] = &[seeds::MARKET, mint_key.as_ref(), &index, &bump];
    let mut market = Creation { payer: &accounts.admin, account: &accounts.market, seeds }.zero_copy::<Market>()?;
    market.version = Market::VERSION;
    market.bump = ctx.bumps.market;
    market.index = args.index;
    (market.oracle_kind, market.oracle) = Market::encode_oracle(args.oracle);
    market.mint = mint_key;
    market.vault = accounts.vault.key();
    market.lp_mint = accounts.lp_mint.key();
    market.lp_escrow = accounts.lp_escrow.key();
    let fills = if args.instant_fills { Fills::Instant } else { Fills::OrdersOnly };
    market.state = engine::Market::new(args.params, fills, market::now()?.time);
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
