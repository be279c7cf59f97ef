//! `execute_order`: who gets the tip of an order.

use super::*;
use PerpError::*;

/// `stopped` with a tip of 1,001 satoshi, at T.
async fn at_t(direction: PositionDirection) -> (Chain, TestMarket, Trader, Address, Address) {
    let terms = orders::OrderTerms { tip_sats: 1_001, ..stop(direction) };
    let (mut chain, market, alice, triggerer) = stopped(direction, &terms).await;
    let keeper = purse(&mut chain, &market);
    chain.advance(DELAY);
    chain.post(&market, Tick::at(stop_price(direction)));
    (chain, market, alice, triggerer, keeper)
}

fn execution(market: &TestMarket, alice: &Trader, triggerer: Option<Address>, keeper: Address) -> Instruction {
    market.execute_order_with(orders::Execution { triggerer, ..market.execution(alice, 1, keeper) })
}

#[tokio::test(flavor = "multi_thread")]
async fn half_is_for_who_triggered_it_and_half_for_who_filled_it() {
    for direction in BOTH {
        // 1,001 satoshi: half, rounded down, for the trigger.
        let (mut chain, market, alice, triggerer, keeper) = at_t(direction).await;
        let execute = execution(&market, &alice, Some(triggerer), keeper);
        let event = ended(&chain.succeed("execute", &[execute], &[]).await);
        assert_eq!((event.filler_sats.get(), event.triggerer_sats.get(), event.forfeited_sats.get()), (501, 500, 0));
        assert_eq!((chain.tokens(&keeper).await, chain.tokens(&triggerer).await), (501, 500));

        // Who has done both gets all of it, named twice or once.
        for named in [true, false] {
            let (mut chain, market, alice, triggerer, _) = at_t(direction).await;
            let execute = execution(&market, &alice, Some(triggerer).filter(|_| named), triggerer);
            let event = ended(&chain.succeed("execute", &[execute], &[]).await);
            assert_eq!((event.filler_sats.get(), event.triggerer_sats.get()), (501, 500));
            assert_eq!(chain.tokens(&triggerer).await, 1_001);
        }
    }
}

/// A triggerer who cannot be paid must not keep the stop from filling: his half is insurance's.
#[tokio::test(flavor = "multi_thread")]
async fn a_triggerer_who_cannot_be_paid_blocks_nothing() {
    for direction in BOTH {
        for what in ["closed", "frozen", "of another mint", "no token account", "uninitialized", "of another program"] {
            let (mut chain, market, alice, triggerer, keeper) = at_t(direction).await;
            let mut account = chain.account(&triggerer).await.expect("it exists");
            match what {
                "closed" => account = Account::default(),
                "frozen" => account.data[108] = 2,
                "of another mint" => account.data[..32].copy_from_slice(&[9; 32]),
                "no token account" => account.data.truncate(82),
                "uninitialized" => account.data[108] = 0,
                _ => account.owner = TOKEN_2022_PROGRAM,
            }
            chain.set_account(&triggerer, account);
            let insurance = chain.market(&market.keys.market).await.state.ledger.insurance.get();
            let execute = execution(&market, &alice, Some(triggerer), keeper);
            let sent = chain.succeed(what, &[execute], &[]).await;
            let event = ended(&sent);
            assert_eq!(event.outcome, FILLED, "{what}");
            assert_eq!(
                (event.filler_sats.get(), event.triggerer_sats.get(), event.forfeited_sats.get()),
                (501, 0, 500),
                "{what}"
            );
            // Insurance got its half besides its share of the fee: 30 % of what was paid, so that the difference tells.
            let now = chain.market(&market.keys.market).await.state.ledger.insurance.get();
            let Event::OrderFilled(filled) = sent.last() else { panic!("{:?}", sent.events) };
            assert_eq!(now - insurance, 500 + filled.fill.fee_sats.insurance.get(), "{what}");
            assert_eq!(chain.tokens(&keeper).await, 501, "{what}");
        }
    }
}

/// Who executes chooses where his own half goes; if it cannot go there, nothing happens.
#[tokio::test(flavor = "multi_thread")]
async fn a_filler_who_cannot_be_paid_fails() {
    let (mut chain, market, alice, triggerer, keeper) = at_t(Long).await;
    let mut account = chain.account(&keeper).await.expect("it exists");
    account.data[108] = 2;
    chain.set_account(&keeper, account);
    let execute = [execution(&market, &alice, Some(triggerer), keeper)];
    chain.refuse("frozen", &execute, &[], Refusal::ACCOUNT_FROZEN).await;
    // Nor where it is the same that has triggered it.
    let (mut chain, market, alice, triggerer, keeper) = at_t(Long).await;
    let mut account = chain.account(&triggerer).await.expect("it exists");
    account.data[108] = 2;
    chain.set_account(&triggerer, account);
    let execute = [execution(&market, &alice, Some(triggerer), triggerer)];
    chain.refuse("frozen", &execute, &[], Refusal::ACCOUNT_FROZEN).await;
    let execute = [execution(&market, &alice, Some(triggerer), keeper)];
    chain.succeed("by somebody else", &execute, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_triggerer_is_given_and_no_other() {
    let (mut chain, market, alice, triggerer, keeper) = at_t(Long).await;
    chain.refuse("left off", &[execution(&market, &alice, None, keeper)], &[], WrongTriggerer).await;
    let wrong = [execution(&market, &alice, Some(keeper), keeper)];
    chain.refuse("the executor instead", &wrong, &[], WrongTriggerer).await;
    let mut silent = execution(&market, &alice, Some(triggerer), keeper);
    silent.accounts[9].is_writable = false;
    chain.refuse("read-only", &[silent], &[], ErrorCode::ConstraintMut).await;
    chain.succeed("the right one", &[execution(&market, &alice, Some(triggerer), keeper)], &[]).await;

    // An order that nobody has triggered has none.
    let place = market.place(&alice, 2, &market_order(Long, more(1_000)));
    chain.succeed("place", &[place], &[&alice.keypair]).await;
    chain.advance(DELAY);
    chain.post(&market, Tick::at(50_000));
    let execution = orders::Execution { triggerer: Some(keeper), ..market.execution(&alice, 2, keeper) };
    chain.refuse("one too many", &[market.execute_order_with(execution)], &[], WrongTriggerer).await;
}

/// Whatever address a malicious triggerer names, he must not keep the order from filling: either the trigger is refused, or the fill goes
/// through without him. (Some addresses can never be writable in a transaction, and the program's own stands for an account left off.)
#[tokio::test(flavor = "multi_thread")]
async fn no_address_that_is_named_as_triggerer_blocks_the_fill() {
    const RENT_SYSVAR: Address = Address::from_str_const("SysvarRent111111111111111111111111111111111");
    for direction in BOTH {
        let mut blocked = Vec::new();
        for place in 0..10 {
            let (mut chain, market, alice) = opened(direction).await;
            let keeper = purse(&mut chain, &market);
            chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(stop_price(direction)));
            let (what, named) = [
                ("the program", inverse_perps::ID),
                ("a sysvar", RENT_SYSVAR),
                ("the system program", Address::default()),
                ("the token program", TOKEN_PROGRAM),
                ("the market", market.keys.market),
                ("the vault", market.keys.vault),
                ("the position", alice.position),
                ("the order", order(&alice.position, 1).0),
                ("the price", market.price),
                ("who gets the rent", alice.address()),
            ][place];
            if chain.attempt(what, &[market.trigger(&alice, 1, named)], &[]).await.is_err() {
                chain.succeed("somebody honest", &[market.trigger(&alice, 1, keeper)], &[]).await;
                continue;
            }
            chain.advance(DELAY);
            chain.post(&market, Tick::at(stop_price(direction)));
            if named == market.keys.vault {
                chain.expect_gift(&market, TIP / 2); // what he got stays in the vault, and counts for nothing
            }
            let triggerer = Some(named).filter(|named| *named != Address::default());
            match chain.attempt(what, &[execution(&market, &alice, triggerer, keeper)], &[]).await {
                Ok(sent) => assert_eq!(ended(&sent).outcome, FILLED, "{what}"),
                Err(error) => blocked.push((what, error)),
            }
        }
        assert_eq!(blocked, [], "{direction:?}: a triggerer has blocked the fill");
    }
}
