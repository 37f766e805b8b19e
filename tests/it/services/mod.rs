//! Administration, market data and monitoring over the wire, against a server on a free port.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod baskets;
mod buckets;
mod control;
mod firm;
mod market;
mod monitor;
mod moves;

use std::sync::Arc;
use std::time::Duration;

use bulkhead::clock::Clock;
use bulkhead::domain::name::OwnerId;
use bulkhead::domain::order::{Order, OrderKey, Side};
use bulkhead::domain::report::ReportKind;
use bulkhead::engine::Engine;
use bulkhead::engine::setup::{BucketSetup, EngineSetup};
use bulkhead::grpc::Gate;
use bulkhead::grpc::feed::Request as Asked;
use bulkhead::pb;
use bulkhead::pb::admin_service_client::AdminServiceClient;
use bulkhead::pb::gateway_service_client::GatewayServiceClient;
use bulkhead::pb::market_data_service_client::MarketDataServiceClient;
use bulkhead::pb::monitor_service_client::MonitorServiceClient;
use bulkhead::server::{CLOSE_WAIT, Drain, Readiness};
use tokio::time::timeout;
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

    /// The same with these owners of limits.
    async fn owned(owners: Vec<OwnerId>) -> Self {
        let buckets = ["b", "a", "c"].map(|name| bucket(name, Some("desk"), limits()));
        let mut setup = EngineSetup::new(id("USD"));
        setup.owners = owners;
        Self::made(setup, buckets.to_vec()).await
    }

    async fn with(buckets: Vec<BucketSetup>) -> Self {
        Self::made(EngineSetup::new(id("USD")), buckets).await
    }

    async fn made(setup: EngineSetup, buckets: Vec<BucketSetup>) -> Self {
        let engine = Engine::new(
            setup,
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
