//! `propose_params`, `execute_params`, `cancel_params`

use crate::accounts::{lamports, refuses_strangers, unsigned, with_account};
use crate::settlements::{closed, settling, strained};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

const TIMELOCK: u32 = 3 * DAY;
const FORTNIGHT: u32 = 14 * DAY;
// Places: 0 admin, 1 exchange, 2 market, 3 pending, 4 payer, 5 price, 6 system program.

/// Other parameters than `still()`, no margin ratio raised.
fn other() -> Params {
    Params { taker_fee: Bps::new(10), min_reward: Bps::new(4), cool_down: Seconds::new(3_600), ..still() }
}

/// A market with a proposal of `other`, made just now.
async fn proposed() -> (Chain, TestMarket, Keypair) {
    let (mut chain, market) = Chain::with_market(still()).await;
    let admin = chain.admin.insecure_clone();
    chain.succeed("propose", &[market.propose(&admin, other())], &[&admin]).await;
    (chain, market, admin)
}

async fn params(chain: &Chain, market: &TestMarket) -> Params {
    chain.market(&market.keys.market).await.state.params
}

/// The Clock goes on, and a price comes.
fn wait(chain: &mut Chain, market: &TestMarket, seconds: u32) {
    chain.advance(seconds);
    chain.post(market, Tick::at(50_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_parameters_change_after_the_timelock_to_the_second() {
    let (mut chain, market) = Chain::with_market(still()).await;
    let admin = chain.admin.insecure_clone();
    let rich = lamports(&chain, &admin.pubkey()).await;
    let start = chain.time();

    // When the admin proposes, then the proposal waits, and nothing has changed.
    let sent = chain.succeed("propose", &[market.propose(&admin, other())], &[&admin]).await;
    let Event::ParamsProposed(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.head.sequence), (market.keys.market, 2));
    assert_eq!((event.pending, event.proposal.params), (market.keys.pending_update(), other()));
    let times = (event.proposal.executable_at.get(), event.proposal.expires_at.get());
    assert_eq!(times, (start + 259_200, start + 259_200 + 1_209_600), "3 days, and 14 more");
    let stored = chain.proposal(&market).await.expect("a proposal");
    assert_eq!((stored.version, stored.market, stored.payer), (1, market.keys.market, admin.pubkey()));
    assert_eq!((stored.state, stored.admin_epoch), (event.proposal, 0));
    assert_eq!(params(&chain, &market).await, still());
    assert!(lamports(&chain, &admin.pubkey()).await < rich);

    // A second before the timelock is over it cannot be executed,
    wait(&mut chain, &market, TIMELOCK - 1);
    let execute = [market.execute(&admin)];
    chain.refuse("a second early", &execute, &[&admin], PerpError::TimelockNotOver).await;
    // then it can, and the rent comes back.
    wait(&mut chain, &market, 1);
    let sent = chain.succeed("execute", &execute, &[&admin]).await;
    let Event::ParamsChanged(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.sequence, event.pending, event.params), (3, market.keys.pending_update(), other()));
    assert_eq!((event.spared_until, event.margin_epoch), (0, 0), "no ratio was raised");
    assert_eq!(params(&chain, &market).await, other());
    assert_eq!(lamports(&chain, &admin.pubkey()).await, rich);
    assert!(chain.proposal(&market).await.is_none());
    chain.refuse("again", &execute, &[&admin], PerpError::NoPendingUpdate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_43_a_proposal_expires_a_fortnight_after_its_timelock() {
    for (late, expired) in [(0, false), (1, true)] {
        let (mut chain, market, admin) = proposed().await;
        wait(&mut chain, &market, TIMELOCK + FORTNIGHT + late);
        let execute = [market.execute(&admin)];
        if !expired {
            chain.succeed("the last second", &execute, &[&admin]).await;
            continue;
        }
        chain.refuse("a second late", &execute, &[&admin], PerpError::ProposalExpired).await;
        chain.refuse("another", &[market.propose(&admin, other())], &[&admin], PerpError::UpdatePending).await;
        let sent = chain.succeed("cancel", &[market.cancel_proposal(&admin)], &[&admin]).await;
        let Event::ProposalCancelled(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.pending, event.admin), (market.keys.pending_update(), admin.pubkey()));
        chain.succeed("another", &[market.propose(&admin, other())], &[&admin]).await;
        assert_eq!(params(&chain, &market).await, still());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_has_one_proposal_at_a_time() {
    let (mut chain, market, admin) = proposed().await;
    let rich = lamports(&chain, &admin.pubkey()).await;
    let second = market.propose(&admin, Params::standard());
    chain.refuse("a second one", from_ref(&second), &[&admin], PerpError::UpdatePending).await;
    assert_eq!(chain.proposal(&market).await.expect("the first").state.params, other());
    chain.succeed("cancel", &[market.cancel_proposal(&admin)], &[&admin]).await;
    assert!(lamports(&chain, &admin.pubkey()).await > rich, "the rent is back");
    chain.refuse("cancel again", &[market.cancel_proposal(&admin)], &[&admin], PerpError::NoPendingUpdate).await;
    chain.refuse("execute nothing", &[market.execute(&admin)], &[&admin], PerpError::NoPendingUpdate).await;

    // One takes another's place in one transaction.
    let [first, replacement] = [market.propose(&admin, other()), market.propose(&admin, still())];
    chain.succeed("propose", &[first], &[&admin]).await;
    chain.succeed("replace", &[market.cancel_proposal(&admin), replacement], &[&admin]).await;
    assert_eq!(chain.proposal(&market).await.expect("the replacement").state.params, still());
    chain.succeed("cancel", &[market.cancel_proposal(&admin)], &[&admin]).await;

    // What somebody has sent to its address before is in nobody's way.
    let pending = market.keys.pending_update();
    chain.set_account(&pending, Account { lamports: 1_000_000, ..Account::default() });
    chain.succeed("the second one", &[second], &[&admin]).await;
    // The timelock starts with the proposal.
    wait(&mut chain, &market, TIMELOCK - 1);
    chain.refuse("a second early", &[market.execute(&admin)], &[&admin], PerpError::TimelockNotOver).await;
    // Another market has its own.
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    chain.succeed("elsewhere", &[other_market.propose(&admin, other())], &[&admin]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_the_admin_and_the_right_accounts() {
    let (mut chain, market, admin) = proposed().await;
    let elsewhere = chain.open_market(market.keys.mint, 1, still()).await;
    let guardian = chain.new_guardian().await;
    let thief = chain.somebody();
    let trader = chain.trader(&market).await;
    wait(&mut chain, &market, TIMELOCK);

    for signer in [&thief, &guardian] {
        let propose = elsewhere.propose(signer, other());
        chain.refuse("propose", &[propose], &[signer], PerpError::NotAdmin).await;
        let execute = governance::execute_params(&market.keys, signer.pubkey(), admin.pubkey(), market.price);
        chain.refuse("execute", &[execute], &[signer], PerpError::NotAdmin).await;
        let cancel = governance::cancel_params(&market.keys, signer.pubkey(), admin.pubkey());
        chain.refuse("cancel", &[cancel], &[signer], PerpError::NotAdmin).await;
    }
    let pending_elsewhere = elsewhere.keys.pending_update();
    let good = [elsewhere.propose(&admin, other()), market.execute(&admin), market.cancel_proposal(&admin)];
    for (instruction, own) in good.iter().zip([&elsewhere, &market, &market]) {
        chain.refuse("unsigned", &[unsigned(instruction, 0)], &[], ErrorCode::AccountNotSigner).await;
        let exchange_place = with_account(instruction, 1, market.keys.market);
        chain.refuse("no exchange", &[exchange_place], &[&admin], ErrorCode::AccountDiscriminatorMismatch).await;
        refuses_strangers(&mut chain, instruction, 2, trader.position, &[&admin]).await;
        let foreign = if own.keys == market.keys { pending_elsewhere } else { market.keys.pending_update() };
        let misplaced = with_account(instruction, 3, foreign);
        chain.refuse("another market's", &[misplaced], &[&admin], ErrorCode::ConstraintSeeds).await;
    }
    for instruction in &good[1..] {
        let diverted = with_account(instruction, 4, thief.pubkey());
        chain.refuse("the rent to a thief", &[diverted], &[&admin], PerpError::WrongRentRecipient).await;
    }
    let mut blind = good[1].clone();
    blind.accounts.truncate(5);
    chain.refuse("without a price", &[blind], &[&admin], PerpError::PriceRequired).await;
    let mispriced = with_account(&good[1], 5, exchange());
    chain.refuse("with another price", &[mispriced], &[&admin], PerpError::WrongOracleOwner).await;
    // Who pays the rent has to sign for it.
    let at_his_cost = with_account(&good[0], 4, thief.pubkey());
    let refusal = solana_instruction::error::InstructionError::PrivilegeEscalation;
    chain.refuse("at another's cost", &[at_his_cost], &[&admin], refusal).await;

    chain.advance(100);
    chain.refuse("with an old price", from_ref(&good[1]), &[&admin], PerpError::PriceTooOld).await;
    chain.post(&market, Tick::at(50_000));
    chain.succeed("as it should be", &[good[1].clone()], &[&admin]).await;
    assert_eq!(params(&chain, &market).await, other());
}

/// A new rate does not reach into the past: what has passed is accrued at the old one first.
#[tokio::test(flavor = "multi_thread")]
async fn accrues_at_the_old_rates_first() {
    let (mut chain, market) = Chain::with_pool(Params::standard(), 100 * BTC).await;
    let admin = chain.admin.insecure_clone();
    let alice = chain.trader_with(&market, 50_000_000).await;
    chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    let dearer = Params { max_funding: 60_000_000, max_borrow: 40_000_000, ..Params::standard() };
    chain.succeed("propose", &[market.propose(&admin, dearer)], &[&admin]).await;
    wait(&mut chain, &market, TIMELOCK - 3_600);
    chain.succeed("accrue", &[market.accrue()], &[]).await;
    wait(&mut chain, &market, 3_600);
    let sent = chain.succeed("execute", &[market.execute(&admin)], &[&admin]).await;
    let [Event::Accrued(accrued), Event::ParamsChanged(changed)] = &sent.events[..] else { panic!("{:?}", sent.events) };
    assert_eq!(accrued.elapsed_seconds, 3_600);
    // Funding of 0.3 % a day times $100,000 of $10,000,000: 30,000 ppb; borrow of 0.1 % times 2 of 100 BTC and fees: 20,000.
    assert!((49_900..=50_000).contains(&accrued.long_rate_ppb_per_day.get()), "{accrued:?}");
    assert_eq!(changed.params, dearer);

    wait(&mut chain, &market, 3_600);
    let sent = chain.succeed("accrue", &[market.accrue()], &[]).await;
    let Event::Accrued(accrued) = sent.event() else { panic!("{:?}", sent.events) };
    assert!((1_390_000..=1_400_000).contains(&accrued.long_rate_ppb_per_day.get()), "600,000 and 800,000: {accrued:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_market_that_settles_or_is_closed_keeps_its_parameters() {
    for direction in [Long, Short] {
        let mut stage = settling(direction, 40_000_000, 0).await;
        let admin = stage.chain.admin.insecure_clone();
        let market = stage.market;
        stage.chain.succeed("propose", &[market.propose(&admin, other())], &[&admin]).await;
        wait(&mut stage.chain, &market, TIMELOCK);
        stage.chain.refuse("settling", &[market.execute(&admin)], &[&admin], PerpError::MarketSettling).await;
        stage.chain.succeed("cancel", &[market.cancel_proposal(&admin)], &[&admin]).await;

        let mut stage = closed(direction).await;
        let admin = stage.chain.admin.insecure_clone();
        let market = stage.market;
        stage.chain.succeed("propose", &[market.propose(&admin, other())], &[&admin]).await;
        wait(&mut stage.chain, &market, TIMELOCK);
        stage.chain.refuse("closed", &[market.execute(&admin)], &[&admin], PerpError::MarketClosed).await;

        // Where the sync begins to settle the market, the change has no place in that either.
        let mut stage = strained(direction, 40_000_000, 0).await;
        let admin = stage.chain.admin.insecure_clone();
        let market = stage.market;
        stage.chain.succeed("propose", &[market.propose(&admin, other())], &[&admin]).await;
        stage.chain.advance(TIMELOCK);
        stage.chain.post(&market, Tick::at(crate::settlements::far_price(direction)));
        stage.chain.refuse("strained", &[market.execute(&admin)], &[&admin], PerpError::MarketSettling).await;
    }
}

/// Who asked to leave the pool before a change leaves by the times that held then.
#[tokio::test(flavor = "multi_thread")]
async fn new_exit_times_leave_the_queue_as_it_is() {
    let day = Seconds::new(DAY);
    let longer = Params { cool_down: Seconds::new(2 * DAY), withdrawal_window: day, ..still() };
    let shorter = Params { cool_down: Seconds::new(600), withdrawal_window: Seconds::new(600), ..still() };
    for params in [longer, shorter] {
        let (mut chain, market) = Chain::with_market(still()).await;
        let admin = chain.admin.insecure_clone();
        let [early, late] = [chain.provider(&market, BTC).await, chain.provider(&market, BTC).await];
        chain.succeed("propose", &[market.propose(&admin, params)], &[&admin]).await;
        wait(&mut chain, &market, TIMELOCK - 3_600);
        chain.succeed("request", &[market.request(&early, 0, BTC)], &[&early.keypair]).await;
        wait(&mut chain, &market, 3_600);
        chain.succeed("execute", &[market.execute(&admin)], &[&admin]).await;
        chain.succeed("request", &[market.request(&late, 0, BTC)], &[&late.keypair]).await;
        let stored = chain.withdrawal(&market.keys.withdrawal(&late.address(), 0)).await.state;
        assert_eq!((stored.cool_down, stored.window), (params.cool_down, params.withdrawal_window));

        let complete = [market.complete(&early, 0)];
        wait(&mut chain, &market, DAY - 3_601);
        chain.refuse("a second early", &complete, &[&early.keypair], PerpError::CoolDownNotOver).await;
        wait(&mut chain, &market, 1);
        let keeper = chain.somebody();
        let give_back = [market.give_back(&keeper.pubkey(), &early, 0)];
        chain.refuse("nobody sends him back", &give_back, &[&keeper], PerpError::WithdrawalNotLapsed).await;
        chain.succeed("a day after the request", &complete, &[&early.keypair]).await;
        assert_eq!(chain.tokens(&early.tokens).await, BTC);
    }
}
