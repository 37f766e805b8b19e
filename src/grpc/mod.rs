//! The edge: the only code that knows tonic and prost. It turns messages into values and values into messages, and asks the engine in
//! between. It decides nothing: two amounts of which one is a limit are never compared here.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::time::Now;
use crate::engine::Engine;
use crate::pb::admin_service_server::AdminServiceServer;
use crate::pb::gateway_service_server::GatewayServiceServer;
use crate::pb::market_data_service_server::MarketDataServiceServer;
use crate::pb::monitor_service_server::MonitorServiceServer;
use crate::server::{ANSWER_MAX, Drain, Readiness};

pub mod admin;
pub mod convert;
pub mod feed;
pub mod gateway;
pub mod market;
pub mod monitor;
pub mod session;

use self::convert::monitor::Page;
use self::feed::Feed;
use self::session::Sessions;

/// What every service works with. A handle: clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    /// Decides.
    pub engine: Arc<Engine>,
    /// Read once for each call.
    pub clock: Arc<Clock>,
    /// What may still be done.
    pub drain: Drain,
    /// Whether everything is loaded.
    pub readiness: Readiness,
    /// Where watchers hear of what happened.
    pub feed: Feed,
    /// When the gateway started.
    pub started: Now,
    /// Sessions that can be resumed.
    pub sessions: Sessions,
}

impl Gate {
    /// The gate of an engine that starts now.
    #[must_use]
    pub fn new(engine: Arc<Engine>, clock: Arc<Clock>, drain: Drain, readiness: Readiness) -> Self {
        let started = clock.now();
        Self {
            engine,
            clock,
            drain,
            readiness,
            feed: Feed::default(),
            started,
            sessions: Sessions::default(),
        }
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.readiness.is_complete() && !self.drain.is_draining()
    }

    /// Every service of the contract; messages of requests are read up to `message_max` bytes.
    #[must_use]
    pub fn routes(&self, message_max: usize) -> tonic::service::Routes {
        let gate = || self.clone();
        let gateway = GatewayServiceServer::new(gateway::Gateway::new(gate()));
        let admin = AdminServiceServer::new(admin::Admin { gate: gate() });
        let market = MarketDataServiceServer::new(market::MarketData { gate: gate() });
        let monitor = MonitorServiceServer::new(monitor::Monitor { gate: gate() });
        macro_rules! bounded {
            ($service:expr) => {
                $service
                    .max_decoding_message_size(message_max)
                    .max_encoding_message_size(ANSWER_MAX)
            };
        }
        tonic::service::Routes::default()
            .add_service(bounded!(gateway))
            .add_service(bounded!(admin))
            .add_service(bounded!(market))
            .add_service(bounded!(monitor))
    }
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
