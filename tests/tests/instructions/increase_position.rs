//! `increase_position`

use crate::accounts::{refuses_strangers, unsigned, with_account};
use crate::prices::{refuses_bad_prices, Limits};
use inverse_perps_tests::harness::prelude::*;
use perps::client::exchange;

fn args(direction: PositionDirection, notional_e6: u64) -> IncreasePositionArgs {
    let limit_price_e8 = if direction == Long { u64::MAX } else { 0 };
    IncreasePositionArgs { direction, notional_e6, limit_price_e8, deadline: i64::MAX }
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_at_the_ask_and_enlarges() {
    // Given a pool of 100 BTC and 10,000,000 satoshi of margin, at $50,000,
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, 10_000_000).await;

    // when she opens $100,000 long,
    let sent = chain.succeed("open", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;

    // then it is worth 1e11 * 1e10 / 5e12 = 200,000,000 satoshi. The fee is 5 bps of that, 100,000, and the surcharge
    // 100,000^2 / (2 * 2e9) dollars, $2.50, 5,000 satoshi; 30 % of 105,000 are insurance's, 10 % the protocol's.
    let Event::PositionIncreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.position, event.direction), (alice.position, 1));
    let fill = event.fill;
    assert_eq!(
        (fill.price_e8.get(), fill.notional_e6.get(), fill.shares.get()),
        (usd(50_000), dollars(100_000), dollars(100_000))
    );
    assert_eq!((fill.value_sats.get(), fill.pnl_sats.get()), (200_000_000, 0));
    let fee = fill.fee_sats;
    assert_eq!((fee.pool.get(), fee.insurance.get(), fee.protocol.get()), (63_000, 31_500, 10_500));
    assert_eq!((event.after.margin_sats.get(), event.after.basis.get()), (9_895_000, 200_000_000));
    let after = event.ledger.after_sats;
    assert_eq!((after.margin.get(), after.pool.get()), (9_895_000, 10_000_063_000));
    assert_eq!((after.insurance.get(), after.protocol_fees.get(), after.funds.get()), (31_500, 10_500, 0));
    assert_eq!(event.ledger.delta_sats.margin.get(), -105_000);
    let position = chain.position(&alice.position).await.state;
    assert_eq!((position.direction, position.last_increase.get()), (1, chain.time()));

    // And when she adds $50,000 at $51,000 +- $100, then she pays the ask of $51,100: 5e10 * 1e10 / 5.11e12 =
    // 97,847,358.1 down. Fee: 48,923.7 up; surcharge (150,000^2 - 100,000^2) / 4e9 = $3.125, 6,115.5 satoshi up.
    chain.advance(120);
    chain.post(&market, Tick::at(51_000).confident_to(100));
    let sent = chain.succeed("enlarge", &[market.open(&alice, Long, 50_000)], &[&alice.keypair]).await;
    let Event::PositionIncreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.fill.price_e8.get(), event.fill.value_sats.get()), (usd(51_100), 97_847_358));
    assert_eq!(event.after.margin_sats.get(), 9_895_000 - 48_924 - 6_116);
    assert_eq!((event.after.shares.get(), event.after.basis.get()), (dollars(150_000), 297_847_358));
}

#[tokio::test(flavor = "multi_thread")]
async fn opens_short_at_the_bid_and_pays_no_surcharge_for_balancing() {
    // Given a long of $100,000, at $50,000 +- $100,
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, 10_000_000).await;
    chain.succeed("the long", &[market.open(&alice, Long, 100_000)], &[&alice.keypair]).await;
    chain.advance(120);
    chain.post(&market, Tick::at(50_000).confident_to(100));

    // when somebody opens $100,000 short,
    let sent = chain.succeed("open", &[market.open(&bob, Short, 100_000)], &[&bob.keypair]).await;

    // then he sells at the bid of $49,900: 1e11 * 1e10 / 4.99e12 = 200,400,801.6 up for a short, and the fee is 5 bps of
    // it, 100,200.4 up, without surcharge, for the imbalance shrinks.
    let Event::PositionIncreased(event) = sent.last() else { panic!("{:?}", sent.events) };
    assert_eq!((event.direction, event.fill.price_e8.get()), (2, usd(49_900)));
    assert_eq!((event.fill.value_sats.get(), event.after.basis.get()), (200_400_802, 200_400_802));
    assert_eq!(event.after.margin_sats.get(), 10_000_000 - 100_201);
    // 30 % and 10 % of 100,201 down, the pool has the rest.
    let fee = event.fill.fee_sats;
    assert_eq!((fee.pool.get(), fee.insurance.get(), fee.protocol.get()), (60_121, 30_060, 10_020));
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_fee_then_initial_margin_to_the_satoshi() {
    // $100,000 cost 105,000 satoshi and need 4,020,000, as derived in `withdraw_collateral`.
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    for direction in [Long, Short] {
        let alice = chain.trader_with(&market, 104_999).await;
        let signer = [&alice.keypair];
        let open = [market.open(&alice, direction, 100_000)];
        chain.refuse("a satoshi less than the fee", &open, &signer, PerpError::MarginBelowFee).await;
        chain.succeed("deposit", &[market.deposit(&alice, 1)], &signer).await;
        chain.refuse("the fee alone", &open, &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("deposit", &[market.deposit(&alice, 4_019_999)], &signer).await;
        chain.refuse("a satoshi less than initial margin", &open, &signer, PerpError::MarginBelowInitial).await;
        chain.succeed("deposit", &[market.deposit(&alice, 1)], &signer).await;
        chain.succeed("initial margin", &open, &signer).await;
        chain.advance(60);
        chain.post(&market, Tick::at(50_000));
        chain.succeed("close", &[market.close(&alice, direction)], &signer).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_sizes_prices_and_times_that_were_not_asked_for() {
    let params = Params { max_position_notional: Notional::new(dollars(50_000)), ..still() };
    let params = Params { max_side_notional: Notional::new(dollars(80_000)), ..params };
    let (mut chain, market) = Chain::with_pool(params, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    let signer = [&alice.keypair];
    for direction in [Long, Short] {
        let sizes = [
            ("nothing", 0, PerpError::AmountZero),
            ("a millionth of a dollar", 1, PerpError::NotWholeDollars),
            ("a dollar and a half", 1_500_000, PerpError::NotWholeDollars),
            ("nine dollars of ten", dollars(9), PerpError::BelowMinNotional),
            ("a dollar above the position's cap", dollars(50_001), PerpError::PositionCapExceeded),
            ("all that 64 bits hold", u64::MAX - u64::MAX % 1_000_000, PerpError::MarginBelowFee),
        ];
        for (what, notional_e6, error) in sizes {
            let open = market.increase(&alice, args(direction, notional_e6));
            chain.refuse(&format!("{what}, {direction:?}"), &[open], &signer, error).await;
        }
        let limit_price_e8 = if direction == Long { usd(50_000) - 1 } else { usd(50_000) + 1 };
        let asked = IncreasePositionArgs { limit_price_e8, ..args(direction, dollars(100)) };
        chain.refuse("beyond the limit", &[market.increase(&alice, asked)], &signer, PerpError::SlippageExceeded).await;
        let asked = IncreasePositionArgs { deadline: chain.time() - 1, ..args(direction, dollars(100)) };
        chain.refuse("a second late", &[market.increase(&alice, asked)], &signer, PerpError::DeadlineExpired).await;

        let exact =
            IncreasePositionArgs { limit_price_e8: usd(50_000), deadline: chain.time(), ..args(direction, dollars(50_000)) };
        chain.succeed("at the limit and the deadline", &[market.increase(&alice, exact)], &signer).await;
        let against = if direction == Long { Short } else { Long };
        let flip = market.increase(&alice, args(against, dollars(100)));
        chain.refuse("the other way", &[flip], &signer, PerpError::OppositeDirection).await;
        let over = market.increase(&bob, args(direction, dollars(30_001)));
        chain.refuse("a dollar above the side's cap", &[over], &[&bob.keypair], PerpError::SideCapExceeded).await;
        chain.succeed("up to the side's cap", &[market.open(&bob, direction, 30_000)], &[&bob.keypair]).await;
        chain.advance(60);
        chain.post(&market, Tick::at(50_000));
        chain.succeed("close", &[market.close(&alice, direction)], &signer).await;
        chain.succeed("close", &[market.close(&bob, direction)], &[&bob.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_the_pools_reserve_to_the_satoshi() {
    // Long: the most it can win is its entry value, 2 BTC; 70 % of 285,714,286 are 200,000,000.2. Short: at a price 30 %
    // lower it is worth 1e11 * 1e10 / 3.5e12 = 285,714,285.7, up, less its entry value: 85,714,286; 70 % of 122,448,980 are
    // exactly that. The pool's own 63,000 of the fee count already.
    for (direction, free) in [(Long, 285_714_286), (Short, 122_448_980)] {
        let (mut chain, market) = Chain::with_pool(still(), 10 * BTC).await;
        let alice = chain.trader_with(&market, BTC).await;
        let open = [market.open(&alice, direction, 100_000)];
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(free - 63_001)).await;
        chain.refuse("a satoshi short", &open, &[&alice.keypair], PerpError::ReserveExceeded).await;
        chain.edit_market(&market, |state| state.state.ledger.pool = Sats::new(free - 63_000)).await;
        chain.succeed("just enough", &open, &[&alice.keypair]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market) = Chain::with_pool(still(), 100 * BTC).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    chain.fill_pool(&other_market, 100 * BTC).await;
    let alice = chain.trader_with(&market, BTC).await;
    let bob = chain.trader_with(&market, BTC).await;
    let signer = [&alice.keypair];
    let open = market.open(&alice, Long, 1_000);
    // Places: 0 owner, 1 market, 2 position, 3 price.

    let bobs = with_account(&open, 2, bob.position);
    chain.refuse("somebody else's position", &[bobs], &signer, PerpError::NotTrader).await;
    chain.refuse("without the signature", &[unsigned(&open, 0)], &[], ErrorCode::AccountNotSigner).await;
    let cross = with_account(&open, 1, other_market.keys.market);
    chain.refuse("in another market", &[cross], &signer, PerpError::WrongMarket).await;
    refuses_strangers(&mut chain, &open, 1, alice.position, &signer).await;
    refuses_strangers(&mut chain, &open, 2, exchange(), &signer).await;
    refuses_bad_prices(&mut chain, &market, &open, &signer, Limits::Instant).await;
    chain.succeed("as it should be", &[open], &signer).await;
}
