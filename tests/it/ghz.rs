//! The load files of `benches/ghz/` cannot rot: each names a method of the contract, each of its messages is read as that method's
//! request, and the gateway approves each order on the bench configuration once the mark of the instructions is in.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use bulkhead::clock::Clock;
use bulkhead::config::Settings;
use bulkhead::engine::Engine;
use bulkhead::engine::market::MarkUpdate;
use bulkhead::grpc::Gate;
use bulkhead::grpc::gateway::Gateway;
use bulkhead::pb;
use bulkhead::pb::served::gateway_service_server::GatewayService as _;
use bulkhead::pb_codec::Received;
use bulkhead::server::{Drain, Readiness};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use serde_json::Value;
use tonic::Request;

use crate::support::{amount, id};

/// Flags of ghz that a configuration may use, by the name it has on the command line.
const FLAGS: &[&str] = &[
    "async",
    "call",
    "concurrency",
    "connections",
    "count-errors",
    "cpus",
    "data-file",
    "duration",
    "duration-stop",
    "insecure",
    "load-end",
    "load-max-duration",
    "load-schedule",
    "load-start",
    "load-step",
    "load-step-duration",
    "max-duration",
    "name",
    "rps",
    "stream-call-count",
    "stream-dynamic-messages",
    "timeout",
    "total",
];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "benches", "ghz"]
        .iter()
        .collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every configuration: JSON that names a call.
fn configurations() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .map(|name| {
            let value = serde_json::from_str(&read(&name))
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, value)
        })
        .filter(|(_, value): &(String, Value)| value.get("call").is_some())
        .collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// The method a configuration calls.
fn method(pool: &DescriptorPool, configuration: &Value) -> Result<MethodDescriptor, String> {
    let call = configuration["call"].as_str().unwrap_or_default();
    let (service, method) = call.split_once('/').ok_or("a call is SERVICE/METHOD")?;
    let service = pool
        .get_service_by_name(service)
        .ok_or_else(|| format!("no service {service}"))?;
    let found = service.methods().find(|found| found.name() == method);
    found.ok_or_else(|| format!("no method {call}"))
}

/// What ghz makes of a data file: the entries of its array, templates filled in, loops gone round once.
fn entries(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| {
        let line = line.replace("{{$client}}", "ghz").replace("{{$seq}}", "2");
        match (line.starts_with("{{"), line.rfind("}}[")) {
            // A line of actions, of which only an opening bracket is text; the comma between two rounds is after an action.
            (true, Some(at)) => line[at + 2..].to_owned(),
            (true, None) if line.ends_with(',') => ",".to_owned(),
            (true, None) => String::new(),
            (false, _) => line,
        }
    });
    serde_json::from_str(&lines.collect::<Vec<_>>().join("\n")).expect("an array of messages")
}

/// The message of an entry.
fn message(method: &MethodDescriptor, entry: &Value) -> Result<DynamicMessage, String> {
    let text = entry.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    let read = DynamicMessage::deserialize(method.input(), &mut reader);
    read.map_err(|error| format!("{error} in {text}"))
}

fn pool() -> DescriptorPool {
    DescriptorPool::decode(pb::DESCRIPTOR).unwrap()
}

/// Every message of every configuration.
fn messages() -> Vec<(String, MethodDescriptor, Vec<DynamicMessage>)> {
    let pool = pool();
    let read = configurations().into_iter().map(|(name, configuration)| {
        let method =
            method(&pool, &configuration).unwrap_or_else(|error| panic!("{name}: {error}"));
        let data = configuration["data-file"].as_str().expect("a data file");
        let messages = entries(&read(data))
            .iter()
            .map(|entry| message(&method, entry))
            .collect::<Result<_, _>>();
        let messages = messages.unwrap_or_else(|error| panic!("{name}, {data}: {error}"));
        (name, method, messages)
    });
    read.collect()
}

#[test]
fn every_configuration_sends_what_the_contract_takes() {
    let names: Vec<String> = configurations().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["smoke.json", "steady.json", "step.json", "stream.json"]
    );
    for (name, configuration) in configurations() {
        for key in configuration.as_object().unwrap().keys() {
            assert!(
                FLAGS.contains(&key.as_str()),
                "{name}: {key} is no flag of ghz"
            );
        }
    }
    for (name, method, messages) in messages() {
        let session = method.name() == "Session";
        assert_eq!(method.is_client_streaming(), session, "{name}");
        assert_eq!(messages.len(), if session { 2 } else { 8 }, "{name}");
    }
}

#[test]
fn what_the_contract_does_not_take_is_noticed() {
    let pool = pool();
    let call = |call: &str| method(&pool, &serde_json::json!({ "call": call }));
    assert!(call("bulkhead.v1.GatewayService/Decides").is_err());
    assert!(call("bulkhead.v1.Gateway/Decide").is_err());
    let decide = call("bulkhead.v1.GatewayService/Decide").unwrap();
    for entry in [
        r#"{"order": {"client": "ghz"}}"#,
        r#"{"order": {"side": "SIDE_UP"}}"#,
        r#"{"order": {"quantity": {"value": 10}}}"#,
        r#"{"order": {"price": "187.42"}}"#,
    ] {
        assert!(
            message(&decide, &serde_json::from_str(entry).unwrap()).is_err(),
            "{entry}"
        );
    }
}

#[tokio::test]
async fn the_bench_configuration_approves_every_order() {
    let settings = Settings::parse(&read("bench.toml")).unwrap();
    let engine = Engine::new(
        settings.engine,
        settings.groups,
        settings.buckets,
        settings.instruments,
    )
    .unwrap();
    let clock = Arc::new(Clock::new());
    let now = clock.now();
    let update = MarkUpdate {
        instrument: id("AAPL"),
        mark: Some(amount("187.50")),
        bid: None,
        ask: None,
        last: None,
        index: None,
        source: None,
        source_time: now.wall,
        confirmed: false,
    };
    engine.push_mark(&update, now);
    let (ready, _) = Readiness::new();
    let gateway = Gateway::new(Gate::new(Arc::new(engine), clock, Drain::new(), ready));

    let mut number = 0;
    for (name, method, messages) in messages() {
        for message in messages {
            let bytes = message.encode_to_vec();
            let decide = if method.name() == "Session" {
                match pb::SessionRequest::decode(bytes.as_slice())
                    .unwrap()
                    .payload
                {
                    Some(pb::session_request::Payload::Decide(decide)) => decide,
                    _ => continue,
                }
            } else {
                pb::DecideRequest::decode(bytes.as_slice()).unwrap()
            };
            let mut order = decide.order.clone().unwrap();
            number += 1;
            order.client_id = "ghz".to_owned();
            order.cl_ord_id = format!("filled-in-{number}");
            let request = pb::DecideRequest {
                order: Some(order),
                ..decide
            };
            let answer = gateway
                .decide(Request::new(Received::from(&request)))
                .await
                .unwrap()
                .into_inner();
            let answer = pb::DecideResponse::decode(answer.bytes()).unwrap();
            let decision = answer.decision.unwrap();
            assert_eq!(
                decision.outcome(),
                pb::Outcome::Approved,
                "{name}: {decision:?}"
            );
        }
    }
    assert_eq!(number, 3 * 8 + 1);
}
