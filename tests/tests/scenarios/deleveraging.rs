//! Case 27: everybody who wins shrinks alike, at the same moment, whoever is touched first; and a settlement treats all claims alike.

use crate::crew::{close, everybody_leaves, finish_settlement, later, leave, margin, opened, state, EACH};
use crate::BOTH;
use inverse_perps_engine::settlement::Status;
use inverse_perps_tests::harness::prelude::*;

/// Three who win on one side, one who has opened there just before it was too much, and a pool that their profit comes near to.
struct Winners {
    chain: Chain,
    market: TestMarket,
    direction: PositionDirection,
    all: Vec<Trader>,
    gains: [i64; 4],
}

/// Prices on the way: opening, opening of the newcomer, and where profit is due to be cut.
fn prices(direction: PositionDirection) -> [i64; 3] {
    match direction {
        Long => [10_000, 40_000, 80_000],
        Short => [50_000, 30_000, 28_000],
    }
}

impl Winners {
    async fn new(direction: PositionDirection) -> Self {
        let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
        let [start, later_on, due] = prices(direction);
        later(&mut chain, &market, start);
        // Longs of $27,000 have won 270,000,000 - 33,750,000 satoshi, the newcomer 2,500,000 - 1,250,000: 82 % of a pool of
        // 290,000,000. Shorts of $200,000 have won 714,285,714 - 400,000,000 and 238,095: 83 % of 380,000,000.
        let (sizes, pool) =
            if direction == Long { ([3_000, 5_000, 19_000], 290_000_000) } else { ([30_000, 50_000, 120_000], 380_000_000) };
        let mut all = Vec::new();
        for size in sizes {
            all.push(opened(&mut chain, &market, BTC, (direction, size)).await);
        }
        later(&mut chain, &market, later_on);
        all.push(opened(&mut chain, &market, BTC, (direction, 1_000)).await);
        chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(pool)).await;
        later(&mut chain, &market, due);
        Self { chain, market, direction, all, gains: [0; 4] }
    }

    async fn notional(&self, which: usize) -> u128 {
        let position = self.chain.position(&self.all[which].position).await.state;
        let scale = state(&self.chain, &self.market).await.side(self.direction.into()).scale;
        u128::from(position.shares.get()) * u128::from(scale.get()) / 1_000_000_000_000_000_000
    }

    /// Counts deleveraged profit and profit of closes, before fees.
    fn count(&mut self, which: usize, sent: &Sent) {
        let gains = sent.events.iter().map(|event| match event {
            Event::PositionSettled(settled) => settled.result_sats.get(),
            Event::PositionDecreased(closed) => closed.fill.pnl_sats.get(),
            _ => 0,
        });
        self.gains[which] += gains.sum::<i64>();
    }

    async fn close(&mut self, which: usize) {
        let sent = close(&mut self.chain, &self.market, &self.all[which], self.direction).await;
        self.count(which, &sent);
    }

    async fn settle(&mut self, which: usize) {
        let settle = self.market.settle(self.all[which].position);
        let sent = self.chain.succeed("settle", &[settle], &[]).await;
        self.count(which, &sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_27_all_winners_shrink_by_one_factor_old_and_new() {
    for direction in BOTH {
        let mut winners = Winners::new(direction).await;
        let mut before = Vec::new();
        for which in 0..4 {
            before.push(winners.notional(which).await);
        }
        let deleverage = winners.market.deleverage();
        winners.chain.succeed("deleverage", &[deleverage], &[]).await;
        let scale = state(&winners.chain, &winners.market).await.side(direction.into()).scale.get();
        assert!(scale < 1_000_000_000_000_000_000, "{direction:?}: {scale}");
        for (which, before) in before.iter().enumerate() {
            let after = winners.notional(which).await;
            let expected = before * u128::from(scale) / 1_000_000_000_000_000_000;
            assert!(after.abs_diff(expected) <= 1, "{direction:?} {which}: {after} of {before}");
        }
        // And it is done once: profit is at its target now.
        let again = [winners.market.deleverage()];
        winners.chain.refuse("again", &again, &[], PerpError::DeleverageNotDue).await;
    }
}

/// Whoever closes first closes after the deleveraging, because every sync does it; so he gets what he would have got as the last.
#[tokio::test(flavor = "multi_thread")]
async fn case_27_nobody_leaves_ahead_of_a_deleveraging() {
    for direction in BOTH {
        let mut gains = Vec::new();
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            let mut winners = Winners::new(direction).await;
            for (turn, which) in order.into_iter().enumerate() {
                winners.close(which).await;
                if turn == 0 {
                    winners.settle(order[3]).await; // touched by somebody else before its owner comes
                }
            }
            gains.push(winners.gains);
        }
        for other in &gains[1..] {
            assert!(gains[0].iter().zip(other).all(|(one, two)| one.abs_diff(*two) <= 3), "{direction:?}: {gains:?}");
        }
        // All of them have won what the price has made of their sizes, cut or not, and that is the same for a share of the side.
        let [opened_at, newcomer_at, due] = prices(direction).map(|price| price as f64);
        let sizes = if direction == Long { [3e3, 5e3, 19e3, 1e3] } else { [30e3, 50e3, 120e3, 1e3] };
        for (which, (size, gain)) in sizes.into_iter().zip(gains[0]).enumerate() {
            let from = if which < 3 { opened_at } else { newcomer_at };
            let fair = (size * 1e8 * (1.0 / from - 1.0 / due)).abs();
            assert!((gain as f64 - fair).abs() < 4.0, "{direction:?} {which}: {gains:?}, fair {fair}");
        }
    }
}

/// Opening on the winning side as a deleveraging nears brings no part of the others' profit (as shown above: the newcomer has what
/// the price has brought since), and when it is due nobody comes in at all.
#[tokio::test(flavor = "multi_thread")]
async fn case_27_opening_as_a_deleveraging_nears_gains_nothing() {
    for direction in BOTH {
        let mut winners = Winners::new(direction).await;
        let late = winners.chain.trader_with(&winners.market, BTC).await;
        let open_late = [winners.market.open(&late, direction, 10)];
        winners.chain.refuse("open when it is due", &open_late, &[&late.keypair], PerpError::ReserveExceeded).await;
        // Nor on the other side: what is left of the winners needs all of the reserve.
        let other = if direction == Long { Short } else { Long };
        let aside = [winners.market.open(&late, other, 10)];
        winners.chain.refuse("open on the other side", &aside, &[&late.keypair], PerpError::ReserveExceeded).await;
        assert_eq!(margin(&winners.chain, &late).await, BTC);
    }
}

/// What two equal winners get, a first and a second to close, over a pool of 0.8 BTC, while a bankrupt on their own side is
/// liquidated before or between.
async fn two_beside_a_bankrupt(liquidated_first: bool) -> [u64; 2] {
    let (mut chain, market) = Chain::with_pool(still(), 20 * BTC).await;
    let keeper = chain.trader(&market).await;
    // $100,000 long from $40,000 each, and a third of $200,000 from $80,000 on 0.06 BTC.
    later(&mut chain, &market, 40_000);
    let first = opened(&mut chain, &market, BTC, (Long, 100_000)).await;
    let second = opened(&mut chain, &market, BTC, (Long, 100_000)).await;
    later(&mut chain, &market, 80_000);
    let bankrupt = opened(&mut chain, &market, 6_000_000, (Long, 200_000)).await;
    chain.edit_market(&market, |market| market.state.ledger.pool = Sats::new(80_000_000)).await;
    // At $57,000 the two have won 0.746 BTC each and the third has lost 1.009: together 0.483, 60 % of the pool.
    later(&mut chain, &market, 57_000);
    let liquidate = [market.liquidate(bankrupt.position, keeper.tokens)];
    if liquidated_first {
        chain.succeed("liquidate", &liquidate, &[]).await;
    } else {
        close(&mut chain, &market, &first, Long).await;
        chain.succeed("liquidate", &liquidate, &[]).await;
    }
    chain.succeed("begin to settle", &[market.deleverage()], &[]).await;
    everybody_leaves(&mut chain, &market, &[&first, &second, &bankrupt], &[]).await;
    [chain.tokens(&first.tokens).await, chain.tokens(&second.tokens).await]
}

/// A bankrupt's loss that nobody will pay hides the winners' profit from the trigger until he is liquidated (docs/spec.md, known
/// limits). Then the winners share alike. Who closes before that gets no more than his own profit, and both together get no more
/// than if the bankrupt had been liquidated first: margins are not touched. It takes a jump of more than a margin, and nobody who
/// liquidates for as long as a range above 3 % keeps instant closes out.
#[tokio::test(flavor = "multi_thread")]
async fn case_27_behind_a_bankrupt_the_first_gets_his_profit_and_both_no_more_than_the_pool() {
    let together = two_beside_a_bankrupt(true).await;
    let ahead = two_beside_a_bankrupt(false).await;
    assert!(together[0].abs_diff(together[1]) < 300_000, "alike but for the fees: {together:?}");
    // From $40,000 to $57,000: 250,000,000 - 175,438,597 = 74,561,403 at most for each.
    assert!(ahead[0] <= EACH + 74_561_403, "{ahead:?}");
    assert!(ahead.iter().sum::<u64>() <= together.iter().sum::<u64>() + 300_000, "first {ahead:?}, together {together:?}");
    assert!(ahead[1] >= EACH, "the second's margin is whole: {ahead:?}");
}

/// Deleveraging is no exit at a good price for who made the price: after it comes back, the crew's gain is what its winning leg won
/// until then, and every other margin is whole.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_deleveraging_and_back_every_margin_is_still_there() {
    for (direction, extreme) in [(Short, 20_000), (Long, 200_000)] {
        let (mut chain, market) = Chain::with_market(still()).await;
        let pool = chain.provider(&market, 3 * BTC).await;
        let flat = chain.trader_with(&market, BTC).await;
        let honest = opened(&mut chain, &market, 5 * BTC, (if direction == Long { Short } else { Long }, 100_000)).await;
        let crew = opened(&mut chain, &market, BTC, (direction, 100_000)).await;
        later(&mut chain, &market, extreme);
        let _ = chain.attempt("deleverage", &[market.deleverage()], &[]).await;
        later(&mut chain, &market, 50_000);
        if state(&chain, &market).await.status() == Status::Active {
            chain.succeed("the price is seen", &[market.accrue()], &[]).await;
        }
        let all = [&flat, &honest, &crew];
        assert!(everybody_leaves(&mut chain, &market, &all, &[&pool]).await <= 3);
        assert_eq!(chain.tokens(&flat.tokens).await, EACH);
        let honest_has = chain.tokens(&honest.tokens).await;
        assert!(honest_has >= EACH - 106_000, "{direction:?}: {honest_has}");
        let crew_has = chain.tokens(&crew.tokens).await;
        assert!(crew_has < EACH + 3 * BTC, "{direction:?}: {crew_has}");
    }
}

/// A market with two longs and four shorts that must settle, costs and all. `touched` are brought up to date before the crash.
async fn crashed(touched: &[usize]) -> (Chain, TestMarket, Vec<Trader>) {
    let params = Params { max_funding: 40_000_000, max_borrow: 20_000_000, ..Params::standard() };
    let (mut chain, market) = Chain::with_pool(params, 4 * BTC).await;
    chain.fill_insurance(&market, BTC / 10).await;
    let mut all = Vec::new();
    for (direction, size, margin) in [
        (Long, 40_001, BTC),
        (Long, 30_007, 3_000_000),
        (Short, 70_013, BTC),
        (Short, 11_003, 50_000_000),
        (Short, 33_331, BTC),
        (Short, 17, BTC / 100),
    ] {
        all.push(opened(&mut chain, &market, margin, (direction, size)).await);
        chain.advance(3_600);
        chain.post(&market, Tick::at(50_000));
    }
    for price in [38_111, 33_003, 30_011] {
        later(&mut chain, &market, price);
        let _ = chain.attempt("deleverage", &[market.deleverage()], &[]).await;
    }
    for which in touched {
        chain.succeed("touch", &[market.settle(all[*which].position)], &[]).await;
    }
    later(&mut chain, &market, 4_999);
    chain.succeed("begin to settle", &[market.deleverage()], &[]).await;
    assert_eq!(state(&chain, &market).await.status(), Status::Settling);
    (chain, market, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_settled_first_and_who_was_touched_before_changes_nobodys_share() {
    let mut ends: Vec<Vec<u64>> = Vec::new();
    let orders: [([usize; 6], &[usize]); 4] = [
        ([0, 1, 2, 3, 4, 5], &[]),
        ([5, 4, 3, 2, 1, 0], &[0, 1, 2, 3, 4, 5]),
        ([2, 0, 4, 1, 5, 3], &[4, 2]),
        ([3, 5, 1, 4, 0, 2], &[1, 5, 3]),
    ];
    for (order, touched) in orders {
        let (mut chain, market, all) = crashed(touched).await;
        let in_order: Vec<&Trader> = order.iter().map(|which| &all[*which]).collect();
        let sent = finish_settlement(&mut chain, &market, &in_order).await;
        let Event::SettlementFinished(event) = sent.last() else { panic!("{:?}", sent.events) };
        assert!(event.payable_sats < event.claims_sats, "the claims go short");
        for trader in in_order.iter().rev() {
            leave(&mut chain, &market, trader).await;
        }
        let mut end = Vec::new();
        for trader in &all {
            end.push(chain.tokens(&trader.tokens).await);
        }
        ends.push(end);
    }
    for end in &ends[1..] {
        for (one, other) in ends[0].iter().zip(end) {
            assert!(one.abs_diff(*other) <= 3, "{ends:?}");
        }
    }
    // Winners share in proportion: the ratio of what the two largest winners won is that of their sizes, to the costs.
    assert!(ends[0][2] > EACH && ends[0][4] > EACH, "{ends:?}");
}

/// Costs that have eaten a margin are a loss of the position, and a settlement does not wipe them out: they come off the claim, and
/// what the owner deposited meanwhile is his own.
#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_does_not_wipe_out_costs_that_have_eaten_the_margin() {
    let params = Params { max_funding: 0, max_borrow: 100_000_000, ..Params::standard() };
    // A twin pays its costs from a margin that lasts; the other's is gone after a day, of which the rest moved its basis.
    let (mut chain, market) = Chain::with_pool(params, 4 * BTC).await;
    let thin = opened(&mut chain, &market, 4_500_000, (Short, 100_000)).await;
    let rich = opened(&mut chain, &market, BTC, (Short, 100_000)).await;
    let opened_with = [margin(&chain, &thin).await, margin(&chain, &rich).await];
    for _ in 0..2 {
        chain.advance(86_400);
        chain.post(&market, Tick::at(44_000));
        chain.succeed("touch", &[market.settle(thin.position)], &[]).await;
        chain.succeed("touch", &[market.settle(rich.position)], &[]).await;
    }
    let left = chain.position(&thin.position).await.state;
    assert_eq!(left.margin.get(), 0, "the margin is gone");
    let basis = chain.position(&rich.position).await.state.basis.get();
    assert!(left.basis.get() > basis, "and the basis of the short has gone up by the rest");
    // When the market settles far below, then the difference of the claims is what the thin one still owed.
    later(&mut chain, &market, 5_000);
    chain.succeed("begin to settle", &[market.deleverage()], &[]).await;
    for trader in [&thin, &rich] {
        let close_out = instructions::settle(&market.keys, trader.position, Default::default());
        chain.succeed("close out", &[close_out], &[]).await;
    }
    let (a, b) = (chain.position(&thin.position).await.state, chain.position(&rich.position).await.state);
    let totals = [
        i128::from(a.margin.get() + a.claim.get()) - i128::from(opened_with[0]),
        i128::from(b.margin.get() + b.claim.get()) - i128::from(opened_with[1]),
    ];
    assert!((totals[0] - totals[1]).abs() <= 3, "both have won and paid the same: {totals:?}");
    assert!(a.claim < b.claim && a.margin.get() == 0, "{:?} and {:?}", a.claim, b.claim);
    open_is_refused_with_a_claim(&mut chain, &market, &thin, &rich).await;
}

async fn open_is_refused_with_a_claim(chain: &mut Chain, market: &TestMarket, thin: &Trader, rich: &Trader) {
    let sent = finish_settlement(chain, market, &[thin, rich]).await;
    let Event::SettlementFinished(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert!(event.closed == 1);
    let again = market.open(rich, Long, 1_000);
    chain.refuse("open", &[again], &[&rich.keypair], PerpError::MarketClosed).await;
    for trader in [thin, rich] {
        leave(chain, market, trader).await;
    }
    assert!(chain.tokens(&rich.tokens).await > EACH, "the claim was worth something");
}
