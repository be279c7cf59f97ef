//! `pay_out`

use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::settlements::*;
use inverse_perps_tests::harness::prelude::*;
use perps::client::addresses::associated_tokens;
use perps::client::exchange;

/// What an associated token account's rent costs: 128 and 165 bytes at 6,960 lamports each.
const TOKEN_ACCOUNT_RENT: u64 = 2_039_280;

fn pay_out(market: &TestMarket, payer: &Keypair, trader: &Trader, claim_epoch: Option<u32>) -> Instruction {
    instructions::pay_out(&market.keys, payer.pubkey(), trader.position, trader.address(), claim_epoch)
}

#[tokio::test(flavor = "multi_thread")]
async fn redeems_pays_and_closes_at_the_callers_cost() {
    for direction in [Long, Short] {
        // Given a closed market and an owner who is not there and has no associated account,
        let Stage { mut chain, market, winner, second, loser, .. } = closed(direction).await;
        let caller = chain.somebody();
        let tokens = associated_tokens(&winner.address(), &market.keys.mint);
        let rent = lamports(&chain, &winner.position).await;
        let (owners, callers) = (lamports(&chain, &winner.address()).await, lamports(&chain, &caller.pubkey()).await);

        // when anyone pays out the position, then its claim is redeemed, and all that it has is in that account: 5,000,000
        // and 35,333,333 of 40,000,000, as derived in `closed_market`.
        let unredeemed = pay_out(&market, &caller, &winner, None);
        chain.refuse("without the settlement", &[unredeemed], &[&caller], PerpError::ClaimUnredeemed).await;
        let sent = chain.succeed("pay out", &[pay_out(&market, &caller, &winner, Some(0))], &[&caller]).await;
        let [Event::ClaimRedeemed(_), Event::PositionPaidOut(event)] = &sent.events[..] else { panic!("{:?}", sent.events) };
        assert_eq!((event.position, event.owner, event.destination), (winner.position, winner.address(), tokens));
        assert_eq!((event.amount_sats.get(), event.ledger.delta_sats.margin.get()), (40_333_333, -40_333_333));
        assert_eq!(chain.tokens(&tokens).await, 40_333_333);

        // The caller paid for the account, the owner got the rent of the position.
        assert_eq!(lamports(&chain, &caller.pubkey()).await, callers - TOKEN_ACCOUNT_RENT);
        assert_eq!(lamports(&chain, &winner.address()).await, owners + rent);
        assert!(chain.account(&winner.position).await.is_none());

        // An account that is there is used, and costs nobody anything.
        let tokens = associated_tokens(&loser.address(), &market.keys.mint);
        chain.set_account(&tokens, token_account(&market.keys.mint, &loser.address(), 7));
        let callers = lamports(&chain, &caller.pubkey()).await;
        chain.succeed("pay out", &[pay_out(&market, &caller, &loser, None)], &[&caller]).await;
        assert_eq!((chain.tokens(&tokens).await, lamports(&chain, &caller.pubkey()).await), (5_000_007, callers));

        // A position that has nothing is closed, and no account is made for it.
        let redeem = market.redeem(second.position, 0);
        chain.succeed("redeem", &[redeem], &[]).await;
        chain.succeed("withdraw", &[take_margin(&market, &second, 20_666_666)], &[&second.keypair]).await;
        let sent = chain.succeed("pay out", &[pay_out(&market, &caller, &second, None)], &[&caller]).await;
        let Event::PositionPaidOut(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.amount_sats.get(), lamports(&chain, &caller.pubkey()).await), (0, callers));
        assert!(chain.account(&associated_tokens(&second.address(), &market.keys.mint)).await.is_none());
        assert!(chain.account(&second.position).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_while_the_market_lives() {
    for direction in [Long, Short] {
        let Stage { mut chain, market, winner, second, loser, large, .. } = strained(direction, PROFIT, 0).await;
        let caller = chain.somebody();
        let flat = chain.trader_with(&market, 1_000).await;
        let pay = [pay_out(&market, &caller, &flat, None)];
        chain.refuse("while trading", &pay, &[&caller], PerpError::MarketNotClosed).await;
        chain.succeed("begin", &[market.deleverage()], &[]).await;
        chain.refuse("while settling", &pay, &[&caller], PerpError::MarketNotClosed).await;
        for position in [winner.position, second.position, loser.position] {
            chain.succeed("close out", &[without_tip(&market, position)], &[]).await;
        }
        chain.succeed("finish", &[market.finish(&large.address(), 0)], &[&large.keypair]).await;
        chain.refuse("when it is open again", &pay, &[&caller], PerpError::MarketNotClosed).await;
        let claimed = pay_out(&market, &caller, &winner, Some(0));
        chain.refuse("with a claim", &[claimed], &[&caller], PerpError::MarketNotClosed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let Stage { mut chain, market, winner, loser, .. } = closed(Long).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let other_mint = chain.new_mint(8);
    let caller = chain.somebody();
    let callers = chain.token_account(&market.keys.mint, &caller.pubkey(), 0);
    let signer = [&caller];
    let good = pay_out(&market, &caller, &winner, Some(0));
    // Places: 0 payer, 1 market, 2 position, 3 owner, 4 vault, 5 destination, 6 mint, 7 token program, 8 associated token
    // program, 9 system program, 10 settlement.

    chain.refuse("without the signature", &[unsigned(&good, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&good, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    let thief = with_account(&good, 3, caller.pubkey());
    chain.refuse("to somebody else", from_ref(&thief), &signer, PerpError::NotOwner).await;
    let own = associated_tokens(&caller.pubkey(), &market.keys.mint);
    let to_thief = with_account(&good, 5, own);
    chain.refuse("to the caller's account", &[to_thief], &signer, PerpError::WrongAssociatedAccount).await;
    let elsewhere = with_account(&good, 5, winner.tokens);
    chain.refuse("to another account of the owner's", &[elsewhere], &signer, PerpError::WrongAssociatedAccount).await;
    let of_other_mint = associated_tokens(&winner.address(), &other_mint);
    let elsewhere = with_account(&with_account(&good, 5, of_other_mint), 6, other_mint);
    chain.refuse("to another mint", &[elsewhere], &signer, PerpError::WrongAssociatedAccount).await;
    for (what, vault) in [("another market's", other_market.keys.vault), ("his own", callers)] {
        let elsewhere = with_account(&good, 4, vault);
        chain.refuse(&format!("out of {what} vault"), &[elsewhere], &signer, PerpError::WrongVault).await;
    }
    for place in [7, 8, 9] {
        let other_program = with_account(&good, place, TOKEN_2022_PROGRAM);
        chain.refuse(&format!("program {place}"), &[other_program], &signer, ErrorCode::InvalidProgramId).await;
    }
    let no_claim = pay_out(&market, &caller, &loser, Some(0));
    chain.refuse("without a claim", &[no_claim], &signer, PerpError::NoClaim).await;
    refuses_strangers(&mut chain, &good, 1, exchange(), &signer).await;
    refuses_strangers(&mut chain, &good, 2, exchange(), &signer).await;
    refuses_strangers(&mut chain, &good, 10, exchange(), &signer).await;

    // An associated account that has been given away is not the owner's any more.
    let tokens = associated_tokens(&winner.address(), &market.keys.mint);
    chain.set_account(&tokens, token_account(&market.keys.mint, &caller.pubkey(), 0));
    chain.refuse("to an account given away", from_ref(&good), &signer, PerpError::WrongRecipient).await;
    chain.set_account(&tokens, token_account(&market.keys.mint, &winner.address(), 0));
    chain.rob_vault(&market, 1).await;
    chain.refuse("out of a vault that is short", &[good], &signer, PerpError::VaultShort).await;
}
