//! One builder an instruction.

use super::addresses::{exchange, program, program_data, MarketKeys, TOKEN_PROGRAM};
use anchor_lang::{InstructionData, ToAccountMetas};
use inverse_perps::instructions::{CreateMarketArgs, DecreasePositionArgs, IncreasePositionArgs, InitializeExchangeArgs};
use inverse_perps::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

fn build(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id: program(), accounts: accounts.to_account_metas(None), data: data.data() }
}

const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// Creates the exchange; `authority` is the program's upgrade authority.
pub fn initialize_exchange(authority: Address, args: InitializeExchangeArgs) -> Instruction {
    let accounts = accounts::InitializeExchange {
        authority,
        exchange: exchange(),
        program: program(),
        program_data: program_data(),
        system_program: SYSTEM_PROGRAM,
    };
    build(accounts, instruction::InitializeExchange { args })
}

/// Creates a market.
pub fn create_market(admin: Address, mint: Address, price: Address, args: CreateMarketArgs) -> Instruction {
    let keys = MarketKeys::find(mint, args.index);
    let accounts = accounts::CreateMarket {
        admin,
        exchange: exchange(),
        mint,
        market: keys.market,
        vault: keys.vault,
        lp_mint: keys.lp_mint,
        price,
        token_program: TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
    };
    build(accounts, instruction::CreateMarket { args })
}

/// Opens a margin account.
pub fn create_position(keys: &MarketKeys, owner: Address, sub_account: u16) -> Instruction {
    let position = keys.position(&owner, sub_account);
    let accounts = accounts::CreatePosition { owner, market: keys.market, position, system_program: SYSTEM_PROGRAM };
    build(accounts, instruction::CreatePosition { sub_account })
}

/// Closes an empty margin account.
pub fn close_position_account(keys: &MarketKeys, owner: Address, position: Address) -> Instruction {
    build(accounts::ClosePositionAccount { owner, market: keys.market, position }, instruction::ClosePositionAccount {})
}

/// Adds margin.
pub fn deposit_collateral(
    keys: &MarketKeys,
    depositor: Address,
    position: Address,
    source: Address,
    amount_sats: u64,
) -> Instruction {
    let accounts = accounts::DepositCollateral {
        depositor,
        market: keys.market,
        position,
        vault: keys.vault,
        source,
        token_program: TOKEN_PROGRAM,
    };
    build(accounts, instruction::DepositCollateral { amount_sats })
}

/// Where a withdrawal comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Owner of the position.
    pub owner: Address,
    /// The position.
    pub position: Address,
    /// The token account that is paid.
    pub destination: Address,
    /// The price account, needed beside an open position.
    pub price: Option<Address>,
}

/// Takes margin out.
pub fn withdraw_collateral(keys: &MarketKeys, withdrawal: Withdrawal, amount_sats: u64) -> Instruction {
    let Withdrawal { owner, position, destination, price } = withdrawal;
    let accounts = accounts::WithdrawCollateral {
        owner,
        market: keys.market,
        position,
        vault: keys.vault,
        destination,
        token_program: TOKEN_PROGRAM,
        price,
    };
    build(accounts, instruction::WithdrawCollateral { amount_sats })
}

/// Opens or enlarges a position.
pub fn increase_position(
    keys: &MarketKeys,
    owner: Address,
    position: Address,
    price: Address,
    args: IncreasePositionArgs,
) -> Instruction {
    build(accounts::TradePosition { owner, market: keys.market, position, price }, instruction::IncreasePosition { args })
}

/// Reduces or closes a position.
pub fn decrease_position(
    keys: &MarketKeys,
    owner: Address,
    position: Address,
    price: Address,
    args: DecreasePositionArgs,
) -> Instruction {
    build(accounts::TradePosition { owner, market: keys.market, position, price }, instruction::DecreasePosition { args })
}

/// Where a deposit to the pool comes from and its shares go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidityDeposit {
    /// Pays.
    pub depositor: Address,
    /// The depositor's token account.
    pub source: Address,
    /// A token account for the shares.
    pub destination: Address,
    /// The price account.
    pub price: Address,
}

/// Deposits into the pool.
pub fn deposit_liquidity(keys: &MarketKeys, deposit: LiquidityDeposit, amount_sats: u64, min_shares: u64) -> Instruction {
    let LiquidityDeposit { depositor, source, destination, price } = deposit;
    let accounts = accounts::DepositLiquidity {
        depositor,
        market: keys.market,
        vault: keys.vault,
        source,
        lp_mint: keys.lp_mint,
        destination,
        token_program: TOKEN_PROGRAM,
        price,
    };
    build(accounts, instruction::DepositLiquidity { amount_sats, min_shares })
}

/// Accrues funding and borrow fee.
pub fn accrue_funding(keys: &MarketKeys, price: Address) -> Instruction {
    build(accounts::AccrueFunding { market: keys.market, price }, instruction::AccrueFunding {})
}

/// Writes to a position what is due.
pub fn settle_position(keys: &MarketKeys, position: Address, price: Address) -> Instruction {
    build(accounts::SettlePosition { market: keys.market, position, price }, instruction::SettlePosition {})
}

/// Liquidates a position; the reward goes to `destination`.
pub fn liquidate(keys: &MarketKeys, position: Address, destination: Address, price: Address) -> Instruction {
    let accounts = accounts::Liquidate {
        market: keys.market,
        position,
        vault: keys.vault,
        destination,
        token_program: TOKEN_PROGRAM,
        price,
    };
    build(accounts, instruction::Liquidate {})
}

/// Gives to the insurance fund.
pub fn fund_insurance(keys: &MarketKeys, donor: Address, source: Address, amount_sats: u64) -> Instruction {
    let accounts =
        accounts::FundInsurance { donor, market: keys.market, vault: keys.vault, source, token_program: TOKEN_PROGRAM };
    build(accounts, instruction::FundInsurance { amount_sats })
}
