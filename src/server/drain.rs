//! The stop, as the services see it.

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Says what may still be done. A handle: clones are the same drain.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    // Read by each decision; a token would take a lock.
    draining: AtomicBool,
    started: CancellationToken,
    ended: CancellationToken,
}

impl Drain {
    /// Nothing is being stopped yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nothing new is decided; reports, notices and releases are taken. The server begins to stop.
    pub fn start(&self) {
        self.shared.draining.store(true, Ordering::Release);
        self.shared.started.cancel();
    }

    /// Also ends the streams, and the grace they had.
    pub fn end_streams(&self) {
        self.start();
        self.shared.ended.cancel();
    }

    /// Whether nothing new is decided any more.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.load(Ordering::Acquire)
    }

    /// To be asked before each new decision.
    ///
    /// # Errors
    /// Once the drain has started.
    pub fn admit(&self) -> Result<(), Draining> {
        if self.is_draining() {
            Err(Draining)
        } else {
            Ok(())
        }
    }

    /// Cancelled when streams have to end. Every stream waits for it beside its own work: the server waits
    /// [`super::CLOSE_WAIT`] for them and then cuts their connections.
    #[must_use]
    pub fn ended(&self) -> CancellationToken {
        self.shared.ended.child_token()
    }

    /// Completes when the drain has started.
    pub async fn started(&self) {
        self.shared.started.cancelled().await;
    }
}

/// Nothing new is decided, because the gateway is stopping.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the gateway is stopping and decides nothing new; ask another instance, under the same key"
)]
pub struct Draining;

impl Draining {
    /// `google.rpc.ErrorInfo.reason`, and `OperationError.reason` within a session.
    pub const REASON: &str = "DRAINING";
    /// `google.rpc.ErrorInfo.domain`.
    pub const DOMAIN: &str = "bulkhead.v1";
}

impl From<Draining> for Status {
    fn from(draining: Draining) -> Self {
        let details = ErrorDetails::with_error_info(Draining::REASON, Draining::DOMAIN, []);
        Self::with_error_details(Code::Unavailable, draining.to_string(), details)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_drain_first_refuses_decisions_and_then_ends_streams() {
        let drain = Drain::new();
        let service = drain.clone();
        assert_eq!(service.admit(), Ok(()));
        drain.start();
        assert_eq!(service.admit(), Err(Draining));
        assert!(!service.ended().is_cancelled());
        drain.end_streams();
        assert!(service.ended().is_cancelled());
    }

    #[test]
    fn streams_that_end_take_new_decisions_with_them() {
        let drain = Drain::new();
        drain.end_streams();
        assert!(drain.is_draining());
    }

    #[test]
    fn the_status_names_its_reason() {
        let status = Status::from(Draining);
        let info = status.get_details_error_info().expect("an error info");
        assert_eq!(
            (status.code(), info.reason.as_str()),
            (Code::Unavailable, "DRAINING")
        );
    }
}
