//! The settlement of a market that trades on afterwards: when it begins, `settle_position` in it and after it,
//! `finish_settlement`, `close_settlement`. One that closes the market is in `closed_market`, what else can be done
//! meanwhile in `while_settling`.

use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::settlements::*;
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

fn price_e8(direction: PositionDirection) -> u64 {
    usd(u64::try_from(far_price(direction)).expect("positive"))
}

#[tokio::test(flavor = "multi_thread")]
async fn begins_when_profit_reaches_the_free_pool() {
    for direction in [Long, Short] {
        // Given as much profit as pool, when anyone brings the price, then the market stops at it.
        let mut stage = strained(direction, PROFIT, 7_000_001).await;
        let sent = stage.chain.succeed("begin", &[stage.market.accrue()], &[]).await;
        let Event::SettlingStarted(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.head.market, event.price_e8.get()), (stage.market.keys.market, price_e8(direction)));
        assert_eq!((event.positions, event.epoch, event.for_good), (3, 0, 0));
        assert_eq!(event.top_up_most_sats.get(), 3_500_000, "half of insurance, down");
        let life = stage.chain.market(&stage.market.keys.market).await.state.lifecycle;
        assert_eq!((life.status(), life.settlement_price.get()), (Status::Settling, price_e8(direction)));

        // With a little more in the pool, A = 0.75 * (free - W) / (60,000,000 * 0.25): 0.001, the least, for 20,000 more.
        let mut stage = strained(direction, PROFIT + 20_000, 0).await;
        let sent = stage.chain.succeed("just enough", &[stage.market.deleverage()], &[]).await;
        assert!(matches!(sent.events[..], [Event::Deleveraged(_)]), "{:?}", sent.events);
        let mut stage = strained(direction, PROFIT + 19_999, 0).await;
        let sent = stage.chain.succeed("a satoshi less", &[stage.market.deleverage()], &[]).await;
        assert!(matches!(sent.events[..], [Event::SettlingStarted(_)]), "{:?}", sent.events);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closes_every_position_at_the_kept_price_in_any_order() {
    for direction in [Long, Short] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let Stage { mut chain, market, winner, second, loser, .. } = settling(direction, PROFIT, 0).await;
            let (all, against) =
                (if direction == Long { 100_000 } else { 80_000 }, if direction == Long { 25_000 } else { 20_000 });
            // The price moves on and is forgotten: nothing is asked of it.
            chain.advance(3_600);
            let expected = [
                (&winner, all, 40_000_000, WINNERS_MARGIN),
                (&second, all / 2, 20_000_000, SECONDS_MARGIN),
                (&loser, against, -10_000_000, LOSERS_MARGIN - 10_000_000),
            ];
            for at in order {
                let (trader, notional, pnl, margin) = expected[at];
                let sent = chain.succeed("close out", &[without_tip(&market, trader.position)], &[]).await;
                let Event::PositionClosedOut(event) = sent.event() else { panic!("{:?}", sent.events) };
                assert_eq!((event.position, event.price_e8.get()), (trader.position, price_e8(direction)));
                assert_eq!((event.notional_e6.get(), event.pnl_sats.get()), (dollars(notional), pnl), "without fee or spread");
                assert_eq!(event.claim_sats.get(), u64::try_from(pnl).unwrap_or(0), "a profit is a claim");
                assert_eq!((event.uncollected_sats.get(), event.margin_sats.get()), (0, margin));
                let loss = pnl.min(0);
                assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.delta_sats.pool.get()), (loss, -loss));
                let again = chain.succeed("again", &[without_tip(&market, trader.position)], &[]).await;
                assert_eq!(again.events, []);
            }
            let state = chain.market(&market.keys.market).await.state;
            assert_eq!((state.lifecycle.claims.get(), state.long.positions, state.short.positions), (PROFIT, 0, 0));
            assert_eq!(state.ledger.pool.get(), PROFIT + 10_000_000);
        }
    }
}

/// What the margin of a loser cannot pay, nobody pays; what deleveraging had realised is claimed, not paid: the losers come
/// first.
#[tokio::test(flavor = "multi_thread")]
async fn books_gains_to_the_basis_and_losses_as_far_as_margin_reaches() {
    // Given a deleveraging of 60,000,000 of 72,000,000: A = 0.75 * 12,000,000 / 15,000,000 = 0.6; 16,000,000 and 8,000,000
    // are owed. Then the price goes on. Long to $75,000: entry values of 120,000,000 and 60,000,000 against 80,000,000 and
    // 40,000,000; what is owed moves the basis by 16,000,000 / 0.6 and 8,000,000 / 0.6, down, so entry values by 15,999,999
    // and 7,999,999. The loser's 50,000,000 are worth 33,333,333. Short to $32,000: 96,000,000 and 48,000,000 against
    // 150,000,000 and 75,000,000, and 40,000,000 against 62,500,000.
    let cases = [
        (Long, 75_000, [(16_000_000, 55_999_999), (8_000_000, 27_999_999)], 16_666_667),
        (Short, 32_000, [(16_000_000, 69_999_999), (8_000_000, 34_999_999)], 22_500_000),
    ];
    for (direction, price, winners, loss) in cases {
        let Stage { mut chain, market, winner, second, loser, .. } = strained(direction, 72_000_000, 0).await;
        chain.succeed("deleverage", &[market.deleverage()], &[]).await;
        chain.advance(60);
        chain.post(&market, Tick::at(price));
        let sent = chain.succeed("begin", &[market.deleverage()], &[]).await;
        assert!(matches!(sent.events[..], [Event::SettlingStarted(_)]), "{:?}", sent.events);
        for (trader, (owed, claim)) in [&winner, &second].into_iter().zip(winners) {
            let sent = chain.succeed("close out", &[without_tip(&market, trader.position)], &[]).await;
            let [Event::PositionSettled(settled), Event::PositionClosedOut(closed)] = &sent.events[..] else {
                panic!("{:?}", sent.events)
            };
            assert_eq!((settled.result_sats.get(), settled.shifted_sats.get()), (owed, owed), "nothing is paid yet");
            assert_eq!(settled.ledger.delta_sats.margin.get(), 0);
            assert_eq!((closed.pnl_sats.get(), closed.claim_sats.get()), (claim, u64::try_from(claim).expect("a gain")));
        }
        let sent = chain.succeed("close out", &[without_tip(&market, loser.position)], &[]).await;
        let Event::PositionClosedOut(closed) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!(
            (closed.pnl_sats.get(), closed.uncollected_sats.get()),
            (-loss, u64::try_from(loss).expect("a loss") - LOSERS_MARGIN)
        );
        assert_eq!((closed.margin_sats.get(), closed.ledger.delta_sats.pool.get()), (0, 15_000_000));
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!((state.bad_debt.get(), state.ledger.pool.get()), (closed.uncollected_sats.get(), 72_000_000 + 15_000_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pays_a_tip_out_of_insurance_within_its_day() {
    // Two thousandths of a dollar are 3.2 satoshi at $62,500 and 5 at $40,000.
    for (direction, tip) in [(Long, 3), (Short, 5)] {
        let Stage { mut chain, market, winner, second, loser, .. } = settling(direction, PROFIT, 1_000).await;
        let keeper = chain.somebody();
        let tokens = chain.token_account(&market.keys.mint, &keeper.pubkey(), 0);
        let sent = chain.succeed("close out", &[market.close_out(winner.position, tokens)], &[]).await;
        let [Event::PositionClosedOut(_), Event::SettleTipPaid(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        assert_eq!((event.position, event.rewarded, event.amount_sats.get()), (winner.position, tokens, tip));
        let delta = event.ledger.delta_sats;
        assert_eq!((delta.insurance.get(), delta.pool.get()), (-i64::try_from(tip).expect("small"), 0));
        assert_eq!(chain.tokens(&tokens).await, tip);

        // Whoever closes what is closed gets nothing.
        let sent = chain.succeed("again", &[market.close_out(winner.position, tokens)], &[]).await;
        assert_eq!(sent.events, []);
        // What is left of the day is paid and no more; the position is closed all the same.
        chain.edit_market(&market, |market| market.state.insurance_left = Sats::new(2)).await;
        for (position, left) in [(second.position, 2), (loser.position, 0)] {
            let before = chain.tokens(&tokens).await;
            let sent = chain.succeed("close out", &[market.close_out(position, tokens)], &[]).await;
            assert!(matches!(sent.events[0], Event::PositionClosedOut(_)));
            assert_eq!((sent.events.len(), chain.tokens(&tokens).await - before), (if left > 0 { 2 } else { 1 }, left));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tip_is_no_more_than_the_fee_that_was_paid_for_it() {
    // $10 short from $50,000 are 20,000 satoshi; insurance and protocol got 2 bps of that, 4, of the fee. At $40,000, where
    // it has won 5,000, the tip would be 5.
    let (mut chain, market) = Chain::with_pool(still(), BTC).await;
    let alice = opened(&mut chain, &market, Short, 10).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(5_000)).await;
    chain.fill_insurance(&market, 1_000).await;
    chain.advance(120);
    chain.post(&market, Tick::at(40_000));
    // One call begins the settlement and closes the position.
    let keeper = chain.somebody();
    let tokens = chain.token_account(&market.keys.mint, &keeper.pubkey(), 0);
    let with = instructions::SettleWith { price: Some(market.price), tip_to: Some(tokens), claim_epoch: None };
    let sent = chain.succeed("settle", &[instructions::settle(&market.keys, alice.position, with)], &[]).await;
    let [Event::SettlingStarted(_), Event::PositionClosedOut(closed), Event::SettleTipPaid(tip)] = &sent.events[..] else {
        panic!("{:?}", sent.events)
    };
    assert_eq!((closed.claim_sats.get(), tip.amount_sats.get()), (5_000, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_again_when_claims_are_paid_and_a_pool_is_left() {
    // Given 10,000,000 of the loser and a pool that has a million above all claims then, or a satoshi less,
    for direction in [Long, Short] {
        for (pool, closed) in [(51_000_000, 0), (50_999_999, 1)] {
            let Stage { mut chain, market, large, .. } = closed_out(direction, pool, 8_000_000).await;
            // when anyone finishes it, then claims are set aside whole, insurance adds nothing,
            let sent = chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
            let Event::SettlementFinished(event) = sent.event() else { panic!("{:?}", sent.events) };
            assert_eq!((event.settlement, event.epoch, event.closed), (market.keys.settlement(0), 0, closed));
            assert_eq!((event.claims_sats.get(), event.payable_sats.get(), event.top_up_sats.get()), (PROFIT, PROFIT, 0));
            let delta = event.ledger.delta_sats;
            assert_eq!((delta.pool.get(), delta.funds.get(), delta.insurance.get()), (-60_000_000, 60_000_000, 0));
            let settlement = chain.settlement(&market.keys.settlement(0)).await;
            assert_eq!((settlement.market, settlement.payer, settlement.epoch), (market.keys.market, large.address(), 0));
            let state = settlement.state;
            assert_eq!([state.payable, state.claims, state.left, state.unredeemed], [Sats::new(PROFIT); 4]);
            // and it is open, or closed for good.
            let life = chain.market(&market.keys.market).await.state.lifecycle;
            assert_eq!(life.status(), if closed == 0 { Status::Active } else { Status::Closed });
            assert_eq!((life.epoch, life.claims.get(), life.settlement_price.get()), (1, 0, 0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_on_and_settles_again_while_claims_wait() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, second, loser, large, .. } = finished(direction, PROFIT, 0).await;
        chain.post(&market, Tick::at(far_price(direction)));

        // A claim must be redeemed before its position is used again, and by its own settlement.
        let open = [market.open(&winner, direction, 10)];
        chain.refuse("with a claim", &open, &[&winner.keypair], PerpError::ClaimUnredeemed).await;
        let settle = [market.settle(winner.position)];
        chain.refuse("without the settlement", &settle, &[], PerpError::ClaimUnredeemed).await;
        chain.refuse("nobody's claim", &[market.redeem(loser.position, 0)], &[], PerpError::NoClaim).await;
        let sent = chain.succeed("redeem", &[market.redeem(winner.position, 0)], &[]).await;
        let Event::ClaimRedeemed(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.position, event.epoch), (winner.position, 0));
        assert_eq!(
            (event.claim_sats.get(), event.paid_sats.get(), event.margin_sats.get()),
            (40_000_000, 40_000_000, 45_000_000)
        );
        assert_eq!((event.ledger.delta_sats.margin.get(), event.ledger.delta_sats.funds.get()), (40_000_000, -40_000_000));
        chain.refuse("twice", &[market.redeem(winner.position, 0)], &[], PerpError::NoClaim).await;
        chain.succeed("without a claim", &open, &[&winner.keypair]).await;

        // The second settlement is another epoch's; the claim of the first waits through it.
        chain.advance(120);
        chain.post(&market, Tick::at(if direction == Long { 65_000 } else { 39_000 }));
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(1)).await;
        let sent = chain.succeed("again", &[market.deleverage()], &[]).await;
        let Event::SettlingStarted(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert_eq!((event.epoch, event.positions), (1, 1));
        let waiting = without_tip(&market, second.position);
        chain.refuse("an older claim", &[waiting], &[], PerpError::ClaimUnredeemed).await;
        chain.succeed("close out", &[without_tip(&market, winner.position)], &[]).await;
        let early = market.redeem(winner.position, 0);
        chain.refuse("out of another epoch", &[early], &[], PerpError::WrongSettlement).await;
        let finish = [market.finish(&large.address(), 1)];
        chain.succeed("finish", &finish, &[&large.keypair]).await;
        let later = market.redeem(second.position, 1);
        chain.refuse("out of a later epoch", &[later], &[], PerpError::WrongSettlement).await;
        chain.succeed("out of its own", &[market.redeem(second.position, 0)], &[]).await;
        assert_eq!(chain.position(&second.position).await.state.margin.get(), SECONDS_MARGIN + 20_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_to_finish_early_or_twice_or_elsewhere() {
    let Stage { mut chain, market, winner, second, loser, large, .. } = strained(Long, PROFIT, 0).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let signer = [&large.keypair];
    let finish = market.finish(&large.address(), 0);
    // Places: 0 payer, 1 market, 2 settlement, 3 system program.

    chain.refuse("while trading", from_ref(&finish), &signer, PerpError::MarketNotSettling).await;
    chain.succeed("begin", &[market.deleverage()], &[]).await;
    for position in [winner.position, second.position, loser.position] {
        chain.refuse("with open positions", from_ref(&finish), &signer, PerpError::SettlementUnfinished).await;
        chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
    }
    chain.refuse("without the signature", &[unsigned(&finish, 0)], &[], ErrorCode::AccountNotSigner).await;
    let later = market.finish(&large.address(), 1);
    chain.refuse("as another epoch's", &[later], &signer, ErrorCode::ConstraintSeeds).await;
    let other = with_account(&finish, 2, other_market.keys.settlement(0));
    chain.refuse("into another market's", &[other], &signer, ErrorCode::ConstraintSeeds).await;
    refuses_strangers(&mut chain, &finish, 1, winner.position, &signer).await;
    chain.succeed("finish", from_ref(&finish), &signer).await;
    let again = market.finish(&large.address(), 1);
    chain.refuse("again", &[again], &signer, PerpError::MarketNotSettling).await;
}

/// Lamports that somebody sends to its address ahead do not keep a settlement from being finished.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_blocks_its_end_with_lamports() {
    let Stage { mut chain, market, large, .. } = closed_out(Long, PROFIT, 0).await;
    chain.give_lamports(&market.keys.settlement(0));
    chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
    assert_eq!(chain.settlement(&market.keys.settlement(0)).await.state.claims.get(), PROFIT);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settlements_account_is_closed_after_the_last_claim() {
    let Stage { mut chain, market, winner, second, large, small, .. } = closed_out(Short, PROFIT, 0).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let before = lamports(&chain, &large.address()).await;
    chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
    let close = market.close_settlement(&large.address(), 0);
    // Places: 0 market, 1 settlement, 2 payer.

    for position in [winner.position, second.position] {
        chain.refuse("with a claim left", from_ref(&close), &[], PerpError::SettlementUnredeemed).await;
        chain.post(&market, Tick::at(40_000));
        chain.succeed("redeem", &[market.redeem(position, 0)], &[]).await;
    }
    let rent = market.close_settlement(&small.address(), 0);
    chain.refuse("the rent to somebody else", &[rent], &[], PerpError::WrongRentRecipient).await;
    let cross = with_account(&close, 0, other_market.keys.market);
    chain.refuse("of another market", &[cross], &[], PerpError::WrongSettlement).await;
    refuses_strangers(&mut chain, &close, 0, winner.position, &[]).await;
    refuses_strangers(&mut chain, &close, 1, exchange(), &[]).await;
    let sent = chain.succeed("close", &[close], &[]).await;
    let Event::SettlementAccountClosed(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.settlement, event.payer), (market.keys.settlement(0), large.address()));
    assert!(chain.account(&market.keys.settlement(0)).await.is_none());
    assert_eq!(lamports(&chain, &large.address()).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let Stage { mut chain, market, winner, second, .. } = settling(Long, PROFIT, 1_000).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let keeper = chain.trader(&market).await;
    let other_mint = chain.new_mint(8);
    let close = market.close_out(second.position, keeper.tokens);
    // Places: 0 market, 1 position, 2 price, 3 vault, 4 destination, 5 token program, 6 settlement.

    let cross = with_account(&close, 0, other_market.keys.market);
    chain.refuse("in another market", &[cross], &[], PerpError::WrongMarket).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("his own", keeper.tokens)] {
        let elsewhere = with_account(&close, 3, vault);
        chain.refuse(&format!("out of {what} vault"), &[elsewhere], &[], PerpError::WrongVault).await;
    }
    let other_tokens = chain.token_account(&other_mint, &keeper.address(), 0);
    chain.refuse("to another mint", &[with_account(&close, 4, other_tokens)], &[], Refusal::MINT_MISMATCH).await;
    let other_program = with_account(&close, 5, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &[], ErrorCode::InvalidProgramId).await;
    refuses_strangers(&mut chain, &close, 0, winner.position, &[]).await;
    refuses_strangers(&mut chain, &close, 1, exchange(), &[]).await;
    let not_yet = market.redeem(second.position, 0);
    chain.refuse("out of a settlement to come", &[not_yet], &[], ErrorCode::AccountOwnedByWrongProgram).await;
    chain.rob_vault(&market, 1).await;
    chain.refuse("a tip out of a vault that is short", &[close], &[], PerpError::VaultShort).await;
}

/// A settlement's bytes under another program's ownership are no settlement, and another market's is not this one's.
#[tokio::test(flavor = "multi_thread")]
async fn refuses_settlements_that_are_none() {
    let Stage { mut chain, market, winner, .. } = finished(Long, PROFIT, 0).await;
    chain.post(&market, Tick::at(62_500));
    let redeem = market.redeem(winner.position, 0);
    refuses_strangers(&mut chain, &redeem, 6, exchange(), &[]).await;
    let mut other = chain.account(&market.keys.settlement(0)).await.expect("it is there");
    other.data[8] ^= 1; // the first byte of its market
    let forged = Address::new_unique();
    chain.set_account(&forged, other);
    let redeem_other = with_account(&redeem, 6, forged);
    chain.refuse("another market's", &[redeem_other], &[], PerpError::WrongSettlement).await;
    chain.succeed("its own", &[redeem], &[]).await;
}
