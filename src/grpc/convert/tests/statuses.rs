//! Refusals as statuses and as errors on a stream.

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::super::error::{DOMAIN, Malformed, Obstacle, Refusal, reason};
use super::super::field::{Path, VIOLATIONS_MAX};
use super::super::{market, order};
use super::samples::limit_order;
use super::{dec, s};
use crate::domain::order::OrderKey;
use crate::pb;

fn malformed() -> Malformed {
    let order = pb::Order {
        side: 0,
        price: dec("1e400"),
        ..limit_order()
    };
    let request = pb::DecideRequest {
        order: Some(order),
        want_figures: false,
    };
    order::decide(&request, Path::ROOT, None).unwrap_err()
}

#[test]
fn a_malformed_request_gets_every_field_and_one_reason() {
    let status = Status::from(malformed());
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "order.side: required (and 1 more)");
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("MALFORMED", "bulkhead")
    );
    let violations = &details.bad_request().unwrap().field_violations;
    let told: Vec<_> = violations
        .iter()
        .map(|it| (it.field.as_str(), it.description.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("order.side", "required"),
            ("order.price.value", "not a plain decimal number"),
        ]
    );
}

#[test]
fn a_malformed_message_of_a_stream_gets_the_same_in_short() {
    let error = pb::OperationError::from(malformed());
    assert_eq!(
        error,
        pb::OperationError {
            code: 3,
            reason: s("MALFORMED"),
            field: s("order.side"),
            text: s("order.side: required (and 1 more)"),
        }
    );
}

#[test]
fn what_the_sender_sent_is_never_repeated_and_the_answer_stays_small() {
    let shout = "BOOM!".repeat(1 << 20);
    let order = pb::Order {
        client_id: shout.clone(),
        bucket_id: shout.clone(),
        price: dec(&shout),
        ..limit_order()
    };
    let request = pb::DecideRequest {
        order: Some(order),
        want_figures: false,
    };
    let malformed = order::decide(&request, Path::ROOT, None).unwrap_err();
    let status = Status::from(malformed.clone());
    assert!(!format!("{status:?}").contains("BOOM"));
    let error = pb::OperationError::from(malformed);
    assert!(!format!("{error:?}").contains("BOOM"));

    let request = pb::StreamMarksRequest {
        client_seq: 0,
        marks: vec![pb::Mark::default(); 10_000],
        rates: vec![pb::Rate::default(); 10_000],
    };
    let status = Status::from(market::feed(request).1.unwrap());
    let violations = status
        .get_error_details()
        .bad_request()
        .unwrap()
        .field_violations
        .len();
    assert_eq!(violations, VIOLATIONS_MAX);
    // Headers of 8 KiB are what some clients take; binary ones grow by a third.
    assert!(status.details().len() * 4 / 3 + status.message().len() < 6_000);
}

#[test]
fn every_refusal_has_its_code_and_its_reason() {
    let bucket = "b".parse().unwrap();
    let group = "g".parse().unwrap();
    let instrument = "i".parse().unwrap();
    let order = OrderKey {
        client: "c".parse().unwrap(),
        cl_ord_id: "o".parse().unwrap(),
    };
    let obstacle = |obstacle| (Refusal::obstacle(obstacle), Code::FailedPrecondition, None);
    let resource = |kind: &'static str, name: &'static str| Some((kind, name));
    let (of_bucket, of_group) = ("bulkhead.v1.Bucket", "bulkhead.v1.Group");
    let cases = [
        (Refusal::malformed(malformed()), Code::InvalidArgument, None),
        (
            Refusal::unknown_bucket(&bucket),
            Code::NotFound,
            resource(of_bucket, "b"),
        ),
        (
            Refusal::unknown_group(&group),
            Code::NotFound,
            resource(of_group, "g"),
        ),
        (
            Refusal::unknown_order(&order),
            Code::NotFound,
            resource("bulkhead.v1.OrderView", "c/o"),
        ),
        (Refusal::unknown_decision(), Code::NotFound, None),
        (Refusal::unknown_kill(), Code::NotFound, None),
        (
            Refusal::unknown_instrument(&instrument),
            Code::NotFound,
            resource("bulkhead.v1.Instrument", "i"),
        ),
        (
            Refusal::unknown_account(&"v".parse().unwrap(), Some(&"a".parse().unwrap())),
            Code::NotFound,
            resource("bulkhead.v1.VenueAccount", "v/a"),
        ),
        (
            Refusal::unknown_venue("v"),
            Code::NotFound,
            resource("bulkhead.v1.Venue", "v"),
        ),
        (
            Refusal::unknown_counterparty("p"),
            Code::NotFound,
            resource("bulkhead.v1.Counterparty", "p"),
        ),
        (
            Refusal::unknown_owner(&"risk".parse().unwrap()),
            Code::NotFound,
            resource("bulkhead.v1.OwnedLimits", "risk"),
        ),
        (
            Refusal::bucket_exists(&bucket),
            Code::AlreadyExists,
            resource(of_bucket, "b"),
        ),
        (
            Refusal::group_exists(&group),
            Code::AlreadyExists,
            resource(of_group, "g"),
        ),
        (Refusal::taken_over(), Code::Aborted, None),
        (Refusal::version_mismatch(3, 4), Code::Aborted, None),
        obstacle(Obstacle::BucketInUse),
        obstacle(Obstacle::InstrumentInUse),
        obstacle(Obstacle::PositionTraded),
        obstacle(Obstacle::RouteRefused),
        obstacle(Obstacle::CurrencyMismatch),
        obstacle(Obstacle::GroupMisplaced),
        obstacle(Obstacle::RearmRequired),
        obstacle(Obstacle::BucketReserved),
        obstacle(Obstacle::FigureTooLarge),
        (Refusal::broken_limits(&[]), Code::FailedPrecondition, None),
        obstacle(Obstacle::RouteExpired),
        obstacle(Obstacle::RouteVoid),
        obstacle(Obstacle::OrderEnded),
        (Refusal::overloaded(), Code::ResourceExhausted, None),
        (Refusal::draining(), Code::Unavailable, None),
        (Refusal::internal(), Code::Internal, None),
    ];
    let mut reasons = Vec::new();
    for (refusal, code, resource) in cases {
        reasons.push(refusal.reason());
        assert_eq!(refusal.code(), code);
        let error = pb::OperationError::from(refusal.clone());
        assert_eq!(
            (error.code, error.reason.as_str()),
            (i32::from(code), refusal.reason())
        );
        assert!(!error.text.is_empty() && !error.text.ends_with('.'));
        let status = Status::from(refusal);
        assert_eq!(status.code(), code);
        assert_eq!(status.message(), error.text);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            (error.reason.as_str(), DOMAIN)
        );
        let told = details.resource_info();
        let told = told.map(|it| (it.resource_type.as_str(), it.resource_name.as_str()));
        assert_eq!(told, resource);
    }
    assert_eq!(reasons, reason::ALL);
}

#[test]
fn a_version_mismatch_tells_both_versions() {
    let status = Status::from(Refusal::version_mismatch(3, 4));
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!(metadata["expected_version"], "3");
    assert_eq!(metadata["present_version"], "4");
}

#[test]
fn details_are_the_standard_ones() {
    let status = Status::from(malformed());
    let rpc = tonic_types::pb::Status::decode(status.details()).unwrap();
    let types: Vec<_> = rpc.details.iter().map(|it| it.type_url.as_str()).collect();
    assert_eq!(
        types,
        [
            "type.googleapis.com/google.rpc.ErrorInfo",
            "type.googleapis.com/google.rpc.BadRequest",
        ]
    );
}

#[test]
fn every_reason_is_documented() {
    let page = include_str!("../../../../docs/api.md");
    for reason in reason::ALL {
        assert!(page.contains(&format!("`{reason}`")), "{reason}");
    }
}
