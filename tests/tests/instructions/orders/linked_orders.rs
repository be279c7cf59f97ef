//! Two orders of which one cancels the other: when one fills, the other dies.

use super::*;
use PerpError::*;

/// `opened`, with a stop and a take-profit as orders 1 and 2, linked; the stop's price has come and it is triggered by `keeper`.
async fn bracket(direction: PositionDirection) -> (Chain, TestMarket, Trader, Address) {
    let (mut chain, market, alice) = opened(direction).await;
    let keeper = purse(&mut chain, &market);
    let both = [market.place(&alice, 1, &stop(direction)), market.place_linked(&alice, 2, 1, &take_profit(direction))];
    chain.succeed("place both", &both, &[&alice.keypair]).await;
    chain.advance(DELAY);
    chain.post(&market, Tick::at(stop_price(direction)));
    chain.succeed("trigger", &[market.trigger(&alice, 1, keeper)], &[]).await;
    (chain, market, alice, keeper)
}

fn execution(market: &TestMarket, alice: &Trader, keeper: Address, partner: Option<Address>) -> Instruction {
    let triggerer = Some(keeper);
    market.execute_order_with(orders::Execution { triggerer, partner, ..market.execution(alice, 1, keeper) })
}

fn partner(alice: &Trader) -> Option<Address> {
    Some(order(&alice.position, 2).0)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_when_one_fills_the_other_dies_and_its_tip_is_free() {
    for direction in BOTH {
        // Given a stop that waits for its fill, while its take-profit rests on,
        let (mut chain, market, alice, keeper) = bracket(direction).await;
        assert_eq!(chain.position(&alice.position).await.state.tips.get(), 2 * TIP);
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 51_000, 49_000)));
        let waits = [market.trigger(&alice, 2, keeper)];
        chain.refuse("the other waits, its price notwithstanding", &waits, &[], OrderPending).await;

        // when it fills,
        let sent = chain.succeed("fill", &[execution(&market, &alice, keeper, partner(&alice))], &[]).await;

        // then the other is dead, its tip free margin: her own to withdraw.
        assert_eq!((ended(&sent).outcome, Some(ended(&sent).killed)), (FILLED, partner(&alice)));
        let other = chain.order(&alice, 2).await.state;
        assert_eq!((other.dead, other.tip.get()), (1, 0));
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.shares.get(), position.tips.get(), position.open_orders), (0, 0, 1));
        let everything = market.withdraw(&alice, position.margin.get());
        chain.succeed("withdraw all", &[everything], &[&alice.keypair]).await;

        // It can do nothing any more; anyone removes it, and the rent is hers.
        chain.refuse("trigger the dead", &waits, &[], OrderVoid).await;
        let close = instructions::close_position_account(&market.keys, alice.address(), alice.position);
        chain.refuse("while its account is there", from_ref(&close), &[&alice.keypair], PositionNotEmpty).await;
        let bob = chain.somebody();
        let expire = market.expire_order(&bob.pubkey(), &alice, 2);
        let sent = chain.succeed("remove it", &[expire], &[&bob]).await;
        let Event::OrderRemoved(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.removal, event.ledger.delta_sats.margin.get(), event.ledger.delta_sats.insurance.get()), (2, 0, 0));
        chain.succeed("then", &[close], &[&alice.keypair]).await;
        assert_eq!(crate::accounts::lamports(&chain, &alice.address()).await, 1_000_000_000_000, "every rent is back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_may_be_gone_already() {
    for direction in BOTH {
        let (mut chain, market, alice, keeper) = bracket(direction).await;
        chain.succeed("take it back", &[market.cancel_order(&alice, 2)], &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        let sent = chain.succeed("fill", &[execution(&market, &alice, keeper, partner(&alice))], &[]).await;
        assert_eq!(ended(&sent).outcome, FILLED);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.shares.get(), position.tips.get(), position.open_orders), (0, 0, 0));
    }
}

/// Where one does not fill, the other lives on.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_outlives_one_that_does_not_fill() {
    for direction in BOTH {
        // The stop misses its bound.
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let limit_price_e8 = usd(either(direction, 49_000, 51_000));
        let bounded = orders::OrderTerms { limit_price_e8, ..stop(direction) };
        let both = [market.place(&alice, 1, &bounded), market.place_linked(&alice, 2, 1, &take_profit(direction))];
        chain.succeed("place both", &both, &[&alice.keypair]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(stop_price(direction)));
        chain.succeed("trigger", &[market.trigger(&alice, 1, keeper)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 48_900, 51_100)));
        let sent = chain.succeed("miss", &[execution(&market, &alice, keeper, partner(&alice))], &[]).await;
        assert_eq!((ended(&sent).outcome, ended(&sent).killed), (RESTS, Address::default()));
        let other = chain.order(&alice, 2).await;
        assert_eq!((other.state.dead, other.state.tip.get(), other.partner), (0, TIP, order(&alice.position, 1).0));
        // Then the take-profit's price comes, and the stop dies of that.
        chain.advance(1);
        chain.post(&market, Tick::at(either(direction, 51_000, 49_000)));
        chain.succeed("trigger the other", &[market.trigger(&alice, 2, keeper)], &[]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(either(direction, 51_000, 49_000)));
        let first = Some(order(&alice.position, 1).0);
        let execution = orders::Execution { triggerer: Some(keeper), partner: first, ..market.execution(&alice, 2, keeper) };
        let sent = chain.succeed("fill the other", &[market.execute_order_with(execution)], &[]).await;
        assert_eq!((ended(&sent).outcome, Some(ended(&sent).killed)), (FILLED, first));
        let order = chain.order(&alice, 1).await.state;
        assert_eq!((order.dead, order.tip.get()), (1, 0));
        assert_eq!(chain.position(&alice.position).await.state.tips.get(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_is_given_and_no_other() {
    let (mut chain, market, alice, keeper) = bracket(Long).await;
    chain.advance(DELAY);
    chain.post(&market, Tick::at(49_000));
    chain.refuse("left off", &[execution(&market, &alice, keeper, None)], &[], WrongPartner).await;
    let own = Some(order(&alice.position, 1).0);
    chain.refuse("itself", &[execution(&market, &alice, keeper, own)], &[], WrongPartner).await;
    let nobody = Some(Address::new_unique());
    chain.refuse("another account", &[execution(&market, &alice, keeper, nobody)], &[], WrongPartner).await;
    let mut read_only = execution(&market, &alice, keeper, partner(&alice));
    read_only.accounts[8].is_writable = false;
    chain.refuse("read-only", &[read_only], &[], ErrorCode::ConstraintMut).await;
    chain.succeed("the right one", &[execution(&market, &alice, keeper, partner(&alice))], &[]).await;

    // One that is linked with none has none.
    let place = market.place(&alice, 3, &market_order(Long, more(1_000)));
    chain.succeed("place", &[place], &[&alice.keypair]).await;
    chain.advance(DELAY);
    chain.post(&market, Tick::at(49_000));
    let execution = orders::Execution { partner: partner(&alice), ..market.execution(&alice, 3, keeper) };
    let padded = market.execute_order_with(execution);
    chain.refuse("one too many", &[padded], &[], WrongPartner).await;
}
