//! Health as `grpc.health.v1` defines it, and what it waits for.
//!
//! The server of `tonic-health` is not used, only its contract: it begins as SERVING, answers a watch of an unknown name with
//! an error, and its watches never end, which would hold up every stop.

use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{self, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::CONTROL_MESSAGE_MAX;
use crate::pb;

/// The names that are known: the whole process, and each service of the contract. They share one status.
const NAMES: [&str; 5] = [
    "",
    pb::gateway_service_server::SERVICE_NAME,
    pb::admin_service_server::SERVICE_NAME,
    pb::market_data_service_server::SERVICE_NAME,
    pb::monitor_service_server::SERVICE_NAME,
];

/// Complete when all of its latches are dropped.
#[derive(Clone, Debug)]
pub struct Readiness {
    complete: CancellationToken,
}

impl Readiness {
    /// Something to wait for, and its first latch.
    #[must_use]
    pub fn new() -> (Self, Latch) {
        let complete = CancellationToken::new();
        let latch = Latch {
            held: Arc::new(Held {
                count: AtomicUsize::new(1),
                complete: complete.clone(),
            }),
        };
        (Self { complete }, latch)
    }

    /// Whether no latch is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete.is_cancelled()
    }

    /// Returns when no latch is left.
    pub async fn complete(&self) {
        self.complete.cancelled().await;
    }
}

/// Holds readiness back until it is dropped: whoever has something to load keeps one. A clone is one more.
///
/// A latch that a panic drops is never released: what it stood for is not there.
#[derive(Debug)]
pub struct Latch {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    count: AtomicUsize,
    complete: CancellationToken,
}

impl Clone for Latch {
    fn clone(&self) -> Self {
        self.held.count.fetch_add(1, Ordering::Relaxed);
        Self {
            held: Arc::clone(&self.held),
        }
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        if !thread::panicking() && self.held.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.held.complete.cancel();
        }
    }
}

/// The service, NOT_SERVING, and where its status is set. Watches end when that is dropped.
pub(super) fn service() -> (watch::Sender<ServingStatus>, HealthServer<Health>) {
    let (sender, status) = watch::channel(ServingStatus::NotServing);
    let server =
        HealthServer::new(Health { status }).max_decoding_message_size(CONTROL_MESSAGE_MAX);
    (sender, server)
}

/// One status under several names.
#[derive(Debug)]
pub(super) struct Health {
    status: watch::Receiver<ServingStatus>,
}

fn is_known(request: &Request<HealthCheckRequest>) -> bool {
    NAMES.contains(&request.get_ref().service.as_str())
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if is_known(&request) {
            Ok(Response::new(response(*self.status.borrow())))
        } else {
            Err(Status::not_found("no service of this name"))
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = is_known(&request);
        let mut told = None;
        let changes = WatchStream::new(self.status.clone()).filter_map(move |status| {
            // By the protocol a watch of an unknown name goes on: it might become known.
            let status = if known {
                status
            } else {
                ServingStatus::ServiceUnknown
            };
            (told.replace(status) != Some(status)).then(|| Ok(response(status)))
        });
        Ok(Response::new(Box::pin(changes)))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{self, AssertUnwindSafe};

    use super::*;

    #[test]
    fn readiness_is_complete_when_the_last_latch_is_dropped() {
        let (readiness, first) = Readiness::new();
        let second = first.clone();
        drop(first);
        assert!(!readiness.is_complete());
        drop(second);
        assert!(readiness.is_complete());
    }

    #[test]
    fn a_latch_that_a_panic_drops_is_never_released() {
        let (readiness, latch) = Readiness::new();
        let panicked = panic::catch_unwind(AssertUnwindSafe(move || {
            let _held = latch;
            panic::resume_unwind(Box::new("loading failed"));
        }));
        assert!(panicked.is_err());
        assert!(!readiness.is_complete());
    }
}
