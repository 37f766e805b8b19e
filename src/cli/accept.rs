//! `accept`: accepts the route of a rerouted order, so that it may be sent there.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use super::buckets::{order_json, order_state};
use super::client::{self, Connection, number};
use super::order::route_text;
use crate::pb;
use crate::pb::gateway_service_client::GatewayServiceClient;

/// Flags of `accept`.
#[derive(Clone, Debug, clap::Args)]
pub struct AcceptArgs {
    /// Decision of the answer, as `bulkhead order` shows it
    pub decision: String,
    /// Client that owns the order
    #[arg(long, default_value = "command-line")]
    pub client: String,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Accepts a route.
///
/// # Errors
/// What stands in the way of it.
pub fn run(args: &AcceptArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut gateway = GatewayServiceClient::new(args.connection.open().await?);
        let request = pb::AcceptRouteRequest {
            client_id: args.client.clone(),
            decision_id: args.decision.clone(),
        };
        let answer = gateway.accept_route(request).await?.into_inner();
        let until = client::time(answer.reservation_expires_at.as_ref());
        if args.connection.json {
            client::print(&json!({
                "order": answer.order.as_ref().map(order_json),
                "reservation_expires_at": until,
                "replayed": answer.replayed,
                "sequence": answer.sequence,
            }))?;
        } else {
            let order = answer.order.unwrap_or_default();
            let route = order.route.as_ref().map(route_text).unwrap_or_default();
            client::say(&format!(
                "{}  {} of client {}{}\n  send {} to {route}",
                order_state(&order),
                order.cl_ord_id,
                order.client_id,
                if answer.replayed { "  (before)" } else { "" },
                number(order.leaves_quantity.as_ref()),
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
