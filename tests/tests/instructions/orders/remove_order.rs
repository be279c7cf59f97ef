//! `cancel_order`, `expire_order`

use super::*;
use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::settlements::{without_tip, Finish, Stage, PROFIT};
use inverse_perps::events::OrderRemoved;
use orders::OrderTerms;
use perps::client::exchange;
use PerpError::*;

const CANCELLED: u64 = 1;
const VOID: u64 = 2;
const EXPIRED: u64 = 3;

fn removed(sent: &Sent) -> OrderRemoved {
    match sent.last() {
        Event::OrderRemoved(event) => *event,
        _ => panic!("{:?}", sent.events),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resting_order_is_taken_back_at_any_time() {
    for direction in BOTH {
        // Given a stop of a trader whose rent a friend has paid,
        let (mut chain, market, alice) = ready().await;
        let friend = chain.somebody();
        let place = with_account(&market.place(&alice, 0, &stop(direction)), 1, friend.pubkey());
        chain.succeed("place", &[place], &[&alice.keypair, &friend]).await;
        assert_eq!(lamports(&chain, &friend.pubkey()).await, 1_000_000_000_000 - RENT);

        // when she takes it back in the same second,
        let cancel = with_account(&market.cancel_order(&alice, 0), 4, friend.pubkey());
        let sent = chain.succeed("cancel", &[cancel], &[&alice.keypair]).await;

        // then its tip is free margin, the rent is the friend's, and no satoshi has moved.
        let event = removed(&sent);
        assert_eq!((event.head.market, event.position), (market.keys.market, alice.position));
        assert_eq!((event.order, event.removal), (order(&alice.position, 0).0, CANCELLED));
        assert_eq!(event.ledger.delta_sats, Default::default());
        assert_eq!(event.ledger.after_sats.margin.get(), MARGIN);
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get()), (MARGIN, 0));
        assert_eq!((position.open_orders, position.next_order), (0, 1));
        assert_eq!(lamports(&chain, &friend.pubkey()).await, 1_000_000_000_000, "the rent is the friend's");
        assert!(chain.order_if_any(&alice, 0).await.is_none());
        chain.succeed("withdraw all", &[market.withdraw(&alice, MARGIN)], &[&alice.keypair]).await;
    }
}

/// Case 48: who cancels and who triggers race; whoever is second gets a clean error, and no satoshi is lost either way.
#[tokio::test(flavor = "multi_thread")]
async fn case_48_a_cancel_race_loses_no_funds() {
    for direction in BOTH {
        for owner_first in [true, false] {
            let (mut chain, market, alice) = opened(direction).await;
            let keeper = purse(&mut chain, &market);
            chain.succeed("place", &[market.place(&alice, 1, &stop(direction))], &[&alice.keypair]).await;
            chain.advance(DELAY);
            chain.post(&market, Tick::at(stop_price(direction)));
            let cancel = [market.cancel_order(&alice, 1)];
            let trigger = [market.trigger(&alice, 1, keeper)];
            if owner_first {
                chain.succeed("cancel", &cancel, &[&alice.keypair]).await;
                chain.refuse("then trigger", &trigger, &[], ErrorCode::AccountOwnedByWrongProgram).await;
            } else {
                chain.succeed("trigger", &trigger, &[]).await;
                chain.refuse("then cancel", &cancel, &[&alice.keypair], OrderNotResting).await;
            }
            let position = chain.position(&alice.position).await.state;
            assert_eq!((position.margin.get(), position.tips.get()), (LEFT, if owner_first { 0 } else { TIP }));
            // Taken back or not, both in one transaction is nothing at all.
            if !owner_first {
                continue;
            }
            chain.succeed("place", &[market.place(&alice, 2, &take_profit(direction))], &[&alice.keypair]).await;
            let twice = [market.cancel_order(&alice, 2), market.cancel_order(&alice, 2)];
            chain.refuse("twice at once", &twice, &[&alice.keypair], ErrorCode::AccountOwnedByWrongProgram).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_waits_is_neither_taken_back_nor_removed_in_its_minute() {
    for direction in BOTH {
        let (mut chain, market, alice) = waiting(direction).await;
        let bob = chain.somebody();
        let cancel = [market.cancel_order(&alice, 0)];
        let expire = [market.expire_order(&bob.pubkey(), &alice, 0)];
        chain.refuse("cancel", &cancel, &[&alice.keypair], OrderNotResting).await;
        chain.refuse("expire", &expire, &[&bob], OrderNotExpired).await;
        // T is 6 seconds from now, and it can be filled for 60 seconds more.
        chain.advance(DELAY + 60);
        chain.refuse("expire at T + 60 s", &expire, &[&bob], OrderNotExpired).await;
        chain.advance(1);
        chain.refuse("cancel at T + 61 s", &cancel, &[&alice.keypair], OrderNotResting).await;
        let sent = chain.succeed("expire at T + 61 s", &expire, &[&bob]).await;

        // Then its tip is insurance's, and its owner free again.
        let event = removed(&sent);
        assert_eq!(event.removal, EXPIRED);
        let delta = event.ledger.delta_sats;
        assert_eq!((delta.margin.get(), delta.insurance.get(), delta.pool.get()), (-1_000, 1_000, 0));
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.margin.get(), position.tips.get()), (MARGIN - TIP, 0));
        assert_eq!((position.pending_order, position.open_orders), (0, 0));
        assert_eq!(lamports(&chain, &alice.address()).await, LAMPORTS, "the rent is hers");
        chain.succeed("withdraw", &[market.withdraw(&alice, 1)], &[&alice.keypair]).await;
    }
}

/// The newest price's time is a time too.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_lapses_by_the_newest_price_too() {
    let (mut chain, market, alice) = waiting(Long).await;
    let bob = chain.somebody();
    let expire = [market.expire_order(&bob.pubkey(), &alice, 0)];
    chain.advance(DELAY + 58);
    for (ahead, lapsed) in [(2, false), (3, true)] {
        chain.post(&market, Tick::at(50_000).aged(-ahead));
        // (nobody has a position yet, so that there is nothing to accrue: the price is taken in all the same)
        chain.succeed("a price", &[market.accrue()], &[]).await;
        if lapsed {
            assert_eq!(removed(&chain.succeed("T + 61 s", &expire, &[&bob]).await).removal, EXPIRED);
        } else {
            chain.refuse("T + 60 s", &expire, &[&bob], OrderNotExpired).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_48_anyone_removes_what_has_expired_to_the_second() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let bob = chain.somebody();
        let terms = OrderTerms { expiry: chain.time() + 100, ..stop(direction) };
        chain.succeed("place", &[market.place(&alice, 1, &terms)], &[&alice.keypair]).await;
        let expire = [market.expire_order(&bob.pubkey(), &alice, 1)];
        chain.advance(100);
        chain.refuse("at its expiry", &expire, &[&bob], OrderNotExpired).await;
        chain.advance(1);
        let event = removed(&chain.succeed("a second later", &expire, &[&bob]).await);
        let delta = event.ledger.delta_sats;
        assert_eq!((event.removal, delta.margin.get(), delta.insurance.get()), (EXPIRED, -1_000, 1_000));
        assert_eq!(chain.position(&alice.position).await.state.margin.get(), LEFT - TIP);

        // Its owner may be faster: then nothing is lost.
        let terms = OrderTerms { expiry: chain.time() + 100, ..stop(direction) };
        chain.post(&market, Tick::at(50_000));
        chain.succeed("place", &[market.place(&alice, 2, &terms)], &[&alice.keypair]).await;
        chain.advance(200);
        let event = removed(&chain.succeed("cancel", &[market.cancel_order(&alice, 2)], &[&alice.keypair]).await);
        assert_eq!((event.removal, event.ledger.delta_sats), (CANCELLED, Default::default()));
    }
}

/// A whole liquidation frees the tips and takes them; what is left of the orders is rent.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_whole_liquidation_has_voided_is_removed_for_nothing() {
    for direction in BOTH {
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let bob = chain.somebody();
        let close = market.place(&alice, 3, &market_order(direction, OrderAmount::Close));
        let all = [market.place(&alice, 1, &stop(direction)), market.place(&alice, 2, &take_profit(direction)), close];
        chain.succeed("place", &all, &[&alice.keypair]).await;
        chain.post(&market, Tick::at(50_000));
        chain.advance(1);
        chain.post(&market, Tick::at(either(direction, 45_000, 56_000)));
        chain.succeed("liquidate", &[market.liquidate(alice.position, keeper)], &[]).await;
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.shares.get(), position.tips.get(), position.pending_order), (0, 0, 0));
        assert_eq!((position.void_orders_below, position.open_orders, position.next_order), (4, 3, 4));

        // Its owner or anyone else; the one that waited too.
        let removals = [
            (market.cancel_order(&alice, 1), &alice.keypair),
            (market.expire_order(&bob.pubkey(), &alice, 2), &bob),
            (market.expire_order(&bob.pubkey(), &alice, 3), &bob),
        ];
        for (remove, signer) in removals {
            let event = removed(&chain.succeed("remove", &[remove], &[signer]).await);
            assert_eq!((event.removal, event.ledger.delta_sats), (VOID, Default::default()));
        }
        assert_eq!(chain.position(&alice.position).await.state.open_orders, 0);
        assert_eq!(lamports(&chain, &alice.address()).await, LAMPORTS);
        // Orders placed since are not void.
        chain.succeed("deposit", &[market.deposit(&alice, MARGIN)], &[&alice.keypair]).await;
        let limit = resting(OrderType::Limit, direction, more(100), usd(either(direction, 40_000, 60_000)));
        chain.succeed("place", &[market.place(&alice, 4, &limit)], &[&alice.keypair]).await;
        let cancel = market.cancel_order(&alice, 4);
        assert_eq!(removed(&chain.succeed("cancel", &[cancel], &[&alice.keypair]).await).removal, CANCELLED);
    }
}

/// Costs that the margin beside the tips cannot pay take the tips, and void every order.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_loss_has_voided_is_removed_for_nothing() {
    for direction in BOTH {
        // Given a position with its tips and 1,000 satoshi of margin, in a market where a day costs thousands,
        let (mut chain, market, alice) = opened(direction).await;
        let keeper = purse(&mut chain, &market);
        let close = market.place(&alice, 2, &market_order(direction, OrderAmount::Close));
        let both = [market.place(&alice, 1, &stop(direction)), close];
        chain.succeed("place", &both, &[&alice.keypair]).await;
        chain.set_margin(&market, &alice, 2 * TIP + 1_000).await;
        let costly = |state: &mut inverse_perps::state::Market| {
            state.state.params.max_funding = 3_000_000;
            state.state.params.max_borrow = 1_000_000;
        };
        chain.edit_market(&market, costly).await;
        chain.advance(43_200);
        chain.post(&market, Tick::at(50_000));

        // when it is settled half a day later: of a skew of 1 % funding
        // alone is 0.3 % * 1 % / 2 of 200,000,000, 3,000,
        let sent = chain.succeed("settle", &[market.settle(alice.position)], &[]).await;
        let Event::PositionSettled(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert!(event.result_sats.get() < -1_000, "{event:?}");

        // then both are void.
        let position = chain.position(&alice.position).await.state;
        assert_eq!((position.tips.get(), position.pending_order, position.void_orders_below), (0, 0, 3));
        chain.refuse("trigger", &[market.trigger(&alice, 1, keeper)], &[], OrderVoid).await;
        chain.refuse("execute", &[market.execute_order(&alice, 2, keeper)], &[], OrderVoid).await;
        for id in [1, 2] {
            let event = removed(&chain.succeed("remove", &[market.cancel_order(&alice, id)], &[&alice.keypair]).await);
            assert_eq!((event.removal, event.ledger.delta_sats), (VOID, Default::default()));
        }
    }
}

/// `strained`, but with orders: the winner's rests, the second's waits for its fill, and flat traders have both kinds.
async fn settling_with_orders(direction: PositionDirection) -> (Stage, Trader, Trader) {
    let mut stage = crate::settlements::strained(direction, 100 * BTC, 0).await;
    let (chain, market) = (&mut stage.chain, &stage.market);
    let [rests, waits] = [chain.trader_with(market, MARGIN).await, chain.trader_with(market, MARGIN).await];
    let far = usd(either(direction, 60_000, 45_000));
    let limit = resting(OrderType::Limit, direction, more(100), far);
    let opening = market_order(direction, more(100));
    let reduction = market_order(direction, less(1_000));
    let placed = [(&stage.winner, &stop(direction)), (&stage.second, &reduction), (&rests, &limit), (&waits, &opening)];
    for (trader, terms) in placed {
        chain.succeed("place", &[market.place(trader, 0, terms)], &[&trader.keypair]).await;
    }
    chain.edit_market(market, |state| state.state.ledger.pool = Sats::new(PROFIT)).await;
    chain.succeed("begin", &[market.deleverage()], &[]).await;
    (stage, rests, waits)
}

/// The orders of a market that settles are void: before their position is closed, afterwards, and in the next epoch.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_settlement_has_voided_is_removed_for_its_owner() {
    for direction in BOTH {
        for later in ["while it settles", "closed out", "in the next epoch"] {
            let (Stage { mut chain, market, winner, second, loser, large, .. }, rests, waits) =
                settling_with_orders(direction).await;
            if later != "while it settles" {
                for position in [winner.position, second.position, loser.position] {
                    chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
                }
            }
            if later == "in the next epoch" {
                chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
                chain.post(&market, Tick::at(either(direction, 62_500, 40_000)));
                let execute = [market.execute_order(&waits, 0, large.tokens)];
                chain.refuse("execute", &execute, &[], OrderVoid).await;
                chain.refuse("trigger", &[market.trigger(&rests, 0, large.tokens)], &[], OrderVoid).await;
                // The order that waits no longer blocks what its owner may do, once it is removed.
                let place = [market.place(&waits, 1, &market_order(direction, more(10)))];
                chain.refuse("before it is removed", &place, &[&waits.keypair], OrderPending).await;
            }
            let bob = chain.somebody();
            for trader in [&winner, &second, &rests, &waits] {
                let before = chain.position(&trader.position).await.state;
                let expire = [market.expire_order(&bob.pubkey(), trader, 0)];
                let event = removed(&chain.succeed(later, &expire, &[&bob]).await);
                assert_eq!((event.removal, event.ledger.delta_sats), (VOID, Default::default()), "{later}");
                let after = chain.position(&trader.position).await.state;
                assert_eq!((after.tips.get(), after.pending_order, after.open_orders), (0, 0, 0), "{later}");
                assert_eq!(after.margin, before.margin, "{later}: the tip stays its owner's");
                assert_eq!(lamports(&chain, &trader.address()).await, LAMPORTS, "{later}: the rent is back");
            }
        }
    }
}

/// Case 46: a market that is closed for good gives back every order as well.
#[tokio::test(flavor = "multi_thread")]
async fn case_46_the_orders_of_a_closed_market_are_given_back() {
    let (Stage { mut chain, market, winner, second, loser, large, .. }, rests, waits) = settling_with_orders(Long).await;
    for position in [winner.position, second.position, loser.position] {
        chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
    }
    chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(1_000)).await;
    chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
    assert_eq!(chain.market(&market.keys.market).await.state.lifecycle.status, 2, "closed");
    for trader in [&rests, &waits] {
        let cancel = [market.cancel_order(trader, 0)];
        let event = removed(&chain.succeed("take it back", &cancel, &[&trader.keypair]).await);
        assert_eq!((event.removal, event.ledger.delta_sats), (VOID, Default::default()));
        let out = crate::settlements::take_margin(&market, trader, MARGIN);
        chain.succeed("and all margin", &[out], &[&trader.keypair]).await;
        let place = [market.place(trader, 1, &market_order(Long, more(10)))];
        chain.refuse("no new one", &place, &[&trader.keypair], MarketClosed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_strangers_and_accounts_that_do_not_belong() {
    let (mut chain, market, alice) = opened(Long).await;
    let other_market = chain.open_market_filling(market.keys.mint, 1, still(), false).await;
    let bob = chain.trader_with(&market, MARGIN).await;
    chain.succeed("place", &[market.place(&alice, 1, &stop(Long))], &[&alice.keypair]).await;
    chain.succeed("somebody else's", &[market.place(&bob, 0, &stop(Long))], &[&bob.keypair]).await;
    let theirs = order(&bob.position, 0).0;
    // Places: 0 caller, 1 market, 2 position, 3 order, 4 rent.
    let cancel = market.cancel_order(&alice, 1);
    let by_bob = with_account(&cancel, 0, bob.address());
    chain.refuse("by somebody else", &[by_bob], &[&bob.keypair], NotTrader).await;
    // He may say that the position is his own.
    let by_bob = with_account(&with_account(&cancel, 0, bob.address()), 2, bob.position);
    chain.refuse("as his own", &[by_bob], &[&bob.keypair], WrongOrder).await;

    let expire = market.expire_order(&alice.address(), &alice, 1);
    for removal in [cancel.clone(), expire.clone()] {
        let signer = [&alice.keypair];
        let silent = with_account(&unsigned(&removal, 0), 4, bob.address());
        chain.refuse("without the signature", &[silent], &[], ErrorCode::AccountNotSigner).await;
        let cross = with_account(&removal, 1, other_market.keys.market);
        chain.refuse("in another market", &[cross], &signer, WrongMarket).await;
        chain.refuse("another's order", &[with_account(&removal, 3, theirs)], &signer, WrongOrder).await;
        let greedy = with_account(&removal, 4, bob.address());
        chain.refuse("the rent to somebody else", &[greedy], &signer, WrongRentRecipient).await;
        for (place, other) in [(1, alice.position), (2, exchange()), (3, alice.position)] {
            refuses_strangers(&mut chain, &removal, place, other, &signer).await;
        }
    }
    chain.refuse("before it has expired", &[expire], &[&alice.keypair], OrderNotExpired).await;
    chain.succeed("as it should be", &[cancel], &[&alice.keypair]).await;
}
