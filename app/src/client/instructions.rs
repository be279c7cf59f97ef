//! One builder an instruction; those of governance are in `governance`.

use super::addresses::{
    associated_tokens, exchange, program, program_data, MarketKeys, ASSOCIATED_TOKEN_PROGRAM, TOKEN_PROGRAM,
};
use anchor_lang::{InstructionData, ToAccountMetas};
use inverse_perps::instructions::{
    CreateMarketArgs, DecreasePositionArgs, IncreasePositionArgs, InitializeExchangeArgs, PositionDirection,
};
use inverse_perps::{accounts, instruction};
use solana_address::Address;
use solana_instruction::Instruction;

pub(super) fn build(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    Instruction { program_id: program(), accounts: accounts.to_account_metas(None), data: data.data() }
}

/// The same without the optional accounts that are missing at the end.
pub(super) fn shortened(accounts: impl ToAccountMetas, data: impl InstructionData) -> Instruction {
    let mut instruction = build(accounts, data);
    while instruction.accounts.last().is_some_and(|meta| meta.pubkey == program()) {
        instruction.accounts.pop();
    }
    instruction
}

pub(super) const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

/// Creates the exchange; `authority` is the program's upgrade authority.
pub fn initialize_exchange(authority: Address, args: InitializeExchangeArgs) -> Instruction {
    let accounts = accounts::InitializeExchange {
        authority,
        exchange: exchange(),
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
        lp_escrow: keys.lp_escrow,
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

/// The limit of an increase that no price breaks: a buyer's is the highest there is.
pub fn any_price_to_open(direction: PositionDirection) -> u64 {
    match direction {
        PositionDirection::Long => u64::MAX,
        PositionDirection::Short => 0,
    }
}

/// The limit of a decrease that no price breaks: a seller's is the lowest there is.
pub fn any_price_to_close(direction: PositionDirection) -> u64 {
    match direction {
        PositionDirection::Long => 0,
        PositionDirection::Short => u64::MAX,
    }
}

/// Opens or enlarges a position at once; the owner or the delegate trades.
pub fn increase_position(
    keys: &MarketKeys,
    trader: Address,
    position: Address,
    price: Address,
    args: IncreasePositionArgs,
) -> Instruction {
    build(accounts::TradePosition { trader, market: keys.market, position, price }, instruction::IncreasePosition { args })
}

/// Reduces or closes a position at once; the owner or the delegate trades.
pub fn decrease_position(
    keys: &MarketKeys,
    trader: Address,
    position: Address,
    price: Address,
    args: DecreasePositionArgs,
) -> Instruction {
    build(accounts::TradePosition { trader, market: keys.market, position, price }, instruction::DecreasePosition { args })
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
    build(accounts::BringPrice { market: keys.market, price }, instruction::AccrueFunding {})
}

/// Writes to a position what is due, while the market trades.
pub fn settle_position(keys: &MarketKeys, position: Address, price: Address) -> Instruction {
    settle(keys, position, SettleWith { price: Some(price), ..SettleWith::default() })
}

/// What a `settle_position` is given besides its position; what is missing at the end is left off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettleWith {
    /// The price account, needed while the market trades.
    pub price: Option<Address>,
    /// The token account that gets the tip for closing a position in a settlement of the market.
    pub tip_to: Option<Address>,
    /// The epoch that the position has a claim of.
    pub claim_epoch: Option<u32>,
}

/// Settles a position in any state of the market.
pub fn settle(keys: &MarketKeys, position: Address, with: SettleWith) -> Instruction {
    let SettleWith { price, tip_to, claim_epoch } = with;
    let accounts = accounts::SettlePosition {
        market: keys.market,
        position,
        price,
        vault: tip_to.map(|_| keys.vault),
        destination: tip_to,
        token_program: tip_to.map(|_| TOKEN_PROGRAM),
        settlement: claim_epoch.map(|epoch| keys.settlement(epoch)),
    };
    shortened(accounts, instruction::SettlePosition {})
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
    let accounts = accounts::Donate { donor, market: keys.market, vault: keys.vault, source, token_program: TOKEN_PROGRAM };
    build(accounts, instruction::FundInsurance { amount_sats })
}

/// Gives to the pool.
pub fn donate_liquidity(keys: &MarketKeys, donor: Address, source: Address, amount_sats: u64) -> Instruction {
    let accounts = accounts::Donate { donor, market: keys.market, vault: keys.vault, source, token_program: TOKEN_PROGRAM };
    build(accounts, instruction::DonateLiquidity { amount_sats })
}

/// Puts an owner's pool shares into the queue; the owner pays the rent.
pub fn request_withdrawal(keys: &MarketKeys, owner: Address, source: Address, id: u64, shares: u64) -> Instruction {
    let accounts = accounts::RequestWithdrawal {
        owner,
        payer: owner,
        market: keys.market,
        withdrawal: keys.withdrawal(&owner, id),
        source,
        lp_escrow: keys.lp_escrow,
        token_program: TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
    };
    build(accounts, instruction::RequestWithdrawal { id, shares })
}

/// Which of an owner's withdrawals leaves the queue, and the token account that is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its owner, who paid the rent.
    pub owner: Address,
    /// Which one.
    pub id: u64,
    /// A token account: of wrapped BTC for a completion, of shares for a return.
    pub destination: Address,
}

/// Pays queued shares out; the price account is needed while the market trades.
pub fn complete_withdrawal(keys: &MarketKeys, leaving: Leaving, price: Option<Address>, min_sats: u64) -> Instruction {
    let Leaving { owner, id, destination } = leaving;
    let accounts = accounts::CompleteWithdrawal {
        owner,
        market: keys.market,
        withdrawal: keys.withdrawal(&owner, id),
        payer: owner,
        vault: keys.vault,
        lp_escrow: keys.lp_escrow,
        lp_mint: keys.lp_mint,
        destination,
        token_program: TOKEN_PROGRAM,
        price,
    };
    build(accounts, instruction::CompleteWithdrawal { min_sats })
}

/// Takes one's own shares out of the queue.
pub fn cancel_withdrawal(keys: &MarketKeys, leaving: Leaving) -> Instruction {
    build(give_back(keys, leaving.owner, leaving), instruction::CancelWithdrawal {})
}

/// Returns somebody's shares whose window has passed.
pub fn return_withdrawal(keys: &MarketKeys, caller: Address, leaving: Leaving) -> Instruction {
    build(give_back(keys, caller, leaving), instruction::ReturnWithdrawal {})
}

fn give_back(keys: &MarketKeys, caller: Address, leaving: Leaving) -> accounts::ReturnWithdrawal {
    let Leaving { owner, id, destination } = leaving;
    accounts::ReturnWithdrawal {
        caller,
        market: keys.market,
        withdrawal: keys.withdrawal(&owner, id),
        payer: owner,
        lp_escrow: keys.lp_escrow,
        destination,
        token_program: TOKEN_PROGRAM,
    }
}

/// Deleverages, or begins to settle the market, where that is due.
pub fn deleverage(keys: &MarketKeys, price: Address) -> Instruction {
    build(accounts::BringPrice { market: keys.market, price }, instruction::Deleverage {})
}

/// Ends the settlement of this epoch; the payer gets the rent back from `close_settlement`.
pub fn finish_settlement(keys: &MarketKeys, payer: Address, epoch: u32) -> Instruction {
    let settlement = keys.settlement(epoch);
    let accounts = accounts::FinishSettlement { payer, market: keys.market, settlement, system_program: SYSTEM_PROGRAM };
    build(accounts, instruction::FinishSettlement {})
}

/// Closes the account of a settlement whose claims are redeemed; `payer` paid its rent.
pub fn close_settlement(keys: &MarketKeys, payer: Address, epoch: u32) -> Instruction {
    let accounts = accounts::CloseSettlement { market: keys.market, settlement: keys.settlement(epoch), payer };
    build(accounts, instruction::CloseSettlement {})
}

/// Declares the oracle dead.
pub fn declare_dead(keys: &MarketKeys) -> Instruction {
    build(accounts::MarketAlone { market: keys.market }, instruction::DeclareDead {})
}

/// Shows a newer price to settle at.
pub fn show_settlement_price(keys: &MarketKeys, price: Address) -> Instruction {
    build(accounts::BringPrice { market: keys.market, price }, instruction::ShowSettlementPrice {})
}

/// Begins to settle a market with a dead oracle.
pub fn settle_market(keys: &MarketKeys) -> Instruction {
    build(accounts::MarketAlone { market: keys.market }, instruction::SettleMarket {})
}

/// Pays a position of a closed market out to its owner's associated token account.
pub fn pay_out(keys: &MarketKeys, payer: Address, position: Address, owner: Address, claim_epoch: Option<u32>) -> Instruction {
    let accounts = accounts::PayOut {
        payer,
        market: keys.market,
        position,
        owner,
        vault: keys.vault,
        destination: associated_tokens(&owner, &keys.mint),
        mint: keys.mint,
        token_program: TOKEN_PROGRAM,
        associated_token_program: ASSOCIATED_TOKEN_PROGRAM,
        system_program: SYSTEM_PROGRAM,
        settlement: claim_epoch.map(|epoch| keys.settlement(epoch)),
    };
    build(accounts, instruction::PayOut {})
}

/// Pays the protocol's fees to a token account of the exchange's recipient.
pub fn collect_protocol_fees(keys: &MarketKeys, destination: Address) -> Instruction {
    let accounts = accounts::CollectProtocolFees {
        exchange: exchange(),
        market: keys.market,
        vault: keys.vault,
        destination,
        token_program: TOKEN_PROGRAM,
    };
    build(accounts, instruction::CollectProtocolFees {})
}
