//! The server side of the bench, in its own process: one thread, one runtime, as the gateway runs a core.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use bulkhead::clock::Clock;
use bulkhead::config::{Runtime, Settings, Sources};
use bulkhead::grpc::Gate;
use bulkhead::risk::limits::SelfMatchRule;
use bulkhead::server::{Drain, Readiness};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::empty;
use crate::gateway;
use crate::process::{LISTENING, wait_for_the_client_to_end};
use crate::support::orders::BUCKETS;

/// Serves what `kind` names until the client that started this process is gone.
pub fn serve(kind: &str, address: Option<SocketAddr>) -> Result<(), Box<dyn Error>> {
    if address.is_none() {
        thread::spawn(|| {
            wait_for_the_client_to_end();
            std::process::exit(0);
        });
    }
    let address = address.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match kind {
        "empty" => runtime.block_on(serve_empty(address)),
        "gateway" => runtime.block_on(serve_gateway(address)),
        _ => Err(format!("--server {kind}: expected empty or gateway").into()),
    }
}

async fn serve_empty(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("{LISTENING}{}", listener.local_addr()?);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(bulkhead::pb::DESCRIPTOR)
    };
    // Without this a small answer waits for the acknowledgement of the one before: 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder()
        .add_service(empty::service())
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .serve_with_incoming(incoming)
        .await?;
    Ok(())
}

/// The gateway as it is served, with one worker and every check on; a bucket's own orders may meet each other.
async fn serve_gateway(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::load(&Sources::default())?.server;
    (settings.workers, settings.runtime) = (1, Runtime::PerCore);
    let listener = bulkhead::server::bind(address).await?;
    println!("{LISTENING}{}", listener.local_addr()?);
    let mut limits = gateway::every_limit();
    limits.self_match = SelfMatchRule::Allow;
    limits.look_alike = None;
    let clock = Clock::new();
    let engine = gateway::engine(BUCKETS, 1, &limits, clock.now());
    for (name, rate) in [("bench-quiet", None), ("bench-flood", Some(1_000))] {
        gateway::add_bucket(&engine, name, "desk-0", &limits, rate);
    }
    let drain = Drain::new();
    let (readiness, loading) = Readiness::new();
    drop(loading);
    let gate = Gate::new(
        Arc::new(engine),
        Arc::new(clock),
        drain.clone(),
        readiness.clone(),
    );
    let message_max = settings.max_message_bytes;
    let server = bulkhead::server::Server {
        listener,
        settings,
        close_wait: bulkhead::server::CLOSE_WAIT,
        readiness,
        drain,
    };
    let _stopped = server
        .serve(move || gate.routes(message_max), core::future::pending())
        .await?;
    Ok(())
}
