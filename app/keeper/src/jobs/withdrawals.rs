//! Shares of the pool whose owners have let their window pass.

use crate::task::{stamp, Action, Task};
use crate::world::Look;
use inverse_perps_engine::units::UnixTime;
use perps::client::addresses::associated_tokens;
use solana_address::Address;

const FIRST: Address = Address::new_from_array([0; 32]);

/// Returns each to its owner's associated account of shares, if the engine agrees that its window has passed. An owner who has closed that
/// account gets nothing back this way: to create it would let anyone have this keeper pay rent that he can take.
pub(super) fn tasks(look: &Look) -> Vec<Task> {
    let book = look.book;
    let passed =
        book.windows.range(..(look.at.time, FIRST)).filter_map(|(_, address)| Some((address, book.withdrawals.get(address)?)));
    let due = passed.filter_map(|(address, held)| {
        let withdrawal = &held.account;
        let mut market = book.market.state;
        market.return_withdrawal(&withdrawal.state, look.at).ok()?;
        let destination = associated_tokens(&withdrawal.owner, &book.place.keys.lp_mint);
        let action = Action::ReturnWithdrawal { address: *address, payer: withdrawal.payer, destination };
        Some(look.task(
            action,
            Default::default(),
            true,
            stamp((held.slot, UnixTime::get(book.market.state.prices.liquidity_time))),
        ))
    });
    due.collect()
}
