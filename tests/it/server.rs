//! The server from outside: sockets, workers, health, reflection, limits of messages and of HTTP/2, the way to a stop.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

pub mod raw;
pub mod running;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use bulkhead::config::Runtime;
use bulkhead::pb;
use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::gateway_service_server::GatewayServiceServer;
use bulkhead::pb_codec::BROKEN_REQUEST;
use bulkhead::server::accept::accept;
use bulkhead::server::{CLOSE_WAIT, Drain, Error, Services, bind, stop_signal};
use prost::Message;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use raw::{announced, call};
use running::{PATIENCE, Running, Sessions, Stub, connect, settings, stub};

/// A grace that only ends early.
const FOR_EVER: Duration = Duration::from_secs(600);

const DECIDE: &str = "/bulkhead.v1.GatewayService/Decide";

async fn client(address: SocketAddr) -> GatewayServiceClient<Channel> {
    GatewayServiceClient::new(connect(address).await)
}

fn named(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

/// Asked over a new connection, as probes do.
async fn health(address: SocketAddr, service: &str) -> Result<ServingStatus, Status> {
    let mut client = HealthClient::new(connect(address).await);
    let answer = client.check(named(service)).await?;
    Ok(answer.into_inner().status())
}

/// The next message of a stream.
async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    timeout(PATIENCE, stream.message()).await.unwrap()
}

/// A session in which nobody says anything.
async fn idle_session(
    client: &mut GatewayServiceClient<Channel>,
) -> Streaming<pb::SessionResponse> {
    let session = client.session(tokio_stream::pending()).await;
    session.unwrap().into_inner()
}

#[tokio::test]
async fn accepted_sockets_answer_at_once_and_notice_dead_peers() {
    let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_client, accepted) = tokio::join!(TcpStream::connect(address), accept(&listener));
    let accepted = accepted.unwrap();
    assert!(accepted.nodelay().unwrap());
    assert!(SockRef::from(&accepted).keepalive().unwrap());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let error = bind(address).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
}

#[tokio::test]
async fn connections_are_dealt_out_to_all_workers() {
    let mut settings = settings();
    settings.workers = 3;
    let running = Running::start(settings).await;
    let mut calls = BTreeMap::new();
    for _ in 0..9 {
        let mut client = client(running.address).await;
        for _ in 0..2 {
            let answer = client.decide(pb::DecideRequest::default()).await.unwrap();
            let worker = answer.into_inner().decision.unwrap().decision_id;
            *calls.entry(worker).or_insert(0) += 1;
        }
    }
    let expected = ["worker-0", "worker-1", "worker-2"].map(|name| (name.to_owned(), 6));
    assert_eq!(calls, expected.into());
    assert_eq!(running.stop().await.unwrap().cut, 0);
}

#[tokio::test]
async fn one_runtime_of_many_threads_serves_as_well() {
    let mut settings = settings();
    settings.runtime = Runtime::MultiThread;
    let running = Running::start(settings).await;
    let mut client = client(running.address).await;
    client.decide(pb::DecideRequest::default()).await.unwrap();
    assert_eq!(running.stop().await.unwrap().cut, 0);
}

#[tokio::test]
async fn health_follows_readiness_and_the_drain() {
    let mut settings = settings();
    settings.drain_grace = FOR_EVER;
    let drain = Drain::new();
    let services = stub(&drain, Sessions::End);
    let mut running = Running::loading(settings, CLOSE_WAIT, drain, services).await;
    let names = [
        "",
        "bulkhead.v1.GatewayService",
        "bulkhead.v1.AdminService",
        "bulkhead.v1.MarketDataService",
        "bulkhead.v1.MonitorService",
    ];
    let channel = connect(running.address).await;
    let watch = HealthClient::new(channel).watch(named(names[1])).await;
    let mut watch = watch.unwrap().into_inner();
    let mut told = async || {
        let message = next(&mut watch).await.unwrap();
        message.map(|message| message.status())
    };
    for name in names {
        let status = health(running.address, name).await.unwrap();
        assert_eq!(status, ServingStatus::NotServing, "{name}");
    }
    assert_eq!(told().await, Some(ServingStatus::NotServing));

    running.loaded();
    assert_eq!(told().await, Some(ServingStatus::Serving));
    for name in names {
        let status = health(running.address, name).await.unwrap();
        assert_eq!(status, ServingStatus::Serving, "{name}");
    }

    running.signal();
    assert_eq!(told().await, Some(ServingStatus::NotServing));
    for name in names {
        let status = health(running.address, name).await.unwrap();
        assert_eq!(status, ServingStatus::NotServing, "{name}");
    }

    running.drain.end_streams();
    assert_eq!(told().await, None);
    assert_eq!(running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_server_that_stops_while_it_loads_was_never_serving() {
    let drain = Drain::new();
    let services = stub(&drain, Sessions::End);
    let mut settings = settings();
    settings.drain_grace = FOR_EVER;
    let mut running = Running::loading(settings, CLOSE_WAIT, drain, services).await;
    let mut client = HealthClient::new(connect(running.address).await);
    let status = async |client: &mut HealthClient<Channel>| {
        let answer = client.check(named("")).await.unwrap();
        answer.into_inner().status()
    };
    assert_eq!(status(&mut client).await, ServingStatus::NotServing);
    running.signal();
    running.drain.started().await;
    running.loaded();
    assert_eq!(status(&mut client).await, ServingStatus::NotServing);
    drop(client);
    assert_eq!(running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn health_of_an_unknown_name_is_not_known() {
    let running = Running::start(settings()).await;
    let unknown = "bulkhead.v2.GatewayService";
    let status = health(running.address, unknown).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let mut client = HealthClient::new(connect(running.address).await);
    let mut watch = client.watch(named(unknown)).await.unwrap().into_inner();
    let first = next(&mut watch).await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::ServiceUnknown);
    assert_eq!(running.stop().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_drain_decides_nothing_new_and_takes_reports() {
    let mut settings = settings();
    settings.drain_grace = FOR_EVER;
    let mut running = Running::start(settings).await;
    let mut early = client(running.address).await;
    early.decide(pb::DecideRequest::default()).await.unwrap();

    running.signal();
    timeout(PATIENCE, running.drain.started()).await.unwrap();
    let late = client(running.address).await;
    for mut client in [early, late] {
        let refused = client.decide(pb::DecideRequest::default()).await;
        let refused = refused.unwrap_err();
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!(
            (refused.code(), reason.as_str()),
            (Code::Unavailable, "DRAINING")
        );
        client.report(pb::ReportRequest::default()).await.unwrap();
    }
    // Now that both clients have gone, nothing is waited for.
    assert_eq!(running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn an_idle_session_lives_through_the_grace_and_ends_with_it() {
    let mut settings = settings();
    settings.drain_grace = Duration::from_millis(100);
    let mut running = Running::start(settings).await;
    let mut client = client(running.address).await;
    let mut session = idle_session(&mut client).await;
    running.signal();
    timeout(PATIENCE, running.drain.started()).await.unwrap();
    client.report(pb::ReportRequest::default()).await.unwrap();
    assert!(next(&mut session).await.unwrap().is_none());
    assert_eq!(running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_session_that_does_not_end_is_cut() {
    let close_wait = Duration::from_millis(50);
    let running = Running::start_with(settings(), Sessions::Stay, close_wait).await;
    let mut client = client(running.address).await;
    let mut session = idle_session(&mut client).await;
    assert_eq!(running.stop().await.unwrap().cut, 1);
    assert!(next(&mut session).await.is_err());
}

#[tokio::test]
async fn a_connection_that_says_nothing_does_not_hold_up_the_stop() {
    let mut settings = settings();
    settings.workers = 1;
    let close_wait = Duration::from_millis(50);
    let running = Running::start_with(settings, Sessions::End, close_wait).await;
    let _silent = TcpStream::connect(running.address).await.unwrap();
    // It was accepted before this one.
    health(running.address, "").await.unwrap();
    let _stopped = running.stop().await.unwrap();
}

#[tokio::test]
async fn somebody_else_can_start_the_drain() {
    let running = Running::start(settings()).await;
    running.drain.start();
    assert_eq!(running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_second_signal_ends_the_grace() {
    let drain = Drain::new();
    let stop = stop_signal(&drain).unwrap();
    let send = |signal: &str| {
        let process = std::process::id().to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    };
    send("-TERM");
    timeout(PATIENCE, stop).await.unwrap();
    assert!(!drain.is_draining());
    send("-INT");
    timeout(PATIENCE, drain.ended().cancelled()).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_panics_ends_the_server() {
    let services = || -> Services<GatewayServiceServer<Stub>> {
        std::panic::resume_unwind(Box::new("services"))
    };
    let running = Running::loading(settings(), CLOSE_WAIT, Drain::new(), services).await;
    assert!(matches!(running.ended().await, Err(Error::Lost)));
}

#[tokio::test]
async fn a_call_that_panics_harms_no_other() {
    let mut settings = settings();
    settings.workers = 1;
    let running = Running::start(settings).await;
    let mut client = client(running.address).await;
    client
        .what_if(pb::WhatIfRequest::default())
        .await
        .unwrap_err();
    client.decide(pb::DecideRequest::default()).await.unwrap();
    assert_eq!(running.stop().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_broken_message_is_the_callers_fault_and_says_nothing_of_the_decoder() {
    let running = Running::start(settings()).await;
    let channel = connect(running.address).await;
    for broken in [&[0xff][..], &[0x0a, 9, 1], &[0x0b]] {
        let status = call(channel.clone(), DECIDE, broken.to_vec()).await;
        let status = status.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, BROKEN_REQUEST)
        );
    }
    call(channel, DECIDE, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let running = Running::start(settings()).await;
    let channel = connect(running.address).await;
    let limit = settings().max_message_bytes;
    let message = |filler: usize| {
        let order = pb::Order {
            cl_ord_id: "x".repeat(filler),
            ..Default::default()
        };
        let request = pb::DecideRequest {
            order: Some(order),
            want_figures: false,
        };
        request.encode_to_vec()
    };
    let around = message(limit).len() - limit;
    let largest = message(limit - around);
    assert_eq!(largest.len(), limit);
    call(channel.clone(), DECIDE, largest).await.unwrap();
    let over = call(channel.clone(), DECIDE, message(limit - around + 1)).await;
    assert_eq!(over.unwrap_err().code(), Code::ResourceExhausted);
    call(channel, DECIDE, Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_bounds_of_http2_are_announced() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_FRAME_SIZE: u16 = 5;
    const MAX_HEADER_LIST_SIZE: u16 = 6;
    let mut settings = settings();
    settings.max_streams = 7;
    let running = Running::start(settings).await;
    let announced: BTreeMap<_, _> = announced(running.address).await.into_iter().collect();
    let expected = [
        (MAX_CONCURRENT_STREAMS, 7),
        (INITIAL_WINDOW_SIZE, 65_536),
        (MAX_FRAME_SIZE, 16_384),
        (MAX_HEADER_LIST_SIZE, 8_192),
    ];
    assert_eq!(announced, expected.into());
}

/// Asks one version of reflection for the services, and for the file of a symbol.
macro_rules! reflected {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let ask = |question| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        };
        let questions = [
            ask(MessageRequest::ListServices(String::new())),
            ask(MessageRequest::FileContainingSymbol(
                "google.rpc.BadRequest".to_owned(),
            )),
        ];
        let mut client = ServerReflectionClient::new($channel);
        let asked = client.server_reflection_info(tokio_stream::iter(questions));
        match asked.await {
            Err(status) => Err(status.code()),
            Ok(answers) => {
                let mut answers = answers.into_inner();
                let mut services = Vec::new();
                let mut files = 0;
                while let Some(answer) = next(&mut answers).await.unwrap() {
                    match answer.message_response.unwrap() {
                        MessageResponse::ListServicesResponse(list) => {
                            services.extend(list.service.into_iter().map(|service| service.name));
                        }
                        MessageResponse::FileDescriptorResponse(found) => {
                            files += found.file_descriptor_proto.len();
                        }
                        _ => {}
                    }
                }
                assert_eq!(files, 1);
                Ok(services)
            }
        }
    }};
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    let running = Running::start(settings()).await;
    let channel = connect(running.address).await;
    for services in [
        reflected!(v1, channel.clone()).unwrap(),
        reflected!(v1alpha, channel.clone()).unwrap(),
    ] {
        for name in [
            "bulkhead.v1.GatewayService",
            "bulkhead.v1.AdminService",
            "bulkhead.v1.MarketDataService",
            "bulkhead.v1.MonitorService",
            "grpc.health.v1.Health",
        ] {
            assert!(services.iter().any(|service| service == name), "{name}");
        }
    }
    assert_eq!(running.stop().await.unwrap().cut, 0);
}

#[tokio::test]
async fn reflection_can_be_switched_off() {
    let mut settings = settings();
    settings.reflection = false;
    let running = Running::start(settings).await;
    let channel = connect(running.address).await;
    assert_eq!(reflected!(v1, channel.clone()), Err(Code::Unimplemented));
    assert_eq!(reflected!(v1alpha, channel), Err(Code::Unimplemented));
    assert_eq!(running.stop().await.unwrap().cut, 0);
}
