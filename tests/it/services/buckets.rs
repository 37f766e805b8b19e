//! Buckets, their limits and their opening positions.

use bulkhead::pb;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::id;

use super::{Stage, context, create, dec, fields, in_usd, load, opening, order_of, spec, why};

#[tokio::test]
async fn buckets_are_created_once_and_shown_as_they_were() {
    let mut stage = Stage::new().await;
    for _ in 0..2 {
        let answer = stage.admin.create_bucket(create(spec("n"))).await.unwrap();
        let change = answer.into_inner().change.unwrap();
        assert_eq!(change.status(), pb::ChangeStatus::Applied);
        assert_eq!(change.version, 1);
        assert!(change.applied_at.is_some());
    }
    let mut other = spec("n");
    other.route_tries_max = 3;
    assert_eq!(
        why(stage.admin.create_bucket(create(other)).await),
        (Code::AlreadyExists, "BUCKET_EXISTS".to_owned())
    );
    let request = pb::GetBucketRequest {
        bucket_id: "n".to_owned(),
    };
    let bucket = stage.admin.get_bucket(request).await.unwrap();
    let bucket = bucket.into_inner().bucket.unwrap();
    assert_eq!(bucket.version, 1);
    assert_eq!(bucket.state.unwrap().state(), pb::TradingState::Active);
    assert_eq!(bucket.spec.unwrap().accounts, spec("n").accounts);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_is_refused() {
    let mut stage = Stage::new().await;
    let mut orphan = spec("n");
    orphan.group_id = "nowhere".to_owned();
    let mut foreign = spec("n");
    foreign.limits.as_mut().unwrap().currency = "EUR".to_owned();
    let route = |bucket: &str, account: &str| pb::RouteTarget {
        bucket_id: bucket.to_owned(),
        venue_id: "X".to_owned(),
        account_id: account.to_owned(),
    };
    let mut lost = spec("n");
    lost.routes = vec![route("nowhere", "b-x")];
    let mut itself = spec("n");
    itself.routes = vec![route("", "n-x")];
    for (spec, code, reason) in [
        (orphan, Code::NotFound, "UNKNOWN_GROUP"),
        (foreign, Code::FailedPrecondition, "CURRENCY_MISMATCH"),
        (lost, Code::FailedPrecondition, "ROUTE_REFUSED"),
        (itself, Code::FailedPrecondition, "ROUTE_REFUSED"),
        (
            spec("quarantine"),
            Code::FailedPrecondition,
            "BUCKET_RESERVED",
        ),
    ] {
        let refused = why(stage.admin.create_bucket(create(spec)).await);
        assert_eq!(refused, (code, reason.to_owned()));
    }
    let mut sound = spec("n");
    sound.routes = vec![route("b", "b-x")];
    stage.admin.create_bucket(create(sound)).await.unwrap();
}

#[tokio::test]
async fn a_chain_of_routes_that_comes_back_is_refused() {
    let mut stage = Stage::new().await;
    let route = |bucket: &str| pb::RouteTarget {
        bucket_id: bucket.to_owned(),
        venue_id: "X".to_owned(),
        account_id: format!("{bucket}-x"),
    };
    let mut first = spec("one");
    first.routes = vec![route("c")];
    stage.admin.create_bucket(create(first)).await.unwrap();
    let delete = pb::DeleteBucketRequest {
        bucket_id: "c".to_owned(),
        expected_version: 1,
        context: context(),
    };
    stage.admin.delete_bucket(delete).await.unwrap();
    let mut second = spec("c");
    second.routes = vec![route("one")];
    assert_eq!(
        why(stage.admin.create_bucket(create(second)).await),
        (Code::FailedPrecondition, "ROUTE_REFUSED".to_owned())
    );
}

#[tokio::test]
async fn limits_are_replaced_from_the_version_they_were_read_at() {
    let mut stage = Stage::new().await;
    stage.decide(&order_of("b", "c", "o", "2"));
    let update = |bucket: &str, version: u64, limits: pb::Limits| pb::UpdateLimitsRequest {
        bucket_id: bucket.to_owned(),
        expected_version: version,
        limits: Some(limits),
        context: context(),
        owner: String::new(),
    };
    let cut = pb::Limits {
        gross_notional_max: dec("150"),
        ..in_usd()
    };
    let answer = stage.admin.update_limits(update("b", 1, cut.clone())).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.change.unwrap().version, 2);
    let [breach] = &answer.breaches[..] else {
        panic!("{:?}", answer.breaches);
    };
    assert_eq!(breach.reason(), pb::Reason::GrossNotional);
    assert_eq!(
        (&breach.after, &breach.headroom, breach.unit.as_str()),
        (&dec("200"), &dec("-50"), "USD")
    );
    assert_eq!(
        stage.status("b").await.breach_causes,
        [i32::from(pb::BreachCause::LimitCut)]
    );

    let again = stage.admin.update_limits(update("b", 1, cut.clone())).await;
    let status = again.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(info.metadata["present_version"], "2");
    let unknown = stage.admin.update_limits(update("z", 1, cut)).await;
    assert_eq!(why(unknown), (Code::NotFound, "UNKNOWN_BUCKET".to_owned()));
    let euro = pb::Limits {
        currency: "EUR".to_owned(),
        ..Default::default()
    };
    let euro = stage.admin.update_limits(update("b", 2, euro)).await;
    assert_eq!(
        why(euro),
        (Code::FailedPrecondition, "CURRENCY_MISMATCH".to_owned())
    );
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_by_their_field() {
    let mut stage = Stage::new().await;
    let unsound = pb::Limits {
        market_slippage: dec("50"),
        price_collar: Some(pb::PriceCollar {
            aggressive: dec("10"),
            ..Default::default()
        }),
        concentrations: vec![pb::ConcentrationLimit {
            dimension: pb::ScopeKind::Underlying.into(),
            value: String::new(),
            bound: Some(pb::concentration_limit::Bound::CapitalShareMax(
                dec("10").unwrap(),
            )),
        }],
        capital: dec("1"),
        instruments: vec![
            pb::InstrumentLimits {
                instrument_id: "ETH".to_owned(),
                ..Default::default()
            },
            pb::InstrumentLimits {
                instrument_id: "BTC".to_owned(),
                price_collar: Some(pb::PriceCollar::default()),
                ..Default::default()
            },
        ],
        ..in_usd()
    };
    let request = pb::UpdateLimitsRequest {
        bucket_id: "b".to_owned(),
        expected_version: 1,
        limits: Some(unsound),
        context: context(),
        owner: String::new(),
    };
    let mut wrong = fields(stage.admin.update_limits(request).await);
    wrong.sort();
    assert_eq!(
        wrong,
        [
            "limits.concentrations[0].capital_share_max",
            "limits.instruments[1].price_collar",
            "limits.market_slippage",
            "limits.price_collar.aggressive",
        ]
    );
}

#[tokio::test]
async fn a_bucket_is_deleted_at_its_version_when_it_holds_nothing() {
    let mut stage = Stage::new().await;
    stage.decide(&order_of("b", "c", "o", "1"));
    let delete = |name: &str, version: u64| pb::DeleteBucketRequest {
        bucket_id: name.to_owned(),
        expected_version: version,
        context: context(),
    };
    for (request, code, reason) in [
        (delete("z", 1), Code::NotFound, "UNKNOWN_BUCKET"),
        (delete("a", 7), Code::Aborted, "VERSION_MISMATCH"),
        (delete("b", 1), Code::FailedPrecondition, "BUCKET_IN_USE"),
    ] {
        let refused = why(stage.admin.delete_bucket(request).await);
        assert_eq!(refused, (code, reason.to_owned()));
    }
    let done = stage.admin.delete_bucket(delete("a", 1)).await.unwrap();
    assert_eq!(done.into_inner().change.unwrap().version, 1);
    let gone = stage.admin.delete_bucket(delete("a", 1)).await;
    assert_eq!(why(gone).0, Code::NotFound);
}

#[tokio::test]
async fn opening_positions_are_loaded_all_or_none() {
    let mut stage = Stage::new().await;
    for (bad, code, reason) in [
        (
            opening("XYZ", "1", "1"),
            Code::NotFound,
            "UNKNOWN_INSTRUMENT",
        ),
        (
            pb::OpeningPosition {
                venue_id: "Z".to_owned(),
                ..opening("ETH", "1", "1")
            },
            Code::NotFound,
            "UNKNOWN_ACCOUNT",
        ),
        (
            opening("ETH", "9999999999999999", "9999999999999999"),
            Code::FailedPrecondition,
            "FIGURE_TOO_LARGE",
        ),
    ] {
        let both = load("b", vec![opening("BTC", "3", "90"), bad]);
        let refused = why(stage.admin.load_positions(both).await);
        assert_eq!(refused, (code, reason.to_owned()));
        assert!(stage.status("b").await.positions.is_empty());
    }
    let odd = load(
        "b",
        vec![opening("BTC", "1", "1"), opening("ETH", "0.0001", "1")],
    );
    assert_eq!(
        fields(stage.admin.load_positions(odd).await),
        ["positions[1].quantity"]
    );
    let free = load("b", vec![opening("BTC", "1", "0")]);
    assert_eq!(
        fields(stage.admin.load_positions(free).await),
        ["positions[0].average_price"]
    );
    let nothing = load("b", vec![opening("BTC", "0", "1")]);
    assert_eq!(
        fields(stage.admin.load_positions(nothing).await),
        ["positions[0].quantity.value"]
    );

    let both = load(
        "b",
        vec![opening("BTC", "3", "90"), opening("ETH", "-1", "110")],
    );
    for _ in 0..2 {
        let done = stage.admin.load_positions(both.clone()).await.unwrap();
        let done = done.into_inner();
        let held = done.positions.iter().map(|it| it.quantity.clone());
        assert_eq!(held.collect::<Vec<_>>(), [dec("3"), dec("-1")]);
        assert_eq!(done.positions[0].average_entry_price, dec("90"));
        assert!(done.breaches.is_empty());
    }
    assert_eq!(
        stage.status("b").await.gross_notional.unwrap().amount,
        dec("400")
    );
    let other = load("b", vec![opening("BTC", "4", "90")]);
    assert_eq!(
        why(stage.admin.load_positions(other).await),
        (Code::FailedPrecondition, "POSITION_TRADED".to_owned())
    );
    let nowhere = load("z", vec![opening("BTC", "4", "90")]);
    assert_eq!(
        why(stage.admin.load_positions(nowhere).await),
        (Code::NotFound, "UNKNOWN_BUCKET".to_owned())
    );
}

#[tokio::test]
async fn each_owner_writes_its_own_limits_and_sees_all_of_them() {
    let owners = vec![id("desk"), id("risk")];
    let mut stage = Stage::owned(owners).await;
    let update = |owner: &str, version: u64, limits: pb::Limits| pb::UpdateLimitsRequest {
        bucket_id: "b".to_owned(),
        expected_version: version,
        limits: Some(limits),
        context: context(),
        owner: owner.to_owned(),
    };
    let gross = |max: &str| pb::Limits {
        gross_notional_max: dec(max),
        ..in_usd()
    };
    let version = |answer: pb::UpdateLimitsResponse| answer.change.unwrap().version;
    let answer = stage
        .admin
        .update_limits(update("", 1, gross("1000")))
        .await;
    assert_eq!(version(answer.unwrap().into_inner()), 2);
    let answer = stage
        .admin
        .update_limits(update("risk", 1, gross("700")))
        .await;
    assert_eq!(version(answer.unwrap().into_inner()), 2);
    let stale = stage
        .admin
        .update_limits(update("risk", 1, gross("9")))
        .await;
    assert_eq!(why(stale), (Code::Aborted, "VERSION_MISMATCH".to_owned()));
    let nobody = stage
        .admin
        .update_limits(update("anna", 1, gross("9")))
        .await;
    assert_eq!(why(nobody), (Code::NotFound, "UNKNOWN_OWNER".to_owned()));

    let request = pb::GetBucketRequest {
        bucket_id: "b".to_owned(),
    };
    let bucket = stage.admin.get_bucket(request).await.unwrap();
    let bucket = bucket.into_inner().bucket.unwrap();
    assert_eq!(bucket.version, 3);
    assert_eq!(
        bucket.effective_limits.unwrap().gross_notional_max,
        dec("700")
    );
    assert_eq!(
        bucket.spec.unwrap().limits.unwrap().gross_notional_max,
        dec("1000")
    );
    let documents: Vec<_> = bucket
        .documents
        .iter()
        .map(|it| (it.owner.as_str(), it.version, it.limits.is_some()))
        .collect();
    assert_eq!(documents, [("desk", 2, true), ("risk", 2, true)]);

    let rate = |seconds: i64| pb::Limits {
        order_rate: Some(pb::RateLimit {
            orders_max: 5,
            window: Some(prost_types::Duration { seconds, nanos: 0 }),
            exit_reserve: Some(0),
        }),
        ..in_usd()
    };
    let first = stage.admin.update_limits(update("desk", 2, rate(1))).await;
    assert_eq!(version(first.unwrap().into_inner()), 3);
    let clash = stage.admin.update_limits(update("risk", 2, rate(2))).await;
    assert_eq!(fields(clash), ["limits.order_rate.window"]);
    stage.decide(&order_of("b", "c", "o-1", "8"));
    let status = stage.status("b").await;
    assert_eq!((status.rejected, status.config_version), (1, 4));

    let group = |owner: &str, version: u64, max: &str| pb::UpdateGroupLimitsRequest {
        group_id: "desk".to_owned(),
        expected_version: version,
        limits: Some(pb::GroupLimits {
            currency: "USD".to_owned(),
            gross_notional_max: dec(max),
            ..Default::default()
        }),
        context: context(),
        owner: owner.to_owned(),
    };
    for (owner, max) in [("risk", "50"), ("desk", "500")] {
        let answer = stage.admin.update_group_limits(group(owner, 1, max)).await;
        assert_eq!(answer.unwrap().into_inner().change.unwrap().version, 2);
    }
    let listed = stage
        .admin
        .list_groups(pb::ListGroupsRequest::default())
        .await;
    let listed = listed.unwrap().into_inner().groups;
    let desk = listed
        .iter()
        .find(|group| group.group_id == "desk")
        .unwrap();
    let limits = desk.limits.as_ref().unwrap();
    assert_eq!(limits.gross_notional_max, dec("50"));
    assert_eq!((desk.version, desk.documents.len()), (3, 2));
}
