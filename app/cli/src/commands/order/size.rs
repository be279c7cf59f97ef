//! How many bytes a transaction has, and how instructions are cut into transactions that fit.

use solana_address::Address;
use solana_instruction::Instruction;
use solana_message::Message;

/// A packet's payload: 1,280 bytes of IPv6 less its headers.
pub const MOST_BYTES: usize = 1_232;
const SIGNATURE_BYTES: usize = 64;
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");

/// The compute limit and price that every transaction is sent with: a byte that says which, and its number.
fn budget() -> [Instruction; 2] {
    [5, 9].map(|bytes| Instruction { program_id: COMPUTE_BUDGET, accounts: vec![], data: vec![0; bytes] })
}

/// Bytes of a transaction of these instructions, with those of the compute budget.
pub fn bytes(payer: &Address, instructions: &[Instruction]) -> usize {
    let all: Vec<Instruction> = budget().into_iter().chain(instructions.iter().cloned()).collect();
    let message = Message::new(&all, Some(payer));
    let signatures = usize::from(message.header.num_required_signatures).saturating_mul(SIGNATURE_BYTES);
    message.serialize().len().saturating_add(signatures).saturating_add(1)
}

/// The instructions in as few transactions as keep their order and fit; one that fits nowhere stands alone.
pub fn split(payer: &Address, instructions: Vec<Instruction>) -> Vec<Vec<Instruction>> {
    let mut parts: Vec<Vec<Instruction>> = vec![];
    for instruction in instructions {
        if let Some(last) = parts.last_mut() {
            last.push(instruction);
            if bytes(payer, last) <= MOST_BYTES {
                continue;
            }
            let moved = last.split_off(last.len().saturating_sub(1));
            parts.push(moved);
        } else {
            parts.push(vec![instruction]);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use inverse_perps::instructions::{OrderAmount, PositionDirection};
    use perps::client::addresses::MarketKeys;
    use perps::client::instructions::{create_position, deposit_collateral};
    use perps::client::orders::{market_terms, place_order, Placing};

    fn address(byte: u8) -> Address {
        Address::new_from_array([byte; 32])
    }

    fn filler(byte: u8, data: usize) -> Instruction {
        Instruction { program_id: address(byte), accounts: vec![], data: vec![byte; data] }
    }

    #[test]
    fn bytes_are_those_of_the_format() {
        // Signatures: a length and 64. Message: 3 of header, a length and 3 keys (payer, budget, program), blockhash, a length, and
        // three instructions of program, two lengths and data.
        let expected = (1 + 64) + 3 + (1 + 3 * 32) + 32 + 1 + (3 + 5) + (3 + 9) + (3 + 100);
        assert_eq!(bytes(&address(1), &[filler(2, 100)]), expected);
    }

    #[test]
    fn what_does_not_fit_goes_into_the_next_in_order() {
        let parts = split(&address(1), (2..7).map(|byte| filler(byte, 400)).collect());
        let order: Vec<Vec<u8>> = parts.iter().map(|part| part.iter().map(|one| one.data[0]).collect()).collect();
        assert_eq!(order, [vec![2, 3], vec![4, 5], vec![6]]);
        assert!(parts.iter().all(|part| bytes(&address(1), part) <= MOST_BYTES));
    }

    #[test]
    fn account_margin_stop_take_profit_and_opening_fit_into_one() {
        let (keys, trader, source) = (MarketKeys::find(address(1), 0), address(2), address(3));
        let position = keys.position(&trader, 0);
        let place = |id, linked_with, amount| {
            let placing = Placing { trader, position, id, price: address(4), linked_with };
            place_order(&keys, placing, &market_terms(PositionDirection::Long, amount, 200))
        };
        let all = vec![
            create_position(&keys, trader, 0),
            deposit_collateral(&keys, trader, position, source, 1),
            place(0, None, OrderAmount::Close),
            place(1, Some(0), OrderAmount::Close),
            place(2, None, OrderAmount::Increase(1_000_000)),
        ];
        assert_eq!(split(&trader, all).len(), 1);
    }
}
