//! `kills`: what was live when something was stopped, and what still is.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::buckets::{order_json, order_state, side_name};
use super::client::{self, Connection, Failure, counted, exact_money, money, number, short};
use super::control::{scope_text, state_json};
use crate::pb;
use crate::pb::monitor_service_client::MonitorServiceClient;

/// Entries asked for at a time.
const PAGE: u32 = 1_000;

/// Flags of `kills`.
#[derive(Clone, Debug, clap::Args)]
pub struct KillsArgs {
    /// One kill, with its orders that live; all kills where left out
    #[arg(value_name = "KILL")]
    pub kill: Option<String>,
    /// Only kills with orders that live
    #[arg(long)]
    pub unresolved: bool,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Shows kills.
///
/// # Errors
/// What stands in the way of it.
pub fn run(args: &KillsArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut monitor = MonitorServiceClient::new(args.connection.open().await?);
        if let Some(id) = &args.kill {
            let (kill, orders) = one(&mut monitor, id).await?;
            if args.connection.json {
                let orders: Vec<Value> = orders.iter().map(order_json).collect();
                client::print(&json!({ "kill": kill_json(&kill), "live_orders": orders }))?;
            } else {
                client::say(&table(&[kill]).to_string())?;
                client::say(&order_table(&orders).to_string())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let kills = all(&mut monitor, args.unresolved).await?;
        if args.connection.json {
            client::print(&Value::Array(kills.iter().map(kill_json).collect()))?;
        } else {
            client::say(&table(&kills).to_string())?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn one(
    monitor: &mut MonitorServiceClient<tonic::transport::Channel>,
    id: &str,
) -> Result<(pb::Kill, Vec<pb::OrderView>), Failure> {
    let (mut orders, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::GetKillRequest {
            kill_id: id.to_owned(),
            page_size: PAGE,
            page_token,
        };
        let page = monitor.get_kill(request).await?.into_inner();
        orders.extend(page.live_orders);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok((page.kill.unwrap_or_default(), orders));
        }
    }
}

async fn all(
    monitor: &mut MonitorServiceClient<tonic::transport::Channel>,
    unresolved_only: bool,
) -> Result<Vec<pb::Kill>, Failure> {
    let (mut kills, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListKillsRequest {
            unresolved_only,
            page_size: PAGE,
            page_token,
        };
        let page = monitor.list_kills(request).await?.into_inner();
        kills.extend(page.kills);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(kills);
        }
    }
}

fn table(kills: &[pb::Kill]) -> comfy_table::Table {
    let header = [
        "kill", "scope", "status", "orders", "live", "residual", "who", "why",
    ];
    let mut table = client::table(&header, &[3, 4, 5]);
    for kill in kills {
        let state = kill.state.clone().unwrap_or_default();
        table.add_row([
            kill.kill_id.clone(),
            scope_text(kill.scope.as_ref()),
            status_name(kill).to_owned(),
            kill.orders.to_string(),
            kill.live.to_string(),
            residual(kill),
            state.actor,
            state.reason,
        ]);
    }
    table
}

fn order_table(orders: &[pb::OrderView]) -> comfy_table::Table {
    let header = [
        "client",
        "order",
        "state",
        "side",
        "leaves",
        "instrument",
        "holds",
    ];
    let mut table = client::table(&header, &[4, 6]);
    for order in orders {
        table.add_row([
            order.client_id.clone(),
            order.cl_ord_id.clone(),
            order_state(order).to_owned(),
            side_name(order.side()).to_owned(),
            number(order.leaves_quantity.as_ref()),
            order.instrument_id.clone(),
            money(order.reserved.as_ref()),
        ]);
    }
    table
}

/// What lives of a kill, in one line.
#[must_use]
pub fn kill_text(kill: &pb::Kill) -> String {
    format!(
        "{:<10}  {}  {} of {} live  holding {}",
        status_name(kill),
        scope_text(kill.scope.as_ref()),
        kill.live,
        counted(kill.orders, "order"),
        residual(kill),
    )
}

fn residual(kill: &pb::Kill) -> String {
    let held: Vec<String> = kill.residual.iter().map(|it| money(Some(it))).collect();
    if held.is_empty() {
        "none".to_owned()
    } else {
        held.join(", ")
    }
}

fn status_name(kill: &pb::Kill) -> &'static str {
    short(kill.status().as_str_name(), "KILL_STATUS_")
}

/// A kill for machines.
#[must_use]
pub fn kill_json(kill: &pb::Kill) -> Value {
    let residual: Vec<Value> = kill
        .residual
        .iter()
        .map(|it| exact_money(Some(it)))
        .collect();
    let ended = kill.ended.iter().map(|it| {
        let name = short(it.state().as_str_name(), "ORDER_STATE_");
        (name.to_owned(), Value::from(it.count))
    });
    json!({
        "kill": kill.kill_id,
        "scope": scope_text(kill.scope.as_ref()),
        "state": state_json(kill.state.as_ref()),
        "client": (!kill.client_id.is_empty()).then_some(&kill.client_id),
        "status": status_name(kill),
        "orders": kill.orders,
        "ended": ended.collect::<serde_json::Map<_, _>>(),
        "live": kill.live,
        "residual": residual,
        "unresolved_at": client::time(kill.unresolved_at.as_ref()),
        "resolved_at": client::time(kill.resolved_at.as_ref()),
    })
}
