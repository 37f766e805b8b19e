//! The server side of the bench, in its own process: one thread, one runtime, as the gateway runs a core; or, where that is asked
//! for, one runtime with a thread for each core that the process may use.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
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

/// The runtime of a server: the same for all of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    PerCore,
    MultiThread,
}

impl Flavour {
    /// As the command line and the configuration call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::PerCore => "per_core",
            Self::MultiThread => "multi_thread",
        }
    }

    fn builder(self) -> tokio::runtime::Builder {
        match self {
            Self::PerCore => tokio::runtime::Builder::new_current_thread(),
            Self::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        }
    }
}

impl FromStr for Flavour {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut all = [Self::PerCore, Self::MultiThread].into_iter();
        all.find(|flavour| flavour.word() == word)
            .ok_or_else(|| format!("--runtime {word}: expected per_core or multi_thread"))
    }
}

/// Serves what `kind` names until the client that started this process is gone.
pub fn serve(
    kind: &str,
    flavour: Flavour,
    orders: usize,
    address: Option<SocketAddr>,
) -> Result<(), Box<dyn Error>> {
    if address.is_none() {
        thread::spawn(|| {
            wait_for_the_client_to_end();
            std::process::exit(0);
        });
    }
    let address = address.unwrap_or((Ipv4Addr::LOCALHOST, 0).into());
    match kind {
        // Served by the workers, as the gateway's connections are, and not by the thread that waits for them.
        "empty" => {
            let runtime = flavour.builder().enable_all().build()?;
            let served = runtime.block_on(async { tokio::spawn(serve_empty(address)).await? });
            served.map_err(|error| -> Box<dyn Error> { error })
        }
        "gateway" => {
            let waiting = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            waiting.block_on(serve_gateway(flavour, orders, address))
        }
        _ => Err(format!("--server {kind}: expected empty or gateway").into()),
    }
}

async fn serve_empty(address: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
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

/// The gateway as it is served, with every check on and memory for so many orders; a bucket's own orders may meet each other.
async fn serve_gateway(
    flavour: Flavour,
    orders: usize,
    address: SocketAddr,
) -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::load(&Sources::default())?.server;
    (settings.workers, settings.runtime) = match flavour {
        Flavour::PerCore => (1, Runtime::PerCore),
        Flavour::MultiThread => (thread::available_parallelism()?.get(), Runtime::MultiThread),
    };
    let listener = bulkhead::server::bind(address).await?;
    let mut limits = gateway::every_limit();
    limits.self_match = SelfMatchRule::Allow;
    let clock = Clock::new();
    let engine = gateway::engine_for(orders, BUCKETS, 1, &limits, clock.now());
    for (name, rate) in [("bench-quiet", None), ("bench-flood", Some(1_000))] {
        gateway::add_bucket(&engine, name, "desk-0", &limits, rate);
    }
    println!("{LISTENING}{}", listener.local_addr()?);
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
        .serve(move || gate.services(message_max), core::future::pending())
        .await?;
    Ok(())
}
