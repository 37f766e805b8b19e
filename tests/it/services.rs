//! Administration, market data and monitoring over the wire, against a server on a free port.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::Arc;
use std::time::Duration;

use bulkhead::clock::Clock;
use bulkhead::domain::decision::Reason;
use bulkhead::domain::order::{Order, OrderKey, Side};
use bulkhead::domain::report::ReportKind;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{BucketSetup, EngineSetup};
use bulkhead::grpc::Gate;
use bulkhead::grpc::feed::{BACKLOG, Request as Asked};
use bulkhead::pb;
use bulkhead::pb::admin_service_client::AdminServiceClient;
use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::market_data_service_client::MarketDataServiceClient;
use bulkhead::pb::monitor_service_client::MonitorServiceClient;
use bulkhead::pb::session_response::Payload as Answer;
use bulkhead::pb::watch_response::Event;
use bulkhead::server::{CLOSE_WAIT, Drain, Readiness};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::server::running::{PATIENCE, Running, connect, settings};
use crate::support::{bucket, fill, firm, id, limits, order, perpetual, report};

/// A server of an engine with buckets `a`, `b` and `c` under one desk, and BTC and ETH at 100.
struct Stage {
    gate: Gate,
    running: Running,
    admin: AdminServiceClient<Channel>,
    gateway: GatewayServiceClient<Channel>,
    market: MarketDataServiceClient<Channel>,
    monitor: MonitorServiceClient<Channel>,
}

impl Stage {
    async fn new() -> Self {
        let buckets = ["b", "a", "c"].map(|name| bucket(name, Some("desk"), limits()));
        Self::with(buckets.to_vec()).await
    }

    async fn with(buckets: Vec<BucketSetup>) -> Self {
        let engine = Engine::new(
            EngineSetup::new(id("USD")),
            firm(),
            buckets,
            vec![perpetual("ETH"), perpetual("BTC")],
        )
        .unwrap();
        let drain = Drain::new();
        let (readiness, latch) = Readiness::new();
        drop(latch);
        let clock = Arc::new(Clock::new());
        let gate = Gate::new(Arc::new(engine), clock, drain.clone(), readiness);
        let mut settings = settings();
        settings.drain_grace = Duration::from_millis(50);
        let services = {
            let (gate, limit) = (gate.clone(), settings.max_message_bytes);
            move || gate.services(limit)
        };
        let mut running = Running::loading(settings, CLOSE_WAIT, drain, services).await;
        running.loaded();
        let channel = connect(running.address).await;
        let mut stage = Self {
            gate,
            running,
            admin: AdminServiceClient::new(channel.clone()),
            gateway: GatewayServiceClient::new(channel.clone()),
            market: MarketDataServiceClient::new(channel.clone()),
            monitor: MonitorServiceClient::new(channel),
        };
        let marks = vec![stage.mark("BTC", "100"), stage.mark("ETH", "100")];
        let pushed = stage
            .market
            .push_marks(pb::PushMarksRequest { marks })
            .await;
        assert_eq!(pushed.unwrap().into_inner().results, [1, 1]);
        stage
    }

    fn time(&self) -> Option<prost_types::Timestamp> {
        let wall = self.gate.clock.now().wall;
        Some(prost_types::Timestamp {
            seconds: wall / 1_000_000_000,
            nanos: i32::try_from(wall % 1_000_000_000).unwrap(),
        })
    }

    fn mark(&self, instrument: &str, price: &str) -> pb::Mark {
        pb::Mark {
            instrument_id: instrument.to_owned(),
            mark: dec(price),
            source_time: self.time(),
            ..Default::default()
        }
    }

    fn rate(&self, base: &str, quote: &str, bid: &str, ask: &str) -> pb::Rate {
        pb::Rate {
            base_currency: base.to_owned(),
            quote_currency: quote.to_owned(),
            bid: dec(bid),
            ask: dec(ask),
            source_time: self.time(),
            ..Default::default()
        }
    }

    /// Decides an order in the engine, as the order path does.
    fn decide(&self, order: &Order) {
        let now = self.gate.clock.now();
        let answer = self.gate.engine.decide(order, now, false).unwrap();
        self.gate.feed.decision(Asked::Order(order), &answer, 7);
    }

    fn fill(&self, cl_ord_id: &str, exec: &str) {
        let now = self.gate.clock.now();
        let told = report(cl_ord_id, exec, ReportKind::Trade(fill("1", "100")));
        let receipt = self.gate.engine.report(&told, now);
        self.gate.feed.report(&told, &receipt, now);
    }

    async fn status(&mut self, name: &str) -> pb::BucketStatus {
        let bucket_id = name.to_owned();
        let request = pb::GetBucketStatusRequest { bucket_id };
        let answer = self.monitor.get_bucket_status(request).await.unwrap();
        answer.into_inner().bucket.unwrap()
    }

    async fn live(&mut self, request: pb::ListLiveOrdersRequest) -> (Vec<String>, String) {
        let answer = self.monitor.list_live_orders(request).await.unwrap();
        let answer = answer.into_inner();
        let names = answer.orders.iter().map(|it| it.cl_ord_id.clone());
        (names.collect(), answer.next_page_token)
    }

    async fn halt(&mut self, scope: pb::ControlScope) -> Result<pb::HaltResponse, Status> {
        let request = pb::HaltRequest {
            scope: Some(scope),
            state: pb::TradingState::Halted.into(),
            context: context(),
        };
        Ok(self.admin.halt(request).await?.into_inner())
    }
}

fn dec(text: &str) -> Option<pb::Decimal> {
    Some(pb::Decimal {
        value: text.to_owned(),
    })
}

fn context() -> Option<pb::ChangeContext> {
    Some(pb::ChangeContext {
        actor: "anna".to_owned(),
        reason: "a test".to_owned(),
    })
}

fn of_bucket(name: &str) -> pb::ControlScope {
    pb::ControlScope {
        scope: Some(pb::control_scope::Scope::BucketId(name.to_owned())),
    }
}

fn of_group(name: &str) -> pb::ControlScope {
    pb::ControlScope {
        scope: Some(pb::control_scope::Scope::GroupId(name.to_owned())),
    }
}

fn in_usd() -> pb::Limits {
    pb::Limits {
        currency: "USD".to_owned(),
        ..Default::default()
    }
}

fn spec(name: &str) -> pb::BucketSpec {
    pb::BucketSpec {
        bucket_id: name.to_owned(),
        group_id: "desk".to_owned(),
        accounts: vec![pb::VenueAccount {
            venue_id: "X".to_owned(),
            account_id: format!("{name}-x"),
        }],
        limits: Some(in_usd()),
        ..Default::default()
    }
}

fn create(bucket: pb::BucketSpec) -> pb::CreateBucketRequest {
    pb::CreateBucketRequest {
        bucket: Some(bucket),
        context: context(),
    }
}

fn opening(instrument: &str, quantity: &str, price: &str) -> pb::OpeningPosition {
    pb::OpeningPosition {
        instrument_id: instrument.to_owned(),
        venue_id: "X".to_owned(),
        account_id: String::new(),
        quantity: dec(quantity),
        average_price: dec(price),
    }
}

fn load(name: &str, positions: Vec<pb::OpeningPosition>) -> pb::LoadPositionsRequest {
    pb::LoadPositionsRequest {
        bucket_id: name.to_owned(),
        positions,
        context: context(),
    }
}

/// Code and reason of a refusal.
fn why<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    let reason = status.get_details_error_info().unwrap().reason;
    (status.code(), reason)
}

/// The fields that a refusal names.
fn fields<T: std::fmt::Debug>(result: Result<T, Status>) -> Vec<String> {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let wrong = status.get_details_bad_request().unwrap().field_violations;
    wrong.into_iter().map(|it| it.field).collect()
}

async fn next<T>(stream: &mut Streaming<T>) -> Option<T> {
    let message = timeout(PATIENCE, stream.message()).await.unwrap();
    message.unwrap()
}

fn order_of(bucket: &str, client: &str, cl_ord_id: &str, quantity: &str) -> Order {
    let mut order = order(cl_ord_id, Side::Buy, quantity, "100");
    order.bucket = id(bucket);
    order.key = OrderKey {
        client: id(client),
        cl_ord_id: id(cl_ord_id),
    };
    order
}

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

#[tokio::test]
async fn marks_and_rates_are_taken_one_by_one() {
    let mut stage = Stage::new().await;
    let crossed = pb::Mark {
        bid: dec("2"),
        ask: dec("1"),
        ..stage.mark("BTC", "100")
    };
    let marks = vec![stage.mark("XYZ", "1"), crossed, stage.mark("BTC", "101")];
    let answer = stage
        .market
        .push_marks(pb::PushMarksRequest { marks })
        .await;
    let answer = answer.unwrap().into_inner();
    let results: Vec<_> = answer.results().collect();
    use pb::MarketDataStatus::{Accepted, Crossed, NotPositive, UnknownInstrument};
    assert_eq!(results, [UnknownInstrument, Crossed, Accepted]);
    assert_eq!(answer.version, stage.gate.engine.market.version());
    let rates = vec![
        stage.rate("EUR", "USD", "1.1", "1.2"),
        stage.rate("EUR", "USD", "0", "1"),
    ];
    let answer = stage
        .market
        .push_rates(pb::PushRatesRequest { rates })
        .await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(
        answer.results().collect::<Vec<_>>(),
        [Accepted, NotPositive]
    );
    let bad = vec![stage.mark("BTC", "1e3")];
    assert_eq!(
        fields(
            stage
                .market
                .push_marks(pb::PushMarksRequest { marks: bad })
                .await
        ),
        ["marks[0].mark.value"]
    );
}

#[tokio::test]
async fn a_stream_of_marks_outlives_malformed_entries_and_ends_with_the_drain() {
    let mut stage = Stage::new().await;
    let (send, requests) = mpsc::channel(4);
    let stream = stage
        .market
        .stream_marks(ReceiverStream::new(requests))
        .await;
    let mut stream = stream.unwrap().into_inner();
    let mixed = pb::StreamMarksRequest {
        client_seq: 1,
        marks: vec![
            stage.mark("BTC", "102"),
            pb::Mark::default(),
            stage.mark("XYZ", "1"),
        ],
        rates: vec![
            stage.rate("EUR", "USD", "2", "1"),
            pb::Rate::default(),
            stage.rate("EUR", "USD", "1", "2"),
        ],
    };
    send.send(mixed).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!(answer.client_seq, 1);
    let refused: Vec<_> = answer
        .refused
        .iter()
        .map(|it| (it.index, it.id.as_str(), it.status()))
        .collect();
    use pb::MarketDataStatus::{Crossed, Malformed, UnknownInstrument};
    assert_eq!(
        refused,
        [
            (1, "", Malformed),
            (2, "XYZ", UnknownInstrument),
            (3, "EUR/USD", Crossed),
            (4, "", Malformed),
        ]
    );
    let told = |answer: &pb::StreamMarksResponse| {
        let error = answer.error.clone().unwrap_or_default();
        (error.code, error.reason, error.field)
    };
    let malformed = |field: &str| (3, "MALFORMED".to_owned(), field.to_owned());
    assert_eq!(told(&answer), malformed("marks[1].instrument_id"));
    let empty = pb::StreamMarksRequest {
        client_seq: 2,
        ..Default::default()
    };
    send.send(empty).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!((answer.client_seq, answer.refused.len()), (2, 0));
    assert_eq!(told(&answer), malformed("marks"));
    let good = pb::StreamMarksRequest {
        client_seq: 3,
        marks: vec![stage.mark("BTC", "103")],
        rates: Vec::new(),
    };
    send.send(good).await.unwrap();
    let answer = next(&mut stream).await.unwrap();
    assert_eq!((answer.client_seq, answer.error), (3, None));
    stage.running.signal();
    assert!(next(&mut stream).await.is_none());
    drop((
        stage.admin,
        stage.gateway,
        stage.market,
        stage.monitor,
        send,
    ));
    assert_eq!(stage.running.ended().await.unwrap().cut, 0);
}

#[tokio::test]
async fn a_stream_of_marks_outlives_bytes_that_are_no_message() {
    use prost::Message as _;
    let stage = Stage::new().await;
    let good = pb::StreamMarksRequest {
        client_seq: 8,
        marks: vec![stage.mark("BTC", "101")],
        rates: Vec::new(),
    };
    // Field 1 = 7, then a mark announcing five bytes of which one comes.
    let broken = vec![0x08, 7, 0x12, 5, 0x0a];
    let channel = connect(stage.running.address).await;
    let path = "/bulkhead.v1.MarketDataService/StreamMarks";
    let messages = vec![broken, good.encode_to_vec()];
    let mut answers = crate::server::raw::stream(channel, path, tokio_stream::iter(messages))
        .await
        .unwrap();
    let mut told = Vec::new();
    while let Some(answer) = next(&mut answers).await {
        let answer = pb::StreamMarksResponse::decode(answer.as_slice()).unwrap();
        told.push((answer.client_seq, answer.error.map(|error| error.reason)));
    }
    assert_eq!(told, [(7, Some("MALFORMED".to_owned())), (8, None)]);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_its_stream_after_the_answers_before_it() {
    use pb::session_request::Payload;
    let mut stage = Stage::new().await;
    let too_long = "x".repeat(settings().max_message_bytes);
    let (send, requests) = mpsc::channel(4);
    let stream = stage.market.stream_marks(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    let mut message = pb::StreamMarksRequest {
        client_seq: 1,
        marks: vec![stage.mark("BTC", "101")],
        rates: Vec::new(),
    };
    send.send(message.clone()).await.unwrap();
    message.marks[0].source = too_long.clone();
    send.send(message).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap().error, None);
    let ended = timeout(PATIENCE, stream.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::ResourceExhausted);

    let session = |seq: u64, payload| pb::SessionRequest {
        client_seq: seq,
        ack_server_seq: 0,
        payload: Some(payload),
    };
    let open = |resume_token: String| {
        let open = pb::SessionOpen {
            client_id: "c".to_owned(),
            resume_token,
            last_server_seq: 0,
        };
        session(0, Payload::Open(open))
    };
    let release = |seq, cl_ord_id: String| {
        let release = pb::ReleaseRequest {
            client_id: String::new(),
            cl_ord_id,
        };
        session(seq, Payload::Release(release))
    };
    let (send, requests) = mpsc::channel(4);
    let stream = stage.gateway.session(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    send.send(open(String::new())).await.unwrap();
    send.send(release(1, "o-1".to_owned())).await.unwrap();
    send.send(release(2, too_long)).await.unwrap();
    let Some(Answer::Opened(opened)) = next(&mut stream).await.unwrap().payload else {
        panic!("not open")
    };
    let Some(Answer::Release(_)) = next(&mut stream).await.unwrap().payload else {
        panic!("not released")
    };
    let ended = timeout(PATIENCE, stream.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Code::ResourceExhausted);

    let (send, requests) = mpsc::channel(4);
    let stream = stage.gateway.session(ReceiverStream::new(requests));
    let mut stream = stream.await.unwrap().into_inner();
    send.send(open(opened.resume_token)).await.unwrap();
    let Some(Answer::Opened(opened)) = next(&mut stream).await.unwrap().payload else {
        panic!("not open")
    };
    assert_eq!((opened.resumed, opened.last_client_seq), (true, 1));
    let again = next(&mut stream).await.unwrap();
    assert_eq!((again.client_seq, again.server_seq), (1, 1));
}

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
