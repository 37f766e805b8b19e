//! States, groups, instruments, and lists by name.

use bulkhead::pb;
use tonic::Code;

use super::{Stage, context, dec, fields, of_bucket, of_group, order_of, why};

#[tokio::test]
async fn a_halt_tells_what_is_left_and_ends_with_its_own_rearm() {
    let mut stage = Stage::new().await;
    stage.decide(&order_of("b", "c", "o-1", "2"));
    stage.decide(&order_of("a", "c", "o-2", "1"));
    let halted = stage.halt(of_group("desk")).await.unwrap();
    assert_eq!((halted.buckets, halted.live_orders), (3, 2));
    assert_eq!(halted.buckets_in_breach, 0);
    let usd = |amount: &str| pb::Money {
        amount: dec(amount),
        currency: "USD".to_owned(),
    };
    assert_eq!(halted.open_notional, [usd("300")]);
    assert_eq!(halted.gross_notional, [usd("300")]);
    let state = halted.state.unwrap();
    assert_eq!(state.state(), pb::TradingState::Halted);
    assert_eq!(
        (state.actor.as_str(), state.cause()),
        ("anna", pb::StateCause::Operator)
    );

    let status = stage.status("b").await;
    let effective = status.effective_state.unwrap();
    assert_eq!(effective.state(), pb::TradingState::Halted);
    assert_eq!(effective.reason, "a test");
    let own = status.own_state.unwrap();
    assert_eq!(own.state(), pb::TradingState::Active);
    let wanted = pb::ListLiveOrdersRequest {
        cancel_wanted_only: true,
        ..Default::default()
    };
    assert_eq!(stage.live(wanted.clone()).await.0, ["o-2", "o-1"]);

    let softer = pb::SetStateRequest {
        scope: Some(of_group("desk")),
        state: pb::TradingState::ReduceOnly.into(),
        context: context(),
    };
    assert_eq!(
        why(stage.admin.set_state(softer.clone()).await),
        (Code::FailedPrecondition, "REARM_REQUIRED".to_owned())
    );
    let rearm = pb::RearmRequest {
        scope: Some(of_group("desk")),
        context: context(),
    };
    let rearmed = stage.admin.rearm(rearm).await.unwrap().into_inner();
    assert_eq!(rearmed.state.unwrap().state(), pb::TradingState::Active);
    assert!(stage.live(wanted).await.0.is_empty());
    let set = stage.admin.set_state(softer).await.unwrap().into_inner();
    assert_eq!(set.state.unwrap().state(), pb::TradingState::ReduceOnly);
}

#[tokio::test]
async fn states_of_what_is_not_there_are_refused() {
    let mut stage = Stage::new().await;
    let instrument = pb::ControlScope {
        scope: Some(pb::control_scope::Scope::InstrumentId("XYZ".to_owned())),
    };
    for (scope, reason) in [
        (of_bucket("z"), "UNKNOWN_BUCKET"),
        (of_group("z"), "UNKNOWN_GROUP"),
        (instrument, "UNKNOWN_INSTRUMENT"),
    ] {
        let refused = why(stage.halt(scope.clone()).await);
        assert_eq!(refused, (Code::NotFound, reason.to_owned()));
        let rearm = pb::RearmRequest {
            scope: Some(scope),
            context: context(),
        };
        let refused = why(stage.admin.rearm(rearm).await);
        assert_eq!(refused, (Code::NotFound, reason.to_owned()));
    }
    let nobody = pb::HaltRequest {
        scope: Some(of_bucket("b")),
        state: pb::TradingState::Active.into(),
        context: None,
    };
    assert_eq!(fields(stage.admin.halt(nobody).await), ["state", "context"]);
}

#[tokio::test]
async fn instruments_are_changed_all_or_none_under_one_version() {
    let mut stage = Stage::new().await;
    let get = |name: &str| pb::GetInstrumentRequest {
        instrument_id: name.to_owned(),
    };
    let shown = stage.admin.get_instrument(get("BTC")).await.unwrap();
    let shown = shown.into_inner();
    let (btc, present) = (shown.instrument.unwrap(), shown.reference_version);
    assert!(present > 0);
    assert_eq!(
        why(stage.admin.get_instrument(get("XYZ")).await).0,
        Code::NotFound
    );

    let upsert = |instruments, expected_version| pb::UpsertInstrumentsRequest {
        instruments,
        expected_version,
        context: context(),
    };
    let same = stage
        .admin
        .upsert_instruments(upsert(vec![btc.clone()], present))
        .await;
    let same = same.unwrap().into_inner();
    assert_eq!((same.created, same.changed), (0, 0));
    assert_eq!(same.change.unwrap().version, present);

    let fresh = pb::Instrument {
        instrument_id: "SOL".to_owned(),
        ..btc.clone()
    };
    let finer = pb::Instrument {
        tick: dec("0.001"),
        ..btc.clone()
    };
    let done = stage
        .admin
        .upsert_instruments(upsert(vec![fresh, finer], present))
        .await;
    let done = done.unwrap().into_inner();
    assert_eq!((done.created, done.changed), (1, 1));
    let version = done.change.unwrap().version;
    assert!(version > present);
    let late = stage
        .admin
        .upsert_instruments(upsert(vec![btc.clone()], present))
        .await;
    assert_eq!(why(late), (Code::Aborted, "VERSION_MISMATCH".to_owned()));

    stage.decide(&order_of("b", "c", "o", "1"));
    let other = pb::Instrument {
        instrument_id: "DOGE".to_owned(),
        ..btc.clone()
    };
    let worth = pb::Instrument {
        multiplier: dec("2"),
        ..btc.clone()
    };
    let held = stage
        .admin
        .upsert_instruments(upsert(vec![other, worth], 0))
        .await;
    assert_eq!(
        why(held),
        (Code::FailedPrecondition, "INSTRUMENT_IN_USE".to_owned())
    );
    assert_eq!(
        why(stage.admin.get_instrument(get("DOGE")).await).0,
        Code::NotFound
    );
    let jumpy = pb::Instrument {
        mark_jump_max: dec("10"),
        ..btc
    };
    assert_eq!(
        fields(stage.admin.upsert_instruments(upsert(vec![jumpy], 0)).await),
        ["instruments[0].mark_jump_max"]
    );
}

#[tokio::test]
async fn lists_come_in_pages_by_name() {
    let mut stage = Stage::new().await;
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let request = pb::ListBucketsRequest {
            group_id: "firm".to_owned(),
            page_size: 2,
            page_token: token,
        };
        let page = stage
            .admin
            .list_buckets(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.buckets.len() <= 2);
        names.extend(
            page.buckets
                .into_iter()
                .map(|it| it.spec.unwrap().bucket_id),
        );
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    let nowhere = pb::ListBucketsRequest {
        group_id: "nowhere".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        why(stage.admin.list_buckets(nowhere).await),
        (Code::NotFound, "UNKNOWN_GROUP".to_owned())
    );
    let large = pb::ListBucketsRequest {
        page_size: 1_001,
        ..Default::default()
    };
    assert_eq!(fields(stage.admin.list_buckets(large).await), ["page_size"]);

    let one = pb::ListInstrumentsRequest {
        venue_id: "Y".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let page = stage
        .admin
        .list_instruments(one)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(page.instruments[0].instrument_id, "BTC");
    assert_eq!(page.next_page_token, "BTC");
    let none = pb::ListInstrumentsRequest {
        underlying: "GOLD".to_owned(),
        ..Default::default()
    };
    let page = stage
        .admin
        .list_instruments(none)
        .await
        .unwrap()
        .into_inner();
    assert!(page.instruments.is_empty() && page.next_page_token.is_empty());
}

#[tokio::test]
async fn groups_are_created_listed_and_limited() {
    let mut stage = Stage::new().await;
    let group = |name: &str, level: pb::Level, parent: &str| pb::CreateGroupRequest {
        group_id: name.to_owned(),
        level: level.into(),
        parent_group_id: parent.to_owned(),
        limits: Some(pb::GroupLimits {
            currency: "USD".to_owned(),
            ..Default::default()
        }),
        context: context(),
        calendar: None,
    };
    for _ in 0..2 {
        let request = group("desk-2", pb::Level::Desk, "firm");
        let done = stage.admin.create_group(request).await.unwrap();
        assert_eq!(done.into_inner().change.unwrap().version, 1);
    }
    for (request, code, reason) in [
        (
            group("desk", pb::Level::Firm, ""),
            Code::AlreadyExists,
            "GROUP_EXISTS",
        ),
        (
            group("desk-3", pb::Level::Desk, "nowhere"),
            Code::NotFound,
            "UNKNOWN_GROUP",
        ),
        (
            group("desk-3", pb::Level::Desk, "desk"),
            Code::FailedPrecondition,
            "GROUP_MISPLACED",
        ),
    ] {
        let refused = why(stage.admin.create_group(request).await);
        assert_eq!(refused, (code, reason.to_owned()));
    }
    let all = stage
        .admin
        .list_groups(pb::ListGroupsRequest::default())
        .await;
    let groups = all.unwrap().into_inner().groups;
    let shown: Vec<_> = groups
        .iter()
        .map(|it| {
            (
                it.group_id.as_str(),
                it.parent_group_id.as_str(),
                it.buckets,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [("desk", "firm", 3), ("desk-2", "firm", 0), ("firm", "", 0)]
    );

    stage.decide(&order_of("b", "c", "o", "2"));
    let update = |name: &str, version: u64, max: &str| pb::UpdateGroupLimitsRequest {
        group_id: name.to_owned(),
        expected_version: version,
        limits: Some(pb::GroupLimits {
            currency: "USD".to_owned(),
            gross_notional_max: dec(max),
            ..Default::default()
        }),
        context: context(),
        owner: String::new(),
    };
    let done = stage
        .admin
        .update_group_limits(update("desk", 1, "50"))
        .await;
    let done = done.unwrap().into_inner();
    assert_eq!(done.change.unwrap().version, 2);
    assert_eq!(done.breaches[0].level(), pb::Level::Desk);
    assert_eq!(
        why(stage
            .admin
            .update_group_limits(update("desk", 1, "50"))
            .await)
        .0,
        Code::Aborted
    );
    assert_eq!(
        why(stage.admin.update_group_limits(update("z", 1, "50")).await).0,
        Code::NotFound
    );
    assert_eq!(
        fields(
            stage
                .admin
                .update_group_limits(update("desk", 2, "-1"))
                .await
        ),
        ["limits.gross_notional_max.value"]
    );
    let request = pb::GetUsageRequest {
        owner: Some(pb::get_usage_request::Owner::GroupId("desk".to_owned())),
    };
    let usage = stage.monitor.get_usage(request).await.unwrap().into_inner();
    let [line] = &usage.usages[..] else {
        panic!("{usage:?}")
    };
    assert_eq!(line.kind(), pb::LimitKind::GrossNotional);
    assert_eq!((&line.usage, line.in_breach), (&dec("200"), true));
}
