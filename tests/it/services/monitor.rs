//! What is shown of buckets, orders and limits, what a watcher hears, and the notices and resolutions that change it.

use bulkhead::domain::decision::Reason;
use bulkhead::domain::order::Side;
use bulkhead::domain::report::ReportKind;
use bulkhead::grpc::feed::{BACKLOG, Request as Asked};
use bulkhead::pb;
use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::watch_response::Event;
use bulkhead::risk::modes::{Mode, Modes};
use tonic::Code;

use super::{Stage, context, dec, fields, load, next, of_group, opening, order_of, why};
use crate::server::running::connect;
use crate::support::{bucket, id, limits, order, report};

#[tokio::test]
async fn a_bucket_is_shown_with_what_it_did_and_why_it_refused() {
    let mut small = limits();
    small.order_quantity_max = Some("5".parse().unwrap());
    let mut stage = Stage::with(vec![bucket("b", Some("desk"), small)]).await;
    stage.decide(&order_of("b", "c", "o-1", "2"));
    stage.decide(&order_of("b", "c", "o-2", "6"));
    stage.decide(&order_of("b", "c", "o-3", "7"));
    stage.fill("o-1", "e-1");
    let status = stage.status("b").await;
    assert_eq!(status.group_path, ["desk", "firm"]);
    assert_eq!((status.approved, status.rejected, status.fills), (1, 2, 1));
    let [count] = &status.rejected_by_reason[..] else {
        panic!("{status:?}");
    };
    assert_eq!(
        (count.reason(), count.count),
        (pb::Reason::OrderQuantity, 2)
    );
    assert_eq!((status.live_orders, status.uncertain_orders), (1, 0));
    assert_eq!(status.gross_notional.unwrap().amount, dec("200"));
    assert_eq!(status.reserved.unwrap().amount, dec("100"));
    assert_eq!(status.traded_notional.unwrap().amount, dec("200"));
    let day = status.trading_day_end.unwrap().seconds - status.trading_day_start.unwrap().seconds;
    assert_eq!(day, 86_400);
    assert_eq!(status.positions[0].quantity, dec("1"));
    assert!(status.state_version > 0 && status.config_version == 1);
    let unknown = pb::GetBucketStatusRequest {
        bucket_id: "z".to_owned(),
    };
    assert_eq!(
        why(stage.monitor.get_bucket_status(unknown).await),
        (Code::NotFound, "UNKNOWN_BUCKET".to_owned())
    );
}

#[tokio::test]
async fn a_limit_in_shadow_is_told_counted_and_shown_with_its_mode() {
    let mut quiet = limits();
    quiet.order_quantity_max = Some("5".parse().unwrap());
    quiet.gross_notional_max = Some("700".parse().unwrap());
    quiet.modes = Modes::default()
        .with(Reason::OrderQuantity, Mode::Shadow)
        .with(Reason::GrossNotional, Mode::Shadow);
    let mut stage = Stage::with(vec![bucket("b", Some("desk"), quiet)]).await;
    let events = stage.monitor.watch(pb::WatchRequest::default()).await;
    let mut events = events.unwrap().into_inner();
    stage.decide(&order_of("b", "c", "o-1", "6"));
    stage.decide(&order_of("b", "c", "o-2", "4"));
    let Some(Event::Decision(told)) = next(&mut events).await.unwrap().event else {
        panic!("a decision");
    };
    let decision = told.decision.unwrap();
    assert_eq!(decision.outcome(), pb::Outcome::Approved);
    let [breach] = &decision.shadow_breaches[..] else {
        panic!("{decision:?}");
    };
    assert_eq!(breach.reason(), pb::Reason::OrderQuantity);
    assert_eq!((&breach.limit, &breach.after), (&dec("5"), &dec("6")));
    let status = stage.status("b").await;
    let counts: Vec<_> = status
        .shadow_breaches
        .iter()
        .map(|it| (it.reason(), it.level(), it.count))
        .collect();
    let bucket = pb::Level::Bucket;
    let expected = [
        (pb::Reason::OrderQuantity, bucket, 1),
        (pb::Reason::GrossNotional, bucket, 1),
    ];
    assert_eq!(counts, expected);
    assert_eq!((status.approved, status.rejected), (2, 0));
    assert!(status.rejected_by_reason.is_empty() && status.breach_causes.is_empty());
    let owner = pb::get_usage_request::Owner::BucketId("b".to_owned());
    let request = pb::GetUsageRequest { owner: Some(owner) };
    let usage = stage.monitor.get_usage(request).await.unwrap().into_inner();
    let gross = usage
        .usages
        .iter()
        .find(|it| it.kind() == pb::LimitKind::GrossNotional)
        .unwrap();
    assert_eq!(gross.mode(), pb::LimitMode::Shadow);
    assert_eq!((gross.shadow_breaches, gross.in_breach), (1, false));
    assert_eq!(gross.headroom, dec("-300"));
}

#[tokio::test]
async fn the_largest_quantity_is_told_by_side_with_what_binds() {
    let mut tight = limits();
    tight.long_max = Some("10".parse().unwrap());
    tight.gross_notional_max = Some("1200".parse().unwrap());
    let mut stage = Stage::with(vec![bucket("b", Some("desk"), tight)]).await;
    stage.decide(&order_of("b", "c", "o-1", "3"));
    let ask = pb::MaxQuantityRequest {
        client_id: "c".to_owned(),
        bucket_id: "b".to_owned(),
        instrument_id: "BTC".to_owned(),
        venue_id: "X".to_owned(),
        order_type: pb::OrderType::Limit.into(),
        price: dec("100"),
        time_in_force: pb::TimeInForce::Day.into(),
        ..Default::default()
    };
    let told = stage.gateway.max_quantity(ask.clone()).await.unwrap();
    let told = told.into_inner();
    let [buy, sell] = &told.sides[..] else {
        panic!("{told:?}");
    };
    assert_eq!((buy.side(), sell.side()), (pb::Side::Buy, pb::Side::Sell));
    assert_eq!((&buy.quantity, buy.exit), (&dec("7"), false));
    let [binding] = &buy.binding[..] else {
        panic!("{buy:?}");
    };
    assert_eq!(binding.reason(), pb::Reason::PositionLong);
    assert_eq!((&binding.before, &binding.limit), (&dec("3"), &dec("10")));
    let further: Vec<_> = buy
        .limits
        .iter()
        .map(|it| (it.breach.as_ref().unwrap().reason(), it.quantity.clone()))
        .collect();
    assert!(further.contains(&(pb::Reason::PositionLong, dec("7"))));
    assert_eq!(sell.quantity, dec("12"));
    let versions = told.versions.unwrap();
    let status = stage.status("b").await;
    assert_eq!(versions.config, 1);
    assert_eq!(versions.state, status.state_version);
    assert_eq!(
        (status.approved, status.rejected, status.live_orders),
        (1, 0, 1)
    );

    let short = pb::MaxQuantityRequest {
        side: pb::Side::SellShort.into(),
        ..ask.clone()
    };
    let told = stage
        .gateway
        .max_quantity(short)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told.sides[0].side(), pb::Side::SellShort);
    let unknown = pb::MaxQuantityRequest {
        bucket_id: "z".to_owned(),
        ..ask.clone()
    };
    assert_eq!(
        why(stage.gateway.max_quantity(unknown).await),
        (Code::NotFound, "UNKNOWN_BUCKET".to_owned())
    );
    let bare = pb::MaxQuantityRequest { price: None, ..ask };
    assert_eq!(fields(stage.gateway.max_quantity(bare).await), ["price"]);
}

#[tokio::test]
async fn buckets_in_breach_are_listed_in_pages() {
    let mut tight = limits();
    tight.gross_notional_max = Some("10".parse().unwrap());
    let buckets = ["b", "a", "c"].map(|name| bucket(name, Some("desk"), tight.clone()));
    let mut stage = Stage::with(buckets.to_vec()).await;
    for name in ["c", "a"] {
        let request = load(name, vec![opening("BTC", "1", "100")]);
        let done = stage.admin.load_positions(request).await.unwrap();
        assert_eq!(done.into_inner().breaches.len(), 1);
    }
    let page = |token: &str| pb::ListBucketStatusRequest {
        group_id: "desk".to_owned(),
        in_breach_only: true,
        page_size: 1,
        page_token: token.to_owned(),
    };
    let first = stage
        .monitor
        .list_bucket_status(page(""))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.buckets[0].bucket_id, "a");
    assert!(first.buckets[0].positions.is_empty());
    let second = stage
        .monitor
        .list_bucket_status(page(&first.next_page_token))
        .await;
    let second = second.unwrap().into_inner();
    assert_eq!(second.buckets[0].bucket_id, "c");
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn live_orders_are_listed_by_bucket_client_and_id() {
    let mut stage = Stage::new().await;
    for (bucket, client, name) in [
        ("b", "c", "o-9"),
        ("b", "c", "o-1"),
        ("b", "aa", "o-5"),
        ("a", "c", "o-7"),
    ] {
        stage.decide(&order_of(bucket, client, name, "1"));
    }
    let all = pb::ListLiveOrdersRequest::default();
    let expected = ["o-7", "o-5", "o-1", "o-9"];
    assert_eq!(stage.live(all.clone()).await.0, expected);
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let request = pb::ListLiveOrdersRequest {
            page_size: 1,
            page_token: token,
            ..Default::default()
        };
        let (names, next) = stage.live(request).await;
        paged.extend(names);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, expected);
    let some = |change: fn(&mut pb::ListLiveOrdersRequest)| {
        let mut request = pb::ListLiveOrdersRequest::default();
        change(&mut request);
        request
    };
    for (request, expected) in [
        (
            some(|it| it.bucket_id = "b".into()),
            vec!["o-5", "o-1", "o-9"],
        ),
        (some(|it| it.client_id = "aa".into()), vec!["o-5"]),
        (some(|it| it.venue_id = "Y".into()), vec![]),
        (some(|it| it.instrument_id = "ETH".into()), vec![]),
        (some(|it| it.group_id = "firm".into()), expected.to_vec()),
        (some(|it| it.cancel_wanted_only = true), vec![]),
    ] {
        assert_eq!(stage.live(request).await.0, expected);
    }
    let unknown = some(|it| it.bucket_id = "z".into());
    assert_eq!(
        why(stage.monitor.list_live_orders(unknown).await).0,
        Code::NotFound
    );
}

#[tokio::test]
async fn usage_tells_every_configured_limit() {
    let mut limits = limits();
    limits.gross_notional_max = Some("1000".parse().unwrap());
    limits.long_max = Some("5".parse().unwrap());
    limits.order_rate = Some(bulkhead::risk::limits::RateLimit {
        max: 10,
        window: 60_000_000_000,
        exit_reserve: 1,
    });
    let mut stage = Stage::with(vec![bucket("b", Some("desk"), limits)]).await;
    stage.decide(&order_of("b", "c", "o", "2"));
    let request = |owner| pb::GetUsageRequest { owner };
    let of = |name: &str| Some(pb::get_usage_request::Owner::BucketId(name.to_owned()));
    let usage = stage
        .monitor
        .get_usage(request(of("b")))
        .await
        .unwrap()
        .into_inner();
    let lines: Vec<_> = usage
        .usages
        .iter()
        .map(|it| {
            let figure = |figure: &Option<pb::Decimal>| figure.clone().unwrap().value;
            (
                it.limit_id.as_str(),
                it.scope_value.as_str(),
                it.unit.as_str(),
                figure(&it.usage),
                figure(&it.headroom),
                it.window.map(|window| window.seconds),
            )
        })
        .collect();
    let line = |limit, scope, unit, usage: &str, headroom: &str, window| {
        (
            limit,
            scope,
            unit,
            usage.to_owned(),
            headroom.to_owned(),
            window,
        )
    };
    assert_eq!(
        lines,
        [
            line("position_long_max", "BTC", "contracts", "2", "3", None),
            line("gross_notional_max", "", "USD", "200", "800", None),
            line("order_rate", "", "orders", "1", "9", Some(60)),
        ]
    );
    let versions = usage.versions.unwrap();
    assert!(versions.config == 1 && versions.state > 0 && versions.market > 0);
    assert_eq!(
        why(stage.monitor.get_usage(request(of("z"))).await).0,
        Code::NotFound
    );
    assert_eq!(
        fields(stage.monitor.get_usage(request(None)).await),
        ["owner"]
    );
}

#[tokio::test]
async fn the_status_tells_what_is_running() {
    let mut stage = Stage::new().await;
    stage.decide(&order_of("b", "c", "o", "1"));
    stage
        .halt(pb::ControlScope {
            scope: Some(pb::control_scope::Scope::VenueId("Y".to_owned())),
        })
        .await
        .unwrap();
    let status = stage.monitor.get_status(pb::GetStatusRequest {}).await;
    let status = status.unwrap().into_inner();
    assert_eq!(status.program_version, env!("CARGO_PKG_VERSION"));
    assert!(status.ready && status.started_at.is_some());
    // Three, and the quarantine.
    assert_eq!(
        (status.buckets, status.live_orders, status.kept_keys),
        (4, 1, 1)
    );
    assert_eq!(status.state.unwrap().state(), pb::TradingState::Active);
    assert_eq!(status.controls.len(), 1);
    assert!(status.last_sequence > 0 && status.market_version > status.reference_version);
}

#[tokio::test]
async fn a_watcher_hears_of_a_halt_that_nobody_asked_for() {
    let mut stage = Stage::new().await;
    let watch = |bucket: &str| pb::WatchRequest {
        bucket_ids: vec![bucket.to_owned()],
        kinds: vec![pb::WatchKind::State.into()],
        ..Default::default()
    };
    let mut faulty = stage.monitor.watch(watch("a")).await.unwrap().into_inner();
    let engine = &stage.gate.engine;
    let bucket = engine.bucket(&id("a")).unwrap();
    engine.halt_for_fault(&bucket, &mut bucket.state.lock(), Reason::InternalFault);

    let told = next(&mut faulty).await.unwrap();
    assert_eq!(told.bucket_id, "a");
    assert_eq!(told.sequence, engine.sequence());
    let Some(Event::State(state)) = told.event else {
        panic!("not the state")
    };
    assert_eq!(state.before(), pb::TradingState::Active);
    let after = state.after.unwrap();
    assert_eq!(after.state(), pb::TradingState::Halted);
    assert_eq!(after.cause(), pb::StateCause::Fault);
    assert_eq!(after.actor, "gateway");
}

#[tokio::test]
async fn the_quarantine_is_shown_as_such() {
    let mut stage = Stage::new().await;
    let request = pb::ListBucketStatusRequest::default();
    let listed = stage.monitor.list_bucket_status(request).await;
    let listed = listed.unwrap().into_inner().buckets;
    let told: Vec<_> = listed
        .iter()
        .map(|it| (it.bucket_id.as_str(), it.quarantine))
        .collect();
    let expected = [
        ("a", false),
        ("b", false),
        ("c", false),
        ("quarantine", true),
    ];
    assert_eq!(told, expected);
    let listed = stage.admin.list_buckets(pb::ListBucketsRequest::default());
    let listed = listed.await.unwrap().into_inner().buckets;
    let told: Vec<_> = listed
        .into_iter()
        .map(|it| (it.spec.unwrap().bucket_id, it.quarantine))
        .collect();
    assert_eq!(told, expected.map(|(name, is)| (name.to_owned(), is)));
}

#[tokio::test]
async fn a_watcher_hears_what_fits_and_the_drain_ends_it() {
    let mut stage = Stage::new().await;
    let all = stage.monitor.watch(pb::WatchRequest::default()).await;
    let mut all = all.unwrap().into_inner();
    let few = pb::WatchRequest {
        bucket_ids: vec!["a".to_owned()],
        kinds: vec![pb::WatchKind::State.into(), pb::WatchKind::Decision.into()],
        ..Default::default()
    };
    let mut few = stage.monitor.watch(few).await.unwrap().into_inner();
    let below = pb::WatchRequest {
        group_id: "firm".to_owned(),
        kinds: vec![pb::WatchKind::Config.into()],
        ..Default::default()
    };
    let mut below = stage.monitor.watch(below).await.unwrap().into_inner();

    stage.decide(&order_of("b", "c", "o-1", "1"));
    stage.fill("o-1", "e-1");
    stage.halt(of_group("desk")).await.unwrap();
    stage.decide(&order_of("a", "c", "o-2", "1"));
    let delete = pb::DeleteBucketRequest {
        bucket_id: "c".to_owned(),
        expected_version: 1,
        context: context(),
    };
    stage.admin.delete_bucket(delete).await.unwrap();

    let Some(Event::Decision(decided)) = next(&mut all).await.unwrap().event else {
        panic!("not the decision");
    };
    assert_eq!(decided.bucket_id, "b");
    assert_eq!(decided.decision.unwrap().outcome(), pb::Outcome::Approved);
    assert_eq!(decided.quantity, dec("1"));
    let Some(Event::Report(report)) = next(&mut all).await.unwrap().event else {
        panic!("not the report");
    };
    assert_eq!(report.exec_type(), pb::ExecType::Trade);
    assert_eq!(report.last_price, dec("100"));
    let told = next(&mut all).await.unwrap();
    assert!(told.sequence > 0 && told.time.is_some());
    let Some(Event::State(state)) = told.event else {
        panic!("not the state");
    };
    assert_eq!(state.before(), pb::TradingState::Active);
    assert_eq!(state.after.unwrap().state(), pb::TradingState::Halted);

    assert!(matches!(
        next(&mut few).await.unwrap().event,
        Some(Event::State(_))
    ));
    let Some(Event::Decision(decided)) = next(&mut few).await.unwrap().event else {
        panic!("not the decision");
    };
    assert_eq!(decided.decision.unwrap().outcome(), pb::Outcome::Rejected);
    let Some(Event::Config(config)) = next(&mut below).await.unwrap().event else {
        panic!("not the change");
    };
    assert_eq!(config.kind(), pb::ConfigKind::BucketDeleted);
    assert_eq!((config.id.as_str(), config.actor.as_str()), ("c", "anna"));

    let unknown = pb::WatchRequest {
        bucket_ids: vec!["z".to_owned()],
        ..Default::default()
    };
    assert_eq!(why(stage.monitor.watch(unknown).await).0, Code::NotFound);
    stage.running.signal();
    assert!(next(&mut few).await.is_none());
    assert!(next(&mut below).await.is_none());
    drop((stage.admin, stage.market, stage.monitor));
    while next(&mut all).await.is_some() {}
    assert_eq!(stage.running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_watcher_that_does_not_read_misses_events_and_holds_up_nobody() {
    let mut stage = Stage::new().await;
    let watch = stage.monitor.watch(pb::WatchRequest::default()).await;
    let mut watch = watch.unwrap().into_inner();
    let order = order_of("b", "c", "o", "1");
    let now = stage.gate.clock.now();
    let answer = stage.gate.engine.decide(&order, now, false).unwrap();
    for _ in 0..BACKLOG * 2 {
        stage.gate.feed.decision(Asked::Order(&order), &answer, 7);
    }
    let mut heard = 0;
    loop {
        match next(&mut watch).await.unwrap().event.unwrap() {
            Event::Missed(missed) => {
                assert!(missed.count > 0);
                break;
            }
            Event::Decision(_)
            | Event::Report(_)
            | Event::Order(_)
            | Event::State(_)
            | Event::Kill(_)
            | Event::Config(_) => heard += 1,
        }
    }
    assert!(heard < BACKLOG * 2);
    // It goes on.
    assert!(next(&mut watch).await.is_some());
}

#[tokio::test]
async fn notices_and_releases_are_answered_by_what_they_change() {
    let stage = Stage::new().await;
    let channel = connect(stage.running.address).await;
    let mut gateway = GatewayServiceClient::new(channel);
    for cl_ord_id in ["1", "2", "3"] {
        stage.decide(&order(cl_ord_id, Side::Buy, "1", "100"));
    }
    let mut canceled = report("3", "e1", ReportKind::Canceled);
    canceled.cum = Some("0".parse().unwrap());
    let _ = stage.gate.engine.report(&canceled, stage.gate.clock.now());
    let notice = |cl_ord_id: &str| pb::NotifyRequest {
        client_id: "c".to_owned(),
        cl_ord_id: cl_ord_id.to_owned(),
        kind: pb::NoticeKind::Sent.into(),
        ..pb::NotifyRequest::default()
    };
    let mut told = Vec::new();
    for cl_ord_id in ["1", "1", "3", "none"] {
        let answer = gateway
            .notify(notice(cl_ord_id))
            .await
            .unwrap()
            .into_inner();
        told.push((answer.status(), answer.order.is_some(), answer.sequence > 0));
    }
    assert_eq!(
        told,
        [
            (pb::NoticeStatus::Applied, true, true),
            (pb::NoticeStatus::NoEffect, true, false),
            (pb::NoticeStatus::NoEffect, true, false),
            (pb::NoticeStatus::UnknownOrder, false, false),
        ]
    );
    let release = |cl_ord_id: &str| pb::ReleaseRequest {
        client_id: "c".to_owned(),
        cl_ord_id: cl_ord_id.to_owned(),
    };
    let mut told = Vec::new();
    for cl_ord_id in ["2", "2", "unseen", "unseen", "1", "3"] {
        let answer = gateway
            .release(release(cl_ord_id))
            .await
            .unwrap()
            .into_inner();
        let reasons: Vec<i32> = answer.breaches.iter().map(|breach| breach.reason).collect();
        told.push((reasons, answer.replayed, answer.sequence > 0));
    }
    assert_eq!(
        told,
        [
            (vec![], false, true),
            (vec![], true, false),
            (vec![], false, true),
            (vec![], true, false),
            (vec![805], false, false),
            (vec![802], false, false),
        ]
    );
}

#[tokio::test]
async fn a_person_ends_an_order_and_watchers_hear_who_and_why() {
    let mut stage = Stage::new().await;
    stage.decide(&order("1", Side::Buy, "5", "100"));
    let watch = stage.monitor.watch(pb::WatchRequest::default()).await;
    let mut heard = watch.unwrap().into_inner();
    let resolve = |cl_ord_id: &str, filled: &str| pb::ResolveOrderRequest {
        client_id: "c".to_owned(),
        cl_ord_id: cl_ord_id.to_owned(),
        filled_quantity: dec(filled),
        context: context(),
    };
    let mut told = Vec::new();
    for filled in ["2", "2", "0", "0"] {
        let answer = stage.admin.resolve_order(resolve("1", filled)).await;
        let answer = answer.unwrap().into_inner();
        let order = answer.order.unwrap();
        let leaves = order.leaves_quantity.clone().unwrap().value;
        told.push((answer.change.unwrap().version > 0, order.state(), leaves));
    }
    use pb::OrderState::{Canceled, Uncertain};
    assert_eq!(
        told,
        [
            (true, Uncertain, "2".to_owned()),
            (false, Uncertain, "2".to_owned()),
            (true, Canceled, "0".to_owned()),
            (false, Canceled, "0".to_owned()),
        ]
    );
    let (first, second) = (
        next(&mut heard).await.unwrap(),
        next(&mut heard).await.unwrap(),
    );
    assert!(matches!(&first.event, Some(Event::Order(order)) if order.cl_ord_id == "1"));
    let Some(Event::Config(config)) = second.event else {
        panic!("{second:?}")
    };
    assert_eq!(config.kind(), pb::ConfigKind::OrderResolved);
    assert_eq!(first.sequence, second.sequence);
    assert!(!config.actor.is_empty() && !config.reason.is_empty());
    let unknown = stage.admin.resolve_order(resolve("2", "0")).await;
    assert_eq!(why(unknown), (Code::NotFound, "UNKNOWN_ORDER".to_owned()));
    let less = stage.admin.resolve_order(resolve("1", "-1")).await;
    assert_eq!(fields(less), ["filled_quantity.value"]);
}
