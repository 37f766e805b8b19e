//! `resolve`: ends a live order by the word of a person who has asked the venue.

use std::io;
use std::process::ExitCode;

use serde_json::json;

use super::buckets::{order_json, order_state, side_name};
use super::client::{self, Connection, decimal, money, number};
use super::control::{change_json, context};
use crate::pb;
use crate::pb::admin_service_client::AdminServiceClient;

/// Flags of `resolve`.
#[derive(Clone, Debug, clap::Args)]
pub struct ResolveArgs {
    /// Order, by any id of its chain of replaces
    #[arg(value_name = "CLORDID")]
    pub order: String,
    /// Contracts filled in all, by the venue's count: the last word, also against reports
    #[arg(long, value_name = "QUANTITY", allow_hyphen_values = true)]
    pub filled: String,
    /// What the venue said
    #[arg(long)]
    pub reason: String,
    /// Client that owns the order
    #[arg(long, default_value = "command-line")]
    pub client: String,
    /// Who
    #[arg(long)]
    pub actor: Option<String>,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Ends a live order.
///
/// # Errors
/// What stands in the way of it.
pub fn run(args: &ResolveArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut admin = AdminServiceClient::new(args.connection.open().await?);
        let request = pb::ResolveOrderRequest {
            client_id: args.client.clone(),
            cl_ord_id: args.order.clone(),
            filled_quantity: Some(decimal(&args.filled)),
            context: context(args.actor.as_ref(), &args.reason),
        };
        let answer = admin.resolve_order(request).await?.into_inner();
        if args.connection.json {
            client::print(&json!({
                "change": change_json(answer.change.as_ref()),
                "order": answer.order.as_ref().map(order_json),
            }))?;
        } else {
            let order = answer.order.unwrap_or_default();
            let was_over = answer.change.is_none_or(|change| change.version == 0);
            client::say(&format!(
                "{}  {} of client {}{}\n  {} {} {}  filled {}  owed {}  reserved {}",
                order_state(&order),
                order.cl_ord_id,
                order.client_id,
                if was_over { "  (before)" } else { "" },
                side_name(order.side()),
                number(order.quantity.as_ref()),
                order.instrument_id,
                number(order.cum_quantity.as_ref()),
                number(order.owed_quantity.as_ref()),
                money(order.reserved.as_ref()),
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}
