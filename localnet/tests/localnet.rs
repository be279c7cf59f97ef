//! One localnet from its first start through a restart and a crash, as its users see it.

use anyhow::Result;
use inverse_perps::state::OracleSource;
use inverse_perps_engine::market::Fills;
use inverse_perps_engine::units::Sats;
use localnet::genesis::mint;
use localnet::publisher::{read_update, write_update};
use localnet::testing::Localnet;
use perps::chain::{Chain, Failure};
use perps::client::accounts::{exchange as read_exchange, mint_supply, token_amount};
use perps::client::addresses::{associated_tokens, exchange};
use perps::client::pyth::{archive_shard, feed_account, BTC_USD_FEED};
use perps::client::MarketKeys;
use perps::transaction::{Priority, Sender};
use pyth_solana_receiver_sdk::price_update::{PriceFeedMessage, VerificationLevel};
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::time::{Duration, Instant};

const BITCOIN: u64 = 100_000_000;
const DOLLAR: i64 = 100_000_000;
const POLL: Duration = Duration::from_millis(100);

#[test]
fn a_localnet_trades_is_told_prices_and_goes_on_after_a_stop_and_a_crash() -> Result<()> {
    let place = tempfile::tempdir()?;
    let mut localnet = Localnet::start_with(place.path(), &["--price", "50000"])?;
    market_and_money_are_there(&localnet)?;
    updates_chain_and_are_archived(&localnet)?;
    the_faucet_gives(&localnet)?;
    the_publisher_does_what_it_is_told(&localnet)?;
    only_the_publisher_writes_and_only_what_follows(&localnet)?;

    let before = seen(&localnet)?;
    assert!(localnet.stop()?.success());
    assert!(localnet.tell(&["price", "show"]).unwrap_err().to_string().contains("no localnet runs in"));
    localnet.restart()?;
    it_goes_on(&localnet, &before)?;

    let before = seen(&localnet)?;
    localnet.crash()?;
    localnet.restart()?;
    it_goes_on(&localnet, &before)
}

fn newest(localnet: &Localnet) -> Result<PriceFeedMessage> {
    Ok(read_update(&localnet.chain().account(&localnet.info().price_account)?.data)?.price_message)
}

/// The first update that is as asked.
fn wait_for(localnet: &Localnet, wanted: impl Fn(&PriceFeedMessage) -> bool) -> Result<PriceFeedMessage> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let message = newest(localnet)?;
        if wanted(&message) {
            return Ok(message);
        }
        assert!(Instant::now() < deadline, "no such update came; the newest is {message:?}");
        std::thread::sleep(POLL);
    }
}

fn market_and_money_are_there(localnet: &Localnet) -> Result<()> {
    let (chain, info) = (localnet.chain(), localnet.info());
    let market = chain.market(&info.market)?;
    assert_eq!((market.state.ledger.pool, market.state.ledger.insurance), (Sats::new(50 * BITCOIN), Sats::new(BITCOIN)));
    assert_eq!(market.state.fills(), Fills::OrdersOnly);
    assert_eq!(market.mint, info.mint);
    assert_eq!(inverse_perps::state::Market::encode_oracle(OracleSource::PythPull { feed_id: BTC_USD_FEED }).1, market.oracle);
    let keys = MarketKeys::find(mint(), 0);
    assert_eq!(token_amount(&chain.account(&keys.vault)?.data)?, 51 * BITCOIN);
    assert_eq!(mint_supply(&chain.account(&mint())?.data)?, 53 * BITCOIN);

    let governance = read_exchange(&chain.account(&exchange())?.data)?;
    assert_eq!(governance.admin, localnet.key(&info.keys.admin)?.pubkey());
    assert_eq!(governance.guardian, localnet.key(&info.keys.guardian)?.pubkey());
    let alice = localnet.key(&info.keys.alice)?.pubkey();
    assert_eq!(token_amount(&chain.account(&associated_tokens(&alice, &mint()))?.data)?, 2 * BITCOIN);
    assert!(chain.account(&alice)?.lamports >= 100_000_000_000);
    Ok(())
}

/// Each update names the one before, the price moves within a percent of the start, and the archive has every one of them.
fn updates_chain_and_are_archived(localnet: &Localnet) -> Result<()> {
    let mut updates = vec![newest(localnet)?];
    while updates.len() < 5 {
        let last = updates[updates.len() - 1].publish_time;
        updates.push(wait_for(localnet, |message| message.publish_time > last)?);
    }
    for pair in updates.windows(2) {
        assert!(pair[1].prev_publish_time >= pair[0].publish_time && pair[1].prev_publish_time < pair[1].publish_time);
        assert_ne!(pair[1].price, pair[0].price);
    }
    // All that were published meanwhile, from the archive alone: none is missing between the first and the last seen.
    let (first, last) = (updates[0], updates[updates.len() - 1]);
    let mut at = last;
    let mut count = 1;
    while at.publish_time > first.publish_time {
        let archived = feed_account(&BTC_USD_FEED, archive_shard(at.publish_time));
        let update = read_update(&localnet.chain().account(&archived)?.data)?;
        assert_eq!(update.price_message, at);
        assert_eq!(update.verification_level, VerificationLevel::Full);
        let before = feed_account(&BTC_USD_FEED, archive_shard(at.prev_publish_time));
        at = read_update(&localnet.chain().account(&before)?.data)?.price_message;
        count += 1;
    }
    assert_eq!(at, first);
    assert!(i64::from(count) > (last.publish_time - first.publish_time) / 2, "{count} updates for {first:?} to {last:?}");
    for message in &updates {
        assert!((message.price - 50_000 * DOLLAR).abs() < 500 * DOLLAR, "{message:?}");
        // 3 bps of the price, rounded up.
        assert_eq!(i128::from(message.conf), (i128::from(message.price) * 3 + 9_999) / 10_000);
        assert_eq!(message.exponent, -8);
    }
    Ok(())
}

fn the_faucet_gives(localnet: &Localnet) -> Result<()> {
    let bob = Keypair::new().pubkey();
    let said = localnet.tell(&["faucet", "--to", &bob.to_string(), "--btc", "1.5", "--sol", "10"])?;
    assert!(said.contains("1.50000000 wrapped BTC") && said.contains("10.000000000 SOL"), "{said}");
    let chain = localnet.chain();
    assert_eq!(token_amount(&chain.account(&associated_tokens(&bob, &mint()))?.data)?, 150_000_000);
    assert_eq!(chain.account(&bob)?.lamports, 10_000_000_000);
    Ok(())
}

fn the_publisher_does_what_it_is_told(localnet: &Localnet) -> Result<()> {
    localnet.tell(&["price", "set", "58000"])?;
    wait_for(localnet, |message| message.price == 58_000 * DOLLAR)?;
    localnet.tell(&["price", "set", "57000", "--over", "4s"])?;
    wait_for(localnet, |message| message.price < 58_000 * DOLLAR && message.price > 57_000 * DOLLAR)?;
    wait_for(localnet, |message| message.price == 57_000 * DOLLAR)?;

    localnet.tell(&["price", "stop"])?;
    std::thread::sleep(Duration::from_millis(2_500));
    let last = newest(localnet)?;
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(newest(localnet)?, last);
    assert!(localnet.tell(&["price", "stop"]).unwrap_err().to_string().contains("stopped already"));
    localnet.tell(&["price", "resume"])?;
    let next = wait_for(localnet, |message| message.publish_time > last.publish_time)?;
    assert!(next.publish_time >= last.publish_time + 4);
    assert!(
        localnet.tell(&["price", "show"])?.contains("holds 57000")
            || localnet.tell(&["price", "show"])?.contains("moves to 57000")
    );
    Ok(())
}

/// With the publisher silent, so that what is refused is refused for the reason given.
fn only_the_publisher_writes_and_only_what_follows(localnet: &Localnet) -> Result<()> {
    localnet.tell(&["price", "stop"])?;
    std::thread::sleep(Duration::from_millis(2_500));
    let last = newest(localnet)?;
    let follows =
        PriceFeedMessage { publish_time: last.publish_time + 1, prev_publish_time: last.publish_time, price: DOLLAR, ..last };
    let alice = localnet.key(&localnet.info().keys.alice)?;
    let publisher = localnet.key(&localnet.info().keys.publisher)?;
    let other_feed = PriceFeedMessage { feed_id: [1; 32], ..follows };
    let not_newer = PriceFeedMessage { publish_time: last.publish_time, ..follows };
    let not_chained = PriceFeedMessage { prev_publish_time: last.publish_time - 1, ..follows };
    for (signer, message, name) in [
        (&alice, follows, "WrongAuthority"),
        (&publisher, other_feed, "WrongFeed"),
        (&publisher, not_newer, "NotNewer"),
        (&publisher, not_chained, "NotChained"),
    ] {
        let refused = send(localnet, signer, message).unwrap_err();
        assert!(refused.refusal().is_some_and(|refusal| refusal.is(name)), "{name}: {refused:?}");
    }
    assert_eq!(newest(localnet)?, last);
    send(localnet, &publisher, follows)?;
    assert_eq!(newest(localnet)?, follows);
    localnet.tell(&["price", "resume"])?;
    Ok(())
}

fn send(localnet: &Localnet, signer: &Keypair, message: PriceFeedMessage) -> Result<(), Failure> {
    let chain = localnet.chain();
    Sender::new(&chain, signer).at(Priority::Fixed(0)).send(&[write_update(signer.pubkey(), message)])?;
    Ok(())
}

/// What must be the same, or further, after a start on the same chain.
struct Seen {
    slot: u64,
    market: Vec<u8>,
    vault: Vec<u8>,
    update: PriceFeedMessage,
}

fn seen(localnet: &Localnet) -> Result<Seen> {
    let chain = localnet.chain();
    Ok(Seen {
        update: newest(localnet)?,
        slot: chain.moment()?.slot,
        market: chain.account(&localnet.info().market)?.data,
        vault: chain.account(&MarketKeys::find(mint(), 0).vault)?.data,
    })
}

fn it_goes_on(localnet: &Localnet, before: &Seen) -> Result<()> {
    let next = wait_for(localnet, |message| message.publish_time > before.update.publish_time)?;
    let now = seen(localnet)?;
    assert!(now.slot > before.slot, "slot {} after {}", now.slot, before.slot);
    assert_eq!((now.market, now.vault), (before.market.clone(), before.vault.clone()));
    // The price was told to hold; the average goes on from where it was.
    assert_eq!(next.price, 57_000 * DOLLAR);
    assert!(next.ema_price > 49_000 * DOLLAR && next.ema_price < 51_000 * DOLLAR);
    // The update from before is still in the archive, and the chain of updates leads from the newest back to it.
    let mut at = next;
    while at.publish_time > before.update.publish_time {
        let archived = feed_account(&BTC_USD_FEED, archive_shard(at.prev_publish_time));
        at = read_update(&localnet.chain().account(&archived)?.data)?.price_message;
    }
    assert_eq!(at, before.update);
    Ok(())
}
