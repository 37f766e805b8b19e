//! Buckets that move from one group to another, and the usage of every level above them.

use bulkhead::engine::setup::{CounterpartySetup, EngineSetup, VenueSetup};
use bulkhead::pb;
use bulkhead::pb::get_usage_request::Owner;
use bulkhead::pb::watch_response::Event;
use bulkhead::risk::calendar::Calendar;
use bulkhead::risk::limits::GroupLimits;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{Stage, context, dec, fields, next, order_of, why};
use crate::support::{amount, bucket, id, limits};

fn moved(bucket: &str, group: &str, version: u64, force: bool) -> pb::MoveBucketRequest {
    pb::MoveBucketRequest {
        bucket_id: bucket.to_owned(),
        group_id: group.to_owned(),
        expected_version: version,
        force,
        context: context(),
    }
}

/// A desk beside the one that is there.
async fn small_desk(stage: &mut Stage, limits: pb::GroupLimits) {
    let request = pb::CreateGroupRequest {
        group_id: "small".to_owned(),
        level: pb::Level::Desk.into(),
        parent_group_id: "firm".to_owned(),
        limits: Some(limits),
        context: context(),
        calendar: Some(pb::Calendar {
            time_zone: "Asia/Tokyo".to_owned(),
            reset_time: "06:00:00".to_owned(),
            trading_windows: Vec::new(),
        }),
    };
    stage.admin.create_group(request).await.unwrap();
}

#[tokio::test]
async fn a_bucket_moves_where_it_fits_or_is_forced_and_watchers_of_both_groups_hear() {
    let mut stage = Stage::new().await;
    let usd = || "USD".to_owned();
    let most = pb::GroupLimits {
        currency: usd(),
        gross_notional_max: dec("150"),
        open_orders: Some(pb::OpenOrdersLimit {
            orders_max: 9,
            exit_reserve: Some(0),
        }),
        ..Default::default()
    };
    small_desk(&mut stage, most).await;
    let mut watches = Vec::new();
    for group in ["desk", "small"] {
        let watch = pb::WatchRequest {
            group_id: group.to_owned(),
            kinds: vec![pb::WatchKind::Config.into()],
            ..Default::default()
        };
        watches.push(stage.monitor.watch(watch).await.unwrap().into_inner());
    }
    stage.decide(&order_of("a", "c", "o-1", "2"));

    let refused = stage.admin.move_bucket(moved("a", "small", 1, false)).await;
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(reason, "GROUP_LIMITS_BROKEN");
    let broken = status
        .get_details_precondition_failure()
        .unwrap()
        .violations;
    let told: Vec<_> = broken
        .iter()
        .map(|it| {
            (
                it.r#type.as_str(),
                it.subject.as_str(),
                it.description.as_str(),
            )
        })
        .collect();
    let figures = "would count 200, limit 150";
    assert_eq!(told, [("REASON_GROSS_NOTIONAL", "small", figures)]);
    assert_eq!(stage.status("a").await.group_path, ["desk", "firm"]);

    let forced = stage.admin.move_bucket(moved("a", "small", 1, true)).await;
    let forced = forced.unwrap().into_inner();
    assert_eq!(forced.change.unwrap().version, 2);
    let [breach] = &forced.breaches[..] else {
        panic!("{:?}", forced.breaches)
    };
    assert_eq!(breach.reason(), pb::Reason::GrossNotional);
    assert_eq!(
        (breach.level(), breach.after.clone()),
        (pb::Level::Desk, dec("200"))
    );
    assert_eq!(stage.status("a").await.group_path, ["small", "firm"]);
    for watch in &mut watches {
        let heard = next(watch).await.unwrap();
        let Some(Event::Config(event)) = heard.event else {
            panic!("{heard:?}")
        };
        assert_eq!(event.kind(), pb::ConfigKind::Bucket);
        assert_eq!(
            (event.id.as_str(), event.version, event.actor.as_str()),
            ("a", 2, "anna")
        );
    }

    // Again: it is there, and nothing changes.
    let again = stage.admin.move_bucket(moved("a", "small", 2, false)).await;
    assert_eq!(again.unwrap().into_inner().change.unwrap().version, 2);
    for (request, code, reason) in [
        (
            moved("z", "desk", 1, false),
            Code::NotFound,
            "UNKNOWN_BUCKET",
        ),
        (moved("a", "z", 2, false), Code::NotFound, "UNKNOWN_GROUP"),
        (
            moved("a", "desk", 7, false),
            Code::Aborted,
            "VERSION_MISMATCH",
        ),
        (
            moved("quarantine", "desk", 1, false),
            Code::FailedPrecondition,
            "BUCKET_RESERVED",
        ),
    ] {
        let refused = why(stage.admin.move_bucket(request).await);
        assert_eq!(refused, (code, reason.to_owned()));
    }
    let wrong = pb::MoveBucketRequest {
        context: None,
        ..moved("a b", "", 0, false)
    };
    assert_eq!(
        fields(stage.admin.move_bucket(wrong).await),
        ["bucket_id", "group_id", "expected_version", "context"]
    );
    let all = stage
        .admin
        .list_groups(pb::ListGroupsRequest::default())
        .await;
    let groups = all.unwrap().into_inner().groups;
    let small = groups.iter().find(|it| it.group_id == "small").unwrap();
    assert_eq!(small.buckets, 1);
    assert_eq!(small.calendar.as_ref().unwrap().reset_time, "06:00:00");
}

#[tokio::test]
async fn every_limit_of_a_group_is_shown_with_what_is_left() {
    let mut stage = Stage::new().await;
    let window = Some(prost_types::Duration {
        seconds: 60,
        nanos: 0,
    });
    let all = pb::GroupLimits {
        currency: "USD".to_owned(),
        gross_notional_max: dec("1000"),
        net_notional_max: dec("1000"),
        position_long_max: dec("10"),
        position_short_max: dec("10"),
        open_orders: Some(pb::OpenOrdersLimit {
            orders_max: 5,
            exit_reserve: Some(0),
        }),
        concentrations: vec![pb::ConcentrationLimit {
            dimension: pb::ScopeKind::Underlying.into(),
            value: String::new(),
            bound: Some(pb::concentration_limit::Bound::GrossNotionalMax(
                dec("1000").unwrap(),
            )),
        }],
        traded_notional_max: dec("1000"),
        order_rate: Some(pb::RateLimit {
            orders_max: 10,
            window,
            exit_reserve: Some(0),
        }),
        notional_rate: Some(pb::NotionalRateLimit {
            notional_max: dec("1000"),
            window,
            cancels_give_back: false,
        }),
        ..Default::default()
    };
    small_desk(&mut stage, all).await;
    let into_it = stage.admin.move_bucket(moved("a", "small", 1, false)).await;
    into_it.unwrap();
    stage.decide(&order_of("a", "c", "o-1", "2"));
    let request = pb::GetUsageRequest {
        owner: Some(Owner::GroupId("small".to_owned())),
    };
    let usages = stage
        .monitor
        .get_usage(request)
        .await
        .unwrap()
        .into_inner()
        .usages;
    let value = |it: &Option<pb::Decimal>| it.as_ref().unwrap().value.clone();
    let lines: Vec<(&str, String, String)> = usages
        .iter()
        .map(|it| (it.limit_id.as_str(), value(&it.usage), value(&it.headroom)))
        .collect();
    let line = |name, usage: &str, left: &str| (name, usage.to_owned(), left.to_owned());
    assert_eq!(
        lines,
        [
            line("position_long_max", "2", "8"),
            line("position_short_max", "0", "10"),
            line("gross_notional_max", "200", "800"),
            line("net_notional_max", "200", "800"),
            line("open_orders", "1", "4"),
            line("concentrations", "200", "800"),
            line("traded_notional_max", "200", "800"),
            line("order_rate", "1", "9"),
            line("notional_rate", "200", "800"),
        ]
    );
    assert!(usages.iter().all(|it| it.level() == pb::Level::Desk));
}

#[tokio::test]
async fn venues_and_counterparties_show_what_is_there() {
    let mut setup = EngineSetup::new(id("USD"));
    let mut most = GroupLimits::unlimited(id("USD"));
    most.gross_notional_max = Some(amount("1000"));
    setup.venues.push(VenueSetup {
        id: id("X"),
        limits: most.clone(),
        calendar: Calendar::utc(),
    });
    setup.counterparties.push(CounterpartySetup {
        id: id("prime"),
        venues: vec![id("X")],
        limits: most,
        calendar: Calendar::utc(),
    });
    let buckets = ["a", "b"].map(|name| bucket(name, Some("desk"), limits()));
    let mut stage = Stage::made(setup, buckets.to_vec()).await;
    stage.decide(&order_of("a", "c", "o-1", "2"));
    stage.decide(&order_of("b", "c", "o-2", "3"));
    for (owner, level) in [
        (Owner::VenueId("X".to_owned()), pb::Level::Venue),
        (
            Owner::CounterpartyId("prime".to_owned()),
            pb::Level::Counterparty,
        ),
    ] {
        let request = pb::GetUsageRequest { owner: Some(owner) };
        let usage = stage.monitor.get_usage(request).await.unwrap().into_inner();
        let [line] = &usage.usages[..] else {
            panic!("{usage:?}")
        };
        assert_eq!((line.level(), line.usage.clone()), (level, dec("500")));
    }
    for (owner, reason) in [
        (Owner::VenueId("Y".to_owned()), "UNKNOWN_VENUE"),
        (
            Owner::CounterpartyId("X".to_owned()),
            "UNKNOWN_COUNTERPARTY",
        ),
    ] {
        let request = pb::GetUsageRequest { owner: Some(owner) };
        let refused = why(stage.monitor.get_usage(request).await);
        assert_eq!(refused, (Code::NotFound, reason.to_owned()));
    }
}
