//! The edge: the only code that knows tonic and prost. It turns messages into values and values into messages, and asks the engine in
//! between. It decides nothing: two amounts of which one is a limit are never compared here.

use std::sync::Arc;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::pb::gateway_service_server::GatewayServiceServer;
use crate::server::{ANSWER_MAX, Drain};

pub mod convert;
pub mod gateway;
pub mod session;

use self::session::Sessions;

/// What every service works with. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The clock.
    pub clock: Arc<Clock>,
    /// The stop.
    pub drain: Drain,
    /// Sessions that can be resumed.
    pub sessions: Sessions,
}

impl Gate {
    /// A gate to an engine.
    #[must_use]
    pub fn new(engine: Arc<Engine>, clock: Arc<Clock>, drain: Drain) -> Self {
        Self {
            engine,
            clock,
            drain,
            sessions: Sessions::default(),
        }
    }

    /// Every service of the contract; messages of requests are read up to `message_max` bytes.
    #[must_use]
    pub fn routes(&self, message_max: usize) -> tonic::service::Routes {
        let gateway = GatewayServiceServer::new(gateway::Gateway::new(self.clone()));
        tonic::service::Routes::default().add_service(
            gateway
                .max_decoding_message_size(message_max)
                .max_encoding_message_size(ANSWER_MAX),
        )
    }
}
