//! Events out of a transaction's logs.

use anchor_lang::{AnchorDeserialize, Discriminator};
use base64::Engine;
use inverse_perps::events::{
    Accrued, ClaimRedeemed, CollateralDeposited, CollateralWithdrawn, DelegateRevoked, DelegateSet, Deleveraged,
    ExchangeInitialized, Head, InsuranceFunded, LedgerChange, LiquidityDeposited, LiquidityDonated, MarketCreated,
    OracleDeclaredDead, OracleRevived, OrderExecuted, OrderFilled, OrderPlaced, OrderRemoved, OrderTriggered,
    PositionAccountClosed, PositionClosedOut, PositionCreated, PositionDecreased, PositionIncreased, PositionLiquidated,
    PositionPaidOut, PositionSettled, ProtocolFeesCollected, SettleTipPaid, SettlementAccountClosed, SettlementFinished,
    SettlementPriceShown, SettlingStarted, WithdrawalCompleted, WithdrawalRequested, WithdrawalReturned,
};
use inverse_perps::events::{
    AdminChanged, AdminNominated, GuardianChanged, ParamsChanged, ParamsProposed, PauseConfirmed, ProposalCancelled,
    RiskPaused, RiskResumed,
};
use solana_address::Address;

macro_rules! events {
    ($($name:ident),* $(,)?) => {
        /// Any event of the program.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $(#[doc = concat!("`", stringify!($name), "`")] $name($name),)*
        }

        impl Event {
            /// Its name, such as `OrderFilled`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Event::$name(_) => stringify!($name),)*
                }
            }

            fn fields(&self) -> serde_json::Result<serde_json::Value> {
                match self {
                    $(Event::$name(event) => serde_json::to_value(event),)*
                }
            }
        }

        /// The names of all events.
        pub const NAMES: &[&str] = &[$(stringify!($name),)*];

        /// The event in these bytes, if it is one of the program's.
        pub fn decode(bytes: &[u8]) -> Option<Event> {
            let (discriminator, mut body) = bytes.split_at_checked(8)?;
            match discriminator {
                $(_ if discriminator == $name::DISCRIMINATOR => $name::deserialize(&mut body).ok().map(Event::$name),)*
                _ => None,
            }
        }
    };
}
events!(
    ExchangeInitialized,
    MarketCreated,
    PositionCreated,
    PositionAccountClosed,
    CollateralDeposited,
    CollateralWithdrawn,
    LiquidityDeposited,
    InsuranceFunded,
    Accrued,
    PositionSettled,
    PositionIncreased,
    PositionDecreased,
    PositionLiquidated,
    Deleveraged,
    ProtocolFeesCollected,
    LiquidityDonated,
    WithdrawalRequested,
    WithdrawalCompleted,
    WithdrawalReturned,
    SettlingStarted,
    PositionClosedOut,
    SettleTipPaid,
    SettlementFinished,
    ClaimRedeemed,
    SettlementAccountClosed,
    PositionPaidOut,
    OracleDeclaredDead,
    OracleRevived,
    SettlementPriceShown,
    OrderPlaced,
    OrderTriggered,
    OrderFilled,
    OrderExecuted,
    OrderRemoved,
    DelegateSet,
    DelegateRevoked,
    AdminNominated,
    AdminChanged,
    GuardianChanged,
    ParamsProposed,
    ParamsChanged,
    ProposalCancelled,
    RiskPaused,
    PauseConfirmed,
    RiskResumed,
);

impl Event {
    /// What it did to its market's ledger; none for events that leave it alone.
    pub fn ledger(&self) -> Option<&LedgerChange> {
        match self {
            Event::CollateralDeposited(event) => Some(&event.ledger),
            Event::CollateralWithdrawn(event) => Some(&event.ledger),
            Event::LiquidityDeposited(event) => Some(&event.ledger),
            Event::InsuranceFunded(event) => Some(&event.ledger),
            Event::PositionSettled(event) => Some(&event.ledger),
            Event::PositionIncreased(event) => Some(&event.ledger),
            Event::PositionDecreased(event) => Some(&event.ledger),
            Event::PositionLiquidated(event) => Some(&event.ledger),
            Event::ProtocolFeesCollected(event) => Some(&event.ledger),
            Event::LiquidityDonated(event) => Some(&event.ledger),
            Event::WithdrawalCompleted(event) => Some(&event.ledger),
            Event::PositionClosedOut(event) => Some(&event.ledger),
            Event::SettleTipPaid(event) => Some(&event.ledger),
            Event::SettlementFinished(event) => Some(&event.ledger),
            Event::ClaimRedeemed(event) => Some(&event.ledger),
            Event::PositionPaidOut(event) => Some(&event.ledger),
            Event::OrderFilled(event) => Some(&event.ledger),
            Event::OrderExecuted(event) => Some(&event.ledger),
            Event::OrderRemoved(event) => Some(&event.ledger),
            _ => None,
        }
    }

    /// Its market and its number there; none for the exchange's.
    pub fn head(&self) -> Option<&Head> {
        Some(match self {
            Event::ExchangeInitialized(_) | Event::AdminNominated(_) | Event::AdminChanged(_) | Event::GuardianChanged(_) => {
                return None
            }
            Event::MarketCreated(event) => &event.head,
            Event::PositionCreated(event) => &event.head,
            Event::PositionAccountClosed(event) => &event.head,
            Event::CollateralDeposited(event) => &event.head,
            Event::CollateralWithdrawn(event) => &event.head,
            Event::LiquidityDeposited(event) => &event.head,
            Event::InsuranceFunded(event) => &event.head,
            Event::Accrued(event) => &event.head,
            Event::PositionSettled(event) => &event.head,
            Event::PositionIncreased(event) => &event.head,
            Event::PositionDecreased(event) => &event.head,
            Event::PositionLiquidated(event) => &event.head,
            Event::Deleveraged(event) => &event.head,
            Event::ProtocolFeesCollected(event) => &event.head,
            Event::LiquidityDonated(event) => &event.head,
            Event::WithdrawalRequested(event) => &event.head,
            Event::WithdrawalCompleted(event) => &event.head,
            Event::WithdrawalReturned(event) => &event.head,
            Event::SettlingStarted(event) => &event.head,
            Event::PositionClosedOut(event) => &event.head,
            Event::SettleTipPaid(event) => &event.head,
            Event::SettlementFinished(event) => &event.head,
            Event::ClaimRedeemed(event) => &event.head,
            Event::SettlementAccountClosed(event) => &event.head,
            Event::PositionPaidOut(event) => &event.head,
            Event::OracleDeclaredDead(event) => &event.head,
            Event::OracleRevived(event) => &event.head,
            Event::SettlementPriceShown(event) => &event.head,
            Event::OrderPlaced(event) => &event.head,
            Event::OrderTriggered(event) => &event.head,
            Event::OrderFilled(event) => &event.head,
            Event::OrderExecuted(event) => &event.head,
            Event::OrderRemoved(event) => &event.head,
            Event::DelegateSet(event) => &event.head,
            Event::DelegateRevoked(event) => &event.head,
            Event::ParamsProposed(event) => &event.head,
            Event::ParamsChanged(event) => &event.head,
            Event::ProposalCancelled(event) => &event.head,
            Event::RiskPaused(event) => &event.head,
            Event::PauseConfirmed(event) => &event.head,
            Event::RiskResumed(event) => &event.head,
        })
    }

    /// The event as a JSON object: its fields as the program names them, `event` with its name; addresses in base 58.
    pub fn to_json(&self) -> serde_json::Value {
        let mut fields = self.fields().unwrap_or_default(); // writing integers to memory does not fail
        readable(&mut fields);
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("event".to_owned(), self.name().into());
        }
        fields
    }

    /// Its number in its market; none for the exchange's.
    pub fn sequence(&self) -> Option<u64> {
        self.head().map(|head| head.sequence)
    }
}

/// The program's events in a transaction's logs, in order.
pub fn in_logs(logs: &[String]) -> Vec<Event> {
    let data = logs.iter().filter_map(|line| line.strip_prefix("Program data: "));
    data.filter_map(|text| base64::engine::general_purpose::STANDARD.decode(text).ok())
        .filter_map(|bytes| decode(&bytes))
        .collect()
}

/// Turns addresses, which are written as 32 bytes, into base 58.
fn readable(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => fields.values_mut().for_each(readable),
        serde_json::Value::Array(items) => {
            let byte = |item: &serde_json::Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
            let bytes: Option<Vec<u8>> = items.iter().map(byte).collect();
            match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) {
                Some(address) => *value = Address::new_from_array(address).to_string().into(),
                None => items.iter_mut().for_each(readable),
            }
        }
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, Accrued, Discriminator};

    #[test]
    fn an_event_is_json_that_people_and_machines_read() {
        // Market and sequence, five words, four double words.
        let mut bytes = [Accrued::DISCRIMINATOR, &[0; 40 + 5 * 8 + 4 * 16]].concat();
        bytes[8 + 32] = 7;
        bytes[8 + 80..8 + 96].fill(0xff); // the long side's cost index: minus one
        bytes[8 + 120] = 1; // the upper word of what longs owe
        let json = decode(&bytes).expect("an event").to_json();
        assert_eq!(json["event"], "Accrued");
        assert_eq!(json["head"]["market"], "11111111111111111111111111111111");
        assert_eq!(json["head"]["sequence"], 7);
        assert_eq!(json["long_cost_index"], "-1");
        assert_eq!(json["long_cost_owed"], "18446744073709551616");
    }
}
