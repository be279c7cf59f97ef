//! `nominate_admin`, `accept_admin`, `set_guardian`

use crate::accounts::{lamports, read_only, unsigned, with_account};
use inverse_perps_tests::harness::prelude::*;
use perps::client::{accounts, exchange};
use solana_instruction::error::InstructionError;

fn nominate(admin: &Keypair, nominee: Address) -> Instruction {
    governance::nominate_admin(admin.pubkey(), nominee)
}

fn accept(nominee: &Keypair) -> Instruction {
    governance::accept_admin(nominee.pubkey())
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_the_admin_changes_in_two_steps() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let admin = chain.admin.insecure_clone();
    let nominee = chain.somebody();
    let before = chain.exchange().await;

    // When the admin nominates, then he is admin still, and the other one is not.
    let sent = chain.succeed("nominate", &[nominate(&admin, nominee.pubkey())], &[&admin]).await;
    let Event::AdminNominated(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.exchange, event.admin, event.nominee), (exchange(), admin.pubkey(), nominee.pubkey()));
    let stored = chain.exchange().await;
    assert_eq!((stored.admin, stored.pending_admin, stored.admin_epoch), (admin.pubkey(), nominee.pubkey(), 0));
    let by_nominee = [market.confirm(&nominee)];
    chain.refuse("not yet", &by_nominee, &[&nominee], PerpError::NotAdmin).await;

    // When the nominee accepts, then he is, and the other one is not any more.
    let sent = chain.succeed("accept", &[accept(&nominee)], &[&nominee]).await;
    let Event::AdminChanged(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.exchange, event.former_admin), (exchange(), admin.pubkey()));
    assert_eq!((event.admin, event.admin_epoch), (nominee.pubkey(), 1));
    let stored = chain.exchange().await;
    assert_eq!((stored.admin, stored.pending_admin, stored.admin_epoch), (nominee.pubkey(), Address::default(), 1));
    chain.succeed("by the new admin", &by_nominee, &[&nominee]).await;
    for instruction in [nominate(&admin, admin.pubkey()), market.resume(&admin), market.propose(&admin, still())] {
        chain.refuse("by the former admin", &[instruction], &[&admin], PerpError::NotAdmin).await;
    }
    chain.refuse("a second time", &[accept(&nominee)], &[&nominee], PerpError::NotNominee).await;

    // And nothing else of the exchange has changed.
    assert_eq!((stored.guardian, stored.fee_recipient), (before.guardian, before.fee_recipient));
    assert_eq!((stored.timelock_seconds, stored.version, stored.bump), (before.timelock_seconds, before.version, before.bump));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_admin_nominates_and_only_the_nominee_accepts() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let admin = chain.admin.insecure_clone();
    let guardian = chain.new_guardian().await;
    let [thief, nominee, other] = [chain.somebody(), chain.somebody(), chain.somebody()];

    for signer in [&thief, &guardian] {
        let own = nominate(signer, signer.pubkey());
        chain.refuse("nominate oneself", &[own], &[signer], PerpError::NotAdmin).await;
        let guard = governance::set_guardian(signer.pubkey(), signer.pubkey());
        chain.refuse("make oneself guardian", &[guard], &[signer], PerpError::NotAdmin).await;
        chain.refuse("accept unasked", &[accept(signer)], &[signer], PerpError::NotNominee).await;
    }
    let good = nominate(&admin, nominee.pubkey());
    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    chain.refuse("read-only", &[read_only(&good, 1)], &[&admin], ErrorCode::ConstraintMut).await;
    let elsewhere = Address::new_unique();
    let mut forged = chain.account(&exchange()).await.expect("the exchange exists");
    let mut stored = accounts::exchange(&forged.data).expect("an exchange");
    stored.admin = thief.pubkey();
    forged.data.clear();
    anchor_lang::AccountSerialize::try_serialize(&stored, &mut forged.data).expect("memory takes every byte");
    chain.set_account(&elsewhere, forged);
    let of_his_own = with_account(&nominate(&thief, thief.pubkey()), 1, elsewhere);
    chain.refuse("a forged exchange", &[of_his_own], &[&thief], ErrorCode::ConstraintSeeds).await;
    let of_a_market = with_account(&good, 1, market.keys.market);
    chain.refuse("a market", &[of_a_market], &[&admin], ErrorCode::AccountDiscriminatorMismatch).await;

    // A nomination is replaced by the next one, and withdrawn by that of nobody.
    chain.succeed("nominate", &[good], &[&admin]).await;
    chain.succeed("another", &[nominate(&admin, other.pubkey())], &[&admin]).await;
    chain.refuse("replaced", &[accept(&nominee)], &[&nominee], PerpError::NotNominee).await;
    let sent = chain.succeed("nobody", &[nominate(&admin, Address::default())], &[&admin]).await;
    assert!(matches!(sent.event(), Event::AdminNominated(event) if event.nominee == Address::default()));
    chain.refuse("withdrawn", &[accept(&other)], &[&other], PerpError::NotNominee).await;
    chain.refuse("accept unsigned", &[unsigned(&accept(&other), 0)], &[], ErrorCode::AccountNotSigner).await;
    assert_eq!(chain.exchange().await.admin, admin.pubkey());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guardian_changes_at_once() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let admin = chain.admin.insecure_clone();
    let first = chain.new_guardian().await;
    let second = chain.somebody();
    let name = governance::set_guardian(admin.pubkey(), second.pubkey());
    let sent = chain.succeed("name another", &[name], &[&admin]).await;
    let Event::GuardianChanged(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.exchange, event.former_guardian), (exchange(), first.pubkey()));
    assert_eq!(event.guardian, second.pubkey());
    chain.refuse("the former one", &[market.pause(&first)], &[&first], PerpError::NotGuardian).await;
    chain.succeed("the present one", &[market.pause(&second)], &[&second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_new_admin_kills_what_the_former_one_has_proposed() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let former = chain.admin.insecure_clone();
    let other = chain.open_market(market.keys.mint, 1, still()).await;
    for market in [&market, &other] {
        chain.succeed("propose", &[market.propose(&former, Params::standard())], &[&former]).await;
    }
    let admin = chain.rotate_admin().await;
    chain.advance(3 * DAY);
    chain.post(&market, Tick::at(50_000));

    // The former admin does not execute it, and the new one cannot: not even one who was admin before.
    chain.refuse("by the former admin", &[market.execute(&former)], &[&former], PerpError::NotAdmin).await;
    let execute = governance::execute_params(&market.keys, admin.pubkey(), former.pubkey(), market.price);
    chain.refuse("by the new one", from_ref(&execute), &[&admin], PerpError::ProposedByFormerAdmin).await;
    chain.succeed("back", &[nominate(&admin, former.pubkey())], &[&admin]).await;
    chain.succeed("back", &[accept(&former)], &[&former]).await;
    chain.refuse("admin again", &[market.execute(&former)], &[&former], PerpError::ProposedByFormerAdmin).await;
    chain.succeed("and on", &[nominate(&former, admin.pubkey())], &[&former]).await;
    chain.succeed("and on", &[accept(&admin)], &[&admin]).await;
    assert_eq!(chain.exchange().await.admin_epoch, 3);
    assert_eq!(chain.market(&market.keys.market).await.state.params, still());

    // The new one clears it away, the rent goes to who paid it, and proposes anew.
    let rich = lamports(&chain, &former.pubkey()).await;
    let rent = lamports(&chain, &market.keys.pending_update()).await;
    let cancel = governance::cancel_params(&market.keys, admin.pubkey(), former.pubkey());
    chain.succeed("cancel", &[cancel], &[&admin]).await;
    assert_eq!(lamports(&chain, &former.pubkey()).await, rich + rent);
    chain.succeed("propose anew", &[market.propose(&admin, Params::standard())], &[&admin]).await;
    chain.advance(3 * DAY);
    chain.post(&market, Tick::at(50_000));
    chain.succeed("execute", &[market.execute(&admin)], &[&admin]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.params, Params::standard());
}

/// A transaction on a durable nonce holds until somebody advances the nonce, but not longer than its signer's role.
#[tokio::test(flavor = "multi_thread")]
async fn case_43_what_a_former_admin_signed_before_fails_after() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let former = chain.admin.insecure_clone();
    let thief = chain.somebody();
    let instructions = [
        market.propose(&former, Params::standard()),
        nominate(&former, thief.pubkey()),
        governance::set_guardian(former.pubkey(), thief.pubkey()),
        market.confirm(&former),
    ];
    let mut signed = Vec::new();
    for instruction in &instructions {
        let nonce = chain.nonce(&former).await;
        signed.push(chain.sign_durably(nonce, instruction, &former).await);
    }
    let proof = governance::set_guardian(former.pubkey(), former.pubkey());
    let nonce = chain.nonce(&former).await;
    let transaction = chain.sign_durably(nonce, &proof, &former).await;
    let sent = chain.send_signed("while he is admin", &proof, transaction.clone()).await.expect("it is valid");
    assert!(matches!(sent.event(), Event::GuardianChanged(_)));
    chain.send_signed("the same again", &proof, transaction).await.expect_err("its nonce has been used");

    chain.rotate_admin().await;
    chain.advance(30 * DAY);
    let not_admin = Refusal::from(PerpError::NotAdmin).0;
    for (instruction, transaction) in instructions.iter().zip(signed) {
        let error = chain.send_signed("after the rotation", instruction, transaction).await.expect_err("he is not admin");
        let expected = solana_transaction::TransactionError::InstructionError(1, not_admin.clone());
        assert_eq!(error, expected, "the nonce is advanced, and the program refuses");
    }
    assert!(matches!(not_admin, InstructionError::Custom(_)));
    assert!(chain.proposal(&market).await.is_none());
    assert_eq!(chain.exchange().await.guardian, former.pubkey());
}
