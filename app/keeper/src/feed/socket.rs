//! Changes as a node's websocket tells them.
//!
//! One connection carries the subscription to the program's accounts and those to the Clock and to prices. It is given up, and made anew,
//! when the node closes it, says something that is no account, or says nothing for too long: the Clock changes with every slot. As what
//! was said meanwhile is lost, a snapshot is wanted each time.
//!
//! This is the client library's non-blocking client on a runtime of this thread's own: its blocking one cannot be ended while the node
//! says nothing.

use super::{FIRST_WAIT, LONGEST_WAIT};
use crate::backoff::delay;
use crate::source::{Event, Sink, Update, Wishes};
use perps::client::addresses::program;
use solana_address::Address;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{CommitmentConfig, RpcAccountInfoConfig, RpcProgramAccountsConfig, UiAccountEncoding};
use std::future::{poll_fn, Future};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long a node may take to take a connection or a subscription.
const ANSWER: Duration = Duration::from_secs(10);
/// How often it is looked whether to end, and whether more accounts are to be followed.
const GLANCE: Duration = Duration::from_millis(200);

/// Why a session ended, and whether it had been live.
struct Ended {
    why: String,
    was_live: bool,
}

fn failed(why: impl std::fmt::Display) -> Ended {
    Ended { why: why.to_string(), was_live: false }
}

/// Follows, until it is ended.
pub(super) fn run(url: &str, silence: Duration, sink: &Sink, wishes: &Wishes) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            sink.tell(Event::Lost(format!("no runtime for the websocket: {error}")));
            return;
        }
    };
    let mut failures = 0;
    while !wishes.is_ended() {
        let Ended { why, was_live } = runtime.block_on(session(url, silence, sink, wishes));
        if wishes.is_ended() {
            return;
        }
        failures = if was_live { 1 } else { failures + 1 };
        sink.tell(Event::Lost(why));
        wishes.sleep(delay(failures, url, FIRST_WAIT, LONGEST_WAIT));
    }
}

async fn within<T, E: std::fmt::Display>(what: &str, answer: impl Future<Output = Result<T, E>>) -> Result<T, Ended> {
    match timeout(ANSWER, answer).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(format!("{what}: {error}"))),
        Err(_) => Err(failed(format!("{what}: no answer for {} s", ANSWER.as_secs()))),
    }
}

async fn session(url: &str, silence: Duration, sink: &Sink, wishes: &Wishes) -> Ended {
    let client = match within("the websocket cannot be reached", PubsubClient::new(url)).await {
        Ok(client) => client,
        Err(ended) => return ended,
    };
    let ended = follow(&client, silence, sink, wishes).await.unwrap_or_else(|ended| ended);
    // A node that does not take the farewell is left without one.
    drop(timeout(GLANCE, client.shutdown()).await);
    ended
}

/// What was heard on one of the streams.
enum Heard {
    Update(Update),
    /// Something that is no account.
    Nonsense(String),
    /// The connection is gone.
    End,
}

fn account_config() -> RpcAccountInfoConfig {
    let (encoding, commitment) = (Some(UiAccountEncoding::Base64), Some(CommitmentConfig::confirmed()));
    RpcAccountInfoConfig { encoding, commitment, ..RpcAccountInfoConfig::default() }
}

async fn follow(client: &PubsubClient, silence: Duration, sink: &Sink, wishes: &Wishes) -> Result<Ended, Ended> {
    let program = program();
    let config = RpcProgramAccountsConfig { account_config: account_config(), ..RpcProgramAccountsConfig::default() };
    let subscribing = client.program_subscribe(&program, Some(config));
    let (mut of_program, _) = within("the program's accounts cannot be followed", subscribing).await?;
    let mut of_accounts = vec![];
    let mut generation = None;
    let mut heard_at = Instant::now();
    loop {
        let (now_wanted, wanted) = wishes.followed();
        if generation != Some(now_wanted) {
            for address in wanted {
                if of_accounts.iter().all(|(known, _)| *known != address) {
                    let subscribing = client.account_subscribe(&address, Some(account_config()));
                    let (stream, _) = within("an account cannot be followed", subscribing).await?;
                    of_accounts.push((address, stream));
                }
            }
            if generation.is_none() {
                sink.tell(Event::Live);
                wishes.want_snapshot();
            }
            generation = Some(now_wanted);
        }
        let next = poll_fn(|context| {
            if let Poll::Ready(heard) = of_program.as_mut().poll_next(context) {
                return Poll::Ready(heard.map_or(Heard::End, |heard| {
                    let (slot, keyed) = (heard.context.slot, heard.value);
                    heard_of(keyed.pubkey.parse().ok(), slot, keyed.account.to_account())
                }));
            }
            for (address, stream) in &mut of_accounts {
                if let Poll::Ready(heard) = stream.as_mut().poll_next(context) {
                    return Poll::Ready(
                        heard
                            .map_or(Heard::End, |heard| heard_of(Some(*address), heard.context.slot, heard.value.to_account())),
                    );
                }
            }
            Poll::Pending
        });
        let over = |why: String| Ok(Ended { why, was_live: true });
        match timeout(GLANCE, next).await {
            Ok(Heard::Update(update)) => {
                heard_at = Instant::now();
                sink.tell(Event::Updates(vec![update]));
            }
            Ok(Heard::Nonsense(why)) => return over(why),
            Ok(Heard::End) => return over("the node closed the websocket".to_owned()),
            Err(_) if heard_at.elapsed() >= silence => {
                return over(format!("the websocket has been silent for {} s", silence.as_secs()));
            }
            Err(_) => {}
        }
        if wishes.is_ended() {
            return over("ended".to_owned());
        }
    }
}

fn heard_of(address: Option<Address>, slot: u64, account: Option<solana_account::Account>) -> Heard {
    match (address, account) {
        (Some(address), Some(account)) => {
            // A closed account is told as one without lamports.
            let account = Some(account).filter(|account| account.lamports > 0);
            Heard::Update(Update { address, slot, account })
        }
        _ => Heard::Nonsense("the websocket sent an account that cannot be read".to_owned()),
    }
}
