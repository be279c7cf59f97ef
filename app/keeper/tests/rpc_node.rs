//! The node of these tests speaks Solana's protocol: the client library's own chain over RPC says the same of it as the chain in process,
//! and what a bad provider does to transactions is survived or said.

mod support;

use inverse_perps::state::Position;
use perps::chain::{Chain, Failure, Which, CLOCK};
use perps::client::events::{in_logs, Event};
use perps::client::instructions;
use perps::rpc::RpcChain;
use perps::transaction::{Priority, Sender};
use solana_keypair::Keypair;
use solana_pubsub_client::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{CommitmentConfig, RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_signer::Signer;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use support::crowd::{self, Crowd};
use support::faults::Rates;
use support::node::Node;
use support::proxy::Proxy;
use support::sockets::Listening;
use support::witness::Witness;

const BTC: u64 = 100_000_000;

struct Scene {
    node: Arc<Node>,
    listening: Listening,
    crowd: Crowd,
    keeper: Keypair,
}

fn scene(traders: usize) -> Scene {
    let mut local = crowd::chain(crowd::first(1, 336));
    let keeper = crowd::keeper(&mut local, 0x77);
    let crowd = Crowd::gather(&mut local, traders, 1);
    let node = Node::new(local);
    Scene { listening: Listening::start(&node), node, crowd, keeper }
}

/// Moves the Clock on while something else happens.
fn while_time_passes<T>(node: &Arc<Node>, seconds: u32, every: Duration, act: impl FnOnce() -> T) -> T {
    let over = Arc::new(AtomicBool::new(false));
    let (running, clock) = (Arc::clone(&over), Arc::clone(node));
    let ticking = std::thread::spawn(move || {
        while !running.load(Ordering::SeqCst) {
            std::thread::sleep(every);
            let mut stage = clock.stage();
            stage.local.advance(seconds);
            stage.moved();
        }
    });
    let done = act();
    over.store(true, Ordering::SeqCst);
    ticking.join().expect("the clock runs");
    done
}

#[test]
fn it_says_the_same_over_rpc_as_in_process() {
    let Scene { node, listening, crowd, .. } = scene(12);
    let (over, within) = (RpcChain::new(&listening.http()), node.chain());
    let (market, price) = {
        let stage = node.stage();
        (stage.local.keys.market, stage.local.price)
    };
    let mut asked = crowd.positions.clone();
    asked.extend([market, price, CLOCK, solana_address::Address::new_from_array([3; 32])]);
    assert_eq!(over.accounts(&asked).expect("accounts"), within.accounts(&asked).expect("accounts"));
    for which in [Which::markets(), Which::positions_in(market), Which::positions_in(price), Which::orders()] {
        let sorted = |chain: &dyn Chain| {
            let mut found = chain.program_accounts(&which).expect("accounts of the program");
            found.sort_by_key(|(address, _)| *address);
            found
        };
        assert_eq!(sorted(&over), sorted(within), "{which:?}");
    }
    assert_eq!(over.program_accounts(&Which::positions_in(market)).expect("positions").len(), 12);
    assert_eq!(over.moment().expect("a Clock"), within.moment().expect("a Clock"));
    assert_eq!(over.block_height().expect("a height"), within.block_height().expect("a height"));
    assert_eq!(over.rent(256).expect("rent"), within.rent(256).expect("rent"));
    assert_eq!(over.recent_priority_fee(&[market]).expect("fees"), 0);
    assert_eq!(over.landed(&Default::default()).expect("none").map(|landed| landed.slot), None);
}

#[test]
fn a_transaction_lands_and_its_logs_are_events() {
    let Scene { node, listening, crowd, keeper } = scene(3);
    let chain = RpcChain::new(&listening.http());
    let keys = node.stage().local.keys;
    let create = instructions::create_position(&keys, keeper.pubkey(), 0);
    let landed = Sender::new(&chain, &keeper).send(&[create]).expect("it lands");
    let position = keys.position(&keeper.pubkey(), 0);
    let events = in_logs(&landed.logs);
    assert!(matches!(&events[..], [Event::PositionCreated(event)] if event.position == position), "{events:?}");
    assert_eq!(chain.position(&position).expect("a position").owner, keeper.pubkey());
    let now = node.chain().moment().expect("a Clock");
    assert_eq!((landed.slot, landed.time), (now.slot, Some(now.time.get())));
    assert!(landed.units > 5_000 && landed.fee_lamports >= 5_000, "{landed:?}");
    assert_eq!(chain.signatures(&position, None, 10).expect("its history"), [landed.signature]);
    assert_eq!(chain.signatures(&position, Some(landed.signature), 10).expect("its history"), []);

    let (healthy, tokens) = (crowd.positions[0], perps::client::addresses::associated_tokens(&keeper.pubkey(), &keys.mint));
    let liquidate = instructions::liquidate(&keys, healthy, tokens, node.stage().local.price);
    let refused = Sender::new(&chain, &keeper).send(&[liquidate]).expect_err("it is healthy");
    assert!(refused.refusal().is_some_and(|refusal| refusal.is("NotLiquidatable")), "{refused}");
    assert!(chain.signatures(&healthy, None, 10).expect("nothing").is_empty(), "it was not even sent");
}

#[test]
fn what_never_lands_is_made_anew_until_it_is_given_up() {
    let Scene { node, listening, keeper, .. } = scene(1);
    let witness = Witness::new(&node);
    let deaf = Rates { swallow: 10_000, ..Rates::default() };
    let proxy = Proxy::start(listening.address, &witness, deaf, 5);
    let chain = RpcChain::new(&proxy.http());
    let create = instructions::create_position(&node.stage().local.keys, keeper.pubkey(), 0);
    // 150 slots are a minute; here that takes a second.
    let given_up = while_time_passes(&node, 6, Duration::from_millis(100), || {
        Sender::new(&chain, &keeper).at(Priority::Fixed(0)).send(&[create])
    });
    assert!(matches!(given_up, Err(Failure::Expired(_))), "{given_up:?}");
    assert_eq!(witness.transactions().0, 3, "it is signed three times");
    assert!(node.stage().landings_since(0).is_empty());
}

#[test]
fn over_a_bad_provider_every_deposit_is_made_once() {
    const SATS: u64 = 1_000;
    const DEPOSITS: u64 = 12;
    let Scene { node, listening, keeper, crowd } = scene(1);
    let witness = Witness::new(&node);
    let proxy = Proxy::start(listening.address, &witness, Rates { swallow: 3_000, late: 2_000, ..Rates::awful() }, 11);
    let chain = RpcChain::new(&proxy.http());
    let keys = node.stage().local.keys;
    let position = crowd.positions[0];
    let tokens = perps::client::addresses::associated_tokens(&keeper.pubkey(), &keys.mint);
    node.stage().local.mint(&tokens, BTC).expect("bitcoin");
    let before = node.chain().position(&position).expect("a position").state.margin.get();
    let mut made = 0;
    while_time_passes(&node, 1, Duration::from_millis(30), || {
        for deposit in 0..DEPOSITS {
            // Each of its own size, as a wallet would not sign the same twice either.
            let add = instructions::deposit_collateral(&keys, keeper.pubkey(), position, tokens, SATS + deposit);
            let done =
                (0..50).find_map(|_| Sender::new(&chain, &keeper).at(Priority::Fixed(0)).send(std::slice::from_ref(&add)).ok());
            let events = in_logs(&done.expect("one of fifty attempts lands").logs);
            assert!(events.iter().any(|event| matches!(event, Event::CollateralDeposited(_))), "{events:?}");
            made += SATS + deposit;
        }
    });
    let after = node.chain().position(&position).expect("a position").state.margin.get();
    assert_eq!(after - before, made, "{:?}", proxy.tally());
    let tally = proxy.tally();
    let least = ["transactions swallowed", "transactions late", "delayed"];
    assert!(least.iter().all(|what| tally.get(what).is_some_and(|times| *times > 0)), "{tally:?}");
}

fn within_a_second<T>(mut look: impl FnMut() -> Option<T>) -> T {
    (0..100)
        .find_map(|_| {
            std::thread::sleep(Duration::from_millis(10));
            look()
        })
        .expect("it takes less than a second")
}

#[test]
fn subscribers_hear_of_every_account_that_changes() {
    let Scene { node, listening, crowd, .. } = scene(4);
    let price = node.stage().local.price;
    let account_config = RpcAccountInfoConfig {
        encoding: Some(UiAccountEncoding::Base64),
        commitment: Some(CommitmentConfig::confirmed()),
        ..RpcAccountInfoConfig::default()
    };
    let tag = <Position as anchor_lang::Discriminator>::DISCRIMINATOR;
    let filters = Some(vec![RpcFilterType::Memcmp(Memcmp::new_base58_encoded(0, tag))]);
    let config =
        RpcProgramAccountsConfig { filters, account_config: account_config.clone(), ..RpcProgramAccountsConfig::default() };
    let (of_program, heard) =
        PubsubClient::program_subscribe(listening.ws(), &inverse_perps::ID, Some(config)).expect("subscribed");
    let (of_price, prices) = PubsubClient::account_subscribe(listening.ws(), &price, Some(account_config)).expect("subscribed");
    let (of_slots, slots) = PubsubClient::slot_subscribe(listening.ws()).expect("subscribed");
    {
        let mut stage = node.stage();
        let tick = support::path::ticks(1, 336, 2)[1];
        crowd.publish(&mut stage.local, tick);
        let rival = &crowd.rival;
        let settle = stage.local.settle(crowd.positions[2]);
        stage.local.send(&[settle], rival).expect("anybody settles");
        stage.moved();
    }
    let heard = within_a_second(|| heard.try_recv().ok());
    assert_eq!(heard.value.pubkey, crowd.positions[2].to_string(), "and of the market, which has changed too, nothing");
    let now = node.stage().local.svm.get_account(&crowd.positions[2]);
    assert_eq!(heard.value.account.to_account(), now);
    let priced = within_a_second(|| prices.try_recv().ok());
    assert_eq!(priced.value.to_account(), node.stage().local.svm.get_account(&price));
    let slot = within_a_second(|| slots.try_recv().ok());
    let now = node.stage().slot();
    assert_eq!([slot.slot, priced.context.slot, heard.context.slot], [now; 3]);
    // The library's blocking client waits for one more message when it is dropped.
    std::mem::forget((of_program, of_price, of_slots));
}
