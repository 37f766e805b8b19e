//! The edge: the only code that knows tonic and prost. It turns messages into values and values into messages, and asks the engine in
//! between. It decides nothing: two amounts of which one is a limit are never compared here.

pub mod admin;
pub mod convert;
pub mod feed;
pub mod gateway;
pub mod market;
pub mod monitor;
pub mod session;

use std::sync::Arc;

use tonic::service::Routes;
use tonic::{Code, Status};

use self::convert::monitor::Page;
use self::feed::Feed;
use self::gateway::Gateway;
use self::session::Sessions;
use crate::clock::Clock;
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::pb::admin_service_server::AdminServiceServer;
use crate::pb::market_data_service_server::MarketDataServiceServer;
use crate::pb::monitor_service_server::MonitorServiceServer;
use crate::pb::served::gateway_service_server::GatewayServiceServer;
use crate::server::{ANSWER_MAX, Drain, Readiness, Services};

/// What every service works with. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The clock, read once for each call.
    pub clock: Arc<Clock>,
    /// The stop.
    pub drain: Drain,
    /// Whether everything is loaded.
    pub readiness: Readiness,
    /// Where watchers hear of what happened.
    pub feed: Feed,
    /// Sessions that can be resumed.
    pub sessions: Sessions,
    /// When the gateway started.
    pub started: Now,
}

impl Gate {
    /// A gate to an engine that starts now.
    #[must_use]
    pub fn new(engine: Arc<Engine>, clock: Arc<Clock>, drain: Drain, readiness: Readiness) -> Self {
        let started = clock.now();
        let feed = Feed::default();
        engine.alarms.listen({
            let feed = feed.clone();
            move |alarm| feed.alarm(alarm)
        });
        Self {
            engine,
            clock,
            drain,
            readiness,
            feed,
            sessions: Sessions::default(),
            started,
        }
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness.is_complete() && !self.drain.is_draining()
    }

    /// Every service of the contract; messages of requests are read up to `message_max` bytes.
    #[must_use]
    pub fn services(&self, message_max: usize) -> Services<GatewayServiceServer<Gateway>> {
        let [for_admin, for_market, for_monitor] = [(); 3].map(|()| self.clone());
        let first = GatewayServiceServer::new(Gateway::new(self.clone()))
            .max_decoding_message_size(message_max)
            .max_encoding_message_size(ANSWER_MAX);
        let others = Routes::new(
            AdminServiceServer::new(admin::Admin { gate: for_admin })
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ANSWER_MAX),
        )
        .add_service(
            MarketDataServiceServer::new(market::MarketData { gate: for_market })
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ANSWER_MAX),
        )
        .add_service(
            MonitorServiceServer::new(monitor::Monitor { gate: for_monitor })
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ANSWER_MAX),
        );
        Services { first, others }
    }
}

/// How a stream of requests failed. tonic says OUT_OF_RANGE of a message that is larger than allowed; gRPC, and the contract,
/// RESOURCE_EXHAUSTED.
fn stream_failure(status: Status) -> Status {
    if status.code() == Code::OutOfRange {
        return Status::resource_exhausted(status.message());
    }
    status
}

/// One page of entries that come by ascending name, and the token of the next. Entries that `show` leaves out take no room.
fn page_of<S, T>(
    page: &Page,
    entries: impl Iterator<Item = (String, S)>,
    mut show: impl FnMut(S) -> Option<T>,
) -> (Vec<T>, String) {
    let (mut shown, mut last) = (Vec::new(), String::new());
    for (name, entry) in entries {
        if !is_after(&name, &page.token) {
            continue;
        }
        let Some(entry) = show(entry) else { continue };
        if shown.len() == page.size {
            return (shown, last);
        }
        shown.push(entry);
        last = name;
    }
    (shown, String::new())
}

/// Whether a name, part by part, comes after the one of a token. Nothing is before the empty token.
fn is_after(name: &str, token: &str) -> bool {
    token.is_empty() || name.split('/').gt(token.split('/'))
}
