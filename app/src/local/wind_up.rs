//! The instructions by which profit, shares and margin leave a market that is strained, settles or is closed.

use super::{LocalChain, Trader};
use crate::client::instructions::{self, Leaving, SettleWith};
use solana_address::Address;
use solana_instruction::Instruction;

impl LocalChain {
    /// Deleverages, or begins to settle the market.
    pub fn deleverage(&self) -> Instruction {
        instructions::deleverage(&self.keys, self.price)
    }

    /// Closes a position of a settling market for its claim; the tip goes to `tip_to`.
    pub fn close_out(&self, position: Address, tip_to: Address) -> Instruction {
        let with = SettleWith { price: Some(self.price), tip_to: Some(tip_to), claim_epoch: None };
        instructions::settle(&self.keys, position, with)
    }

    /// Redeems a position's claim of an epoch.
    pub fn redeem(&self, position: Address, claim_epoch: u32) -> Instruction {
        let with = SettleWith { price: Some(self.price), tip_to: None, claim_epoch: Some(claim_epoch) };
        instructions::settle(&self.keys, position, with)
    }

    /// Ends the settlement of an epoch.
    pub fn finish_settlement(&self, payer: Address, epoch: u32) -> Instruction {
        instructions::finish_settlement(&self.keys, payer, epoch)
    }

    /// Closes the account of a settlement.
    pub fn close_settlement(&self, payer: Address, epoch: u32) -> Instruction {
        instructions::close_settlement(&self.keys, payer, epoch)
    }

    /// Pays a position of a closed market out to its owner.
    pub fn pay_out(&self, payer: Address, trader: &Trader, claim_epoch: Option<u32>) -> Instruction {
        instructions::pay_out(&self.keys, payer, trader.position, trader.address(), claim_epoch)
    }

    /// Collects the protocol's fees.
    pub fn collect_fees(&self, destination: Address) -> Instruction {
        instructions::collect_protocol_fees(&self.keys, destination)
    }

    /// Puts shares of the pool into the queue.
    pub fn request_withdrawal(&self, owner: Address, source: Address, id: u64, shares: u64) -> Instruction {
        instructions::request_withdrawal(&self.keys, owner, source, id, shares)
    }

    /// Pays queued shares out, whatever they are worth.
    pub fn complete_withdrawal(&self, leaving: Leaving) -> Instruction {
        instructions::complete_withdrawal(&self.keys, leaving, Some(self.price), 0)
    }

    /// Returns queued shares whose window has passed.
    pub fn return_withdrawal(&self, caller: Address, leaving: Leaving) -> Instruction {
        instructions::return_withdrawal(&self.keys, caller, leaving)
    }
}
