//! A day in the life of a market on a real validator, all through the command line, as its users do: traders, a provider, a keeper,
//! and machines that stop in the middle.

mod common;

use common::{until, Keeper, Person};
use inverse_perps_engine::ledger::Ledger;
use localnet::testing::Localnet;
use perps::chain::{Chain, Which};
use perps::client::addresses::associated_tokens;
use perps::client::{accounts, MarketKeys};
use serde_json::Value;
use solana_signer::Signer;
use std::time::Duration;

/// Dollars of Dave's position.
const DAVE: u64 = 400_000;
/// What the keeper begins with, in satoshi.
const ROBOT: u64 = 100_000;
/// The tip of an order where none is said.
const TIP: u64 = 200;

/// Margins, pool and all else, against what the vault holds; and the margins against the sum over positions.
fn assert_solvent(net: &Localnet) {
    let chain = net.chain();
    let market = chain.market(&net.info().market).expect("the market stands");
    let Ledger { margin, pool, insurance, protocol_fees, funds } = market.state.ledger;
    let owed: u64 = [margin, pool, insurance, protocol_fees, funds].iter().map(|amount| amount.get()).sum();
    let vault = accounts::token_amount(&chain.account(&market.vault).expect("the vault stands").data).expect("a token account");
    assert!(vault >= owed, "the vault holds {vault} sats and owes {owed}");
    let positions = chain.program_accounts(&Which::positions_in(net.info().market)).expect("positions");
    let margins =
        positions.iter().map(|(_, account)| accounts::position(&account.data).expect("a position").state.margin.get());
    assert_eq!(margin.get(), margins.sum::<u64>(), "margin is the sum over positions");
}

/// What somebody has in his wallet, in satoshi.
fn bitcoin_of(net: &Localnet, person: &Person) -> u64 {
    let tokens = associated_tokens(&person.keypair.pubkey(), &net.info().mint);
    accounts::token_amount(&net.chain().account(&tokens).expect("a wallet").data).expect("a token account")
}

/// The events of this name in an answer, or in all transactions of a history, newest first.
fn events<'a>(answer: &'a Value, name: &str) -> Vec<&'a Value> {
    let transactions = answer["transactions"].as_array().map_or(std::slice::from_ref(answer), Vec::as_slice);
    let all = transactions.iter().flat_map(|transaction| transaction["events"].as_array().into_iter().flatten());
    all.filter(|event| event["event"] == name).collect()
}

fn sats(value: &Value, field: &str) -> u64 {
    value[field].as_u64().unwrap_or_else(|| panic!("{field} in {value}"))
}

/// What Dave owes by the rates that the market showed while he held his position: `rate * time * value`, in satoshi.
fn funding_of_dave(history: &Value) -> f64 {
    let (mut value, mut owed) = (0.0, 0.0);
    let transactions = history["transactions"].as_array().expect("transactions");
    for event in transactions.iter().rev().flat_map(|transaction| transaction["events"].as_array().expect("events")) {
        let number = |field: &str| event[field].as_f64().unwrap_or_else(|| panic!("{field} in {event}"));
        if event["event"] == "Accrued" {
            owed += number("long_rate_ppb_per_day") / 1e9 * number("elapsed_seconds") / 86_400.0 * value / number("price_e8");
        } else if event["fill"]["notional_e6"].as_u64() == Some(DAVE * 1_000_000) {
            let closes = event["reduce_only"] == 1;
            value = if closes { 0.0 } else { DAVE as f64 * 1e16 }; // a value in satoshi, times a price in 1e-8 dollars
        }
    }
    owed
}

#[test]
fn a_market_lives_through_a_fall_of_the_price_and_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut net = Localnet::start_with(folder.path(), &["--price", "60000"]).expect("the localnet starts");
    net.tell(&["price", "set", "60000"]).expect("the publisher heeds");
    let person = |name: &str, btc: &str| Person::with(&net, folder.path(), name, btc);
    let (alice, bob, carol) = (person("alice", "0.2"), person("bob", "0.1"), person("carol", "2"));
    let (dave, robot) = (person("dave", "2"), person("robot", "0.001"));
    let log = folder.path().join("keeper.log");
    let mut keeper = Keeper::start(&robot, &log);

    // A provider comes, and asks to leave again.
    carol.perps("pool deposit --btc 2");
    carol.perps("pool request --all");
    let (code, early) = carol.refused("pool complete");
    assert_eq!((code, early["name"].as_str()), (3, Some("CoolDownNotOver")), "{early}");
    assert_solvent(&net);

    // Dave buys so much that the funding of a minute is more than rounding, and holds it to the end.
    let opened = dave.perps(&format!("position open --side long --notional {DAVE} --margin 2"));
    assert_eq!(opened["outcome"], "filled", "{opened}");

    // Alice buys $6,000 with a stop and a take-profit; the keeper fills her order at a price that did not exist when she placed it.
    let opened = alice.perps("position open --side long --notional 6000 --margin 0.05 --stop 57000 --take-profit 70000");
    assert_eq!(opened["outcome"], "filled", "{opened}");
    let shown = alice.perps("position show");
    assert_eq!(shown["notional_usd"], "6000", "{shown}");
    assert_eq!(shown["orders"].as_array().map(Vec::len), Some(2), "a stop and a take-profit rest: {shown}");

    // Bob buys $20,000 with 0.012 BTC: liquidated at 20,000 * 1.01 / (0.012 + 0.3333) = $58,500 or a little above, for his fees.
    let opened = bob.perps("position open --side long --notional 20000 --margin 0.012");
    assert_eq!(opened["outcome"], "filled", "{opened}");
    let held = bob.perps("position show");
    let liquidation: f64 = held["liquidation_price_usd"].as_str().and_then(|text| text.parse().ok()).expect("a price");
    assert!((58_450.0..58_800.0).contains(&liquidation), "{liquidation}");
    assert_solvent(&net);

    // The keeper is restarted, and then the validator under it; nothing is lost, and the keeper finds its way back.
    keeper.stop();
    let before = alice.perps("position show");
    let mut keeper = Keeper::start(&robot, &log);
    net.restart().expect("the localnet goes on");
    until(Duration::from_secs(60), "the keeper follows the chain again", || keeper.get("/health").starts_with("HTTP/1.1 200"));
    let after = alice.perps("position show");
    assert_eq!(after["notional_usd"], before["notional_usd"]);
    assert_eq!(after["margin_sats"], before["margin_sats"]);
    assert_eq!(after["orders"].as_array().map(Vec::len), Some(2), "{after}");
    assert_solvent(&net);

    // The price falls by $350 a second, through Bob's liquidation price and Alice's stop.
    net.tell(&["price", "set", "56500", "--over", "10s"]).expect("the publisher heeds");
    let chain = net.chain();
    let position = |owner: &Person| {
        let market = accounts::market(&chain.account(&net.info().market).expect("the market").data).expect("a market");
        let keys = MarketKeys::find(market.mint, market.index);
        chain.position(&keys.position(&owner.keypair.pubkey(), 0)).expect("a position").state
    };
    until(Duration::from_secs(40), "Bob is liquidated", || position(&bob).shares.get() < 20_000_000_000);
    until(Duration::from_secs(60), "Alice's stop has closed her position", || position(&alice).shares.is_zero());
    assert_solvent(&net);

    // Within two updates after the first that made him liquidatable: the price it was done at is one of those.
    let history = bob.perps("history --events PositionLiquidated");
    let liquidated = events(&history, "PositionLiquidated");
    assert!(!liquidated.is_empty(), "{history}");
    let first = liquidated.last().expect("newest first");
    let done_at = sats(first, "price_e8") / 1_000_000;
    let crossing = liquidation * 100.0;
    let steps = (crossing - f64::from(u32::try_from(done_at).expect("cents fit"))) / 35_000.0;
    println!("liquidation price {liquidation}, done at {} cents, {steps:.2} updates of $350 later", done_at);
    assert!((0.0..=2.0).contains(&steps), "{steps} updates after {liquidation}: {first}");

    // The stop was triggered and filled, its partner is dead, and the keeper has been paid for all of it: rewards, tips of three openings,
    // and of the stop.
    let history = alice.perps("history --limit 100");
    assert_eq!(events(&history, "OrderTriggered").len(), 1, "{history}");
    let fills = events(&history, "OrderFilled");
    assert_eq!(fills.len(), 2, "her opening and her stop: {history}");
    let nobody = "11111111111111111111111111111111";
    assert!(fills[0]["reduce_only"] == 1 && fills[0]["killed"] != nobody, "the stop ends the take-profit: {history}");
    let rewards: u64 = liquidated.iter().map(|event| sats(event, "reward_sats")).sum();
    assert_eq!(bitcoin_of(&net, &robot), ROBOT + rewards + 4 * TIP);

    // Alice takes her money home.
    alice.perps("position withdraw --max");
    alice.perps("position close-account");

    // The market calms down. Dave closes: he has paid funding and borrow fee by the second at the rates that the market showed.
    net.tell(&["price", "set", "60000", "--over", "5s"]).expect("the publisher heeds");
    let closed = dave.perps("position close");
    assert_eq!(closed["outcome"], "filled", "{closed}");
    let totals = &dave.perps("history --limit 100")["totals"];
    let paid = -totals["funding_borrow_and_deleveraging_sats"].as_i64().unwrap_or_else(|| panic!("{totals}"));
    let owed = funding_of_dave(&dave.perps("history --whole-market --events Accrued,OrderFilled --limit 500"));
    println!("{DAVE} dollars paid {paid} sats of funding and borrow fee, {owed:.1} by the rates shown");
    assert!(owed > 20.0 && (owed - paid as f64).abs() <= 3.0 + owed / 50.0, "paid {paid}, not {owed}");

    // Carol leaves: the cool-down of 20 seconds is long over, but nobody withdraws within a minute after a jump of the price.
    let completes = || carol.run("pool complete --dry-run").status.success();
    until(Duration::from_secs(90), "the market is calm again", completes);
    let paid = carol.perps("pool complete");
    assert!(events(&paid, "WithdrawalCompleted").len() == 1, "{paid}");
    let pool = carol.perps("pool show");
    assert_eq!(sats(&pool, "shares"), 0, "{pool}");
    assert_solvent(&net);
    keeper.stop();
}
