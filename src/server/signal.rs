//! The signals that ask the process to stop.

use core::future::Future;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Drain;

/// Completes at the first SIGTERM or SIGINT. A second one ends the grace that `drain` gives to streams.
///
/// # Errors
/// The handlers cannot be installed.
pub fn stop_signal(drain: &Drain) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    let drain = drain.clone();
    Ok(async move {
        signals.next().await;
        tokio::spawn(async move {
            signals.next().await;
            tracing::warn!("asked to stop again; not waiting for clients any more");
            drain.end_streams();
        });
    })
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
