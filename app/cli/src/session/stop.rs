//! A request to end, as the system makes it: SIGINT, SIGTERM, SIGHUP.

use anyhow::{Context, Result};
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;
use tokio::runtime::Builder;
use tokio::signal::unix::{signal, Signal, SignalKind};

/// As shells report a process that SIGINT has ended.
const INTERRUPTED: i32 = 130;

/// A flag that is set when the process is asked to end. Who asks twice is not kept waiting: the process ends at once.
///
/// # Errors
/// Where the system does not let signals be listened to.
pub fn on_request() -> Result<Arc<AtomicBool>> {
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime for signals")?;
    let mut signals = {
        let _entered = runtime.enter();
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .map(signal)
            .into_iter()
            .collect::<std::io::Result<Vec<Signal>>>()
            .context("signals cannot be listened to")?
    };
    let asked = Arc::new(AtomicBool::new(false));
    let flag = asked.clone();
    thread::spawn(move || {
        runtime.block_on(next(&mut signals));
        flag.store(true, Ordering::SeqCst);
        runtime.block_on(next(&mut signals));
        exit(INTERRUPTED);
    });
    Ok(asked)
}

/// Until one of the signals comes.
async fn next(signals: &mut [Signal]) {
    std::future::poll_fn(|context| {
        let heard = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if heard {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}
