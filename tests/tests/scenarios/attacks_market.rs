//! Attacks with prices: two accounts on both sides of a crash or a pump, paper profit, caps and skew. Cases 28, 29, 30 and 35.

use crate::crew::{
    bury_oracle, close, everybody_leaves, finish_settlement, holdings, later, leave, margin, open, opened, state, EACH,
};
use crate::BOTH;
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;

/// Ten times up or down from $50,000, and who wins by it.
const EXTREMES: [(i64, PositionDirection); 2] = [(500_000, Long), (5_000, Short)];

fn other(direction: PositionDirection) -> PositionDirection {
    match direction {
        Long => Short,
        Short => Long,
    }
}

/// $100,000 long and $100,000 short at $50,000, both of one crew; the winner first.
async fn pair(chain: &mut Chain, market: &TestMarket, winner: PositionDirection, margin: u64) -> (Trader, Trader) {
    let wins = opened(chain, market, margin, (winner, 100_000)).await;
    let loses = opened(chain, market, margin, (other(winner), 100_000)).await;
    (wins, loses)
}

#[tokio::test(flavor = "multi_thread")]
async fn case_28_a_price_that_comes_back_leaves_a_pair_poorer_by_its_fees() {
    for (extreme, winner) in EXTREMES {
        // Given a crew with 2 BTC of notional on each side, 5 BTC of margin behind each, and an honest pool,
        let (mut chain, market) = Chain::with_market(still()).await;
        let honest = chain.provider(&market, 100 * BTC).await;
        let (wins, loses) = pair(&mut chain, &market, winner, 5 * BTC).await;

        // when the price goes to the extreme, then the winner gets out no more than his own margin, and not all of it: profit on
        // paper is not collateral;
        later(&mut chain, &market, extreme);
        let had = margin(&chain, &wins).await;
        let signer = [&wins.keypair];
        chain.refuse("paper profit", &[market.withdraw(&wins, had + 1)], &signer, PerpError::MarginBelowAmount).await;
        chain.refuse("all margin", &[market.withdraw(&wins, had)], &signer, PerpError::MarginBelowInitial).await;
        // the value at the extreme is 0.2 or 20 BTC, and 2.01 % of it must stay.
        let stays = if winner == Long { 402_000 } else { 40_200_000 };
        chain.refuse("a satoshi", &[market.withdraw(&wins, had - stays + 1)], &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("what is free", &[market.withdraw(&wins, had - stays)], &signer).await;
        // Nor does paper profit open more: the margin left is exactly what the position needs.
        let more = market.open(&wins, winner, 10_000);
        chain.refuse("pyramiding", &[more], &signer, PerpError::MarginBelowInitial).await;
        if winner == Short {
            // The long has lost 18 BTC of which it can pay 5: it can take nothing out.
            let all = market.withdraw(&loses, 1);
            chain.refuse("margin of the bankrupt", &[all], &[&loses.keypair], PerpError::MarginBelowInitial).await;
        }

        // and when the price has come back and both close, then the crew has paid four fees and got nothing: 5 bps of 2 BTC four
        // times, and $2.50 twice for the $100,000 of imbalance, 5,000 satoshi.
        later(&mut chain, &market, 50_000);
        close(&mut chain, &market, &wins, winner).await;
        close(&mut chain, &market, &loses, other(winner)).await;
        assert_eq!(holdings(&chain, &[&wins, &loses], &[]).await, 2 * EACH - 4 * 100_000 - 2 * 5_000, "{winner:?}");
        assert_eq!(everybody_leaves(&mut chain, &market, &[&wins, &loses], &[&honest]).await, 0);
        assert_eq!(chain.tokens(&honest.tokens).await, 100 * BTC + 410_000 - 41_000, "the pool and what insured it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_28_a_pair_whose_losing_side_is_liquidated_on_the_way_loses_its_margin() {
    for (extreme, winner) in EXTREMES {
        // Given a pair with a tenth of a bitcoin behind each, when the price goes to the extreme, the losing side is liquidated, and
        // the price comes back,
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let keeper = chain.trader(&market).await;
        let (wins, loses) = pair(&mut chain, &market, winner, BTC / 10).await;
        later(&mut chain, &market, extreme);
        chain.succeed("liquidate", &[market.liquidate(loses.position, keeper.tokens)], &[]).await;
        later(&mut chain, &market, 50_000);
        close(&mut chain, &market, &wins, winner).await;

        // then that margin is gone, and nothing was won.
        let holds = holdings(&chain, &[&wins, &loses], &[]).await;
        assert!(holds <= 2 * EACH - BTC / 10 - 205_000, "{winner:?}: {holds}");
        // Nor would it have paid to be the keeper: the reward for a bankrupt is 2 bps of 0.2 BTC, or of
        // 20 what it paid to open 2, 5 bps.
        let reward = chain.tokens(&keeper.tokens).await - EACH;
        assert_eq!(reward, if winner == Long { 4_000 } else { 100_000 });
    }
}

/// A second account on the other side, however thin its margin and however far the price jumps, adds nothing to what the first one
/// wins from the pool as anybody else would.
#[tokio::test(flavor = "multi_thread")]
async fn case_28_the_losing_account_adds_nothing_to_the_winning_one() {
    for (extreme, winner) in EXTREMES {
        let mut gains = Vec::new();
        for paired in [true, false] {
            let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
            let wins = opened(&mut chain, &market, 5_000_000, (winner, 100_000)).await;
            let mut crew = vec![wins];
            if paired {
                crew.push(opened(&mut chain, &market, 5_000_000, (other(winner), 100_000)).await);
            }
            later(&mut chain, &market, extreme);
            close(&mut chain, &market, &crew[0], winner).await;
            let refs: Vec<&Trader> = crew.iter().collect();
            everybody_leaves(&mut chain, &market, &refs, &[]).await;
            gains.push(holdings(&chain, &refs, &[]).await as i64 - (refs.len() as u64 * EACH) as i64);
        }
        // A long has won 2 - 0.2 BTC, a short 20 - 2, less fees.
        let most = if winner == Long { 180_000_000 } else { 1_800_000_000 };
        assert!(gains[1] < most && gains[1] > most - 2_000_000, "{winner:?}: {gains:?}");
        assert!(gains[0] <= gains[1] - 4_800_000, "{winner:?}: the second account has cost its margin: {gains:?}");
    }
}

/// What a crew wins comes out of the pool and out of what insurance may add, and out of nobody's margin.
#[tokio::test(flavor = "multi_thread")]
async fn case_28_a_crew_that_wins_more_than_the_pool_gets_the_pool_at_most() {
    // Given a pool of 4 BTC, a tenth in insurance, honest accounts flat, long and short, and a crew on both sides,
    let (mut chain, market) = Chain::with_market(still()).await;
    let honest_pool = chain.provider(&market, 4 * BTC).await;
    chain.fill_insurance(&market, BTC / 10).await;
    let flat = chain.trader_with(&market, 3 * BTC).await;
    let long = opened(&mut chain, &market, 9 * BTC, (Long, 20_000)).await;
    let (wins, loses) = pair(&mut chain, &market, Short, 5_000_000).await;
    let insured = state(&chain, &market).await.ledger.insurance.get();

    // when the price falls to a tenth in one step: the crew's short has won 18 BTC, and the pool has 4,
    later(&mut chain, &market, 5_000);
    let all = [&flat, &long, &wins, &loses];
    chain.refuse("close", &[market.close(&wins, Short)], &[&wins.keypair], PerpError::MarketSettling).await;
    chain.succeed("deleverage", &[market.deleverage()], &[]).await;
    let pool = state(&chain, &market).await.ledger.pool.get();
    let sent = finish_settlement(&mut chain, &market, &all).await;
    let Event::SettlementFinished(event) = sent.last() else { panic!("{:?}", sent.events) };

    // then the honest long's loss of 3.6 BTC and the crew's own margin are the pool's first, and the claim gets what there is.
    // (Opening the long had cost 100,000.)
    let margin_lost = 360_000_000 + 4_900_000;
    assert_eq!(event.payable_sats.get(), pool + margin_lost + event.top_up_sats.get());
    assert!(event.top_up_sats.get() <= insured / 2, "half of the fund at most");
    assert!(event.payable_sats < event.claims_sats && event.closed == 1);
    assert_eq!(event.claims_sats.get(), 1_800_000_000);
    assert!(everybody_leaves(&mut chain, &market, &all, &[&honest_pool]).await <= 4);

    // The crew has won what the pool and the honest long have lost, and not a satoshi of anybody else's.
    assert_eq!(chain.tokens(&flat.tokens).await, EACH, "who had no position has everything");
    let honest_long = chain.tokens(&long.tokens).await;
    assert_eq!(honest_long, EACH - 360_000_000 - 20_000 - 200, "who lost has lost that and the fee");
    let crew = holdings_of_tokens(&chain, &[&wins, &loses]).await;
    assert!(crew <= 2 * EACH + 4 * BTC + 360_000_000 + insured / 2, "{crew}");
}

async fn holdings_of_tokens(chain: &Chain, traders: &[&Trader]) -> u64 {
    let mut sum = 0;
    for trader in traders {
        sum += chain.tokens(&trader.tokens).await;
    }
    sum
}

/// Profit is taken while those who lose have lost on paper only; then the price comes back, and their losses are gone.
#[tokio::test(flavor = "multi_thread")]
async fn profit_taken_from_losses_on_paper_leaves_every_margin_backed() {
    for (extreme, winner) in [(65_000, Long), (40_000, Short)] {
        // Given honest losers whose margin lasts, and a crew that wins on the other side,
        let (mut chain, market) = Chain::with_market(still()).await;
        let pool = chain.provider(&market, 4 * BTC).await;
        let losers = [
            opened(&mut chain, &market, 2 * BTC, (other(winner), 60_000)).await,
            opened(&mut chain, &market, 2 * BTC, (other(winner), 60_000)).await,
        ];
        let crew = opened(&mut chain, &market, BTC, (winner, 90_000)).await;
        // when the crew takes its profit at the extreme: 1.8 BTC less 1e5 * 90,000 / 65,000, or at 40,000 2.25 BTC less 1.8,
        later(&mut chain, &market, extreme);
        close(&mut chain, &market, &crew, winner).await;
        let profit = if winner == Long { 180_000_000 - 138_461_539 } else { 45_000_000 };
        let paid = state(&chain, &market).await.ledger.pool.get();
        assert!(paid < 4 * BTC - profit + 300_000, "the pool has paid it, nobody else");

        // and the price comes back, then everybody takes out all of his margin but the fees, and the pool alone has lost.
        later(&mut chain, &market, 50_000);
        for loser in &losers {
            close(&mut chain, &market, loser, other(winner)).await;
            let left = margin(&chain, loser).await;
            chain.succeed("all of it", &[market.withdraw(loser, left)], &[&loser.keypair]).await;
            let fees = EACH - chain.tokens(&loser.tokens).await;
            assert!((120_000..135_000).contains(&fees), "{winner:?}: two fees of 60,000 and surcharges: {fees}");
        }
        let [a, b] = &losers;
        assert!(everybody_leaves(&mut chain, &market, &[a, b, &crew], &[&pool]).await <= 3);
    }
}

/// Longs from below and shorts from above both win in between. The pool owes both, and deleveraging cuts both by one factor.
#[tokio::test(flavor = "multi_thread")]
async fn both_sides_winning_after_a_pump_and_a_fall_get_the_pool_at_most() {
    // Given $80,000 long from $40,000, 2 BTC, and $150,000 short from $100,000, 1.5 BTC, a pool of 1.8 BTC and a flat account,
    let (mut chain, market) = Chain::with_market(still()).await;
    let pool = chain.provider(&market, 330_000_000).await;
    let flat = chain.trader_with(&market, 3 * BTC).await;
    later(&mut chain, &market, 40_000);
    let long = opened(&mut chain, &market, 2 * BTC, (Long, 80_000)).await;
    later(&mut chain, &market, 100_000);
    let short = opened(&mut chain, &market, 2 * BTC, (Short, 150_000)).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(180_000_000)).await;

    // when the price falls in steps, then what is won on paper stays below 80 % of what is free at every step. At $63,000 the long
    // has won 200,000,000 - 126,984,127 = 73,015,873, the short 238,095,238 - 150,000,000 = 88,095,238, together 90 % of the pool:
    // both sides keep 0.75 * (180,000,000 - 161,111,111) / (0.25 * 161,111,111) = 35.172 % of their size.
    for price in [80_000, 63_000, 55_000, 48_000, 44_000, 42_000, 41_000, 40_500] {
        later(&mut chain, &market, price);
        let _ = chain.attempt("deleverage", &[market.deleverage()], &[]).await;
        let now = state(&chain, &market).await;
        assert_eq!(now.status(), Status::Active);
        let profit = now.marks(quote(price)).expect("within bounds").profit().expect("small");
        let free = now.free_pool().expect("small");
        assert!(profit.get() * 10 <= free.get() * 8, "${price}: {profit:?} of {free:?}");
        if price == 63_000 {
            assert_eq!(now.long.scale, now.short.scale);
            assert_eq!(now.long.scale.get() / 10_000_000_000_000, 35_172);
        }
    }
    // and the crew of both takes out what the pool had at most, while the flat account takes out everything.
    let all = [&flat, &long, &short];
    assert!(everybody_leaves(&mut chain, &market, &all, &[&pool]).await <= 3);
    assert_eq!(chain.tokens(&flat.tokens).await, EACH);
    let crew = holdings(&chain, &[&long, &short], &[]).await;
    let pool_left = chain.tokens(&pool.tokens).await;
    assert!(crew + pool_left <= 2 * EACH + 180_000_000, "nothing came from nowhere: {crew} and {pool_left}");
    assert!(pool_left > 0 && crew > 2 * EACH, "{crew} and {pool_left}");
}

fn quote(price: i64) -> inverse_perps_engine::oracle::Quote {
    inverse_perps_engine::oracle::Quote::at(inverse_perps_engine::units::Price::new(usd(
        u64::try_from(price).expect("positive")
    )))
}

/// The price falls to the floor of its range. Shorts owe nobody anything and win more with every step.
#[tokio::test(flavor = "multi_thread")]
async fn case_29_down_to_the_floor_the_pool_never_owes_more_than_it_has() {
    // Given $200,000 short, 4 BTC, over a pool of 3 BTC,
    let (mut chain, market) = Chain::with_market(still()).await;
    let pool = chain.provider(&market, 3 * BTC).await;
    let short = opened(&mut chain, &market, BTC, (Short, 200_000)).await;
    let late = chain.trader_with(&market, BTC).await;
    let flat = chain.trader_with(&market, BTC).await;

    // when the price falls by a tenth at a time, from $50,000 to $1,
    let mut price_e8: u64 = usd(50_000);
    let (mut refused_at, mut deleveraged_at) = (0, 0);
    let mut settled = false;
    for step in 1.. {
        price_e8 = (price_e8 * 9 / 10).max(usd(1));
        chain.advance(120);
        let raw = i64::try_from(price_e8).expect("in range");
        chain.post(&market, Tick { price_e8: raw, ema_e8: raw, ..Tick::at(1) });
        // then opens are refused first, long before profit is cut,
        let opens = chain.attempt("open more", &[market.open(&late, Short, 10)], &[&late.keypair]).await;
        let exceeded = Refusal::from(PerpError::ReserveExceeded).0;
        if opens.as_ref().is_err_and(|error| *error == exceeded) && refused_at == 0 {
            refused_at = step;
        }
        if chain.attempt("deleverage", &[market.deleverage()], &[]).await.is_ok() && deleveraged_at == 0 {
            deleveraged_at = step;
        }
        // and what the pool owes, written and on paper, is never more than it has.
        let now = state(&chain, &market).await;
        let profit = now.short.profit_at(price_e8) + now.long.profit_at(price_e8);
        let owed = now.short.reserved().expect("small").get() + now.long.reserved().expect("small").get();
        assert!(owed + profit <= now.ledger.pool.get(), "step {step}: {owed} + {profit} of {:?}", now.ledger.pool);
        settled = now.status() == Status::Settling;
        if settled || price_e8 == usd(1) {
            break;
        }
    }
    assert!(0 < refused_at && refused_at < deleveraged_at, "refused at {refused_at}, deleveraged at {deleveraged_at}");
    assert!(settled, "a scale below a thousandth settles the market");

    // And the settlement pays every claim in full; all leave.
    let all = [&short, &late, &flat];
    let sent = finish_settlement(&mut chain, &market, &all).await;
    let Event::SettlementFinished(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!(event.payable_sats, event.claims_sats);
    if state(&chain, &market).await.status() == Status::Active {
        bury_oracle(&mut chain, &market).await;
        finish_settlement(&mut chain, &market, &[]).await;
    }
    for trader in all {
        leave(&mut chain, &market, trader).await;
    }
    assert!(everybody_leaves(&mut chain, &market, &all, &[&pool]).await <= 2);
    assert_eq!(chain.tokens(&flat.tokens).await, EACH);
    assert!(chain.tokens(&short.tokens).await < EACH + 3 * BTC);
}

trait ProfitAt {
    fn profit_at(&self, price_e8: u64) -> u64;
}

impl ProfitAt for inverse_perps_engine::Side {
    /// A short side's profit on paper at a price, in satoshi; a long side's is nothing here, where prices only fall.
    fn profit_at(&self, price_e8: u64) -> u64 {
        let notional = u128::from(self.shares.get()) * u128::from(self.scale.get()) / 1_000_000_000_000_000_000;
        let value = notional * 10_000_000_000 / u128::from(price_e8);
        let entry = self.basis.get() * i128::from(self.scale.get()) / 1_000_000_000_000_000_000;
        u64::try_from(i128::try_from(value).expect("small") - entry).unwrap_or(0)
    }
}

/// Caps hold whatever the order of opening and closing, and however a size is cut.
#[tokio::test(flavor = "multi_thread")]
async fn case_30_caps_hold_in_every_interleaving() {
    // Given $400,000 a position and $1,000,000 a side at most, and six accounts that open and close $150,000 at a time, in an order
    // that a walk through the residues of 7 makes,
    let params = Params {
        max_position_notional: Notional::new(dollars(400_000)),
        max_side_notional: Notional::new(dollars(1_000_000)),
        min_hold: Seconds::new(0),
        ..still()
    };
    let (mut chain, market) = Chain::with_pool(params, 1_000 * BTC).await;
    let mut traders = Vec::new();
    for _ in 0..6 {
        traders.push(chain.trader_with(&market, 5 * BTC).await);
    }
    let (mut position_cap, mut side_cap) = (0, 0);
    for step in 0..90_usize {
        let who = step * 5 % 7 % 6;
        let side = if who < 4 { Long } else { Short };
        let trader = &traders[who];
        let closes = step % 11 == 10;
        let instruction = if closes { market.close(trader, side) } else { market.open(trader, side, 150_000) };
        chain.advance(1);
        chain.post(&market, Tick::at(50_000 + i64::try_from(step % 3).expect("small")));
        match chain.attempt("open or close", &[instruction], &[&trader.keypair]).await {
            Err(error) if error == Refusal::from(PerpError::PositionCapExceeded).0 => position_cap += 1,
            Err(error) if error == Refusal::from(PerpError::SideCapExceeded).0 => side_cap += 1,
            Err(error) => assert_eq!(error, Refusal::from(PerpError::NoOpenPosition).0),
            Ok(_) => {}
        }
        // then no position and no side is ever above its cap.
        let now = state(&chain, &market).await;
        assert!(now.long.shares.get() <= dollars(1_000_000) && now.short.shares.get() <= dollars(1_000_000));
        for trader in &traders {
            assert!(chain.position(&trader.position).await.state.shares.get() <= dollars(400_000));
        }
    }
    assert!(position_cap > 0 && side_cap > 0, "both caps were met: {position_cap}, {side_cap}");
}

/// Funding at the highest rate that there may be, 10 % a day, is paid by the heavy side to the light one. A crew holds the light
/// side and makes the other heavy for as short as it can.
#[tokio::test(flavor = "multi_thread")]
async fn case_35_skew_made_for_a_moment_earns_less_than_its_fee() {
    let params =
        Params { max_funding: 100_000_000, max_borrow: 0, skew_scale: Notional::new(dollars(1_000_000)), ..Params::standard() };
    for heavy in BOTH {
        let mut crews = Vec::new();
        for manipulates in [true, false] {
            // Given $1,000,000 on each side: the light side is the crew's, the other an honest account's,
            let (mut chain, market) = Chain::with_pool(params, 1_000 * BTC).await;
            let honest = opened(&mut chain, &market, 5 * BTC, (heavy, 1_000_000)).await;
            let light = opened(&mut chain, &market, 5 * BTC, (other(heavy), 1_000_000)).await;
            let pusher = chain.trader_with(&market, 5 * BTC).await;
            // when the crew pushes the heavy side by as much again, holds it for the shortest time that there is, and closes,
            if manipulates {
                open(&mut chain, &market, &pusher, heavy, 1_000_000).await;
            }
            chain.advance(60);
            chain.post(&market, Tick::at(50_000));
            if manipulates {
                close(&mut chain, &market, &pusher, heavy).await;
            }
            later(&mut chain, &market, 50_000);
            close(&mut chain, &market, &light, other(heavy)).await;
            close(&mut chain, &market, &honest, heavy).await;
            crews.push(holdings(&chain, &[&light, &pusher], &[]).await);
        }
        // then it is poorer than without: two fees of 1,000,000 satoshi and the surcharge, against a minute's funding on 20 BTC,
        // 2e9 * 10 % / 1440 = 138,888, half of which it pays to itself.
        assert!(crews[0] + 1_900_000 < crews[1], "{heavy:?}: {crews:?}");
    }
}
