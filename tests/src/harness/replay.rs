//! A market's ledger rebuilt from its events alone.

use inverse_perps::events::Head;
use inverse_perps_engine::ledger::Ledger;
use perps::client::events::Event;

/// What the events so far add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    /// The number of the last event.
    pub sequence: u64,
    /// Margin, pool, insurance, protocol fees, funds.
    balances: [i128; 5],
}

impl Replay {
    /// Takes in the next event; its number must follow the last one's and its balances must be what the changes add up to.
    pub fn apply(&mut self, event: &Event, head: &Head, what: &str) {
        assert_eq!(head.sequence, self.sequence + 1, "{what}: I10: an event is missing before {event:?}");
        self.sequence = head.sequence;
        let Some(change) = event.ledger() else { return };
        let delta = change.delta_sats;
        let deltas = [delta.margin, delta.pool, delta.insurance, delta.protocol_fees, delta.funds];
        for (balance, delta) in self.balances.iter_mut().zip(deltas) {
            *balance += i128::from(delta.get());
        }
        assert_eq!(self.balances, balances(&change.after_sats), "{what}: I10: changes and balances disagree in {event:?}");
    }

    /// A fixture has written the ledger by hand.
    pub fn overwrite(&mut self, ledger: &Ledger) {
        self.balances = balances(ledger);
    }

    /// That the events tell the whole story of the ledger.
    pub fn assert_agrees(&self, sequence: u64, ledger: &Ledger, what: &str) {
        assert_eq!(self.sequence, sequence, "{what}: I10: the market counts another number of events than were seen");
        assert_eq!(self.balances, balances(ledger), "{what}: I10: the ledger changed without an event that says so");
    }
}

fn balances(ledger: &Ledger) -> [i128; 5] {
    [ledger.margin, ledger.pool, ledger.insurance, ledger.protocol_fees, ledger.funds].map(|sats| i128::from(sats.get()))
}
