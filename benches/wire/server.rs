//! The server side of the bench, in its own process: one thread, one runtime, as the gateway runs a core.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::empty;
use crate::process::{LISTENING, wait_for_the_client_to_end};

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
        _ => Err(format!("--server {kind}: expected empty").into()),
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
