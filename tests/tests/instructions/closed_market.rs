//! A market that its settlement has closed for good: claims in proportion, the pool's last money, `collect_protocol_fees`.

use crate::accounts::{refuses_strangers, with_account};
use crate::settlements::*;
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

fn collect(market: &TestMarket, destination: Address) -> Instruction {
    instructions::collect_protocol_fees(&market.keys, destination)
}

#[tokio::test(flavor = "multi_thread")]
async fn insurance_tops_up_to_the_cap_of_what_it_was() {
    // 40,000,000 of the pool and 10,000,000 of the loser are 10,000,000 short. Insurance adds what is missing, and at most
    // half of what it had when settling began; what it is given meanwhile does not count.
    for direction in [Long, Short] {
        for (insurance, top_up) in [(100_000_000, 10_000_000), (20_000_000, 10_000_000), (19_999_999, 9_999_999), (0, 0)] {
            let Stage { mut chain, market, large, .. } = closed_out(direction, 40_000_000, insurance).await;
            chain.fill_insurance(&market, 50_000_000).await;
            let sent = chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
            let Event::SettlementFinished(event) = sent.event() else { panic!("{:?}", sent.events) };
            assert_eq!((event.claims_sats.get(), event.top_up_sats.get()), (PROFIT, top_up));
            assert_eq!((event.payable_sats.get(), event.closed), (50_000_000 + top_up, 1));
            let after = event.ledger.after_sats;
            assert_eq!((after.pool.get(), after.insurance.get()), (0, insurance + 50_000_000 - top_up));
            assert_eq!(chain.market(&market.keys.market).await.state.status(), Status::Closed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_share_what_there_is_and_the_last_one_leaves_the_rest() {
    // 53,000,000 for 60,000,000: 40,000,000 get 35,333,333.3 and 20,000,000 get 17,666,666.7, down; a satoshi is left, and
    // with the last claim it and the 3,000,000 of insurance are the pool's. In either order.
    for direction in [Long, Short] {
        for winner_first in [true, false] {
            let Stage { mut chain, market, winner, second, .. } = closed(direction).await;
            let winners = (&winner, 40_000_000, 35_333_333, WINNERS_MARGIN);
            let seconds = (&second, 20_000_000, 17_666_666, SECONDS_MARGIN);
            let order = if winner_first { [winners, seconds] } else { [seconds, winners] };
            for (at, (trader, claim, paid, margin)) in order.into_iter().enumerate() {
                let close = instructions::close_position_account(&market.keys, trader.address(), trader.position);
                let all = take_margin(&market, trader, margin);
                let what = "close with nothing but a claim";
                chain.refuse(what, &[all, close], &[&trader.keypair], PerpError::PositionNotEmpty).await;
                let sent = chain.succeed("redeem", &[market.redeem(trader.position, 0)], &[]).await;
                let Event::ClaimRedeemed(event) = sent.event() else { panic!("{:?}", sent.events) };
                assert_eq!(
                    (event.claim_sats.get(), event.paid_sats.get(), event.margin_sats.get()),
                    (claim, paid, margin + paid)
                );
                let after = event.ledger.after_sats;
                let left = if at == 0 { (0, 3_000_000, 53_000_000 - paid) } else { (3_000_001, 0, 0) };
                assert_eq!((after.pool.get(), after.insurance.get(), after.funds.get()), left);
            }
            let settlement = chain.settlement(&market.keys.settlement(0)).await.state;
            assert_eq!((settlement.left, settlement.unredeemed), (Sats::ZERO, Sats::ZERO));

            // Only then can the account of such a position be closed.
            let close = instructions::close_position_account(&market.keys, winner.address(), winner.position);
            let margin = take_margin(&market, &winner, WINNERS_MARGIN + 35_333_333);
            chain.succeed("withdraw and close", &[margin, close], &[&winner.keypair]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_leave_after_the_last_claim_and_nothing_is_left_behind() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, second, loser, large, small } = closed(direction).await;
        // Given shares queued in a closed market, when claims are outstanding, then nobody leaves.
        chain.succeed("request", &[market.request(&large, 0, 60 * BTC)], &[&large.keypair]).await;
        chain.succeed("request", &[market.request(&small, 0, 40 * BTC)], &[&small.keypair]).await;
        let leave = leave_closed(&market, &large, 0, 1_800_000);
        for trader in [&winner, &second] {
            chain.refuse("with claims", from_ref(&leave), &[&large.keypair], PerpError::ClaimsOutstanding).await;
            chain.succeed("redeem", &[market.redeem(trader.position, 0)], &[]).await;
        }

        // When they are paid, then each leaves at once, with three fifths of 3,000,001, down, and the last one with the rest.
        let greedy = leave_closed(&market, &large, 0, 1_800_001);
        chain.refuse("a satoshi too much", &[greedy], &[&large.keypair], PerpError::PayoutTooSmall).await;
        let sent = chain.succeed("leave", &[leave], &[&large.keypair]).await;
        let Event::WithdrawalCompleted(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.amount_sats.get(), event.shares_after), (1_800_000, 40 * BTC));
        chain.succeed("leave", &[leave_closed(&market, &small, 0, 1_200_001)], &[&small.keypair]).await;
        assert_eq!((chain.tokens(&large.tokens).await, chain.tokens(&small.tokens).await), (1_800_000, 1_200_001));

        // Margin: what each had, and the claims; 15,000,000 less the loss.
        for (trader, margin) in [(&winner, 40_333_333), (&second, 20_666_666), (&loser, 5_000_000)] {
            chain.succeed("margin", &[take_margin(&market, trader, margin)], &[&trader.keypair]).await;
        }
        assert_eq!(chain.tokens(&market.keys.vault).await, PROTOCOL_FEES);
        let admin = chain.admin.pubkey();
        let fees = chain.token_account(&market.keys.mint, &admin, 0);
        chain.succeed("collect", &[collect(&market, fees)], &[]).await;
        assert_eq!((chain.tokens(&market.keys.vault).await, chain.tokens(&fees).await), (0, PROTOCOL_FEES));
        let state = chain.market(&market.keys.market).await.state;
        assert_eq!((state.ledger.total().expect("a sum"), state.pool_shares), (Sats::ZERO, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_trades_in_a_closed_market() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, loser, large, .. } = closed(direction).await;
        let keys = &market.keys;
        chain.succeed("redeem", &[market.redeem(winner.position, 0)], &[]).await;
        chain.advance(86_400);
        chain.post(&market, Tick::at(far_price(direction)));
        let newcomer = chain.somebody();
        let create = instructions::create_position(keys, newcomer.pubkey(), 0);
        let refused = [
            ("make a margin account", create, vec![&newcomer]),
            ("increase", market.open(&winner, direction, 10), vec![&winner.keypair]),
            ("decrease", market.close(&winner, direction), vec![&winner.keypair]),
            ("liquidate", market.liquidate(loser.position, loser.tokens), vec![]),
            ("accrue", market.accrue(), vec![]),
            ("deleverage", market.deleverage(), vec![]),
            ("deposit liquidity", market.provide(&large, 1_000_000), vec![&large.keypair]),
            (
                "give to the pool",
                instructions::donate_liquidity(keys, winner.address(), winner.tokens, 1),
                vec![&winner.keypair],
            ),
            (
                "give to insurance",
                instructions::fund_insurance(keys, winner.address(), winner.tokens, 1),
                vec![&winner.keypair],
            ),
            ("declare the oracle dead", instructions::declare_dead(keys), vec![]),
            ("show a price", instructions::show_settlement_price(keys, market.price), vec![]),
            ("settle the market", instructions::settle_market(keys), vec![]),
        ];
        for (what, instruction, signers) in refused {
            chain.refuse(what, &[instruction], &signers, PerpError::MarketClosed).await;
        }
        let finish = [market.finish(&large.address(), 1)];
        chain.refuse("finish", &finish, &[&large.keypair], PerpError::MarketNotSettling).await;
        let sent = chain.succeed("settle", &[without_tip(&market, winner.position)], &[]).await;
        assert_eq!(sent.events, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn protocol_fees_go_to_the_exchanges_recipient_in_any_state() {
    // Given 10,500 satoshi of the fee of $100,000, as derived in `increase_position`,
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let other_mint = chain.new_mint(8);
    let admin = chain.admin.pubkey();
    let fees = chain.token_account(&market.keys.mint, &admin, 0);
    let good = collect(&market, fees);
    // Places: 0 exchange, 1 market, 2 vault, 3 destination, 4 token program.
    chain.refuse("where there are none", from_ref(&good), &[], PerpError::AmountZero).await;
    let trader = opened(&mut chain, &market, Long, 100_000).await;

    // when it is asked for what does not belong, then it refuses;
    let thief = with_account(&good, 3, trader.tokens);
    chain.refuse("to somebody else", &[thief], &[], PerpError::WrongRecipient).await;
    chain.refuse("to no token account", &[with_account(&good, 3, admin)], &[], PerpError::WrongRecipient).await;
    let other_tokens = chain.token_account(&other_mint, &admin, 0);
    chain.refuse("to another mint", &[with_account(&good, 3, other_tokens)], &[], Refusal::MINT_MISMATCH).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("somebody's", trader.tokens)] {
        let elsewhere = with_account(&good, 2, vault);
        chain.refuse(&format!("out of {what} vault"), &[elsewhere], &[], PerpError::WrongVault).await;
    }
    let cross = with_account(&good, 1, other_market.keys.market);
    chain.refuse("of another market", &[cross], &[], PerpError::WrongVault).await;
    let other_program = with_account(&good, 4, TOKEN_2022_PROGRAM);
    chain.refuse("with another token program", &[other_program], &[], ErrorCode::InvalidProgramId).await;
    let confused = with_account(&good, 0, market.keys.market);
    chain.refuse("of no exchange", &[confused], &[], ErrorCode::AccountDiscriminatorMismatch).await;
    refuses_strangers(&mut chain, &good, 1, exchange(), &[]).await;

    // and when anyone asks for it as it should be, then the recipient has them.
    let sent = chain.succeed("collect", from_ref(&good), &[]).await;
    let Event::ProtocolFeesCollected(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.destination, event.amount_sats.get()), (fees, 10_500));
    assert_eq!((event.ledger.delta_sats.protocol_fees.get(), event.ledger.after_sats.protocol_fees.get()), (-10_500, 0));
    assert_eq!(chain.tokens(&fees).await, 10_500);
    chain.refuse("again", from_ref(&good), &[], PerpError::AmountZero).await;
    chain.edit_market(&market, |market| market.state.ledger.protocol_fees = Sats::new(1)).await;
    chain.rob_vault(&market, 1).await;
    chain.refuse("out of a vault that is short", &[good], &[], PerpError::VaultShort).await;
}
