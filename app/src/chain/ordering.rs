//! The instructions of orders on one chain.

use super::{LocalChain, Trader};
use crate::client::orders::{self, Execution, OrderRef, OrderTerms, Placing};
use solana_address::Address;
use solana_instruction::Instruction;

impl LocalChain {
    /// Places an owner's order with this id, linked with another if said.
    pub fn place(&self, trader: &Trader, id: u32, linked_with: Option<u32>, terms: &OrderTerms) -> Instruction {
        let placing = Placing { trader: trader.address(), position: trader.position, id, price: self.price, linked_with };
        orders::place_order(&self.keys, placing, terms)
    }

    /// Takes an owner's order back.
    pub fn cancel_order(&self, trader: &Trader, id: u32) -> Instruction {
        orders::cancel_order(&self.keys, trader.address(), owned(trader, id))
    }

    /// Has `caller` remove a trader's order.
    pub fn expire_order(&self, caller: Address, trader: &Trader, id: u32) -> Instruction {
        orders::expire_order(&self.keys, caller, owned(trader, id))
    }

    /// Triggers a trader's order for a token account.
    pub fn trigger_order(&self, trader: &Trader, id: u32, destination: Address) -> Instruction {
        orders::trigger_order(&self.keys, trader.position, id, self.price, destination)
    }

    /// What executes a trader's order at the newest price: nobody has triggered it, and it is linked with none.
    pub fn execution(&self, trader: &Trader, id: u32, destination: Address) -> Execution {
        let (price, fill_price) = (self.price, None);
        Execution { order: owned(trader, id), price, fill_price, destination, triggerer: None, partner: None }
    }

    /// Executes an order as said.
    pub fn execute_order(&self, execution: Execution) -> Instruction {
        orders::execute_order(&self.keys, execution)
    }
}

/// An order whose rent its owner paid.
fn owned(trader: &Trader, id: u32) -> OrderRef {
    OrderRef { position: trader.position, id, payer: trader.address() }
}
