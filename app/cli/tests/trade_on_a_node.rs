//! `perps market`, `position`, `order`, `pool` and `history` from outside, against a node in this process.

mod trade_support;

use inverse_perps_engine::market::Fills;
use serde_json::Value;
use solana_signer::Signer;
use trade_support::{Scene, BTC};

fn sats(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} of {value:#}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} of {value:#}"))
}

fn events<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let all = value["events"].as_array().expect("events");
    all.iter().filter(|event| event["event"] == name).collect()
}

#[test]
fn a_market_is_listed_and_shown() {
    let scene = Scene::new(Fills::OrdersOnly);
    let list = scene.json("market list");
    let [market] = list["markets"].as_array().unwrap().as_slice() else { panic!("{list:#}") };
    assert_eq!(text(market, "mark_usd"), "60000");
    assert_eq!(text(market, "state"), "trading");
    let shown = scene.json("market show");
    assert_eq!(text(&shown, "market"), text(market, "market"));
    assert_eq!(shown["orders_only"], true);
    assert_eq!(sats(&shown, "pool_sats"), 50 * BTC);
    assert_eq!((text(&shown, "bid_usd"), text(&shown, "ask_usd")), ("59990", "60010"));
    assert_eq!(text(&shown, "share_price_btc"), "1.00000000");
    // A long can win its entry value, at the ask of $60,010; 70 % of the pool may be spoken for, which has got 60 % of the fee by then:
    // 5 bps of the value, and the surcharge N^2 / (2 * 2e9) for an imbalance that grows from nothing.
    let fits = |dollars: f64| {
        let (value, surcharge) = (dollars / 60_010.0, dollars * dollars / 4e9 / 60_010.0);
        value <= 0.7 * (50.0 + 0.6 * (value * 0.0005 + surcharge))
    };
    let most: f64 = text(&shown, "largest_new_long_usd").parse().unwrap();
    assert!(fits(most - 1.0) && !fits(most + 1.0), "{most}");
    assert_eq!(shown["params"]["taker_fee"]["value"], "5");
    assert!(scene.text("market show --params").contains("max_utilisation"));
    assert!(scene.text("market list").contains("trading"));
}

#[test]
fn a_short_is_opened_by_an_order_and_cannot_be_liquidated() {
    let scene = Scene::new(Fills::OrdersOnly);
    let opened = scene.json("position open --side short --notional 6000.7 --margin 0.2");
    assert_eq!((text(&opened, "notional_usd"), text(&opened, "rounded_off_usd")), ("6000", "0.7"));
    assert_eq!(text(&opened, "outcome"), "filled");
    // A short sells at the bid, $59,990: $6,000 are 10,001,666.94 satoshi. Fee: 5 bps, 5,000.8 up, and the surcharge for growing the
    // imbalance from nothing: 6000^2 / (2 * 2e9) = $0.009, 15.0025 satoshi up.
    assert_eq!(text(&opened, "fill_price_usd"), "59990");
    assert_eq!(sats(&opened, "fee_sats"), 5_001 + 16);
    assert_eq!(sats(&opened, "expected_fee_sats"), 5_001 + 16);
    assert_eq!(sats(&opened, "tip_paid_sats"), 200);
    let after = &opened["position_after"];
    assert_eq!((text(after, "side"), text(after, "notional_usd")), ("short", "6000"));
    let margin = 20_000_000 - 5_017 - 200;
    assert!((margin - 5..=margin).contains(&sats(after, "margin_sats")), "{after:#}"); // a second's borrow fee may be due
    assert_eq!(after["liquidation_price_usd"], Value::Null);
    assert_eq!(opened["expected"]["liquidation_price_usd"], Value::Null);
    assert_eq!(scene.wallet(), 2 * BTC - 20_000_000);

    let shown = scene.json("position show");
    assert_eq!(text(&shown, "health"), "sound");
    assert_eq!(shown["history"]["totals"]["fees_sats"], 5_017);
    assert_eq!(shown["history"]["whole"], true);
    // M - B: 19,994,783 less the entry value of 10,001,667 that a short is booked at. (A second or two of funding may be due.)
    let delta = shown["greeks"]["delta_usd_sats"].as_i64().unwrap();
    assert!((19_994_783 - 10_001_667 - delta).abs() < 10, "{delta}");
    assert_eq!(shown["greeks"]["moves"].as_array().unwrap().len(), 6);

    let list = scene.json("position list");
    assert_eq!(list["count"], 1);
    assert_eq!(list["positions"][0]["side"], "short");
    assert_eq!(scene.json("position list --all")["positions"][0]["position"], shown["position"]);
}

#[test]
fn a_hedge_quoted_for_the_market_is_the_one_that_it_opens() {
    let scene = Scene::new(Fills::OrdersOnly);
    let quoted = scene.json("quote hedge --btc 0.5");
    assert_eq!((text(&quoted, "price_usd"), text(&quoted, "fill_price_usd")), ("60000", "59990"));
    assert_eq!((text(&quoted, "confidence_usd"), text(&quoted, "skew_usd")), ("10", "0"));
    // What is left of 0.5 BTC after 5 bps, the surcharge N^2 / (2 * 2e9) and a tip of 200 satoshi covers N at $59,990, and no dollar more.
    let covers = |dollars: f64| {
        let (value, surcharge) = (dollars / 59_990.0, dollars * dollars / 4e9 / 59_990.0);
        value <= 0.5 - value * 0.0005 - surcharge - 0.000_002
    };
    let notional: f64 = text(&quoted, "notional_usd").parse().unwrap();
    assert!(covers(notional - 1.0) && !covers(notional + 1.0), "{notional}");
    // The only short pays funding, 0.3 % a day times N / 10,000,000, and a borrow fee to the pool that backs it.
    let funding: f64 = text(&quoted, "funding_percent_a_day").parse().unwrap();
    assert!((funding + 0.3 * notional / 1e7).abs() < 1e-6, "{quoted:#}");
    assert!(text(&quoted, "borrow_percent_a_day").parse::<f64>().unwrap() > 0.0, "{quoted:#}");
    assert!(scene.text("quote hedge --btc 0.5 --borrow 0").contains("0 % a day"));

    let opened = scene.json(&format!("position open --side short --notional {notional} --margin 0.5"));
    assert_eq!(text(&opened, "outcome"), "filled");
    assert_eq!(sats(&opened, "fee_sats"), sats(&quoted, "fee_sats") + sats(&quoted, "surcharge_sats"));
    let shown = scene.json("position show");
    let left = shown["greeks"]["delta_usd_sats"].as_i64().unwrap() - quoted["residual_sats"].as_i64().unwrap();
    assert!((-10..=0).contains(&left), "{left} sats of funding and borrow fee since: {shown:#}");
    // Against the pool of 50 BTC, of which at most 70 % may be spoken for.
    let (refused, code) = scene.json_code("quote hedge --btc 150");
    assert_eq!((text(&refused, "name"), code), ("ReserveExceeded", 3));
}

#[test]
fn stop_and_take_profit_are_placed_with_the_opening_and_linked() {
    let scene = Scene::new(Fills::OrdersOnly);
    let opened = scene
        .json("position open --side long --leverage 3 --margin 0.1 --stop 50000 --take-profit 61000 --stop-slippage-bps 100");
    assert_eq!(events(&opened, "OrderPlaced").len(), 3, "in one transaction");
    assert_eq!(text(&opened, "outcome"), "filled");
    let leverage: f64 = text(&opened["position_after"], "leverage").parse().unwrap();
    assert!((2.99..=3.0).contains(&leverage), "{leverage}");

    let list = scene.json("order list");
    let [stop, profit] = list["orders"].as_array().unwrap().as_slice() else { panic!("{list:#}") };
    assert_eq!((text(stop, "type"), text(stop, "limit_usd"), stop["linked_with"].as_u64()), ("stop", "49500", Some(1)));
    assert_eq!(
        (text(profit, "type"), text(profit, "trigger_usd"), profit["linked_with"].as_u64()),
        ("take-profit", "61000", Some(0))
    );
    assert!(stop["closes"] == true && stop["state"] == "rests");

    // The price comes: the take-profit fills, and the stop is dead.
    scene.price(61_500);
    for _ in 0..100 {
        if scene.position(0).state.direction == 0 {
            break;
        }
        scene.wait(1);
    }
    let list = scene.json("order list");
    assert_eq!(list["orders"][0]["state"], "void", "{list:#}");
    let cancelled = scene.json("order cancel --all");
    assert_eq!(events(&cancelled, "OrderRemoved").len(), 1);
    assert_eq!(scene.position(0).state.open_orders, 0);
    let history = scene.json("history --events OrderFilled");
    assert_eq!(history["transactions"].as_array().unwrap().len(), 2);
    assert_eq!(history["totals"]["fills"], 2);
    assert!(history["totals"]["realised_sats"].as_i64().unwrap() > 0);
}

#[test]
fn a_position_is_reduced_closed_and_emptied() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.json("position open --side long --notional 3000 --margin 0.05");
    let reduced = scene.json("position close --notional 1000");
    assert_eq!((text(&reduced, "outcome"), text(&reduced, "filled_usd")), ("filled", "1000"));
    assert_eq!(text(&reduced["position_after"], "notional_usd"), "2000");
    let (refused, code) = scene.json_code("position close-account");
    assert_eq!(code, 1);
    assert!(text(&refused, "error").contains("a position of 2000 USD is open"), "{refused:#}");
    let closed = scene.json("position close");
    assert_eq!((text(&closed, "outcome"), text(&closed, "filled_usd")), ("filled", "2000"));
    let margin = scene.position(0).state.margin.get();
    let withdrawn = scene.json("position withdraw --max");
    assert_eq!(sats(&withdrawn, "amount_sats"), margin);
    assert_eq!(scene.wallet(), 2 * BTC - 5_000_000 + margin);
    scene.json("position close-account");
    let (gone, code) = scene.json_code("position show");
    assert_eq!(code, 1);
    assert!(text(&gone, "error").contains("perps position open or deposit creates one"), "{gone:#}");
}

#[test]
fn what_cannot_be_is_said_before_anything_is_signed() {
    let scene = Scene::new(Fills::OrdersOnly);
    let (poor, code) = scene.json_code("position open --side long --notional 1000 --margin 2.5");
    assert_eq!(code, 1);
    assert!(text(&poor, "error").contains("0.5 BTC are missing"), "{poor:#}");
    // $6,000 a tenth of a bitcoin: 1 BTC of margin at 50 times; 2 % initial margin leaves no room for the fee.
    let (thin, code) = scene.json_code("position open --side long --leverage 60 --margin 0.1");
    assert_eq!((code, text(&thin, "name")), (3, "MarginBelowInitial"));
    assert!(text(&thin, "error").contains("would be accepted now"), "{thin:#}");
    let (past, code) = scene.json_code("position open --side long --notional 1000 --margin 0.1 --stop 70000");
    assert_eq!(code, 1);
    assert!(text(&past, "error").contains("must lie below the price"), "{past:#}");
    let (early, code) = scene.json_code("position close");
    assert_eq!(code, 1, "{early:#}");
    scene.json("position deposit --btc 0.02 --sub-account 3");
    let (more, code) = scene.json_code("position withdraw --btc 0.03 --sub-account 3");
    assert_eq!((code, text(&more, "name")), (3, "MarginBelowAmount"));
    assert!(text(&more, "error").contains("at most 0.02 BTC can be withdrawn now"), "{more:#}");
    scene.json("position withdraw --max --sub-account 3");
    let dry = scene.json("position open --side long --notional 1000 --margin 0.1 --dry-run");
    assert_eq!((dry["dry_run"].as_bool(), events(&dry, "OrderPlaced").len()), (Some(true), 1));
    assert_eq!(scene.wallet(), 2 * BTC);
    let unasked = scene.perps_as("alice", "position deposit --btc 0.1");
    assert_eq!(unasked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unasked.stderr).contains("say --yes, or --dry-run"));
}

#[test]
fn an_order_that_nobody_fills_is_reported_and_can_be_removed() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.keeper(false);
    let placed = scene.json("position open --side long --notional 1000 --margin 0.1 --no-wait");
    assert_eq!(text(&placed, "outcome"), "waits");
    let (waits, code) = scene.json_code("order cancel 0");
    assert_eq!(code, 1);
    assert!(text(&waits, "error").contains("cannot be taken back"), "{waits:#}");
    let (again, code) = scene.json_code("position open --side long --notional 1000");
    assert_eq!((code, text(&again, "name")), (3, "OrderPending"));
    scene.wait(70);
    assert_eq!(scene.json("order list")["orders"][0]["state"], "lapsed");
    let removed = scene.json("order cancel 0");
    assert_eq!(sats(&removed, "tips_lost_sats"), 200);
    assert_eq!(scene.position(0).state.margin.get(), 10_000_000 - 200);

    let (lapsed, code) = scene.json_code("position open --side long --notional 1000");
    assert_eq!((code, text(&lapsed, "outcome")), (1, "lapsed"));
    assert!(text(&lapsed, "error").contains("perps order cancel 1 removes it"), "{lapsed:#}");
}

#[test]
fn an_order_whose_bound_is_missed_fails_for_its_owner() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.json("position deposit --btc 0.1");
    let (missed, code) = scene.json_code("position open --side long --notional 1000 --limit 60005");
    // The ask is $60,010 already: seen before it is signed.
    assert_eq!((code, text(&missed, "name")), (3, "SlippageExceeded"));
    assert!(text(&missed, "error").contains("it would be 60010.00 USD now"), "{missed:#}");
    scene.keeper(false);
    scene.json("position open --side long --notional 1000 --slippage-bps 10 --no-wait");
    scene.price(60_500);
    scene.keeper(true);
    for _ in 0..100 {
        if scene.position(0).state.open_orders == 0 {
            break;
        }
        scene.wait(1);
    }
    let history = scene.json("history --events OrderExecuted");
    let event = &history["transactions"][0]["events"][0];
    assert_eq!(event["outcome"], 3, "{history:#}");
    assert!(scene.text("history --events OrderExecuted").contains("failed (SlippageExceeded)"));
}

#[test]
fn orders_rest_and_are_taken_back() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.json("position deposit --btc 0.1");
    let placed = scene.json("order place --type limit --side long --notional 1000 --limit 40000 --expires 7d --tip 0.000005");
    assert_eq!((text(&placed, "outcome"), sats(&placed, "tip_sats")), ("rests", 500));
    let second = scene.json("order place --type stop --side long --close --trigger 30000 --link-with 0");
    assert_eq!(second["order_id"], 1);
    let order = &scene.json("order list")["orders"][0];
    assert_eq!((text(order, "type"), text(order, "notional_usd"), order["linked_with"].as_u64()), ("limit", "1000", Some(1)));
    let expires = order["expires_unix"].as_i64().unwrap() - scene.node.stage().local.time();
    assert!((604_700..=604_800).contains(&expires), "{expires}");
    assert!(scene.text("order list").contains("-33.33 %"));
    let (usage, code) = scene.json_code("order place --type limit --side long --notional 1000 --trigger 40000");
    assert_eq!(code, 1);
    assert!(text(&usage, "error").contains("a limit order's is its --limit"), "{usage:#}");
    let (at_once, code) = scene.json_code("order place --type limit --side long --notional 1000 --limit 70000");
    assert_eq!((code, text(&at_once, "name")), (3, "OrderWouldTrigger"));
    scene.json("order cancel 0 1");
    assert_eq!(scene.position(0).state.open_orders, 0);
}

#[test]
fn a_market_with_instant_fills_trades_at_once() {
    let scene = Scene::new(Fills::Instant);
    let opened = scene.json("position open --side short --size-btc 0.05 --margin 0.05");
    // 0.05 BTC at the bid of $59,990 are $2,999.50.
    assert_eq!(text(&opened, "notional_usd"), "2999");
    assert_eq!(events(&opened, "PositionIncreased").len(), 1);
    assert_eq!(text(&opened, "fill_price_usd"), "59990");
    let (early, code) = scene.json_code("position close");
    assert_eq!((code, text(&early, "name")), (3, "MinHoldNotOver"));
    scene.wait(11);
    let closed = scene.json("position close");
    assert_eq!(events(&closed, "PositionDecreased").len(), 1);
    assert_eq!(closed["position_after"]["side"], Value::Null);
}

#[test]
fn liquidity_comes_and_leaves() {
    let scene = Scene::new(Fills::OrdersOnly);
    let deposited = scene.json("pool deposit --btc 1");
    assert_eq!((sats(&deposited, "expected_shares"), sats(&deposited, "min_shares")), (BTC, 99_500_000));
    assert_eq!(scene.wallet(), BTC);
    let shown = scene.json("pool show");
    assert_eq!(
        (sats(&shown, "shares"), sats(&shown, "worth_staying_sats"), sats(&shown, "worth_leaving_sats")),
        (BTC, BTC, BTC)
    );
    let requested = scene.json("pool request --btc 0.25");
    assert_eq!((sats(&requested, "shares"), sats(&requested, "id")), (25_000_000, 0));
    let (early, code) = scene.json_code("pool complete");
    assert_eq!((code, text(&early, "name")), (3, "CoolDownNotOver"));
    assert_eq!(sats(&scene.json("pool request --all"), "id"), 1);
    scene.wait(21);
    let (which, code) = scene.json_code("pool complete");
    assert_eq!(code, 1);
    assert!(text(&which, "error").contains("--id: 0, 1"), "{which:#}");
    let completed = scene.json("pool complete --id 0");
    assert_eq!((sats(&completed, "expected_sats"), scene.wallet()), (25_000_000, BTC + 25_000_000));
    scene.json("pool cancel");
    assert_eq!(sats(&scene.json("pool show"), "shares"), 75_000_000);
    assert!(scene.text("pool show").contains("part of the pool"));
}

#[test]
fn a_delegate_trades_and_does_not_withdraw() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.json("position deposit --btc 0.1");
    let (bob, alice) = (scene.bob.pubkey(), scene.alice.pubkey());
    let line = format!("position open --side long --notional 1000 --owner {alice}");
    let (stranger, code) = scene.json_code_as("bob", &line);
    assert_eq!(code, 1);
    assert!(text(&stranger, "error").contains("neither the owner"), "{stranger:#}");
    scene.json(&format!("position delegate set {bob} --daily-budget 0.001"));
    let (opened, code) = scene.json_code_as("bob", &line);
    assert_eq!((code, text(&opened, "outcome")), (0, "filled"), "{opened:#}");
    let shown = scene.json("position show");
    assert_eq!((text(&shown, "delegate"), sats(&shown, "delegate_daily_budget_sats")), (bob.to_string().as_str(), 100_000));
    assert!(sats(&shown, "delegate_spent_today_sats") >= 200);
    scene.json("position delegate revoke");
    assert_eq!(scene.json_code_as("bob", &line).1, 1);
}

#[test]
fn history_pages_and_filters() {
    let scene = Scene::new(Fills::OrdersOnly);
    scene.json("position deposit --btc 0.1");
    scene.json("position deposit --btc 0.2");
    scene.json("position withdraw --btc 0.05");
    let first = scene.json("history --limit 1");
    assert_eq!(first["transactions"][0]["events"][0]["event"], "CollateralWithdrawn");
    let older = scene.json(&format!("history --limit 2 --before {}", text(&first, "before")));
    let names: Vec<&str> =
        older["transactions"].as_array().unwrap().iter().map(|one| text(&one["events"][0], "event")).collect();
    assert_eq!(names, ["CollateralDeposited", "PositionCreated"]);
    let all = scene.json("history");
    assert_eq!(all["totals"]["deposited_sats"], 30_000_000);
    assert_eq!(all["totals"]["withdrawn_sats"], 5_000_000);
    assert_eq!(all["before"], Value::Null);
    let (unknown, code) = scene.json_code("history --events OrderFiled");
    assert_eq!(code, 1);
    assert!(text(&unknown, "error").contains("there is no such event"), "{unknown:#}");
    let market = scene.json("history --whole-market --events CollateralDeposited");
    assert_eq!(market["transactions"].as_array().unwrap().len(), 2);
    assert!(scene.text("history").contains("0.05 BTC, margin now 0.25 BTC"));
}
