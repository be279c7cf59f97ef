//! `perps watch`: a market and one's positions in it, live.

mod bars;
mod panels;
mod screen;
mod snapshot;
mod tables;
mod terminal;

use crate::session::{duration, stop, Session};
use anyhow::Result;
use clap::Args;
use screen::Screen;
use serde_json::{json, Value};
use snapshot::Snapshot;
use solana_address::Address;
use std::io::{stdout, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Examples for `--help`.
const EXAMPLES: &str = "\
Keys: q ends it, r reads at once. What cannot be read is shown as stale until it can. Where the output is no terminal one frame is printed; \
with --json, an object a line for every refresh.

Examples:
  perps watch
  perps watch --owner <ADDRESS> --interval 5s
  perps watch --once
  perps watch --json --interval 1s | jq -r .mark_usd";

/// How often it is looked whether to end.
const GLANCE: Duration = Duration::from_millis(100);

/// Watch a market and one's positions: price, funding, pool, margins, orders
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Whose positions [default: the signer's, where there is a key]
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Address>,
    /// How often everything is read
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    interval: Duration,
    /// Print one frame as plain text, or one object
    #[arg(long)]
    once: bool,
}

/// What was read, or why it could not be.
type Read = Result<Snapshot, String>;

/// Watches until it is stopped.
///
/// # Errors
/// With `--once`, or at the start, those of the chain; a terminal that cannot be drawn on; a failed write.
pub fn run(arguments: &Arguments, session: &Session, out: &mut dyn Write) -> Result<()> {
    let (market, owner) = (session.market_address()?, owner(arguments, session)?);
    let first = Snapshot::read(session, &market, owner)?;
    if arguments.once && session.options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&first.to_json()?)?)?;
        return Ok(());
    }
    let mut screen = Screen::new(session.chain.url(), owner);
    if !session.options.json && (arguments.once || !stdout().is_terminal()) {
        screen.take(Ok(first));
        out.write_all(screen.plain()?.as_bytes())?;
        return Ok(());
    }
    let stop = stop::on_request()?;
    let reader = Reader::start(session, market, owner, arguments.interval, stop.clone())?;
    if session.options.json {
        return tell_lines(first, &reader, &stop, out);
    }
    screen.take(Ok(first));
    terminal::run(&mut screen, &reader, &stop)
}

/// Whose positions are shown. Without a key a market can be watched all the same; one that was named must be there.
fn owner(arguments: &Arguments, session: &Session) -> Result<Option<Address>> {
    match (arguments.owner, session.address()) {
        (Some(owner), _) => Ok(Some(owner)),
        (None, Ok(signer)) => Ok(Some(signer)),
        (None, Err(error)) if session.options.keypair.is_some() => Err(error),
        (None, Err(_)) => Ok(None),
    }
}

/// Reads on a thread of its own, so that a node that does not answer keeps nobody from ending.
struct Reader {
    reads: Receiver<Read>,
    at_once: Arc<AtomicBool>,
}

impl Reader {
    fn start(
        session: &Session,
        market: Address,
        owner: Option<Address>,
        interval: Duration,
        stop: Arc<AtomicBool>,
    ) -> Result<Self> {
        let own = Session::open(&session.options)?;
        let at_once = Arc::new(AtomicBool::new(false));
        let wanted = at_once.clone();
        let (sender, reads) = channel();
        thread::spawn(move || loop {
            let begun = Instant::now();
            while begun.elapsed() < interval && !wanted.swap(false, Ordering::SeqCst) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                thread::sleep(GLANCE.min(interval));
            }
            let read = Snapshot::read(&own, &market, owner).map_err(|error| format!("{error:#}"));
            if sender.send(read).is_err() {
                return;
            }
        });
        Ok(Self { reads, at_once })
    }

    /// Reads now rather than at the end of the interval.
    fn hurry(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }

    /// What has been read since.
    fn try_next(&self) -> Option<Read> {
        self.reads.try_recv().ok()
    }
}

/// Writes an object a line for every refresh. What could not be read has `error` and nothing else but the time of the last good one.
fn tell_lines(first: Snapshot, reader: &Reader, stop: &AtomicBool, out: &mut dyn Write) -> Result<()> {
    let mut good = first.time();
    write_line(&first.to_json()?, out)?;
    while !stop.load(Ordering::SeqCst) {
        let line = match reader.reads.recv_timeout(GLANCE) {
            Ok(Ok(snapshot)) => {
                good = snapshot.time();
                snapshot.to_json()?
            }
            Ok(Err(why)) => json!({ "error": why, "stale_since_unix": good }),
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        write_line(&line, out)?;
    }
    Ok(())
}

fn write_line(line: &Value, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{}", serde_json::to_string(line)?)?;
    Ok(out.flush()?)
}
