//! `set_delegate`, `revoke_delegate`, and what a delegate can do and cannot (case 42).

use crate::accounts::{refuses_strangers, unsigned, with_account};
use inverse_perps::state::Position;
use inverse_perps_tests::harness::prelude::*;
use orders::{OrderRef, Placing};
use perps::client::addresses::order;
use perps::client::exchange;
use PerpError::*;

const BOTH: [PositionDirection; 2] = [Long, Short];
const MARGIN: u64 = 10_000_000;
const FILLED: u64 = 1;
const FAILED: u64 = 3;

/// A position and who trades for it.
struct Pair {
    alice: Trader,
    bob: Keypair,
}

impl Pair {
    /// The owner appoints him.
    fn appoint(&self, market: &TestMarket, daily: u64) -> Instruction {
        orders::set_delegate(&market.keys, self.alice.address(), self.alice.position, self.bob.pubkey(), daily)
    }

    fn revoke(&self, market: &TestMarket) -> Instruction {
        orders::revoke_delegate(&market.keys, self.alice.address(), self.alice.position)
    }

    /// An order of his.
    fn place(&self, market: &TestMarket, id: u32, terms: &orders::OrderTerms) -> Instruction {
        let placing =
            Placing { trader: self.bob.pubkey(), position: self.alice.position, id, price: market.price, linked_with: None };
        orders::place_order(&market.keys, placing, terms)
    }

    /// An order whose rent he has paid.
    fn of(&self, id: u32) -> OrderRef {
        OrderRef { position: self.alice.position, id, payer: self.bob.pubkey() }
    }

    /// An instant trade of his in place of the owner's.
    fn instead(&self, trade: &Instruction) -> Instruction {
        with_account(trade, 0, self.bob.pubkey())
    }

    fn execute(&self, market: &TestMarket, id: u32, to: Address, fill_price: Address) -> Instruction {
        let execution = market.execution(&self.alice, id, to);
        market.execute_order_with(orders::Execution { order: self.of(id), fill_price: Some(fill_price), ..execution })
    }

    async fn position(&self, chain: &Chain) -> Position {
        chain.position(&self.alice.position).await
    }
}

/// A market with instant fills, or for orders alone, where Bob trades for Alice.
async fn appointed(instant: bool, daily: u64) -> (Chain, TestMarket, Pair) {
    let (mut chain, market) =
        if instant { Chain::with_pool(still(), 100 * BTC).await } else { Chain::with_orders(still(), 100 * BTC).await };
    let alice = chain.trader_with(&market, MARGIN).await;
    let bob = chain.somebody();
    let pair = Pair { alice, bob };
    chain.succeed("appoint", &[pair.appoint(&market, daily)], &[&pair.alice.keypair]).await;
    (chain, market, pair)
}

/// Moves to T and executes at this fill price, the market being at $50,000.
async fn execute_at(chain: &mut Chain, market: &TestMarket, pair: &Pair, id: u32, price: i64) -> Ended {
    chain.advance(DELAY);
    chain.post(market, Tick::at(50_000));
    let fill_price = chain.publish(Tick::at(price));
    let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
    ended(&chain.succeed("execute", &[pair.execute(market, id, keeper, fill_price)], &[]).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_appoints_and_dismisses() {
    let (mut chain, market, pair) = appointed(true, 5_000).await;
    let alice = [&pair.alice.keypair];
    let position = pair.position(&chain).await;
    assert_eq!((position.delegate, position.state.budget.daily.get()), (pair.bob.pubkey(), 5_000));

    let sent = chain.succeed("another budget", &[pair.appoint(&market, 7_000)], &alice).await;
    let Event::DelegateSet(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.position), (market.keys.market, pair.alice.position));
    assert_eq!((event.delegate, event.daily_budget_sats.get(), event.void_orders_below), (pair.bob.pubkey(), 7_000, 0));

    let sent = chain.succeed("dismiss", &[pair.revoke(&market)], &alice).await;
    let Event::DelegateRevoked(event) = sent.event() else { panic!("{:?}", sent.events) };
    assert_eq!((event.head.market, event.position), (market.keys.market, pair.alice.position));
    assert_eq!((event.delegate, event.void_orders_below), (pair.bob.pubkey(), 0));
    let position = pair.position(&chain).await;
    assert_eq!((position.delegate, position.state.budget.daily.get()), (Address::default(), 0));

    chain.refuse("nobody to dismiss", &[pair.revoke(&market)], &alice, WrongDelegate).await;
    let appoint = |whom: Address| orders::set_delegate(&market.keys, pair.alice.address(), pair.alice.position, whom, 1);
    chain.refuse("herself", &[appoint(pair.alice.address())], &alice, WrongDelegate).await;
    chain.refuse("nobody", &[appoint(Address::default())], &alice, WrongDelegate).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_a_delegate_trades_instantly_and_does_nothing_else() {
    for direction in BOTH {
        let (mut chain, market, pair) = appointed(true, MARGIN).await;
        let bob = [&pair.bob];
        let tokens = chain.token_account(&market.keys.mint, &pair.bob.pubkey(), 0);
        chain.succeed("open", &[pair.instead(&market.open(&pair.alice, direction, 100_000))], &bob).await;
        chain.advance(60);
        chain.post(&market, Tick::at(50_000));
        let part = market.close_part(&pair.alice, direction, 50_000);
        chain.succeed("reduce", &[pair.instead(&part)], &bob).await;
        chain.succeed("close", &[pair.instead(&market.close(&pair.alice, direction))], &bob).await;

        // To neither token account, nor as himself; no successor, no other budget, no end of the account.
        let to_her = pair.instead(&market.withdraw(&pair.alice, 1));
        let to_him = with_account(&to_her, 4, tokens);
        let keys = &market.keys;
        let close = instructions::close_position_account(keys, pair.alice.address(), pair.alice.position);
        let him = pair.bob.pubkey();
        let refused = [
            ("withdraw to her", to_her),
            ("withdraw to himself", to_him),
            ("appoint a successor", orders::set_delegate(keys, him, pair.alice.position, Address::new_unique(), 1)),
            ("a greater budget", orders::set_delegate(keys, him, pair.alice.position, him, u64::MAX)),
            ("resign", orders::revoke_delegate(keys, him, pair.alice.position)),
            ("close the account", pair.instead(&close)),
        ];
        for (what, instruction) in refused {
            chain.refuse(what, &[instruction], &bob, NotOwner).await;
        }
        // Dismissed, he cannot trade either.
        chain.succeed("dismiss", &[pair.revoke(&market)], &[&pair.alice.keypair]).await;
        let open = pair.instead(&market.open(&pair.alice, direction, 100));
        chain.refuse("trade", &[open], &bob, NotTrader).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_42_a_delegate_orders_and_takes_orders_back() {
    for direction in BOTH {
        let (mut chain, market, pair) = appointed(false, MARGIN).await;
        let bob = [&pair.bob];
        let opening = market_order(direction, more(100_000));
        let sent = chain.succeed("place", &[pair.place(&market, 0, &opening)], &bob).await;
        let Event::OrderPlaced(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!(event.by_delegate, 1);
        let stored = chain.order(&pair.alice, 0).await;
        assert_eq!((stored.payer, stored.state.by_delegate), (pair.bob.pubkey(), 1));
        assert_eq!(execute_at(&mut chain, &market, &pair, 0, 50_000).await.outcome, FILLED);
        assert_eq!(crate::accounts::lamports(&chain, &pair.bob.pubkey()).await, 1_000_000_000_000, "his rent is back");

        // One of his own and one of hers.
        let limit = usd(if direction == Long { 40_000 } else { 60_000 });
        let limit = resting(OrderType::Limit, direction, more(100), limit);
        chain.succeed("his", &[pair.place(&market, 1, &limit)], &bob).await;
        chain.succeed("hers", &[market.place(&pair.alice, 2, &limit)], &[&pair.alice.keypair]).await;
        chain.succeed("his back", &[orders::cancel_order(&market.keys, pair.bob.pubkey(), pair.of(1))], &bob).await;
        let hers = OrderRef { payer: pair.alice.address(), ..pair.of(2) };
        chain.succeed("hers back", &[orders::cancel_order(&market.keys, pair.bob.pubkey(), hers)], &bob).await;
        let position = pair.position(&chain).await.state;
        assert_eq!((position.tips.get(), position.open_orders), (0, 0));
    }
}

/// A delegate of one sub-account is nobody in another, in another market, and for another owner.
#[tokio::test(flavor = "multi_thread")]
async fn case_42_sub_accounts_are_isolated() {
    let (mut chain, market, pair) = appointed(true, MARGIN).await;
    let bob = [&pair.bob];
    let create = instructions::create_position(&market.keys, pair.alice.address(), 1);
    chain.succeed("a second sub-account", &[create], &[&pair.alice.keypair]).await;
    let position = market.keys.position(&pair.alice.address(), 1);
    let Trader { keypair, tokens, .. } = &pair.alice;
    let second = Trader { keypair: keypair.insecure_clone(), tokens: *tokens, position };
    chain.succeed("deposit", &[market.deposit(&second, MARGIN)], &[&second.keypair]).await;
    let carol = chain.trader_with(&market, MARGIN).await;
    for other in [&second, &carol] {
        let open = pair.instead(&market.open(other, Long, 100));
        chain.refuse("increase", &[open], &bob, NotTrader).await;
        let placing =
            Placing { trader: pair.bob.pubkey(), position: other.position, id: 0, price: market.price, linked_with: None };
        let place = orders::place_order(&market.keys, placing, &market_order(Long, more(100)));
        chain.refuse("place", &[place], &bob, NotTrader).await;
        let limit = resting(OrderType::Limit, Long, more(100), usd(40_000));
        chain.succeed("an order", &[market.place(other, 0, &limit)], &[&other.keypair]).await;
        let cancel = pair.instead(&market.cancel_order(other, 0));
        chain.refuse("cancel", &[cancel], &bob, NotTrader).await;
        chain.succeed("a position", &[market.open(other, Long, 100)], &[&other.keypair]).await;
        chain.refuse("decrease", &[pair.instead(&market.close(other, Long))], &bob, NotTrader).await;
        // His own budget and delegation are untouched by it.
        assert_eq!(chain.position(&other.position).await.delegate, Address::default());
    }
    assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 0);
}

/// Fee and spread of an instant trade count, to the satoshi. At $50,000 +- $100 a long of $100,000 buys at $50,100: 199,600,798, of
/// which $100 in $50,000, 0.2 %, are 399,201.6 up; the fee is 99,801 and 4,991 (see `place_order`). A short sells at $49,900: 0.2 % of
/// 200,400,802 are 400,801.6 up; 100,201 and 5,011.
#[tokio::test(flavor = "multi_thread")]
async fn an_instant_trade_costs_the_budget_fee_and_spread() {
    for (direction, cost) in [(Long, 104_792 + 399_202), (Short, 105_212 + 400_802)] {
        let (mut chain, market, pair) = appointed(true, cost - 1).await;
        let [alice, bob] = [[&pair.alice.keypair], [&pair.bob]];
        chain.advance(1);
        chain.post(&market, Tick::at(50_000).confident_to(100));
        let open = [pair.instead(&market.open(&pair.alice, direction, 100_000))];
        chain.refuse("a satoshi short", &open, &bob, DelegateBudgetExceeded).await;
        chain.succeed("a satoshi more", &[pair.appoint(&market, cost)], &alice).await;
        chain.succeed("just enough", &open, &bob).await;
        let budget = pair.position(&chain).await.state.budget;
        assert_eq!((budget.spent.get(), budget.daily.get()), (cost, cost));

        // Closing costs as well: at $50,000 5 bps of 200,000,000, 100,000. The owner has no budget to keep.
        chain.advance(120);
        chain.post(&market, Tick::at(50_000));
        let close = [pair.instead(&market.close(&pair.alice, direction))];
        chain.succeed("not enough for both", &[pair.appoint(&market, cost + 99_999)], &alice).await;
        chain.refuse("a satoshi short", &close, &bob, DelegateBudgetExceeded).await;
        chain.succeed("the owner", &[market.close_part(&pair.alice, direction, 10)], &alice).await;
        // $10 less: 199,980,000, 99,990.
        chain.succeed("now it is enough", &close, &bob).await;
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), cost + 99_990);
    }
}

/// A day is one of UTC: the chain starts 6,000 s before midnight.
#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_for_a_day_to_the_second() {
    for direction in BOTH {
        // $100,000 cost 105,000 by themselves, and then $100 more 5 bps of 200,000, 100, and a surcharge of
        // (100,100^2 - 100,000^2) / 4e9 dollars, $0.0050025, 5,003 millionths up, 10.006 satoshi up: 11.
        let (mut chain, market, pair) = appointed(true, 105_110).await;
        let bob = [&pair.bob];
        assert_eq!((chain.time() + 6_000) % 86_400, 0);
        chain.succeed("all but 110", &[pair.instead(&market.open(&pair.alice, direction, 100_000))], &bob).await;
        let again = [pair.instead(&market.open(&pair.alice, direction, 100))];
        chain.refuse("one too many", &again, &bob, DelegateBudgetExceeded).await;
        chain.advance(5_999);
        chain.post(&market, Tick::at(50_000));
        chain.refuse("the last second", &again, &bob, DelegateBudgetExceeded).await;
        chain.advance(1);
        chain.post(&market, Tick::at(50_000));
        chain.succeed("midnight", &again, &bob).await;
        let budget = pair.position(&chain).await.state.budget;
        assert_eq!((budget.spent.get(), u64::from(budget.day)), (111, u64::try_from(chain.time()).expect("positive") / 86_400));
    }
}

/// A market order to increase counts when it is placed with tip, fee and spread; one that rests with its tip alone, the rest when it
/// is triggered; one that reduces with its tip, the rest when it fills.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_costs_the_budget_tip_fee_and_spread() {
    for direction in BOTH {
        // $100,000 at $50,000 without a spread: 105,000, and the tip.
        let (mut chain, market, pair) = appointed(false, 105_999).await;
        let [alice, bob] = [[&pair.alice.keypair], [&pair.bob]];
        let opening = market_order(direction, more(100_000));
        let place = [pair.place(&market, 0, &opening)];
        chain.refuse("a satoshi short", &place, &bob, DelegateBudgetExceeded).await;
        chain.succeed("a satoshi more", &[pair.appoint(&market, 106_000)], &alice).await;
        chain.succeed("just enough", &place, &bob).await;
        assert_eq!(chain.order(&pair.alice, 0).await.state.budgeted.get(), 106_000);
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 106_000);
        assert_eq!(execute_at(&mut chain, &market, &pair, 0, 50_000).await.outcome, FILLED);
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 106_000, "counted once");

        // To rest.
        let (mut chain, market, pair) = appointed(false, TIP - 1).await;
        let [alice, bob] = [[&pair.alice.keypair], [&pair.bob]];
        let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
        chain.advance(1);
        chain.post(&market, Tick::at(if direction == Long { 50_001 } else { 49_999 }));
        let limit = resting(OrderType::Limit, direction, more(100_000), usd(50_000));
        let place = [pair.place(&market, 0, &limit)];
        chain.refuse("a satoshi short of the tip", &place, &bob, DelegateBudgetExceeded).await;
        chain.succeed("a satoshi short of the rest", &[pair.appoint(&market, 105_999)], &alice).await;
        chain.succeed("place", &place, &bob).await;
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), TIP);
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        let trigger = [market.trigger(&pair.alice, 0, keeper)];
        chain.refuse("trigger", &trigger, &[], DelegateBudgetExceeded).await;
        chain.succeed("a satoshi more", &[pair.appoint(&market, 106_000)], &alice).await;
        chain.succeed("trigger", &trigger, &[]).await;
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 106_000);
    }
}

/// The spread counts too: of $50,000 +- $100 a long of $100,000 is to cost 104,792 and 0.2 % of 199,600,799, 399,201.6 up; a short 105,212
/// and 0.2 % of 200,400,802, 400,801.6 up. Filled at the same price, they cost just that.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_costs_the_budget_its_spread() {
    for (direction, cost) in [(Long, 104_792 + 399_202 + TIP), (Short, 105_212 + 400_802 + TIP)] {
        let (mut chain, market, pair) = appointed(false, cost - 1).await;
        chain.advance(1);
        chain.post(&market, Tick::at(50_000).confident_to(100));
        let place = [pair.place(&market, 0, &market_order(direction, more(100_000)))];
        chain.refuse("a satoshi short", &place, &[&pair.bob], DelegateBudgetExceeded).await;
        chain.succeed("a satoshi more", &[pair.appoint(&market, cost)], &[&pair.alice.keypair]).await;
        chain.succeed("just enough", &place, &[&pair.bob]).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(50_000));
        let fill_price = chain.publish(Tick::at(50_000).confident_to(100));
        let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
        let sent = chain.succeed("execute", &[pair.execute(&market, 0, keeper, fill_price)], &[]).await;
        assert_eq!(ended(&sent).outcome, FILLED);
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), cost);
    }
}

/// Filled at $49,000 a long of $100,000 costs more than was set aside at $50,000: 102,041 and a surcharge of 5,103 (2.5e16 / 4.9e12 up),
/// with the tip 108,144. A short at $49,000 the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_costs_more_than_is_left_fails_for_its_owner() {
    for direction in BOTH {
        for (daily, outcome) in [(108_144, FILLED), (108_143, FAILED)] {
            let (mut chain, market, pair) = appointed(false, daily).await;
            chain.succeed("place", &[pair.place(&market, 0, &market_order(direction, more(100_000)))], &[&pair.bob]).await;
            let event = execute_at(&mut chain, &market, &pair, 0, 49_000).await;
            assert_eq!(event.outcome, outcome, "{direction:?}, {daily}");
            let spent = pair.position(&chain).await.state.budget.spent.get();
            if outcome == FILLED {
                assert_eq!((event.error, spent), (0, 108_144));
            } else {
                // The failure costs 5 bps of 204,081,633, 102,041, within what was set aside, which stays spent.
                assert_eq!(event.error, u64::from(u32::from(DelegateBudgetExceeded)));
                let fee = event.fee_sats;
                assert_eq!((fee.pool.get() + fee.insurance.get() + fee.protocol.get(), spent), (102_041, 106_000));
                assert_eq!(pair.position(&chain).await.state.margin.get(), MARGIN - 102_041 - TIP);
            }
        }
        // Filled at $45,000 the taker fee alone, 5 bps of 222,222,223, 111,112, is more than the 105,000 that were set aside.
        let (mut chain, market, pair) = appointed(false, 106_000).await;
        chain.succeed("place", &[pair.place(&market, 0, &market_order(direction, more(100_000)))], &[&pair.bob]).await;
        chain.succeed("more margin", &[market.deposit(&pair.alice, 10 * MARGIN)], &[&pair.alice.keypair]).await;
        let event = execute_at(&mut chain, &market, &pair, 0, 45_000).await;
        assert_eq!((event.outcome, event.error), (FAILED, u64::from(u32::from(DelegateBudgetExceeded))));
        let fee = event.fee_sats;
        assert_eq!(fee.pool.get() + fee.insurance.get() + fee.protocol.get(), 105_000);
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 106_000);
    }
}

/// Of an order to reduce nothing but the tip was set aside: 100,000 more are needed when it fills, or it fails without a fee.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_to_reduce_costs_the_budget_when_it_is_placed() {
    for direction in BOTH {
        // Tip 1,000, fee 100,000, no spread: what closing $100,000 costs.
        let (mut chain, market, pair) = appointed(false, 100_999).await;
        chain.open_by_order(&market, &pair.alice, direction, 100_000, 50_000).await;
        let margin = pair.position(&chain).await.state.margin.get();
        let close = [pair.place(&market, 1, &market_order(direction, OrderAmount::Close))];
        chain.refuse("a satoshi short", &close, &[&pair.bob], DelegateBudgetExceeded).await;
        chain.succeed("a satoshi more", &[pair.appoint(&market, 101_000)], &[&pair.alice.keypair]).await;
        chain.succeed("place", &close, &[&pair.bob]).await;
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 101_000);
        let event = execute_at(&mut chain, &market, &pair, 1, 50_000).await;
        let position = pair.position(&chain).await.state;
        assert_eq!((event.outcome, position.shares.get()), (FILLED, 0));
        assert_eq!((position.margin.get(), position.budget.spent.get()), (margin - 101_000, 101_000));

        // An owner who dismisses him while the order waits does not make it fail: that would be a free option.
        let (mut chain, market, pair) = appointed(false, 101_000).await;
        chain.open_by_order(&market, &pair.alice, direction, 100_000, 50_000).await;
        let close = [pair.place(&market, 1, &market_order(direction, OrderAmount::Close))];
        chain.succeed("place", &close, &[&pair.bob]).await;
        chain.succeed("dismiss", &[pair.revoke(&market)], &[&pair.alice.keypair]).await;
        let adverse = if direction == Long { 49_900 } else { 50_100 };
        assert_eq!(execute_at(&mut chain, &market, &pair, 1, adverse).await.outcome, FILLED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dismissing_voids_what_rests_and_not_what_waits() {
    for direction in BOTH {
        let (mut chain, market, pair) = appointed(false, MARGIN).await;
        let [alice, bob] = [[&pair.alice.keypair], [&pair.bob]];
        let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
        // His stop, hers, and his order that waits.
        let stop_at = if direction == Long { 49_000 } else { 51_000 };
        let any = instructions::any_price_to_close(direction);
        let stop = resting(OrderType::Stop(usd(stop_at)), direction, OrderAmount::Close, any);
        chain.succeed("his", &[pair.place(&market, 0, &stop)], &bob).await;
        chain.succeed("hers", &[market.place(&pair.alice, 1, &stop)], &alice).await;
        chain.succeed("waits", &[pair.place(&market, 2, &market_order(direction, more(100_000)))], &bob).await;

        let sent = chain.succeed("dismiss", &[pair.revoke(&market)], &alice).await;
        let Event::DelegateRevoked(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!(event.void_orders_below, 3);
        let expire = orders::expire_order(&market.keys, pair.bob.pubkey(), pair.of(2));
        chain.refuse("what waits is not void", &[expire], &bob, OrderNotExpired).await;
        let cancel = orders::cancel_order(&market.keys, pair.alice.address(), pair.of(2));
        chain.refuse("nor taken back", &[cancel], &alice, OrderNotResting).await;
        assert_eq!(execute_at(&mut chain, &market, &pair, 2, 50_000).await.outcome, FILLED);

        chain.advance(1);
        chain.post(&market, Tick::at(i64::try_from(stop_at).expect("small")));
        chain.refuse("his stop", &[market.trigger(&pair.alice, 0, keeper)], &[], OrderVoid).await;
        let his = orders::cancel_order(&market.keys, pair.bob.pubkey(), pair.of(0));
        chain.refuse("he himself", &[his], &bob, NotTrader).await;
        chain.succeed("hers", &[market.trigger(&pair.alice, 1, keeper)], &[]).await;
        let expire = orders::expire_order(&market.keys, pair.bob.pubkey(), pair.of(0));
        let sent = chain.succeed("anyone removes his", &[expire], &bob).await;
        let Event::OrderRemoved(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.removal, event.ledger.delta_sats), (2, Default::default()));
        assert_eq!(crate::accounts::lamports(&chain, &pair.bob.pubkey()).await, 1_000_000_000_000);
        assert_eq!(pair.position(&chain).await.state.tips.get(), TIP, "the tip is free margin");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_budget_keeps_orders_and_what_was_spent_and_a_successor_nothing() {
    for direction in BOTH {
        let (mut chain, market, pair) = appointed(false, MARGIN).await;
        let [alice, bob] = [[&pair.alice.keypair], [&pair.bob]];
        let limit = usd(if direction == Long { 49_000 } else { 51_000 });
        let limit = resting(OrderType::Limit, direction, more(100), limit);
        chain.succeed("place", &[pair.place(&market, 0, &limit)], &bob).await;

        // The same one with 1,999 satoshi a day: 1,000 are spent, so that another tip is too much.
        let sent = chain.succeed("another budget", &[pair.appoint(&market, 1_999)], &alice).await;
        let Event::DelegateSet(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.daily_budget_sats.get(), event.void_orders_below), (1_999, 0));
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), TIP);
        let another = [pair.place(&market, 1, &limit)];
        chain.refuse("a satoshi short", &another, &bob, DelegateBudgetExceeded).await;
        chain.succeed("another budget", &[pair.appoint(&market, 2_000)], &alice).await;
        chain.succeed("just enough", &another, &bob).await;

        // Somebody else: both are void, and he begins with nothing spent.
        let carol = chain.somebody();
        let keys = &market.keys;
        let replace = orders::set_delegate(keys, pair.alice.address(), pair.alice.position, carol.pubkey(), 2_000);
        let sent = chain.succeed("a successor", &[replace], &alice).await;
        let Event::DelegateSet(event) = sent.event() else { panic!("{:?}", sent.events) };
        assert_eq!((event.delegate, event.void_orders_below), (carol.pubkey(), 2));
        assert_eq!(pair.position(&chain).await.state.budget.spent.get(), 0);
        let placing =
            Placing { trader: carol.pubkey(), position: pair.alice.position, id: 2, price: market.price, linked_with: None };
        chain.succeed("his first", &[orders::place_order(keys, placing, &limit)], &[&carol]).await;
        let first = [pair.place(&market, 3, &limit)];
        chain.refuse("the predecessor", &first, &bob, NotTrader).await;
        chain.advance(DELAY);
        chain.post(&market, Tick::at(if direction == Long { 49_000 } else { 51_000 }));
        let keeper = chain.token_account(&market.keys.mint, &Address::new_unique(), 0);
        for id in [0, 1] {
            let trigger = [market.trigger(&pair.alice, id, keeper)];
            chain.refuse("the predecessor's", &trigger, &[], OrderVoid).await;
        }
        let trigger = [market.trigger(&pair.alice, 2, keeper)];
        chain.succeed("his own", &trigger, &[]).await;
        // The successor removes what the predecessor has left.
        chain.succeed("remove", &[orders::cancel_order(keys, carol.pubkey(), pair.of(0))], &[&carol]).await;
        assert!(chain.account(&order(&pair.alice.position, 0).0).await.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_accounts_that_do_not_belong() {
    let (mut chain, market, pair) = appointed(true, 5_000).await;
    let other_market = chain.open_market(market.keys.mint, 1, still()).await;
    let carol = chain.trader(&market).await;
    let alice = [&pair.alice.keypair];
    // Places: 0 owner, 1 market, 2 position.
    for instruction in [pair.appoint(&market, 5_000), pair.revoke(&market)] {
        let hers = with_account(&instruction, 2, carol.position);
        chain.refuse("somebody else's position", &[hers], &alice, NotOwner).await;
        chain.refuse("without the signature", &[unsigned(&instruction, 0)], &[], ErrorCode::AccountNotSigner).await;
        let cross = with_account(&instruction, 1, other_market.keys.market);
        chain.refuse("in another market", &[cross], &alice, WrongMarket).await;
        refuses_strangers(&mut chain, &instruction, 1, pair.alice.position, &alice).await;
        refuses_strangers(&mut chain, &instruction, 2, exchange(), &alice).await;
        chain.succeed("as it should be", &[instruction], &alice).await;
    }
}
