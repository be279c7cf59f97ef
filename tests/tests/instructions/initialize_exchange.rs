//! `initialize_exchange`

use crate::accounts::{unsigned, with_account};
use inverse_perps::instructions::InitializeExchangeArgs;
use inverse_perps_tests::harness::prelude::*;
use perps::client::addresses::program_data;
use perps::client::{accounts, exchange};

#[tokio::test(flavor = "multi_thread")]
async fn creates_the_exchange_once() {
    // Given a program deployed by its admin,
    let mut chain = Chain::bare().await;
    let admin = chain.admin.insecure_clone();
    let [guardian, fee_recipient] = [Address::new_unique(), Address::new_unique()];
    let args = InitializeExchangeArgs { admin: admin.pubkey(), guardian, fee_recipient, timelock_seconds: 30 * 86_400 };

    // when the upgrade authority initializes it, with the longest timelock there is,
    let initialize = instructions::initialize_exchange(admin.pubkey(), args);
    let sent = chain.succeed("initialize", from_ref(&initialize), &[&admin]).await;

    // then the exchange says who governs, and so does the event,
    let stored = accounts::exchange(&chain.account(&exchange()).await.expect("the exchange exists").data).expect("an exchange");
    assert_eq!((stored.version, stored.admin, stored.guardian), (1, admin.pubkey(), guardian));
    assert_eq!((stored.fee_recipient, stored.timelock_seconds), (fee_recipient, 2_592_000));
    assert_eq!((stored.pending_admin, stored.admin_epoch, stored.reserved), (Address::default(), 0, [0; 60]));
    let Event::ExchangeInitialized(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.exchange, event.admin, event.guardian), (exchange(), admin.pubkey(), guardian));
    assert_eq!((event.fee_recipient, event.timelock_seconds), (fee_recipient, 2_592_000));

    // and nobody initializes it again, not even with other words.
    chain.refuse("again", &[initialize], &[&admin], Refusal::ADDRESS_IN_USE).await;
    let again = instructions::initialize_exchange(admin.pubkey(), chain.governed_by_admin());
    chain.refuse("again, otherwise", &[again], &[&admin], Refusal::ADDRESS_IN_USE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_the_upgrade_authority_and_a_bounded_timelock() {
    let mut chain = Chain::bare().await;
    let admin = chain.admin.insecure_clone();
    let thief = chain.somebody();
    let args = chain.governed_by_admin();
    let initialize = |who: Address, timelock_seconds| {
        instructions::initialize_exchange(who, InitializeExchangeArgs { timelock_seconds, ..args })
    };

    chain.refuse("by somebody else", &[initialize(thief.pubkey(), 1)], &[&thief], PerpError::NotUpgradeAuthority).await;
    let silent = unsigned(&initialize(admin.pubkey(), 1), 0);
    chain.refuse("without the signature", &[silent], &[], ErrorCode::AccountNotSigner).await;

    // Program data of another program of the thief's: a real account of the right loader, but not this program's.
    let mut foreign = chain.account(&program_data()).await.expect("the program has program data");
    foreign.data[13..45].copy_from_slice(thief.pubkey().as_ref());
    let elsewhere = Address::new_unique();
    chain.set_account(&elsewhere, foreign);
    let forged = with_account(&initialize(thief.pubkey(), 1), 2, elsewhere);
    chain.refuse("with another program's data", &[forged], &[&thief], PerpError::NotUpgradeAuthority).await;

    for (what, seconds) in [("no timelock", 0), ("a second above 30 days", 2_592_001), ("the longest number", u32::MAX)] {
        let endless = initialize(admin.pubkey(), seconds);
        chain.refuse(what, &[endless], &[&admin], PerpError::TimelockOutOfBounds).await;
    }
    chain.succeed("a second of timelock", &[initialize(admin.pubkey(), 1)], &[&admin]).await;
}
