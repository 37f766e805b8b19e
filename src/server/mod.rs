//! Sockets, threads, health, readiness, the way to a stop. Knows nothing of orders: what is served is handed in.
//!
//! One acceptor takes connections and deals them out in turn to the workers; a connection stays with its worker. A worker is
//! a thread with a single-threaded runtime of its own, so that a call is served without waking another core.
//!
//! A stop has three parts:
//! 1. At the signal health says NOT_SERVING and [`Drain`] tells the services to decide nothing new. Everything else goes on,
//!    new connections too: reports are taken, probes are answered, on whatever connection they come.
//! 2. After [`ServerSettings::drain_grace`], or as soon as nobody is connected, the listener is closed, streams are told to end and
//!    clients to go away.
//! 3. What is still open after [`Server::close_wait`] is cut.

pub mod accept;
mod connection;
mod drain;
mod front;
mod health;
mod reflection;
mod signal;
mod worker;

use core::convert::Infallible;
use core::future::{Future, pending};
use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;

pub use drain::{Drain, Draining};
pub use front::{Named, Services};
pub use health::{Latch, Readiness};
pub use signal::stop_signal;

use connection::Connections;
use worker::{Ends, Plan};

use crate::config::ServerSettings;

/// Largest answer, bytes. Client libraries refuse what is larger unless told otherwise; the default would be no limit.
pub const ANSWER_MAX: usize = 4_194_304;
/// How long connections may take to close once their streams have ended: a round trip, and some for a busy client.
pub const CLOSE_WAIT: Duration = Duration::from_secs(2);

/// Largest request to health and reflection, bytes: a name.
const CONTROL_MESSAGE_MAX: usize = 4_096;
/// How long threads may take to end once their connections are cut. They have nothing left to do then.
const THREADS_WAIT: Duration = Duration::from_secs(1);

/// What ends a server other than a signal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A worker cannot be started.
    #[error("cannot start a worker")]
    Start(#[source] io::Error),
    /// The descriptors that reflection serves cannot be read.
    #[error("cannot serve reflection")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// A worker stopped serving.
    #[error("a worker stopped serving")]
    Serve(#[from] tonic::transport::Error),
    /// A worker panicked, or ended without a reason.
    #[error("a worker was lost")]
    Lost,
}

/// How a server ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Stopped {
    /// Connections that were still open at the end, and were cut.
    pub cut: usize,
}

/// Opens the listener. Port 0 takes a free one.
///
/// # Errors
/// The address is taken, not ours, or not permitted.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| Error::Bind { address, source })
}

/// A server that is ready to start.
#[derive(Debug)]
pub struct Server {
    /// Where connections come from, see [`bind`].
    pub listener: TcpListener,
    /// Settings.
    pub settings: ServerSettings,
    /// How long connections may take to close once their streams have been told to end; [`CLOSE_WAIT`] but in tests.
    pub close_wait: Duration,
    /// Health says NOT_SERVING until it is complete.
    pub readiness: Readiness,
    /// The stop, as the services see it.
    pub drain: Drain,
}

impl Server {
    /// Serves until `shutdown` completes or the drain is started by somebody else, then stops in the three parts above.
    ///
    /// Each worker calls `services` once and serves the result beside health and reflection. The services set their own
    /// message limits: [`ServerSettings::max_message_bytes`] and [`ANSWER_MAX`].
    ///
    /// # Errors
    /// Workers cannot be started, or one has failed; the others are drained first.
    pub async fn serve<F, S>(
        self,
        services: F,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Stopped, Error>
    where
        F: Fn() -> Services<S> + Clone + Send + 'static,
        S: Named,
    {
        let Self {
            listener,
            settings,
            close_wait,
            readiness,
            drain,
        } = self;
        let cut = CancellationToken::new();
        // However this future ends, the threads end too.
        let _cut_at_the_end = cut.clone().drop_guard();
        let (status, health) = health::service();
        let with_reflection = reflection::services(settings.reflection)?;
        let connections = Connections::default();
        let ended = drain.ended();
        let plan = Plan {
            settings: &settings,
            ended: ended.clone(),
            cut: cut.clone(),
            connections: connections.clone(),
        };
        let (mut spread, mut ends) = worker::start(&plan, move || {
            let Services { first, others } = services();
            let others = with_reflection(others).add_service(health.clone());
            Services { first, others }
        })?;

        let accepting = accept::accept_all(
            || accept::accept(&listener),
            |stream| spread.hand_over(stream),
        );
        let draining = async {
            let failure = tokio::select! {
                () = shutdown => None,
                () = drain.started() => None,
                failure = ends.first() => Some(failure),
                never = tell_when_ready(&readiness, &status) => match never {},
            };
            // First of all, so that nobody is sent here any more.
            status.send_replace(ServingStatus::NotServing);
            drain.start();
            tracing::info!(connections = connections.open(), "draining");
            tokio::select! {
                () = sleep(settings.drain_grace) => {}
                () = connections.none() => {}
                () = ended.cancelled() => {}
            }
            failure
        };
        let failure = tokio::select! {
            never = accepting => match never {},
            failure = draining => failure,
        };
        drop(listener);
        drain.end_streams();
        // Ends the watches of health.
        drop(status);
        // What is left after that is counted and cut.
        let _closed = timeout(close_wait, connections.none()).await;
        let stopped = Stopped {
            cut: connections.open(),
        };
        cut.cancel();
        finish(ends, stopped, failure).await
    }
}

async fn tell_when_ready(
    readiness: &Readiness,
    status: &watch::Sender<ServingStatus>,
) -> Infallible {
    readiness.complete().await;
    status.send_replace(ServingStatus::Serving);
    tracing::info!("ready");
    pending().await
}

/// Waits for the threads; one that is stuck is left behind.
async fn finish(ends: Ends, stopped: Stopped, failure: Option<Error>) -> Result<Stopped, Error> {
    if timeout(THREADS_WAIT, ends.all()).await.is_err() {
        tracing::warn!("a worker does not end; leaving it behind");
    }
    tracing::info!(cut = stopped.cut, "stopped");
    failure.map_or(Ok(stopped), Err)
}
