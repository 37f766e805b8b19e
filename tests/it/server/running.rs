//! A server on a free port of this machine, and a gateway service that answers without deciding anything.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use bulkhead::config::{LogFormat, LogSettings, Runtime, ServerSettings};
use bulkhead::pb;
use bulkhead::pb::gateway_service_server::{GatewayService, GatewayServiceServer};
use bulkhead::server::{
    ANSWER_MAX, CLOSE_WAIT, Drain, Error, Latch, Named, Readiness, Server, Services, Stopped, bind,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

/// Longest that any one step may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Two workers, and no grace once the stop is signalled.
pub fn settings() -> ServerSettings {
    ServerSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        workers: 2,
        runtime: Runtime::PerCore,
        reflection: true,
        max_message_bytes: 1_048_576,
        max_streams: 512,
        drain_grace: Duration::ZERO,
        log: LogSettings {
            format: LogFormat::Human,
            level: tracing::Level::INFO,
        },
    }
}

/// A channel of its own: one connection.
pub async fn connect(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::try_from(format!("http://{address}")).unwrap();
    timeout(PATIENCE, endpoint.connect())
        .await
        .unwrap()
        .unwrap()
}

/// What the sessions of a stub do when they are told to end.
#[derive(Clone, Copy)]
pub enum Sessions {
    End,
    Stay,
}

/// The services of a stub, for a server with `settings`.
pub fn stub(
    drain: &Drain,
    sessions: Sessions,
) -> impl Fn() -> Services<GatewayServiceServer<Stub>> + Clone + Send + 'static {
    let drain = drain.clone();
    let limit = settings().max_message_bytes;
    move || {
        let stub = Stub {
            drain: drain.clone(),
            sessions,
        };
        let service = GatewayServiceServer::new(stub)
            .max_decoding_message_size(limit)
            .max_encoding_message_size(ANSWER_MAX);
        Services {
            first: service,
            others: Routes::default(),
        }
    }
}

/// Answers with the name of its thread; what-if panics.
pub struct Stub {
    drain: Drain,
    sessions: Sessions,
}

#[tonic::async_trait]
impl GatewayService for Stub {
    async fn decide(
        &self,
        _: Request<pb::DecideRequest>,
    ) -> Result<Response<pb::DecideResponse>, Status> {
        self.drain.admit()?;
        let worker = std::thread::current().name().unwrap_or_default().to_owned();
        let decision = pb::Decision {
            decision_id: worker,
            ..Default::default()
        };
        Ok(Response::new(pb::DecideResponse {
            decision: Some(decision),
        }))
    }

    async fn report(
        &self,
        _: Request<pb::ReportRequest>,
    ) -> Result<Response<pb::ReportResponse>, Status> {
        Ok(Response::new(pb::ReportResponse::default()))
    }

    async fn what_if(
        &self,
        _: Request<pb::WhatIfRequest>,
    ) -> Result<Response<pb::WhatIfResponse>, Status> {
        // As a panic, but silent.
        std::panic::resume_unwind(Box::new("what if"))
    }

    async fn max_quantity(
        &self,
        _: Request<pb::MaxQuantityRequest>,
    ) -> Result<Response<pb::MaxQuantityResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn replace(
        &self,
        _: Request<pb::ReplaceRequest>,
    ) -> Result<Response<pb::ReplaceResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn decide_basket(
        &self,
        _: Request<pb::DecideBasketRequest>,
    ) -> Result<Response<pb::DecideBasketResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn decide_quote(
        &self,
        _: Request<pb::DecideQuoteRequest>,
    ) -> Result<Response<pb::DecideQuoteResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn notify(
        &self,
        _: Request<pb::NotifyRequest>,
    ) -> Result<Response<pb::NotifyResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn release(
        &self,
        _: Request<pb::ReleaseRequest>,
    ) -> Result<Response<pb::ReleaseResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn accept_route(
        &self,
        _: Request<pb::AcceptRouteRequest>,
    ) -> Result<Response<pb::AcceptRouteResponse>, Status> {
        Err(Status::unimplemented("not here"))
    }

    type SessionStream = Pin<Box<dyn Stream<Item = Result<pb::SessionResponse, Status>> + Send>>;

    async fn session(
        &self,
        _: Request<Streaming<pb::SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (held, idle) = tokio::sync::mpsc::channel(1);
        let ended = self.drain.ended();
        let sessions = self.sessions;
        tokio::spawn(async move {
            ended.cancelled().await;
            match sessions {
                Sessions::End => drop(held),
                Sessions::Stay => {
                    held.closed().await;
                }
            }
        });
        let idle = tokio_stream::wrappers::ReceiverStream::new(idle);
        Ok(Response::new(Box::pin(idle)))
    }
}

/// A server that serves.
pub struct Running {
    pub address: SocketAddr,
    pub drain: Drain,
    loading: Option<Latch>,
    signal: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<Stopped, Error>>,
}

impl Running {
    /// Serves a stub.
    pub async fn start(settings: ServerSettings) -> Self {
        Self::start_with(settings, Sessions::End, CLOSE_WAIT).await
    }

    /// Serves a stub whose sessions end or stay.
    pub async fn start_with(
        settings: ServerSettings,
        sessions: Sessions,
        close_wait: Duration,
    ) -> Self {
        let drain = Drain::new();
        let services = stub(&drain, sessions);
        let mut running = Self::loading(settings, close_wait, drain, services).await;
        running.loaded();
        running
    }

    /// Serves `services`, and is not ready.
    pub async fn loading<S: Named>(
        settings: ServerSettings,
        close_wait: Duration,
        drain: Drain,
        services: impl Fn() -> Services<S> + Clone + Send + 'static,
    ) -> Self {
        let listener = bind(settings.listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (readiness, latch) = Readiness::new();
        let (signal, signalled) = oneshot::channel::<()>();
        let server = Server {
            listener,
            settings,
            close_wait,
            readiness,
            drain: drain.clone(),
        };
        let shutdown = async {
            let _ = signalled.await;
        };
        Self {
            address,
            drain,
            loading: Some(latch),
            signal: Some(signal),
            serving: tokio::spawn(server.serve(services, shutdown)),
        }
    }

    /// It is ready now.
    pub fn loaded(&mut self) {
        self.loading.take();
    }

    /// Asks it to stop.
    pub fn signal(&mut self) {
        self.signal.take();
    }

    /// How it ended.
    pub async fn ended(self) -> Result<Stopped, Error> {
        timeout(PATIENCE, self.serving).await.unwrap().unwrap()
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<Stopped, Error> {
        self.signal();
        self.ended().await
    }
}
