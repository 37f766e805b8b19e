//! The threads that serve, and how connections are dealt out to them.

use core::time::Duration;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::Error;
use super::connection::{Accepted, Connection, Connections};
use super::front::{Named, Services};
use crate::config::{Runtime, ServerSettings};

/// Connections that may wait for one worker. It takes them at once unless it is stuck; then others are asked.
const QUEUE_MAX: usize = 64;

// HTTP/2. What is not set here keeps the default of h2 and hyper, which bound resets and floods of small frames.

/// All headers of one request, bytes: several times what a call with a token and a trace context has.
const HEADERS_MAX: u32 = 8 * 1_024;
/// Unread bytes of one stream: over a thousand orders on their way; larger windows gained nothing when measured.
const STREAM_WINDOW: u32 = 64 * 1_024;
/// Unread bytes of one connection, so that a few slow streams do not stop the others.
const CONNECTION_WINDOW: u32 = 1_024 * 1_024;
/// Bytes of one frame: the least that HTTP/2 allows as the most, so that no message delays others for long.
const FRAME_MAX: u32 = 16 * 1_024;
/// Streams that a client may have reset before they were looked at; more close its connection. The default of 20 also hits
/// clients with tight deadlines when the machine stalls: all that was sent meanwhile is reset at once.
const PENDING_RESETS_MAX: usize = 128;
/// Streams that may be reset for errors of the client; more close its connection.
const ERROR_RESETS_MAX: usize = 256;
/// A silent client is asked this often whether it is there, and has so long to answer: a desk whose order system has lost its
/// network is noticed within 15 seconds.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_WAIT: Duration = Duration::from_secs(5);

/// What all workers are started with.
pub(super) struct Plan<'s> {
    pub(super) settings: &'s ServerSettings,
    /// Streams end, connections are told to close.
    pub(super) ended: CancellationToken,
    /// Everything is dropped.
    pub(super) cut: CancellationToken,
    pub(super) connections: Connections,
}

/// Deals connections out to the workers.
#[derive(Debug)]
pub(super) struct Spread {
    queues: Vec<mpsc::Sender<Accepted>>,
    connections: Connections,
}

/// How the workers ended.
#[derive(Debug)]
pub(super) struct Ends {
    ends: mpsc::Receiver<Result<(), Error>>,
}

/// Starts the threads; each calls `services` once.
pub(super) fn start<S: Named>(
    plan: &Plan<'_>,
    services: impl Fn() -> Services<S> + Clone + Send + 'static,
) -> Result<(Spread, Ends), Error> {
    let threads = match plan.settings.runtime {
        Runtime::PerCore => plan.settings.workers.max(1),
        Runtime::MultiThread => 1,
    };
    let (end, ends) = mpsc::channel(threads);
    let mut spread = Spread {
        queues: Vec::with_capacity(threads),
        connections: plan.connections.clone(),
    };
    for index in 0..threads {
        let (queue, accepted) = mpsc::channel(QUEUE_MAX);
        let worker = Worker {
            accepted,
            http2: http2(plan.settings),
            ended: plan.ended.clone(),
            cut: plan.cut.clone(),
        };
        let runtime = runtime(plan.settings).map_err(Error::Start)?;
        let services = services.clone();
        let end = end.clone();
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                let served = panic::catch_unwind(AssertUnwindSafe(|| {
                    runtime.block_on(worker.serve(services()))
                }));
                // Drops what is left of the connections, without waiting for anything.
                runtime.shutdown_background();
                // Nobody listens once the server has stopped waiting.
                let _unheard = end.try_send(served.unwrap_or(Err(Error::Lost)));
            })
            .map_err(Error::Start)?;
        spread.queues.push(queue);
    }
    Ok((spread, Ends { ends }))
}

fn runtime(settings: &ServerSettings) -> io::Result<tokio::runtime::Runtime> {
    match settings.runtime {
        Runtime::PerCore => Builder::new_current_thread().enable_all().build(),
        Runtime::MultiThread => Builder::new_multi_thread()
            .worker_threads(settings.workers.max(1))
            .thread_name("worker")
            .enable_all()
            .build(),
    }
}

fn http2(settings: &ServerSettings) -> Server {
    Server::builder()
        .max_concurrent_streams(settings.max_streams)
        .http2_max_header_list_size(HEADERS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_MAX)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS_MAX))
        .http2_max_local_error_reset_streams(Some(ERROR_RESETS_MAX))
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_WAIT))
}

/// One thread's work.
struct Worker {
    accepted: mpsc::Receiver<Accepted>,
    http2: Server,
    ended: CancellationToken,
    cut: CancellationToken,
}

impl Worker {
    async fn serve<S: Named>(self, services: Services<S>) -> Result<(), Error> {
        let incoming = ReceiverStream::new(self.accepted).map(Connection::try_from);
        let services = Services {
            others: services.others.prepare(),
            ..services
        };
        let serving =
            self.http2
                .serve_with_incoming_shutdown(services, incoming, self.ended.cancelled());
        tokio::select! {
            served = serving => Ok(served?),
            () = self.cut.cancelled() => Ok(()),
        }
    }
}

impl Spread {
    /// Hands the connection to the next worker that takes it.
    pub(super) fn hand_over(&mut self, stream: std::net::TcpStream) {
        let Some(open) = self.connections.admit() else {
            tracing::warn!("too many connections; closing a new one");
            return;
        };
        let mut accepted = Accepted { stream, open };
        for _ in 0..self.queues.len() {
            self.queues.rotate_left(1);
            let Some(queue) = self.queues.last() else {
                break;
            };
            match queue.try_send(accepted) {
                Ok(()) => return,
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => accepted = back,
            }
        }
        tracing::warn!("no worker takes connections; closing a new one");
    }
}

impl Ends {
    /// Returns when a worker has ended although nobody asked it to.
    pub(super) async fn first(&mut self) -> Error {
        match self.ends.recv().await {
            Some(Err(error)) => error,
            Some(Ok(())) | None => Error::Lost,
        }
    }

    /// Returns when all have ended.
    pub(super) async fn all(mut self) {
        while self.ends.recv().await.is_some() {}
    }
}
