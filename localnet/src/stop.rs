//! Being told to stop: SIGINT, SIGTERM, or the end of stdin where a parent process holds that.

use anyhow::{Context, Result};
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{signal, SignalKind};

/// Whether this process is to stop. Clones are one.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// One that signals request; a second signal ends the process at once.
    ///
    /// # Errors
    /// Where signals cannot be waited for.
    pub fn by_signal() -> Result<Self> {
        let stop = Self::default();
        let asked = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _entered = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        let listen = move || {
            runtime.block_on(async {
                for exits in [false, true] {
                    tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
                    if exits {
                        std::process::exit(130);
                    }
                    asked.request();
                }
            });
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen).context("no thread for signals")?;
        Ok(stop)
    }

    /// Requests it also when stdin ends: a child process that outlives its parent would be in the way of the next.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn with_stdin(self) -> Result<Self> {
        let asked = self.clone();
        let read = move || {
            let mut bytes = [0; 256];
            while std::io::stdin().read(&mut bytes).is_ok_and(|read| read > 0) {}
            asked.request();
        };
        std::thread::Builder::new().name("stdin".to_owned()).spawn(read).context("no thread for stdin")?;
        Ok(self)
    }

    /// Requests it.
    pub fn request(&self) {
        let (requested, wake) = &*self.0;
        *requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether it is requested.
    pub fn is_requested(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Waits so long, or until it is requested; whether it is.
    pub fn wait(&self, most: Duration) -> bool {
        let (requested, wake) = &*self.0;
        let guard = requested.lock().unwrap_or_else(PoisonError::into_inner);
        *wake.wait_timeout_while(guard, most, |requested| !*requested).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn who_waits_is_woken() {
        let stop = Stop::default();
        assert!(!stop.is_requested());
        assert!(!stop.wait(Duration::from_millis(5)));
        let other = stop.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(60)));
        let began = Instant::now();
        stop.request();
        assert!(waiting.join().unwrap() && began.elapsed() < Duration::from_secs(30));
        assert!(stop.is_requested());
    }
}
