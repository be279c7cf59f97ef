//! The instructions of orders on one chain.

use super::{LocalChain, Trader};
use crate::client::orders::{self, Execution, OrderTerms};
use solana_address::Address;
use solana_instruction::Instruction;

impl LocalChain {
    /// Places an owner's order with this id, linked with another if said.
    pub fn place(&self, trader: &Trader, id: u32, linked_with: Option<u32>, terms: &OrderTerms) -> Instruction {
        orders::place_order(&self.keys, trader.placing(id, self.price, linked_with), terms)
    }

    /// Takes an owner's order back.
    pub fn cancel_order(&self, trader: &Trader, id: u32) -> Instruction {
        orders::cancel_order(&self.keys, trader.address(), trader.order(id))
    }

    /// Has `caller` remove a trader's order.
    pub fn expire_order(&self, caller: Address, trader: &Trader, id: u32) -> Instruction {
        orders::expire_order(&self.keys, caller, trader.order(id))
    }

    /// Triggers a trader's order for a token account.
    pub fn trigger_order(&self, trader: &Trader, id: u32, destination: Address) -> Instruction {
        orders::trigger_order(&self.keys, trader.position, id, self.price, destination)
    }

    /// What executes a trader's order at the newest price.
    pub fn execution(&self, trader: &Trader, id: u32, destination: Address) -> Execution {
        trader.execution(id, self.price, destination)
    }

    /// Executes an order as said.
    pub fn execute_order(&self, execution: Execution) -> Instruction {
        orders::execute_order(&self.keys, execution)
    }
}
