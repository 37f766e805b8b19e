//! `watch`: decisions, reports and changes as they happen, a line each.

use std::io;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::buckets::{order_json, order_state, side_name};
use super::client::{self, Connection, counted, exact, exact_money, number, short};
use super::control::{scope_text, state_json, state_name};
use super::kills::{kill_json, kill_text};
use super::order::{self, outcome_name, route_text};
use crate::pb;
use crate::pb::monitor_service_client::MonitorServiceClient;
use crate::pb::watch_response::Event;
use crate::replay::message::reason_name;

/// Flags of `watch`.
#[derive(Clone, Debug, clap::Args)]
pub struct WatchArgs {
    /// Only events of this bucket; may be given several times
    #[arg(long)]
    pub bucket: Vec<String>,
    /// Only events of buckets below this group
    #[arg(long)]
    pub group: Option<String>,
    /// Only events of this client
    #[arg(long)]
    pub client: Option<String>,
    /// End after so many events
    #[arg(long)]
    pub count: Option<u64>,
    /// Which gateway, and how to show its answer.
    #[command(flatten)]
    pub connection: Connection,
}

/// Watches until it is interrupted or the gateway stops.
///
/// # Errors
/// What stands in the way of it.
pub fn run(args: &WatchArgs) -> io::Result<ExitCode> {
    client::run(args.connection.json, async {
        let mut monitor = MonitorServiceClient::new(args.connection.open().await?);
        let request = pb::WatchRequest {
            bucket_ids: args.bucket.clone(),
            group_id: args.group.clone().unwrap_or_default(),
            client_id: args.client.clone().unwrap_or_default(),
            ..pb::WatchRequest::default()
        };
        let mut events = monitor.watch(request).await?.into_inner();
        if !args.connection.json {
            eprintln!("watching {}", args.connection.address);
        }
        let mut left = args.count.unwrap_or(u64::MAX);
        while left > 0
            && let Some(event) = events.message().await?
        {
            left = left.saturating_sub(1);
            match args.connection.json {
                // One document a line, so that it can be read as it comes.
                true => client::say(&to_json(&event).to_string())?,
                false => client::say(&to_text(&event))?,
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The time of day is enough on a screen.
fn clock(event: &pb::WatchResponse) -> String {
    let time = client::time(event.time.as_ref()).unwrap_or_default();
    let time = time.split_once('T').map_or("", |(_, time)| time);
    time.get(..12).unwrap_or(time).to_owned()
}

fn to_text(event: &pb::WatchResponse) -> String {
    let what = match &event.event {
        Some(Event::Decision(event)) => decision_text(event),
        Some(Event::Report(event)) => report_text(event),
        Some(Event::Order(order)) => format!(
            "ORDER     {}/{}  {}",
            order.client_id,
            order.cl_ord_id,
            order_state(order)
        ),
        Some(Event::State(event)) => {
            let after = event.after.clone().unwrap_or_default();
            let before = state_name(event.before());
            format!(
                "STATE     {}  {before} → {}  by {}: {}",
                scope_text(event.scope.as_ref()),
                state_name(after.state()),
                after.actor,
                after.reason
            )
        }
        Some(Event::Config(event)) => format!(
            "CONFIG    {} {}  version {}  by {}: {}",
            short(event.kind().as_str_name(), "CONFIG_KIND_"),
            event.id,
            event.version,
            event.actor,
            event.reason
        ),
        Some(Event::Kill(kill)) => format!("KILL      {}", kill_text(kill)),
        Some(Event::Missed(missed)) => format!(
            "MISSED    {}: this watcher is too slow",
            counted(missed.count, "event")
        ),
        None => "an event of a kind that is not known here".to_owned(),
    };
    let bucket = match event.bucket_id.as_str() {
        "" => "-",
        bucket => bucket,
    };
    format!("{:<12}  {bucket:<12}  {what}", clock(event))
}

fn decision_text(event: &pb::DecisionEvent) -> String {
    let decision = event.decision.clone().unwrap_or_default();
    let price = match &event.price {
        Some(price) => format!(" @ {}", number(Some(price))),
        None => String::new(),
    };
    let mut text = format!(
        "{:<8}  {}/{}  {} {} {}{price}",
        outcome_name(decision.outcome()),
        decision.client_id,
        decision.cl_ord_id,
        side_name(event.side()),
        number(event.quantity.as_ref()),
        event.instrument_id,
    );
    match (&decision.route, decision.outcome()) {
        (Some(route), pb::Outcome::Rerouted) => {
            text.push_str(&format!("  → {}", route_text(route)));
        }
        (Some(route), _) => {
            text.push_str(&format!("  via {}/{}", route.venue_id, route.account_id));
        }
        (None, _) => {}
    }
    let broken = decision.breaches.iter().chain(&decision.because);
    let reasons: Vec<_> = broken.map(|breach| reason_name(breach.reason)).collect();
    if !reasons.is_empty() {
        text.push_str("  ");
        text.push_str(&reasons.join(", "));
    }
    let shadow = decision.shadow_breaches.iter();
    let shadow: Vec<_> = shadow.map(|breach| reason_name(breach.reason)).collect();
    if !shadow.is_empty() {
        text.push_str("  in shadow ");
        text.push_str(&shadow.join(", "));
    }
    text
}

fn flags(result: &pb::ReportResult) -> Vec<&'static str> {
    result
        .flags()
        .map(|flag| short(flag.as_str_name(), "REPORT_FLAG_"))
        .collect()
}

fn report_text(event: &pb::ReportEvent) -> String {
    let result = event.result.clone().unwrap_or_default();
    let mut text = format!(
        "REPORT    {}/{}  {}",
        event.client_id,
        event.cl_ord_id,
        short(event.exec_type().as_str_name(), "EXEC_TYPE_")
    );
    if let (Some(quantity), Some(price)) = (&event.last_quantity, &event.last_price) {
        text.push_str(&format!(
            " {} @ {}",
            number(Some(quantity)),
            number(Some(price))
        ));
    }
    if let Some(order) = &result.order {
        text.push_str("  ");
        text.push_str(order_state(order));
    }
    if let Some(position) = &result.position {
        text.push_str(&format!(
            "  position {} {}",
            number(position.quantity.as_ref()),
            position.instrument_id
        ));
    }
    let flags = flags(&result);
    if !flags.is_empty() {
        text.push_str("  ");
        text.push_str(&flags.join(", "));
    }
    text
}

fn to_json(event: &pb::WatchResponse) -> Value {
    let (kind, what) = match &event.event {
        Some(Event::Decision(event)) => (
            "decision",
            json!({
                "decision": event.decision.as_ref().map(order::to_json),
                "bucket": event.bucket_id,
                "instrument": event.instrument_id,
                "side": side_name(event.side()),
                "order_type": short(event.order_type().as_str_name(), "ORDER_TYPE_"),
                "quantity": exact(event.quantity.as_ref()),
                "price": exact(event.price.as_ref()),
            }),
        ),
        Some(Event::Report(event)) => {
            let result = event.result.clone().unwrap_or_default();
            (
                "report",
                json!({
                    "client": event.client_id,
                    "cl_ord_id": event.cl_ord_id,
                    "exec_type": short(event.exec_type().as_str_name(), "EXEC_TYPE_"),
                    "last_quantity": exact(event.last_quantity.as_ref()),
                    "last_price": exact(event.last_price.as_ref()),
                    "status": short(result.status().as_str_name(), "REPORT_STATUS_"),
                    "flags": flags(&result),
                    "order": result.order.as_ref().map(order_json),
                    "position": result.position.as_ref().map(|position| json!({
                        "instrument": position.instrument_id,
                        "quantity": exact(position.quantity.as_ref()),
                        "exposure": exact_money(position.exposure.as_ref()),
                    })),
                    "realized_pnl": exact_money(result.realized_pnl.as_ref()),
                }),
            )
        }
        Some(Event::Order(order)) => ("order", order_json(order)),
        Some(Event::State(event)) => (
            "state",
            json!({
                "scope": scope_text(event.scope.as_ref()),
                "before": state_name(event.before()),
                "after": state_json(event.after.as_ref()),
            }),
        ),
        Some(Event::Config(event)) => (
            "config",
            json!({
                "kind": short(event.kind().as_str_name(), "CONFIG_KIND_"),
                "id": event.id,
                "version": event.version,
                "actor": event.actor,
                "reason": event.reason,
            }),
        ),
        Some(Event::Kill(kill)) => ("kill", kill_json(kill)),
        Some(Event::Missed(missed)) => ("missed", json!({ "count": missed.count })),
        None => ("unknown", Value::Null),
    };
    json!({
        "sequence": event.sequence,
        "time": client::time(event.time.as_ref()),
        "bucket": event.bucket_id,
        "event": kind,
        kind: what,
    })
}
