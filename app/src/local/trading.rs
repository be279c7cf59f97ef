//! The instructions of one trader on one chain.

use super::{LocalChain, Trader};
use crate::client::instructions::{self, LiquidityDeposit, Withdrawal};
use inverse_perps::instructions::{DecreasePositionArgs, IncreasePositionArgs, PositionDirection};
use solana_address::Address;
use solana_instruction::Instruction;

impl LocalChain {
    /// Adds margin to a trader's position.
    pub fn deposit(&self, trader: &Trader, sats: u64) -> Instruction {
        instructions::deposit_collateral(&self.keys, trader.address(), trader.position, trader.tokens, sats)
    }

    /// Takes margin out to the trader's tokens.
    pub fn withdraw(&self, trader: &Trader, sats: u64) -> Instruction {
        let withdrawal = Withdrawal {
            owner: trader.address(),
            position: trader.position,
            destination: trader.tokens,
            price: Some(self.price),
        };
        instructions::withdraw_collateral(&self.keys, withdrawal, sats)
    }

    /// Opens or enlarges, at any price, until this second.
    pub fn increase(&self, trader: &Trader, direction: PositionDirection, notional_e6: u64) -> Instruction {
        let limit_price_e8 = instructions::any_price_to_open(direction);
        let args = IncreasePositionArgs { direction, notional_e6, limit_price_e8, deadline: self.time() };
        instructions::increase_position(&self.keys, trader.address(), trader.position, self.price, args)
    }

    /// Reduces or, without a size, closes, at any price, until this second.
    pub fn decrease(&self, trader: &Trader, direction: PositionDirection, notional_e6: Option<u64>) -> Instruction {
        let limit_price_e8 = instructions::any_price_to_close(direction);
        let args = DecreasePositionArgs { notional_e6, limit_price_e8, deadline: self.time() };
        instructions::decrease_position(&self.keys, trader.address(), trader.position, self.price, args)
    }

    /// Deposits into the pool; the shares go to `destination`.
    pub fn deposit_liquidity(&self, depositor: &Trader, destination: Address, sats: u64) -> Instruction {
        let deposit =
            LiquidityDeposit { depositor: depositor.address(), source: depositor.tokens, destination, price: self.price };
        instructions::deposit_liquidity(&self.keys, deposit, sats, 1)
    }

    /// Liquidates; the reward goes to the liquidator's tokens.
    pub fn liquidate(&self, position: Address, destination: Address) -> Instruction {
        instructions::liquidate(&self.keys, position, destination, self.price)
    }

    /// Accrues.
    pub fn accrue(&self) -> Instruction {
        instructions::accrue_funding(&self.keys, self.price)
    }

    /// Settles.
    pub fn settle(&self, position: Address) -> Instruction {
        instructions::settle_position(&self.keys, position, self.price)
    }

    /// Gives to insurance.
    pub fn fund_insurance(&self, donor: &Trader, sats: u64) -> Instruction {
        instructions::fund_insurance(&self.keys, donor.address(), donor.tokens, sats)
    }
}
